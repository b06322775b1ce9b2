//! Looking names up with this machine's resolver, and what that says of a domain.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::str::FromStr;

use recant_core::limits::DNS_LOOKUP_MAX;

/// Whether names are looked up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DnsLookups {
    /// With this machine's resolver: its hosts file, its name servers.
    #[default]
    System,
    /// Never: for networks where domains are not in the DNS that the plane sees.
    Off,
}

impl FromStr for DnsLookups {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "system" => Ok(Self::System),
            "off" => Ok(Self::Off),
            _ => Err("system or off is expected"),
        }
    }
}

/// What a look-up found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lookup {
    /// These addresses; at least one.
    Found(BTreeSet<IpAddr>),
    /// None, and why.
    Failed(String),
    /// Nobody was asked.
    NotAsked,
}

/// What the look-ups of a domain and of the endpoint that it should point to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It points there.
    Valid,
    /// It points somewhere else.
    Elsewhere,
    /// It points nowhere, and why.
    Nowhere(String),
    /// The endpoint has no address, and why; so nothing can be said.
    EndpointNowhere(String),
    /// Nobody was asked.
    NotAsked,
}

impl DnsLookups {
    /// The addresses of a name, after [`DNS_LOOKUP_MAX`] at the latest.
    pub(crate) async fn addresses(self, name: String) -> Lookup {
        if self == Self::Off {
            return Lookup::NotAsked;
        }
        match tokio::time::timeout(DNS_LOOKUP_MAX, tokio::net::lookup_host((name, 0))).await {
            Ok(Ok(found)) => match found.map(|address| address.ip()).collect::<BTreeSet<_>>() {
                none if none.is_empty() => Lookup::Failed("there is no record".to_owned()),
                some => Lookup::Found(some),
            },
            Ok(Err(error)) => Lookup::Failed(error.to_string()),
            Err(_) => Lookup::Failed("no answer in time".to_owned()),
        }
    }
}

/// Judges a domain by its addresses and the endpoint's.
pub(crate) fn verdict(domain: &Lookup, endpoint: &Lookup) -> Verdict {
    match (domain, endpoint) {
        (Lookup::NotAsked, _) | (_, Lookup::NotAsked) => Verdict::NotAsked,
        (_, Lookup::Failed(why)) => Verdict::EndpointNowhere(why.clone()),
        (Lookup::Failed(why), Lookup::Found(_)) => Verdict::Nowhere(why.clone()),
        (Lookup::Found(domain), Lookup::Found(endpoint)) if domain.is_disjoint(endpoint) => {
            Verdict::Elsewhere
        }
        (Lookup::Found(_), Lookup::Found(_)) => Verdict::Valid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(addresses: &[&str]) -> Lookup {
        Lookup::Found(addresses.iter().map(|address| address.parse().unwrap()).collect())
    }

    #[test]
    fn a_shared_address_is_enough() {
        let failed = |why: &str| Lookup::Failed(why.to_owned());
        let check = |domain: Lookup, endpoint: Lookup, expected: Verdict| {
            assert_eq!(verdict(&domain, &endpoint), expected, "{domain:?} {endpoint:?}");
        };
        check(found(&["192.0.2.1"]), found(&["192.0.2.1", "2001:db8::1"]), Verdict::Valid);
        check(found(&["192.0.2.2"]), found(&["192.0.2.1"]), Verdict::Elsewhere);
        check(failed("x"), found(&["192.0.2.1"]), Verdict::Nowhere("x".into()));
        check(found(&["192.0.2.1"]), failed("y"), Verdict::EndpointNowhere("y".into()));
        check(Lookup::NotAsked, Lookup::NotAsked, Verdict::NotAsked);
    }

    #[tokio::test]
    async fn an_address_is_its_own_name() {
        assert_eq!(DnsLookups::System.addresses("127.0.0.1".into()).await, found(&["127.0.0.1"]));
        assert_eq!(DnsLookups::Off.addresses("127.0.0.1".into()).await, Lookup::NotAsked);
    }
}
