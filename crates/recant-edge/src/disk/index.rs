//! Where on the disk what lies, in memory: 75 to 115 bytes a response, its key not among them.
//!
//! A key's hash leads to its entries, one for each variant, the newest first. An entry is made when a response is put into the
//! store, before it is written; so whatever takes a response out finds its entry, wherever it is on its way.

use std::collections::hash_map::Entry as Slot;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

use recant_core::limits::VARIANTS_PER_KEY_MAX;
use recant_core::position::Position;

use super::record::Variant;
use super::segment::Place;

const SHARDS: usize = 64;

/// See the module.
#[derive(Debug)]
pub(super) struct Index {
    /// Each locked for one look or one change at a time.
    shards: Box<[Mutex<Shard>]>,
}

#[derive(Debug, Default)]
struct Shard {
    entries: HashMap<u64, Entries, BuildHasherDefault<AsItIs>>,
    /// While old segments are read: keys that something has happened to since, and that therefore say nothing about any more.
    touched: Option<HashSet<u64>>,
}

/// What lies under one key, the newest first; never empty.
#[derive(Debug)]
enum Entries {
    /// As nearly always.
    One(Entry),
    Several(Vec<Entry>),
}

/// One response.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) at: At,
    pub(super) stamp: Position,
    /// Up to where no rule matches, as far as was looked; at least its stamp.
    pub(super) valid: Position,
    pub(super) variant: Variant,
    pub(super) tenant: u32,
    /// Bytes of the record.
    pub(super) bytes: u32,
}

/// Where a response is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// On its way, as number so many.
    Way(u32),
    Place(Place),
}

/// A number that is a hash already.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("only whole numbers are hashed here")
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

impl Index {
    /// An empty one; what happens to keys is noted until [`Index::settle`].
    pub(super) fn new() -> Self {
        let shard = || Mutex::new(Shard { touched: Some(HashSet::new()), ..Shard::default() });
        Self { shards: std::iter::repeat_with(shard).take(SHARDS).collect() }
    }

    /// What lies under a key, the newest first.
    pub(super) fn find(&self, hash: u64) -> Vec<Entry> {
        self.shard(hash).entries.get(&hash).map_or_else(Vec::new, |entries| entries.as_slice().to_vec())
    }

    /// Puts a response first under its key, in the place of the variant that it is, if it may be there even now; says what it
    /// replaces.
    pub(super) fn put(&self, hash: u64, new: Entry, may: impl FnOnce() -> bool) -> Option<Vec<Entry>> {
        let mut shard = self.shard(hash);
        shard.touch(hash);
        may().then(|| shard.put(hash, new))
    }

    /// The same for what an earlier process has written, unless something has happened to the key since.
    pub(super) fn put_old(&self, hash: u64, old: Entry) -> Result<Vec<Entry>, Touched> {
        let mut shard = self.shard(hash);
        if shard.is_touched(hash) { Err(Touched) } else { Ok(shard.put(hash, old)) }
    }

    /// Takes out what this is true of; says what that was.
    pub(super) fn take(&self, hash: u64, is_it: impl FnMut(&Entry) -> bool) -> Vec<Entry> {
        let mut shard = self.shard(hash);
        shard.touch(hash);
        shard.take(hash, is_it)
    }

    /// The same for what an earlier process has noted.
    pub(super) fn take_old(&self, hash: u64, is_it: impl FnMut(&Entry) -> bool) -> Vec<Entry> {
        let mut shard = self.shard(hash);
        if shard.is_touched(hash) { Vec::new() } else { shard.take(hash, is_it) }
    }

    /// Changes the entry that this is true of, if it is still there.
    pub(super) fn change(
        &self,
        hash: u64,
        is_it: impl Fn(&Entry) -> bool,
        change: impl FnOnce(&mut Entry),
    ) -> bool {
        let mut shard = self.shard(hash);
        let entries = shard.entries.get_mut(&hash);
        let entry = entries.and_then(|entries| entries.as_mut_slice().iter_mut().find(|entry| is_it(entry)));
        entry.map(change).is_some()
    }

    /// Goes through a part of the entries, of [`Index::parts`]; those that this is not true of go. Says what has gone.
    pub(super) fn retain(&self, part: usize, mut keep: impl FnMut(u64, &mut Entry) -> bool) -> Vec<Entry> {
        let mut gone = Vec::new();
        let mut shard = self.shards[part].lock().unwrap_or_else(PoisonError::into_inner);
        shard.entries.retain(|hash, entries| {
            let mut kept: Vec<Entry> = Vec::new();
            for entry in entries.as_mut_slice() {
                if keep(*hash, entry) { kept.push(*entry) } else { gone.push(*entry) }
            }
            if kept.len() == entries.as_slice().len() {
                return true;
            }
            Entries::of(kept).map(|kept| *entries = kept).is_some()
        });
        gone
    }

    pub(super) fn parts(&self) -> std::ops::Range<usize> {
        0..self.shards.len()
    }

    /// From now on nothing old is put in.
    pub(super) fn settle(&self) {
        for shard in &self.shards {
            shard.lock().unwrap_or_else(PoisonError::into_inner).touched = None;
        }
    }

    fn shard(&self, hash: u64) -> MutexGuard<'_, Shard> {
        // The map uses the lowest bits and the highest.
        self.shards[(hash >> 40) as usize % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Something has happened to the key since.
#[derive(Clone, Copy, Debug)]
pub(super) struct Touched;

impl Shard {
    fn touch(&mut self, hash: u64) {
        if let Some(touched) = &mut self.touched {
            touched.insert(hash);
        }
    }

    fn is_touched(&self, hash: u64) -> bool {
        self.touched.as_ref().is_none_or(|touched| touched.contains(&hash))
    }

    fn put(&mut self, hash: u64, new: Entry) -> Vec<Entry> {
        let mut replaced = self.take(hash, |entry| entry.variant == new.variant);
        match self.entries.entry(hash) {
            Slot::Vacant(slot) => drop(slot.insert(Entries::One(new))),
            Slot::Occupied(mut slot) => {
                let mut entries = vec![new];
                entries.extend_from_slice(slot.get().as_slice());
                // As in memory: the oldest go, or whoever varies what selects would have everybody else look through it.
                replaced.extend(entries.drain(entries.len().min(VARIANTS_PER_KEY_MAX)..));
                slot.insert(Entries::Several(entries));
            }
        }
        replaced
    }

    fn take(&mut self, hash: u64, mut is_it: impl FnMut(&Entry) -> bool) -> Vec<Entry> {
        let Slot::Occupied(mut slot) = self.entries.entry(hash) else { return Vec::new() };
        let (taken, left): (Vec<_>, Vec<_>) = slot.get().as_slice().iter().partition(|entry| is_it(entry));
        if !taken.is_empty() {
            match Entries::of(left) {
                Some(left) => drop(slot.insert(left)),
                None => drop(slot.remove()),
            }
        }
        taken
    }
}

impl Entries {
    fn of(entries: Vec<Entry>) -> Option<Self> {
        match entries[..] {
            [] => None,
            [one] => Some(Self::One(one)),
            _ => Some(Self::Several(entries)),
        }
    }

    fn as_slice(&self) -> &[Entry] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Several(several) => several,
        }
    }

    fn as_mut_slice(&mut self) -> &mut [Entry] {
        match self {
            Self::One(one) => std::slice::from_mut(one),
            Self::Several(several) => several,
        }
    }
}

#[cfg(test)]
mod tests {
    use recant_core::vary::Selecting;

    use super::*;

    fn entry(variant: u64) -> Entry {
        let selecting = Selecting::from_bytes(format!("x:{variant}\n").as_bytes()).expect("a field");
        let (stamp, valid) = (Position::new(variant), Position::new(variant));
        let variant = Variant::of(&selecting);
        Entry { at: At::Way(0), stamp, valid, variant, tenant: 0, bytes: 0 }
    }

    #[test]
    fn the_variants_of_a_key_are_bounded_and_the_oldest_go() {
        let (index, most) = (Index::new(), VARIANTS_PER_KEY_MAX as u64);
        for variant in 0..most {
            assert!(index.put(1, entry(variant), || true).is_some_and(|replaced| replaced.is_empty()));
        }
        let gone = index.put(1, entry(most), || true).expect("it may");
        assert_eq!(gone.iter().map(|entry| entry.stamp.get()).collect::<Vec<_>>(), [0]);
        let stamps: Vec<_> = index.find(1).iter().map(|entry| entry.stamp.get()).collect();
        assert!(stamps.len() as u64 == most && stamps.is_sorted_by(|newer, older| newer > older));
        // In the place of its predecessor, at the front.
        let gone = index.put(1, entry(5), || true).expect("it may");
        assert_eq!((gone.len(), index.find(1)[0].stamp.get()), (1, 5));
        assert!(index.put(1, entry(9), || false).is_none());
    }

    #[test]
    fn what_has_happened_since_is_not_undone_by_what_is_old() {
        let index = Index::new();
        index.put(1, entry(1), || true);
        index.take(2, |_| true);
        assert!(index.put_old(1, entry(2)).is_err() && index.put_old(2, entry(2)).is_err());
        assert!(index.put_old(3, entry(3)).is_ok() && index.take_old(1, |_| true).is_empty());
        index.settle();
        assert!(index.put_old(4, entry(4)).is_err(), "nothing is old any more");
        assert_eq!((index.find(1).len(), index.find(2).len(), index.find(3).len()), (1, 0, 1));
    }

    #[test]
    fn an_entry_is_small() {
        assert!(size_of::<(u64, Entries)>() <= 48, "{}", size_of::<(u64, Entries)>());
    }
}
