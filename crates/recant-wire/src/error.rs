//! The document of an error, both ways.
//!
//! Which code means which status is the model's ([`model::error`](crate::model::error)) or the plane's; what a client
//! makes of a response without such a document is the client's.

use http::StatusCode;

use crate::model::NAMESPACE;
use crate::xml::{self, DECLARATION, Element};

/// `<ErrorResponse>`: what a failed call answers with.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ErrorDocument {
    /// `Sender` if the caller is to blame, else `Receiver`.
    pub fault: String,
    /// As in the API: `NoSuchDistribution`.
    pub code: String,
    /// For the caller's eyes.
    pub message: String,
    /// Of the request that failed; empty if the document does not say.
    pub request_id: String,
}

impl ErrorDocument {
    /// Makes the document of an error with that status.
    pub fn new(status: StatusCode, code: &str, message: &str, request_id: &str) -> ErrorDocument {
        let fault = if status.is_server_error() { "Receiver" } else { "Sender" };
        let [fault, code, message, request_id] = [fault, code, message, request_id].map(str::to_owned);
        ErrorDocument { fault, code, message, request_id }
    }

    /// Spells the document: the plane. What no document can hold, as a message may that repeats what was sent, becomes
    /// U+FFFD.
    pub fn to_xml(&self) -> String {
        let [fault, code, message, request_id] = [&self.fault, &self.code, &self.message, &self.request_id]
            .map(|text| text.replace(|char| !xml::is_legal(char), "\u{fffd}"))
            .map(|text| quick_xml::escape::partial_escape(text).into_owned());
        format!(
            "{DECLARATION}<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>{fault}</Type><Code>{code}</Code>\
             <Message>{message}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        )
    }

    /// Reads a document: the client. `<Error>` may be the root as well.
    ///
    /// `None` if the body is not XML. What is not as it should be reads as it does with the AWS SDKs: well-formed XML that is no error
    /// (an HTML page) gives empty strings, as does what is there twice or has elements of its own; an empty element gives `None` by name,
    /// and a root `<Error>` without a code gives `Unknown`.
    pub fn read(body: &[u8]) -> Option<ErrorDocument> {
        let root = Element::read(body).ok()?;
        let root_is_error = root.name == "Error";
        let nothing = Element::default();
        let error = match root.named("Error").as_slice() {
            _ if root_is_error => &root,
            [error] => error,
            _ => &nothing,
        };
        let text = |name, absent: &str| match error.named(name).as_slice() {
            [] => absent.to_owned(),
            [only] if only.children.is_empty() && only.text.is_empty() => "None".to_owned(),
            [only] if only.children.is_empty() => only.text.clone(),
            _ => String::new(),
        };
        let absent = if root_is_error { "Unknown" } else { "" };
        let request_id = root.named("RequestId").first().map(|id| id.text.clone()).unwrap_or_default();
        Some(ErrorDocument {
            fault: text("Type", ""),
            code: text("Code", absent),
            message: text("Message", absent),
            request_id,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_cloudfront_spells_it() {
        let error = ErrorDocument::new(StatusCode::BAD_REQUEST, "InvalidArgument", "a < b & \"c\"", "uuid");
        let text = error.to_xml();
        assert_eq!(
            text,
            "<?xml version=\"1.0\"?>\n<ErrorResponse xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\"><Error>\
             <Type>Sender</Type><Code>InvalidArgument</Code><Message>a &lt; b &amp; \"c\"</Message></Error>\
             <RequestId>uuid</RequestId></ErrorResponse>"
        );
        assert_eq!(ErrorDocument::read(text.as_bytes()), Some(error));
        assert_eq!(ErrorDocument::new(StatusCode::SERVICE_UNAVAILABLE, "", "", "").fault, "Receiver");
    }

    #[test]
    fn what_xml_cannot_hold_is_replaced() {
        let error = ErrorDocument::new(StatusCode::BAD_REQUEST, "C", "a\u{1}b\tc\u{ffff}", "r");
        let read = ErrorDocument::read(error.to_xml().as_bytes()).unwrap();
        assert_eq!(read.message, "a\u{fffd}b\tc\u{fffd}");
    }

    #[test]
    fn what_others_send() {
        let check = |body: &str, expected: Option<[&str; 3]>| {
            let read = ErrorDocument::read(body.as_bytes());
            let read = read.as_ref().map(|error| [&*error.code, &*error.message, &*error.request_id]);
            assert_eq!(read, expected, "{body}");
        };
        check(
            "<Error><Message>m</Message><Code>C</Code><RequestId>r</RequestId></Error>",
            Some(["C", "m", "r"]),
        );
        check("<html><body>Forbidden</body></html>", Some(["", "", ""]));
        check("<ErrorResponse/>", Some(["", "", ""]));
        check(
            "<ErrorResponse><Error><Code/><Message>m</Message></Error></ErrorResponse>",
            Some(["None", "m", ""]),
        );
        check(
            "<ErrorResponse><Error><Code>A</Code><Code>B</Code></Error></ErrorResponse>",
            Some(["", "", ""]),
        );
        check("<Error><Code>A</Code></Error>", Some(["A", "Unknown", ""]));
        check("<ErrorResponse><Error><Code>C</Code></Error>", None);
        check("{\"code\": 1}", None);
        check("", None);
    }
}
