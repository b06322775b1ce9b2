//! One API request, from its head to its answer.
//!
//! The order of checks is a decision (DESIGN.md section 9 "API"): what the head says about the signature (form, key,
//! time), the size, the body's hash, the signature, the policy; only then is what is asked judged. So nobody
//! without a key learns anything about what is here, and nothing that a stranger sends is parsed.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::request::Parts;
use recant_wire::model::{Operation, Route, route};

use super::exchange::{Exchange, Received};
use super::request_id::RequestId;
use super::{Shared, answer, body};
use crate::error::{ApiError, excerpt};
use crate::ops;
use crate::store::Store;

/// Answers whatever no other route answers.
pub(super) async fn handle<S: Store>(State(shared): State<Arc<Shared<S>>>, request: Request) -> Response {
    let mut exchange = Exchange::new();
    let (parts, mut body) = request.into_parts();
    let (response, code) = match answer(&shared, &parts, &mut body, &mut exchange).await {
        Ok(response) => (response, ""),
        Err(error) => {
            body::discard(&parts.headers, &mut body).await;
            (answer::error(&error, &exchange.id), error.code().0)
        }
    };
    exchange.log(&response, code);
    response
}

/// Answers a method that a route of ours does not take.
pub(super) async fn method_not_allowed() -> Response {
    answer::error(&ApiError::MethodNotAllowed, &RequestId::new())
}

async fn answer<S: Store>(
    shared: &Shared<S>,
    parts: &Parts,
    body: &mut Body,
    exchange: &mut Exchange,
) -> Result<Response, ApiError> {
    let path = parts.uri.path();
    let found = route(&parts.method, path, parts.uri.query());
    if let Some(found) = &found {
        exchange.action = format!("cloudfront:{}", found.operation.name);
        exchange.tenant = tenant_of(found);
    }

    let operation = found.as_ref().map(|found| found.operation);
    let received =
        exchange.receive(shared, parts, body).await.map_err(|error| for_operation(error, operation))?;
    shared.aside.run(received.body_bytes(), answer_received(shared, parts, found, received, exchange)).await
}

/// Answers a request whose body is here.
async fn answer_received<S: Store>(
    shared: &Shared<S>,
    parts: &Parts,
    found: Option<Route>,
    received: Received,
    exchange: &mut Exchange,
) -> Result<Response, ApiError> {
    let bytes = exchange.authenticate(shared, parts, received).await?;
    let Some(found) = found else {
        let path = parts.uri.path();
        return Err(ApiError::UnknownOperation(format!("{} {}", parts.method, excerpt(path))));
    };
    let context = &shared.context;
    let head = answer::decode(&found, parts, &[])?;
    // A body that cannot be read names nothing; the caller learns that only if he may do this at all.
    let input = answer::decode(&found, parts, &bytes).and_then(ops::resources::bounded);
    // What is made of it takes enough room.
    drop(bytes);
    let subjects = ops::resources::of(context, &found, &head, input.as_ref().ok()).await?;
    exchange.admit(shared, parts, &subjects).await?;

    ops::offered(found.operation)?;
    let output = ops::perform(context, found.operation, &input?, &subjects).await?;
    answer::success(found.operation, &output, &exchange.id)
}

/// An invalidation batch that is too long has a code of its own in the model.
fn for_operation(error: ApiError, operation: Option<&Operation>) -> ApiError {
    let declares = |code| operation.is_some_and(|it| it.errors.iter().any(|error| error.code == code));
    match error {
        ApiError::RequestEntityTooLarge { .. } if declares("BatchTooLarge") => {
            ApiError::BatchTooLarge(error.to_string())
        }
        error => error,
    }
}

fn tenant_of(route: &Route) -> Option<String> {
    let of_tenant = route.operation.uri.contains("/distribution-tenant/");
    let label = ["DistributionTenantId", "Identifier", "Id"].iter().find_map(|name| route.labels.get(name));
    label.filter(|_| of_tenant).map(excerpt)
}
