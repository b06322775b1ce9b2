//! Signing, as the AWS CLI does it.

use recant_core::time::WallTime;

use super::canonical::{PathSpelling, canonical_request, signature, string_to_sign};
use super::date::AmzDate;
use super::{ALGORITHM, Credentials, Header, SERVICE, SignableRequest};

/// Whom a signature is meant for.
#[derive(Clone, Copy, Debug)]
pub struct ServiceScope<'a> {
    /// The region; `us-east-1` for CloudFront itself.
    pub region: &'a str,
    /// The service's signing name.
    pub service: &'a str,
    /// How that service wants paths spelled.
    pub spelling: PathSpelling,
}

impl<'a> ServiceScope<'a> {
    /// CloudFront in this region.
    pub const fn cloudfront(region: &'a str) -> Self {
        Self { region, service: SERVICE, spelling: PathSpelling::CLOUDFRONT }
    }
}

/// The headers that make this request a signed one, in the order to add them: `x-amz-date`, `x-amz-security-token`
/// when the credentials are temporary, `authorization`.
///
/// `host` and the added headers are signed, and those of the request whose names are listed in `also_sign` (in any
/// case): the AWS CLI signs `if-match` where one is sent and nothing more. The request must not carry any of the
/// added headers yet.
pub fn sign(
    request: &SignableRequest<'_>,
    credentials: &Credentials,
    scope: &ServiceScope<'_>,
    now: WallTime,
    also_sign: &[&str],
) -> Vec<(&'static str, String)> {
    let date = AmzDate::of(now);
    let mut added = vec![("x-amz-date", date.to_string())];
    added.extend(credentials.session_token.clone().map(|token| ("x-amz-security-token", token)));

    let mut headers: Vec<Header<'_>> = request.headers.to_vec();
    headers.extend(added.iter().map(|(name, value)| (*name, value.as_bytes())));
    let mut signed: Vec<String> = headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    signed.retain(|name| {
        name == "host"
            || added.iter().any(|(added, _)| added == name)
            || also_sign.iter().any(|listed| listed.eq_ignore_ascii_case(name))
    });
    signed.sort();
    signed.dedup();
    let signed: Vec<&str> = signed.iter().map(String::as_str).collect();

    let ServiceScope { region, service, spelling } = *scope;
    let canonical = canonical_request(&SignableRequest { headers: &headers, ..*request }, &signed, spelling);
    let string = string_to_sign(date, region, service, &canonical);
    let signature = signature(&credentials.secret_access_key, date, region, service, &string);
    let authorization = format!(
        "{ALGORITHM} Credential={}/{}/{region}/{service}/aws4_request, SignedHeaders={}, Signature={signature}",
        credentials.access_key_id,
        date.day(),
        signed.join(";"),
    );
    added.push(("authorization", authorization));
    added
}
