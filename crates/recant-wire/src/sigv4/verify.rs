//! Verifying, in the order of DESIGN.md section 9 "API": form, key, time, scope, signed headers, body, signature.
//!
//! The key is looked up between the two steps: [`Authorization::parse`] says which key signed, and
//! [`Authorization::verify`] is given its secret. [`Authorization::check_head`] is the part of the second step that
//! needs neither secret nor body, so that a request that is refused anyway need not be read to its end.

use std::time::Duration;

use http::StatusCode;
use recant_core::limits::CLOCK_SKEW_DEFAULT;
use recant_core::time::WallTime;
use subtle::ConstantTimeEq;

use super::canonical::{PathSpelling, canonical_request, hex, signature, string_to_sign};
use super::date::AmzDate;
use super::{ALGORITHM, Header, SERVICE, SignableRequest};

/// What a verifier insists on besides a right signature.
#[derive(Clone, Copy, Debug)]
pub struct VerifyOptions<'a> {
    /// The service that requests must be signed for.
    pub service: &'a str,
    /// How that service wants paths spelled.
    pub spelling: PathSpelling,
    /// The one region accepted; any, when there is none.
    pub region: Option<&'a str>,
    /// How far a request's date may be off, each way.
    pub skew: Duration,
    /// The session token that belongs to the key. A request with another one, or with one where none belongs, is refused.
    pub session_token: Option<&'a str>,
}

impl Default for VerifyOptions<'_> {
    fn default() -> Self {
        Self {
            service: SERVICE,
            spelling: PathSpelling::CLOUDFRONT,
            region: None,
            skew: CLOCK_SKEW_DEFAULT,
            session_token: None,
        }
    }
}

/// Why a request is not accepted. The text is for the caller and never holds anything secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// The request is not signed at all.
    #[error("Request is missing Authentication Token")]
    MissingAuthenticationToken,
    /// The signature's form is wrong.
    #[error("{0}")]
    IncompleteSignature(Incomplete),
    /// The key is not known, or the session token is not its own. The plane answers this when it does not find the key.
    #[error("The security token included in the request is invalid.")]
    InvalidClientTokenId,
    /// The signature is for another request, time, scope or key.
    #[error("{0}")]
    SignatureDoesNotMatch(Mismatch),
}

impl AuthError {
    /// The error code, as AWS gives it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::MissingAuthenticationToken => "MissingAuthenticationToken",
            Self::IncompleteSignature(_) => "IncompleteSignature",
            Self::InvalidClientTokenId => "InvalidClientTokenId",
            Self::SignatureDoesNotMatch(_) => "SignatureDoesNotMatch",
        }
    }

    /// The status, as AWS gives it (CloudFront API Reference, "Common Errors").
    pub fn status(&self) -> StatusCode {
        match self {
            Self::IncompleteSignature(_) => StatusCode::BAD_REQUEST,
            _ => StatusCode::FORBIDDEN,
        }
    }
}

/// What is wrong with a signature's form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Incomplete {
    /// The query carries a signature.
    #[error("Requests signed in the query string are not accepted here; sign the Authorization header.")]
    Presigned,
    /// A header that decides about the signature appears more than once.
    #[error("The '{0}' header must appear only once.")]
    Duplicate(&'static str),
    /// Another algorithm, or bytes that are not text.
    #[error("Authorization header must start with '{ALGORITHM}'.")]
    Algorithm,
    /// A parameter is missing.
    #[error("Authorization header requires '{0}' parameter.")]
    MissingParameter(&'static str),
    /// A parameter is unknown, or is there twice.
    #[error(
        "Authorization header holds something other than 'Credential', 'SignedHeaders' and 'Signature', each once."
    )]
    OddParameter,
    /// The credential is not made of five parts that end in `aws4_request`.
    #[error(
        "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/aws4_request."
    )]
    Credential,
    /// The list of signed headers is not lower-case, sorted and free of duplicates.
    #[error("'SignedHeaders' must list lower-case header names in order, each once.")]
    SignedHeaders,
    /// `X-Amz-Date` is missing.
    #[error("Authorization header requires existence of a 'X-Amz-Date' header.")]
    MissingDate,
    /// `X-Amz-Date` cannot be read.
    #[error("Date must be in ISO-8601 'basic format', e.g. 20150830T123600Z.")]
    Date,
}

/// What a signature does not match.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// The date is too far in the past.
    #[error("Signature expired: {signed} is now earlier than {limit} ({now} - {} sec.)", skew.as_secs())]
    Expired {
        /// The request's date.
        signed: AmzDate,
        /// The earliest date accepted.
        limit: AmzDate,
        /// The verifier's date.
        now: AmzDate,
        /// The tolerance.
        skew: Duration,
    },
    /// The date is too far in the future.
    #[error("Signature not yet current: {signed} is still later than {limit} ({now} + {} sec.)", skew.as_secs())]
    NotYetCurrent {
        /// The request's date.
        signed: AmzDate,
        /// The latest date accepted.
        limit: AmzDate,
        /// The verifier's date.
        now: AmzDate,
        /// The tolerance.
        skew: Duration,
    },
    /// The scope's day is not the day of `X-Amz-Date`.
    #[error("Date in Credential scope does not match YYYYMMDD from 'X-Amz-Date': it should be '{0}'.")]
    Day(String),
    /// The scope names another region than the pinned one.
    #[error("Credential should be scoped to a valid region: '{0}'.")]
    Region(String),
    /// The scope names another service.
    #[error("Credential should be scoped to correct service: '{0}'.")]
    Service(String),
    /// A header that must be signed is not.
    #[error("'{0}' must be a 'SignedHeader' in the AWS Authorization.")]
    NotSigned(String),
    /// A header that is said to be signed is not there.
    #[error("The signed header '{0}' is not in the request.")]
    NotSent(String),
    /// `X-Amz-Content-SHA256` asks for a body that is not signed as a whole.
    #[error("Unsigned and streaming payloads are not accepted here; sign the whole body.")]
    UnsignedPayload,
    /// `X-Amz-Content-SHA256` is not the body's hash.
    #[error("The provided 'x-amz-content-sha256' header does not match what was computed.")]
    Body,
    /// The signature is another one.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
         Access Key and signing method. Consult the service documentation for details."
    )]
    Signature,
}

impl From<Incomplete> for AuthError {
    fn from(why: Incomplete) -> Self {
        Self::IncompleteSignature(why)
    }
}

impl From<Mismatch> for AuthError {
    fn from(why: Mismatch) -> Self {
        Self::SignatureDoesNotMatch(why)
    }
}

/// A signature in the right form, by whom it says it is; nothing about it is verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    access_key_id: String,
    day: String,
    region: String,
    service: String,
    signed_headers: Vec<String>,
    signature: String,
    date: AmzDate,
    session_token: Option<String>,
}

impl Authorization {
    /// Reads what the header fields (and the query, which must not) say about the signature.
    ///
    /// # Errors
    /// [`AuthError::MissingAuthenticationToken`] without a signature, [`AuthError::IncompleteSignature`] for one in a
    /// wrong form: also in the query, doubled, or with another algorithm.
    pub fn parse(headers: &[Header<'_>], query: &str) -> Result<Self, AuthError> {
        // A request with credentials in both places has no one meaning, so the query is looked at first.
        if is_presigned(query) {
            return Err(Incomplete::Presigned.into());
        }
        let value = only(headers, "authorization")?.ok_or(AuthError::MissingAuthenticationToken)?;
        let value = std::str::from_utf8(value).map_err(|_| Incomplete::Algorithm)?;
        let parameters = match value.trim().split_once(' ') {
            Some((ALGORITHM, parameters)) => Parameters::parse(parameters)?,
            _ => return Err(Incomplete::Algorithm.into()),
        };

        let elements: Vec<&str> = parameters.credential.split('/').collect();
        let [access_key_id, day, region, service, "aws4_request"] = elements[..] else {
            return Err(Incomplete::Credential.into());
        };
        let signed_headers: Vec<String> = parameters.signed_headers.split(';').map(String::from).collect();
        let is_name = |name: &String| !name.is_empty() && !name.bytes().any(|b| b.is_ascii_uppercase());
        if !signed_headers.iter().all(is_name) || !signed_headers.is_sorted_by(|a, b| a < b) {
            return Err(Incomplete::SignedHeaders.into());
        }
        let date = only(headers, "x-amz-date")?.ok_or(Incomplete::MissingDate)?;
        let date = std::str::from_utf8(date).ok().and_then(|date| AmzDate::parse(date.trim()));
        let session_token = only(headers, "x-amz-security-token")?;
        for decisive in ["host", "x-amz-content-sha256"] {
            only(headers, decisive)?;
        }
        Ok(Self {
            access_key_id: access_key_id.into(),
            day: day.into(),
            region: region.into(),
            service: service.into(),
            signed_headers,
            signature: parameters.signature.into(),
            date: date.ok_or(Incomplete::Date)?,
            session_token: session_token.map(|token| String::from_utf8_lossy(token).into_owned()),
        })
    }

    /// The id of the key that signed, as the request says.
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// The region the request is signed for, as it says.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// When the request was signed, as it says.
    pub fn date(&self) -> AmzDate {
        self.date
    }

    /// Checks all that needs neither the secret nor the body: time, scope, and that everything that must be signed
    /// is said to be.
    ///
    /// # Errors
    /// [`AuthError::SignatureDoesNotMatch`], or [`AuthError::InvalidClientTokenId`] for a session token that is not
    /// the key's.
    pub fn check_head(
        &self,
        headers: &[Header<'_>],
        now: WallTime,
        options: &VerifyOptions<'_>,
    ) -> Result<(), AuthError> {
        if self.session_token.as_deref() != options.session_token {
            return Err(AuthError::InvalidClientTokenId);
        }
        self.check_time(now, options.skew)?;
        self.check_scope(options)?;
        self.check_signed_headers(headers)?;
        Ok(())
    }

    /// Checks that the holder of this secret signed this request, whole.
    ///
    /// # Errors
    /// Those of [`Self::check_head`], and [`AuthError::SignatureDoesNotMatch`] when the body or anything else that
    /// is signed is not what was signed.
    pub fn verify(
        &self,
        request: &SignableRequest<'_>,
        secret: &str,
        now: WallTime,
        options: &VerifyOptions<'_>,
    ) -> Result<(), AuthError> {
        self.check_head(request.headers, now, options)?;
        check_body(request)?;
        let signed: Vec<&str> = self.signed_headers.iter().map(String::as_str).collect();
        let canonical = canonical_request(request, &signed, options.spelling);
        let string = string_to_sign(self.date, &self.region, &self.service, &canonical);
        let expected = signature(secret, self.date, &self.region, &self.service, &string);
        // In constant time, so that the time an answer takes tells nothing about the expected signature.
        if bool::from(expected.as_bytes().ct_eq(self.signature.as_bytes())) {
            Ok(())
        } else {
            Err(Mismatch::Signature.into())
        }
    }

    fn check_time(&self, now: WallTime, skew: Duration) -> Result<(), Mismatch> {
        let (signed, now) = (self.date, AmzDate::of(now));
        let skew_millis = i64::try_from(skew.as_millis()).unwrap_or(i64::MAX);
        let shifted =
            |by: i64| AmzDate::of(WallTime::from_millis(now.wall_time().millis().saturating_add(by)));
        let (earliest, latest) = (shifted(-skew_millis), shifted(skew_millis));
        if signed < earliest {
            Err(Mismatch::Expired { signed, limit: earliest, now, skew })
        } else if signed > latest {
            Err(Mismatch::NotYetCurrent { signed, limit: latest, now, skew })
        } else {
            Ok(())
        }
    }

    fn check_scope(&self, options: &VerifyOptions<'_>) -> Result<(), Mismatch> {
        if self.day != self.date.day() {
            return Err(Mismatch::Day(self.date.day()));
        }
        if let Some(region) = options.region.filter(|region| *region != self.region) {
            return Err(Mismatch::Region(region.into()));
        }
        if self.service != options.service {
            return Err(Mismatch::Service(options.service.into()));
        }
        Ok(())
    }

    fn check_signed_headers(&self, headers: &[Header<'_>]) -> Result<(), Mismatch> {
        let is_signed = |name: &str| self.signed_headers.iter().any(|signed| signed == name);
        if !is_signed("host") {
            return Err(Mismatch::NotSigned("host".into()));
        }
        for (name, _) in headers {
            let name = name.to_ascii_lowercase();
            if name.starts_with("x-amz-") && !is_signed(&name) {
                return Err(Mismatch::NotSigned(name));
            }
        }
        let is_sent = |signed: &&String| headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(signed));
        match self.signed_headers.iter().find(|signed| !is_sent(signed)) {
            Some(absent) => Err(Mismatch::NotSent(absent.clone())),
            None => Ok(()),
        }
    }
}

/// The three parameters of an `Authorization` header.
struct Parameters<'a> {
    credential: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl<'a> Parameters<'a> {
    fn parse(text: &'a str) -> Result<Self, Incomplete> {
        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        for parameter in text.split(',').map(str::trim).filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').ok_or(Incomplete::OddParameter)?;
            let slot = match name {
                "Credential" => &mut credential,
                "SignedHeaders" => &mut signed_headers,
                "Signature" => &mut signature,
                _ => return Err(Incomplete::OddParameter),
            };
            if slot.replace(value).is_some() {
                return Err(Incomplete::OddParameter);
            }
        }
        Ok(Self {
            credential: credential.ok_or(Incomplete::MissingParameter("Credential"))?,
            signed_headers: signed_headers.ok_or(Incomplete::MissingParameter("SignedHeaders"))?,
            signature: signature.ok_or(Incomplete::MissingParameter("Signature"))?,
        })
    }
}

/// The one value of a header; nothing when it is not there.
fn only<'a>(headers: &[Header<'a>], name: &'static str) -> Result<Option<&'a [u8]>, Incomplete> {
    let mut values = headers.iter().filter(|(candidate, _)| candidate.eq_ignore_ascii_case(name));
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(Incomplete::Duplicate(name)),
        (value, None) => Ok(value.map(|(_, value)| *value)),
    }
}

fn is_presigned(query: &str) -> bool {
    query.split('&').any(|parameter| {
        let name = parameter.split_once('=').map_or(parameter, |(name, _)| name);
        let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy();
        ["x-amz-algorithm", "x-amz-credential", "x-amz-signature"].contains(&&*name.to_ascii_lowercase())
    })
}

fn check_body(request: &SignableRequest<'_>) -> Result<(), Mismatch> {
    let claims = request.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("x-amz-content-sha256"));
    for (_, claimed) in claims {
        let claimed = claimed.trim_ascii();
        if claimed.starts_with(b"UNSIGNED-") || claimed.starts_with(b"STREAMING-") {
            return Err(Mismatch::UnsignedPayload);
        }
        if claimed != hex(&request.body_hash.0).as_bytes() {
            return Err(Mismatch::Body);
        }
    }
    Ok(())
}
