//! Where a host is.
//!
//! A lookup cannot be given a time, so the library starts a thread for each. An address needs none.

use std::net::{IpAddr, SocketAddr};

use http::Uri;
use ureq::config::Config;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// Takes an address as it is, and looks a name up.
#[derive(Debug)]
pub(super) struct HostResolver;

impl Resolver for HostResolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        match address(uri) {
            Some(address) => {
                let mut found = self.empty();
                found.push(address);
                Ok(found)
            }
            None => DefaultResolver::default().resolve(uri, config, timeout),
        }
    }
}

/// The address that the host is, with the port of the scheme where none is given.
fn address(uri: &Uri) -> Option<SocketAddr> {
    let host = uri.host()?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let port = match uri.scheme_str() {
        Some("https") => 443,
        _ => 80,
    };
    let address: IpAddr = host.parse().ok()?;
    Some(SocketAddr::new(address, uri.port_u16().unwrap_or(port)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_names() {
        let check = |uri: &str, want: Option<&str>| {
            let found = address(&uri.parse().unwrap()).map(|address| address.to_string());
            assert_eq!(found.as_deref(), want, "{uri}");
        };
        check("http://127.0.0.1:4580/x", Some("127.0.0.1:4580"));
        check("http://127.0.0.1/", Some("127.0.0.1:80"));
        check("https://[::1]/", Some("[::1]:443"));
        check("http://localhost:4580/", None);
        check("https://cloudfront.amazonaws.com/", None);
    }
}
