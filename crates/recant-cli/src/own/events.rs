//! `events`: what happens at a plane, as it happens, a line of JSON for each event.
//!
//! The plane sends Server-Sent Events and cuts who does not read; a connection that ends is opened anew, after the last event that was written,
//! so that nothing is left out and nothing written twice.

use std::io::{BufRead, BufReader};
use std::time::Duration;

use http::Method;
use recant_wire::document::{Document, Members};

use super::line::Line;
use super::session::Session;
use crate::error::Error;
use crate::input::json;
use crate::lowargs::{Opt, Takes};
use crate::output;

/// What `events help` says.
pub(super) const HELP: &str = "\
What happens at a plane, from now on, as it happens: a line of JSON for each event, with Event, Id and what the event is about. A connection that
ends is opened anew, after the last event. Ctrl-C ends it.

  begin, reset              where it begins; reset where that is not what --after asked for
  invalidation-accepted, invalidation-completed
  distribution-changed, distribution-deployed, distribution-deleted
  tenant-changed, tenant-deployed, tenant-deleted
  edge-joined, edge-left, edge-lease-ran-out

Options
  --after ID                begin after this event, or after this position of the log

Options of every command, as --endpoint-url, --region and --profile, go as well.

Exit status: 130 after an interrupt; 252 a wrong line; 253 a setting; 254 an error of the plane; 255 anything else.
";

pub(super) const TABLE: &[Opt<'static>] = &[Opt::new("--after", Takes::One)];

/// How long to wait before a connection that has ended is opened anew.
const PAUSE: Duration = Duration::from_secs(1);
/// An event is a few hundred bytes; a line that is longer is none of a plane's.
const LINE_BYTES_MAX: u64 = 64 * 1024;

/// Writes events until interrupted.
///
/// # Errors
///
/// A wrong line, whatever the plane refuses, standard output that is gone.
pub(super) fn run(line: &Line, session: &mut Session<'_>) -> Result<(), Error> {
    if let Some(word) = line.words.first() {
        return Err(Error::Parameter(format!(
            "'{word}' says nothing here; 'recant events help' lists the options"
        )));
    }
    // What is written are whole lines; an interrupt adds nothing.
    session.environment.say_on_interrupt(String::new());
    let mut after = line.value("--after").map(str::to_owned);
    let mut has_begun = false;
    loop {
        let members: Members = after.iter().map(|id| ("After", Document::from(id.as_str()))).collect();
        let stream = match session.open("StreamEvents", Method::GET, &["events"], members) {
            // A plane that was there comes back.
            Err(why @ Error::General(_)) if has_begun => {
                session.say(&why.to_string());
                session.environment.sleep(PAUSE);
                continue;
            }
            opened => opened?,
        };
        has_begun = true;
        let mut lines = BufReader::new(stream);
        let mut event = Event::default();
        // Where the connection ends or breaks, the next one goes on.
        while let Ok(Some(line)) = next(&mut lines) {
            if let Some(whole) = event.take(&line) {
                let (id, text) = whole?;
                output::write(session.environment, &(text + "\n"))?;
                after = id.or(after);
            }
        }
        session.say("the connection has ended; it is opened anew");
        session.environment.sleep(PAUSE);
    }
}

/// The next line, without its end; nothing at the end of the stream.
fn next(lines: &mut impl BufRead) -> std::io::Result<Option<String>> {
    let mut line = Vec::new();
    let read = std::io::Read::take(lines, LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
    if read == 0 || line.pop() != Some(b'\n') {
        return Ok(None);
    }
    Ok(String::from_utf8(line).ok())
}

/// An event whose lines are being read.
#[derive(Debug, Default)]
struct Event {
    id: Option<String>,
    name: String,
    data: String,
}

impl Event {
    /// Takes a line (HTML standard, section 9.2.6); at the end of an event its id, if it has one, and what is written of it.
    fn take(&mut self, line: &str) -> Option<Result<(Option<String>, String), Error>> {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => self.id = Some(value.to_owned()),
            "event" => value.clone_into(&mut self.name),
            "data" => self.data.push_str(value),
            "" if line.is_empty() => {
                let whole = std::mem::take(self);
                return (!whole.data.is_empty()).then(|| whole.shown());
            }
            // A comment, or what this version does not know.
            _ => {}
        }
        None
    }

    fn shown(self) -> Result<(Option<String>, String), Error> {
        let wrong = |why: String| Error::general(format!("an event is none of a plane of Recant's: {why}"));
        let data = json::parse(&self.data).map_err(|why| wrong(why.to_string()))?;
        let Document::Structure(data) = data else { return Err(wrong("it is no object".to_owned())) };
        let mut members: Members = [("Event", Document::from(self.name))].into_iter().collect();
        if let Some(id) = &self.id {
            members.insert("Id", id.as_str());
        }
        members.extend(data);
        Ok((self.id, output::json::compact(&members.into())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_events() {
        let text = ":\n\nid: 7-1-0\nevent: tenant-changed\ndata: {\"Position\":1}\n\nevent: edge-left\ndata:{\"EdgeId\":\"e\"}\nnew: x\n\nid: 9\nda";
        let mut lines = BufReader::new(text.as_bytes());
        let (mut event, mut found) = (Event::default(), Vec::new());
        while let Ok(Some(line)) = next(&mut lines) {
            found.extend(event.take(&line).map(Result::unwrap));
        }
        let expected = [
            (Some("7-1-0".to_owned()), r#"{"Event":"tenant-changed","Id":"7-1-0","Position":1}"#.to_owned()),
            (None, r#"{"Event":"edge-left","EdgeId":"e"}"#.to_owned()),
        ];
        assert_eq!(found, expected);
        event.take("data: [1]");
        assert!(event.take("").unwrap().is_err());
        let long = "x".repeat(70_000) + "\n";
        assert_eq!(next(&mut BufReader::new(long.as_bytes())).unwrap(), None);
    }
}
