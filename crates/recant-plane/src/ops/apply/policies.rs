//! Declared policies: the members of `CreateCachePolicy`, `CreateOriginRequestPolicy` and `CreateResponseHeadersPolicy`. A policy is known by its
//! `Name`, by which behaviours may refer to it.
//!
//! Distributions are judged before any policy is made, and a policy gets its id when it is made. So one that is not there yet has a
//! passing id while the files are read, and what refers to it gets the real one afterwards ([`Made`]).

use std::collections::{BTreeMap, BTreeSet};

use recant_core::limits::POLICIES_PER_KIND_MAX;
use recant_core::policy::PolicyKind;
use recant_wire::document::{Document, Members};
use serde_json::Value;

use super::declared::Item;
use super::{Applier, ApplyError, Change, ask, form, text_of};
use crate::config_check::{self, Policies};
use crate::error::ApiError;
use crate::ops::policies::{FAMILIES, Family};
use crate::ops::{Context, shapes};
use crate::random;
use crate::store::{Listing, Page, ResourceKind, ResourceRecord, Store};

/// The lists of declared policies, and what is in each.
pub(super) const LISTS: [(&str, PolicyKind); 3] = [
    ("CachePolicies", PolicyKind::Cache),
    ("OriginRequestPolicies", PolicyKind::OriginRequest),
    ("ResponseHeadersPolicies", PolicyKind::ResponseHeaders),
];

/// The policies that there are, or will be.
#[derive(Default)]
pub(super) struct KnownPolicies {
    /// What distributions are judged by.
    pub(super) by_id: Policies,
    ids: BTreeMap<(PolicyKind, String), String>,
    /// Where there are shields, which distributions are judged by, too.
    pub(super) shield_regions: BTreeSet<String>,
    /// The custom ones that are there.
    records: BTreeMap<(PolicyKind, String), ResourceRecord>,
}

/// The ids of policies that have been made, by their passing ones.
pub(super) type Made = BTreeMap<String, String>;

impl KnownPolicies {
    /// Those that are there, managed ones too.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) async fn there<S: Store>(context: &Context<S>) -> Result<Self, ApiError> {
        let mut known = Self { shield_regions: context.shield_regions.clone(), ..Self::default() };
        let limit = POLICIES_PER_KIND_MAX.try_into().expect("there may be some");
        for family in FAMILIES {
            let kind = family.kind();
            known.ids.extend(family.managed_ids().map(|(name, id)| ((kind, name), id)));
            family.managed_policies()?.into_iter().for_each(|policy| known.by_id.insert(policy));
            let listing = context.store.resources(kind.into(), Page { after: None, limit }).await?;
            let Listing::Page { items, .. } = listing else {
                unreachable!("the first page needs no marker");
            };
            for record in items.into_iter().map(|found| found.record) {
                let config = Document::from(record.config.clone());
                let read = config_check::policy(kind, &record.id, record.etag.as_str(), &config)?;
                known.by_id.insert(read.policy);
                known.ids.insert((kind, read.name.clone()), record.id.clone());
                known.records.insert((kind, read.name), record);
            }
        }
        Ok(known)
    }

    /// The id of the policy of this kind and name.
    pub(super) fn id(&self, kind: PolicyKind, name: &str) -> Option<&str> {
        self.ids.get(&(kind, name.to_owned())).map(String::as_str)
    }
}

/// A policy as it shall be.
pub(super) struct DeclaredPolicy {
    pub(super) at: String,
    pub(super) name: String,
    family: Family,
    /// The id of the one that is there, else a passing one.
    id: String,
    /// The configuration as it is given.
    given: Document,
    /// The configuration as it is stored.
    written: Document,
}

impl DeclaredPolicy {
    /// Reads an item, and makes it known.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(item: Item, kind: PolicyKind, known: &mut KnownPolicies) -> Result<Self, ApplyError> {
        let Item { at, members } = item;
        let family = family(kind);
        let input = form::checked(&at, &format!("Create{}", family.noun()), members)?;
        let given = family.config(&input).map_err(ApplyError::of(&at))?.clone();
        let name = given.get("Name").and_then(Document::as_str).unwrap_or_default();
        let id = known.id(kind, name).map_or_else(random::uuid, str::to_owned);
        let read = config_check::policy(kind, &id, "", &given).map_err(ApplyError::of(&at))?;
        family.name_is_free(&read.name).map_err(ApplyError::of(&at))?;
        let written = family.written(&read, &given);
        known.by_id.insert(read.policy);
        known.ids.insert((kind, read.name.clone()), id.clone());
        Ok(Self { at, name: read.name, family, id, given, written })
    }

    /// Which kind it is.
    pub(super) fn kind(&self) -> PolicyKind {
        self.family.kind()
    }

    /// Makes or changes it, and notes the id of one that is made.
    ///
    /// # Errors
    /// What the store or an operation refuses.
    pub(super) async fn bring<S: Store>(
        &self,
        by: &Applier<'_, S>,
        known: &KnownPolicies,
        made: &mut Made,
    ) -> Result<(), ApplyError> {
        let noun = self.family.noun();
        let resource = ResourceKind::from(self.kind()).as_str();
        let mut input = Members::new();
        input.insert(format!("{noun}Config"), self.given.clone());
        let Some(current) = known.records.get(&(self.kind(), self.name.clone())) else {
            let all = shapes::arn(by.context.store.identity(), resource, "*");
            let answer = ask(by, &self.at, (&format!("Create{noun}"), &all), input.into()).await?;
            let id = text_of(&answer, [noun, "Id"]);
            Change::Created.tell(word(self.kind()), &self.name, id);
            made.insert(self.id.clone(), id.to_owned());
            return Ok(());
        };
        let is_changed = current.config != Value::from(self.written.clone());
        if is_changed {
            input.insert("Id", current.id.as_str());
            input.insert("IfMatch", current.etag.as_str());
            let arn = shapes::arn(by.context.store.identity(), resource, &current.id);
            ask(by, &self.at, (&format!("Update{noun}"), &arn), input.into()).await?;
        }
        Change::of(is_changed).tell(word(self.kind()), &self.name, &current.id);
        Ok(())
    }
}

/// Puts ids in the place of names: where a behaviour of a `DistributionConfig` says `CachePolicy`, it has `CachePolicyId` afterwards.
///
/// # Errors
/// A name that no policy has, and one beside an id.
pub(super) fn name_to_id(at: &str, config: &mut Document, known: &KnownPolicies) -> Result<(), ApplyError> {
    each_behavior(config, &mut |place, behavior| {
        for family in FAMILIES {
            let by_name = family.noun();
            let name = match behavior.remove(by_name) {
                None | Some(Document::Null) => continue,
                Some(Document::String(name)) => name,
                Some(_) => return Err(ApplyError::new(at, format_args!("{place}.{by_name}: it is no text"))),
            };
            let by_id = format!("{by_name}Id");
            if behavior.contains(&by_id) {
                let why = format_args!("{place}: {by_name} and {by_id} exclude each other");
                return Err(ApplyError::new(at, why));
            }
            let id = known.id(family.kind(), &name).ok_or_else(|| {
                let name = crate::error::excerpt(&name);
                ApplyError::new(at, format_args!("{place}.{by_name}: '{name}' is neither declared nor there"))
            })?;
            behavior.insert(by_id, id);
        }
        Ok(())
    })
}

/// Puts the ids of policies that have been made in the place of their passing ones.
pub(super) fn settled(mut config: Document, made: &Made) -> Document {
    let settle = &mut |_: &str, behavior: &mut Members| {
        for family in FAMILIES {
            let by_id = format!("{}Id", family.noun());
            let id = behavior.get(&by_id).and_then(Document::as_str).and_then(|id| made.get(id));
            if let Some(id) = id {
                behavior.insert(by_id, id.as_str());
            }
        }
        Ok(())
    };
    each_behavior(&mut config, settle).expect("this refuses nothing");
    config
}

/// Does something with every behaviour of a `DistributionConfig`, as far as it has the form of one.
fn each_behavior(
    config: &mut Document,
    with: &mut impl FnMut(&str, &mut Members) -> Result<(), ApplyError>,
) -> Result<(), ApplyError> {
    let Document::Structure(config) = config else { return Ok(()) };
    if let Some(Document::Structure(behavior)) = config.get_mut("DefaultCacheBehavior") {
        with("DistributionConfig.DefaultCacheBehavior", behavior)?;
    }
    let Some(Document::Structure(behaviors)) = config.get_mut("CacheBehaviors") else { return Ok(()) };
    let Some(Document::List(items)) = behaviors.get_mut("Items") else { return Ok(()) };
    for (index, item) in items.iter_mut().enumerate() {
        if let Document::Structure(behavior) = item {
            with(&format!("DistributionConfig.CacheBehaviors.Items[{index}]"), behavior)?;
        }
    }
    Ok(())
}

fn family(kind: PolicyKind) -> Family {
    FAMILIES.into_iter().find(|family| family.kind() == kind).expect("every kind has its family")
}

/// What the operator's log calls it.
fn word(kind: PolicyKind) -> &'static str {
    match kind {
        PolicyKind::Cache => "cache policy",
        PolicyKind::OriginRequest => "origin request policy",
        PolicyKind::ResponseHeaders => "response headers policy",
    }
}
