//! The server that a case talks to: it keeps what it is asked and answers by the case's script.
//!
//! It listens on two ports, with and without TLS. Asked to `CONNECT`, it plays the proxy and the endpoint behind it
//! at once, so that requests to the service's own endpoints are seen without leaving the machine.

use std::io::{BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::request::Request;
use super::script::{Act, Framing, Played, Reply};

/// A listening server.
pub(crate) struct Server {
    pub(crate) port: u16,
    pub(crate) tls_port: u16,
    shared: Arc<Shared>,
    accepting: Vec<JoinHandle<()>>,
}

struct Shared {
    tls: Arc<ServerConfig>,
    state: Mutex<State>,
    /// A request came, or the server ends.
    changed: Condvar,
}

/// Locked for moments: all connections of a case share it.
struct State {
    script: Vec<Played>,
    /// Which steps were used.
    used: Vec<bool>,
    requests: Vec<Request>,
    /// To cut connections off at the end.
    connections: Vec<TcpStream>,
    has_ended: bool,
}

/// Bytes both ways, over TLS or not.
trait Duplex: Read + Write {}

impl<T: Read + Write> Duplex for T {}

impl Server {
    /// Two listeners for [`Server::start`], so that their ports are known before the script is.
    #[track_caller]
    pub(crate) fn listen() -> [TcpListener; 2] {
        [(); 2].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap())
    }

    /// Answers from now on: on the first listener without TLS, on the second one with.
    #[track_caller]
    pub(crate) fn start(listeners: [TcpListener; 2], script: Vec<Played>, tls: Arc<ServerConfig>) -> Self {
        let [port, tls_port] = [&listeners[0], &listeners[1]].map(|one| one.local_addr().unwrap().port());
        let state = State {
            used: vec![false; script.len()],
            script,
            requests: Vec::new(),
            connections: Vec::new(),
            has_ended: false,
        };
        let shared = Arc::new(Shared { tls, state: Mutex::new(state), changed: Condvar::new() });
        let accepting = listeners.into_iter().zip([false, true]).map(|(listener, tls)| {
            let shared = shared.clone();
            thread::spawn(move || shared.accept(&listener, tls))
        });
        Self { port, tls_port, accepting: accepting.collect(), shared }
    }

    /// Waits until so many requests have come. Returns whether they have; else the server has ended.
    pub(crate) fn wait_for(&self, requests: usize) -> bool {
        let state = self.shared.state.lock().unwrap();
        let is_waiting = |state: &mut State| state.requests.len() < requests && !state.has_ended;
        self.shared.changed.wait_while(state, is_waiting).unwrap().requests.len() >= requests
    }

    /// Ends all connections, and returns what came.
    pub(crate) fn end(&self) -> Vec<Request> {
        let mut state = self.shared.state.lock().unwrap();
        state.has_ended = true;
        self.shared.changed.notify_all();
        for connection in state.connections.drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
        state.requests.clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
        for port in [self.port, self.tls_port] {
            // Wakes the listener, which then sees the end.
            let _ = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        }
        for thread in self.accepting.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn accept(self: &Arc<Self>, listener: &TcpListener, tls: bool) {
        let mut conversations = Vec::new();
        for stream in listener.incoming() {
            let Ok(stream) = stream else { break };
            let mut state = self.state.lock().unwrap();
            if state.has_ended {
                break;
            }
            state.connections.extend(stream.try_clone());
            let shared = self.clone();
            conversations.push(thread::spawn(move || shared.converse(stream, tls)));
        }
        for conversation in conversations {
            let _ = conversation.join();
        }
    }

    fn converse(&self, stream: TcpStream, tls: bool) {
        let _ = stream.set_nodelay(true);
        let Ok(connection) = stream.try_clone() else { return };
        if tls {
            if let Ok(session) = ServerConnection::new(self.tls.clone()) {
                self.exchange(Box::new(StreamOwned::new(session, stream)), true, None);
            }
        } else {
            self.exchange(Box::new(stream), false, None);
        }
        // Its copies in the state would keep it open.
        let _ = connection.shutdown(Shutdown::Both);
    }

    /// Reads and answers until one side has had enough. What fails here, the program under test has to cope with.
    fn exchange(&self, stream: Box<dyn Duplex>, tls: bool, connect: Option<&str>) {
        let mut stream = BufReader::new(stream);
        while let Ok(Some(request)) = Request::read(&mut stream, tls, connect) {
            let (method, target) = request.method_and_target();
            if method == "CONNECT" && !self.refuses(&request.line) {
                let target = target.to_owned();
                let answered = stream.get_mut().write_all(b"HTTP/1.1 200 Connection established\r\n\r\n");
                if let (Ok(()), Ok(connection)) = (answered, ServerConnection::new(self.tls.clone())) {
                    let inner = StreamOwned::new(connection, stream.into_inner());
                    self.exchange(Box::new(inner), true, Some(&target));
                }
                return;
            }
            let method = method.to_owned();
            let goes_on = match self.take(request) {
                Act::Reply(reply) => {
                    self.pause(reply.delay);
                    reply.write(stream.get_mut(), &method).unwrap_or(false) && method != "CONNECT"
                }
                Act::Raw(bytes) => {
                    let _ = stream.get_mut().write_all(&bytes).and_then(|()| stream.get_mut().flush());
                    false
                }
                Act::Close => false,
                Act::Hang => {
                    self.pause(Duration::MAX);
                    false
                }
            };
            if !goes_on {
                return;
            }
        }
    }

    /// Whether the script has an answer of its own for a request to connect.
    fn refuses(&self, line: &str) -> bool {
        self.state.lock().unwrap().script.iter().any(|step| step.is_for_connect(line))
    }

    /// Keeps a request, and says what is done: by the first fitting step that is unused, else by the last fitting one.
    fn take(&self, request: Request) -> Act {
        let mut state = self.state.lock().unwrap();
        let State { script, used, requests, .. } = &mut *state;
        let fitting = |(_, step): &(usize, &Played)| step.is_for(&request.line);
        let mut steps = script.iter().enumerate().filter(fitting);
        let fresh = steps.clone().find(|(at, step)| !used[*at] || step.repeats);
        let act = match fresh.or_else(|| steps.next_back()) {
            Some((at, step)) => {
                used[at] = true;
                step.act.clone()
            }
            None => Act::Reply(Reply {
                delay: Duration::ZERO,
                status: 599,
                headers: Vec::new(),
                body: b"no scripted answer".to_vec(),
                framing: Framing::Length,
            }),
        };
        requests.push(request);
        self.changed.notify_all();
        act
    }

    /// Waits, but not past the server's end.
    fn pause(&self, duration: Duration) {
        let state = self.state.lock().unwrap();
        let _ = self.changed.wait_timeout_while(state, duration, |state| !state.has_ended);
    }
}
