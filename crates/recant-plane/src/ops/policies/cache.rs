//! Cache policies as the API shows them, members in the model's order.

use std::time::Duration;

use http::HeaderName;
use recant_core::cache_policy::{CachePolicy, KeyParts, all_managed};
use recant_wire::document::Document;

use super::super::output::{boolean, structure, text};
use super::{Shown, names, selection};

/// Every managed one.
pub(super) fn managed() -> Vec<Shown> {
    let all = all_managed().iter();
    all.map(|it| super::managed(&it.policy.id, config(it.name, "", &it.policy))).collect()
}

/// `CachePolicyConfig`.
pub(super) fn config(name: &str, comment: &str, policy: &CachePolicy) -> Document {
    structure([
        ("Comment", text(comment)),
        ("Name", text(name)),
        ("DefaultTTL", seconds(policy.ttl.default)),
        ("MaxTTL", seconds(policy.ttl.max)),
        ("MinTTL", seconds(policy.ttl.min)),
        ("ParametersInCacheKeyAndForwardedToOrigin", Some(parameters(&policy.key))),
    ])
}

fn parameters(key: &KeyParts) -> Document {
    let listed =
        (!key.headers.is_empty()).then(|| names(key.headers.iter().map(HeaderName::as_str))).flatten();
    let behavior = if listed.is_some() { "whitelist" } else { "none" };
    let headers = structure([("HeaderBehavior", text(behavior)), ("Headers", listed)]);
    structure([
        ("EnableAcceptEncodingGzip", boolean(key.gzip)),
        ("EnableAcceptEncodingBrotli", boolean(key.brotli)),
        ("HeadersConfig", Some(headers)),
        ("CookiesConfig", selection("CookieBehavior", "Cookies", &key.cookies)),
        ("QueryStringsConfig", selection("QueryStringBehavior", "QueryStrings", &key.query)),
    ])
}

fn seconds(time: Duration) -> Option<Document> {
    Some(Document::Integer(i64::try_from(time.as_secs()).unwrap_or(i64::MAX)))
}
