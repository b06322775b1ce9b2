//! What the plane says to edges: the log, and the answers to their heartbeats.
//!
//! A feed is a `Hello`, a snapshot if the edge needs one, then every committed entry in order, for as long as the
//! edge listens. Each feed reads the store at its own pace; one that does not drain holds up nobody else, and is cut after a while. Only
//! what is committed can be read, so nothing is ever sent that a crash could take back.
//!
//! A snapshot is read and sent stretch by stretch, so that a feed takes the same memory however many tenants there are. What changes
//! meanwhile may be in it, and comes again as an entry. Few are under way at a time, in the order of their coming: many edges that start over
//! together are ready one after the other, instead of all at the end. An edge that takes nothing for a moment lets the next one go first.
//!
//! What it deliberately does not do: listen, route, or judge what an edge has applied (that is
//! [`Completion`]'s and the protocol's).

use std::convert::Infallible;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame};
use recant_core::limits::{
    FEED_ENTRIES_PER_READ_MAX, FEED_HEAD_PERIOD, FEED_PIECE_BYTES, FEED_SEND_TIME_MAX,
    SNAPSHOT_ITEMS_PER_READ_MAX, SNAPSHOT_PAUSE_MAX, SNAPSHOTS_AT_A_TIME_MAX,
};
use recant_core::position::Position;
use recant_core::protocol::message::{Applied, Hello, Refusal, Resume, Verdict};
use recant_wire::feed::heartbeat::{self, MessageError};
use recant_wire::feed::question;
use recant_wire::feed::resume::{self, ResumeError};
use recant_wire::feed::{EdgeSecret, FrameEncoder, body};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::{Instant, timeout};

use crate::completion::{Completion, HeartbeatError};
use crate::questions::{Listening, Questions};
use crate::removals::Removals;
use crate::store::{SnapshotPlace, Store, StoreError};

/// Pieces of one feed that may wait for the edge to take them.
const PIECES_WAITING_MAX: usize = 2;

/// Why a call of an edge has no good answer.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The feed's query cannot be read.
    #[error(transparent)]
    Resume(#[from] ResumeError),
    /// The heartbeat cannot be read.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// The plane cannot answer.
    #[error("the plane cannot answer now")]
    Unavailable(#[from] HeartbeatError),
}

impl From<StoreError> for FeedError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(error.into())
    }
}

/// What a caller has proved to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// An edge in a process of its own.
    Remote,
    /// The edge in this very process.
    Embedded,
}

/// Answers the calls of edges.
#[derive(Clone, Debug)]
pub struct Edges<S> {
    store: S,
    completion: Completion<S>,
    questions: Questions,
    removals: Removals,
    /// Turns to send a snapshot.
    turns: Arc<Semaphore>,
    secret: EdgeSecret,
    embedded_secret: Option<EdgeSecret>,
}

impl<S: Store> Edges<S> {
    /// Serves edges that know `secret`. The edge in this process, if there is one, knows `embedded_secret`
    /// instead: random, never written down, so that nobody else can pass for it and be removed without waiting for
    /// its lease.
    pub fn new(
        store: S,
        completion: Completion<S>,
        questions: Questions,
        secret: EdgeSecret,
        embedded_secret: Option<EdgeSecret>,
    ) -> Self {
        let removals = Removals::default();
        let turns = Arc::new(Semaphore::new(SNAPSHOTS_AT_A_TIME_MAX));
        Self { store, completion, questions, removals, turns, secret, embedded_secret }
    }

    /// What the edges say that invalidations have taken away.
    pub fn removals(&self) -> &Removals {
        &self.removals
    }

    /// Who calls, by the value of the `Authorization` header; nobody without a right one.
    pub fn admit(&self, authorization: &[u8]) -> Option<Standing> {
        if self.secret.admits(authorization) {
            Some(Standing::Remote)
        } else if self.embedded_secret.as_ref().is_some_and(|secret| secret.admits(authorization)) {
            Some(Standing::Embedded)
        } else {
            None
        }
    }

    /// Answers a heartbeat's body with an answer's.
    ///
    /// # Errors
    /// [`FeedError`].
    pub async fn heartbeat(&self, standing: Standing, body: &[u8]) -> Result<Vec<u8>, FeedError> {
        let heartbeat = heartbeat::decode(body)?;
        let (member, applied) = (heartbeat.member.clone(), heartbeat.applied);
        let answer = self.completion.heartbeat(heartbeat, standing == Standing::Embedded).await?;
        // Positions of another history, or of a log that this one does not continue, are not this log's.
        let is_ours = applied.is_some_and(|applied| applied.history == answer.history)
            && answer.verdict != Verdict::Refused(Refusal::OtherHistory);
        if is_ours {
            self.removals.note(&member, &heartbeat::decode_taken_away(body), answer.head);
        }
        Ok(heartbeat::encode_answer(&answer))
    }

    /// Takes the body of an answer.
    ///
    /// # Errors
    /// [`FeedError::Message`].
    pub fn answer(&self, body: &[u8]) -> Result<(), FeedError> {
        self.questions.answer(question::decode(body)?);
        Ok(())
    }

    /// Opens a feed after the place that the call's query names.
    ///
    /// # Errors
    /// [`FeedError`].
    pub async fn follow(&self, query: &str) -> Result<FeedBody, FeedError> {
        let after = resume::parse_query(query)?;
        let (pieces, receiver) = mpsc::channel(PIECES_WAITING_MAX);
        let resume = match after {
            None => Resume::Snapshot,
            Some(place) if self.store.is_past(place).await? => Resume::Entries,
            Some(_) => Resume::Diverged,
        };
        let feed = Feed {
            store: self.store.clone(),
            committed: self.store.committed(),
            questions: self.questions.listen(),
            frames: FrameEncoder::new(),
            pieces,
            turns: Arc::clone(&self.turns),
            at: Position::ZERO,
        };
        tokio::spawn(feed.run(resume, after));
        Ok(FeedBody(receiver))
    }
}

/// A feed as the body of a response. It ends when the store cannot be read; the edge then opens another.
#[derive(Debug)]
pub struct FeedBody(mpsc::Receiver<Bytes>);

impl Body for FeedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}

/// Why a feed ends.
enum End {
    /// The edge has hung up, or the plane closes.
    Closed,
    /// The edge takes nothing.
    Stuck,
    /// The store cannot be read.
    Store(StoreError),
}

impl From<StoreError> for End {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// One feed's task.
struct Feed<S> {
    store: S,
    committed: watch::Receiver<Position>,
    questions: Listening,
    frames: FrameEncoder,
    pieces: mpsc::Sender<Bytes>,
    turns: Arc<Semaphore>,
    /// Everything up to here is sent.
    at: Position,
}

impl<S: Store> Feed<S> {
    async fn run(mut self, resume: Resume, after: Option<Applied>) {
        match self.feed(resume, after).await {
            Err(End::Store(error)) => tracing::warn!(%error, "a feed has ended early"),
            Err(End::Stuck) => tracing::warn!("a feed is cut: its edge takes nothing"),
            Err(End::Closed) | Ok(()) => {}
        }
    }

    async fn feed(&mut self, resume: Resume, after: Option<Applied>) -> Result<(), End> {
        let identity = self.store.identity();
        let (history, term) = (identity.history, identity.term);
        let head = *self.committed.borrow_and_update();
        match (resume, after) {
            (Resume::Entries, Some(place)) => {
                self.at = place.position;
                // The edge may have read the last commit a moment before it is published here.
                self.frames.hello(&Hello { history, term, head: head.max(self.at), resume });
            }
            _ => {
                self.frames.hello(&Hello { history, term, head, resume });
                self.snapshot().await?;
            }
        }
        self.send().await?;
        // When the next `Head` is due: at once after catching up, then each period.
        let mut head_due = Instant::now();
        loop {
            let head = *self.committed.borrow_and_update();
            if self.at < head {
                for entry in self.store.entries_for_edge(self.at, FEED_ENTRIES_PER_READ_MAX).await? {
                    self.frames.entry(&entry);
                    self.at = entry.position;
                }
            } else {
                tokio::select! {
                    grown = self.committed.changed() => grown.map_err(|_| End::Closed)?,
                    question = self.questions.next() => {
                        let question = question.ok_or(End::Closed)?;
                        self.frames.question(&question);
                    }
                    () = self.pieces.closed() => return Err(End::Closed),
                    () = tokio::time::sleep_until(head_due) => {}
                }
            }
            if head_due <= Instant::now() {
                // A read may already have brought what is about to be published.
                self.frames.head(head.max(self.at));
                head_due = Instant::now() + FEED_HEAD_PERIOD;
            }
            self.send().await?;
        }
    }

    /// Sends the configuration, stretch by stretch. What has changed since its position is sent as entries afterwards.
    async fn snapshot(&mut self) -> Result<(), End> {
        let mut turn = Some(self.turn().await?);
        let store = self.store.clone();
        // Before the first stretch: what is committed later comes as an entry, whether a stretch has it or not.
        let (position, hash) = self.meanwhile(store.head()).await??;
        self.frames.snapshot_begin(store.identity().history, position, hash);
        let mut from = Some(SnapshotPlace::START);
        while let Some(place) = from {
            if turn.is_none() {
                turn = Some(self.turn().await?);
            }
            let page = self.meanwhile(store.snapshot(place, SNAPSHOT_ITEMS_PER_READ_MAX)).await??;
            for change in &page.changes {
                self.frames.snapshot_item(&change.scope(), change.kind(), &body::encode(change));
                if self.frames.len() >= FEED_PIECE_BYTES {
                    self.send_in_turn(&mut turn).await?;
                }
            }
            from = page.next;
        }
        self.frames.snapshot_end();
        self.at = position;
        Ok(())
    }

    async fn turn(&mut self) -> Result<OwnedSemaphorePermit, End> {
        let turn = Arc::clone(&self.turns).acquire_owned();
        Ok(self.meanwhile(turn).await?.expect("the semaphore is never closed"))
    }

    /// Waits for something, and lets the edge hear the head meanwhile: it would give a silent feed up, and the next one would wait as long.
    async fn meanwhile<T>(&mut self, awaited: impl Future<Output = T>) -> Result<T, End> {
        let mut awaited = pin!(awaited);
        loop {
            tokio::select! {
                done = &mut awaited => return Ok(done),
                () = self.pieces.closed() => return Err(End::Closed),
                // Where there is no room, the edge has something to hear already.
                () = tokio::time::sleep(FEED_HEAD_PERIOD) => match self.pieces.try_reserve() {
                    Ok(room) => {
                        self.frames.head(*self.committed.borrow());
                        room.send(self.frames.take());
                    }
                    Err(TrySendError::Full(())) => {}
                    Err(TrySendError::Closed(())) => return Err(End::Closed),
                },
            }
        }
    }

    /// Hands over a piece of a snapshot. An edge that does not take it for a while loses its turn.
    async fn send_in_turn(&mut self, turn: &mut Option<OwnedSemaphorePermit>) -> Result<(), End> {
        if let Ok(room) = timeout(SNAPSHOT_PAUSE_MAX, self.pieces.reserve()).await {
            room.map_err(|_| End::Closed)?.send(self.frames.take());
            return Ok(());
        }
        *turn = None;
        self.send().await
    }

    /// Hands over what has been appended, and waits while the edge does not take it, but not for ever. Nobody who waits outlives the store.
    async fn send(&mut self) -> Result<(), End> {
        if self.frames.is_empty() {
            return Ok(());
        }
        let mut committed = self.committed.clone();
        let stopped = async move { while committed.changed().await.is_ok() {} };
        tokio::select! {
            room = timeout(FEED_SEND_TIME_MAX, self.pieces.reserve()) => {
                room.map_err(|_| End::Stuck)?.map_err(|_| End::Closed)?.send(self.frames.take());
                Ok(())
            }
            () = stopped => Err(End::Closed),
        }
    }
}
