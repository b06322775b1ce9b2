//! Connections that only read: a few, each used by one read at a time, opened when they are needed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use recant_core::limits::{STORE_OUTAGE_MAX, STORE_READ_TIME_MAX};
use tokio::time::Instant;

use super::server::Server;
use super::session::{Result, Session};
use crate::store::StoreError;
use crate::store::lanes::{self, Lane, Lanes};

/// How long the pause after a failure is.
const PAUSE: Duration = Duration::from_millis(100);

/// The pool.
pub(super) struct Readers {
    server: Server,
    /// Connections that nobody uses. Locked only to take one out or put one back.
    idle: Mutex<Vec<Arc<Session>>>,
    lanes: Lanes,
}

impl std::fmt::Debug for Readers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Readers").field("server", &self.server).finish_non_exhaustive()
    }
}

impl Readers {
    pub(super) fn new(server: Server) -> Self {
        Self { server, idle: Mutex::default(), lanes: Lanes::default() }
    }

    /// Runs a read for a client.
    pub(super) async fn read<A, T, F>(
        self: &Arc<Self>,
        asked: A,
        question: impl Fn(Arc<Session>, Arc<A>) -> F + Send + Sync + 'static,
    ) -> std::result::Result<T, StoreError>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        self.read_for(Lane::Calls, asked, question).await
    }

    /// Runs a read in one transaction: everything `question` sees is of one moment, and committed.
    pub(super) async fn read_for<A, T, F>(
        self: &Arc<Self>,
        lane: Lane,
        asked: A,
        question: impl Fn(Arc<Session>, Arc<A>) -> F + Send + Sync + 'static,
    ) -> std::result::Result<T, StoreError>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let (pool, asked) = (Arc::clone(self), Arc::new(asked));
        lanes::by_itself(async move {
            let _place = pool.lanes.enter(lane).await;
            pool.read_in_time(|session| question(session, Arc::clone(&asked))).await
        })
        .await
    }

    /// A read changes nothing, so that one whose connection breaks is simply asked again, for a while.
    async fn read_in_time<T, F>(
        &self,
        question: impl Fn(Arc<Session>) -> F,
    ) -> std::result::Result<T, StoreError>
    where
        F: Future<Output = Result<T>>,
    {
        let started = Instant::now();
        loop {
            match self.try_read(&question).await {
                Ok(answer) => return Ok(answer),
                Err(failure) if failure.is_passing() && started.elapsed() < STORE_OUTAGE_MAX => {
                    tracing::debug!(%failure, "a read has failed; trying again");
                    tokio::time::sleep(PAUSE).await;
                }
                Err(failure) if failure.is_passing() => {
                    return Err(StoreError::Unreachable { reason: failure.to_string() });
                }
                Err(failure) => return Err(StoreError::Read { reason: failure.to_string() }),
            }
        }
    }

    async fn try_read<T, F>(&self, question: &impl Fn(Arc<Session>) -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let session = self.take().await?;
        session.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let answer = question(Arc::clone(&session)).await?;
        session.run("COMMIT").await?;
        // A connection whose read failed is not put back.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(session);
        Ok(answer)
    }

    async fn take(&self) -> Result<Arc<Session>> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(session) = idle.filter(|session| !session.is_closed()) {
            return Ok(session);
        }
        let session = Arc::new(self.server.connect().await?);
        // A read holds nothing that others wait for, so it may also rest: a snapshot's rows take a while to be understood.
        let millis = STORE_READ_TIME_MAX.as_millis();
        let limits =
            format!("SET statement_timeout = {millis}; SET idle_in_transaction_session_timeout = {millis}");
        session.run(&limits).await?;
        Ok(session)
    }
}
