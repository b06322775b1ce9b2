//! `CreateKey`, `ListKeys`, `GetKey`, `UpdateKey`, `DeleteKey`: who may call, and what he may do.
//!
//! A key's secret is told once, when it is made. A new key's policy is required: a key that may do everything is one whose author
//! wrote that down. Rotating is making a new key with the same policy, and disabling the old one when nobody uses it any more.
//! The root key is shown beside them, as `RootKey`, and cannot be changed here: it lies in the data folder, and whoever can read that has
//! everything anyway.
//!
//! Whoever may make keys may make one that can do everything, as with IAM.

use recant_core::access::document::PolicyDocument;
use recant_core::access::{self, Policy};
use recant_core::limits::{KEY_NAME_CHARS_MAX, POLICY_BYTES_MAX};
use recant_wire::document::Document;
use recant_wire::model;

use super::{Context, OPERATIONS, input, required};
use crate::clock;
use crate::error::{ApiError, excerpt};
use crate::folder::RootKey;
use crate::ops::input::Names;
use crate::ops::output::{boolean, list as list_of, structure, text, time};
use crate::store::{Command, KeyChange, KeyRecord, Listing, Outcome, Store};

pub(super) async fn list<S: Store>(context: &Context<S>, input: &Document) -> Result<Document, ApiError> {
    let page = input::page(input, Names::Keys)?;
    let (items, more) = match context.store.keys(page.clone()).await? {
        Listing::Page { items, more } => (items, more),
        Listing::UnknownMarker => return Err(input::unknown_marker(&page)),
    };
    let next = items.last().filter(|_| more).and_then(|last| text(&*last.id));
    Ok(structure([
        ("RootKey", Some(root_shape(context))),
        ("Keys", list_of(items.iter().map(|key| shape(key, None)))),
        ("NextMarker", next),
    ]))
}

pub(super) async fn get<S: Store>(context: &Context<S>, input: &Document) -> Result<Document, ApiError> {
    let id = required(input, "AccessKeyId")?;
    let key = match id == context.root_key_id {
        true => root_shape(context),
        false => shape(&*context.store.key(id).await?.ok_or_else(no_such_key)?, None),
    };
    Ok(structure([("Key", Some(key))]))
}

pub(in crate::ops) async fn create<S: Store>(
    context: &Context<S>,
    input: &Document,
    generated: RootKey,
) -> Result<Document, ApiError> {
    let (name, policy) = (name(required(input, "Name")?)?, policy(input)?);
    let policy = policy.ok_or_else(|| ApiError::InvalidArgument("Policy is missing.".to_owned()))?;
    let RootKey { access_key_id: id, secret_access_key: secret } = generated;
    let now = clock::wall_now();
    let key = KeyRecord { id, secret, name, policy, is_active: true, created: now, modified: now };
    let made = changed(context, Command::CreateKey(Box::new(key))).await?;
    Ok(structure([("Key", Some(shape(&made, Some(&made.secret))))]))
}

pub(in crate::ops) async fn update<S: Store>(
    context: &Context<S>,
    input: &Document,
) -> Result<Document, ApiError> {
    let id = changeable(context, input)?.to_owned();
    let mut change = KeyChange { policy: policy(input)?, ..KeyChange::default() };
    if let Some(given) = input::get(input, "Name") {
        change.name = Some(name(given.as_str().unwrap_or_default())?);
    }
    if let Some(status) = input::get(input, "Status") {
        change.is_active = match status.as_str() {
            Some("Active") => Some(true),
            Some("Inactive") => Some(false),
            _ => {
                return Err(ApiError::InvalidArgument(
                    "Status is neither 'Active' nor 'Inactive'.".to_owned(),
                ));
            }
        };
    }
    let made = changed(context, Command::UpdateKey { id, change, now: clock::wall_now() }).await?;
    Ok(structure([("Key", Some(shape(&made, None)))]))
}

pub(super) async fn delete<S: Store>(context: &Context<S>, input: &Document) -> Result<(), ApiError> {
    let id = changeable(context, input)?.to_owned();
    context.commit(Command::DeleteKey(id)).await.map(drop)
}

async fn changed<S: Store>(context: &Context<S>, command: Command) -> Result<KeyRecord, ApiError> {
    match context.commit(command).await? {
        Outcome::Key(made) => Ok(*made),
        other => unreachable!("the store answers with the key that it keeps, not with {other:?}"),
    }
}

/// The id of the input, which is not that of the root key.
fn changeable<'d, S: Store>(context: &Context<S>, input: &'d Document) -> Result<&'d str, ApiError> {
    let id = required(input, "AccessKeyId")?;
    if id == context.root_key_id {
        let why = "it is the root key, which lies in the plane's data folder and is not changed over the API";
        return Err(ApiError::InvalidArgument(format!("AccessKeyId: {why}.")));
    }
    Ok(id)
}

/// The root key as callers see it: without times, which nobody keeps, and without policy, since it has none.
fn root_shape<S: Store>(context: &Context<S>) -> Document {
    structure([
        ("AccessKeyId", text(&*context.root_key_id)),
        ("Name", text("root")),
        ("Status", text("Active")),
        ("IsRoot", boolean(true)),
    ])
}

/// A key as callers see it; with its secret only when it is made.
fn shape(key: &KeyRecord, secret: Option<&str>) -> Document {
    let policy = serde_json::to_value(&key.policy).expect("a policy document is JSON");
    structure([
        ("AccessKeyId", text(&*key.id)),
        ("SecretAccessKey", secret.and_then(text)),
        ("Name", text(&*key.name)),
        ("Status", text(if key.is_active { "Active" } else { "Inactive" })),
        ("IsRoot", boolean(false)),
        ("CreateTime", time(key.created)),
        ("LastModifiedTime", time(key.modified)),
        ("Policy", Some(Document::from(policy))),
    ])
}

fn name(given: &str) -> Result<String, ApiError> {
    let is_plain = given.chars().all(|char| !char.is_control());
    if given.is_empty() || !is_plain || given.chars().count() > KEY_NAME_CHARS_MAX {
        let bounds = format!("a text of 1 to {KEY_NAME_CHARS_MAX} characters without control characters");
        return Err(ApiError::InvalidArgument(format!("Name: '{}' is not {bounds}.", excerpt(given))));
    }
    Ok(given.to_owned())
}

/// The policy of the input: a JSON object, or a text that holds one, as IAM takes it.
pub(in crate::ops) fn policy(input: &Document) -> Result<Option<Policy>, ApiError> {
    let Some(given) = input::get(input, "Policy") else { return Ok(None) };
    let wrong = |why: String| ApiError::InvalidArgument(format!("Policy: {why}."));
    let text = match given {
        Document::String(text) => text.clone(),
        other => serde_json::Value::from(other.clone()).to_string(),
    };
    if text.len() > POLICY_BYTES_MAX {
        return Err(wrong(format!(
            "it has {} bytes, and at most {POLICY_BYTES_MAX} are allowed",
            text.len()
        )));
    }
    let document: PolicyDocument = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    let policy = Policy::new(document).map_err(|error| wrong(error.to_string()))?;
    let actions = model::operations().iter().map(|operation| format!("cloudfront:{}", operation.name));
    let actions: Vec<String> = actions.chain(OPERATIONS.iter().map(super::OwnOperation::action)).collect();
    // A deny with a slip of the pen would deny nothing, and nobody would notice.
    let idle = policy
        .action_patterns()
        .find(|pattern| !actions.iter().any(|action| access::names_action(pattern, action)));
    match idle {
        Some(pattern) => Err(wrong(format!("'{}' names no action", excerpt(pattern)))),
        None => Ok(Some(policy)),
    }
}

fn no_such_key() -> ApiError {
    ApiError::EntityNotFound("The specified access key does not exist.".into())
}
