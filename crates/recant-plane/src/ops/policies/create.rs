//! `CreateCachePolicy` and its like: makes a custom policy.
//!
//! 201 with `Location`, `ETag` and the policy. Its name is nobody else's (`CachePolicyAlreadyExists`), a managed policy's neither.

use recant_wire::document::Document;

use super::super::Context;
use super::{Family, Shown, new_etag};
use crate::error::ApiError;
use crate::store::{Command, Outcome, ResourceRecord, Store, Tags};
use crate::{clock, config_check, random};

pub(in crate::ops) async fn run<S: Store>(
    context: &Context<S>,
    input: &Document,
    family: Family,
) -> Result<Document, ApiError> {
    let (id, etag) = (random::uuid(), new_etag());
    let read = config_check::policy(family.kind, &id, etag.as_str(), family.config(input)?)?;
    family.name_is_free(&read.name)?;

    let now = clock::wall_now();
    let record = ResourceRecord {
        kind: family.resource_kind(),
        id,
        name: read.name.clone(),
        alias: None,
        etag,
        enabled: None,
        config: family.written(&read, family.config(input)?).into(),
        tags: Tags::new(),
        created: now,
        modified: now,
    };
    let made = match context.store.commit(Command::CreateResource(Box::new(record))).await? {
        Outcome::Resource(made) => made.record,
        Outcome::Refused(refusal) => return Err(family.refused(context, refusal)),
        _ => unreachable!("the store answers a create with what it made"),
    };

    let place = format!("{}/{}", family.resource_kind().as_str(), made.id);
    let mut members = family.one(Shown::from(made));
    members.insert("Location", context.location(format_args!("{place}")));
    Ok(Document::Structure(members))
}

impl Family {
    /// No managed policy has this name. Whether a custom one has is for the store to say.
    pub(in crate::ops) fn name_is_free(self, name: &str) -> Result<(), ApiError> {
        let is_taken =
            |shown: &Shown| matches!(shown.config.get("Name"), Some(Document::String(it)) if it == name);
        if self.managed().iter().any(is_taken) {
            Err(ApiError::PolicyAlreadyExists(self.kind))
        } else {
            Ok(())
        }
    }
}
