//! `audit …`: who asked a plane for what, and what was decided.
//!
//! The plane gives its log by number, oldest first, each record with its link in the chain. The chain is checked on the way: what was changed or
//! left out is an error, not a gap. Where to begin is found by halving, since numbers and times grow together.

use std::collections::VecDeque;

use http::Method;
use recant_core::audit::{self, AuditEntry, AuditRecord, Verdict};
use recant_core::entry::Hash;
use recant_core::limits::PAGE_ITEMS_MAX;
use recant_wire::document::Document;

use super::line::Line;
use super::session::Session;
use crate::call::wall_time;
use crate::error::Error;
use crate::lowargs::{Opt, Takes};
use crate::output::timestamp;

/// What `audit help` says.
pub(super) const HELP: &str = "\
Who asked a plane for what, and what was decided, oldest first: the last 100 records, or those that the options choose. The chain that ties the
records together is checked on the way; one that was changed or left out is an error.

Options
  --since WHEN              from then on: a time as 2026-01-31T12:00:00Z, or how long ago, as 30s, 15m, 2h, 7d
  --denied                  only what was not allowed
  --key ID                  only what this key asked for
  --last N                  at most so many, the newest ones, 1 to 100000 (100)
  --output FORMAT           json, text, table, yaml (json)

Options of every command, as --endpoint-url, --region, --profile, --query and --color, go as well.

Exit status: 0 when it is done; 252 a wrong line; 253 a setting; 254 an error of the plane; 255 anything else, a broken chain too.
";

pub(super) const TABLE: &[Opt<'static>] = &[
    Opt::new("--since", Takes::One),
    Opt::new("--denied", Takes::Nothing),
    Opt::new("--key", Takes::One),
    Opt::new("--last", Takes::One),
];

/// Records that are shown if nothing is said.
const LAST_DEFAULT: usize = 100;
/// The most that are shown: they are held in memory.
const LAST_MAX: usize = 100_000;

/// What is looked for.
struct Wanted<'l> {
    /// In milliseconds since 1970.
    since: Option<i64>,
    denied: bool,
    key: Option<&'l str>,
    last: usize,
}

/// Shows what the line asks for.
///
/// # Errors
///
/// A wrong line, whatever the plane refuses, and a chain that is broken.
pub(super) fn run(line: &Line, session: &mut Session<'_>) -> Result<(), Error> {
    if let Some(word) = line.words.first() {
        return Err(Error::Parameter(format!(
            "'{word}' says nothing here; 'recant audit help' lists the options"
        )));
    }
    let now = wall_time(session.environment.now()).millis();
    let last = line.value("--last").map_or(Ok(LAST_DEFAULT), |text| {
        let number = text.parse().ok().filter(|number| (1..=LAST_MAX).contains(number));
        number.ok_or_else(|| {
            Error::Parameter(format!("'--last {text}': a number is expected, 1 to {LAST_MAX}"))
        })
    })?;
    let wanted = Wanted {
        since: line.value("--since").map(|text| moment(text, now)).transpose()?,
        denied: line.has("--denied"),
        key: line.value("--key"),
        last,
    };
    let after = start(session, &wanted)?;
    let (found, left_out) = collect(session, &wanted, after)?;
    if left_out > 0 {
        session.say(&format!("{left_out} older records are left out; --last N shows more"));
    }
    let records = found.iter().map(|(number, record)| shape(*number, record)).collect();
    session.show(Document::structure([("Records", Document::List(records))]))
}

/// The number after which to begin: before the first record that can be wanted.
fn start(session: &mut Session<'_>, wanted: &Wanted<'_>) -> Result<u64, Error> {
    if wanted.since.is_none() && (wanted.denied || wanted.key.is_some()) {
        return Ok(0);
    }
    // How many records are before the wanted ones: where nothing is said about time, all but the last.
    let mut is_before = |after: u64| -> Result<bool, Error> {
        let found = page(session, after, 1)?;
        Ok(match (found.entries.first(), wanted.since) {
            (None, _) => false,
            (Some(entry), Some(since)) => read(entry)?.time.millis() < since,
            (Some(_), None) => true,
        })
    };
    let (mut low, mut high) = (0, 1);
    while is_before(high - 1)? {
        (low, high) = (high, high.saturating_mul(2));
    }
    // The record after `low - 1` is before them, the one after `high - 1` is not.
    while low + 1 < high {
        let middle = low + (high - low) / 2;
        if is_before(middle - 1)? { low = middle } else { high = middle }
    }
    Ok(match wanted.since {
        Some(_) => low,
        None => low.saturating_sub(u64::try_from(wanted.last).unwrap_or(u64::MAX)),
    })
}

/// The newest of the wanted records after a number, and how many older ones there are.
fn collect(
    session: &mut Session<'_>,
    wanted: &Wanted<'_>,
    mut after: u64,
) -> Result<(VecDeque<(u64, AuditRecord)>, usize), Error> {
    let (mut found, mut left_out) = (VecDeque::new(), 0);
    let mut before: Option<(u64, Hash)> = None;
    loop {
        let Page { entries, more } = page(session, after, PAGE_ITEMS_MAX)?;
        after = entries.last().map_or(after, |last| last.number);
        check(&mut before, &entries)?;
        for entry in &entries {
            let record = read(entry)?;
            let is_wanted = wanted.since.is_none_or(|since| record.time.millis() >= since)
                && !(wanted.denied && record.decision == Verdict::Allowed)
                && wanted.key.is_none_or(|key| record.access_key_id.as_deref() == Some(key));
            if is_wanted {
                found.push_back((entry.number, record));
            }
            if found.len() > wanted.last {
                found.pop_front();
                left_out += 1;
            }
        }
        if !more {
            return Ok((found, left_out));
        }
    }
}

/// Checks that these follow on what came before. The first one that is seen stands for itself: its forerunners may be cut off.
fn check(before: &mut Option<(u64, Hash)>, entries: &[AuditEntry]) -> Result<(), Error> {
    let broken = |why| Error::general(format!("the audit log is not what was written: {why}"));
    let (rest, (after, link)) = match (*before, entries) {
        (Some(before), entries) => (entries, before),
        // From the beginning there is nothing to take on trust.
        (None, [first, ..]) if first.number == 1 => (entries, (0, Hash::START)),
        (None, [first, rest @ ..]) => (rest, (first.number, first.link)),
        (None, []) => return Ok(()),
    };
    *before = Some(audit::check(after, link, rest).map_err(broken)?);
    Ok(())
}

/// A stretch of the log.
struct Page {
    entries: Vec<AuditEntry>,
    /// Whether it goes on.
    more: bool,
}

fn page(session: &mut Session<'_>, after: u64, limit: usize) -> Result<Page, Error> {
    let members = [("After", after.to_string()), ("MaxItems", limit.to_string())];
    let members = members.into_iter().map(|(name, value)| (name, Document::from(value))).collect();
    let page = session.call("ListAuditRecords", Method::GET, &["audit"], members)?;
    let records = page.get("Records").and_then(Document::as_list).unwrap_or_default();
    let entries = records.iter().map(entry).collect::<Option<Vec<AuditEntry>>>();
    let more = matches!(page.get("IsTruncated"), Some(Document::Boolean(true)));
    // A log that does not go on would be asked for ever.
    entries
        .filter(|entries| entries.first().map_or(!more, |first| first.number > after))
        .map(|entries| Page { entries, more })
        .ok_or_else(|| Error::general("the answer to ListAuditRecords is none of a plane of Recant's"))
}

fn entry(record: &Document) -> Option<AuditEntry> {
    let link = record.get("Link")?.as_str().filter(|text| text.is_ascii() && text.len() == 64)?;
    let mut hash = Hash::START;
    for (at, byte) in hash.0.iter_mut().enumerate() {
        *byte = u8::from_str_radix(link.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(AuditEntry {
        number: u64::try_from(record.get("Number")?.as_integer()?).ok()?,
        link: hash,
        text: record.get("Text")?.as_str()?.to_owned(),
    })
}

fn read(entry: &AuditEntry) -> Result<AuditRecord, Error> {
    serde_json::from_str(&entry.text).map_err(|why| {
        Error::general(format!("record {} of the audit log cannot be read: {why}", entry.number))
    })
}

/// A record as it is shown: with a time that people read, and the decision as one word and its reason.
fn shape(number: u64, record: &AuditRecord) -> Document {
    let (decision, reason) = match &record.decision {
        Verdict::Allowed => ("Allowed", None),
        Verdict::ImplicitDeny => ("ImplicitDeny", None),
        Verdict::ExplicitDeny(sid) => ("ExplicitDeny", Some(sid)),
        Verdict::NotAuthenticated(code) => ("NotAuthenticated", Some(code)),
        Verdict::Throttled => ("Throttled", None),
    };
    let left_out = match record.left_out {
        0 => Document::Null,
        left_out => Document::Integer(i64::try_from(left_out).unwrap_or(i64::MAX)),
    };
    let millis = record.time.millis();
    let seconds = timestamp::from_epoch_seconds(millis.div_euclid(1000));
    let time = format!("{}.{:03}Z", seconds.trim_end_matches('Z'), millis.rem_euclid(1000));
    Document::structure([
        ("Number", Document::Integer(i64::try_from(number).unwrap_or(i64::MAX))),
        ("Time", time.into()),
        ("AccessKeyId", record.access_key_id.as_deref().into()),
        ("Action", record.action.as_str().into()),
        ("Decision", decision.into()),
        ("Reason", reason.map(String::as_str).into()),
        ("LeftOut", left_out),
        ("Resources", Document::list(record.resources.iter().map(String::as_str))),
        ("RequestId", record.request_id.as_str().into()),
    ])
}

/// A time, or how long ago it was; in milliseconds since 1970.
fn moment(text: &str, now: i64) -> Result<i64, Error> {
    let units = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)];
    let ago = units.into_iter().find_map(|(unit, seconds)| {
        let count: u32 = text.strip_suffix(unit)?.parse().ok()?;
        Some(now - i64::from(count) * seconds * 1000)
    });
    // A number alone would be seconds since 1970, and is more likely a forgotten unit.
    let at = || timestamp::epoch_seconds(text).filter(|_| text.contains('-')).map(|seconds| seconds * 1000);
    ago.or_else(at).ok_or_else(|| {
        Error::Parameter(format!(
            "'--since {text}': a time is expected, as 2026-01-31T12:00:00Z, or how long ago, as 30s, 15m, 2h, 7d"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        let check =
            |text: &str, want: Option<i64>| assert_eq!(moment(text, 1_000_000_000).ok(), want, "{text}");
        check("30s", Some(999_970_000));
        check("2h", Some(992_800_000));
        check("1970-01-02T00:00:00Z", Some(86_400_000));
        check("1970-01-02", Some(86_400_000));
        check("5", None);
        check("soon", None);
        check("-5m", None);
    }

    #[test]
    fn a_broken_chain_is_noticed() {
        let mut link = Hash::START;
        let mut entries: Vec<AuditEntry> = Vec::new();
        for number in 1..=4 {
            let text = format!("record {number}");
            link = audit::link(link, number, &text);
            entries.push(AuditEntry { number, link, text });
        }
        let whole = |entries: &[AuditEntry]| check(&mut None, entries).is_ok();
        assert!(whole(&entries) && whole(&entries[2..]));
        let mut before = None;
        check(&mut before, &entries[..2]).unwrap();
        assert!(check(&mut before.clone(), &entries[2..]).is_ok());
        assert!(check(&mut before, &entries[3..]).is_err());
        entries[3].text.push('!');
        assert!(!whole(&entries) && !whole(&entries[2..]));
    }
}
