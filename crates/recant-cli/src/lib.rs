//! The client: `cloudfront …` as the AWS CLI v2 spells it.
//!
//! Answers one command line: what it asks for, what that sends, what is shown, and the exit status. Owns the words *option*, *profile*,
//! *endpoint*, *paging*, *waiter*. Deliberately has no async runtime: a call is one thread and one connection, and starts in milliseconds.
//!
//! A line flows through modules with one job each:
//!
//! | stop | what it yields |
//! |---|---|
//! | [`lowargs`] | what was typed: options with their words, leftovers |
//! | [`service`] | whose line it is |
//! | [`command`], [`globals`], [`alias`], [`customize`] | what is meant: the operation, its options resolved |
//! | [`input`] | the operation's input, typed, from shorthand, JSON and files |
//! | [`config`], [`credentials`], [`endpoint`] | who signs, where to |
//! | [`call`], [`retry`], [`transport`] | the exchange: `recant_wire` validates, spells, signs and reads |
//! | [`paginate`], [`waiter`] | many calls as one |
//! | [`query`], [`output`] | what is shown |
//! | [`prompt`] | a line written with help, for `--cli-auto-prompt` |
//! | [`mod@complete`] | what could stand at a place of a line that is being written |
//! | [`error`] | what went wrong: the exit status and the text, in one place |
//!
//! [`invalidate()`] is a command of our own: other words, the same calls. [`own()`] are commands over Recant's own API. [`man`] spells the texts of `help` as manual pages.

mod alias;
mod call;
mod command;
mod complete;
mod config;
mod credentials;
mod customize;
mod debug;
mod describe;
mod endpoint;
mod environment;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod globals;
mod help;
mod input;
mod invalidate;
mod lowargs;
pub mod man;
mod output;
mod own;
mod paginate;
mod path;
mod prompt;
mod proxy;
mod query;
mod retry;
mod run;
mod service;
mod sign;
mod similar;
mod skeleton;
mod transport;
mod waiter;
mod words;

pub use complete::{Shell, complete};
pub use environment::{Environment, ScriptedEnvironment, SystemEnvironment};
pub use input::file::{FileError, read_document};
pub use invalidate::invalidate;
pub use own::{is_own, own};
pub use run::run;
pub use service::is_another_services;
