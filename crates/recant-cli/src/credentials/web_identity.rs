//! Web identity: a token in a file, traded for the credentials of a role.

use recant_wire::sigv4::Credentials;

use super::{Search, cache, role, sts};
use crate::error::Error;

/// Trades the token, if the environment or the profile names its file.
///
/// # Errors
///
/// No role, no token, or a refusal.
pub(super) fn find(
    search: &mut Search<'_>,
    name: &str,
    uses_environment: bool,
) -> Result<Option<Credentials>, Error> {
    let profile = search.config.profile(name);
    let setting = |variable: &str, key: &str| {
        let from_environment = if uses_environment { search.environment.var(variable) } else { None };
        from_environment.or_else(|| profile.and_then(|profile| profile.get(key)).map(str::to_owned))
    };
    let file = setting("AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file");
    let Some(file) = file.filter(|file| !file.is_empty()) else {
        return Ok(None);
    };
    let Some(role) = setting("AWS_ROLE_ARN", "role_arn").filter(|role| !role.is_empty()) else {
        return Err(Error::general(
            "The provided profile or the current environment is configured to assume role with web identity but \
             has no role ARN configured. Ensure that the profile has the role_arn configuration set or the \
             AWS_ROLE_ARN env var is set.",
        ));
    };
    let session = setting("AWS_ROLE_SESSION_NAME", "role_session_name");
    let mut parameters: Vec<(&str, String)> = Vec::new();
    parameters.extend(session.clone().map(|session| ("RoleSessionName", session)));
    parameters.push(("RoleArn", role));
    let key = role::cache_key(&parameters);
    if let Some(found) = cache::load(search, &key) {
        return Ok(Some(search.take(found)));
    }
    if session.is_none() {
        parameters.push(("RoleSessionName", role::session_name(search)));
    }
    let path = search.environment.expand_path(&file);
    let token = std::fs::read_to_string(&path)
        .map_err(|why| Error::general(crate::input::files::system_error(&why, &file)))?;
    parameters.push(("WebIdentityToken", token));
    let found = sts::call(search, "AssumeRoleWithWebIdentity", &parameters, None)?;
    cache::store(search, &key, &found);
    search.accept(found).map(Some)
}
