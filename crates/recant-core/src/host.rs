//! Which tenant a viewer means: the host of a request, and the domains that tenants answer to.
//!
//! [`Host`] is what viewers send, brought into one spelling; [`Domain`] is what a tenant lists, exact or with one
//! wildcard label. Neither resolves names, converts international ones (they come as `xn--…`) or says who owns one.

use std::borrow::Cow;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::limits::{HOST_BYTES_MAX, HOST_LABEL_BYTES_MAX};

/// The name in a request's `Host` or authority: lower case, without port and trailing dot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Host(Box<str>);

/// Why a text cannot be a host or a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Nothing is left without the port.
    #[error("a host must not be empty")]
    Empty,
    /// Longer than [`HOST_BYTES_MAX`].
    #[error("a host has at most {HOST_BYTES_MAX} characters")]
    TooLong,
    /// Two dots in a row, or one in front.
    #[error("a host has no empty label")]
    EmptyLabel,
    /// A label longer than [`HOST_LABEL_BYTES_MAX`].
    #[error("a label of a host has at most {HOST_LABEL_BYTES_MAX} characters")]
    LabelTooLong,
    /// A label that starts or ends with a hyphen.
    #[error("a label of a host neither starts nor ends with '-'")]
    Hyphen,
    /// A character other than letters, digits, `-`, `_` and `.`.
    #[error("a host holds letters, digits, '-', '_' and '.' only")]
    Character,
    /// What follows the colon is no port.
    #[error("a port is a number up to 65535")]
    Port,
    /// What stands in brackets is no IPv6 address.
    #[error("brackets hold an IPv6 address")]
    Address,
    /// A domain with a port or a trailing dot.
    #[error("a domain has neither port nor trailing dot")]
    NotBare,
    /// A `*` elsewhere than as the whole first label, or in front of an address.
    #[error("'*' may only be the whole first label of a domain name")]
    Wildcard,
}

impl Host {
    /// Reads the value of `Host`, or the authority of a request's target (RFC 9110 section 7.2).
    ///
    /// # Errors
    /// [`HostError`]; user information (`user@host`) and percent-encoding are refused as characters.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        if let Some(bracketed) = text.strip_prefix('[') {
            let (address, rest) = bracketed.split_once(']').ok_or(HostError::Address)?;
            let address: Ipv6Addr = address.parse().map_err(|_| HostError::Address)?;
            match rest.strip_prefix(':') {
                Some(port) => check_port(port)?,
                None if rest.is_empty() => {}
                None => return Err(HostError::Port),
            }
            // One spelling per address.
            return Ok(Self(format!("[{address}]").into()));
        }
        let name = match text.split_once(':') {
            Some((name, port)) => {
                check_port(port)?;
                name
            }
            None => text,
        };
        let name = name.strip_suffix('.').unwrap_or(name);
        check_name(name)?;
        Ok(Self(name.to_ascii_lowercase().into()))
    }

    /// The name: what an exact domain is compared with.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The domains that cover this host, the most telling first: itself, then `*` for its first label.
    pub fn candidates(&self) -> impl Iterator<Item = Cow<'_, str>> {
        // Made only when the host itself is nobody's.
        let wildcard = self.parent().into_iter().map(|parent| Cow::from(format!("*.{parent}")));
        std::iter::once(Cow::from(self.as_str())).chain(wildcard)
    }

    /// The name without its first label; addresses and single labels have none.
    fn parent(&self) -> Option<&str> {
        if is_address(&self.0) { None } else { self.0.split_once('.').map(|(_, parent)| parent) }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A domain that a tenant answers to: a host, or `*.example.com`, which covers exactly one label. Lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain(Box<str>);

impl Domain {
    /// Reads a domain of a tenant's list.
    ///
    /// Single labels and addresses are taken: tenants are tried out on `localhost` and on private networks.
    ///
    /// # Errors
    /// [`HostError`]; a port, a trailing dot and any other use of `*` are refused.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        if let Some(parent) = text.strip_prefix("*.") {
            // `*.0.0.1` would read as covering 127.0.0.1. The whole is bounded, not the part.
            let host = bare(parent)?;
            if text.len() > HOST_BYTES_MAX {
                return Err(HostError::TooLong);
            }
            if is_address(host.as_str()) || ends_numeric(host.as_str()) {
                return Err(HostError::Wildcard);
            }
            return Ok(Self(format!("*.{host}").into()));
        }
        if text.contains('*') {
            return Err(HostError::Wildcard);
        }
        bare(text).map(|host| Self(host.0))
    }

    /// The domain as text: the key that [`Host::candidates`] is looked up by.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it covers this host.
    pub fn covers(&self, host: &Host) -> bool {
        match self.0.strip_prefix("*.") {
            Some(parent) => host.parent() == Some(parent),
            None => self.0 == host.0,
        }
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A host that is written without port and trailing dot.
fn bare(text: &str) -> Result<Host, HostError> {
    let host = Host::parse(text)?;
    let same = host.as_str().len() == text.len() || text.starts_with('[') && text.ends_with(']');
    if same { Ok(host) } else { Err(HostError::NotBare) }
}

fn check_name(name: &str) -> Result<(), HostError> {
    if name.is_empty() {
        return Err(HostError::Empty);
    }
    if name.len() > HOST_BYTES_MAX {
        return Err(HostError::TooLong);
    }
    for label in name.split('.') {
        if label.is_empty() {
            return Err(HostError::EmptyLabel);
        }
        if label.len() > HOST_LABEL_BYTES_MAX {
            return Err(HostError::LabelTooLong);
        }
        if !label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
            return Err(HostError::Character);
        }
        if label.starts_with('-') || label.ends_with('-') {
            return Err(HostError::Hyphen);
        }
    }
    Ok(())
}

/// RFC 3986 section 3.2.3: a port is any number of digits, also none.
fn check_port(port: &str) -> Result<(), HostError> {
    let known = port.is_empty() || port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok();
    if known { Ok(()) } else { Err(HostError::Port) }
}

fn is_address(host: &str) -> bool {
    host.starts_with('[') || host.parse::<Ipv4Addr>().is_ok()
}

fn ends_numeric(name: &str) -> bool {
    name.rsplit('.').next().is_some_and(|label| label.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hosts_have_one_spelling() {
        let check = |text: &str, expected: Result<&str, HostError>| {
            let got = Host::parse(text);
            assert_eq!(got.as_ref().map(Host::as_str), expected.as_ref().copied(), "{text:?}");
        };
        check("a.example.com", Ok("a.example.com"));
        check("A.Example.COM:8080", Ok("a.example.com"));
        check("a.example.com.", Ok("a.example.com"));
        check("a.example.com.:443", Ok("a.example.com"));
        check("a.example.com:", Ok("a.example.com"));
        check("localhost", Ok("localhost"));
        check("my_shop.test", Ok("my_shop.test"));
        check("127.0.0.1:8080", Ok("127.0.0.1"));
        check("[::1]:8080", Ok("[::1]"));
        check("[0:0:0:0:0:0:0:1]", Ok("[::1]"));
        check("", Err(HostError::Empty));
        check(":80", Err(HostError::Empty));
        check(".", Err(HostError::Empty));
        check("a..b", Err(HostError::EmptyLabel));
        check(".a", Err(HostError::EmptyLabel));
        check("a.b..", Err(HostError::EmptyLabel));
        check("a:b", Err(HostError::Port));
        check("a:65536", Err(HostError::Port));
        check("a:+1", Err(HostError::Port));
        check("::1", Err(HostError::Port));
        check("[::1", Err(HostError::Address));
        check("[nonsense]", Err(HostError::Address));
        check("[::1]x", Err(HostError::Port));
        check("user@a", Err(HostError::Character));
        check("a/b", Err(HostError::Character));
        check("a b", Err(HostError::Character));
        check("*.a", Err(HostError::Character));
        check("bücher.example", Err(HostError::Character));
        check("-a.b", Err(HostError::Hyphen));
        check("a-.b", Err(HostError::Hyphen));
        check(&"a".repeat(64), Err(HostError::LabelTooLong));
        check(&format!("{}b", "a.".repeat(126)), Ok(&format!("{}b", "a.".repeat(126))));
        check(&format!("{}bb", "a.".repeat(126)), Err(HostError::TooLong));
    }

    #[test]
    fn domains_are_exact_or_one_label() {
        let check = |text: &str, expected: Result<&str, HostError>| {
            let got = Domain::parse(text);
            assert_eq!(got.as_ref().map(Domain::as_str), expected.as_ref().copied(), "{text:?}");
        };
        check("Shop.Example.com", Ok("shop.example.com"));
        check("*.Example.com", Ok("*.example.com"));
        check("*.localhost", Ok("*.localhost"));
        check("localhost", Ok("localhost"));
        check("127.0.0.1", Ok("127.0.0.1"));
        check("[::0:1]", Ok("[::1]"));
        check("", Err(HostError::Empty));
        check("*", Err(HostError::Wildcard));
        check("*.", Err(HostError::Empty));
        check("**.a", Err(HostError::Wildcard));
        check("a*.example.com", Err(HostError::Wildcard));
        check("a.*.com", Err(HostError::Wildcard));
        check("*.*.com", Err(HostError::Character));
        check("*.0.0.1", Err(HostError::Wildcard));
        check("*.127.0.0.1", Err(HostError::Wildcard));
        check("*.[::1]", Err(HostError::Wildcard));
        check("a.example.com:80", Err(HostError::NotBare));
        check("[::1]:80", Err(HostError::NotBare));
        check("a.example.com.", Err(HostError::NotBare));
        check(&format!("*.{}b", "a.".repeat(126)), Err(HostError::TooLong));
    }

    #[test]
    fn domains_cover_hosts() {
        let check = |domain: &str, host: &str, expected: bool| {
            let (domain, host) = (Domain::parse(domain).unwrap(), Host::parse(host).unwrap());
            assert_eq!(domain.covers(&host), expected, "{domain} {host}");
            let found = host.candidates().any(|candidate| candidate == domain.as_str());
            assert_eq!(found, expected, "candidates: {domain} {host}");
        };
        check("a.example.com", "A.EXAMPLE.com.:80", true);
        check("a.example.com", "b.example.com", false);
        check("*.example.com", "a.example.com", true);
        check("*.example.com", "example.com", false);
        check("*.example.com", "b.a.example.com", false);
        check("*.example.com", "aexample.com", false);
        check("*.localhost", "a.localhost", true);
        check("localhost", "localhost", true);
        check("127.0.0.1", "127.0.0.1:80", true);
    }

    #[test]
    fn the_exact_domain_comes_first() {
        let candidates =
            |host| Host::parse(host).unwrap().candidates().map(Cow::into_owned).collect::<Vec<_>>();
        assert_eq!(candidates("a.example.com"), ["a.example.com", "*.example.com"]);
        assert_eq!(candidates("localhost"), ["localhost"]);
        assert_eq!(candidates("10.0.0.1"), ["10.0.0.1"]);
        assert_eq!(candidates("[::1]"), ["[::1]"]);
    }

    proptest! {
        #[test]
        fn any_text_is_judged(text in any::<String>()) {
            let _ = Domain::parse(&text);
            if let Ok(host) = Host::parse(&text) {
                // One spelling: reading it again changes nothing.
                prop_assert_eq!(Host::parse(host.as_str()), Ok(host));
            }
        }
    }
}
