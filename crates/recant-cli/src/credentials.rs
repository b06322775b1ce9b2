//! Who signs: the sources of credentials, in the AWS CLI's order.
//!
//! Known here: the environment, the credentials file and the config file. Sources that need a program or the network (process, roles, SSO,
//! containers, instance metadata) are not here; a profile that asks for one of them is refused by name rather than passed over.

use recant_wire::sigv4::Credentials;

use crate::config::Config;
use crate::environment::Environment;
use crate::error::Error;

/// Settings that name a source which is not known here.
const OTHER_SOURCES: &[&str] = &[
    "role_arn",
    "web_identity_token_file",
    "sso_session",
    "sso_start_url",
    "credential_process",
    "login_session",
];

/// Finds the credentials of this call.
///
/// # Errors
///
/// When there are none, or a source has half of what it needs.
pub(crate) fn find(environment: &dyn Environment, config: &Config) -> Result<Credentials, Error> {
    if !config.profile_from_option
        && let Some(credentials) = from_environment(environment)?
    {
        return Ok(credentials);
    }
    if let Some(credentials) = from_profile("shared-credentials-file", |key| config.in_credentials_file(key))?
    {
        return Ok(credentials);
    }
    if let Some(setting) = OTHER_SOURCES.iter().find(|key| config.get(key).is_some()) {
        return Err(Error::general(format!(
            "The profile \"{}\" takes its credentials from {setting}, which is not supported",
            config.profile_name
        )));
    }
    if let Some(credentials) = from_profile("config-file", |key| config.in_config_file(key))? {
        return Ok(credentials);
    }
    Err(Error::Configuration {
        code: "NoCredentials",
        message: "Unable to locate credentials. You can configure credentials by running \"aws login\"."
            .to_owned(),
    })
}

/// A key without a secret is an error, a secret without a key is nothing.
fn from_environment(environment: &dyn Environment) -> Result<Option<Credentials>, Error> {
    let Some(access_key_id) = environment.var_non_empty("AWS_ACCESS_KEY_ID") else {
        return Ok(None);
    };
    let Some(secret_access_key) = environment.var_non_empty("AWS_SECRET_ACCESS_KEY") else {
        return Err(partial("env", "AWS_SECRET_ACCESS_KEY"));
    };
    let session_token = ["AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"]
        .into_iter()
        .find_map(|name| environment.var_non_empty(name));
    Ok(Some(Credentials { access_key_id, secret_access_key, session_token }))
}

fn from_profile<'a>(
    source: &str,
    get: impl Fn(&str) -> Option<&'a str>,
) -> Result<Option<Credentials>, Error> {
    let Some(access_key_id) = get("aws_access_key_id") else {
        return Ok(None);
    };
    let Some(secret_access_key) = get("aws_secret_access_key") else {
        return Err(partial(source, "aws_secret_access_key"));
    };
    let session_token = get("aws_session_token").or_else(|| get("aws_security_token"));
    Ok(Some(Credentials {
        access_key_id: access_key_id.to_owned(),
        secret_access_key: secret_access_key.to_owned(),
        session_token: session_token.filter(|token| !token.is_empty()).map(str::to_owned),
    }))
}

fn partial(source: &str, missing: &str) -> Error {
    Error::general(format!("Partial credentials found in {source}, missing: {missing}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::ScriptedEnvironment;

    #[test]
    fn the_environment_has_both_halves_or_none() {
        let check = |vars: &[(&str, &str)], want: Result<Option<(&str, Option<&str>)>, &str>| {
            let environment = ScriptedEnvironment::new(vars.iter().copied());
            let got = from_environment(&environment)
                .map(|found| found.map(|found| (found.access_key_id, found.session_token)))
                .map_err(|error| error.to_string());
            let want = want
                .map(|found| found.map(|(id, token)| (id.to_owned(), token.map(str::to_owned))))
                .map_err(str::to_owned);
            assert_eq!(got, want, "{vars:?}");
        };
        check(&[], Ok(None));
        check(&[("AWS_ACCESS_KEY_ID", ""), ("AWS_SECRET_ACCESS_KEY", "")], Ok(None));
        check(&[("AWS_SECRET_ACCESS_KEY", "s")], Ok(None));
        check(
            &[("AWS_ACCESS_KEY_ID", "k")],
            Err("Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY"),
        );
        let both = [("AWS_ACCESS_KEY_ID", "k"), ("AWS_SECRET_ACCESS_KEY", "s")];
        check(&both, Ok(Some(("k", None))));
        check(&[both[0], both[1], ("AWS_SESSION_TOKEN", "")], Ok(Some(("k", None))));
        check(&[both[0], both[1], ("AWS_SECURITY_TOKEN", "t")], Ok(Some(("k", Some("t")))));
    }
}
