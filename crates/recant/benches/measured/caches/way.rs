//! The ways in which operators of these caches invalidate.

use std::ops::Range;

use anyhow::Result;

use crate::caches::{Cache, Site, nginx, recant, squid, trafficserver_ways, varnish};

/// One way of invalidating in a running cache.
pub(crate) trait Way: Send {
    fn cache(&self) -> &Cache;

    /// Waits until an invalidation would count at once. Only lists that are told apart by the second need it.
    fn settle(&mut self) {}

    /// Takes everything of a tenant away, of so many things that are stored of all; returns as the operator's call does.
    fn everything_of(&mut self, tenant: usize, stored: usize) -> Result<()>;

    /// Waits until the cache says that the last invalidation is done everywhere; whether it says such a thing at all.
    fn finish(&mut self) -> Result<bool> {
        Ok(false)
    }

    /// How many paths are taken away in one go when there are many.
    fn paths_at_once(&self) -> usize {
        3_000
    }

    /// Takes paths away, by numbers, under which nothing is stored, of the first tenant where a way knows paths.
    fn paths(&mut self, numbers: Range<usize>) -> Result<()>;
}

/// Starts a cache for its way.
pub(crate) type StartWay = fn(&Site<'_>) -> Result<Box<dyn Way>>;

/// A way that is measured.
pub(crate) struct Listed {
    pub(crate) name: &'static str,
    pub(crate) start: StartWay,
    /// More than this is not stored, and why.
    pub(crate) stored_max: (usize, &'static str),
    /// What an invalidation of a path would mean, where that is not measured.
    pub(crate) without_paths: Option<&'static str>,
}

const ANY: (usize, &str) = (usize::MAX, "");

/// All of them, Recant's first.
pub(crate) const WAYS: [Listed; 8] = [
    Listed { name: "recant", start: recant::way, stored_max: ANY, without_paths: None },
    Listed {
        name: "varnish, ban obj.*",
        start: varnish::ban_responses,
        stored_max: ANY,
        without_paths: None,
    },
    Listed { name: "varnish, ban req.*", start: varnish::ban_requests, stored_max: ANY, without_paths: None },
    Listed { name: "varnish, xkey", start: varnish::purge_keys, stored_max: ANY, without_paths: None },
    Listed {
        name: "nginx, all files read",
        start: nginx::read_files,
        stored_max: (300_000, "a file each, and minutes for a walk"),
        without_paths: Some("each is a walk over all files, and leaves nothing behind"),
    },
    Listed {
        name: "squid, PURGE each",
        start: squid::purge_each,
        stored_max: (300_000, "7 KiB of memory each"),
        without_paths: None,
    },
    Listed {
        name: "trafficserver, remap_purge",
        start: trafficserver_ways::generations,
        stored_max: ANY,
        without_paths: None,
    },
    Listed {
        name: "trafficserver, regex_revalidate",
        start: trafficserver_ways::patterns,
        stored_max: ANY,
        without_paths: None,
    },
];
