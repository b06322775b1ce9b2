//! What a disk may do to what lies there, and what comes of it: a miss, and nothing else.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, StatusCode};

use recant_core::batch::Pattern;
use recant_core::cache_key::CacheKey;
use recant_core::entry::{Change, Entry, Hash, HistoryId, Scope};
use recant_core::freshness::{Stale, Terms};
use recant_core::lookup::EdgeView;
use recant_core::tag::CacheTag;
use recant_core::time::{BootTime, WallTime};
use recant_wire::feed::body;
use tempfile::TempDir;

use super::*;
use crate::brought::Brought;
use crate::fetches::Fetches;
use crate::store::{Facts, Stored, fixtures};
use crate::sweep::Sweep;

/// The clock of all that happens here.
const NOW: WallTime = WallTime::from_millis(1_800_000_000_000);

#[derive(Debug)]
struct StandingClock(WallTime);

impl Clock for StandingClock {
    fn boot(&self) -> BootTime {
        BootTime::from_nanos(1)
    }

    fn wall(&self) -> WallTime {
        self.0
    }
}

/// A disk that fails when it is told to.
#[derive(Clone, Debug, Default)]
struct Failing(Arc<Failure>);

#[derive(Debug, Default)]
struct Failure {
    /// Nothing more can be written beyond so many bytes in all; 0: no bound.
    full_at: AtomicU64,
    written: AtomicU64,
    cannot_read: AtomicBool,
}

impl Medium for Failing {
    fn write(&self, file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
        let full_at = self.0.full_at.load(Ordering::SeqCst);
        let written = self.0.written.load(Ordering::SeqCst);
        if full_at > 0 && written + bytes.len() as u64 > full_at {
            // As much as there is room for, as a real one does.
            OwnDisk.write(file, &bytes[..bytes.len() / 2], at)?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0.written.fetch_add(bytes.len() as u64, Ordering::SeqCst);
        OwnDisk.write(file, bytes, at)
    }

    fn read(&self, file: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
        if self.0.cannot_read.load(Ordering::SeqCst) {
            return Err(io::Error::other("an error of the disk"));
        }
        OwnDisk.read(file, bytes, at)
    }
}

/// One process of an edge, without viewers and without a plane.
struct Process {
    world: Arc<World>,
    store: Arc<Store>,
    removals: Arc<Removals>,
    disk: Disk,
    sweep: Sweep,
    applied: Applied,
}

impl Process {
    fn on(dir: &TempDir) -> Self {
        Self::with(dir, Failing::default(), 64 << 20, NOW)
    }

    fn with(dir: &TempDir, medium: Failing, bytes: u64, now: WallTime) -> Self {
        let world = Arc::new(World::new());
        let options = DiskOptions { dir: dir.path().to_owned(), bytes };
        let disk = Disk::open_on(&options, &world, Box::new(medium), Duration::ZERO).expect("it is free");
        let applied = disk.applied().unwrap_or_else(|| {
            let tenants = ["a", "b"].map(|id| Change::PutTenant(fixtures::tenant(id)));
            let all = [Change::PutDistribution(fixtures::distribution())].into_iter().chain(tenants);
            Brought::Snapshot(all.collect()).fold_into(&world, Position::new(5));
            let applied = Applied { history: HistoryId(7), position: Position::new(5), hash: Hash::of(b"5") };
            disk.tier.follow(Era::default(), applied.history);
            disk.journal.begin_anew(applied, world.capture());
            applied
        });
        let store = Arc::new(Store::with_disk(8 << 20, 100, Some(disk.tier.clone())));
        let removals = Arc::new(Removals::default());
        let sweep = Sweep {
            world: world.clone(),
            store: store.clone(),
            removals: removals.clone(),
            fetches: Arc::new(Fetches::default()),
            progress: Default::default(),
            passing: Default::default(),
            passes: Default::default(),
        };
        let this = Self { world, store, removals, disk, sweep, applied };
        this.publish();
        let clock: Arc<dyn Clock> = Arc::new(StandingClock(now));
        this.disk.start(&this.world, &this.store, &this.removals, &clock);
        this.until(|usage| usage.is_ready);
        this
    }

    fn publish(&self) {
        let (era, known_committed) = (Era::default(), self.applied.position);
        self.world.publish_view(EdgeView { lease_until: None, era, known_committed });
    }

    fn until(&self, is_so: impl Fn(&DiskUsage) -> bool) {
        let since = Instant::now();
        while !is_so(&self.disk.usage()) {
            assert!(since.elapsed() < Duration::from_secs(20), "{:?}", self.disk.usage());
            std::thread::yield_now();
        }
    }

    /// Tells it that what matches has been invalidated.
    fn invalidate(&mut self, tenant: &str, patterns: &[&str]) {
        let patterns = patterns.iter().map(|text| Pattern::parse(text).expect("a pattern")).collect();
        let change = Change::Invalidate { scope: Scope::Tenant(fixtures::tenant(tenant).id), patterns };
        let position = self.applied.position.next();
        let (kind, bytes) = (change.kind(), body::encode(&change));
        let entry = Entry::following(self.applied.hash, position, change.scope(), kind, bytes);
        self.applied = Applied { position, hash: entry.hash(), ..self.applied };
        self.publish();
        let brought = Brought::Entry(entry);
        self.disk.journal.note(position, &brought);
        brought.fold_into(&self.world, position);
    }

    /// Stores a response of this tenant's; its body says what it is.
    fn put(&self, tenant: &str, path: &str) -> Arc<Stored> {
        let (key, facts) = (key(tenant, path), facts(tenant, path, self.applied.position));
        let stored = self.store.make(&key, facts, Bytes::from(text(tenant, path)));
        self.store.put(key, stored.clone(), &HeaderMap::new(), &|| true);
        stored
    }

    /// What lies on the disk under this key, if it is valid by the rules as they are.
    fn read(&self, tenant: &str, path: &str) -> Option<(Vec<u8>, HeaderMap)> {
        let key = key(tenant, path);
        let candidate = self.disk.tier.find(&key).into_iter().next()?;
        let recalled = self.disk.tier.read(&key, &candidate, |_| true)?;
        let valid = recalled.head.valid_up_to;
        let facts = recalled.head.facts();
        let stored = self.store.make(&key, facts, Bytes::from(recalled.body.clone()));
        stored.checked_up_to(valid);
        let (own, all) = self.world.rules_of(stored.tenant())?;
        let rule = stored.newest_of(&own).max(stored.newest_of(&all));
        (stored.valid_up_to().position >= rule).then(|| (recalled.body, stored.headers()))
    }

    fn has(&self, tenant: &str, path: &str) -> bool {
        let read = self.read(tenant, path);
        if let Some((body, _)) = &read {
            assert_eq!(*body, text(tenant, path), "{tenant} {path}");
        }
        read.is_some()
    }

    fn pass(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(self.sweep.pass());
    }

    fn begins_journal_anew(&self) {
        self.disk.journal.begin_anew(self.applied, self.world.capture());
    }

    /// It ends in good order, or is killed when all is written; there is no difference for who comes next.
    fn ends(self) {
        self.disk.close();
    }

    fn invalidated(&self, tenant: &str) -> u64 {
        let usage = self.store.usage();
        usage.iter().find(|usage| usage.tenant.as_str() == tenant).map_or(0, |usage| usage.invalidated)
    }
}

fn key(tenant: &str, path: &str) -> CacheKey {
    fixtures::key(&fixtures::tenant(tenant), path)
}

fn text(tenant: &str, path: &str) -> Vec<u8> {
    format!("{tenant}{path} ").repeat(3).into_bytes()
}

fn facts(tenant: &str, path: &str, position: Position) -> Facts {
    let second = Duration::from_secs(1);
    let stale = Stale { while_revalidating: 3 * second, if_error: 4 * second, when_cut_off: 5 * second };
    let terms = Terms { lifetime: 60 * second, initial_age: 2 * second, no_cache: false, stale };
    Facts {
        headers: HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("text/plain"))]),
        tags: vec![CacheTag::parse(&path[1..2]).expect("a tag")],
        terms,
        response_time: NOW,
        ..fixtures::facts(&fixtures::tenant(tenant), path, position)
    }
}

fn segments(dir: &TempDir) -> Vec<PathBuf> {
    let mut segments: Vec<_> =
        fs::read_dir(dir.path()).expect("the folder").map(|file| file.expect("a file").path()).collect();
    segments
        .retain(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("segment-")));
    segments.sort();
    segments
}

/// A folder with some responses of both tenants in one segment.
fn filled() -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let process = Process::on(&dir);
    for path in ["/p", "/q"] {
        process.put("a", path);
        process.put("b", path);
    }
    process.ends();
    dir
}

#[test]
fn what_is_read_back_is_what_was_stored() {
    let process = Process::on(&filled());
    let key = key("a", "/p");
    let candidate = process.disk.tier.find(&key)[0];
    let recalled = process.disk.tier.read(&key, &candidate, |_| true).expect("it lies there");
    let read = recalled.head.facts();
    let mut expected = facts("a", "/p", Position::new(5));
    expected.headers.insert("content-length", HeaderValue::from(text("a", "/p").len()));
    assert_eq!(format!("{read:?}"), format!("{expected:?}"));
    assert_eq!((recalled.body, read.status), (text("a", "/p"), StatusCode::OK));
}

#[test]
fn whatever_bit_is_flipped_is_a_miss_or_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let process = Process::on(&dir);
    process.put("a", "/p");
    process.put("b", "/p");
    process.ends();
    let path = segments(&dir)[0].clone();
    let whole = fs::read(&path).expect("the segment");
    let mut missed = 0;
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << (at % 8);
        fs::write(&path, &flipped).expect("the segment");
        let process = Process::on(&dir);
        let found =
            [("a", "/p"), ("b", "/p")].iter().filter(|(tenant, path)| process.has(tenant, path)).count();
        assert!(found < 2, "flipped at {at}, and nobody noticed");
        missed += 2 - found;
        process.ends();
        // A segment that is none has been deleted.
        fs::write(&path, &whole).expect("the segment");
    }
    assert!(missed >= whole.len());
    let process = Process::on(&dir);
    assert!(process.has("a", "/p") && process.has("b", "/p"), "as it was");
}

#[test]
fn wherever_a_segment_is_torn_what_came_before_is_found() {
    let dir = filled();
    let path = segments(&dir)[0].clone();
    let whole = fs::read(&path).expect("the segment");
    let mut counts = Vec::new();
    for length in (0..whole.len()).rev() {
        fs::write(&path, &whole[..length]).expect("the segment");
        let process = Process::on(&dir);
        let things = [("a", "/p"), ("b", "/p"), ("a", "/q"), ("b", "/q")];
        let found = things.map(|(tenant, path)| process.has(tenant, path));
        counts.push(found.iter().filter(|found| **found).count());
        assert!(found.is_sorted_by(|before, after| before >= after), "torn at {length}: {found:?}");
        process.ends();
    }
    counts.dedup();
    assert_eq!(counts, [3, 2, 1, 0]);
}

#[test]
fn files_of_others_are_left_alone_and_foreign_segments_are_none() {
    let (dir, other) = (filled(), filled());
    for name in ["notes.txt", "segment-1", "segment-0000000g", "SEGMENT-00000009"] {
        fs::write(dir.path().join(name), b"something").expect("a file");
    }
    fs::write(dir.path().join("segment-00000003"), b"no segment").expect("a file");
    fs::create_dir(dir.path().join("segment-00000004")).expect("a folder");
    // Of another folder, under another number, and with another one's records behind its own header.
    fs::copy(&segments(&other)[0], dir.path().join("segment-00000005")).expect("a copy");
    let (own, foreign) = (fs::read(&segments(&dir)[0]), fs::read(&segments(&other)[0]));
    let (own, foreign) = (own.expect("a segment"), foreign.expect("a segment"));
    let mixed = [&own[..segment::HEADER_BYTES], &foreign[segment::HEADER_BYTES..]].concat();
    let process = Process::on(&dir);
    assert!(process.has("a", "/p") && process.has("b", "/q"));
    assert_eq!(process.disk.usage().restored, 4);
    process.put("a", "/new");
    process.ends();
    for name in ["notes.txt", "segment-1", "segment-0000000g", "SEGMENT-00000009"] {
        assert!(dir.path().join(name).exists(), "{name}");
    }
    fs::write(&segments(&dir)[0], mixed).expect("the segment");
    let process = Process::on(&dir);
    assert_eq!(process.disk.usage().restored, 1);
    assert!(process.has("a", "/new"));
    assert_eq!(process.disk.usage().damaged, 0);
}

#[test]
fn what_disappears_while_it_runs_is_a_miss() {
    let dir = filled();
    let process = Process::on(&dir);
    File::options()
        .write(true)
        .open(&segments(&dir)[0])
        .and_then(|file| file.set_len(100))
        .expect("it is cut");
    assert!(!process.has("a", "/p") && !process.has("a", "/p"));
    assert_eq!(process.disk.usage().damaged, 1, "and is not looked for again");
    let medium = Failing::default();
    process.ends();
    let dir = filled();
    let process = Process::with(&dir, medium.clone(), 64 << 20, NOW);
    medium.0.cannot_read.store(true, Ordering::SeqCst);
    assert!(!process.has("a", "/p"));
    medium.0.cannot_read.store(false, Ordering::SeqCst);
    assert!(process.has("b", "/p"), "the others are there");
}

#[test]
fn a_full_disk_leaves_memory_and_what_was_written_and_is_tried_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let medium = Failing::default();
    let process = Process::with(&dir, medium.clone(), 64 << 20, NOW);
    process.put("a", "/before");
    process.until(|usage| usage.written == 1);
    medium.0.full_at.store(1, Ordering::SeqCst);
    process.put("a", "/full");
    process.until(|usage| usage.unwritten == 1);
    assert!(process.store.in_memory(&key("a", "/full"), Variant::of(&Default::default())).is_some());
    assert!(!process.has("a", "/full"));
    process.put("a", "/before");
    process.until(|usage| usage.unwritten == 2);
    assert!(!process.has("a", "/before"), "what it took the place of is not found any more");
    medium.0.full_at.store(0, Ordering::SeqCst);
    process.put("a", "/after");
    process.until(|usage| usage.written == 2);
    assert!(process.has("a", "/after"));
    process.ends();
    let process = Process::on(&dir);
    assert!(process.has("a", "/after") && !process.has("a", "/full"));
    assert!(!process.has("a", "/before"), "nor by who comes next");
}

#[test]
fn the_oldest_goes_for_want_of_space() {
    let dir = tempfile::tempdir().expect("a folder");
    let bytes_max = 8 << 20;
    let process = Process::with(&dir, Failing::default(), bytes_max, NOW);
    for n in 0..120 {
        let (path, position) = (format!("/{n}"), process.applied.position);
        // Only what has been written before is not in memory any more.
        (0..n).for_each(|before| process.store.evict(&key("a", &format!("/{before}"))));
        let key = key("a", &path);
        let stored = process.store.make(&key, facts("a", &path, position), vec![b'x'; 100_000].into());
        process.store.put(key, stored, &HeaderMap::new(), &|| true);
        process.until(|usage| usage.written == n + 1);
        assert!(process.disk.usage().bytes <= bytes_max, "{:?}", process.disk.usage());
    }
    let there: Vec<u32> = (0..120).filter(|n| process.read("a", &format!("/{n}")).is_some()).collect();
    assert!(there.len() >= 60 && there.len() < 84, "{there:?}");
    assert_eq!(there.last(), Some(&119));
    assert!(there.windows(2).all(|pair| pair[1] == pair[0] + 1), "the newest ones: {there:?}");
    let usage = process.store.usage();
    assert_eq!(usage[0].disk_responses, there.len() as u64);
    let on_disk: u64 = segments(&dir).iter().map(|path| fs::metadata(path).expect("a file").len()).sum();
    assert_eq!(process.disk.usage().bytes, on_disk);
    process.ends();
    let process = Process::with(&dir, Failing::default(), bytes_max, NOW);
    assert_eq!(process.disk.usage().restored, there.len() as u64);
}

#[test]
fn what_is_still_in_memory_when_its_segment_goes_is_written_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let process = Process::with(&dir, Failing::default(), 4 << 20, NOW);
    process.put("a", "/hot");
    process.put("b", "/cold");
    process.until(|usage| usage.waiting == 0);
    process.store.evict(&key("b", "/cold"));
    for n in 0..120 {
        let (path, position) = (format!("/{n}"), process.applied.position);
        let key = key("a", &path);
        let stored = process.store.make(&key, facts("a", &path, position), vec![b'x'; 100_000].into());
        process.store.put(key.clone(), stored, &HeaderMap::new(), &|| true);
        process.until(|usage| usage.waiting == 0);
        process.store.evict(&key);
        assert!(process.has("a", "/hot"), "{n}");
    }
    assert!(!process.has("b", "/cold"));
    let usage = process.store.usage();
    let of = |tenant: &str| usage.iter().find(|usage| usage.tenant.as_str() == tenant).expect("an account");
    assert_eq!((of("b").disk_responses, of("b").disk_bytes), (0, 0));
    assert!(of("a").disk_bytes < process.disk.usage().bytes, "{usage:?}");
    process.ends();
    let process = Process::on(&dir);
    assert!(process.has("a", "/hot"));
}

#[test]
fn the_sweep_looks_at_the_disk_and_counts_once() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut process = Process::on(&dir);
    for path in ["/gone/in-memory", "/gone/on-disk", "/kept"] {
        process.put("a", path);
        process.put("b", path);
    }
    process.until(|usage| usage.written == 6);
    for path in ["/gone/on-disk", "/kept"] {
        process.store.evict(&key("a", path));
    }
    process.invalidate("a", &["/gone/*"]);
    process.pass();
    assert_eq!((process.invalidated("a"), process.sweep.progress().purged), (2, 2));
    process.pass();
    assert_eq!(process.invalidated("a"), 2);
    assert!(process.has("a", "/kept") && process.has("b", "/gone/on-disk"));
    assert!(!process.has("a", "/gone/on-disk") && !process.has("a", "/gone/in-memory"));
    // The rule has gone, and what the floor that has risen in its place would take away is known not to be meant.
    let (rules, _) = process.world.rules_of(&fixtures::tenant("a").id).expect("a tenant");
    assert!(rules.is_empty() && rules.newest() == process.applied.position);
    // Nobody counts it again.
    process.ends();
    let process = Process::on(&dir);
    assert!(process.has("a", "/kept") && !process.has("a", "/gone/on-disk"));
    process.pass();
    assert_eq!(process.invalidated("a"), 0);
}

#[test]
fn a_journal_that_begins_anew_keeps_what_the_sweep_has_looked_at() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut process = Process::on(&dir);
    process.put("a", "/kept");
    process.put("a", "/gone");
    process.until(|usage| usage.written == 2);
    for n in 0..50 {
        process.invalidate("a", &[&format!("/other/{n}"), "/gone"]);
        process.pass();
        process.store.evict(&key("a", "/kept"));
    }
    process.begins_journal_anew();
    process.invalidate("a", &["/more"]);
    process.ends();
    for _ in 0..2 {
        let mut process = Process::on(&dir);
        assert!(process.has("a", "/kept") && !process.has("a", "/gone"));
        // What is told to the next process holds as well.
        process.invalidate("b", &["/x"]);
        process.begins_journal_anew();
        process.ends();
    }
    let mut process = Process::on(&dir);
    process.invalidate("a", &["#k"]);
    assert!(!process.has("a", "/kept"));
}

#[test]
fn a_clock_that_has_gone_back_leaves_nothing_whose_age_is_known() {
    let dir = filled();
    let before = WallTime::from_millis(NOW.millis() - 3_000);
    let process = Process::with(&dir, Failing::default(), 64 << 20, before);
    assert_eq!((process.disk.usage().restored, process.has("a", "/p")), (0, false));
    process.ends();
    assert_eq!(segments(&dir), Vec::<PathBuf>::new());
}

#[test]
fn what_was_removed_is_gone_for_who_comes_next() {
    let dir = filled();
    let process = Process::on(&dir);
    process.store.remove(&key("a", "/p"));
    process.put("b", "/p");
    process.store.remove(&key("b", "/p"));
    process.put("b", "/q");
    process.ends();
    let process = Process::on(&dir);
    assert!(!process.has("a", "/p") && !process.has("b", "/p"));
    assert!(process.has("a", "/q") && process.has("b", "/q"));
    assert_eq!(process.disk.usage().stored_responses, 2);
}
