//! When a call is sent again: the AWS SDKs' standard mode.
//!
//! Up to three attempts; between them a random part of 1, 2, 4 … seconds, at most 20. Sent again is what the service could not
//! do now (500, 502, 503, 504, throttling by code) and what never arrived whole.

use std::time::Duration;

use http::HeaderMap;

use crate::config::Config;
use crate::environment::Environment;
use crate::error::Error;
use crate::input::convert;
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

/// How often a call is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Retry {
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
        if let Some(mode) = setting("AWS_RETRY_MODE", "retry_mode")
            && !["standard", "adaptive"].contains(&mode.as_str())
        {
            return Err(Error::general(format!(
                "Invalid value provided to \"mode\": \"{mode}\" must be one of: \"standard\" or \"adaptive\""
            )));
        }
        let Some(text) = setting("AWS_MAX_ATTEMPTS", "max_attempts") else {
            return Ok(Self { attempts_max: ATTEMPTS_DEFAULT });
        };
        let number = convert::python_int(&text)?;
        match number.as_integer().map(u32::try_from) {
            Some(Ok(attempts_max)) if attempts_max >= 1 => Ok(Self { attempts_max }),
            None => Ok(Self { attempts_max: u32::MAX }),
            _ => Err(Error::general(format!(
                "Value provided to \"max_attempts\": {text} must be an integer greater than or equal to one."
            ))),
        }
    }

    /// The value of `amz-sdk-request`: which attempt this is.
    pub(crate) fn header(&self, attempt: u32) -> String {
        match attempt {
            1 => "attempt=1".to_owned(),
            attempt => format!("attempt={attempt}; max={}", self.attempts_max),
        }
    }

    /// The pause before the attempt after this many; `random` is from 0 to 1.
    pub(crate) fn pause(attempts: u32, random: f64) -> Duration {
        let exponent = i32::try_from(attempts.saturating_sub(1)).unwrap_or(i32::MAX);
        Duration::from_secs_f64((random * 2f64.powi(exponent)).min(BACKOFF_SECONDS_MAX))
    }
}

/// Whether an error answer is worth another attempt.
pub(crate) fn is_retryable(status: u16, code: &str) -> bool {
    matches!(status, 500 | 502 | 503 | 504) || THROTTLING.contains(&code) || TRANSIENT.contains(&code)
}

/// Whether an error answer means: too fast.
pub(crate) fn is_throttling(status: u16, code: &str) -> bool {
    status == 429 || THROTTLING.contains(&code) || code == "TooManyRequests"
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
