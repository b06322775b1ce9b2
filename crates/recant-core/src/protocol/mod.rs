//! The two halves of the protocol.

pub mod message;
