//! Whether a request is signed by the key that it names: verified as the plane verifies it, which the official vectors
//! hold to what AWS does.

use std::collections::BTreeMap;

use recant_core::entry::Hash;
use recant_core::time::WallTime;
use recant_wire::sigv4::{ALGORITHM, Authorization, Header, SignableRequest, VerifyOptions};

use super::request::Request;

/// Checks the signature, if there is one.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check(request: &Request, keys: &BTreeMap<String, String>, now: WallTime) -> Result<(), String> {
    let Some(value) = request.header("authorization").filter(|value| value.starts_with(ALGORITHM)) else {
        return Ok(());
    };
    let (method, target) = request.method_and_target();
    // A proxy is asked for the whole URL; what is signed starts with the path.
    let target =
        target.split_once("://").map_or(target, |(_, rest)| &rest[rest.find('/').unwrap_or(rest.len())..]);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers: Vec<Header<'_>> =
        request.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let authorization = Authorization::parse(&headers, query).map_err(|error| error.to_string())?;
    let key = authorization.access_key_id();
    let secret = keys.get(key).ok_or_else(|| format!("keys.json does not have {key}"))?;
    let options = VerifyOptions {
        service: value.split('/').nth(3).unwrap_or_default(),
        // Compared with the recorded one as any header.
        session_token: request.header("x-amz-security-token"),
        ..VerifyOptions::default()
    };
    let signable =
        SignableRequest { method, path, query, headers: &headers, body_hash: Hash::of(&request.body) };
    authorization.verify(&signable, secret, now, &options).map_err(|error| error.to_string())
}
