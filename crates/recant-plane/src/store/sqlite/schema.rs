//! The database's versions, and what happens when it is opened. Described in docs/design/formats.md.

use std::path::Path;

use recant_core::entry::{Hash, HistoryId};
use recant_core::id::{ConnectionGroupId, ETag};
use recant_core::limits::{STORE_BUSY_MAX, STORE_STATEMENTS_MAX};
use recant_core::position::Position;
use recant_core::protocol::message::Term;
use recant_core::time::WallTime;
use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};

use super::check::{self, Damage};
use super::{rows, tables};
use crate::store::DEFAULT_CONNECTION_GROUP;
use crate::store::records::Identity;
use crate::{folder, random};

/// The version that this program writes: `PRAGMA user_version`.
pub(super) const VERSION: i32 = 4;

/// `PRAGMA application_id`: "RCNT". Tells our file from any other SQLite database.
const APPLICATION_ID: i32 = 0x5243_4e54;

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
    /// It is an SQLite database of something else.
    #[error("the file is a database, but not one of a Recant plane")]
    Foreign,
    /// It is not what was written. A backup can be restored; nothing was changed.
    #[error(transparent)]
    Damaged(#[from] Damage),
    /// The file system cannot carry a write-ahead log, so nothing could be promised.
    #[error("the file system does not allow a write-ahead log (journal mode is '{0}')")]
    NoWriteAheadLog(String),
    /// The file cannot be made or written.
    #[error("the database's file cannot be opened")]
    File(#[source] std::io::Error),
    /// The writer's thread could not be started.
    #[error("the store's writer cannot be started")]
    Thread(#[source] std::io::Error),
    /// SQLite failed.
    #[error("the database cannot be opened")]
    Sqlite(#[from] rusqlite::Error),
}

/// What opening finds.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) connection: Connection,
    pub(super) identity: Identity,
    pub(super) head: Position,
}

/// Opens the writer's connection, makes or migrates the tables, and starts a new term, durably.
pub(super) fn open_writer(path: &Path, now: WallTime) -> Result<Opened, OpenError> {
    // SQLite would make it readable by whom the umask lets; its two companions take this file's mode.
    folder::private().append(true).create(true).open(path).map_err(OpenError::File)?;
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(STORE_BUSY_MAX)?;
    connection.set_prepared_statement_cache_capacity(STORE_STATEMENTS_MAX);
    // Looked at before anything is changed, the journal mode included.
    let version = version(&connection)?;

    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(OpenError::NoWriteAheadLog(mode));
    }
    // FULL: every commit waits for the write-ahead log's fsync. NORMAL would lose answered commits on power loss.
    connection.pragma_update(None, "synchronous", "FULL")?;
    // What a savepoint may have to undo goes to a temporary file when it is long. Making one fails when file descriptors
    // run out or there is no place for it, and a failed statement ends the writer.
    connection.pragma_update(None, "temp_store", "MEMORY")?;

    if version != 0 {
        check::at_start(&connection)?;
    }
    // Outside of the transaction, where alone it can be changed; see `tables::VERSION_3`.
    connection.pragma_update(None, "foreign_keys", false)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if version < 1 {
        create(&transaction, now)?;
    }
    if version < 2 {
        transaction.execute_batch(tables::VERSION_2)?;
    }
    if version < 3 {
        transaction.execute_batch(tables::VERSION_3)?;
    }
    if version < VERSION {
        transaction.execute_batch(tables::VERSION_4)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.execute("UPDATE plane SET term = term + 1", [])?;
    let identity = rows::identity(&transaction)?;
    let (head, _) = rows::head(&transaction)?;
    transaction.commit()?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(Opened { connection, identity, head })
}

/// Opens a connection that only reads.
pub(super) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(STORE_BUSY_MAX)?;
    connection.set_prepared_statement_cache_capacity(STORE_STATEMENTS_MAX);
    Ok(connection)
}

/// The version of the tables; 0 when there are none yet.
pub(super) fn version(connection: &Connection) -> Result<i32, OpenError> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let (application, version) = (pragma("application_id")?, pragma("user_version")?);
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (application, version) {
        (APPLICATION_ID, found) if found > VERSION => Err(OpenError::Newer { found }),
        (APPLICATION_ID, 1..) => Ok(version),
        (0, 0) if tables == 0 => Ok(0),
        _ => Err(OpenError::Foreign),
    }
}

/// Makes the tables, a new history, and the default connection group.
fn create(connection: &Connection, now: WallTime) -> Result<(), OpenError> {
    connection.execute_batch(tables::VERSION_1)?;
    let history = HistoryId(u128::from_be_bytes(random::bytes()));
    connection.execute(
        "INSERT INTO plane (one, history, term, account) VALUES (1, ?1, ?2, ?3)",
        params![history.0.to_be_bytes(), rows::integer(Term::default().0), ACCOUNT_DEFAULT],
    )?;
    connection.execute(
        "INSERT INTO head (one, position, hash, completed) VALUES (1, 0, ?1, 0)",
        params![Hash::START.0],
    )?;
    let group = ConnectionGroupId::generate(now, random::bytes());
    connection.execute(
        "INSERT INTO connection_groups (id, name, etag, is_default, created, modified) VALUES (?1, ?2, ?3, 1, ?4, ?4)",
        params![group.as_str(), DEFAULT_CONNECTION_GROUP, ETag::generate(random::bytes()).as_str(), now.millis()],
    )?;
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_commit_waits_for_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let opened = open_writer(&folder.path().join("plane.db"), WallTime::from_millis(0)).unwrap();
        let pragma = |name| {
            opened
                .connection
                .pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0))
                .unwrap()
        };
        assert_eq!(pragma("journal_mode"), "wal".to_owned().into());
        assert_eq!(pragma("synchronous"), 2.into(), "FULL");
        assert_eq!(pragma("foreign_keys"), 1.into());
        assert_eq!(pragma("temp_store"), 2.into(), "MEMORY");
    }
}
