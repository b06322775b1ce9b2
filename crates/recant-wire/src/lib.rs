//! How it is spelled: the CloudFront API as data, REST-XML both ways, SigV4, the feed's frames.

pub mod feed;
pub mod sigv4;
