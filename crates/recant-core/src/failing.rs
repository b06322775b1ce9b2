//! What a distribution's configuration says for the case that an origin fails: who is asked instead
//! (`OriginGroups`), what a viewer gets instead, and for how long an error is kept (`CustomErrorResponses`).
//!
//! It says nothing of stale responses that stand in for an origin: that is [`crate::freshness`], and comes after the
//! last origin was asked.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::spec::{DistributionSpec, OriginSpec};

/// Two origins for one thing: the second is asked where the first fails.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginGroupSpec {
    /// Its name within the distribution; behaviours name it in an origin's place.
    pub id: String,
    /// Its origins, by name, in the order in which they are asked.
    pub members: Vec<String>,
    /// The statuses that count as failing, beside no answer at all.
    pub failover_statuses: Vec<u16>,
}

/// What becomes of errors of one status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomErrorSpec {
    /// The status.
    pub status: u16,
    /// How long such an error is kept at least.
    pub caching_min_ttl: Duration,
    /// What a viewer gets in its place; none: the error itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<ErrorPageSpec>,
}

/// What a viewer gets in place of an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorPageSpec {
    /// An object of the same tenant; begins with `/`.
    pub path: String,
    /// The status that the viewer is told.
    pub status: u16,
}

impl DistributionSpec {
    /// The origins to ask, in this order, where a behaviour names this one: itself, or a group's. Empty for a name that is
    /// nobody's.
    pub fn origins_of(&self, target_id: &str) -> Vec<&OriginSpec> {
        match self.origin_group(target_id) {
            Some(group) => group.members.iter().filter_map(|id| self.origin(id)).collect(),
            None => self.origin(target_id).into_iter().collect(),
        }
    }

    /// Whether an answer of this status is none, while another origin of this target can be asked.
    pub fn fails_over(&self, target_id: &str, status: u16) -> bool {
        self.origin_group(target_id).is_some_and(|group| group.failover_statuses.contains(&status))
    }

    /// What a viewer gets in place of an error of this status, if anything.
    pub fn error_page(&self, status: u16) -> Option<&ErrorPageSpec> {
        self.custom_error(status)?.page.as_ref()
    }

    /// How long a response of this status is kept at least, if that was said of it.
    pub fn error_min_ttl(&self, status: u16) -> Option<Duration> {
        self.custom_error(status).map(|error| error.caching_min_ttl)
    }

    fn origin_group(&self, id: &str) -> Option<&OriginGroupSpec> {
        self.origin_groups.iter().find(|group| group.id == id)
    }

    fn custom_error(&self, status: u16) -> Option<&CustomErrorSpec> {
        self.custom_errors.iter().find(|error| error.status == status)
    }
}
