//! The caches that are measured: each started in front of the benchmark's origin, in the foreground, on a port of its own,
//! in a folder of its own, in memory; stopped by its id.
//!
//! Each is set up as its manual says for one core, without access logs. Whatever is special about one stands in its file.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::load::Viewer;
use crate::processes::{PlaneProcess, Running, folder};
use crate::spent;

pub(crate) mod contents;
pub(crate) mod nginx;
pub(crate) mod recant;
pub(crate) mod squid;
pub(crate) mod trafficserver;
pub(crate) mod trafficserver_ways;
pub(crate) mod varnish;
pub(crate) mod way;

/// What a cache is started for.
pub(crate) struct Site<'a> {
    /// Where it may make a folder for itself.
    pub(crate) folder: &'a Path,
    /// What that is called.
    pub(crate) name: &'a str,
    pub(crate) origin: SocketAddr,
    /// The hosts that are asked for, each a tenant where a cache knows such.
    pub(crate) hosts: &'a [String],
    pub(crate) core: Option<usize>,
    /// What may be stored, in bytes.
    pub(crate) store_bytes: u64,
}

/// A running cache.
pub(crate) struct Cache {
    /// With its version.
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
    pub(crate) server: Running,
    /// What has to run beside it and is not part of what a hit costs; stopped after it.
    pub(crate) plane: Option<PlaneProcess>,
}

/// How a cache is started.
pub(crate) type Start = fn(&Site<'_>) -> Result<Cache>;

/// All of them, Recant first.
pub(crate) const ALL: [(&str, Start); 5] = [
    ("recant", recant::start),
    ("nginx", nginx::start),
    ("varnish", varnish::start),
    ("squid", squid::start),
    ("trafficserver", trafficserver::start),
];

impl Cache {
    /// Seconds of processor time so far.
    pub(crate) fn spent(&self) -> Result<f64> {
        spent::seconds(self.server.id())
    }

    /// Bytes in memory.
    pub(crate) fn resident(&self) -> Result<u64> {
        spent::resident(self.server.id())
    }

    /// Asks for something until the answer comes from the store, by the number that the origin puts into it.
    pub(crate) fn until_hit(&mut self, host: &str, path: &str) -> Result<()> {
        let (address, mut last, mut request) = (self.address, 0, Vec::new());
        get(&mut request, host, path);
        self.server.until("hit", || {
            let reply = Viewer::open(address).ok()?.ask(&request).ok()?;
            let is_hit = reply.status == 200 && reply.serial == last;
            last = reply.serial;
            is_hit.then_some(())
        })
    }
}

impl Site<'_> {
    /// Makes the cache's folder, which servers that give up root's rights may use too.
    fn make_folder(&self) -> Result<PathBuf> {
        let folder = self.folder.join(self.name);
        fs::create_dir(&folder)?;
        Ok(folder)
    }

    /// The store's size for settings that count in mebibytes.
    fn store_mebibytes(&self) -> u64 {
        self.store_bytes >> 20
    }
}

/// A folder in memory where there is such, so that nobody's disk is measured, open to servers that run as another user.
pub(crate) fn in_memory() -> Result<TempDir> {
    let made = tempfile::Builder::new().prefix("recant-bench-").tempdir_in("/dev/shm");
    let folder = made.map_or_else(|_| folder(), Ok)?;
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
    Ok(folder)
}

/// A port that is free now. Servers that cannot say which port the system chose have one chosen for them.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?)
}

/// Writes a plain request.
pub(crate) fn get(request: &mut Vec<u8>, host: &str, path: &str) {
    ask(request, "GET", host, path, "");
}

/// Writes a request with this method and further lines of the head.
pub(crate) fn ask(request: &mut Vec<u8>, method: &str, host: &str, path: &str, lines: &str) {
    for part in [method, " ", path, " HTTP/1.1\r\nhost: ", host, "\r\n", lines, "\r\n"] {
        request.extend_from_slice(part.as_bytes());
    }
}

/// What a program says of its version, between these two words; an error if it is not there.
fn version(program: &str, argument: &str, after: &str, up_to: char) -> Result<String> {
    let output =
        Command::new(program).arg(argument).output().with_context(|| format!("{program} is missing"))?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let (_, rest) = text.split_once(after).with_context(|| format!("a version in {text}"))?;
    Ok(rest.split([up_to, '\n']).next().unwrap_or_default().trim().to_owned())
}
