//! What is true in Recant.
//!
//! This crate answers every question whose answer does not depend on where it is asked: which paths a batch
//! may hold, whether a create is new, a replay or a conflict, which stored response a rule matches, when an
//! invalidation is complete, whether a stored response may be served. **It never reads a clock, a file, a
//! socket, the environment or a random number**: all of that comes in as arguments, and what shall happen goes
//! out as values. So the code that ships is the code that is searched exhaustively (`tests/it/search`).
//!
//! What it deliberately does not do: spelling (XML, JSON, frames: `recant-wire`), storing, sending, waiting.
//!
//! # The modules, in the order the data flows
//!
//! | module | owns the words |
//! |---|---|
//! | [`limits`] | every bound of the product, with unit and source |
//! | [`id`], [`time`], [`position`] | `TenantId` …, `WallTime`, `BootTime`, `Position`, `Stamp`, `Era` |
//! | [`path`], [`tag`], [`batch`] | `InvalidationPath`, `CacheTag`, `Pattern`, `InvalidationBatch`, `Fingerprint` |
//! | [`ledger`] | the decision over a `CallerReference`: new, replay, conflict |
//! | [`spec`], [`policy`], [`entry`] | what the log carries: `DistributionSpec`, `TenantSpec`, `Entry`, `Change`, the hash chain |
//! | [`protocol`] | the plane's half and the edge's half: membership, leases, completion, resume |
//! | [`match_uri`], [`rules`] | the spelling that rules are compared with; what an edge holds: the trie with two epochs a node, the tags, the floor |
//! | [`host`], [`path_pattern`] | `Host`, `Domain`: which tenant a viewer means; `PathPattern`: which cache behaviour |
//! | [`cache_policy`], [`origin_request_policy`], [`response_headers_policy`], [`viewer_fields`], [`selection`], [`cache_key`], [`cache_control`], [`freshness`] | RFC 9111 and CloudFront's cache policies |
//! | [`access`], [`rate`], [`audit`] | what a key may do, how often it may ask, and the chain of what was decided |
//! | [`conditional`], [`range`] | whether a stored response answers a conditional request with 304; which bytes of it are asked for |
//! | [`part`], [`segments`] | what a 206 is a part of; the bytes that are there of an incomplete response |
//! | [`lookup`] | the one decision on the hit path |

pub mod access;
pub mod audit;
pub mod batch;
pub mod cache_control;
pub mod cache_key;
pub mod cache_policy;
pub mod changes;
pub mod compression;
pub mod conditional;
pub mod entry;
pub mod failing;
#[cfg(test)]
mod fixtures;
pub mod freshen;
pub mod freshness;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
pub mod geo;
pub mod host;
pub mod id;
pub mod ledger;
pub mod limits;
pub mod lookup;
pub mod match_uri;
pub mod origin_request_policy;
pub mod part;
pub mod path;
pub mod path_pattern;
pub mod policy;
pub mod position;
pub mod protocol;
pub mod range;
pub mod rate;
pub mod response_headers_policy;
pub mod rules;
pub mod segments;
pub mod selection;
pub mod spec;
pub mod storability;
pub mod tag;
pub mod targeted;
pub mod time;
pub mod vary;
pub mod viewer_fields;
