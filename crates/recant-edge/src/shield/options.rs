//! What an operator says of shields.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

/// How an edge takes part in shielding origins; by default not at all.
#[derive(Clone, Debug, Default)]
pub struct ShieldOptions {
    /// Where other edges ask this one, if it is a shield; port 0 takes a free one.
    pub listen: Option<SocketAddr>,
    /// The shields that this edge asks, by region.
    pub shields: BTreeMap<String, ShieldAddress>,
}

/// Where a shield is: `HOST:PORT`, an address of IPv6 in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShieldAddress {
    /// A name or an address, the latter without brackets.
    pub(super) host: String,
    pub(super) port: u16,
}

/// Why a text is no [`ShieldAddress`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not HOST:PORT")]
pub struct ShieldAddressError(String);

impl FromStr for ShieldAddress {
    type Err = ShieldAddressError;

    fn from_str(text: &str) -> Result<Self, ShieldAddressError> {
        let error = || ShieldAddressError(text.into());
        let authority: http::uri::Authority = text.parse().map_err(|_| error())?;
        let port = authority.port_u16().filter(|port| *port > 0).ok_or_else(error)?;
        let host = authority.host().trim_matches(['[', ']']);
        // A name and a password would be passed over.
        if host.is_empty() || text.contains('@') {
            return Err(error());
        }
        Ok(Self { host: host.into(), port })
    }
}

impl fmt::Display for ShieldAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        for text in ["shield.test:8081", "127.0.0.1:1", "[::1]:65535"] {
            assert_eq!(text.parse::<ShieldAddress>().unwrap().to_string(), text);
        }
        for text in ["", "shield.test", ":1", "a:0", "a:65536", "a:b", "u@a:1", "::1", "http://a:1", "a:1/p"]
        {
            assert!(text.parse::<ShieldAddress>().is_err(), "{text}");
        }
    }
}
