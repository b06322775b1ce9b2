//! What end-to-end tests are made of: a `recant serve` to talk to, an origin behind it, clients before it.
//!
//! Everything listens on a free port of 127.0.0.1 and ends with the value that stands for it. Nothing sleeps: what
//! has to become so is asked for again until [`PATIENCE`] ends.

mod client;
mod example;
pub(crate) mod http;
mod origin;
mod serve;

use std::time::{Duration, Instant};

pub(crate) use client::{Client, Said, completed, node, python};
pub(crate) use example::{create_tenant, example, repository};
pub(crate) use origin::{Origin, Page};
pub(crate) use serve::{RECANT, Serve, refused};

/// Longer than anything here takes on a busy machine; a hang fails instead of lasting.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Asks until there is an answer.
#[track_caller]
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::yield_now();
    }
}
