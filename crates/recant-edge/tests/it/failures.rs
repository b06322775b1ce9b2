//! Hosts nobody knows, origins that are dead, slow, forbidden or broken.

use std::time::{Duration, Instant};

use recant_core::entry::Change;
use recant_core::spec::{DistributionSpec, Template};
use tokio::net::TcpListener;

use crate::support::{Act, Bed, DISTRIBUTION, Origin, Viewer, distribution, ok, tenant};

async fn bed_with(
    script: impl Fn(usize, &str) -> Act + Send + Sync + 'static,
    adjust: impl FnOnce(&mut DistributionSpec),
) -> Bed {
    let origin = Origin::start(script).await;
    let mut spec = distribution(origin.address.port());
    adjust(&mut spec);
    Bed::with(origin, spec, |_| {}).await
}

async fn check(bed: &Bed, host: &str, status: u16, sentence: &str) {
    let reply = bed.get(host, "/p").await;
    assert_eq!(reply.status, status, "{sentence}");
    assert!(reply.text().contains(sentence), "{}", reply.text());
    assert_eq!(reply.header("x-cache"), "Error from recant");
    assert_eq!(reply.header("content-type"), "text/html; charset=utf-8");
    assert!(reply.header("cache-status").starts_with("recant"));
}

#[tokio::test]
async fn unknown_and_disabled() {
    let mut bed = Bed::new(|_, _| ok(&[], "ok")).await;
    check(&bed, "unknown.test", 404, "No distribution or distribution tenant answers to this host.").await;
    check(&bed, "x.y.b.test", 404, "No distribution or distribution tenant answers to this host.").await;
    let mut off = tenant("a", &["a.test"]);
    off.enabled = false;
    bed.apply(&Change::PutTenant(off));
    check(&bed, "a.test", 403, "This distribution is disabled.").await;
    let mut spec = distribution(bed.origin.address.port());
    spec.enabled = false;
    bed.apply(&Change::PutDistribution(spec));
    check(&bed, "b.test", 403, "This distribution is disabled.").await;
    assert_eq!(bed.origin.count(), 0);
}

#[tokio::test]
async fn a_domain_moves_with_its_tenant() {
    let mut bed = Bed::new(|_, request| ok(&[], request.split(' ').nth(1).unwrap())).await;
    bed.apply(&Change::PutTenant(tenant("a", &["new.test"])));
    check(&bed, "a.test", 404, "No distribution or distribution tenant").await;
    assert_eq!(bed.get("new.test", "/p").await.text(), "/a/p");
    // Taken over before it is given up.
    bed.apply(&Change::PutTenant(tenant("b", &["b.test", "new.test"])));
    bed.apply(&Change::PutTenant(tenant("a", &["a.test"])));
    assert_eq!(bed.get("new.test", "/p").await.text(), "/b/p");
}

#[tokio::test]
async fn a_dead_origin() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let bed = bed_with(|_, _| Act::Silence, |spec| spec.origins[0].http_port = port).await;
    check(&bed, "a.test", 502, "The origin could not be connected to.").await;
    let reply = bed.get("a.test", "/p").await;
    assert_eq!(reply.header("cache-status"), "recant; fwd=uri-miss");

    let bed =
        bed_with(|_, _| Act::Silence, |spec| spec.origins[0].domain_name = Template::new("no.such.invalid"))
            .await;
    check(&bed, "a.test", 502, "The origin's name could not be resolved.").await;
}

#[tokio::test]
async fn a_slow_origin() {
    let bed =
        bed_with(|_, _| Act::Silence, |spec| spec.origins[0].read_timeout = Duration::from_millis(50)).await;
    let begun = Instant::now();
    check(&bed, "a.test", 504, "The origin did not respond in time.").await;
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(bed.origin.count(), 1, "what may have been acted upon is not sent again");
}

#[tokio::test]
async fn an_origin_that_stops_in_the_middle() {
    let half = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf";
    let bed = bed_with(
        |_, _| Act::Reply(half.into()),
        |spec| spec.origins[0].read_timeout = Duration::from_millis(50),
    )
    .await;
    let reply = bed.get("a.test", "/p").await;
    assert_eq!((reply.text(), reply.is_whole), ("half", false));
    assert_eq!(bed.get("a.test", "/p").await.header("x-cache"), "Miss from recant");
}

#[tokio::test]
async fn an_origin_that_does_not_speak_http() {
    for nonsense in [
        &b"hello\r\n\r\n"[..],
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok",
        // RFC 9112 section 6.1: no coding but chunked was asked for, and the end of another cannot be told.
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 9\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ] {
        let bed = Bed::new(move |_, _| Act::ReplyAndClose(nonsense.into())).await;
        check(&bed, "a.test", 502, "The origin's response could not be used.").await;
    }
}

#[tokio::test]
async fn origins_that_must_not_be_asked() {
    let sentence = "The origin's address is one that may not be connected to.";
    for host in ["169.254.169.254", "0.0.0.0", "[fe80::1]", "[::ffff:169.254.1.1]", "224.0.0.1"] {
        let bed =
            bed_with(|_, _| Act::Silence, |spec| spec.origins[0].domain_name = Template::new(host)).await;
        check(&bed, "a.test", 502, sentence).await;
    }
    // The edge itself, and the plane.
    let mut bed = Bed::new(|_, _| ok(&[], "ok")).await;
    bed.apply(&Change::PutDistribution(distribution(bed.address().port())));
    check(&bed, "a.test", 502, sentence).await;
    let plane = Origin::start(|_, _| ok(&[], "the plane")).await;
    let (address, spec) = (plane.address, distribution(plane.address.port()));
    let bed = Bed::with(plane, spec, |options| options.plane_addresses.push(address)).await;
    check(&bed, "a.test", 502, sentence).await;
    assert_eq!(bed.origin.count(), 0);
    // The operator's list.
    let origin = Origin::start(|_, _| ok(&[], "ok")).await;
    let spec = distribution(origin.address.port());
    let bed =
        Bed::with(origin, spec, |options| options.denied_networks.push("127.0.0.0/8".parse().unwrap())).await;
    check(&bed, "a.test", 502, sentence).await;
}

#[tokio::test]
async fn a_configuration_that_leads_nowhere() {
    let sentence = "The distribution's configuration does not lead to an origin.";
    let bed = bed_with(|_, _| Act::Silence, |spec| spec.origins[0].path = Template::new("/{{unset}}")).await;
    check(&bed, "a.test", 502, sentence).await;
    for path in ["/x?", "/x#", "x"] {
        let bed = bed_with(|_, _| Act::Silence, |spec| spec.origins[0].path = Template::new(path)).await;
        check(&bed, "a.test", 502, sentence).await;
    }
    let bed = bed_with(|_, _| Act::Silence, |spec| spec.origins[0].domain_name = Template::new("a/b")).await;
    check(&bed, "a.test", 502, sentence).await;
    let bed =
        bed_with(|_, _| Act::Silence, |spec| spec.default_behavior.target_origin_id = DISTRIBUTION.into())
            .await;
    check(&bed, "a.test", 502, sentence).await;
}

#[tokio::test]
async fn a_stop_lets_what_is_under_way_end() {
    let gate = std::sync::Arc::new(crate::support::Gate::default());
    let held = gate.clone();
    let bed = Bed::new(move |_, _| {
        Act::AtGate(held.clone(), b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".into())
    })
    .await;
    let address = bed.address();
    let mut idle = Viewer::connect(address).await;
    let mut viewer = Viewer::connect(address).await;
    viewer.write("GET /p HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    gate.reached.notified().await;
    let stopping = tokio::spawn(bed.edge.stop());
    assert!(idle.is_closed().await);
    assert!(!stopping.is_finished());
    gate.open.notify_one();
    assert_eq!(viewer.read("GET").await.text(), "ok");
    assert!(viewer.is_closed().await);
    stopping.await.unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn what_an_origin_says_unasked_is_nobodys_response() {
    // Heads after which nothing may follow, and origins that let something follow.
    let heads = [
        ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 45\r\n\r\n"),
        ("GET", "HTTP/1.1 204 No Content\r\nContent-Length: 45\r\n\r\n"),
        ("GET", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n"),
        (
            "GET",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        ),
    ];
    for (method, head) in heads {
        let gate = std::sync::Arc::new(crate::support::Gate::default());
        let held = gate.clone();
        let bed = Bed::new(move |before, _| match before {
            0 => {
                let late = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison".into();
                Act::ThenAtGate(head.into(), held.clone(), late)
            }
            _ => ok(&[], "ok"),
        })
        .await;
        let first = bed.send(method, "a.test", "/first", &["Range: bytes=0-9"]).await;
        assert!(first.status < 300, "{method} {head:?}");
        let mut viewer = Viewer::connect(bed.address()).await;
        viewer.write("GET /p HTTP/1.1\r\nHost: b.test\r\n\r\n").await;
        tokio::task::yield_now().await;
        gate.open.notify_one();
        assert_eq!(viewer.read("GET").await.text(), "ok", "{method} {head:?}");
    }
}

#[tokio::test]
async fn edges_that_are_each_others_origin_notice() {
    let mut beds = Vec::new();
    for _ in 0..2 {
        let mut bed = Bed::new(|_, _| ok(&[], "ok")).await;
        bed.apply(&Change::PutTenant(tenant("a", &["127.0.0.1"])));
        beds.push(bed);
    }
    let ports: Vec<u16> = beds.iter().map(|bed| bed.address().port()).collect();
    for (bed, port) in beds.iter_mut().zip(ports.into_iter().rev()) {
        bed.apply(&Change::PutDistribution(distribution(port)));
    }
    // One request that may use the cache, one that may not.
    for lines in [&[][..], &["Authorization: x"]] {
        let reply = beds[0].send("GET", "127.0.0.1", "/p", lines).await;
        assert_eq!(reply.status, 508, "{lines:?}");
    }
}
