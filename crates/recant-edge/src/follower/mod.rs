//! Follows the plane's log: the driver of the edge's half of the protocol.
//!
//! One task owns the [`EdgeHalf`]. Frames of the feed and answers to heartbeats reach it as events; it performs the
//! effects in order. After every step it publishes the half's view *before* it performs anything, and it reports an
//! entry as applied only after [`World::apply`] has returned, when every request that arrives sees the new rules.
//! Applying does no I/O, so an entry is acknowledged as soon as it has been read.
//!
//! ```text
//!   plane ──frames──▶ feed task ──▶ ┐                     ┌──▶ World (view, rules, configuration)
//!                                   ├─▶ EdgeHalf::step ───┤
//!   plane ◀─heartbeat tasks──answers┘                     └──▶ heartbeat task, new feed task
//! ```
//!
//! What it deliberately does not do: decide. Whether an entry is the next one, whether a lease is in force and when to
//! speak is the half's; what an entry means for viewers is the world's.

mod answering;
mod plane_client;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use recant_core::entry::{Change, Hash, HistoryId};
use recant_core::limits::{FEED_SILENCE_MAX, JOURNAL_RETRY_PERIOD, REMOVED_PER_HEARTBEAT_MAX};
use recant_core::position::Position;
use recant_core::protocol::message::{Applied, Member, Refusal, Verdict};
use recant_core::protocol::{EdgeEffect, EdgeEvent, EdgeHalf, EdgeTimings};
use recant_core::time::BootTime;
use recant_wire::feed::heartbeat::TakenAway;
use recant_wire::feed::{EdgeSecret, Frame, FrameDecoder, body};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::brought::Brought;
use crate::clock::Clock;
use crate::disk::{Disk, Due};
use crate::edge::Edge;
use crate::removals::Removals;
use crate::sweep::Sweep;
use crate::world::World;
use answering::Answering;
use plane_client::PlaneClient;
pub use plane_client::{PlaneUrl, PlaneUrlError};

/// Whom an edge follows, and as whom.
#[derive(Clone, Debug)]
pub struct FollowerOptions {
    /// Where the plane is.
    pub plane: PlaneUrl,
    /// What this edge proves itself with.
    pub secret: EdgeSecret,
    /// Who this edge is; its incarnation is another one in every process.
    pub member: Member,
}

/// The running follower of one edge.
#[derive(Debug)]
pub struct Follower {
    leave: watch::Sender<bool>,
    task: JoinHandle<()>,
    disk: Option<Arc<Disk>>,
}

impl Follower {
    /// Starts to follow for this edge. Nothing is served from its cache until the plane has granted a lease.
    pub fn start(options: FollowerOptions, edge: &Edge, clock: Arc<dyn Clock>) -> Self {
        let (leave, left) = watch::channel(false);
        let timings = EdgeTimings::default();
        let (events, inbox) = mpsc::channel(EVENTS_WAITING_MAX);
        let client = Arc::new(PlaneClient::new(options.plane, options.secret));
        let name = options.member.edge.clone();
        let answering = Answering::new(name, edge.counter(), clock.clone(), client.clone());
        let half = match edge.resumed() {
            Some(applied) => EdgeHalf::resume(options.member, timings, applied, clock.boot()),
            None => EdgeHalf::new(options.member, timings, clock.boot()),
        };
        let driver = Driver {
            half,
            client,
            answer_max: timings.answer_max,
            world: edge.world().clone(),
            answering,
            removals: edge.removals().clone(),
            sweep: edge.sweep().clone(),
            disk: edge.disk().cloned(),
            journal_tried: None,
            clock,
            events,
            feeds: 0,
            feed: None,
            lack_told: false,
            waiting: None,
        };
        let task = tokio::spawn(driver.run(inbox, left));
        Self { leave, task, disk: edge.disk().cloned() }
    }

    /// Tells the plane that nothing is served here any more, within a bound: the viewers' side must have closed. What is kept for
    /// the next process is on its disk when this returns.
    pub async fn leave(self) {
        self.leave.send_replace(true);
        if tokio::time::timeout(LEAVE_TIME_MAX, self.task).await.is_err() {
            tracing::warn!("the plane did not hear that this edge leaves; it will wait for its lease");
        }
        if let Some(disk) = self.disk {
            // It has said what went wrong.
            let _ = tokio::task::spawn_blocking(move || disk.close()).await;
        }
    }
}

/// How long a leaving edge waits for the plane to hear of it.
const LEAVE_TIME_MAX: Duration = Duration::from_secs(2);

/// How often a leaving edge says so to a plane that does not answer.
const LEAVES_MAX: u32 = 2;

/// Events read but not yet stepped; a feed that brings more is read more slowly.
const EVENTS_WAITING_MAX: usize = 256;

/// What reaches the driver from outside.
enum Inbound {
    /// From the feed of this number; a feed that has been replaced is not listened to.
    Feed(u64, FromFeed),
    Heartbeat(EdgeEvent),
}

enum FromFeed {
    Frame(Frame),
    Closed,
}

/// What the feed has brought, until the half has said whether it is to be applied.
struct Waiting {
    position: Position,
    brought: Brought,
}

/// A snapshot as far as it has come.
struct Snapshot {
    position: Position,
    hash: Hash,
    changes: Vec<Change>,
}

struct Feed {
    snapshot: Option<Snapshot>,
    task: JoinHandle<()>,
}

struct Driver {
    half: EdgeHalf,
    client: Arc<PlaneClient>,
    answer_max: Duration,
    world: Arc<World>,
    answering: Answering,
    removals: Arc<Removals>,
    sweep: Arc<Sweep>,
    /// What is kept for the next process, if anything is.
    disk: Option<Arc<Disk>>,
    /// When the journal was begun anew last.
    journal_tried: Option<BootTime>,
    clock: Arc<dyn Clock>,
    events: mpsc::Sender<Inbound>,
    feeds: u64,
    feed: Option<Feed>,
    /// Whether it has been said that the plane does not give the feed; once in a row of attempts is enough.
    lack_told: bool,
    waiting: Option<Waiting>,
}

impl Driver {
    async fn run(mut self, mut inbox: mpsc::Receiver<Inbound>, mut left: watch::Receiver<bool>) {
        self.step(EdgeEvent::Tick);
        let mut leaving = false;
        let mut unheard = 0;
        let mut passes = self.sweep.passes();
        loop {
            let due = self.half.next_deadline().saturating_since(self.clock.boot());
            tokio::select! {
                inbound = inbox.recv() => match inbound.expect("the driver holds a sender") {
                    Inbound::Heartbeat(EdgeEvent::Answered { .. }) if leaving => return,
                    Inbound::Heartbeat(event) => {
                        // One may have taken a connection that was already dead; then the plane is.
                        unheard += u32::from(leaving);
                        if unheard == LEAVES_MAX {
                            return;
                        }
                        self.step(event);
                    }
                    Inbound::Feed(feed, from) if feed == self.feeds => self.feed(from),
                    Inbound::Feed(..) => {}
                },
                () = tokio::time::sleep(due) => self.step(EdgeEvent::Tick),
                // The sweep lives as long as this does.
                Ok(()) = passes.changed() => self.look_at_journal(true),
                _ = left.changed(), if !leaving => {
                    leaving = true;
                    // Answers to earlier heartbeats must not be taken for the answer to the leave.
                    let (events, fresh) = mpsc::channel(EVENTS_WAITING_MAX);
                    (self.events, inbox) = (events, fresh);
                    self.step(EdgeEvent::Leave);
                }
            }
        }
    }

    /// Steps the half and performs what it asks for, and what that leads to.
    fn step(&mut self, event: EdgeEvent) {
        let mut effects = VecDeque::from(self.half.step(self.clock.boot(), event));
        self.world.publish_view(self.half.view());
        while let Some(effect) = effects.pop_front() {
            match effect {
                EdgeEffect::OpenFeed { after } => self.open_feed(after),
                EdgeEffect::Apply(position) | EdgeEffect::Install(position) => {
                    self.apply(position);
                    let more = self.half.step(self.clock.boot(), EdgeEvent::Applied { position });
                    self.world.publish_view(self.half.view());
                    match effect {
                        EdgeEffect::Install(_) => {
                            if let Some(applied) = self.half.applied() {
                                self.world.follow(self.half.view().era, applied.history);
                            }
                            self.begin_journal_anew();
                        }
                        _ => self.look_at_journal(false),
                    }
                    effects.extend(more);
                }
                EdgeEffect::SendHeartbeat(heartbeat) => {
                    let (client, events, patience) =
                        (self.client.clone(), self.events.clone(), self.answer_max);
                    let removals = self.removals.clone();
                    // In this order: what has been swept has been counted. What does not fit is said the next time.
                    let swept = self.sweep.swept_up_to();
                    let removed = removals.to_tell();
                    let swept = swept.filter(|_| removed.len() < REMOVED_PER_HEARTBEAT_MAX);
                    let taken_away = TakenAway { removed, swept };
                    tokio::spawn(async move {
                        let (renewal, history) =
                            (heartbeat.renewal, heartbeat.applied.map(|applied| applied.history));
                        let said = client.heartbeat(&heartbeat, &taken_away);
                        let event = match tokio::time::timeout(patience, said).await {
                            Ok(Ok(answer)) => {
                                // A plane of another history has passed over what this one's entries did.
                                let refused = Verdict::Refused(Refusal::OtherHistory);
                                if history == Some(answer.history) && answer.verdict != refused {
                                    removals.told(&taken_away.removed, answer.term);
                                }
                                EdgeEvent::Answered { renewal, answer }
                            }
                            Ok(Err(error)) => {
                                tracing::debug!(%error, "a heartbeat got no answer");
                                EdgeEvent::Unanswered { renewal }
                            }
                            Err(_) => EdgeEvent::Unanswered { renewal },
                        };
                        // A driver that has ended needs no answer.
                        let _ = events.send(Inbound::Heartbeat(event)).await;
                    });
                }
                EdgeEffect::BeginEra(era) => {
                    self.world.begin_era(era);
                    if let Some(disk) = &self.disk {
                        disk.tier.forget_everything();
                    }
                }
                EdgeEffect::Alarm(alarm) => tracing::warn!(%alarm, "following the plane's log"),
            }
        }
    }

    fn open_feed(&mut self, after: Option<Applied>) {
        self.close_feed();
        self.feeds += 1;
        let (number, client, events) = (self.feeds, self.client.clone(), self.events.clone());
        let told = std::mem::replace(&mut self.lack_told, true);
        let task = tokio::spawn(async move {
            if let Err(error) = read_feed(number, &client, after, &events).await {
                if told {
                    tracing::debug!(%error, "the plane's log cannot be followed");
                } else {
                    tracing::warn!(%error, "the plane's log cannot be followed; trying again until it can");
                }
            }
            // A driver that has ended needs no news.
            let _ = events.send(Inbound::Feed(number, FromFeed::Closed)).await;
        });
        self.feed = Some(Feed { snapshot: None, task });
    }

    fn close_feed(&mut self) {
        if let Some(feed) = self.feed.take() {
            feed.task.abort();
        }
    }

    fn feed(&mut self, from: FromFeed) {
        match from {
            FromFeed::Frame(Frame::Hello(hello)) => {
                self.lack_told = false;
                self.step(EdgeEvent::FeedOpened(hello));
            }
            FromFeed::Frame(Frame::Head(head)) => self.step(EdgeEvent::Head(head)),
            FromFeed::Frame(Frame::Question(question)) => {
                // Nobody here waits for the answer.
                self.answering.take(question);
            }
            FromFeed::Frame(Frame::Entry(entry)) => {
                let (position, prev_hash, hash) = (entry.position, entry.prev_hash, entry.hash());
                self.bring(position, Brought::Entry(entry), EdgeEvent::Entry { position, prev_hash, hash });
            }
            FromFeed::Frame(Frame::OpaqueEntry { position, prev_hash, hash }) => {
                let brought = Brought::Opaque { prev_hash, hash };
                self.bring(position, brought, EdgeEvent::Entry { position, prev_hash, hash });
            }
            FromFeed::Frame(frame) => self.snapshot(frame),
            FromFeed::Closed => {
                self.close_feed();
                self.step(EdgeEvent::FeedClosed);
            }
        }
    }

    /// Steps the half with what the feed has brought. What it does not want now will come again, or never.
    fn bring(&mut self, position: Position, brought: Brought, event: EdgeEvent) {
        self.waiting = Some(Waiting { position, brought });
        self.step(event);
        self.waiting = None;
    }

    fn snapshot(&mut self, frame: Frame) {
        let Some(feed) = &mut self.feed else { return };
        match frame {
            Frame::SnapshotBegin { history: HistoryId(_), position, hash } => {
                feed.snapshot = Some(Snapshot { position, hash, changes: Vec::new() });
            }
            Frame::SnapshotItem { scope, kind, body } => {
                let Some(snapshot) = &mut feed.snapshot else { return };
                match body::decode(&scope, kind, &body) {
                    Ok(change) => snapshot.changes.push(change),
                    // Of a newer version, or withheld: unknown here, so its viewers are told so.
                    Err(error) => tracing::warn!(?scope, %error, "a part of the snapshot is left out"),
                }
            }
            Frame::SnapshotEnd => {
                let Some(Snapshot { position, hash, changes }) = feed.snapshot.take() else { return };
                self.bring(position, Brought::Snapshot(changes), EdgeEvent::Snapshot { position, hash });
            }
            Frame::Hello(_)
            | Frame::Head(_)
            | Frame::Entry(_)
            | Frame::OpaqueEntry { .. }
            | Frame::Question(_) => {}
        }
    }

    /// Folds in what the feed has brought, and has it kept.
    ///
    /// # Panics
    /// When that is not of the place that the half asks for, which is a bug: an edge that went on would forget it.
    fn apply(&mut self, position: Position) {
        let waiting = self.waiting.take().filter(|waiting| waiting.position == position);
        let Waiting { brought, .. } = waiting.expect("the feed has brought what is applied");
        if let Some(disk) = &self.disk {
            disk.journal.note(position, &brought);
        }
        brought.fold_into(&self.world, position);
    }

    /// Has the journal begin anew, with the state as it is: where it is too long, or has a gap.
    fn begin_journal_anew(&mut self) {
        if let (Some(disk), Some(applied)) = (&self.disk, self.half.applied()) {
            disk.tier.follow(self.half.view().era, applied.history);
            self.journal_tried = Some(self.clock.boot());
            disk.journal.begin_anew(applied, self.world.capture());
        }
    }

    /// After a pass of the sweep there is the least to write; one that is far too long does not wait for that.
    fn look_at_journal(&mut self, has_swept: bool) {
        let Some(disk) = &self.disk else { return };
        let due = disk.journal.due();
        let is_time = due == Due::Now || due == Due::AfterSweep && has_swept;
        let now = self.clock.boot();
        let has_rested = |tried: BootTime| now.saturating_since(tried) >= JOURNAL_RETRY_PERIOD;
        if is_time && self.journal_tried.is_none_or(has_rested) {
            self.begin_journal_anew();
        }
    }
}

/// Reads a feed to its end, or until it has been silent for too long.
async fn read_feed(
    number: u64,
    client: &PlaneClient,
    after: Option<Applied>,
    events: &mpsc::Sender<Inbound>,
) -> Result<(), plane_client::ClientError> {
    let silence = || plane_client::ClientError::Silent;
    let opening = client.feed(after.as_ref());
    let mut feed = tokio::time::timeout(FEED_SILENCE_MAX, opening).await.map_err(|_| silence())??;
    let mut decoder = FrameDecoder::new();
    loop {
        while let Some(frame) = decoder.next_frame()? {
            if events.send(Inbound::Feed(number, FromFeed::Frame(frame))).await.is_err() {
                return Ok(());
            }
        }
        let piece = tokio::time::timeout(FEED_SILENCE_MAX, feed.next_piece()).await.map_err(|_| silence())?;
        match piece? {
            Some(piece) => decoder.push(&piece),
            None => return Ok(()),
        }
    }
}
