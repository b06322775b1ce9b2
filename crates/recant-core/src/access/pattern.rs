//! Texts with `*` (any characters, also none) and `?` (one character).

/// A pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(String);

impl Pattern {
    pub(super) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether all of `text` matches.
    ///
    /// Only the last `*` met is ever taken back, since what an earlier one could match a later one can, too. So the cost is bounded by
    /// the product of the lengths, whoever chose them.
    pub(super) fn matches(&self, text: &str) -> bool {
        let (pattern, text): (Vec<char>, Vec<char>) = (self.0.chars().collect(), text.chars().collect());
        let (mut at, mut read) = (0, 0);
        // Where to go on when the last `*` takes one more character: past it in the pattern, and where it ends in the text.
        let mut retry: Option<(usize, usize)> = None;
        while read < text.len() {
            match pattern.get(at) {
                Some('*') => {
                    retry = Some((at + 1, read));
                    at += 1;
                }
                Some(&char) if char == '?' || char == text[read] => {
                    at += 1;
                    read += 1;
                }
                _ => match &mut retry {
                    Some((after, end)) => {
                        *end += 1;
                        (at, read) = (*after, *end);
                    }
                    None => return false,
                },
            }
        }
        pattern[at..].iter().all(|char| *char == '*')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks() {
        let check = |pattern: &str, text: &str, expected: bool| {
            assert_eq!(Pattern::new(pattern).matches(text), expected, "{pattern} {text}");
        };
        check("dt_1", "dt_1", true);
        check("dt_1", "dt_10", false);
        check("dt_10", "dt_1", false);
        check("dt_1*", "dt_10", true);
        check("dt_?", "dt_1", true);
        check("dt_?", "dt_é", true);
        check("dt_?", "dt_", false);
        check("dt_?", "dt_10", false);
        check("*", "", true);
        check("**", "x", true);
        check("", "", true);
        check("", "x", false);
        check("a*b*c", "aXbYbZc", true);
        check("a*b*c", "aXbYbZ", false);
        check("*abab", "abaabab", true);
        check("?*?", "x", false);
        check("?*?", "xy", true);
        // Another letter that looks the same is another letter.
        check("dt_a", "dt_а", false);
    }

    #[test]
    fn a_hostile_pattern_is_not_slow() {
        let (pattern, text) = ("*a".repeat(500), "a".repeat(2_000) + "b");
        assert!(!Pattern::new(&pattern).matches(&text));
    }
}
