//! What an error of the service means for the calls that are still to be made.

use crate::retry;

/// Codes that are about who calls, so that every other call gets them too.
const OF_THE_CALLER: &[&str] = &[
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "MissingAuthenticationToken",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];
/// Those of them that new credentials may mend.
const EXPIRED: &[&str] = &["ExpiredToken", "ExpiredTokenException", "RequestExpired"];

/// What an error means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Calls come too fast: all of them slow down.
    Throttled,
    /// This tenant has too much in progress: it waits, the others do not.
    Full,
    /// The service could not do it now.
    Unwell,
    /// The credentials; there is no use in asking for other tenants.
    Caller,
    /// It stands, for this tenant.
    Final,
}

impl Refusal {
    /// Reads an error.
    pub(super) fn of(status: u16, code: &str) -> Self {
        if code == "TooManyInvalidationsInProgress" {
            return Self::Full;
        }
        if retry::is_throttling(status, code) {
            return Self::Throttled;
        }
        if OF_THE_CALLER.contains(&code) {
            return Self::Caller;
        }
        if retry::is_retryable(status, code) { Self::Unwell } else { Self::Final }
    }
}

/// Whether the credentials are over, and others may be good.
pub(super) fn is_expiry(code: &str) -> bool {
    EXPIRED.contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_apart() {
        let check = |status, code: &str, want| assert_eq!(Refusal::of(status, code), want, "{status} {code}");
        check(400, "Throttling", Refusal::Throttled);
        check(429, "", Refusal::Throttled);
        check(503, "SlowDown", Refusal::Throttled);
        check(400, "TooManyInvalidationsInProgress", Refusal::Full);
        check(503, "ServiceUnavailable", Refusal::Unwell);
        check(403, "ExpiredToken", Refusal::Caller);
        check(403, "AccessDenied", Refusal::Final);
        check(404, "EntityNotFound", Refusal::Final);
    }
}
