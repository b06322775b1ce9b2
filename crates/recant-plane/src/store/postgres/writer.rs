//! The one writer: a task that turns waiting commands into group commits, as long as it holds the term.
//!
//! ```text
//!   commit() ─▶ bounded queue ─▶ take turns: one, and what else waits (at most COMMANDS_PER_COMMIT_MAX)
//!                                  │ BEGIN, UPDATE term … WHERE number = MINE     none changed: stop for good
//!                                  │   each: SAVEPOINT, look up, decide, write, RELEASE or ROLLBACK TO
//!                                  │ COMMIT (one wait for the disk and the standbys, for all)
//!                                  │      no answer: connect again with back-off, ask whether it was committed
//!                                  ▼
//!                                publish the new head, then answer everybody
//! ```
//!
//! Every group writes the row of the term, so that the commit of one that only answers replays or refusals waits for the
//! standbys like any other. When nothing waits, an empty group renews the term. See [`super::term`] for what that row is for.
//!
//! The writer stops for good when the term is another's (which it learns also while its own connection is stuck, see [`super::tenure`]), when the database is unsafe, has lost something or fails in a
//! way that waiting does not mend, and when it cannot be reached for [`STORE_OUTAGE_MAX`]. The plane then tries to take the term anew.

use std::sync::Arc;
use std::time::Duration;

use recant_core::entry::Hash;
use recant_core::limits::{
    STORE_COMMIT_TIME_MAX, STORE_OUTAGE_MAX, STORE_STATEMENT_TIME_MAX, TERM_RENEWAL_PERIOD,
};
use recant_core::position::Position;
use recant_core::time::BootTime;
use tokio::sync::watch;
use tokio::time::Instant;

use super::apply::Tx;
use super::group;
use super::rows;
use super::server::Server;
use super::session::{Failure, Session};
use super::settings::{self, UnsafeSettings};
use super::tenure::Tenure;
use super::term::{self, Memory, Seat};
use crate::store::key_table::KeyTable;
use crate::store::queue::{Answer, Queue, Request, Writing};

/// How long the first pause after a failure is; each further one is twice as long, up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Why a writer stops whose plane has been succeeded.
const SUCCEEDED: &str = "another plane has taken the term over";

/// The handle of the writer's task. When it is dropped, what was accepted is written and the term given back.
#[derive(Debug)]
pub(super) struct Writer {
    queue: Queue,
    committed: watch::Receiver<Position>,
    tenure: Arc<Tenure>,
}

/// What a writer is started with.
pub(super) struct Start {
    pub(super) server: Server,
    pub(super) unsafe_settings: UnsafeSettings,
    pub(super) session: Session,
    pub(super) seat: Seat,
    /// When the transaction was begun that took the seat.
    pub(super) taken: BootTime,
    pub(super) memory: Memory,
    pub(super) keys: KeyTable,
    pub(super) now: fn() -> BootTime,
}

impl Writer {
    /// Starts the task; changes of keys are published to the table of keys.
    pub(super) fn start(start: Start) -> Self {
        let (queue, writing) = Queue::new();
        let (publish, committed) = watch::channel(start.seat.end.head);
        let tenure = Arc::new(Tenure::of(start.taken, start.now));
        let worker = Worker {
            server: start.server,
            unsafe_settings: start.unsafe_settings,
            session: Some(start.session),
            is_bound: false,
            seat: start.seat,
            publish,
            memory: start.memory,
            keys: start.keys,
            tenure: Arc::clone(&tenure),
            now: start.now,
        };
        tokio::spawn(worker.run(writing));
        Self { queue, committed, tenure }
    }

    pub(super) fn queue(&self) -> &Queue {
        &self.queue
    }

    pub(super) fn committed(&self) -> watch::Receiver<Position> {
        self.committed.clone()
    }

    /// Whether what is said now, without being written, binds whoever holds the term later.
    pub(super) fn is_in_tenure(&self) -> bool {
        self.queue.health().is_ok() && self.tenure.holds()
    }

    pub(super) fn tenure(&self) -> &Tenure {
        &self.tenure
    }
}

/// What the task owns.
struct Worker {
    server: Server,
    unsafe_settings: UnsafeSettings,
    /// None after a failure: the next attempt opens another.
    session: Option<Session>,
    /// Whether its statements have their limit; that which made the tables had none.
    is_bound: bool,
    seat: Seat,
    publish: watch::Sender<Position>,
    memory: Memory,
    keys: KeyTable,
    tenure: Arc<Tenure>,
    now: fn() -> BootTime,
}

/// What a group has come to, once it is committed.
struct Done {
    answers: Vec<Answer>,
    batch: u64,
    end: (Position, Hash),
    /// When its transaction was begun.
    begun: BootTime,
}

/// Why an attempt at a group has no result.
enum Halt {
    /// Another may have.
    Passing(Failure),
    /// None will.
    Final(String),
}

impl From<Failure> for Halt {
    fn from(failure: Failure) -> Self {
        if failure.is_passing() {
            Self::Passing(failure)
        } else {
            Self::Final(format!("a commit failed: {failure}"))
        }
    }
}

impl Worker {
    async fn run(mut self, mut writing: Writing) {
        let mut is_over = false;
        while !is_over {
            tokio::select! {
                is_wanted = writing.wait() => is_over = !is_wanted,
                () = tokio::time::sleep(TERM_RENEWAL_PERIOD) => {}
            }
            let mut group = writing.take();
            if is_over && group.is_empty() {
                break;
            }
            let (server, seat, tenure) = (self.server.clone(), self.seat.clone(), Arc::clone(&self.tenure));
            let done = tokio::select! {
                done = self.carry_out(&group) => done,
                // Whatever an attempt under way has come to: it is committed before that or never.
                () = tenure.succeeded(&server, &seat) => Err(SUCCEEDED.to_owned()),
            };
            match done {
                Ok(done) => self.acknowledge(done, &mut group),
                Err(reason) => {
                    // Whether the last attempt took effect may be unknown: whoever asks the next holder learns it.
                    tracing::error!(%reason, "the store has stopped writing");
                    writing.stopped.because(reason);
                    for request in group.drain(..) {
                        let _ = request.answer.send(Err(writing.stopped.error()));
                    }
                    return;
                }
            }
        }
        let Some(session) = self.session.take() else { return };
        let released = tokio::time::timeout(STORE_COMMIT_TIME_MAX, term::release(&session, &self.seat)).await;
        if !matches!(released, Ok(Ok(()))) {
            tracing::warn!(
                "the term could not be given back; the next plane waits until it has been silent long enough"
            );
        }
    }

    fn acknowledge(&mut self, done: Done, group: &mut Vec<Request>) {
        self.tenure.renew(done.begun);
        self.seat.end.batch = done.batch;
        (self.seat.end.head, self.seat.end.hash) = done.end;
        self.memory.learn(self.seat.end);
        let head = done.end.0;
        // Before the answers, so that whoever has one finds the head at least there.
        self.publish.send_if_modified(|published| std::mem::replace(published, head) != head);
        for (request, answer) in group.drain(..).zip(done.answers) {
            if let Ok(outcome) = &answer {
                self.keys.publish(outcome);
            }
            // Who no longer waits does not need the answer.
            let _ = request.answer.send(answer);
        }
    }

    /// Commits a group, however often the connection breaks, and gives what it has come to.
    async fn carry_out(&mut self, group: &[Request]) -> Result<Done, String> {
        let mut in_doubt = None;
        let (mut pause, mut broken_since) = (PAUSE_MIN, None);
        loop {
            let attempt = tokio::time::timeout(STORE_COMMIT_TIME_MAX, self.attempt(group, &mut in_doubt));
            let failure = match attempt.await {
                Ok(Ok(done)) => return Ok(done),
                Ok(Err(Halt::Final(reason))) => return Err(reason),
                Ok(Err(Halt::Passing(failure))) => failure,
                Err(_) => Failure::Silent,
            };
            // Whatever is left of the transaction, and of what was said about it, ends with its connection.
            self.session = None;
            let since = *broken_since.get_or_insert_with(|| {
                tracing::warn!(%failure, "the connection to the database has failed; trying again");
                Instant::now()
            });
            if since.elapsed() > STORE_OUTAGE_MAX {
                return Err(format!("the database cannot be reached: {failure}"));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Tries once. `in_doubt` is what an earlier attempt has come to, if its commit took effect.
    async fn attempt(&mut self, group: &[Request], in_doubt: &mut Option<Done>) -> Result<Done, Halt> {
        if self.session.as_ref().is_none_or(Session::is_closed) {
            self.session = Some(connect(&self.server, self.unsafe_settings).await?);
            self.is_bound = false;
        }
        let db = self.session.as_ref().expect("there is a connection now");
        if !self.is_bound {
            // Of the server, too: a statement that is given up here would go on there, and hold the row of the term.
            db.run(&format!("SET statement_timeout = {}", STORE_STATEMENT_TIME_MAX.as_millis())).await?;
            self.is_bound = true;
        }
        let begun = (self.now)();
        db.run("BEGIN ISOLATION LEVEL READ COMMITTED").await?;
        let batch = renew(db, &self.seat).await?;
        let acknowledged = self.seat.end.batch;
        // What was in doubt took effect if it has been counted. This transaction writes, too: its commit answers for both.
        let took_effect = in_doubt.as_ref().is_some_and(|done| batch > done.batch);
        if took_effect {
            db.commit().await?;
            let done = in_doubt.take().expect("it has just been looked at");
            return Ok(Done { batch, begun, ..done });
        }
        *in_doubt = None;
        if batch != acknowledged + 1 {
            return Err(Halt::Final(format!(
                "the database has lost what it had acknowledged: batch {acknowledged} was the last, {batch} is the next"
            )));
        }
        // A statement of its own, after the row is locked: it sees what the holder of the lock before has committed.
        let tx = Tx::new(db, rows::head(db).await?);
        let answers = group::perform(&tx, group).await?;
        tx.write_end().await?;
        let end = tx.end();
        *in_doubt = Some(Done { answers, batch, end, begun });
        db.commit().await?;
        Ok(in_doubt.take().expect("it was put there above"))
    }
}

/// Opens a connection to a database that is still as safe as it was.
async fn connect(server: &Server, unsafe_settings: UnsafeSettings) -> Result<Session, Halt> {
    let session = server.connect().await?;
    match settings::find_unsafe(&session, unsafe_settings, false).await? {
        Some(found) => Err(Halt::Final(format!("the database is not safe any more: {found}"))),
        None => Ok(session),
    }
}

/// Locks the row of the term, if it is still this holder's, and gives the number of this transaction.
async fn renew(db: &Session, seat: &Seat) -> Result<u64, Halt> {
    let sql = "UPDATE term SET batch = batch + 1 WHERE number = $1 AND holder = $2 RETURNING batch";
    match db.row(sql, &[&rows::integer(seat.identity.term.0), &seat.holder]).await? {
        Some(row) => Ok(rows::unsigned(&row, 0)?),
        None => Err(Halt::Final(SUCCEEDED.to_owned())),
    }
}
