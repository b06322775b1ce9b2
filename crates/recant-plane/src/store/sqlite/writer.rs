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
//! lone command waits for nobody. What nobody waits for goes with the next group ([`crate::store::queue`]). Why it is so: docs/design/0002-group-commit.md.

use std::thread::{self, JoinHandle};

use recant_core::position::Position;
use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use tokio::sync::watch;

use super::apply::{self, Stop};
use super::rows;
use crate::store::StoreError;
use crate::store::command::Outcome;
use crate::store::key_table::KeyTable;
use crate::store::queue::{Answer, Queue, Request, Writing};

/// The handle of the writer's thread.
#[derive(Debug)]
pub(super) struct Writer {
    /// Taken when the handle is dropped, which is how the thread learns that nobody will ask any more.
    queue: Option<Queue>,
    thread: Option<JoinHandle<()>>,
    committed: watch::Receiver<Position>,
}

impl Writer {
    /// Starts the thread on a connection whose log ends at `head`; changes of keys are published to `keys`.
    pub(super) fn start(connection: Connection, head: Position, keys: KeyTable) -> std::io::Result<Self> {
        let (queue, writing) = Queue::new();
        let (publish, committed) = watch::channel(head);
        let worker = Worker { connection, publish, keys, writing };
        let thread = thread::Builder::new().name("store-writer".into()).spawn(move || worker.run())?;
        Ok(Self { queue: Some(queue), thread: Some(thread), committed })
    }

    pub(super) fn queue(&self) -> &Queue {
        self.queue.as_ref().expect("the queue is closed only when the handle is dropped")
    }

    pub(super) fn committed(&self) -> watch::Receiver<Position> {
        self.committed.clone()
    }
}

impl Drop for Writer {
    /// Waits until what was accepted is written and the database is closed, so that the folder's lock, which is
    /// released later, is never free while something is still being written.
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A panic in there is recorded in `stopped`; there is nobody left to tell.
            let _ = thread.join();
        }
    }
}

/// What the thread owns.
struct Worker {
    connection: Connection,
    publish: watch::Sender<Position>,
    keys: KeyTable,
    writing: Writing,
}

impl Worker {
    fn run(mut self) {
        while self.writing.wait_on_thread() {
            if !self.carry_out() {
                return;
            }
        }
        // Nobody will ask any more; what was to go with the next one goes alone.
        if !self.carry_out() {
            tracing::debug!("the last group was not written");
        }
    }

    /// Commits the next group, and answers; says whether there can be another one.
    fn carry_out(&mut self) -> bool {
        let group = self.writing.take();
        if group.is_empty() {
            return true;
        }
        match commit_group(&mut self.connection, &group) {
            Ok((answers, head)) => {
                // Before the answers, so that whoever has one finds the head at least there.
                self.publish.send_if_modified(|published| std::mem::replace(published, head) != head);
                for (request, answer) in group.into_iter().zip(answers) {
                    if let Ok(outcome) = &answer {
                        self.keys.publish(outcome);
                    }
                    // Who no longer waits does not need the answer.
                    let _ = request.answer.send(answer);
                }
                true
            }
            Err(error) => {
                // What is on disk is unknown now: after a failed fsync the kernel may have dropped the pages
                // that it could not write, and a second try would succeed without them. So no second try.
                self.stop_because(format!("a commit failed: {error}"));
                for request in group {
                    let _ = request.answer.send(Err(self.writing.stopped.error()));
                }
                false
            }
        }
    }

    fn stop_because(&self, reason: String) {
        tracing::error!(%reason, "the store has stopped writing; start the plane again");
        self.writing.stopped.because(reason);
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if thread::panicking() {
            self.stop_because("the writer met a bug and panicked".to_owned());
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
        let answer = match apply::apply(&savepoint, &request.command, &request.spelled) {
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
