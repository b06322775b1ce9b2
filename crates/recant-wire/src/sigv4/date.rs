//! The dates of SigV4: `20150830T123600Z`, and their day.

use std::fmt;

use recant_core::time::WallTime;

const SECONDS_PER_DAY: i64 = 86_400;

/// A moment in `X-Amz-Date`'s form, to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AmzDate {
    seconds: i64,
}

impl AmzDate {
    /// The second that this moment lies in; moments outside the years 0 to 9999 are moved to the nearest inside.
    pub fn of(moment: WallTime) -> Self {
        Self { seconds: moment.seconds().clamp(-62_167_219_200, 253_402_300_799) }
    }

    /// Reads `YYYYMMDD'T'HHMMSS'Z'`; nothing when the text is anything else, or no such moment exists.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() != 16 || bytes[8] != b'T' || bytes[15] != b'Z' {
            return None;
        }
        let number = |from: usize, to: usize| -> Option<i64> {
            bytes[from..to]
                .iter()
                .try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
        };
        let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
        let (hour, minute, second) = (number(9, 11)?, number(11, 13)?, number(13, 15)?);
        if !(1..=12).contains(&month) || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let days = days_from_civil(year, month, day);
        // A day that the month does not have comes back as another one.
        (civil_from_days(days) == (year, month, day))
            .then_some(Self { seconds: days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second })
    }

    /// The start of that second.
    pub fn wall_time(self) -> WallTime {
        WallTime::from_millis(self.seconds * 1000)
    }

    /// `YYYYMMDD`, the day of a credential scope.
    pub fn day(self) -> String {
        let (year, month, day) = civil_from_days(self.seconds.div_euclid(SECONDS_PER_DAY));
        format!("{year:04}{month:02}{day:02}")
    }
}

impl fmt::Display for AmzDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let second = self.seconds.rem_euclid(SECONDS_PER_DAY);
        write!(f, "{}T{:02}{:02}{:02}Z", self.day(), second / 3600, second / 60 % 60, second % 60)
    }
}

/// Days since 1970-01-01 of a proleptic Gregorian date (H. Hinnant, "chrono-compatible low-level date algorithms").
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    // Years start in March, so that the leap day is the last of its year.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of [`days_from_civil`]: year, month, day.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_and_read() {
        for (text, seconds) in [
            ("19700101T000000Z", 0),
            ("20150830T123600Z", 1_440_938_160),
            ("20000229T235959Z", 951_868_799),
            ("19691231T235959Z", -1),
            ("00000101T000000Z", -62_167_219_200),
            ("99991231T235959Z", 253_402_300_799),
        ] {
            let moment = WallTime::from_millis(seconds * 1000);
            assert_eq!(AmzDate::of(moment).to_string(), text);
            assert_eq!(AmzDate::parse(text).map(AmzDate::wall_time), Some(moment), "{text}");
        }
        assert_eq!(AmzDate::of(WallTime::from_millis(i64::MAX)).day(), "99991231");
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "20150830",
            "2015-08-30T12:36:00Z",
            "20150830T123600",
            "20150230T000000Z",
            "20151301T000000Z",
            "20150830T240000Z",
            "20150830T126000Z",
            "20150830T123660Z",
            "+0150830T123600Z",
            "20150830t123600Z",
            "2015083\u{e9}T12360Z",
            "20150800T123600Z",
        ] {
            assert_eq!(AmzDate::parse(text), None, "{text}");
        }
    }
}
