//! What is acknowledged survives: cycles of load, `kill -9` and restart, on one data folder.
//!
//! ```text
//! callers   create, create, create …          repeat, look up     create …
//! plane     starts ──────────────── kill -9    starts ──────────────────── kill -9
//!              └ sometimes killed already here
//! ```
//!
//! After each restart:
//! - every invalidation that was acknowledged in the cycle is there under its id, and so is a sample of all before;
//! - its `CallerReference` gives the same id again, and with other paths a conflict;
//! - a create whose answer was lost is repeated, twice, and gets one id;
//! - the plane has started at all: it refuses a log that is not dense, or whose hash chain does not hold, over its last
//!   thousand entries, which is more than a cycle adds ([`ACKNOWLEDGED_PER_CYCLE_MAX`]).
//!
//! After the last one the lists hold exactly what was acknowledged, and a backup checks the log from its first entry.
//!
//! Moments come from a seed: the acknowledgement after which the plane is killed, and how much later. What the plane
//! does at that moment is up to the machine. `cargo xtask crash --cycles N --seed S` runs more of it.
//!
//! What it does not show: the loss of power. What a killed process has written, the kernel still writes; that a commit
//! waits for the disk is shown by failing fsyncs.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::api::{Api, Client, Failed};
use super::from_environment;
use super::http::PATIENCE;
use super::loopback;
use super::processes::{Processes, Setup};
use super::random::Random;
use super::world::TENANTS;
use super::writers::Accepted;

/// Cycles in an ordinary run of the tests.
const CYCLES: u64 = 12;
/// Callers at a time: enough for group commits of several.
const CALLERS: usize = 8;
/// The plane is killed after at most so many acknowledgements, and each caller gets one more at most meanwhile …
const ACKNOWLEDGED_BEFORE_KILL_END: usize = 60;
/// … unless they come faster than the kill: no caller goes on beyond this.
const ACKNOWLEDGED_PER_CALLER_MAX: usize = 100;
/// Below the thousand entries that are checked at a start.
const ACKNOWLEDGED_PER_CYCLE_MAX: usize = CALLERS * ACKNOWLEDGED_PER_CALLER_MAX;
const _: () = assert!(ACKNOWLEDGED_PER_CYCLE_MAX < 1_000);
/// Of all that was acknowledged before a cycle, each caller looks at so many.
const SAMPLE: usize = 4;

#[test]
fn what_is_acknowledged_survives_kills() {
    let seed = from_environment("RECANT_CRASH_SEED").unwrap_or(1);
    let cycles = from_environment("RECANT_CRASH_CYCLES").unwrap_or(CYCLES);
    let mut random = Random::new(seed);
    let mut processes = Processes::start("crash", Setup::default());
    // Nobody asks the origin for anything.
    let api = Api::set_up(&processes.plane, loopback(9), false);
    let mut callers: Vec<_> = (0..CALLERS).map(|number| Caller::new(number, &api, random.fork())).collect();
    let mut seen = Seen::default();
    for cycle in 0..cycles {
        let run = format!("seed {seed}, cycle {cycle}");
        load_and_kill(&mut callers, &mut processes, &mut random, &run);
        seen.kills += 1;
        if random.below(4) == 0 {
            processes.plane.start_and_kill(Duration::from_micros(random.below(80_000) as u64));
            seen.kills_while_starting += 1;
        }
        let start = Instant::now();
        processes.plane.restart();
        seen.longest_start = seen.longest_start.max(start.elapsed());
        for caller in &mut callers {
            caller.checks_what_is_there(&run, &mut seen);
        }
    }
    let accepted: Vec<&Accepted> = callers.iter().flat_map(|caller| &caller.accepted).collect();
    seen.acknowledged = accepted.len();
    the_lists_hold_exactly(&mut api.client(), &accepted, seed);
    the_whole_log_holds(&processes);
    println!("seed {seed}, {cycles} cycles: {seen:?}");
    assert!(seen.unanswered > 0, "no kill met a create: {seen:?}");
}

/// What happened in a run.
#[derive(Debug, Default)]
struct Seen {
    kills: u64,
    kills_while_starting: u64,
    acknowledged: usize,
    /// Creates whose answer a kill took away.
    unanswered: u64,
    replays: u64,
    longest_start: Duration,
}

/// Lets all callers create until the plane is gone.
fn load_and_kill(callers: &mut [Caller<'_>], processes: &mut Processes, random: &mut Random, run: &str) {
    let acknowledged = random.below(ACKNOWLEDGED_BEFORE_KILL_END);
    let later = Duration::from_micros(random.below(3_000) as u64);
    thread::scope(|scope| {
        let (tell, told) = channel();
        let loads: Vec<_> = callers
            .iter_mut()
            .map(|caller| {
                let tell = tell.clone();
                scope.spawn(move || caller.creates_until_the_end(&tell))
            })
            .collect();
        drop(tell);
        wait_for(acknowledged, &told);
        thread::sleep(later);
        processes.plane.kill();
        for load in loads {
            let ended = load.join().expect("callers do not panic");
            assert_eq!(ended, Ok(()), "{run}");
        }
    });
}

/// Waits for so many acknowledgements, or until nobody is left who could get one.
fn wait_for(acknowledged: usize, told: &Receiver<()>) {
    for _ in 0..acknowledged {
        if told.recv_timeout(PATIENCE).is_err() {
            return;
        }
    }
}

/// A caller with references of its own.
struct Caller<'a> {
    number: usize,
    tenant: usize,
    client: Client<'a>,
    random: Random,
    accepted: Vec<Accepted>,
    /// Where the current cycle's begin.
    before: usize,
    /// What was sent, and nobody knows what became of it.
    open: Option<(String, Vec<String>)>,
}

impl<'a> Caller<'a> {
    fn new(number: usize, api: &'a Api, random: Random) -> Self {
        let (tenant, client) = (number % TENANTS.len(), api.client());
        Self { number, tenant, client, random, accepted: Vec::new(), before: 0, open: None }
    }

    /// Creates one invalidation after the other until the plane does not answer any more.
    fn creates_until_the_end(&mut self, tell: &Sender<()>) -> Result<(), String> {
        for _ in 0..ACKNOWLEDGED_PER_CALLER_MAX {
            let reference = format!("caller-{}-{}", self.number, self.accepted.len());
            let paths: Vec<_> = (0..=self.random.below(3)).map(|n| format!("/{reference}/{n}")).collect();
            match self.client.create(self.tenant, &reference, &paths) {
                Ok(id) => self.notes(reference, paths, id, false),
                Err(Failed::NotSent) => return Ok(()),
                Err(Failed::Unanswered) => {
                    self.open = Some((reference, paths));
                    return Ok(());
                }
                Err(Failed::Refused(why)) => return Err(format!("{reference} was refused: {why}")),
            }
            // Whoever counts may have counted enough.
            let _ = tell.send(());
        }
        Ok(())
    }

    fn notes(&mut self, reference: String, paths: Vec<String>, id: String, retried: bool) {
        self.accepted.push(Accepted { tenant: self.tenant, reference, paths, id, completed: false, retried });
    }

    /// See the module.
    fn checks_what_is_there(&mut self, run: &str, seen: &mut Seen) {
        if let Some((reference, paths)) = self.open.take() {
            seen.unanswered += 1;
            // Looked at below, like the others: the second repetition.
            let id = self.client.create(self.tenant, &reference, &paths);
            let id = id.unwrap_or_else(|failed| panic!("{run}: {reference} repeated: {failed:?}"));
            self.notes(reference, paths, id, true);
        }
        let earlier = self.before;
        let sample = (0..SAMPLE.min(earlier)).map(|_| self.random.below(earlier));
        let looked_at: Vec<usize> = sample.chain(earlier..self.accepted.len()).collect();
        for at in looked_at {
            is_there(&mut self.client, &self.accepted[at], run);
            seen.replays += 1;
        }
        if let Some(last) = self.accepted.last() {
            let other = ["/other".to_owned()];
            let conflict = self.client.create(last.tenant, &last.reference, &other);
            let code = "<Code>InvalidationBatchAlreadyExists</Code>";
            assert!(
                matches!(&conflict, Err(Failed::Refused(why)) if why.contains(code)),
                "{run}: {} with other paths: {conflict:?}",
                last.reference
            );
        }
        self.before = self.accepted.len();
    }
}

/// An acknowledged invalidation is there, and its reference still stands for it.
#[track_caller]
fn is_there(client: &mut Client<'_>, Accepted { tenant, reference, paths, id, .. }: &Accepted, run: &str) {
    let status = client.status(*tenant, id);
    assert!(status.is_ok(), "{run}: {reference} was acknowledged as {id}, and now: {status:?}");
    let again = client.create(*tenant, reference, paths);
    assert!(matches!(&again, Ok(found) if found == id), "{run}: {reference} was {id}, repeated: {again:?}");
}

/// Nothing is listed that was not acknowledged, nothing twice, and nothing is missing.
fn the_lists_hold_exactly(client: &mut Client<'_>, accepted: &[&Accepted], seed: u64) {
    for (tenant, name) in TENANTS.into_iter().enumerate() {
        let ours = accepted.iter().filter(|accepted| accepted.tenant == tenant);
        let ours: BTreeSet<&str> = ours.map(|accepted| accepted.id.as_str()).collect();
        let listed = client.list(tenant).unwrap();
        let ids: BTreeSet<&str> = listed.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(listed.len(), ids.len(), "seed {seed}: {name}'s list holds an invalidation twice");
        assert_eq!(ids, ours, "seed {seed}: {name}'s list and what was acknowledged");
    }
    let ids: BTreeSet<&str> = accepted.iter().map(|accepted| accepted.id.as_str()).collect();
    assert_eq!(ids.len(), accepted.len(), "seed {seed}: one id for two references");
}

/// A backup is checked in full: dense positions, every link of the chain, every body.
fn the_whole_log_holds(processes: &Processes) {
    let data_dir = &processes.plane.data_dir;
    let mut backup = Command::new(crate::rig::RECANT);
    backup.arg("backup").arg("--data-dir").arg(data_dir).arg("--to").arg(data_dir.with_extension("backup"));
    let output = backup.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
