//! The thread that writes segments, and deletes the oldest for want of space.
//!
//! Several responses go with one write. A write that fails is cut off again, the segment is closed, and for a while nothing is
//! written: the edge does with its memory. It is said once, and tried again. Where the disk is full the oldest segment goes first.

use std::fs;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, PoisonError, Weak};
use std::time::{Duration, Instant};

use bytes::BytesMut;

use recant_core::cache_key::CacheKey;
use recant_core::limits::{
    DISK_REMOVALS_WAITING_MAX, DISK_RESPONSES_MAX, DISK_SEGMENT_BYTES_MAX, DISK_SEGMENT_BYTES_MIN,
    DISK_SEGMENTS_MAX,
};

use recant_core::position::Era;

use super::index::At;
use super::rebuild::Found;
use super::record::{self, Head, Variant};
use super::segment::{HEADER_BYTES, Place, Segment};
use super::tier::{Current, Tier, Work};
use crate::store::{Store, Stored};

/// Bytes that go with one write, when more is waiting.
const WRITTEN_AT_ONCE: usize = 512 * 1024;

/// Segments that the disk's bytes are divided into, if they are not too short or too long then.
const SEGMENTS: u64 = 32;

pub(super) struct Writer {
    tier: Arc<Tier>,
    /// Who knows what is asked for.
    store: Weak<Store>,
    open: Option<Open>,
    next_number: u32,
    /// Bytes of each segment but the open one, the oldest first.
    closed: Vec<(u32, u64)>,
    segment_bytes: u64,
    /// What was stored under these keys is gone, and it has not been written that it is.
    lost: Vec<(CacheKey, Option<Variant>)>,
    /// What is in memory, and whose segment goes: it is written again.
    spared: Vec<Spared>,
    /// When a write failed last.
    failed: Option<Instant>,
    retry: Duration,
}

struct Spared {
    hash: u64,
    way: u32,
    stored: Arc<Stored>,
}

/// The segment that is being written, and what goes into it next.
struct Open {
    segment: Arc<Segment>,
    era: Era,
    /// Where that goes.
    at: u32,
    bytes: BytesMut,
    responses: Vec<Due>,
    removals: Vec<(CacheKey, Option<Variant>)>,
}

/// A response that is about to be written.
struct Due {
    hash: u64,
    way: u32,
    place: Place,
    bytes: u32,
    key: CacheKey,
    variant: Variant,
}

impl Writer {
    /// Goes on after these segments, each with its bytes, the oldest first.
    pub(super) fn new(tier: Arc<Tier>, store: &Arc<Store>, found: Found, retry: Duration) -> Self {
        let segment_bytes = tier.bytes_max / SEGMENTS;
        let segment_bytes = segment_bytes.clamp(DISK_SEGMENT_BYTES_MIN, DISK_SEGMENT_BYTES_MAX);
        let this = Self {
            tier,
            store: Arc::downgrade(store),
            open: None,
            next_number: found.next_number,
            closed: found.segments,
            segment_bytes,
            lost: Vec::new(),
            spared: Vec::new(),
            failed: None,
            retry,
        };
        this.count_bytes();
        this
    }

    pub(super) fn run(mut self, inbox: &Receiver<Work>) {
        while let Ok(work) = inbox.recv() {
            let (mut next, mut done) = (Some(work), 0);
            while let Some(work) = next {
                done += 1;
                match work {
                    Work::Response { hash, way, stored } => self.response(hash, way, &stored),
                    Work::Removal { key, variant } => {
                        self.tier.counts.waiting_removals.fetch_sub(1, Ordering::Relaxed);
                        self.removal(key, variant);
                    }
                    Work::Clear => self.clear(),
                    Work::End => {
                        self.flush();
                        return;
                    }
                }
                next = inbox.try_recv().ok();
            }
            self.flush();
            self.tier.counts.waiting.fetch_sub(done, Ordering::Release);
        }
    }

    fn response(&mut self, hash: u64, way: u32, stored: &Arc<Stored>) {
        let Tier { counts, index, .. } = &*self.tier;
        counts.waiting_bytes.fetch_sub(stored.body.len(), Ordering::Relaxed);
        let is_wanted = index.find(hash).iter().any(|entry| entry.at == At::Way(way));
        if !is_wanted {
            return;
        }
        let (key, variant) = (stored.key().clone(), Variant::of(&stored.selecting));
        let era = stored.stamp.era;
        let put =
            self.append(Some(era), |out, segment, at| record::put_response(out, segment.seat(at), stored));
        match put {
            Some((open, place, bytes)) => {
                open.responses.push(Due { hash, way, place, bytes, key, variant });
            }
            None => self.give_up(hash, way, key, variant),
        }
    }

    fn removal(&mut self, key: CacheKey, variant: Option<Variant>) {
        let put =
            self.append(None, |out, segment, at| record::put_removal(out, segment.seat(at), &key, variant));
        match put {
            Some((open, ..)) => open.removals.push((key, variant)),
            None => self.note_lost(key, variant),
        }
    }

    /// Puts a record at the end of what is to be written; nothing where that cannot be, now or ever. What is of one era does not
    /// go among what is of another.
    fn append(
        &mut self,
        era: Option<Era>,
        put: impl Fn(&mut BytesMut, &Segment, u32) -> Option<()>,
    ) -> Option<(&mut Open, Place, u32)> {
        for _ in 0..2 {
            self.keep_open()?;
            let open = self.open.as_mut()?;
            if era.is_some_and(|era| era != open.era) {
                return None;
            }
            let before = open.bytes.len();
            let offset = open.at + u32::try_from(before).ok()?;
            put(&mut open.bytes, &open.segment, offset)?;
            if u64::from(open.at) + open.bytes.len() as u64 <= self.segment_bytes {
                let bytes = u32::try_from(open.bytes.len() - before).ok()?;
                let is_much = open.bytes.len() >= WRITTEN_AT_ONCE;
                let place = Place { segment: open.segment.number, offset };
                if is_much {
                    // What has just been put in goes with the next write.
                    let last = open.bytes.split_off(before);
                    self.flush();
                    let open = self.open.as_mut()?;
                    debug_assert_eq!(open.at, offset, "all before it is written");
                    open.bytes = last;
                }
                return Some((self.open.as_mut()?, place, bytes));
            }
            // It does not fit into this one; into an empty one it does, or it is too long.
            open.bytes.truncate(before);
            if offset as usize == HEADER_BYTES {
                return None;
            }
            self.flush();
            self.close();
        }
        None
    }

    /// Sees to it that a segment of the history that is followed is open.
    fn keep_open(&mut self) -> Option<()> {
        if self.failed.is_some_and(|failed| failed.elapsed() < self.retry) {
            return None;
        }
        let Current { era, history } = **self.tier.current.load().as_ref()?;
        if self.open.as_ref().is_some_and(|open| open.era != era) {
            self.flush();
            self.close();
        }
        if self.open.is_none() {
            self.make_room(self.segment_bytes);
            let number = self.next_number;
            let path = self.tier.folder.segment(number);
            let created = Segment::create(&*self.tier.medium, &path, number, history);
            let segment = Arc::new(self.done(created)?);
            self.next_number = number.checked_add(1)?;
            let mut segments = self.tier.segments.write().unwrap_or_else(PoisonError::into_inner);
            segments.insert(number, segment.clone());
            drop(segments);
            let at = u32::try_from(HEADER_BYTES).expect("a header is short");
            let (bytes, responses, removals) = Default::default();
            self.open = Some(Open { segment, era, at, bytes, responses, removals });
            for (key, variant) in std::mem::take(&mut self.lost) {
                self.removal(key, variant);
            }
            for Spared { hash, way, stored } in std::mem::take(&mut self.spared) {
                self.response(hash, way, &stored);
            }
        }
        Some(())
    }

    /// Writes what has been put together.
    fn flush(&mut self) {
        let Some(open) = &mut self.open else { return };
        if open.bytes.is_empty() {
            return;
        }
        let bytes = open.bytes.split();
        let (responses, removals) = (std::mem::take(&mut open.responses), std::mem::take(&mut open.removals));
        let (segment, at) = (open.segment.clone(), open.at);
        let written = segment.append(&*self.tier.medium, &bytes, at);
        if self.done(written).is_some() {
            if let Some(open) = &mut self.open {
                open.at += u32::try_from(bytes.len()).expect("a segment is shorter than 4 GiB");
            }
            responses.iter().for_each(|due| self.tier.is_written(due.hash, due.way, due.place, due.bytes));
            self.count_bytes();
            self.keep_within_limits();
            return;
        }
        if let Err(error) = segment.cut(at) {
            // Whoever reads it finds that it is not whole.
            tracing::debug!(%error, "what was written in part cannot be cut off");
        }
        self.close();
        for Due { hash, way, key, variant, .. } in responses {
            self.give_up(hash, way, key, variant);
        }
        removals.into_iter().for_each(|(key, variant)| self.note_lost(key, variant));
    }

    /// A response is not written; what it took the place of must not come back.
    fn give_up(&mut self, hash: u64, way: u32, key: CacheKey, variant: Variant) {
        self.tier.counts.unwritten.fetch_add(1, Ordering::Relaxed);
        self.tier.note_gone(&self.tier.index.take(hash, |entry| entry.at == At::Way(way)));
        self.note_lost(key, Some(variant));
    }

    fn note_lost(&mut self, key: CacheKey, variant: Option<Variant>) {
        if self.lost.len() < DISK_REMOVALS_WAITING_MAX {
            self.lost.push((key, variant));
        } else {
            self.clear();
        }
    }

    /// What has been done; where it failed, nothing is written for a while.
    fn done<T>(&mut self, result: io::Result<T>) -> Option<T> {
        match result {
            Ok(done) => {
                if self.failed.take().is_some() {
                    tracing::info!("responses are stored on the disk again");
                }
                Some(done)
            }
            Err(error) => {
                if self.failed.replace(Instant::now()).is_none() {
                    tracing::warn!(%error, "responses cannot be stored on the disk; the edge does with its memory, and tries again");
                }
                if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
                    self.drop_oldest();
                }
                None
            }
        }
    }

    fn close(&mut self) {
        if let Some(open) = self.open.take() {
            self.closed.push((open.segment.number, u64::from(open.at)));
        }
    }

    /// Deletes the oldest segments while the index takes too much memory, or there are too many files.
    fn keep_within_limits(&mut self) {
        while self.tier.tenants.responses() > DISK_RESPONSES_MAX {
            if self.closed.is_empty() {
                self.close();
            }
            if self.drop_oldest().is_none() {
                return;
            }
        }
        while self.closed.len() > DISK_SEGMENTS_MAX && self.drop_oldest().is_some() {}
    }

    /// Deletes the oldest segments until so many bytes more are allowed.
    fn make_room(&mut self, bytes: u64) {
        let mut total: u64 = self.closed.iter().map(|(_, bytes)| bytes).sum();
        while total + bytes > self.tier.bytes_max
            && let Some((oldest, _)) = self.closed.first().copied()
        {
            self.spare(oldest);
            total -= self.drop_oldest().unwrap_or(total);
        }
    }

    /// What of this segment is still in memory, so long after it was written, is asked for again and again: it is written once
    /// more, or the next process would have to do without just that. Half a segment at most, so that room is made all the same.
    fn spare(&mut self, number: u32) {
        let (Some(store), Some(segment)) = (self.store.upgrade(), self.tier.segment(number)) else { return };
        let (tier, mut left) = (self.tier.clone(), self.segment_bytes / 2);
        let spared = &mut self.spared;
        let scanned = segment.scan(&*tier.medium, |offset, prefix, head| {
            let Head::Response(head) = head else { return true };
            let (hash, place) = (tier.hash(&head.key), At::Place(Place { segment: number, offset }));
            let Some(stored) = store.in_memory(&head.key, Variant::of(&head.selecting)) else { return true };
            if stored.stamp.position != head.stamp || prefix.record_bytes() > left {
                return true;
            }
            if let Some(way) = tier.sets_out_again(hash, place) {
                tier.counts.waiting_bytes.fetch_add(stored.body.len(), Ordering::Relaxed);
                left -= prefix.record_bytes();
                spared.push(Spared { hash, way, stored });
            }
            true
        });
        if let Err(error) = scanned {
            tracing::debug!(%error, number, "nothing of a segment that goes can be spared");
        }
    }

    /// Deletes the oldest closed segment; says how long it was.
    fn drop_oldest(&mut self) -> Option<u64> {
        if self.closed.is_empty() {
            return None;
        }
        let (number, bytes) = self.closed.remove(0);
        self.drop_segment(number);
        self.count_bytes();
        Some(bytes)
    }

    fn drop_segment(&self, number: u32) {
        let is_in_it = |at: At| matches!(at, At::Place(place) if place.segment == number);
        for part in self.tier.index.parts() {
            self.tier.note_gone(&self.tier.index.retain(part, |_, entry| !is_in_it(entry.at)));
        }
        self.tier.segments.write().unwrap_or_else(PoisonError::into_inner).remove(&number);
        if let Err(error) = fs::remove_file(self.tier.folder.segment(number)) {
            tracing::warn!(%error, number, "a segment cannot be deleted");
        }
    }

    /// Deletes everything.
    fn clear(&mut self) {
        // What waits to be written is as little of use, and its entries go.
        if let Some(open) = &mut self.open {
            open.bytes.clear();
            open.removals.clear();
            for Due { hash, way, .. } in std::mem::take(&mut open.responses) {
                self.tier.note_gone(&self.tier.index.take(hash, |entry| entry.at == At::Way(way)));
            }
        }
        self.close();
        self.lost.clear();
        for Spared { hash, way, stored } in std::mem::take(&mut self.spared) {
            self.tier.counts.waiting_bytes.fetch_sub(stored.body.len(), Ordering::Relaxed);
            self.tier.note_gone(&self.tier.index.take(hash, |entry| entry.at == At::Way(way)));
        }
        for (number, _) in std::mem::take(&mut self.closed) {
            self.drop_segment(number);
        }
        self.count_bytes();
    }

    fn count_bytes(&self) {
        let open = self.open.as_ref().map_or(0, |open| u64::from(open.at));
        let closed: u64 = self.closed.iter().map(|(_, bytes)| bytes).sum();
        self.tier.counts.bytes.store(closed + open, Ordering::Relaxed);
    }
}

impl Tier {
    /// Turns the entry of what lies at this place into that of what is on its way, as number so many.
    fn sets_out_again(&self, hash: u64, place: At) -> Option<u32> {
        let (way, mut left) = (self.next_way(), None);
        self.index.change(
            hash,
            |entry| entry.at == place,
            |entry| {
                left = Some((entry.tenant, entry.bytes));
                (entry.at, entry.bytes) = (At::Way(way), 0);
            },
        );
        let (tenant, bytes) = left?;
        self.tenants.unwritten(tenant, bytes);
        Some(way)
    }

    fn is_written(&self, hash: u64, way: u32, place: Place, bytes: u32) {
        let mut tenant = None;
        self.index.change(
            hash,
            |entry| entry.at == At::Way(way),
            |entry| {
                (entry.at, entry.bytes) = (At::Place(place), bytes);
                tenant = Some(entry.tenant);
            },
        );
        if let Some(tenant) = tenant {
            self.tenants.written(tenant, bytes);
            self.counts.written.fetch_add(1, Ordering::Relaxed);
        }
    }
}
