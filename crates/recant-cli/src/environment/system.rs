//! The process's own surroundings.

use std::io::{self, IsTerminal as _, Read as _, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use super::Environment;

/// The process's own surroundings.
#[derive(Debug)]
pub struct SystemEnvironment {
    working_dir: PathBuf,
    stdout: io::BufWriter<io::Stdout>,
    stderr: io::Stderr,
    random: u64,
    began: Instant,
    pager: Option<Pager>,
    interrupts_watched: bool,
    debugging: bool,
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
            began: Instant::now(),
            pager: None,
            interrupts_watched: false,
            debugging: false,
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
        match &mut self.pager {
            Some(pager) => pager,
            None => &mut self.stdout,
        }
    }

    fn stderr(&mut self) -> &mut dyn Write {
        &mut self.stderr
    }

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn monotonic(&self) -> Duration {
        self.began.elapsed()
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

    fn terminal_columns(&self) -> Option<u16> {
        rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| size.ws_col)
    }

    fn program(&self) -> String {
        let called = std::env::args_os().next().unwrap_or_default();
        let name = Path::new(&called).file_stem();
        if name.is_some_and(|name| name == "aws") { "aws" } else { "recant" }.to_owned()
    }

    fn stderr_columns(&self) -> Option<u16> {
        rustix::termios::tcgetwinsize(io::stderr()).ok().map(|size| size.ws_col)
    }

    fn stdin_is_terminal(&self) -> bool {
        io::stdin().is_terminal()
    }

    fn page_through(&mut self, words: &[String]) -> io::Result<()> {
        let (program, arguments) =
            words.split_first().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped());
        if std::env::var_os("LESS").is_none() {
            command.env("LESS", "FRX");
        }
        let mut child = command.spawn()?;
        interrupts::ignore_while_paging(true);
        self.pager = Some(Pager { input: child.stdin.take(), child });
        Ok(())
    }

    fn finish_paging(&mut self) {
        if let Some(mut pager) = self.pager.take() {
            drop(pager.input.take());
            // How the pager ended is its own affair.
            let _ = pager.child.wait();
            interrupts::ignore_while_paging(false);
        }
    }

    fn watch_interrupts(&mut self) {
        if !self.interrupts_watched {
            self.interrupts_watched = true;
            interrupts::watch();
        }
    }

    fn say_on_interrupt(&mut self, text: String) {
        interrupts::say(text);
        self.watch_interrupts();
    }

    fn is_debugging(&self) -> bool {
        self.debugging
    }

    fn start_debugging(&mut self) {
        self.debugging = true;
    }
}

/// A running pager. What it does not want to read any more is thrown away.
#[derive(Debug)]
struct Pager {
    input: Option<ChildStdin>,
    child: Child,
}

impl Write for Pager {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.input.as_mut().map(|input| input.write(bytes)) {
            Some(Err(why)) if why.kind() == io::ErrorKind::BrokenPipe => {
                self.input = None;
                Ok(bytes.len())
            }
            Some(done) => done,
            None => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What an interrupt (SIGINT) does.
mod interrupts {
    use std::io::Write as _;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Mutex, PoisonError};

    use signal_hook::consts::SIGINT;

    /// An interrupt status, as shells count it: 128 and the signal's number.
    const STATUS: i32 = 130;
    /// While a pager has the terminal, interrupts are the pager's.
    static PAGING: AtomicBool = AtomicBool::new(false);

    /// What an interrupt says on standard error. Locked while it is replaced and while it is said.
    static LAST_WORDS: Mutex<Option<String>> = Mutex::new(None);

    pub(super) fn say(text: String) {
        *LAST_WORDS.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
    }

    pub(super) fn ignore_while_paging(paging: bool) {
        PAGING.store(paging, Ordering::Relaxed);
    }

    /// Starts the thread that waits. Where it cannot start, an interrupt ends the process all the same, only without the line break.
    pub(super) fn watch() {
        let Ok(mut signals) = signal_hook::iterator::Signals::new([SIGINT]) else {
            return;
        };
        let _ = std::thread::Builder::new().name("interrupts".to_owned()).spawn(move || {
            for _ in signals.forever() {
                if PAGING.load(Ordering::Relaxed) {
                    continue;
                }
                match LAST_WORDS.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
                    Some(text) => {
                        let _ = std::io::stderr().write_all(text.as_bytes());
                    }
                    None => {
                        let mut stdout = std::io::stdout();
                        let _ = stdout.write_all(b"\n").and_then(|()| stdout.flush());
                    }
                }
                std::process::exit(STATUS);
            }
        });
    }
}
