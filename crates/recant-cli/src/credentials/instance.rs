//! The credentials of an EC2 instance, from its metadata service (IMDSv2, and v1 where there is no other).

use std::time::Duration;

use recant_wire::sigv4::Credentials;

use super::{Search, exchange, temporary_from};
use crate::error::Error;
use crate::input::{convert, json};
use crate::transport::{Failure, Reply};

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
    service.token = match service.token() {
        Token::Given(token) => Some(token),
        Token::NotKnown if version_1 => None,
        Token::NotKnown | Token::Refused => return Ok(None),
    };
    let Some(role) = service.get(ROLE_PATH, |role| !role.is_empty()) else { return Ok(None) };
    let path = format!("{ROLE_PATH}{}", role.trim());
    let Some(text) = service.get(&path, |text| json::parse(text).is_ok()) else { return Ok(None) };
    // Credentials that are over are used all the same: the service's word counts for more than this clock.
    let found = json::parse(&text).ok().and_then(|found| temporary_from(&found, "Token").ok());
    Ok(found.map(|found| service.search.take(found)))
}

/// What the service says when it is asked for a token.
enum Token {
    /// It is of the second version.
    Given(String),
    /// Not of the second version, it seems.
    NotKnown,
    /// The request is bad, and so would the next one be.
    Refused,
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
    /// Asks for a session's token.
    fn token(&mut self) -> Token {
        let headers = [("x-aws-ec2-metadata-token-ttl-seconds", TOKEN_SECONDS)];
        for _ in 0..self.attempts {
            match self.ask("PUT", "latest/api/token", &headers) {
                Ok(reply) if reply.status == 200 => return Token::Given(text_of(&reply)),
                Ok(reply) if matches!(reply.status, 403..=405) => return Token::NotKnown,
                Ok(reply) if reply.status == 400 => return Token::Refused,
                Err(Failure::ReadTimeout) => return Token::NotKnown,
                Ok(_) | Err(_) => {}
            }
        }
        Token::NotKnown
    }

    /// The text at a path; none if there is no good one.
    fn get(&mut self, path: &str, is_good: impl Fn(&str) -> bool) -> Option<String> {
        let token = self.token.clone();
        let headers: Vec<_> =
            token.as_deref().map(|token| ("x-aws-ec2-metadata-token", token)).into_iter().collect();
        (0..self.attempts).find_map(|_| {
            let reply = self.ask("GET", path, &headers).ok().filter(|reply| reply.status == 200)?;
            Some(text_of(&reply)).filter(|text| is_good(text))
        })
    }

    fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)]) -> Result<Reply, Failure> {
        let url = format!("{}{path}", self.base);
        exchange::ask_local(self.search, self.timeout, method, &url, headers)
    }
}

fn text_of(reply: &Reply) -> String {
    String::from_utf8_lossy(&reply.body).into_owned()
}
