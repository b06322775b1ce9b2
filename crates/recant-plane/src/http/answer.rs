//! Between HTTP and documents: inputs in, outputs and errors out, each with its request id.
//!
//! The spelling is `recant-wire`'s; here are the headers that every answer has, and the words for a body that cannot be
//! read.

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderName, HeaderValue, StatusCode};
use recant_wire::document::Document;
use recant_wire::error::ErrorDocument;
use recant_wire::model::{Operation, Route};
use recant_wire::request::{self, RequestError};
use recant_wire::response;
use recant_wire::xml::XmlError;
use serde_json::Value;

use super::request_id::RequestId;
use crate::error::{ApiError, excerpt};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");

/// The operation's input, out of the request line, the headers and the body.
///
/// # Errors
/// [`ApiError::MalformedXml`] for an empty or unreadable body, [`ApiError::InvalidArgument`] for a member that the operation does not
/// have, and for a parameter that is not of its kind or holds a character that no text here may have.
pub(super) fn decode(route: &Route, parts: &Parts, body: &[u8]) -> Result<Document, ApiError> {
    request::decode(route.operation, &route.labels, parts.uri.query(), &parts.headers, body).map_err(
        |error| match error {
            RequestError::Body(error @ XmlError::Unknown { .. }) => {
                ApiError::InvalidArgument(format!("{error}."))
            }
            RequestError::Body(error) => ApiError::MalformedXml(format!("The XML is not valid: {error}.")),
            RequestError::Value { name, expected, found } => ApiError::InvalidArgument(format!(
                "{name}: {expected} expected, '{}' found.",
                excerpt(&found)
            )),
            error @ RequestError::Character { .. } => ApiError::InvalidArgument(format!("{error}.")),
        },
    )
}

/// The answer of an operation that did what it was asked.
///
/// # Errors
/// [`ApiError::Internal`] for an output that is not of the operation's shape, which is a bug.
pub(super) fn success(
    operation: &Operation,
    output: &Document,
    id: &RequestId,
) -> Result<Response, ApiError> {
    let response = response::encode(operation, output).map_err(|error| {
        tracing::error!(operation = operation.name, %error, "an operation's output has not the operation's shape");
        ApiError::Internal
    })?;
    let mut response = response.map(Body::from);
    response.headers_mut().insert(REQUEST_ID, id.header());
    Ok(response)
}

/// The answer to a request that is refused, in XML.
pub(super) fn error(error: &ApiError, id: &RequestId) -> Response {
    let (code, status) = error.code();
    let document = ErrorDocument::new(status, code, &error.to_string(), id.as_str());
    let mut response = Response::new(Body::from(document.to_xml()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    refused(response, error, id)
}

/// The answer to a request that is refused, in JSON.
pub(super) fn json_error(error: &ApiError, id: &RequestId) -> Response {
    let (code, status) = error.code();
    let body = serde_json::json!({ "Code": code, "Message": error.to_string(), "RequestId": id.as_str() });
    refused(json(status, Some(&body), id), error, id)
}

/// An answer in JSON, which ends its line; without a body when there is nothing to say.
pub(super) fn json(status: StatusCode, value: Option<&Value>, id: &RequestId) -> Response {
    let mut response = match value {
        None => Response::new(Body::empty()),
        Some(value) => {
            let mut response = Response::new(Body::from(format!("{value}\n")));
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(CONTENT_TYPE, json);
            response
        }
    };
    *response.status_mut() = status;
    response.headers_mut().insert(REQUEST_ID, id.header());
    response
}

/// What every refusal has, however it is spelled.
fn refused(mut response: Response, error: &ApiError, id: &RequestId) -> Response {
    response.headers_mut().insert(REQUEST_ID, id.header());
    if let Some(wait) = error.retry_after() {
        // Whole seconds, and never too few.
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
