//! One kept-alive connection, as plain as can be. That connections break is part of the test.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use ::http::{HeaderMap, HeaderName, HeaderValue};

/// Longer than anything takes here, pauses of whole processes included: a hang fails instead of lasting.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A connection that requests are sent on, one after the other.
pub(crate) struct Connection(BufReader<TcpStream>);

/// A response, read whole.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::new(stream)))
    }

    pub(crate) fn send(&mut self, request: &[u8]) -> io::Result<()> {
        self.0.get_mut().write_all(request)
    }

    /// A `GET` without any frills.
    pub(crate) fn send_get(&mut self, host: &str, path: &str) -> io::Result<()> {
        self.send(format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n").as_bytes())
    }

    /// Reads the response to what was sent; it has to state its length.
    pub(crate) fn receive(&mut self) -> io::Result<Reply> {
        let status_line = self.line()?;
        let status = status_line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| malformed(&status_line))?;
        let mut headers = HeaderMap::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.append(
                HeaderName::from_bytes(name.as_bytes()).map_err(|_| malformed(&line))?,
                HeaderValue::from_bytes(value.trim().as_bytes()).map_err(|_| malformed(&line))?,
            );
        }
        let length = headers.get(::http::header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        let length = length.and_then(|length| length.parse().ok());
        let mut body = vec![0; length.ok_or_else(|| malformed("no length"))?];
        self.0.read_exact(&mut body)?;
        Ok(Reply { status, headers, body })
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        line.truncate(line.trim_end().len());
        Ok(line)
    }
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

impl Reply {
    /// A header's value; empty without.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// A field's lines, as one (RFC 9110 section 5.3).
    pub(crate) fn list(&self, name: &str) -> String {
        let lines = self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        lines.collect::<Vec<_>>().join(", ")
    }
}
