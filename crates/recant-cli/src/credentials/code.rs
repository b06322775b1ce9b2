//! The code of a second factor, asked for at the terminal, which does not show it; without one it is the first line of standard input.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, Read as _, Write as _};

use rustix::termios::{self, LocalModes, OptionalActions, Termios};

use crate::environment::Environment;
use crate::error::Error;

const INTERRUPT: u8 = 0x03;
const END_OF_FILE: u8 = 0x04;
const BACKSPACE: u8 = 0x08;
const KILL_LINE: u8 = 0x15;
const DELETE: u8 = 0x7f;

/// Asks for the code of this device.
///
/// # Errors
///
/// Nobody to ask, or an interrupt in place of an answer.
pub(super) fn ask(environment: &mut dyn Environment, serial: &str) -> Result<String, Error> {
    let prompt = format!("Enter MFA code for {serial}: ");
    let failed =
        |why: io::Error| Error::general(format!("The code of {serial} could not be asked for: {why}"));
    match OpenOptions::new().read(true).write(true).open("/dev/tty") {
        Ok(terminal) => {
            let mut silent = Silent::new(terminal).map_err(failed)?;
            silent.terminal.write_all(prompt.as_bytes()).map_err(failed)?;
            silent.line().map_err(failed)?.ok_or(Error::Interrupted)
        }
        Err(_) => {
            let _ = environment.stderr().write_all(prompt.as_bytes());
            let line = environment.read_stdin().and_then(|all| {
                all.lines().next().unwrap_or_else(|| Err(io::Error::from(io::ErrorKind::UnexpectedEof)))
            });
            Ok(line.map_err(failed)?.trim_end_matches(['\r', '\n']).to_owned())
        }
    }
}

/// A terminal that does not show what is typed, and hands it on key by key: also an interrupt, which would else leave the terminal as it is now. What it was
/// before comes back when this is dropped.
struct Silent {
    terminal: File,
    before: Termios,
}

impl Silent {
    fn new(terminal: File) -> io::Result<Self> {
        let before = termios::tcgetattr(&terminal)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        termios::tcsetattr(&terminal, OptionalActions::Flush, &silent)?;
        Ok(Self { terminal, before })
    }

    /// What is typed up to the end of the line; none at an interrupt.
    fn line(&mut self) -> io::Result<Option<String>> {
        let mut typed = Vec::new();
        let mut key = [0];
        loop {
            let is_end = self.terminal.read(&mut key)? == 0;
            match key[0] {
                _ if is_end => break,
                b'\r' | b'\n' | END_OF_FILE => break,
                INTERRUPT => return Ok(None),
                BACKSPACE | DELETE => {
                    typed.pop();
                }
                KILL_LINE => typed.clear(),
                key => typed.push(key),
            }
        }
        self.terminal.write_all(b"\n")?;
        Ok(Some(String::from_utf8_lossy(&typed).into_owned()))
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing back.
        let _ = termios::tcsetattr(&self.terminal, OptionalActions::Flush, &self.before);
    }
}
