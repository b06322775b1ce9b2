//! The code of a second factor, asked for at the terminal; without one it is the first line of standard input.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Write as _};

use crate::environment::Environment;
use crate::error::Error;

/// Asks for the code of this device.
///
/// # Errors
///
/// Nobody to ask.
pub(super) fn ask(environment: &mut dyn Environment, serial: &str) -> Result<String, Error> {
    let prompt = format!("Enter MFA code for {serial}: ");
    let line = match OpenOptions::new().read(true).write(true).open("/dev/tty") {
        Ok(terminal) => at(terminal, &prompt),
        Err(_) => {
            let _ = environment.stderr().write_all(prompt.as_bytes());
            environment.read_stdin().and_then(|all| {
                all.lines().next().unwrap_or_else(|| Err(io::Error::from(io::ErrorKind::UnexpectedEof)))
            })
        }
    };
    let line =
        line.map_err(|why| Error::general(format!("The code of {serial} could not be asked for: {why}")))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// Asks at this terminal. What is typed is shown: the code is good once, and an interrupt must not leave a terminal that shows nothing.
fn at(mut terminal: File, prompt: &str) -> io::Result<String> {
    terminal.write_all(prompt.as_bytes())?;
    let mut line = String::new();
    BufReader::new(terminal).read_line(&mut line)?;
    Ok(line)
}
