//! Roles of profiles: `role_arn` with `source_profile` or `credential_source`, also in chains.

use recant_wire::document::Document;
use recant_wire::python;
use recant_wire::sigv4::Credentials;

use super::{Search, cache, code, container, from_environment, instance, retrieval, sts};
use crate::config::Profile;
use crate::error::Error;
use crate::input::convert;

/// Whether a profile wants a role. One with a web identity wants that first.
pub(super) fn is_asked_for(profile: &Profile<'_>) -> bool {
    profile.get("role_arn").is_some() && profile.get("web_identity_token_file").is_none()
}

/// Takes on the role of a profile.
///
/// # Errors
///
/// Half a configuration, one that leads in a circle, or a refusal.
pub(super) fn assume(search: &mut Search<'_>, name: &str) -> Result<Credentials, Error> {
    assume_after(search, name, &mut vec![name.to_owned()])
}

/// The same, with the profiles that were seen on the way here.
fn assume_after(
    search: &mut Search<'_>,
    name: &str,
    visited: &mut Vec<String>,
) -> Result<Credentials, Error> {
    let config = search.config;
    let profile = config.profile(name).expect("a profile that was looked up before");
    let source = match (profile.get("source_profile"), profile.get("credential_source")) {
        (Some(_), Some(_)) => {
            return Err(Error::general(format!(
                "The profile \"{name}\" contains both source_profile and credential_source."
            )));
        }
        (None, None) => {
            return Err(super::partial("assume-role", "source_profile or credential_source"));
        }
        (None, Some(source)) => from_named_source(search, name, source)?,
        (Some(source), None) => from_source_profile(search, name, source, visited)?,
    };
    let mut parameters: Vec<(&str, String)> = Vec::new();
    for (parameter, key) in [("RoleSessionName", "role_session_name"), ("ExternalId", "external_id")] {
        parameters.extend(profile.get(key).map(|value| (parameter, value.to_owned())));
    }
    let serial = profile.get("mfa_serial");
    parameters.extend(serial.map(|serial| ("SerialNumber", serial.to_owned())));
    // A duration that is no number counts as not given.
    let duration = profile.get("duration_seconds").and_then(|text| convert::python_int(text).ok());
    parameters.extend(duration.map(|number| ("DurationSeconds", python::str(&number))));
    parameters.push(("RoleArn", profile.get("role_arn").unwrap_or_default().to_owned()));

    let key = cache_key(&parameters);
    if let Some(found) = cache::load(search, &key) {
        return Ok(search.take(found));
    }
    if profile.get("role_session_name").is_none() {
        parameters.push(("RoleSessionName", session_name(search)));
    }
    if let Some(serial) = serial {
        parameters.push(("TokenCode", code::ask(search.environment, serial)?));
    }
    let found = sts::call(search, "AssumeRole", &parameters, Some(&source))?;
    cache::store(search, &key, &found);
    search.accept(found)
}

/// The name of a session that nobody named.
pub(super) fn session_name(search: &Search<'_>) -> String {
    format!("botocore-session-{}", search.now_seconds())
}

/// The name of the cache's file: the parameters as sorted JSON, spaced as Python spaces it.
pub(super) fn cache_key(parameters: &[(&str, String)]) -> String {
    let mut sorted: Vec<_> = parameters.iter().collect();
    sorted.sort();
    let members: Vec<String> = sorted
        .into_iter()
        .map(|(name, value)| match *name {
            "DurationSeconds" => format!("\"{name}\": {value}"),
            _ => format!("\"{name}\": {}", crate::output::json::quoted(value)),
        })
        .collect();
    cache::name_of(&format!("{{{}}}", members.join(", ")))
}

fn from_named_source(search: &mut Search<'_>, name: &str, source: &str) -> Result<Credentials, Error> {
    let found = match source.to_lowercase().as_str() {
        "environment" => from_environment(search.environment)?,
        "ecscontainer" => container::find(search)?,
        "ec2instancemetadata" => instance::find(search)?,
        _ => {
            return Err(Error::general(format!(
                "The credential source \"{source}\" referenced in profile \"{name}\" is not valid."
            )));
        }
    };
    found.ok_or_else(|| {
        let why = format!("No credentials found in credential_source referenced in profile {name}");
        retrieval(source, why)
    })
}

fn from_source_profile(
    search: &mut Search<'_>,
    name: &str,
    source: &str,
    visited: &mut Vec<String>,
) -> Result<Credentials, Error> {
    let profile = search.config.profile(source).ok_or_else(|| {
        Error::general(format!(
            "The source_profile \"{source}\" referenced in the profile \"{name}\" does not exist."
        ))
    })?;
    let has_keys =
        ["aws_secret_access_key", "aws_access_key_id"].iter().any(|key| profile.get(key).is_some());
    // A profile may name itself: then it holds the keys too.
    if visited.iter().any(|seen| seen == source) && (source != name || !has_keys) {
        return Err(Error::general(format!(
            "Infinite loop in credential configuration detected. Attempting to load from profile {source} \
             which has already been visited. Visited profiles: {}",
            python::repr(&Document::list(visited.iter()))
        )));
    }
    visited.push(source.to_owned());
    if !has_keys && is_asked_for(&profile) {
        return assume_after(search, source, visited);
    }
    search
        .in_profile(source, false)?
        .ok_or_else(|| Error::general(format!("The source profile \"{source}\" must have credentials.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_the_cache_are_the_aws_cli_s() {
        let parameters = [
            ("RoleSessionName", "sess1".to_owned()),
            ("DurationSeconds", "900".to_owned()),
            ("RoleArn", "arn:aws:iam::123456789012:role/r".to_owned()),
        ];
        let json = "{\"DurationSeconds\": 900, \"RoleArn\": \"arn:aws:iam::123456789012:role/r\", \
                    \"RoleSessionName\": \"sess1\"}";
        assert_eq!(cache_key(&parameters), cache::name_of(json));
    }
}
