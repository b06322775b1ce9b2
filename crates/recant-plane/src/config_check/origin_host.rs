//! Where an origin may be, as far as its name tells.
//!
//! An edge fetches what a configuration names, so a configuration must not make it fetch what only the edge's
//! machine may see: the cloud's metadata service above all. Here names and literal addresses are looked at; the edge
//! looks at every address again when it connects, since a name may resolve to anything.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use recant_core::host::Host;

/// The metadata services that are reached by name.
const METADATA_NAMES: [&str; 3] = ["metadata.google.internal", "metadata.goog", "instance-data"];

/// Says why `name` cannot be an origin's host, if so. Placeholders have been filled in before.
pub(super) fn problem(name: &str) -> Option<String> {
    if let Some(address) = address(name) {
        return address_problem(address).map(str::to_owned);
    }
    if name.contains('/') {
        return Some("a host alone, without scheme and path".into());
    }
    if name.parse::<Ipv6Addr>().is_ok() {
        return Some("an IPv6 address stands in brackets".into());
    }
    if name.contains(':') {
        return Some("a host alone; the port goes into CustomOriginConfig.HTTPPort".into());
    }
    // The edge's own reading of it.
    let host = match Host::parse(name) {
        Ok(host) => host,
        Err(why) => return Some(why.to_string()),
    };
    // Resolvers read `2852039166` and `0xa9fea9fe` as IPv4 addresses; so a name never ends in a number.
    let last = host.as_str().rsplit('.').next().unwrap_or_default();
    if last.bytes().all(|b| b.is_ascii_digit()) || last.starts_with("0x") {
        return Some("not an IPv4 address of four decimal numbers".into());
    }
    METADATA_NAMES.contains(&host.as_str()).then(|| "a metadata service is never an origin".into())
}

/// A literal address: four decimal numbers, or IPv6 in brackets (RFC 3986 section 3.2.2).
fn address(name: &str) -> Option<IpAddr> {
    match name.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']')?.parse().ok().map(IpAddr::V6),
        None => name.parse().ok().map(IpAddr::V4),
    }
}

fn address_problem(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(v4) => v4_problem(v4),
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => v4_problem(v4),
            None => v6_problem(v6),
        },
    }
}

fn v4_problem(address: Ipv4Addr) -> Option<&'static str> {
    if address.is_link_local() {
        Some("link-local and metadata addresses are never origins")
    } else if address.is_unspecified() || address.is_multicast() || address.is_broadcast() {
        Some("not the address of one host")
    } else {
        None
    }
}

fn v6_problem(address: Ipv6Addr) -> Option<&'static str> {
    // The metadata services of two clouds that have one on IPv6.
    const METADATA: [Ipv6Addr; 2] = [
        Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254),
        Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
    ];
    if address.is_unicast_link_local() || METADATA.contains(&address) {
        Some("link-local and metadata addresses are never origins")
    } else if address.is_unspecified() || address.is_multicast() {
        Some("not the address of one host")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses() {
        for good in [
            "a.example.com",
            "localhost",
            "127.0.0.1",
            "10.0.0.7",
            "[fd00::1]",
            "[::1]",
            "my_service",
            "example.com.",
        ] {
            assert_eq!(problem(good), None, "{good}");
        }
        for bad in [
            "",
            "http://a.example.com",
            "a.example.com/x",
            "a:8080",
            "a b",
            "-a.example.com",
            "a..b",
            "169.254.169.254",
            "[::ffff:169.254.169.254]",
            "::1",
            "[fe80::1]",
            "[::1",
            "[127.0.0.1]",
            "[::1]:80",
            "[fd00:ec2::254]",
            "0.0.0.0",
            "2852039166",
            "0xa9fea9fe",
            "metadata.google.internal",
            "METADATA.google.internal.",
        ] {
            assert!(problem(bad).is_some(), "{bad}");
        }
    }
}
