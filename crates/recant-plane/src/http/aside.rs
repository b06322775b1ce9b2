//! Where the computing for long requests is done: beside the threads that answer everybody.
//!
//! ```text
//!   short ─▶ computed where it is, by a thread of the runtime
//!   long  ─▶ waits for a place ─▶ one step, on a thread that the runtime does without ─▶ gives the place back ─▶ waits for the store …
//! ```
//!
//! To hash a body of many megabytes, to read its XML and to check what it says takes tenths of a second in all, between
//! which nothing is waited for. Such a step would keep a thread of the runtime, and with it all that this thread has to answer. There
//! are fewer places than cores, so that one core is always there for those who ask for little. Nobody holds a place while it waits for
//! something. Places are given in the order of their coming; who asks for many comes late himself, since one key has room for only a few
//! long bodies at a time ([`super::room`]).

use std::future::{Future, poll_fn};
use std::num::NonZeroUsize;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Poll, ready};
use std::thread;

use recant_core::limits::API_BODY_BYTES_INLINE_MAX;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places.
#[derive(Debug)]
pub(crate) struct Aside(Arc<Semaphore>);

impl Aside {
    /// One place fewer than this machine has cores, and at least one.
    pub(crate) fn for_this_machine() -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self::with_places(cores.saturating_sub(1).max(1))
    }

    fn with_places(places: usize) -> Self {
        Self(Arc::new(Semaphore::new(places)))
    }

    /// Does the work of a request with so many bytes of body, aside if those are many.
    pub(super) async fn run<W: Future>(&self, body_bytes: usize, work: W) -> W::Output {
        let mut work = pin!(work);
        if body_bytes <= API_BODY_BYTES_INLINE_MAX {
            return work.await;
        }
        let mut waits: Option<Waits> = None;
        poll_fn(|cx| {
            let wait = waits.get_or_insert_with(|| Box::pin(place(Arc::clone(&self.0))));
            let place = ready!(wait.as_mut().poll(cx));
            waits = None;
            let step = off_the_runtime(|| work.as_mut().poll(cx));
            drop(place);
            step
        })
        .await
    }
}

type Waits = Pin<Box<dyn Future<Output = OwnedSemaphorePermit> + Send>>;

async fn place(places: Arc<Semaphore>) -> OwnedSemaphorePermit {
    places.acquire_owned().await.expect("the semaphore is never closed")
}

/// Computes something while another thread does what this one had to do.
fn off_the_runtime<T>(step: impl FnOnce() -> Poll<T>) -> Poll<T> {
    match Handle::current().runtime_flavor() {
        // There is no other thread, and tokio would panic.
        RuntimeFlavor::CurrentThread => step(),
        _ => tokio::task::block_in_place(step),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::{self, Receiver, Sender};
    use std::time::Duration;

    use super::*;

    /// Longer than anything here takes; a hang fails instead of lasting.
    const PATIENCE: Duration = Duration::from_secs(20);
    const LONG: usize = API_BODY_BYTES_INLINE_MAX + 1;

    /// Work that says that it is computing, and computes until it is let go.
    struct Held {
        began: Sender<usize>,
        go_on: Mutex<Receiver<()>>,
    }

    impl Held {
        fn compute(&self, number: usize) {
            self.began.send(number).unwrap();
            self.go_on.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        }
    }

    #[test]
    fn so_many_long_bodies_are_in_hand_and_short_ones_are_answered_meanwhile() {
        const PLACES: usize = 2;
        const BODIES: usize = 6;
        // One thread answers: whatever computed on it would keep everybody waiting.
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let aside = Arc::new(Aside::with_places(PLACES));
        let (began, begun) = mpsc::channel();
        let (lets_go, tasks): (Vec<_>, Vec<_>) = (0..BODIES)
            .map(|number| {
                let (let_go, go_on) = mpsc::channel();
                let (aside, held) =
                    (Arc::clone(&aside), Held { began: began.clone(), go_on: Mutex::new(go_on) });
                let task =
                    runtime.spawn(async move { aside.run(LONG, async { held.compute(number) }).await });
                (let_go, task)
            })
            .unzip();
        let short = || {
            let aside = Arc::clone(&aside);
            let answer = runtime.spawn(async move {
                aside.run(API_BODY_BYTES_INLINE_MAX, async { tokio::task::yield_now().await }).await;
            });
            runtime.block_on(async { tokio::time::timeout(PATIENCE, answer).await.unwrap().unwrap() });
        };
        let mut in_hand: Vec<usize> = (0..PLACES).map(|_| begun.recv_timeout(PATIENCE).unwrap()).collect();
        for after in PLACES..=BODIES {
            // It goes through the same thread as all that was begun before it, and is answered.
            short();
            begun.try_recv().expect_err("there is no place for another one");
            lets_go[in_hand.remove(0)].send(()).unwrap();
            if after < BODIES {
                in_hand.push(begun.recv_timeout(PATIENCE).unwrap());
            }
        }
        in_hand.into_iter().for_each(|number| lets_go[number].send(()).unwrap());
        for task in tasks {
            runtime.block_on(task).unwrap();
        }
    }

    #[test]
    fn who_waits_for_something_has_no_place() {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let aside = Arc::new(Aside::with_places(1));
            let (answer, outcome) = tokio::sync::oneshot::channel();
            let waiting = tokio::spawn({
                let aside = Arc::clone(&aside);
                async move { aside.run(LONG, outcome).await }
            });
            // What another long one computes is what the first one waits for.
            aside.run(LONG, async { tokio::task::yield_now().await }).await;
            aside.run(LONG, async { answer.send(7).unwrap() }).await;
            let answered = tokio::time::timeout(PATIENCE, waiting).await.unwrap().unwrap();
            assert_eq!(answered, Ok(7));
        });
    }

    #[tokio::test]
    async fn a_runtime_of_one_thread_computes_where_it_is() {
        assert_eq!(Aside::with_places(1).run(LONG, async { 7 }).await, 7);
    }
}
