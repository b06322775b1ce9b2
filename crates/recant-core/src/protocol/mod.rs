//! The two halves of the protocol between plane and edges, as pure state machines.
//!
//! # What they promise together
//!
//! **Linearizable purge** (DESIGN.md section 2): once anybody has seen `Completed` for the invalidation at position
//! *e*, no edge answers a request that arrives later with bytes whose origin request began before *e* was
//! committed. The rules by which they keep it are numbered in PURGE.md section 3.3 and cited at the branches.
//!
//! ```text
//!            plane: PlaneHalf                                 edge: EdgeHalf
//!
//!   store commits an entry                                    opens a feed after what it has applied
//!        │ Committed                                               │ OpenFeed
//!        ▼                                                         ▼
//!   head ────────────── Hello, snapshot, entries ────────────▶ contiguous? same chain?
//!                                                                  │ Apply / Install
//!                                                                  ▼
//!   acked[member] ◀──────────── Heartbeat{applied} ─────────── Applied (published to every viewer)
//!        │
//!        │ acked ≥ completing and not lagging?
//!        ├──────────── Answer{Granted{lease}} ───────────────▶ lease_until = moment of sending + lease
//!        ▼
//!   least acked of the members that are waited for
//!        │ Write(Complete(p)) … Written
//!        ▼
//!   completed: what clients see as Completed
//! ```
//!
//! # A member's life at the plane
//!
//! ```text
//!   unknown ──Heartbeat──▶ Adding ──Written──▶ Recorded ──hold ran out, silent / leaving──▶ Removing ──Written──▶ unknown
//! ```
//!
//! Only a `Recorded` member is granted a lease, so every lease that may be in force is known to whoever opens the
//! store next; it then treats every recorded member as holding a fresh one (rule 11).
//!
//! # How they are driven
//!
//! A driver feeds events in, one at a time, with the current [`BootTime`](crate::time::BootTime), and performs the effects in the order
//! given. It never has to know why. What is lost, late or doubled on the way never breaks the promise: at worst
//! a lease runs out. `tests/it/search` drives these very functions through every interleaving of a small world.

mod edge;
pub mod message;
mod plane;

pub use edge::{Alarm, EdgeEffect, EdgeEvent, EdgeHalf, EdgeTimings};
pub use plane::{
    LeaseParams, MemberRecord, PlaneDurable, PlaneEffect, PlaneEvent, PlaneHalf, PlaneWrite, Standing, Ticket,
};
