//! The edge as its plane sees it: joining, applying, acknowledging, resuming, leaving.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use recant_core::batch::Pattern;
use recant_core::entry::{Change, HistoryId, Kind, Scope};
use recant_core::id::{EdgeId, TenantId};
use recant_core::protocol::message::{Incarnation, Member, Resume};
use recant_edge::{DiskOptions, Edge, EdgeOptions, Follower, FollowerOptions, SystemClock};
use recant_wire::feed::question::Question;

use crate::support::{Feed, Origin, Plane, Viewer, distribution, ok, tenant};

/// An edge that follows a plane, with tenants `a` and `b` from a snapshot at place 5.
struct Following {
    plane: Plane,
    feed: Feed,
    edge: Edge,
    follower: Follower,
    configuration: Vec<Change>,
    origin: Origin,
}

impl Following {
    async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    async fn start_with(adjust: impl FnOnce(&mut EdgeOptions)) -> Self {
        let origin =
            Origin::start(|_, _| ok(&["Cache-Control: max-age=600", "Cache-Tag: letter"], "body")).await;
        let mut plane = Plane::start().await;
        let mut options = EdgeOptions::new("127.0.0.1:0".parse().unwrap());
        adjust(&mut options);
        let edge = Edge::start(options).await.unwrap();
        let follower = Follower::start(Self::options(&plane, 1), &edge, Arc::new(SystemClock));
        let configuration = vec![
            Change::PutDistribution(distribution(origin.address.port())),
            Change::PutTenant(tenant("a", &["a.test"])),
            Change::PutTenant(tenant("b", &["b.test"])),
        ];
        let mut feed = plane.feed().await;
        assert_eq!(feed.after, None);
        feed.hello(1, 5, Resume::Snapshot);
        feed.snapshot(1, 5, &configuration).await;
        plane.hears_applied(5).await;
        let this = Self { plane, feed, edge, follower, configuration, origin };
        this.holds_a_lease().await;
        this
    }

    fn options(plane: &Plane, incarnation: u64) -> FollowerOptions {
        FollowerOptions {
            plane: format!("http://{}", plane.address).parse().unwrap(),
            secret: plane.secret.clone(),
            member: Member { edge: EdgeId::parse("e").unwrap(), incarnation: Incarnation(incarnation) },
        }
    }

    /// Waits for the answer that has been sent.
    async fn holds_a_lease(&self) {
        let granted = async {
            while self.edge.world().view().lease_until.is_none() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), granted).await.expect("the lease is granted");
    }

    async fn cache_status(&self, host: &str) -> String {
        let mut viewer = Viewer::connect(self.edge.viewer_address()).await;
        viewer.write(&format!("GET /p HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
        let reply = viewer.read("GET").await;
        let status = reply.header("cache-status");
        status.split("; ").nth(if status.contains("detail") { 2 } else { 1 }).unwrap().into()
    }

    async fn has_stored(&self, hosts: &[&str]) {
        for host in hosts {
            assert_eq!(self.cache_status(host).await, "fwd=uri-miss");
            assert_eq!(self.cache_status(host).await, "hit");
        }
    }
}

/// How many stored responses match, by the edge's own count.
async fn counted(following: &mut Following, tenant: &str, patterns: &[&str]) -> u64 {
    let question = Question {
        question: 7,
        tenant: TenantId::parse(tenant).unwrap(),
        patterns: patterns.iter().map(|pattern| Pattern::parse(pattern).unwrap()).collect(),
    };
    following.feed.question(&question).await;
    let counted = following.plane.answer().await;
    assert_eq!((counted.question, counted.edge.as_str()), (7, "e"));
    counted.stored_responses
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edge_counts_what_an_invalidation_would_take() {
    let mut following = Following::start().await;
    following.has_stored(&["a.test", "b.test"]).await;
    for (path, host) in [("/img/1", "a.test"), ("/img/2", "a.test"), ("/img/1", "b.test")] {
        let mut viewer = Viewer::connect(following.edge.viewer_address()).await;
        viewer.write(&format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
        viewer.read("GET").await;
    }
    for (patterns, expected) in [
        (&["/p"][..], 1),
        (&["/img/*"], 2),
        (&["/img/*", "/img/1", "/p"], 3),
        (&["/*"], 3),
        (&["/nothing", "#tag"], 0),
        (&["#letter"], 3),
    ] {
        assert_eq!(counted(&mut following, "a", patterns).await, expected, "{patterns:?}");
    }
    assert_eq!(counted(&mut following, "b", &["/*"]).await, 2);
    assert_eq!(counted(&mut following, "nobody", &["/*"]).await, 0);

    // What a rule has taken away already is not there to be taken away once more.
    let patterns = vec![Pattern::parse("/img/1").unwrap()];
    following.feed.change(&Change::Invalidate { scope: scope("a"), patterns }).await;
    following.plane.hears_applied(6).await;
    assert_eq!(counted(&mut following, "a", &["/*"]).await, 2);
    assert_eq!(counted(&mut following, "b", &["/*"]).await, 2);

    // A rule for all tenants of the distribution has as well.
    let distribution = distribution(1).id;
    let patterns = vec![Pattern::parse("/img/*").unwrap()];
    let invalidate = Change::Invalidate { scope: Scope::Distribution(distribution), patterns };
    following.feed.change(&invalidate).await;
    following.plane.hears_applied(7).await;
    assert_eq!(counted(&mut following, "a", &["/*"]).await, 1);
    assert_eq!(counted(&mut following, "b", &["/*"]).await, 1);
}

fn scope(tenant: &str) -> Scope {
    Scope::Tenant(TenantId::parse(tenant).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plane_is_told_what_was_taken_away() {
    let mut following = Following::start().await;
    following.has_stored(&["a.test", "b.test"]).await;
    let invalidate = |tenant: &str, pattern: &str| Change::Invalidate {
        scope: Scope::Tenant(TenantId::parse(tenant).unwrap()),
        patterns: vec![Pattern::parse(pattern).unwrap()],
    };
    following.feed.change(&invalidate("a", "/p")).await;
    following.feed.change(&invalidate("b", "#letter")).await;
    following.plane.hears_applied(7).await;
    assert_eq!(following.cache_status("a.test").await, "detail=invalidated");
    following.edge.sweep_now().await;
    // Said with the next heartbeat, which need not be waited for: an acknowledgement is one.
    following.feed.change(&invalidate("a", "/q")).await;
    let removed: Vec<_> = following.plane.hears_swept(7).await;
    let removed: Vec<_> = removed.iter().map(|(position, count)| (position.get(), *count)).collect();
    assert_eq!(removed, [(6, 1), (7, 1)]);
    following.follower.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledged_invalidation_holds() {
    let mut following = Following::start().await;
    following.has_stored(&["a.test", "b.test"]).await;
    let patterns = vec![Pattern::parse("/p").unwrap()];
    following.feed.change(&Change::Invalidate { scope: scope("a"), patterns }).await;
    following.plane.hears_applied(6).await;
    assert_eq!(following.cache_status("a.test").await, "detail=invalidated");
    assert_eq!(following.cache_status("b.test").await, "hit");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_understood_invalidates_its_scope() {
    let mut following = Following::start().await;
    following.has_stored(&["a.test", "b.test"]).await;
    let unknown = following.feed.next(scope("a"), Kind(999), Bytes::from_static(b"from the future"));
    following.feed.entry(&unknown).await;
    following.plane.hears_applied(6).await;
    assert_eq!(following.cache_status("a.test").await, "detail=invalidated");
    assert_eq!(following.cache_status("b.test").await, "hit");
    let mut withheld = following.feed.next(scope("b"), Kind::INVALIDATE, Bytes::from_static(b"{}"));
    withheld.body = Bytes::new();
    following.feed.entry(&withheld).await;
    following.plane.hears_applied(7).await;
    assert_eq!(following.cache_status("b.test").await, "detail=invalidated");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_feed_goes_on_where_it_ended() {
    let mut following = Following::start().await;
    following.has_stored(&["a.test"]).await;
    let patterns = vec![Pattern::parse("/other").unwrap()];
    let change = Change::Invalidate { scope: scope("a"), patterns };
    following.feed.change(&change).await;
    following.plane.hears_applied(6).await;
    following.feed = {
        drop(following.feed);
        following.plane.feed().await
    };
    assert_eq!(following.feed.after.unwrap().position.get(), 6);
    following.feed.hello(1, 6, Resume::Entries);
    following.feed.change(&change).await;
    following.plane.hears_applied(7).await;
    assert_eq!(following.cache_status("a.test").await, "hit", "nothing was lost on the way");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_goes_on_with_what_was_kept() {
    let dir = tempfile::tempdir().unwrap();
    let disk = || DiskOptions::new(dir.path().join("made"));
    let mut following = Following::start_with(|options| options.disk = Some(disk())).await;
    let patterns = vec![Pattern::parse("/p").unwrap()];
    following.feed.change(&Change::Invalidate { scope: scope("a"), patterns }).await;
    following.plane.hears_applied(6).await;
    let Following { mut plane, edge, follower, origin, .. } = following;
    let mut again = EdgeOptions::new("127.0.0.1:0".parse().unwrap());
    again.disk = Some(disk());
    let in_use = Edge::start(again.clone()).await.err().expect("one process at a time").to_string();
    assert!(in_use.contains("in use"), "{in_use}");
    edge.stop().await;
    follower.leave().await;

    let edge = Edge::start(again).await.unwrap();
    assert_eq!(edge.resumed().map(|applied| applied.position.get()), Some(6));
    assert_eq!(edge.world().view().lease_until, None, "no lease is kept");
    let _follower = Follower::start(Following::options(&plane, 2), &edge, Arc::new(SystemClock));
    let mut feed = plane.feed().await;
    assert_eq!(feed.after, edge.resumed());
    // Its tenants are known before the plane has said anything: they are forwarded.
    let mut viewer = Viewer::connect(edge.viewer_address()).await;
    viewer.write("GET /p HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    assert_eq!(
        viewer.read("GET").await.header("cache-status"),
        "recant; fwd=uri-miss; fwd-status=200; stored"
    );
    assert_eq!(origin.count(), 1);
    feed.hello(1, 7, Resume::Entries);
    let patterns = vec![Pattern::parse("/q").unwrap()];
    feed.change(&Change::Invalidate { scope: scope("a"), patterns }).await;
    plane.hears_applied(7).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_history_starts_over() {
    let mut following = Following::start().await;
    following.has_stored(&["a.test"]).await;
    *following.plane.history.lock().unwrap() = HistoryId(2);
    drop(following.feed);
    following.feed = following.plane.feed().await;
    following.feed.hello(2, 3, Resume::Diverged);
    following.feed.snapshot(2, 3, &following.configuration).await;
    following.plane.hears_applied(3).await;
    following.holds_a_lease().await;
    assert_eq!(following.edge.world().view().era.0, 1);
    // Still stored, and never served again: nothing that an invalidation could take away.
    assert_eq!(counted(&mut following, "a", &["/*"]).await, 0);
    assert_eq!(following.cache_status("a.test").await, "detail=other-history");
    assert_eq!(following.cache_status("a.test").await, "hit");
    assert_eq!(counted(&mut following, "a", &["/*"]).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_of_the_past_starts_over() {
    let mut following = Following::start().await;
    following.has_stored(&["a.test"]).await;
    drop(following.feed);
    following.feed = following.plane.feed().await;
    following.feed.hello(1, 5, Resume::Snapshot);
    following.feed.snapshot(1, 3, &following.configuration).await;
    following.plane.hears_applied(3).await;
    following.holds_a_lease().await;
    assert_eq!(following.cache_status("a.test").await, "detail=other-history");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_says_so_after_the_viewers_have_gone() {
    let mut following = Following::start().await;
    following.edge.stop().await;
    following.follower.leave().await;
    following.plane.hears(|heartbeat| heartbeat.leaving).await;
}
