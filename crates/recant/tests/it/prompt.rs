//! The auto-prompt on a real pseudo-terminal: keys go in, rows come out, and the line runs as if it had been typed.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use nix::pty::{Winsize, openpty};
use nix::sys::termios::{LocalFlags, tcgetattr};

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
        let mode = mode.map(|mode| ("AWS_CLI_AUTO_PROMPT", mode));
        Self::running(Command::new(RECANT), words, endpoint, mode.as_slice())
    }

    /// The same with the terminal as the one that rules the process: what it calls `/dev/tty`.
    fn ruling(endpoint: SocketAddr, words: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new("setsid");
        command.args(["--ctty", "--wait", RECANT]);
        Self::running(command, words, endpoint, variables)
    }

    fn running(
        mut command: Command,
        words: &[&str],
        endpoint: SocketAddr,
        variables: &[(&str, &str)],
    ) -> Self {
        let size = Winsize { ws_row: 24, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
        let pair = openpty(&size, None).unwrap();
        let (keys, inside) = (File::from(pair.master), File::from(pair.slave));
        let stdio = || Stdio::from(inside.try_clone().unwrap());
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
        command.envs(variables.iter().copied());
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

    /// Waits until the terminal has shown this since the last time; gives all that it has shown.
    #[track_caller]
    fn wait_for(&mut self, text: &str) -> String {
        while !self.shown.contains(text) {
            let piece = self.pieces.recv_timeout(PATIENCE);
            let piece = piece.unwrap_or_else(|why| panic!("no {text:?} ({why}) in {:?}", self.shown));
            self.shown.push_str(&String::from_utf8_lossy(&piece));
        }
        std::mem::take(&mut self.shown)
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

/// A line whose credentials need a second factor, at the question for its code.
fn asked_for_a_code(folder: &Path) -> Terminal {
    let config = folder.join("config");
    let profile = "[profile p]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = keys\nmfa_serial = device-7\n\
                   [profile keys]\naws_access_key_id = A\naws_secret_access_key = s\n";
    fs::write(&config, profile).unwrap();
    let (endpoint, _) = service();
    let words = ["cloudfront", "get-distribution", "--id", "E1", "--profile", "p"];
    let variables = [("AWS_CONFIG_FILE", config.to_str().unwrap())];
    let mut terminal = Terminal::ruling(endpoint, &words, &variables);
    terminal.wait_for("Enter MFA code for device-7: ");
    terminal
}

fn shows_what_is_typed(terminal: &Terminal) -> bool {
    tcgetattr(&terminal.keys).unwrap().local_flags.contains(LocalFlags::ECHO | LocalFlags::ISIG)
}

#[test]
fn the_code_of_a_second_factor_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = asked_for_a_code(folder.path());
    assert!(!shows_what_is_typed(&terminal));
    terminal.press("9\x7f123456\r");
    // The service knows nothing of roles.
    let shown = terminal.wait_for("aws: [ERROR]");
    assert!(!shown.contains('1'), "{shown:?}");
    assert!(shows_what_is_typed(&terminal));
    assert_eq!(terminal.status(), Some(255));
}

#[test]
fn a_second_factor_that_is_given_up_leaves_the_terminal_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = asked_for_a_code(folder.path());
    terminal.press("12\x03");
    let status = terminal.child.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    assert!(shows_what_is_typed(&terminal));
}
