//! Origin request policies as the API shows them, members in the model's order.

use http::HeaderName;
use recant_core::origin_request_policy::{ForwardedHeaders, OriginRequestPolicy, all_managed};
use recant_wire::document::Document;

use super::super::output::{structure, text};
use super::{Shown, names, selection};

/// Every managed one.
pub(super) fn managed() -> Vec<Shown> {
    let all = all_managed().iter();
    all.map(|it| super::managed(&it.policy.id, config(it.name, "", &it.policy))).collect()
}

/// `OriginRequestPolicyConfig`.
pub(super) fn config(name: &str, comment: &str, policy: &OriginRequestPolicy) -> Document {
    structure([
        ("Comment", text(comment)),
        ("Name", text(name)),
        ("HeadersConfig", Some(headers(&policy.headers))),
        ("CookiesConfig", selection("CookieBehavior", "Cookies", &policy.cookies)),
        ("QueryStringsConfig", selection("QueryStringBehavior", "QueryStrings", &policy.query)),
    ])
}

fn headers(headers: &ForwardedHeaders) -> Document {
    let behavior = match headers {
        ForwardedHeaders::None => "none",
        ForwardedHeaders::Only(_) => "whitelist",
        ForwardedHeaders::AllViewer => "allViewer",
        ForwardedHeaders::AllViewerAnd(_) => "allViewerAndWhitelistCloudFront",
        ForwardedHeaders::AllExcept(_) => "allExcept",
    };
    let listed = headers.names();
    let listed = (!listed.is_empty()).then(|| names(listed.iter().map(HeaderName::as_str))).flatten();
    structure([("HeaderBehavior", text(behavior)), ("Headers", listed)])
}
