//! What outlives the process: responses on the disk, judged by the next process as if it had never been another one.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use recant_core::batch::Pattern;
use recant_core::entry::{Change, HistoryId, Scope};
use recant_core::id::{DistributionId, EdgeId, TenantId};
use recant_core::protocol::message::{Heartbeat, Incarnation, Member, Resume};
use recant_core::spec::Direct;
use recant_edge::{DiskOptions, DiskUsage, Edge, EdgeOptions, Follower, FollowerOptions, SystemClock};
use tempfile::TempDir;

use crate::support::{Act, Feed, Origin, Plane, Reply, Viewer, distribution, ok, tenant};

/// An edge with a disk that follows a plane, with tenants `a` and `b` from a snapshot at place 5.
struct Keeping {
    dirs: Vec<TempDir>,
    origin: Origin,
    plane: Plane,
    feed: Feed,
    edge: Edge,
    follower: Follower,
    adjust: fn(&mut EdgeOptions),
    incarnation: u64,
}

fn numbered(before: usize, _: &str) -> Act {
    ok(&["Cache-Control: max-age=600", "Cache-Tag: red", "ETag: \"e\""], &format!("#{before}"))
}

fn patterns(items: &[&str]) -> Vec<Pattern> {
    items.iter().map(|item| Pattern::parse(item).unwrap()).collect()
}

fn invalidate(tenant: &str, items: &[&str]) -> Change {
    Change::Invalidate { scope: Scope::Tenant(TenantId::parse(tenant).unwrap()), patterns: patterns(items) }
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting)
        .await
        .unwrap_or_else(|_| panic!("waiting for {what}"));
}

async fn start(
    dir: PathBuf,
    plane: &Plane,
    adjust: fn(&mut EdgeOptions),
    incarnation: u64,
) -> (Edge, Follower) {
    let mut options = EdgeOptions::new("127.0.0.1:0".parse().unwrap());
    options.disk = Some(DiskOptions::new(dir));
    adjust(&mut options);
    let edge = Edge::start(options).await.unwrap();
    let options = FollowerOptions {
        plane: format!("http://{}", plane.address).parse().unwrap(),
        secret: plane.secret.clone(),
        member: Member { edge: EdgeId::parse("e").unwrap(), incarnation: Incarnation(incarnation) },
    };
    let follower = Follower::start(options, &edge, Arc::new(SystemClock));
    (edge, follower)
}

fn configuration(origin: &Origin) -> Vec<Change> {
    vec![
        Change::PutDistribution(distribution(origin.address.port())),
        Change::PutTenant(tenant("a", &["a.test"])),
        Change::PutTenant(tenant("b", &["b.test"])),
    ]
}

impl Keeping {
    async fn new(script: impl Fn(usize, &str) -> Act + Send + Sync + 'static) -> Self {
        Self::with(script, |_| {}).await
    }

    async fn with(
        script: impl Fn(usize, &str) -> Act + Send + Sync + 'static,
        adjust: fn(&mut EdgeOptions),
    ) -> Self {
        let origin = Origin::start(script).await;
        let mut plane = Plane::start().await;
        let dir = tempfile::tempdir().unwrap();
        let (edge, follower) = start(dir.path().to_owned(), &plane, adjust, 1).await;
        let mut feed = plane.feed().await;
        assert_eq!(feed.after, None);
        feed.hello(1, 5, Resume::Snapshot);
        feed.snapshot(1, 5, &configuration(&origin)).await;
        plane.hears_applied(5).await;
        let keeping = Self { dirs: vec![dir], origin, plane, feed, edge, follower, adjust, incarnation: 1 };
        keeping.may_serve().await;
        keeping
    }

    async fn may_serve(&self) {
        until("a lease", || self.edge.world().view().lease_until.is_some()).await;
        until("the disk", || self.usage().is_ready).await;
    }

    fn usage(&self) -> DiskUsage {
        self.edge.disk_usage().unwrap()
    }

    fn dir(&self) -> &Path {
        self.dirs.last().unwrap().path()
    }

    /// The folder as it is now, as a kill would leave it to the next process.
    fn image(&self) -> TempDir {
        let image = tempfile::tempdir().unwrap();
        for file in fs::read_dir(self.dir()).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), image.path().join(file.file_name())).unwrap();
        }
        image
    }

    /// Waits until the journal has come to this place.
    async fn has_noted(&self, position: u64) {
        until("what was told to be noted", || self.usage().journal_position.get() == position).await;
    }

    /// Waits until so many responses have been written by this process.
    async fn has_written(&self, responses: u64) {
        until("what is stored to be written", || self.usage().written >= responses).await;
    }

    /// Another process on this folder; the feed that it opens has to be answered.
    async fn on(self, dir: TempDir) -> Self {
        self.in_history(1, dir).await
    }

    /// The same, while the plane is in this history.
    async fn in_history(mut self, history: u128, dir: TempDir) -> Self {
        // What it does on its way out is not in the image.
        self.edge.stop().await;
        self.follower.leave().await;
        *self.plane.history.lock().unwrap() = HistoryId(history);
        let incarnation = self.incarnation + 1;
        let (edge, follower) = start(dir.path().to_owned(), &self.plane, self.adjust, incarnation).await;
        self.dirs.push(dir);
        let feed = self.plane.feed().await;
        Self { feed, edge, follower, incarnation, ..self }
    }

    /// The same, which goes on with the log where it was.
    async fn going_on(self, dir: TempDir) -> Self {
        let mut keeping = self.on(dir).await;
        keeping.goes_on().await;
        keeping
    }

    async fn goes_on(&mut self) {
        let place = self.feed.after.expect("it goes on").position.get();
        self.feed.hello(1, place, Resume::Entries);
        self.feed.head(place).await;
        self.may_serve().await;
    }

    /// Killed, and started again.
    async fn killed(self) -> Self {
        self.has_noted(self.feed.next_place() - 1).await;
        let image = self.image();
        self.going_on(image).await
    }

    /// Tells it this, and waits until it holds.
    async fn told(&mut self, change: &Change) {
        let place = self.feed.next_place();
        self.feed.change(change).await;
        self.has_applied(place).await;
    }

    /// Waits until this process says that it has applied this place.
    async fn has_applied(&mut self, place: u64) {
        let incarnation = Incarnation(self.incarnation);
        let is_it = move |heartbeat: &Heartbeat| {
            let position = heartbeat.applied.map(|applied| applied.position.get());
            heartbeat.member.incarnation == incarnation && position == Some(place)
        };
        self.plane.hears(is_it).await;
    }

    async fn get(&self, host: &str, target: &str) -> Reply {
        self.send("GET", host, target, &[]).await
    }

    async fn send(&self, method: &str, host: &str, target: &str, lines: &[&str]) -> Reply {
        let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        let mut viewer = Viewer::connect(self.edge.viewer_address()).await;
        viewer.write(&format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n")).await;
        viewer.read(method).await
    }

    async fn is_hit(&self, host: &str, target: &str) -> bool {
        self.get(host, target).await.header("x-cache") == "Hit from recant"
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_killed_serves_from_the_disk_what_nobody_has_invalidated() {
    let keeping = Keeping::new(numbered).await;
    for (host, target) in [("a.test", "/p"), ("a.test", "/q"), ("b.test", "/p")] {
        let _ = keeping.get(host, target).await;
    }
    keeping.has_written(3).await;
    let keeping = keeping.killed().await;
    assert_eq!(keeping.usage().restored, 3);
    let reply = keeping.get("a.test", "/p").await;
    assert_eq!((reply.text(), reply.header("x-cache").as_str()), ("#0", "Hit from recant"));
    assert_eq!(reply.header("etag"), "\"e\"");
    assert!(reply.header("age").parse::<u64>().unwrap() < 60);
    assert!(keeping.is_hit("a.test", "/q").await && keeping.is_hit("b.test", "/p").await);
    assert!(keeping.is_hit("b.test", "/p").await, "from memory");
    assert_eq!((keeping.origin.count(), keeping.usage().read), (3, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_invalidated_before_or_after_a_kill_or_meanwhile_is_not_served() {
    let mut keeping = Keeping::new(numbered).await;
    for target in ["/before", "/meanwhile", "/after", "/never"] {
        let _ = keeping.get("a.test", target).await;
        let _ = keeping.get("b.test", target).await;
    }
    keeping.has_written(8).await;
    keeping.told(&invalidate("a", &["/before"])).await;
    keeping.has_noted(6).await;
    let image = keeping.image();
    let mut keeping = keeping.on(image).await;
    // The rest of the log has come when the lease is granted.
    assert_eq!(keeping.feed.after.unwrap().position.get(), 6);
    keeping.feed.hello(1, 7, Resume::Entries);
    keeping.told(&invalidate("a", &["/meanwhile"])).await;
    keeping.may_serve().await;
    keeping.told(&invalidate("a", &["/after"])).await;
    for target in ["/before", "/meanwhile", "/after"] {
        assert!(!keeping.is_hit("a.test", target).await, "{target}");
        assert!(keeping.is_hit("b.test", target).await, "{target}");
    }
    assert!(keeping.is_hit("a.test", "/never").await);
    // By tag, and by a rule for everything.
    keeping.told(&invalidate("b", &["#red"])).await;
    let keeping = keeping.killed().await;
    assert!(!keeping.is_hit("b.test", "/never").await);
    assert!(keeping.is_hit("a.test", "/never").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_served_before_a_lease_is_granted() {
    let keeping = Keeping::new(numbered).await;
    let _ = keeping.get("a.test", "/p").await;
    keeping.has_written(1).await;
    keeping.has_noted(5).await;
    // A plane that grants nobody anything.
    let image = keeping.image();
    let keeping = keeping.in_history(2, image).await;
    until("the disk", || keeping.usage().is_ready).await;
    let reply = keeping.get("a.test", "/p").await;
    assert_eq!((reply.text(), keeping.usage().read), ("#1", 0), "{}", reply.header("cache-status"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_fetched_before_the_plane_is_heard_is_as_new_as_what_was_kept() {
    let keeping = Keeping::new(numbered).await;
    keeping.has_noted(5).await;
    let image = keeping.image();
    let mut options = EdgeOptions::new("127.0.0.1:0".parse().unwrap());
    options.disk = Some(DiskOptions::new(image.path().to_owned()));
    let edge = Edge::start(options).await.unwrap();
    // Nobody follows yet.
    assert_eq!(edge.world().view().known_committed.get(), 5);
    assert_eq!(edge.world().view().lease_until, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_history_has_no_use_for_what_is_on_the_disk() {
    let keeping = Keeping::new(numbered).await;
    let _ = keeping.get("a.test", "/p").await;
    keeping.has_written(1).await;
    keeping.has_noted(5).await;
    let image = keeping.image();
    let mut keeping = keeping.in_history(2, image).await;
    // It hears of that by the answer to a heartbeat, and asks again.
    while keeping.feed.after.is_some() {
        keeping.feed = keeping.plane.feed().await;
    }
    keeping.feed.hello(2, 9, Resume::Snapshot);
    keeping.feed.snapshot(2, 9, &configuration(&keeping.origin)).await;
    keeping.has_applied(9).await;
    keeping.may_serve().await;
    assert_eq!(keeping.get("a.test", "/p").await.text(), "#1");
    assert_eq!(keeping.usage().read, 0);
    keeping.has_written(1).await;
    keeping.has_noted(9).await;
    // What comes now is kept as ever.
    let image = keeping.image();
    let mut keeping = keeping.in_history(2, image).await;
    // One that the process before has given up may be told of first.
    while keeping.feed.after.is_none_or(|after| after.history != HistoryId(2)) {
        keeping.feed = keeping.plane.feed().await;
    }
    keeping.feed.hello(2, 9, Resume::Entries);
    keeping.feed.head(9).await;
    keeping.may_serve().await;
    assert_eq!((keeping.get("a.test", "/p").await.text(), keeping.usage().read), ("#1", 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_is_above_everything_that_is_on_the_disk() {
    let keeping = Keeping::new(numbered).await;
    let _ = keeping.get("a.test", "/p").await;
    keeping.has_written(1).await;
    keeping.has_noted(5).await;
    let image = keeping.image();
    // The journal is lost: what is stored is of no use without it.
    fs::remove_file(image.path().join("journal")).unwrap();
    let mut keeping = keeping.on(image).await;
    assert_eq!(keeping.feed.after, None);
    keeping.feed.hello(1, 5, Resume::Snapshot);
    keeping.feed.snapshot(1, 5, &configuration(&keeping.origin)).await;
    keeping.has_applied(5).await;
    keeping.may_serve().await;
    assert_eq!((keeping.get("a.test", "/p").await.text(), keeping.usage().restored), ("#1", 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_later_than_the_journal_is_none() {
    let mut keeping = Keeping::new(numbered).await;
    keeping.has_noted(5).await;
    let early = keeping.image();
    keeping.told(&invalidate("b", &["/x"])).await;
    let _ = keeping.get("a.test", "/p").await;
    keeping.has_written(1).await;
    let late = keeping.image();
    fs::copy(early.path().join("journal"), late.path().join("journal")).unwrap();
    let mut keeping = keeping.on(late).await;
    assert_eq!(keeping.feed.after.unwrap().position.get(), 5);
    keeping.feed.hello(1, 5, Resume::Entries);
    // Not the entry that this process's predecessor knew under this number.
    keeping.told(&invalidate("a", &["/p"])).await;
    keeping.may_serve().await;
    assert_eq!((keeping.get("a.test", "/p").await.text(), keeping.usage().restored), ("#1", 0));
    // Nor is it one for whoever comes next.
    keeping.has_written(1).await;
    let keeping = keeping.killed().await;
    let reply = keeping.get("a.test", "/p").await;
    assert_eq!(reply.text(), "#1", "{} {:?}", reply.header("cache-status"), keeping.usage());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_been_replaced_or_taken_out_does_not_come_back() {
    let keeping = Keeping::new(|before, request| {
        let stale = ["Cache-Control: max-age=0, stale-while-revalidate=600"];
        match request {
            _ if request.starts_with("POST") => ok(&[], "done"),
            _ if request.contains("/replaced") => ok(&stale, &format!("#{before}")),
            _ => numbered(before, request),
        }
    })
    .await;
    for target in ["/replaced", "/changed", "/kept"] {
        let _ = keeping.get("a.test", target).await;
    }
    // Served stale, and validated behind the viewer's back.
    let mut replaced = String::from("#0");
    while replaced == "#0" {
        replaced = keeping.get("a.test", "/replaced").await.text().to_owned();
    }
    let _ = keeping.send("POST", "a.test", "/changed", &["Content-Length: 0"]).await;
    let _ = keeping.get("a.test", "/last").await;
    until("everything to be written", || keeping.usage().waiting == 0).await;
    let keeping = keeping.killed().await;
    assert_ne!(keeping.get("a.test", "/replaced").await.text(), "#0");
    assert_eq!(keeping.get("a.test", "/kept").await.text(), "#2");
    assert!(!keeping.is_hit("a.test", "/changed").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_memory_has_no_room_for_is_read_back() {
    let body = "x".repeat(10_000);
    let script =
        move |before: usize, _: &str| ok(&["Cache-Control: max-age=600"], &format!("{before} {body}"));
    let keeping = Keeping::with(script, |options| options.store_bytes = 1 << 20).await;
    for n in 0..200 {
        let _ = keeping.get("a.test", &format!("/{n}")).await;
    }
    keeping.has_written(200).await;
    for round in 0..2 {
        for n in 0..200 {
            let reply = keeping.get("a.test", &format!("/{n}")).await;
            assert_eq!(reply.header("x-cache"), "Hit from recant", "{round} {n}");
            assert!(reply.text().starts_with(&format!("{n} x")));
        }
    }
    assert!(keeping.usage().read > 100, "{:?}", keeping.usage());
    assert_eq!(keeping.origin.count(), 200);
    let usage = keeping.edge.usage();
    let usage = usage.iter().find(|usage| usage.tenant.as_str() == "a").unwrap();
    assert_eq!((usage.disk_responses, usage.hits, usage.misses), (200, 2 * 200, 200));
    assert!(usage.stored_responses < 120 && usage.disk_bytes > 2_000_000, "{usage:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn variants_and_methods_are_told_apart_on_the_disk_too() {
    let keeping = Keeping::new(|before, _| {
        ok(&["Cache-Control: max-age=600", "Vary: Accept-Language"], ["hello", "bonjour"][before])
    })
    .await;
    let languages = [("en", "hello"), ("fr", "bonjour")];
    for (language, text) in languages {
        let reply = keeping.send("GET", "a.test", "/p", &[&format!("Accept-Language: {language}")]).await;
        assert_eq!(reply.text(), text);
    }
    keeping.has_written(2).await;
    let keeping = keeping.killed().await;
    let head = keeping.send("HEAD", "a.test", "/p", &["Accept-Language: fr"]).await;
    assert_eq!(
        (head.header("x-cache").as_str(), head.header("content-length").as_str()),
        ("Hit from recant", "7")
    );
    for (language, text) in languages {
        let reply = keeping.send("GET", "a.test", "/p", &[&format!("Accept-Language: {language}")]).await;
        assert_eq!((reply.text(), reply.header("x-cache").as_str()), (text, "Hit from recant"));
    }
    let part = keeping.send("GET", "a.test", "/p", &["Accept-Language: en", "Range: bytes=1-2"]).await;
    assert_eq!(part.text(), "el");
    assert_eq!(keeping.origin.count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_orderly_end_leaves_everything_that_was_stored() {
    let keeping = Keeping::new(numbered).await;
    for n in 0..50 {
        let _ = keeping.get("a.test", &format!("/{n}")).await;
    }
    let Keeping { mut dirs, origin, mut plane, edge, follower, adjust, .. } = keeping;
    edge.stop().await;
    follower.leave().await;
    let dir = dirs.pop().unwrap();
    let (edge, follower) = start(dir.path().to_owned(), &plane, adjust, 2).await;
    let feed = plane.feed().await;
    let mut keeping =
        Keeping { dirs: vec![dir], origin, plane, feed, edge, follower, adjust, incarnation: 2 };
    keeping.goes_on().await;
    assert_eq!(keeping.usage().restored, 50);
    assert!(keeping.is_hit("a.test", "/49").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_are_in_memory_only_and_what_they_make_up_is_not() {
    let keeping = Keeping::new(|_, request| {
        let ten = if request.contains("bytes=0-4") { ("0-4", "01234") } else { ("5-9", "56789") };
        let lines = format!("ETag: \"e\"\r\nCache-Control: max-age=600\r\nContent-Range: bytes {}/10", ten.0);
        Act::Reply(format!("HTTP/1.1 206 x\r\n{lines}\r\nContent-Length: 5\r\n\r\n{}", ten.1).into())
    })
    .await;
    let ask = async |keeping: &Keeping, target: &str, range: &str| {
        let reply = keeping.send("GET", "a.test", target, &[&format!("Range: bytes={range}")]).await;
        (reply.status, reply.text().to_owned(), reply.header("x-cache"))
    };
    let (miss, hit) = ("Miss from recant".to_owned(), "Hit from recant".to_owned());
    for (target, range, from) in
        [("/half", "0-4", &miss), ("/whole", "0-4", &miss), ("/whole", "5-9", &miss), ("/half", "0-4", &hit)]
    {
        assert_eq!(&ask(&keeping, target, range).await.2, from, "{target} {range}");
    }
    keeping.has_written(1).await;
    assert_eq!((keeping.usage().stored_responses, keeping.usage().waiting), (1, 0));
    let keeping = keeping.killed().await;
    assert_eq!(keeping.usage().restored, 1);
    assert_eq!(ask(&keeping, "/whole", "3-6").await, (206, "3456".into(), hit));
    assert_eq!(ask(&keeping, "/half", "0-4").await, (206, "01234".into(), miss));
}

#[tokio::test]
async fn a_distribution_without_tenants_outlives_the_process() {
    let mut keeping = Keeping::new(numbered).await;
    let id = DistributionId::parse("E2").unwrap();
    let mut spec = distribution(keeping.origin.address.port());
    spec.id = id.clone();
    spec.parameter_defaults.insert("name".into(), "own".into());
    spec.direct = Some(Direct { endpoint: "e2.edges.test".into(), aliases: vec!["shop.test".into()] });
    keeping.told(&Change::PutDistribution(spec.clone())).await;
    for target in ["/p", "/q"] {
        let _ = keeping.get("shop.test", target).await;
    }
    keeping.has_written(2).await;
    let patterns = patterns(&["/p"]);
    keeping.told(&Change::Invalidate { scope: Scope::Distribution(id.clone()), patterns }).await;

    let mut keeping = keeping.killed().await;
    assert_eq!(keeping.get("e2.edges.test", "/q").await.header("x-cache"), "Hit from recant");
    assert_eq!(keeping.get("shop.test", "/p").await.text(), "#2");
    spec.direct = Some(Direct { endpoint: "e2.edges.test".into(), aliases: Vec::new() });
    keeping.told(&Change::PutDistribution(spec)).await;
    assert_eq!(keeping.get("shop.test", "/q").await.status, 404);

    let mut keeping = keeping.killed().await;
    assert_eq!(keeping.get("shop.test", "/q").await.status, 404);
    assert_eq!(keeping.get("e2.edges.test", "/q").await.header("x-cache"), "Hit from recant");
    keeping.told(&Change::RemoveDistribution(id)).await;
    assert_eq!(keeping.get("e2.edges.test", "/q").await.status, 404);
    let keeping = keeping.killed().await;
    assert_eq!(keeping.get("e2.edges.test", "/q").await.status, 404);
}
