//! Single sign-on (IAM Identity Center): a token that a sign-in left in `~/.aws/sso/cache`, traded for the credentials of a role.

use recant_wire::document::Document;
use recant_wire::sigv4::Credentials;

use super::sts::form_encoded;
use super::{Search, Temporary, cache, exchange};
use crate::config::ini::Value;
use crate::config::{Config, Profile};
use crate::endpoint::{Endpoint, SSO, SSO_OIDC};
use crate::error::Error;
use crate::input::json;
use crate::output::timestamp;

/// The settings that all have to be there, in the order they are missed.
const REQUIRED: [&str; 4] = ["sso_role_name", "sso_account_id", "sso_start_url", "sso_region"];
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
        return Ok(Some(found.credentials));
    }
    let token = token(search, &settings)?;
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

/// The token of the sign-in; one that is over is renewed where the sign-in allows that.
fn token(search: &mut Search<'_>, settings: &Settings<'_>) -> Result<String, Error> {
    let subject = settings.session.unwrap_or(settings.start_url);
    let missing = || Error::general(format!("Error loading SSO Token: Token for {subject} does not exist"));
    let path = format!("~/.aws/sso/cache/{}.json", cache::name_of(subject));
    let text = std::fs::read_to_string(search.environment.expand_path(&path)).map_err(|_| missing())?;
    let document = json::parse(&text).map_err(|_| missing())?;
    let field = |key: &str| document.get(key).and_then(Document::as_str);
    let (Some(token), Some(expires)) = (field("accessToken"), field("expiresAt")) else {
        return Err(Error::general(format!("Error loading SSO Token: Token for {subject} is invalid.")));
    };
    let expires = timestamp::epoch_seconds(&expires.replace("UTC", "Z"));
    if expires.is_some_and(|expires| expires > search.now_seconds()) {
        return Ok(token.to_owned());
    }
    if settings.session.is_none() {
        return Err(Error::general(UNAUTHORIZED));
    }
    let (Some(client), Some(secret), Some(renewal)) =
        (field("clientId"), field("clientSecret"), field("refreshToken"))
    else {
        return Err(Error::general("Token has expired and refresh failed"));
    };
    renew(search, settings.region, [client, secret, renewal])?
        .ok_or_else(|| Error::general("Token has expired and refresh failed"))
}

/// Asks for a new token. It is not written back: the next call can ask again.
fn renew(
    search: &mut Search<'_>,
    region: &str,
    [client, secret, renewal]: [&str; 3],
) -> Result<Option<String>, Error> {
    let host = |region: &str| format!("oidc.{region}");
    let endpoint =
        Endpoint::of_service(search.environment, search.config, SSO_OIDC, Some(region.to_owned()), host)?;
    let url = endpoint.url("/token", "");
    let body = format!(
        "{{\"clientId\": {}, \"clientSecret\": {}, \"grantType\": \"refresh_token\", \"refreshToken\": {}}}",
        quoted(client),
        quoted(secret),
        quoted(renewal)
    );
    let reply = exchange::send(search, &endpoint, &url, |_, builder| {
        builder.method("POST").header("content-type", "application/json").body(body.clone().into_bytes())
    })?;
    let answer = json::parse(&String::from_utf8_lossy(&reply.body)).unwrap_or_default();
    Ok(answer.get("accessToken").and_then(Document::as_str).map(str::to_owned))
}

fn role_credentials(
    search: &mut Search<'_>,
    settings: &Settings<'_>,
    token: &str,
) -> Result<Temporary, Error> {
    let host = |region: &str| format!("portal.sso.{region}");
    let region = Some(settings.region.to_owned());
    let endpoint = Endpoint::of_service(search.environment, search.config, SSO, region, host)?;
    let query =
        format!("role_name={}&account_id={}", form_encoded(settings.role), form_encoded(settings.account));
    let url = endpoint.url("/federation/credentials", &query);
    let reply = exchange::send(search, &endpoint, &url, |_, builder| {
        builder.method("GET").header("x-amz-sso_bearer_token", token).body(Vec::new())
    })?;
    if reply.status == 401 {
        return Err(Error::general(UNAUTHORIZED));
    }
    let answer = json::parse(&String::from_utf8_lossy(&reply.body)).unwrap_or_default();
    let refused = || {
        let text = |key: &str| answer.get(key).and_then(Document::as_str).unwrap_or_default().to_owned();
        let code = reply.headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok());
        let code = code.map(|code| code.split(':').next().unwrap_or_default().to_owned());
        Error::Service {
            code: code.unwrap_or_else(|| reply.status.to_string()),
            message: text("message"),
            operation: "GetRoleCredentials",
            reached_max_retries: None,
        }
    };
    let found = answer.get("roleCredentials").ok_or_else(refused)?;
    let text = |key: &str| found.get(key).and_then(Document::as_str).map(str::to_owned);
    let millis = found.get("expiration").and_then(Document::as_integer).unwrap_or(0);
    Ok(Temporary {
        credentials: Credentials {
            access_key_id: text("accessKeyId").ok_or_else(refused)?,
            secret_access_key: text("secretAccessKey").ok_or_else(refused)?,
            session_token: text("sessionToken"),
        },
        expiration: timestamp::from_epoch_seconds(millis / 1000),
    })
}
