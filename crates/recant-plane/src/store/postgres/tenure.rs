//! Until when a plane may act by its term: what it says without writing, and whom it answers at all.
//!
//! A plane whose renewals do not arrive may have been succeeded without knowing it. So when its tenure is over it says nothing until a renewal
//! is committed, and looks, over connections that its writer does not use, whether another plane has the term. Then it knows for certain, and
//! gives up, instead of when its writer's patience with the database ends.

use recant_core::limits::{TERM_LOOK_PERIOD, TERM_TENURE};
use recant_core::time::BootTime;
use tokio::sync::watch;

use super::server::Server;
use super::term::{Seat, Standing};

/// Until when this plane may act by its term.
#[derive(Debug)]
pub(super) struct Tenure {
    until: watch::Sender<BootTime>,
    now: fn() -> BootTime,
}

impl Tenure {
    /// That of a term which was taken by a transaction that was begun at `taken`. `now` reads the boot clock.
    pub(super) fn of(taken: BootTime, now: fn() -> BootTime) -> Self {
        Self { until: watch::channel(taken.saturating_add(TERM_TENURE)).0, now }
    }

    /// A renewal that was sent at `sent` is committed.
    pub(super) fn renew(&self, sent: BootTime) {
        let until = sent.saturating_add(TERM_TENURE);
        self.until.send_if_modified(|known| until > std::mem::replace(known, until.max(*known)));
    }

    pub(super) fn holds(&self) -> bool {
        (self.now)() < *self.until.borrow()
    }

    /// Waits until it is over.
    pub(super) async fn over(&self) {
        loop {
            let left = self.until.borrow().saturating_since((self.now)());
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left).await;
        }
    }

    /// Waits until it holds.
    pub(super) async fn renewed(&self) {
        let mut until = self.until.subscribe();
        while !self.holds() {
            until.changed().await.expect("the sender lives as long as this");
        }
    }

    /// Waits until another plane is seen to have taken the term. Nothing is looked at while the tenure lasts.
    pub(super) async fn succeeded(&self, server: &Server, seat: &Seat) {
        loop {
            self.over().await;
            if let Ok(db) = server.connect().await {
                while !self.holds() {
                    match Standing::look(&db).await {
                        Ok(standing) if standing.number != seat.identity.term.0 => return,
                        Ok(_) => tokio::time::sleep(TERM_LOOK_PERIOD).await,
                        Err(_) => break,
                    }
                }
            }
            tokio::time::sleep(TERM_LOOK_PERIOD).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use super::*;

    static SECONDS: AtomicU64 = AtomicU64::new(100);

    fn at(seconds: u64) -> BootTime {
        BootTime::from_nanos(Duration::from_secs(seconds).as_nanos().try_into().unwrap())
    }

    #[test]
    fn a_renewal_counts_from_when_it_was_sent_and_never_takes_away() {
        let tenure = Tenure::of(at(100), || at(SECONDS.load(Ordering::SeqCst)));
        let held_at = |seconds| {
            SECONDS.store(seconds, Ordering::SeqCst);
            tenure.holds()
        };
        assert!(held_at(103) && !held_at(104));
        tenure.renew(at(102));
        tenure.renew(at(101));
        assert!(held_at(105) && !held_at(106));
    }
}
