//! Times as the AWS CLI shows them: Python's `isoformat` of whatever the service sent.
//!
//! Read are ISO 8601 (with or without time, fraction and offset), seconds since 1970, and RFC 822 dates. The offset is kept as it came.

use recant_wire::document::{Document, Members};

use crate::error::Error;

/// How times are shown (`cli_timestamp_format`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum TimestampFormat {
    /// Python's `isoformat`.
    #[default]
    Iso8601,
    /// As the service spelled them.
    Wire,
}

/// Respells all times within a value; they become text.
///
/// # Errors
///
/// A time in no known spelling.
pub(crate) fn respell(value: Document, format: TimestampFormat) -> Result<Document, Error> {
    Ok(match value {
        Document::Timestamp(text) if format == TimestampFormat::Wire => Document::String(text),
        Document::Timestamp(text) => Document::String(isoformat(&text).ok_or_else(|| {
            Error::general(format!("Invalid timestamp \"{text}\": Unknown string format: {text}"))
        })?),
        Document::List(values) => {
            Document::List(values.into_iter().map(|value| respell(value, format)).collect::<Result<_, _>>()?)
        }
        Document::Structure(members) => {
            let respelled: Result<Members, Error> =
                members.into_iter().map(|(name, value)| Ok((name, respell(value, format)?))).collect();
            Document::Structure(respelled?)
        }
        other => other,
    })
}

/// A moment on a calendar with the offset it came with, in seconds.
struct Moment {
    date: (i64, u32, u32),
    time: (u32, u32, u32),
    microseconds: u32,
    offset: Option<i32>,
}

/// Reads a time in any known spelling and writes it as Python's `isoformat`.
fn isoformat(text: &str) -> Option<String> {
    let text = text.trim();
    let moment = from_epoch(text).or_else(|| from_iso(text)).or_else(|| from_rfc822(text))?;
    Some(write(&moment))
}

/// Reads a time in any known spelling as seconds since 1970; one without an offset is in UTC.
pub(crate) fn epoch_seconds(text: &str) -> Option<i64> {
    let text = text.trim();
    let moment = from_epoch(text).or_else(|| from_iso(text)).or_else(|| from_rfc822(text))?;
    let ((year, month, day), (hour, minute, second)) = (moment.date, moment.time);
    let in_day = i64::from(hour * 3600 + minute * 60 + second) - i64::from(moment.offset.unwrap_or(0));
    Some(days_from_civil(year, month, day) * 86_400 + in_day)
}

/// A time as Python's `str` shows the one of a YAML text: moved to UTC and without an offset; a date alone stays one.
pub(crate) fn shown_by_python(text: &str) -> Option<String> {
    let moment = from_iso(text)?;
    let (year, month, day) = moment.date;
    if civil_from_days(days_from_civil(year, month, day)) != moment.date {
        return None;
    }
    let seconds = epoch_seconds(text)?;
    if text.len() <= "2024-12-05".len() {
        return Some(text.to_owned());
    }
    let shown = from_epoch_seconds(seconds);
    let fraction =
        if moment.microseconds > 0 { format!(".{:06}", moment.microseconds) } else { String::new() };
    Some(format!("{}{fraction}", shown.trim_end_matches('Z').replace('T', " ")))
}

/// Spells seconds since 1970 as ISO 8601, `Z` at the end.
pub(crate) fn from_epoch_seconds(seconds: i64) -> String {
    let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
    let in_day = seconds.rem_euclid(86_400);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", in_day / 3600, in_day / 60 % 60, in_day % 60)
}

fn write(moment: &Moment) -> String {
    let ((year, month, day), (hour, minute, second)) = (moment.date, moment.time);
    let mut out = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    if moment.microseconds > 0 {
        out.push_str(&format!(".{:06}", moment.microseconds));
    }
    if let Some(offset) = moment.offset {
        let sign = if offset < 0 { '-' } else { '+' };
        out.push_str(&format!("{sign}{:02}:{:02}", offset.abs() / 3600, offset.abs() / 60 % 60));
    }
    out
}

/// Seconds since 1970, perhaps with a fraction.
fn from_epoch(text: &str) -> Option<Moment> {
    let seconds: f64 = text.parse().ok()?;
    if !seconds.is_finite() || seconds.abs() > 2.5e11 {
        return None;
    }
    let microseconds = (seconds * 1e6).round() as i64;
    let whole = microseconds.div_euclid(1_000_000);
    let in_day = u32::try_from(whole.rem_euclid(86_400)).ok()?;
    Some(Moment {
        date: civil_from_days(whole.div_euclid(86_400)),
        time: (in_day / 3600, in_day / 60 % 60, in_day % 60),
        microseconds: u32::try_from(microseconds.rem_euclid(1_000_000)).ok()?,
        offset: Some(0),
    })
}

/// `2024-12-05`, `2024-12-05T18:40:49.413Z`, `20241205T184049Z` and what lies between.
fn from_iso(text: &str) -> Option<Moment> {
    let (date, rest) = match text.find(['T', 't', ' ']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let date = iso_date(date)?;
    let Some(rest) = rest else {
        return valid(Moment { date, time: (0, 0, 0), microseconds: 0, offset: None });
    };
    let zone_at = rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len());
    let (time, microseconds) = clock(rest[..zone_at].trim())?;
    valid(Moment { date, time, microseconds, offset: zone(&rest[zone_at..])? })
}

fn iso_date(text: &str) -> Option<(i64, u32, u32)> {
    let digits: String = match text.split('-').collect::<Vec<_>>().as_slice() {
        [all] => (*all).to_owned(),
        [year, month, day] if year.len() == 4 && month.len() == 2 && day.len() == 2 => {
            [*year, *month, *day].concat()
        }
        _ => return None,
    };
    if digits.len() != 8 || !digits.is_ascii() {
        return None;
    }
    Some((i64::from(number(&digits[..4])?), number(&digits[4..6])?, number(&digits[6..])?))
}

/// `18:40:49.413`, `18:40`, `184049`; the time of day and the microseconds.
fn clock(text: &str) -> Option<((u32, u32, u32), u32)> {
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let digits = whole.replace(':', "");
    let part = |at: usize| digits.get(at..at + 2).map_or(Some(0), number);
    if !matches!(digits.len(), 2 | 4 | 6) {
        return None;
    }
    let mut six = fraction.to_owned();
    while six.len() < 6 {
        six.push('0');
    }
    let microseconds = number(six.get(..6)?)?;
    Some(((part(0)?, part(2)?, part(4)?), microseconds))
}

/// No zone, `Z`, `GMT`, `+02:00`, `-0530`, `+02`.
fn zone(text: &str) -> Option<Option<i32>> {
    let text = text.trim();
    if text.is_empty() {
        return Some(None);
    }
    if ["Z", "z", "GMT", "UTC", "UT"].contains(&text) {
        return Some(Some(0));
    }
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+')?),
    };
    let digits = digits.replace(':', "");
    let hours = number(digits.get(..2)?)?;
    let minutes = match digits.len() {
        2 => 0,
        4 => number(&digits[2..])?,
        _ => return None,
    };
    Some(Some(sign * i32::try_from(hours * 3600 + minutes * 60).ok()?))
}

/// `Thu, 05 Dec 2024 18:40:49 GMT`.
fn from_rfc822(text: &str) -> Option<Moment> {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let text = text.split_once(',').map_or(text, |(_, rest)| rest);
    let words: Vec<&str> = text.split_whitespace().collect();
    let [day, month, year, time, rest @ ..] = words.as_slice() else {
        return None;
    };
    let month = MONTHS.iter().position(|name| month.to_lowercase().starts_with(name))?;
    let (time, microseconds) = clock(time)?;
    let date = (i64::from(number(year)?), u32::try_from(month).ok()? + 1, number(day)?);
    valid(Moment { date, time, microseconds, offset: zone(&rest.concat())? })
}

fn number(text: &str) -> Option<u32> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

fn valid(moment: Moment) -> Option<Moment> {
    let ((year, month, day), (hour, minute, second)) = (moment.date, moment.time);
    let days = days_of_month(year, month)?;
    let fits =
        (1..=9999).contains(&year) && (1..=days).contains(&day) && hour < 24 && minute < 60 && second < 60;
    fits.then_some(moment)
}

/// How many days a month has, from 1 on; none if it is no month.
pub(crate) fn days_of_month(year: i64, month: u32) -> Option<u32> {
    let is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    Some(match month {
        2 => 28 + u32::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    })
}

/// The day of a date, counted from 1970-01-01 (Howard Hinnant's `days_from_civil`).
pub(crate) fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let (month, day) = (i64::from(month), i64::from(day));
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let year_of_era = year.rem_euclid(400);
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The date of a day counted from 1970-01-01 (Howard Hinnant's `civil_from_days`).
pub(crate) fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let small = |value: i64| u32::try_from(value).expect("a day or month of a valid date");
    (year, small(month), small(day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_times() {
        for text in ["1970-01-01T00:00:00Z", "2024-12-05T18:40:49Z", "1969-12-31T23:59:59Z"] {
            assert_eq!(from_epoch_seconds(epoch_seconds(text).expect("a time")), text);
        }
    }

    #[test]
    fn times_are_seconds() {
        let check = |text: &str, want: Option<i64>| assert_eq!(epoch_seconds(text), want, "{text}");
        check("1970-01-01T00:00:00Z", Some(0));
        check("2024-12-05T18:40:49.413Z", Some(1_733_424_049));
        check("2024-12-05T20:40:49+02:00", Some(1_733_424_049));
        check("2024-02-29", Some(1_709_164_800));
        check("2099-01-01T00:00:00Z", Some(4_070_908_800));
        check("soon", None);
    }

    #[test]
    fn all_known_spellings_are_read() {
        let check = |text: &str, want: Option<&str>| assert_eq!(isoformat(text).as_deref(), want, "{text}");
        check("2024-12-05T18:40:49.413Z", Some("2024-12-05T18:40:49.413000+00:00"));
        check("2024-12-05T18:40:49Z", Some("2024-12-05T18:40:49+00:00"));
        check("2024-12-05T18:40:49+02:00", Some("2024-12-05T18:40:49+02:00"));
        check("2024-12-05T18:40:49-0530", Some("2024-12-05T18:40:49-05:30"));
        check("2024-12-05T18:40:49", Some("2024-12-05T18:40:49"));
        check("2024-12-05 18:40", Some("2024-12-05T18:40:00"));
        check("2024-12-05", Some("2024-12-05T00:00:00"));
        check("20241205T184049Z", Some("2024-12-05T18:40:49+00:00"));
        check("0001-01-01T00:00:00Z", Some("0001-01-01T00:00:00+00:00"));
        check("1733424049", Some("2024-12-05T18:40:49+00:00"));
        check("1733424049.5", Some("2024-12-05T18:40:49.500000+00:00"));
        check("Thu, 05 Dec 2024 18:40:49 GMT", Some("2024-12-05T18:40:49+00:00"));
        check("2024-02-30T00:00:00Z", None);
        check("not a time", None);
        check("日本xx", None);
        check("日本xxT日本", None);
        check("2024-12-05T日:é0+é", None);
        check("", None);
    }
}
