//! The world around one call: variables, folders, streams, clock and sleep.
//!
//! Everything the client reads or does outside its own memory, except the network, goes through [`Environment`], so a test
//! can run a whole command inside its own process.

mod scripted;
mod system;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

pub use scripted::ScriptedEnvironment;
pub use system::SystemEnvironment;

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

    /// Returns the time since a moment of this environment's own, on a clock that is never set.
    fn monotonic(&self) -> Duration;

    /// Waits.
    fn sleep(&mut self, duration: Duration);

    /// Returns a random number from 0 to 1, for back-off.
    fn random(&mut self) -> f64;

    /// Returns the width of the terminal that standard output is; none if it is none.
    fn terminal_columns(&self) -> Option<u16>;

    /// Returns the name that this program was called by: `aws` or `recant`.
    fn program(&self) -> String;

    /// Returns the width of the terminal that standard error is; none if it is none.
    fn stderr_columns(&self) -> Option<u16>;

    /// Returns whether standard input is a terminal.
    fn stdin_is_terminal(&self) -> bool;

    /// Sends standard output through a program from now on. `less` gets the options it needs unless the user chose some.
    ///
    /// # Errors
    ///
    /// When the program does not start.
    fn page_through(&mut self, words: &[String]) -> io::Result<()>;

    /// Ends what [`page_through`](Self::page_through) began: closes the program's input and waits until the reader has read.
    fn finish_paging(&mut self);

    /// From now on an interrupt ends the process with status 130 and a line break on standard output, as it ends the AWS CLI.
    fn watch_interrupts(&mut self);

    /// From now on an interrupt says this on standard error before it ends the process, and nothing on standard output.
    fn say_on_interrupt(&mut self, text: String);

    /// Returns whether `--debug` is on.
    fn is_debugging(&self) -> bool;

    /// Switches `--debug` on.
    fn start_debugging(&mut self);

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
