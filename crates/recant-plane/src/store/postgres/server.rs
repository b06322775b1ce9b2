//! Where the database is, and how a connection to it is opened.
//!
//! The address is PostgreSQL's own form, `postgres://USER:PASSWORD@HOST:PORT[,HOST:PORT…]/NAME?sslmode=…`. Of several
//! hosts the one is taken that can be written to: the primary, also after another one has become it.
//!
//! TLS is not negotiated away: `sslmode` is `verify-full` (`require` means the same here) or `disable`, and without it the
//! former, unless every host is this machine. The server proves its name by a certificate of an authority that the world
//! trusts, or that `sslrootcert` names.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use recant_core::limits::{STORE_CONNECT_TIME_MAX, STORE_LOCK_TIME_MAX};
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, InvalidDnsNameError, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_postgres::{AsyncMessage, Config};
use tokio_rustls::TlsConnector;

use super::session::{Failure, Result, Session};

/// The schema that holds every table of a plane's, so that it may share a database with others.
pub(super) const SCHEMA: &str = "recant";

/// Why an address is none.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// It is not of PostgreSQL's form.
    #[error("it is not like postgres://USER@HOST:PORT/NAME: {0}")]
    Form(String),
    /// `sslmode` has another value.
    #[error("sslmode is verify-full, require or disable, not '{0}'")]
    Mode(String),
    /// The authorities cannot be read as PEM.
    #[error("the authorities in {0} cannot be read: {1}")]
    Pem(PathBuf, pem::Error),
    /// One of the certificates is not an authority's.
    #[error("{0} holds a certificate that cannot be an authority: {1}")]
    Authority(PathBuf, rustls::Error),
}

/// A database, or several of which one is the primary.
#[derive(Clone)]
pub struct Server {
    config: Config,
    tls: Tls,
}

impl fmt::Debug for Server {
    /// Shows nothing of the password, so that no log can.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("hosts", &self.config.get_hosts()).finish_non_exhaustive()
    }
}

impl FromStr for Server {
    type Err = ServerError;

    fn from_str(url: &str) -> std::result::Result<Self, ServerError> {
        let (address, query) = url.split_once('?').unwrap_or((url, ""));
        let (mut mode, mut roots, mut rest) = (None, None, Vec::new());
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let value = || percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned();
            match name {
                "sslmode" => mode = Some(value()),
                "sslrootcert" => roots = Some(PathBuf::from(value())),
                _ => rest.push(parameter),
            }
        }
        if !address.starts_with("postgres://") && !address.starts_with("postgresql://") {
            return Err(ServerError::Form("it starts with another scheme".to_owned()));
        }
        let form = |error: tokio_postgres::Error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            ServerError::Form(cause.unwrap_or_else(|| error.to_string()))
        };
        let mut config = Config::from_str(&format!("{address}?{}", rest.join("&"))).map_err(form)?;
        let secure = match mode.as_deref() {
            None => !config.get_hosts().iter().all(is_this_machine),
            Some("verify-full" | "require") => true,
            Some("disable") => false,
            Some(other) => return Err(ServerError::Mode(other.to_owned())),
        };
        if config.get_password().is_none()
            && let Ok(password) = std::env::var("PGPASSWORD")
        {
            config.password(password);
        }
        bound(&mut config, secure);
        Ok(Self { config, tls: Tls::trusting(roots.as_deref())? })
    }
}

/// Whether nobody is between this process and the host.
fn is_this_machine(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

/// Gives everything its limit. A transaction that was left alone, as by a process that was stopped, is ended by the server: it
/// may hold the row of the term.
fn bound(config: &mut Config, secure: bool) {
    let given = config.get_options().unwrap_or_default().to_owned();
    let millis = STORE_LOCK_TIME_MAX.as_millis();
    config
        .ssl_mode(if secure { SslMode::Require } else { SslMode::Disable })
        .application_name("recant")
        .target_session_attrs(TargetSessionAttrs::ReadWrite)
        .connect_timeout(STORE_CONNECT_TIME_MAX)
        .tcp_user_timeout(STORE_CONNECT_TIME_MAX)
        .keepalives_idle(Duration::from_secs(5))
        .keepalives_interval(Duration::from_secs(1))
        .keepalives_retries(3)
        .options(format!(
            "{given} -c search_path={SCHEMA} -c lock_timeout={millis} -c idle_in_transaction_session_timeout={millis}"
        ));
}

impl Server {
    /// Opens a connection to the primary.
    pub(super) async fn connect(&self) -> Result<Session> {
        let hosts = u32::try_from(self.config.get_hosts().len()).unwrap_or(u32::MAX);
        let opening = self.config.connect(self.tls.clone());
        let opened =
            tokio::time::timeout(STORE_CONNECT_TIME_MAX.saturating_mul(hosts.saturating_add(1)), opening);
        let (client, mut connection) = opened.await.map_err(|_| Failure::Silent)??;
        let warned = Arc::new(AtomicBool::new(false));
        let warning = Arc::clone(&warned);
        // Ends with the client, or with the connection.
        tokio::spawn(async move {
            while let Some(message) = std::future::poll_fn(|cx| connection.poll_message(cx)).await {
                match message {
                    Ok(AsyncMessage::Notice(notice)) if notice.code().code().starts_with("01") => {
                        tracing::warn!(message = notice.message(), "the database warns");
                        warning.store(true, Ordering::SeqCst);
                    }
                    Ok(_) => {}
                    Err(error) => {
                        tracing::debug!(%error, "a connection to the database has ended");
                        return;
                    }
                }
            }
        });
        Ok(Session::new(client, warned))
    }
}

/// Opens the secure part of connections.
#[derive(Clone)]
struct Tls(TlsConnector);

impl Tls {
    /// Trusts the authorities in this file, or those that everybody does.
    fn trusting(file: Option<&Path>) -> std::result::Result<Self, ServerError> {
        let mut roots = RootCertStore::empty();
        match file {
            None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
            Some(file) => {
                let unread = |error| ServerError::Pem(file.into(), error);
                for certificate in CertificateDer::pem_file_iter(file).map_err(unread)? {
                    let added = roots.add(certificate.map_err(unread)?);
                    added.map_err(|error| ServerError::Authority(file.into(), error))?;
                }
            }
        }
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .expect("the provider has suites of both versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(Arc::new(config).into()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> MakeTlsConnect<S> for Tls {
    type Stream = Secured<S>;
    type TlsConnect = Handshake;
    type Error = InvalidDnsNameError;

    fn make_tls_connect(&mut self, name: &str) -> std::result::Result<Handshake, InvalidDnsNameError> {
        Ok(Handshake { connector: self.0.clone(), name: ServerName::try_from(name.to_owned())? })
    }
}

/// A handshake with the server of that name.
struct Handshake {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> TlsConnect<S> for Handshake {
    type Stream = Secured<S>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Secured<S>>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move { self.connector.connect(self.name, stream).await.map(Box::new).map(Secured) })
    }
}

/// A connection inside TLS.
struct Secured<S>(Box<tokio_rustls::client::TlsStream<S>>);

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Secured<S> {
    /// None: rustls hands the certificate out, but to hash it by its own signature's algorithm takes a parser of certificates.
    /// The name is proven; a password is safe by that.
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Secured<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Secured<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_understood() {
        let check = |url: &str, expected: SslMode| {
            let server: Server = url.parse().unwrap();
            assert_eq!(server.config.get_ssl_mode(), expected, "{url}");
            assert_eq!(server.config.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
        };
        check("postgres://recant@127.0.0.1:5432/recant", SslMode::Disable);
        check("postgresql://recant@localhost,[::1]/recant", SslMode::Disable);
        check("postgres://recant@localhost/recant?sslmode=verify-full", SslMode::Require);
        check("postgres://recant:secret@db-1.example,db-2.example/recant", SslMode::Require);
        check("postgres://recant@db.example/recant?sslmode=disable", SslMode::Disable);
        let shown = format!("{:?}", "postgres://recant:hunter2@127.0.0.1/x".parse::<Server>().unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let check = |url: &str, expected: &str| {
            let error = url.parse::<Server>().unwrap_err().to_string();
            assert!(error.contains(expected), "{url}: {error}");
        };
        check("mysql://localhost/recant", "another scheme");
        check("postgres://localhost/recant?sslmode=prefer", "not 'prefer'");
        check("postgres://localhost:port/recant", "postgres://USER@HOST:PORT/NAME");
        check("postgres://localhost/recant?shape=round", "shape");
        check("postgres://localhost/recant?sslrootcert=/nowhere.pem", "/nowhere.pem");
    }
}
