//! What a connection says about the viewer at its other end.
//!
//! It says from where he comes, and whether and for whom the connection is secure. It decides whether a request
//! is refused or redirected, and how the origin is asked on `match-viewer`; **no verdict over a stored response depends
//! on it**, so keeping it for all requests of a connection breaks no promise. What a viewer claims in header
//! fields (`X-Forwarded-Proto` and its like) is never believed: the listener counts.

use std::net::SocketAddr;
use std::sync::Arc;

use recant_core::host::Host;

use crate::tls::Certificate;

/// The viewer of one connection.
#[derive(Clone, Debug)]
pub(crate) struct Viewer {
    /// The address at its other end.
    pub(crate) address: SocketAddr,
    /// How it was opened.
    pub(crate) security: Security,
}

/// Whether a viewer's connection is secure.
#[derive(Clone, Debug)]
pub(crate) enum Security {
    /// Plain HTTP.
    Plain,
    /// TLS, opened by this proof.
    Tls(Arc<Proof>),
    /// The listener for other edges: one of them asks for a viewer of its own, and says how he asked.
    Edge {
        /// Whether he came over TLS.
        is_secure: bool,
    },
}

/// By what an edge has proven whom it speaks for.
#[derive(Debug)]
pub(crate) struct Proof {
    /// The name that the viewer asked for (RFC 6066 section 3), if it named one.
    pub(crate) name: Option<Host>,
    /// The certificate it was shown.
    pub(crate) certificate: Arc<Certificate>,
}

impl Viewer {
    /// The scheme of what is asked over this connection.
    pub(crate) fn scheme(&self) -> &'static str {
        if self.is_secure() { "https" } else { "http" }
    }

    /// Whether it came over TLS.
    pub(crate) fn is_secure(&self) -> bool {
        matches!(self.security, Security::Tls(_) | Security::Edge { is_secure: true })
    }

    /// Whether it is another edge, which has judged its viewer.
    pub(crate) fn is_edge(&self) -> bool {
        matches!(self.security, Security::Edge { .. })
    }

    /// Whether this host may be asked for over this connection (RFC 9110 section 7.4): without TLS any; with it the
    /// one that the viewer named when it took the certificate for good, and all that the certificate is for.
    pub(crate) fn may_ask_for(&self, host: &Host) -> bool {
        match &self.security {
            Security::Plain | Security::Edge { .. } => true,
            Security::Tls(proof) => proof.name.as_ref() == Some(host) || proof.certificate.covers(host),
        }
    }
}
