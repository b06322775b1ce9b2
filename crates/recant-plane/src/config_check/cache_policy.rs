//! What a cache policy may ask.

use std::time::Duration;

use http::HeaderName;
use http::header::ACCEPT_ENCODING;
use recant_core::cache_policy::{CachePolicy, KeyParts, TtlBounds};
use recant_core::limits::TTL_SECONDS_MAX;
use recant_core::policy::{Policy, PolicyKind};
use recant_core::selection::Selection;
use recant_wire::document::Document;

use super::fields::Fields;
use super::policy::{
    NameList, NamedPolicy, header_names, is_cookie_name, is_parameter_name, name_and_comment, names_fit,
    names_of, selection,
};
use crate::error::{ApiError, PolicyList};

const DEFAULT_TTL_SECONDS: i64 = 86_400;
const MAX_TTL_SECONDS: i64 = 31_536_000;

/// Reads a `CachePolicyConfig`.
pub(super) fn cache_policy(id: &str, revision: &str, config: &Document) -> Result<NamedPolicy, ApiError> {
    let mut fields = Fields::of("CachePolicyConfig", config)?;
    let (name, comment) = name_and_comment(&mut fields)?;
    let ttl = ttl(&mut fields)?;
    let key = match fields.structure("ParametersInCacheKeyAndForwardedToOrigin")? {
        Some(parameters) => key(parameters, ttl.max.is_zero())?,
        None => KeyParts::default(),
    };
    fields.finish()?;
    let policy = Policy::Cache(CachePolicy::custom(id, revision, ttl, key));
    Ok(NamedPolicy { name, comment, policy })
}

/// `CachePolicyConfig` in the API reference: what is left out follows the greater of the service's default and what is said.
fn ttl(fields: &mut Fields<'_>) -> Result<TtlBounds, ApiError> {
    let range = || 0..=TTL_SECONDS_MAX;
    let min = fields.integer("MinTTL", range(), 0)?;
    let default = fields.integer("DefaultTTL", range(), min.max(DEFAULT_TTL_SECONDS))?;
    let max = fields.integer("MaxTTL", range(), default.max(MAX_TTL_SECONDS))?;
    for (member, less, more, than) in
        [("DefaultTTL", min, default, "MinTTL"), ("MaxTTL", default, max, "DefaultTTL")]
    {
        if less > more {
            return Err(fields.refuse(member, format_args!("{more} is less than {than}, {less}")));
        }
    }
    let [min, default, max] = [min, default, max].map(|it| Duration::from_secs(it.unsigned_abs()));
    Ok(TtlBounds { min, default, max })
}

fn key(mut fields: Fields<'_>, is_caching_disabled: bool) -> Result<KeyParts, ApiError> {
    let gzip = fields.boolean("EnableAcceptEncodingGzip").unwrap_or(false);
    let brotli = fields.boolean("EnableAcceptEncodingBrotli").unwrap_or(false);
    let mut key = KeyParts { gzip, brotli, ..KeyParts::default() };
    if let Some(headers) = fields.structure("HeadersConfig")? {
        key.headers = self::headers(headers, gzip || brotli)?;
    }
    if let Some(mut cookies) = fields.structure("CookiesConfig")? {
        let list = NameList {
            behavior: "CookieBehavior",
            names: "Cookies",
            kind: PolicyKind::Cache,
            list: PolicyList::Cookies,
        };
        key.cookies = selection(&mut cookies, &list, is_cookie_name)?;
        cookies.finish()?;
    }
    if let Some(mut query) = fields.structure("QueryStringsConfig")? {
        let list = NameList {
            behavior: "QueryStringBehavior",
            names: "QueryStrings",
            kind: PolicyKind::Cache,
            list: PolicyList::QueryStrings,
        };
        key.query = selection(&mut query, &list, is_parameter_name)?;
        query.finish()?;
    }
    if is_caching_disabled {
        // The service's own rule: a key of what is never stored would promise something.
        for (member, is_none) in [
            ("EnableAcceptEncodingGzip", !gzip),
            ("EnableAcceptEncodingBrotli", !brotli),
            ("HeadersConfig.HeaderBehavior", key.headers.is_empty()),
            ("CookiesConfig.CookieBehavior", key.cookies == Selection::None),
            ("QueryStringsConfig.QueryStringBehavior", key.query == Selection::None),
        ] {
            if !is_none {
                return Err(
                    fields.refuse(member, "it is invalid for a policy with caching disabled (MaxTTL 0)")
                );
            }
        }
    }
    let headers = key.headers.iter().map(HeaderName::as_str);
    let names = headers.chain(names_of(&key.cookies)).chain(names_of(&key.query));
    names_fit(&fields, "HeadersConfig", names)?;
    fields.finish()?;
    Ok(key)
}

fn headers(mut fields: Fields<'_>, normalises_codings: bool) -> Result<Vec<HeaderName>, ApiError> {
    let list = NameList {
        behavior: "HeaderBehavior",
        names: "Headers",
        kind: PolicyKind::Cache,
        list: PolicyList::Headers,
    };
    let (_, names) = list.read(&mut fields, &["whitelist"])?;
    let headers = header_names(&fields, &names)?;
    if normalises_codings && headers.contains(&ACCEPT_ENCODING) {
        let why =
            "'Accept-Encoding' is in the key by EnableAcceptEncodingGzip and EnableAcceptEncodingBrotli";
        return Err(fields.refuse("Headers", why));
    }
    fields.finish()?;
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(config: Value) -> Result<CachePolicy, ApiError> {
        let read = cache_policy("p", "E1", &Document::from(config))?;
        let Policy::Cache(policy) = read.policy else { panic!("{:?}", read.policy) };
        Ok(policy)
    }

    fn with(member: &str, value: Value) -> Value {
        let none = |behavior: &str| json!({behavior: "none"});
        let mut parameters = json!({
            "EnableAcceptEncodingGzip": false,
            "HeadersConfig": none("HeaderBehavior"),
            "CookiesConfig": none("CookieBehavior"),
            "QueryStringsConfig": none("QueryStringBehavior"),
        });
        parameters[member] = value;
        json!({"Name": "n", "MinTTL": 0, "ParametersInCacheKeyAndForwardedToOrigin": parameters})
    }

    fn listed(behavior: &str, word: &str, list: &str, names: &[&str]) -> Value {
        json!({behavior: word, list: {"Quantity": names.len(), "Items": names}})
    }

    #[test]
    fn lifetimes_have_defaults_and_an_order() {
        let check = |config: Value, expected: Result<[u64; 3], &str>| {
            let got = read(config.clone())
                .map(|it| [it.ttl.min, it.ttl.default, it.ttl.max].map(|it| it.as_secs()));
            let got = got.map_err(|error| error.to_string());
            assert_eq!(got, expected.map_err(|it| format!("CachePolicyConfig.{it}")), "{config}");
        };
        check(json!({"Name": "n", "MinTTL": 1}), Ok([1, 86_400, 31_536_000]));
        check(json!({"Name": "n", "MinTTL": 90_000}), Ok([90_000, 90_000, 31_536_000]));
        check(json!({"Name": "n", "MinTTL": 1, "DefaultTTL": 1, "MaxTTL": 1}), Ok([1, 1, 1]));
        check(
            json!({"Name": "n", "MinTTL": 2, "DefaultTTL": 1}),
            Err("DefaultTTL: 1 is less than MinTTL, 2."),
        );
        check(
            json!({"Name": "n", "MinTTL": 0, "DefaultTTL": 9, "MaxTTL": 8}),
            Err("MaxTTL: 8 is less than DefaultTTL, 9."),
        );
        check(json!({"Name": "n", "MinTTL": -1}), Err("MinTTL: -1 is not between 0 and 3153600000."));
    }

    #[test]
    fn what_is_in_the_key_is_read() {
        let headers = listed("HeaderBehavior", "whitelist", "Headers", &["Host", "X-Plan"]);
        let names: Vec<_> = read(with("HeadersConfig", headers)).unwrap().key.headers;
        assert_eq!(names, ["host", "x-plan"]);
        let cookies = listed("CookieBehavior", "allExcept", "Cookies", &["a"]);
        let policy = read(with("CookiesConfig", cookies)).unwrap();
        assert_eq!(policy.key.cookies, Selection::AllExcept(vec!["a".into()]));
        let query = json!({"QueryStringBehavior": "all"});
        assert_eq!(read(with("QueryStringsConfig", query)).unwrap().key.query, Selection::All);
        assert!(read(with("EnableAcceptEncodingBrotli", json!(true))).unwrap().key.brotli);
        assert_eq!(read(json!({"Name": "n", "MinTTL": 0})).unwrap().key, KeyParts::default());
    }

    #[test]
    fn what_is_not_right_is_refused_by_name() {
        let check = |config: Value, code: &str, name: &str| {
            let error = read(config.clone()).expect_err(name);
            assert_eq!(error.code().0, code, "{config}: {error}");
            assert!(error.to_string().contains(name), "{config}: {error}");
        };
        let headers =
            |names: &[&str]| with("HeadersConfig", listed("HeaderBehavior", "whitelist", "Headers", names));
        for name in ["Connection", "cookie", "Range", "If-None-Match", "a b", "CloudFront-Viewer-City", "X-*"]
        {
            check(headers(&[name]), "InvalidArgument", "HeadersConfig.Headers");
        }
        check(headers(&[]), "InvalidArgument", "HeadersConfig.Headers: 'whitelist' needs at least one name");
        check(headers(&["A", "a"]), "InvalidArgument", "'a' is listed twice");
        let many: Vec<String> = (0..11).map(|n| format!("h{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        check(headers(&many), "TooManyHeadersInCachePolicy", "headers");
        let cookies =
            |word, names: &[&str]| with("CookiesConfig", listed("CookieBehavior", word, "Cookies", names));
        check(cookies("all", &["a"]), "InvalidArgument", "CookiesConfig.Cookies: 'all' takes no names");
        check(cookies("whitelist", &["a;b"]), "InvalidArgument", "CookiesConfig.Cookies");
        check(cookies("whitelist", &many), "TooManyCookiesInCachePolicy", "cookies");
        let query = |names: &[&str]| {
            with("QueryStringsConfig", listed("QueryStringBehavior", "whitelist", "QueryStrings", names))
        };
        check(query(&["a&b"]), "InvalidArgument", "QueryStringsConfig.QueryStrings");
        check(query(&many), "TooManyQueryStringsInCachePolicy", "query strings");
        check(query(&["x".repeat(1_025).as_str()]), "InvalidArgument", "1024 bytes");
        let mut gzip = headers(&["Accept-Encoding"]);
        gzip["ParametersInCacheKeyAndForwardedToOrigin"]["EnableAcceptEncodingGzip"] = json!(true);
        check(gzip, "InvalidArgument", "'Accept-Encoding' is in the key");
        let mut disabled = query(&["a"]);
        disabled["DefaultTTL"] = json!(0);
        disabled["MaxTTL"] = json!(0);
        check(disabled, "InvalidArgument", "QueryStringsConfig.QueryStringBehavior: it is invalid");
        for name in ["", "a b", "é"] {
            check(json!({"Name": name, "MinTTL": 0}), "InvalidArgument", "CachePolicyConfig.Name");
        }
        let comment = json!({"Name": "n", "MinTTL": 0, "Comment": "x".repeat(129)});
        check(comment, "InvalidArgument", "CachePolicyConfig.Comment");
    }
}
