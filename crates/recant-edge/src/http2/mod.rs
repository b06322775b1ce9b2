//! HTTP/2 from viewers.
//!
//! ```text
//! connection ── its head complete ──▶ stream: translate ─ answer ─▶ reply: 1xx … then the response ─▶ writing, as the viewer takes it
//!     │ pings, the turn, the word to stop     ▲ content, as it comes                                       │
//!     └──────────────────────────────────────────────── turns: whose it is ◀───────────────────────────────────────┘
//! ```
//!
//! The frames are h2's. hyper's own server would do, but for two things that a proxy needs: it sends no informational responses, and
//! none when content is expected ([`Reply`] does both). Each request is a task of its own, which ends with its connection at the latest.
//!
//! h2 refuses malformed requests with a stream error: fields of one connection (`Connection`, `Transfer-Encoding`,
//! `Upgrade`, …), a `TE` other than `trailers`, an unknown, repeated, misplaced or missing pseudo-field, and a
//! `Content-Length` that is not the content's (RFC 9113 sections 8.1.1, 8.2 and 8.3). `target` refuses an authority other
//! than the `Host` field, and beside an authority a scheme that is not the connection's. h2 passes on neither a scheme without an authority nor
//! a fragment in the path, so those are not seen here.

mod connection;
mod content;
mod fields;
mod reply;
mod stream;
mod turns;

pub(crate) use connection::serve;
pub(crate) use content::Content;
use reply::Reply;
