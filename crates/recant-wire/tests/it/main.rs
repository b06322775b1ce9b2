//! The spelling, held to what others write.

mod feed;
mod sigv4;
