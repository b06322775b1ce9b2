//! One HTTP exchange: bytes out, status, headers and bytes back, or why not.
//!
//! On `ureq` with rustls. Connections are kept for the next page or attempt. Nothing of TLS is loaded for an `http` endpoint.
//! Retries are [`crate::retry`]'s, redirects are nobody's: they are answers like any other.

mod resolver;
mod tunnel;

use std::io;
use std::time::Duration;

use http::HeaderMap;
use recant_core::limits::RESPONSE_BYTES_MAX;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig};
use ureq::unversioned::transport::{Connector as _, DefaultConnector, RustlsConnector, TcpConnector};

use crate::config::Config;
use crate::environment::Environment;
use crate::error::Error;
use crate::globals::Globals;
use crate::proxy;

use self::resolver::HostResolver;
use self::tunnel::{Proxy, ProxyConnector, ProxyResolver};

/// How to reach the endpoint.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The longest wait for a connection; none waits for ever.
    pub connect_timeout: Option<Duration>,
    /// The longest silence; none waits for ever.
    pub read_timeout: Option<Duration>,
    /// Whether the server's certificate must be right.
    pub verify_tls: bool,
    /// The file with the certificates to trust, where it is not the built-in ones.
    pub ca_bundle: Option<String>,
    /// The proxy in between.
    pub proxy: Option<String>,
}

impl Settings {
    /// The settings of this call for an endpoint.
    pub(crate) fn resolve(
        environment: &dyn Environment,
        config: &Config,
        globals: &Globals,
        base: &str,
    ) -> Self {
        let ca_bundle = globals
            .ca_bundle
            .clone()
            .or_else(|| environment.var("AWS_CA_BUNDLE"))
            .or_else(|| config.get("ca_bundle").map(str::to_owned))
            .or_else(|| environment.var_non_empty("REQUESTS_CA_BUNDLE"));
        Self {
            connect_timeout: globals.connect_timeout,
            read_timeout: globals.read_timeout,
            verify_tls: globals.verify_tls,
            ca_bundle: ca_bundle.map(|path| environment.expand_path(&path).display().to_string()),
            proxy: proxy::find(environment, base),
        }
    }
}

/// Calls at a time, and connections that are kept for them.
pub(crate) const CONNECTIONS_MAX: usize = 64;

/// An HTTP client for one endpoint. A clone shares the connections; threads may have one each.
#[derive(Clone, Debug)]
pub(crate) struct Transport {
    agent: ureq::Agent,
    proxy: Option<Proxy>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Vec<u8>,
}

/// An answer that was asked for as it comes.
pub(crate) enum Opened {
    /// A success: its body.
    Stream(Box<dyn io::Read>),
    /// Anything else.
    Whole(Reply),
}

/// Why nothing came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// No connection.
    Connect,
    /// No connection in time.
    ConnectTimeout,
    /// Silence.
    ReadTimeout,
    /// The connection ended before the answer did.
    Closed,
    /// The certificate, or the handshake.
    Tls(String),
    /// The proxy.
    Proxy(String),
    /// Anything else.
    Other(String),
}

impl Failure {
    /// Whether too much time went by.
    pub(crate) fn is_timeout(&self) -> bool {
        matches!(self, Self::ConnectTimeout | Self::ReadTimeout)
    }

    /// The user's text.
    pub(crate) fn message(&self, url: &str) -> String {
        match self {
            Self::Connect => format!("Could not connect to the endpoint URL: \"{url}\""),
            Self::ConnectTimeout => format!("Connect timeout on endpoint URL: \"{url}\""),
            Self::ReadTimeout => format!("Read timeout on endpoint URL: \"{url}\""),
            Self::Closed => {
                format!(
                    "Connection was closed before we received a valid response from endpoint URL: \"{url}\"."
                )
            }
            Self::Tls(why) => format!("SSL validation failed for {url} {why}"),
            Self::Proxy(proxy) => format!("Failed to connect to proxy URL: \"{proxy}\""),
            Self::Other(why) => format!("An HTTP Client raised an unhandled exception: {why}"),
        }
    }
}

impl Transport {
    /// Makes the client for an endpoint. `url` is for the messages only.
    ///
    /// # Errors
    ///
    /// A certificate file that cannot be used, or a proxy that is no URL.
    pub(crate) fn new(settings: &Settings, base: &str, url: &str) -> Result<Self, Error> {
        let mut config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("recant/", env!("CARGO_PKG_VERSION")))
            // Empty: none is sent, as by the AWS CLI.
            .accept("")
            .accept_encoding("identity")
            .allow_non_standard_methods(true)
            .timeout_resolve(settings.connect_timeout)
            .timeout_connect(settings.connect_timeout)
            .timeout_per_read(settings.read_timeout)
            .max_idle_connections(CONNECTIONS_MAX)
            .max_idle_connections_per_host(CONNECTIONS_MAX)
            .proxy(None);
        if base.starts_with("https:") {
            config = config.tls_config(tls(settings, url)?);
        }
        let Some(proxy_url) = &settings.proxy else {
            let agent = ureq::Agent::with_parts(config.build(), DefaultConnector::default(), HostResolver);
            return Ok(Self { agent, proxy: None });
        };
        if let Some(proxy) = Proxy::parse(proxy_url) {
            let connector =
                ().chain(TcpConnector::default())
                    .chain(ProxyConnector(proxy.clone()))
                    .chain(RustlsConnector::default());
            let agent = ureq::Agent::with_parts(config.build(), connector, ProxyResolver(proxy.clone()));
            return Ok(Self { agent, proxy: Some(proxy) });
        }
        // Proxies over TLS are the library's own affair; of other kinds of proxies it would panic.
        if !proxy_url.to_ascii_lowercase().starts_with("https://") {
            return Err(Error::general(Failure::Proxy(proxy_url.clone()).message(url)));
        }
        let proxy = ureq::Proxy::new(proxy_url)
            .map_err(|_| Error::general(Failure::Proxy(proxy_url.clone()).message(url)))?;
        Ok(Self { agent: config.proxy(Some(proxy)).build().new_agent(), proxy: None })
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    ///
    /// Why there is no whole answer.
    pub(crate) fn send(&self, request: http::Request<Vec<u8>>) -> Result<Reply, Failure> {
        self.through(request, Self::exchange)
    }

    /// Sends a request, and leaves the body of a success to be read as it comes.
    ///
    /// # Errors
    ///
    /// Why there is no answer.
    pub(crate) fn open(&self, request: http::Request<Vec<u8>>) -> Result<Opened, Failure> {
        self.through(request, |transport, request| {
            let answer = transport.ask(request)?;
            if !answer.status().is_success() {
                return whole(answer).map(Opened::Whole);
            }
            let reader = answer.into_body().into_with_config().limit(u64::MAX).reader();
            Ok(Opened::Stream(Box::new(reader)))
        })
    }

    /// Does it by way of the proxy, if there is one.
    fn through<T>(
        &self,
        mut request: http::Request<Vec<u8>>,
        exchange: impl FnOnce(&Self, http::Request<Vec<u8>>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let is_plain = request.uri().scheme_str() == Some("http");
        if let Some(authorization) = self.proxy.as_ref().filter(|_| is_plain).and_then(Proxy::authorization)
            && let Ok(value) = http::HeaderValue::from_str(authorization)
        {
            request.headers_mut().insert(http::header::PROXY_AUTHORIZATION, value);
        }
        exchange(self, request).map_err(|failure| match (&self.proxy, failure) {
            (Some(proxy), Failure::Connect) => Failure::Proxy(proxy.shown().to_owned()),
            (_, failure) => failure,
        })
    }

    fn exchange(&self, request: http::Request<Vec<u8>>) -> Result<Reply, Failure> {
        whole(self.ask(request)?)
    }

    fn ask(&self, request: http::Request<Vec<u8>>) -> Result<http::Response<ureq::Body>, Failure> {
        let has_no_body = request.body().is_empty() && matches!(request.method().as_str(), "GET" | "HEAD");
        let answer = if has_no_body { self.agent.run(request.map(|_| ())) } else { self.agent.run(request) };
        answer.map_err(failure)
    }
}

/// Reads the whole answer.
fn whole(answer: http::Response<ureq::Body>) -> Result<Reply, Failure> {
    let (parts, mut body) = answer.into_parts();
    let body = body.with_config().limit(RESPONSE_BYTES_MAX).read_to_vec().map_err(failure)?;
    Ok(Reply { status: parts.status.as_u16(), headers: parts.headers, body })
}

fn tls(settings: &Settings, url: &str) -> Result<TlsConfig, Error> {
    let builder = TlsConfig::builder().disable_verification(!settings.verify_tls);
    let Some(path) = settings.ca_bundle.as_deref().filter(|_| settings.verify_tls) else {
        return Ok(builder.build());
    };
    let failed = |why: String| Error::general(Failure::Tls(why).message(url));
    // Of this one file Python's TLS library does not tell the name.
    let system_error = |why: &io::Error| {
        let text = crate::input::files::system_error(why, "");
        text.trim_end_matches(": ''").to_owned()
    };
    let pem = std::fs::read(path).map_err(|why| failed(system_error(&why)))?;
    let certificates: Vec<Certificate<'static>> = ureq::tls::parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        return Err(failed(format!("no certificate in '{path}'")));
    }
    Ok(builder.root_certs(RootCerts::new_with_certs(&certificates)).build())
}

fn failure(error: ureq::Error) -> Failure {
    use ureq::{Error as Ureq, Timeout};
    match error {
        Ureq::Timeout(Timeout::Connect | Timeout::Resolve) => Failure::ConnectTimeout,
        Ureq::Timeout(_) => Failure::ReadTimeout,
        Ureq::HostNotFound | Ureq::ConnectionFailed => Failure::Connect,
        Ureq::ConnectProxyFailed(why) => Failure::Proxy(why),
        Ureq::Tls(why) => Failure::Tls(why.to_owned()),
        Ureq::Rustls(why) => Failure::Tls(why.to_string()),
        Ureq::Protocol(_) => Failure::Closed,
        Ureq::Io(why) => match why.kind() {
            io::ErrorKind::ConnectionRefused
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::AddrNotAvailable => Failure::Connect,
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Failure::ReadTimeout,
            io::ErrorKind::InvalidData => Failure::Tls(why.to_string()),
            _ => Failure::Closed,
        },
        other => Failure::Other(other.to_string()),
    }
}
