//! From a name to an open connection.

use std::io;
use std::net::SocketAddr;

use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use recant_core::limits::ORIGIN_BUFFER_BYTES_MAX;

use super::{AddressPolicy, HeadMax, Origin, OriginError, Place, Secure, Upload};

/// Opens a connection to the origin. Each attempt tries all of its allowed addresses, which share the time. An origin
/// that does not prove its name over TLS is not asked at its other addresses.
pub(super) async fn connect(
    policy: &AddressPolicy,
    secure: &Secure,
    head_max: HeadMax,
    origin: &Origin,
) -> Result<SendRequest<Upload>, OriginError> {
    let addresses = resolve(policy, origin).await?;
    let share = origin.connection_timeout / u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    let mut error = OriginError::ConnectTimeout(origin.connection_timeout);
    for _ in 0..origin.connection_attempts {
        for address in &addresses {
            match timeout(share, open(policy, secure, &origin.place, *address)).await {
                Ok(Ok(stream)) => return stream.handshake(*address, head_max).await,
                Ok(Err(OriginError::Unreachable(address, refused))) => {
                    error = OriginError::Unreachable(address, refused);
                }
                Ok(Err(other)) => return Err(other),
                Err(_) => error = OriginError::ConnectTimeout(origin.connection_timeout),
            }
        }
    }
    Err(error)
}

/// The addresses of the origin that may be connected to; at least one.
async fn resolve(policy: &AddressPolicy, origin: &Origin) -> Result<Vec<SocketAddr>, OriginError> {
    let host = &origin.place.host;
    let unresolved = |error| OriginError::Unresolved(host.clone(), error);
    let found: Vec<SocketAddr> =
        match timeout(origin.connection_timeout, lookup_host((host.as_str(), origin.place.port))).await {
            Ok(found) => found.map_err(unresolved)?.collect(),
            Err(_) => return Err(OriginError::ConnectTimeout(origin.connection_timeout)),
        };
    let first = *found.first().ok_or_else(|| unresolved(io::ErrorKind::NotFound.into()))?;
    let allowed: Vec<SocketAddr> = found.into_iter().filter(|address| policy.allows(*address)).collect();
    if allowed.is_empty() { Err(OriginError::Forbidden(first)) } else { Ok(allowed) }
}

/// A connection, before HTTP is spoken over it.
enum Opened {
    Plain(TcpStream),
    Secure(Box<TlsStream<TcpStream>>),
}

async fn open(
    policy: &AddressPolicy,
    secure: &Secure,
    place: &Place,
    address: SocketAddr,
) -> Result<Opened, OriginError> {
    let unreachable = |error| OriginError::Unreachable(address, error);
    let stream = TcpStream::connect(address).await.map_err(unreachable)?;
    let (peer, local) = (stream.peer_addr().map_err(unreachable)?, stream.local_addr().map_err(unreachable)?);
    if !policy.allows_connected(peer, local) {
        return Err(OriginError::Forbidden(peer));
    }
    stream.set_nodelay(true).map_err(unreachable)?;
    if !place.is_secure {
        return Ok(Opened::Plain(stream));
    }
    let stream = secure.handshake(&place.host, stream).await;
    stream.map(Opened::Secure).map_err(|error| OriginError::Insecure(address, error))
}

impl Opened {
    async fn handshake(
        self,
        address: SocketAddr,
        head_max: HeadMax,
    ) -> Result<SendRequest<Upload>, OriginError> {
        match self {
            Self::Plain(stream) => handshake(address, stream, head_max).await,
            Self::Secure(stream) => handshake(address, stream, head_max).await,
        }
    }
}

async fn handshake<S>(
    address: SocketAddr,
    stream: S,
    head_max: HeadMax,
) -> Result<SendRequest<Upload>, OriginError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) = Builder::new()
        .max_headers(head_max.fields)
        .max_buf_size(ORIGIN_BUFFER_BYTES_MAX)
        .max_header_size(head_max.bytes)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(OriginError::Broken)?;
    // It ends when the sender is dropped or the origin closes.
    tokio::spawn(async move {
        if let Err(error) = connection.with_upgrades().await {
            tracing::debug!(%error, %address, "a connection to an origin ended");
        }
    });
    Ok(sender)
}
