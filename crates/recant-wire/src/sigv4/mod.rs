//! AWS Signature Version 4: one canonicalisation, used for signing and for verifying.
//!
//! Answers two questions: which headers make this request a signed one ([`sign()`]), and is this request signed by
//! the holder of this key ([`Authorization`])? Both go through [`canonical`], so what this client signs this
//! plane verifies, and the official test vectors hold both to what AWS does.
//!
//! What it deliberately does not do: look keys up, decide what a key may do, read a clock, hash a body that is
//! still streaming. Requests signed in the query ("presigned") are refused; so are bodies that are not signed.
//!
//! Source: IAM User Guide, "Create a signed AWS API request" (cited below as *SigV4 step n*).

use std::fmt;

use http::HeaderMap;
use recant_core::entry::Hash;

pub mod canonical;
pub mod date;
mod sign;
mod verify;

pub use sign::{ServiceScope, sign};
pub use verify::{AuthError, Authorization, Incomplete, Mismatch, VerifyOptions};

/// The service name that CloudFront's requests are signed for.
pub const SERVICE: &str = "cloudfront";

/// The only algorithm spoken here.
pub const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// A header field as it stands in the request: the name in any case, the value as bytes.
pub type Header<'a> = (&'a str, &'a [u8]);

/// What a signature covers, borrowed from a request.
#[derive(Clone, Copy, Debug)]
pub struct SignableRequest<'a> {
    /// `GET`, `POST`, …
    pub method: &'a str,
    /// The path as sent, percent-encoded, without query.
    pub path: &'a str,
    /// The query as sent, without `?`; empty when there is none.
    pub query: &'a str,
    /// All header fields, `host` among them.
    pub headers: &'a [Header<'a>],
    /// The hash of the whole body.
    pub body_hash: Hash,
}

/// The fields of a [`HeaderMap`] as [`SignableRequest::headers`] takes them.
pub fn headers_of(map: &HeaderMap) -> Vec<Header<'_>> {
    map.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect()
}

/// An access key, with the session token of a temporary one.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Which key; not secret.
    pub access_key_id: String,
    /// The secret half.
    pub secret_access_key: String,
    /// What temporary credentials carry besides.
    pub session_token: Option<String>,
}

impl fmt::Debug for Credentials {
    /// Shows the id only, so that no log can show more.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}
