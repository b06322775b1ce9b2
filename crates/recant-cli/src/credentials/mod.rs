//! Who signs: the sources of credentials, in the AWS CLI's order.
//!
//! The environment, roles, web identity, single sign-on, the credentials file, a program, the config file, the container, the
//! instance; the first that has something decides. One file a source. Sources that need a program or the network are not touched
//! unless the search gets to them, and nothing is loaded for them before.

mod cache;
mod code;
mod container;
mod exchange;
mod instance;
mod process;
mod role;
mod sso;
mod sts;
mod web_identity;

use std::time::SystemTime;

use recant_wire::document::Document;
use recant_wire::sigv4::Credentials;

use crate::config::Config;
use crate::environment::Environment;
use crate::error::Error;
use crate::globals::Globals;
use crate::output::timestamp;

/// What a search for credentials looks at.
struct Search<'a> {
    environment: &'a mut dyn Environment,
    config: &'a Config,
    globals: &'a Globals,
    /// When the credentials end that were found last, in seconds since 1970.
    expires: Option<i64>,
}

/// What a search has found.
#[derive(Debug)]
pub(crate) struct Found {
    /// The credentials.
    pub credentials: Credentials,
    /// When they end, in seconds since 1970; none if that is not known.
    pub expires: Option<i64>,
}

impl Found {
    /// What a command that still runs should do about its credentials.
    pub(crate) fn renewal(&self, now: SystemTime) -> Renewal {
        match self.expires.map(|expires| expires - seconds(now)) {
            Some(left) if left < MANDATORY_RENEWAL_SECONDS => Renewal::Needed,
            Some(left) if left < RENEWAL_SECONDS => Renewal::Wanted,
            _ => Renewal::No,
        }
    }
}

/// Whether credentials are to be looked for anew before the next request is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Renewal {
    /// They last.
    No,
    /// They end soon; if there are no others yet, they still do.
    Wanted,
    /// They end too soon.
    Needed,
}

/// Credentials that end sooner than this are renewed if that works; the AWS CLI's number.
const RENEWAL_SECONDS: i64 = 15 * 60;
/// Those that end sooner than this have to be renewed; the AWS CLI's number.
const MANDATORY_RENEWAL_SECONDS: i64 = 10 * 60;

/// Credentials that last until a time, as their source spelled it.
#[derive(Clone, Debug)]
struct Temporary {
    credentials: Credentials,
    expiration: String,
}

/// Finds the credentials of this call.
///
/// # Errors
///
/// When there are none, or a source has half of what it needs.
pub(crate) fn find(
    environment: &mut dyn Environment,
    config: &Config,
    globals: &Globals,
) -> Result<Found, Error> {
    let mut search = Search { environment, config, globals, expires: None };
    let credentials = search.credentials()?;
    Ok(Found { credentials, expires: search.expires })
}

fn seconds(now: SystemTime) -> i64 {
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

impl Search<'_> {
    fn credentials(&mut self) -> Result<Credentials, Error> {
        let search = self;
        let config = search.config;
        let profile = config.profile_name.as_str();
        let uses_environment = !config.profile_from_option;
        if uses_environment && let Some(credentials) = from_environment(search.environment)? {
            return Ok(credentials);
        }
        if config.profile(profile).is_some_and(|profile| role::is_asked_for(&profile)) {
            return role::assume(search, profile);
        }
        if let Some(credentials) = search.in_profile(profile, uses_environment)? {
            return Ok(credentials);
        }
        if let Some(credentials) = container::find(search)? {
            return Ok(credentials);
        }
        if let Some(credentials) = instance::find(search)? {
            return Ok(credentials);
        }
        Err(Error::Configuration {
            code: "NoCredentials",
            message: "Unable to locate credentials. You can configure credentials by running \"aws login\"."
                .to_owned(),
        })
    }

    /// The sources that a profile can name, apart from a role of its own.
    fn in_profile(&mut self, name: &str, uses_environment: bool) -> Result<Option<Credentials>, Error> {
        let config = self.config;
        if let Some(credentials) = web_identity::find(self, name, uses_environment)? {
            return Ok(Some(credentials));
        }
        let Some(profile) = config.profile(name) else {
            return Ok(None);
        };
        if let Some(credentials) = sso::find(self, name, &profile)? {
            return Ok(Some(credentials));
        }
        let in_credentials_file = |key: &str| profile.in_credentials_file(key);
        if let Some(credentials) = from_profile("shared-credentials-file", in_credentials_file)? {
            return Ok(Some(credentials));
        }
        if let Some(credentials) = process::find(self, &profile)? {
            return Ok(Some(credentials));
        }
        if let Some(credentials) = from_profile("config-file", |key| profile.in_config_file(key))? {
            return Ok(Some(credentials));
        }
        if profile.get("login_session").is_some() {
            return Err(Error::general(format!(
                "The profile \"{name}\" takes its credentials from login_session, which is not supported"
            )));
        }
        Ok(None)
    }

    fn now_seconds(&self) -> i64 {
        seconds(self.environment.now())
    }

    /// Credentials that a source has just given are good, unless they are over already.
    fn accept(&mut self, found: Temporary) -> Result<Credentials, Error> {
        if found.expires().is_some_and(|expires| expires <= self.now_seconds()) {
            return Err(Error::general(
                "Credentials were refreshed, but the refreshed credentials are still expired.",
            ));
        }
        Ok(self.take(found))
    }

    /// The same without the question: of credentials that were kept and still last, or that outlast their time.
    fn take(&mut self, found: Temporary) -> Credentials {
        self.expires = found.expires().filter(|expires| *expires > self.now_seconds());
        found.credentials
    }
}

impl Temporary {
    /// When they end, in seconds since 1970, if their source says it in a way that can be understood.
    fn expires(&self) -> Option<i64> {
        timestamp::epoch_seconds(&self.expiration.replace("UTC", "Z"))
    }
}

/// A source that failed.
fn retrieval(source: &str, why: impl std::fmt::Display) -> Error {
    Error::general(format!("Error when retrieving credentials from {source}: {why}"))
}

/// Temporary credentials in a JSON object; the error is the key that is missing.
fn temporary_from(found: &Document, token_key: &str) -> Result<Temporary, String> {
    let text = |key: &str| found.get(key).and_then(Document::as_str).map(str::to_owned);
    let required = |key: &str| text(key).ok_or_else(|| key.to_owned());
    Ok(Temporary {
        credentials: Credentials {
            access_key_id: required("AccessKeyId")?,
            secret_access_key: required("SecretAccessKey")?,
            session_token: text(token_key),
        },
        expiration: text("Expiration").unwrap_or_default(),
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
