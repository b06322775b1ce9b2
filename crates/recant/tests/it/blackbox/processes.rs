//! The processes that are killed: started, paused and stopped by their ids, also when something fails.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

use super::http::PATIENCE;
use super::link::Link;
use super::loopback;

/// The lease in seconds: the shortest there is, so that many of them run out in a run.
pub(crate) const LEASE_SECONDS: u64 = 1;

/// Where the origin has a shield, if it has one.
pub(crate) const SHIELD_REGION: &str = "eu-central-1";

/// What is started.
#[derive(Clone, Copy, Default)]
pub(crate) struct Setup {
    /// Edges apart from the plane; without, plane and edge are one process.
    pub(crate) edges: Option<usize>,
    /// What edges have stored outlives them.
    pub(crate) disks: bool,
    /// The first edge is asked by the others in the origin's place.
    pub(crate) shield: bool,
}

/// A plane with its edges; with none, the plane is `serve` and has its own.
pub(crate) struct Processes {
    pub(crate) plane: Process,
    pub(crate) edges: Vec<Process>,
    /// Each edge's own to the plane.
    pub(crate) links: Vec<Link>,
    _folder: TempDir,
}

impl Processes {
    /// Starts `serve`, or a plane and its edges, in a folder on the disk that the build lies on: what is durable has to
    /// reach a real one.
    pub(crate) fn start(name: &str, setup: Setup) -> Self {
        let Setup { edges, disks, shield } = setup;
        let folder = tempfile::Builder::new().prefix(name).tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let lease = LEASE_SECONDS.to_string();
        let role = if edges.is_some() { "plane" } else { "serve" };
        let disk = |data_dir: &Path| format!("--disk-store={}", data_dir.join("responses").display());
        let mut words = vec![role, "--lease-seconds", &lease];
        if shield {
            words.extend(["--origin-shield-region", SHIELD_REGION]);
        }
        let own_disk = disk(&folder.path().join(role));
        if disks && edges.is_none() {
            words.push(&own_disk);
        }
        let listen: &[&str] = if edges.is_some() { &["api"] } else { &["api", "viewer"] };
        let plane = Process::start(&words, listen, folder.path().join(role));
        let links: Vec<_> = (0..edges.unwrap_or(0)).map(|_| Link::to(plane.address("api"))).collect();
        let mut edges: Vec<Process> = Vec::with_capacity(links.len());
        for (n, link) in links.iter().enumerate() {
            let data_dir = folder.path().join(format!("edge-{n}"));
            give_secret(&plane, &data_dir);
            let mut words = vec!["edge".to_owned(), format!("--plane=http://{}", link.address)];
            words.extend(disks.then(|| disk(&data_dir)));
            // The first one is the others' shield.
            let listen: &[&str] = if shield && n == 0 { &["viewer", "shield"] } else { &["viewer"] };
            let first = edges.first().filter(|_| shield);
            words.extend(first.map(|it| format!("--origin-shield={SHIELD_REGION}={}", it.address("shield"))));
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            edges.push(Process::start(&words, listen, data_dir));
        }
        Self { edges, links, plane, _folder: folder }
    }

    /// Where each edge serves viewers.
    pub(crate) fn viewers(&self) -> Vec<SocketAddr> {
        if self.edges.is_empty() {
            return vec![self.plane.address("viewer")];
        }
        self.edges.iter().map(|edge| edge.address("viewer")).collect()
    }

    /// Lets an edge that has been killed forget everything, its own name included.
    pub(crate) fn empty_the_folder_of(&self, edge: usize) {
        let data_dir = &self.edges[edge].data_dir;
        fs::remove_dir_all(data_dir).unwrap();
        give_secret(&self.plane, data_dir);
    }
}

fn give_secret(plane: &Process, data_dir: &Path) {
    fs::create_dir(data_dir).unwrap();
    fs::copy(plane.data_dir.join("edge-secret"), data_dir.join("edge-secret")).unwrap();
}

/// One process, that comes back on the same folder and the same ports.
pub(crate) struct Process {
    words: Vec<String>,
    environment: Vec<(&'static str, String)>,
    listens: Vec<(String, SocketAddr)>,
    pub(crate) data_dir: PathBuf,
    log: PathBuf,
    child: Child,
}

impl Process {
    /// Starts it with these words, listening on what the system chooses for each of `listen`.
    pub(crate) fn start(words: &[&str], listen: &[&str], data_dir: PathBuf) -> Self {
        Self::try_start(words, listen, data_dir, Vec::new())
            .unwrap_or_else(|Ended { status, log }| panic!("{status}: {log}"))
    }

    /// The same with more in its environment, when it may not get as far as listening.
    pub(crate) fn try_start(
        words: &[&str],
        listen: &[&str],
        data_dir: PathBuf,
        environment: Vec<(&'static str, String)>,
    ) -> Result<Self, Ended> {
        let mut words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        words.extend(["--data-dir".to_owned(), data_dir.display().to_string()]);
        let mut listens: Vec<_> = listen.iter().map(|name| ((*name).to_owned(), loopback(0))).collect();
        let log = data_dir.with_extension("log");
        let child = spawn(&words, &environment, &listens, &log);
        let mut process = Self { words, environment, listens: listens.clone(), data_dir, log, child };
        for (name, address) in &mut listens {
            *address =
                process.until_listening(name).map_err(|status| Ended { status, log: process.log() })?;
        }
        process.listens = listens;
        Ok(process)
    }

    pub(crate) fn address(&self, name: &str) -> SocketAddr {
        let listen = self.listens.iter().find(|(listen, _)| listen == name);
        listen.expect("only what it listens on is asked for").1
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        // It had no time to say that it is gone.
        drop(fs::remove_file(self.data_dir.join("addresses.json")));
    }

    /// Asks it to stop, and waits until it has, however it ends.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < PATIENCE, "{:?} does not stop: {}", self.words, self.log());
            a_moment();
        }
    }

    /// Starts it again after a kill.
    pub(crate) fn restart(&mut self) {
        let start = Instant::now();
        loop {
            self.child = spawn(&self.words, &self.environment, &self.listens, &self.log);
            match self.until_listening(&self.listens[0].0.clone()) {
                Ok(_) => return,
                // Meanwhile the system may have given its port to somebody's outgoing connection.
                Err(_) if start.elapsed() < PATIENCE && self.log().contains("os error 98") => a_moment(),
                Err(ended) => panic!("{ended}: {}", self.log()),
            }
        }
    }

    /// The same with this in its environment, and with nothing else that was there.
    pub(crate) fn restart_in(&mut self, environment: Vec<(&'static str, String)>) {
        self.environment = environment;
        self.restart();
    }

    /// Starts it after a kill, and kills it again before it has got far.
    pub(crate) fn start_and_kill(&mut self, after: Duration) {
        self.child = spawn(&self.words, &self.environment, &self.listens, &self.log);
        thread::sleep(after);
        self.kill();
    }

    /// Holds it still, as a long pause of its machine would.
    pub(crate) fn pause(&self) {
        self.signal(Signal::SIGSTOP);
    }

    pub(crate) fn go_on(&self) {
        self.signal(Signal::SIGCONT);
    }

    fn signal(&self, signal: Signal) {
        // Not waited for yet, so the id is this process's.
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    /// Waits until it says where it listens.
    fn until_listening(&mut self, name: &str) -> Result<SocketAddr, ExitStatus> {
        let start = Instant::now();
        loop {
            if let Some(address) = self.published(name) {
                return Ok(address);
            }
            if let Some(ended) = self.child.try_wait().unwrap() {
                return Err(ended);
            }
            assert!(start.elapsed() < PATIENCE, "{:?} does not listen: {}", self.words, self.log());
            a_moment();
        }
    }

    fn published(&self, name: &str) -> Option<SocketAddr> {
        let text = fs::read_to_string(self.data_dir.join("addresses.json")).ok()?;
        serde_json::from_str::<Value>(&text).ok()?[name].as_str()?.parse().ok()
    }

    /// What it has said since it was started last.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

/// How a process ended that was to listen.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) log: String,
}

impl Drop for Process {
    /// Without ceremony: what it would do on the way out is looked at elsewhere.
    fn drop(&mut self) {
        // Best effort: there is nobody to tell.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn spawn(
    words: &[String],
    environment: &[(&'static str, String)],
    listens: &[(String, SocketAddr)],
    log: &Path,
) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_recant"));
    command.args(words).envs(environment.iter().map(|(name, value)| (name, value)));
    for (name, address) in listens {
        command.arg(format!("--{name}={address}"));
    }
    let log = File::create(log).unwrap();
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
}

/// Between two looks at something that only a look can tell.
pub(crate) fn a_moment() {
    thread::sleep(Duration::from_millis(5));
}
