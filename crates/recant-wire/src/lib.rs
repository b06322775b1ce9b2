//! How it is spelled: the CloudFront API as data, REST-XML both ways, SigV4, the feed's frames.
//!
//! The API is not code but a table ([`model`]): an operation has a method, a URI and two shapes. A [`Document`]
//! is a value of any shape. Everything else here brings the two together, for the client and for the plane alike.
//!
//! What it deliberately does not do: connections, retries, credentials, what an operation means.
//!
//! # The modules, in the order the data flows
//!
//! | module | owns the words |
//! |---|---|
//! | [`document`] | `Document`, `Members` |
//! | [`model`] | `Operation`, `Shape`, `Member`, `Route`, `Paginator`, `Waiter` |
//! | [`validate`] | what the AWS CLI says about an input before it sends it |
//! | [`request`], [`response`] | an input or output bound to method, path, query, headers and body, both ways |
//! | [`xml`] | a document as REST-XML, both ways |
//! | [`error`] | `ErrorDocument` |
//! | [`sigv4`] | one canonicalisation, for signing and for verifying |
//! | [`base64`], [`python`] | spellings that others need |
//! | [`feed`] | the frames and bodies of the log on its way to the edges |

pub mod base64;
pub mod document;
pub mod error;
pub mod feed;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
pub mod model;
pub mod python;
pub mod request;
pub mod response;
pub mod sigv4;
pub mod validate;
pub mod xml;

pub use document::{Document, Members};
