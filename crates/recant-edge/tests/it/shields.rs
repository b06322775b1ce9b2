//! An edge that others ask in the origin's place: once for all of them, and never for what it may not know.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use recant_core::entry::{Change, HistoryId};
use recant_core::position::Era;
use recant_core::spec::DistributionSpec;
use recant_edge::ShieldOptions;
use recant_wire::feed::EdgeSecret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::support::{ALL_VIEWER, Act, Bed, Gate, Origin, Viewer, distribution, ok, tenant};

const HISTORY: HistoryId = HistoryId(7);
const SECRET: EdgeSecret = EdgeSecret::new([7; 32]);
const REGION: &str = "us-east-1";

fn shielded(port: u16) -> DistributionSpec {
    let mut spec = distribution(port);
    spec.origins[0].shield = Some(REGION.into());
    spec
}

async fn numbered() -> Origin {
    Origin::start(|before, _| ok(&["Cache-Control: max-age=600"], &format!("#{before}"))).await
}

async fn nobody() -> Origin {
    Origin::start(|_, _| ok(&[], "nobody asks here")).await
}

/// An edge in front of this shield, or a shield if there is none in front of it.
async fn edge(spec: DistributionSpec, origin: Origin, shield: Option<SocketAddr>) -> Bed {
    known_by(&SECRET, spec, origin, shield).await
}

async fn known_by(
    secret: &EdgeSecret,
    spec: DistributionSpec,
    origin: Origin,
    shield: Option<SocketAddr>,
) -> Bed {
    let shields = shield.map(|address| (REGION.to_owned(), address.to_string().parse().unwrap()));
    let bed = Bed::with(origin, spec, |options| {
        options.edge_secret = Some(secret.clone());
        options.shield = ShieldOptions {
            listen: shield.is_none().then(|| "127.0.0.1:0".parse().unwrap()),
            shields: shields.into_iter().collect(),
        };
    })
    .await;
    bed.world().follow(Era::default(), HISTORY);
    bed
}

/// A shield with its origin, and an edge in front.
async fn pair() -> (Bed, Bed) {
    let origin = numbered().await;
    let spec = shielded(origin.address.port());
    let shield = edge(spec.clone(), origin, None).await;
    let front = edge(spec, nobody().await, shield.edge.shield_address()).await;
    (shield, front)
}

#[tokio::test]
async fn the_origin_is_asked_once_for_all_edges() {
    let (shield, front) = pair().await;
    let other =
        edge(shielded(shield.origin.address.port()), nobody().await, shield.edge.shield_address()).await;
    let first = front.get("a.test", "/p?q").await;
    assert_eq!((first.text(), first.header("x-cache").as_str()), ("#0", "Miss from recant"));
    let second = other.get("a.test", "/p?q").await;
    assert_eq!((second.text(), second.header("x-cache").as_str()), ("#0", "Miss from recant"));
    let status = second.header("cache-status");
    assert!(status.starts_with("recant; hit; ttl="), "what the shield says comes first: {status}");
    assert!(status.contains("recant; fwd=uri-miss; fwd-status=200; stored"), "{status}");
    assert_eq!(other.get("a.test", "/p?q").await.header("x-cache"), "Hit from recant");
    assert_eq!(
        shield.get("a.test", "/p?q").await.header("x-cache"),
        "Hit from recant",
        "to its own viewers, too"
    );
    assert_eq!(shield.origin.count(), 1);
    let asked = shield.origin.seen().concat().to_ascii_lowercase();
    assert!(!asked.contains("recant-"), "what edges tell each other is for nobody else: {asked}");
}

#[tokio::test]
async fn a_shield_that_is_behind_is_passed_over() {
    let (mut shield, mut front) = pair().await;
    assert_eq!(front.get("a.test", "/p").await.text(), "#0");
    // Only the edge in front has heard of it. The shield would still serve what it has.
    front.invalidate("a", &["/p"]);
    assert_eq!(shield.get("a.test", "/p").await.text(), "#0");
    let anew = front.get("a.test", "/p").await;
    assert_eq!(anew.text(), "#1", "the origin itself");
    assert!(anew.header("cache-status").starts_with("recant; fwd=miss; detail=invalidated"));

    front.invalidate("a", &["/p"]);
    shield.invalidate("a", &["/p"]);
    shield.invalidate("a", &["/q"]);
    let through = front.get("a.test", "/p").await;
    assert_eq!(through.text(), "#2");
    assert!(
        through.header("cache-status").starts_with("recant; fwd=miss; detail=invalidated"),
        "said by the shield"
    );
    assert_eq!(shield.get("a.test", "/p").await.text(), "#2");
}

#[tokio::test]
async fn what_a_shield_had_stored_is_as_old_as_it_may_be() {
    let (mut shield, mut front) = pair().await;
    assert_eq!(shield.get("a.test", "/p").await.text(), "#0");
    // Both know of a rule that does not take it away; then the edge in front hears of one that does.
    for bed in [&mut shield, &mut front] {
        bed.invalidate("a", &["/other"]);
    }
    assert_eq!(front.get("a.test", "/p").await.text(), "#0");
    assert_eq!(front.get("a.test", "/p").await.header("x-cache"), "Hit from recant");
    for bed in [&mut shield, &mut front] {
        bed.invalidate("a", &["/p"]);
    }
    assert_eq!(front.get("a.test", "/p").await.text(), "#1");
}

#[tokio::test]
async fn a_shield_without_a_lease_asks_the_origin() {
    let (shield, front) = pair().await;
    assert_eq!(shield.get("a.test", "/p").await.text(), "#0");
    shield.publish(None);
    assert_eq!(front.get("a.test", "/p").await.text(), "#1");
}

#[tokio::test]
async fn a_shield_of_another_history_or_another_plane_is_passed_over() {
    let (shield, front) = pair().await;
    shield.world().follow(Era::default(), HistoryId(8));
    let reply = front.get("a.test", "/p").await;
    assert_eq!((reply.text(), reply.header("via").as_str()), ("#0", "1.1 recant"), "past the shield");

    let (origin, secret) = (shield.origin.address.port(), EdgeSecret::new([8; 32]));
    let stranger = known_by(&secret, shielded(origin), nobody().await, shield.edge.shield_address()).await;
    assert_eq!(stranger.get("a.test", "/q").await.header("via"), "1.1 recant");
    assert_eq!(shield.origin.count(), 2);
}

/// What pretends to be a shield: it is told of each connection, and does as it likes.
async fn false_shield<F>(act: impl Fn(usize, TcpStream) -> F + Send + 'static) -> (SocketAddr, Arc<Calls>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, calls) = (listener.local_addr().unwrap(), Arc::new(Calls::default()));
    let counted = calls.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let before = counted.count.fetch_add(1, Ordering::SeqCst);
            counted.news.notify_one();
            tokio::spawn(act(before, stream));
        }
    });
    (address, calls)
}

#[derive(Default)]
struct Calls {
    count: AtomicUsize,
    news: Notify,
}

impl Calls {
    fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    async fn reach(&self, count: usize) {
        while self.count() < count {
            self.news.notified().await;
        }
        assert_eq!(self.count(), count);
    }
}

#[tokio::test]
async fn a_shield_that_does_not_answer_is_left_alone_for_a_while() {
    let (address, calls) = false_shield(async |_, stream| drop(stream)).await;
    let origin = numbered().await;
    let front = edge(shielded(origin.address.port()), origin, Some(address)).await;
    for (n, target) in ["/p", "/q"].into_iter().enumerate() {
        assert_eq!(front.get("a.test", target).await.text(), format!("#{n}"));
    }
    assert_eq!(calls.count(), 1);
    // Then one finds out whether it is back, and none waits for that.
    front.pass_leased(Duration::from_secs(6));
    for (n, target) in ["/r", "/s"].into_iter().enumerate() {
        assert_eq!(front.get("a.test", target).await.text(), format!("#{}", n + 2));
    }
    calls.reach(2).await;
}

#[tokio::test]
async fn a_shield_that_takes_connections_and_says_nothing_is_left_alone_too() {
    let (address, calls) = false_shield(async |_, stream| {
        let _held = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let origin = numbered().await;
    // Its origins might take 34 seconds.
    let front = edge(shielded(origin.address.port()), origin, Some(address)).await;
    let first = front.get("a.test", "/p").await;
    assert_eq!((first.text(), first.header("via").as_str()), ("#0", "1.1 recant"));
    // The request and the question whether it is there.
    assert_eq!(calls.count(), 2);
    assert_eq!(front.get("a.test", "/q").await.text(), "#1");
    assert_eq!(calls.count(), 2);
}

#[tokio::test]
async fn a_shield_that_waits_for_a_slow_origin_is_waited_for() {
    let asked = Arc::new(Notify::new());
    let (address, calls) = false_shield(move |before, mut stream| {
        let asked = asked.clone();
        async move {
            let _ = stream.read_buf(&mut Vec::with_capacity(4096)).await;
            let answer = match before {
                0 => {
                    asked.notified().await;
                    "HTTP/1.1 200 OK\r\nRecant-Shield: answered\r\nContent-Length: 4\r\n\r\nslow"
                }
                _ => "HTTP/1.1 403 Forbidden\r\nRecant-Shield: declined\r\nContent-Length: 0\r\n\r\n",
            };
            let _ = stream.write_all(answer.as_bytes()).await;
            asked.notify_one();
            let _ = stream.read_buf(&mut Vec::with_capacity(1)).await;
        }
    })
    .await;
    let origin = numbered().await;
    let front = edge(shielded(origin.address.port()), origin, Some(address)).await;
    assert_eq!(front.get("a.test", "/p").await.text(), "slow");
    assert_eq!((calls.count(), front.origin.count()), (2, 0));
}

#[tokio::test]
async fn a_shield_that_is_back_is_asked_again() {
    let origin = numbered().await;
    let spec = shielded(origin.address.port());
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let front = edge(spec.clone(), nobody().await, Some(address)).await;
    assert_eq!(front.get("a.test", "/p").await.header("via"), "1.1 recant");
    let shield = Bed::with(origin, spec, |options| {
        options.edge_secret = Some(SECRET);
        options.shield.listen = Some(address);
    })
    .await;
    shield.world().follow(Era::default(), HISTORY);
    assert_eq!(front.get("a.test", "/q").await.header("via"), "1.1 recant", "it is left alone");
    front.pass_leased(Duration::from_secs(6));
    let mut target = 0;
    // It is found out beside.
    while front.get("a.test", &format!("/{target}")).await.header("via") != "1.1 recant, 1.1 recant" {
        target += 1;
        assert!(target < 10_000, "it is never asked again");
    }
}

/// An origin that changes what is asked for by each `POST`, and says so of `/named`, too.
async fn changing() -> Origin {
    let changes = AtomicUsize::new(0);
    Origin::start(move |_, request| match request.starts_with("POST") {
        true => ok(&["Location: /named"], &format!("done {}", changes.fetch_add(1, Ordering::SeqCst) + 1)),
        false => ok(&["Cache-Control: max-age=600"], &format!("#{}", changes.load(Ordering::SeqCst))),
    })
    .await
}

#[tokio::test]
async fn what_a_request_past_the_shield_has_changed_does_not_come_back_from_there() {
    let origin = changing().await;
    let spec = shielded(origin.address.port());
    let shield = edge(spec.clone(), origin, None).await;
    let front = edge(spec.clone(), nobody().await, shield.edge.shield_address()).await;
    let targets = ["/p?q=1", "/named", "/other"];
    for target in targets {
        assert_eq!(front.get("a.test", target).await.text(), "#0");
    }
    let lines = ["Content-Length: 4", "Content-Type: text/plain", "Recant-Changed-Location: /other"];
    let bytes = format!("POST /p?q=1 HTTP/1.1\r\nHost: a.test\r\n{}\r\n\r\nbody", lines.join("\r\n"));
    assert_eq!(front.raw("POST", &bytes).await.text(), "done 1");
    let posts = shield.origin.seen().iter().filter(|request| request.starts_with("POST")).count();
    assert_eq!(posts, 1, "it is sent once");
    for (target, body) in targets.into_iter().zip(["#1", "#1", "#0"]) {
        assert_eq!(front.get("a.test", target).await.text(), body, "{target}");
        assert_eq!(shield.get("a.test", target).await.header("x-cache"), "Hit from recant", "{target}");
    }
}

#[tokio::test]
async fn a_shield_that_has_not_taken_note_of_a_change_is_not_asked_for_it() {
    let (address, _calls) = false_shield(|_, mut stream| async move {
        loop {
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                if !matches!(stream.read_buf(&mut asked).await, Ok(1..)) {
                    return;
                }
            }
            // Well, but for what it is told.
            if String::from_utf8_lossy(&asked).to_ascii_lowercase().contains("recant-changed") {
                std::future::pending::<()>().await;
            }
            let old = b"HTTP/1.1 200 OK\r\nRecant-Shield: answered\r\nCache-Control: max-age=600\r\nContent-Length: 3\r\n\r\nold";
            let _ = stream.write_all(old).await;
        }
    })
    .await;
    let origin = changing().await;
    let front = edge(shielded(origin.address.port()), origin, Some(address)).await;
    for path in ["/p", "/other"] {
        assert_eq!(front.get("a.test", path).await.text(), "old");
    }
    assert_eq!(front.send("POST", "a.test", "/p", &["Content-Length: 0"]).await.text(), "done 1");
    assert_eq!(front.get("a.test", "/p").await.text(), "#1");
    assert_eq!(front.get("a.test", "/new").await.text(), "old", "it is asked for everything else");
}

#[tokio::test]
async fn what_a_shield_is_fetching_when_it_is_changed_is_not_kept_there() {
    let gate = Arc::new(Gate::default());
    let held = gate.clone();
    let origin = Origin::start(move |before, request| match before {
        0 => Act::AtGate(
            held.clone(),
            b"HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nContent-Length: 3\r\n\r\nold".into(),
        ),
        _ if request.starts_with("POST") => ok(&[], "done"),
        _ => ok(&["Cache-Control: max-age=600"], "new"),
    })
    .await;
    let spec = shielded(origin.address.port());
    let shield = edge(spec.clone(), origin, None).await;
    let front = edge(spec, nobody().await, shield.edge.shield_address()).await;
    let first = async {
        let first = front.get("a.test", "/p").await;
        assert_eq!(first.text(), "old");
    };
    let then = async {
        gate.reached.notified().await;
        assert_eq!(front.send("POST", "a.test", "/p", &["Content-Length: 0"]).await.text(), "done");
        gate.open.notify_one();
    };
    tokio::join!(first, then);
    assert_eq!(front.get("a.test", "/p").await.text(), "new");
    assert_eq!(shield.get("a.test", "/p").await.text(), "new");
}

#[tokio::test]
async fn only_an_edge_says_what_has_changed() {
    let (shield, front) = pair().await;
    assert_eq!(front.get("a.test", "/p").await.text(), "#0");
    let lines = ["Recant-Changed: target", "Recant-Changed-Location: /p", "Accept-Encoding: gzip"];
    assert_eq!(front.send("GET", "a.test", "/p", &lines).await.status, 200);
    assert_eq!(front.send("GET", "a.test", "/new", &lines).await.text().len(), 2);
    let mut stranger = Viewer::connect(shield.edge.shield_address().unwrap()).await;
    stranger.write("GET /p HTTP/1.1\r\nHost: a.test\r\nRecant-Changed: target\r\n\r\n").await;
    assert_eq!(stranger.read("GET").await.status, 403);
    assert_eq!(shield.get("a.test", "/p").await.text(), "#0");
    assert_eq!(shield.get("a.test", "/p").await.header("x-cache"), "Hit from recant");
}

#[tokio::test]
async fn only_what_may_use_the_cache_goes_to_the_shield() {
    let (shield, front) = pair().await;
    let posted = front.send("POST", "a.test", "/p", &["Content-Length: 0"]).await;
    assert_eq!(posted.header("via"), "1.1 recant");
    let head = front.send("HEAD", "a.test", "/p", &[]).await;
    assert_eq!(head.header("via"), "1.1 recant, 1.1 recant");
    assert_eq!(shield.origin.count(), 2);
}

#[tokio::test]
async fn a_part_and_a_condition_mean_the_same_through_it() {
    let origin = Origin::start(|before, request| match request.contains("if-none-match: \"a\"") {
        true => Act::Reply(
            b"HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nCache-Control: max-age=60\r\n\r\n".to_vec(),
        ),
        false => ok(&["Cache-Control: max-age=60", "ETag: \"a\""], &format!("0123456789-{before}")),
    })
    .await;
    let spec = shielded(origin.address.port());
    let shield = edge(spec.clone(), origin, None).await;
    let front = edge(spec, nobody().await, shield.edge.shield_address()).await;
    assert_eq!(front.get("a.test", "/p").await.text(), "0123456789-0");
    let part = front.send("GET", "a.test", "/p", &["Range: bytes=2-4"]).await;
    assert_eq!((part.status, part.text()), (206, "234"));
    for bed in [&shield, &front] {
        bed.pass_leased(Duration::from_secs(61));
    }
    let confirmed = front.get("a.test", "/p").await;
    assert_eq!(
        (confirmed.text(), confirmed.header("x-cache").as_str()),
        ("0123456789-0", "RefreshHit from recant")
    );
    assert_eq!(shield.origin.count(), 2, "the shield had it confirmed, too");
}

#[tokio::test]
async fn nobody_but_an_edge_is_answered() {
    let (shield, _front) = pair().await;
    let address = shield.edge.shield_address().unwrap();
    let ask = async |lines: &str| {
        let mut viewer = Viewer::connect(address).await;
        viewer.write(&format!("GET /p HTTP/1.1\r\nHost: a.test\r\n{lines}\r\n")).await;
        viewer.read("GET").await
    };
    let secret = SECRET.authorization();
    let viewer = "Recant-Viewer-Scheme: http\r\nRecant-Viewer-Address: 192.0.2.1:80\r\n";
    let key = format!("Recant-Cache-Key: {:0>64}\r\n", 0);
    let place = format!("Recant-Log-Place: {:x}-1\r\n{viewer}{key}", HISTORY.0);
    assert_eq!(ask("").await.status, 403);
    assert_eq!(ask(&place).await.status, 403);
    let wrong = EdgeSecret::new([8; 32]).authorization();
    assert_eq!(ask(&format!("Recant-Edge-Authorization: {wrong}\r\n{place}")).await.status, 403);
    assert_eq!(ask(&format!("Recant-Edge-Authorization: {secret}\r\n")).await.status, 400);
    let admitted = format!("Recant-Edge-Authorization: {secret}\r\n");
    // Nobody's key.
    let reply = ask(&format!("{admitted}{place}")).await;
    assert_eq!((reply.status, reply.header("recant-shield").as_str()), (503, "declined"));
    // A viewer's door knows nothing of it.
    let reply =
        shield.send("GET", "a.test", "/x", &[admitted.trim_end(), place.lines().next().unwrap()]).await;
    assert_eq!((reply.status, reply.header("recant-shield").as_str()), (200, ""));
}

#[tokio::test]
async fn a_host_that_is_another_tenants_by_now_is_not_answered_for_the_former_one() {
    let origin = Origin::start(|_, request| {
        let path = request.split(' ').nth(1).unwrap_or_default();
        ok(&["Cache-Control: max-age=600"], path)
    })
    .await;
    let spec = shielded(origin.address.port());
    let mut shield = edge(spec.clone(), origin, None).await;
    let mut front = edge(spec, numbered().await, shield.edge.shield_address()).await;
    for bed in [&mut shield, &mut front] {
        bed.apply(&Change::PutTenant(tenant("a", &["a.test", "moving.test"])));
    }
    // The shield has heard of the move, the edge in front has not.
    shield.apply(&Change::PutTenant(tenant("a", &["a.test"])));
    shield.apply(&Change::PutTenant(tenant("b", &["b.test", "moving.test"])));
    let _ = front.get("moving.test", "/p").await;
    let kept = front.get("a.test", "/p").await;
    assert_ne!(kept.text(), "/b/p", "the bytes of another tenant");
}

#[tokio::test]
async fn an_edge_that_is_its_own_shield_does_not_wait_for_itself() {
    let origin = numbered().await;
    let mut spec = shielded(origin.address.port());
    // Together less than a request waits for another one's response.
    spec.origins[0].connection_timeout = Duration::from_secs(1);
    spec.origins[0].connection_attempts = 1;
    spec.origins[0].read_timeout = Duration::from_secs(1);
    let own = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let bed = Bed::with(origin, spec, |options| {
        options.edge_secret = Some(SECRET);
        options.shield = ShieldOptions {
            listen: Some(own),
            shields: [(REGION.to_owned(), own.to_string().parse().unwrap())].into(),
        };
    })
    .await;
    bed.world().follow(Era::default(), HISTORY);
    let reply = bed.get("a.test", "/p").await;
    assert_eq!((reply.text(), reply.header("via").as_str()), ("#0", "1.1 recant, 1.1 recant"));
    assert_eq!(bed.origin.count(), 1);
}

#[tokio::test]
async fn the_origin_learns_of_the_viewer_and_not_of_the_edge() {
    let origin = Origin::start(|_, request| ok(&["Cache-Control: max-age=600"], request)).await;
    let mut spec = shielded(origin.address.port());
    spec.default_behavior.origin_request_policy_id = Some(ALL_VIEWER.into());
    let shield = edge(spec.clone(), origin, None).await;
    let front = edge(spec, nobody().await, shield.edge.shield_address()).await;
    let mut viewer = Viewer::bound("127.0.0.5", front.address()).await;
    viewer.write("GET /p HTTP/1.1\r\nHost: A.test:8080\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n").await;
    let reply = viewer.read("GET").await;
    let (status, seen) = (reply.header("via"), reply.text().to_ascii_lowercase());
    assert_eq!(status, "1.1 recant, 1.1 recant");
    assert!(seen.contains("x-forwarded-for: 192.0.2.1\r\nx-forwarded-for: 127.0.0.5\r\n"), "{seen}");
    assert!(seen.contains("host: a.test:8080\r\n"), "{seen}");
}

#[tokio::test]
async fn a_tenant_whose_origin_is_slow_keeps_nobody_from_the_shield() {
    // It answers questions, and no requests.
    let (address, calls) = false_shield(async |_, mut stream| {
        let mut asked = Vec::new();
        while !asked.ends_with(b"\r\n\r\n") && matches!(stream.read_buf(&mut asked).await, Ok(1..)) {}
        if !String::from_utf8_lossy(&asked).to_ascii_lowercase().contains("recant-cache-key") {
            let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").await;
        }
        let _ = stream.read_buf(&mut asked).await;
    })
    .await;
    let origin = numbered().await;
    let mut spec = shielded(origin.address.port());
    spec.origins[0].connection_timeout = Duration::from_millis(10);
    spec.origins[0].connection_attempts = 1;
    spec.origins[0].read_timeout = Duration::from_millis(50);
    let front = edge(spec, origin, Some(address)).await;
    assert_eq!(front.get("a.test", "/p").await.text(), "#0");
    // The request and the question.
    calls.reach(2).await;
    assert_eq!(front.get("a.test", "/q").await.text(), "#1");
    assert!(calls.count() >= 3);
}

#[tokio::test]
async fn what_is_stored_stands_in_for_an_origin_that_the_shield_cannot_reach() {
    let origin = Origin::start(|before, _| match before {
        0 => Act::ReplyAndClose(
            b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nETag: \"a\"\r\nContent-Length: 1\r\n\r\n0"
                .to_vec(),
        ),
        _ => Act::ReplyAndClose(Vec::new()),
    })
    .await;
    let spec = shielded(origin.address.port());
    let mut shield = edge(spec.clone(), origin, None).await;
    let mut front = edge(spec, nobody().await, shield.edge.shield_address()).await;
    assert_eq!(front.get("a.test", "/p").await.text(), "0");
    shield.invalidate("a", &["/p"]);
    front.invalidate("a", &["/other"]);
    for bed in [&shield, &front] {
        bed.pass_leased(Duration::from_secs(61));
    }
    let reply = front.get("a.test", "/p").await;
    assert_eq!((reply.status, reply.text()), (200, "0"));
    assert!(
        reply.header("cache-status").ends_with("detail=origin-unreachable"),
        "{}",
        reply.header("cache-status")
    );
}

#[tokio::test]
async fn an_origin_that_only_the_shield_may_not_ask_is_asked_without_it() {
    let origin = numbered().await;
    let mut spec = shielded(origin.address.port());
    spec.origins[0].connection_attempts = 1;
    let shield = Bed::with(nobody().await, spec.clone(), |options| {
        options.edge_secret = Some(SECRET);
        options.denied_networks = vec!["127.0.0.1/32".parse().unwrap()];
        options.shield.listen = Some("127.0.0.1:0".parse().unwrap());
    })
    .await;
    shield.world().follow(Era::default(), HISTORY);
    assert_eq!(shield.get("a.test", "/p").await.status, 502);
    let front = edge(spec, origin, shield.edge.shield_address()).await;
    let reply = front.get("a.test", "/p").await;
    assert_eq!((reply.status, reply.text(), reply.header("via").as_str()), (200, "#0", "1.1 recant"));
}

#[tokio::test]
async fn tags_that_are_not_to_be_stored_take_away_what_came_through_a_shield() {
    let private = "Cache-Control: max-age=600, private=\"cache-tag\"";
    let no_cache = "Cache-Control: max-age=600, no-cache=\"Cache-Tag\"";
    let for_one_hop = "Cache-Control: max-age=600\r\nConnection: cache-tag";
    for hides in [private, no_cache, for_one_hop] {
        let origin =
            Origin::start(move |before, _| ok(&[hides, "Cache-Tag: red"], &format!("#{before}"))).await;
        let spec = shielded(origin.address.port());
        let mut shield = edge(spec.clone(), origin, None).await;
        let mut front = edge(spec, nobody().await, shield.edge.shield_address()).await;
        let _ = shield.get("a.test", "/p").await;
        let before = front.get("a.test", "/p").await;
        for bed in [&mut shield, &mut front] {
            bed.invalidate("a", &["#red"]);
        }
        assert_ne!(front.get("a.test", "/p").await.text(), before.text(), "{hides}");
    }
}

#[tokio::test]
async fn a_post_whose_viewer_goes_while_shields_are_told_is_forgotten_all_the_same() {
    let told = Arc::new(Notify::new());
    let noted = told.clone();
    let (address, _calls) = false_shield(move |_, mut stream| {
        let noted = noted.clone();
        async move {
            loop {
                let mut asked = Vec::new();
                while !asked.ends_with(b"\r\n\r\n") {
                    if !matches!(stream.read_buf(&mut asked).await, Ok(1..)) {
                        return;
                    }
                }
                if String::from_utf8_lossy(&asked).to_ascii_lowercase().contains("recant-changed") {
                    noted.notify_one();
                    std::future::pending::<()>().await;
                }
                let _ = stream
                    .write_all(b"HTTP/1.1 503 X\r\nRecant-Shield: declined\r\nContent-Length: 0\r\n\r\n")
                    .await;
            }
        }
    })
    .await;
    let origin = changing().await;
    let front = edge(shielded(origin.address.port()), origin, Some(address)).await;
    assert_eq!(front.get("a.test", "/p").await.text(), "#0");
    let mut viewer = Viewer::connect(front.address()).await;
    viewer.write("POST /p HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n").await;
    told.notified().await;
    drop(viewer);
    assert_eq!(front.get("a.test", "/p").await.text(), "#1");
}

#[tokio::test]
async fn one_tenants_many_fields_keep_nobody_from_the_shield() {
    let many: Vec<String> = (0..124).map(|n| format!("X-{n}: 1")).collect();
    let changes = AtomicUsize::new(0);
    let origin = Origin::start(move |_, request| {
        if request.contains("/many ") {
            let mut lines: Vec<&str> = many.iter().map(String::as_str).collect();
            lines.push("Cache-Control: max-age=60");
            ok(&lines, "many")
        } else if request.starts_with("POST") {
            ok(&[], &format!("done {}", changes.fetch_add(1, Ordering::SeqCst) + 1))
        } else {
            ok(&["Cache-Control: max-age=600"], &format!("#{}", changes.load(Ordering::SeqCst)))
        }
    })
    .await;
    let spec = shielded(origin.address.port());
    let mut shield = edge(spec.clone(), origin, None).await;
    let mut front = edge(spec.clone(), nobody().await, shield.edge.shield_address()).await;
    let mut third = edge(spec, nobody().await, shield.edge.shield_address()).await;
    for bed in [&mut shield, &mut front, &mut third] {
        bed.apply(&Change::PutTenant(tenant("b", &["b.test"])));
    }
    assert_eq!(front.get("b.test", "/p").await.text(), "#0");
    assert_eq!(front.get("a.test", "/many").await.text(), "many");
    assert_eq!(front.get("b.test", "/after").await.header("via"), "1.1 recant, 1.1 recant");
    assert_eq!(front.send("POST", "b.test", "/p", &["Content-Length: 0"]).await.text(), "done 1");
    assert_eq!(third.get("b.test", "/p").await.text(), "#1");
}

#[tokio::test]
async fn a_post_of_many_fields_is_told_too() {
    let origin = changing().await;
    let spec = shielded(origin.address.port());
    let shield = edge(spec.clone(), origin, None).await;
    let front = edge(spec.clone(), nobody().await, shield.edge.shield_address()).await;
    assert_eq!(front.get("a.test", "/p").await.text(), "#0");
    let many: Vec<String> = (0..124).map(|n| format!("X-{n}: 1")).collect();
    let mut lines: Vec<&str> = many.iter().map(String::as_str).collect();
    lines.push("Content-Length: 0");
    assert_eq!(front.send("POST", "a.test", "/p", &lines).await.text(), "done 1");
    assert_eq!(front.get("a.test", "/p").await.text(), "#1");
}

#[tokio::test]
async fn tags_from_before_a_confirmation_take_away_what_came_through_a_shield() {
    let origin = Origin::start(|before, request| match request.contains("if-none-match: ") {
        true => Act::Reply(
            b"HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nCache-Control: max-age=60\r\nCache-Tag: new\r\n\r\n".to_vec(),
        ),
        false => ok(&["Cache-Control: max-age=60", "ETag: \"a\"", "Cache-Tag: old"], &format!("#{before}")),
    })
    .await;
    let spec = shielded(origin.address.port());
    let mut shield = edge(spec.clone(), origin, None).await;
    let mut front = edge(spec, nobody().await, shield.edge.shield_address()).await;
    let _ = shield.get("a.test", "/p").await;
    shield.pass_leased(Duration::from_secs(61));
    assert_eq!(shield.get("a.test", "/p").await.header("x-cache"), "RefreshHit from recant");
    // What the edge gets has the newer tag in its head alone.
    let reply = front.get("a.test", "/p").await;
    assert_eq!((reply.text(), reply.header("cache-tag").as_str()), ("#0", "new"));
    assert_eq!(reply.header("recant-cache-tags"), "", "no viewer is told");
    for bed in [&mut shield, &mut front] {
        bed.invalidate("a", &["#old"]);
    }
    assert_eq!(front.get("a.test", "/p").await.text(), "#2");
}
