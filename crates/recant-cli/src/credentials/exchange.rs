//! One exchange with a service that hands out credentials: the same settings, retries and failures as a call of CloudFront.

use std::time::SystemTime;

use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::retry::{self, Retry};
use crate::transport::{Failure, Reply, Settings, Transport};

use super::Search;

/// A request that is not sent yet, without `host` and `amz-sdk-request`.
pub(super) type Request = http::Request<Vec<u8>>;

/// Sends a request until there is an answer or no attempt left. `make` adds what depends on the time, the signature above all.
///
/// # Errors
///
/// No answer. An answer that is an error is the caller's to judge.
pub(super) fn send(
    search: &mut Search<'_>,
    endpoint: &Endpoint,
    url: &str,
    make: impl Fn(SystemTime, http::request::Builder) -> Result<Request, http::Error>,
) -> Result<Reply, Error> {
    let retry = Retry::resolve(search.environment, search.config)?;
    let settings = Settings::resolve(search.environment, search.config, search.globals, &endpoint.base);
    search.environment.watch_interrupts();
    let transport = Transport::new(&settings, &endpoint.base, url)?;
    let mut attempt = 1;
    loop {
        let builder = http::Request::builder()
            .uri(url)
            .header("host", endpoint.host())
            .header("amz-sdk-request", retry.header(attempt, None));
        let request = make(search.environment.now(), builder)
            .map_err(|why| Error::general(format!("Invalid request for \"{url}\": {why}")))?;
        let is_last = attempt >= retry.attempts_max;
        match transport.send(request) {
            Ok(reply) if is_last || !retry::is_retryable(reply.status, "") => return Ok(reply),
            Err(failure) if is_last || !retry::is_transient(&failure) => {
                return Err(Error::general(failure.message(url)));
            }
            Ok(_) | Err(_) => {}
        }
        let random = search.environment.random();
        search.environment.sleep(Retry::pause(attempt, random));
        attempt += 1;
    }
}

/// Asks a metadata service on this machine: no proxy, no signature, no patience.
///
/// # Errors
///
/// No answer.
pub(super) fn ask_local(
    search: &mut Search<'_>,
    timeout: std::time::Duration,
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
) -> Result<Reply, Failure> {
    let other = |why: String| Failure::Other(why);
    let settings = Settings {
        connect_timeout: Some(timeout),
        read_timeout: Some(timeout),
        verify_tls: true,
        ca_bundle: None,
        proxy: None,
    };
    search.environment.watch_interrupts();
    let transport = Transport::new(&settings, url, url).map_err(|why| other(why.to_string()))?;
    let mut request = http::Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    transport.send(request.body(Vec::new()).map_err(|why| other(why.to_string()))?)
}
