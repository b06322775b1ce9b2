//! The way to a store's one writer: commands that wait for it, and where its answers go.
//!
//! Most commands are somebody's, who waits: they go into the queue, and the writer takes them in turn ([`super::turns`]). Some nobody waits for so
//! urgently that they deserve a wait for the disk of their own ([`Queue::commit_along`], [`Queue::note`]): they are held until the next group
//! is taken, and go with it, before it; where none comes soon, one is called for.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use recant_core::limits::{COMMANDS_PER_COMMIT_MAX, COMMANDS_WAITING_MAX, COMMIT_ALONG_WAIT_MAX};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::StoreError;
use super::command::{Command, Outcome};
use super::spelled::Spelled;
use super::turns::{Owned, Turns};

/// What the one who asked is told.
pub(super) type Answer = Result<Outcome, StoreError>;

/// A command and the one who waits for its outcome.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) command: Command,
    pub(super) spelled: Spelled,
    pub(super) answer: oneshot::Sender<Answer>,
}

impl Request {
    /// A request for a command, which is spelled here.
    fn new(command: Command, answer: oneshot::Sender<Answer>) -> Self {
        let spelled = Spelled::of(&command);
        Self { command, spelled, answer }
    }
}

impl Owned for Request {
    fn command(&self) -> &Command {
        &self.command
    }

    fn bytes(&self) -> usize {
        self.spelled.bytes()
    }
}

/// Where commands come in. When it is dropped, the writer learns that nobody will ask any more.
#[derive(Debug)]
pub(super) struct Queue {
    requests: mpsc::Sender<Request>,
    held: Held,
    stopped: Arc<Stopped>,
}

/// What of it is the writer's.
#[derive(Debug)]
pub(super) struct Writing {
    requests: mpsc::Receiver<Request>,
    turns: Turns<Request>,
    held: Held,
    pub(super) stopped: Arc<Stopped>,
}

impl Queue {
    /// An empty queue, and what the writer has of it.
    pub(super) fn new() -> (Self, Writing) {
        let (sender, requests) = mpsc::channel(COMMANDS_WAITING_MAX);
        let (held, stopped) = (Held::default(), Arc::new(Stopped::default()));
        let turns = Turns::default();
        let writing = Writing { requests, turns, held: held.clone(), stopped: Arc::clone(&stopped) };
        (Self { requests: sender, held, stopped }, writing)
    }

    /// Has a command carried out, and waits for what becomes of it.
    pub(super) async fn commit(&self, command: Command) -> Answer {
        let outcome = self.enqueue(command).await?;
        outcome.await.unwrap_or_else(|_| Err(self.stopped.error()))
    }

    /// Puts a command into the queue, ahead of all that come later, and gives where its outcome will be told.
    pub(super) async fn enqueue(&self, command: Command) -> Result<oneshot::Receiver<Answer>, StoreError> {
        let (answer, outcome) = oneshot::channel();
        match self.requests.send(Request::new(command, answer)).await {
            Ok(()) => Ok(outcome),
            Err(_) => Err(self.stopped.error()),
        }
    }

    /// Has a command carried out with the next group, and waits for what becomes of it.
    pub(super) async fn commit_along(&self, command: Command) -> Answer {
        let (answer, outcome) = oneshot::channel();
        self.hold(Request::new(command, answer), None)?;
        outcome.await.unwrap_or_else(|_| Err(self.stopped.error()))
    }

    /// Has a command carried out with the next group, behind what was noted before and ahead of all that comes later, and does not wait
    /// for it; only where many are held already, until they are taken.
    pub(super) async fn note(&self, command: Command) -> Result<(), StoreError> {
        let places = &self.held.places;
        let place = match Arc::clone(places).try_acquire_owned() {
            Ok(place) => place,
            Err(_) => {
                if self.requests.capacity() == self.requests.max_capacity() {
                    call_for_a_group(&self.requests);
                }
                let place = Arc::clone(places).acquire_owned().await;
                place.map_err(|_| self.stopped.error())?
            }
        };
        self.hold(Request::new(command, oneshot::channel().0), Some(place))
    }

    /// Holds a request for the next group; the first one calls for a group if none comes.
    fn hold(&self, request: Request, place: Option<OwnedSemaphorePermit>) -> Result<(), StoreError> {
        match self.held.push(request, place) {
            None => return Err(self.stopped.error()),
            Some(before) if before > 0 => return Ok(()),
            Some(_) => {}
        }
        // Whoever drops the queue does not wait for this task.
        let (held, requests) = (self.held.clone(), self.requests.downgrade());
        tokio::spawn(async move {
            tokio::time::sleep(COMMIT_ALONG_WAIT_MAX).await;
            if held.len() > 0
                && let Some(requests) = requests.upgrade()
            {
                call_for_a_group(&requests);
            }
        });
        Ok(())
    }

    /// Whether the writer still writes.
    pub(super) fn health(&self) -> Result<(), StoreError> {
        self.stopped.0.get().map_or(Ok(()), |_| Err(self.stopped.error()))
    }
}

/// Puts a command into the queue that has nothing to do of its own: whoever takes it takes what is held. Where there is no room for it,
/// others are on their way.
fn call_for_a_group(requests: &mpsc::Sender<Request>) {
    let (answer, _) = oneshot::channel();
    drop(requests.try_send(Request::new(Command::Protocol(Vec::new()), answer)));
}

impl Writing {
    /// Waits until there is something to write; false when nobody will ask any more. Given up, it has taken nothing.
    pub(super) async fn wait(&mut self) -> bool {
        if self.turns.is_empty() {
            let received = self.requests.recv().await;
            return received.map(|request| self.turns.push(request)).is_some();
        }
        true
    }

    /// The same on a thread that may stand still.
    pub(super) fn wait_on_thread(&mut self) -> bool {
        if self.turns.is_empty() {
            let received = self.requests.blocking_recv();
            return received.map(|request| self.turns.push(request)).is_some();
        }
        true
    }

    /// Takes those that are carried out next, together: what is held, and those whose turn it is.
    pub(super) fn take(&mut self) -> Vec<Request> {
        while self.turns.len() < COMMANDS_WAITING_MAX
            && let Ok(request) = self.requests.try_recv()
        {
            self.turns.push(request);
        }
        let mut group = self.turns.take();
        self.held.join(&mut group);
        group
    }
}

/// Requests that go with the next group.
#[derive(Clone, Debug)]
pub(super) struct Held {
    /// In the order of their coming; nothing once the writer has ended. Locked to put one in, or to take all.
    requests: Arc<Mutex<Option<Vec<HeldRequest>>>>,
    /// Places for those that nobody waits for, given in the order of their coming; given back when they are taken.
    places: Arc<Semaphore>,
}

#[derive(Debug)]
struct HeldRequest {
    request: Request,
    place: Option<OwnedSemaphorePermit>,
}

impl Default for Held {
    fn default() -> Self {
        Self {
            requests: Arc::new(Mutex::new(Some(Vec::new()))),
            places: Arc::new(Semaphore::new(COMMANDS_PER_COMMIT_MAX)),
        }
    }
}

impl Held {
    fn lock(&self) -> MutexGuard<'_, Option<Vec<HeldRequest>>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives how many were held before; nothing where there is no writer to take it.
    fn push(&self, request: Request, place: Option<OwnedSemaphorePermit>) -> Option<usize> {
        let mut held = self.lock();
        let held = held.as_mut()?;
        held.push(HeldRequest { request, place });
        Some(held.len() - 1)
    }

    fn len(&self) -> usize {
        self.lock().as_ref().map_or(0, Vec::len)
    }

    /// Puts what is held before a group: it has waited longer.
    fn join(&self, group: &mut Vec<Request>) {
        let mut held = self.lock();
        if let Some(held) = held.as_mut().filter(|held| !held.is_empty()) {
            let taken = held.drain(..).map(|HeldRequest { request, place }| {
                drop(place);
                request
            });
            group.splice(..0, taken);
        }
    }
}

impl Drop for Writing {
    /// Nobody will be answered any more: who waits for what is held, or for a place, learns it by that.
    fn drop(&mut self) {
        self.held.places.close();
        drop(self.held.lock().take());
    }
}

/// Why the writer has stopped, once it has.
#[derive(Debug, Default)]
pub(super) struct Stopped(OnceLock<String>);

impl Stopped {
    /// Notes the reason, the first one for good.
    pub(super) fn because(&self, reason: String) {
        let _ = self.0.set(reason);
    }

    pub(super) fn error(&self) -> StoreError {
        let reason = self.0.get().map_or_else(|| "the store is closed".to_owned(), Clone::clone);
        StoreError::WriterStopped { reason }
    }
}

#[cfg(test)]
mod tests {
    use recant_core::id::{DistributionId, ETag};
    use recant_core::position::Position;
    use recant_core::protocol::PlaneWrite;
    use recant_core::spec::{BehaviorSpec, DistributionSpec};
    use recant_core::time::WallTime;

    use super::*;
    use crate::store::records::{DistributionRecord, Tags};

    fn complete(position: u64) -> Command {
        Command::Protocol(vec![PlaneWrite::Complete(Position::new(position))])
    }

    /// What the commands of a group complete.
    fn positions(group: &[Request]) -> Vec<u64> {
        let writes = group.iter().flat_map(|request| match &request.command {
            Command::Protocol(writes) => writes.clone(),
            other => panic!("no completion: {other:?}"),
        });
        let positions = writes.map(|write| match write {
            PlaneWrite::Complete(position) => position.get(),
            other => panic!("no completion: {other:?}"),
        });
        positions.collect()
    }

    async fn next(writing: &mut Writing) -> Vec<Request> {
        writing.wait().await;
        writing.take()
    }

    fn answer(group: Vec<Request>) {
        group.into_iter().for_each(|request| request.answer.send(Ok(Outcome::Recorded)).unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_waits_for_goes_with_the_next_group() {
        let (queue, mut writing) = Queue::new();
        let writer = async {
            let group = next(&mut writing).await;
            let carried = positions(&group);
            answer(group);
            carried
        };
        // The one that is held comes first; it was there first.
        let (along, own, carried) =
            tokio::join!(biased; queue.commit_along(complete(1)), queue.commit(complete(2)), writer);
        assert_eq!((along.unwrap(), own.unwrap()), (Outcome::Recorded, Outcome::Recorded));
        assert_eq!(carried, [1, 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn where_no_group_comes_one_is_called_for() {
        let (queue, mut writing) = Queue::new();
        let started = tokio::time::Instant::now();
        let writer = async {
            let group = next(&mut writing).await;
            assert_eq!(started.elapsed(), COMMIT_ALONG_WAIT_MAX);
            let carried = positions(&group);
            // Who called does not wait for that answer.
            group.into_iter().for_each(|request| drop(request.answer.send(Ok(Outcome::Recorded))));
            carried
        };
        let (along, carried) = tokio::join!(queue.commit_along(complete(1)), writer);
        assert_eq!((along.unwrap(), carried), (Outcome::Recorded, vec![1]));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_noted_is_there_no_later_than_what_comes_after_it() {
        let (queue, mut writing) = Queue::new();
        for position in 1..=3 {
            queue.note(complete(position)).await.unwrap();
        }
        let writer = async {
            let group = next(&mut writing).await;
            let carried = positions(&group);
            group.into_iter().for_each(|request| drop(request.answer.send(Ok(Outcome::Recorded))));
            carried
        };
        let (own, carried) = tokio::join!(queue.commit(complete(4)), writer);
        assert_eq!((own.unwrap(), carried), (Outcome::Recorded, vec![1, 2, 3, 4]));
        // With nothing after it, it is written all the same.
        queue.note(complete(5)).await.unwrap();
        assert_eq!(positions(&next(&mut writing).await), [5]);
    }

    #[tokio::test(start_paused = true)]
    async fn more_than_are_held_wait_and_keep_their_order() {
        let (queue, mut writing) = Queue::new();
        let many = 3 * COMMANDS_PER_COMMIT_MAX as u64;
        let noting = async {
            for position in 1..=many {
                queue.note(complete(position)).await.unwrap();
            }
        };
        let writer = async {
            let mut carried = Vec::new();
            while carried.len() < usize::try_from(many).unwrap() {
                let group = next(&mut writing).await;
                let noted = positions(&group);
                assert!(noted.len() <= COMMANDS_PER_COMMIT_MAX, "{}", noted.len());
                carried.extend(noted);
            }
            carried
        };
        let ((), carried) = tokio::join!(biased; noting, writer);
        assert!(carried.into_iter().eq(1..=many));
    }

    #[test]
    fn what_a_distribution_has_to_write_is_counted() {
        let id = DistributionId::parse("E1").unwrap();
        let distribution = DistributionRecord {
            id: id.clone(),
            etag: ETag::parse("E1").unwrap(),
            caller_reference: "c".to_owned(),
            config: serde_json::json!({ "Comment": "x".repeat(10_000) }),
            spec: DistributionSpec::new(id, Vec::new(), BehaviorSpec::new("o", "p")),
            tags: Tags::new(),
            created: WallTime::from_millis(0),
            modified: WallTime::from_millis(0),
        };
        let create = Command::CreateDistribution(Box::new(distribution));
        let bytes = Request::new(create, oneshot::channel().0).bytes();
        assert!((10_000..12_000).contains(&bytes), "{bytes}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_writer_that_has_stopped_keeps_nobody_waiting() {
        let (queue, writing) = Queue::new();
        writing.stopped.because("a disk".to_owned());
        for _ in 0..COMMANDS_PER_COMMIT_MAX {
            queue.note(complete(1)).await.unwrap();
        }
        let stop = async { drop(writing) };
        let (held, noted, ()) =
            tokio::join!(biased; queue.commit_along(complete(1)), queue.note(complete(1)), stop);
        for refused in [noted, queue.note(complete(2)).await] {
            assert!(matches!(&refused, Err(StoreError::WriterStopped { reason }) if reason == "a disk"));
        }
        for refused in [held, queue.commit_along(complete(2)).await, queue.commit(complete(3)).await] {
            assert!(matches!(&refused, Err(StoreError::WriterStopped { reason }) if reason == "a disk"));
        }
    }
}
