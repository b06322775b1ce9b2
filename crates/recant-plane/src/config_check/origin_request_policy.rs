//! What an origin request policy may ask.

use http::HeaderName;
use http::header::{ACCEPT_ENCODING, AUTHORIZATION};
use recant_core::origin_request_policy::{ForwardedHeaders, OriginRequestPolicy};
use recant_core::policy::{Policy, PolicyKind};
use recant_core::viewer_fields::ViewerField;
use recant_wire::document::Document;

use super::fields::Fields;
use super::policy::{
    NameList, NamedPolicy, header_names, is_cookie_name, is_parameter_name, name_and_comment, names_fit,
    names_of, selection,
};
use crate::error::{ApiError, PolicyList, excerpt};

const KIND: PolicyKind = PolicyKind::OriginRequest;

/// Reads an `OriginRequestPolicyConfig`.
pub(super) fn origin_request_policy(
    id: &str,
    revision: &str,
    config: &Document,
) -> Result<NamedPolicy, ApiError> {
    let mut fields = Fields::of("OriginRequestPolicyConfig", config)?;
    let (name, comment) = name_and_comment(&mut fields)?;
    let headers = headers(fields.required_structure("HeadersConfig")?)?;
    let mut cookies = fields.required_structure("CookiesConfig")?;
    let list =
        NameList { behavior: "CookieBehavior", names: "Cookies", kind: KIND, list: PolicyList::Cookies };
    let chosen_cookies = selection(&mut cookies, &list, is_cookie_name)?;
    cookies.finish()?;
    let mut query = fields.required_structure("QueryStringsConfig")?;
    let list = NameList {
        behavior: "QueryStringBehavior",
        names: "QueryStrings",
        kind: KIND,
        list: PolicyList::QueryStrings,
    };
    let chosen_query = selection(&mut query, &list, is_parameter_name)?;
    query.finish()?;
    let names = headers.names().iter().map(HeaderName::as_str);
    let names = names.chain(names_of(&chosen_cookies)).chain(names_of(&chosen_query));
    names_fit(&fields, "HeadersConfig", names)?;
    fields.finish()?;
    let policy = OriginRequestPolicy {
        id: id.to_owned(),
        revision: revision.to_owned(),
        headers,
        cookies: chosen_cookies,
        query: chosen_query,
    };
    Ok(NamedPolicy { name, comment, policy: Policy::OriginRequest(policy) })
}

fn headers(mut fields: Fields<'_>) -> Result<ForwardedHeaders, ApiError> {
    let list =
        NameList { behavior: "HeaderBehavior", names: "Headers", kind: KIND, list: PolicyList::Headers };
    let with_names = ["whitelist", "allViewerAndWhitelistCloudFront", "allExcept"];
    let (behavior, names) = list.read(&mut fields, &with_names)?;
    let refuse = |name: &HeaderName, why: &str| {
        Err(fields.refuse("Headers", format_args!("'{}' {why}", excerpt(name.as_str()))))
    };
    let headers = match behavior {
        "none" => ForwardedHeaders::None,
        "allViewer" => ForwardedHeaders::AllViewer,
        "whitelist" => {
            let names = header_names(&fields, &names)?;
            // The service's own rules: what a viewer accepts is told in the key's spelling, and who asks is the cache's business.
            if let Some(name) = names.iter().find(|it| [ACCEPT_ENCODING, AUTHORIZATION].contains(it)) {
                return refuse(name, "is not for an origin request policy to list");
            }
            ForwardedHeaders::Only(names)
        }
        "allViewerAndWhitelistCloudFront" => {
            let names = header_names(&fields, &names)?;
            if let Some(name) = names.iter().find(|name| ViewerField::of(name).is_none()) {
                return refuse(name, "is not one that CloudFront makes");
            }
            ForwardedHeaders::AllViewerAnd(names)
        }
        "allExcept" => {
            let read = |text: &String| {
                HeaderName::try_from(text.as_str()).map_err(|_| {
                    fields.refuse("Headers", format_args!("'{}' is not the name of a header", excerpt(text)))
                })
            };
            ForwardedHeaders::AllExcept(names.iter().map(read).collect::<Result<_, _>>()?)
        }
        _ => return Err(fields.refuse("HeaderBehavior", "none, allViewer, or one that lists headers")),
    };
    fields.finish()?;
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(headers: Value) -> Result<ForwardedHeaders, ApiError> {
        let config = json!({
            "Name": "n",
            "HeadersConfig": headers,
            "CookiesConfig": {"CookieBehavior": "none"},
            "QueryStringsConfig": {"QueryStringBehavior": "all"},
        });
        let read = origin_request_policy("p", "E1", &Document::from(config))?;
        let Policy::OriginRequest(policy) = read.policy else { panic!("{:?}", read.policy) };
        Ok(policy.headers)
    }

    fn listing(behavior: &str, names: &[&str]) -> Value {
        json!({"HeaderBehavior": behavior, "Headers": {"Quantity": names.len(), "Items": names}})
    }

    #[test]
    fn headers_are_chosen_in_five_ways() {
        let name = HeaderName::from_static;
        let check = |value: Value, expected: ForwardedHeaders| assert_eq!(read(value).unwrap(), expected);
        check(json!({"HeaderBehavior": "none"}), ForwardedHeaders::None);
        check(json!({"HeaderBehavior": "allViewer"}), ForwardedHeaders::AllViewer);
        let both = ["X-A", "CloudFront-Viewer-Address"];
        let names = vec![name("x-a"), name("cloudfront-viewer-address")];
        check(listing("whitelist", &both), ForwardedHeaders::Only(names));
        check(
            listing("allViewerAndWhitelistCloudFront", &["CloudFront-Forwarded-Proto"]),
            ForwardedHeaders::AllViewerAnd(vec![name("cloudfront-forwarded-proto")]),
        );
        check(listing("allExcept", &["Host"]), ForwardedHeaders::AllExcept(vec![name("host")]));
    }

    #[test]
    fn what_cannot_be_told_is_refused_by_name() {
        let check = |value: Value, code: &str, name: &str| {
            let error = read(value.clone()).expect_err(name);
            assert_eq!(error.code().0, code, "{value}: {error}");
            assert!(error.to_string().contains(name), "{value}: {error}");
        };
        let argument = "InvalidArgument";
        check(listing("whitelist", &["Accept-Encoding"]), argument, "Headers: 'accept-encoding'");
        check(listing("whitelist", &["Authorization"]), argument, "Headers: 'authorization'");
        check(listing("whitelist", &["CloudFront-Viewer-City"]), argument, "'CloudFront-Viewer-City'");
        check(listing("whitelist", &["Connection"]), argument, "'Connection'");
        check(listing("allViewerAndWhitelistCloudFront", &["X-A"]), argument, "'x-a'");
        check(listing("allExcept", &["a b"]), argument, "'a b'");
        check(listing("allExcept", &[]), argument, "'allExcept' needs at least one name");
        check(listing("allViewer", &["a"]), argument, "'allViewer' takes no names");
        let many: Vec<String> = (0..11).map(|n| format!("h{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        check(listing("whitelist", &many), "TooManyHeadersInOriginRequestPolicy", "headers");
    }
}
