//! The control plane: HTTP API, authentication, store, the feed to the edges, completion.
//!
//! This crate answers the API's requests, makes what it accepts durable and ordered, tells the edges, and says when
//! they all have it. What may be accepted and when something is complete is decided in `recant-core`; how anything is
//! spelled stands in `recant-wire`. It deliberately does not serve viewers, and knows no edge but by its heartbeats.
//!
//! # The modules, in the order a create meets them
//!
//! | module | owns the words |
//! |---|---|
//! | [`Plane`] | options, start, stop |
//! | `lead` | what answers while this plane has the log |
//! | `peers` | several planes: who leads, and passing on to it |
//! | `http` | connections and their limits, routes, the order of checks, request ids, the access log |
//! | `auth` | keys, and who signed |
//! | `admission` | what a caller may do, how often, and the audit log |
//! | `ops` | one operation a file: decode, apply, encode |
//! | `config_check` | what a configuration may ask, and what of it is honoured |
//! | `dns` | looking names up |
//! | `error` | every refusal, and the one place where it gets its code and status |
//! | [`store`] | the log, the configuration, the ledger, durably |
//! | [`completion`] | the driver of the protocol's half: leases, acknowledgements, `Completed` |
//! | [`members`] | what is told of the edges: how far each is, who comes and goes |
//! | `events` | what happens, as it happens, for whoever listens |
//! | [`feed`] | the log on its way to the edges |
//! | [`questions`] | what edges are asked, and who has answered |
//! | [`removals`] | how many stored responses each invalidation has taken away, as edges say |
//! | [`backup`] | a folder as a backup, and a folder made of one |
//! | [`folder`], [`clock`], [`random`] | the only places that touch the data folder, the clocks, the entropy |

mod admission;
mod auth;
pub mod backup;
pub mod clock;
pub mod completion;
mod config_check;
mod dns;
mod error;
mod events;
pub mod feed;
pub mod folder;
mod http;
mod lead;
pub mod members;
mod ops;
mod peers;
mod plane;
pub mod questions;
pub mod random;
pub mod removals;
mod retention;
pub mod store;

pub use admission::{AdmissionOptions, AuditLevel};
pub use dns::DnsLookups;
pub use ops::apply::{ApplyError, Declaration};
pub use plane::{
    CallerReferenceConflict, DistributionInvalidations, Plane, PlaneOptions, PostgresChoice, StartError,
    Stopper, StoreChoice,
};
pub use retention::Retention;
