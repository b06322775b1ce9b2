//! What is sent to a tenant: the paths, and the caller reference.

use recant_wire::document::{Document, Members};

use super::kind::Kind;
use super::lint::Linted;
use super::reference::{self, DeployId};

/// Wildcards that CloudFront lets a tenant have in progress.
pub(super) const WILDCARDS_MAX: usize = recant_core::limits::WILDCARDS_IN_PROGRESS_DEFAULT as usize;

/// The paths of a run and the id that makes its calls repeatable: the same for all tenants.
#[derive(Debug)]
pub(super) struct Batch {
    /// The paths.
    pub paths: Linted,
    /// What the caller references are derived from, beside tenant and paths.
    pub deploy_id: DeployId,
    /// What it is sent to.
    pub kind: Kind,
}

impl Batch {
    /// The caller reference of a tenant's invalidation.
    pub(super) fn reference(&self, tenant: &str) -> String {
        reference::derived(tenant, self.deploy_id.as_str(), &self.paths.kept)
    }

    /// The input of the create.
    pub(super) fn input(&self, tenant: &str) -> Members {
        let paths = Document::structure([
            ("Quantity", Document::from(self.paths.kept.len())),
            ("Items", self.paths_document()),
        ]);
        let batch = Document::structure([
            ("Paths", paths),
            ("CallerReference", Document::from(self.reference(tenant))),
        ]);
        [(self.kind.create_member(), Document::from(tenant)), ("InvalidationBatch", batch)]
            .into_iter()
            .collect()
    }

    /// The paths, as they are sent.
    pub(super) fn paths_document(&self) -> Document {
        Document::list(self.paths.kept.iter().map(String::as_str))
    }

    /// More wildcards than a tenant may have in progress, unless an operator allows more: waiting does not make room for them.
    pub(super) fn wildcards_beyond_limit(&self) -> Option<usize> {
        let wildcards = self.paths.kept.iter().filter(|path| path.starts_with('/') && path.ends_with('*'));
        Some(wildcards.count()).filter(|count| *count > WILDCARDS_MAX)
    }
}

/// Says a number of things.
pub(super) fn counted(number: usize, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{plural}")
}
