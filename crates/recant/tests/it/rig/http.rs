//! A viewer: one request, one connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::PATIENCE;

/// A response, its body still to be read.
pub(crate) struct Open {
    /// The status code.
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    stream: BufReader<TcpStream>,
    has_body: bool,
}

/// A response as a whole.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// Gets a path of a host.
#[track_caller]
pub(crate) fn get(address: SocketAddr, host: &str, path: &str) -> Reply {
    send(address, "GET", host, path, &[])
}

/// Sends a request without body.
#[track_caller]
pub(crate) fn send(address: SocketAddr, method: &str, host: &str, path: &str, headers: &[&str]) -> Reply {
    open(address, method, host, path, headers).finish()
}

/// Sends a request and reads the head of the answer.
#[track_caller]
pub(crate) fn open(address: SocketAddr, method: &str, host: &str, path: &str, headers: &[&str]) -> Open {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
    headers.iter().for_each(|header| request.push_str(&format!("{header}\r\n")));
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut stream = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        assert!(
            stream.read_line(&mut line).unwrap() > 0,
            "{method} {path}: the answer has no head: {lines:?}"
        );
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let status: u16 = lines[0].split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines[1..].iter().map(|line| line.split_once(": ").unwrap());
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
    Open { status, headers, stream, has_body: method != "HEAD" && status != 304 && status != 204 }
}

impl Open {
    /// Reads the rest; its length must be what the head said.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Reply {
        let mut body = Vec::new();
        self.stream.read_to_end(&mut body).unwrap();
        let head = Reply { status: self.status, headers: self.headers, body: Vec::new() };
        if self.has_body && head.header("transfer-encoding") == "chunked" {
            body = dechunk(&body);
        } else if self.has_body && !head.header("content-length").is_empty() {
            assert_eq!(body.len().to_string(), head.header("content-length"), "the body was cut off");
        }
        Reply { body, ..head }
    }
}

impl Reply {
    /// A header's value; empty without.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value)
    }

    /// The body as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// Whether it came out of the edge's store.
    pub(crate) fn is_hit(&self) -> bool {
        self.header("x-cache") == "Hit from recant"
    }
}

/// RFC 9112 section 7.1, without trailers.
#[track_caller]
fn dechunk(mut bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let end = bytes.windows(2).position(|two| two == b"\r\n").expect("a chunk has a size");
        let size = usize::from_str_radix(std::str::from_utf8(&bytes[..end]).unwrap(), 16).unwrap();
        let data = &bytes[end + 2..];
        body.extend_from_slice(&data[..size]);
        bytes = &data[size + 2..];
        if size == 0 {
            return body;
        }
    }
}
