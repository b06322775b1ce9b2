//! A real origin over HTTP/1.1. Every path has a page, which names its path and the edition; publishing a new edition
//! changes all of them. It counts what it is asked, so that a hit that was none is noticed.

use std::io::{BufRead, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use anyhow::Context as _;

/// An origin that lives as long as this process.
pub(super) struct Origin {
    pub(super) address: SocketAddr,
    said: Arc<Said>,
}

/// What it says, and how often it has.
struct Said {
    edition: AtomicU64,
    requests: AtomicU64,
}

impl Origin {
    /// Starts on a free port, with the first edition.
    pub(super) fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("no port for the origin")?;
        let address = listener.local_addr()?;
        let said = Arc::new(Said { edition: AtomicU64::new(1), requests: AtomicU64::new(0) });
        let shared = Arc::clone(&said);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let said = Arc::clone(&shared);
                // Whoever goes away in the middle has had enough.
                thread::spawn(move || drop(serve(stream, &said)));
            }
        });
        Ok(Self { address, said })
    }

    /// Changes every page.
    pub(super) fn publish(&self, edition: u64) {
        self.said.edition.store(edition, Ordering::SeqCst);
    }

    /// How often it was asked so far.
    pub(super) fn requests(&self) -> u64 {
        self.said.requests.load(Ordering::SeqCst)
    }
}

/// The page at a path of the origin.
pub(super) fn page(path: &str, edition: u64) -> String {
    format!("{path}, edition {edition}\n")
}

/// Answers the requests of one connection.
fn serve(mut stream: TcpStream, said: &Said) -> anyhow::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    while let Some(line) = lines.next() {
        let line = line?;
        let path = line.split(' ').nth(1).context("no request line")?;
        // The rest of the head says nothing of interest, and a GET has no body.
        while !lines.next().transpose()?.unwrap_or_default().is_empty() {}
        said.requests.fetch_add(1, Ordering::SeqCst);
        let page = page(path, said.edition.load(Ordering::SeqCst));
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nCache-Control: max-age=3600\r\nContent-Length: {}\r\n\r\n",
            page.len(),
        );
        stream.write_all(format!("{head}{page}").as_bytes())?;
    }
    Ok(())
}
