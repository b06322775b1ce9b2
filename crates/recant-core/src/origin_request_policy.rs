//! Origin request policies: what of a viewer's request goes to the origin although the key does not tell it apart.
//!
//! Without one, a request that may be stored carries what is in its key and nothing else ([`crate::cache_key`]). With
//! one, whoever wrote the configuration answers for it that the origin says by `Vary` what it looked at. What the key tells apart
//! goes to the origin in any case.
//!
//! Managed ones are known by id, custom ones travel in the behaviours that name them ([`crate::spec::BehaviorSpec`]).
//!
//! Ids and settings: CloudFront Developer Guide, "Use managed origin request policies". `AllViewerAndCloudFrontHeaders-2022-06` is not
//! among them: of most that it lists an edge knows nothing ([`crate::viewer_fields`]).

use std::sync::LazyLock;

use http::HeaderName;
use http::header::{
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HOST, ORIGIN, REFERER, USER_AGENT,
};
use serde::{Deserialize, Serialize};

use crate::selection::{Selection, header_names};
use crate::viewer_fields::is_reserved;

/// What goes to the origin beside what is in the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OriginRequestPolicy {
    /// The id that a behaviour names it by.
    pub id: String,
    /// The entity tag of the configuration that this is; empty for a managed policy, which never changes.
    pub revision: String,
    /// The header fields, but for `Cookie`.
    pub headers: ForwardedHeaders,
    /// The cookies.
    pub cookies: Selection,
    /// The query parameters.
    pub query: Selection,
}

/// Which of a viewer's header fields go to the origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ForwardedHeaders {
    /// None.
    None,
    /// These (`whitelist`).
    Only(#[serde(with = "header_names")] Vec<HeaderName>),
    /// All that the viewer sent (`allViewer`).
    AllViewer,
    /// All that the viewer sent, and of those that an edge makes these (`allViewerAndWhitelistCloudFront`).
    AllViewerAnd(#[serde(with = "header_names")] Vec<HeaderName>),
    /// All that the viewer sent but these (`allExcept`).
    AllExcept(#[serde(with = "header_names")] Vec<HeaderName>),
}

impl ForwardedHeaders {
    /// The names that it lists, to be forwarded or not.
    pub fn names(&self) -> &[HeaderName] {
        match self {
            Self::Only(names) | Self::AllViewerAnd(names) | Self::AllExcept(names) => names,
            Self::None | Self::AllViewer => &[],
        }
    }

    /// Whether a field of this name goes to the origin.
    pub fn takes(&self, name: &HeaderName) -> bool {
        match self {
            Self::None => false,
            Self::Only(names) => names.contains(name),
            Self::AllViewer => !is_reserved(name),
            Self::AllViewerAnd(names) => !is_reserved(name) || names.contains(name),
            Self::AllExcept(names) => !is_reserved(name) && !names.contains(name),
        }
    }
}

/// A policy that is there without anybody having made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Managed {
    /// Its public name.
    pub name: &'static str,
    /// What it says.
    pub policy: OriginRequestPolicy,
}

/// The managed policy of this id, if this version knows it.
pub fn managed(id: &str) -> Option<&'static OriginRequestPolicy> {
    MANAGED.iter().map(|managed| &managed.policy).find(|policy| policy.id == id)
}

/// Every managed policy that this version knows, in the order of their ids.
pub fn all_managed() -> &'static [Managed] {
    MANAGED.as_slice()
}

static MANAGED: LazyLock<[Managed; 7]> = LazyLock::new(|| {
    let cors = [ORIGIN, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD];
    let media_tailor =
        [USER_AGENT, HeaderName::from_static("x-forwarded-for")].into_iter().chain(cors.clone());
    let only = |names: &[HeaderName]| ForwardedHeaders::Only(names.to_vec());
    let none = || Selection::None;
    [
        fixed(
            "216adef6-5c7f-47e4-b989-5492eafa07d3",
            "Managed-AllViewer",
            ForwardedHeaders::AllViewer,
            Selection::All,
            Selection::All,
        ),
        fixed(
            "59781a5b-3903-41f3-afcb-af62929ccde1",
            "Managed-CORS-CustomOrigin",
            only(&[ORIGIN]),
            none(),
            none(),
        ),
        fixed(
            "775133bc-15f2-49f9-abea-afb2e0bf67d2",
            "Managed-Elemental-MediaTailor-PersonalizedManifests",
            ForwardedHeaders::Only(media_tailor.collect()),
            none(),
            Selection::All,
        ),
        fixed("88a5eaf4-2fd4-4709-b370-b4c650ea3fcf", "Managed-CORS-S3Origin", only(&cors), none(), none()),
        fixed(
            "acba4595-bd28-49b8-b9fe-13317c0390fa",
            "Managed-UserAgentRefererHeaders",
            only(&[USER_AGENT, REFERER]),
            none(),
            none(),
        ),
        fixed(
            "b689b0a8-53d0-40ab-baf2-68738e2966ac",
            "Managed-AllViewerExceptHostHeader",
            ForwardedHeaders::AllExcept(vec![HOST]),
            Selection::All,
            Selection::All,
        ),
        fixed(
            "bf0718e1-ba1e-49d1-88b1-f726733018ae",
            "Managed-HostHeaderOnly",
            only(&[HOST]),
            none(),
            none(),
        ),
    ]
});

fn fixed(
    id: &str,
    name: &'static str,
    headers: ForwardedHeaders,
    cookies: Selection,
    query: Selection,
) -> Managed {
    let policy = OriginRequestPolicy { id: id.into(), revision: String::new(), headers, cookies, query };
    Managed { name, policy }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_fields_go_to_the_origin() {
        let name = |name: &'static str| HeaderName::from_static(name);
        let check = |headers: ForwardedHeaders, expected: [bool; 3]| {
            let got = ["x-a", "x-b", "cloudfront-viewer-address"].map(|it| headers.takes(&name(it)));
            assert_eq!(got, expected, "{headers:?}");
        };
        let address = || name("cloudfront-viewer-address");
        check(ForwardedHeaders::None, [false, false, false]);
        check(ForwardedHeaders::Only(vec![name("x-a"), address()]), [true, false, true]);
        check(ForwardedHeaders::AllViewer, [true, true, false]);
        check(ForwardedHeaders::AllViewerAnd(vec![address()]), [true, true, true]);
        check(ForwardedHeaders::AllExcept(vec![name("x-a")]), [false, true, false]);
    }

    #[test]
    fn managed_policies_are_known_by_id() {
        for Managed { name, policy } in all_managed() {
            assert_eq!(managed(&policy.id), Some(policy), "{name}");
            let text = serde_json::to_string(policy).unwrap();
            assert_eq!(&serde_json::from_str::<OriginRequestPolicy>(&text).unwrap(), policy);
        }
        assert!(all_managed().is_sorted_by_key(|managed| &managed.policy.id));
        assert_eq!(managed("216ADEF6-5C7F-47E4-B989-5492EAFA07D3"), None);
    }
}
