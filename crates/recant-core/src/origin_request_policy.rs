//! The managed origin request policies: what of a viewer's request goes to the origin although the key does not tell
//! it apart.
//!
//! Without one, a request that may be stored carries what is in its key and nothing else ([`crate::cache_key`]). With
//! one, whoever wrote the configuration answers for it that the origin says by `Vary` what it looked at.
//!
//! Ids and settings: CloudFront Developer Guide, "Use managed origin request policies".

/// What goes to the origin beside what is in the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OriginRequestPolicy {
    /// Every field, cookie and query parameter of the viewer, with its `Host`.
    AllViewer,
    /// The same, with the origin's own `Host`.
    AllViewerExceptHost,
}

/// The managed policy of this id, if this version knows it.
pub fn managed(id: &str) -> Option<OriginRequestPolicy> {
    match id {
        // Managed-AllViewer.
        "216adef6-5c7f-47e4-b989-5492eafa07d3" => Some(OriginRequestPolicy::AllViewer),
        // Managed-AllViewerExceptHostHeader.
        "b689b0a8-53d0-40ab-baf2-68738e2966ac" => Some(OriginRequestPolicy::AllViewerExceptHost),
        _ => None,
    }
}
