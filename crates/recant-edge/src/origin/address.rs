//! Which addresses an edge may connect to on behalf of a tenant.
//!
//! A tenant's configuration names the origin, so without a rule a tenant could make the edge speak to whatever
//! the edge can reach. Judged is the address that is really connected to, not the name. In order:
//!
//! 1. The listeners of the product itself, the plane's API and this edge's viewers' side: never.
//! 2. The operator's networks: the longest prefix decides, and of two equal ones the denying.
//! 3. Otherwise link-local, metadata, unspecified, multicast and broadcast addresses are denied, and all others
//!    are allowed, loopback and private ones too: a self-hosted edge stands next to its origins.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// A block of addresses: `10.0.0.0/8`, `fd00::/8`, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix_bits: u8,
}

/// Why a text is no [`Network`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a network: an address, or an address, '/' and the number of its leading bits")]
pub struct NetworkError(String);

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let error = || NetworkError(text.into());
        let (address, bits) =
            text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| error())?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let prefix_bits: u8 = bits.map_or(Ok(width), str::parse).map_err(|_| error())?;
        if prefix_bits > width {
            return Err(error());
        }
        // What is judged is canonical, so a network in the IPv6 spelling of IPv4 would never hold anything.
        match (address, address.to_canonical()) {
            (IpAddr::V6(_), address @ IpAddr::V4(_)) => {
                let prefix_bits = prefix_bits.checked_sub(96).ok_or_else(error)?;
                Ok(Self { address, prefix_bits })
            }
            _ => Ok(Self { address, prefix_bits }),
        }
    }
}

impl Network {
    fn contains(&self, address: IpAddr) -> bool {
        let (ours, theirs, width) = match (self.address, address) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                (u128::from(ours.to_bits()), u128::from(theirs.to_bits()), 32)
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => (ours.to_bits(), theirs.to_bits(), 128),
            _ => return false,
        };
        let host_bits = u32::from(width - self.prefix_bits);
        (ours ^ theirs).checked_shr(host_bits).unwrap_or(0) == 0
    }
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct AddressPolicy {
    /// The product's own listeners.
    pub(crate) own: Vec<SocketAddr>,
    /// The operator's exceptions.
    pub(crate) allowed: Vec<Network>,
    /// The operator's further denials.
    pub(crate) denied: Vec<Network>,
}

impl AddressPolicy {
    /// Whether an origin may be asked at this address.
    pub(crate) fn allows(&self, address: SocketAddr) -> bool {
        let ip = canonical(address.ip());
        if self.is_own(ip, address.port()) {
            return false;
        }
        let longest = |networks: &[Network]| {
            networks.iter().filter(|network| network.contains(ip)).map(|network| network.prefix_bits).max()
        };
        match (longest(&self.allowed), longest(&self.denied)) {
            (Some(allowed), Some(denied)) => allowed > denied,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => !is_denied_by_default(ip),
        }
    }

    /// Whether this connection, which is open already, ends at one of our own listeners after all: a machine
    /// that speaks to one of its own outer addresses has that same address on both ends.
    pub(crate) fn allows_connected(&self, peer: SocketAddr, local: SocketAddr) -> bool {
        let own_port = self.own.iter().any(|own| own.port() == peer.port());
        !(own_port && peer.ip().to_canonical() == local.ip().to_canonical())
    }

    fn is_own(&self, ip: IpAddr, port: u16) -> bool {
        // Any spelling of "this machine" counts, whichever of them the listener was bound to.
        let this_machine = |ip: IpAddr| ip.is_loopback() || ip.is_unspecified();
        self.own.iter().filter(|own| own.port() == port).any(|own| {
            let own = own.ip().to_canonical();
            own == ip || this_machine(ip)
        })
    }
}

/// An IPv4 address may come in IPv6 spelling: mapped (`::ffff:127.0.0.1`), or behind a translator's well-known prefix
/// (`64:ff9b::/96`, RFC 6052 section 2.1).
fn canonical(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) if v6.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0] => {
            IpAddr::V4(Ipv4Addr::from_bits(v6.to_bits() as u32))
        }
        ip => ip,
    }
}

fn is_denied_by_default(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            // 169.254.0.0/16 holds 169.254.169.254, where clouds hand out credentials.
            ip.is_link_local()
                || ip.is_multicast()
                || ip.is_broadcast()
                || is_this_network(ip)
                || METADATA_V4.contains(&ip)
        }
        IpAddr::V6(ip) => {
            ip.is_unicast_link_local() || ip.is_multicast() || ip.is_unspecified() || ip == METADATA_V6
        }
    }
}

/// Metadata addresses of other clouds that are not link-local: Oracle's and Alibaba's.
const METADATA_V4: [Ipv4Addr; 2] = [Ipv4Addr::new(192, 0, 0, 192), Ipv4Addr::new(100, 100, 100, 200)];

/// Amazon's metadata address over IPv6.
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

/// 0.0.0.0/8 (RFC 6890): Linux takes it for the machine itself.
fn is_this_network(ip: Ipv4Addr) -> bool {
    ip.octets()[0] == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(policy: &AddressPolicy, address: &str, expect: bool) {
        assert_eq!(policy.allows(address.parse().unwrap()), expect, "{address}");
    }

    #[test]
    fn the_defaults() {
        let policy =
            AddressPolicy { own: vec!["127.0.0.1:4580".parse().unwrap()], ..AddressPolicy::default() };
        for allowed in ["127.0.0.1:80", "10.1.2.3:80", "192.168.0.1:4580", "[::1]:80", "93.184.216.34:80"] {
            check(&policy, allowed, true);
        }
        for denied in [
            "127.0.0.1:4580",
            "127.0.0.2:4580",
            "[::1]:4580",
            "[::ffff:127.0.0.1]:4580",
            "0.0.0.0:80",
            "[::]:80",
            "169.254.169.254:80",
            "[::ffff:169.254.1.1]:80",
            "[64:ff9b::a9fe:a9fe]:80",
            "[64:ff9b::127.0.0.1]:4580",
            "192.0.0.192:80",
            "100.100.100.200:80",
            "[fe80::1]:80",
            "[fd00:ec2::254]:80",
            "224.0.0.1:80",
            "255.255.255.255:80",
            "[ff02::1]:80",
        ] {
            check(&policy, denied, false);
        }
    }

    #[test]
    fn the_operator_decides_by_the_longest_prefix() {
        let networks = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
        let policy = AddressPolicy {
            own: vec!["127.0.0.1:4580".parse().unwrap()],
            allowed: networks(&["10.1.0.0/16", "169.254.7.7", "127.0.0.1"]),
            denied: networks(&["0.0.0.0/0", "10.1.9.0/24", "::/0", "::ffff:10.1.8.0/120"]),
        };
        check(&policy, "10.1.8.3:80", false);
        check(&policy, "[64:ff9b::10.1.9.3]:80", false);
        check(&policy, "10.1.2.3:80", true);
        check(&policy, "10.1.9.3:80", false);
        check(&policy, "93.184.216.34:80", false);
        check(&policy, "169.254.7.7:80", true);
        check(&policy, "127.0.0.1:80", true);
        check(&policy, "127.0.0.1:4580", false);
        check(&policy, "[2001:db8::1]:80", false);
    }

    #[test]
    fn our_own_outer_address_is_noticed_once_connected() {
        let policy = AddressPolicy { own: vec!["0.0.0.0:4580".parse().unwrap()], ..AddressPolicy::default() };
        let address = |text: &str| text.parse().unwrap();
        assert!(!policy.allows_connected(address("192.0.2.1:4580"), address("192.0.2.1:50000")));
        assert!(policy.allows_connected(address("192.0.2.2:4580"), address("192.0.2.1:50000")));
    }

    #[test]
    fn odd_networks_are_refused() {
        for text in
            ["", "10.0.0.0/33", "10.0.0/8", "::ffff:10.0.0.0/95", "::/129", "10.0.0.0/x", "example.com"]
        {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }
}
