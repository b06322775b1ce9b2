//! An origin that does exactly what a test says, also what no server should.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// What to do with one request.
pub(crate) enum Act {
    /// Write these bytes and keep the connection.
    Reply(Vec<u8>),
    /// Write these bytes and close the connection.
    ReplyAndClose(Vec<u8>),
    /// Write these bytes, then whatever comes, until it ends.
    ReplyAndEcho(Vec<u8>),
    /// Never answer.
    Silence,
    /// Wait at the gate, then write.
    AtGate(Arc<Gate>, Vec<u8>),
    /// Write the first, wait at the gate, write the second unasked.
    ThenAtGate(Vec<u8>, Arc<Gate>, Vec<u8>),
    /// Write these, wait at the gate, close the connection.
    ThenAtGateAndClose(Vec<u8>, Arc<Gate>),
}

/// Holds a response back until a test lets it go.
#[derive(Default)]
pub(crate) struct Gate {
    pub(crate) reached: Notify,
    pub(crate) open: Notify,
}

/// A `200` with these further header lines and this body.
pub(crate) fn ok(lines: &[&str], body: &str) -> Act {
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    Act::Reply(format!("HTTP/1.1 200 OK\r\n{lines}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes())
}

type Script = dyn Fn(usize, &str) -> Act + Send + Sync;

pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Origin {
    /// `script` is told how many requests came before, and the request as it came.
    pub(crate) async fn start(script: impl Fn(usize, &str) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (script, record): (Arc<Script>, _) = (Arc::new(script), seen.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, script.clone(), record.clone()));
            }
        });
        Self { address, seen }
    }

    /// Every request so far, head and body.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

async fn converse(mut stream: TcpStream, script: Arc<Script>, seen: Arc<Mutex<Vec<String>>>) {
    let mut buffer = Vec::new();
    while let Some(request) = read_request(&mut stream, &mut buffer).await {
        let before = {
            let mut seen = seen.lock().unwrap();
            seen.push(request.clone());
            seen.len() - 1
        };
        let bytes = match script(before, &request) {
            Act::Reply(bytes) => bytes,
            Act::ReplyAndClose(bytes) => {
                let _ = stream.write_all(&bytes).await;
                return;
            }
            Act::ReplyAndEcho(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let (mut from, mut to) = stream.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
                return;
            }
            Act::Silence => std::future::pending().await,
            Act::AtGate(gate, bytes) => {
                gate.reached.notify_one();
                gate.open.notified().await;
                bytes
            }
            Act::ThenAtGateAndClose(bytes, gate) => {
                let _ = stream.write_all(&bytes).await;
                gate.open.notified().await;
                return;
            }
            Act::ThenAtGate(bytes, gate, late) => {
                let _ = stream.write_all(&bytes).await;
                gate.open.notified().await;
                late
            }
        };
        if stream.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<String> {
    loop {
        let text = String::from_utf8_lossy(buffer).into_owned();
        if let Some(end) = text.find("\r\n\r\n").map(|at| at + 4) {
            let head = text[..end].to_ascii_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse::<usize>().unwrap());
            let is_whole = if head.contains("transfer-encoding: chunked") {
                text.ends_with("0\r\n\r\n")
            } else {
                text.len() >= end + length
            };
            if is_whole {
                buffer.clear();
                return Some(text);
            }
        }
        if !matches!(stream.read_buf(buffer).await, Ok(1..)) {
            return None;
        }
    }
}
