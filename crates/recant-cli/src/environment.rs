//! The world around one call: variables, folders, streams, clock and sleep.
//!
//! Everything the client reads or does outside its own memory, except the network, goes through [`Environment`], so a test
//! can run a whole command inside its own process.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// What surrounds one call.
pub trait Environment {
    /// Returns an environment variable; one that is not UTF-8 reads as absent.
    fn var(&self, name: &str) -> Option<String>;

    /// Returns the folder that relative file names start from.
    fn working_dir(&self) -> &Path;

    /// Reads all of standard input.
    ///
    /// # Errors
    ///
    /// What reading gave.
    fn read_stdin(&mut self) -> io::Result<Vec<u8>>;

    /// Returns standard output.
    fn stdout(&mut self) -> &mut dyn Write;

    /// Returns standard error.
    fn stderr(&mut self) -> &mut dyn Write;

    /// Returns the wall time.
    fn now(&self) -> SystemTime;

    /// Waits.
    fn sleep(&mut self, duration: Duration);

    /// Returns a random number from 0 to 1, for back-off.
    fn random(&mut self) -> f64;

    /// Returns a variable that is set and not empty.
    fn var_non_empty(&self, name: &str) -> Option<String> {
        self.var(name).filter(|value| !value.is_empty())
    }

    /// Returns the user's home folder.
    fn home(&self) -> Option<PathBuf> {
        self.var_non_empty("HOME").map(PathBuf::from)
    }

    /// Expands `~` at the start and `$NAME` or `${NAME}` anywhere.
    fn expand(&self, path: &str) -> String {
        expand_vars(&expand_home(path, self.home().as_deref()), |name| self.var(name))
    }

    /// Expands a path and makes it absolute.
    fn expand_path(&self, path: &str) -> PathBuf {
        self.working_dir().join(self.expand(path))
    }
}

/// Replaces a leading `~` that stands alone or before a slash.
fn expand_home(path: &str, home: Option<&Path>) -> String {
    match (path.strip_prefix('~'), home) {
        (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => {
            format!("{}{rest}", home.display())
        }
        _ => path.to_owned(),
    }
}

/// Replaces `$NAME` and `${NAME}`; what is not set stays as it is.
fn expand_vars(path: &str, var: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (name, length) = match after.strip_prefix('{').and_then(|braced| braced.split_once('}')) {
            Some((name, _)) => (name, name.len() + 2),
            None => {
                let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
                (&after[..end], end)
            }
        };
        match var(name) {
            Some(value) if !name.is_empty() => out.push_str(&value),
            _ => out.push_str(&rest[at..=at + length]),
        }
        rest = &after[length..];
    }
    out.push_str(rest);
    out
}

/// The process's own surroundings.
#[derive(Debug)]
pub struct SystemEnvironment {
    working_dir: PathBuf,
    stdout: io::BufWriter<io::Stdout>,
    stderr: io::Stderr,
    random: u64,
}

impl SystemEnvironment {
    /// Looks at the process's surroundings.
    #[must_use]
    pub fn new() -> Self {
        Self {
            working_dir: std::env::current_dir().unwrap_or_default(),
            stdout: io::BufWriter::new(io::stdout()),
            stderr: io::stderr(),
            random: seed(),
        }
    }
}

impl Default for SystemEnvironment {
    fn default() -> Self {
        Self::new()
    }
}

/// A seed that differs from process to process; back-off needs no more than that.
fn seed() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new().build_hasher().finish() | 1
}

impl Environment for SystemEnvironment {
    fn var(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn working_dir(&self) -> &Path {
        &self.working_dir
    }

    fn read_stdin(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        io::stdin().read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn stdout(&mut self) -> &mut dyn Write {
        &mut self.stdout
    }

    fn stderr(&mut self) -> &mut dyn Write {
        &mut self.stderr
    }

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&mut self, duration: Duration) {
        std::thread::sleep(duration);
    }

    fn random(&mut self) -> f64 {
        // xorshift64: spreads retries, guards nothing.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Surroundings made of values, for tests: nothing of the process is looked at, and sleeping returns at once.
#[derive(Debug)]
pub struct ScriptedEnvironment {
    /// The variables.
    pub vars: BTreeMap<String, String>,
    /// The working folder.
    pub working_dir: PathBuf,
    /// What standard input holds.
    pub stdin: Vec<u8>,
    /// What was written to standard output.
    pub stdout: Vec<u8>,
    /// What was written to standard error.
    pub stderr: Vec<u8>,
    /// The wall time.
    pub now: SystemTime,
    /// What was slept, in order.
    pub slept: Vec<Duration>,
}

impl ScriptedEnvironment {
    /// Makes surroundings with these variables and an empty rest.
    pub fn new<'a>(vars: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self {
            vars: vars.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            working_dir: PathBuf::from("/nonexistent"),
            stdin: Vec::new(),
            stdout: Vec::new(),
            stderr: Vec::new(),
            now: SystemTime::UNIX_EPOCH,
            slept: Vec::new(),
        }
    }
}

impl Environment for ScriptedEnvironment {
    fn var(&self, name: &str) -> Option<String> {
        self.vars.get(name).cloned()
    }

    fn working_dir(&self) -> &Path {
        &self.working_dir
    }

    fn read_stdin(&mut self) -> io::Result<Vec<u8>> {
        Ok(std::mem::take(&mut self.stdin))
    }

    fn stdout(&mut self) -> &mut dyn Write {
        &mut self.stdout
    }

    fn stderr(&mut self) -> &mut dyn Write {
        &mut self.stderr
    }

    fn now(&self) -> SystemTime {
        self.now
    }

    fn sleep(&mut self, duration: Duration) {
        self.slept.push(duration);
    }

    fn random(&mut self) -> f64 {
        0.5
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_expanded() {
        let environment = ScriptedEnvironment {
            working_dir: "/w".into(),
            ..ScriptedEnvironment::new([("HOME", "/h"), ("NAME", "n")])
        };
        let check =
            |path: &str, want: &str| assert_eq!(environment.expand_path(path), Path::new(want), "{path}");
        check("a", "/w/a");
        check("/a", "/a");
        check("~/a", "/h/a");
        check("~other/a", "/w/~other/a");
        check("$NAME/${NAME}x", "/w/n/nx");
        check("$NONE/${NONE}$", "/w/$NONE/${NONE}$");
    }
}
