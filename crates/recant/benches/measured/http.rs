//! One kept-alive connection, as plain as can be: the load generator must cost little beside what it loads. A server that
//! closes it after a response gets a new one for the next request.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use ::http::{HeaderMap, HeaderName, HeaderValue};
use anyhow::{Context, Result};

use crate::processes::PATIENCE;

/// A connection that requests are sent on, one after the other.
pub(crate) struct Connection {
    address: SocketAddr,
    stream: BufReader<TcpStream>,
    is_over: bool,
}

/// A response, read whole.
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> Result<Self> {
        Ok(Self { address, stream: connect(address)?, is_over: false })
    }

    /// Sends the bytes of a request and reads its response, which has to state its length.
    pub(crate) fn exchange(&mut self, request: &[u8]) -> Result<Response> {
        if self.is_over {
            self.stream = connect(self.address)?;
        }
        self.stream.get_mut().write_all(request)?;
        let status_line = self.line()?;
        let status = status_line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.with_context(|| format!("no status in {status_line:?}"))?;
        let mut headers = HeaderMap::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.append(
                HeaderName::from_bytes(name.as_bytes())?,
                HeaderValue::from_bytes(value.trim().as_bytes())?,
            );
        }
        let length = headers.get(::http::header::CONTENT_LENGTH).context("a response without a length")?;
        let mut body = vec![0; length.to_str()?.parse()?];
        self.stream.read_exact(&mut body)?;
        let connection = headers.get(::http::header::CONNECTION);
        self.is_over = connection.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"close"));
        Ok(Response { status, headers, body })
    }

    /// A `GET` without any frills.
    pub(crate) fn get(&mut self, host: &str, path: &str) -> Result<Response> {
        self.exchange(format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n").as_bytes())
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        let read = self.stream.read_line(&mut line)?;
        anyhow::ensure!(read > 0, "the connection was closed before the response had come");
        line.truncate(line.trim_end().len());
        Ok(line)
    }
}

fn connect(address: SocketAddr) -> Result<BufReader<TcpStream>> {
    let stream =
        TcpStream::connect_timeout(&address, PATIENCE).with_context(|| format!("connecting to {address}"))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(BufReader::new(stream))
}

impl Response {
    /// A header's value; empty without.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}
