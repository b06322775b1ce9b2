//! What the operations on connection groups have in common: names, endpoints, shapes.
//!
//! A connection group is what tenants are reached through: its routing endpoint is the name that their domains point to. Edges serve
//! whoever reaches them, so the endpoint is the operator's: a label of ours under a suffix of theirs, which they make resolve to
//! the edges. The tenants of a disabled connection group are not served.

use recant_core::id::ConnectionGroupId;
use recant_wire::document::Document;

use super::input::get;
use super::output::{boolean, structure, text, time};
use super::{Context, refused, shapes};
use crate::error::ApiError;
use crate::store::{DEFAULT_CONNECTION_GROUP, ResourceKey, ResourceKind, ResourceRecord, Store, Tracked};

/// What an identifier names: an id, a name or an ARN. A name holds neither `_` nor `:`.
pub(super) fn key(identifier: &str, arn_start: &str) -> Result<ResourceKey, ApiError> {
    let id = |text: &str| {
        ConnectionGroupId::parse(text)
            .map(|id| ResourceKey::Id(id.into()))
            .map_err(|_| refused::no_such_connection_group())
    };
    match identifier.strip_prefix(arn_start) {
        Some(rest) => id(rest),
        None if identifier.starts_with("cg_") => id(identifier),
        None => Ok(ResourceKey::Name(identifier.to_owned())),
    }
}

/// The connection group of this key.
pub(super) async fn find<S: Store>(
    context: &Context<S>,
    key: ResourceKey,
) -> Result<Tracked<ResourceRecord>, ApiError> {
    let found = context.store.resource(ResourceKind::ConnectionGroup, key).await?;
    found.ok_or_else(refused::no_such_connection_group)
}

/// `RoutingEndpoint`.
pub(super) fn endpoint<S>(context: &Context<S>, record: &ResourceRecord) -> String {
    context.endpoint(record.alias.as_deref().unwrap_or_default())
}

/// What a create or an update may ask.
///
/// # Errors
/// [`ApiError::InvalidArgument`] names the member that is not honoured.
pub(super) fn check(input: &Document) -> Result<(), ApiError> {
    let refuse = |why: &str| Err(ApiError::InvalidArgument(why.to_owned()));
    if matches!(get(input, "Ipv6Enabled"), Some(Document::Boolean(false))) {
        return refuse(
            "Ipv6Enabled: which addresses the endpoint has is said by its DNS records; false is not honoured.",
        );
    }
    match get(input, "AnycastIpListId") {
        Some(Document::String(id)) if !id.is_empty() => {
            refuse("AnycastIpListId: this version does not honour it; leave it out.")
        }
        _ => Ok(()),
    }
}

/// `ConnectionGroup`.
pub(super) fn shape<S: Store>(context: &Context<S>, tracked: &Tracked<ResourceRecord>) -> Document {
    let record = &tracked.record;
    structure([
        ("Id", text(record.id.as_str())),
        ("Name", text(record.name.as_str())),
        ("Arn", text(shapes::arn(context.store.identity(), "connection-group", &record.id))),
        ("CreatedTime", time(record.created)),
        ("LastModifiedTime", time(record.modified)),
        ("Tags", shapes::tags(&record.tags)),
        ("Ipv6Enabled", boolean(true)),
        ("RoutingEndpoint", text(endpoint(context, record))),
        ("Status", shapes::deployed(tracked.progress)),
        ("Enabled", boolean(record.enabled != Some(false))),
        ("IsDefault", boolean(record.name == DEFAULT_CONNECTION_GROUP)),
    ])
}

/// `ConnectionGroupSummary`.
pub(super) fn summary<S: Store>(context: &Context<S>, tracked: &Tracked<ResourceRecord>) -> Document {
    let record = &tracked.record;
    structure([
        ("Id", text(record.id.as_str())),
        ("Name", text(record.name.as_str())),
        ("Arn", text(shapes::arn(context.store.identity(), "connection-group", &record.id))),
        ("RoutingEndpoint", text(endpoint(context, record))),
        ("CreatedTime", time(record.created)),
        ("LastModifiedTime", time(record.modified)),
        ("ETag", text(record.etag.as_str())),
        ("Enabled", boolean(record.enabled != Some(false))),
        ("Status", shapes::deployed(tracked.progress)),
        ("IsDefault", boolean(record.name == DEFAULT_CONNECTION_GROUP)),
    ])
}

/// The output of the operations that answer with one connection group.
pub(super) fn one<S: Store>(context: &Context<S>, tracked: &Tracked<ResourceRecord>) -> Document {
    structure([
        ("ConnectionGroup", Some(shape(context, tracked))),
        ("ETag", text(tracked.record.etag.as_str())),
    ])
}
