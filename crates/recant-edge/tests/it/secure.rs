//! TLS and HTTP/2 to viewers, TLS to origins.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt as _, Full};
use recant_core::entry::Change;
use recant_core::spec::{OriginProtocol, ViewerProtocol};
use recant_edge::TlsOptions;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::support::secure::{Authority, shown};
use crate::support::{Act, Bed, Gate, Origin, distribution, ok};

/// A bed that serves TLS too, with certificates for `a.test` and for `b.test` with its wildcard.
pub(crate) struct SecureBed {
    pub(crate) bed: Bed,
    pub(crate) authority: Authority,
    dir: TempDir,
}

impl SecureBed {
    pub(crate) async fn new(script: impl Fn(usize, &str) -> Act + Send + Sync + 'static) -> Self {
        Self::with(script, |_| {}, None).await
    }

    pub(crate) async fn with(
        script: impl Fn(usize, &str) -> Act + Send + Sync + 'static,
        adjust: impl FnOnce(&mut recant_core::spec::DistributionSpec),
        default: Option<&str>,
    ) -> Self {
        let (authority, dir) = (Authority::new(), TempDir::new().unwrap());
        authority.put(dir.path(), "a", &["a.test"]);
        authority.put(dir.path(), "b", &["b.test", "*.b.test"]);
        let origin = Origin::start(script).await;
        let mut spec = distribution(origin.address.port());
        adjust(&mut spec);
        let tls = TlsOptions {
            address: "127.0.0.1:0".parse().unwrap(),
            certificates: dir.path().into(),
            default_certificate: default.map(str::to_owned),
        };
        let bed = Bed::with(origin, spec, |options| options.tls = Some(tls)).await;
        Self { bed, authority, dir }
    }

    pub(crate) fn address(&self) -> std::net::SocketAddr {
        self.bed.edge.viewer_tls_address().unwrap()
    }

    async fn alert(&self, name: &str) -> String {
        self.authority.connect(self.address(), name, &["h2"]).await.unwrap_err().to_string()
    }
}

pub(crate) fn get(uri: &str, host: &str) -> Request<Full<Bytes>> {
    Request::get(uri).header("host", host).body(Full::default()).unwrap()
}

#[tokio::test]
async fn both_versions_are_spoken_and_share_the_store() {
    let it = SecureBed::new(|_, request| ok(&[], request.split(' ').nth(1).unwrap())).await;
    let http2 = it.authority.http2(it.address(), "a.test").await;
    let reply = http2.get("https://a.test/p").await;
    assert_eq!(
        (reply.status, reply.header("x-cache"), &reply.body[..]),
        (200, "Miss from recant", &b"/a/p"[..])
    );
    let reply = it.authority.http1(it.address(), "a.test", get("/p", "a.test")).await;
    assert_eq!((reply.status, reply.header("x-cache")), (200, "Hit from recant"));
    assert_eq!(it.bed.get("a.test", "/p").await.header("x-cache"), "Hit from recant");
}

#[tokio::test]
async fn an_invalidation_between_two_streams_is_seen_by_the_second() {
    let mut it = SecureBed::new(|before, _| ok(&[], &before.to_string())).await;
    let http2 = it.authority.http2(it.address(), "a.test").await;
    for (body, cache) in [("0", "Miss from recant"), ("0", "Hit from recant")] {
        let reply = http2.get("https://a.test/p").await;
        assert_eq!((&reply.body[..], reply.header("x-cache")), (body.as_bytes(), cache));
    }
    it.bed.invalidate("a", &["/p"]);
    let reply = http2.get("https://a.test/p").await;
    assert_eq!(&reply.body[..], b"1");
    assert_eq!(reply.header("cache-status"), "recant; fwd=miss; detail=invalidated; fwd-status=200; stored");
}

#[tokio::test]
async fn the_name_asked_for_chooses_the_certificate() {
    let it = SecureBed::new(|_, _| ok(&[], "ok")).await;
    let mut leaves = Vec::new();
    for name in ["a.test", "b.test", "x.b.test"] {
        leaves.push(shown(&it.authority.connect(it.address(), name, &[]).await.unwrap()));
    }
    assert_ne!(leaves[0], leaves[1]);
    assert_eq!(leaves[1], leaves[2]);
    for name in ["c.test", "x.y.b.test", "x.a.test"] {
        let alert = it.alert(name).await;
        assert!(alert.contains("UnrecognisedName"), "{name}: {alert}");
    }
    // Of an address no name is sent.
    let alert = it.alert("127.0.0.1").await;
    assert!(alert.contains("UnrecognisedName"), "{alert}");
}

#[tokio::test]
async fn the_default_answers_for_all_other_names() {
    let it = SecureBed::with(|_, _| ok(&[], "ok"), |_| {}, Some("a")).await;
    let alert = it.alert("c.test").await;
    assert!(alert.contains("not valid for name"), "it is shown a certificate, but not for c.test: {alert}");
}

#[tokio::test]
async fn certificates_come_and_go_without_a_restart() {
    let it = SecureBed::new(|_, _| ok(&[], "ok")).await;
    let dir = it.dir.path();
    let leaf = async || shown(&it.authority.connect(it.address(), "a.test", &[]).await.unwrap());
    let old = leaf().await;

    std::fs::write(dir.join("a.crt"), "-----BEGIN CERTIFICATE-----\nbroken").unwrap();
    it.bed.edge.look_at_certificates().await;
    assert_eq!(leaf().await, old, "what is broken takes nothing away");
    let (certificate, key) = it.authority.certify(&["a.test", "c.test"]);
    std::fs::write(dir.join("a.crt"), certificate).unwrap();
    it.bed.edge.look_at_certificates().await;
    assert_eq!(leaf().await, old, "nor does half a renewal");
    std::fs::write(dir.join("a.key"), key).unwrap();
    it.bed.edge.look_at_certificates().await;
    let new = leaf().await;
    assert_ne!(new, old);

    std::fs::create_dir(dir.join("d.test")).unwrap();
    let (certificate, key) = it.authority.certify(&["d.test"]);
    std::fs::write(dir.join("d.test/fullchain.pem"), certificate).unwrap();
    std::fs::write(dir.join("d.test/privkey.pem"), key).unwrap();
    std::fs::remove_file(dir.join("b.crt")).unwrap();
    std::fs::remove_file(dir.join("b.key")).unwrap();
    it.bed.edge.look_at_certificates().await;
    assert!(it.authority.connect(it.address(), "d.test", &[]).await.is_ok());
    assert!(it.alert("b.test").await.contains("UnrecognisedName"));
    assert_eq!(leaf().await, new);
}

#[tokio::test]
async fn a_host_that_the_certificate_is_not_for_is_misdirected() {
    let it = SecureBed::new(|_, _| ok(&[], "ok")).await;
    let http2 = it.authority.http2(it.address(), "b.test").await;
    for (url, status) in [("https://b.test/", 200), ("https://x.b.test/", 200), ("https://a.test/", 421)] {
        assert_eq!(http2.get(url).await.status, status, "{url}");
    }
    assert_eq!(it.authority.http1(it.address(), "a.test", get("/", "b.test")).await.status, 421);
}

#[tokio::test]
async fn a_distribution_without_http2_does_not_offer_it() {
    let mut it = SecureBed::new(|_, _| ok(&[], "ok")).await;
    let http2 = it.authority.http2(it.address(), "a.test").await;
    let agreed = async |it: &SecureBed| {
        let stream = it.authority.connect(it.address(), "a.test", &["h2", "http/1.1"]).await.unwrap();
        stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec)
    };
    assert_eq!(agreed(&it).await, Some(b"h2".to_vec()));
    let mut spec = distribution(it.bed.origin.address.port());
    spec.http2 = false;
    it.bed.apply(&Change::PutDistribution(spec));
    assert_eq!(agreed(&it).await, Some(b"http/1.1".to_vec()));
    assert_eq!(it.authority.http1(it.address(), "a.test", get("/p", "a.test")).await.status, 200);
    assert_eq!(http2.get("https://a.test/p").await.status, 421, "a connection from before");
}

#[tokio::test]
async fn http2_requests_that_could_mean_two_things_reach_no_origin() {
    let it = SecureBed::new(|_, _| ok(&[], "ok")).await;
    let url = "https://a.test/p";
    let fields = async |uri: &str, fields: &[(&str, &str)]| {
        let http2 = it.authority.http2(it.address(), "a.test").await;
        let mut request = Request::builder().method(Method::POST).uri(uri);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        http2.send(request.body(Full::from("body")).unwrap()).await.ok().map(|reply| reply.status)
    };
    assert_eq!(fields(url, &[("host", "b.test")]).await, Some(400));
    assert_eq!(fields(url, &[("host", "a.test"), ("host", "a.test")]).await, Some(400));
    assert_eq!(fields("http://a.test/p", &[]).await, Some(400));
    assert_eq!(fields("https://u@a.test/p", &[]).await, Some(400));
    assert_eq!(fields("https://a.test/../p", &[]).await, Some(400));
    // A stream error each: h2 takes them for malformed.
    assert_eq!(fields(url, &[("content-length", "3")]).await, None);
    assert_eq!(fields(url, &[("content-length", "5")]).await, None);
    assert!(
        it.bed.origin.seen().iter().all(|request| !request.contains("body")),
        "{:?}",
        it.bed.origin.seen()
    );
}

/// Ends a stream.
const RST_STREAM: u8 = 3;
/// Ends a connection.
const GOAWAY: u8 = 7;

/// The kind of the first frame that answers a request with these fields.
async fn first_frame(it: &SecureBed, fields: &[(&str, &str)]) -> u8 {
    const HEADERS: u8 = 1;
    let mut stream = it.authority.connect(it.address(), "a.test", &["h2"]).await.unwrap();
    let mut block = Vec::new();
    for text in fields.iter().flat_map(|(name, value)| [name, value].map(|text| (text == name, *text))) {
        // RFC 7541 section 6.2.2: a literal field, never indexed, under a new name.
        if text.0 {
            block.push(0);
        }
        block.push(u8::try_from(text.1.len()).unwrap());
        block.extend_from_slice(text.1.as_bytes());
    }
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0".to_vec();
    bytes.push(u8::try_from(block.len()).unwrap());
    // The end of the head and of the stream, which is the first.
    bytes.extend_from_slice(&[HEADERS, 5, 0, 0, 0, 1]);
    bytes.extend_from_slice(&block);
    stream.write_all(&bytes).await.unwrap();
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.unwrap();
        let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
        stream.read_exact(&mut payload).await.unwrap();
        if head[8] == 1 || head[3] == GOAWAY {
            return head[3];
        }
    }
}

#[tokio::test]
async fn malformed_http2_requests_are_stream_errors() {
    let it = SecureBed::new(|_, _| ok(&[], "ok")).await;
    let pseudo = [(":method", "GET"), (":scheme", "https"), (":authority", "a.test"), (":path", "/p")];
    assert_eq!(first_frame(&it, &pseudo).await, 1);
    for field in [
        ("connection", "close"),
        ("te", "gzip"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "websocket"),
        ("keep-alive", "1"),
        ("proxy-connection", "close"),
        (":path", "/again"),
        (":status", "200"),
    ] {
        let fields = [&pseudo[..], &[field]].concat();
        assert_eq!(first_frame(&it, &fields).await, RST_STREAM, "{field:?}");
    }
    assert_eq!(first_frame(&it, &pseudo[..3]).await, RST_STREAM, "no path");
    assert_eq!(it.bed.origin.count(), 1);
}

#[tokio::test]
async fn lines_of_http1_hidden_in_http2_reach_no_origin() {
    let it = SecureBed::new(|_, _| ok(&[], "ok")).await;
    let pseudo = [(":method", "GET"), (":scheme", "https"), (":authority", "a.test"), (":path", "/p")];
    for field in [
        ("x", "a\r\nb: c"),
        ("x", "a\nb"),
        ("x", "a\0"),
        ("x\r\ny", "z"),
        ("x y", "z"),
        ("x:", "y"),
        ("X", "y"),
    ] {
        let fields = [&pseudo[..], &[field]].concat();
        assert_eq!(first_frame(&it, &fields).await, GOAWAY, "{field:?}");
    }
    for (at, value) in [
        (0, "GET / HTTP/1.1\r\nx: y"),
        (0, "GET /q"),
        (1, "https\r\nx"),
        (2, "a.test\r\nx: y"),
        (2, "a.test x"),
        (3, "/p HTTP/1.1\r\nx: y"),
        (3, "/p q"),
        (3, "/p\n"),
        (3, "p"),
        (3, ""),
    ] {
        let mut fields = pseudo;
        fields[at].1 = value;
        // Of a method that is none, the header block as a whole is not read.
        let expected = if at == 0 { GOAWAY } else { RST_STREAM };
        assert_eq!(first_frame(&it, &fields).await, expected, "{value:?}");
    }
    assert_eq!(it.bed.origin.count(), 0);
}

#[tokio::test]
async fn an_origin_is_asked_in_the_words_of_http1() {
    let it = SecureBed::new(|_, _| ok(&[], "ok")).await;
    let http2 = it.authority.http2(it.address(), "a.test").await;
    let request = Request::post("https://a.test/p").header("cookie", "a=1").header("cookie", "b=2");
    assert_eq!(http2.send(request.body(Full::from("body")).unwrap()).await.unwrap().status, 200);
    let seen = it.bed.origin.seen()[0].to_ascii_lowercase();
    for line in
        ["post /a/p http/1.1\r\n", "\r\ncookie: a=1; b=2\r\n", "\r\nvia: 2.0 recant\r\n", "\r\n\r\n4\r\nbody"]
    {
        assert!(
            seen.contains(line) || line.contains("\r\n4\r\n") && seen.ends_with("body"),
            "{line:?}: {seen}"
        );
    }
}

#[tokio::test]
async fn content_of_no_stated_length_does_not_use_the_cache() {
    let script = |_: usize, request: &str| {
        let answer = if request.contains("poison") { "poison" } else { "ok" };
        ok(&["Cache-Control: max-age=60"], answer)
    };
    let with_options = |spec: &mut recant_core::spec::DistributionSpec| {
        spec.default_behavior.cached_methods.push("OPTIONS".into());
    };
    let it = SecureBed::with(script, with_options, None).await;
    let http2 = it.authority.http2(it.address(), "a.test").await;
    // Without a lease each request goes out by itself, with its content.
    for (lease, method) in [None, Some(Duration::from_secs(10))]
        .into_iter()
        .flat_map(|lease| [Method::OPTIONS, Method::GET].map(|method| (lease, method)))
    {
        it.bed.publish(lease);
        // What is mapped has no length that is known.
        let content = Full::from("poison").map_frame(|frame| frame);
        let request = || Request::builder().method(method.clone()).uri("https://a.test/p");
        let reply = http2.send(request().body(content).unwrap()).await.unwrap();
        it.bed.pass_leased(Duration::ZERO);
        let after = http2.send(request().body(Full::default()).unwrap()).await.unwrap();
        assert_eq!(&after.body[..], b"ok", "{method}");
        assert!(reply.header("cache-status").contains("fwd=request"), "{}", reply.header("cache-status"));
    }
}

#[tokio::test]
async fn streams_under_way_come_to_their_end_when_an_edge_stops() {
    let gate = Arc::new(Gate::default());
    let held = gate.clone();
    let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate";
    let it = SecureBed::new(move |_, _| Act::AtGate(held.clone(), reply.into())).await;
    let http2 = it.authority.http2(it.address(), "a.test").await;
    let (late, ()) = tokio::join!(http2.get("https://a.test/p"), async {
        gate.reached.notified().await;
        let stopped = tokio::spawn(it.bed.edge.stop());
        gate.open.notify_one();
        stopped.await.unwrap();
    });
    assert_eq!((late.status, &late.body[..]), (200, &b"late"[..]));
    http2.ended.await.unwrap().unwrap();
}

#[tokio::test]
async fn who_comes_without_tls_is_sent_away_or_refused() {
    let redirect = |spec: &mut recant_core::spec::DistributionSpec| {
        spec.default_behavior.viewer_protocol = ViewerProtocol::RedirectToHttps;
    };
    let mut it = SecureBed::with(|_, _| ok(&[], "ok"), redirect, None).await;
    let location = format!("https://a.test:{}/p?q=1", it.address().port());
    // What a viewer claims does not count.
    let claim = ["X-Forwarded-Proto: https"];
    for (method, status) in [("GET", 301), ("HEAD", 301), ("POST", 307), ("OPTIONS", 307)] {
        let reply = it.bed.send(method, "a.test", "/p?q=1", &claim).await;
        assert_eq!((reply.status, reply.header("location")), (status, location.clone()), "{method}");
    }
    let old = it.bed.raw("POST", "POST /p HTTP/1.0\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n").await;
    assert_eq!(old.status, 403);
    assert_eq!(it.authority.http2(it.address(), "a.test").await.get("https://a.test/p").await.status, 200);

    let mut spec = distribution(it.bed.origin.address.port());
    spec.default_behavior.viewer_protocol = ViewerProtocol::HttpsOnly;
    it.bed.apply(&Change::PutDistribution(spec));
    let reply = it.bed.send("GET", "a.test", "/p", &claim).await;
    assert_eq!((reply.status, reply.header("location").as_str()), (403, ""));
    assert_eq!(it.bed.origin.count(), 1);
}

/// An origin that speaks TLS with this certificate, and answers every request with its `Host` field.
async fn secure_origin((certificate, key): (String, String)) -> u16 {
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut head = vec![0; 4096];
                while stream.read(&mut head).await.is_ok_and(|bytes| bytes > 0) {
                    let reply =
                        b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nCache-Control: no-store\r\n\r\nsecure";
                    if stream.write_all(reply).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    port
}

#[tokio::test]
async fn an_origin_proves_its_name() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("ca.pem");
    std::fs::write(&file, ours.pem()).unwrap();
    let check = async |origin_ca: Vec<PathBuf>, pair: (String, String), expected: u16| {
        let port = secure_origin(pair).await;
        let mut spec = distribution(1);
        spec.origins[0].protocol = OriginProtocol::HttpsOnly;
        spec.origins[0].https_port = port;
        let origin = Origin::start(|_, _| ok(&[], "plain")).await;
        let bed = Bed::with(origin, spec, |options| options.origin_ca = origin_ca).await;
        for _ in 0..2 {
            let reply = bed.get("a.test", "/p").await;
            assert_eq!(reply.status, expected, "{}", reply.text());
            let sentence = if expected == 200 { "secure" } else { "could not be connected to securely" };
            assert!(reply.text().contains(sentence), "{}", reply.text());
        }
    };
    check(vec![file.clone()], ours.certify(&["127.0.0.1"]), 200).await;
    check(vec![file.clone()], ours.certify(&["other.test"]), 502).await;
    check(vec![file], theirs.certify(&["127.0.0.1"]), 502).await;
    check(Vec::new(), ours.certify(&["127.0.0.1"]), 502).await;
}

#[tokio::test]
async fn an_origin_is_asked_as_the_viewer_asks() {
    let authority = Authority::new();
    let port = secure_origin(authority.certify(&["127.0.0.1"])).await;
    let match_viewer = |spec: &mut recant_core::spec::DistributionSpec| {
        spec.origins[0].protocol = OriginProtocol::MatchViewer;
        spec.origins[0].https_port = port;
    };
    let it = SecureBed::with(|_, _| ok(&["Cache-Control: no-store"], "plain"), match_viewer, None).await;
    assert_eq!(it.bed.get("a.test", "/p").await.text(), "plain");
    // This edge does not trust that authority: what matters is that it asked there.
    let http2 = it.authority.http2(it.address(), "a.test").await;
    assert_eq!((http2.get("https://a.test/p").await.status, it.bed.origin.count()), (502, 1));
}
