//! The disk's side of the store: what lies there, what is to be written, what is read.
//!
//! The store tells it of every change to what is stored under a key, while it holds that key's lock; so the index agrees with
//! memory at every moment, and what has been taken out of memory is never read back. Writing comes after, on a
//! thread of its own, which nobody waits for: what finds no room in its queue is not written.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;

use arc_swap::ArcSwapOption;

use recant_core::cache_key::CacheKey;
use recant_core::entry::HistoryId;
use recant_core::id::TenantId;
use recant_core::limits::{DISK_BYTES_WAITING_MAX, DISK_REMOVALS_WAITING_MAX};
use recant_core::position::{Era, Position, Stamp};
use recant_core::vary::Selecting;

use super::folder::Folder;
use super::index::{At, Entry, Index};
use super::record::{Head, Prefix, ResponseHead, Variant};
use super::segment::{Medium, Place, Segment};
use super::tenants::{OnDisk, Tenants};
use crate::store::Stored;

/// See the module.
#[derive(Debug)]
pub(crate) struct Tier {
    pub(super) folder: Arc<Folder>,
    pub(super) medium: Box<dyn Medium>,
    pub(super) bytes_max: u64,
    pub(super) index: Index,
    pub(super) tenants: Tenants,
    /// By their numbers. Locked to look one up, to add or to drop one.
    pub(super) segments: RwLock<HashMap<u32, Arc<Segment>>>,
    /// What is written now; nothing between two histories.
    pub(super) current: ArcSwapOption<Current>,
    /// What earlier processes have left is in the index.
    pub(super) is_ready: AtomicBool,
    pub(super) counts: Counts,
    hasher: RandomState,
    ways: AtomicU32,
    work: Sender<Work>,
    /// Locked to start the thread, and to wait for its end.
    thread: Mutex<Started>,
}

/// The history that is followed, and this process's name for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Current {
    pub(super) era: Era,
    pub(super) history: HistoryId,
}

#[derive(Debug)]
enum Started {
    Not(Receiver<Work>),
    Yes(JoinHandle<()>),
    Over,
}

/// What the writing thread has to do.
#[derive(Debug)]
pub(super) enum Work {
    Response {
        hash: u64,
        way: u32,
        stored: Arc<Stored>,
    },
    Removal {
        key: CacheKey,
        variant: Option<Variant>,
    },
    /// Everything that lies there is of no use any more.
    Clear,
    End,
}

/// What has happened, for whoever wants to know.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(super) waiting: AtomicUsize,
    pub(super) waiting_bytes: AtomicUsize,
    pub(super) waiting_removals: AtomicUsize,
    pub(super) bytes: AtomicU64,
    pub(super) written: AtomicU64,
    pub(super) unwritten: AtomicU64,
    pub(super) read: AtomicU64,
    pub(super) damaged: AtomicU64,
    pub(super) restored: AtomicU64,
}

/// What a disk tier has and did since the edge started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DiskUsage {
    /// Whether what earlier processes have left can be found.
    pub is_ready: bool,
    /// Stored responses on the disk, those in memory as well among them.
    pub stored_responses: u64,
    /// Bytes of all segments.
    pub bytes: u64,
    /// Stored responses of earlier processes that were found to be of use.
    pub restored: u64,
    /// What waits to be written.
    pub waiting: u64,
    /// Stored responses written.
    pub written: u64,
    /// Stored responses that were not written: the disk failed, or did not keep up.
    pub unwritten: u64,
    /// Stored responses read.
    pub read: u64,
    /// Stored responses that were damaged, or could not be read.
    pub damaged: u64,
    /// Up to where the journal is written: another process would go on from there.
    pub journal_position: Position,
}

/// Something that may answer a request, and has to be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    pub(super) entry: Entry,
    pub(super) place: Place,
    era: Era,
}

/// What has been read.
#[derive(Debug)]
pub(crate) struct Recalled {
    pub(crate) head: Box<RecalledHead>,
    pub(crate) body: Vec<u8>,
}

/// A stored response, but for its body and for what belongs to this process.
#[derive(Debug)]
pub(crate) struct RecalledHead {
    pub(super) head: ResponseHead,
    pub(crate) stamp: Stamp,
    pub(crate) valid_up_to: Position,
}

impl Tier {
    pub(super) fn new(folder: Arc<Folder>, medium: Box<dyn Medium>, bytes_max: u64) -> Self {
        let (work, inbox) = channel();
        Self {
            folder,
            medium,
            bytes_max,
            index: Index::new(),
            tenants: Tenants::default(),
            segments: RwLock::default(),
            current: ArcSwapOption::empty(),
            is_ready: AtomicBool::new(false),
            counts: Counts::default(),
            hasher: RandomState::new(),
            ways: AtomicU32::new(0),
            work,
            thread: Mutex::new(Started::Not(inbox)),
        }
    }

    /// Starts the thread that writes.
    pub(super) fn start(&self, run: impl FnOnce(Receiver<Work>) + Send + 'static) {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Started::Not(inbox) = std::mem::replace(&mut *thread, Started::Over) {
            let started = std::thread::Builder::new().name("disk".into()).spawn(move || run(inbox));
            match started {
                Ok(started) => *thread = Started::Yes(started),
                Err(error) => tracing::warn!(%error, "nothing is stored on the disk"),
            }
        }
    }

    /// Waits until what has been handed over is written.
    pub(super) fn close(&self) {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Started::Yes(thread) = std::mem::replace(&mut *thread, Started::Over) {
            // A thread that has ended needs no end, and has said why.
            let _ = self.work.send(Work::End);
            let _ = thread.join();
        }
    }

    /// Lets the thread end when it has done what was handed over.
    pub(super) fn end(&self) {
        self.hand_over(Work::End);
    }

    /// From here on this history is followed: what is stamped in this era belongs to it.
    pub(crate) fn follow(&self, era: Era, history: HistoryId) {
        self.current.store(Some(Arc::new(Current { era, history })));
    }

    /// Another history comes: nothing that is stored is of use any more.
    pub(crate) fn forget_everything(&self) {
        // First, so that nothing of the old one is put in after this.
        self.current.store(None);
        self.index.settle();
        for part in self.index.parts() {
            self.note_gone(&self.index.retain(part, |_, _| false));
        }
        self.hand_over(Work::Clear);
    }

    /// A response has been put into the store, under this key's lock.
    pub(crate) fn put(&self, key: &CacheKey, stored: &Arc<Stored>) {
        let (hash, variant) = (self.hash(key), Variant::of(&stored.selecting));
        let way = self.next_way();
        let bytes = stored.body.len();
        let entry = Entry {
            at: At::Way(way),
            stamp: stored.stamp.position,
            valid: stored.valid_up_to().position,
            variant,
            tenant: self.tenants.number_of(stored.tenant()),
            bytes: 0,
        };
        let has_room =
            self.counts.waiting_bytes.fetch_add(bytes, Ordering::Relaxed) <= DISK_BYTES_WAITING_MAX;
        let may = || has_room && self.is_current(stored.stamp.era);
        if let Some(replaced) = self.index.put(hash, entry, may) {
            self.note_gone(&replaced);
            self.tenants.entered(&entry);
            self.hand_over(Work::Response { hash, way, stored: stored.clone() });
        } else {
            self.counts.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.counts.unwritten.fetch_add(1, Ordering::Relaxed);
            // What it takes the place of must not come back.
            self.forget(key, Some(variant));
        }
    }

    /// Whether something of a newer stamp lies there in a response's place: a slow origin request does not undo a fast one.
    pub(crate) fn has_newer(&self, stored: &Stored) -> bool {
        let variant = Variant::of(&stored.selecting);
        let is_newer = |entry: &Entry| {
            entry.variant == variant
                && entry.stamp > stored.stamp.position
                && self.is_current(stored.stamp.era)
        };
        self.index.find(self.hash(stored.key())).iter().any(is_newer)
    }

    /// What was selected by `old` has been replaced by what is selected by `new`.
    pub(crate) fn forget_if_other(&self, key: &CacheKey, old: &Selecting, new: &Selecting) {
        if old != new {
            self.forget(key, Some(Variant::of(old)));
        }
    }

    /// What is stored under this key, or one variant of it, is gone, and is not to come back.
    pub(crate) fn forget(&self, key: &CacheKey, variant: Option<Variant>) {
        let is_it = |entry: &Entry| variant.is_none_or(|variant| variant == entry.variant);
        let gone = self.index.take(self.hash(key), is_it);
        self.note_gone(&gone);
        // While old segments are read nobody knows what they have.
        if gone.is_empty() && self.is_ready.load(Ordering::Acquire) {
            return;
        }
        self.note_removal(key, variant);
    }

    /// Has it written that what was stored under this key before is gone.
    pub(super) fn note_removal(&self, key: &CacheKey, variant: Option<Variant>) {
        if self.counts.waiting_removals.fetch_add(1, Ordering::Relaxed) < DISK_REMOVALS_WAITING_MAX {
            self.hand_over(Work::Removal { key: key.clone(), variant });
        } else {
            // Better nothing than something that ought to be gone.
            self.counts.waiting_removals.fetch_sub(1, Ordering::Relaxed);
            self.forget_everything_written();
        }
    }

    /// Whether positions of this era are those of what lies there. **True under a lock of the index, it is true of all that the lock
    /// guards**: before another era comes, everything is taken out.
    pub(super) fn is_current(&self, era: Era) -> bool {
        self.current.load().as_ref().is_some_and(|current| current.era == era)
    }

    /// An invalidation has taken this response away: it is of no use to anybody any more, in no process.
    pub(crate) fn forget_dead(&self, stored: &Stored) {
        let variant = Variant::of(&stored.selecting);
        let is_it = |entry: &Entry| entry.variant == variant && entry.stamp <= stored.stamp.position;
        self.note_gone(&self.index.take(self.hash(stored.key()), is_it));
    }

    /// A response in memory is known to be valid up to here.
    pub(crate) fn note_valid(&self, stored: &Stored) {
        let (variant, valid) = (Variant::of(&stored.selecting), stored.valid_up_to().position);
        let is_it = |entry: &Entry| {
            // A position of another history says nothing about what lies there now.
            entry.variant == variant
                && entry.stamp == stored.stamp.position
                && self.is_current(stored.stamp.era)
        };
        self.index.change(self.hash(stored.key()), is_it, |entry| entry.valid = entry.valid.max(valid));
    }

    /// What may answer a request for this key, the newest first.
    pub(crate) fn find(&self, key: &CacheKey) -> Vec<Candidate> {
        // Before the index, which is emptied after this has changed.
        let Some(current) = self.current.load_full() else { return Vec::new() };
        if !self.is_ready.load(Ordering::Acquire) {
            return Vec::new();
        }
        let found = self.index.find(self.hash(key));
        let written = found.into_iter().filter_map(|entry| match entry.at {
            At::Place(place) => Some(Candidate { entry, place, era: current.era }),
            At::Way(_) => None,
        });
        written.collect()
    }

    /// Up to where this is known to be valid by now, if it is still what lies there.
    pub(crate) fn has(&self, key: &CacheKey, candidate: &Candidate) -> Option<Position> {
        let found = self.index.find(self.hash(key));
        let it = found.iter().find(|entry| entry.at == At::Place(candidate.place));
        it.map(|entry| entry.valid).filter(|_| self.is_current(candidate.era))
    }

    /// Reads a response, if a request with these fields selects it. What cannot be read, or is another one, is not there any more.
    pub(crate) fn read(
        &self,
        key: &CacheKey,
        candidate: &Candidate,
        is_selected: impl FnOnce(&Selecting) -> bool,
    ) -> Option<Recalled> {
        let read = self.read_if(key, candidate, is_selected);
        match &read {
            Ok(_) => {}
            Err(error) => {
                self.counts.damaged.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(%error, place = ?candidate.place, "a stored response cannot be read from the disk: it is not there any more");
                self.drop_entry(self.hash(key), candidate.place);
            }
        }
        let recalled = read.ok().flatten()?;
        self.counts.read.fetch_add(1, Ordering::Relaxed);
        Some(recalled)
    }

    fn read_if(
        &self,
        key: &CacheKey,
        candidate: &Candidate,
        is_selected: impl FnOnce(&Selecting) -> bool,
    ) -> io::Result<Option<Recalled>> {
        let damaged = || io::Error::from(io::ErrorKind::InvalidData);
        let segment = self.segment(candidate.place.segment).ok_or_else(damaged)?;
        let offset = candidate.place.offset;
        let (prefix, head) = segment.read_head(&*self.medium, offset)?.ok_or_else(damaged)?;
        let Head::Response(head) = head else { return Err(damaged()) };
        // Keys of one hash.
        if head.key != *key || !is_selected(&head.selecting) {
            return Ok(None);
        }
        let body = segment.read_body(&*self.medium, offset, &prefix)?.ok_or_else(damaged)?;
        Ok(Some(Recalled { head: Box::new(candidate.entry.recalled(*head, candidate.era)), body }))
    }

    /// The head of what lies there; nothing where it cannot be read.
    pub(super) fn read_head(&self, place: Place) -> Option<(Prefix, ResponseHead)> {
        let segment = self.segment(place.segment)?;
        match segment.read_head(&*self.medium, place.offset).ok()?? {
            (prefix, Head::Response(head)) => Some((prefix, *head)),
            (_, Head::Removal { .. }) => None,
        }
    }

    /// What lies at this place does not any more, as far as this process is concerned.
    pub(super) fn drop_entry(&self, hash: u64, place: Place) {
        self.note_gone(&self.index.take(hash, |entry| entry.at == At::Place(place)));
    }

    /// Up to where which responses of this history are known to be valid, beyond what their records say, by their segments.
    pub(super) fn known_valid(&self, history: HistoryId) -> BTreeMap<(u32, u64), Vec<(u32, Position)>> {
        let mut known: BTreeMap<(u32, u64), Vec<(u32, Position)>> = BTreeMap::new();
        let births: HashMap<u32, u64> = {
            let segments = self.segments.read().unwrap_or_else(PoisonError::into_inner);
            let of_history = segments.values().filter(|segment| segment.history == history);
            of_history.map(|segment| (segment.number, segment.birth)).collect()
        };
        for part in self.index.parts() {
            self.index.retain(part, |_, entry| {
                if let At::Place(place) = entry.at
                    && entry.valid > entry.stamp
                    && let Some(birth) = births.get(&place.segment)
                {
                    let segment = known.entry((place.segment, *birth)).or_default();
                    segment.push((place.offset, entry.valid));
                }
                true
            });
        }
        known
    }

    /// What there is.
    pub(crate) fn usage(&self) -> DiskUsage {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let Counts { bytes, written, unwritten, read: reads, damaged, restored, .. } = &self.counts;
        DiskUsage {
            is_ready: self.is_ready.load(Ordering::Acquire),
            stored_responses: self.tenants.responses(),
            bytes: read(bytes),
            restored: read(restored),
            waiting: self.counts.waiting.load(Ordering::Acquire) as u64,
            written: read(written),
            unwritten: read(unwritten),
            read: read(reads),
            damaged: read(damaged),
            journal_position: Position::ZERO,
        }
    }

    /// What a tenant has there.
    pub(crate) fn of_tenant(&self, tenant: &TenantId) -> Option<Arc<OnDisk>> {
        self.tenants.find(tenant)
    }

    /// The number of what sets out now.
    pub(super) fn next_way(&self) -> u32 {
        self.ways.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn hash(&self, key: &CacheKey) -> u64 {
        self.hasher.hash_one(key)
    }

    pub(super) fn segment(&self, number: u32) -> Option<Arc<Segment>> {
        self.segments.read().unwrap_or_else(PoisonError::into_inner).get(&number).cloned()
    }

    pub(super) fn note_gone(&self, gone: &[Entry]) {
        gone.iter().for_each(|entry| self.tenants.left(entry));
    }

    /// Everything that has been written is given up.
    fn forget_everything_written(&self) {
        for part in self.index.parts() {
            self.note_gone(&self.index.retain(part, |_, entry| matches!(entry.at, At::Way(_))));
        }
        self.hand_over(Work::Clear);
    }

    fn hand_over(&self, work: Work) {
        self.counts.waiting.fetch_add(1, Ordering::Relaxed);
        // A thread that has ended has said why.
        let _ = self.work.send(work);
    }
}

impl Candidate {
    /// How many bytes are to be read.
    pub(crate) fn bytes(&self) -> usize {
        self.entry.bytes as usize
    }
}

impl Entry {
    fn recalled(&self, head: ResponseHead, era: Era) -> RecalledHead {
        // Of an earlier process it is no later than what that process had kept of the log.
        let stamp = Stamp { era, position: self.stamp };
        RecalledHead { head, stamp, valid_up_to: self.valid }
    }
}

impl RecalledHead {
    /// When its head came from the origin.
    pub(crate) fn response_time(&self) -> recant_core::time::WallTime {
        self.head.response_time
    }

    /// What it was made of.
    pub(crate) fn facts(self) -> crate::store::Facts {
        let Self { head, stamp, .. } = self;
        let tenant = std::str::from_utf8(head.key.tenant()).ok().and_then(|text| TenantId::parse(text).ok());
        crate::store::Facts {
            tenant: tenant.expect("a key begins with its tenant's id"),
            stamp,
            uris: head.key.uris(),
            tags: head.tags,
            status: head.status,
            headers: head.fields.to_map(),
            terms: head.terms,
            response_time: head.response_time,
            selecting: head.selecting,
            is_coded_here: head.is_coded_here,
        }
    }
}
