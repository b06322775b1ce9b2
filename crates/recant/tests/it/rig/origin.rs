//! An origin whose pages can be changed, and which counts who asks for them.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use super::PATIENCE;

/// An origin; a page that it does not have is 404.
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    shelf: Arc<Mutex<Shelf>>,
}

/// What an origin answers for one path.
#[derive(Clone)]
pub(crate) struct Page {
    body: String,
    headers: String,
    held: Option<Arc<Mutex<Receiver<()>>>>,
}

/// Lets a held page go on; dropped, it does so too.
pub(crate) struct Gate(Sender<()>);

#[derive(Default)]
struct Shelf {
    pages: HashMap<String, Page>,
    asked: HashMap<String, usize>,
}

impl Page {
    /// A page that may be stored for as long as the policy lets it.
    pub(crate) fn of(body: &str) -> Self {
        Self { body: body.to_owned(), headers: String::new(), held: None }
    }

    /// The same with one more header line.
    pub(crate) fn with(mut self, header: &str) -> Self {
        self.headers.push_str(&format!("{header}\r\n"));
        self
    }

    /// The same, sent up to its middle, and the rest when the gate opens.
    pub(crate) fn held(mut self) -> (Self, Gate) {
        let (open, opened) = channel();
        self.held = Some(Arc::new(Mutex::new(opened)));
        (self, Gate(open))
    }
}

impl Gate {
    /// Lets the rest of one response go.
    pub(crate) fn open(&self) {
        self.0.send(()).unwrap();
    }
}

impl Origin {
    /// An origin without pages.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shelf = Arc::new(Mutex::new(Shelf::default()));
        let shared = shelf.clone();
        // Lives as long as the tests' process; its connections come from an edge that ends before.
        thread::spawn(move || {
            for stream in listener.incoming() {
                let shelf = shared.clone();
                thread::spawn(move || stream.and_then(|stream| serve(&stream, &shelf)));
            }
        });
        Self { address, shelf }
    }

    /// Puts a page, or another in its place.
    pub(crate) fn put(&self, path: &str, page: Page) {
        self.shelf.lock().unwrap().pages.insert(path.to_owned(), page);
    }

    /// How often a path was asked for.
    pub(crate) fn asked(&self, path: &str) -> usize {
        self.shelf.lock().unwrap().asked.get(path).copied().unwrap_or_default()
    }
}

/// Answers one request; more of them take a connection each.
fn serve(stream: &TcpStream, shelf: &Mutex<Shelf>) -> io::Result<()> {
    let mut head = String::new();
    let mut reader = BufReader::new(stream);
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    let mut words = head.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let page = {
        let mut shelf = shelf.lock().unwrap();
        *shelf.asked.entry(path.to_owned()).or_default() += 1;
        shelf.pages.get(path).cloned()
    };
    let (status, page) = match page {
        Some(page) => ("200 OK", page),
        None => ("404 Not Found", Page::of("nothing here")),
    };
    let Page { body, headers, held } = page;
    let head =
        format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let mut stream = stream;
    stream.write_all(head.as_bytes())?;
    if method == "HEAD" {
        return Ok(());
    }
    let (first, rest) = body.split_at(body.len() / 2);
    stream.write_all(first.as_bytes())?;
    if let Some(opened) = held {
        // An error is a gate that was dropped: go on as well.
        let _ = opened.lock().unwrap().recv_timeout(PATIENCE);
    }
    stream.write_all(rest.as_bytes())
}
