//! The custom policies that a distribution's configuration names, as they are now.

use std::collections::BTreeMap;

use recant_core::cache_policy::{self, CachePolicy};
use recant_core::origin_request_policy::{self, OriginRequestPolicy};
use recant_core::policy::{Policy, PolicyKind};
use recant_core::response_headers_policy::ResponseHeadersPolicy;
use recant_wire::document::Document;

/// Custom policies by kind and id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policies(BTreeMap<(PolicyKind, String), Policy>);

impl Policies {
    /// Adds one that was found.
    pub(crate) fn insert(&mut self, policy: Policy) {
        self.0.insert((policy.kind(), policy.id().to_owned()), policy);
    }

    /// The custom cache policy of this id.
    pub(super) fn cache(&self, id: &str) -> Option<&CachePolicy> {
        match self.0.get(&(PolicyKind::Cache, id.to_owned()))? {
            Policy::Cache(policy) => Some(policy),
            _ => None,
        }
    }

    /// The custom origin request policy of this id.
    pub(super) fn origin_request(&self, id: &str) -> Option<&OriginRequestPolicy> {
        match self.0.get(&(PolicyKind::OriginRequest, id.to_owned()))? {
            Policy::OriginRequest(policy) => Some(policy),
            _ => None,
        }
    }

    /// The response headers policy of this id, also a managed one.
    pub(super) fn response_headers(&self, id: &str) -> Option<&ResponseHeadersPolicy> {
        match self.0.get(&(PolicyKind::ResponseHeaders, id.to_owned()))? {
            Policy::ResponseHeaders(policy) => Some(policy),
            _ => None,
        }
    }
}

/// What a `DistributionConfig` names that edges do not know by id, there or not.
pub(crate) fn named_policies(config: &Document) -> Vec<(PolicyKind, String)> {
    let listed = config.get("CacheBehaviors").and_then(|behaviors| behaviors.get("Items"));
    let listed = match listed {
        Some(Document::List(items)) => items.as_slice(),
        _ => &[],
    };
    let behaviors = config.get("DefaultCacheBehavior").into_iter().chain(listed);
    let named = |behavior: &Document| {
        PolicyKind::ALL.map(|kind| {
            let (member, is_managed): (_, fn(&str) -> bool) = match kind {
                PolicyKind::Cache => ("CachePolicyId", |id| cache_policy::managed(id).is_some()),
                PolicyKind::OriginRequest => {
                    ("OriginRequestPolicyId", |id| origin_request_policy::managed(id).is_some())
                }
                // Edges know none.
                PolicyKind::ResponseHeaders => ("ResponseHeadersPolicyId", |_| false),
            };
            match behavior.get(member) {
                Some(Document::String(id)) if !id.is_empty() && !is_managed(id) => Some((kind, id.clone())),
                _ => None,
            }
        })
    };
    behaviors.flat_map(named).flatten().collect()
}
