//! Drives the plane's half of the protocol: membership, leases, completion.
//!
//! One task owns the [`PlaneHalf`], feeds it one event at a time and performs its effects in order. It decides
//! nothing itself. A second task makes durable what the half decides, so that answering never waits for a disk:
//!
//! ```text
//!   store: new head ───────┐                         ┌─▶ answer of the heartbeat
//!   heartbeat() ───────────┤                         │
//!   deadline ──────────────┼─▶ PlaneHalf::step ──────┼─▶ write ─▶ store.commit (group commit)
//!   written ◀──────────────┘                         │                │
//!      ▲                                             └─▶ completed    │
//!      └──────────────────────────────────────────────────────────────┘
//! ```
//!
//! When the store stops writing, the driver stops too: nothing more is granted or completed, and
//! [`Completion::heartbeat`] says so. The edges' leases then run out by themselves.

use std::collections::HashMap;
use std::time::Duration;

use recant_core::limits::{COMMANDS_PER_COMMIT_MAX, COMPLETION_LULL};
use recant_core::position::Position;
use recant_core::protocol::message::{Answer, Heartbeat};
use recant_core::protocol::{LeaseParams, PlaneEffect, PlaneEvent, PlaneHalf, PlaneWrite, Ticket};
use recant_core::time::BootTime;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::members::{MemberEvent, MemberStatus, Members};
use crate::store::{Command, Store, StoreError};

/// Heartbeats that may wait for the driver.
const HEARTBEATS_WAITING_MAX: usize = 1_024;

/// Groups of writes that may wait to be reported.
const WRITTEN_WAITING_MAX: usize = 16;

/// Why a heartbeat has no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum HeartbeatError {
    /// The store cannot be asked where the edge stands.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another plane may have taken over: a lease that this one granted would bind nobody.
    #[error("this plane may not grant leases now: another one may lead")]
    NotLeading,
    /// The driver has stopped, for good: no lease is granted and nothing completes.
    #[error("the plane grants no leases any more")]
    Stopped,
}

/// A handle of the driver. It runs until the last handle is dropped or the store stops.
#[derive(Clone, Debug)]
pub struct Completion<S> {
    store: S,
    heartbeats: mpsc::Sender<Heard>,
    completed: watch::Receiver<Position>,
    member_events: broadcast::Sender<MemberEvent>,
}

/// What the driver is told or asked.
#[derive(Debug)]
enum Heard {
    /// An edge has spoken.
    Heartbeat(Said),
    /// Somebody wants to know how the members stand with regard to a position.
    Members { position: Position, answer: oneshot::Sender<Vec<MemberStatus>> },
}

/// A heartbeat and who waits for its answer.
#[derive(Debug)]
struct Said {
    heartbeat: Heartbeat,
    embedded: bool,
    on_this_log: bool,
    answer: oneshot::Sender<Answer>,
}

impl<S: Store> Completion<S> {
    /// Takes over from what is durable and starts the driver. `now` reads the boot clock.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn start(store: S, params: LeaseParams, now: fn() -> BootTime) -> Result<Self, StoreError> {
        let committed = store.committed();
        let durable = store.durable().await?;
        let started = now();
        let members = Members::new(durable.members.iter().map(|record| record.member.clone()));
        let member_events = members.events();
        let (half, effects) = PlaneHalf::recover(params, durable, started);
        let (heartbeats, said) = mpsc::channel(HEARTBEATS_WAITING_MAX);
        // Unbounded, since the half itself bounds it: one write for each member, and one completion, at a time.
        let (write, writes) = mpsc::unbounded_channel();
        let (report, written) = mpsc::channel(WRITTEN_WAITING_MAX);
        let (publish, completed) = watch::channel(half.completed());
        tokio::spawn(make_durable(store.clone(), writes, report));
        let mut driver = Driver {
            half,
            members,
            now,
            deadline: None,
            write,
            publish,
            waiting: HashMap::new(),
            tickets: 0,
        };
        driver.perform(started, effects);
        tokio::spawn(driver.run(said, written, committed));
        Ok(Self { store, heartbeats, completed, member_events })
    }

    /// Hands a heartbeat to the plane's half and waits for its answer.
    ///
    /// `embedded` says that the edge proved to live in this very process.
    ///
    /// # Errors
    /// [`HeartbeatError`].
    pub async fn heartbeat(&self, heartbeat: Heartbeat, embedded: bool) -> Result<Answer, HeartbeatError> {
        // The edge counts its lease from when it sent this, which was before. So whoever takes over later, and waits for as
        // long as a lease lasts, waits long enough (PURGE.md rule 11).
        if !self.store.may_grant() {
            return Err(HeartbeatError::NotLeading);
        }
        let on_this_log = match heartbeat.applied {
            None => true,
            Some(place) => self.store.is_past(place).await?,
        };
        let (answer, answered) = oneshot::channel();
        let said = Said { heartbeat, embedded, on_this_log, answer };
        self.heartbeats.send(Heard::Heartbeat(said)).await.map_err(|_| HeartbeatError::Stopped)?;
        answered.await.map_err(|_| HeartbeatError::Stopped)
    }

    /// How the members stand, with regard to a position.
    ///
    /// # Errors
    /// [`HeartbeatError::Stopped`].
    pub async fn members(&self, position: Position) -> Result<Vec<MemberStatus>, HeartbeatError> {
        let (answer, answered) = oneshot::channel();
        let ask = Heard::Members { position, answer };
        self.heartbeats.send(ask).await.map_err(|_| HeartbeatError::Stopped)?;
        answered.await.map_err(|_| HeartbeatError::Stopped)
    }

    /// Who comes and goes, from now on.
    pub fn member_events(&self) -> broadcast::Receiver<MemberEvent> {
        self.member_events.subscribe()
    }

    /// The highest position that is complete and durably so, as it grows.
    pub fn completed(&self) -> watch::Receiver<Position> {
        self.completed.clone()
    }

    /// Whether the driver still runs.
    pub fn is_running(&self) -> bool {
        !self.heartbeats.is_closed()
    }
}

/// What the driver's task owns.
struct Driver {
    half: PlaneHalf,
    /// What is told of the members; decides nothing.
    members: Members,
    now: fn() -> BootTime,
    /// When the half wants to be told the time at the latest.
    deadline: Option<BootTime>,
    write: mpsc::UnboundedSender<PlaneWrite>,
    publish: watch::Sender<Position>,
    /// Who waits for the answer to which heartbeat.
    waiting: HashMap<Ticket, oneshot::Sender<Answer>>,
    tickets: u64,
}

impl Driver {
    async fn run(
        mut self,
        mut said: mpsc::Receiver<Heard>,
        mut written: mpsc::Receiver<Vec<PlaneWrite>>,
        mut committed: watch::Receiver<Position>,
    ) {
        loop {
            let head = *committed.borrow_and_update();
            self.step(PlaneEvent::Committed { head });
            let pause = self.deadline.map(|deadline| deadline.saturating_since((self.now)()));
            tokio::select! {
                heard = said.recv() => match heard {
                    Some(Heard::Heartbeat(said)) => self.hear(said),
                    Some(Heard::Members { position, answer }) => {
                        let status = self.members.status(&self.half, (self.now)(), position);
                        // Who asked may have gone.
                        drop(answer.send(status));
                    }
                    None => return,
                },
                writes = written.recv() => match writes {
                    Some(writes) => writes.into_iter().for_each(|write| {
                        self.members.written(&write);
                        self.step(PlaneEvent::Written(write));
                    }),
                    None => return,
                },
                grown = committed.changed() => if grown.is_err() { return },
                () = sleep(pause) => self.step(PlaneEvent::Tick),
            }
        }
    }

    fn hear(&mut self, said: Said) {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.waiting.insert(ticket, said.answer);
        let Said { heartbeat, embedded, on_this_log, .. } = said;
        self.members.heard((self.now)(), &heartbeat, on_this_log);
        // What an edge has applied of this log is committed, even if the store has yet to say so here; the answer
        // must not name an earlier end than the edge has seen.
        if let Some(place) = heartbeat.applied.filter(|_| on_this_log) {
            self.step(PlaneEvent::Committed { head: place.position });
        }
        self.step(PlaneEvent::Heartbeat { ticket, heartbeat, embedded, on_this_log });
    }

    fn step(&mut self, event: PlaneEvent) {
        let now = (self.now)();
        // A deadline that another event has overtaken is still kept: the half leaves past ones to its caller.
        if event != PlaneEvent::Tick && self.deadline.is_some_and(|deadline| deadline <= now) {
            let effects = self.half.step(now, PlaneEvent::Tick);
            self.perform(now, effects);
        }
        let effects = self.half.step(now, event);
        self.perform(now, effects);
    }

    fn perform(&mut self, now: BootTime, effects: Vec<PlaneEffect>) {
        // Of the very moment of the step: a deadline between two readings of the clock would be lost.
        self.deadline = self.half.next_deadline(now);
        for effect in effects {
            match effect {
                // The writing task ends only when the store does, and `run` ends with it.
                PlaneEffect::Write(write) => drop(self.write.send(write)),
                PlaneEffect::Answer { ticket, answer } => {
                    let waiting = self.waiting.remove(&ticket).expect("each heartbeat is answered once");
                    // An edge that has hung up does not need the answer.
                    drop(waiting.send(answer));
                }
            }
        }
        let completed = self.half.completed();
        self.publish.send_if_modified(|published| std::mem::replace(published, completed) != completed);
    }
}

/// Sleeps that long, or for ever.
async fn sleep(pause: Option<Duration>) {
    match pause {
        Some(pause) => tokio::time::sleep(pause).await,
        None => std::future::pending().await,
    }
}

/// Makes writes durable in their order, all that wait in one command, and reports them.
///
/// A completion alone, soon after another one, goes along with what is committed next: while calls follow one another, each create's
/// completion would else cost the disk as much as the create itself, and the next caller would wait for both. One that comes after a
/// lull is written at once.
async fn make_durable<S: Store>(
    store: S,
    mut writes: mpsc::UnboundedReceiver<PlaneWrite>,
    report: mpsc::Sender<Vec<PlaneWrite>>,
) {
    let mut group = Vec::new();
    let mut last = None::<Instant>;
    while writes.recv_many(&mut group, COMMANDS_PER_COMMIT_MAX).await > 0 {
        let group = std::mem::take(&mut group);
        let only_completes = group.iter().all(|write| matches!(write, PlaneWrite::Complete(_)));
        let is_soon = last.is_some_and(|last| last.elapsed() < COMPLETION_LULL);
        let command = Command::Protocol(group.clone());
        let written = match only_completes && is_soon {
            true => store.commit_along(command).await,
            false => store.commit(command).await,
        };
        if only_completes {
            last = Some(Instant::now());
        }
        if let Err(error) = written {
            tracing::error!(%error, "nothing completes any more, and no lease is granted");
            return;
        }
        if report.send(group).await.is_err() {
            return;
        }
    }
}
