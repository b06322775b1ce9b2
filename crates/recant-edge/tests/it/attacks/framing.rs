//! D: requests whose end two recipients could see in two places.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Bed, Viewer, ok};

/// What an attacker wants to be taken for a request of its own.
const SMUGGLED: &str = "GET /secret HTTP/1.1\r\nHost: a.test\r\n\r\n";

/// Sends these bytes, with a smuggled request after them, and has them refused: one answer with this status, then the end,
/// and nothing reaches the origin.
async fn refused(bytes: &str, status: u16) {
    let bed = Bed::new(|_, _| ok(&[], "ok")).await;
    let all = format!("{bytes}{SMUGGLED}");
    // All at once, and byte by byte.
    for pieces in [all.len(), 1] {
        let mut viewer = TcpStream::connect(bed.address()).await.unwrap();
        for piece in all.as_bytes().chunks(pieces) {
            // The edge may have closed by now.
            if viewer.write_all(piece).await.is_err() {
                break;
            }
            tokio::task::yield_now().await;
        }
        let mut answer = Vec::new();
        // A reset may come, and take the answer along, where something is left that nobody reads.
        let is_reset = viewer.read_to_end(&mut answer).await.is_err();
        let answer = String::from_utf8_lossy(&answer);
        let heads: Vec<&str> = answer.split("HTTP/1.").skip(1).map(|head| &head[2..5]).collect();
        assert!(pieces == 1 || !is_reset, "{bytes:?}");
        assert!(is_reset && heads.is_empty() || heads == [status.to_string()], "{bytes:?}: {answer}");
    }
    assert_eq!(bed.origin.count(), 0, "{bytes:?}");
}

fn post(lines: &str, body: &str) -> String {
    format!("POST /p HTTP/1.1\r\nHost: a.test\r\n{lines}\r\n{body}")
}

#[tokio::test]
async fn a_length_beside_a_coding() {
    let chunks = "0\r\n\r\n";
    for lines in [
        "Content-Length: 44\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 44\r\n",
        "Transfer-Encoding: chunked\r\nX: y\r\nContent-Length: 0\r\n",
        "content-length:5\r\nTRANSFER-ENCODING:\tchunked\r\n",
    ] {
        refused(&post(lines, chunks), 400).await;
    }
}

#[tokio::test]
async fn a_coding_that_not_everybody_sees() {
    for line in [
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: identity, chunked",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: \"chunked\"",
        "Transfer-Encoding: chunked;q=1",
        "Transfer-Encoding:\u{b}chunked",
        "Transfer-Encoding\u{b}: chunked",
        "Transfer-Encoding : chunked",
        " Transfer-Encoding: chunked",
        "X: y\r\n Transfer-Encoding: chunked",
        "X: y\rTransfer-Encoding: chunked",
        "X: y\nTransfer-Encoding: chunked",
        "Transfer-Encoding:\r\n chunked",
        "Transfer-Encoding: chunked\u{0}",
        "Transfer_Encoding: chunked",
        "Transfer-Encoding:",
    ] {
        refused(&post(&format!("{line}\r\n"), "0\r\n\r\n"), 400).await;
    }
}

#[tokio::test]
async fn a_length_that_could_be_another_one() {
    for line in [
        "Content-Length: 1\r\nContent-Length: 2",
        "Content-Length: 5\r\nContent-Length: 5",
        "Content-Length: 5, 5",
        "Content-Length: +5",
        "Content-Length: -5",
        "Content-Length: 5 5",
        "Content-Length: 0x5",
        "Content-Length: 5.0",
        "Content-Length: \u{b}5",
        "Content-Length:",
        "Content-Length: 18446744073709551616",
        "Content-Length : 5",
        "Content-Length: 0\r\n 5",
        "Content_Length: 5",
    ] {
        refused(&post(&format!("{line}\r\n"), ""), 400).await;
    }
    let padded = format!("Content-Length: {}0\r\n", " ".repeat(1_000));
    refused(&post(&padded, ""), 400).await;
}

#[tokio::test]
async fn lines_that_end_in_two_ways() {
    for bytes in [
        "GET /p HTTP/1.1\nHost: a.test\n\n",
        "GET /p HTTP/1.1\r\nHost: a.test\nX: y\r\n\r\n",
        "GET /p HTTP/1.1\nHost: a.test\r\n\r\n",
        "GET /p HTTP/1.1\r\nHost: a.test\r\n\n",
        "GET /p HTTP/1.1\r\nHost: a.test\n\r\n",
        "\nGET /p HTTP/1.1\r\nHost: a.test\r\n\r\n",
        "GET /p HTTP/1.1\r\nHost: a.test\r\r\n\r\n",
        "GET /p HTTP/1.1\rHost: a.test\r\n\r\n",
        // Not lines, but no less unclear.
        "GET  /p HTTP/1.1\r\nHost: a.test\r\n\r\n",
        "GET\t/p HTTP/1.1\r\nHost: a.test\r\n\r\n",
        "GET /p  HTTP/1.1\r\nHost: a.test\r\n\r\n",
        "GET /p /q HTTP/1.1\r\nHost: a.test\r\n\r\n",
        "GET /p HTTP/1.1 \r\nHost: a.test\r\n\r\n",
        "GET /p HTTP/01.1\r\nHost: a.test\r\n\r\n",
        "GET /p HTTP/2.0\r\nHost: a.test\r\n\r\n",
        "GET /p\r\n\r\n",
        "GET /p HTTP/1.1\r\n: y\r\nHost: a.test\r\n\r\n",
        "GET /p HTTP/1.1\r\nHost: a.test\r\nX\r\n\r\n",
        "GET /p HTTP/1.1\r\nHost: a.test\r\nX y: z\r\n\r\n",
        "GET /p#f HTTP/1.1\r\nHost: a.test\r\n\r\n",
        "GET /p?q#f HTTP/1.1\r\nHost: a.test\r\n\r\n",
        "GET #/p HTTP/1.1\r\nHost: a.test\r\n\r\n",
    ] {
        refused(bytes, 400).await;
    }
}

#[tokio::test]
async fn old_requests_that_have_no_end() {
    refused("POST /p HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\n\r\n", 400).await;
    refused("PUT /p HTTP/1.0\r\nHost: a.test\r\n\r\n", 400).await;
    refused("POST /p HTTP/1.0\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400).await;
}

#[tokio::test]
async fn expectations() {
    for line in [
        "Expect: 200-ok",
        "Expect: y 100-continue",
        "Expect: 100-continue, 100-continue",
        "Expect: 100-continue\r\nExpect: 100-continue",
        "Expect: 100-continue;x",
        "Expect:",
    ] {
        let bed = Bed::new(|_, _| ok(&[], "ok")).await;
        let request = post(&format!("{line}\r\nContent-Length: 0\r\n"), "");
        assert_eq!(bed.raw("POST", &request).await.status, 417, "{line:?}");
        assert_eq!(bed.origin.count(), 0, "{line:?}");
    }
    // Of a good one the edge keeps the promise itself; the origin sees nothing of it.
    let bed = Bed::new(|_, _| ok(&[], "ok")).await;
    let mut viewer = Viewer::connect(bed.address()).await;
    viewer.write(&post("Expect: 100-Continue\r\nContent-Length: 4\r\n", "")).await;
    assert_eq!(viewer.read_informational().await.status, 100);
    viewer.write("body").await;
    assert_eq!(viewer.read("POST").await.status, 200);
    let seen = bed.origin.seen();
    assert!(
        seen[0].ends_with("\r\n\r\nbody") && !seen[0].to_ascii_lowercase().contains("expect"),
        "{seen:?}"
    );
    // A viewer who does not wait, and one who is refused: the body is no request.
    viewer
        .write(&post(&format!("Expect: 100-continue\r\nContent-Length: {}\r\n", SMUGGLED.len()), SMUGGLED))
        .await;
    assert_eq!(viewer.read_informational().await.status, 100);
    assert_eq!(viewer.read("POST").await.status, 200);
    assert!(bed.origin.seen()[1].ends_with(&format!("\r\n\r\n{SMUGGLED}")));
    let request = format!(
        "POST /p HTTP/1.1\r\nHost: nobody.test\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n{SMUGGLED}",
        SMUGGLED.len()
    );
    assert_eq!(bed.raw("POST", &request).await.status, 404);
    assert_eq!(bed.origin.count(), 2);
}

#[tokio::test]
async fn chunks_that_could_be_read_in_two_ways() {
    let chunked = |chunks: &str| post("Transfer-Encoding: chunked\r\n", chunks);
    // Each of them would let one recipient see the smuggled request, another one not.
    for chunks in [
        "5\nhello\r\n0\r\n\r\n",
        "5;x\nhello\r\n0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhelloXX0\r\n\r\n",
        "5\r\nhello\r\n0\r\n\n",
        "5\r\nhello\r\n0\n\r\n",
        "5\r\nhello\r\n0\r\nX: y\n\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "\r\n5\r\nhello\r\n0\r\n\r\n",
        "g\r\nhello\r\n0\r\n\r\n",
        "10000000000000005\r\nhello\r\n0\r\n\r\n",
        ";\r\nhello\r\n0\r\n\r\n",
    ] {
        let bed = Bed::new(|_, _| ok(&[], "ok")).await;
        let mut viewer = TcpStream::connect(bed.address()).await.unwrap();
        viewer.write_all(format!("{}{SMUGGLED}", chunked(chunks)).as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = viewer.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.matches("HTTP/1.1 ").count() <= 1, "{chunks:?}: {answer}");
        assert!(!answer.contains("HTTP/1.1 200"), "{chunks:?}: {answer}");
        let seen = bed.origin.seen();
        assert!(seen.is_empty(), "no whole request has reached it: {chunks:?}: {seen:?}");
    }
    // What has one meaning goes on in chunks of our own: no extension, no trailer that says how the message ends.
    let bed = Bed::new(|_, _| ok(&[], "ok")).await;
    let mut viewer = Viewer::connect(bed.address()).await;
    let body = "00005;a=\"b;\t\" ;c\r\nhello\r\n000\r\nContent-Length: 9\r\nTransfer-Encoding: x\r\nHost: b.test\r\n\r\n";
    viewer.write(&chunked(body)).await;
    viewer.write(&format!("\r\n{SMUGGLED}")).await;
    assert_eq!(viewer.read("POST").await.status, 200);
    assert_eq!(viewer.read("GET").await.status, 200, "what follows is a request of its own");
    let seen = bed.origin.seen();
    assert!(seen[0].to_ascii_lowercase().ends_with("\r\n\r\n5\r\nhello\r\n0\r\n\r\n"), "{seen:?}");
    assert!(seen[1].starts_with("GET /a/secret "), "{seen:?}");
}

#[tokio::test]
async fn bodies_in_any_pieces_are_followed_to_their_ends() {
    let bed =
        Bed::new(|_, request| ok(&["Cache-Control: no-store"], request.split(' ').next().unwrap())).await;
    let chunked = post(
        "Transfer-Encoding: chunked\r\n",
        "3\r\na\nb\r\n12\r\n\n\n0\r\n\r\nGET / HTTP/\r\n0\r\nX: y\r\n\r\n",
    );
    let sized = post("Content-Length: 8\r\n", "\n#\r\n\n\r\n\n");
    let all = format!("{chunked}{sized}\r\nGET /p HTTP/1.1\r\nHost: a.test\r\n\r\n");
    for size in [1, 2, 3, 7, all.len()] {
        let mut viewer = Viewer::connect(bed.address()).await;
        for piece in all.as_bytes().chunks(size) {
            viewer.write(std::str::from_utf8(piece).unwrap()).await;
            tokio::task::yield_now().await;
        }
        for method in ["POST", "POST", "GET"] {
            let reply = viewer.read(method).await;
            assert_eq!((reply.status, reply.text()), (200, method), "in pieces of {size}");
        }
    }
    let body = "12\r\n\n\n0\r\n\r\nGET / HTTP/\r\n";
    assert!(bed.origin.seen().iter().any(|request| request.contains(&body[4..]) || request.contains("a\nb")));
}
