//! A map that many read while one writes: a fixed number of small maps, each behind its own lock.
//!
//! A lookup holds one shard's read lock for as long as it takes to clone an `Arc`. A fleet of a million
//! tenants is filled in without ever copying the whole map.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{PoisonError, RwLock};

const SHARDS: usize = 64;

/// See the module.
#[derive(Debug)]
pub(super) struct Sharded<K, V> {
    hasher: RandomState,
    /// Locked for one lookup or one change at a time; never across an await.
    shards: Box<[RwLock<HashMap<K, V>>]>,
}

impl<K, V> Default for Sharded<K, V> {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            shards: std::iter::repeat_with(|| RwLock::new(HashMap::new())).take(SHARDS).collect(),
        }
    }
}

impl<K: Eq + Hash, V: Clone> Sharded<K, V> {
    pub(super) fn get<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.shard(key).read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    pub(super) fn insert(&self, key: K, value: V) {
        self.shard(&key).write().unwrap_or_else(PoisonError::into_inner).insert(key, value);
    }

    pub(super) fn remove<Q>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.shard(key).write().unwrap_or_else(PoisonError::into_inner).remove(key)
    }

    /// Every value, one shard after the other.
    pub(super) fn for_each(&self, mut visit: impl FnMut(&V)) {
        for shard in &self.shards {
            shard.read().unwrap_or_else(PoisonError::into_inner).values().for_each(&mut visit);
        }
    }

    fn shard<Q: Hash + ?Sized>(&self, key: &Q) -> &RwLock<HashMap<K, V>> {
        &self.shards[self.hasher.hash_one(key) as usize % self.shards.len()]
    }
}
