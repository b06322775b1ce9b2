//! The whole, end to end: the real binary in its own processes, real clients, real HTTP.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, also in its helpers")]

mod apply;
mod blackbox;
mod boto3;
mod clients;
mod completion;
mod demo;
mod dry_run;
mod events;
mod invalidate;
mod javascript;
mod keys;
mod next_aws;
mod origins;
mod planes;
#[path = "../../../recant-plane/tests/it/postgres/mod.rs"]
#[expect(dead_code, reason = "the tests of the store need more of it")]
mod postgres;
mod process;
mod prompt;
mod recorded;
mod retention;
mod rig;
mod streaming;
