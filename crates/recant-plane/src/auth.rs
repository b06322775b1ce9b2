//! Who asks: the key that signed a request, and whether it signed this one.
//!
//! In the order of DESIGN.md section 9 "API". [`Keys::claim`] looks at the head alone (form, key, time, scope), so
//! that nobody makes the plane read a body who could not be let in anyway; [`Keys::verify`] judges body and signature.
//! What a key may do is decided elsewhere; in this version every known key may do everything.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use http::request::Parts;
use recant_core::entry::Hash;
use recant_core::time::WallTime;
use recant_wire::sigv4::{AuthError, Authorization, Credentials, SignableRequest, VerifyOptions, headers_of};

/// The keys that may sign, and what else is asked of a signature.
pub(crate) struct Keys {
    /// Whether an unsigned request is refused.
    required: bool,
    /// How far a request's date may be off.
    skew: Duration,
    /// The one region that requests must be signed for; any without.
    region: Option<String>,
    by_id: HashMap<String, Credentials>,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Nobody signed, and nobody had to.
    Anyone,
    /// The holder of the key with this id.
    Key(String),
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anyone => f.write_str("-"),
            Self::Key(id) => f.write_str(id),
        }
    }
}

/// What the head of a request says about its signer; not yet believed.
pub(crate) struct Claim<'k> {
    authorization: Authorization,
    credentials: &'k Credentials,
    now: WallTime,
}

impl Keys {
    /// These keys, asked for as the options say.
    pub(crate) fn new(
        keys: impl IntoIterator<Item = Credentials>,
        required: bool,
        skew: Duration,
        region: Option<String>,
    ) -> Self {
        let by_id = keys.into_iter().map(|key| (key.access_key_id.clone(), key)).collect();
        Self { required, skew, region, by_id }
    }

    /// Reads the signature's form, finds its key, and checks its time and scope.
    ///
    /// Nothing comes back where signatures are not required: then they are not looked at, right or wrong.
    ///
    /// # Errors
    /// [`AuthError`] for the first of these that is not right.
    pub(crate) fn claim(&self, parts: &Parts, now: WallTime) -> Result<Option<Claim<'_>>, AuthError> {
        if !self.required {
            return Ok(None);
        }
        let headers = headers_of(&parts.headers);
        let authorization = Authorization::parse(&headers, parts.uri.query().unwrap_or_default())?;
        let credentials =
            self.by_id.get(authorization.access_key_id()).ok_or(AuthError::InvalidClientTokenId)?;
        authorization.check_head(&headers, now, &self.options(credentials))?;
        Ok(Some(Claim { authorization, credentials, now }))
    }

    /// Checks that the claim's key signed this request with this body.
    ///
    /// # Errors
    /// [`AuthError::SignatureDoesNotMatch`].
    pub(crate) fn verify(&self, claim: &Claim<'_>, parts: &Parts, body: &[u8]) -> Result<Caller, AuthError> {
        let request = SignableRequest {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or_default(),
            headers: &headers_of(&parts.headers),
            body_hash: Hash::of(body),
        };
        // The moment of arrival, not of the last byte: a slow body does not make a signature expire.
        let options = self.options(claim.credentials);
        claim.authorization.verify(&request, &claim.credentials.secret_access_key, claim.now, &options)?;
        Ok(Caller::Key(claim.credentials.access_key_id.clone()))
    }

    fn options<'a>(&'a self, credentials: &'a Credentials) -> VerifyOptions<'a> {
        VerifyOptions {
            region: self.region.as_deref(),
            skew: self.skew,
            session_token: credentials.session_token.as_deref(),
            ..VerifyOptions::default()
        }
    }
}
