//! Response headers policies: what a viewer is told beside, or in place of, what the origin said.
//!
//! A policy is about the viewer's response alone. It is applied last, to a response from the store as to one from the origin; what is stored, and
//! for how long, is decided by what the origin said. So a policy that changes takes effect at once, and what is stored stays.
//!
//! Order: remove, then CORS, then the fields that are set, then `Server-Timing` ("Understand response headers policies" in the
//! developer guide: a field that is both removed and set loses the origin's value and gets the policy's).

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, PRAGMA, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::{Deserialize, Serialize};

use crate::selection::header_names;

/// What a viewer is told beside what the origin said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseHeadersPolicy {
    /// The id that a behaviour names it by.
    pub id: String,
    /// The entity tag of the configuration that this is; empty for a managed policy, which never changes.
    pub revision: String,
    /// What is said to requests of other origins (the Fetch standard's CORS protocol).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cors: Option<Cors>,
    /// Fields that are set: security headers and custom ones.
    pub set: Vec<SetField>,
    /// Fields of the origin that are taken out.
    #[serde(with = "header_names")]
    pub remove: Vec<HeaderName>,
    /// How many of a million responses get `Server-Timing` unasked, if any may have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_timing: Option<u32>,
}

/// A field that is set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "SpelledField", into = "SpelledField")]
pub struct SetField {
    /// Its name.
    pub name: HeaderName,
    /// Its value.
    pub value: HeaderValue,
    /// Whether it takes the place of the origin's.
    pub overrides: bool,
}

/// What is said to requests of other origins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cors {
    /// The origins that may read responses: `*`, `https://a.test`, `https://*.a.test`.
    pub origins: Vec<String>,
    /// Whether requests may carry credentials.
    pub credentials: bool,
    /// The request's header fields that are allowed, in one value; nothing is said when it is empty.
    pub headers: String,
    /// The methods that are allowed, in one value.
    pub methods: String,
    /// The response's header fields that may be read, in one value.
    pub expose: String,
    /// How long a preflight's answer is good, in seconds.
    pub max_age: Option<u32>,
    /// Whether all of it takes the place of what the origin says.
    pub overrides: bool,
}

/// What a request says that the fields of its response depend on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    origin: Option<HeaderValue>,
    is_preflight: bool,
    wants_timing: bool,
}

impl Asked {
    /// What this request says.
    pub fn of(method: &Method, headers: &HeaderMap) -> Self {
        let is_preflight = method == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        let mut pragma = headers.get_all(PRAGMA).iter().filter_map(|line| line.to_str().ok());
        let wants_timing =
            pragma.any(|line| line.split(',').any(|it| it.trim().eq_ignore_ascii_case("server-timing")));
        Self { origin: headers.get(ORIGIN).cloned(), is_preflight, wants_timing }
    }
}

impl ResponseHeadersPolicy {
    /// Changes a response's fields for its viewer.
    pub fn apply(&self, asked: &Asked, headers: &mut HeaderMap) {
        for name in &self.remove {
            headers.remove(name);
        }
        if let Some(cors) = &self.cors {
            cors.apply(asked, headers);
        }
        for field in &self.set {
            put(headers, &field.name, || Some(field.value.clone()), field.overrides);
        }
    }

    /// Whether this response gets `Server-Timing`: because the viewer wants it, or by `draw`, an even number below a million.
    pub fn tells_timing(&self, asked: &Asked, draw: u32) -> bool {
        self.server_timing.is_some_and(|rate| asked.wants_timing || draw < rate)
    }
}

impl Cors {
    fn apply(&self, asked: &Asked, headers: &mut HeaderMap) {
        let Some(origin) = asked.origin.as_ref().filter(|origin| self.allows(origin)) else { return };
        let put_text = |headers: &mut HeaderMap, name: &HeaderName, text: &str| {
            if !text.is_empty() {
                put(headers, name, || HeaderValue::from_str(text).ok(), self.overrides);
            }
        };
        // "*" is no answer to a request with credentials (Fetch, section 3.2.5).
        if self.origins.iter().any(|it| it == "*") && !self.credentials {
            put_text(headers, &ACCESS_CONTROL_ALLOW_ORIGIN, "*");
        } else {
            put(headers, &ACCESS_CONTROL_ALLOW_ORIGIN, || Some(origin.clone()), self.overrides);
            vary_by_origin(headers);
        }
        if self.credentials {
            put_text(headers, &ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
        }
        if asked.is_preflight {
            put_text(headers, &ACCESS_CONTROL_ALLOW_METHODS, &self.methods);
            put_text(headers, &ACCESS_CONTROL_ALLOW_HEADERS, &self.headers);
            if let Some(seconds) = self.max_age {
                put(headers, &ACCESS_CONTROL_MAX_AGE, || Some(seconds.into()), self.overrides);
            }
        } else {
            put_text(headers, &ACCESS_CONTROL_EXPOSE_HEADERS, &self.expose);
        }
    }

    fn allows(&self, origin: &HeaderValue) -> bool {
        let Ok(origin) = origin.to_str() else { return false };
        self.origins.iter().any(|pattern| match pattern.split_once('*') {
            None => pattern == origin,
            Some(("", "")) => true,
            Some((start, end)) => {
                let middle = origin.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
                middle.is_some_and(|middle| !middle.is_empty() && !middle.contains(['/', ':']))
            }
        })
    }
}

/// Sets a field, unless the origin's is to stay and is there.
fn put(
    headers: &mut HeaderMap,
    name: &HeaderName,
    value: impl FnOnce() -> Option<HeaderValue>,
    overrides: bool,
) {
    if (overrides || !headers.contains_key(name))
        && let Some(value) = value()
    {
        headers.insert(name.clone(), value);
    }
}

/// Whoever caches the response on its way must not give it to another origin.
fn vary_by_origin(headers: &mut HeaderMap) {
    let lines = headers.get_all(VARY).iter().filter_map(|line| line.to_str().ok());
    let mut members = lines.flat_map(|line| line.split(',')).map(str::trim);
    if !members.any(|member| member == "*" || member.eq_ignore_ascii_case("origin")) {
        headers.append(VARY, HeaderValue::from_static("Origin"));
    }
}

/// A field as it is written down.
#[derive(Serialize, Deserialize)]
struct SpelledField {
    name: String,
    value: String,
    overrides: bool,
}

impl TryFrom<SpelledField> for SetField {
    type Error = http::Error;
    fn try_from(field: SpelledField) -> Result<Self, http::Error> {
        let name = HeaderName::from_bytes(field.name.as_bytes())?;
        Ok(Self { name, value: HeaderValue::from_str(&field.value)?, overrides: field.overrides })
    }
}

impl From<SetField> for SpelledField {
    fn from(field: SetField) -> Self {
        let value = String::from_utf8_lossy(field.value.as_bytes()).into_owned();
        Self { name: field.name.as_str().to_owned(), value, overrides: field.overrides }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(lines: &[&str]) -> HeaderMap {
        let split = |line: &&str| {
            let (name, value) = line.split_once(": ").unwrap();
            (HeaderName::try_from(name).unwrap(), HeaderValue::try_from(value).unwrap())
        };
        lines.iter().map(split).collect()
    }

    fn shown(headers: &HeaderMap) -> Vec<String> {
        let mut lines: Vec<_> =
            headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        lines.sort();
        lines
    }

    fn empty() -> ResponseHeadersPolicy {
        ResponseHeadersPolicy {
            id: "p".into(),
            revision: "E1".into(),
            cors: None,
            set: Vec::new(),
            remove: Vec::new(),
            server_timing: None,
        }
    }

    fn cors(origins: &[&str], credentials: bool, overrides: bool) -> ResponseHeadersPolicy {
        let cors = Cors {
            origins: origins.iter().map(ToString::to_string).collect(),
            credentials,
            headers: "x-a".into(),
            methods: "GET, PUT".into(),
            expose: "x-b".into(),
            max_age: Some(9),
            overrides,
        };
        ResponseHeadersPolicy { cors: Some(cors), ..empty() }
    }

    fn check(
        policy: &ResponseHeadersPolicy,
        method: &Method,
        request: &[&str],
        response: &[&str],
        expected: &[&str],
    ) {
        let mut headers = fields(response);
        policy.apply(&Asked::of(method, &fields(request)), &mut headers);
        assert_eq!(shown(&headers), expected, "{policy:?} {request:?} {response:?}");
    }

    #[test]
    fn fields_are_removed_then_set() {
        let set = |name: &'static str, value: &'static str, overrides| SetField {
            name: HeaderName::from_static(name),
            value: HeaderValue::from_static(value),
            overrides,
        };
        let policy = ResponseHeadersPolicy {
            set: vec![set("x-a", "1", true), set("x-b", "1", false), set("x-c", "1", false)],
            remove: vec![HeaderName::from_static("x-c"), HeaderName::from_static("x-d")],
            ..empty()
        };
        let origin = ["x-a: 0", "x-a: 0", "x-b: 0", "x-c: 0", "x-d: 0", "x-e: 0"];
        check(&policy, &Method::GET, &[], &origin, &["x-a: 1", "x-b: 0", "x-c: 1", "x-e: 0"]);
        check(&policy, &Method::GET, &[], &[], &["x-a: 1", "x-b: 1", "x-c: 1"]);
    }

    #[test]
    fn requests_of_other_origins_are_answered() {
        let any = cors(&["*"], false, true);
        let (get, options) = (Method::GET, Method::OPTIONS);
        check(&any, &get, &[], &[], &[]);
        let simple = ["access-control-allow-origin: *", "access-control-expose-headers: x-b"];
        check(&any, &get, &["origin: https://a.test"], &["access-control-allow-origin: x"], &simple);
        let preflight = ["origin: https://a.test", "access-control-request-method: PUT"];
        check(
            &any,
            &options,
            &preflight,
            &[],
            &[
                "access-control-allow-headers: x-a",
                "access-control-allow-methods: GET, PUT",
                "access-control-allow-origin: *",
                "access-control-max-age: 9",
            ],
        );
        let gentle = cors(&["*"], false, false);
        let theirs = ["access-control-allow-origin: x", "access-control-expose-headers: x-b"];
        check(&gentle, &get, &["origin: https://a.test"], &["access-control-allow-origin: x"], &theirs);
        let echoed = [
            "access-control-allow-credentials: true",
            "access-control-allow-origin: https://a.test",
            "access-control-expose-headers: x-b",
            "vary: Origin",
        ];
        check(&cors(&["*"], true, true), &get, &["origin: https://a.test"], &[], &echoed);
    }

    #[test]
    fn only_the_listed_origins_are_allowed() {
        let policy = cors(&["https://a.test", "https://*.b.test", "http://c.test:8080"], false, true);
        for (origin, expected) in [
            ("https://a.test", true),
            ("http://a.test", false),
            ("https://a.test.evil.test", false),
            ("https://x.b.test", true),
            ("https://b.test", false),
            ("https://.b.test", false),
            ("https://evil.test/.b.test", false),
            ("http://c.test:8080", true),
            ("null", false),
        ] {
            let mut headers = HeaderMap::new();
            let request = fields(&[&format!("origin: {origin}")]);
            policy.apply(&Asked::of(&Method::GET, &request), &mut headers);
            assert_eq!(headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN), expected, "{origin}");
            assert_eq!(headers.contains_key(VARY), expected, "{origin}");
        }
    }

    #[test]
    fn timing_is_told_by_rate_or_on_demand() {
        let policy = ResponseHeadersPolicy { server_timing: Some(500_000), ..empty() };
        let (plain, asks) = (fields(&[]), fields(&["pragma: no-cache, Server-Timing"]));
        let told = |policy: &ResponseHeadersPolicy, request, draw| {
            policy.tells_timing(&Asked::of(&Method::GET, request), draw)
        };
        assert!(told(&policy, &plain, 499_999) && !told(&policy, &plain, 500_000));
        assert!(told(&policy, &asks, 999_999) && !told(&empty(), &asks, 0));
    }

    #[test]
    fn a_policy_is_read_as_it_was_written() {
        let mut policy = cors(&["*"], true, true);
        policy.set.push(SetField {
            name: HeaderName::from_static("x-a"),
            value: HeaderValue::from_static("1"),
            overrides: true,
        });
        let text = serde_json::to_string(&policy).unwrap();
        assert_eq!(serde_json::from_str::<ResponseHeadersPolicy>(&text).unwrap(), policy);
        let bad = text.replace(r#""name":"x-a""#, r#""name":"x a""#);
        assert!(serde_json::from_str::<ResponseHeadersPolicy>(&bad).is_err());
    }
}
