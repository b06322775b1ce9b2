//! What everybody in a run shares: the versions, what is promised of them, and what was found.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Condvar, Mutex};
use std::thread;
use std::time::Duration;

use super::http::Reply;

/// The tenants, by number: two that writers invalidate all the time, one that only the chaos does, one that nobody does.
pub(crate) const TENANTS: [&str; 4] = ["ada", "ben", "cleo", "dora"];
pub(crate) const ADA: usize = 0;
pub(crate) const BEN: usize = 1;
pub(crate) const CLEO: usize = 2;
pub(crate) const DORA: usize = 3;

/// What each tenant's viewers ask for.
pub(crate) const PATHS: [&str; 7] = ["/", "/a", "/ab", "/a/b", "/shop/1", "/shop/2", "/shop/2/c"];

/// The parts that viewers ask for: the version, and the rest, which ends with it once more. Together they are the whole.
pub(crate) const PARTS: [&str; 2] = ["0-7", "8-"];

/// The host that a tenant answers to.
pub(crate) fn host(tenant: usize) -> String {
    format!("{}.example", TENANTS[tenant])
}

type Versions = [[AtomicU64; PATHS.len()]; TENANTS.len()];

fn versions() -> Versions {
    [const { [const { AtomicU64::new(0) }; PATHS.len()] }; TENANTS.len()]
}

/// See the module.
pub(crate) struct World {
    /// What the origin says now.
    current: Versions,
    /// The highest version whose invalidation somebody has seen `Completed`.
    completed: Versions,
    /// Set when the run ends; the lock is for those who wait.
    ended: Mutex<bool>,
    changed: Condvar,
    /// The run ends because something failed: nobody needs to wait for anything any more.
    abandoned: AtomicBool,
    /// What went wrong last, on purpose.
    stage: Mutex<String>,
    broken: Mutex<Vec<String>>,
    counts: Mutex<Counts>,
}

/// What happened in a run.
#[derive(Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) hits: u64,
    pub(crate) hits_on_new_versions: u64,
    pub(crate) hits_on_parts: u64,
    /// Answers that the edge got from what its shield had stored.
    pub(crate) hits_at_the_shield: u64,
    pub(crate) invalidated: u64,
    pub(crate) without_lease: u64,
    /// Answers that another viewer's request brought.
    pub(crate) collapsed: u64,
    /// Answers that the origin confirmed.
    pub(crate) validated: u64,
    /// Answers whose lifetime had ended.
    pub(crate) stale: u64,
    pub(crate) misses: u64,
    /// Answers of 400 and above.
    pub(crate) error_pages: u64,
    /// Requests without an answer.
    pub(crate) broken_off: u64,
    pub(crate) completed: u64,
    pub(crate) accepted: u64,
    pub(crate) unanswered: u64,
    pub(crate) overtaken: u64,
    pub(crate) kills: u64,
    pub(crate) pauses: u64,
    /// The longest wait for `Completed` with an edge dead or stopped.
    pub(crate) longest_wait: Duration,
}

/// Breaks listed in a failure; the first ones tell enough.
const BROKEN_MAX: usize = 10;

impl World {
    pub(crate) fn new() -> Self {
        Self {
            current: versions(),
            completed: versions(),
            ended: Mutex::new(false),
            changed: Condvar::new(),
            abandoned: AtomicBool::new(false),
            stage: Mutex::new("the start".to_owned()),
            broken: Mutex::new(Vec::new()),
            counts: Mutex::new(Counts::default()),
        }
    }

    /// What the origin says now.
    pub(crate) fn current(&self, tenant: usize, path: usize) -> u64 {
        self.current[tenant][path].load(SeqCst)
    }

    /// Changes what the origin says of these paths.
    pub(crate) fn raise(&self, tenant: usize, paths: &[usize]) -> Vec<(usize, u64)> {
        paths.iter().map(|&path| (path, self.current[tenant][path].fetch_add(1, SeqCst) + 1)).collect()
    }

    /// Whoever asks from now on must not get anything older.
    pub(crate) fn note_completed(&self, tenant: usize, raised: &[(usize, u64)]) {
        for &(path, version) in raised {
            self.completed[tenant][path].fetch_max(version, SeqCst);
        }
        self.count(|counts| counts.completed += 1);
    }

    /// What a request sent from now on must be answered with at least.
    pub(crate) fn due(&self, tenant: usize, path: usize) -> u64 {
        self.completed[tenant][path].load(SeqCst)
    }

    /// The origin's body.
    pub(crate) fn body(tenant: usize, path: usize, version: u64) -> String {
        format!("{version:08} {} {} {version:08}\n", TENANTS[tenant], PATHS[path])
    }

    /// Judges what a viewer got, given what was due when the request was sent.
    pub(crate) fn judge(&self, edge: usize, tenant: usize, path: usize, due: u64, reply: &Reply) {
        let status = reply.list("cache-status");
        let hit = reply.header("x-cache").starts_with("Hit");
        if reply.status >= 400 {
            return self.count(|counts| counts.error_pages += 1);
        }
        let body = String::from_utf8_lossy(&reply.body);
        let asked =
            format!("edge {edge}, {} {}: {} {body:?} ({status})", TENANTS[tenant], PATHS[path], reply.status);
        let Some(version) = version(tenant, path, reply, &body) else {
            return self.breaks(format!("not what was asked for: {asked}"));
        };
        if version < due {
            self.breaks(format!("version {due} was Completed before the request was sent: {asked}"));
        }
        // Nobody invalidates anything of hers.
        if tenant == DORA && status.contains("invalidated") {
            self.breaks(format!("another tenant's invalidation took it away: {asked}"));
        }
        self.count(|counts| {
            counts.hits += u64::from(hit);
            counts.hits_on_parts += u64::from(hit && reply.status == 206);
            counts.hits_on_new_versions += u64::from(hit && version > 0);
            counts.hits_at_the_shield += u64::from(!hit && is_hit_before(&status));
            counts.misses += u64::from(!hit);
            counts.invalidated += u64::from(status.contains("detail=invalidated"));
            counts.without_lease += u64::from(status.contains("detail=no-lease"));
            counts.collapsed += u64::from(status.contains("collapsed"));
            counts.validated += u64::from(status.contains("fwd-status=304"));
            counts.stale += u64::from(status.contains("ttl=-"));
        });
    }

    /// Says what goes wrong from here on.
    pub(crate) fn enter(&self, stage: String) {
        *self.stage.lock().unwrap() = stage;
    }

    /// Notes that the promise, or something that follows from it, was not kept.
    pub(crate) fn breaks(&self, what: String) {
        let mut broken = self.broken.lock().unwrap();
        let what = format!("{} and after: {what}", self.stage.lock().unwrap());
        if broken.len() < BROKEN_MAX && !broken.contains(&what) {
            broken.push(what);
        }
    }

    pub(crate) fn broken(&self) -> Vec<String> {
        self.broken.lock().unwrap().clone()
    }

    pub(crate) fn count(&self, add: impl FnOnce(&mut Counts)) {
        add(&mut self.counts.lock().unwrap());
    }

    pub(crate) fn counts(&self) -> Counts {
        *self.counts.lock().unwrap()
    }

    /// Lets this much time pass, or less if the run ends; whether it goes on.
    pub(crate) fn pause(&self, time: Duration) -> bool {
        let ended = self.ended.lock().unwrap();
        let (ended, _) = self.changed.wait_timeout_while(ended, time, |ended| !*ended).unwrap();
        !*ended
    }

    pub(crate) fn goes_on(&self) -> bool {
        !*self.ended.lock().unwrap()
    }

    /// After its end: the next run with the same versions.
    pub(crate) fn begin_again(&self) {
        *self.ended.lock().unwrap() = false;
    }

    pub(crate) fn is_abandoned(&self) -> bool {
        self.abandoned.load(SeqCst)
    }

    pub(crate) fn end_on_drop(&self) -> End<'_> {
        End(self)
    }
}

/// Whether somebody had it stored who was asked by the last that names itself (RFC 9211: the one nearest to the origin is named first).
fn is_hit_before(cache_status: &str) -> bool {
    cache_status
        .rsplit_once(", ")
        .is_some_and(|(before, last)| before.contains("; hit") && last.contains("fwd="))
}

/// The version in an answer, the older one where it has two; nothing when it is not the answer.
fn version(tenant: usize, path: usize, reply: &Reply, body: &str) -> Option<u64> {
    let words: Vec<&str> = body.split_whitespace().collect();
    let is_it = |whose: &str, what: &str| whose == TENANTS[tenant] && what == PATHS[path];
    let place = reply.header("content-range");
    let versions = match (reply.status, &words[..]) {
        (200, [one, whose, what, two]) if is_it(whose, what) => [*one, *two],
        (206, [one]) if place.starts_with("bytes 0-7/") => [*one, *one],
        (206, [whose, what, two]) if place.starts_with("bytes 8-") && is_it(whose, what) => [*two, *two],
        _ => return None,
    };
    let [one, two] = versions.map(|version| version.parse::<u64>().ok());
    Some(one?.min(two?))
}

/// Ends the run when it is dropped.
pub(crate) struct End<'a>(&'a World);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.abandoned.store(thread::panicking(), SeqCst);
        *self.0.ended.lock().unwrap() = true;
        self.0.changed.notify_all();
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { hits, hits_on_new_versions, invalidated, without_lease, misses, error_pages, .. } = self;
        let Self { collapsed, validated, stale, hits_on_parts, hits_at_the_shield, .. } = self;
        let Self {
            broken_off, completed, accepted, unanswered, overtaken, kills, pauses, longest_wait, ..
        } = self;
        write!(
            f,
            "{hits} hits ({hits_on_new_versions} on new versions, {hits_on_parts} of parts), {misses} forwarded ({hits_at_the_shield} to a shield that had it, {invalidated} invalidated, \
             {without_lease} without lease, {collapsed} together, {validated} validated), {stale} stale, {error_pages} error pages, {broken_off} unanswered; {accepted} accepted, {completed} seen completed, \
             {unanswered} creates unanswered; {overtaken} origin answers overtaken; {kills} kills, {pauses} pauses and cuts, \
             longest wait for Completed with an edge away {longest_wait:?}"
        )
    }
}
