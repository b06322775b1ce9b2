//! Who asks: the key that signed a request, and whether it signed this one.
//!
//! In the order of DESIGN.md section 9 "API". [`Keys::claim`] looks at the head alone (form, key, time, scope), so
//! that nobody makes the plane read a body who could not be let in anyway; [`Keys::verify`] judges body and signature.
//! What a key may do is [`crate::admission`]'s to ask.
//!
//! There is one root key, which is in the data folder and may do everything; all others are in the store, each with its
//! policy, and are looked up for every request, so that a key that was disabled or removed lets nobody in from then on.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use recant_core::access::{Access, Policy};
use recant_core::entry::Hash;
use recant_core::time::WallTime;
use recant_wire::sigv4::{
    AuthError, Authorization, Credentials, Header, SignableRequest, VerifyOptions, headers_of,
};

use crate::error::ApiError;
use crate::store::{KeyRecord, Store};

/// The root key, and what is asked of a signature besides being right.
pub(crate) struct Keys {
    /// Whether an unsigned request is refused.
    required: bool,
    /// How far a request's date may be off.
    skew: Duration,
    /// The one region that requests must be signed for; any without.
    region: Option<String>,
    root: Credentials,
}

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) enum Caller {
    /// Nobody signed, and nobody had to.
    Anyone,
    /// The holder of the root key.
    Root(String),
    /// The holder of this key.
    Key(Arc<KeyRecord>),
}

impl Caller {
    /// The id of the key that signed.
    pub(crate) fn key_id(&self) -> Option<&str> {
        match self {
            Self::Anyone => None,
            Self::Root(id) => Some(id),
            Self::Key(key) => Some(&key.id),
        }
    }

    /// Whether this caller may do `action` to `resource`.
    pub(crate) fn may(&self, action: &str, resource: &str) -> Access {
        self.policy().map_or(Access::Allowed, |policy| policy.decide(action, resource))
    }

    /// Whether a caller who was let in some time ago still may: his key may have been disabled, removed or given another policy.
    pub(crate) async fn still_may(&self, store: &impl Store, action: &str, resource: &str) -> bool {
        let Self::Key(then) = self else { return true };
        match store.key(&then.id).await {
            Ok(Some(key)) => key.is_active && key.policy.decide(action, resource) == Access::Allowed,
            Ok(None) | Err(_) => false,
        }
    }

    /// What limits this caller; nothing for whoever may do everything.
    pub(crate) fn policy(&self) -> Option<&Policy> {
        match self {
            Self::Anyone | Self::Root(_) => None,
            Self::Key(key) => Some(&key.policy),
        }
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key_id().unwrap_or("-"))
    }
}

/// What the head of a request says about its signer; not yet believed.
pub(crate) struct Claim {
    authorization: Authorization,
    signer: Signer,
    now: WallTime,
}

/// A key that exists and is not disabled.
enum Signer {
    Root,
    Key(Arc<KeyRecord>),
}

impl Claim {
    /// The id of the key that is claimed to have signed.
    pub(crate) fn key_id(&self) -> &str {
        self.authorization.access_key_id()
    }
}

impl Keys {
    /// This root key, and requirements as the options say.
    pub(crate) fn new(root: Credentials, required: bool, skew: Duration, region: Option<String>) -> Self {
        Self { required, skew, region, root }
    }

    /// Reads the signature's form, finds its key, and checks its time and scope.
    ///
    /// Nothing comes back where signatures are not required: then they are not looked at, right or wrong.
    ///
    /// # Errors
    /// [`AuthError`] for the first of these that is not right. A key that is disabled is as good as unknown.
    pub(crate) async fn claim(
        &self,
        store: &impl Store,
        parts: &Parts,
        now: WallTime,
    ) -> Result<Option<Claim>, ApiError> {
        if !self.required {
            return Ok(None);
        }
        let headers = headers_that_count(parts);
        let authorization = Authorization::parse(&headers, parts.uri.query().unwrap_or_default())?;
        let id = authorization.access_key_id();
        let signer = if id == self.root.access_key_id {
            Signer::Root
        } else {
            let key = store.key(id).await?.filter(|key| key.is_active);
            Signer::Key(key.ok_or(AuthError::InvalidClientTokenId)?)
        };
        authorization.check_head(&headers, now, &self.options())?;
        Ok(Some(Claim { authorization, signer, now }))
    }

    /// Checks that the claim's key signed this request with this body.
    ///
    /// # Errors
    /// [`AuthError::SignatureDoesNotMatch`].
    pub(crate) fn verify(&self, claim: Claim, parts: &Parts, body: &[u8]) -> Result<Caller, AuthError> {
        let request = SignableRequest {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or_default(),
            headers: &headers_that_count(parts),
            body_hash: Hash::of(body),
        };
        let secret = match &claim.signer {
            Signer::Root => &self.root.secret_access_key,
            Signer::Key(key) => &key.secret,
        };
        // The moment of arrival, not of the last byte: a slow body does not make a signature expire.
        claim.authorization.verify(&request, secret, claim.now, &self.options())?;
        Ok(match claim.signer {
            Signer::Root => Caller::Root(self.root.access_key_id.clone()),
            Signer::Key(key) => Caller::Key(key),
        })
    }

    /// No key has a session token, so whoever sends one has another key in mind.
    fn options(&self) -> VerifyOptions<'_> {
        VerifyOptions { region: self.region.as_deref(), skew: self.skew, ..VerifyOptions::default() }
    }
}

/// The header fields, with the authority of the target as `Host` where the target has one (RFC 9112 section 3.2.2): a
/// signature for one host is none for another, wherever the other is named.
fn headers_that_count(parts: &Parts) -> Vec<Header<'_>> {
    let mut headers = headers_of(&parts.headers);
    if let Some(authority) = parts.uri.authority() {
        let hosts = headers.iter_mut().filter(|(name, _)| name.eq_ignore_ascii_case("host"));
        hosts.for_each(|(_, value)| *value = authority.as_str().as_bytes());
    }
    headers
}
