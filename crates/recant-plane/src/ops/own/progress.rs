//! `GetInvalidationProgress` and `ListEdges`: how far each edge is, since when, and for whom completion waits.
//!
//! `AppliedBy` is a moment by which the edge had said that it has applied the invalidation; it is left out while it has not, and where the plane
//! does not know it any more (after a restart, or long ago). `RemovedResponses` grows for a while after completion, until `IsRemovalOver`: what was
//! invalidated is found when somebody asks for it, or when the edge's sweep comes by. `LeaseUntil` is when an edge that says nothing from now on is waited for no longer.

use recant_core::entry::Scope;
use recant_core::id::InvalidationId;
use recant_core::position::Position;
use recant_core::time::{BootTime, WallTime};
use recant_wire::document::Document;

use super::{Context, required};
use crate::clock;
use crate::error::ApiError;
use crate::members::MemberStatus;
use crate::ops::output::{boolean, list, structure, text, time};
use crate::ops::{get_distribution_tenant, input, invalidations_of, refused, shapes};
use crate::removals::RemovedBy;
use crate::store::{Progress, Store};

pub(super) async fn invalidation<S: Store>(
    context: &Context<S>,
    input: &Document,
) -> Result<Document, ApiError> {
    let scope = scope(context, input).await?;
    let found = match InvalidationId::parse(required(input, "Id")?) {
        Ok(id) => context.store.invalidation(&scope, &id).await?,
        Err(_) => None,
    };
    let Some(found) = found else {
        invalidations_of::exists(context, &scope).await?;
        return Err(ApiError::NoSuchInvalidation);
    };
    let members = members(context, found.position).await?;
    let status = match found.progress {
        Progress::InProgress => "InProgress",
        Progress::Complete => "Completed",
    };
    let removed = context.removals.of(found.position);
    let edges = members.iter().map(|member| {
        let applied = member.applied >= found.position;
        let removed = match &removed {
            RemovedBy::Edges(edges) => Some(edges.get(&member.member.edge).copied().unwrap_or_default()),
            RemovedBy::Forgotten => None,
        };
        structure([
            ("EdgeId", text(member.member.edge.as_str())),
            ("HasApplied", boolean(applied)),
            ("AppliedBy", member.applied_by.filter(|_| applied).and_then(wall)),
            ("AppliedPosition", position(member.applied)),
            ("RemovedResponses", removed.and_then(|removed| number(removed.stored_responses))),
            ("IsRemovalOver", removed.and_then(|removed| boolean(removed.is_final))),
            ("IsAwaited", boolean(member.is_awaited)),
            ("LeaseUntil", member.lease_until.and_then(wall)),
        ])
    });
    Ok(structure([
        ("Id", text(found.record.id.as_str())),
        ("Status", text(status)),
        ("CreateTime", time(found.record.created)),
        ("Position", position(found.position)),
        ("Edges", list(edges)),
    ]))
}

pub(super) async fn edges<S: Store>(context: &Context<S>) -> Result<Document, ApiError> {
    let (head, _) = context.store.head().await?;
    let completed = context.store.completed().await?;
    let members = members(context, head).await?;
    let edges = members.iter().map(|member| {
        structure([
            ("EdgeId", text(member.member.edge.as_str())),
            ("AppliedPosition", position(member.applied)),
            ("IsAwaited", boolean(member.is_awaited)),
            ("LeaseUntil", member.lease_until.and_then(wall)),
        ])
    });
    Ok(structure([
        ("Position", position(head)),
        ("CompletedPosition", position(completed)),
        ("Edges", list(edges)),
    ]))
}

/// Whose invalidation: a tenant's, by id, name or ARN, or a distribution's.
async fn scope<S: Store>(context: &Context<S>, input: &Document) -> Result<Scope, ApiError> {
    let Some(tenant) = input::optional_text(input, "DistributionTenantId") else {
        return invalidations_of::distribution(input);
    };
    let start = shapes::arn(context.store.identity(), "distribution-tenant", "");
    let key = get_distribution_tenant::key(tenant, &start)?;
    let found = context.store.tenant(key).await?.ok_or_else(refused::no_such_tenant)?;
    Ok(Scope::Tenant(found.record.id))
}

/// Fails with the driver, which has stopped for good then: nothing completes any more.
async fn members<S: Store>(context: &Context<S>, at: Position) -> Result<Vec<MemberStatus>, ApiError> {
    context.completion.members(at).await.map_err(|_| ApiError::ServiceUnavailable)
}

fn position(position: Position) -> Option<Document> {
    number(position.get())
}

fn number(number: u64) -> Option<Document> {
    Some(Document::Integer(i64::try_from(number).unwrap_or(i64::MAX)))
}

/// A moment of the boot clock by the wall clock, as the two stand now.
fn wall(moment: BootTime) -> Option<Document> {
    let (boot, wall) = (clock::boot_now(), clock::wall_now().millis());
    let millis = |span: std::time::Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
    let apart = millis(moment.saturating_since(boot)) - millis(boot.saturating_since(moment));
    time(WallTime::from_millis(wall.saturating_add(apart)))
}
