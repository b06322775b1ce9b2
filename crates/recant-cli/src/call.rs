//! One call of the service: validate, sign, send, retry, read.
//!
//! A [`Caller`] lives as long as the command: pages and polls share its credentials and its connection. What a command does not get to
//! (credentials when the input is wrong, a connection for a skeleton) is never made.
//!
//! [`Caller::call`] is all of it. Who sends many calls at a time takes the steps one by one: a request is spelled, signed and read on the thread
//! that has the environment; only the exchange itself, by the [`Transport`] that [`Caller::open`] gives, is another thread's.

mod answer;
mod outgoing;

use std::io::Read;
use std::time::{Duration, SystemTime};

use recant_core::time::WallTime;
use recant_wire::document::{Document, Members};
use recant_wire::model::Operation;
use recant_wire::{python, request, response, validate};

pub(crate) use self::answer::{Answer, error_of};
use self::outgoing::check_addresses;
use crate::config::Config;
use crate::credentials;
use crate::credentials::{Found, Renewal};
use crate::endpoint::Endpoint;
use crate::environment::Environment;
use crate::error::Error;
use crate::globals::Globals;
use crate::input::{self, BinaryFormat};
use crate::output::timestamp::{self, TimestampFormat};
use crate::retry::adaptive::RateLimiter;
use crate::retry::quota::Quota;
use crate::retry::{self, Mode, Retry};
use crate::transport::{Failure, Opened, Reply, Settings, Transport};

/// Everything that the calls of one command share.
#[derive(Debug)]
pub(crate) struct Caller<'a> {
    config: &'a Config,
    globals: &'a Globals,
    endpoint: Endpoint,
    retry: Retry,
    quota: Quota,
    /// What paces the requests, in the adaptive mode.
    limiter: Option<RateLimiter>,
    timestamps: TimestampFormat,
    binary: BinaryFormat,
    credentials: Option<Found>,
    transport: Option<Transport>,
}

impl<'a> Caller<'a> {
    /// Reads the settings of the calls to come. Nothing is opened.
    ///
    /// # Errors
    ///
    /// A setting that cannot work.
    pub(crate) fn new(
        environment: &dyn Environment,
        config: &'a Config,
        globals: &'a Globals,
    ) -> Result<Self, Error> {
        let timestamps = match config.get("cli_timestamp_format") {
            None | Some("iso8601") => TimestampFormat::Iso8601,
            Some("wire") => TimestampFormat::Wire,
            Some(other) => {
                return Err(Error::Configuration {
                    code: "Configuration",
                    message: format!(
                        "Unknown cli_timestamp_format value: {other}, valid values are \"wire\" or \"iso8601\""
                    ),
                });
            }
        };
        let binary = match (globals.binary_format, config.get("cli_binary_format")) {
            (Some(format), _) => format,
            (None, None | Some("base64")) => BinaryFormat::Base64,
            (None, Some("raw-in-base64-out")) => BinaryFormat::Raw,
            (None, Some(other)) => return Err(Error::general(format!("'{other}'"))),
        };
        let retry = Retry::resolve(environment, config)?;
        let endpoint = Endpoint::resolve(environment, config, globals)?;
        let limiter = (retry.mode == Mode::Adaptive).then(|| RateLimiter::new(seconds(environment.now())));
        Ok(Self {
            config,
            globals,
            endpoint,
            retry,
            quota: Quota::new(),
            limiter,
            timestamps,
            binary,
            credentials: None,
            transport: None,
        })
    }

    /// Prepares an input: blobs are decoded, and the whole is held against its shape.
    ///
    /// # Errors
    ///
    /// All disagreements at once.
    pub(crate) fn prepare(&self, operation: &'static Operation, input: &Members) -> Result<Document, Error> {
        let input = input::decode_blobs(operation.input, Document::Structure(input.clone()), self.binary)?;
        let is_off =
            self.config.get("parameter_validation").is_some_and(|value| value.eq_ignore_ascii_case("false"));
        if !is_off {
            let problems = validate::validate(operation.input, &input);
            if !problems.is_empty() {
                return Err(Error::invalid(&problems));
            }
        }
        Ok(input)
    }

    /// Calls an operation and reads its result.
    ///
    /// # Errors
    ///
    /// Wrong input, no credentials, no answer, an error as answer, an answer that cannot be read.
    pub(crate) fn call(
        &mut self,
        environment: &mut dyn Environment,
        operation: &'static Operation,
        input: &Members,
    ) -> Result<Document, Error> {
        let request = self.spell(operation, input)?;
        self.authenticate(environment)?;
        let reply = self.send(environment, operation.name, &request)?;
        self.read(operation, &reply)
    }

    /// Sends a request that is not one of CloudFront's, signed, retried and refused like those; the name is for messages and the log.
    ///
    /// # Errors
    ///
    /// No credentials, no answer, an error as answer.
    pub(crate) fn exchange(
        &mut self,
        environment: &mut dyn Environment,
        name: &'static str,
        request: &request::Request,
    ) -> Result<Reply, Error> {
        self.authenticate(environment)?;
        self.send(environment, name, request)
    }

    /// The same for an answer that does not end: its bytes, as they come. What cannot be reached for now is tried as often as any other call.
    ///
    /// # Errors
    ///
    /// No credentials, no answer, an error as answer.
    pub(crate) fn open_stream(
        &mut self,
        environment: &mut dyn Environment,
        operation: &'static str,
        request: &request::Request,
    ) -> Result<Box<dyn Read>, Error> {
        self.authenticate(environment)?;
        let mut attempt = 1;
        loop {
            let outgoing = self.sign(environment, operation, request, attempt)?;
            let url = outgoing.uri().to_string();
            let opened = self.transport(environment, &url)?.open(outgoing);
            let (error, is_transient) = match opened {
                Ok(Opened::Stream(stream)) => return Ok(stream),
                Ok(Opened::Whole(reply)) => {
                    let (code, message) = error_of(&reply);
                    let is_transient = retry::is_retryable(reply.status, &code);
                    (Error::Service { code, message, operation, reached_max_retries: None }, is_transient)
                }
                Err(failure) => {
                    let is_transient = retry::is_transient(&failure);
                    (Error::NoAnswer { message: failure.message(&url), is_transient }, is_transient)
                }
            };
            if attempt >= self.retry.attempts_max || !is_transient {
                return Err(error);
            }
            let random = environment.random();
            environment.sleep(Retry::pause(attempt, random));
            attempt += 1;
        }
    }

    /// Spells an input as a request that has no host and no signature yet.
    ///
    /// # Errors
    ///
    /// Wrong input.
    pub(crate) fn spell(
        &self,
        operation: &'static Operation,
        input: &Members,
    ) -> Result<request::Request, Error> {
        let input = self.prepare(operation, input)?;
        check_addresses(operation, &input)?;
        request::encode(operation, &input).map_err(|why| Error::general(why.to_string()))
    }

    /// Reads the result in a reply.
    ///
    /// # Errors
    ///
    /// A reply that is none of this operation.
    pub(crate) fn read(&self, operation: &'static Operation, reply: &Reply) -> Result<Document, Error> {
        let result = response::decode(operation, &reply.headers, &reply.body).map_err(|why| {
            Error::general(format!(
                "Unable to parse response ({why}), invalid XML received. Further retries may succeed:\n{}",
                python::repr(&Document::Blob(reply.body.clone()))
            ))
        })?;
        timestamp::respell(result, self.timestamps)
    }

    /// Makes everything ready to sign and to send; what comes back sends, from any thread.
    ///
    /// # Errors
    ///
    /// No credentials, or settings that no connection can be made with.
    pub(crate) fn open(&mut self, environment: &mut dyn Environment) -> Result<Transport, Error> {
        self.authenticate(environment)?;
        let url = self.url();
        self.transport(environment, &url).cloned()
    }

    /// The endpoint, for messages.
    pub(crate) fn url(&self) -> String {
        self.endpoint.url("/", "")
    }

    /// Looks for credentials again, since those at hand are over. Returns whether there are others.
    ///
    /// # Errors
    ///
    /// No credentials.
    pub(crate) fn renew(&mut self, environment: &mut dyn Environment) -> Result<bool, Error> {
        let found = credentials::find(environment, self.config, self.globals)?;
        let is_known = self.credentials.as_ref().is_some_and(|known| {
            let [known, found] = [known, &found].map(|found| &found.credentials);
            (&known.access_key_id, &known.session_token) == (&found.access_key_id, &found.session_token)
        });
        self.credentials = Some(found);
        Ok(!is_known)
    }

    /// The attempts of a call.
    pub(crate) fn attempts_max(&self) -> u32 {
        self.retry.attempts_max
    }

    /// Whether the endpoint is AWS's own, as far as its name tells.
    pub(crate) fn is_of_aws(&self) -> bool {
        self.endpoint.is_of_aws()
    }

    fn authenticate(&mut self, environment: &mut dyn Environment) -> Result<(), Error> {
        if self.globals.sign && self.credentials.is_none() {
            self.credentials = Some(credentials::find(environment, self.config, self.globals)?);
        }
        Ok(())
    }

    /// Looks for credentials anew if those at hand end soon: a command may last longer than they do.
    fn keep_authenticated(&mut self, environment: &mut dyn Environment) -> Result<(), Error> {
        let renewal = self.credentials.as_ref().map(|found| found.renewal(environment.now()));
        let Some(renewal @ (Renewal::Wanted | Renewal::Needed)) = renewal else { return Ok(()) };
        match credentials::find(environment, self.config, self.globals) {
            Ok(found) => self.credentials = Some(found),
            Err(error @ Error::Interrupted) => return Err(error),
            Err(_) if renewal == Renewal::Wanted => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Sends until there is a success, an error that stands, or no attempt left.
    fn send(
        &mut self,
        environment: &mut dyn Environment,
        operation: &'static str,
        request: &request::Request,
    ) -> Result<Reply, Error> {
        let mut attempt = 1;
        let mut ends_at = None;
        let mut price = None;
        loop {
            self.pace(environment);
            let outgoing = self.sign_until(environment, operation, request, attempt, ends_at)?;
            let url = outgoing.uri().to_string();
            let exchange = self.transport(environment, &url)?.send(outgoing);
            ends_at = exchange.as_ref().ok().and_then(|reply| self.end_of_next(reply)).or(ends_at);
            let is_timeout = exchange.as_ref().is_err_and(Failure::is_timeout);
            let is_last = attempt >= self.retry.attempts_max;
            let (error, is_retryable) = match Answer::of(environment, exchange, &url) {
                Answer::Reply(reply) => {
                    self.learn(environment, false);
                    self.quota.succeed(price);
                    return Ok(reply);
                }
                Answer::Refused { status, code, message, .. } => {
                    self.learn(environment, retry::has_throttling_code(&code));
                    let is_retryable = retry::is_retryable(status, &code);
                    let reached_max_retries = (is_retryable && is_last).then_some(attempt - 1);
                    (Error::Service { code, message, operation, reached_max_retries }, is_retryable)
                }
                Answer::None { message, is_transient } => {
                    self.learn(environment, false);
                    (Error::NoAnswer { message, is_transient }, is_transient)
                }
            };
            if is_last || !is_retryable {
                return Err(error);
            }
            price = self.quota.pay(is_timeout);
            if price.is_none() {
                return Err(error);
            }
            let random = environment.random();
            environment.sleep(Retry::pause(attempt, random));
            attempt += 1;
        }
    }

    /// Signs a request; the name is the operation's, for the log.
    ///
    /// # Errors
    ///
    /// What cannot be the head of a request.
    pub(crate) fn sign(
        &mut self,
        environment: &mut dyn Environment,
        name: &str,
        request: &request::Request,
        attempt: u32,
    ) -> Result<http::Request<Vec<u8>>, Error> {
        self.sign_until(environment, name, request, attempt, None)
    }

    /// The same, with the time until which the answer is waited for.
    fn sign_until(
        &mut self,
        environment: &mut dyn Environment,
        name: &str,
        request: &request::Request,
        attempt: u32,
        ends_at: Option<i64>,
    ) -> Result<http::Request<Vec<u8>>, Error> {
        let url = self.endpoint.url(&request.path, request.query.as_deref().unwrap_or(""));
        self.keep_authenticated(environment)?;
        let outgoing = self.assemble(environment.now(), request, &url, attempt, ends_at)?;
        self.log_request(environment, name, &outgoing);
        Ok(outgoing)
    }

    /// Waits for this request's turn, in the adaptive mode.
    fn pace(&mut self, environment: &mut dyn Environment) {
        let now = seconds(environment.now());
        let pause = self.limiter.as_mut().map_or(Duration::ZERO, |limiter| limiter.acquire(now));
        if !pause.is_zero() {
            environment.sleep(pause);
        }
    }

    fn learn(&mut self, environment: &dyn Environment, is_throttled: bool) {
        if let Some(limiter) = &mut self.limiter {
            limiter.learn(seconds(environment.now()), is_throttled);
        }
    }

    /// Until when the next answer is waited for, by the service's clock and in seconds since 1970.
    fn end_of_next(&self, reply: &Reply) -> Option<i64> {
        let date = timestamp::epoch_seconds(reply.headers.get(http::header::DATE)?.to_str().ok()?)?;
        date.checked_add_unsigned(self.globals.read_timeout?.as_secs())
    }

    /// The client of the endpoint, made at the first request.
    fn transport(&mut self, environment: &mut dyn Environment, url: &str) -> Result<&Transport, Error> {
        if self.transport.is_none() {
            environment.watch_interrupts();
            let base = &self.endpoint.base;
            if !self.globals.verify_tls && base.starts_with("https:") {
                let warning = format!(
                    "InsecureRequestWarning: Unverified HTTPS request is being made to host '{}'. \
                     Adding certificate verification is strongly advised.\n",
                    self.endpoint.host()
                );
                let _ = environment.stderr().write_all(warning.as_bytes());
            }
            let settings = Settings::resolve(environment, self.config, self.globals, base);
            self.transport = Some(Transport::new(&settings, base, url)?);
        }
        Ok(self.transport.as_ref().expect("made above"))
    }
}

/// The time as the rate limiter counts it.
fn seconds(now: SystemTime) -> f64 {
    now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

pub(crate) fn wall_time(now: SystemTime) -> WallTime {
    let millis = match now.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX),
    };
    WallTime::from_millis(millis)
}
