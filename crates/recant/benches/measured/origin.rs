//! An origin with two things to cache. It counts what it is asked, so that a hit that was none is noticed.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use anyhow::Result;

/// The things, by their paths, with their sizes in bytes.
pub(crate) const THINGS: [(&str, usize); 2] = [("/1k", 1024), ("/100k", 100 * 1024)];

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
        self.requests.load(Ordering::Relaxed)
    }
}

fn serve(stream: TcpStream, requests: &AtomicU64) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let mut stream = stream;
    while let Some(line) = lines.next() {
        let line = line?;
        let path = line.split(' ').nth(1).unwrap_or_default();
        let size = THINGS.iter().find(|(name, _)| *name == path).map_or(16, |(_, size)| *size);
        // The rest of the head says nothing of interest.
        while !lines.next().transpose()?.unwrap_or_default().is_empty() {}
        requests.fetch_add(1, Ordering::Relaxed);
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncache-control: max-age=3600\r\ncontent-length: {size}\r\n\r\n"
        );
        stream.write_all(&[head.into_bytes(), vec![b'x'; size]].concat())?;
    }
    Ok(())
}
