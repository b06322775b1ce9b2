//! Between rows and records.

use std::time::Duration;

use recant_core::entry::{Entry, Hash, HistoryId, Kind, Scope};
use recant_core::id::IdError;
use recant_core::position::Position;
use recant_core::protocol::MemberRecord;
use recant_core::protocol::message::{Incarnation, LeaseClass, Member};
use recant_core::time::WallTime;
use serde::de::DeserializeOwned;
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use super::session::{Failure, Result, Session};
use crate::store::records::{
    DistributionRecord, InvalidationRecord, InvalidationSummary, KeyRecord, ResourceKind, ResourceRecord,
    TenantRecord, Tracked,
};
use crate::store::spelling;
pub(super) use crate::store::spelling::{
    DISTRIBUTION, ENTRY, INVALIDATION, INVALIDATION_SUMMARY, RESOURCE, TENANT, integer, json, owner,
    scope_columns, tracked,
};

/// The columns that [`key`] reads.
pub(super) const KEY: &str = "id, secret, name, policy, is_active, created, modified";

/// A limit as PostgreSQL takes it.
pub(super) fn limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// The end of the log and its hash.
pub(super) async fn head(db: &Session) -> Result<(Position, Hash)> {
    let row = db.one("SELECT position, hash FROM head", &[]).await?;
    Ok((position(&row, 0)?, hash(&row, 1)?))
}

/// The highest completed position.
pub(super) async fn completed(db: &Session) -> Result<Position> {
    position(&db.one("SELECT completed FROM head", &[]).await?, 0)
}

/// An entry out of [`ENTRY`].
pub(super) fn entry(row: &Row) -> Result<Entry> {
    let id: String = get(row, 3)?;
    let code = get(row, 2)?;
    let scope = spelling::scope(code, &id)
        .ok_or_else(|| Failure::Row { column: 2, reason: format!("{code} is no scope") })?;
    let scope = parsed(3, scope)?;
    Ok(Entry {
        position: position(row, 0)?,
        prev_hash: hash(row, 1)?,
        scope,
        kind: Kind(parsed(4, u16::try_from(get::<i32>(row, 4)?))?),
        body_hash: hash(row, 5)?,
        body: get::<Vec<u8>>(row, 6)?.into(),
    })
}

/// A distribution out of [`DISTRIBUTION`].
pub(super) fn distribution(row: &Row, completed: Position) -> Result<Tracked<DistributionRecord>> {
    let record = DistributionRecord {
        id: word(row, 0)?,
        caller_reference: get(row, 1)?,
        etag: word(row, 2)?,
        config: from_json(row, 3)?,
        spec: from_json(row, 4)?,
        created: wall_time(row, 5)?,
        modified: wall_time(row, 6)?,
        tags: from_json(row, 8)?,
    };
    Ok(tracked(record, position(row, 7)?, completed))
}

/// A tenant out of [`TENANT`].
pub(super) fn tenant(row: &Row, completed: Position) -> Result<Tracked<TenantRecord>> {
    let record = TenantRecord {
        id: word(row, 0)?,
        name: get(row, 1)?,
        connection_group_id: word(row, 2)?,
        etag: word(row, 3)?,
        config: from_json(row, 4)?,
        spec: from_json(row, 5)?,
        created: wall_time(row, 6)?,
        modified: wall_time(row, 7)?,
        web_acl: get(row, 9)?,
        certificate: get(row, 10)?,
        tags: from_json(row, 11)?,
    };
    Ok(tracked(record, position(row, 8)?, completed))
}

/// An invalidation out of [`INVALIDATION`].
pub(super) fn invalidation(row: &Row, completed: Position) -> Result<Tracked<InvalidationRecord>> {
    let record = InvalidationRecord {
        id: word(row, 0)?,
        scope: owner_scope(row, 1)?,
        caller_reference: get(row, 2)?,
        items: from_json(row, 3)?,
        created: wall_time(row, 4)?,
    };
    Ok(tracked(record, position(row, 5)?, completed))
}

/// An invalidation out of [`INVALIDATION_SUMMARY`].
pub(super) fn invalidation_summary(row: &Row, completed: Position) -> Result<Tracked<InvalidationSummary>> {
    let record = InvalidationSummary { id: word(row, 0)?, created: wall_time(row, 1)? };
    Ok(tracked(record, position(row, 2)?, completed))
}

/// A resource out of [`RESOURCE`].
pub(super) fn resource(row: &Row, completed: Position) -> Result<Tracked<ResourceRecord>> {
    let record = ResourceRecord {
        kind: resource_kind(row, 0)?,
        id: get(row, 1)?,
        name: get(row, 2)?,
        alias: get(row, 3)?,
        etag: word(row, 4)?,
        enabled: get(row, 5)?,
        config: from_json(row, 6)?,
        tags: from_json(row, 7)?,
        created: wall_time(row, 8)?,
        modified: wall_time(row, 9)?,
    };
    Ok(tracked(record, position(row, 10)?, completed))
}

fn resource_kind(row: &Row, column: usize) -> Result<ResourceKind> {
    let name: &str = get(row, column)?;
    spelling::resource_kind(name)
        .ok_or_else(|| Failure::Row { column, reason: format!("'{name}' is no kind of resource") })
}

/// An access key out of [`KEY`].
pub(super) fn key(row: &Row) -> Result<KeyRecord> {
    Ok(KeyRecord {
        id: get(row, 0)?,
        secret: get(row, 1)?,
        name: get(row, 2)?,
        policy: from_json(row, 3)?,
        is_active: get(row, 4)?,
        created: wall_time(row, 5)?,
        modified: wall_time(row, 6)?,
    })
}

/// What [`owner`] made a text of.
pub(super) fn owner_scope(row: &Row, column: usize) -> Result<Scope> {
    let owner: &str = get(row, column)?;
    parsed(column, spelling::owner_scope(owner))
}

/// A member out of `edge, incarnation, embedded, lease_class, hold_ms`.
pub(super) fn member(row: &Row) -> Result<MemberRecord> {
    Ok(MemberRecord {
        member: Member { edge: word(row, 0)?, incarnation: Incarnation(unsigned(row, 1)?) },
        embedded: get(row, 2)?,
        lease_class: LeaseClass(parsed(3, u8::try_from(get::<i16>(row, 3)?))?),
        hold: Duration::from_millis(unsigned(row, 4)?),
    })
}

/// A value of a type that PostgreSQL knows.
pub(super) fn get<'r, T: FromSql<'r>>(row: &'r Row, column: usize) -> Result<T> {
    Ok(row.try_get(column)?)
}

/// A position.
pub(super) fn position(row: &Row, column: usize) -> Result<Position> {
    unsigned(row, column).map(Position::new)
}

/// A hash of the chain.
pub(super) fn hash(row: &Row, column: usize) -> Result<Hash> {
    bytes(row, column).map(Hash)
}

/// The history's number.
pub(super) fn history(row: &Row, column: usize) -> Result<HistoryId> {
    bytes(row, column).map(|bytes| HistoryId(u128::from_be_bytes(bytes)))
}

/// So many bytes.
pub(super) fn bytes<const N: usize>(row: &Row, column: usize) -> Result<[u8; N]> {
    parsed(column, get::<&[u8]>(row, column)?.try_into())
}

/// A moment of the calendar.
pub(super) fn wall_time(row: &Row, column: usize) -> Result<WallTime> {
    get(row, column).map(WallTime::from_millis)
}

/// An id or entity tag.
pub(super) fn word<T: TryFrom<String, Error = IdError>>(row: &Row, column: usize) -> Result<T> {
    parsed(column, T::try_from(get(row, column)?))
}

/// What [`integer`] made a signed number of.
pub(super) fn unsigned(row: &Row, column: usize) -> Result<u64> {
    get(row, column).map(i64::cast_unsigned)
}

/// A value stored as JSON.
pub(super) fn from_json<T: DeserializeOwned>(row: &Row, column: usize) -> Result<T> {
    parsed(column, serde_json::from_str(get(row, column)?))
}

fn parsed<T, E: std::fmt::Display>(column: usize, value: std::result::Result<T, E>) -> Result<T> {
    value.map_err(|error| Failure::Row { column, reason: error.to_string() })
}
