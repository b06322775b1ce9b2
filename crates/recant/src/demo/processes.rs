//! The plane and the edges: real processes of this very program, started here, and stopped by their ids however the
//! story ends.

use std::fs::{self, OpenOptions};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use recant_plane::folder::{Addresses, read_addresses};
use rustix::process::{Pid, Signal, kill_process};

use super::patience::Patience;
use super::viewer;

/// How long a process may take to end in good order.
const STOP_TIME_MAX: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(5);

/// A plane or an edge that runs.
pub(super) struct Process {
    name: String,
    child: Child,
    /// What it writes is kept here.
    log: PathBuf,
}

impl Process {
    fn start(name: &str, command: &mut Command, log: PathBuf) -> anyhow::Result<Self> {
        let output = OpenOptions::new().create(true).append(true).open(&log)?;
        let child = command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).spawn();
        Ok(Self { name: name.to_owned(), child: child.with_context(|| format!("starting {name}"))?, log })
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it answers where it says that it listens.
    fn until_it_listens(
        &mut self,
        data_dir: &Path,
        side: fn(Addresses) -> Option<String>,
        patience: &Patience,
    ) -> anyhow::Result<SocketAddr> {
        patience.until(format!("{} listens", self.name), || {
            if let Some(status) = self.child.try_wait()? {
                let log = fs::read_to_string(&self.log).unwrap_or_default();
                bail!("{} has ended ({status}); it said:\n{log}", self.name);
            }
            let Some(address) = read_addresses(data_dir)?.and_then(side) else { return Ok(None) };
            let address: SocketAddr = address.parse()?;
            // What a killed process has left there may be told from what listens only by asking.
            Ok(viewer::get(address, "recant.invalid", "/readyz").is_ok().then_some(address))
        })
    }

    /// Ends it as a crash would: SIGKILL, without a word to anybody.
    pub(super) fn crash(mut self) -> anyhow::Result<()> {
        self.child.kill().with_context(|| format!("killing {}", self.name))?;
        self.child.wait()?;
        Ok(())
    }

    /// Ends it in good order.
    pub(super) fn stop(mut self) -> anyhow::Result<()> {
        if !self.end() {
            bail!("{} (process {}) did not stop in good order", self.name, self.id());
        }
        Ok(())
    }

    /// Sees to its end; whether it was a good one.
    fn end(&mut self) -> bool {
        if let Ok(Some(status)) = self.child.try_wait() {
            return status.success();
        }
        // Not waited for yet, so the id is still this process's.
        let asked = kill_process(Pid::from_child(&self.child), Signal::TERM).is_ok();
        let start = Instant::now();
        while asked && start.elapsed() < STOP_TIME_MAX {
            if let Ok(Some(status)) = self.child.try_wait() {
                return status.success();
            }
            thread::sleep(PAUSE);
        }
        // There is nobody left to tell.
        drop(self.child.kill());
        drop(self.child.wait());
        false
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// A plane of its own.
pub(super) struct PlaneProcess {
    pub(super) process: Process,
    pub(super) api: SocketAddr,
}

impl PlaneProcess {
    /// On a folder, which may be one that an earlier plane has left.
    pub(super) fn start(
        program: &Path,
        data_dir: &Path,
        api: SocketAddr,
        lease: Duration,
        patience: &Patience,
    ) -> anyhow::Result<Self> {
        let mut command = Command::new(program);
        command.args(["plane", "--api", &api.to_string(), "--lease-seconds", &lease.as_secs().to_string()]);
        command.arg("--data-dir").arg(data_dir);
        let mut process = Process::start("the plane", &mut command, data_dir.with_extension("log"))?;
        let api = process.until_it_listens(data_dir, |addresses| addresses.api, patience)?;
        Ok(Self { process, api })
    }
}

/// An edge of its own.
pub(super) struct EdgeProcess {
    pub(super) process: Process,
    pub(super) viewer: SocketAddr,
}

impl EdgeProcess {
    /// On a folder that holds the plane's `edge-secret`.
    pub(super) fn start(
        program: &Path,
        name: &str,
        data_dir: &Path,
        plane: SocketAddr,
        viewer: SocketAddr,
        patience: &Patience,
    ) -> anyhow::Result<Self> {
        let mut command = Command::new(program);
        command.args(["edge", "--plane", &format!("http://{plane}"), "--viewer", &viewer.to_string()]);
        command.arg("--data-dir").arg(data_dir);
        let mut process = Process::start(name, &mut command, data_dir.with_extension("log"))?;
        let viewer = process.until_it_listens(data_dir, |addresses| addresses.viewer, patience)?;
        Ok(Self { process, viewer })
    }
}
