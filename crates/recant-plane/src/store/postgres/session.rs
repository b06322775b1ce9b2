//! One connection to the database: statements over it, each prepared once.

use std::collections::HashMap;
use std::error::Error as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, Statement};

/// What the database, or a row of it, has failed with.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The database or the way to it.
    #[error("{}", in_full(.0))]
    Database(#[from] tokio_postgres::Error),
    /// What is in a row was checked when it was written; if it cannot be read now, somebody else has written it.
    #[error("column {column} of a row cannot be read: {reason}")]
    Row {
        /// Which, from 0.
        column: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// It has said nothing for too long.
    #[error("the database does not answer")]
    Silent,
}

pub(super) type Result<T> = std::result::Result<T, Failure>;

/// What a statement is given for its `$1`, `$2`, ….
pub(super) type Params<'p> = &'p [&'p (dyn ToSql + Sync)];

impl Failure {
    /// Whether one command alone is to blame: its values (SQLSTATE class 22) or its rows (23) may not be.
    pub(super) fn is_of_the_command(&self) -> bool {
        self.class().is_some_and(|class| ["22", "23"].contains(&class))
    }

    /// Whether the same may succeed later, over another connection: the connection or the server is gone (no SQLSTATE, 08, 57),
    /// the server is a standby now (25), has no room (53), or somebody holds a lock (40, 55).
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Silent => true,
            Self::Row { .. } => false,
            Self::Database(_) => {
                self.class().is_none_or(|class| ["08", "25", "40", "53", "55", "57"].contains(&class))
            }
        }
    }

    fn class(&self) -> Option<&str> {
        match self {
            Self::Database(error) => error.code().and_then(|code| code.code().get(..2)),
            Self::Row { .. } | Self::Silent => None,
        }
    }
}

/// The error and its causes: the library's own words leave out what the server said.
fn in_full(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(said) => format!("{} (SQLSTATE {})", said.message(), said.code().code()),
        None => error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}")),
    }
}

/// A connection, used by one transaction at a time.
///
/// Statements that do not need each other's answers are sent together (`try_join!`): they cost one round trip.
pub(super) struct Session {
    client: Client,
    /// By their text. Locked only to look one up or put one in.
    prepared: Mutex<HashMap<String, Statement>>,
    /// Set when the server has warned.
    warned: Arc<AtomicBool>,
}

impl Session {
    /// `warned` is set by whoever reads what the server says beside its answers.
    pub(super) fn new(client: Client, warned: Arc<AtomicBool>) -> Self {
        Self { client, prepared: Mutex::default(), warned }
    }

    /// Whether the other end is known to be gone.
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Runs statements without parameters or answers.
    pub(super) async fn run(&self, sql: &str) -> Result<()> {
        Ok(self.client.batch_execute(sql).await?)
    }

    /// Commits, and says so only when the standbys have it, too.
    ///
    /// A wait for them that somebody cancels ends with a warning and a commit all the same (PURGE.md section 5): then
    /// the server has it, and it is not known who else.
    pub(super) async fn commit(&self) -> Result<()> {
        self.warned.store(false, Ordering::SeqCst);
        self.run("COMMIT").await?;
        if self.warned.load(Ordering::SeqCst) { Err(Failure::Silent) } else { Ok(()) }
    }

    pub(super) async fn rows(&self, sql: &str, params: Params<'_>) -> Result<Vec<Row>> {
        let statement = self.prepare(sql).await?;
        Ok(self.client.query(&statement, params).await?)
    }

    /// The first row, if there is one.
    pub(super) async fn row(&self, sql: &str, params: Params<'_>) -> Result<Option<Row>> {
        Ok(self.rows(sql, params).await?.into_iter().next())
    }

    /// The row that is always there.
    pub(super) async fn one(&self, sql: &str, params: Params<'_>) -> Result<Row> {
        let row = self.row(sql, params).await?;
        row.ok_or_else(|| Failure::Row { column: 0, reason: format!("there is none: {sql}") })
    }

    pub(super) async fn exists(&self, sql: &str, params: Params<'_>) -> Result<bool> {
        Ok(self.row(sql, params).await?.is_some())
    }

    /// Gives how many rows were changed.
    pub(super) async fn execute(&self, sql: &str, params: Params<'_>) -> Result<u64> {
        let statement = self.prepare(sql).await?;
        Ok(self.client.execute(&statement, params).await?)
    }

    async fn prepare(&self, sql: &str) -> Result<Statement> {
        let known = self.prepared.lock().unwrap_or_else(PoisonError::into_inner).get(sql).cloned();
        if let Some(statement) = known {
            return Ok(statement);
        }
        let statement = self.client.prepare(sql).await?;
        let mut prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        prepared.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}
