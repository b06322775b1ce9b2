//! Gives back the memory of what invalidations have taken away, and then that of their rules.
//!
//! An invalidation deletes nothing: it costs the same whatever is stored. What it has taken away lies in the store until
//! somebody asks for it or room is needed. The sweep looks at every stored response once a pass, with the very rules that
//! lookups ask, purges what may never be served again, and counts it for the invalidation that took it away.
//!
//! ```text
//!   an entry is applied ──▶ a pause, for those that follow ──▶ a pass: some responses, a rest, some responses, …
//!                                                                                                 │
//!                                            no rule up to F is needed any more ◀── the last one ─┘
//! ```
//!
//! The pause is half a minute, so that whoever asks soon after an invalidation is told that this is why the origin was asked.
//!
//! **It never stops the world.** It holds no lock but the store's for one response at a time, looks at so many at once as
//! take a fraction of a millisecond, and rests three times as long as it worked: a quarter of one core at most.
//!
//! # Why rules may go after a pass
//!
//! Let F be the lesser of the edge's stamp and of the oldest origin request under way, both taken *before* the pass. After it
//! every stored response is either purged, or has been looked at with all rules up to F and matches none
//! ([`Stored::valid_up_to`]), or was put in meanwhile with a stamp of at least F. So a rule at F or before decides nothing any
//! more, and the floors of all tenants and distributions are raised to F, which frees it.
//!
//! **The promise does not rest on that argument.** A floor at F says of everything that is not known to be valid up to F that
//! it is invalid, which is never less than what the forgotten rules said. Were something overlooked, it would cost a hit.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use recant_core::cache_key::CacheKey;
use recant_core::limits::SWEEP_RESPONSES_AT_ONCE;
use recant_core::position::{Position, Stamp};
use tokio::sync::watch;

use crate::fetches::Fetches;
use crate::matching;
use crate::removals::Removals;
use crate::store::{Store, Stored};
use crate::world::World;

/// How much longer the sweep rests than it worked.
const REST: u32 = 3;

/// Sweeps one edge.
#[derive(Debug)]
pub(crate) struct Sweep {
    pub(crate) world: Arc<World>,
    pub(crate) store: Arc<Store>,
    pub(crate) removals: Arc<Removals>,
    pub(crate) fetches: Arc<Fetches>,
    pub(crate) progress: Progress,
    /// Held during a pass, so that there is one at a time.
    pub(crate) passing: tokio::sync::Mutex<()>,
    /// Counts whole passes.
    pub(crate) passes: watch::Sender<u64>,
}

/// How far it has come.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    is_passing: AtomicBool,
    looked_at: AtomicU64,
    purged: AtomicU64,
    rules_freed: AtomicU64,
    /// What the last whole pass has seen to.
    swept: Mutex<Option<Stamp>>,
}

/// What the sweep of an edge does and has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SweepProgress {
    /// Whether a pass is under way.
    pub is_passing: bool,
    /// Whole passes since the edge started.
    pub passes: u64,
    /// Stored responses that the current pass, or else the last one, has looked at.
    pub looked_at: u64,
    /// Stored responses purged since the edge started.
    pub purged: u64,
    /// How much of the rules' limits was freed since the edge started, in nodes.
    pub rules_freed: u64,
    /// The memory of all that was invalidated by the log up to here has been given back.
    pub swept_up_to: Position,
}

impl Sweep {
    /// Sweeps whenever the log has brought something, until told to stop.
    pub(crate) async fn keep_sweeping(self: Arc<Self>, pause: Duration, mut stop: watch::Receiver<bool>) {
        let mut changes = self.world.changes();
        let sweeping = async {
            while changes.changed().await.is_ok() {
                tokio::time::sleep(pause).await;
                changes.mark_unchanged();
                self.pass().await;
            }
        };
        tokio::select! {
            () = sweeping => {}
            // A sender that is gone means the same.
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }

    /// Looks at everything once.
    pub(crate) async fn pass(&self) {
        let _passing = self.passing.lock().await;
        let progress = &self.progress;
        tracing::debug!("sweeping");
        progress.is_passing.store(true, Ordering::Relaxed);
        progress.looked_at.store(0, Ordering::Relaxed);
        let before = self.world.stamp();
        let oldest = self.fetches.oldest(before.era).unwrap_or(before.position);
        let mut all = self.store.all();
        let mut is_over = false;
        while !is_over {
            let began = Instant::now();
            for _ in 0..SWEEP_RESPONSES_AT_ONCE {
                let Some((key, stored)) = all.next() else {
                    is_over = true;
                    break;
                };
                self.look_at(&key, &stored);
            }
            rest(began).await;
        }
        self.look_at_disk().await;
        let seen_to = Stamp { position: before.position.min(oldest), ..before };
        self.forget_rules(seen_to).await;
        self.store.close_accounts(|tenant| self.world.rules_of(tenant).is_none());
        progress.is_passing.store(false, Ordering::Relaxed);
        *progress.swept.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen_to);
        self.passes.send_modify(|passes| *passes += 1);
        tracing::debug!(progress = ?self.progress(), "swept");
    }

    /// What it does and has done.
    pub(crate) fn progress(&self) -> SweepProgress {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let Progress { is_passing, looked_at, purged, rules_freed, .. } = &self.progress;
        SweepProgress {
            is_passing: is_passing.load(Ordering::Relaxed),
            passes: *self.passes.borrow(),
            looked_at: read(looked_at),
            purged: read(purged),
            rules_freed: read(rules_freed),
            swept_up_to: self.swept_up_to().unwrap_or(Position::ZERO),
        }
    }

    /// Changes with every whole pass.
    pub(crate) fn passes(&self) -> watch::Receiver<u64> {
        self.passes.subscribe()
    }

    /// Up to which position of the current history the memory of all that was invalidated has been given back.
    pub(crate) fn swept_up_to(&self) -> Option<Position> {
        let swept = *self.progress.swept.lock().unwrap_or_else(PoisonError::into_inner);
        swept.filter(|swept| swept.era == self.world.view().era).map(|swept| swept.position)
    }

    fn look_at(&self, key: &CacheKey, stored: &Arc<Stored>) {
        self.progress.looked_at.fetch_add(1, Ordering::Relaxed);
        // Before the rules, as at a request's arrival.
        let stamp = self.world.stamp();
        let is_dead = match self.world.rules_of(stored.tenant()) {
            // Nobody can ask for it any more.
            None => true,
            _ if stored.stamp.era < stamp.era => true,
            Some((tenant, distribution)) => {
                let rule = matching::newest_rule(stored, stamp, [&tenant, &distribution]);
                let is_dead = stored.valid_up_to().position < rule && stored.stamp.era == stamp.era;
                if is_dead {
                    self.removals.found(stored, rule);
                }
                is_dead
            }
        };
        if !is_dead {
            self.store.note_valid(stored);
        } else if self.store.remove_dead(key, stored) {
            self.progress.purged.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What lies on the disk, after what is in memory: of that it is known by now.
    async fn look_at_disk(&self) {
        let Some(disk) = self.store.disk() else { return };
        let mut pass = disk.pass(&self.world);
        loop {
            let began = Instant::now();
            let (store, removals) = (self.store.clone(), self.removals.clone());
            let stepped = tokio::task::spawn_blocking(move || {
                let has_more = pass.step(&store, &removals);
                (pass, has_more)
            });
            // It is over when the edge is.
            let Ok((stepped, has_more)) = stepped.await else { return };
            if !has_more {
                self.progress.purged.fetch_add(stepped.purged(), Ordering::Relaxed);
                return;
            }
            pass = stepped;
            rest(began).await;
        }
    }

    async fn forget_rules(&self, up_to: Stamp) {
        let mut holders = self.world.with_rules().into_iter().peekable();
        while holders.peek().is_some() {
            let began = Instant::now();
            for holder in holders.by_ref().take(SWEEP_RESPONSES_AT_ONCE) {
                let freed = self.world.forget_rules(&holder, up_to);
                self.progress.rules_freed.fetch_add(freed as u64, Ordering::Relaxed);
            }
            rest(began).await;
        }
    }
}

async fn rest(began: Instant) {
    let worked: Duration = began.elapsed();
    tokio::task::yield_now().await;
    tokio::time::sleep(worked * REST).await;
}
