//! The way through an HTTP proxy, as the AWS CLI takes it: `CONNECT` for an `https` endpoint, absolute addresses for an `http` one.
//!
//! `ureq` asks for a tunnel in both cases and adds headers, so the two steps are made here: the connection goes to the proxy
//! ([`ProxyResolver`]), and what is said first on it is ours ([`ProxyConnector`]).

use http::Uri;
use recant_wire::base64;
use ureq::config::Config;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, NextTimeout, Transport, TransportAdapter,
};

/// A proxy's answer to `CONNECT` is no longer than this.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// A proxy that speaks plain HTTP.
#[derive(Clone, Debug)]
pub(super) struct Proxy {
    uri: Uri,
    /// The value of `Proxy-Authorization`.
    authorization: Option<String>,
    /// The address as it may be shown: without user and password.
    shown: String,
}

impl Proxy {
    /// Reads a proxy's address; none if it is not plain HTTP.
    pub(super) fn parse(url: &str) -> Option<Self> {
        let rest = url.strip_prefix("http://")?;
        let (authority, _) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        let uri = format!("http://{host}/").parse().ok()?;
        let authorization = user.map(|user| {
            let (name, password) = user.split_once(':').unwrap_or((user, ""));
            let both = [decoded(name), b":".to_vec(), decoded(password)].concat();
            format!("Basic {}", base64::encode(&both))
        });
        let mask = if user.is_some() { "***:***@" } else { "" };
        Some(Self { uri, authorization, shown: format!("http://{mask}{host}") })
    }

    /// The value of the header that tells who asks.
    pub(super) fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }

    /// The address for messages.
    pub(super) fn shown(&self) -> &str {
        &self.shown
    }
}

/// Undoes percent-encoding.
fn decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let digits = text.get(at + 1..at + 3).filter(|_| byte == b'%');
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(value) => {
                out.push(value);
                at += 3;
            }
            None => {
                out.push(byte);
                at += 1;
            }
        }
    }
    out
}

/// Finds the proxy, whatever host is asked for.
#[derive(Debug)]
pub(super) struct ProxyResolver(pub(super) Proxy);

impl Resolver for ProxyResolver {
    fn resolve(
        &self,
        _uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        DefaultResolver::default().resolve(&self.0.uri, config, timeout)
    }
}

/// Says what has to be said first on a connection to the proxy.
#[derive(Debug)]
pub(super) struct ProxyConnector(pub(super) Proxy);

impl<In: Transport> Connector<In> for ProxyConnector {
    type Out = Either<In, Absolute<In>>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let Some(transport) = chained else {
            return Ok(None);
        };
        let authority = details.uri.authority().map_or("", |authority| authority.as_str());
        if details.uri.scheme_str() == Some("http") {
            let prefix = format!("http://{authority}").into_bytes();
            return Ok(Some(Either::B(Absolute { inner: transport, prefix, at_start: true })));
        }
        let port = details.uri.port_u16().unwrap_or(443);
        let target = format!("{}:{port}", details.uri.host().unwrap_or_default());
        self.open_tunnel(transport, details, &target).map(|transport| Some(Either::A(transport)))
    }
}

impl ProxyConnector {
    fn open_tunnel<In: Transport>(
        &self,
        transport: In,
        details: &ConnectionDetails<'_>,
        target: &str,
    ) -> Result<In, ureq::Error> {
        use std::io::Write as _;
        let mut out = TransportAdapter::new(transport, details.current_time.clone());
        out.set_timeout(details.timeout);
        write!(out, "CONNECT {target} HTTP/1.0\r\n")?;
        if let Some(authorization) = &self.0.authorization {
            write!(out, "Proxy-Authorization: {authorization}\r\n")?;
        }
        write!(out, "\r\n")?;
        out.flush()?;
        let mut transport = out.into_inner();
        let failed = || ureq::Error::ConnectProxyFailed(self.0.shown.clone());
        loop {
            let input = transport.buffers().input();
            if let Some(end) = input.windows(4).position(|window| window == b"\r\n\r\n") {
                let is_open = input.split(|byte| *byte == b' ').nth(1).is_some_and(|status| status == b"200");
                transport.buffers().input_consume(end + 4);
                return if is_open { Ok(transport) } else { Err(failed()) };
            }
            if input.len() > ANSWER_BYTES_MAX || !transport.await_input(details.timeout)? {
                return Err(failed());
            }
        }
    }
}

/// A connection whose requests name the whole address: `POST http://host/path`.
#[derive(Debug)]
pub(super) struct Absolute<In> {
    inner: In,
    prefix: Vec<u8>,
    /// Whether what is written next begins a request.
    at_start: bool,
}

impl<In: Transport> Transport for Absolute<In> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        if !std::mem::take(&mut self.at_start) {
            return self.inner.transmit_output(amount, timeout);
        }
        let output = self.inner.buffers().output();
        let space = output[..amount].iter().position(|byte| *byte == b' ');
        let longer = amount + self.prefix.len();
        let (Some(space), true) = (space, longer <= output.len()) else {
            return Err(ureq::Error::BadUri("too long for the proxy".to_owned()));
        };
        let at = space + 1;
        output.copy_within(at..amount, at + self.prefix.len());
        output[at..at + self.prefix.len()].copy_from_slice(&self.prefix);
        self.inner.transmit_output(longer, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        // Once an answer is awaited, what is written after it is the next request.
        self.at_start = true;
        self.inner.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_proxies_are_read() {
        let check = |url: &str, want: Option<(&str, Option<&str>, &str)>| {
            let proxy = Proxy::parse(url);
            let got = proxy.as_ref().map(|proxy| {
                (proxy.uri.authority().map_or("", |a| a.as_str()), proxy.authorization(), proxy.shown())
            });
            assert_eq!(got, want, "{url}");
        };
        check("http://p:1", Some(("p:1", None, "http://p:1")));
        check("http://p:1/x", Some(("p:1", None, "http://p:1")));
        check("http://a%40b:c@p", Some(("p", Some("Basic YUBiOmM="), "http://***:***@p")));
        check("https://p:1", None);
        check("http://", None);
    }
}
