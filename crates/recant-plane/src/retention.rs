//! How long the history of invalidations is kept: the reconciler that lets old ones go.
//!
//! What goes is the detail of an invalidation: its paths, and its place in lists. What stays for ever is a compact row for its `CallerReference`, so that
//! a replay is answered as ever, and another batch under the same reference refused. What is in progress stays, too.
//!
//! It runs when the plane starts and then once a period; each time it takes away what is over, [`INVALIDATIONS_PRUNED_PER_COMMIT_MAX`] at a time, and lets
//! everybody else's commands go in between. What is over is found by a read, from the oldest on; the writer only takes away a stretch of positions, so
//! that nobody waits for a search, however long the history is.

use std::fmt;
use std::str::FromStr;

use recant_core::limits::{INVALIDATIONS_PRUNED_PER_COMMIT_MAX, RETENTION_PERIOD};
use recant_core::position::Position;
use recant_core::time::WallTime;
use tokio::sync::watch;

use crate::clock;
use crate::store::{Command, Outcome, Store, StoreError};

/// How many invalidations are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Retention {
    /// All.
    #[default]
    All,
    /// Those that are not older than so many days.
    Days(u32),
    /// Those among so many newest entries of the log, which has other changes too. So at most as many are kept.
    Newest(u64),
}

impl fmt::Display for Retention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => write!(f, "all"),
            Self::Days(days) => write!(f, "those of the last {days} days"),
            Self::Newest(count) => write!(f, "those among the {count} newest entries of the log"),
        }
    }
}

impl FromStr for Retention {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = "all, a number of days as 30d, or a number of the log's newest entries as 100000";
        match text.strip_suffix('d') {
            _ if text == "all" => Ok(Self::All),
            Some(days) => days.parse().ok().filter(|days| *days > 0).map(Self::Days).ok_or(expected),
            None => text.parse().ok().filter(|count| *count > 0).map(Self::Newest).ok_or(expected),
        }
    }
}

impl Retention {
    /// What may go at this time, with the log ending at `head`: up to which position, and made before when. Nothing where all is kept.
    fn over(self, now: WallTime, head: Position) -> Option<(Position, WallTime)> {
        const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;
        match self {
            Self::All => None,
            Self::Days(days) => {
                let before = now.millis().saturating_sub(i64::from(days) * DAY_MILLIS);
                Some((head, WallTime::from_millis(before)))
            }
            Self::Newest(count) => {
                let up_to = Position::new(head.get().saturating_sub(count));
                Some((up_to, WallTime::from_millis(i64::MAX)))
            }
        }
    }
}

/// Lets old invalidations go until the plane stops, or the store does: whoever has the log next looks after the history.
pub(crate) async fn run<S: Store>(store: S, retention: Retention, mut stop: watch::Receiver<bool>) {
    if retention == Retention::All {
        return;
    }
    tracing::info!(kept = %retention, "old invalidations go from the history");
    let mut committed = store.committed();
    let mut stopped = std::pin::pin!(async move { while committed.changed().await.is_ok() {} });
    // Nothing is left up to here, and nothing comes there again.
    let mut gone = Position::ZERO;
    let mut period = tokio::time::interval(RETENTION_PERIOD);
    period.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = period.tick() => {}
            _ = stop.wait_for(|stop| *stop) => return,
            () = &mut stopped => return,
        }
        tokio::select! {
            pruned = prune(&store, retention, clock::wall_now(), &mut gone) => match pruned {
                Ok(0) => {}
                Ok(count) => tracing::info!(count, "old invalidations are gone from the history"),
                Err(error) => tracing::warn!(%error, "old invalidations stay in the history for now"),
            },
            _ = stop.wait_for(|stop| *stop) => return,
            () = &mut stopped => return,
        }
    }
}

/// Takes away all that is over and after `gone`, which moves on. Returns how many that were.
async fn prune<S: Store>(
    store: &S,
    retention: Retention,
    now: WallTime,
    gone: &mut Position,
) -> Result<u64, StoreError> {
    let (head, _) = store.head().await?;
    let Some((up_to, created_before)) = retention.over(now, head) else { return Ok(0) };
    let mut all = 0;
    loop {
        let limit = INVALIDATIONS_PRUNED_PER_COMMIT_MAX;
        let Some(over) = store.over(*gone, up_to, created_before, limit).await? else { return Ok(all) };
        let Outcome::Pruned(count) = store.commit(Command::PruneInvalidations(over)).await? else {
            unreachable!("the store says how many it pruned");
        };
        *gone = over;
        all += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_operator_may_say() {
        let check = |text: &str, want: Option<Retention>| assert_eq!(text.parse().ok(), want, "{text}");
        check("all", Some(Retention::All));
        check("30d", Some(Retention::Days(30)));
        check("1000", Some(Retention::Newest(1_000)));
        for text in ["", "0", "0d", "d", "-1d", "30 d", "4294967296d", "forever"] {
            check(text, None);
        }
    }

    #[test]
    fn what_is_over() {
        let (now, head) = (WallTime::from_millis(10 * 86_400_000 + 1), Position::new(7));
        assert_eq!(Retention::All.over(now, head), None);
        assert_eq!(
            Retention::Days(3).over(now, head),
            Some((head, WallTime::from_millis(7 * 86_400_000 + 1)))
        );
        let for_ever = WallTime::from_millis(i64::MAX);
        assert_eq!(Retention::Newest(5).over(now, head), Some((Position::new(2), for_ever)));
        assert_eq!(Retention::Newest(9).over(now, head), Some((Position::ZERO, for_ever)));
    }
}
