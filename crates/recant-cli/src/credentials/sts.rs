//! The two calls of the Security Token Service that credentials come from.
//!
//! A form goes out, XML comes back (the "query" protocol). Four members of the answer are wanted, and no more is modelled.

use recant_core::entry::Hash;
use recant_wire::document::Document;
use recant_wire::model::{Kind, Location, Member, Shape, Structure};
use recant_wire::sigv4::canonical::PathSpelling;
use recant_wire::sigv4::{self, Credentials, ServiceScope, SignableRequest};
use recant_wire::xml;

use super::{Search, Temporary, exchange, temporary_from};
use crate::call::wall_time;
use crate::endpoint::{self, Endpoint, STS};
use crate::error::Error;

/// The version of the API.
const VERSION: &str = "2011-06-15";
/// The least length of a role's ARN.
const ROLE_ARN_MIN: usize = 20;
/// The least length of a session's name.
const SESSION_NAME_MIN: usize = 2;
/// The least length of a web identity.
const TOKEN_MIN: usize = 4;
/// The shortest session.
const DURATION_MIN: i64 = 900;

/// Trades something for temporary credentials. `source` signs; without it the request is not signed.
///
/// # Errors
///
/// A parameter that is too short, no answer, or a refusal.
pub(super) fn call(
    search: &mut Search<'_>,
    action: &'static str,
    parameters: &[(&str, String)],
    source: Option<&Credentials>,
) -> Result<Temporary, Error> {
    check(parameters)?;
    let region = endpoint::region(search.environment, search.config, search.globals)?;
    let endpoint = Endpoint::of_service(search.environment, search.config, STS, region, "sts")?;
    let mut body = format!("Action={action}&Version={VERSION}");
    for (name, value) in parameters {
        body.push_str(&format!("&{name}={}", form_encoded(value)));
    }
    let url = endpoint.url("/", "");
    let make = |now, builder: http::request::Builder| {
        let mut request = builder
            .method("POST")
            .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
            .body(body.clone().into_bytes())?;
        if let Some(source) = source {
            let headers = sigv4::headers_of(request.headers());
            let path = format!("{}/", endpoint.prefix);
            let signable = SignableRequest {
                method: "POST",
                path: &path,
                query: &endpoint.query,
                headers: &headers,
                body_hash: Hash::of(request.body()),
            };
            let scope = ServiceScope {
                region: &endpoint.signing_region,
                service: STS.name,
                spelling: PathSpelling::CLOUDFRONT,
            };
            let added = sigv4::sign(&signable, source, &scope, wall_time(now), &["content-type"]);
            for (name, value) in added {
                request.headers_mut().insert(name, http::HeaderValue::try_from(value)?);
            }
        }
        Ok(request)
    };
    let reply = exchange::send(search, &endpoint, &url, make, crate::call::error_of)?
        .map_err(|refusal| refusal.of(action))?;
    let unreadable = |why: String| Error::general(format!("Unable to parse response ({why})"));
    let answer = xml::decode_lenient(&RESPONSE, &reply.body).map_err(|why| unreadable(why.to_string()))?;
    let credentials =
        RESULTS.iter().find_map(|name| answer.get(name)?.get("Credentials")).unwrap_or(&Document::Null);
    temporary_from(credentials, "SessionToken").map_err(|missing| unreadable(format!("no {missing}")))
}

/// What the model says about lengths and ranges, in the words of all other parameters.
fn check(parameters: &[(&str, String)]) -> Result<(), Error> {
    let mut problems = String::new();
    for (name, value) in parameters {
        let length = value.chars().count();
        match *name {
            "RoleArn" if length < ROLE_ARN_MIN => problems.push_str(&format!(
                "\nInvalid length for parameter {name}, value: {length}, valid min length: {ROLE_ARN_MIN}"
            )),
            "RoleSessionName" if length < SESSION_NAME_MIN => problems.push_str(&format!(
                "\nInvalid length for parameter {name}, value: {length}, valid min length: {SESSION_NAME_MIN}"
            )),
            "WebIdentityToken" if length < TOKEN_MIN => problems.push_str(&format!(
                "\nInvalid length for parameter {name}, value: {length}, valid min length: {TOKEN_MIN}"
            )),
            "DurationSeconds" if value.parse::<i64>().is_ok_and(|seconds| seconds < DURATION_MIN) => problems
                .push_str(&format!(
                    "\nInvalid range for parameter {name}, value: {value}, valid min value: {DURATION_MIN}"
                )),
            _ => {}
        }
    }
    match problems.is_empty() {
        true => Ok(()),
        false => Err(Error::Parameter(format!("Parameter validation failed:{problems}"))),
    }
}

/// A value of a form: all but letters, digits and `-_.~` escaped, a blank as plus.
pub(super) fn form_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            b' ' => out.push('+'),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

/// The elements that hold the result, by action.
const RESULTS: [&str; 2] = ["AssumeRoleResult", "AssumeRoleWithWebIdentityResult"];

static TEXT: Shape = shape("String", Kind::String);
static CREDENTIALS: Shape = structure(
    "Credentials",
    &[
        member("AccessKeyId", &TEXT),
        member("SecretAccessKey", &TEXT),
        member("SessionToken", &TEXT),
        member("Expiration", &TEXT),
    ],
);
static RESULT: Shape = structure("Result", &[member("Credentials", &CREDENTIALS)]);
static RESPONSE: Shape = structure("Response", &[member(RESULTS[0], &RESULT), member(RESULTS[1], &RESULT)]);

const fn shape(name: &'static str, kind: Kind) -> Shape {
    Shape { name, kind, min: None, max: None, values: &[], sensitive: false }
}

const fn structure(name: &'static str, members: &'static [Member]) -> Shape {
    shape(name, Kind::Structure(Structure { members, payload: None, union: false }))
}

const fn member(name: &'static str, shape: &'static Shape) -> Member {
    Member {
        name,
        cli_name: "",
        wire_name: name,
        shape,
        location: Location::Body,
        required: false,
        deprecated: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_encoded_as_python_does() {
        let check = |text: &str, want: &str| assert_eq!(form_encoded(text), want, "{text}");
        check("arn:aws:iam::1:role/a", "arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fa");
        check("a b~c", "a+b~c");
        check("é", "%C3%A9");
    }

    #[test]
    fn short_parameters_are_refused() {
        let check = |name: &str, value: &str, want: &str| {
            let got = check(&[(name, value.to_owned())]).map_err(|why| why.to_string());
            assert_eq!(got.err().unwrap_or_default(), want, "{name}={value}");
        };
        let failed = "Parameter validation failed:\n";
        check("RoleSessionName", "ab", "");
        check(
            "RoleSessionName",
            "a",
            &format!("{failed}Invalid length for parameter RoleSessionName, value: 1, valid min length: 2"),
        );
        check(
            "DurationSeconds",
            "60",
            &format!("{failed}Invalid range for parameter DurationSeconds, value: 60, valid min value: 900"),
        );
    }
}
