//! The one writer: a thread that turns waiting commands into group commits.
//!
//! ```text
//!   commit() ─▶ bounded queue ─▶ take turns: one, and what else waits (at most COMMANDS_PER_COMMIT_MAX)
//!                                  │ BEGIN IMMEDIATE
//!                                  │   each: SAVEPOINT, look up, decide, write, RELEASE or ROLLBACK TO
//!                                  │ COMMIT (one fsync for all)
//!                                  ▼
//!                                publish the new head, then answer everybody
//! ```
//!
//! While one group waits for the disk the next one gathers, so the group grows with the load by itself and a
//! lone command waits for nobody. Why it is so: docs/design/0002-group-commit.md.

use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};

use recant_core::limits::COMMANDS_WAITING_MAX;
use recant_core::position::Position;
use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use tokio::sync::{mpsc, oneshot, watch};

use super::apply::{self, Stop};
use super::rows;
use crate::store::StoreError;
use crate::store::command::{Command, Outcome};
use crate::store::key_table::KeyTable;
use crate::store::turns::{Owned, Turns};

type Answer = Result<Outcome, StoreError>;

/// A command and the one who waits for its outcome.
struct Request {
    command: Command,
    answer: oneshot::Sender<Answer>,
}

impl Owned for Request {
    fn command(&self) -> &Command {
        &self.command
    }
}

/// The handle of the writer's thread.
#[derive(Debug)]
pub(super) struct Writer {
    /// Taken when the handle is dropped, which is how the thread learns that nobody will ask any more.
    requests: Option<mpsc::Sender<Request>>,
    thread: Option<JoinHandle<()>>,
    committed: watch::Receiver<Position>,
    stopped: Arc<Stopped>,
}

impl Writer {
    /// Starts the thread on a connection whose log ends at `head`; changes of keys are published to `keys`.
    pub(super) fn start(connection: Connection, head: Position, keys: KeyTable) -> std::io::Result<Self> {
        let (requests, queue) = mpsc::channel(COMMANDS_WAITING_MAX);
        let (publish, committed) = watch::channel(head);
        let stopped = Arc::new(Stopped::default());
        let worker = Worker { connection, publish, keys, stopped: Arc::clone(&stopped) };
        let thread = thread::Builder::new().name("store-writer".into()).spawn(move || worker.run(queue))?;
        Ok(Self { requests: Some(requests), thread: Some(thread), committed, stopped })
    }

    pub(super) async fn commit(&self, command: Command) -> Answer {
        let outcome = self.enqueue(command).await?;
        outcome.await.unwrap_or_else(|_| Err(self.stopped.error()))
    }

    /// Puts a command into the queue, ahead of all that come later, and gives where its outcome will be told.
    pub(super) async fn enqueue(&self, command: Command) -> Result<oneshot::Receiver<Answer>, StoreError> {
        let requests = self.requests.as_ref().expect("the queue is closed only when the handle is dropped");
        let (answer, outcome) = oneshot::channel();
        match requests.send(Request { command, answer }).await {
            Ok(()) => Ok(outcome),
            Err(_) => Err(self.stopped.error()),
        }
    }

    pub(super) fn committed(&self) -> watch::Receiver<Position> {
        self.committed.clone()
    }

    pub(super) fn health(&self) -> Result<(), StoreError> {
        self.stopped.0.get().map_or(Ok(()), |_| Err(self.stopped.error()))
    }
}

impl Drop for Writer {
    /// Waits until what was accepted is written and the database is closed, so that the folder's lock, which is
    /// released later, is never free while something is still being written.
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            // A panic in there is recorded in `stopped`; there is nobody left to tell.
            let _ = thread.join();
        }
    }
}

/// Why the writer has stopped, once it has.
#[derive(Debug, Default)]
struct Stopped(OnceLock<String>);

impl Stopped {
    fn because(&self, reason: String) {
        if self.0.set(reason.clone()).is_ok() {
            tracing::error!(%reason, "the store has stopped writing; start the plane again");
        }
    }

    fn error(&self) -> StoreError {
        let reason = self.0.get().map_or_else(|| "the store is closed".to_owned(), Clone::clone);
        StoreError::WriterStopped { reason }
    }
}

/// What the thread owns.
struct Worker {
    connection: Connection,
    publish: watch::Sender<Position>,
    keys: KeyTable,
    stopped: Arc<Stopped>,
}

impl Worker {
    fn run(mut self, mut queue: mpsc::Receiver<Request>) {
        let mut turns = Turns::default();
        loop {
            if turns.is_empty() {
                match queue.blocking_recv() {
                    Some(request) => turns.push(request),
                    None => return,
                }
            }
            while turns.len() < COMMANDS_WAITING_MAX
                && let Ok(request) = queue.try_recv()
            {
                turns.push(request);
            }
            let mut group = turns.take();
            match commit_group(&mut self.connection, &group) {
                Ok((answers, head)) => {
                    // Before the answers, so that whoever has one finds the head at least there.
                    self.publish.send_if_modified(|published| std::mem::replace(published, head) != head);
                    for (request, answer) in group.drain(..).zip(answers) {
                        if let Ok(outcome) = &answer {
                            self.keys.publish(outcome);
                        }
                        // Who no longer waits does not need the answer.
                        let _ = request.answer.send(answer);
                    }
                }
                Err(error) => {
                    // What is on disk is unknown now: after a failed fsync the kernel may have dropped the pages
                    // that it could not write, and a second try would succeed without them. So no second try.
                    self.stopped.because(format!("a commit failed: {error}"));
                    for request in group.drain(..) {
                        let _ = request.answer.send(Err(self.stopped.error()));
                    }
                    return;
                }
            }
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if thread::panicking() {
            self.stopped.because("the writer met a bug and panicked".to_owned());
        }
    }
}

/// Carries a group of commands out in one transaction and gives each one's answer and the new end of the log.
///
/// # Errors
/// When the database fails other than by a constraint: nothing of the group can be answered.
fn commit_group(connection: &mut Connection, group: &[Request]) -> rusqlite::Result<(Vec<Answer>, Position)> {
    let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut answers = Vec::with_capacity(group.len());
    for request in group {
        let mut savepoint = transaction.savepoint()?;
        let answer = match apply::apply(&savepoint, &request.command) {
            Ok(outcome) => Ok(outcome),
            Err(Stop::Refused(refusal)) => Ok(Outcome::Refused(refusal)),
            // A row that may not be, such as an id given out twice: this command's fault alone.
            Err(Stop::Failed(error)) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                Err(StoreError::Command { reason: error.to_string() })
            }
            Err(Stop::Failed(error)) => return Err(error),
        };
        if !matches!(answer, Ok(Outcome::Refused(_)) | Err(_)) {
            savepoint.commit()?;
        } else {
            savepoint.rollback()?;
            savepoint.finish()?;
        }
        answers.push(answer);
    }
    let (head, _) = rows::head(&transaction)?;
    transaction.commit()?;
    Ok((answers, head))
}
