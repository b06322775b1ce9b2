//! The bytes that are there of a representation that is not there as a whole: an incomplete response's body (RFC 9111
//! section 3.3).
//!
//! Segments lie in the order of their places, and no two have a byte in common. They are shared buffers: nothing is copied
//! to take a part in or to give a range out. The one exception is a part that overlaps others: what it brings beside them is
//! copied, since a piece of a buffer would keep all of it in memory, and nobody would count it.
//!
//! **Bytes are never mixed where they contradict each other.** Two parts of one version that differ where they overlap show
//! that its validator is not what it says; then nothing says either that the rest belongs together, and what was there goes.

use std::ops::Range;

use bytes::Bytes;

use crate::limits::{SEGMENTS_PER_RESPONSE_MAX, STORED_BODY_BYTES_MAX};
use crate::part::{Part, Version};

/// Bytes that a shared buffer takes beside its own: what counts who holds it, and what the allocator adds.
const SHARED_BYTES: usize = 64;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segments {
    version: Version,
    segments: Vec<Segment>,
    /// How many have come so far.
    came: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Segment {
    start: u64,
    /// Not empty.
    bytes: Bytes,
    /// How many came before: where there is no room, the oldest goes.
    came: u32,
}

impl Segment {
    fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }

    /// Its bytes from one place to another, both of them within it.
    fn slice(&self, from: u64, to: u64) -> Bytes {
        let place = |at: u64| usize::try_from(at - self.start).expect("it lies within bytes in memory");
        self.bytes.slice(place(from)..place(to))
    }
}

impl Segments {
    /// What there is when this is all; nothing if these are not the part's bytes.
    pub fn of(part: &Part, bytes: Bytes) -> Option<Self> {
        let nothing = Self { version: part.version.clone(), segments: Vec::new(), came: 0 };
        nothing.with(part, bytes)
    }

    /// What there is with this part, too; nothing if it is of another version, or shows that it is.
    ///
    /// At most [`SEGMENTS_PER_RESPONSE_MAX`] segments and [`STORED_BODY_BYTES_MAX`] bytes are kept, those that came last.
    #[must_use]
    pub fn with(&self, part: &Part, bytes: Bytes) -> Option<Self> {
        let Range { start, end } = part.range;
        if part.version != self.version || bytes.len() as u64 != end - start {
            return None;
        }
        let new = Segment { start, bytes, came: self.came };
        if !self.within(&part.range).all(|there| is_same(there, &new)) {
            return None;
        }
        let mut with = self.clone();
        // What it has all of goes, so that at most one new piece lies between those that are left.
        with.segments.retain(|there| !(start <= there.start && there.end() <= end));
        let from =
            with.segments.iter().filter(|there| there.start < start).map(Segment::end).fold(start, u64::max);
        let to = with
            .segments
            .iter()
            .filter(|there| there.end() > end)
            .map(|there| there.start)
            .fold(end, u64::min);
        if from < to {
            let is_all = (from, to) == (start, end);
            let bytes = if is_all { new.bytes } else { Bytes::copy_from_slice(&new.slice(from, to)) };
            let at = with.segments.partition_point(|there| there.start < from);
            with.segments.insert(at, Segment { start: from, bytes, came: self.came });
            with.came = self.came.saturating_add(1);
        }
        with.bound();
        Some(with)
    }

    /// What they are of.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// How many bytes the whole has.
    pub fn length(&self) -> u64 {
        self.version.length
    }

    /// How many segments there are.
    pub fn count(&self) -> usize {
        self.segments.len()
    }

    /// How many bytes there are.
    pub fn bytes(&self) -> usize {
        self.segments.iter().map(|there| there.bytes.len()).sum()
    }

    /// About how much memory they take, all in all.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.segments.capacity() * (size_of::<Segment>() + SHARED_BYTES) + self.bytes()
    }

    /// Whether nothing is missing.
    pub fn is_whole(&self) -> bool {
        self.bytes() as u64 == self.length()
    }

    /// These bytes, in their order; nothing if one of them is missing.
    pub fn range(&self, range: &Range<u64>) -> Option<Vec<Bytes>> {
        let mut at = range.start;
        let mut pieces = Vec::new();
        for there in self.within(range) {
            if there.start > at {
                return None;
            }
            let end = there.end().min(range.end);
            pieces.push(there.slice(at, end));
            at = end;
        }
        (at == range.end).then_some(pieces)
    }

    /// Those that have a byte of it.
    fn within(&self, range: &Range<u64>) -> impl Iterator<Item = &Segment> {
        let first = self.segments.partition_point(|there| there.end() <= range.start);
        let end = range.end;
        self.segments[first..].iter().take_while(move |there| there.start < end)
    }

    fn bound(&mut self) {
        while self.count() > SEGMENTS_PER_RESPONSE_MAX || self.bytes() > STORED_BODY_BYTES_MAX {
            let oldest = self.segments.iter().enumerate().min_by_key(|(_, there)| there.came);
            let (at, _) = oldest.expect("no segments are not too many");
            self.segments.remove(at);
        }
    }
}

/// Whether two segments have the same bytes where they overlap, as they do.
fn is_same(one: &Segment, other: &Segment) -> bool {
    let (from, to) = (one.start.max(other.start), one.end().min(other.end()));
    one.slice(from, to) == other.slice(from, to)
}

#[cfg(test)]
mod tests {
    use http::header::{CONTENT_RANGE, ETAG};
    use http::{HeaderMap, HeaderValue};
    use proptest::prelude::*;

    use super::*;

    const WHOLE: &[u8] = b"0123456789abcdefghij";

    fn part(tag: &'static str, range: Range<u64>, length: u64) -> Part {
        let content_range = format!("bytes {}-{}/{length}", range.start, range.end - 1);
        let headers = HeaderMap::from_iter([
            (ETAG, HeaderValue::from_static(tag)),
            (CONTENT_RANGE, content_range.try_into().unwrap()),
        ]);
        Part::of(&headers, None).unwrap()
    }

    fn place(range: &Range<u64>) -> Range<usize> {
        usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()
    }

    fn bytes(range: &Range<u64>) -> Bytes {
        Bytes::copy_from_slice(&WHOLE[place(range)])
    }

    fn of(ranges: &[(u64, u64)]) -> Segments {
        let mut parts = ranges.iter().map(|(start, end)| {
            let range = *start..*end;
            (part("\"a\"", range.clone(), 20), bytes(&range))
        });
        let (first, text) = parts.next().unwrap();
        parts.fold(Segments::of(&first, text).unwrap(), |all, (part, text)| all.with(&part, text).unwrap())
    }

    #[test]
    fn a_range_is_there_or_it_is_not() {
        let check = |ranges: &[(u64, u64)], asked: Range<u64>, pieces: Option<&[&str]>| {
            let got = of(ranges).range(&asked);
            let pieces = pieces.map(|pieces| pieces.iter().map(|it| Bytes::from(it.to_string())).collect());
            assert_eq!(got, pieces, "{ranges:?} {asked:?}");
        };
        check(&[(2, 6)], 2..6, Some(&["2345"]));
        check(&[(2, 6)], 3..5, Some(&["34"]));
        check(&[(2, 6)], 1..3, None);
        check(&[(2, 6)], 5..7, None);
        check(&[(2, 6), (8, 9)], 5..9, None);
        check(&[(2, 6), (8, 9), (6, 8)], 5..9, Some(&["5", "67", "8"]));
        check(&[(6, 8), (2, 6)], 2..8, Some(&["2345", "67"]));
        // What overlaps is there once.
        check(&[(2, 6), (4, 10)], 2..10, Some(&["2345", "6789"]));
        check(&[(4, 10), (2, 6)], 2..10, Some(&["23", "456789"]));
        check(&[(2, 4), (6, 8), (3, 7)], 2..8, Some(&["23", "45", "67"]));
        check(&[(2, 8), (3, 5)], 2..8, Some(&["234567"]));
        check(&[(3, 5), (6, 7), (2, 8)], 2..8, Some(&["234567"]));
    }

    #[test]
    fn what_makes_up_the_whole() {
        assert!(!of(&[(0, 19)]).is_whole() && of(&[(0, 20)]).is_whole());
        let all = of(&[(10, 20), (0, 5), (3, 12)]);
        assert!(all.is_whole());
        assert_eq!((all.count(), all.bytes(), all.length()), (3, 20, 20));
    }

    #[test]
    fn what_is_of_another_version_is_not_put_together() {
        let there = of(&[(2, 6)]);
        assert_eq!(there.with(&part("\"b\"", 8..9, 20), bytes(&(8..9))), None);
        assert_eq!(there.with(&part("\"a\"", 8..9, 21), bytes(&(8..9))), None);
        // A body that is not what its Content-Range says.
        assert_eq!(there.with(&part("\"a\"", 8..9, 20), bytes(&(8..10))), None);
        assert_eq!(Segments::of(&part("\"a\"", 8..9, 20), Bytes::new()), None);
        // The same validator, and other bytes.
        assert_eq!(there.with(&part("\"a\"", 5..8, 20), Bytes::from_static(b"x67")), None);
        assert_eq!(there.with(&part("\"a\"", 0..8, 20), Bytes::from_static(b"01234x67")), None);
        assert!(there.with(&part("\"a\"", 6..8, 20), Bytes::from_static(b"xx")).is_some());
    }

    #[test]
    fn a_piece_of_a_buffer_does_not_keep_it() {
        let there = of(&[(0, 2)]);
        let (overlapping, buffer) = (part("\"a\"", 1..20, 20), bytes(&(1..20)));
        let with = there.with(&overlapping, buffer.clone()).unwrap();
        assert!(buffer.is_unique() && with.bytes() == 20);
        let beside = there.with(&part("\"a\"", 2..20, 20), bytes(&(2..20))).unwrap();
        assert_eq!(beside.bytes(), 20);
    }

    #[test]
    fn the_oldest_go_first() {
        let length = 10 * SEGMENTS_PER_RESPONSE_MAX as u64;
        let single = |n: u64| part("\"a\"", 2 * n..2 * n + 1, length);
        let one = || Bytes::from_static(b"x");
        let last = SEGMENTS_PER_RESPONSE_MAX as u64;
        let first = Segments::of(&single(last), one()).unwrap();
        let all = (0..last).fold(first, |all, n| all.with(&single(n), one()).unwrap());
        assert_eq!((all.count(), all.range(&(2 * last..2 * last + 1))), (SEGMENTS_PER_RESPONSE_MAX, None));
        assert!(all.range(&(0..1)).is_some());

        let (half, length) = (STORED_BODY_BYTES_MAX as u64 / 2, 10 * STORED_BODY_BYTES_MAX as u64);
        let zeros = Bytes::from(vec![0; STORED_BODY_BYTES_MAX / 2]);
        let nth = |n: u64| part("\"a\"", n * half..(n + 1) * half, length);
        let all = Segments::of(&nth(2), zeros.clone()).unwrap();
        let all = [0, 1].iter().fold(all, |all, n| all.with(&nth(*n), zeros.clone()).unwrap());
        assert_eq!(all.bytes(), STORED_BODY_BYTES_MAX);
        assert!(all.range(&(0..2 * half)).is_some() && all.range(&nth(2).range).is_none());
    }

    fn some_range() -> impl Strategy<Value = (u64, u64)> {
        (0..20u64).prop_flat_map(|start| (Just(start), start + 1..=20))
    }

    proptest! {
        #[test]
        fn a_range_is_there_iff_every_byte_of_it_has_come(
            ranges in prop::collection::vec(some_range(), 1..8),
            asked in some_range(),
        ) {
            let (all, asked) = (of(&ranges), asked.0..asked.1);
            let is_there = |at: u64| ranges.iter().any(|(start, end)| (*start..*end).contains(&at));
            let got = all.range(&asked);
            prop_assert_eq!(got.is_some(), asked.clone().all(is_there));
            if let Some(pieces) = got {
                prop_assert_eq!(&pieces.concat()[..], &WHOLE[place(&asked)]);
            }
            prop_assert_eq!(all.bytes() as u64, (0..20).filter(|at| is_there(*at)).count() as u64);
            prop_assert_eq!(all.is_whole(), (0..20).all(is_there));
        }
    }
}
