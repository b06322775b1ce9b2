//! A viewer that writes what a test says, byte for byte, and reads responses strictly.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

pub(crate) struct Viewer {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// A response as it came.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) version: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// The body came to its end as the head promised.
    pub(crate) is_whole: bool,
}

impl Reply {
    /// The values of this field, joined.
    pub(crate) fn header(&self, name: &str) -> String {
        let values = self.headers.iter().filter(|(field, _)| field.eq_ignore_ascii_case(name));
        values.map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(", ")
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

impl Viewer {
    pub(crate) async fn connect(edge: SocketAddr) -> Self {
        Self { stream: TcpStream::connect(edge).await.unwrap(), buffer: Vec::new() }
    }

    /// One that comes from this address of loopback.
    pub(crate) async fn bound(from: &str, edge: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(from.parse().unwrap(), 0)).unwrap();
        Self { stream: socket.connect(edge).await.unwrap(), buffer: Vec::new() }
    }

    pub(crate) async fn write(&mut self, bytes: &str) {
        self.stream.write_all(bytes.as_bytes()).await.unwrap();
    }

    /// Waits until these bytes have come; they are still to be read.
    pub(crate) async fn sees(&mut self, bytes: &[u8]) {
        while !self.buffer.windows(bytes.len()).any(|window| window == bytes) {
            assert!(self.more().await, "closed: {:?}", String::from_utf8_lossy(&self.buffer));
        }
    }

    /// Reads the response to a request of this method.
    pub(crate) async fn read(&mut self, method: &str) -> Reply {
        let end = loop {
            if let Some(at) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            assert!(self.more().await, "closed within a head: {:?}", String::from_utf8_lossy(&self.buffer));
        };
        let head = String::from_utf8(self.buffer.drain(..end).collect()).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let (version, status) = lines.next().unwrap().split_once(' ').unwrap();
        let headers: Vec<_> =
            lines.map(|line| line.split_once(": ").unwrap()).map(|(n, v)| (n.into(), v.into())).collect();
        let status = status[..3].parse().unwrap();
        let mut reply = Reply { status, version: version.into(), headers, body: Vec::new(), is_whole: true };
        if method == "HEAD" || matches!(status, 204 | 304) {
            return reply;
        }
        if reply.header("transfer-encoding") == "chunked" {
            reply.is_whole = self.chunks(&mut reply.body).await;
        } else if let Ok(length) = reply.header("content-length").parse::<usize>() {
            while self.buffer.len() < length && self.more().await {}
            reply.is_whole = self.buffer.len() >= length;
            reply.body = self.buffer.drain(..length.min(self.buffer.len())).collect();
        } else {
            while self.more().await {}
            reply.body = std::mem::take(&mut self.buffer);
        }
        reply
    }

    /// Reads an informational response: a head alone.
    pub(crate) async fn read_informational(&mut self) -> Reply {
        self.read("HEAD").await
    }

    /// Whether the edge closes the connection without a further byte.
    pub(crate) async fn is_closed(&mut self) -> bool {
        self.buffer.is_empty() && !self.more().await
    }

    /// Whether more comes before the end.
    pub(crate) async fn goes_on(&mut self) -> bool {
        self.more().await
    }

    async fn chunks(&mut self, body: &mut Vec<u8>) -> bool {
        loop {
            let Some(line) = self.buffer.windows(2).position(|window| window == b"\r\n") else {
                if self.more().await {
                    continue;
                }
                return false;
            };
            let size = usize::from_str_radix(std::str::from_utf8(&self.buffer[..line]).unwrap(), 16).unwrap();
            while self.buffer.len() < line + 2 + size + 2 {
                if !self.more().await {
                    return false;
                }
            }
            body.extend_from_slice(&self.buffer[line + 2..line + 2 + size]);
            self.buffer.drain(..line + 2 + size + 2);
            if size == 0 {
                return true;
            }
        }
    }

    async fn more(&mut self) -> bool {
        self.buffer.reserve(64 * 1024);
        matches!(self.stream.read_buf(&mut self.buffer).await, Ok(1..))
    }
}
