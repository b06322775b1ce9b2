//! A viewer: one GET over HTTP/1.1 on a connection of its own, as plain as can be.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, bail};

/// Longer than any answer here takes.
const TIME_MAX: Duration = Duration::from_secs(10);

/// A response, read whole.
pub(super) struct Response {
    pub(super) status: u16,
    /// Each with its name and its value.
    headers: Vec<(String, String)>,
    pub(super) body: String,
}

/// Fetches a path of a host from whoever listens at an address.
pub(super) fn get(address: SocketAddr, host: &str, path: &str) -> anyhow::Result<Response> {
    let mut stream =
        TcpStream::connect_timeout(&address, TIME_MAX).with_context(|| format!("connecting to {address}"))?;
    stream.set_read_timeout(Some(TIME_MAX))?;
    stream
        .write_all(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut text = String::new();
    stream.read_to_string(&mut text).with_context(|| format!("reading {host}{path} from {address}"))?;
    Response::parse(&text)
}

impl Response {
    fn parse(text: &str) -> anyhow::Result<Self> {
        let (head, body) = text.split_once("\r\n\r\n").context("a response without an end of its head")?;
        let mut lines = head.split("\r\n");
        let status_line = lines.next().unwrap_or_default();
        let status = status_line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
        let headers = lines.filter_map(|line| line.split_once(':'));
        let response = Self {
            status: status.with_context(|| format!("no status in {status_line:?}"))?,
            headers: headers.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect(),
            body: body.to_owned(),
        };
        // What has no length would need to be decoded; nothing here sends that.
        if response.header("content-length").parse() != Ok(body.len()) {
            bail!("a response whose body of {} bytes has not the length it states", body.len());
        }
        Ok(response)
    }

    /// A header's value; empty without.
    pub(super) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }

    /// Whether it came from the edge's cache.
    pub(super) fn is_hit(&self) -> bool {
        self.header("x-cache").starts_with("Hit ")
    }

    /// Whether it was fetched because of an invalidation.
    pub(super) fn is_because_of_an_invalidation(&self) -> bool {
        self.header("x-cache").starts_with("Miss ") && self.header("cache-status").contains("invalidated")
    }
}
