//! The name of one request, in the caller's answer and in the log.

use std::fmt;

use http::HeaderValue;

use crate::random;

/// A random UUID (RFC 9562 section 5.4), as `x-amzn-requestid` carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RequestId(String);

impl RequestId {
    /// A new one.
    pub(super) fn new() -> Self {
        Self(random::uuid())
    }

    /// The id as text.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The id as a header's value.
    pub(super) fn header(&self) -> HeaderValue {
        HeaderValue::from_str(&self.0).expect("hexadecimal digits and hyphens are a header value")
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
