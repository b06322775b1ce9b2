//! What is not in memory, read from the disk: once for all who ask for it at the same time.
//!
//! Whoever comes first reads, on a thread that may block; the others wait for that and find it in memory. What is read is put into
//! memory and then judged like anything else that is stored there.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::HeaderMap;
use tokio::sync::Semaphore;

use recant_core::cache_key::CacheKey;
use recant_core::limits::{DISK_CLOCK_BACK_MAX, DISK_READS_AT_ONCE_MAX};
use recant_core::time::WallTime;

use crate::disk::{Candidate, Tier};
use crate::store::{Found, Store, Stored};

/// Those who read.
#[derive(Debug)]
pub(crate) struct Recalls {
    /// A gate for each key that is being read. Locked to come to one or to leave it.
    gates: Mutex<HashMap<CacheKey, Arc<Gate>>>,
    /// One for each read at a time.
    permits: Arc<Semaphore>,
}

/// One reads at a time, and leaves what it has read to those who wait: there may be no room for it in memory.
type Gate = tokio::sync::Mutex<Option<(Arc<Stored>, Candidate)>>;

impl Recalls {
    pub(crate) fn new() -> Self {
        let permits = Arc::new(Semaphore::new(DISK_READS_AT_ONCE_MAX));
        Self { gates: Mutex::default(), permits }
    }

    /// The stored response that a request with this key and these fields selects, if it lies on the disk.
    pub(crate) async fn recall(
        &self,
        store: &Arc<Store>,
        key: &CacheKey,
        request: &HeaderMap,
        now: WallTime,
    ) -> Option<Arc<Stored>> {
        let disk = store.disk()?;
        if disk.find(key).is_empty() {
            return None;
        }
        let gate = self.gate(key);
        let mut read = gate.gate.lock().await;
        let is_it = |(stored, candidate): &&(Arc<Stored>, Candidate)| {
            stored.selecting.matches(request) && disk.has(key, candidate).is_some()
        };
        if let Found::Response(stored) = store.find(key, request) {
            return Some(stored);
        }
        if let Some((stored, _)) = read.as_ref().filter(is_it) {
            return Some(stored.clone());
        }
        let new = self.read(store, disk, key, request, now).await?;
        Some(read.insert(new).0.clone())
    }

    async fn read(
        &self,
        store: &Arc<Store>,
        disk: &Arc<Tier>,
        key: &CacheKey,
        request: &HeaderMap,
        now: WallTime,
    ) -> Option<(Arc<Stored>, Candidate)> {
        let permit = self.permits.clone().acquire_owned().await.ok()?;
        let (store, disk, key, request) = (store.clone(), disk.clone(), key.clone(), request.clone());
        let reading = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            disk.find(&key).into_iter().find_map(|candidate| {
                let stored = read_one(&store, &disk, &key, &request, now, &candidate)?;
                Some((stored, candidate))
            })
        });
        reading.await.ok()?
    }

    fn gate(&self, key: &CacheKey) -> AtGate<'_> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        AtGate { recalls: self, key: key.clone(), gate: gates.entry(key.clone()).or_default().clone() }
    }
}

/// Somebody who has come to a gate, also when he goes away in the middle.
struct AtGate<'r> {
    recalls: &'r Recalls,
    key: CacheKey,
    gate: Arc<Gate>,
}

impl Drop for AtGate<'_> {
    /// The last one who leaves takes the gate along.
    fn drop(&mut self) {
        let mut gates = self.recalls.gates.lock().unwrap_or_else(PoisonError::into_inner);
        // The map's and this one.
        if Arc::strong_count(&self.gate) <= 2 {
            gates.remove(&self.key);
        }
    }
}

fn read_one(
    store: &Store,
    disk: &Tier,
    key: &CacheKey,
    request: &HeaderMap,
    now: WallTime,
    candidate: &Candidate,
) -> Option<Arc<Stored>> {
    let _room = Room::take(store, candidate.bytes())?;
    let recalled = disk.read(key, candidate, |selecting| selecting.matches(request))?;
    // A clock that has gone back: how old it is cannot be known.
    if recalled.head.response_time().saturating_since(now) > DISK_CLOCK_BACK_MAX {
        return None;
    }
    let valid_up_to = recalled.head.valid_up_to;
    let stored = store.make(key, recalled.head.facts(), Bytes::from(recalled.body.into_boxed_slice()));
    stored.checked_up_to(valid_up_to);
    store.put_recalled(key.clone(), &stored, candidate);
    Some(stored)
}

/// Taken out of what bodies on their way into the store may take.
struct Room<'s> {
    store: &'s Store,
    bytes: usize,
}

impl<'s> Room<'s> {
    fn take(store: &'s Store, bytes: usize) -> Option<Self> {
        let order = Ordering::Relaxed;
        store.room().fetch_update(order, order, |room| room.checked_sub(bytes)).ok()?;
        Some(Self { store, bytes })
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.store.room().fetch_add(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use recant_core::entry::HistoryId;
    use recant_core::position::{Era, Position};
    use tokio::task::JoinSet;

    use super::*;
    use crate::clock::{Clock, SystemClock};
    use crate::disk::{Disk, DiskOptions};
    use crate::removals::Removals;
    use crate::store::fixtures;
    use crate::world::World;

    #[tokio::test]
    async fn one_reads_for_all_who_ask_at_the_same_time() {
        let dir = tempfile::tempdir().expect("a folder");
        let world = Arc::new(World::new());
        let disk = Disk::open(&DiskOptions::new(dir.path().to_owned()), &world).expect("it is free");
        disk.tier.follow(Era::default(), HistoryId(1));
        let store = Arc::new(Store::with_disk(1 << 20, 100, Some(disk.tier.clone())));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        disk.start(&world, &store, &Arc::new(Removals::default()), &clock);
        let tenant = fixtures::tenant("a");
        let (key, mut facts) =
            (fixtures::key(&tenant, "/p"), fixtures::facts(&tenant, "/p", Position::new(3)));
        facts.response_time = clock.wall();
        let stored = store.make(&key, facts, Bytes::from(vec![7; 30_000]));
        store.put(key.clone(), stored, &HeaderMap::new(), &|| true);
        while disk.usage().written < 1 || !disk.usage().is_ready {
            tokio::task::yield_now().await;
        }
        store.evict(&key);
        let recalls = Arc::new(Recalls::new());
        let mut viewers = JoinSet::new();
        for _ in 0..16 {
            let (recalls, store, key, now) = (recalls.clone(), store.clone(), key.clone(), clock.wall());
            viewers.spawn(async move { recalls.recall(&store, &key, &HeaderMap::new(), now).await });
        }
        while let Some(recalled) = viewers.join_next().await {
            let stored = recalled.expect("no panic").expect("it lies there");
            assert_eq!((&stored.body[..], stored.stamp.position), (&[7; 30_000][..], Position::new(3)));
        }
        assert_eq!(disk.usage().read, 1);
        assert!(recalls.gates.lock().expect("no panic").is_empty());
    }
}
