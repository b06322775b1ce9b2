//! Between rows and records.

use std::time::Duration;

use recant_core::batch::PathCount;
use recant_core::entry::{Entry, Hash, HistoryId, Kind, Scope};
use recant_core::id::IdError;
use recant_core::position::Position;
use recant_core::protocol::MemberRecord;
use recant_core::protocol::message::{Incarnation, LeaseClass, Member, Term};
use recant_core::time::WallTime;
use rusqlite::types::{FromSql, Type};
use rusqlite::{Connection, Result, Row};
use serde::de::DeserializeOwned;

use crate::store::records::{
    DistributionRecord, Identity, InvalidationRecord, InvalidationSummary, ResourceKind, ResourceRecord,
    TenantRecord, Tracked,
};
use crate::store::spelling;
pub(super) use crate::store::spelling::{
    DISTRIBUTION, ENTRY, INVALIDATION, INVALIDATION_SUMMARY, RESOURCE, TENANT, integer, json, owner,
    scope_columns, tracked,
};

/// The one row of `plane`.
pub(super) fn identity(db: &Connection) -> Result<Identity> {
    db.query_row("SELECT history, term, account FROM plane", [], |row| {
        Ok(Identity {
            history: HistoryId(u128::from_be_bytes(row.get(0)?)),
            term: Term(unsigned(row, 1)?),
            account: row.get(2)?,
        })
    })
}

/// The end of the log and its hash.
pub(super) fn head(db: &Connection) -> Result<(Position, Hash)> {
    db.prepare_cached("SELECT position, hash FROM head")?
        .query_row([], |row| Ok((position(row, 0)?, Hash(row.get(1)?))))
}

/// The highest completed position.
pub(super) fn completed(db: &Connection) -> Result<Position> {
    db.prepare_cached("SELECT completed FROM head")?.query_row([], |row| position(row, 0))
}

/// An entry out of [`ENTRY`].
pub(super) fn entry(row: &Row<'_>) -> Result<Entry> {
    let id: String = row.get(3)?;
    let code = row.get(2)?;
    let scope = spelling::scope(code, &id)
        .ok_or_else(|| rusqlite::Error::IntegralValueOutOfRange(2, i64::from(code)))?;
    let scope = parsed(3, scope)?;
    Ok(Entry {
        position: position(row, 0)?,
        prev_hash: Hash(row.get(1)?),
        scope,
        kind: Kind(row.get(4)?),
        body_hash: Hash(row.get(5)?),
        body: row.get::<_, Vec<u8>>(6)?.into(),
    })
}

/// A distribution out of [`DISTRIBUTION`].
pub(super) fn distribution(row: &Row<'_>, completed: Position) -> Result<Tracked<DistributionRecord>> {
    let record = DistributionRecord {
        id: word(row, 0)?,
        caller_reference: row.get(1)?,
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
pub(super) fn tenant(row: &Row<'_>, completed: Position) -> Result<Tracked<TenantRecord>> {
    let record = TenantRecord {
        id: word(row, 0)?,
        name: row.get(1)?,
        connection_group_id: word(row, 2)?,
        etag: word(row, 3)?,
        config: from_json(row, 4)?,
        spec: from_json(row, 5)?,
        created: wall_time(row, 6)?,
        modified: wall_time(row, 7)?,
        web_acl: row.get(9)?,
        certificate: row.get(10)?,
        tags: from_json(row, 11)?,
    };
    Ok(tracked(record, position(row, 8)?, completed))
}

/// An invalidation out of [`INVALIDATION`].
pub(super) fn invalidation(row: &Row<'_>, completed: Position) -> Result<Tracked<InvalidationRecord>> {
    let record = InvalidationRecord {
        id: word(row, 0)?,
        scope: owner_scope(row, 1)?,
        caller_reference: row.get(2)?,
        items: from_json(row, 3)?,
        created: wall_time(row, 4)?,
    };
    Ok(tracked(record, position(row, 5)?, completed))
}

/// An invalidation out of [`INVALIDATION_SUMMARY`].
pub(super) fn invalidation_summary(
    row: &Row<'_>,
    completed: Position,
) -> Result<Tracked<InvalidationSummary>> {
    let record = InvalidationSummary { id: word(row, 0)?, created: wall_time(row, 1)? };
    Ok(tracked(record, position(row, 2)?, completed))
}

/// Two numbers of paths and of wildcards.
pub(super) fn path_count(row: &Row<'_>) -> Result<PathCount> {
    Ok(PathCount { paths: unsigned(row, 0)?, wildcards: unsigned(row, 1)? })
}

/// A resource out of [`RESOURCE`].
pub(super) fn resource(row: &Row<'_>, completed: Position) -> Result<Tracked<ResourceRecord>> {
    let record = ResourceRecord {
        kind: resource_kind(row, 0)?,
        id: row.get(1)?,
        name: row.get(2)?,
        alias: row.get(3)?,
        etag: word(row, 4)?,
        enabled: row.get(5)?,
        config: from_json(row, 6)?,
        tags: from_json(row, 7)?,
        created: wall_time(row, 8)?,
        modified: wall_time(row, 9)?,
    };
    Ok(tracked(record, position(row, 10)?, completed))
}

fn resource_kind(row: &Row<'_>, column: usize) -> Result<ResourceKind> {
    let name = row.get_ref(column)?.as_str()?;
    spelling::resource_kind(name)
        .ok_or_else(|| rusqlite::Error::InvalidColumnType(column, name.to_owned(), Type::Text))
}

/// What [`owner`] made a text of.
pub(super) fn owner_scope(row: &Row<'_>, column: usize) -> Result<Scope> {
    parsed(column, spelling::owner_scope(row.get_ref(column)?.as_str()?))
}

/// A member out of `edge, incarnation, embedded, lease_class, hold_ms`.
pub(super) fn member(row: &Row<'_>) -> Result<MemberRecord> {
    Ok(MemberRecord {
        member: Member { edge: word(row, 0)?, incarnation: Incarnation(unsigned(row, 1)?) },
        embedded: row.get(2)?,
        lease_class: LeaseClass(row.get(3)?),
        hold: Duration::from_millis(unsigned(row, 4)?),
    })
}

/// A position.
pub(super) fn position(row: &Row<'_>, column: usize) -> Result<Position> {
    unsigned(row, column).map(Position::new)
}

/// A moment of the calendar.
pub(super) fn wall_time(row: &Row<'_>, column: usize) -> Result<WallTime> {
    row.get(column).map(WallTime::from_millis)
}

/// An id or entity tag.
pub(super) fn word<T: TryFrom<String, Error = IdError>>(row: &Row<'_>, column: usize) -> Result<T> {
    parsed(column, T::try_from(row.get(column)?))
}

/// What [`integer`] made a signed number of.
pub(super) fn unsigned(row: &Row<'_>, column: usize) -> Result<u64> {
    i64::column_result(row.get_ref(column)?)
        .map(i64::cast_unsigned)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Integer, Box::new(error)))
}

/// A value stored as JSON.
pub(super) fn from_json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<T> {
    parsed(column, serde_json::from_str(row.get_ref(column)?.as_str()?))
}

/// What is in a row was checked when it was written; if it cannot be read now, the file is damaged.
fn parsed<T, E>(column: usize, value: std::result::Result<T, E>) -> Result<T>
where
    E: std::error::Error + Send + Sync + 'static,
{
    value.map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}
