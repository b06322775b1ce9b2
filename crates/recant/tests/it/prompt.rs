//! The auto-prompt on a real pseudo-terminal: keys go in, rows come out, and the line runs as if it had been typed.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use nix::pty::{Winsize, openpty};

use crate::rig::{PATIENCE, RECANT};

/// The program on a terminal of its own.
struct Terminal {
    keys: File,
    /// What the terminal showed, piece by piece.
    pieces: Receiver<Vec<u8>>,
    shown: String,
    child: Child,
}

impl Terminal {
    fn start(endpoint: SocketAddr, words: &[&str], mode: Option<&str>) -> Self {
        let size = Winsize { ws_row: 24, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
        let pair = openpty(&size, None).unwrap();
        let (keys, inside) = (File::from(pair.master), File::from(pair.slave));
        let stdio = || Stdio::from(inside.try_clone().unwrap());
        let mut command = Command::new(RECANT);
        command.args(words).env_clear().stdin(stdio()).stdout(stdio()).stderr(stdio());
        command.envs([
            ("HOME", "/nonexistent"),
            ("TERM", "xterm"),
            ("AWS_ACCESS_KEY_ID", "AKIA"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_PAGER", ""),
        ]);
        command.env("AWS_ENDPOINT_URL", format!("http://{endpoint}"));
        command.envs(mode.map(|mode| ("AWS_CLI_AUTO_PROMPT", mode)));
        let child = command.spawn().unwrap();
        let (piece, pieces) = channel();
        let mut screen = keys.try_clone().unwrap();
        // Ends with the terminal, when the last process that has it has ended.
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = screen.read(&mut buffer) {
                if piece.send(buffer[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self { keys, pieces, shown: String::new(), child }
    }

    /// Waits until the terminal has shown this since the last time.
    #[track_caller]
    fn wait_for(&mut self, text: &str) {
        while !self.shown.contains(text) {
            let piece = self.pieces.recv_timeout(PATIENCE);
            let piece = piece.unwrap_or_else(|why| panic!("no {text:?} ({why}) in {:?}", self.shown));
            self.shown.push_str(&String::from_utf8_lossy(&piece));
        }
        self.shown.clear();
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    fn status(mut self) -> Option<i32> {
        let status = self.child.wait().unwrap();
        status.code()
    }
}

/// A service that answers every request with an empty list and tells what it was asked.
fn service() -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let (line, lines) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut head = String::new();
            while stream.read_line(&mut head).unwrap() > 0 && !head.ends_with("\r\n\r\n") {}
            let body = "<InvalidationList><Quantity>0</Quantity></InvalidationList>";
            let answer = format!(
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.get_mut().write_all(answer.as_bytes()).unwrap();
            if line.send(head.lines().next().unwrap_or_default().to_owned()).is_err() {
                break;
            }
        }
    });
    (address, lines)
}

#[test]
fn a_line_is_written_with_few_keys_and_runs() {
    let (endpoint, asked) = service();
    let mut terminal = Terminal::start(endpoint, &["cloudfront", "--cli-auto-prompt"], None);
    terminal.wait_for("> recant ");
    terminal.press("invalidations-for\t");
    terminal.wait_for("missing: --id");
    terminal.press("--i\tdt_1 --outp\ttext");
    terminal.wait_for("complete");
    terminal.press("\r");
    terminal.wait_for(
        "> recant cloudfront list-invalidations-for-distribution-tenant --id dt_1 --output text\r\n",
    );
    assert_eq!(terminal.status(), Some(0));
    let line = asked.recv_timeout(PATIENCE).unwrap();
    assert_eq!(line, "GET /2020-05-31/distribution-tenant/dt_1/invalidation HTTP/1.1");
}

#[test]
fn a_line_that_is_given_up_sends_nothing() {
    let (endpoint, asked) = service();
    let mut terminal = Terminal::start(endpoint, &["cloudfront", "list-distributions"], Some("on"));
    terminal.wait_for("complete");
    terminal.press("\u{3}");
    assert_eq!(terminal.status(), Some(130));
    assert!(asked.try_recv().is_err());
}

#[test]
fn on_partial_helps_only_where_it_is_needed() {
    let (endpoint, asked) = service();
    let whole = ["cloudfront", "list-invalidations-for-distribution-tenant", "--id", "dt_1"];
    assert_eq!(Terminal::start(endpoint, &whole, Some("on-partial")).status(), Some(0));
    asked.recv_timeout(PATIENCE).unwrap();

    let mut terminal = Terminal::start(endpoint, &whole[..2], Some("on-partial"));
    terminal.wait_for("missing: --id");
    terminal.press("--id dt_2\r");
    assert_eq!(terminal.status(), Some(0));
    let line = asked.recv_timeout(PATIENCE).unwrap();
    assert_eq!(line, "GET /2020-05-31/distribution-tenant/dt_2/invalidation HTTP/1.1");
    assert!(asked.try_recv().is_err(), "nothing was sent twice");
}
