//! Declared tenants: the members of `CreateDistributionTenant`, with `Distribution`, a `CallerReference`, in place of `DistributionId` where the id
//! is not known, and `ConnectionGroup`, a `Name`, in place of `ConnectionGroupId`.

use std::collections::BTreeSet;

use recant_core::id::{DistributionId, TenantId};
use recant_wire::document::{Document, Members};
use serde_json::Value;

use super::declared::{Declared, Item};
use super::distributions::{Ids, Known};
use super::domains::Holding;
use super::{Applier, ApplyError, Change, ask, form, note, tags, text_of};
use crate::error::excerpt;
use crate::ops::create_distribution_tenant as create;
use crate::ops::update_distribution_tenant::{as_it_is, together};
use crate::ops::{Context, input, shapes};
use crate::store::{ResourceKey, ResourceKind, Store, Tags, TenantKey, TenantRecord};
use crate::{clock, config_check, random};

const UPDATE: &str = "UpdateDistributionTenant";

/// Stands for an id that is not known yet, where a form is checked that requires one.
const NOT_YET: &str = "E00000000000000";

/// How a tenant says what it belongs to.
enum Reference {
    Id(String),
    /// `CallerReference` of a distribution, `Name` of a connection group.
    Name(String),
}

/// A tenant as it shall be.
pub(super) struct DeclaredTenant {
    pub(super) at: String,
    pub(super) name: String,
    /// What is declared, without what it belongs to and without tags.
    members: Members,
    distribution: Reference,
    group: Option<Reference>,
    tags: Option<Tags>,
}

impl DeclaredTenant {
    /// Reads an item.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(mut item: Item) -> Result<Self, ApplyError> {
        let distribution = reference(&mut item, "Distribution", "DistributionId")?.ok_or_else(|| {
            ApplyError::new(
                &item.at,
                "Distribution is missing: the CallerReference of one, or DistributionId",
            )
        })?;
        let group = reference(&mut item, "ConnectionGroup", "ConnectionGroupId")?;
        let Item { at, mut members } = item;
        members.insert("DistributionId", NOT_YET);
        let Document::Structure(mut members) = form::checked(&at, "CreateDistributionTenant", members)?
        else {
            return Err(ApplyError::new(&at, "it has no members"));
        };
        members.remove("DistributionId");
        let tags = members.remove("Tags").filter(|tags| !tags.is_null());
        let tags = tags::read(&at, tags.as_ref())?;
        let name = members.get("Name").and_then(Document::as_str).unwrap_or_default().to_owned();
        config_check::entity_name(&name).map_err(ApplyError::of(&at))?;
        config_check::customizations(&Document::Structure(members.clone())).map_err(ApplyError::of(&at))?;
        Ok(Self { at, name, members, distribution, group, tags })
    }

    /// Its domains, lower case.
    pub(super) fn domains(&self) -> Vec<String> {
        domains(self.members.get("Domains")).into_iter().collect()
    }

    /// Whether it goes with what it refers to.
    ///
    /// # Errors
    /// A distribution or connection group that is neither declared nor there, and what does not fit the distribution.
    pub(super) async fn check<S: Store>(
        &self,
        context: &Context<S>,
        declared: &Declared,
        known: &Known,
    ) -> Result<(), ApplyError> {
        let (spec, config) = match &self.distribution {
            Reference::Name(reference) => {
                let declared = declared.distributions.iter().find(|it| it.caller_reference == *reference);
                let declared = declared.map(|it| (it.spec.clone(), it.config.clone()));
                let there = || known.get(reference).map(|it| (it.spec.clone(), it.config.clone().into()));
                declared.or_else(there).ok_or_else(|| {
                    let why = "is neither declared nor there";
                    let reference = excerpt(reference);
                    ApplyError::new(
                        &self.at,
                        format_args!("Distribution: CallerReference '{reference}' {why}"),
                    )
                })?
            }
            Reference::Id(id) => {
                let found = create::distribution(context, id).await.map_err(ApplyError::of(&self.at))?;
                let declared =
                    declared.distributions.iter().find(|it| it.caller_reference == found.caller_reference);
                declared.map_or((found.spec, found.config.into()), |it| (it.spec.clone(), it.config.clone()))
            }
        };
        let definitions = config_check::definitions(&config).map_err(ApplyError::of(&self.at))?;
        let id = TenantId::generate(clock::wall_now(), random::bytes());
        config_check::tenant(id, &self.members.clone().into(), &spec, &definitions)
            .map_err(ApplyError::of(&self.at))?;
        match &self.group {
            Some(Reference::Name(name)) if declared.groups.iter().any(|group| group.name == *name) => Ok(()),
            Some(reference) => self.group_id(context, reference).await.map(drop),
            None => Ok(()),
        }
    }

    /// The domains that it has and shall have.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) async fn holding<S: Store>(&self, context: &Context<S>) -> Result<Holding, ApplyError> {
        let has = self.there(context).await?.map(|found| found.spec.domains.into_iter().collect());
        Ok(Holding { has, wants: domains(self.members.get("Domains")) })
    }

    /// Makes or changes it.
    ///
    /// # Errors
    /// What the store or an operation refuses.
    pub(super) async fn bring<S: Store>(&self, by: &Applier<'_, S>, ids: &Ids) -> Result<(), ApplyError> {
        let context = by.context;
        let Some(found) = self.there(context).await? else {
            let mut wanted = self.wanted(context, ids).await?;
            if let Some(tags) = &self.tags {
                wanted.insert("Tags", shapes::tag_list(tags));
            }
            let all = shapes::arn(context.store.identity(), "distribution-tenant", "*");
            let create = ("CreateDistributionTenant", &*all);
            let made = ask(by, &self.at, create, wanted.into()).await?;
            Change::Created.tell("tenant", &self.name, text_of(&made, ["DistributionTenant", "Id"]));
            return Ok(());
        };
        let update = self.update(context, &found, ids).await?;
        let is_changed = update.is_some();
        if let Some(update) = update {
            ask(by, &self.at, (UPDATE, &arn(context, &found)), update).await?;
        }
        self.finish(by, &found, is_changed).await
    }

    /// The tenant of this name as it is.
    async fn there<S: Store>(&self, context: &Context<S>) -> Result<Option<TenantRecord>, ApplyError> {
        let found = context.store.tenant(TenantKey::Name(self.name.clone())).await;
        Ok(found.map_err(ApplyError::of(&self.at))?.map(|found| found.record))
    }

    /// What is declared, with what it belongs to.
    async fn wanted<S: Store>(&self, context: &Context<S>, ids: &Ids) -> Result<Members, ApplyError> {
        let mut wanted = self.members.clone();
        let distribution = match &self.distribution {
            Reference::Id(id) => id.as_str(),
            Reference::Name(reference) => {
                ids.get(reference).map(DistributionId::as_str).expect("its distribution is there by now")
            }
        };
        wanted.insert("DistributionId", distribution);
        if let Some(group) = &self.group {
            wanted.insert("ConnectionGroupId", self.group_id(context, group).await?);
        }
        Ok(wanted)
    }

    /// The input of `UpdateDistributionTenant`; nothing where nothing is to be changed by it.
    async fn update<S: Store>(
        &self,
        context: &Context<S>,
        found: &TenantRecord,
        ids: &Ids,
    ) -> Result<Option<Document>, ApplyError> {
        let mut update = differences(found, self.wanted(context, ids).await?);
        if update.is_empty() {
            return Ok(None);
        }
        update.insert("Id", found.id.as_str());
        update.insert("IfMatch", found.etag.as_str());
        Ok(Some(update.into()))
    }

    /// Sets the tags of the tenant as it was found, and says what was done.
    async fn finish<S: Store>(
        &self,
        by: &Applier<'_, S>,
        found: &TenantRecord,
        is_changed: bool,
    ) -> Result<(), ApplyError> {
        let arn = arn(by.context, found);
        let is_tagged = tags::bring(by, &self.at, &arn, &found.tags, self.tags.as_ref()).await?;
        Change::of(is_changed || is_tagged).tell("tenant", &self.name, found.id.as_str());
        Ok(())
    }

    async fn group_id<S: Store>(
        &self,
        context: &Context<S>,
        reference: &Reference,
    ) -> Result<String, ApplyError> {
        let (key, spelled) = match reference {
            Reference::Id(id) => (ResourceKey::Id(id.clone()), id),
            Reference::Name(name) => (ResourceKey::Name(name.clone()), name),
        };
        let found = context.store.resource(ResourceKind::ConnectionGroup, key).await;
        let found = found.map_err(ApplyError::of(&self.at))?;
        found.map(|found| found.record.id).ok_or_else(|| {
            let why = format!("ConnectionGroup: '{}' is neither declared nor there", excerpt(spelled));
            ApplyError::new(&self.at, why)
        })
    }
}

/// Changes tenants that trade domains, all or none.
///
/// # Errors
/// What the store or the operation refuses.
pub(super) async fn bring_together<S: Store>(
    by: &Applier<'_, S>,
    tenants: &[&DeclaredTenant],
    ids: &Ids,
) -> Result<(), ApplyError> {
    let at = tenants.iter().map(|tenant| tenant.at.as_str()).collect::<Vec<_>>().join(", ");
    let (mut found, mut updates) = (Vec::new(), Vec::new());
    for tenant in tenants {
        let there = tenant.there(by.context).await?;
        let there = there.ok_or_else(|| ApplyError::new(&tenant.at, "it was deleted meanwhile"))?;
        if let Some(update) = tenant.update(by.context, &there, ids).await? {
            note(by, &tenant.at, UPDATE, &arn(by.context, &there)).await?;
            updates.push(update);
        }
        found.push(there);
    }
    together(by.context, &updates).await.map_err(ApplyError::of(&at))?;
    for (tenant, found) in tenants.iter().zip(&found) {
        tenant.finish(by, found, true).await?;
    }
    Ok(())
}

fn arn<S: Store>(context: &Context<S>, tenant: &TenantRecord) -> String {
    shapes::arn(context.store.identity(), "distribution-tenant", tenant.id.as_str())
}

/// What an item belongs to, by name or by id, and not by both.
fn reference(
    item: &mut Item,
    by_name: &'static str,
    by_id: &'static str,
) -> Result<Option<Reference>, ApplyError> {
    match (item.take_text(by_name)?, item.take_text(by_id)?) {
        (Some(_), Some(_)) => {
            Err(ApplyError::new(&item.at, format_args!("{by_name} and {by_id} exclude each other")))
        }
        (Some(name), None) => Ok(Some(Reference::Name(name))),
        (None, id) => Ok(id.map(Reference::Id)),
    }
}

/// The declared members that the tenant does not have as they are declared.
fn differences(current: &TenantRecord, wanted: Members) -> Members {
    let current = as_it_is(current);
    let is_other = |name: &str, wanted: &Document| match (name, input::get(&current, name)) {
        ("Name", _) => false,
        ("Domains", there) => domains(there) != domains(Some(wanted)),
        // A tenant that says nothing is enabled.
        ("Enabled", None) => wanted.as_bool() == Some(false),
        (_, Some(there)) => Value::from(there.clone()) != Value::from(wanted.clone()),
        (_, None) => !wanted.is_null(),
    };
    wanted.into_iter().filter(|(name, value)| is_other(name, value)).collect()
}

fn domains(list: Option<&Document>) -> BTreeSet<String> {
    let items = list.and_then(Document::as_list).unwrap_or_default().iter();
    items.filter_map(|item| Some(item.get("Domain")?.as_str()?.to_ascii_lowercase())).collect()
}
