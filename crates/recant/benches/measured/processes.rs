//! The processes that are measured: started here, waited for here, and stopped by their ids when they go out of scope.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use recant_wire::sigv4::Credentials;
use serde_json::Value;
use tempfile::TempDir;

use crate::api::Client;
use crate::http::Connection;

/// Longer than anything here may take: a hang fails instead of lasting.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The program that is measured.
pub(crate) const RECANT: &str = env!("CARGO_BIN_EXE_recant");

/// A folder on the disk that the build lies on, so that what is durable has to reach a real one.
pub(crate) fn folder() -> Result<TempDir> {
    Ok(tempfile::Builder::new().prefix("bench-").tempdir_in(env!("CARGO_TARGET_TMPDIR"))?)
}

/// A process, with what it writes kept in a file.
pub(crate) struct Running {
    child: Child,
    log: PathBuf,
    /// When the program was executed.
    pub(crate) started: Instant,
}

impl Running {
    pub(crate) fn start(command: &mut Command, log: PathBuf) -> Result<Self> {
        let output = File::create(&log)?;
        let started = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).spawn();
        Ok(Self { child: child.with_context(|| format!("starting {command:?}"))?, log, started })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Asks until there is an answer; fails when the process has ended or time is up.
    pub(crate) fn until<T>(&mut self, what: &str, mut ask: impl FnMut() -> Option<T>) -> Result<T> {
        let start = Instant::now();
        loop {
            if let Some(answer) = ask() {
                return Ok(answer);
            }
            let ended = self.child.try_wait()?;
            if ended.is_some() || start.elapsed() > PATIENCE {
                let log = fs::read_to_string(&self.log).unwrap_or_default();
                bail!("no {what} ({ended:?}); it said: {log}");
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Running {
    /// In good order if it listens to that, else at once.
    fn drop(&mut self) {
        let start = Instant::now();
        // Not waited for yet, so the id is still this process's.
        let asked =
            i32::try_from(self.child.id()).is_ok_and(|id| kill(Pid::from_raw(id), Signal::SIGTERM).is_ok());
        while asked && start.elapsed() < PATIENCE {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        // Best effort: there is nobody to tell.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A plane of its own.
pub(crate) struct PlaneProcess {
    pub(crate) api: SocketAddr,
    pub(crate) credentials: Credentials,
    pub(crate) data_dir: PathBuf,
    process: Running,
}

impl PlaneProcess {
    /// In a new folder below this one.
    pub(crate) fn start(folder: &Path, name: &str) -> Result<Self> {
        Self::start_with(folder, name, &[])
    }

    /// The same with further options.
    pub(crate) fn start_with(folder: &Path, name: &str, options: &[&str]) -> Result<Self> {
        let data_dir = folder.join(name);
        let mut command = started(RECANT, None);
        command.args(["plane", "--api", "127.0.0.1:0", "--data-dir"]).arg(&data_dir).args(options);
        let mut process = Running::start(&mut command, folder.join(format!("{name}.log")))?;
        let api = process.until("plane", || address(&data_dir, "api"))?;
        let credentials = credentials(&data_dir)?;
        Ok(Self { api, credentials, data_dir, process })
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    pub(crate) fn client(&self) -> Result<Client> {
        Client::connect(self.api, &self.credentials)
    }
}

/// An edge of its own.
pub(crate) struct EdgeProcess {
    pub(crate) viewer: SocketAddr,
    pub(crate) process: Running,
}

impl EdgeProcess {
    /// An edge of this plane, in a new folder below this one; on one core only, if one is named.
    pub(crate) fn start(
        plane: &PlaneProcess,
        folder: &Path,
        name: &str,
        core: Option<usize>,
    ) -> Result<Self> {
        Self::start_with(plane, folder, name, core, &[])
    }

    /// The same with further options.
    pub(crate) fn start_with(
        plane: &PlaneProcess,
        folder: &Path,
        name: &str,
        core: Option<usize>,
        options: &[&str],
    ) -> Result<Self> {
        let data_dir = folder.join(name);
        fs::create_dir(&data_dir)?;
        fs::copy(plane.data_dir.join("edge-secret"), data_dir.join("edge-secret"))?;
        let mut command = started(RECANT, core);
        command
            .args([
                "edge",
                "--viewer",
                "127.0.0.1:0",
                "--plane",
                &format!("http://{}", plane.api),
                "--data-dir",
            ])
            .arg(&data_dir)
            .args(options)
            // The sweep says when it passes.
            .env("RECANT_LOG", "info,recant_edge::sweep=debug");
        let mut process = Running::start(&mut command, folder.join(format!("{name}.log")))?;
        let viewer = process.until("edge", || address(&data_dir, "viewer"))?;
        Ok(Self { viewer, process })
    }

    /// Fetches until it is a hit: from then on the edge is a member with a lease.
    pub(crate) fn until_hit(&mut self, host: &str, path: &str) -> Result<()> {
        let viewer = self.viewer;
        self.process.until("hit", || {
            let response = Connection::open(viewer).ok()?.get(host, path).ok()?;
            response.header("x-cache").starts_with("Hit").then_some(())
        })
    }
}

/// A program that runs on one core only, if one is named, and ends with this process, however that ends.
pub(crate) fn started(program: &str, core: Option<usize>) -> Command {
    // Both become the program, so the id stays.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM"]);
    if let Some(core) = core {
        command.args(["taskset", "--cpu-list", &core.to_string()]);
    }
    command.arg(program);
    command
}

/// Where the process in a folder listens, once it says so.
fn address(data_dir: &Path, key: &str) -> Option<SocketAddr> {
    let text = fs::read_to_string(data_dir.join("addresses.json")).ok()?;
    serde_json::from_str::<Value>(&text).ok()?[key].as_str()?.parse().ok()
}

fn credentials(data_dir: &Path) -> Result<Credentials> {
    let text = fs::read_to_string(data_dir.join("credentials"))?;
    let value = |name: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix('='));
        value
            .map(|value| value.trim().to_owned())
            .with_context(|| format!("no {name} in the plane's credentials"))
    };
    Ok(Credentials {
        access_key_id: value("aws_access_key_id")?,
        secret_access_key: value("aws_secret_access_key")?,
        session_token: None,
    })
}
