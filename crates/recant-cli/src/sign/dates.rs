//! A date as people write it, as the AWS CLI takes it: `Jan 1 2030`, `1/2/2030 10pm`, `2030-01-01T00:00:00+02:00`, `Friday`.
//!
//! The AWS CLI leaves this to dateutil, whose rules these are, in the order in which it tries them; `tests/python/dates.py` holds the two against
//! each other. What a text leaves out is today's, at midnight, in UTC. Not taken over are names of the machine's own time zone.

use super::tokens;
use super::ymd::{Member, Ymd};
use crate::output::timestamp::{days_from_civil, days_of_month};

const WEEKDAYS: [&[&str]; 7] = [
    &["mon", "monday"],
    &["tue", "tuesday"],
    &["wed", "wednesday"],
    &["thu", "thursday"],
    &["fri", "friday"],
    &["sat", "saturday"],
    &["sun", "sunday"],
];
const MONTHS: [&[&str]; 12] = [
    &["jan", "january"],
    &["feb", "february"],
    &["mar", "march"],
    &["apr", "april"],
    &["may"],
    &["jun", "june"],
    &["jul", "july"],
    &["aug", "august"],
    &["sep", "sept", "september"],
    &["oct", "october"],
    &["nov", "november"],
    &["dec", "december"],
];
/// The units of a time of day.
const UNITS: [&[&str]; 3] =
    [&["h", "hour", "hours"], &["m", "minute", "minutes"], &["s", "second", "seconds"]];
const HALVES: [&[&str]; 2] = [&["am", "a"], &["pm", "p"]];
/// What may stand anywhere and says nothing.
const FILLERS: [&str; 18] =
    [" ", ".", ",", ";", "-", "/", "'", "at", "on", "and", "ad", "m", "t", "of", "st", "nd", "rd", "th"];

/// The seconds since 1970 that a text means; none where it means nothing. `today` is a day of the calendar.
pub(crate) fn seconds(text: &str, today: (i64, u32, u32)) -> Option<i64> {
    if let Ok(seconds) = text.trim().parse::<f64>() {
        return (seconds.abs() < 2.5e11).then_some(seconds.floor() as i64);
    }
    let mut reading = Reading::new(text);
    while reading.at < reading.tokens.len() {
        reading.step()?;
        reading.at += 1;
    }
    reading.resolve(today)
}

/// The index of the entry of a table that has a word.
fn find(table: &[&[&str]], word: &str) -> Option<i64> {
    let word = word.to_lowercase();
    let at = table.iter().position(|names| names.contains(&word.as_str()))?;
    i64::try_from(at).ok()
}

fn is_filler(word: &str) -> bool {
    FILLERS.contains(&word.to_lowercase().as_str())
}

fn is_utc(word: &str) -> bool {
    ["UTC", "GMT", "Z", "z"].contains(&word)
}

fn digits(text: &str) -> Option<i64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

/// A token as a number, perhaps with a fraction.
fn number(token: &str) -> Option<f64> {
    token.starts_with(|c: char| c.is_ascii_digit()).then(|| token.parse().ok())?
}

/// What has been read of a text.
#[derive(Default)]
struct Reading {
    tokens: Vec<String>,
    at: usize,
    ymd: Ymd,
    weekday: Option<i64>,
    hour: Option<i64>,
    minute: Option<i64>,
    second: Option<i64>,
    zone: Option<String>,
    /// Seconds east of Greenwich.
    offset: Option<i64>,
}

impl Reading {
    fn new(text: &str) -> Self {
        Self { tokens: tokens::split(text), ..Self::default() }
    }

    /// The token so many places further on.
    fn ahead(&self, places: usize) -> Option<&str> {
        self.tokens.get(self.at + places).map(String::as_str)
    }

    /// Reads the token at hand, and those that belong to it.
    fn step(&mut self) -> Option<()> {
        let token = self.ahead(0)?.to_owned();
        if let Some(value) = number(&token) {
            return self.number(&token, value);
        }
        if let Some(weekday) = find(&WEEKDAYS, &token) {
            self.weekday = Some(weekday);
        } else if let Some(month) = find(&MONTHS, &token) {
            self.month(month + 1)?;
        } else if let Some(half) = find(&HALVES, &token) {
            let hour = self.hour.filter(|hour| (0..=12).contains(hour))?;
            self.hour = Some(in_half(hour, half));
        } else if self.could_be_zone(&token) {
            self.offset = is_utc(&token).then_some(0);
            let is_sign = matches!(self.ahead(1), Some("+" | "-"));
            self.zone = Some(token);
            if is_sign {
                // `GMT+3` is read as: this time and three hours more are GMT.
                let next = &mut self.tokens[self.at + 1];
                *next = if next == "+" { "-" } else { "+" }.to_owned();
                self.offset = None;
                self.zone = self.zone.take().filter(|zone| !is_utc(zone));
            }
        } else if self.hour.is_some() && (token == "+" || token == "-") {
            self.offset(if token == "+" { 1 } else { -1 })?;
        } else if !is_filler(&token) {
            return None;
        }
        Some(())
    }

    /// The name of a month: `Jan`, `Jan-01`, `Jan-01-99`, `Jan of 01`.
    fn month(&mut self, month: i64) -> Option<()> {
        self.ymd.push_labelled(month, Member::Month)?;
        let separator = self.ahead(1).map(str::to_owned);
        if let Some(separator @ ("-" | "/")) = separator.as_deref() {
            let next = self.ahead(2)?.to_owned();
            self.ymd.push_text(&next)?;
            if self.ahead(3) == Some(separator) {
                let next = self.ahead(4)?.to_owned();
                self.ymd.push_text(&next)?;
                self.at += 2;
            }
            self.at += 2;
        } else if self.ahead(1) == Some(" ")
            && self.ahead(2).is_some_and(|word| word.eq_ignore_ascii_case("of"))
            && self.ahead(3) == Some(" ")
            && let Some(word) = self.ahead(4)
        {
            if let Some(year) = digits(word) {
                self.ymd.push_year_of_words(year)?;
            }
            self.at += 4;
        }
        Some(())
    }

    /// `+02:00`, `-0530`, `+2`, with the sign behind.
    fn offset(&mut self, sign: i64) -> Option<()> {
        let word = self.ahead(1)?.to_owned();
        let (hours, minutes) = if word.len() == 4 {
            (digits(word.get(..2)?)?, digits(word.get(2..)?)?)
        } else if self.ahead(2) == Some(":") {
            let minutes = digits(self.ahead(3)?)?;
            self.at += 2;
            (digits(&word)?, minutes)
        } else if word.len() <= 2 {
            (digits(&word)?, 0)
        } else {
            return None;
        };
        let seconds = hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?;
        self.offset = Some(sign * seconds);
        // The name of the zone in brackets.
        if self.ahead(2).is_some_and(is_filler)
            && self.ahead(3) == Some("(")
            && self.ahead(5) == Some(")")
            && self.ahead(4).is_some_and(|name| name.len() >= 3 && self.zone.is_none() && is_zone_name(name))
        {
            self.zone = self.ahead(4).map(str::to_owned);
            self.at += 4;
        }
        self.at += 1;
        Some(())
    }

    fn could_be_zone(&self, token: &str) -> bool {
        self.hour.is_some() && self.zone.is_none() && self.offset.is_none() && is_zone_name(token)
    }

    fn number(&mut self, token: &str, value: f64) -> Option<()> {
        let length = token.len();
        let next = self.ahead(1).map(str::to_owned);
        let next = next.as_deref();
        let is_whole_time = next.is_none_or(|next| next != ":" && find(&UNITS, next).is_none());
        if self.ymd.len() == 3 && (length == 2 || length == 4) && self.hour.is_none() && is_whole_time {
            // `19990101T23`, `19990101T2359`.
            self.hour = Some(digits(token.get(..2)?)?);
            if length == 4 {
                self.minute = Some(digits(token.get(2..)?)?);
            }
        } else if length == 6 || (length > 6 && token.find('.') == Some(6)) {
            if self.ymd.len() == 0 && !token.contains('.') {
                for part in [token.get(..2)?, token.get(2..4)?, token.get(4..)?] {
                    self.ymd.push_text(part)?;
                }
            } else {
                self.hour = Some(digits(token.get(..2)?)?);
                self.minute = Some(digits(token.get(2..4)?)?);
                self.second = Some(whole_seconds(token.get(4..)?)?);
            }
        } else if matches!(length, 8 | 12 | 14) {
            self.ymd.push_labelled(digits(token.get(..4)?)?, Member::Year)?;
            self.ymd.push_text(token.get(4..6)?)?;
            self.ymd.push_text(token.get(6..8)?)?;
            if length > 8 {
                self.hour = Some(digits(token.get(8..10)?)?);
                self.minute = Some(digits(token.get(10..12)?)?);
            }
            if length > 12 {
                self.second = Some(digits(token.get(12..)?)?);
            }
        } else if let Some(place) = self.unit_place() {
            let unit = find(&UNITS, self.tokens.get(place)?)?;
            if place > self.at {
                self.at = place;
                self.set_unit(unit, token, value)?;
            } else {
                // `12h10`: what follows a unit is of the next one.
                self.set_unit(unit + 1, token, value)?;
            }
        } else if next == Some(":") && self.ahead(2).is_some() {
            self.hour = Some(value as i64);
            self.set_minutes(number(self.ahead(2)?)?);
            if self.ahead(3) == Some(":")
                && let Some(seconds) = self.ahead(4)
            {
                self.second = Some(whole_seconds(seconds)?);
                self.at += 2;
            }
            self.at += 2;
        } else if let Some(separator @ ("-" | "/" | ".")) = next {
            self.separated(token, separator)?;
        } else if next.is_none_or(is_filler) {
            match self.ahead(2).and_then(|word| find(&HALVES, word)) {
                Some(half) => {
                    self.hour = Some(in_half(value as i64, half));
                    self.at += 1;
                }
                None => self.ymd.push(value as i64)?,
            }
            self.at += 1;
        } else if let Some(half) = next.and_then(|word| find(&HALVES, word))
            && (0.0..24.0).contains(&value)
        {
            self.hour = Some(in_half(value as i64, half));
            self.at += 1;
        } else if self.ymd.could_be_day(value) {
            self.ymd.push(value as i64)?;
        } else {
            return None;
        }
        Some(())
    }

    /// `01-02`, `01-02-2030`, `24.Dec.2030`; the first of them at hand.
    fn separated(&mut self, token: &str, separator: &str) -> Option<()> {
        self.ymd.push_text(token)?;
        if let Some(second) = self.ahead(2).filter(|word| !is_filler(word)).map(str::to_owned) {
            match digits(&second) {
                Some(_) => self.ymd.push_text(&second)?,
                None => self.ymd.push_labelled(find(&MONTHS, &second)? + 1, Member::Month)?,
            }
            if self.ahead(3) == Some(separator) {
                let third = self.ahead(4)?.to_owned();
                match find(&MONTHS, &third) {
                    Some(month) => self.ymd.push_labelled(month + 1, Member::Month)?,
                    None => self.ymd.push_text(&third)?,
                }
                self.at += 2;
            }
            self.at += 1;
        }
        self.at += 1;
        Some(())
    }

    /// Where the unit stands that the number at hand has, if it has one.
    fn unit_place(&self) -> Option<usize> {
        let is_unit = |place: usize| self.tokens.get(place).is_some_and(|word| find(&UNITS, word).is_some());
        let is_blank = |place: usize| self.tokens.get(place).is_some_and(|word| word == " ");
        let at = self.at;
        if is_unit(at + 1) {
            Some(at + 1)
        } else if is_blank(at + 1) && is_unit(at + 2) {
            Some(at + 2)
        } else if at > 0 && is_unit(at - 1) {
            Some(at - 1)
        } else if at > 1 && at + 1 == self.tokens.len() && is_blank(at - 1) && is_unit(at - 2) {
            Some(at - 2)
        } else {
            None
        }
    }

    fn set_unit(&mut self, unit: i64, token: &str, value: f64) -> Option<()> {
        match unit {
            0 => {
                self.hour = Some(value as i64);
                if value.fract() > 0.0 {
                    self.minute = Some((60.0 * value.fract()) as i64);
                }
            }
            1 => self.set_minutes(value),
            2 => self.second = Some(whole_seconds(token)?),
            _ => {}
        }
        Some(())
    }

    /// Minutes, whose fraction is seconds. Seconds that were known from before are forgotten.
    fn set_minutes(&mut self, value: f64) {
        self.minute = Some(value as i64);
        self.second = (value.fract() > 0.0).then_some((60.0 * value.fract()) as i64);
    }

    /// The moment that has been read, or none if it is none.
    fn resolve(self, (this_year, this_month, today): (i64, u32, u32)) -> Option<i64> {
        let nothing = self.ymd.len() == 0
            && self.weekday.or(self.hour).or(self.minute).or(self.second).or(self.offset).is_none()
            && self.zone.is_none();
        if nothing {
            return None;
        }
        let (year, month, day) = self.ymd.resolve(this_year)?;
        let year = year.unwrap_or(this_year);
        let month = month.map_or(Some(this_month), |month| u32::try_from(month).ok())?;
        let last = days_of_month(year, month)?;
        let day_of_month = match day {
            Some(day) => u32::try_from(day).ok()?,
            None => today.min(last),
        };
        let (hour, minute, second) =
            (self.hour.unwrap_or(0), self.minute.unwrap_or(0), self.second.unwrap_or(0));
        let is_date = (1..=9999).contains(&year) && (1..=last).contains(&day_of_month);
        let is_time = (0..24).contains(&hour) && (0..60).contains(&minute) && (0..60).contains(&second);
        if !is_date || !is_time {
            return None;
        }
        let mut days = days_from_civil(year, month, day_of_month);
        if let Some(weekday) = self.weekday.filter(|_| day.unwrap_or(0) == 0) {
            // The next such day, today included; 1970 began on a Thursday.
            days += (weekday - (days + 3)).rem_euclid(7);
        }
        let offset = match (&self.zone, self.offset) {
            (Some(zone), Some(_)) if is_utc(zone) => 0,
            (_, offset) => offset.unwrap_or(0),
        };
        // Python has no zone a day away or more.
        (offset.abs() < 86_400).then_some(days * 86_400 + hour * 3600 + minute * 60 + second - offset)
    }
}

fn is_zone_name(token: &str) -> bool {
    token.len() <= 5 && (token.bytes().all(|byte| byte.is_ascii_uppercase()) || is_utc(token))
}

/// An hour before or after noon, as one of 24.
fn in_half(hour: i64, half: i64) -> i64 {
    match (hour, half) {
        (..12, 1) => hour + 12,
        (12, 0) => 0,
        _ => hour,
    }
}

/// Seconds with a fraction, without it.
fn whole_seconds(token: &str) -> Option<i64> {
    match token.split_once('.') {
        Some((whole, fraction)) => digits(fraction).and(digits(whole)),
        None => digits(token),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::timestamp::from_epoch_seconds;

    #[test]
    fn dates_are_read_as_by_dateutil() {
        let check = |text: &str, want: Option<&str>| {
            let got = seconds(text, (2026, 11, 30)).map(from_epoch_seconds);
            assert_eq!(got.as_deref(), want, "{text}");
        };
        check("Jan 1 2030", Some("2030-01-01T00:00:00Z"));
        check("1 January 2030 10:20pm", Some("2030-01-01T22:20:00Z"));
        check("2030-01-01T10:20:30.5+02:00", Some("2030-01-01T08:20:30Z"));
        check("20300101T1020", Some("2030-01-01T10:20:00Z"));
        check("1/2/30", Some("2030-01-02T00:00:00Z"));
        check("13/2/2030", Some("2030-02-13T00:00:00Z"));
        check("24.Dec.1999", Some("1999-12-24T00:00:00Z"));
        check("Dec of 99", Some("1999-12-30T00:00:00Z"));
        check("feb", Some("2026-02-28T00:00:00Z"));
        check("friday", Some("2026-12-04T00:00:00Z"));
        check("10h30m15s", Some("2026-11-30T10:30:15Z"));
        check("Jan 1 2030 10:00 GMT+3", Some("2030-01-01T13:00:00Z"));
        check("1-", Some("2026-11-01T00:00:00Z"));
        check("1893456000.9", Some("2030-01-01T00:00:00Z"));
        for text in [
            "",
            "soon",
            "Feb 30 2030",
            "13:00pm",
            "Jan Feb 2030",
            "inf",
            "日本",
            "10:00 +9999999999999999:00",
            "25:00",
            "+",
            "99999999999999999999",
        ] {
            check(text, None);
        }
    }
}
