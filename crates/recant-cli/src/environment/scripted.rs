//! Surroundings made of values, for tests.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::Environment;

/// Surroundings made of values, for tests: nothing of the process is looked at, and sleeping returns at once,
/// which is all the time that passes.
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
    /// The width of the terminal; none if standard output is none.
    pub terminal_columns: Option<u16>,
    /// The width of the terminal that standard error is; none if it is none.
    pub stderr_columns: Option<u16>,
    /// What an interrupt would say now.
    pub on_interrupt: String,
    /// The programs that output was sent through; their output is their input.
    pub paged_through: Vec<Vec<String>>,
    /// Whether `--debug` is on.
    pub debugging: bool,
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
            terminal_columns: None,
            stderr_columns: None,
            on_interrupt: String::new(),
            paged_through: Vec::new(),
            debugging: false,
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

    fn monotonic(&self) -> Duration {
        self.slept.iter().sum()
    }

    fn sleep(&mut self, duration: Duration) {
        self.slept.push(duration);
    }

    fn random(&mut self) -> f64 {
        0.5
    }

    fn terminal_columns(&self) -> Option<u16> {
        self.terminal_columns
    }

    fn program(&self) -> String {
        "aws".to_owned()
    }

    fn stderr_columns(&self) -> Option<u16> {
        self.stderr_columns
    }

    fn stdin_is_terminal(&self) -> bool {
        false
    }

    fn page_through(&mut self, words: &[String]) -> io::Result<()> {
        self.paged_through.push(words.to_vec());
        Ok(())
    }

    fn finish_paging(&mut self) {}

    fn watch_interrupts(&mut self) {}

    fn say_on_interrupt(&mut self, text: String) {
        self.on_interrupt = text;
    }

    fn is_debugging(&self) -> bool {
        self.debugging
    }

    fn start_debugging(&mut self) {
        self.debugging = true;
    }
}
