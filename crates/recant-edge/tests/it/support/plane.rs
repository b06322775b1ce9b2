//! A plane that says exactly what a test says.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use recant_core::entry::{Change, Entry, Hash, HistoryId, Kind, Scope};
use recant_core::position::Position;
use recant_core::protocol::message::{Answer, Applied, Heartbeat, Hello, Refusal, Resume, Term, Verdict};
use recant_wire::feed::heartbeat::{Removed, TakenAway};
use recant_wire::feed::question::{self, ANSWER_PATH, Counted, Question};
use recant_wire::feed::{EdgeSecret, FEED_PATH, FrameEncoder, HEARTBEAT_PATH, body, heartbeat, resume};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Plane {
    pub(crate) address: SocketAddr,
    pub(crate) secret: EdgeSecret,
    pub(crate) history: Arc<Mutex<HistoryId>>,
    heartbeats: mpsc::UnboundedReceiver<(Heartbeat, TakenAway)>,
    answers: mpsc::UnboundedReceiver<Counted>,
    feeds: mpsc::UnboundedReceiver<Feed>,
}

/// A feed that an edge has opened.
pub(crate) struct Feed {
    pub(crate) after: Option<Applied>,
    stream: TcpStream,
    encoder: FrameEncoder,
    last: (Position, Hash),
}

impl Plane {
    /// Grants every heartbeat that has applied something of the current history a lease of ten seconds.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let secret = EdgeSecret::new([7; 32]);
        let history = Arc::new(Mutex::new(HistoryId(1)));
        let (heard, heartbeats) = mpsc::unbounded_channel();
        let (answered, answers) = mpsc::unbounded_channel();
        let (opened, feeds) = mpsc::unbounded_channel();
        let (authorization, current) = (secret.authorization(), history.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (heard, answered, opened) = (heard.clone(), answered.clone(), opened.clone());
                let told = Told { heard, answered, opened };
                tokio::spawn(converse(stream, authorization.clone(), current.clone(), told));
            }
        });
        Self { address, secret, history, heartbeats, answers, feeds }
    }

    /// The next feed that is opened.
    pub(crate) async fn feed(&mut self) -> Feed {
        tokio::time::timeout(PATIENCE, self.feeds.recv()).await.expect("a feed is opened").unwrap()
    }

    /// The next answer to a question.
    pub(crate) async fn answer(&mut self) -> Counted {
        tokio::time::timeout(PATIENCE, self.answers.recv()).await.expect("the edge answers").unwrap()
    }

    /// Waits for a heartbeat like this.
    pub(crate) async fn hears(&mut self, wanted: impl Fn(&Heartbeat) -> bool) {
        let heard = async {
            while let Some((heartbeat, _)) = self.heartbeats.recv().await {
                if wanted(&heartbeat) {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, heard).await.expect("the heartbeat comes");
    }

    /// What the edge says of what was taken away, once it has swept up to this place; all of it.
    pub(crate) async fn hears_swept(&mut self, position: u64) -> Vec<Removed> {
        let mut all = Vec::new();
        let heard = async {
            while let Some((_, taken_away)) = self.heartbeats.recv().await {
                all.extend(taken_away.removed);
                if taken_away.swept == Some(Position::new(position)) {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, heard).await.expect("the sweep is told of");
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Waits until the edge says that it has applied this place.
    pub(crate) async fn hears_applied(&mut self, position: u64) {
        let position = Position::new(position);
        self.hears(|heartbeat| heartbeat.applied.is_some_and(|applied| applied.position == position)).await;
    }
}

impl Feed {
    pub(crate) fn hello(&mut self, history: u128, head: u64, resume: Resume) {
        let (history, head) = (HistoryId(history), Position::new(head));
        self.encoder.hello(&Hello { history, term: Term(1), head, resume });
        if let Some(after) = self.after {
            self.last = (after.position, after.hash);
        }
    }

    /// A whole snapshot at this place.
    pub(crate) async fn snapshot(&mut self, history: u128, at: u64, changes: &[Change]) {
        self.last = (Position::new(at), Hash::of(&at.to_be_bytes()));
        self.encoder.snapshot_begin(HistoryId(history), self.last.0, self.last.1);
        for change in changes {
            self.encoder.snapshot_item(&change.scope(), change.kind(), &body::encode(change));
        }
        self.encoder.snapshot_end();
        self.send().await;
    }

    /// Says where the log ends.
    pub(crate) async fn head(&mut self, head: u64) {
        self.encoder.head(Position::new(head));
        self.send().await;
    }

    /// The place of the next entry.
    pub(crate) fn next_place(&self) -> u64 {
        self.last.0.get() + 1
    }

    pub(crate) async fn change(&mut self, change: &Change) {
        let entry = self.next(change.scope(), change.kind(), body::encode(change));
        self.entry(&entry).await;
    }

    /// The entry that follows the last one.
    pub(crate) fn next(&self, scope: Scope, kind: Kind, body: bytes::Bytes) -> Entry {
        Entry::following(self.last.1, self.last.0.next(), scope, kind, body)
    }

    pub(crate) async fn entry(&mut self, entry: &Entry) {
        self.last = (entry.position, entry.hash());
        self.encoder.entry(entry);
        self.send().await;
    }

    pub(crate) async fn question(&mut self, question: &Question) {
        self.encoder.question(question);
        self.send().await;
    }

    async fn send(&mut self) {
        let piece = self.encoder.take();
        self.stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await.unwrap();
        self.stream.write_all(&piece).await.unwrap();
        self.stream.write_all(b"\r\n").await.unwrap();
    }
}

/// What the test is told.
struct Told {
    heard: mpsc::UnboundedSender<(Heartbeat, TakenAway)>,
    answered: mpsc::UnboundedSender<Counted>,
    opened: mpsc::UnboundedSender<Feed>,
}

async fn converse(mut stream: TcpStream, authorization: String, history: Arc<Mutex<HistoryId>>, told: Told) {
    let mut buffer = Vec::new();
    while let Some((head, body)) = read_request(&mut stream, &mut buffer).await {
        assert!(head.contains(&authorization), "{head}");
        let target = head.split(' ').nth(1).unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        if path == FEED_PATH {
            stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await.unwrap();
            let after = resume::parse_query(query).unwrap();
            let last = (Position::ZERO, Hash::START);
            let _ = told.opened.send(Feed { after, stream, encoder: FrameEncoder::new(), last });
            return;
        }
        if path == ANSWER_PATH {
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
            let _ = told.answered.send(question::decode(&body).unwrap());
            continue;
        }
        assert_eq!(path, HEARTBEAT_PATH);
        let heartbeat = heartbeat::decode(&body).unwrap();
        let history = *history.lock().unwrap();
        let answer = heartbeat::encode_answer(&Answer {
            incarnation: heartbeat.member.incarnation,
            history,
            term: Term(1),
            head: Position::ZERO,
            verdict: match heartbeat.applied {
                Some(applied) if applied.history == history => {
                    Verdict::Granted { lease: Duration::from_secs(10) }
                }
                _ => Verdict::Refused(Refusal::Behind),
            },
        });
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", answer.len());
        stream.write_all(&[head.as_bytes(), &answer].concat()).await.unwrap();
        let _ = told.heard.send((heartbeat, heartbeat::decode_taken_away(&body)));
    }
}

async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<(String, Vec<u8>)> {
    loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4) {
            let head = String::from_utf8(buffer[..end].to_vec()).unwrap();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length = length.map_or(0, |length| length.parse::<usize>().unwrap());
            if buffer.len() >= end + length {
                let body = buffer[end..end + length].to_vec();
                buffer.drain(..end + length);
                return Some((head, body));
            }
        }
        if !matches!(stream.read_buf(buffer).await, Ok(1..)) {
            return None;
        }
    }
}
