//! A request as it came, and how an answer goes back: HTTP/1.1 in the few forms that the cases need.

use std::io::{self, BufRead, Read, Write};

use super::script::{Framing, Reply};

/// One request of the program under test.
#[derive(Clone)]
pub(crate) struct Request {
    /// Method, path and query.
    pub(crate) line: String,
    /// The fields in their order, names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether it came over TLS.
    pub(crate) tls: bool,
    /// What a proxy was asked to connect to first.
    pub(crate) connect: Option<String>,
}

impl Request {
    /// Reads one; none at the connection's end.
    pub(crate) fn read(
        stream: &mut impl BufRead,
        tls: bool,
        connect: Option<&str>,
    ) -> io::Result<Option<Self>> {
        let Some(first) = line(stream)?.filter(|line| !line.is_empty()) else { return Ok(None) };
        let Some((line_without_version, _)) = first.rsplit_once(' ') else { return Ok(None) };
        let mut headers = Vec::new();
        while let Some(line) = line(stream)?.filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').unwrap_or((&line, ""));
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut request = Self {
            line: line_without_version.to_owned(),
            headers,
            body: Vec::new(),
            tls,
            connect: connect.map(str::to_owned),
        };
        let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        request.body = vec![0; length];
        stream.read_exact(&mut request.body)?;
        Ok(Some(request))
    }

    /// The first field of a name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(have, _)| have == name).map(|(_, value)| value.as_str())
    }

    /// The method and the rest of the line.
    pub(crate) fn method_and_target(&self) -> (&str, &str) {
        self.line.split_once(' ').unwrap_or((&self.line, ""))
    }
}

fn line(stream: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    if stream.take(1 << 20).read_until(b'\n', &mut bytes)? == 0 {
        return Ok(None);
    }
    Ok(Some(String::from_utf8_lossy(&bytes).trim_end_matches(['\r', '\n']).to_owned()))
}

impl Reply {
    /// Sends it. Returns whether the connection can go on.
    pub(crate) fn write(&self, stream: &mut impl Write, method: &str) -> io::Result<bool> {
        let mut head = format!("HTTP/1.1 {} Status\r\n", self.status);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let is_empty = self.status == 204;
        match self.framing {
            Framing::Chunked => head.push_str("Transfer-Encoding: chunked\r\n"),
            Framing::Length if is_empty => {}
            Framing::Length => head.push_str(&format!("Content-Length: {}\r\n", self.body.len())),
            Framing::Short(by) => {
                head.push_str(&format!("Content-Length: {}\r\nConnection: close\r\n", self.body.len() + by));
            }
        }
        let mut bytes = format!("{head}\r\n").into_bytes();
        match self.framing {
            Framing::Chunked => {
                for chunk in self.body.chunks(100) {
                    bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                    bytes.extend_from_slice(chunk);
                    bytes.extend_from_slice(b"\r\n");
                }
                bytes.extend_from_slice(b"0\r\n\r\n");
            }
            _ if is_empty || method == "HEAD" => {}
            _ => bytes.extend_from_slice(&self.body),
        }
        stream.write_all(&bytes)?;
        stream.flush()?;
        Ok(!matches!(self.framing, Framing::Short(_)))
    }
}
