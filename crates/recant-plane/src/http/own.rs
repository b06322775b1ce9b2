//! One request of our own API, from its head to its answer: `/recant/v1/…`, JSON both ways.
//!
//! The order of checks is that of CloudFront's API ([`super::api`]). An error is `{"Code": …, "Message": …, "RequestId": …}` with
//! the same codes and statuses.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::request::Parts;
use recant_wire::document::{Document, Members};
use serde_json::Value;

use super::exchange::{Exchange, Received};
use super::{Shared, answer, body, events, json};
use crate::config_check::characters;
use crate::error::{ApiError, excerpt};
use crate::ops::own::{self, OwnOperation};
use crate::ops::resources::Subject;
use crate::store::Store;

/// Answers what stands under `/recant/v1/` and is no edge's.
pub(super) async fn handle<S: Store>(State(shared): State<Arc<Shared<S>>>, request: Request) -> Response {
    let mut exchange = Exchange::new();
    let (parts, mut body) = request.into_parts();
    let (response, code) = match answer(&shared, &parts, &mut body, &mut exchange).await {
        Ok(response) => (response, ""),
        Err(error) => {
            body::discard(&parts.headers, &mut body).await;
            (answer::json_error(&error, &exchange.id), error.code().0)
        }
    };
    exchange.log(&response, code);
    response
}

async fn answer<S: Store>(
    shared: &Arc<Shared<S>>,
    parts: &Parts,
    body: &mut Body,
    exchange: &mut Exchange,
) -> Result<Response, ApiError> {
    let found = own::route(&parts.method, parts.uri.path());
    exchange.action = found.as_ref().map_or_else(String::new, |(operation, _)| operation.action());
    let received = exchange.receive(shared, parts, body).await?;
    shared.aside.run(received.body_bytes(), answer_received(shared, parts, found, received, exchange)).await
}

/// Answers a request whose body is here.
async fn answer_received<S: Store>(
    shared: &Arc<Shared<S>>,
    parts: &Parts,
    found: Option<(&OwnOperation, Members)>,
    received: Received,
    exchange: &mut Exchange,
) -> Result<Response, ApiError> {
    let bytes = exchange.authenticate(shared, parts, received).await?;
    let Some((operation, labels)) = found else {
        let line = format!("{} {}", parts.method, excerpt(parts.uri.path()));
        return Err(ApiError::UnknownOwnOperation(line));
    };
    // Before anything is looked up by them.
    characters(&Document::Structure(labels.clone()))?;
    let subject = operation.resource(&shared.context, &labels).await?;
    exchange.admit(shared, parts, &[Subject::of(subject)]).await?;

    let input = input(operation, labels, parts, &bytes)?;
    if operation.name == events::NAME {
        return events::open(shared, parts, &input, exchange.caller().clone());
    }
    let output = own::perform(&shared.context, shared.admission.options(), operation, &input).await?;
    Ok(answer::json(operation.success, output.map(Value::from).as_ref(), &exchange.id))
}

/// One structure of the path's labels, the query's parameters and the body's members.
fn input(
    operation: &OwnOperation,
    labels: Members,
    parts: &Parts,
    body: &[u8],
) -> Result<Document, ApiError> {
    let mut input = labels;
    let query = parts.uri.query().unwrap_or_default().split('&').filter(|parameter| !parameter.is_empty());
    let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let parameters = query.map(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        (decoded(name), Document::String(decoded(value)))
    });
    operation.add_members(&mut input, parameters)?;
    if !body.is_empty() {
        let wrong = |why: String| ApiError::InvalidArgument(format!("The body is no JSON object: {why}."));
        match json::decode(body).map_err(|error| wrong(error.to_string()))? {
            Document::Structure(members) => operation.add_members(&mut input, members)?,
            _ => return Err(wrong("it is JSON of another kind".to_owned())),
        }
    }
    let input = Document::Structure(input);
    characters(&input)?;
    Ok(input)
}
