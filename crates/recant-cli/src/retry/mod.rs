//! When a call is sent again: the AWS SDKs' standard mode, and the adaptive one on top of it ([`adaptive`]).
//!
//! Up to three attempts; between them a random part of 1, 2, 4 … seconds, at most 20. Sent again is what the service could not
//! do now (500, 502, 503, 504, throttling by code) and what never arrived whole, as long as the command's [`quota`] lasts.

pub(crate) mod adaptive;
pub(crate) mod quota;

use std::time::Duration;

use http::HeaderMap;

use crate::config::Config;
use crate::environment::Environment;
use crate::error::Error;
use crate::input::convert;
use crate::output::timestamp;
use crate::transport::Failure;

/// Attempts if nothing else is said.
const ATTEMPTS_DEFAULT: u32 = 3;
/// The longest pause.
const BACKOFF_SECONDS_MAX: f64 = 20.0;
/// A service that wants to be left alone for longer is asked again all the same.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(300);

/// Codes that mean: too fast.
const THROTTLING: &[&str] = &[
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottledException",
    "TooManyRequestsException",
    "ProvisionedThroughputExceededException",
    "TransactionInProgressException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "LimitExceededException",
    "RequestThrottled",
    "SlowDown",
    "PriorRequestNotComplete",
    "EC2ThrottledException",
];
/// Codes that mean: try again.
const TRANSIENT: &[&str] = &["RequestTimeout", "RequestTimeoutException"];

/// How much is done to spare the service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Pauses between attempts.
    #[default]
    Standard,
    /// And all requests are paced, once one was too many.
    Adaptive,
}

/// How often a call is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Retry {
    /// How much is done to spare the service.
    pub mode: Mode,
    /// Attempts in all.
    pub attempts_max: u32,
}

impl Retry {
    /// Reads `AWS_RETRY_MODE`, `AWS_MAX_ATTEMPTS` and their settings in the files.
    ///
    /// # Errors
    ///
    /// A mode that is not known, or a number below one.
    pub(crate) fn resolve(environment: &dyn Environment, config: &Config) -> Result<Self, Error> {
        let setting = |variable: &str, key: &str| {
            environment.var(variable).or_else(|| config.get(key).map(str::to_owned))
        };
        let mode = match setting("AWS_RETRY_MODE", "retry_mode").as_deref() {
            None | Some("standard") => Mode::Standard,
            Some("adaptive") => Mode::Adaptive,
            Some(mode) => {
                return Err(Error::general(format!(
                    "Invalid value provided to \"mode\": \"{mode}\" must be one of: \"standard\" or \"adaptive\""
                )));
            }
        };
        let Some(text) = setting("AWS_MAX_ATTEMPTS", "max_attempts") else {
            return Ok(Self { mode, attempts_max: ATTEMPTS_DEFAULT });
        };
        let number = convert::python_int(&text)?;
        match number.as_integer().map(u32::try_from) {
            Some(Ok(attempts_max)) if attempts_max >= 1 => Ok(Self { mode, attempts_max }),
            None => Ok(Self { mode, attempts_max: u32::MAX }),
            _ => Err(Error::general(format!(
                "Value provided to \"max_attempts\": {text} must be an integer greater than or equal to one."
            ))),
        }
    }

    /// The value of `amz-sdk-request`: which attempt this is, and until when its answer is waited for, if the service's clock is known.
    /// That moment is in seconds since 1970.
    pub(crate) fn header(&self, attempt: u32, ends_at: Option<i64>) -> String {
        if attempt == 1 {
            return "attempt=1".to_owned();
        }
        let ttl = ends_at.map_or_else(String::new, |at| {
            let basic = timestamp::from_epoch_seconds(at).replace(['-', ':'], "");
            format!("ttl={basic}; ")
        });
        format!("{ttl}attempt={attempt}; max={}", self.attempts_max)
    }

    /// The pause before the attempt after this many; `random` is from 0 to 1.
    pub(crate) fn pause(attempts: u32, random: f64) -> Duration {
        let exponent = i32::try_from(attempts.saturating_sub(1)).unwrap_or(i32::MAX);
        Duration::from_secs_f64((random * 2f64.powi(exponent)).min(BACKOFF_SECONDS_MAX))
    }
}

/// Whether an error's code means: too fast.
pub(crate) fn has_throttling_code(code: &str) -> bool {
    THROTTLING.contains(&code)
}

/// Whether an error answer is worth another attempt.
pub(crate) fn is_retryable(status: u16, code: &str) -> bool {
    matches!(status, 500 | 502 | 503 | 504) || has_throttling_code(code) || TRANSIENT.contains(&code)
}

/// Whether an error answer means: too fast.
pub(crate) fn is_throttling(status: u16, code: &str) -> bool {
    status == 429 || has_throttling_code(code) || code == "TooManyRequests"
}

/// The seconds of `Retry-After` (RFC 9110 section 10.2.3). A date is not looked at: the clocks may differ.
pub(crate) fn after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

/// Whether a failed exchange is worth another attempt.
pub(crate) fn is_transient(failure: &Failure) -> bool {
    !matches!(failure, Failure::Other(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_worth_another_attempt() {
        let check = |status: u16, code: &str, want: bool| {
            assert_eq!(is_retryable(status, code), want, "{status} {code}");
        };
        check(500, "", true);
        check(503, "ServiceUnavailable", true);
        check(501, "", false);
        check(429, "", false);
        check(429, "Throttling", true);
        check(400, "SlowDown", true);
        check(400, "RequestTimeout", true);
        check(403, "RequestExpired", false);
    }

    #[test]
    fn retries_say_which_they_are_and_how_long_they_wait() {
        let retry = Retry { mode: Mode::Standard, attempts_max: 3 };
        assert_eq!(retry.header(1, Some(0)), "attempt=1");
        assert_eq!(retry.header(2, None), "attempt=2; max=3");
        assert_eq!(retry.header(3, Some(60)), "ttl=19700101T000100Z; attempt=3; max=3");
    }

    #[test]
    fn pauses_double_up_to_twenty_seconds() {
        let check =
            |attempts, want: f64| assert_eq!(Retry::pause(attempts, 1.0), Duration::from_secs_f64(want));
        check(1, 1.0);
        check(2, 2.0);
        check(5, 16.0);
        check(6, 20.0);
        check(u32::MAX, 20.0);
    }
}
