//! What happens, as it happens: the log and completion as Server-Sent Events.
//!
//! ```text
//!   log       ─▶ …-accepted, …-changed, …-deleted ─┐
//!   completed ─▶ …-completed, …-deployed ──────────┼─▶ id, event, data ─▶ two pieces, at most, that wait for the reader
//!   members   ─▶ edge-joined, edge-left, … ────────┘
//! ```
//!
//! What is of the log is read from the store, by each stream at its own pace, so a reader that was away goes on where it was: the id of an event is
//! its place in both sequences ([`Cursor`]), and no event is lost or told twice. Who comes and goes among the edges is told as it happens only, and such an event
//! has no id. Nobody waits for a reader: one that takes nothing for [`EVENT_SEND_TIME_MAX`], or lets too many events of edges wait, is cut.
//!
//! It deliberately does not decide who may listen, but looks from time to time whether the reader still may.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::str::FromStr;

use bytes::Bytes;
use recant_core::entry::{Entry, HistoryId, Kind, Scope};
use recant_core::limits::{EVENT_HEARTBEAT_PERIOD, EVENT_SEND_TIME_MAX, FEED_ENTRIES_PER_READ_MAX};
use recant_core::position::Position;
use serde_json::{Map, Value, json};
use tokio::sync::{OwnedSemaphorePermit, broadcast, mpsc, watch};
use tokio::time::{Instant, timeout};

use crate::members::MemberEvent;
use crate::store::{Store, StoreError};

/// Pieces of one stream that may wait for its reader.
const PIECES_WAITING_MAX: usize = 2;

/// A place in the stream: `HISTORY-ACCEPTED-COMPLETED`, the history in 32 hexadecimal digits, the positions in decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Whose positions they are. A plane that was restored from a backup has another.
    history: HistoryId,
    /// Everything that was accepted up to here has been told.
    accepted: Position,
    /// Everything that was completed up to here has been told.
    completed: Position,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}-{}-{}", self.history.0, self.accepted.get(), self.completed.get())
    }
}

/// Where a reader wants to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// With what happens from now on.
    Now,
    /// After this position of the log, whatever its history.
    After(Position),
    /// After this event.
    At(Cursor),
}

impl FromStr for Start {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let position = |text: &str| text.parse().map(Position::new).ok();
        let cursor = || {
            let (history, positions) = text.split_once('-')?;
            let (accepted, completed) = positions.split_once('-')?;
            let history = Some(history).filter(|digits| digits.len() == 32)?;
            Some(Cursor {
                history: HistoryId(u128::from_str_radix(history, 16).ok()?),
                accepted: position(accepted)?,
                completed: position(completed)?,
            })
        };
        let start = position(text).map(Self::After).or_else(|| cursor().map(Self::At));
        start.ok_or("the id of an event, or a position, is expected")
    }
}

/// One stream's task and what it reads.
pub(crate) struct Stream<S> {
    pub(crate) store: S,
    pub(crate) completed: watch::Receiver<Position>,
    pub(crate) members: broadcast::Receiver<MemberEvent>,
    /// Turns true when the plane stops.
    pub(crate) stop: watch::Receiver<bool>,
    /// One of those that there may be at a time.
    pub(crate) _permit: OwnedSemaphorePermit,
}

/// Why a stream ends.
enum End {
    /// The reader has hung up or is cut, or the plane stops.
    Closed,
    /// The store cannot be read.
    Store(StoreError),
}

impl From<StoreError> for End {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl<S: Store> Stream<S> {
    /// Starts the stream; what comes back are its bytes. `may_listen` is asked from time to time.
    pub(crate) fn start<F>(
        self,
        start: Start,
        may_listen: impl Fn() -> F + Send + 'static,
    ) -> mpsc::Receiver<Bytes>
    where
        F: Future<Output = bool> + Send,
    {
        let (pieces, receiver) = mpsc::channel(PIECES_WAITING_MAX);
        let mut stop = self.stop.clone();
        let telling = Telling { stream: self, pieces };
        tokio::spawn(async move {
            let told = telling.run(start, may_listen);
            tokio::select! {
                ended = told => if let Err(End::Store(error)) = ended {
                    tracing::warn!(%error, "a stream of events has ended early");
                },
                // A sender that is gone means the same.
                _ = stop.wait_for(|stop| *stop) => {}
            }
        });
        receiver
    }
}

struct Telling<S> {
    stream: Stream<S>,
    pieces: mpsc::Sender<Bytes>,
}

impl<S: Store> Telling<S> {
    async fn run<F>(mut self, start: Start, may_listen: impl Fn() -> F + Send) -> Result<(), End>
    where
        F: Future<Output = bool> + Send,
    {
        let mut committed = self.stream.store.committed();
        let mut at = self.begin(start).await?;
        let mut look = Instant::now() + EVENT_HEARTBEAT_PERIOD;
        loop {
            let head = *committed.borrow_and_update();
            let completed = *self.stream.completed.borrow_and_update();
            if at.accepted < head {
                at = self.accepted(at).await?;
            } else if at.completed < completed.min(at.accepted) {
                at = self.completed(at, completed.min(at.accepted)).await?;
            } else {
                tokio::select! {
                    grown = committed.changed() => grown.map_err(|_| End::Closed)?,
                    grown = self.stream.completed.changed() => grown.map_err(|_| End::Closed)?,
                    event = self.stream.members.recv() => {
                        // One that has missed some would tell less than happened.
                        let event = event.map_err(|_| End::Closed)?;
                        self.send(member(&event)).await?;
                    }
                    () = self.pieces.closed() => return Err(End::Closed),
                    () = tokio::time::sleep_until(look) => {}
                }
            }
            if look <= Instant::now() {
                if !may_listen().await {
                    return Err(End::Closed);
                }
                self.send(":\n\n".to_owned()).await?;
                look = Instant::now() + EVENT_HEARTBEAT_PERIOD;
            }
        }
    }

    /// Where it begins; says so, and whether that is where the reader wanted to.
    async fn begin(&self, start: Start) -> Result<Cursor, End> {
        let history = self.stream.store.identity().history;
        let (head, _) = self.stream.store.head().await?;
        let completed = self.stream.store.completed().await?;
        let now = Cursor { history, accepted: head, completed };
        let (at, is_wanted) = match start {
            Start::Now => (now, true),
            Start::After(position) if position <= head => {
                (Cursor { history, accepted: position, completed: position.min(completed) }, true)
            }
            Start::At(cursor)
                if cursor.history == history
                    && cursor.accepted <= head
                    && cursor.completed <= cursor.accepted =>
            {
                (cursor, true)
            }
            Start::After(_) | Start::At(_) => (now, false),
        };
        let name = if is_wanted { "begin" } else { "reset" };
        let data = json!({ "Position": at.accepted.get(), "CompletedPosition": at.completed.get() });
        self.send(event(Some(&at), name, &data)).await?;
        Ok(at)
    }

    /// Tells what was accepted after a place, as far as one read brings it.
    async fn accepted(&self, mut at: Cursor) -> Result<Cursor, End> {
        let (entries, ids) = self.read(at.accepted).await?;
        let mut text = String::new();
        for entry in &entries {
            at.accepted = entry.position;
            let name = match entry.kind {
                Kind::PUT_DISTRIBUTION => "distribution-changed",
                Kind::PUT_TENANT => "tenant-changed",
                Kind::REMOVE_DISTRIBUTION => "distribution-deleted",
                Kind::REMOVE_TENANT => "tenant-deleted",
                Kind::INVALIDATE => "invalidation-accepted",
                _ => continue,
            };
            text += &event(Some(&at), name, &data(entry, &ids));
        }
        self.send(text).await?;
        Ok(at)
    }

    /// Tells what was completed after a place, up to another.
    async fn completed(&self, mut at: Cursor, up_to: Position) -> Result<Cursor, End> {
        let (entries, ids) = self.read(at.completed).await?;
        let mut text = String::new();
        for entry in entries.iter().filter(|entry| entry.position <= up_to) {
            at.completed = entry.position;
            let name = match entry.kind {
                Kind::PUT_DISTRIBUTION => "distribution-deployed",
                Kind::PUT_TENANT => "tenant-deployed",
                Kind::INVALIDATE => "invalidation-completed",
                _ => continue,
            };
            text += &event(Some(&at), name, &data(entry, &ids));
        }
        self.send(text).await?;
        Ok(at)
    }

    /// Entries after a position, and the ids of the invalidations among them.
    async fn read(&self, after: Position) -> Result<(Vec<Entry>, Ids), StoreError> {
        let entries = self.stream.store.entries(after, FEED_ENTRIES_PER_READ_MAX).await?;
        let up_to = entries.last().map_or(after, |last| last.position);
        let ids = self.stream.store.invalidation_ids(after, up_to).await?;
        Ok((entries, ids.into_iter().map(|(position, id)| (position, id.as_str().to_owned())).collect()))
    }

    /// Hands a text over; whoever takes nothing for too long is cut.
    async fn send(&self, text: String) -> Result<(), End> {
        if text.is_empty() {
            return Ok(());
        }
        match timeout(EVENT_SEND_TIME_MAX, self.pieces.send(Bytes::from(text))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(End::Closed),
        }
    }
}

/// Ids of invalidations by position.
type Ids = BTreeMap<Position, String>;

fn data(entry: &Entry, ids: &Ids) -> Value {
    let mut data = Map::new();
    data.insert("Position".to_owned(), entry.position.get().into());
    let member = match entry.scope {
        Scope::Tenant(_) => "DistributionTenantId",
        Scope::Distribution(_) => "DistributionId",
    };
    data.insert(member.to_owned(), entry.scope.id().into());
    if let Some(id) = ids.get(&entry.position) {
        data.insert("InvalidationId".to_owned(), id.as_str().into());
    }
    data.into()
}

fn member(happened: &MemberEvent) -> String {
    let (name, member) = match happened {
        MemberEvent::Joined(member) => ("edge-joined", member),
        MemberEvent::Left(member) => ("edge-left", member),
        MemberEvent::LeaseRanOut(member) => ("edge-lease-ran-out", member),
    };
    event(None, name, &json!({ "EdgeId": member.edge.as_str() }))
}

/// One event, as the HTML standard's section 9.2 has it. JSON has no line ends.
fn event(id: Option<&Cursor>, name: &str, data: &Value) -> String {
    let id = id.map_or_else(String::new, |cursor| format!("id: {cursor}\n"));
    format!("{id}event: {name}\ndata: {data}\n\n")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use recant_core::id::{DistributionId, ETag};
    use recant_core::time::WallTime;
    use recant_wire::document::Document;
    use tokio::sync::Semaphore;

    use super::*;
    use crate::config_check;
    use crate::store::sqlite::SqliteStore;
    use crate::store::{Command, DistributionRecord, Tags};

    /// A command that appends one entry.
    fn create_distribution() -> Command {
        let text = include_str!("../../../examples/distribution.json");
        let config = serde_json::from_str::<Value>(text).unwrap()["DistributionConfig"].clone();
        let id = DistributionId::generate([7; 16]);
        let checked = config_check::distribution(
            id.clone(),
            &Document::from(config.clone()),
            config_check::Surroundings::none(),
        )
        .unwrap();
        Command::CreateDistribution(Box::new(DistributionRecord {
            id,
            etag: ETag::parse("E1").unwrap(),
            caller_reference: checked.caller_reference,
            config,
            spec: checked.spec,
            tags: Tags::new(),
            created: WallTime::from_millis(0),
            modified: WallTime::from_millis(0),
        }))
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_takes_nothing_is_cut() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("plane.db"), WallTime::from_millis(0)).unwrap();
        store.commit(create_distribution()).await.unwrap();
        let (_completed, completed) = watch::channel(Position::new(1));
        let (_members, members) = broadcast::channel(1);
        let (_stop, stop) = watch::channel(false);
        let room = Arc::new(Semaphore::new(1));
        let permit = Arc::clone(&room).acquire_owned().await.unwrap();
        let stream = Stream { store, completed, members, stop, _permit: permit };
        let mut pieces = stream.start(Start::After(Position::ZERO), || std::future::ready(true));
        // The third piece finds no room: no one reads. The stream ends, and with it its permit comes back.
        let began = Instant::now();
        drop(room.acquire().await.unwrap());
        assert!(began.elapsed() >= EVENT_SEND_TIME_MAX);
        let mut text = String::new();
        while let Some(piece) = pieces.recv().await {
            text.push_str(std::str::from_utf8(&piece).unwrap());
        }
        let names: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
        assert_eq!(names, ["begin", "distribution-changed"]);
    }

    #[test]
    fn places_are_read_as_they_are_written() {
        let cursor =
            Cursor { history: HistoryId(7), accepted: Position::new(12), completed: Position::new(9) };
        let text = cursor.to_string();
        assert_eq!(text, "00000000000000000000000000000007-12-9");
        assert_eq!(text.parse(), Ok(Start::At(cursor)));
        assert_eq!("12".parse(), Ok(Start::After(Position::new(12))));
        for bad in ["", "-", "x", "7-12-9", "00000000000000000000000000000007-12", "1 ", "-1"] {
            assert!(bad.parse::<Start>().is_err(), "{bad}");
        }
    }
}
