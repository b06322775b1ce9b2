//! The operations on policies: the same six for every kind.
//!
//! ```text
//! CreateCachePolicy ─ config_check ─ the resource ─────────────────────────────── nothing for edges yet
//! CreateDistribution ─ the policies that it names, as they are ─ in its spec ──── its entry of the log
//! UpdateCachePolicy ─ config_check ─ the resource, and every spec that carries it ─ their entries
//! ```
//!
//! Managed policies are nobody's to change (`IllegalUpdate`, `IllegalDelete`); custom ones are resources of the store. A policy
//! has no `Status` of its own: the distributions that use it are `Deployed` again when every edge has it.
//!
//! What stands in the store is the configuration as it was understood, with the defaults filled in, so that it is shown as
//! the service shows it.

mod cache;
mod create;
mod delete;
mod get;
mod list;
mod origin_request;
mod response_headers;
mod update;

use recant_core::id::ETag;
use recant_core::policy::{Policy, PolicyKind};
use recant_core::time::WallTime;
use recant_wire::document::{Document, Members};

use super::output::{structure, text, time};
use super::{Context, input};
use crate::config_check::{self, NamedPolicy, Policies};
use crate::error::ApiError;
use crate::store::{Refusal, ResourceKey, ResourceKind, ResourceRecord, Store};

pub(super) use create::run as create;
pub(super) use delete::run as delete;
pub(super) use get::{config as get_config, run as get};
pub(super) use list::run as list;
pub(super) use update::run as update;

/// How the API names a kind, and what else differs between kinds.
#[derive(Clone, Copy)]
pub(super) struct Family {
    kind: PolicyKind,
    /// `CachePolicy`.
    noun: &'static str,
}

/// Cache policies.
pub(super) const CACHE: Family = Family { kind: PolicyKind::Cache, noun: "CachePolicy" };

/// Origin request policies.
pub(super) const ORIGIN_REQUEST: Family =
    Family { kind: PolicyKind::OriginRequest, noun: "OriginRequestPolicy" };

/// Response headers policies.
pub(super) const RESPONSE_HEADERS: Family =
    Family { kind: PolicyKind::ResponseHeaders, noun: "ResponseHeadersPolicy" };

/// Every kind.
pub(super) const FAMILIES: [Family; 3] = [CACHE, ORIGIN_REQUEST, RESPONSE_HEADERS];

/// A policy as the API shows it.
struct Shown {
    id: String,
    etag: String,
    modified: WallTime,
    config: Document,
}

impl Family {
    /// Which kind it is.
    pub(super) fn kind(self) -> PolicyKind {
        self.kind
    }

    /// What one is called in the API: `CachePolicy`.
    pub(super) fn noun(self) -> &'static str {
        self.noun
    }

    /// The id of each managed policy, by name.
    pub(super) fn managed_ids(self) -> impl Iterator<Item = (String, String)> {
        let named = |shown: Shown| match shown.config.get("Name") {
            Some(Document::String(name)) => Some((name.clone(), shown.id)),
            _ => None,
        };
        self.managed().into_iter().filter_map(named)
    }

    /// What each managed policy says that edges do not know by id.
    ///
    /// # Errors
    /// None, with policies that have been tried.
    pub(super) fn managed_policies(self) -> Result<Vec<Policy>, ApiError> {
        // Edges know those of the other kinds.
        let told = self.managed().into_iter().filter(|_| self.kind == PolicyKind::ResponseHeaders);
        told.map(|it| Ok(config_check::policy(self.kind, &it.id, "", &it.config)?.policy)).collect()
    }

    fn resource_kind(self) -> ResourceKind {
        self.kind.into()
    }

    /// `CachePolicyConfig` of an input.
    pub(super) fn config(self, input: &Document) -> Result<&Document, ApiError> {
        let member = format!("{}Config", self.noun);
        input.get(&member).ok_or_else(|| ApiError::null_member(&member))
    }

    /// Every managed policy, by id.
    fn managed(self) -> Vec<Shown> {
        match self.kind {
            PolicyKind::Cache => cache::managed(),
            PolicyKind::OriginRequest => origin_request::managed(),
            PolicyKind::ResponseHeaders => response_headers::managed(),
        }
    }

    fn no_such(self) -> ApiError {
        ApiError::NoSuchPolicy(self.kind, "The specified policy does not exist.".into())
    }

    /// What the store refused, in this kind's words.
    fn refused<S>(self, context: &Context<S>, refusal: Refusal) -> ApiError
    where
        S: Store,
    {
        match refusal {
            Refusal::NameTaken => ApiError::PolicyAlreadyExists(self.kind),
            Refusal::InUse => ApiError::PolicyInUse(self.kind),
            Refusal::TooManyResources(_) => ApiError::TooManyPolicies(self.kind),
            Refusal::NoSuchResource(_) => self.no_such(),
            refusal => context.refused(refusal),
        }
    }

    /// The configuration as it was understood, or given where nothing is to be filled in.
    pub(super) fn written(self, read: &NamedPolicy, given: &Document) -> Document {
        match &read.policy {
            Policy::Cache(policy) => cache::config(&read.name, &read.comment, policy),
            Policy::OriginRequest(policy) => origin_request::config(&read.name, &read.comment, policy),
            Policy::ResponseHeaders(_) => given.clone(),
        }
    }

    /// The members of a result that show one policy: `CachePolicy` and `ETag`.
    fn one(self, shown: Shown) -> Members {
        let etag = shown.etag.clone();
        let mut members = Members::new();
        members.insert(self.noun, self.shape(shown));
        members.insert("ETag", etag);
        members
    }

    /// `CachePolicy`.
    fn shape(self, shown: Shown) -> Document {
        let mut members = Members::new();
        members.insert("Id", shown.id);
        if let Some(modified) = time(shown.modified) {
            members.insert("LastModifiedTime", modified);
        }
        members.insert(format!("{}Config", self.noun), shown.config);
        Document::Structure(members)
    }
}

impl From<ResourceRecord> for Shown {
    fn from(record: ResourceRecord) -> Self {
        Self {
            id: record.id,
            etag: record.etag.as_str().to_owned(),
            modified: record.modified,
            config: Document::from(record.config),
        }
    }
}

/// A managed policy as the API shows it. It was never made or changed: the service shows the beginning of time.
fn managed(id: &str, config: Document) -> Shown {
    let letters =
        id.bytes().filter(u8::is_ascii_alphanumeric).take(13).map(|b| char::from(b.to_ascii_uppercase()));
    let etag = std::iter::once('E').chain(letters).collect();
    Shown { id: id.to_owned(), etag, modified: WallTime::from_millis(0), config }
}

/// The policies that a distribution's configuration names and edges do not know by id, as they are now. One that is not there is
/// missing here, too.
///
/// # Errors
/// When the store cannot be read.
pub(super) async fn named_in<S: Store>(
    context: &Context<S>,
    config: &Document,
) -> Result<Policies, ApiError> {
    let mut policies = Policies::default();
    for (kind, id) in config_check::named_policies(config) {
        if let Some(managed) = managed_policy(kind, &id)? {
            policies.insert(managed);
            continue;
        }
        let found = context.store.resource(kind.into(), ResourceKey::Id(id)).await?;
        if let Some(found) = found {
            let ResourceRecord { id, etag, config, .. } = found.record;
            policies.insert(config_check::policy(kind, &id, etag.as_str(), &Document::from(config))?.policy);
        }
    }
    Ok(policies)
}

/// What a managed policy of this id says.
fn managed_policy(kind: PolicyKind, id: &str) -> Result<Option<Policy>, ApiError> {
    let family = FAMILIES.into_iter().find(|family| family.kind == kind);
    let managed = family.and_then(|family| family.managed().into_iter().find(|managed| managed.id == id));
    managed.map(|managed| Ok(config_check::policy(kind, id, "", &managed.config)?.policy)).transpose()
}

/// The entity tag of a configuration that has just been written.
fn new_etag() -> ETag {
    ETag::generate(crate::random::bytes())
}

/// `Quantity` and `Items`, of names.
fn names<'n>(names: impl Iterator<Item = &'n str>) -> Option<Document> {
    super::output::quantified(names.map(|name| Document::String(name.to_owned())).collect())
}

/// Behaviour and names of a selection.
fn selection(
    behavior: &'static str,
    list: &'static str,
    selection: &recant_core::selection::Selection,
) -> Option<Document> {
    use recant_core::selection::Selection;
    let (word, listed) = match selection {
        Selection::None => ("none", None),
        Selection::Only(names) => ("whitelist", Some(names)),
        Selection::AllExcept(names) => ("allExcept", Some(names)),
        Selection::All => ("all", None),
    };
    let listed = listed.and_then(|listed| names(listed.iter().map(String::as_str)));
    Some(structure([(behavior, text(word)), (list, listed)]))
}

/// The id that an operation is about.
fn id(input: &Document) -> &str {
    input::text(input, "Id")
}
