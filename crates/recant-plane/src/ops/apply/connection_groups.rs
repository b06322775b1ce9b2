//! Declared connection groups: the members of `CreateConnectionGroup`. The default one can be declared like any other.

use recant_wire::document::{Document, Members};

use super::declared::Item;
use super::{Applier, ApplyError, Change, ask, form, tags, text_of};
use crate::config_check;
use crate::ops::{connection_groups, input, shapes};
use crate::store::{ResourceKey, ResourceKind, Store, Tags};

/// A connection group as it shall be.
pub(super) struct DeclaredGroup {
    pub(super) at: String,
    pub(super) name: String,
    enabled: Option<bool>,
    tags: Option<Tags>,
    /// What makes it.
    input: Document,
}

impl DeclaredGroup {
    /// Reads an item.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(item: Item) -> Result<Self, ApplyError> {
        let at = item.at;
        let input = form::checked(&at, "CreateConnectionGroup", item.members)?;
        let name = input::text(&input, "Name").to_owned();
        config_check::entity_name(&name).map_err(ApplyError::of(&at))?;
        connection_groups::check(&input).map_err(ApplyError::of(&at))?;
        let enabled = input::get(&input, "Enabled").and_then(Document::as_bool);
        let tags = tags::read(&at, input::get(&input, "Tags"))?;
        Ok(Self { at, name, enabled, tags, input })
    }

    /// Makes or changes it.
    ///
    /// # Errors
    /// What the store or an operation refuses.
    pub(super) async fn bring<S: Store>(&self, by: &Applier<'_, S>) -> Result<(), ApplyError> {
        let context = by.context;
        let key = ResourceKey::Name(self.name.clone());
        let found = context.store.resource(ResourceKind::ConnectionGroup, key).await;
        let Some(found) = found.map_err(ApplyError::of(&self.at))?.map(|found| found.record) else {
            let all = shapes::arn(context.store.identity(), "connection-group", "*");
            let create = ("CreateConnectionGroup", &*all);
            let made = ask(by, &self.at, create, self.input.clone()).await?;
            Change::Created.tell("connection group", &self.name, text_of(&made, ["ConnectionGroup", "Id"]));
            return Ok(());
        };
        let arn = shapes::arn(context.store.identity(), "connection-group", &found.id);
        let mut is_changed = false;
        if let Some(enabled) = self.enabled.filter(|wanted| *wanted != found.enabled.unwrap_or(true)) {
            let update: Members = [
                ("Id", Document::from(found.id.as_str())),
                ("IfMatch", found.etag.as_str().into()),
                ("Enabled", enabled.into()),
            ]
            .into_iter()
            .collect();
            ask(by, &self.at, ("UpdateConnectionGroup", &arn), update.into()).await?;
            is_changed = true;
        }
        is_changed |= tags::bring(by, &self.at, &arn, &found.tags, self.tags.as_ref()).await?;
        Change::of(is_changed).tell("connection group", &self.name, &found.id);
        Ok(())
    }
}
