//! WebSocket, and whatever else HTTP/1.1 can be left for (RFC 9110 section 7.8).
//!
//! ```text
//! viewer ── Upgrade: x ──▶ edge ── Upgrade: x ──▶ origin
//! viewer ◀──── 101 ─────── edge ◀──── 101 ─────── origin     then bytes, both ways, until one side closes or both are silent
//!        ◀─ anything else ─     ◀─ anything else ─           a response like any other: nothing has been left
//! ```
//!
//! **A connection is left only when the origin says 101, and to the one protocol that was asked for** (CVE-2026-2833 is
//! leaving it before). What was asked for is never HTTP itself: `h2c` would be a way past everything that an edge refuses, the
//! origin's path included.
//!
//! A viewer's connection that was left counts as one still, against the same bound. Nothing of it is stored, and an
//! edge that stops ends it: it has no end of its own to wait for.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::header::{CONNECTION, CONTENT_LENGTH, HeaderValue, TRANSFER_ENCODING, UPGRADE};
use http::request::Parts;
use http::{Response, Version};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split};
use tokio::time::{Instant, sleep_until};

use recant_core::limits::{TUNNEL_BUFFER_BYTES, TUNNEL_IDLE_MAX};
use recant_core::lookup::Why;

use crate::body::Outgoing;
use crate::hop;
use crate::origin::Answer;
use crate::respond;

/// The protocol that a request asks for, if it may have it.
pub(crate) fn asked(head: &Parts) -> Option<&HeaderValue> {
    let mut protocols = head.headers.get_all(UPGRADE).iter();
    let (protocol, None) = (protocols.next()?, protocols.next()) else { return None };
    let length = head.headers.get(CONTENT_LENGTH);
    let has_content = head.headers.contains_key(TRANSFER_ENCODING)
        || length.is_some_and(|length| length.as_bytes() != b"0");
    let is_asked = head.version == Version::HTTP_11 && !has_content && hop::lists(&head.headers, &UPGRADE);
    (is_asked && is_one(protocol.as_bytes())).then_some(protocol)
}

/// One protocol, of which the edge knows that it is not HTTP. What TLS would hide may be HTTP.
fn is_one(protocol: &[u8]) -> bool {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~/".contains(byte);
    let name = protocol.split(|byte| *byte == b'/').next().unwrap_or_default();
    !name.is_empty()
        && protocol.iter().all(is_name)
        && ![&b"h2c"[..], b"h2", b"h3", b"http", b"tls"].iter().any(|http| name.eq_ignore_ascii_case(http))
}

/// The origin's 101, as the viewer gets it. The origin's end of what follows goes along as an extension.
pub(crate) fn switched(answer: Answer, why: Why) -> Response<Outgoing> {
    let mut from_origin = answer.response;
    let origin = hyper::upgrade::on(&mut from_origin);
    let (mut parts, _) = from_origin.into_parts();
    let protocol = parts.headers.get(UPGRADE).cloned();
    hop::strip(&mut parts.headers);
    hop::append_via(&mut parts.headers, parts.version);
    parts.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    parts.headers.extend(protocol.map(|protocol| (UPGRADE, protocol)));
    respond::mark_forwarded(&mut parts.headers, parts.status, why, false);
    let mut response = Response::new(Outgoing::Whole(None));
    *response.status_mut() = parts.status;
    *response.headers_mut() = parts.headers;
    response.extensions_mut().insert(origin);
    response
}

/// What a viewer's connection is to do when its requests are over.
#[derive(Debug, Default)]
pub(crate) struct Afterwards(Mutex<Option<Tunnel>>);

/// Two connections that have been left for another protocol.
#[derive(Debug)]
pub(crate) struct Tunnel {
    pub(crate) viewer: OnUpgrade,
    pub(crate) origin: OnUpgrade,
}

impl Afterwards {
    pub(crate) fn put(&self, tunnel: Tunnel) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(tunnel);
    }

    pub(crate) fn take(&self) -> Option<Tunnel> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Tunnel {
    /// Carries bytes both ways until both sides have closed, one has broken off, or neither has sent anything for too long.
    pub(crate) async fn carry(self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let (viewer, origin) = tokio::try_join!(self.viewer, self.origin)?;
        Ok(carry(TokioIo::new(viewer), TokioIo::new(origin), TUNNEL_IDLE_MAX).await?)
    }
}

async fn carry<A, B>(viewer: A, origin: B, idle_max: Duration) -> io::Result<()>
where
    A: AsyncRead + AsyncWrite,
    B: AsyncRead + AsyncWrite,
{
    let pulse = Pulse { start: Instant::now(), last_millis: AtomicU64::new(0) };
    let (mut from_viewer, mut to_viewer) = split(viewer);
    let (mut from_origin, mut to_origin) = split(origin);
    let both = async {
        tokio::try_join!(
            copy(&mut from_viewer, &mut to_origin, &pulse),
            copy(&mut from_origin, &mut to_viewer, &pulse)
        )
    };
    tokio::select! {
        ended = both => ended.map(|_| ()),
        () = pulse.stops(idle_max) => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// One way; the end of what comes is the end of what goes.
async fn copy(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    pulse: &Pulse,
) -> io::Result<()> {
    let mut buffer = vec![0; TUNNEL_BUFFER_BYTES];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..length]).await?;
        to.flush().await?;
        pulse.beat();
    }
}

/// When something was carried last.
struct Pulse {
    start: Instant,
    last_millis: AtomicU64,
}

impl Pulse {
    fn beat(&self) {
        let millis = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_millis.store(millis, Ordering::Relaxed);
    }

    /// Comes to its end when nothing was carried for so long.
    async fn stops(&self, idle_max: Duration) {
        loop {
            let last = self.start + Duration::from_millis(self.last_millis.load(Ordering::Relaxed));
            let end = last + idle_max;
            if Instant::now() >= end {
                return;
            }
            sleep_until(end).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Request;
    use tokio::io::duplex;

    use super::*;

    fn check(method: &str, lines: &[(&str, &str)], expected: Option<&str>) {
        let mut request = Request::builder().method(method);
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).expect("a request").into_parts();
        let got = asked(&head).map(|protocol| protocol.to_str().expect("a name"));
        assert_eq!(got, expected, "{method} {lines:?}");
    }

    #[test]
    fn what_may_be_asked_for() {
        let with = |protocol| [("connection", "keep-alive, Upgrade"), ("upgrade", protocol)];
        for protocol in ["websocket", "WebSocket", "tcp", "x/1.1"] {
            check("GET", &with(protocol), Some(protocol));
        }
        for protocol in ["", "h2c", "H2C", "HTTP/2.0", "http/1.1", "TLS/1.0", "websocket, h2c", "a b", "/1"] {
            check("GET", &with(protocol), None);
        }
        check("GET", &[("upgrade", "websocket")], None);
        check("GET", &[("connection", "upgrade"), ("upgrade", "a"), ("upgrade", "b")], None);
        let sized = |length| [("connection", "upgrade"), ("upgrade", "tcp"), ("content-length", length)];
        check("POST", &sized("0"), Some("tcp"));
        check("POST", &sized("1"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_ends_it_and_talk_does_not() {
        let idle_max = Duration::from_secs(60);
        let ((viewer, at_viewer), (mut origin, at_origin)) = (duplex(64), duplex(64));
        let carried = tokio::spawn(carry(at_viewer, at_origin, idle_max));
        for _ in 0..5 {
            tokio::time::advance(Duration::from_secs(50)).await;
            origin.write_all(b"x").await.expect("it is carried");
            tokio::task::yield_now().await;
        }
        assert!(!carried.is_finished());
        let error = carried.await.expect("no panic").expect_err("the end of time comes at once here");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(viewer);
    }

    #[tokio::test]
    async fn one_side_may_close_before_the_other() {
        let ((mut viewer, at_viewer), (mut origin, at_origin)) = (duplex(64), duplex(64));
        let carried = tokio::spawn(carry(at_viewer, at_origin, Duration::from_secs(60)));
        viewer.write_all(b"question").await.expect("it is carried");
        viewer.shutdown().await.expect("it can be closed");
        let mut question = String::new();
        origin.read_to_string(&mut question).await.expect("it ends");
        origin.write_all(b"answer").await.expect("it is carried");
        origin.shutdown().await.expect("it can be closed");
        let mut answer = String::new();
        viewer.read_to_string(&mut answer).await.expect("it ends");
        assert_eq!((question.as_str(), answer.as_str()), ("question", "answer"));
        carried.await.expect("no panic").expect("both have closed");
    }
}
