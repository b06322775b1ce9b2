//! `GetCachePolicy`, `GetCachePolicyConfig` and their like: one policy, managed or custom, with its `ETag`.

use recant_wire::document::{Document, Members};

use super::super::Context;
use super::{Family, Shown, id};
use crate::error::ApiError;
use crate::store::{ResourceKey, Store};

pub(in crate::ops) async fn run<S: Store>(
    context: &Context<S>,
    input: &Document,
    family: Family,
) -> Result<Document, ApiError> {
    let shown = family.find(context, id(input)).await?;

    Ok(Document::Structure(family.one(shown)))
}

/// `GetCachePolicyConfig`.
pub(in crate::ops) async fn config<S: Store>(
    context: &Context<S>,
    input: &Document,
    family: Family,
) -> Result<Document, ApiError> {
    let shown = family.find(context, id(input)).await?;

    let mut members = Members::new();
    members.insert(format!("{}Config", family.noun), shown.config);
    members.insert("ETag", shown.etag);
    Ok(Document::Structure(members))
}

impl Family {
    /// Whether there is such a policy.
    ///
    /// # Errors
    /// `NoSuchCachePolicy` and its like.
    pub(in crate::ops) async fn is_there<S: Store>(
        self,
        context: &Context<S>,
        id: &str,
    ) -> Result<(), ApiError> {
        self.find(context, id).await.map(drop)
    }

    async fn find<S: Store>(self, context: &Context<S>, id: &str) -> Result<Shown, ApiError> {
        if let Some(managed) = self.managed().into_iter().find(|managed| managed.id == id) {
            return Ok(managed);
        }
        let found = context.store.resource(self.resource_kind(), ResourceKey::Id(id.to_owned())).await?;
        found.map(|found| found.record.into()).ok_or_else(|| self.no_such())
    }
}
