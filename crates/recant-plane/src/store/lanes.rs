//! Who reads: several at a time, and none of one kind waits for those of another.
//!
//! A heartbeat has to be answered while its lease lasts, whatever clients ask for and however many edges start over. So each kind of reader has
//! places of its own; whoever finds none waits behind those of its kind, in the order of their coming.

use std::sync::Arc;

use recant_core::limits::{
    STORE_CHAIN_READS_AT_A_TIME_MAX, STORE_FEED_READS_AT_A_TIME_MAX, STORE_READS_AT_A_TIME_MAX,
    STORE_SNAPSHOT_READS_AT_A_TIME_MAX,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use super::StoreError;

/// What a read is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// What clients ask for.
    Calls,
    /// Whether an edge is on this log.
    Chain,
    /// The log, for edges.
    Feeds,
    /// The configuration, for edges that start over.
    Snapshots,
}

impl Lane {
    const ALL: [Self; 4] = [Self::Calls, Self::Chain, Self::Feeds, Self::Snapshots];

    const fn places(self) -> usize {
        match self {
            Self::Calls => STORE_READS_AT_A_TIME_MAX,
            Self::Chain => STORE_CHAIN_READS_AT_A_TIME_MAX,
            Self::Feeds => STORE_FEED_READS_AT_A_TIME_MAX,
            Self::Snapshots => STORE_SNAPSHOT_READS_AT_A_TIME_MAX,
        }
    }
}

/// The places of all lanes.
#[derive(Debug)]
pub(super) struct Lanes([Arc<Semaphore>; 4]);

impl Default for Lanes {
    fn default() -> Self {
        Self(Lane::ALL.map(|lane| Arc::new(Semaphore::new(lane.places()))))
    }
}

impl Lanes {
    /// Reads of all lanes at a time.
    pub(super) fn places() -> usize {
        Lane::ALL.map(Lane::places).iter().sum()
    }

    /// Waits for a place.
    pub(super) async fn enter(&self, lane: Lane) -> OwnedSemaphorePermit {
        let places = Arc::clone(&self.0[lane as usize]);
        places.acquire_owned().await.expect("the semaphore is never closed")
    }
}

/// Runs a read as a task of its own, which ends when nobody waits for its answer any more.
///
/// It gets its place and gives it back however late whoever asks is let go on: a request with a long body waits before each of its
/// steps ([`crate::http`]), and would meanwhile hold what everybody reads through.
///
/// # Errors
/// Those of the read, and [`StoreError::Read`] when the plane is shutting down.
pub(super) async fn by_itself<T: Send + 'static>(
    read: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T, StoreError> {
    let mut task = JoinSet::new();
    task.spawn(read);
    match task.join_next().await {
        Some(Ok(answer)) => answer,
        Some(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Some(Err(_)) | None => Err(StoreError::Read { reason: "the plane is shutting down".to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future as _;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    #[test]
    fn whoever_fills_a_lane_holds_up_no_other() {
        let lanes = Lanes::default();
        let enter = |lane| match pin!(lanes.enter(lane)).poll(&mut Context::from_waker(Waker::noop())) {
            std::task::Poll::Ready(place) => Some(place),
            std::task::Poll::Pending => None,
        };
        let mut held = Vec::new();
        for (at, lane) in Lane::ALL.into_iter().enumerate() {
            held.extend((0..lane.places()).map(|_| enter(lane).expect("there is a place")));
            assert!(enter(lane).is_none(), "{lane:?} is full");
            assert!(
                Lane::ALL[at + 1..].iter().all(|other| enter(*other).is_some()),
                "{lane:?} alone is full"
            );
        }
        assert_eq!(held.len(), Lanes::places());
    }
}
