//! Looking names up with this machine's resolver, and what that says of a domain.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, ToSocketAddrs as _};
use std::str::FromStr;
use std::sync::Arc;

use recant_core::limits::{DNS_LOOKUP_MAX, DNS_LOOKUPS_AT_ONCE_MAX};
use tokio::sync::Semaphore;

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

/// Looks names up, a few at a time: the threads that wait for a resolver are those that read the store, and must not run out.
#[derive(Clone, Debug)]
pub(crate) struct Dns {
    lookups: DnsLookups,
    free: Arc<Semaphore>,
}

impl Dns {
    pub(crate) fn new(lookups: DnsLookups) -> Self {
        Self { lookups, free: Arc::new(Semaphore::new(DNS_LOOKUPS_AT_ONCE_MAX)) }
    }

    /// The addresses of a name, after [`DNS_LOOKUP_MAX`] at the latest.
    pub(crate) async fn addresses(self, name: String) -> Lookup {
        if self.lookups == DnsLookups::Off {
            return Lookup::NotAsked;
        }
        let lookup = async {
            let place = self.free.acquire_owned().await;
            // The place is held until the resolver has answered, which may be after nobody waits any more.
            let asked = tokio::task::spawn_blocking(move || {
                let _place = place;
                (name.as_str(), 0).to_socket_addrs().map(|found| found.map(|address| address.ip()).collect())
            });
            asked.await.unwrap_or_else(|error| Err(error.into()))
        };
        let found: io::Result<BTreeSet<IpAddr>> = match tokio::time::timeout(DNS_LOOKUP_MAX, lookup).await {
            Ok(found) => found,
            Err(_) => return Lookup::Failed("no answer in time".to_owned()),
        };
        match found {
            Ok(none) if none.is_empty() => Lookup::Failed("there is no record".to_owned()),
            Ok(some) => Lookup::Found(some),
            Err(error) => Lookup::Failed(error.to_string()),
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
        let ask = async |lookups| Dns::new(lookups).addresses("127.0.0.1".into()).await;
        assert_eq!(ask(DnsLookups::System).await, found(&["127.0.0.1"]));
        assert_eq!(ask(DnsLookups::Off).await, Lookup::NotAsked);
    }
}
