//! The feed between plane and edges, over HTTP/1.1.
//!
//! An edge opens `GET` [`FEED_PATH`], naming the place it has applied up to ([`resume`]), and reads a body that never ends:
//! [`frames`]. It posts heartbeats to [`HEARTBEAT_PATH`]: [`heartbeat`], and answers to questions: [`question`]. What an entry says is
//! spelled by [`body`].
//! Both calls carry the edges' shared secret: [`secret`]. The exact formats stand in docs/design/formats.md.
//!
//! What it deliberately does not do: open connections, decide what follows a `Hello`, apply entries.

pub mod body;
pub mod frames;
pub mod heartbeat;
pub mod question;
pub mod resume;
pub mod secret;

pub use frames::{Frame, FrameDecoder, FrameEncoder, FrameError, PREAMBLE};
pub use secret::EdgeSecret;

/// Where an edge posts its heartbeats.
pub const HEARTBEAT_PATH: &str = "/recant/v1/edges/heartbeat";

/// Where an edge opens its feed.
pub const FEED_PATH: &str = "/recant/v1/edges/feed";

/// The media type of the feed's body.
pub const FEED_CONTENT_TYPE: &str = "application/vnd.recant.feed";
