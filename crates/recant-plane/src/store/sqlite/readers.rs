//! Connections that only read: a few, each used by one read at a time, off the async threads.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use super::schema;
use crate::store::StoreError;
use crate::store::lanes::{self, Lane, Lanes};

/// The pool.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    /// Connections that nobody uses. Locked only to take one out or put one back.
    idle: Mutex<Vec<Connection>>,
    lanes: Lanes,
}

impl Readers {
    /// Opens all connections now: once viewers and clients have used up the file descriptors it would be too late.
    pub(super) fn open(path: PathBuf) -> rusqlite::Result<Self> {
        let connections = std::iter::repeat_with(|| schema::open_reader(&path));
        let idle = connections.take(Lanes::places()).collect::<rusqlite::Result<_>>()?;
        Ok(Self { path, idle: Mutex::new(idle), lanes: Lanes::default() })
    }

    /// Runs a read for a client.
    pub(super) async fn read<T, F>(self: &Arc<Self>, question: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.read_for(Lane::Calls, question).await
    }

    /// Runs a read in one transaction: everything `question` sees is of one moment, and committed.
    pub(super) async fn read_for<T, F>(self: &Arc<Self>, lane: Lane, question: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let pool = Arc::clone(self);
        lanes::by_itself(Self::read_in(pool, lane, question)).await
    }

    async fn read_in<T, F>(pool: Arc<Self>, lane: Lane, question: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let permit = pool.lanes.enter(lane).await;
        let read = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let mut connection = pool.take()?;
            let transaction = connection.transaction()?;
            let answer = question(&transaction)?;
            transaction.finish()?;
            // A connection whose read failed is not put back.
            pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            Ok(answer)
        });
        match read.await {
            Ok(answer) => {
                answer.map_err(|error: rusqlite::Error| StoreError::Read { reason: error.to_string() })
            }
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Err(StoreError::Read { reason: "the plane is shutting down".to_owned() }),
        }
    }

    fn take(&self) -> rusqlite::Result<Connection> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| schema::open_reader(&self.path), Ok)
    }
}
