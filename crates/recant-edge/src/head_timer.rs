//! hyper's timer for one viewer's connection: the time that a request's head may take, without a timer of the runtime's
//! for each request.
//!
//! hyper asks for a sleep when it begins to wait for a head, and drops it when the head is complete. On the way of a hit
//! that would be an entry into the runtime's list of timers and one out of it, each under a lock. Here one sleep of the
//! runtime's lasts as long as the connection: it is moved only when it has ended and the head's time has not, so once in
//! as long as a head may take.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};

/// The sleep that all of a connection's share; locked while it is looked at, by the connection's own task alone.
type Shared = Arc<Mutex<Pin<Box<tokio::time::Sleep>>>>;

/// See the module. The deadlines that are asked for never move back.
pub(crate) struct HeadTimer(Shared);

/// One sleep that hyper waits for.
struct Until {
    deadline: tokio::time::Instant,
    shared: Shared,
}

impl HeadTimer {
    /// Of a connection whose first deadline is so far away, or farther.
    pub(crate) fn new(first: Duration) -> Self {
        Self(Arc::new(Mutex::new(Box::pin(tokio::time::sleep(first)))))
    }
}

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Until { deadline: deadline.into(), shared: self.0.clone() })
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into()
    }
}

impl Sleep for Until {}

impl Future for Until {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut sleep = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            ready!(sleep.as_mut().poll(cx));
            if sleep.deadline() >= self.deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(self.deadline);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn each_head_has_its_whole_time() {
        let timer = HeadTimer::new(HEAD);
        let start = tokio::time::Instant::now();
        // Heads that come after six seconds each: the runtime's sleep ends in the middle of the second one's time.
        for _ in 0..3 {
            let head = tokio::time::sleep(Duration::from_secs(6));
            tokio::select! {
                () = timer.sleep(HEAD) => panic!("{:?} after the start", start.elapsed()),
                () = head => {}
            }
        }
        let waits = tokio::time::Instant::now();
        timer.sleep(HEAD).await;
        assert_eq!(waits.elapsed().as_secs(), HEAD.as_secs());
        // As it is asked for once more after the time is up.
        timer.sleep(HEAD).await;
        assert_eq!(waits.elapsed().as_secs(), 2 * HEAD.as_secs());
    }
}
