//! The credentials of a container: an address in the environment.

use std::net::IpAddr;
use std::time::Duration;

use recant_wire::document::Document;
use recant_wire::sigv4::Credentials;

use super::{Search, exchange, retrieval, temporary_from};
use crate::error::Error;
use crate::input::json;

/// What the AWS CLI calls this source.
const SOURCE: &str = "container-role";
/// Where a relative address starts.
const HOST: &str = "http://169.254.170.2";
/// Hosts that may be asked without TLS, beside this machine.
const HOSTS: [&str; 4] = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23", "localhost"];
/// How long a request may take.
const TIMEOUT: Duration = Duration::from_secs(2);
/// How often it is asked.
const ATTEMPTS: u32 = 3;

/// Asks, if the environment says where.
///
/// # Errors
///
/// An address that is not this machine's, or no credentials there.
pub(super) fn find(search: &mut Search<'_>) -> Result<Option<Credentials>, Error> {
    let variable = |name: &str| search.environment.var(name);
    let url = match variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
        Some(relative) => format!("{HOST}{relative}"),
        None => match variable("AWS_CONTAINER_CREDENTIALS_FULL_URI") {
            Some(url) => url,
            None => return Ok(None),
        },
    };
    check_host(&url)?;
    let token = match variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
        Some(file) => Some(
            std::fs::read_to_string(search.environment.working_dir().join(&file))
                .map_err(|why| Error::general(crate::input::files::system_error(&why, &file)))?,
        ),
        None => variable("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
    };
    if token.as_deref().is_some_and(|token| token.contains(['\r', '\n'])) {
        return Err(Error::general("Auth token value is not a legal header value"));
    }
    let mut headers = vec![("accept", "application/json")];
    headers.extend(token.as_deref().map(|token| ("authorization", token)));
    let found = fetch(search, &url, &headers)
        .map_err(|why| retrieval(SOURCE, format_args!("Error retrieving metadata: {why}")))?;
    let found = temporary_from(&found, "Token").map_err(|missing| Error::general(format!("'{missing}'")))?;
    search.accept(found).map(Some)
}

fn fetch(search: &mut Search<'_>, url: &str, headers: &[(&str, &str)]) -> Result<Document, String> {
    let mut attempt = 1;
    loop {
        let why = match exchange::ask_local(search, TIMEOUT, "GET", url, headers) {
            Ok(reply) if reply.status == 200 => match json::parse(&String::from_utf8_lossy(&reply.body)) {
                Ok(found) => return Ok(found),
                Err(_) => "Unable to parse JSON returned from container metadata services".to_owned(),
            },
            Ok(reply) => format!(
                "Received non 200 response {} from container metadata: {}",
                reply.status,
                String::from_utf8_lossy(&reply.body)
            ),
            Err(failure) => failure.message(url),
        };
        if attempt >= ATTEMPTS {
            return Err(why);
        }
        search.environment.sleep(Duration::from_secs(1));
        attempt += 1;
    }
}

/// Whoever gets the token can act for the container, so without TLS it stays on this machine.
fn check_host(url: &str) -> Result<(), Error> {
    let uri: http::Uri = url.parse().map_err(|_| Error::general(format!("Invalid endpoint: {url}")))?;
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_loopback = host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    if uri.scheme_str() == Some("https") || is_loopback || HOSTS.contains(&host) {
        return Ok(());
    }
    Err(Error::general(format!(
        "Unsupported host '{host}'.  Can only retrieve metadata from a loopback address or one of these hosts: {}",
        HOSTS.join(", ")
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_stay_on_this_machine() {
        let check = |url: &str, want: bool| assert_eq!(check_host(url).is_ok(), want, "{url}");
        check("http://169.254.170.2/creds", true);
        check("http://127.0.0.1:80/creds", true);
        check("http://[::1]/creds", true);
        check("http://[fd00:ec2::23]/creds", true);
        check("http://localhost/creds", true);
        check("https://example.com/creds", true);
        check("http://example.com/creds", false);
        check("http://10.0.0.1/creds", false);
        check("not a url", false);
    }
}
