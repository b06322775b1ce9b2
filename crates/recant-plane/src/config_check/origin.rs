//! What an origin may ask.

use std::collections::BTreeSet;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use recant_core::limits::{
    CUSTOM_HEADER_VALUE_BYTES_MAX, CUSTOM_HEADERS_PER_ORIGIN_MAX, ORIGIN_ID_CHARS_MAX, ORIGIN_PATH_CHARS_MAX,
    ORIGIN_READ_SECONDS_MAX,
};
use recant_core::spec::{OriginProtocol, OriginSpec, Template};
use recant_wire::document::Document;

use super::fields::{Fields, refuse};
use super::origin_host;
use super::parameters::Definitions;
use crate::error::{ApiError, excerpt};

const CONNECTION_ATTEMPTS_DEFAULT: i64 = 3;
const CONNECTION_TIMEOUT_SECONDS_DEFAULT: i64 = 10;
const READ_TIMEOUT_SECONDS_DEFAULT: i64 = 30;
const KEEPALIVE_SECONDS_DEFAULT: i64 = 5;

/// What the edge itself says to an origin, so that no configuration may say it ("Custom headers that CloudFront
/// can't add to origin requests" in the developer guide). `x-amz-*` and `x-edge-*` are refused by prefix.
const RESERVED_HEADERS: [&str; 23] = [
    "cache-control",
    "connection",
    "content-length",
    "cookie",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "max-forwards",
    "pragma",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "range",
    "request-range",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-real-ip",
];

/// Reads one of `Origins`.
pub(super) fn origin(
    path: &str,
    item: &Document,
    definitions: &Definitions,
    shield_regions: &BTreeSet<String>,
) -> Result<OriginSpec, ApiError> {
    let mut fields = Fields::of(path, item)?;
    let id = fields.required_text("Id")?;
    if id.is_empty() || id.chars().count() > ORIGIN_ID_CHARS_MAX {
        return Err(
            fields.refuse("Id", format_args!("an origin's Id has 1 to {ORIGIN_ID_CHARS_MAX} characters"))
        );
    }
    let domain_name = domain_name(&mut fields, definitions)?;
    let origin_path = origin_path(&mut fields, definitions)?;
    let custom_headers = custom_headers(&mut fields)?;
    let shield = shield(&mut fields, shield_regions)?;
    let connection_attempts = fields.integer("ConnectionAttempts", 1..=3, CONNECTION_ATTEMPTS_DEFAULT)?;
    let connection_timeout =
        fields.integer("ConnectionTimeout", 1..=10, CONNECTION_TIMEOUT_SECONDS_DEFAULT)?;
    let Some(mut custom) = fields.structure("CustomOriginConfig")? else {
        return Err(fields.refuse("CustomOriginConfig", "this version speaks to custom origins; say how"));
    };
    let http_port = custom.integer("HTTPPort", 1..=65_535, 80)?;
    let https_port = custom.integer("HTTPSPort", 1..=65_535, 443)?;
    let protocol = protocol(&mut custom)?;
    ssl_protocols(&mut custom, protocol)?;
    // An edge dials whatever addresses the name has.
    custom.one_of("IpAddressType", &["dualstack"])?;
    let read_timeout =
        custom.integer("OriginReadTimeout", 1..=ORIGIN_READ_SECONDS_MAX, READ_TIMEOUT_SECONDS_DEFAULT)?;
    // How long an idle connection is kept at most: an edge that closes earlier keeps the promise too.
    custom.integer("OriginKeepaliveTimeout", 1..=ORIGIN_READ_SECONDS_MAX, KEEPALIVE_SECONDS_DEFAULT)?;
    custom.finish()?;
    fields.finish()?;
    Ok(OriginSpec {
        id: id.to_owned(),
        domain_name,
        path: origin_path,
        http_port: u16::try_from(http_port).expect("the range above is that of ports"),
        https_port: u16::try_from(https_port).expect("the range above is that of ports"),
        protocol,
        connection_timeout: seconds(connection_timeout),
        connection_attempts: u8::try_from(connection_attempts).expect("the range above is 1 to 3"),
        read_timeout: seconds(read_timeout),
        custom_headers,
        shield,
    })
}

/// The region of `OriginShield`, if it is enabled: one in which the operator has a shield.
fn shield(fields: &mut Fields<'_>, regions: &BTreeSet<String>) -> Result<Option<String>, ApiError> {
    let Some(mut shield) = fields.structure("OriginShield")? else { return Ok(None) };
    if shield.boolean("Enabled") != Some(true) {
        // What a region says of a shield that is off, nobody acts on.
        shield.ignore("OriginShieldRegion");
        return shield.finish().map(|()| None);
    }
    let region = shield.required_text("OriginShieldRegion")?;
    shield.finish()?;
    if regions.contains(region) {
        return Ok(Some(region.to_owned()));
    }
    let there = match regions.is_empty() {
        true => "none; --origin-shield-region names them".to_owned(),
        false => Vec::from_iter(regions).into_iter().map(String::as_str).collect::<Vec<_>>().join(", "),
    };
    let why = format_args!("'{}' has no shield here: there are {there}", excerpt(region));
    Err(refuse(&format!("{}.OriginShieldRegion", fields.name("OriginShield")), why))
}

/// The member is required, so none of the words means that it is not there; without it nothing is asked over TLS.
fn protocol(custom: &mut Fields<'_>) -> Result<OriginProtocol, ApiError> {
    let word = custom.one_of("OriginProtocolPolicy", &["http-only", "https-only", "match-viewer"])?;
    Ok(match word {
        Some("https-only") => OriginProtocol::HttpsOnly,
        Some("match-viewer") => OriginProtocol::MatchViewer,
        _ => OriginProtocol::HttpOnly,
    })
}

/// The oldest of the list is the least that the origin shall be spoken to with ("Minimum origin SSL protocol" in the
/// developer guide), and `TLSv1.2` the newest that the API has a name for: an edge offers it and TLSv1.3. What is
/// older it does not speak; where no TLS is spoken the list makes no difference.
fn ssl_protocols(custom: &mut Fields<'_>, protocol: OriginProtocol) -> Result<(), ApiError> {
    let Some(mut listed) = custom.structure("OriginSslProtocols")? else { return Ok(()) };
    listed.ignore("Quantity");
    let old = listed.texts("Items").into_iter().find(|version| *version != "TLSv1.2");
    match old.filter(|_| protocol != OriginProtocol::HttpOnly) {
        Some(old) => {
            let why = format_args!(
                "'{}' is not honoured by this version; it takes TLSv1.2, which stands for TLSv1.3 too",
                excerpt(old)
            );
            Err(listed.refuse("Items", why))
        }
        None => listed.finish(),
    }
}

/// Says why a tenant's values do not make a host and path of this origin, if so.
pub(super) fn filled_in_problem<'v>(
    origin: &OriginSpec,
    value_of: impl Fn(&str) -> Option<&'v str>,
) -> Option<String> {
    let filled = |template: &Template| template.fill(&value_of).map_err(|error| error.to_string());
    let host = match filled(&origin.domain_name) {
        Ok(host) => host,
        Err(why) => return Some(why),
    };
    if let Some(why) = origin_host::problem(&host) {
        return Some(format!("the origin's host would be '{}': {why}", excerpt(&host)));
    }
    match filled(&origin.path) {
        Err(why) => Some(why),
        Ok(path) => {
            path_problem(&path).map(|why| format!("the origin's path would be '{}': {why}", excerpt(&path)))
        }
    }
}

fn domain_name(fields: &mut Fields<'_>, definitions: &Definitions) -> Result<Template, ApiError> {
    let text = fields.required_text("DomainName")?;
    let path = fields.name("DomainName");
    let template = definitions.template(&path, text)?;
    match origin_host::problem(&with_sample_values(&template)) {
        Some(why) => Err(refuse(&path, format_args!("'{}': {why}", excerpt(text)))),
        None => Ok(template),
    }
}

fn origin_path(fields: &mut Fields<'_>, definitions: &Definitions) -> Result<Template, ApiError> {
    let text = fields.text("OriginPath").unwrap_or_default();
    let path = fields.name("OriginPath");
    let template = definitions.template(&path, text)?;
    match path_problem(&with_sample_values(&template)) {
        Some(why) => Err(refuse(&path, format_args!("'{}': {why}", excerpt(text)))),
        None => Ok(template),
    }
}

fn path_problem(path: &str) -> Option<&'static str> {
    if path.is_empty() {
        None
    } else if !path.starts_with('/') || path.ends_with('/') {
        Some("a path starts with a slash and does not end with one")
    } else if path.chars().count() > ORIGIN_PATH_CHARS_MAX {
        Some("a path has at most 255 characters")
    } else {
        path_text_problem(path)
    }
}

/// Says why a text cannot stand in the path of a request line, if so (RFC 3986 section 3.3).
///
/// Dot segments are looked for in the decoded text, for origins decode before they resolve them; many take `\` for `/`.
pub(super) fn path_text_problem(text: &str) -> Option<&'static str> {
    if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/%".contains(&b)) {
        return Some("it holds a character that no path has");
    }
    let is_escape = |after: &str| after.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    if !text.split('%').skip(1).all(is_escape) {
        return Some("it holds a '%' that no two hexadecimal digits follow");
    }
    let decoded: Vec<u8> = percent_decode_str(text).collect();
    if decoded.iter().any(u8::is_ascii_control) {
        return Some("it holds a control character");
    }
    let mut segments = decoded.split(|b| matches!(b, b'/' | b'\\'));
    segments.any(|segment| matches!(segment, b"." | b"..")).then_some("it holds a dot segment")
}

fn with_sample_values(template: &Template) -> String {
    template.fill(|_| Some("x")).unwrap_or_else(|_| template.as_str().to_owned())
}

fn custom_headers(fields: &mut Fields<'_>) -> Result<Vec<(String, String)>, ApiError> {
    let items = fields.items("CustomHeaders")?;
    if items.len() > CUSTOM_HEADERS_PER_ORIGIN_MAX {
        return Err(ApiError::TooManyOriginCustomHeaders { limit: CUSTOM_HEADERS_PER_ORIGIN_MAX });
    }
    let mut headers: Vec<(String, String)> = Vec::with_capacity(items.len());
    for (path, item) in items {
        let mut header = Fields::of(&path, item)?;
        let text = header.required_text("HeaderName")?;
        let value = header.required_text("HeaderValue")?;
        let Ok(name) = HeaderName::try_from(text) else {
            return Err(
                header.refuse("HeaderName", format_args!("'{}' is not the name of a header", excerpt(text)))
            );
        };
        let name = name.as_str();
        if RESERVED_HEADERS.contains(&name) || name.starts_with("x-amz-") || name.starts_with("x-edge-") {
            return Err(header.refuse("HeaderName", format_args!("'{name}' is the edge's own to set")));
        }
        if value.len() > CUSTOM_HEADER_VALUE_BYTES_MAX || HeaderValue::from_str(value).is_err() {
            let why = format_args!(
                "a value has at most {CUSTOM_HEADER_VALUE_BYTES_MAX} bytes, none of them a control"
            );
            return Err(header.refuse("HeaderValue", why));
        }
        if headers.iter().any(|(earlier, _)| earlier == name) {
            return Err(header.refuse("HeaderName", format_args!("'{name}' is set twice")));
        }
        headers.push((name.to_owned(), value.to_owned()));
        header.finish()?;
    }
    Ok(headers)
}

fn seconds(value: i64) -> Duration {
    Duration::from_secs(value.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::config_check::definitions;

    #[test]
    fn a_shield_is_named_by_a_region_that_has_one() {
        let check = |shield: Value, regions: &[&str], expected: Result<Option<&str>, &str>| {
            let config = Document::from(json!({
                "Id": "o",
                "DomainName": "origin.test",
                "OriginShield": shield,
                "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "http-only"},
            }));
            let none = definitions(&Document::from(json!({}))).unwrap();
            let regions = regions.iter().map(|region| (*region).to_owned()).collect();
            let read = origin("o", &config, &none, &regions).map(|origin| origin.shield);
            match (read, expected) {
                (Ok(read), Ok(expected)) => assert_eq!(read.as_deref(), expected),
                (Err(error), Err(text)) => assert!(error.to_string().contains(text), "{error}"),
                (read, _) => panic!("{config:?}: {read:?}"),
            }
        };
        let on = json!({"Enabled": true, "OriginShieldRegion": "us-east-1"});
        check(on.clone(), &["eu-west-1", "us-east-1"], Ok(Some("us-east-1")));
        check(json!({"Enabled": false, "OriginShieldRegion": "us-east-1"}), &[], Ok(None));
        check(Value::Null, &[], Ok(None));
        check(
            on.clone(),
            &[],
            Err("o.OriginShield.OriginShieldRegion: 'us-east-1' has no shield here: there are none"),
        );
        check(on, &["eu-west-1", "us-east-2"], Err("there are eu-west-1, us-east-2"));
        check(json!({"Enabled": true}), &["us-east-1"], Err("originShieldRegion"));
    }
}
