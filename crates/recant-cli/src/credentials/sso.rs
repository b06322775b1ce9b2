//! Single sign-on (IAM Identity Center): a token that a sign-in left in `~/.aws/sso/cache`, traded for the credentials of a role.

mod token;

use recant_wire::document::Document;
use recant_wire::sigv4::Credentials;

use super::sts::form_encoded;
use super::{Search, Temporary, cache, exchange};
use crate::config::ini::Value;
use crate::config::{Config, Profile};
use crate::endpoint::{Endpoint, SSO};
use crate::error::Error;
use crate::input::json;
use crate::output::timestamp;
use crate::transport::Reply;

/// The settings that all have to be there, in the order they are missed.
const REQUIRED: [&str; 4] = ["sso_role_name", "sso_account_id", "sso_start_url", "sso_region"];
/// The call that hands out credentials.
const OPERATION: &str = "GetRoleCredentials";
/// What is said when only a new sign-in helps.
const UNAUTHORIZED: &str = "The SSO session associated with this profile has expired or is otherwise invalid. \
     To refresh this SSO session run aws sso login with the corresponding profile.";

/// What a sign-on needs.
struct Settings<'a> {
    role: &'a str,
    account: &'a str,
    start_url: &'a str,
    region: &'a str,
    session: Option<&'a str>,
}

/// Trades the token, if the profile asks for a sign-on.
///
/// # Errors
///
/// Half a configuration, no token, or a refusal.
pub(super) fn find(
    search: &mut Search<'_>,
    name: &str,
    profile: &Profile<'_>,
) -> Result<Option<Credentials>, Error> {
    if profile.get("sso_role_name").is_none() && profile.get("sso_account_id").is_none() {
        return Ok(None);
    }
    let settings = settings(search.config, name, profile)?;
    let key = cache::name_of(&match settings.session {
        Some(session) => format!(
            "{{\"accountId\":{},\"roleName\":{},\"sessionName\":{}}}",
            quoted(settings.account),
            quoted(settings.role),
            quoted(session)
        ),
        None => format!(
            "{{\"accountId\":{},\"roleName\":{},\"startUrl\":{}}}",
            quoted(settings.account),
            quoted(settings.role),
            quoted(settings.start_url)
        ),
    });
    if let Some(found) = cache::load(search, &key) {
        return Ok(Some(search.take(found)));
    }
    let token = token::of(search, &settings)?;
    let found = role_credentials(search, &settings, &token)?;
    cache::store(search, &key, &found);
    search.accept(found).map(Some)
}

fn quoted(text: &str) -> String {
    crate::output::json::quoted(text)
}

/// The profile's settings, with those of the session that it names.
fn settings<'a>(config: &'a Config, name: &str, profile: &Profile<'a>) -> Result<Settings<'a>, Error> {
    let session_name = profile.get("sso_session");
    let session = match session_name {
        None => None,
        Some(session) => Some(config.section("sso-session", session).ok_or_else(|| {
            Error::general(format!("The specified sso-session does not exist: \"{session}\""))
        })?),
    };
    let in_session = |key: &str| match session?.get(key)? {
        Value::Text(text) => Some(text.as_str()),
        Value::Nested(_) => None,
    };
    for key in REQUIRED {
        if let (Some(own), Some(shared)) = (profile.get(key), in_session(key))
            && own != shared
        {
            return Err(Error::general(format!(
                "The value for {key} is inconsistent between profile ({own}) and sso-session ({shared})."
            )));
        }
    }
    let values = REQUIRED.map(|key| profile.get(key).or_else(|| in_session(key)));
    let [Some(role), Some(account), Some(start_url), Some(region)] = values else {
        let missing: Vec<&str> = REQUIRED
            .into_iter()
            .zip(values)
            .filter(|(_, value)| value.is_none())
            .map(|(key, _)| key)
            .collect();
        return Err(Error::general(format!(
            "The profile \"{name}\" is configured to use SSO but is missing required configuration: {}",
            missing.join(", ")
        )));
    };
    Ok(Settings { role, account, start_url, region, session: session_name })
}

fn role_credentials(
    search: &mut Search<'_>,
    settings: &Settings<'_>,
    token: &str,
) -> Result<Temporary, Error> {
    let region = Some(settings.region.to_owned());
    let endpoint = Endpoint::of_service(search.environment, search.config, SSO, region, "portal.sso")?;
    let query =
        format!("role_name={}&account_id={}", form_encoded(settings.role), form_encoded(settings.account));
    let url = endpoint.url("/federation/credentials", &query);
    let make = |_, builder: http::request::Builder| {
        builder.method("GET").header("x-amz-sso_bearer_token", token).body(Vec::new())
    };
    let reply = exchange::send(search, &endpoint, &url, make, error_of)?.map_err(|refusal| {
        if refusal.status == 401 { Error::general(UNAUTHORIZED) } else { refusal.of(OPERATION) }
    })?;
    let answer = json::parse(&String::from_utf8_lossy(&reply.body)).unwrap_or_default();
    let unreadable = || Error::general(format!("Unable to parse response ({OPERATION}: no roleCredentials)"));
    let found = answer.get("roleCredentials").ok_or_else(unreadable)?;
    let text = |key: &str| found.get(key).and_then(Document::as_str).map(str::to_owned);
    let millis = found.get("expiration").and_then(Document::as_integer).unwrap_or(0);
    Ok(Temporary {
        credentials: Credentials {
            access_key_id: text("accessKeyId").ok_or_else(unreadable)?,
            secret_access_key: text("secretAccessKey").ok_or_else(unreadable)?,
            session_token: text("sessionToken"),
        },
        expiration: timestamp::from_epoch_seconds(millis / 1000),
    })
}

/// Code and message of an answer of the sign-on's services that is an error: a header and JSON.
fn error_of(reply: &Reply) -> (String, String) {
    let code = reply.headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok());
    let code = code.and_then(|code| code.split(':').next()).map(str::to_owned);
    let answer = json::parse(&String::from_utf8_lossy(&reply.body)).unwrap_or_default();
    let message = answer.get("message").and_then(Document::as_str).unwrap_or_default();
    (code.unwrap_or_else(|| reply.status.to_string()), message.to_owned())
}
