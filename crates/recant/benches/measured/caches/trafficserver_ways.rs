//! The two plugins by which Traffic Server takes away more than one thing at once.

use std::fs::OpenOptions;
use std::io::Write;
use std::ops::Range;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};

use crate::caches::contents::{TENANTS, host};
use crate::caches::trafficserver::{Plugin, SECRET, SECRET_HEADER, list, start_with};
use crate::caches::way::Way;
use crate::caches::{Cache, Site, ask, get};
use crate::load::{Until, VIEWERS, Viewer, load};

/// It compares each line with all before it.
const READ_WITHIN: Duration = Duration::from_secs(60);

/// How long a line of the list counts.
const RULE_TIME: Duration = Duration::from_secs(24 * 60 * 60);

/// remap_purge: a request adds one to a tenant's generation.
struct Generations {
    cache: Cache,
}

/// Starts it for generations.
pub(crate) fn generations(site: &Site<'_>) -> Result<Box<dyn Way>> {
    Ok(Box::new(Generations { cache: start_with(site, Plugin::RemapPurge)? }))
}

impl Generations {
    fn purge(&self, tenant: usize, times: usize) -> Result<()> {
        let (host, line) = (host(tenant), format!("{SECRET_HEADER}: {SECRET}\r\n"));
        let purge = |_, request: &mut Vec<u8>| ask(request, "PURGE", &host, "/", &line);
        let viewers = VIEWERS.min(times);
        load(self.cache.address, viewers, None, Until::Each(times), &[200], &purge).map(drop)
    }
}

impl Way for Generations {
    fn cache(&self) -> &Cache {
        &self.cache
    }

    fn everything_of(&mut self, tenant: usize, _stored: usize) -> Result<()> {
        self.purge(tenant, 1)
    }

    /// It knows whole tenants only: those of the last one, of which nothing is asked for.
    fn paths(&mut self, numbers: Range<usize>) -> Result<()> {
        self.purge(TENANTS - 1, numbers.len())
    }
}

/// regex_revalidate: a list of patterns that is read again when the manager is told to.
struct Patterns {
    cache: Cache,
    folder: PathBuf,
    last: Instant,
    /// Things that are asked for to see whether the list has been read.
    marks: usize,
}

/// Starts it for patterns.
pub(crate) fn patterns(site: &Site<'_>) -> Result<Box<dyn Way>> {
    let cache = start_with(site, Plugin::RegexRevalidate)?;
    let folder = site.folder.join(site.name);
    let mut patterns = Patterns { cache, folder, last: Instant::now(), marks: 0 };
    patterns.mark()?;
    Ok(Box::new(patterns))
}

impl Patterns {
    fn add(&mut self, patterns: &[String]) -> Result<()> {
        let expiry = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() + RULE_TIME.as_secs();
        let mut file = OpenOptions::new().append(true).open(list(&self.folder))?;
        let lines: String = patterns.iter().map(|pattern| format!("{pattern} {expiry}\n")).collect();
        file.write_all(lines.as_bytes())?;
        let root = format!("--run-root={}", self.folder.display());
        let output =
            Command::new("traffic_ctl").args([&root, "config", "reload"]).output().context("traffic_ctl")?;
        ensure!(output.status.success(), "traffic_ctl: {}", String::from_utf8_lossy(&output.stderr));
        self.last = Instant::now();
        Ok(())
    }

    fn mark_path(&self) -> String {
        format!("/mark/{}", self.marks)
    }

    /// How often the origin had been asked when it sent what is stored now under the mark.
    fn mark(&mut self) -> Result<u64> {
        let mut request = Vec::new();
        get(&mut request, &host(0), &self.mark_path());
        Ok(Viewer::open(self.cache.address)?.ask(&request)?.serial)
    }
}

impl Way for Patterns {
    fn cache(&self) -> &Cache {
        &self.cache
    }

    /// The plugin compares whole seconds: of the file's times, and of a response and a line.
    fn settle(&mut self) {
        let second = Duration::from_millis(2_100);
        thread::sleep(second.saturating_sub(self.last.elapsed()));
    }

    fn everything_of(&mut self, tenant: usize, _stored: usize) -> Result<()> {
        self.add(&[format!("/{}/", host(tenant))])
    }

    /// The list is read anew for each, at most once a second.
    fn paths_at_once(&self) -> usize {
        10_000
    }

    fn paths(&mut self, numbers: Range<usize>) -> Result<()> {
        let before = self.mark()?;
        self.settle();
        let path = self.mark_path();
        let nothing = numbers.map(|number| format!("/{}/nothing/{number}$", host(0)));
        self.add(&nothing.chain([format!("{path}$")]).collect::<Vec<_>>())?;
        let start = Instant::now();
        while self.mark()? == before {
            ensure!(start.elapsed() < READ_WITHIN, "the list is not read");
            thread::sleep(Duration::from_millis(20));
        }
        self.marks += 1;
        self.mark()?;
        Ok(())
    }
}
