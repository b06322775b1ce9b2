//! Waiting: for something to become so, but not for ever, and not once the reader has had enough.

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::signals::Stop;

/// Longer than anything here takes on a busy machine: a hang becomes a failure.
const LONGEST: Duration = Duration::from_secs(20);
/// Between two questions.
const PAUSE: Duration = Duration::from_millis(10);

/// Whether the process was asked to stop.
pub(super) struct Patience {
    asked_to_stop: Arc<AtomicBool>,
}

impl Patience {
    /// Listens for the signals from here on.
    pub(super) fn new() -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let mut stop = {
            let _entered = runtime.enter();
            Stop::listen()?
        };
        let asked_to_stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&asked_to_stop);
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || {
                runtime.block_on(stop.asked());
                flag.store(true, Ordering::Relaxed);
            })
            .context("no threads can be had")?;
        Ok(Self { asked_to_stop })
    }

    /// Whether a signal has come.
    pub(super) fn is_over(&self) -> bool {
        self.asked_to_stop.load(Ordering::Relaxed)
    }

    /// Asks until there is an answer.
    pub(super) fn until<T>(
        &self,
        what: impl Display,
        mut ask: impl FnMut() -> anyhow::Result<Option<T>>,
    ) -> anyhow::Result<T> {
        let start = Instant::now();
        loop {
            if let Some(answer) = ask()? {
                return Ok(answer);
            }
            if self.is_over() {
                bail!("stopped by a signal while waiting: {what}");
            }
            if start.elapsed() > LONGEST {
                bail!("waited {} s in vain: {what}", LONGEST.as_secs());
            }
            thread::sleep(PAUSE);
        }
    }

    /// Waits for a signal.
    pub(super) fn until_over(&self) {
        while !self.is_over() {
            thread::sleep(PAUSE * 5);
        }
    }
}
