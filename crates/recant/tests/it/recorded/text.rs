//! Texts of the data: what is written there, and the bytes it stands for.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Texts by name, for those that many cases share.
pub(crate) type Texts = BTreeMap<String, Text>;

/// A text as the data has it.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Text {
    /// As it is.
    One(String),
    /// Lines, joined with line feeds: one at the end takes an empty last line.
    Lines(Vec<String>),
    /// One of the shared texts.
    Named { text: String },
    /// What is no UTF-8.
    Bytes { hex: String },
}

impl Text {
    /// The bytes that this stands for.
    #[track_caller]
    pub(crate) fn bytes(&self, texts: &Texts) -> Vec<u8> {
        match self {
            Self::One(text) => text.clone().into_bytes(),
            Self::Lines(lines) => lines.join("\n").into_bytes(),
            Self::Named { text } => texts.get(text).unwrap_or_else(|| panic!("no text {text}")).bytes(texts),
            Self::Bytes { hex } => {
                let digits: Vec<char> = hex.chars().collect();
                let byte = |pair: &[char]| u8::from_str_radix(&String::from_iter(pair), 16).unwrap();
                digits.chunks(2).map(byte).collect()
            }
        }
    }
}

/// Whether a text is of a form in which `*` stands for anything, also for nothing and for line breaks.
pub(crate) fn is_like(text: &str, form: &str) -> bool {
    let mut parts = form.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// A page of help or a log as running words: without colours, overstrikes and filling.
pub(crate) fn unfilled(text: &str) -> String {
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\u{1b}' => while characters.next().is_some_and(|end| end != 'm') {},
            '\u{8}' => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain.replace("-\n", "-").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_star_stands_for_anything() {
    let check = |text: &str, form: &str, want: bool| assert_eq!(is_like(text, form), want, "{text} {form}");
    check("GET /creds?a", "GET /creds*", true);
    check("POST /", "POST /", true);
    check("POST /x", "POST /", false);
    check("", "*", true);
    check("aws-cli/2.3.4 x\n", "aws-cli/2.*.* *\n", true);
    check("aws-cli/2.3 x\n", "aws-cli/2.*.* *\n", false);
    check("ab", "ab*ab", false);
}
