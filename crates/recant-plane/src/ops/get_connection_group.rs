//! `GetConnectionGroup`: one connection group, by id, name or ARN; `GetConnectionGroupByRoutingEndpoint`.
//!
//! 200 with `ETag`. `Status` is `Deployed` when every edge knows whether its tenants are served.

use recant_wire::document::Document;

use super::{Context, connection_groups, input, refused, shapes};
use crate::error::ApiError;
use crate::store::{ResourceKey, Store};

pub(super) async fn run<S: Store>(context: &Context<S>, input: &Document) -> Result<Document, ApiError> {
    let arn_start = shapes::arn(context.store.identity(), "connection-group", "");
    let key = connection_groups::key(input::text(input, "Identifier"), &arn_start)?;

    let found = connection_groups::find(context, key).await?;

    Ok(connection_groups::one(context, &found))
}

/// `GetConnectionGroupByRoutingEndpoint`.
pub(super) async fn by_routing_endpoint<S: Store>(
    context: &Context<S>,
    input: &Document,
) -> Result<Document, ApiError> {
    let key = endpoint_key(context, input::text(input, "RoutingEndpoint"));

    let found = connection_groups::find(context, key.ok_or_else(refused::no_such_connection_group)?).await?;

    Ok(connection_groups::one(context, &found))
}

/// What a routing endpoint names: a name, so its case does not count (RFC 4343).
pub(super) fn endpoint_key<S>(context: &Context<S>, endpoint: &str) -> Option<ResourceKey> {
    let endpoint = endpoint.to_ascii_lowercase();
    let label = endpoint.strip_suffix(&context.routing_suffix)?.strip_suffix('.')?;
    Some(ResourceKey::Alias(label.to_owned()))
}
