//! What is acknowledged survives a disk that fails: full, read-only, unable to sync, torn in the middle of a write.
//!
//! A small library is compiled from `fault.c` and preloaded into the plane; it lets one call on one file go wrong, the
//! n-th. For each [`Fault`] the same few creates run again and again with a larger n, from the plane's start until the
//! calls of a whole run do not reach n any more. In each run:
//!
//! ```text
//! plane with the fault   starts? ── create … create ── is it still well? ── stops
//! plane without          starts ── everything acknowledged is there, once; the others can be repeated
//! ```
//!
//! A write or sync that fails under a commit is [`Fatal`](Expected::Fatal): nothing is acknowledged after it, and the
//! plane says so, because nobody can know any more what is on the disk. One that fails while the write-ahead log is copied
//! into the database is [`Harmless`](Expected::Harmless): the log still has everything, and the copying is done anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

use super::api::{Api, Client, Failed};
use super::http::Connection;
use super::loopback;
use super::processes::{Ended, Process};
use super::random::Random;
use super::world::ADA;
use crate::rig::until;

const EIO: i32 = 5;
const ENOSPC: i32 = 28;
const EROFS: i32 = 30;

const DATABASE: &str = "plane.db";
const LOG: &str = "plane.db-wal";

/// What goes wrong; the words are explained in `fault.c`.
struct Fault {
    call: &'static str,
    file: &'static str,
    how: &'static str,
    errno: i32,
    expected: Expected,
    /// Creates in a run.
    creates: usize,
}

/// What a plane makes of it, once it is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    /// It does not start; or it acknowledges nothing any more, and says why.
    Fatal,
    /// It goes on.
    Harmless,
    /// It is killed with the fault.
    Killed,
}

/// Creates in most runs …
const CREATES: usize = 8;
/// No run makes as many calls of one kind.
const CALLS_END: usize = 20_000;
/// … and in one that is about the database: enough for the thousand pages after which SQLite copies its log into the database.
const CREATES_MANY: usize = 150;

#[test]
fn a_failed_sync_of_the_log() {
    check(&Fault {
        call: "sync",
        file: LOG,
        how: "fail",
        errno: EIO,
        expected: Expected::Fatal,
        creates: CREATES,
    });
}

#[test]
fn a_failed_sync_that_loses_what_was_written() {
    check(&Fault {
        call: "sync",
        file: LOG,
        how: "lose",
        errno: EIO,
        expected: Expected::Fatal,
        creates: CREATES,
    });
}

#[test]
fn a_failed_write_to_the_log() {
    check(&Fault {
        call: "write",
        file: LOG,
        how: "fail",
        errno: EIO,
        expected: Expected::Fatal,
        creates: CREATES,
    });
}

#[test]
fn a_disk_that_fills_up() {
    check(&Fault {
        call: "write",
        file: LOG,
        how: "full",
        errno: ENOSPC,
        expected: Expected::Fatal,
        creates: CREATES,
    });
}

#[test]
fn a_file_system_that_becomes_read_only() {
    check(&Fault {
        call: "write",
        file: LOG,
        how: "stay",
        errno: EROFS,
        expected: Expected::Fatal,
        creates: CREATES,
    });
}

#[test]
fn a_torn_write_to_the_log() {
    check(&Fault {
        call: "write",
        file: LOG,
        how: "torn",
        errno: 0,
        expected: Expected::Killed,
        creates: CREATES,
    });
}

#[test]
fn a_torn_write_to_the_database() {
    check(&Fault {
        call: "write",
        file: DATABASE,
        how: "torn",
        errno: 0,
        expected: Expected::Killed,
        creates: CREATES_MANY,
    });
}

#[test]
fn a_full_disk_under_the_database() {
    check(&Fault {
        call: "write",
        file: DATABASE,
        how: "full",
        errno: ENOSPC,
        expected: Expected::Harmless,
        creates: CREATES_MANY,
    });
}

#[test]
fn a_failed_sync_of_the_database() {
    check(&Fault {
        call: "sync",
        file: DATABASE,
        how: "fail",
        errno: EIO,
        expected: Expected::Harmless,
        creates: CREATES_MANY,
    });
}

#[test]
fn a_database_that_cannot_be_written_is_not_opened() {
    let bed = Bed::new();
    for number in 1.. {
        let folder = bed.copy();
        let fault = Fault {
            call: "open",
            file: DATABASE,
            how: "stay",
            errno: EROFS,
            expected: Expected::Fatal,
            creates: CREATES,
        };
        let mark = folder.path().join("mark");
        match start(&folder, Some((&fault, number, &mark))) {
            Ok(_) => {
                assert!(!mark.exists(), "a plane started on a database that cannot be written");
                assert!(number > 1, "the database is never opened");
                return;
            }
            Err(ended) => says_that_it_cannot_start(&ended),
        }
    }
}

#[test]
fn whatever_follows_the_log_is_no_entry() {
    let bed = Bed::new();
    for tail in [Tail::Zeros, Tail::Noise, Tail::LastFrame, Tail::HalfAFrame] {
        let folder = bed.copy();
        let mut plane = start(&folder, None).unwrap();
        let api = bed.api.of(&plane);
        let accepted = create(&mut api.client(), CREATES).acknowledged;
        assert_eq!(accepted.len(), CREATES);
        plane.kill();
        drop(plane);
        let log = folder.path().join("data").join(LOG);
        let mut bytes = fs::read(&log).unwrap();
        bytes.extend(tail.after(&bytes));
        fs::write(&log, bytes).unwrap();
        everything_is_there(&bed, &folder, &accepted, CREATES, &format!("{tail:?} after the log"));
    }
}

/// What a machine that lost its power may leave behind the last frame that was synced.
#[derive(Clone, Copy, Debug)]
enum Tail {
    Zeros,
    Noise,
    LastFrame,
    HalfAFrame,
}

impl Tail {
    fn after(self, log: &[u8]) -> Vec<u8> {
        // A header of 24 bytes and a page.
        let last = &log[log.len() - (24 + 4_096)..];
        match self {
            Self::Zeros => vec![0; 10_000],
            Self::Noise => {
                let mut random = Random::new(1);
                (0..10_000).map(|_| random.below(256) as u8).collect()
            }
            Self::LastFrame => last.to_vec(),
            Self::HalfAFrame => last[..3_000].to_vec(),
        }
    }
}

#[track_caller]
#[expect(clippy::print_stdout, reason = "a run that passes says what it saw, to whoever asks for the output")]
fn check(fault: &Fault) {
    let name = format!("{} {} {}", fault.call, fault.file, fault.how);
    let bed = Bed::new();
    let mut reached: BTreeMap<Stage, usize> = BTreeMap::new();
    let mut number = 1;
    while let Some(stage) = run(&bed, fault, number) {
        *reached.entry(stage).or_default() += 1;
        // Every one at first, then fewer of the many writes.
        number += 1 + number / 8;
        assert!(number < CALLS_END, "{name}: reached for ever");
    }
    println!("{name}: below {number}, runs {reached:?}");
    assert!(reached.contains_key(&Stage::Running), "{name}: never reached under a create: {reached:?}");
}

/// When a run reached its fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Starting,
    Running,
    Stopping,
}

/// One run; when it reached the fault, if it did.
fn run(bed: &Bed, fault: &Fault, number: usize) -> Option<Stage> {
    let name = format!("{} {} {} at {number}", fault.call, fault.file, fault.how);
    let folder = bed.copy();
    let mark = folder.path().join("mark");
    let (accepted, stage) = match start(&folder, Some((fault, number, &mark))) {
        Err(ended) => {
            assert!(mark.exists(), "{name}: it does not start: {ended:?}");
            match fault.expected {
                Expected::Killed => assert_eq!(ended.status.code(), None, "{name}: {ended:?}"),
                Expected::Fatal => says_that_it_cannot_start(&ended),
                Expected::Harmless => panic!("{name}: it does not start: {ended:?}"),
            }
            (Vec::new(), Some(Stage::Starting))
        }
        Ok(mut plane) => {
            let api = bed.api.of(&plane);
            let created = create(&mut api.client(), fault.creates);
            let is_reached = mark.exists();
            if is_reached {
                is_as_expected(&plane, fault, &created, &name);
            } else {
                assert_eq!(created.acknowledged.len(), fault.creates, "{name}: {}", plane.log());
            }
            if !(is_reached && fault.expected == Expected::Killed) {
                // On its way out it copies the log into the database: that, too, may meet the fault.
                plane.stop();
            }
            let stopping = mark.exists().then_some(Stage::Stopping);
            (created.acknowledged, if is_reached { Some(Stage::Running) } else { stopping })
        }
    };
    everything_is_there(bed, &folder, &accepted, fault.creates, &name);
    stage
}

fn is_as_expected(plane: &Process, fault: &Fault, created: &Created, name: &str) {
    match fault.expected {
        Expected::Fatal => {
            assert!(
                !created.acknowledged_after_a_failure,
                "{name}: something was acknowledged after the failure"
            );
            // It may have met the fault a moment ago, under a commit of its own.
            let says_so = || {
                readiness(plane).starts_with("503 not ready: the store has stopped writing")
                    && plane.log().contains("the store has stopped writing")
            };
            until(&format!("{name}: it says that it has stopped"), || says_so().then_some(()));
        }
        Expected::Harmless => {
            assert_eq!(created.acknowledged.len(), fault.creates, "{name}: {}", plane.log());
            assert_eq!(readiness(plane), "200 ready\n", "{name}");
        }
        // Nobody answers; that everything acknowledged is there is looked at next.
        Expected::Killed => {}
    }
}

fn says_that_it_cannot_start(Ended { status, log }: &Ended) {
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.starts_with("recant: ") && log.contains("database"), "{log}");
}

fn readiness(plane: &Process) -> String {
    let mut connection = Connection::open(plane.address("api")).unwrap();
    connection.send_get("plane", "/readyz").unwrap();
    let reply = connection.receive().unwrap();
    format!("{} {}", reply.status, String::from_utf8_lossy(&reply.body))
}

/// What came of a run's creates.
struct Created {
    /// Number and id.
    acknowledged: Vec<(usize, String)>,
    acknowledged_after_a_failure: bool,
}

fn create(client: &mut Client<'_>, creates: usize) -> Created {
    let mut created = Created { acknowledged: Vec::new(), acknowledged_after_a_failure: false };
    let mut has_failed = false;
    for number in 0..creates {
        match client.create(ADA, &reference(number), &[format!("/{number}")]) {
            Ok(id) => {
                created.acknowledged.push((number, id));
                created.acknowledged_after_a_failure |= has_failed;
            }
            Err(Failed::Unanswered | Failed::NotSent) => has_failed = true,
            Err(Failed::Refused(why)) => panic!("{number} was refused: {why}"),
        }
    }
    created
}

fn reference(number: usize) -> String {
    format!("create-{number}")
}

/// On a sound disk: what was acknowledged has its id, what was not gets one, and nothing else is there.
fn everything_is_there(
    bed: &Bed,
    folder: &TempDir,
    accepted: &[(usize, String)],
    creates: usize,
    name: &str,
) {
    let plane =
        start(folder, None).unwrap_or_else(|ended| panic!("{name}: it does not start again: {ended:?}"));
    let api = bed.api.of(&plane);
    let mut client = api.client();
    let listed = client.list(ADA).unwrap();
    for (number, id) in accepted {
        assert!(listed.iter().any(|(found, _)| found == id), "{name}: {number} was acknowledged and is lost");
    }
    let repeated = create(&mut client, creates).acknowledged;
    assert_eq!(repeated.len(), creates, "{name}");
    for (number, id) in accepted {
        assert_eq!(&repeated[*number].1, id, "{name}: {number} has another id when it is repeated");
    }
    let listed: BTreeSet<String> = client.list(ADA).unwrap().into_iter().map(|(id, _)| id).collect();
    let repeated: BTreeSet<String> = repeated.into_iter().map(|(_, id)| id).collect();
    assert_eq!(listed, repeated, "{name}");
}

/// The folder of a plane with tenants in it, that has stopped, and is copied for each run.
struct Bed {
    folder: TempDir,
    api: Api,
}

impl Bed {
    fn new() -> Self {
        let folder = temporary();
        let mut plane = start(&folder, None).unwrap();
        let api = Api::set_up(&plane, loopback(9), false);
        assert!(plane.stop().success());
        Self { folder, api }
    }

    fn copy(&self) -> TempDir {
        let (from, to) = (self.folder.path().join("data"), temporary());
        let data_dir = to.path().join("data");
        fs::create_dir(&data_dir).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), data_dir.join(entry.file_name())).unwrap();
        }
        to
    }
}

/// On the disk that the build lies on, like everything here that has to be durable.
fn temporary() -> TempDir {
    tempfile::Builder::new().prefix("faults").tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// Starts a plane in this folder, with the n-th call going wrong, or none.
fn start(folder: &TempDir, fault: Option<(&Fault, usize, &Path)>) -> Result<Process, Ended> {
    let environment = fault.map_or_else(Vec::new, |(fault, number, mark)| {
        let Fault { call, file, how, errno, .. } = fault;
        environment(&format!("{call} {file} {number} {how} {errno}"), mark)
    });
    // Whoever was killed had no time to say that it is gone.
    drop(fs::remove_file(folder.path().join("data/addresses.json")));
    Process::try_start(&["plane"], &["api"], folder.path().join("data"), environment)
}

/// What makes a process meet this fault, in the words of `fault.c`.
pub(super) fn environment(fault: &str, mark: &Path) -> Vec<(&'static str, String)> {
    vec![
        ("LD_PRELOAD", library().display().to_string()),
        ("RECANT_FAULT", format!("{fault} {}", mark.display())),
    ]
}

/// The compiled `fault.c`.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/blackbox/fault.c");
        // Renamed into its place when it is whole: other runs may be using what is there.
        let (unfinished, library) =
            (folder.join(format!("fault-{}.so", std::process::id())), folder.join("fault.so"));
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o"])
            .arg(&unfinished)
            .arg(source);
        let output = cc.output().unwrap_or_else(|error| panic!("the C compiler cc cannot be run: {error}"));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        fs::rename(unfinished, &library).unwrap();
        library
    })
}
