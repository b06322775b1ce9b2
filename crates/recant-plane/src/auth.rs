//! Who asks: the key that signed a request, and whether it signed this one.
//!
//! In the order of DESIGN.md section 9 "API". [`Keys::claim`] looks at the head alone (form, key, time, scope), so
//! that nobody makes the plane read a body who could not be let in anyway; [`Keys::verify`] judges body and signature.
//! What a key may do is [`crate::admission`]'s to ask.
//!
//! There is one root key, which is in the data folder and may do everything; all others are in the store, each with its
//! policy, and are looked up for every request, once its head is here and again when its body is, so that a key that was disabled or
//! removed lets nobody in from then on.

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

use crate::store::{KeyRecord, Store, StoreError};

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

impl Claim {
    /// The id of the key that is claimed to have signed.
    pub(crate) fn key_id(&self) -> &str {
        self.authorization.access_key_id()
    }
}

/// A key that exists and is not disabled.
enum Signer {
    Root(String),
    Key(Arc<KeyRecord>),
}

impl Signer {
    fn claimant(&self) -> Claimant {
        Claimant::Key(match self {
            Self::Root(id) => id.clone(),
            Self::Key(key) => key.id.clone(),
        })
    }
}

/// Who somebody says he is who was not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Claimant {
    /// He names no key, or not in a way that can be read.
    Nobody,
    /// He names a key that is not, or no longer, here.
    Unknown(String),
    /// He names this key; it may be disabled.
    Key(String),
}

/// Why nobody was let in.
#[derive(Debug)]
pub(crate) enum NotLetIn {
    /// It is not known who asks.
    Store(StoreError),
    /// It is known well enough.
    Refused {
        /// Who he says he is.
        by: Claimant,
        /// What is wrong with that.
        error: AuthError,
    },
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
    ) -> Result<Option<Claim>, NotLetIn> {
        if !self.required {
            return Ok(None);
        }
        let headers = headers_that_count(parts);
        let authorization = Authorization::parse(&headers, parts.uri.query().unwrap_or_default())
            .map_err(|error| NotLetIn::Refused { by: Claimant::Nobody, error })?;
        let signer = self.signer(store, authorization.access_key_id()).await?;
        authorization
            .check_head(&headers, now, &self.options())
            .map_err(|error| NotLetIn::Refused { by: signer.claimant(), error })?;
        Ok(Some(Claim { authorization, signer, now }))
    }

    /// The key of this id, which lets somebody in.
    async fn signer(&self, store: &impl Store, id: &str) -> Result<Signer, NotLetIn> {
        if id == self.root.access_key_id {
            return Ok(Signer::Root(id.to_owned()));
        }
        let by = match store.key(id).await.map_err(NotLetIn::Store)? {
            Some(key) if key.is_active => return Ok(Signer::Key(key)),
            Some(key) => Claimant::Key(key.id.clone()),
            None => Claimant::Unknown(id.to_owned()),
        };
        Err(NotLetIn::Refused { by, error: AuthError::InvalidClientTokenId })
    }

    /// Checks that the claim's key signed this request with this body, and still lets somebody in: a body may have taken its time,
    /// and a key may be disabled, removed or given another policy meanwhile.
    ///
    /// # Errors
    /// [`AuthError::SignatureDoesNotMatch`], [`AuthError::InvalidClientTokenId`].
    pub(crate) async fn verify(
        &self,
        store: &impl Store,
        claim: Claim,
        parts: &Parts,
        body: &[u8],
    ) -> Result<Caller, NotLetIn> {
        let request = SignableRequest {
            method: parts.method.as_str(),
            path: parts.uri.path(),
            query: parts.uri.query().unwrap_or_default(),
            headers: &headers_that_count(parts),
            body_hash: Hash::of(body),
        };
        let secret = match &claim.signer {
            Signer::Root(_) => &self.root.secret_access_key,
            Signer::Key(key) => &key.secret,
        };
        // The moment of arrival, not of the last byte: a slow body does not make a signature expire.
        claim
            .authorization
            .verify(&request, secret, claim.now, &self.options())
            .map_err(|error| NotLetIn::Refused { by: claim.signer.claimant(), error })?;
        Ok(match self.signer(store, claim.authorization.access_key_id()).await? {
            Signer::Root(id) => Caller::Root(id),
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
