//! `CreateConnectionGroup`: makes a connection group with a routing endpoint of its own.
//!
//! 201 with `ETag` and the connection group. Its name is nobody else's (`EntityAlreadyExists`) and stays.

use recant_core::id::{ConnectionGroupId, ETag};
use recant_wire::document::Document;

use super::{Context, connection_groups, input};
use crate::error::ApiError;
use crate::store::{Command, Outcome, ResourceKind, ResourceRecord, Store};
use crate::{clock, config_check, random};

pub(super) async fn run<S: Store>(context: &Context<S>, input: &Document) -> Result<Document, ApiError> {
    let name = input::text(input, "Name");
    config_check::entity_name(name)?;
    connection_groups::check(input)?;
    let tags = input::get(input, "Tags").map(config_check::tags).transpose()?.unwrap_or_default();

    let now = clock::wall_now();
    // A label of the form that CloudFront's endpoints have: `d` and 13 letters and digits.
    let label = ETag::generate(random::bytes()).as_str().to_ascii_lowercase().replacen('e', "d", 1);
    let record = ResourceRecord {
        kind: ResourceKind::ConnectionGroup,
        id: ConnectionGroupId::generate(now, random::bytes()).into(),
        name: name.to_owned(),
        alias: Some(label),
        etag: ETag::generate(random::bytes()),
        enabled: Some(!matches!(input::get(input, "Enabled"), Some(Document::Boolean(false)))),
        config: serde_json::json!({}),
        tags,
        created: now,
        modified: now,
    };
    let Outcome::Resource(made) = context.commit(Command::CreateResource(Box::new(record))).await? else {
        unreachable!("the store answers a create with what it made");
    };

    Ok(connection_groups::one(context, &made))
}
