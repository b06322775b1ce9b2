//! `--debug`: what is done, line by line on standard error, in the form of the AWS CLI's log.
//!
//! The landmarks are the AWS CLI's, since people search for them. Secret keys are never shown; session tokens are, being headers.

use std::time::SystemTime;

use recant_wire::sigv4::SignableRequest;
use recant_wire::sigv4::canonical::{PathSpelling, canonical_request, string_to_sign};
use recant_wire::sigv4::date::AmzDate;

use crate::call::wall_time;
use crate::environment::Environment;
use crate::output::timestamp;

/// Writes a line, if anybody wants to see it.
pub(crate) fn line(environment: &mut dyn Environment, logger: &str, text: impl FnOnce() -> String) {
    if !environment.is_debugging() {
        return;
    }
    let since = environment.now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    let time = timestamp::from_epoch_seconds(seconds).replace('T', " ").replace('Z', "");
    let line = format!("{time},{:03} - MainThread - {logger} - DEBUG - {}\n", since.subsec_millis(), text());
    let _ = environment.stderr().write_all(line.as_bytes());
}

/// Shows what was signed, and the text that the signature is made of.
pub(crate) fn signature(
    environment: &mut dyn Environment,
    request: &SignableRequest<'_>,
    region: &str,
    service: &str,
    authorization: &str,
) {
    if !environment.is_debugging() {
        return;
    }
    let signed = authorization.split("SignedHeaders=").nth(1).and_then(|rest| rest.split(',').next());
    let signed: Vec<&str> = signed.unwrap_or_default().split(';').collect();
    let canonical = canonical_request(request, &signed, PathSpelling::CLOUDFRONT);
    let date = AmzDate::of(wall_time(environment.now()));
    let string = string_to_sign(date, region, service, &canonical);
    line(environment, "botocore.auth", || "Calculating signature using v4 auth.".to_owned());
    line(environment, "botocore.auth", || {
        format!("CanonicalRequest:\n{}", String::from_utf8_lossy(&canonical))
    });
    line(environment, "botocore.auth", || format!("StringToSign:\n{string}"));
}
