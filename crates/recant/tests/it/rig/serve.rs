//! `recant serve` as a process of its own, in a folder of its own.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

use super::{PATIENCE, http, until};

/// The program that these tests were built with.
pub(crate) const RECANT: &str = env!("CARGO_BIN_EXE_recant");

/// A running `recant serve`.
pub(crate) struct Serve {
    pub(crate) api: SocketAddr,
    pub(crate) viewer: SocketAddr,
    /// What it said on standard output before it was ready.
    pub(crate) greeting: String,
    child: Child,
    folder: Arc<TempDir>,
}

impl Serve {
    /// Starts one in a new folder.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts one in a new folder with further options.
    pub(crate) fn start_with(options: &[&str]) -> Self {
        Self::start_in(Arc::new(tempfile::tempdir().unwrap()), options)
    }

    /// Starts one in a folder that another may have worked in.
    #[track_caller]
    pub(crate) fn start_in(folder: Arc<TempDir>, options: &[&str]) -> Self {
        let mut command = command(&data_dir(&folder));
        if !options.contains(&"--api") {
            command.args(["--api", "127.0.0.1:0"]);
        }
        let mut child = command
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(folder.path().join("stderr")).unwrap())
            .spawn()
            .unwrap();
        let (say, said) = mpsc::channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| say.send(line)));
        let mut greeting = String::new();
        while !greeting.contains("Clients ") {
            let Ok(line) = said.recv_timeout(PATIENCE) else {
                let _ = child.kill();
                panic!("recant serve did not get ready: {}", stderr(folder.path()));
            };
            greeting.push_str(&line);
            greeting.push('\n');
        }
        let addresses: Value =
            serde_json::from_slice(&fs::read(data_dir(&folder).join("addresses.json")).unwrap()).unwrap();
        let address = |key: &str| addresses[key].as_str().unwrap().parse().unwrap();
        Self { api: address("api"), viewer: address("viewer"), greeting, child, folder }
    }

    /// The folder around the data folder: gone when the last who holds it is.
    pub(crate) fn folder(&self) -> Arc<TempDir> {
        self.folder.clone()
    }

    /// The data folder.
    pub(crate) fn data_dir(&self) -> PathBuf {
        data_dir(&self.folder)
    }

    /// What `recant env` says, as names and values.
    pub(crate) fn env(&self) -> Vec<(String, String)> {
        let output = Command::new(RECANT).arg("env").arg("--data-dir").arg(self.data_dir()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let line = |line: &str| {
            let (name, value) = line.strip_prefix("export ").unwrap().split_once('=').unwrap();
            (name.to_owned(), value.to_owned())
        };
        text.lines().map(line).collect()
    }

    /// What it has logged up to now.
    pub(crate) fn stderr(&self) -> String {
        stderr(self.folder.path())
    }

    /// Whether the API's process says that it is well.
    pub(crate) fn is_healthy(&self) -> bool {
        http::get(self.api, "plane", "/healthz").status == 200
    }

    /// The most memory that it has had at a time.
    #[cfg(target_os = "linux")]
    pub(crate) fn peak_memory_mib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
    }

    /// Asks it to stop.
    pub(crate) fn terminate(&self) {
        kill(self.pid(), Signal::SIGTERM).unwrap();
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        self.terminate();
        self.wait()
    }

    /// Waits until it has stopped.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        until("the end of recant serve", || self.child.try_wait().unwrap())
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            report(&self.stderr());
        }
    }
}

/// Runs `recant serve` on a folder where it cannot start, to its end.
pub(crate) fn refused(data_dir: &Path) -> Output {
    command(data_dir).output().unwrap()
}

#[expect(clippy::print_stderr, reason = "captured with the failing test's own output, and shown with it")]
fn report(log: &str) {
    eprintln!("recant serve logged:\n{log}");
}

fn command(data_dir: &Path) -> Command {
    let mut command = Command::new(RECANT);
    command.args(["serve", "--viewer", "127.0.0.1:0", "--data-dir"]).arg(data_dir);
    command
}

fn data_dir(folder: &TempDir) -> PathBuf {
    folder.path().join("data")
}

fn stderr(folder: &Path) -> String {
    fs::read_to_string(folder.join("stderr")).unwrap_or_default()
}
