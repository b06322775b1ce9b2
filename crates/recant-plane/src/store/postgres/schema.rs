//! The tables' versions, and what happens when a plane opens them. Described in docs/design/formats.md.

use recant_core::entry::Hash;
use recant_core::id::{ConnectionGroupId, ETag};
use recant_core::position::Position;
use recant_core::time::WallTime;

use super::server::SCHEMA;
use super::session::{Failure, Session};
use super::settings::UnsafeSetting;
use super::{history, rows, tables};
use crate::random;
use crate::store::DEFAULT_CONNECTION_GROUP;
use crate::store::records::ResourceKind;

/// The version that this program writes.
const VERSION: i32 = 3;

/// What those hold who make or change tables, so that planes that start together take turns: "RCNT".
const LOCK: i64 = 0x5243_4e54;

/// The account number until an operator names another.
const ACCOUNT_DEFAULT: &str = "000000000000";

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A newer program wrote it; this one would not understand it.
    #[error(
        "the data is of version {found}, this program knows versions up to {VERSION}: use the newer program that wrote it"
    )]
    Newer {
        /// The version found.
        found: i32,
    },
    /// Its schema is something else's.
    #[error("the database has a schema '{SCHEMA}', but not one of a Recant plane")]
    Foreign,
    /// There is nothing of a plane's in it.
    #[error("the database holds no plane's data: it has no schema '{SCHEMA}'")]
    Nothing,
    /// What it acknowledges may be lost.
    #[error(transparent)]
    Unsafe(#[from] UnsafeSetting),
    /// The log is not dense, or its links do not hold.
    #[error("the log is damaged at position {}", .0.get())]
    Damaged(Position),
    /// It cannot be reached, or has failed.
    #[error("the database cannot be opened: {reason}")]
    Failed {
        /// What it said.
        reason: String,
        /// Whether it may be otherwise later.
        is_passing: bool,
    },
}

impl From<Failure> for OpenError {
    fn from(failure: Failure) -> Self {
        Self::Failed { is_passing: failure.is_passing(), reason: failure.to_string() }
    }
}

/// Makes the tables, or brings them to this version.
pub(super) async fn prepare(db: &Session, now: WallTime) -> Result<(), OpenError> {
    in_transaction(db, Some(now)).await
}

/// Brings the tables that are there to this version.
///
/// # Errors
/// [`OpenError::Nothing`] where there are none.
pub(super) async fn prepare_what_is_there(db: &Session) -> Result<(), OpenError> {
    in_transaction(db, None).await
}

async fn in_transaction(db: &Session, make_at: Option<WallTime>) -> Result<(), OpenError> {
    db.run("BEGIN").await?;
    match prepare_in(db, make_at).await {
        Ok(()) => Ok(db.commit().await?),
        Err(error) => {
            db.run("ROLLBACK").await?;
            Err(error)
        }
    }
}

/// Makes tables where there are none only if a time of their making is given.
async fn prepare_in(db: &Session, make_at: Option<WallTime>) -> Result<(), OpenError> {
    db.exists("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    let tables = "SELECT tablename = 'plane' FROM pg_catalog.pg_tables WHERE schemaname = $1 ORDER BY 1 DESC";
    match db.row(tables, &[&SCHEMA]).await?.map(|row| rows::get::<bool>(&row, 0)).transpose()? {
        None => create(db, make_at.ok_or(OpenError::Nothing)?).await,
        Some(false) => Err(OpenError::Foreign),
        Some(true) => {
            let row = db.one("SELECT version FROM plane", &[]).await?;
            match rows::get(&row, 0)? {
                found @ ..=VERSION => Ok(migrate(db, found).await?),
                found => Err(OpenError::Newer { found }),
            }
        }
    }
}

/// Brings the tables of an earlier version to this one.
async fn migrate(db: &Session, found: i32) -> Result<(), Failure> {
    if found < 2 {
        db.run(tables::VERSION_2).await?;
    }
    if found < 3 {
        db.run(tables::VERSION_3).await?;
    }
    if found < VERSION {
        db.execute("UPDATE plane SET version = $1", &[&VERSION]).await?;
    }
    Ok(())
}

/// Makes the tables, a new history, and the default connection group.
async fn create(db: &Session, now: WallTime) -> Result<(), OpenError> {
    db.run(&format!("CREATE SCHEMA IF NOT EXISTS {SCHEMA}")).await?;
    db.run(tables::VERSION_1).await?;
    db.run(tables::VERSION_2).await?;
    db.run(tables::VERSION_3).await?;
    db.execute(
        "INSERT INTO plane (one, version, history, account, place) VALUES (1, $1, $2, $3, $4)",
        &[&VERSION, &&history::new().0.to_be_bytes()[..], &ACCOUNT_DEFAULT, &history::place(db).await?],
    )
    .await?;
    db.run("INSERT INTO term (one, number, batch) VALUES (1, 0, 0)").await?;
    db.execute(
        "INSERT INTO head (one, position, hash, completed) VALUES (1, $1, $2, $1)",
        &[&rows::integer(Position::ZERO.get()), &&Hash::START.0[..]],
    )
    .await?;
    let group = ConnectionGroupId::generate(now, random::bytes());
    let endpoint = format!("d{}", random::text::<14>(b"0123456789abcdef"));
    db.execute(
        "INSERT INTO resources (kind, id, name, alias, etag, enabled, config, tags, created, modified, position)
         VALUES ($1, $2, $3, $4, $5, TRUE, '{}', '{}', $6, $6, 0)",
        &[
            &ResourceKind::ConnectionGroup.as_str(),
            &group.as_str(),
            &DEFAULT_CONNECTION_GROUP,
            &endpoint,
            &ETag::generate(random::bytes()).as_str(),
            &now.millis(),
        ],
    )
    .await?;
    Ok(())
}
