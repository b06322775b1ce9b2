//! The edge as its viewers and its origins see it, over real connections on this machine.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod attacks;
mod behaviors;
mod cache_policies;
mod caching;
mod changing;
mod coding;
mod collapsing;
mod confirming;
mod conformance;
mod countries;
mod direct;
mod failing;
mod failures;
mod following;
mod forwarding;
mod http2;
mod invalidation;
mod keeping;
mod metrics;
mod options;
mod origin_request_policies;
mod parts;
mod parts_by_chance;
mod passing;
mod requests;
mod response_headers;
mod secure;
mod shields;
mod shields_by_chance;
mod support;
mod sweeping;
mod upgrades;
