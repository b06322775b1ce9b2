//! The origin requests whose responses may still be stored: how old they are, and whether what they ask for has been changed meanwhile.
//!
//! **Everything that may be stored is on this list from before the origin is asked until it is stored**, whether others wait for it or not. So
//! a change through this edge (`POST` and its like, RFC 9111 section 4.4) reaches all that was asked before it, and nothing of that comes
//! into the store after it.
//!
//! The sweep asks for the oldest stamp before it starts: rules that are newer than that have still something to say about what is
//! on its way. That is a courtesy: what is missing there costs a hit.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use recant_core::cache_key::CacheKey;
use recant_core::position::{Era, Position, Stamp};

const SHARDS: usize = 64;

type Shard = HashMap<CacheKey, Asked>;

/// Those of one edge.
#[derive(Debug)]
pub(crate) struct Fetches {
    /// How many there are of each stamp. Locked to begin or end one.
    stamps: Mutex<BTreeMap<(Era, Position), usize>>,
    hasher: RandomState,
    /// What is asked for. Each locked to begin or end one, and to note a change.
    shards: Box<[Mutex<Shard>]>,
}

/// What some fetches ask for.
#[derive(Debug, Default)]
struct Asked {
    fetches: usize,
    changes: Arc<AtomicU64>,
}

/// One that is under way; dropped, it is over.
#[derive(Debug)]
pub(crate) struct Fetching {
    fetches: Arc<Fetches>,
    stamp: (Era, Position),
    key: CacheKey,
    changes: Arc<AtomicU64>,
    /// How many of them there were when it began.
    changes_before: u64,
}

impl Default for Fetches {
    fn default() -> Self {
        Self {
            stamps: Mutex::default(),
            hasher: RandomState::new(),
            shards: std::iter::repeat_with(Mutex::default).take(SHARDS).collect(),
        }
    }
}

impl Fetches {
    /// One more, with this stamp, of what is stored under this key.
    pub(crate) fn begin(self: &Arc<Self>, stamp: Stamp, key: CacheKey) -> Arc<Fetching> {
        let stamp = (stamp.era, stamp.position);
        *self.stamps().entry(stamp).or_default() += 1;
        let changes = {
            let mut shard = self.shard(&key);
            let asked = shard.entry(key.clone()).or_default();
            asked.fetches += 1;
            asked.changes.clone()
        };
        let changes_before = changes.load(Ordering::SeqCst);
        Arc::new(Fetching { fetches: self.clone(), stamp, key, changes, changes_before })
    }

    /// Sees to it that what the fetches of this key bring is neither kept nor shared with who comes later.
    pub(crate) fn outdate(&self, key: &CacheKey) {
        if let Some(asked) = self.shard(key).get(key) {
            asked.changes.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// The oldest stamp of this era.
    pub(crate) fn oldest(&self, era: Era) -> Option<Position> {
        self.stamps().range((era, Position::ZERO)..).next().map(|((_, position), _)| *position)
    }

    fn stamps(&self) -> MutexGuard<'_, BTreeMap<(Era, Position), usize>> {
        self.stamps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shard(&self, key: &CacheKey) -> MutexGuard<'_, Shard> {
        let shard = self.hasher.hash_one(key) as usize % self.shards.len();
        self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fetching {
    /// Whether what comes is not to be kept: the resource was changed through this edge meanwhile.
    pub(crate) fn is_outdated(&self) -> bool {
        self.changes.load(Ordering::SeqCst) != self.changes_before
    }

    /// The same from now on, for an origin request that is only about to be sent.
    pub(crate) fn anew(&self) -> Arc<Self> {
        let (era, position) = self.stamp;
        self.fetches.begin(Stamp { era, position }, self.key.clone())
    }
}

impl Drop for Fetching {
    fn drop(&mut self) {
        let mut stamps = self.fetches.stamps();
        if let Some(count) = stamps.get_mut(&self.stamp) {
            *count -= 1;
            if *count == 0 {
                stamps.remove(&self.stamp);
            }
        }
        drop(stamps);
        if let Entry::Occupied(mut there) = self.fetches.shard(&self.key).entry(self.key.clone()) {
            there.get_mut().fetches -= 1;
            if there.get().fetches == 0 {
                there.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixtures;

    fn key(path: &str) -> CacheKey {
        fixtures::key(&fixtures::tenant("a"), path)
    }

    fn stamp(era: u32, at: u64) -> Stamp {
        Stamp { era: Era(era), position: Position::new(at) }
    }

    #[test]
    fn the_oldest_of_those_under_way() {
        let fetches = Arc::new(Fetches::default());
        let begin = |era, at| fetches.begin(stamp(era, at), key("/p"));
        let oldest = |era| fetches.oldest(Era(era)).map(Position::get);
        let (past, one, same, later) = (begin(0, 9), begin(1, 3), begin(1, 3), begin(1, 4));
        assert_eq!((oldest(1), oldest(2)), (Some(3), None));
        drop(one);
        assert_eq!(oldest(1), Some(3));
        drop(same);
        assert_eq!(oldest(1), Some(4));
        drop((past, later));
        assert_eq!(oldest(0), None);
    }

    #[test]
    fn what_began_before_a_change_is_outdated() {
        let fetches = Arc::new(Fetches::default());
        let begin = |path| fetches.begin(stamp(0, 1), key(path));
        let (one, same, other) = (begin("/p"), begin("/p"), begin("/q"));
        fetches.outdate(&key("/p"));
        let later = begin("/p");
        let outdated = [&one, &same, &other, &later].map(|fetching| fetching.is_outdated());
        assert_eq!(outdated, [true, true, false, false]);
        assert!(!one.anew().is_outdated());
        // Also for those that are left when others are over.
        drop((one, later));
        fetches.outdate(&key("/p"));
        assert!(same.is_outdated());
        drop((same, other));
        assert!(fetches.shards.iter().all(|shard| shard.lock().expect("no panic").is_empty()));
    }
}
