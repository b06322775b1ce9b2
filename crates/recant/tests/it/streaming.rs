//! Bodies that are longer than any memory: they pass through, byte for byte, and the edge holds no more than a window of them.
//!
//! `RECANT_STREAM_MIB=10240 cargo xtask test -p recant --test it -- streaming --nocapture` does it with 10 GiB, and says what was held.

#![cfg(target_os = "linux")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use crate::rig::{Client, Serve, example};

const MIB: usize = 1024 * 1024;
/// What the edge may hold of all bodies together, with its own buffers, in this test. The store has room for more.
const HELD_MIB_MAX: u64 = 48;

/// How long the bodies are.
fn length() -> usize {
    std::env::var("RECANT_STREAM_MIB").map_or(96, |mib| mib.parse().unwrap()) * MIB
}

/// A mebibyte of a body; no two that follow each other are alike.
fn piece(number: usize) -> Vec<u8> {
    let block: Vec<u8> = (0..2_048).map(|at| (at / 8 + number * 31) as u8).collect();
    block.repeat(MIB / block.len())
}

/// An origin that makes bodies up as it sends them.
fn origin() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || send_body(&stream.unwrap()));
        }
    });
    address
}

fn send_body(mut stream: &TcpStream) {
    let mut head = BufReader::new(stream).lines().map_while(Result::ok);
    let line = head.next().unwrap_or_default();
    if !head.any(|line| line.is_empty()) {
        return;
    }
    let is_chunked = line.contains("/chunked");
    let framing = match is_chunked {
        true => "Transfer-Encoding: chunked".to_owned(),
        false => format!("Content-Length: {}", length()),
    };
    let head =
        format!("HTTP/1.1 200 OK\r\nConnection: close\r\nCache-Control: max-age=60\r\n{framing}\r\n\r\n");
    let mut send = |bytes: &[u8]| stream.write_all(bytes).is_ok();
    let mut is_read = send(head.as_bytes());
    for number in 0..length() / MIB {
        // The edge goes when the viewer does.
        is_read = is_read
            && match is_chunked {
                true => send(format!("{MIB:x}\r\n").as_bytes()) && send(&piece(number)) && send(b"\r\n"),
                false => send(&piece(number)),
            };
    }
    if is_read && is_chunked {
        send(b"0\r\n\r\n");
    }
}

/// A viewer in the middle of a body.
struct Viewer {
    reader: BufReader<TcpStream>,
    is_chunked: bool,
    next: usize,
}

impl Viewer {
    fn ask(edge: SocketAddr, path: &str) -> Self {
        let mut stream = TcpStream::connect(edge).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: one.example\r\nConnection: close\r\n\r\n").unwrap();
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(reader.read_line(&mut head).unwrap() > 0, "{head}");
        }
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        let is_chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
        Self { reader, is_chunked, next: 0 }
    }

    /// Reads so many mebibytes.
    fn read(&mut self, mib: usize) {
        let mut bytes = vec![0; MIB];
        let mut chunk = 0;
        for _ in 0..mib {
            let mut filled = 0;
            while filled < MIB {
                if self.is_chunked && chunk == 0 {
                    chunk = self.chunk();
                    assert!(chunk > 0, "the body ends in mebibyte {}", self.next);
                }
                let wanted = if self.is_chunked { chunk.min(MIB - filled) } else { MIB - filled };
                self.reader.read_exact(&mut bytes[filled..filled + wanted]).unwrap();
                filled += wanted;
                if self.is_chunked {
                    chunk -= wanted;
                    if chunk == 0 {
                        self.line();
                    }
                }
            }
            assert!(bytes == piece(self.next), "mebibyte {} is another one", self.next);
            self.next += 1;
        }
        assert_eq!(chunk, 0, "the edge's chunks do not cross the origin's");
    }

    fn chunk(&mut self) -> usize {
        usize::from_str_radix(self.line().trim(), 16).unwrap()
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        line
    }

    /// How many mebibytes are left.
    fn left(&self) -> usize {
        length() / MIB - self.next
    }

    /// Reads what is left, up to the end.
    fn read_on(mut self) {
        self.read(self.left());
        if self.is_chunked {
            assert_eq!(self.chunk(), 0);
            self.line();
        }
        let mut rest = Vec::new();
        self.reader.read_to_end(&mut rest).unwrap();
        assert!(rest.is_empty());
    }
}

#[test]
fn bodies_of_any_length_pass_through_bounded_memory() {
    let serve = Serve::start_with(&["--store-bytes", "8388608"]);
    example(&Client::recant(&serve), &serve, origin());
    let before = serve.peak_memory_mib();

    // One viewer is far behind while others get the whole. He takes a little now and then: whoever takes nothing for half a
    // minute is let go (VIEWER_STALL_MAX).
    let mut slow = Viewer::ask(serve.viewer, "/slow");
    slow.read(3);
    for path in ["/length", "/chunked"] {
        let mut viewer = Viewer::ask(serve.viewer, path);
        while viewer.left() > 0 {
            viewer.read(viewer.left().min(64));
            slow.read(1);
        }
        viewer.read_on();
    }
    slow.read_on();

    let grown = serve.peak_memory_mib() - before;
    println!("three bodies of {} MiB: the edge has held {grown} MiB, beside {before}", length() / MIB);
    assert!(grown <= HELD_MIB_MAX, "the edge has held {grown} MiB");
    assert!(serve.is_healthy());
}
