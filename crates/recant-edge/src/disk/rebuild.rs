//! What earlier processes have left, put into the index.
//!
//! Every head is read, in the order in which it was written: the last word about a key counts. Then it is looked at with the
//! rules as they are by now: what they match is of no use any more, and of what they do not match it is known up to where.
//!
//! Only what belongs to the history that the journal goes on with is looked at, and nothing that claims to be later than the journal's
//! end: which entries that was is not known any more.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use recant_core::limits::DISK_CLOCK_BACK_MAX;
use recant_core::position::{Position, Stamp};
use recant_core::protocol::message::Applied;
use recant_core::time::WallTime;

use super::index::{At, Entry};
use super::journal::KnownValid;
use super::judging::{Judge, Judgement};
use super::record::{Head, Prefix, ResponseHead, Variant};
use super::segment::{Place, Segment};
use super::tier::Tier;
use crate::removals::Removals;
use crate::store::Store;
use crate::world::World;

/// What is needed to judge what is found.
pub(super) struct Rebuild {
    pub(super) tier: Arc<Tier>,
    pub(super) world: Arc<World>,
    pub(super) store: Arc<Store>,
    pub(super) removals: Arc<Removals>,
    /// Where the journal ended; without one nothing that is found is of use.
    pub(super) applied: Option<Applied>,
    /// Up to where what was known to be valid then.
    pub(super) known: KnownValid,
    pub(super) now: WallTime,
}

/// What has been found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The segments that are of use, each with its bytes, the oldest first.
    pub(super) segments: Vec<(u32, u64)>,
    /// The number of the next one.
    pub(super) next_number: u32,
}

impl Rebuild {
    /// Looks through the folder. Afterwards what it has can be found, and nothing else that is old.
    pub(super) fn run(self) -> Found {
        let mut found = Found { next_number: 1, ..Found::default() };
        let mut newest = WallTime::from_millis(i64::MIN);
        let mut numbers = self.tier.folder.segments().unwrap_or_else(|error| {
            tracing::warn!(%error, "the folder for stored responses cannot be read");
            Vec::new()
        });
        numbers.sort_unstable();
        for number in numbers {
            found.next_number = found.next_number.max(number.saturating_add(1));
            match self.look_through(number, &mut newest) {
                Ok(Some(bytes)) => found.segments.push((number, bytes)),
                Ok(None) => self.delete(number),
                Err(error) => {
                    tracing::warn!(%error, number, "a segment cannot be read");
                    self.delete(number);
                }
            }
        }
        let back = newest.saturating_since(self.now);
        if back > DISK_CLOCK_BACK_MAX {
            tracing::warn!(
                ?back,
                "the clock has gone back: how old the responses on the disk are is not known, so they go"
            );
            for (number, _) in std::mem::take(&mut found.segments) {
                self.delete(number);
            }
        }
        self.tier.index.settle();
        let restored = self.tier.tenants.responses();
        self.tier.counts.restored.store(restored, Ordering::Relaxed);
        self.tier.is_ready.store(true, Ordering::Release);
        if restored > 0 {
            tracing::info!(
                restored,
                segments = found.segments.len(),
                "stored responses are found on the disk"
            );
        }
        found
    }

    /// Puts one segment's responses into the index. Says how long it is; nothing when it is of no use.
    fn look_through(&self, number: u32, newest: &mut WallTime) -> io::Result<Option<u64>> {
        let Some(applied) = self.applied else { return Ok(None) };
        let Some(segment) = Segment::open(&*self.tier.medium, &self.tier.folder.segment(number))? else {
            return Ok(None);
        };
        let mut judge = Judge::now(&self.world);
        if segment.number != number || segment.history != applied.history || !self.follows(&judge.looked) {
            return Ok(None);
        }
        let segment = Arc::new(segment);
        let known = self.known.of(number, segment.birth);
        {
            let mut segments = self.tier.segments.write().unwrap_or_else(PoisonError::into_inner);
            segments.insert(number, segment.clone());
        }
        let end = segment.scan(&*self.tier.medium, |offset, prefix, head| {
            match head {
                Head::Removal { key, variant } => {
                    let is_it = |entry: &Entry| variant.is_none_or(|variant| variant == entry.variant);
                    self.tier.note_gone(&self.tier.index.take_old(self.tier.hash(&key), is_it));
                }
                Head::Response(head) => {
                    *newest = head.response_time.max(*newest);
                    let place = Place { segment: number, offset };
                    let valid = known.get(&offset).copied().unwrap_or(Position::ZERO);
                    self.response(&mut judge, applied.position, (place, prefix), &head, valid);
                }
            }
            true
        })?;
        Ok(Some(end))
    }

    fn response(
        &self,
        judge: &mut Judge,
        end: Position,
        (place, prefix): (Place, &Prefix),
        head: &ResponseHead,
        known_valid: Position,
    ) {
        let (hash, variant) = (self.tier.hash(&head.key), Variant::of(&head.selecting));
        // Whatever becomes of this one, what it took the place of is gone.
        self.tier.note_gone(&self.tier.index.take_old(hash, |entry| entry.variant == variant));
        if head.stamp > end {
            self.tier.note_removal(&head.key, Some(variant));
            return;
        }
        let valid = head.stamp.max(known_valid.min(end));
        let (tenant, valid) = match judge.judge(head, valid) {
            Judgement::Valid { tenant } => (tenant, valid.max(judge.looked.position)),
            // What was found to be dead before was counted then.
            Judgement::Dead { tenant, rule } if rule > end => {
                self.removals.found_on_disk(&self.store.account(&tenant), judge.looked.era, rule);
                return;
            }
            Judgement::Dead { .. } | Judgement::Nobodys => return,
        };
        let entry = Entry {
            at: At::Place(place),
            stamp: head.stamp,
            valid,
            variant,
            tenant: self.tier.tenants.number_of(&tenant),
            bytes: u32::try_from(prefix.record_bytes()).unwrap_or(u32::MAX),
        };
        if let Ok(replaced) = self.tier.index.put_old(hash, entry) {
            self.tier.note_gone(&replaced);
            self.tier.tenants.entered(&entry);
        }
    }

    /// Whether it is still the journal's history that is followed.
    fn follows(&self, looked: &Stamp) -> bool {
        let current = self.tier.current.load();
        current.as_ref().is_some_and(|current| {
            current.era == looked.era && Some(current.history) == self.applied.map(|applied| applied.history)
        })
    }

    fn delete(&self, number: u32) {
        for part in self.tier.index.parts() {
            let is_in_it = |at: At| matches!(at, At::Place(place) if place.segment == number);
            self.tier.note_gone(&self.tier.index.retain(part, |_, entry| !is_in_it(entry.at)));
        }
        self.tier.segments.write().unwrap_or_else(PoisonError::into_inner).remove(&number);
        if let Err(error) = fs::remove_file(self.tier.folder.segment(number)) {
            tracing::warn!(%error, number, "a segment cannot be deleted");
        }
    }
}

impl KnownValid {
    fn of(&self, segment: u32, birth: u64) -> HashMap<u32, Position> {
        self.0.get(&(segment, birth)).into_iter().flatten().copied().collect()
    }
}
