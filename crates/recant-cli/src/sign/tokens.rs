//! A text cut into what a date may be made of: numbers, words, and single characters between them.
//!
//! The rules are dateutil's. A dot, or a comma after two digits, belongs to a number until the number turns out to have several; a dot belongs to a
//! word in the same way, so that `a.m.` and `1.5.2030` come apart and `12.5` does not.

/// What the characters of a token have been so far.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Word,
    Number,
    WordWithDots,
    NumberWithDots,
}

/// Cuts a text. White space is a token of one blank.
pub(super) fn split(text: &str) -> Vec<String> {
    let mut rest = text.chars().filter(|c| *c != '\0').peekable();
    let mut tokens = Vec::new();
    while let Some(first) = rest.next() {
        let mut token = String::from(first);
        let mut state = match first {
            c if c.is_alphabetic() => State::Word,
            c if c.is_ascii_digit() => State::Number,
            c => {
                tokens.push(if c.is_whitespace() { " ".to_owned() } else { token });
                continue;
            }
        };
        // Letters with something behind them: the last one of a text does not count.
        let mut has_letters = false;
        while let Some(next) = rest.peek().copied() {
            has_letters |= matches!(state, State::Word | State::WordWithDots);
            let after_dot = token.ends_with('.');
            state = match state {
                State::Word if next.is_alphabetic() => State::Word,
                State::Word if next == '.' => State::WordWithDots,
                State::Number if next.is_ascii_digit() => State::Number,
                State::Number if next == '.' || (next == ',' && token.len() >= 2) => State::NumberWithDots,
                State::WordWithDots if next == '.' || next.is_alphabetic() => State::WordWithDots,
                State::WordWithDots if next.is_ascii_digit() && after_dot => State::NumberWithDots,
                State::NumberWithDots if next == '.' || next.is_ascii_digit() => State::NumberWithDots,
                State::NumberWithDots if next.is_alphabetic() && after_dot => State::WordWithDots,
                _ => break,
            };
            token.push(next);
            rest.next();
        }
        let dots = token.matches('.').count();
        let is_dotted = matches!(state, State::WordWithDots | State::NumberWithDots);
        if is_dotted && (has_letters || dots > 1 || token.ends_with(['.', ','])) {
            tokens.extend(apart(&token));
        } else if state == State::NumberWithDots && dots == 0 {
            tokens.push(token.replace(',', "."));
        } else {
            tokens.push(token);
        }
    }
    tokens
}

/// The parts of a token and the dots and commas between them.
fn apart(token: &str) -> impl Iterator<Item = String> {
    let parts = token.split_inclusive(['.', ',']).flat_map(|part| match part.char_indices().next_back() {
        Some((at, '.' | ',')) => [&part[..at], &part[at..]],
        _ => [part, ""],
    });
    parts.filter(|part| !part.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_apart_as_in_dateutil() {
        let check = |text: &str, want: &[&str]| assert_eq!(split(text), want, "{text}");
        check("Jan 1, 2030", &["Jan", " ", "1", ",", " ", "2030"]);
        check("10:20 a.m.", &["10", ":", "20", " ", "a", ".", "m", "."]);
        check("1.5.2030", &["1", ".", "5", ".", "2030"]);
        check("20,5", &["20.5"]);
        check("1,5", &["1", ",", "5"]);
        check("12.5h", &["12.5", "h"]);
        check("24.Dec.2030", &["24", ".", "Dec", ".", "2030"]);
        check("", &[]);
    }
}
