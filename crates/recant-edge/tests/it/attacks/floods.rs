//! Floods of HTTP/2 frames (PURGE.md section 6.2, item 31): the connection ends, or costs no more than it carries, and others are served.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::secure::{SecureBed, get};
use crate::support::ok;

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A request's head, of fields that are never indexed (RFC 7541 section 6.2.2).
fn request(stream: u32, flags: u8) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in
        [(":method", "GET"), (":scheme", "https"), (":authority", "a.test"), (":path", "/flood")]
    {
        block.push(0);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).unwrap());
            block.extend_from_slice(text.as_bytes());
        }
    }
    frame(HEADERS, flags, stream, &block)
}

/// Sends these frames on a connection of their own, and tells whether the edge has ended it.
async fn is_ended_by(it: &SecureBed, frames: Vec<u8>) -> bool {
    let stream = it.authority.connect(it.address(), "a.test", &["h2"]).await.unwrap();
    let (mut read, mut write) = tokio::io::split(stream);
    let sending = async {
        write.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await?;
        write.write_all(&frame(SETTINGS, 0, 0, &[])).await?;
        write.write_all(&frames).await?;
        // Its answer says that all before has been read.
        write.write_all(&frame(PING, 0, 0, b"the end.")).await
    };
    let reading = async {
        loop {
            let mut head = [0; 9];
            if read.read_exact(&mut head).await.is_err() {
                return true;
            }
            let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
            if read.read_exact(&mut payload).await.is_err() || head[3] == GOAWAY {
                return true;
            }
            if head[3] == PING && payload == b"the end." {
                return false;
            }
        }
    };
    // Sending fails where the edge has gone.
    tokio::join!(sending, reading).1
}

#[tokio::test]
async fn floods_of_http2_frames() {
    let it = SecureBed::new(|_, _| ok(&["cache-control: max-age=60"], "ok")).await;
    let streams = || (0..20_000u32).map(|n| 2 * n + 1);
    // Rapid reset (CVE-2023-44487).
    let resets =
        streams().flat_map(|id| [request(id, 5), frame(RST_STREAM, 0, id, &8u32.to_be_bytes())].concat());
    assert!(is_ended_by(&it, resets.collect()).await, "rapid reset");
    // MadeYouReset (CVE-2025-8671): each stream is made wrong, so that it is the edge that resets it.
    let wrong = streams().flat_map(|id| [request(id, 5), frame(WINDOW_UPDATE, 0, id, &[0; 4])].concat());
    assert!(is_ended_by(&it, wrong.collect()).await, "resets provoked");
    // A head that goes on and on.
    let more = frame(CONTINUATION, 0, 1, &[0; 1_024]);
    let endless = [request(1, 1), more.repeat(10_000)].concat();
    assert!(is_ended_by(&it, endless).await, "continuations");
    // Whoever has these acknowledged reads the acknowledgements, or waits himself.
    for (name, one) in [("settings", frame(SETTINGS, 0, 0, &[])), ("pings", frame(PING, 0, 0, &[0; 8]))] {
        let _ = is_ended_by(&it, one.repeat(20_000)).await;
        let reply = it.authority.http1(it.address(), "a.test", get("/after", "a.test")).await;
        assert_eq!(reply.status, 200, "{name}");
    }
    // What was reset was asked for once at the most, whoever asked.
    assert!(it.bed.origin.count() <= 3, "{} requests at the origin", it.bed.origin.count());
}
