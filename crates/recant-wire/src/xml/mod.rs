//! REST-XML: a document of a shape as XML text, and back.
//!
//! One writer and one reader serve the client and the plane. What differs is said by a word: the [`Order`] of
//! members when writing, and how much is forgiven when reading. The plane reads strictly ([`decode()`]) and says which
//! element is wrong and how; the client reads what the AWS SDKs would ([`decode_lenient`]).
//!
//! When reading, elements come in any order, unknown ones are skipped, attributes, prefixes and namespaces are
//! ignored, and comments and processing instructions too. A document type is refused, since nothing that a service or
//! an SDK sends has one; size, depth and number of elements are bounded.

mod decode;
mod encode;
mod tree;

pub(crate) use decode::scalar as read_scalar;
pub use decode::{XmlError, decode, decode_lenient, is_legal};
pub(crate) use encode::scalar as write_scalar;
pub use encode::{EncodeError, Order, encode};
pub(crate) use tree::Element;

/// What CloudFront sends in front of every response's document.
pub const DECLARATION: &str = "<?xml version=\"1.0\"?>\n";
