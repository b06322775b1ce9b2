//! The credentials of an EC2 instance, from its metadata service (IMDSv2, and v1 where there is no other).

use std::time::Duration;

use recant_wire::sigv4::Credentials;

use super::{Search, exchange, temporary_from};
use crate::error::Error;
use crate::input::{convert, json};

/// Where the service is.
const ENDPOINT_IPV4: &str = "http://169.254.169.254/";
/// The same by IPv6.
const ENDPOINT_IPV6: &str = "http://[fd00:ec2::254]/";
/// How long the session's token lasts.
const TOKEN_SECONDS: &str = "21600";
/// What leads to the role and its credentials.
const ROLE_PATH: &str = "latest/meta-data/iam/security-credentials/";

/// Asks the service. What does not answer, or has no role, is no instance.
///
/// # Errors
///
/// A setting that is no number, or credentials that are over.
pub(super) fn find(search: &mut Search<'_>) -> Result<Option<Credentials>, Error> {
    let is_disabled = search.environment.var("AWS_EC2_METADATA_DISABLED");
    if is_disabled.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Ok(None);
    }
    let setting = |variable: &str, key: &str| {
        search.environment.var(variable).or_else(|| search.config.get(key).map(str::to_owned))
    };
    let number = |variable: &str, key: &str| -> Result<i64, Error> {
        match setting(variable, key) {
            Some(text) => Ok(convert::python_int(&text)?.as_integer().unwrap_or(i64::MAX).clamp(1, 3600)),
            None => Ok(1),
        }
    };
    let timeout = number("AWS_METADATA_SERVICE_TIMEOUT", "metadata_service_timeout")?;
    let attempts = number("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "metadata_service_num_attempts")?;
    let endpoint = setting("AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint");
    let mode = setting("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ec2_metadata_service_endpoint_mode");
    let base = endpoint.unwrap_or_else(|| match mode {
        Some(mode) if mode.eq_ignore_ascii_case("ipv6") => ENDPOINT_IPV6.to_owned(),
        _ => ENDPOINT_IPV4.to_owned(),
    });
    let base = if base.ends_with('/') { base } else { format!("{base}/") };
    let version_1 =
        !search.config.switch(search.environment, "AWS_EC2_METADATA_V1_DISABLED", "ec2_metadata_v1_disabled");
    let mut service =
        Service { search, base, timeout: Duration::from_secs(timeout.unsigned_abs()), attempts, token: None };
    service.token =
        service.get("PUT", "latest/api/token", &[("x-aws-ec2-metadata-token-ttl-seconds", TOKEN_SECONDS)]);
    if service.token.is_none() && !version_1 {
        return Ok(None);
    }
    let role = service.get("GET", ROLE_PATH, &[]).map(|role| role.trim().to_owned());
    let Some(role) = role.filter(|role| !role.is_empty()) else { return Ok(None) };
    let Some(text) = service.get("GET", &format!("{ROLE_PATH}{role}"), &[]) else {
        return Ok(None);
    };
    // Credentials that are over are used all the same: the service's word counts for more than this clock.
    let found = json::parse(&text).ok().and_then(|found| temporary_from(&found, "Token").ok());
    Ok(found.map(|found| service.search.take(found)))
}

/// The service with the session's token.
struct Service<'s, 'a> {
    search: &'s mut Search<'a>,
    base: String,
    timeout: Duration,
    attempts: i64,
    token: Option<String>,
}

impl Service<'_, '_> {
    /// The text at a path; none if there is no good answer.
    fn get(&mut self, method: &str, path: &str, headers: &[(&str, &str)]) -> Option<String> {
        let url = format!("{}{path}", self.base);
        let mut headers = headers.to_vec();
        let token = self.token.clone();
        headers.extend(token.as_deref().map(|token| ("x-aws-ec2-metadata-token", token)));
        (0..self.attempts).find_map(|_| {
            let reply = exchange::ask_local(self.search, self.timeout, method, &url, &headers).ok()?;
            (reply.status == 200).then(|| String::from_utf8_lossy(&reply.body).into_owned())
        })
    }
}
