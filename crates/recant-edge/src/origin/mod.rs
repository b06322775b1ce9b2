//! Asking an origin over HTTP/1.1.
//!
//! `address` says where an edge may connect to at all, `connect` resolves and connects, `secure` has the origin prove
//! its name where TLS is spoken, `pool` keeps idle connections, `send` carries one request out and its response's head back. The response's body is the
//! caller's to read, at the pace that [`Answer`] names; a connection goes back to the pool only after the whole
//! of a body whose end is beyond doubt has been read, and is closed in every other case.
//!
//! What is asked, and what becomes of the answer, is `request`'s business.

mod address;
mod connect;
mod pool;
mod secure;
mod send;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use hyper::body::Incoming;

use recant_core::host::Host;
use recant_core::limits::{
    ORIGIN_HEAD_BYTES_MAX, ORIGIN_HEADERS_MAX, SHIELD_ANSWER_FIELDS_BYTES_MAX, SHIELD_FIELDS_MAX,
};
use recant_core::spec::{DistributionSpec, OriginProtocol, OriginSpec, TemplateError, TenantSpec};

pub(crate) use address::AddressPolicy;
pub use address::{Network, NetworkError};
pub(crate) use pool::Lent;
pub use secure::OriginCaError;
pub(crate) use secure::Secure;
pub(crate) use send::Upload;

use pool::Pool;

use crate::viewer::Viewer;

/// Everything needed to ask origins; one per edge.
#[derive(Debug)]
pub(crate) struct Origins {
    policy: AddressPolicy,
    secure: Secure,
    head_max: HeadMax,
    pool: Arc<Pool>,
}

/// How much the head of a response may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeadMax {
    pub(crate) fields: usize,
    pub(crate) bytes: usize,
}

impl HeadMax {
    pub(crate) const OF_ORIGINS: Self = Self { fields: ORIGIN_HEADERS_MAX, bytes: ORIGIN_HEAD_BYTES_MAX };
    /// What an origin may say, and what a shield adds.
    pub(crate) const OF_SHIELDS: Self = Self {
        fields: ORIGIN_HEADERS_MAX + SHIELD_FIELDS_MAX,
        bytes: ORIGIN_HEAD_BYTES_MAX + SHIELD_ANSWER_FIELDS_BYTES_MAX,
    };
}

impl Origins {
    pub(crate) fn new(policy: AddressPolicy, secure: Secure, head_max: HeadMax) -> Self {
        Self { policy, secure, head_max, pool: Arc::default() }
    }
}

/// An origin as one tenant has it: its placeholders filled in.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// Where it is.
    pub(crate) place: Place,
    /// What comes before the viewer's path.
    pub(crate) path: String,
    connection_timeout: Duration,
    connection_attempts: u8,
    read_timeout: Duration,
}

/// A scheme, a host and a port, before the host is resolved: connections to one place may stand for each other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    /// A name or an address, the latter without brackets.
    host: String,
    port: u16,
    /// Whether it is asked over TLS.
    is_secure: bool,
}

/// What an origin is sent.
pub(crate) struct Call {
    /// Method, target in origin form and end-to-end fields.
    pub(crate) head: Parts,
    /// The viewer's body.
    pub(crate) upload: Upload,
}

/// The head of an origin's response, and the means to read on.
pub(crate) struct Answer {
    /// Head and unread body.
    pub(crate) response: http::Response<Incoming>,
    /// The connection it came over.
    pub(crate) lent: Lent,
    /// How long each further piece of the body may take.
    pub(crate) read_timeout: Duration,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OriginError {
    /// The configuration names no such origin, or has no value for a placeholder in it.
    #[error("the origin's name cannot be made up: {0}")]
    Unnamed(#[from] TemplateError),
    /// The behaviour names an origin that the distribution does not have.
    #[error("the distribution has no origin '{0}'")]
    Unknown(String),
    /// The filled-in path or host makes no request target or `Host` field.
    #[error("the origin's domain name or path is not one")]
    Malformed,
    /// The name has no address.
    #[error("the name '{0}' could not be resolved: {1}")]
    Unresolved(String, io::Error),
    /// The name's addresses are all of the kind an edge must not connect to.
    #[error("no address of the origin may be connected to ({0})")]
    Forbidden(SocketAddr),
    /// Nobody listens.
    #[error("no connection to {0}: {1}")]
    Unreachable(SocketAddr, io::Error),
    /// It did not prove over TLS that it is the origin, or does not speak it.
    #[error("no secure connection to {0}: {1}")]
    Insecure(SocketAddr, io::Error),
    /// The connection took too long, at every attempt.
    #[error("no connection within {0:?}")]
    ConnectTimeout(Duration),
    /// The connection broke, or what came over it is not HTTP.
    #[error("no usable response: {0}")]
    Broken(#[source] hyper::Error),
    /// The response's head took too long.
    #[error("no response within {0:?}")]
    ReadTimeout(Duration),
    /// A shield could not talk to the origin, or did not hear from it in time.
    #[error("the shield cannot talk to the origin")]
    BehindShield {
        /// Whether the time ran out.
        is_slow: bool,
    },
    /// The origin wants to speak another protocol, which nobody asked it to.
    #[error("a response with status 101 to a request that did not ask for that protocol")]
    Upgraded,
    /// The response is in a transfer coding that nobody asked for.
    #[error("a response in a transfer coding other than chunked")]
    Coded,
}

impl OriginError {
    /// Whether there was no talking to the origin at all, as far as can be known: an edge that is disconnected from it
    /// (RFC 9111 section 4.2.4), and not one that is configured badly or was told something unusable.
    pub(crate) fn is_cut_off(&self) -> bool {
        match self {
            Self::Unresolved(..) | Self::Unreachable(..) | Self::ConnectTimeout(_) => true,
            // Somebody answered who is not the origin, which is as good as not reaching it.
            Self::Insecure(..) => true,
            Self::Broken(_) | Self::ReadTimeout(_) | Self::BehindShield { .. } => true,
            Self::Unnamed(_) | Self::Unknown(_) | Self::Malformed | Self::Forbidden(_) => false,
            Self::Upgraded | Self::Coded => false,
        }
    }
}

impl Origin {
    /// This origin as this tenant has it, when this viewer asks.
    ///
    /// # Errors
    /// [`OriginError`] when the configuration does not add up to an origin.
    pub(crate) fn of(
        spec: &OriginSpec,
        distribution: &DistributionSpec,
        tenant: &TenantSpec,
        viewer: &Viewer,
    ) -> Result<Self, OriginError> {
        let value_of = |name: &str| distribution.parameter(tenant, name);
        let host = Host::parse(&spec.domain_name.fill(value_of)?).map_err(|_| OriginError::Malformed)?;
        let path = spec.path.fill(value_of)?;
        // A tenant's parameter must not turn the viewer's path into a query or cut it off.
        if !(path.is_empty() || path.starts_with('/')) || path.contains(['?', '#']) {
            return Err(OriginError::Malformed);
        }
        let is_secure = match spec.protocol {
            OriginProtocol::HttpOnly => false,
            OriginProtocol::HttpsOnly => true,
            OriginProtocol::MatchViewer => viewer.is_secure(),
        };
        let port = if is_secure { spec.https_port } else { spec.http_port };
        Ok(Self {
            place: Place { host: host.as_str().trim_matches(['[', ']']).into(), port, is_secure },
            path,
            connection_timeout: spec.connection_timeout,
            connection_attempts: spec.connection_attempts.max(1),
            read_timeout: spec.read_timeout,
        })
    }
}

impl Origin {
    /// What is asked in plain HTTP at this address.
    pub(crate) fn at(host: &str, port: u16, connection_timeout: Duration, read_timeout: Duration) -> Self {
        Self {
            place: Place { host: host.into(), port, is_secure: false },
            path: String::new(),
            connection_timeout,
            connection_attempts: 1,
            read_timeout,
        }
    }
}

impl Place {
    /// The `Host` field of a request to it (RFC 9110 section 7.2): with the port unless it is the scheme's own.
    pub(crate) fn host_field(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let own = if self.is_secure { 443 } else { 80 };
        if self.port == own { host } else { format!("{host}:{}", self.port) }
    }
}
