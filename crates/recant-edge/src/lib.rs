//! The caching reverse proxy: viewers in, origins out, stored responses, the feed's follower.
//!
//! This crate answers HTTP. What may be answered from the cache is decided in `recant-core`; what the log says
//! is put into the [`World`] by the follower. It deliberately does not decide about leases, match patterns or
//! read RFC 9111: it reads clocks and sockets, and asks.
//!
//! # The modules, in the order a request meets them
//!
//! | module | owns the words |
//! |---|---|
//! | `server`, `io` | viewer connections, their bounds, the drain |
//! | `target` | what a request is for; what could mean two things |
//! | `request`, `lookup` | the walk of one request; `Arrival`; what is stored for it |
//! | `follower` | [`Follower`]: what the plane's log brings, and the lease |
//! | `world` | [`World`]: tenants, distributions, rules, the view, the stamp |
//! | `store` | stored responses |
//! | `counting` | how many of them an invalidation would take away |
//! | `collapse`, `flight` | who asks the origin and who waits |
//! | `call`, `forward`, `confirm`, `hop` | what goes to the origin, what of its response goes to the viewer |
//! | `origin`, `interim` | address policy, connections; 1xx |
//! | `body`, `relay` | bodies passing through, and into the store on the way |
//! | `serve`, `respond` | responses out of the store; `X-Cache`, `Cache-Status`, `Age`, our own pages |
//!
//! **A request is judged by what is read after its head is complete**; nothing that a verdict depends on is kept
//! between two requests of a connection. **Only a whole, correctly framed body is stored.**

mod body;
mod call;
mod clock;
mod collapse;
mod confirm;
mod counting;
mod edge;
mod flight;
mod follower;
mod forward;
mod hop;
mod interim;
mod io;
mod lookup;
mod origin;
mod relay;
mod request;
mod respond;
mod serve;
mod server;
mod store;
mod target;
mod world;

pub use clock::{Clock, SystemClock};
pub use edge::{Edge, EdgeOptions};
pub use follower::{Follower, FollowerOptions, PlaneUrl, PlaneUrlError};
pub use origin::{Network, NetworkError};
pub use world::World;
