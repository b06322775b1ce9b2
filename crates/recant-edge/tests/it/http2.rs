//! What streams of HTTP/2 carry beside heads: informational responses, content and bodies as fast as they are taken, trailers, and ends
//! before the end.

use std::future::poll_fn;
use std::sync::Arc;

use bytes::Bytes;
use h2::client::{Builder, ResponseFuture, SendRequest};
use h2::{Reason, RecvStream};
use http::{Request, Response};
use recant_core::limits::{HTTP2_CONNECTION_WINDOW_BYTES, INFORMATIONAL_BYTES_MAX, INFORMATIONAL_MAX};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use crate::secure::SecureBed;
use crate::support::{Act, Gate, ok};

/// A viewer whose streams may be sent so much ahead of what he has taken.
async fn viewer(it: &SecureBed, window: u32) -> SendRequest<Bytes> {
    let stream = it.authority.connect(it.address(), "a.test", &["h2"]).await.unwrap();
    let (sender, connection) = Builder::new().initial_window_size(window).handshake(stream).await.unwrap();
    tokio::spawn(connection);
    sender.ready().await.unwrap()
}

const WINDOW: u32 = 65_535;

fn get(path: &str) -> Request<()> {
    Request::get(format!("https://a.test{path}")).body(()).unwrap()
}

async fn informational(response: &mut ResponseFuture) -> Response<()> {
    poll_fn(|cx| response.poll_informational(cx)).await.unwrap().unwrap()
}

/// The rest of a body, or why it broke off.
async fn rest(body: &mut RecvStream) -> Result<Vec<u8>, h2::Error> {
    let mut bytes = Vec::new();
    while let Some(piece) = body.data().await {
        let piece = piece?;
        body.flow_control().release_capacity(piece.len())?;
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

#[tokio::test]
async fn informational_responses_come_before_the_response() {
    let hinted = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nConnection: x-hop\r\nX-Hop: 1\r\n\r\n\
                  HTTP/1.1 102 Processing\r\n\r\n\
                  HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 2\r\n\r\nok";
    let it = SecureBed::new(move |_, _| Act::Reply(hinted.into())).await;
    let mut viewer = viewer(&it, WINDOW).await;
    let (mut response, _) = viewer.send_request(get("/p"), true).unwrap();
    let hint = informational(&mut response).await;
    assert_eq!(
        (hint.status().as_u16(), &hint.headers()["link"]),
        (103, &"</a.css>; rel=preload".parse().unwrap())
    );
    assert_eq!(hint.headers().len(), 1, "{hint:?}");
    assert_eq!(informational(&mut response).await.status(), 102);
    let response = response.await.unwrap();
    assert_eq!((response.status().as_u16(), response.headers().contains_key("link")), (200, false));
    assert_eq!(rest(&mut response.into_body()).await.unwrap(), b"ok");
    // Nothing of them is stored.
    let (mut response, _) = viewer.send_request(get("/p"), true).unwrap();
    assert!(poll_fn(|cx| response.poll_informational(cx)).await.is_none());
    assert_eq!(response.await.unwrap().headers()["x-cache"], "Hit from recant");
}

#[tokio::test]
async fn a_hint_comes_while_the_response_is_awaited() {
    let gate = Arc::new(Gate::default());
    let held = gate.clone();
    let it = SecureBed::new(move |_, _| {
        let hint = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n".to_vec();
        Act::ThenAtGate(hint, held.clone(), b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec())
    })
    .await;
    let mut viewer = viewer(&it, WINDOW).await;
    let (mut response, _) = viewer.send_request(get("/p"), true).unwrap();
    assert_eq!(informational(&mut response).await.status(), 103);
    gate.open.notify_one();
    assert_eq!(response.await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_flood_of_informational_responses_is_cut_off() {
    let long = "x".repeat(INFORMATIONAL_BYTES_MAX / 4);
    for (line, passed) in [(String::new(), INFORMATIONAL_MAX), (format!("X: {long}\r\n"), 3)] {
        let flood = format!("HTTP/1.1 102 Processing\r\n{line}\r\n").repeat(INFORMATIONAL_MAX + 5);
        let it = SecureBed::new(move |_, _| {
            Act::Reply(format!("{flood}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").into_bytes())
        })
        .await;
        let mut viewer = viewer(&it, WINDOW).await;
        let (mut response, _) = viewer.send_request(get("/p"), true).unwrap();
        let mut count = 0;
        while let Some(informational) = poll_fn(|cx| response.poll_informational(cx)).await {
            assert_eq!(informational.unwrap().status(), 102);
            count += 1;
        }
        assert_eq!((count, response.await.unwrap().status().as_u16()), (passed, 200));
    }
}

#[tokio::test]
async fn who_expects_to_be_told_so_is_told_to_go_on() {
    let it = SecureBed::new(|_, _| ok(&[], "ok")).await;
    let mut viewer = viewer(&it, WINDOW).await;
    let request = Request::post("https://a.test/p").header("expect", "100-continue").body(()).unwrap();
    let (mut response, mut content) = viewer.send_request(request, false).unwrap();
    assert_eq!(informational(&mut response).await.status(), 100);
    content.send_data("content".into(), true).unwrap();
    assert_eq!(response.await.unwrap().status(), 200);
    assert!(it.bed.origin.seen()[0].contains("content"), "{:?}", it.bed.origin.seen());
    // What the edge refuses itself needs no content.
    let request = Request::put("https://a.test/p").header("expect", "a-miracle").body(()).unwrap();
    let (response, _content) = viewer.send_request(request, false).unwrap();
    assert_eq!(response.await.unwrap().status(), 417);
}

#[tokio::test]
async fn content_is_longer_than_all_windows() {
    let length = HTTP2_CONNECTION_WINDOW_BYTES as usize + WINDOW as usize;
    let it = SecureBed::new(|_, _| ok(&[], "ok")).await;
    let mut viewer = viewer(&it, WINDOW).await;
    let request = Request::post("https://a.test/p").header("content-length", length).body(()).unwrap();
    let (response, mut content) = viewer.send_request(request, false).unwrap();
    // Waits for windows by itself.
    content.send_data(vec![b'x'; length].into(), true).unwrap();
    assert_eq!(response.await.unwrap().status(), 200);
    let seen = it.bed.origin.seen().pop().unwrap();
    assert_eq!(seen.split_once("\r\n\r\n").unwrap().1.len(), length);
}

#[tokio::test]
async fn content_that_breaks_off_is_no_whole_content() {
    let origin = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = origin.local_addr().unwrap().port();
    for reason in [Reason::CANCEL, Reason::NO_ERROR] {
        let it = SecureBed::with(|_, _| Act::Silence, |spec| spec.origins[0].http_port = port, None).await;
        let mut viewer = viewer(&it, WINDOW).await;
        let request = Request::post("https://a.test/p").body(()).unwrap();
        let (_response, mut content) = viewer.send_request(request, false).unwrap();
        content.send_data("content".into(), false).unwrap();
        let (mut stream, _) = origin.accept().await.unwrap();
        let mut seen = Vec::new();
        while !seen.ends_with(b"content\r\n") {
            assert!(stream.read_buf(&mut seen).await.unwrap() > 0, "{}", String::from_utf8_lossy(&seen));
        }
        content.send_reset(reason);
        seen.clear();
        // Reset or closed; the end of the content is not said.
        let _ = stream.read_to_end(&mut seen).await;
        assert_eq!(String::from_utf8(seen).unwrap(), "", "{reason:?}");
    }
}

#[tokio::test]
async fn who_takes_nothing_holds_nobody_else_up() {
    let long = "x".repeat(100_000);
    let body = long.clone();
    let it = SecureBed::new(move |_, request| match request.contains("/long ") {
        true => ok(&["Cache-Control: max-age=60"], &body),
        false => ok(&[], "ok"),
    })
    .await;
    let mut viewer = viewer(&it, 1_000).await;
    let mut bodies = Vec::new();
    for _ in 0..3 {
        let (response, _) = viewer.send_request(get("/long"), true).unwrap();
        bodies.push(response.await.unwrap().into_body());
        let (response, _) = viewer.send_request(get("/short"), true).unwrap();
        assert_eq!(rest(&mut response.await.unwrap().into_body()).await.unwrap(), b"ok");
    }
    for body in &mut bodies {
        assert!(rest(body).await.unwrap() == long.as_bytes());
    }
}

#[tokio::test]
async fn trailers_reach_the_viewer() {
    let reply = "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\n\
                 Content-Length: 9\r\nConnection: close\r\n\r\n";
    let it = SecureBed::new(move |_, _| Act::Reply(reply.into())).await;
    let mut viewer = viewer(&it, WINDOW).await;
    let (response, _) = viewer.send_request(get("/p"), true).unwrap();
    let response = response.await.unwrap();
    assert_eq!(response.headers()["trailer"], "X-Sum");
    assert!(!response.headers().contains_key("transfer-encoding"));
    let mut body = response.into_body();
    assert_eq!(rest(&mut body).await.unwrap(), b"ok");
    let trailers = body.trailers().await.unwrap().unwrap();
    assert_eq!((&trailers["x-sum"], trailers.len()), (&"7".parse().unwrap(), 1));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_no_whole_body() {
    for head in ["Content-Length: 9", "Transfer-Encoding: chunked"] {
        let gate = Arc::new(Gate::default());
        let held = gate.clone();
        let start = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n4\r\nbod");
        let it =
            SecureBed::new(move |_, _| Act::ThenAtGateAndClose(start.clone().into_bytes(), held.clone()))
                .await;
        let mut viewer = viewer(&it, WINDOW).await;
        let (response, _) = viewer.send_request(get("/p"), true).unwrap();
        let response = response.await.unwrap();
        gate.open.notify_one();
        let error = rest(&mut response.into_body()).await.unwrap_err();
        assert_eq!(error.reason(), Some(Reason::INTERNAL_ERROR), "{head}");
    }
}

#[tokio::test]
async fn every_response_says_when_it_was_made() {
    let it = SecureBed::new(|_, _| ok(&[], "ok")).await;
    let mut viewer = viewer(&it, WINDOW).await;
    for (path, status) in [("/p", 200), ("/../p", 400)] {
        let (response, _) = viewer.send_request(get(path), true).unwrap();
        let response = response.await.unwrap();
        assert_eq!((response.status().as_u16(), response.headers().contains_key("date")), (status, true));
    }
}
