//! Which of up to three numbers of a date is its year, which its month and which its day.
//!
//! dateutil's rules: a name is a month, more than two digits are a year, what is above 31 is one too; else month, day, year in this order.

use crate::output::timestamp::days_of_month;

/// What a number is known to be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Member {
    Year,
    Month,
}

/// The numbers of a date, in the order of the text.
#[derive(Default)]
pub(super) struct Ymd {
    values: Vec<i64>,
    year_at: Option<usize>,
    month_at: Option<usize>,
    /// Whether a year was written with its century.
    has_century: bool,
}

/// Year, month and day, as far as they were given.
type Parts = (Option<i64>, Option<i64>, Option<i64>);

impl Ymd {
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// Adds a number that may be anything.
    pub(super) fn push(&mut self, value: i64) -> Option<()> {
        if value > 100 {
            self.has_century = true;
            return self.push_labelled(value, Member::Year);
        }
        self.values.push(value);
        Some(())
    }

    /// Adds a word that may be anything, if it is a number.
    pub(super) fn push_text(&mut self, text: &str) -> Option<()> {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let value = is_number.then(|| text.parse().ok())??;
        if text.len() > 2 {
            self.has_century = true;
            return self.push_labelled(value, Member::Year);
        }
        self.values.push(value);
        Some(())
    }

    /// Adds a year of a text like `Jan of 01`.
    pub(super) fn push_year_of_words(&mut self, year: i64) -> Option<()> {
        self.has_century |= year > 99;
        self.push_labelled(year, Member::Year)
    }

    /// Adds a number that is known to be a year or a month; none if there is one already.
    pub(super) fn push_labelled(&mut self, value: i64, member: Member) -> Option<()> {
        let place = match member {
            Member::Year => {
                self.has_century |= value > 100;
                &mut self.year_at
            }
            Member::Month => &mut self.month_at,
        };
        if place.is_some() {
            return None;
        }
        *place = Some(self.values.len());
        self.values.push(value);
        Some(())
    }

    /// Whether a number could be the day of what is there.
    pub(super) fn could_be_day(&self, value: f64) -> bool {
        let month = self.month_at.map(|at| self.values[at]);
        let last = match (month, self.year_at.map(|at| self.values[at])) {
            (None, _) => Some(31),
            (Some(month), year) => {
                u32::try_from(month).ok().and_then(|month| days_of_month(year.unwrap_or(2000), month))
            }
        };
        last.is_some_and(|last| value >= 1.0 && value <= f64::from(last))
    }

    /// Says which is which; a year of two digits is in the fifty years before or after this one.
    pub(super) fn resolve(&self, this_year: i64) -> Option<Parts> {
        let (year, month, day) = self.parts()?;
        let year = year.map(|year| match year {
            ..100 if !self.has_century => {
                let near = year + this_year / 100 * 100;
                if near >= this_year + 50 {
                    near - 100
                } else if near < this_year - 50 {
                    near + 100
                } else {
                    near
                }
            }
            year => year,
        });
        Some((year, month, day))
    }

    fn parts(&self) -> Option<Parts> {
        let known = usize::from(self.year_at.is_some()) + usize::from(self.month_at.is_some());
        if self.values.len() == known || (self.values.len() == 3 && known == 2) {
            return Some(self.labelled());
        }
        let month_at = self.month_at;
        Some(match (self.values.as_slice(), month_at) {
            ([], _) => (None, None, None),
            ([only], None) if *only > 31 => (Some(*only), None, None),
            ([only], None) => (None, None, Some(*only)),
            ([a, b], Some(at)) => {
                let (month, other) = if at == 0 { (*a, *b) } else { (*b, *a) };
                if other > 31 { (Some(other), Some(month), None) } else { (None, Some(month), Some(other)) }
            }
            ([a, b], None) if *a > 31 => (Some(*a), Some(*b), None),
            ([a, b], None) if *b > 31 => (Some(*b), Some(*a), None),
            ([a, b], None) => (None, Some(*a), Some(*b)),
            ([a, b, c], _) => {
                let (year, month, day) = match month_at {
                    Some(0) if *b > 31 => (b, a, c),
                    Some(0) => (c, a, b),
                    Some(1) if *a > 31 => (a, b, c),
                    Some(1) => (c, b, a),
                    Some(_) if *b > 31 => (b, c, a),
                    Some(_) => (a, c, b),
                    None if *a > 31 || self.year_at == Some(0) => (a, b, c),
                    None if *a > 12 => (c, b, a),
                    None => (c, a, b),
                };
                (Some(*year), Some(*month), Some(*day))
            }
            _ => return None,
        })
    }

    /// The parts, where year and month are known and the third, if there is one, is the day.
    fn labelled(&self) -> Parts {
        let value = |at: Option<usize>| at.map(|at| self.values[at]);
        let day_at =
            (0..self.values.len()).find(|at| Some(*at) != self.year_at && Some(*at) != self.month_at);
        (value(self.year_at), value(self.month_at), value(day_at))
    }
}
