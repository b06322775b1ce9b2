//! Policies that somebody has made: what a behaviour names, and an edge is told of whole.
//!
//! A behaviour names a policy by its id. A managed one is known to every edge; a custom one travels in the behaviour
//! itself, so that everything an edge needs for a distribution is in the distribution's one entry of the log, and a
//! change of a policy is a change of every distribution that uses it: told, applied and `Deployed` like any other.

use crate::cache_policy::CachePolicy;
use crate::origin_request_policy::OriginRequestPolicy;
use crate::response_headers_policy::ResponseHeadersPolicy;

/// The kinds of policies that behaviours name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyKind {
    /// What is in the cache key, and how long responses are fresh.
    Cache,
    /// What origins are told of a viewer's request.
    OriginRequest,
    /// What viewers are told beside an origin's response.
    ResponseHeaders,
}

impl PolicyKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Cache, Self::OriginRequest, Self::ResponseHeaders];
}

/// A custom policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Policy {
    /// What is in the cache key, and how long responses are fresh.
    Cache(CachePolicy),
    /// What origins are told of a viewer's request.
    OriginRequest(OriginRequestPolicy),
    /// What viewers are told beside an origin's response.
    ResponseHeaders(ResponseHeadersPolicy),
}

impl Policy {
    /// What it is.
    pub fn kind(&self) -> PolicyKind {
        match self {
            Self::Cache(_) => PolicyKind::Cache,
            Self::OriginRequest(_) => PolicyKind::OriginRequest,
            Self::ResponseHeaders(_) => PolicyKind::ResponseHeaders,
        }
    }

    /// Its id.
    pub fn id(&self) -> &str {
        match self {
            Self::Cache(policy) => &policy.id,
            Self::OriginRequest(policy) => &policy.id,
            Self::ResponseHeaders(policy) => &policy.id,
        }
    }
}

/// A custom policy that a behaviour carries, and which of its configurations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PolicyInUse<'s> {
    /// What it is.
    pub kind: PolicyKind,
    /// Its id.
    pub id: &'s str,
    /// The entity tag of the configuration.
    pub revision: &'s str,
}
