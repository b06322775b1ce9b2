//! What a response headers policy may ask.

use http::{HeaderName, HeaderValue};
use recant_core::limits::{
    CONTENT_SECURITY_POLICY_BYTES_MAX, HEADERS_PER_RESPONSE_POLICY_MAX, RESPONSE_POLICY_VALUES_BYTES_MAX,
};
use recant_core::policy::{Policy, PolicyKind};
use recant_core::response_headers_policy::{Cors, ResponseHeadersPolicy, SetField};
use recant_wire::document::Document;

use super::fields::Fields;
use super::policy::{NamedPolicy, name_and_comment};
use crate::error::{ApiError, PolicyList, excerpt};

/// What is about the connection, the body or the edge itself, so that no policy may set or remove it ("Headers that you can't remove" in the
/// developer guide, and our own).
const RESERVED: [&str; 23] = [
    "age",
    "cache-status",
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "server-timing",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "warning",
    "x-cache",
    "x-forwarded-proto",
    "x-real-ip",
    "date",
];

/// Beginnings of names that are reserved, too.
const RESERVED_STARTS: [&str; 3] = ["x-accel-", "x-amz-cf-", "x-edge-"];

/// What `ALL` stands for.
const ALL_METHODS: &str = "GET, DELETE, PATCH, POST, PUT, HEAD, OPTIONS";

/// Reads a `ResponseHeadersPolicyConfig`.
pub(super) fn response_headers_policy(
    id: &str,
    revision: &str,
    config: &Document,
) -> Result<NamedPolicy, ApiError> {
    let mut fields = Fields::of("ResponseHeadersPolicyConfig", config)?;
    let (name, comment) = name_and_comment(&mut fields)?;
    let cors = fields.structure("CorsConfig")?.map(cors).transpose()?;
    let mut set = match fields.structure("SecurityHeadersConfig")? {
        Some(security) => security_headers(security)?,
        None => Vec::new(),
    };
    custom_headers(&mut fields, &mut set)?;
    let values: usize = set.iter().map(|field| field.value.len()).sum();
    if values > RESPONSE_POLICY_VALUES_BYTES_MAX {
        let why = format_args!("all values together have at most {RESPONSE_POLICY_VALUES_BYTES_MAX} bytes");
        return Err(fields.refuse("CustomHeadersConfig", why));
    }
    let remove = removed_headers(&mut fields)?;
    let server_timing =
        fields.structure("ServerTimingHeadersConfig")?.map(server_timing).transpose()?.flatten();
    fields.finish()?;
    let policy = ResponseHeadersPolicy {
        id: id.to_owned(),
        revision: revision.to_owned(),
        cors,
        set,
        remove,
        server_timing,
    };
    Ok(NamedPolicy { name, comment, policy: Policy::ResponseHeaders(policy) })
}

fn cors(mut fields: Fields<'_>) -> Result<Cors, ApiError> {
    let origins = names(&mut fields, "AccessControlAllowOrigins")?;
    for origin in &origins {
        if !is_origin_pattern(origin) {
            let why = format_args!(
                "'{}' is neither '*' nor an origin like 'https://a.test' or 'https://*.a.test:8080'",
                excerpt(origin)
            );
            return Err(fields.refuse("AccessControlAllowOrigins", why));
        }
    }
    if origins.is_empty() {
        return Err(fields.refuse("AccessControlAllowOrigins", "at least one origin, or '*'"));
    }
    let headers = header_list(&mut fields, "AccessControlAllowHeaders")?;
    let methods = names(&mut fields, "AccessControlAllowMethods")?;
    let methods = if methods.contains(&"ALL") { ALL_METHODS.to_owned() } else { methods.join(", ") };
    let expose = header_list(&mut fields, "AccessControlExposeHeaders")?;
    let credentials = fields.boolean("AccessControlAllowCredentials").unwrap_or(false);
    let max_age = match fields.has("AccessControlMaxAgeSec") {
        true => Some(fields.integer("AccessControlMaxAgeSec", 0..=i64::from(u32::MAX), 0)?),
        false => None,
    };
    let overrides = fields.boolean("OriginOverride").unwrap_or(false);
    fields.finish()?;
    Ok(Cors {
        origins: origins.into_iter().map(str::to_owned).collect(),
        credentials,
        headers,
        methods,
        expose,
        max_age: max_age.map(|seconds| u32::try_from(seconds).expect("the range above is that of the type")),
        overrides,
    })
}

/// The texts of a structure of `Quantity` and `Items`.
fn names<'d>(fields: &mut Fields<'d>, member: &'static str) -> Result<Vec<&'d str>, ApiError> {
    let Some(mut listed) = fields.structure(member)? else { return Ok(Vec::new()) };
    listed.ignore("Quantity");
    let names = listed.texts("Items");
    listed.finish()?;
    Ok(names)
}

/// Names of headers, or `*`, as one value.
fn header_list(fields: &mut Fields<'_>, member: &'static str) -> Result<String, ApiError> {
    let names = names(fields, member)?;
    match names.iter().find(|name| **name != "*" && HeaderName::try_from(**name).is_err()) {
        Some(bad) => {
            Err(fields.refuse(member, format_args!("'{}' is not the name of a header", excerpt(bad))))
        }
        None => Ok(names.join(", ")),
    }
}

/// `*`, or a scheme, a host and perhaps a port, a `*` in place of some labels.
fn is_origin_pattern(text: &str) -> bool {
    if text == "*" {
        return true;
    }
    let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else {
        return false;
    };
    let is_character = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-._*:[]".contains(&b);
    !rest.is_empty() && rest.bytes().all(is_character) && rest.matches('*').count() <= 1
}

fn security_headers(mut fields: Fields<'_>) -> Result<Vec<SetField>, ApiError> {
    let mut set = Vec::new();
    let mut add = |name: &'static str, value: &str, overrides: bool| {
        let value = HeaderValue::from_str(value).map_err(|_| {
            ApiError::InvalidArgument(format!(
                "SecurityHeadersConfig: '{}' is no value of {name}.",
                excerpt(value)
            ))
        })?;
        set.push(SetField { name: HeaderName::from_static(name), value, overrides });
        Ok::<(), ApiError>(())
    };
    let overrides = |fields: &mut Fields<'_>| fields.boolean("Override").unwrap_or(false);
    if let Some(mut xss) = fields.structure("XSSProtection")? {
        let (is_on, blocks) =
            (xss.boolean("Protection") == Some(true), xss.boolean("ModeBlock") == Some(true));
        let report = xss.text("ReportUri").filter(|uri| !uri.is_empty());
        if report.is_some() && (blocks || !is_on) {
            return Err(xss.refuse("ReportUri", "only with Protection, and not with ModeBlock"));
        }
        let mut value = String::from(if is_on { "1" } else { "0" });
        if is_on && blocks {
            value.push_str("; mode=block");
        }
        if let Some(report) = report {
            value.push_str(&format!("; report={report}"));
        }
        add("x-xss-protection", &value, overrides(&mut xss))?;
        xss.finish()?;
    }
    if let Some(mut frame) = fields.structure("FrameOptions")? {
        add("x-frame-options", frame.required_text("FrameOption")?, overrides(&mut frame))?;
        frame.finish()?;
    }
    if let Some(mut referrer) = fields.structure("ReferrerPolicy")? {
        add("referrer-policy", referrer.required_text("ReferrerPolicy")?, overrides(&mut referrer))?;
        referrer.finish()?;
    }
    if let Some(mut content) = fields.structure("ContentSecurityPolicy")? {
        let value = content.required_text("ContentSecurityPolicy")?;
        if value.len() > CONTENT_SECURITY_POLICY_BYTES_MAX {
            return Err(ApiError::TooLongCsp { limit: CONTENT_SECURITY_POLICY_BYTES_MAX });
        }
        add("content-security-policy", value, overrides(&mut content))?;
        content.finish()?;
    }
    if let Some(mut options) = fields.structure("ContentTypeOptions")? {
        add("x-content-type-options", "nosniff", overrides(&mut options))?;
        options.finish()?;
    }
    if let Some(mut transport) = fields.structure("StrictTransportSecurity")? {
        let seconds = transport.integer("AccessControlMaxAgeSec", 0..=i64::from(i32::MAX), 0)?;
        let mut value = format!("max-age={seconds}");
        if transport.boolean("IncludeSubdomains") == Some(true) {
            value.push_str("; includeSubDomains");
        }
        if transport.boolean("Preload") == Some(true) {
            value.push_str("; preload");
        }
        add("strict-transport-security", &value, overrides(&mut transport))?;
        transport.finish()?;
    }
    fields.finish()?;
    Ok(set)
}

fn custom_headers(fields: &mut Fields<'_>, set: &mut Vec<SetField>) -> Result<(), ApiError> {
    let items = fields.items("CustomHeadersConfig")?;
    if items.len() > HEADERS_PER_RESPONSE_POLICY_MAX {
        return Err(ApiError::TooManyInPolicy(PolicyKind::ResponseHeaders, PolicyList::CustomHeaders));
    }
    for (path, item) in items {
        let mut header = Fields::of(&path, item)?;
        let name = header_name(&mut header)?;
        let text = header.required_text("Value")?;
        let Ok(value) = HeaderValue::from_str(text) else {
            return Err(header.refuse("Value", format_args!("'{}' is no value of a header", excerpt(text))));
        };
        if set.iter().any(|earlier| earlier.name == name) {
            return Err(header.refuse("Header", format_args!("'{name}' is set twice")));
        }
        let overrides = header.boolean("Override").unwrap_or(false);
        header.finish()?;
        set.push(SetField { name, value, overrides });
    }
    Ok(())
}

fn removed_headers(fields: &mut Fields<'_>) -> Result<Vec<HeaderName>, ApiError> {
    let items = fields.items("RemoveHeadersConfig")?;
    if items.len() > HEADERS_PER_RESPONSE_POLICY_MAX {
        return Err(ApiError::TooManyInPolicy(PolicyKind::ResponseHeaders, PolicyList::RemoveHeaders));
    }
    let mut names: Vec<HeaderName> = Vec::with_capacity(items.len());
    for (path, item) in items {
        let mut header = Fields::of(&path, item)?;
        let name = header_name(&mut header)?;
        if names.contains(&name) {
            return Err(header.refuse("Header", format_args!("'{name}' is removed twice")));
        }
        header.finish()?;
        names.push(name);
    }
    Ok(names)
}

fn header_name(header: &mut Fields<'_>) -> Result<HeaderName, ApiError> {
    let text = header.required_text("Header")?;
    let Ok(name) = HeaderName::try_from(text) else {
        return Err(header.refuse("Header", format_args!("'{}' is not the name of a header", excerpt(text))));
    };
    let is_reserved = RESERVED.contains(&name.as_str())
        || RESERVED_STARTS.iter().any(|start| name.as_str().starts_with(start));
    if is_reserved {
        return Err(header.refuse("Header", format_args!("'{name}' is the edge's own")));
    }
    Ok(name)
}

/// How many of a million; nothing when it is off. Without a rate only who asks for it gets it.
fn server_timing(mut fields: Fields<'_>) -> Result<Option<u32>, ApiError> {
    let is_on = fields.boolean("Enabled") == Some(true);
    let percent = match fields.value("SamplingRate") {
        None => 0.0,
        Some(Document::Integer(percent)) => f64::from(i32::try_from(*percent).unwrap_or(-1)),
        Some(Document::Float(percent)) => *percent,
        Some(_) => -1.0,
    };
    if !(0.0..=100.0).contains(&percent) {
        return Err(fields.refuse("SamplingRate", "a number from 0 to 100"));
    }
    fields.finish()?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "from 0 to 100 times ten thousand, rounded"
    )]
    let of_a_million = (percent * 10_000.0).round() as u32;
    Ok(is_on.then_some(of_a_million))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(member: &str, value: Value) -> Result<ResponseHeadersPolicy, ApiError> {
        let config = Document::from(json!({"Name": "n", member: value}));
        let read = response_headers_policy("p", "E1", &config)?;
        let Policy::ResponseHeaders(policy) = read.policy else { panic!("{:?}", read.policy) };
        Ok(policy)
    }

    fn items(items: Value) -> Value {
        json!({"Quantity": items.as_array().map_or(0, Vec::len), "Items": items})
    }

    #[test]
    fn security_headers_are_spelled() {
        let check = |value: Value, expected: &str| {
            let policy = read("SecurityHeadersConfig", value).unwrap();
            let shown: Vec<String> = policy
                .set
                .iter()
                .map(|it| format!("{}: {} ({})", it.name, it.value.to_str().unwrap(), it.overrides))
                .collect();
            assert_eq!(shown, [expected]);
        };
        check(
            json!({"XSSProtection": {"Override": true, "Protection": true, "ModeBlock": true}}),
            "x-xss-protection: 1; mode=block (true)",
        );
        check(
            json!({"XSSProtection": {"Override": false, "Protection": false}}),
            "x-xss-protection: 0 (false)",
        );
        check(
            json!({"FrameOptions": {"Override": true, "FrameOption": "DENY"}}),
            "x-frame-options: DENY (true)",
        );
        check(json!({"ContentTypeOptions": {"Override": true}}), "x-content-type-options: nosniff (true)");
        check(
            json!({"StrictTransportSecurity": {
                "Override": true, "AccessControlMaxAgeSec": 60, "IncludeSubdomains": true, "Preload": true}}),
            "strict-transport-security: max-age=60; includeSubDomains; preload (true)",
        );
    }

    #[test]
    fn cors_is_spelled() {
        let value = json!({
            "AccessControlAllowOrigins": items(json!(["https://*.a.test"])),
            "AccessControlAllowHeaders": items(json!(["*"])),
            "AccessControlAllowMethods": items(json!(["ALL"])),
            "AccessControlAllowCredentials": true,
            "AccessControlMaxAgeSec": 5,
            "OriginOverride": true,
        });
        let cors = read("CorsConfig", value).unwrap().cors.unwrap();
        assert_eq!((&*cors.headers, &*cors.methods, &*cors.expose), ("*", ALL_METHODS, ""));
        assert_eq!((cors.credentials, cors.max_age, cors.overrides), (true, Some(5), true));
    }

    #[test]
    fn rates_are_percentages() {
        let rate = |value: Value| {
            let value = json!({"Enabled": true, "SamplingRate": value});
            read("ServerTimingHeadersConfig", value).map(|policy| policy.server_timing)
        };
        assert_eq!(rate(json!(100)).unwrap(), Some(1_000_000));
        assert_eq!(rate(json!(0.0001)).unwrap(), Some(1));
        assert_eq!(rate(Value::Null).unwrap(), Some(0));
        assert!(rate(json!(100.1)).is_err() && rate(json!(-1)).is_err());
        let off = read("ServerTimingHeadersConfig", json!({"Enabled": false, "SamplingRate": 50}));
        assert_eq!(off.unwrap().server_timing, None);
    }

    #[test]
    fn what_is_not_right_is_refused_by_name() {
        let check = |member: &str, value: Value, code: &str, name: &str| {
            let error = read(member, value.clone()).expect_err(name);
            assert_eq!(error.code().0, code, "{value}: {error}");
            assert!(error.to_string().contains(name), "{value}: {error}");
        };
        let argument = "InvalidArgument";
        let custom = |name: &str| items(json!([{"Header": name, "Value": "v", "Override": true}]));
        for name in ["Via", "Content-Length", "X-Amz-Cf-Id", "a b", "X-Cache"] {
            let place = "CustomHeadersConfig.Items[0].Header";
            check("CustomHeadersConfig", custom(name), argument, place);
            let place = "RemoveHeadersConfig.Items[0].Header";
            check("RemoveHeadersConfig", items(json!([{"Header": name}])), argument, place);
        }
        let twice = items(json!([
            {"Header": "X-A", "Value": "v", "Override": true}, {"Header": "x-a", "Value": "v", "Override": true}]));
        check("CustomHeadersConfig", twice, argument, "'x-a' is set twice");
        let many: Vec<Value> =
            (0..11).map(|n| json!({"Header": format!("x-{n}"), "Value": "v", "Override": true})).collect();
        let code = "TooManyCustomHeadersInResponseHeadersPolicy";
        check("CustomHeadersConfig", items(json!(many)), code, "custom headers");
        let many: Vec<Value> = (0..11).map(|n| json!({"Header": format!("x-{n}")})).collect();
        let code = "TooManyRemoveHeadersInResponseHeadersPolicy";
        check("RemoveHeadersConfig", items(json!(many)), code, "headers to remove");
        let long =
            json!({"ContentSecurityPolicy": {"Override": true, "ContentSecurityPolicy": "x".repeat(1_784)}});
        check("SecurityHeadersConfig", long, "TooLongCSPInResponseHeadersPolicy", "1783");
        for origin in ["a.test", "https://", "https://*.*.test", "https://A.test", "https://a.test/"] {
            let cors = json!({"AccessControlAllowOrigins": items(json!([origin]))});
            check("CorsConfig", cors, argument, "CorsConfig.AccessControlAllowOrigins");
        }
    }
}
