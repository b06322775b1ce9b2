//! The document of an error, both ways.
//!
//! Which code means which status is the model's ([`model::error`](crate::model::error)) or the plane's; what a client
//! makes of a response without such a document is the client's.

use http::StatusCode;

use crate::document::Document;
use crate::model::build::{member, scalar, structure};
use crate::model::{Kind, NAMESPACE, Shape};
use crate::xml::{self, DECLARATION};

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
    /// `None` if the body is not XML. Well-formed XML that is no error (an HTML page) gives empty strings, as it does with
    /// the AWS SDKs.
    pub fn read(body: &[u8]) -> Option<ErrorDocument> {
        let mut root_is_error = false;
        let choose = |root: &str| {
            root_is_error = root == "Error";
            Ok(if root_is_error { &ERROR } else { &ERROR_RESPONSE })
        };
        let document = xml::decode_by_root(body, false, choose).ok()?;
        let error = if root_is_error { Some(&document) } else { document.get("Error") };
        let text = |from: Option<&Document>, name| {
            from.and_then(|from| from.get(name)?.as_str()).unwrap_or_default().to_owned()
        };
        Some(ErrorDocument {
            fault: text(error, "Type"),
            code: text(error, "Code"),
            message: text(error, "Message"),
            request_id: text(Some(&document), "RequestId"),
        })
    }
}

/// botocore's model does not hold these two.
static ERROR_RESPONSE: Shape =
    structure("ErrorResponse", &[member("Error", "error", &ERROR), member("RequestId", "request-id", &TEXT)]);
static ERROR: Shape = structure(
    "Error",
    &[
        member("Type", "type", &TEXT),
        member("Code", "code", &TEXT),
        member("Message", "message", &TEXT),
        member("RequestId", "request-id", &TEXT),
    ],
);
static TEXT: Shape = scalar("string", Kind::String);

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
        check("<ErrorResponse><Error><Code>C</Code></Error>", None);
        check("{\"code\": 1}", None);
        check("", None);
    }
}
