//! The spelling, held to what others write.

#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod feed;
mod round_trip;
mod sigv4;
mod xml;
