//! Declared distributions: `DistributionConfig` and `Tags`, as `CreateDistributionWithTags` takes them, with `CachePolicy`, a `Name`, in place of
//! `CachePolicyId`, and so on, where the id is not known. A distribution is known by its `CallerReference`, which tenants refer to.

use std::collections::BTreeMap;

use recant_core::id::DistributionId;
use recant_core::limits::PAGE_ITEMS_MAX;
use recant_core::spec::DistributionSpec;
use recant_wire::document::{Document, Members};
use serde_json::Value;

use super::declared::Item;
use super::domains::Holding;
use super::policies::{KnownPolicies, Made, name_to_id, settled};
use super::{Applier, ApplyError, Change, ask, form, tags, text_of};
use crate::config_check::Surroundings;
use crate::ops::{Context, shapes};
use crate::store::{DistributionFilter, DistributionRecord, Listing, Page, Store, Tags};
use crate::{config_check, random};

/// The distributions that are there, by `CallerReference`.
pub(super) type Known = BTreeMap<String, DistributionRecord>;

/// The ids of the distributions, by `CallerReference`.
pub(super) struct Ids(BTreeMap<String, DistributionId>);

impl Ids {
    /// Those that are there.
    pub(super) fn of(known: &Known) -> Self {
        Self(known.iter().map(|(reference, record)| (reference.clone(), record.id.clone())).collect())
    }

    /// The id of one that was there or has been made.
    pub(super) fn get(&self, caller_reference: &str) -> Option<&DistributionId> {
        self.0.get(caller_reference)
    }
}

/// Reads all distributions that are there.
///
/// # Errors
/// When the store cannot be read.
pub(super) async fn known<S: Store>(context: &Context<S>) -> Result<Known, ApplyError> {
    let mut known = Known::new();
    let mut page = Page { after: None, limit: PAGE_ITEMS_MAX.try_into().expect("a page has items") };
    loop {
        let listing = context.store.distributions(DistributionFilter::All, page.clone()).await;
        match listing.map_err(ApplyError::of("the distributions that are there"))? {
            Listing::Page { items, more } => {
                page.after = items.last().map(|last| last.record.id.as_str().to_owned());
                known.extend(items.into_iter().map(|it| (it.record.caller_reference.clone(), it.record)));
                if !more {
                    return Ok(known);
                }
            }
            // The last one of the page before was deleted meanwhile.
            Listing::UnknownMarker => page.after = None,
        }
    }
}

/// The endpoint of a distribution that is not there yet.
const NOWHERE: &str = "";

/// A distribution as it shall be.
pub(super) struct DeclaredDistribution {
    pub(super) at: String,
    pub(super) caller_reference: String,
    /// The configuration; a policy that is to be made has its passing id in it.
    pub(super) config: Document,
    /// What tenants are held against; its id is nobody's.
    pub(super) spec: DistributionSpec,
    tags: Option<Tags>,
}

impl DeclaredDistribution {
    /// Reads an item; the policies are those that it may name.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(item: Item, policies: &KnownPolicies) -> Result<Self, ApplyError> {
        let Item { at, mut members } = item;
        let tags = tags::read(&at, members.get("Tags").filter(|tags| !tags.is_null()))?;
        if let Some(config) = members.get_mut("DistributionConfig") {
            name_to_id(&at, config, policies)?;
        }
        // The operation requires them.
        if tags.is_none() {
            members.insert("Tags", Members::new());
        }
        let input = [("DistributionConfigWithTags", Document::Structure(members))].into_iter().collect();
        let input = form::checked(&at, "CreateDistributionWithTags", input)?;
        let config = input.get("DistributionConfigWithTags").and_then(|both| both.get("DistributionConfig"));
        let config = config.expect("it is required").clone();
        let id = DistributionId::generate(random::bytes());
        let KnownPolicies { by_id, shield_regions, .. } = policies;
        let around = Surroundings { endpoint: NOWHERE, policies: by_id, shield_regions };
        let checked = config_check::distribution(id, &config, around).map_err(ApplyError::of(&at))?;
        Ok(Self { at, caller_reference: checked.caller_reference, config, spec: checked.spec, tags })
    }

    /// The domains that it asks for, lower case.
    pub(super) fn domains(&self) -> Vec<String> {
        self.spec.direct.as_ref().map_or_else(Vec::new, |direct| direct.aliases.clone())
    }

    /// The aliases that it has and shall have.
    pub(super) fn holding(&self, known: Option<&DistributionRecord>) -> Holding {
        let aliases = |record: &DistributionRecord| {
            let direct = record.spec.direct.iter();
            direct.flat_map(|direct| direct.aliases.iter().cloned()).collect()
        };
        Holding { has: known.map(aliases), wants: self.domains().into_iter().collect() }
    }

    /// Makes or changes it, and notes its id.
    ///
    /// # Errors
    /// What the store or an operation refuses.
    pub(super) async fn bring<S: Store>(
        &self,
        by: &Applier<'_, S>,
        known: Option<&DistributionRecord>,
        policies: &Made,
        ids: &mut Ids,
    ) -> Result<(), ApplyError> {
        let identity = by.context.store.identity();
        let config = settled(self.config.clone(), policies);
        let is_as_declared = known.is_some_and(|current| current.config == Value::from(config.clone()));
        let config = ("DistributionConfig", config);
        let Some(current) = known else {
            let tags = shapes::tag_list(&self.tags.clone().unwrap_or_default());
            let both = Document::structure([config, ("Tags", tags)]);
            let input = Document::structure([("DistributionConfigWithTags", both)]);
            let all = shapes::arn(identity, "distribution", "*");
            let made = ask(by, &self.at, ("CreateDistributionWithTags", &all), input).await?;
            let id = text_of(&made, ["Distribution", "Id"]);
            let id = DistributionId::parse(id).expect("an id that was made is one");
            Change::Created.tell("distribution", &self.caller_reference, id.as_str());
            ids.0.insert(self.caller_reference.clone(), id);
            return Ok(());
        };
        let arn = shapes::arn(identity, "distribution", current.id.as_str());
        let mut is_changed = false;
        if !is_as_declared {
            let input = Document::structure([
                ("Id", Document::from(current.id.as_str())),
                ("IfMatch", current.etag.as_str().into()),
                config,
            ]);
            ask(by, &self.at, ("UpdateDistribution", &arn), input).await?;
            is_changed = true;
        }
        is_changed |= tags::bring(by, &self.at, &arn, &current.tags, self.tags.as_ref()).await?;
        Change::of(is_changed).tell("distribution", &self.caller_reference, current.id.as_str());
        Ok(())
    }
}
