//! What a distribution's configuration may ask.

use recant_core::id::DistributionId;
use recant_core::limits::{
    BEHAVIORS_PER_DISTRIBUTION_MAX, CALLER_REFERENCE_BYTES_MAX, COMMENT_CHARS_MAX, ORIGIN_PATH_CHARS_MAX,
    ORIGINS_PER_DISTRIBUTION_MAX,
};
use recant_core::path_pattern::PathPattern;
use recant_core::spec::{DistributionSpec, PathBehavior};
use recant_wire::document::Document;

use super::fields::Fields;
use super::policies::Policies;
use super::surroundings::Surroundings;
use super::{behavior, connection_mode, failing, geo, origin, parameters};
use crate::error::{ApiError, excerpt};

/// A configuration that this version honours.
#[derive(Clone, Debug)]
pub(crate) struct Distribution {
    /// The caller's name for the create.
    pub(crate) caller_reference: String,
    /// What edges need of it.
    pub(crate) spec: DistributionSpec,
}

/// Reads a `DistributionConfig` for the distribution that shall have this id.
///
/// # Errors
/// [`ApiError`] names the first member that is not right or not honoured.
pub(crate) fn distribution(
    id: DistributionId,
    config: &Document,
    around: Surroundings<'_>,
) -> Result<Distribution, ApiError> {
    let definitions = parameters::definitions(config)?;
    let mut fields = Fields::of("DistributionConfig", config)?;
    let caller_reference = caller_reference(&mut fields)?;
    let direct = connection_mode::direct(&mut fields, around.endpoint)?;
    comment(&mut fields)?;
    let enabled = fields.boolean("Enabled").unwrap_or(false);

    let mut origins = Vec::new();
    for (path, item) in fields.items("Origins")? {
        origins.push(origin::origin(&path, item, &definitions, around.shield_regions)?);
    }
    if origins.len() > ORIGINS_PER_DISTRIBUTION_MAX {
        return Err(ApiError::TooManyOrigins { limit: ORIGINS_PER_DISTRIBUTION_MAX });
    }
    if let Some(twice) =
        origins.iter().enumerate().find(|(at, it)| origins[..*at].iter().any(|o| o.id == it.id))
    {
        return Err(fields.refuse("Origins", format_args!("two origins have the Id '{}'", twice.1.id)));
    }
    let origin_groups = failing::origin_groups(&mut fields, &origins)?;
    let custom_errors = failing::custom_errors(&mut fields)?;
    let behavior = fields.required_structure("DefaultCacheBehavior")?;
    let targets = origins.iter().map(|origin| &origin.id).chain(origin_groups.iter().map(|group| &group.id));
    let targets: Vec<&str> = targets.map(String::as_str).collect();
    let default_behavior = behavior::behavior(behavior, &targets, around.policies)?;
    let path_behaviors = path_behaviors(&mut fields, &targets, around.policies)?;
    let default_root_object = default_root_object(&mut fields)?;
    let cache_tag_header = cache_tag_header(&mut fields)?;

    // HTTP/3 would have to be advertised to viewers. The default is HTTP/2 (CreateDistribution in the API reference).
    let http2 = fields.one_of("HttpVersion", &["http1.1", "http2"])? != Some("http1.1");
    let geo = geo::restrictions(&mut fields)?;
    default_certificate(&mut fields)?;
    fields.finish()?;

    let parameter_defaults = definitions.defaults();
    let spec = DistributionSpec {
        id,
        enabled,
        default_root_object,
        origins,
        path_behaviors,
        default_behavior,
        cache_tag_header,
        parameter_defaults,
        http2,
        geo,
        origin_groups,
        custom_errors,
        direct,
    };
    Ok(Distribution { caller_reference, spec })
}

fn path_behaviors(
    fields: &mut Fields<'_>,
    targets: &[&str],
    policies: &Policies,
) -> Result<Vec<PathBehavior>, ApiError> {
    let items = fields.items("CacheBehaviors")?;
    if items.len() > BEHAVIORS_PER_DISTRIBUTION_MAX {
        return Err(ApiError::TooManyCacheBehaviors { limit: BEHAVIORS_PER_DISTRIBUTION_MAX });
    }
    let mut behaviors: Vec<PathBehavior> = Vec::with_capacity(items.len());
    for (path, item) in items {
        let mut fields = Fields::of(&path, item)?;
        let text = fields.required_text("PathPattern")?;
        let pattern = PathPattern::parse(text)
            .map_err(|why| fields.refuse("PathPattern", format_args!("'{}': {why}", excerpt(text))))?;
        if behaviors.iter().any(|earlier| earlier.pattern.is_same(&pattern)) {
            let why = format_args!("an earlier behavior has the pattern '{}'", excerpt(text));
            return Err(fields.refuse("PathPattern", why));
        }
        behaviors.push(PathBehavior { pattern, behavior: behavior::behavior(fields, targets, policies)? });
    }
    Ok(behaviors)
}

fn caller_reference(fields: &mut Fields<'_>) -> Result<String, ApiError> {
    let text = fields.required_text("CallerReference")?;
    if text.is_empty() || text.len() > CALLER_REFERENCE_BYTES_MAX {
        let why = format_args!("a caller reference has 1 to {CALLER_REFERENCE_BYTES_MAX} bytes");
        return Err(fields.refuse("CallerReference", why));
    }
    Ok(text.to_owned())
}

fn comment(fields: &mut Fields<'_>) -> Result<(), ApiError> {
    let comment = fields.text("Comment").unwrap_or_default();
    if comment.chars().count() > COMMENT_CHARS_MAX {
        return Err(
            fields.refuse("Comment", format_args!("a comment has at most {COMMENT_CHARS_MAX} characters"))
        );
    }
    Ok(())
}

fn default_root_object(fields: &mut Fields<'_>) -> Result<Option<String>, ApiError> {
    let Some(object) = fields.text("DefaultRootObject").filter(|object| !object.is_empty()) else {
        return Ok(None);
    };
    if object.starts_with('/') || object.chars().count() > ORIGIN_PATH_CHARS_MAX {
        let why = format_args!("a name without leading slash, at most {ORIGIN_PATH_CHARS_MAX} characters");
        return Err(fields.refuse("DefaultRootObject", why));
    }
    if let Some(why) = origin::path_text_problem(object) {
        return Err(fields.refuse("DefaultRootObject", why));
    }
    Ok(Some(object.to_owned()))
}

fn cache_tag_header(fields: &mut Fields<'_>) -> Result<Option<String>, ApiError> {
    let Some(mut config) = fields.structure("CacheTagConfig")? else { return Ok(None) };
    let name = config.required_text("HeaderName")?;
    let Ok(name) = http::HeaderName::try_from(name) else {
        return Err(config.refuse("HeaderName", "not the name of a header"));
    };
    config.finish()?;
    Ok(Some(name.as_str().to_owned()))
}

/// `ViewerCertificate` as the service itself prints it for a distribution without one.
fn default_certificate(fields: &mut Fields<'_>) -> Result<(), ApiError> {
    let Some(mut certificate) = fields.structure("ViewerCertificate")? else { return Ok(()) };
    if certificate.boolean("CloudFrontDefaultCertificate") == Some(true) {
        certificate.one_of("SSLSupportMethod", &["vip", "sni-only"])?;
        certificate.one_of("MinimumProtocolVersion", &["TLSv1"])?;
        certificate.one_of("CertificateSource", &["cloudfront"])?;
    }
    certificate.finish()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use recant_core::spec::ViewerProtocol;

    use super::*;

    fn config() -> Value {
        json!({
            "CallerReference": "c",
            "Comment": "",
            "Enabled": true,
            "ConnectionMode": "tenant-only",
            "TenantConfig": {"ParameterDefinitions": [
                {"Name": "zone", "Definition": {"StringSchema": {"Required": true, "Comment": "where"}}},
                {"Name": "path", "Definition": {"StringSchema": {"Required": false, "DefaultValue": "p"}}},
            ]},
            "Origins": {"Quantity": 1, "Items": [{
                "Id": "o",
                "DomainName": "{{zone}}.origin.test",
                "OriginPath": "/{{path}}",
                "CustomHeaders": {"Quantity": 1, "Items": [{"HeaderName": "X-A", "HeaderValue": "1"}]},
                "CustomOriginConfig": {
                    "HTTPPort": 8000, "HTTPSPort": 443, "OriginProtocolPolicy": "http-only",
                    "OriginSslProtocols": {"Quantity": 1, "Items": ["TLSv1.2"]}
                },
                "OriginShield": {"Enabled": false}
            }]},
            "DefaultCacheBehavior": {
                "TargetOriginId": "o",
                "ViewerProtocolPolicy": "allow-all",
                "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6"
            },
            "CacheTagConfig": {"HeaderName": "X-Tags"}
        })
    }

    /// The configuration with the value at `pointer` replaced or added.
    fn with(pointer: &str, value: Value) -> Result<Distribution, ApiError> {
        let mut config = config();
        let (parent, name) = pointer.rsplit_once('/').expect("a pointer has a slash");
        config.pointer_mut(parent).expect("the parent is there")[name] = value;
        let id = DistributionId::parse("E1").unwrap();
        distribution(id, &Document::from(config), Surroundings::none())
    }

    /// `CacheBehaviors` of these patterns.
    fn behaviors(patterns: &[&str]) -> Value {
        let items: Vec<Value> = patterns
            .iter()
            .map(|pattern| {
                json!({
                    "PathPattern": pattern,
                    "TargetOriginId": "o",
                    "ViewerProtocolPolicy": "https-only",
                    "CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
                })
            })
            .collect();
        json!({"Quantity": items.len(), "Items": items})
    }

    #[test]
    fn behaviors_on_paths_are_read_in_order() {
        let spec = with("/CacheBehaviors", behaviors(&["b/*.png", "/b/*"])).unwrap().spec;
        let of = |path| spec.behavior_index(path);
        assert_eq!([of("/b/x.png"), of("/b/x"), of("/a")], [Some(0), Some(1), None]);
        assert_eq!(spec.behavior_of("/b/x").viewer_protocol, ViewerProtocol::HttpsOnly);
        assert_eq!(spec.behavior_of("/a").viewer_protocol, ViewerProtocol::AllowAll);

        let check = |value: Value, code: &str, message: &str| {
            let error = with("/CacheBehaviors", value).expect_err(message);
            assert_eq!(error.code().0, code, "{error}");
            assert!(error.to_string().starts_with(message), "{error}");
        };
        let item = "DistributionConfig.CacheBehaviors.Items[0]";
        check(behaviors(&["/a b"]), "InvalidArgument", &format!("{item}.PathPattern: '/a b'"));
        check(
            behaviors(&["a*", "/a*"]),
            "InvalidArgument",
            "DistributionConfig.CacheBehaviors.Items[1].PathPattern: an earlier behavior",
        );
        let many: Vec<String> = (0..76).map(|n| format!("/{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        check(behaviors(&many), "TooManyCacheBehaviors", "Your request contains more cache behaviors");
        let mut other = behaviors(&["/a"]);
        other["Items"][0]["TargetOriginId"] = json!("none");
        check(other, "NoSuchOrigin", &format!("{item}.TargetOriginId"));
        let mut other = behaviors(&["/a"]);
        other["Items"][0]["SmoothStreaming"] = json!(true);
        check(other, "InvalidArgument", &format!("{item}.SmoothStreaming"));
    }

    #[test]
    fn what_edges_need_is_read() {
        let spec = with("/Comment", json!("x")).unwrap().spec;
        assert_eq!(spec.origins[0].http_port, 8000);
        assert_eq!(spec.origins[0].custom_headers, [("x-a".to_owned(), "1".to_owned())]);
        assert_eq!(spec.cache_tag_header.as_deref(), Some("x-tags"));
        assert_eq!(spec.parameter_defaults.get("path").map(String::as_str), Some("p"));
        assert_eq!(spec.default_behavior.allowed_methods, ["GET", "HEAD"]);
        assert_eq!(spec.default_behavior.cached_methods, ["GET", "HEAD"]);
        let methods = |cached: &[&str]| {
            let items = ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"];
            let cached = json!({"Quantity": cached.len(), "Items": cached});
            let value = json!({"Quantity": 7, "Items": items, "CachedMethods": cached});
            with("/DefaultCacheBehavior/AllowedMethods", value)
                .map(|it| it.spec.default_behavior.cached_methods)
        };
        assert_eq!(methods(&["HEAD", "GET"]).unwrap(), ["GET", "HEAD"]);
        assert_eq!(methods(&["OPTIONS", "HEAD", "GET"]).unwrap(), ["GET", "HEAD", "OPTIONS"]);
        for wrong in [&["GET"][..], &["GET", "HEAD", "POST"], &["GET", "OPTIONS"]] {
            let error = methods(wrong).expect_err("no set that CloudFront knows").to_string();
            assert!(error.contains("AllowedMethods.CachedMethods.Items: "), "{error}");
        }
        assert!(!spec.default_behavior.compress);
        assert!(with("/DefaultCacheBehavior/Compress", json!(true)).unwrap().spec.default_behavior.compress);
        assert!(spec.http2 && !with("/HttpVersion", json!("http1.1")).unwrap().spec.http2);
    }

    #[test]
    fn old_versions_of_tls_are_refused_where_tls_is_spoken() {
        for policy in ["https-only", "match-viewer"] {
            let mut config = config();
            let custom =
                config.pointer_mut("/Origins/Items/0/CustomOriginConfig").expect("the parent is there");
            custom["OriginProtocolPolicy"] = json!(policy);
            custom["OriginSslProtocols"] = json!({"Quantity": 2, "Items": ["TLSv1.2", "TLSv1.1"]});
            let id = DistributionId::parse("E1").unwrap();
            let error = distribution(id, &Document::from(config), Surroundings::none()).expect_err(policy);
            assert_eq!(
                error.to_string(),
                "DistributionConfig.Origins.Items[0].CustomOriginConfig.OriginSslProtocols.Items: 'TLSv1.1' is not \
                 honoured by this version; it takes TLSv1.2, which stands for TLSv1.3 too.",
                "{policy}"
            );
        }
    }

    #[test]
    fn what_asks_for_nothing_is_accepted() {
        let nothing = json!({"Quantity": 0});
        for (pointer, value) in [
            ("/Aliases", nothing.clone()),
            ("/CacheBehaviors", nothing.clone()),
            ("/CacheBehaviors", behaviors(&["/a*", "b/*"])),
            ("/CustomErrorResponses", nothing.clone()),
            ("/OriginGroups", nothing.clone()),
            ("/Logging", json!({"Enabled": false, "IncludeCookies": false, "Bucket": "", "Prefix": ""})),
            ("/WebACLId", json!("")),
            ("/HttpVersion", json!("http2")),
            ("/Restrictions", json!({"GeoRestriction": {"RestrictionType": "none", "Quantity": 0}})),
            (
                "/ViewerCertificate",
                json!({"CloudFrontDefaultCertificate": true, "MinimumProtocolVersion": "TLSv1"}),
            ),
            ("/Staging", json!(false)),
            ("/DefaultCacheBehavior/Compress", json!(false)),
            ("/DefaultCacheBehavior/TrustedSigners", json!({"Enabled": false, "Quantity": 0})),
            ("/DefaultCacheBehavior/FieldLevelEncryptionId", json!("")),
            ("/DefaultCacheBehavior/AllowedMethods", json!({"Quantity": 2, "Items": ["HEAD", "GET"]})),
            ("/Origins/Items/0/CustomOriginConfig/OriginProtocolPolicy", json!("match-viewer")),
            ("/Origins/Items/0/CustomOriginConfig/OriginProtocolPolicy", json!("https-only")),
            (
                "/Origins/Items/0/CustomOriginConfig/OriginSslProtocols",
                json!({"Quantity": 1, "Items": ["TLSv1"]}),
            ),
            ("/DefaultCacheBehavior/ViewerProtocolPolicy", json!("redirect-to-https")),
            ("/DefaultCacheBehavior/ViewerProtocolPolicy", json!("https-only")),
            ("/Origins/Items/0/S3OriginConfig", json!({"OriginAccessIdentity": ""})),
        ] {
            assert!(with(pointer, value.clone()).is_ok(), "{pointer} {value}");
        }
    }

    #[test]
    fn what_is_not_honoured_is_refused_by_name() {
        let check = |pointer: &str, value: Value, code: &str, name: &str| {
            let error = with(pointer, value.clone()).expect_err(pointer);
            assert_eq!(error.code().0, code, "{pointer} {value}: {error}");
            assert!(error.to_string().starts_with(name), "{pointer} {value}: {error}");
        };
        let origin = "/Origins/Items/0";
        let custom = "/Origins/Items/0/CustomOriginConfig";
        let argument = "InvalidArgument";
        for (pointer, value, name) in [
            ("/ConnectionMode", json!("direct"), "DistributionConfig.TenantConfig: "),
            ("/ConnectionMode", Value::Null, "DistributionConfig.TenantConfig: "),
            ("/CallerReference", json!(""), "DistributionConfig.CallerReference: "),
            ("/HttpVersion", json!("http3"), "DistributionConfig.HttpVersion: "),
            ("/PriceClass", json!("PriceClass_All"), "DistributionConfig.PriceClass: "),
            ("/Aliases", json!({"Quantity": 1, "Items": ["a.test"]}), "DistributionConfig.Aliases: "),
            ("/IsIPV6Enabled", json!(true), "DistributionConfig.IsIPV6Enabled: "),
            ("/WebACLId", json!("x"), "DistributionConfig.WebACLId: "),
            ("/DefaultRootObject", json!("/index.html"), "DistributionConfig.DefaultRootObject: "),
            ("/DefaultRootObject", json!("a/../../b"), "DistributionConfig.DefaultRootObject: "),
            ("/DefaultRootObject", json!("%2E%2e/b"), "DistributionConfig.DefaultRootObject: "),
            ("/CacheTagConfig/HeaderName", json!("a b"), "DistributionConfig.CacheTagConfig.HeaderName: "),
            ("/DefaultCacheBehavior/MaxTTL", json!(5), "DistributionConfig.DefaultCacheBehavior.MaxTTL: "),
            (
                "/DefaultCacheBehavior/CachePolicyId",
                Value::Null,
                "DistributionConfig.DefaultCacheBehavior.CachePolicyId: ",
            ),
            (
                "/DefaultCacheBehavior/ViewerProtocolPolicy",
                json!("http-only"),
                "DistributionConfig.DefaultCacheBehavior.ViewerProtocolPolicy: ",
            ),
            (
                "/DefaultCacheBehavior/AllowedMethods",
                json!({"Quantity": 1, "Items": ["GET"]}),
                "DistributionConfig.DefaultCacheBehavior.AllowedMethods.Items: ",
            ),
            (
                "/DefaultCacheBehavior/AllowedMethods",
                json!({"Quantity": 2, "Items": ["GET", "HEAD"], "CachedMethods": {"Quantity": 3, "Items": ["GET", "HEAD", "OPTIONS"]}}),
                "DistributionConfig.DefaultCacheBehavior.AllowedMethods.CachedMethods.Items: ",
            ),
            (
                "/TenantConfig/ParameterDefinitions/1/Name",
                json!("zone"),
                "DistributionConfig.TenantConfig.Parameter",
            ),
            (
                "/TenantConfig/ParameterDefinitions/1/Name",
                json!("a b"),
                "DistributionConfig.TenantConfig.Parameter",
            ),
        ] {
            check(pointer, value, argument, name);
        }
        for (of, member, value) in [
            (origin, "DomainName", json!("{{other}}.test")),
            (origin, "DomainName", json!("{{zone}}{{zone}}{{zone}}.test")),
            (origin, "DomainName", json!("{{zone.test")),
            (origin, "DomainName", json!("169.254.169.254")),
            (origin, "OriginPath", json!("no-slash")),
            (origin, "OriginPath", json!("/a/../b")),
            (origin, "OriginPath", json!("/a/%2e%2E/b")),
            (origin, "OriginPath", json!("/a/.%2e")),
            (origin, "OriginPath", json!("/a/..%2Fb")),
            (origin, "OriginPath", json!("/a/..%5cb")),
            (origin, "OriginPath", json!("/a%")),
            (origin, "OriginPath", json!("/a%0d%0a")),
            (origin, "ConnectionAttempts", json!(4)),
            (origin, "ConnectionTimeout", json!(0)),
            (origin, "CustomOriginConfig", Value::Null),
            (origin, "OriginAccessControlId", json!("x")),
            (custom, "OriginProtocolPolicy", json!("https")),
            (custom, "HTTPPort", json!(65_536)),
            (custom, "OriginReadTimeout", json!(18_446_744_073_709_551_615_u64)),
        ] {
            let name =
                of.replace("/Origins/Items/0", "DistributionConfig.Origins.Items[0]").replace('/', ".");
            check(&format!("{of}/{member}"), value, argument, &format!("{name}.{member}: "));
        }
        let headers =
            |name: &str| json!({"Quantity": 1, "Items": [{"HeaderName": name, "HeaderValue": "1"}]});
        for name in ["Host", "Request-Range", "x-amz-a", "a b"] {
            let at = "DistributionConfig.Origins.Items[0].CustomHeaders.Items[0].HeaderName: ";
            check(&format!("{origin}/CustomHeaders"), headers(name), argument, at);
        }
        check("/DefaultCacheBehavior/TargetOriginId", json!("x"), "NoSuchOrigin", "DistributionConfig.");
        check("/DefaultCacheBehavior/CachePolicyId", json!("x"), "NoSuchCachePolicy", "DistributionConfig.");
        let policy = "/DefaultCacheBehavior/OriginRequestPolicyId";
        check(policy, json!("x"), "NoSuchOriginRequestPolicy", "DistributionConfig.");
    }
}
