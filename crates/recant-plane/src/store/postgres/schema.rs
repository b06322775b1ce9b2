//! The tables' versions, and what happens when a plane opens them. Described in docs/design/formats.md.

use recant_core::entry::{Hash, HistoryId};
use recant_core::id::{ConnectionGroupId, ETag};
use recant_core::position::Position;
use recant_core::time::WallTime;

use super::server::SCHEMA;
use super::session::{Failure, Session};
use super::settings::UnsafeSetting;
use super::{rows, tables};
use crate::random;
use crate::store::DEFAULT_CONNECTION_GROUP;
use crate::store::records::ResourceKind;

/// The version that this program writes.
const VERSION: i32 = 1;

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
    /// What it acknowledges may be lost.
    #[error("the database is not safe: {0}")]
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
    db.run("BEGIN").await?;
    match prepare_in(db, now).await {
        Ok(()) => Ok(db.commit().await?),
        Err(error) => {
            db.run("ROLLBACK").await?;
            Err(error)
        }
    }
}

async fn prepare_in(db: &Session, now: WallTime) -> Result<(), OpenError> {
    db.exists("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    let tables = "SELECT tablename = 'plane' FROM pg_catalog.pg_tables WHERE schemaname = $1 ORDER BY 1 DESC";
    match db.row(tables, &[&SCHEMA]).await?.map(|row| rows::get::<bool>(&row, 0)).transpose()? {
        None => create(db, now).await,
        Some(false) => Err(OpenError::Foreign),
        Some(true) => {
            let row = db.one("SELECT version FROM plane", &[]).await?;
            match rows::get(&row, 0)? {
                found @ ..=VERSION => {
                    debug_assert_eq!(found, VERSION, "there is one version so far");
                    Ok(())
                }
                found => Err(OpenError::Newer { found }),
            }
        }
    }
}

/// Makes the tables, a new history, and the default connection group.
async fn create(db: &Session, now: WallTime) -> Result<(), OpenError> {
    db.run(&format!("CREATE SCHEMA IF NOT EXISTS {SCHEMA}")).await?;
    db.run(tables::VERSION_1).await?;
    db.execute(
        "INSERT INTO plane (one, version, history, account) VALUES (1, $1, $2, $3)",
        &[&VERSION, &&new_history().0.to_be_bytes()[..], &ACCOUNT_DEFAULT],
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

/// A history that nobody has seen before.
pub(super) fn new_history() -> HistoryId {
    HistoryId(u128::from_be_bytes(random::bytes()))
}
