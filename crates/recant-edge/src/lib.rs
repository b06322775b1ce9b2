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
//! | `server`, `io`, `http2` | viewer connections, their bounds, the drain |
//! | `strict` | requests whose bytes could be read in two ways |
//! | `tls` | the certificates that viewers are shown |
//! | `viewer`, `https` | what a connection says about its viewer; what only TLS may have |
//! | `target` | what a request is for; what could mean two things |
//! | `request`, `lookup` | the walk of one request; `Arrival`; what is stored for it |
//! | `follower` | [`Follower`]: what the plane's log brings, and the lease |
//! | `world` | [`World`]: tenants, distributions, rules, the view, the stamp |
//! | `brought` | what the log brings, folded into the world |
//! | `disk`, `recall` | what is kept for the next process: the log, stored responses; what is read back from there |
//! | `store` | stored responses |
//! | `matching` | which rules match a stored response |
//! | `counting` | how many of them an invalidation would take away |
//! | `sweep`, `removals`, `fetches` | the memory of the invalidated, and of rules that decide nothing any more, given back; how many each invalidation has taken away; what is still on its way |
//! | `changed`, `tags` | what is forgotten after a `POST`; the tags of a response, also through a shield |
//! | `shield` | an edge that others ask in an origin's place |
//! | `collapse`, `flight` | who asks the origin and who waits |
//! | `call`, `forward`, `keep`, `confirm`, `hop` | what goes to the origin, what of its response is kept, what of it goes to the viewer |
//! | `changed` | what a `POST` and its like take away |
//! | `origin`, `interim` | address policy, connections; 1xx |
//! | `upgrade` | connections that are left for another protocol |
//! | `coded` | bodies that the edge compresses |
//! | `files` | what is read of the files that options name, before anything starts |
//! | `body`, `relay` | bodies passing through, and into the store on the way |
//! | `error_page` | what stands in for an origin's error |
//! | `serve`, `respond` | responses out of the store; `X-Cache`, `Cache-Status`, `Age`, our own pages |
//!
//! **A request is judged by what is read after its head is complete**; nothing that a verdict depends on is kept
//! between two requests of a connection. **Only a whole, correctly framed body is stored.**

mod body;
mod brought;
mod call;
mod changed;
mod clock;
mod coded;
mod collapse;
mod confirm;
mod counting;
mod date;
mod disk;
mod edge;
mod error_page;
mod fetches;
mod files;
mod finish;
mod flight;
mod follower;
mod forward;
mod geo;
mod head_timer;
mod hop;
mod http2;
mod https;
mod interim;
mod io;
mod keep;
mod lookup;
mod matching;
mod max_forwards;
#[cfg(feature = "measuring")]
#[doc(hidden)]
pub mod measuring;
mod metrics;
mod origin;
mod recall;
mod relay;
mod removals;
mod request;
mod respond;
mod serve;
mod server;
mod shield;
mod stop;
mod store;
mod strict;
mod sweep;
mod tags;
mod target;
mod tls;
mod upgrade;
mod viewer;
mod viewer_fields;
mod world;

pub use clock::{Clock, SystemClock};
pub use disk::{DiskOptions, DiskUsage, FolderError};
pub use edge::{Edge, EdgeError, EdgeOptions, TlsOptions};
pub use files::EdgeFiles;
pub use follower::{Follower, FollowerOptions, PlaneUrl, PlaneUrlError};
pub use geo::GeoDatabaseError;
pub use origin::{Network, NetworkError, OriginCaError};
pub use shield::{ShieldAddress, ShieldAddressError, ShieldOptions};
pub use store::TenantUsage;
pub use sweep::SweepProgress;
pub use tls::{CertificateError, CertificatesError};
pub use world::World;

pub use recant_wire::feed::EdgeSecret;
