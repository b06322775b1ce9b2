//! What each tenant has in the store and how its requests fared.
//!
//! An account is shared by the stored responses of its tenant, so that a hit counts without looking it up. It is opened
//! with the tenant's first request that may use the cache, and closed when the tenant is gone and nothing of it is stored.
//!
//! # Shares
//!
//! Where the operator limits what one tenant may take of the store, a tenant over its limit makes room among its own:
//! its responses lie in a queue, oldest first, and each that was asked for since it was last looked at gets another turn.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use recant_core::cache_key::CacheKey;
use recant_core::id::TenantId;

use super::stored::Stored;

const SHARDS: usize = 64;

type Shard = HashMap<TenantId, Arc<TenantAccount>>;

/// The accounts of one store.
#[derive(Debug)]
pub(super) struct Accounts {
    hasher: RandomState,
    /// Each locked to look one account up, or to open or close one.
    shards: Box<[RwLock<Shard>]>,
    /// What those have counted that are closed.
    closed: Mutex<Counts>,
}

/// What is counted for as long as an edge runs, of all its tenants, those that are gone as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    pub(crate) evicted: u64,
    pub(crate) invalidated: u64,
}

impl Counts {
    pub(super) fn add(&mut self, usage: &TenantUsage) {
        self.hits += usage.hits;
        self.misses += usage.misses;
        self.evicted += usage.evicted;
        self.invalidated += usage.invalidated;
    }
}

/// One tenant's.
#[derive(Debug)]
pub(crate) struct TenantAccount {
    tenant: TenantId,
    bytes: AtomicU64,
    stored: AtomicU64,
    hits: AtomicU64,
    misses: AtomicU64,
    evicted: AtomicU64,
    invalidated: AtomicU64,
    /// Keys of what is stored, oldest first; also of what is not any more. Empty without limits.
    queue: Mutex<VecDeque<CacheKey>>,
}

/// What a tenant has in an edge's store, and how its requests have fared since the edge started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantUsage {
    /// Whose.
    pub tenant: TenantId,
    /// Bytes of memory that its stored responses take, metadata included.
    pub bytes: u64,
    /// Its stored responses in memory.
    pub stored_responses: u64,
    /// Bytes that its stored responses take on the disk.
    pub disk_bytes: u64,
    /// Its stored responses on the disk, those in memory as well among them.
    pub disk_responses: u64,
    /// Requests answered with a stored response.
    pub hits: u64,
    /// Requests that might have been, and went to the origin.
    pub misses: u64,
    /// Stored responses that went from memory for want of space.
    pub evicted: u64,
    /// Stored responses that were found to be invalidated.
    pub invalidated: u64,
}

impl Accounts {
    pub(super) fn new() -> Self {
        Self {
            hasher: RandomState::new(),
            shards: std::iter::repeat_with(RwLock::default).take(SHARDS).collect(),
            closed: Mutex::default(),
        }
    }

    /// The tenant's account, opened if need be.
    pub(super) fn of(&self, tenant: &TenantId) -> Arc<TenantAccount> {
        let shard = &self.shards[self.hasher.hash_one(tenant) as usize % SHARDS];
        if let Some(account) = shard.read().unwrap_or_else(PoisonError::into_inner).get(tenant) {
            return account.clone();
        }
        let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
        shard.entry(tenant.clone()).or_insert_with(|| Arc::new(TenantAccount::new(tenant.clone()))).clone()
    }

    /// Closes the accounts of tenants that are gone, unless something of theirs is still stored or about to be.
    pub(super) fn close(&self, is_gone: impl Fn(&TenantId) -> bool) {
        let mut closed = self.lock_closed();
        for shard in &self.shards {
            let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
            shard.retain(|tenant, account| {
                let stays = Arc::strong_count(account) > 1 || !is_gone(tenant);
                if !stays {
                    closed.add(&account.usage());
                }
                stays
            });
        }
    }

    /// The accounts, and what those have counted that are closed, at a moment between closings.
    pub(super) fn with_closed(&self) -> (Vec<Arc<TenantAccount>>, Counts) {
        let closed = self.lock_closed();
        (self.all(), *closed)
    }

    fn lock_closed(&self) -> MutexGuard<'_, Counts> {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn all(&self) -> Vec<Arc<TenantAccount>> {
        let all = |shard: &RwLock<Shard>| -> Vec<Arc<TenantAccount>> {
            shard.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
        };
        self.shards.iter().flat_map(all).collect()
    }
}

impl TenantAccount {
    fn new(tenant: TenantId) -> Self {
        let zero = AtomicU64::default;
        Self {
            tenant,
            bytes: zero(),
            stored: zero(),
            hits: zero(),
            misses: zero(),
            evicted: zero(),
            invalidated: zero(),
            queue: Mutex::default(),
        }
    }

    pub(crate) fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// One more request was answered with a stored response.
    pub(crate) fn hit(&self) {
        self.hits.fetch_add(1, Ordering::Relaxed);
    }

    /// One more request found nothing that it could be answered with.
    pub(crate) fn missed(&self) {
        self.misses.fetch_add(1, Ordering::Relaxed);
    }

    /// One more stored response was found to be invalidated.
    pub(crate) fn invalidated(&self) {
        self.invalidated.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(super) fn entered(&self, stored: &Stored) {
        self.bytes.fetch_add(stored.weight(), Ordering::Relaxed);
        self.stored.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn left(&self, stored: &Stored) {
        self.bytes.fetch_sub(stored.weight(), Ordering::Relaxed);
        self.stored.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn evicted(&self) {
        self.evicted.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn usage(&self) -> TenantUsage {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        TenantUsage {
            tenant: self.tenant.clone(),
            bytes: read(&self.bytes),
            stored_responses: read(&self.stored),
            disk_bytes: 0,
            disk_responses: 0,
            hits: read(&self.hits),
            misses: read(&self.misses),
            evicted: read(&self.evicted),
            invalidated: read(&self.invalidated),
        }
    }

    /// Puts a key at the end of the queue. Where most of the queue is of what is not stored any more, that goes.
    pub(super) fn queue(&self, key: CacheKey, is_stored: impl Fn(&CacheKey) -> bool) {
        let stored = usize::try_from(self.stored.load(Ordering::Relaxed)).unwrap_or(usize::MAX);
        let mut queue = self.lock_queue();
        if queue.len() > stored.saturating_mul(2).saturating_add(QUEUE_SLACK) {
            queue.retain(is_stored);
        }
        queue.push_back(key);
    }

    /// Takes the key that has waited longest.
    pub(super) fn next_in_queue(&self) -> Option<CacheKey> {
        self.lock_queue().pop_front()
    }

    fn lock_queue(&self) -> MutexGuard<'_, VecDeque<CacheKey>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keys of what is not stored any more that a short queue may hold without being gone through.
const QUEUE_SLACK: usize = 64;
