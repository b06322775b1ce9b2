//! The store itself: a map in memory that makes room before it takes anything in. See [`crate::store`].

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::HeaderMap;
use quick_cache::sync::Cache;
use quick_cache::{Lifecycle, OptionsBuilder, Weighter};

use recant_core::cache_key::{CacheKey, CachedMethod};
use recant_core::id::TenantId;
use recant_core::limits::{STORE_BYTES_PER_COLLECTED_BYTE, STORED_BODY_BYTES_MAX, VARIANTS_PER_KEY_MAX};
use recant_core::position::{Era, Position, Stamp};
use recant_core::segments::Segments;

use crate::disk::{Candidate, Tier, Variant};

use super::accounts::{Accounts, Counts, TenantAccount, TenantUsage};
use super::stored::{Facts, Stored};

/// What is stored under one key, the newest first; never empty.
#[derive(Clone, Debug)]
enum Variants {
    /// As nearly always: a list of one would cost memory of its own.
    One(Arc<Stored>),
    Several(Arc<[Arc<Stored>]>),
}

impl Variants {
    /// Of at least one.
    fn new(stored: Vec<Arc<Stored>>) -> Self {
        match <[_; 1]>::try_from(stored) {
            Ok([one]) => Self::One(one),
            Err(several) => Self::Several(several.into()),
        }
    }

    fn as_slice(&self) -> &[Arc<Stored>] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Several(several) => several,
        }
    }

    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::One(one), Self::One(other)) => Arc::ptr_eq(one, other),
            (Self::Several(several), Self::Several(others)) => Arc::ptr_eq(several, others),
            _ => false,
        }
    }
}

/// See [`crate::store`].
#[derive(Debug)]
pub(crate) struct Store {
    responses: Cache<CacheKey, Variants, Weigher, RandomState, Leavers>,
    accounts: Accounts,
    /// Bytes that one tenant may have stored.
    pub(super) share_bytes: u64,
    /// What lies on a disk beside, if anything does. It is told of every change under the key's lock.
    disk: Option<Arc<Tier>>,
    hasher: RandomState,
    /// Each locked while what is stored under one key is looked at and changed; lookups do without.
    writers: Box<[Mutex<()>]>,
    /// Bytes that all [`Collected`](super::Collected) bodies may still take.
    pub(super) room: AtomicUsize,
}

/// What there is for a request.
#[derive(Debug)]
pub(crate) enum Found {
    /// The response that it selects.
    Response(Arc<Stored>),
    /// The newest of those that other requests select.
    Other(Arc<Stored>),
    /// Nothing.
    Nothing,
}

/// Keys that are changed at a time.
const WRITERS: usize = 64;

/// Parts of the map, each with a lock of its own.
const SHARDS_MAX: u64 = 64;

/// Bytes of a stored response as one expects them: they say how many keys of what has gone are remembered, so that
/// what is soon asked for again is kept the next time.
const EXPECTED_BYTES: u64 = 4_096;

/// The part of the store that those keys may take, one part of so many.
const BYTES_PER_REMEMBERED_BYTE: u64 = 64;

/// Looks at a tenant's queue for one response, at most.
const TURNS_MAX: usize = 1_024;

impl Store {
    /// A store of at most this many bytes, metadata included, of which one tenant may have so many hundredths.
    #[cfg(any(test, feature = "measuring"))]
    pub(crate) fn new(bytes_max: u64, tenant_share_percent: u8) -> Self {
        Self::with_disk(bytes_max, tenant_share_percent, None)
    }

    /// The same, beside what lies on a disk.
    pub(crate) fn with_disk(bytes_max: u64, tenant_share_percent: u8, disk: Option<Arc<Tier>>) -> Self {
        let weight_max = bytes_max - bytes_max / BYTES_PER_REMEMBERED_BYTE;
        // In the smallest shard there is room for some of the longest bodies.
        let shards = (bytes_max / (4 * STORED_BODY_BYTES_MAX as u64)).clamp(1, SHARDS_MAX);
        let shards = usize::try_from(shards).unwrap_or(1).next_power_of_two();
        let expected = usize::try_from(bytes_max / EXPECTED_BYTES).unwrap_or(usize::MAX);
        let options = OptionsBuilder::new()
            .shards(shards)
            .weight_capacity(weight_max)
            .estimated_items_capacity(expected)
            .build()
            .expect("all that has no default is given");
        let room = usize::try_from(bytes_max / STORE_BYTES_PER_COLLECTED_BYTE).unwrap_or(usize::MAX);
        Self {
            responses: Cache::with_options(options, Weigher, RandomState::new(), Leavers),
            accounts: Accounts::new(),
            share_bytes: match tenant_share_percent {
                100.. => u64::MAX,
                percent => weight_max / 100 * u64::from(percent),
            },
            disk,
            hasher: RandomState::new(),
            writers: std::iter::repeat_with(Mutex::default).take(WRITERS).collect(),
            room: AtomicUsize::new(room),
        }
    }

    /// What is stored under this key for a request with these fields.
    pub(crate) fn find(&self, key: &CacheKey, request: &HeaderMap) -> Found {
        let Some(variants) = self.responses.get(key) else { return Found::Nothing };
        let variants = variants.as_slice();
        match variants.iter().find(|stored| stored.selecting.matches(request)) {
            Some(stored) => {
                stored.used();
                Found::Response(stored.clone())
            }
            None => Found::Other(variants[0].clone()),
        }
    }

    /// Every stored response with its key, one after the other, with no lock held in between; what is put in or removed
    /// meanwhile may be among them or not.
    pub(crate) fn all(&self) -> impl Iterator<Item = (CacheKey, Arc<Stored>)> {
        self.responses.iter().flat_map(|(key, variants)| {
            let variants = variants.as_slice().to_vec();
            variants.into_iter().map(move |stored| (key.clone(), stored))
        })
    }

    /// The response with these facts and this body, to be stored under this key.
    pub(crate) fn make(&self, key: &CacheKey, facts: Facts, body: Bytes) -> Arc<Stored> {
        let account = self.account(&facts.tenant);
        Arc::new(Stored::new(key, account, facts, body))
    }

    /// The same of what there is of a response.
    pub(super) fn make_incomplete(&self, key: &CacheKey, facts: Facts, segments: Segments) -> Arc<Stored> {
        let account = self.account(&facts.tenant);
        Arc::new(Stored::incomplete(key, account, facts, segments))
    }

    /// What is in memory under this key for a request with these fields; nobody has asked for it.
    pub(super) fn peek(&self, key: &CacheKey, request: &HeaderMap) -> Option<Arc<Stored>> {
        let variants = self.responses.peek(key)?;
        variants.as_slice().iter().find(|stored| stored.selecting.matches(request)).cloned()
    }

    /// Whether anything is in memory under this key.
    pub(super) fn contains(&self, key: &CacheKey) -> bool {
        self.responses.contains_key(key)
    }

    /// Stores the response to a request with these fields, unless one with a newer stamp answers it already, or its
    /// tenant may not have as much, or it may not be when nobody else can change what is stored under this key.
    pub(crate) fn put(
        &self,
        key: CacheKey,
        stored: Arc<Stored>,
        request: &HeaderMap,
        may: &dyn Fn() -> bool,
    ) {
        if stored.weight() > self.share_bytes {
            return;
        }
        let mut is_put = false;
        let is_first = self.change(&key, |there| {
            if !may() {
                return None;
            }
            let (answer, others): (Vec<_>, Vec<_>) =
                there.iter().partition(|old| old.selecting.matches(request));
            if answer.iter().any(|old| order(old.stamp) > order(stored.stamp)) {
                return None;
            }
            if let Some(disk) = &self.disk {
                if disk.has_newer(&stored) {
                    return None;
                }
                answer.iter().for_each(|old| disk.forget_if_other(&key, &old.selecting, &stored.selecting));
                disk.put(&key, &stored);
            }
            is_put = true;
            let kept = others.into_iter().take(VARIANTS_PER_KEY_MAX - 1);
            Some(std::iter::once(&stored).chain(kept).cloned().collect())
        });
        if is_put && key.is_of(CachedMethod::Get) {
            self.drop_parts(&key, stored.stamp, request);
        }
        self.keep_to_share(stored.account(), is_first.then_some(key));
    }

    /// Puts what has been read from the disk in, beside what is there, if it is still what lies there.
    pub(crate) fn put_recalled(&self, key: CacheKey, stored: &Arc<Stored>, candidate: &Candidate) {
        if stored.weight() > self.share_bytes {
            return;
        }
        let is_first = self.change(&key, |there| {
            // What has been put in, or taken out, while it was read counts.
            let valid_up_to = self.disk.as_ref()?.has(&key, candidate)?;
            stored.checked_up_to(valid_up_to);
            if there.iter().any(|other| other.selecting == stored.selecting) {
                return None;
            }
            let mut all: Vec<_> = there.iter().chain([stored]).cloned().collect();
            all.sort_by_key(|stored| std::cmp::Reverse(order(stored.stamp)));
            all.truncate(VARIANTS_PER_KEY_MAX);
            Some(all)
        });
        self.keep_to_share(stored.account(), is_first.then_some(key));
    }

    /// Puts `new` in the place of `old`; nothing happens if `old` is not there any more.
    pub(crate) fn replace(&self, key: &CacheKey, old: &Arc<Stored>, new: &Arc<Stored>) {
        self.change(key, |there| {
            let others = || there.iter().filter(|stored| !Arc::ptr_eq(stored, old));
            let is_there = others().count() < there.len();
            if let (true, Some(disk)) = (is_there, &self.disk) {
                disk.forget_if_other(key, &old.selecting, &new.selecting);
                disk.put(key, new);
            }
            is_there.then(|| std::iter::once(new).chain(others()).cloned().collect())
        });
    }

    /// Purges this one response: it is not to be served any more, whatever the log says.
    pub(crate) fn remove_one(&self, key: &CacheKey, old: &Arc<Stored>) {
        self.change(key, |there| {
            let left: Vec<_> = there.iter().filter(|stored| !Arc::ptr_eq(stored, old)).cloned().collect();
            // Also when it has just been evicted; not when another one has its place.
            if let Some(disk) = &self.disk
                && left.iter().all(|stored| stored.selecting != old.selecting)
            {
                disk.forget(key, Some(Variant::of(&old.selecting)));
            }
            (left.len() < there.len()).then_some(left)
        });
    }

    /// Purges this one response, which an invalidation has taken away or whose tenant is gone; whether it was there.
    pub(crate) fn remove_dead(&self, key: &CacheKey, old: &Arc<Stored>) -> bool {
        let mut was_there = false;
        self.change(key, |there| {
            let left: Vec<_> = there.iter().filter(|stored| !Arc::ptr_eq(stored, old)).cloned().collect();
            was_there = left.len() < there.len();
            self.forget_dead(old);
            was_there.then_some(left)
        });
        was_there
    }

    /// An invalidation has taken this response away: it is not to be found on the disk any more.
    pub(crate) fn forget_dead(&self, old: &Stored) {
        if let Some(disk) = self.disk_of(old) {
            disk.forget_dead(old);
        }
    }

    /// A response is known to be valid up to where it says.
    pub(crate) fn note_valid(&self, stored: &Stored) {
        if let Some(disk) = self.disk_of(stored) {
            disk.note_valid(stored);
        }
    }

    /// Purges what is stored under this key.
    pub(crate) fn remove(&self, key: &CacheKey) {
        self.change(key, |_| {
            if let Some(disk) = &self.disk {
                disk.forget(key, None);
            }
            Some(Vec::new())
        });
    }

    /// Takes what is stored under this key out of memory.
    pub(crate) fn evict(&self, key: &CacheKey) {
        self.change(key, |_| Some(Vec::new()));
    }

    /// Bytes that bodies on their way in may still take.
    pub(crate) fn room(&self) -> &AtomicUsize {
        &self.room
    }

    /// What lies on a disk beside.
    pub(crate) fn disk(&self) -> Option<&Arc<Tier>> {
        self.disk.as_ref()
    }

    /// The disk, if such a response can lie there: what is not complete is in memory only.
    fn disk_of(&self, stored: &Stored) -> Option<&Arc<Tier>> {
        self.disk.as_ref().filter(|_| stored.segments().is_none())
    }

    /// A variant of what is stored under this key, if it is in memory; nobody has asked for it.
    pub(crate) fn in_memory(&self, key: &CacheKey, variant: Variant) -> Option<Arc<Stored>> {
        let variants = self.responses.peek(key)?;
        let mut there = variants.as_slice().iter();
        there.find(|stored| Variant::of(&stored.selecting) == variant).cloned()
    }

    /// The account of a tenant.
    pub(crate) fn account(&self, tenant: &TenantId) -> Arc<TenantAccount> {
        self.accounts.of(tenant)
    }

    /// Forgets the accounts of tenants that are gone, unless something of theirs is still stored.
    pub(crate) fn close_accounts(&self, is_gone: impl Fn(&TenantId) -> bool) {
        self.accounts.close(is_gone);
    }

    /// What each tenant has, in no order.
    pub(crate) fn usage(&self) -> Vec<TenantUsage> {
        self.usage_and_counts().0
    }

    /// The same, and what was counted of all tenants since the edge started, of those that are gone as well.
    pub(crate) fn usage_and_counts(&self) -> (Vec<TenantUsage>, Counts) {
        let (accounts, mut counts) = self.accounts.with_closed();
        let usage = accounts.iter().map(|account| {
            let mut usage = account.usage();
            let on_disk = self.disk.as_ref().and_then(|disk| disk.of_tenant(account.tenant()));
            if let Some(on_disk) = on_disk {
                (usage.disk_responses, usage.disk_bytes) = (on_disk.responses(), on_disk.bytes());
            }
            counts.add(&usage);
            usage
        });
        let usage = usage.collect();
        (usage, counts)
    }

    /// How many bytes all that is stored takes.
    pub(crate) fn bytes(&self) -> u64 {
        self.responses.weight()
    }

    /// Puts what `change` makes of what is stored under a key in its place: nothing new if it makes nothing of it, and
    /// nothing at all where nothing is left. Says whether the key was not there before.
    pub(super) fn change(
        &self,
        key: &CacheKey,
        change: impl FnOnce(&[Arc<Stored>]) -> Option<Vec<Arc<Stored>>>,
    ) -> bool {
        let writing = self.writing(key);
        let before = self.responses.peek(key);
        let there = before.as_ref().map_or(&[][..], Variants::as_slice);
        let Some(after) = change(there) else { return false };
        if after.is_empty() {
            // Unless it has just been evicted: then it is off the accounts.
            let removed = self.responses.remove(key);
            removed.iter().flat_map(|(_, gone)| gone.as_slice()).for_each(|gone| gone.account().left(gone));
            return false;
        }
        let mut leavers: Vec<(CacheKey, Variants)> = Vec::new();
        // Before it is there: whoever evicts it takes it off the account again.
        after.iter().for_each(|stored| stored.account().entered(stored));
        self.responses.insert_with_lifecycle(key.clone(), Variants::new(after), &mut leavers);
        drop(writing);
        for (gone_key, gone) in leavers {
            // What was under this key has been replaced, and not evicted; what is new may have found no room.
            let is_replaced = gone_key == *key && before.as_ref().is_some_and(|it| it.is(&gone));
            for stored in gone.as_slice() {
                stored.account().left(stored);
                if !is_replaced {
                    stored.account().evicted();
                }
            }
        }
        before.is_none()
    }

    /// Makes room among a tenant's own until it has no more than its share.
    pub(super) fn keep_to_share(&self, account: &TenantAccount, new: Option<CacheKey>) {
        if self.share_bytes == u64::MAX {
            return;
        }
        if let Some(key) = new {
            account.queue(key, |key| self.responses.contains_key(key));
        }
        for turn in 0..TURNS_MAX {
            if account.bytes() <= self.share_bytes {
                return;
            }
            let Some(key) = account.next_in_queue() else { return };
            let Some(variants) = self.responses.peek(&key) else { continue };
            // Where everything is in use some of it goes all the same.
            let is_spared =
                turn < TURNS_MAX / 2 && variants.as_slice().iter().any(|stored| stored.was_used());
            if is_spared {
                account.queue(key, |_| true);
            } else {
                self.evict(&key);
                variants.as_slice().iter().for_each(|stored| stored.account().evicted());
            }
        }
    }

    fn writing(&self, key: &CacheKey) -> MutexGuard<'_, ()> {
        let writer = self.hasher.hash_one(key) as usize % self.writers.len();
        self.writers[writer].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which of two stamps is the newer one.
pub(super) fn order(stamp: Stamp) -> (Era, Position) {
    (stamp.era, stamp.position)
}

/// Sums up what was weighed when it was made.
#[derive(Clone, Debug)]
struct Weigher;

impl Weighter<CacheKey, Variants> for Weigher {
    fn weight(&self, _: &CacheKey, variants: &Variants) -> u64 {
        variants.as_slice().iter().map(|stored| stored.weight()).sum()
    }
}

/// Hands what leaves the map to whoever changed it: it is taken off the accounts, and freed, outside the map's locks.
#[derive(Clone, Debug)]
struct Leavers;

impl Lifecycle<CacheKey, Variants> for Leavers {
    type RequestState = Vec<(CacheKey, Variants)>;

    fn on_evict(&self, leavers: &mut Self::RequestState, key: CacheKey, variants: Variants) {
        leavers.push((key, variants));
    }
}
