//! One exchange with a service that hands out credentials: the same settings, retries and failures as a call of CloudFront.

use std::time::SystemTime;

use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::retry::{self, Retry};
use crate::transport::{Failure, Reply, Settings, Transport};

use super::Search;

/// A request that is not sent yet, without `host` and `amz-sdk-request`.
pub(super) type Request = http::Request<Vec<u8>>;

/// An answer that is an error.
#[derive(Debug)]
pub(super) struct Refusal {
    /// Of HTTP.
    pub status: u16,
    /// As the service names it.
    pub code: String,
    /// In the service's words.
    pub message: String,
    /// How often it was tried again, if that is why it is told now.
    retries: Option<u32>,
}

impl Refusal {
    /// The error of the operation that was refused.
    pub(super) fn of(self, operation: &'static str) -> Error {
        let (code, message) = (self.code, self.message);
        Error::Service { code, message, operation, reached_max_retries: self.retries }
    }
}

/// Sends a request until there is an answer or no attempt left. `make` adds what depends on the time, the signature above all;
/// `error_of` reads code and message of an answer that is no success.
///
/// # Errors
///
/// No answer. An answer that is an error is the caller's to judge.
pub(super) fn send(
    search: &mut Search<'_>,
    endpoint: &Endpoint,
    url: &str,
    make: impl Fn(SystemTime, http::request::Builder) -> Result<Request, http::Error>,
    error_of: impl Fn(&Reply) -> (String, String),
) -> Result<Result<Reply, Refusal>, Error> {
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
            Ok(reply) if (200..300).contains(&reply.status) => return Ok(Ok(reply)),
            Ok(reply) => {
                let (status, (code, message)) = (reply.status, error_of(&reply));
                let is_retryable = retry::is_retryable(status, &code);
                if is_last || !is_retryable {
                    let retries = is_retryable.then_some(attempt - 1);
                    return Ok(Err(Refusal { status, code, message, retries }));
                }
            }
            Err(failure) if is_last || !retry::is_transient(&failure) => {
                return Err(Error::general(failure.message(url)));
            }
            Err(_) => {}
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
