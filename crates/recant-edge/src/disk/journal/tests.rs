use std::fs;
use std::time::Duration;

use recant_core::batch::Pattern;
use recant_core::entry::{Change, Entry, Hash, HistoryId, Kind, Scope};
use recant_core::match_uri::MatchUri;
use recant_core::tag::CacheTag;
use recant_wire::feed::body;
use tempfile::TempDir;

use super::*;
use crate::disk::segment::OwnDisk;
use crate::store::fixtures;
use crate::world::World;

const HISTORY: HistoryId = HistoryId(7);

/// A world that is told entries, and a journal of it.
struct Told {
    dir: TempDir,
    world: World,
    journal: Journal,
    applied: Applied,
}

fn start(folder: Arc<Folder>, length: Option<u64>) -> Journal {
    let tier = Arc::new(Tier::new(folder.clone(), Box::new(OwnDisk), 1 << 20));
    Journal::start(folder, tier, length, Position::ZERO)
}

fn at(position: u64) -> Position {
    Position::new(position)
}

fn invalidate(tenant: &str, patterns: &[&str]) -> Change {
    let patterns = patterns.iter().map(|text| Pattern::parse(text).expect("a pattern")).collect();
    Change::Invalidate { scope: Scope::Tenant(fixtures::tenant(tenant).id), patterns }
}

impl Told {
    /// With a snapshot at place 5.
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = Arc::new(Folder::take(dir.path()).expect("it is free"));
        let journal = start(folder, None);
        let applied = Applied { history: HISTORY, position: at(5), hash: Hash::of(b"5") };
        let told = Self { dir, world: World::new(), journal, applied };
        let tenants = ["a", "b"].map(|id| Change::PutTenant(fixtures::tenant(id)));
        let snapshot = [Change::PutDistribution(fixtures::distribution())].into_iter().chain(tenants);
        Brought::Snapshot(snapshot.collect()).fold_into(&told.world, at(5));
        told.begins_anew();
        told
    }

    fn begins_anew(&self) {
        self.journal.begin_anew(self.applied, self.world.capture());
    }

    fn tell(&mut self, change: &Change) {
        let kind = change.kind();
        self.tell_entry(change.scope(), kind, body::encode(change));
    }

    fn tell_entry(&mut self, scope: Scope, kind: Kind, body: Bytes) {
        let position = self.applied.position.next();
        let entry = Entry::following(self.applied.hash, position, scope, kind, body);
        let hash = entry.hash();
        self.tell_brought(hash, Brought::Entry(entry));
    }

    fn tell_brought(&mut self, hash: Hash, brought: Brought) {
        let position = self.applied.position.next();
        self.journal.note(position, &brought);
        brought.fold_into(&self.world, position);
        self.applied = Applied { history: HISTORY, position, hash };
    }

    /// What another process makes of the file.
    fn replayed(&self) -> (World, Option<Applied>) {
        self.journal.close();
        let world = World::new();
        let replayed = replay(&self.dir.path().join("journal"), &world);
        (world, replayed.map(|replayed| replayed.applied))
    }
}

/// All that is asked of a world about these tenants' responses.
fn judged(world: &World) -> Vec<Option<[Position; 4]>> {
    let (uri, other) = (MatchUri::of("/p", None), MatchUri::of("/q/r", None));
    let tags = [CacheTag::parse("red").expect("a tag")];
    let judge = |id| {
        let (tenant, distribution) = world.rules_of(&fixtures::tenant(id).id)?;
        let newest = |uri| tenant.newest_for_uri(uri).max(distribution.newest_for_uri(uri));
        let tagged = tenant.newest_for_tags(&tags).max(distribution.newest_for_tags(&tags));
        Some([newest(&uri), newest(&other), tagged, tenant.newest()])
    };
    ["a", "b", "c"].map(judge).to_vec()
}

/// Some of everything that a log may bring.
fn tell_much(told: &mut Told) {
    told.tell(&invalidate("a", &["/p", "/q*", "#red"]));
    told.tell(&Change::PutTenant(fixtures::tenant("c")));
    told.tell(&invalidate("b", &["/q/r?x=1"]));
    told.tell(&Change::Invalidate {
        scope: Scope::Distribution(fixtures::distribution().id),
        patterns: vec![Pattern::parse("/p").expect("a path")],
    });
    let tenant = Scope::Tenant(fixtures::tenant("b").id);
    told.tell_entry(tenant, Kind(999), Bytes::from_static(b"of the future"));
    told.tell(&invalidate("c", &["/*"]));
    told.tell(&Change::RemoveTenant(fixtures::tenant("c").id));
    let (prev_hash, hash) = (told.applied.hash, Hash::of(b"opaque"));
    told.tell_brought(hash, Brought::Opaque { prev_hash, hash });
    told.tell(&invalidate("a", &["#red", "/z"]));
}

#[test]
fn what_was_told_is_known_again() {
    let mut told = Told::new();
    tell_much(&mut told);
    let (world, applied) = told.replayed();
    assert_eq!(applied, Some(told.applied));
    assert_eq!(judged(&world), judged(&told.world));
}

#[test]
fn a_journal_that_has_begun_anew_says_the_same() {
    let mut told = Told::new();
    tell_much(&mut told);
    told.begins_anew();
    told.tell(&invalidate("a", &["/p"]));
    // Rules that the sweep has freed are in the floors.
    let up_to = told.world.stamp();
    told.world.forget_rules(&Scope::Tenant(fixtures::tenant("b").id), up_to);
    told.begins_anew();
    told.tell(&invalidate("b", &["/q/r"]));
    let (world, applied) = told.replayed();
    assert_eq!(applied, Some(told.applied));
    assert_eq!(judged(&world), judged(&told.world));
}

#[test]
fn wherever_it_is_torn_or_flipped_it_ends_and_says_nothing_else() {
    let mut told = Told::new();
    let mut states = vec![(told.applied, judged(&told.world))];
    for change in [invalidate("a", &["/p"]), invalidate("b", &["#red"]), invalidate("a", &["/q*"])] {
        told.tell(&change);
        states.push((told.applied, judged(&told.world)));
    }
    let _ = told.replayed();
    let path = told.dir.path().join("journal");
    let whole = fs::read(&path).expect("the journal");
    let check = |bytes: &[u8], what: &str| {
        fs::write(&path, bytes).expect("the journal");
        let world = World::new();
        let Some(replayed) = replay(&path, &world) else {
            assert_eq!(judged(&world), vec![None; 3], "{what}: no state, and yet something is known");
            return None;
        };
        let state = states.iter().find(|(applied, _)| *applied == replayed.applied);
        let (_, judgement) = state.unwrap_or_else(|| panic!("{what}: {:?} never was", replayed.applied));
        assert_eq!(judged(&world), *judgement, "{what}");
        assert!(replayed.length <= bytes.len() as u64);
        Some(replayed.applied.position)
    };
    let mut ends = Vec::new();
    for length in 0..=whole.len() {
        ends.extend(check(&whole[..length], &format!("torn at {length}")));
    }
    ends.dedup();
    assert_eq!(ends, [5, 6, 7, 8].map(at), "every place is one to go on from");
    for byte in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[byte] ^= 1 << (byte % 8);
        let end = check(&flipped, &format!("flipped at {byte}"));
        assert!(end < Some(at(8)), "flipped at {byte}, and nobody noticed");
    }
    let mut twice = whole.clone();
    twice.extend_from_slice(&whole);
    assert_eq!(check(&twice, "two of them"), Some(at(8)));
}

#[test]
fn who_goes_on_writes_after_what_was_whole() {
    let mut told = Told::new();
    told.tell(&invalidate("a", &["/p"]));
    let _ = told.replayed();
    let path = told.dir.path().join("journal");
    let mut bytes = fs::read(&path).expect("the journal");
    bytes.extend_from_slice(b"torn");
    fs::write(&path, &bytes).expect("the journal");
    let Told { dir, journal, world, applied } = told;
    drop(journal);
    let folder = Arc::new(Folder::take(dir.path()).expect("the one before has let go"));
    let replayed = replay(&path, &World::new()).expect("a state");
    let journal = start(folder, Some(replayed.length));
    let mut told = Told { dir, world, journal, applied };
    told.tell(&invalidate("b", &["/p"]));
    let (world, applied) = told.replayed();
    assert_eq!(applied, Some(told.applied));
    assert_eq!(judged(&world), judged(&told.world));
}

#[test]
fn another_versions_journal_is_none() {
    let told = Told::new();
    let _ = told.replayed();
    let path = told.dir.path().join("journal");
    let bytes = fs::read(&path).expect("the journal");
    let version = env!("CARGO_PKG_VERSION").len();
    let begin = MAGIC_BYTES + frames::HEAD_BYTES + 2 + version;
    // The same, of a version with another name: its frame is whole.
    let mut other = frames::understanding();
    other.push(b'x');
    let mut changed = bytes[..MAGIC_BYTES].to_vec();
    changed.extend_from_slice(&u32::try_from(other.len()).expect("short").to_be_bytes());
    changed.extend_from_slice(&frames::checksum(frames::kind::BEGIN, &other).to_be_bytes());
    changed.push(frames::kind::BEGIN);
    changed.extend_from_slice(&other);
    changed.extend_from_slice(&bytes[begin..]);
    fs::write(&path, changed).expect("the journal");
    assert!(replay(&path, &World::new()).is_none());
}

const MAGIC_BYTES: usize = frames::MAGIC.len();

#[test]
fn a_disk_that_fails_leaves_a_gap_and_a_later_state_closes_it() {
    let mut told = Told::new();
    told.tell(&invalidate("a", &["/p"]));
    // A folder in the place where the next journal is to be written.
    let blocked = told.dir.path().join("journal.new");
    while told.journal.state.waiting_bytes.load(Ordering::Relaxed) > 0 {
        std::thread::yield_now();
    }
    fs::create_dir(&blocked).expect("a folder");
    told.begins_anew();
    let failed = std::time::Instant::now();
    while told.journal.due() != Due::Now {
        assert!(failed.elapsed() < Duration::from_secs(20), "the failure is noticed");
        std::thread::yield_now();
    }
    told.tell(&invalidate("a", &["/q"]));
    fs::remove_dir(&blocked).expect("a folder");
    told.begins_anew();
    assert_eq!(told.journal.due(), Due::Not);
    told.tell(&invalidate("a", &["/r"]));
    let (world, applied) = told.replayed();
    assert_eq!(applied, Some(told.applied));
    assert_eq!(judged(&world), judged(&told.world));
}
