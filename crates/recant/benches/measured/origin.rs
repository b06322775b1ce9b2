//! An origin that counts what it is asked, so that a hit that was none is noticed, and says in each small body how often it
//! had been asked by then, so that a response says whether it is older than an invalidation.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::SystemTime;

use anyhow::Result;
use httpdate::fmt_http_date;

/// Things of other sizes, by their paths, with their sizes in bytes.
pub(crate) const THINGS: [(&str, usize); 2] = [("/1k", 1024), ("/100k", 100 * 1024)];
/// The size of everything else.
const SMALL_BYTES: usize = 64;
/// The digits of the number that a body starts with.
pub(crate) const SERIAL_DIGITS: usize = 16;

/// An origin that lives as long as this process.
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    requests: Arc<AtomicU64>,
}

impl Origin {
    pub(crate) fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let requests = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let counted = Arc::clone(&counted);
                // Whoever goes away in the middle has had enough.
                thread::spawn(move || drop(serve(stream, &counted)));
            }
        });
        Ok(Self { address, requests })
    }

    /// How often it was asked so far.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::SeqCst)
    }
}

fn serve(stream: TcpStream, requests: &AtomicU64) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut lines = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    let (mut line, mut response) = (String::new(), Vec::new());
    while next(&mut lines, &mut line)? {
        let path = line.split(' ').nth(1).unwrap_or_default();
        let size = THINGS.iter().find(|(name, _)| *name == path).map_or(SMALL_BYTES, |(_, size)| *size);
        // The rest of the head says nothing of interest.
        while next(&mut lines, &mut line)? && !line.trim_end().is_empty() {}
        let serial = requests.fetch_add(1, Ordering::SeqCst) + 1;
        response.clear();
        write!(
            response,
            "HTTP/1.1 200 OK\r\ndate: {}\r\ncontent-type: text/plain\r\ncache-control: max-age=86400\r\ncontent-length: {size}\r\n\r\n{serial:0digits$}",
            fmt_http_date(SystemTime::now()),
            digits = SERIAL_DIGITS,
        )?;
        response.resize(response.len() + size - SERIAL_DIGITS, b'x');
        stream.write_all(&response)?;
    }
    Ok(())
}

/// Reads a line; whether there was one.
fn next(lines: &mut BufReader<TcpStream>, line: &mut String) -> Result<bool> {
    line.clear();
    Ok(lines.read_line(line)? > 0)
}
