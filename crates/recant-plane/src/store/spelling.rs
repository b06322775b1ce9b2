//! How values are spelled in a database, whichever it is: what is the same for every store, and no question to one. Described in
//! docs/design/formats.md.

use recant_core::entry::Scope;
use recant_core::id::{DistributionId, IdError, TenantId};
use recant_core::policy::PolicyKind;
use recant_core::position::Position;

use super::command::Refusal;
use super::records::{Progress, ResourceKind, Taggable, Tags, Tracked};

/// The columns that a store's `distribution` reads.
pub(super) const DISTRIBUTION: &str =
    "id, caller_reference, etag, config, spec, created, modified, position, tags";
/// The columns that a store's `tenant` reads.
pub(super) const TENANT: &str = "id, name, connection_group_id, etag, config, spec, created, modified, position, web_acl, certificate, tags";
/// The columns that a store's `resource` reads.
pub(super) const RESOURCE: &str =
    "kind, id, name, alias, etag, enabled, config, tags, created, modified, position";
/// The columns that a store's `invalidation` reads.
pub(super) const INVALIDATION: &str = "id, owner, caller_reference, items, created, position";
/// The columns that a store's `invalidation_summary` reads.
pub(super) const INVALIDATION_SUMMARY: &str = "id, created, position";
/// The columns that a store's `entry` reads.
pub(super) const ENTRY: &str = "position, prev_hash, scope, scope_id, kind, body_hash, body";

/// How many entries at the end of the log are looked at when a store is opened.
pub(super) const TAIL: u64 = 1_000;

/// `log.scope` of [`Scope::Tenant`].
const SCOPE_TENANT: i16 = 1;
/// `log.scope` of [`Scope::Distribution`].
const SCOPE_DISTRIBUTION: i16 = 2;

/// What the column `owner` of a distribution starts with. No id has a slash.
const OWNER_DISTRIBUTION: &str = "distribution/";

/// An unsigned number as the signed one of the same bits.
///
/// Positions and terms never reach the sign; incarnations are random and use all bits.
pub(super) fn integer(number: u64) -> i64 {
    number.cast_signed()
}

/// A value as it is stored.
pub(super) fn json<T: serde::Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("specs, tags and lists of texts have no keys that JSON lacks")
}

/// An entry's scope as the columns `scope` and `scope_id`.
pub(super) fn scope_columns(scope: &Scope) -> (i16, &str) {
    match scope {
        Scope::Tenant(id) => (SCOPE_TENANT, id.as_str()),
        Scope::Distribution(id) => (SCOPE_DISTRIBUTION, id.as_str()),
    }
}

/// What [`scope_columns`] made two columns of; nothing for a code that is none.
pub(super) fn scope(code: i16, id: &str) -> Option<Result<Scope, IdError>> {
    match code {
        SCOPE_TENANT => Some(TenantId::parse(id).map(Scope::Tenant)),
        SCOPE_DISTRIBUTION => Some(DistributionId::parse(id).map(Scope::Distribution)),
        _ => None,
    }
}

/// Whose a caller reference or invalidation is, as the column `owner`.
pub(super) fn owner(scope: &Scope) -> String {
    match scope {
        Scope::Tenant(id) => id.as_str().to_owned(),
        Scope::Distribution(id) => format!("{OWNER_DISTRIBUTION}{id}"),
    }
}

/// What [`owner`] made a text of.
pub(super) fn owner_scope(owner: &str) -> Result<Scope, IdError> {
    match owner.strip_prefix(OWNER_DISTRIBUTION) {
        Some(id) => DistributionId::parse(id).map(Scope::Distribution),
        None => TenantId::parse(owner).map(Scope::Tenant),
    }
}

/// The kind of resource that is called so.
pub(super) fn resource_kind(name: &str) -> Option<ResourceKind> {
    ResourceKind::ALL.into_iter().find(|kind| kind.as_str() == name)
}

/// The record with its place and progress.
pub(super) fn tracked<T>(record: T, position: Position, completed: Position) -> Tracked<T> {
    Tracked { record, position, progress: Progress::of(position, completed) }
}

/// Where the tags of something are.
pub(super) struct TagsOf<'t> {
    pub(super) table: &'static str,
    /// In a table of several kinds; else empty.
    pub(super) kind: &'static str,
    pub(super) id: &'t str,
    /// That it is not there.
    pub(super) missing: Refusal,
}

/// Where its tags are.
pub(super) fn tags_of(of: &Taggable) -> TagsOf<'_> {
    let (table, kind, id, missing) = match of {
        Taggable::Distribution(id) => ("distributions", "", id.as_str(), Refusal::NoSuchDistribution),
        Taggable::Tenant(id) => ("tenants", "", id.as_str(), Refusal::NoSuchTenant),
        Taggable::Resource(kind, id) => {
            ("resources", kind.as_str(), id.as_str(), Refusal::NoSuchResource(*kind))
        }
    };
    TagsOf { table, kind, id, missing }
}

/// The tags after a change: what is to go goes first.
pub(super) fn changed_tags(
    mut tags: Tags,
    set: &Tags,
    unset: &[String],
    tags_max: usize,
) -> Result<Tags, Refusal> {
    tags.retain(|key, _| !unset.contains(key));
    tags.extend(set.clone());
    if tags.len() > tags_max { Err(Refusal::TooManyTags) } else { Ok(tags) }
}

/// What stands in the stored spec of a distribution without tenants, and in no other's.
pub(super) const DIRECT_IN_SPEC: &str = r#""direct":{"endpoint":"#;

/// What stands in the stored spec of a distribution that has this policy in a behaviour, and in no other's: within a text of the
/// JSON every quote has a backslash before it.
pub(super) fn policy_in_spec(kind: PolicyKind, id: &str) -> String {
    let id = json(id);
    match kind {
        PolicyKind::Cache => format!(r#""cache_policy_id":{id}"#),
        PolicyKind::OriginRequest => format!(r#""origin_request_policy_id":{id}"#),
        PolicyKind::ResponseHeaders => format!(r#""response_headers_policy":{{"id":{id}"#),
    }
}
