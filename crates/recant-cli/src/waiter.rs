//! `wait`: polls until the state that is waited for is there.
//!
//! Delay, number of polls and state come from the interface description. Prints nothing. An error answer ends the wait.

use std::time::Duration;

use recant_wire::document::Document;
use recant_wire::model::{Acceptor, Waiter};

use crate::call::Caller;
use crate::command::Call;
use crate::environment::Environment;
use crate::error::Error;
use crate::path;

/// Waits.
///
/// # Errors
///
/// An error answer, or the state did not come in time.
pub(crate) fn wait(
    environment: &mut dyn Environment,
    caller: &mut Caller<'_>,
    waiter: &Waiter,
    call: &Call,
) -> Result<(), Error> {
    let failed = |why: String| Error::general(format!("Waiter {} failed: {why}", waiter.name));
    for poll in 1..=waiter.attempts_max {
        let result = match caller.call(environment, call.operation, &call.input) {
            Ok(result) => result,
            Err(Error::Service { code, message, .. }) => {
                return Err(failed(format!("An error occurred ({code}): {message}")));
            }
            Err(other) => return Err(other),
        };
        if waiter.acceptors.iter().any(|acceptor| is_reached(acceptor, &result)) {
            return Ok(());
        }
        if poll < waiter.attempts_max {
            environment.sleep(Duration::from_secs(waiter.delay_seconds.into()));
        }
    }
    Err(failed("Max attempts exceeded".to_owned()))
}

fn is_reached(acceptor: &Acceptor, result: &Document) -> bool {
    path::get(result, acceptor.path).and_then(Document::as_str) == Some(acceptor.expected)
}
