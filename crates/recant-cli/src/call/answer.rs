//! What one exchange came to: a result, an error of the service, or nothing.

use std::time::Duration;

use recant_wire::document::Document;
use recant_wire::error::ErrorDocument;
use recant_wire::python;

use crate::environment::Environment;
use crate::transport::{Failure, Reply};
use crate::{debug, input, retry};

/// What one exchange came to.
#[derive(Debug)]
pub(crate) enum Answer {
    /// A reply with a result.
    Reply(Reply),
    /// An error of the service.
    Refused {
        /// The status.
        status: u16,
        /// The error's code, as the service spelled it.
        code: String,
        /// The service's own words.
        message: String,
        /// When the service wants to be asked again.
        retry_after: Option<Duration>,
    },
    /// No whole reply.
    None {
        /// The user's text.
        message: String,
        /// Whether another attempt may get one.
        is_transient: bool,
    },
}

impl Answer {
    /// What an exchange came to. The URL is for the messages only.
    pub(crate) fn of(environment: &mut dyn Environment, exchange: Result<Reply, Failure>, url: &str) -> Self {
        log_answer(environment, &exchange);
        match exchange {
            Ok(reply) if (200..300).contains(&reply.status) => Self::Reply(reply),
            Ok(reply) => {
                let (code, message) = error_of(&reply);
                let retry_after = retry::after(&reply.headers);
                Self::Refused { status: reply.status, code, message, retry_after }
            }
            Err(failure) => {
                Self::None { message: failure.message(url), is_transient: retry::is_transient(&failure) }
            }
        }
    }
}

fn log_answer(environment: &mut dyn Environment, answer: &Result<Reply, Failure>) {
    match answer {
        Ok(reply) => {
            debug::line(environment, "botocore.parsers", || format!("Response headers: {:?}", reply.headers));
            debug::line(environment, "botocore.parsers", || {
                format!("Response body:\n{}", python::repr(&Document::Blob(reply.body.clone())))
            });
        }
        Err(failure) => {
            debug::line(environment, "botocore.endpoint", || {
                format!("Exception received when sending HTTP request: {failure:?}")
            });
        }
    }
}

/// Code and message of an error answer, also of one that is no error document.
pub(crate) fn error_of(reply: &Reply) -> (String, String) {
    // A page of something that stands before the service: not looked into, even if it were XML.
    let body = reply.body.trim_ascii();
    let is_page = reply.status >= 500 && (body.is_empty() || body.starts_with(b"<html>"));
    match ErrorDocument::read(&reply.body).filter(|_| !is_page) {
        Some(document) => (document.code, document.message),
        None => json_error_of(reply)
            .unwrap_or_else(|| (reply.status.to_string(), reason(reply.status).to_owned())),
    }
}

/// Code and message of an error in Recant's own API.
fn json_error_of(reply: &Reply) -> Option<(String, String)> {
    let kind = reply.headers.get(http::header::CONTENT_TYPE)?;
    let document = input::json::parse(std::str::from_utf8(&reply.body).ok()?).ok();
    let document = document.filter(|_| kind == "application/json")?;
    let text = |member| document.get(member).and_then(Document::as_str).map(str::to_owned);
    Some((text("Code")?, text("Message")?))
}

/// The reason of a status as Python 3.11 has it, which keeps some of RFC 2616's words.
fn reason(status: u16) -> &'static str {
    match status {
        413 => "Request Entity Too Large",
        414 => "Request-URI Too Long",
        416 => "Requested Range Not Satisfiable",
        418 => "I'm a Teapot",
        _ => http::StatusCode::from_u16(status)
            .ok()
            .and_then(|status| status.canonical_reason())
            .unwrap_or_default(),
    }
}
