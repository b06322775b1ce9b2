//! From a connection to a secure one.

use std::io;

use rustls::server::Acceptor;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use recant_core::host::Host;
use recant_core::limits::TLS_HANDSHAKE_TIME_MAX;

use super::Certificates;
use crate::io::ViewerStream;
use crate::viewer::Proof;

/// A fatal `unrecognized_name` (RFC 6066 section 3, RFC 8446 section 6) as a record in the clear, which is how it
/// is sent before there are keys. rustls itself would say `access_denied`.
const UNRECOGNIZED_NAME: [u8; 7] = [21, 3, 3, 0, 2, 2, 112];

/// A secure connection.
pub(crate) struct Handshaken {
    pub(crate) stream: TlsStream<ViewerStream>,
    pub(crate) proof: Proof,
    /// Whether HTTP/2 was agreed on (RFC 9113 section 3.2); else it is HTTP/1.1.
    pub(crate) is_http2: bool,
}

/// Opens a viewer's connection, with the certificate for the name that the viewer asks for. HTTP/2 is offered unless
/// `has_http2` says that this host is not served over it.
///
/// # Errors
/// When there is none, when the viewer breaks off or speaks something else, or takes too long.
pub(crate) async fn accept(
    certificates: &Certificates,
    stream: ViewerStream,
    has_http2: impl FnOnce(&Host) -> bool,
) -> io::Result<Handshaken> {
    let handshake = handshake(certificates, stream, has_http2);
    timeout(TLS_HANDSHAKE_TIME_MAX, handshake).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

async fn handshake(
    certificates: &Certificates,
    stream: ViewerStream,
    has_http2: impl FnOnce(&Host) -> bool,
) -> io::Result<Handshaken> {
    let mut start = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
    let name = start.client_hello().server_name().map(Host::parse).transpose().map_err(io::Error::other)?;
    let Some(certificate) = certificates.choice().for_name(name.as_ref()).cloned() else {
        start.io.write_all(&UNRECOGNIZED_NAME).await?;
        start.io.shutdown().await?;
        let named = name.map_or_else(|| "a viewer that names no host".to_owned(), |name| name.to_string());
        return Err(io::Error::other(format!("there is no certificate for {named}")));
    };
    let config = certificate.config(name.as_ref().is_none_or(has_http2));
    let stream = start.into_stream(config).await?;
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    Ok(Handshaken { stream, proof: Proof { name, certificate }, is_http2 })
}
