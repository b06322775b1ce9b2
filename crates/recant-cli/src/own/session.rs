//! The calls of one of these commands: `/recant/v1/…`, JSON both ways, signed like every other call.

use std::io::Read;

use http::Method;
use recant_wire::document::{Document, Members};
use recant_wire::request::Request;

use crate::call::Caller;
use crate::config::Config;
use crate::environment::Environment;
use crate::error::Error;
use crate::globals::Globals;
use crate::input::json;
use crate::output::{self, Printer};

/// One command's calls and its result.
pub(super) struct Session<'a> {
    /// Streams and clock.
    pub environment: &'a mut dyn Environment,
    /// The calls.
    pub caller: Caller<'a>,
    command: &'static str,
    config: &'a Config,
    globals: &'a Globals,
}

impl Session<'_> {
    /// Resolves the settings, and does with them what a command does.
    ///
    /// # Errors
    ///
    /// A setting that cannot work, an endpoint that is AWS's own, and whatever the command comes to.
    pub(super) fn with(
        environment: &mut dyn Environment,
        command: &'static str,
        globals: &Globals,
        run: impl FnOnce(&mut Session<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let config = Config::load(environment, globals.profile.as_deref())?;
        let caller = Caller::new(environment, &config, globals)?;
        if caller.is_of_aws() {
            return Err(Error::Configuration {
                code: "Configuration",
                message: "this asks a plane of Recant's, and the endpoint is AWS's own. Say where the plane is: \
                          --endpoint-url, AWS_ENDPOINT_URL_CLOUDFRONT, or eval \"$(recant env --data-dir DIR)\""
                    .to_owned(),
            });
        }
        run(&mut Session { environment, caller, command, config: &config, globals })
    }

    /// Calls an operation. The path's segments are spelled here; members are a query's parameters for `GET`, else the body.
    ///
    /// # Errors
    ///
    /// No credentials, no answer, an error as answer, an answer that is no JSON.
    pub(super) fn call(
        &mut self,
        operation: &'static str,
        method: Method,
        path: &[&str],
        members: Members,
    ) -> Result<Document, Error> {
        let request = request(method, path, members);
        let reply = self.caller.exchange(self.environment, operation, &request)?;
        if reply.body.is_empty() {
            return Ok(Document::Null);
        }
        let text = std::str::from_utf8(&reply.body).map_err(|why| why.to_string());
        text.and_then(|text| json::parse(text).map_err(|why| why.to_string())).map_err(|why| {
            Error::general(format!("the answer to {operation} is none of a plane of Recant's: {why}"))
        })
    }

    /// Calls an operation whose answer does not end, and gives its bytes as they come.
    ///
    /// # Errors
    ///
    /// As for [`Session::call`].
    pub(super) fn open(
        &mut self,
        operation: &'static str,
        method: Method,
        path: &[&str],
        members: Members,
    ) -> Result<Box<dyn Read>, Error> {
        let request = request(method, path, members);
        self.caller.open_stream(self.environment, operation, &request)
    }

    /// Shows a result, as `--output` and `--query` say.
    ///
    /// # Errors
    ///
    /// A query that fails, or standard output that is gone.
    pub(super) fn show(&mut self, result: Document) -> Result<(), Error> {
        Printer::resolve(self.environment, self.config, self.globals, self.command)?
            .show(self.environment, result)
    }

    /// Says something on standard error.
    pub(super) fn say(&mut self, text: &str) {
        super::say(self.environment, self.command, text);
    }
}

fn request(method: Method, path: &[&str], members: Members) -> Request {
    let segments: Vec<String> = path.iter().map(|segment| percent_encoded(segment)).collect();
    let path = format!("/recant/v1/{}", segments.join("/"));
    if method == Method::GET {
        let parameters: Vec<String> = members
            .iter()
            .filter_map(|(name, value)| Some(format!("{name}={}", percent_encoded(value.as_str()?))))
            .collect();
        let query = Some(parameters.join("&")).filter(|query| !query.is_empty());
        return Request { method, path, query, headers: Vec::new(), body: Vec::new() };
    }
    let (headers, body) = match members.is_empty() {
        true => (Vec::new(), Vec::new()),
        false => (
            vec![("content-type", "application/json".to_owned())],
            output::json::compact(&members.into()).into_bytes(),
        ),
    };
    Request { method, path, query: None, headers, body }
}

/// A text as a segment of a path or a value in a query.
fn percent_encoded(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let spell = |byte: u8| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(spell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent() {
        let members =
            |name: &str, value: &str| [(name, Document::from(value))].into_iter().collect::<Members>();
        let sent = request(Method::GET, &["keys", "a/b"], members("Marker", "x&y"));
        assert_eq!(
            (sent.path.as_str(), sent.query.as_deref()),
            ("/recant/v1/keys/a%2Fb", Some("Marker=x%26y"))
        );
        let sent = request(Method::PUT, &["keys"], members("Status", "Active"));
        assert_eq!((sent.query, sent.body), (None, br#"{"Status":"Active"}"#.to_vec()));
        let sent = request(Method::DELETE, &["keys"], Members::new());
        assert_eq!((sent.headers.len(), sent.body.len()), (0, 0));
    }
}
