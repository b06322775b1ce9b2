//! `credential_process`: a program that prints credentials as JSON.

use std::process::Command;

use recant_wire::document::Document;
use recant_wire::python;
use recant_wire::sigv4::Credentials;

use super::{Search, retrieval, temporary_from};
use crate::config::Profile;
use crate::error::Error;
use crate::input::{files, json};
use crate::words;

/// What the AWS CLI calls this source.
const SOURCE: &str = "custom-process";

/// Runs the profile's program, if it names one.
///
/// # Errors
///
/// The program fails, or prints something else.
pub(super) fn find(search: &mut Search<'_>, profile: &Profile<'_>) -> Result<Option<Credentials>, Error> {
    let Some(line) = profile.get("credential_process") else {
        return Ok(None);
    };
    let words = words::split(line)?;
    let Some((program, arguments)) = words.split_first() else {
        return Ok(None);
    };
    let output = Command::new(program)
        .args(arguments)
        .stdin(std::process::Stdio::inherit())
        .current_dir(search.environment.working_dir())
        .output()
        .map_err(|why| Error::general(files::system_error(&why, program)))?;
    if !output.status.success() {
        return Err(retrieval(SOURCE, String::from_utf8_lossy(&output.stderr)));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let found = json::parse(&text).map_err(|why| Error::general(why.to_string()))?;
    match found.get("Version") {
        Some(Document::Integer(1)) => {}
        other => {
            let version = other.map_or_else(|| "<Version key not provided>".to_owned(), python::str);
            return Err(retrieval(
                SOURCE,
                format_args!(
                    "Unsupported version '{version}' for credential process provider, supported versions: 1"
                ),
            ));
        }
    }
    let found = temporary_from(&found, "SessionToken").map_err(|missing| {
        retrieval(SOURCE, format_args!("Missing required key in response: '{missing}'"))
    })?;
    search.accept(found).map(Some)
}
