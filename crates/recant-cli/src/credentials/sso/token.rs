//! The token of a sign-in, and its renewal.
//!
//! A token of a session is renewed some time before it ends, and kept in the file that it came from, with the right to the next
//! renewal: whoever would not write that back would end the sign-in for everybody. If there is no renewal, the old token
//! is good for as long as it lasts.

use std::path::Path;

use recant_wire::document::{Document, Members};

use super::{Settings, UNAUTHORIZED, error_of, quoted};
use crate::credentials::{Search, cache, exchange};
use crate::endpoint::{Endpoint, SSO_OIDC};
use crate::error::Error;
use crate::input::json;
use crate::output::timestamp;

/// A token of a session that ends sooner than this is renewed; the AWS CLI's number.
const RENEWAL_SECONDS: i64 = 15 * 60;

/// The token, renewed where that is due and the sign-in allows it.
///
/// # Errors
///
/// No token, or one that is over.
pub(super) fn of(search: &mut Search<'_>, settings: &Settings<'_>) -> Result<String, Error> {
    let subject = settings.session.unwrap_or(settings.start_url);
    let missing = || Error::general(format!("Error loading SSO Token: Token for {subject} does not exist"));
    let path = format!("~/.aws/sso/cache/{}.json", cache::name_of(subject));
    let path = search.environment.expand_path(&path);
    let text = std::fs::read_to_string(&path).map_err(|_| missing())?;
    let document = json::parse(&text).map_err(|_| missing())?;
    let field = |key: &str| document.get(key).and_then(Document::as_str);
    let (Some(token), Some(expires)) = (field("accessToken"), field("expiresAt")) else {
        return Err(Error::general(format!("Error loading SSO Token: Token for {subject} is invalid.")));
    };
    let left = ends(expires).map_or(0, |expires| expires - search.now_seconds());
    let window = if settings.session.is_some() { RENEWAL_SECONDS } else { 0 };
    if left > window {
        return Ok(token.to_owned());
    }
    if settings.session.is_none() {
        return Err(Error::general(UNAUTHORIZED));
    }
    match renew(search, settings, &document, &path)? {
        Some(renewed) => Ok(renewed),
        None if left > 0 => Ok(token.to_owned()),
        None => {
            Err(Error::general("Error when retrieving token from sso: Token has expired and refresh failed"))
        }
    }
}

/// When a time is over, in seconds since 1970.
fn ends(text: &str) -> Option<i64> {
    timestamp::epoch_seconds(&text.replace("UTC", "Z"))
}

/// Asks for a new token and keeps it; none if there is no right to one, or it is refused.
fn renew(
    search: &mut Search<'_>,
    settings: &Settings<'_>,
    kept: &Document,
    path: &Path,
) -> Result<Option<String>, Error> {
    let field = |key: &str| kept.get(key).and_then(Document::as_str);
    let (Some(client), Some(secret), Some(renewal), Some(registration)) =
        (field("clientId"), field("clientSecret"), field("refreshToken"), field("registrationExpiresAt"))
    else {
        return Ok(None);
    };
    if ends(registration).is_none_or(|registration| registration <= search.now_seconds()) {
        return Ok(None);
    }
    let region = Some(settings.region.to_owned());
    let endpoint = Endpoint::of_service(search.environment, search.config, SSO_OIDC, region, "oidc")?;
    let url = endpoint.url("/token", "");
    let body = format!(
        "{{\"clientId\": {}, \"clientSecret\": {}, \"grantType\": \"refresh_token\", \"refreshToken\": {}}}",
        quoted(client),
        quoted(secret),
        quoted(renewal)
    );
    let make = |_, builder: http::request::Builder| {
        builder.method("POST").header("content-type", "application/json").body(body.clone().into_bytes())
    };
    let Ok(reply) = exchange::send(search, &endpoint, &url, make, error_of)? else { return Ok(None) };
    let answer = json::parse(&String::from_utf8_lossy(&reply.body)).unwrap_or_default();
    let Some(token) = answer.get("accessToken").and_then(Document::as_str) else { return Ok(None) };
    let lasts = answer.get("expiresIn").and_then(Document::as_integer).unwrap_or(0);
    let expires = timestamp::from_epoch_seconds(search.now_seconds().saturating_add(lasts));
    let mut renewed: Members = [
        ("startUrl", settings.start_url),
        ("region", settings.region),
        ("accessToken", token),
        ("expiresAt", &expires),
        ("clientId", client),
        ("clientSecret", secret),
        ("registrationExpiresAt", registration),
    ]
    .into_iter()
    .map(|(key, value)| (key, Document::from(value)))
    .collect();
    if let Some(next) = answer.get("refreshToken").and_then(Document::as_str) {
        renewed.insert("refreshToken", next);
    }
    // Where it cannot be kept, this call has its token all the same.
    let _ = cache::write(path, &crate::output::json::pretty(&renewed.into()));
    Ok(Some(token.to_owned()))
}
