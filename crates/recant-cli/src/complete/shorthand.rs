//! Inside a structure that is half typed as shorthand: `Paths={Quantity=1,It`.
//!
//! The text is walked with the shapes that it goes through; what is half typed at its end is completed by the member's names, or by the values
//! that the member may have. What is no shorthand (JSON, a file) yields nothing.

use recant_wire::model::{Kind, Shape};

use super::Candidate;
use crate::describe;

/// A structure or list that is open at the end of the text.
struct Open {
    shape: &'static Shape,
    /// The keys that it has.
    keys: Vec<String>,
}

/// Where the text ends.
struct End {
    open: Vec<Open>,
    /// Where the last token begins.
    begin: usize,
    /// The value that it is, if it is one; else it is a key of the innermost structure.
    value: Option<&'static Shape>,
}

/// The candidates for the whole text.
pub(super) fn candidates(shape: &'static Shape, typed: &str) -> Vec<Candidate> {
    if typed.trim_start().starts_with(['{', '[']) || typed.contains("://") {
        return Vec::new();
    }
    let Some(end) = walk(shape, typed) else { return Vec::new() };
    let before = &typed[..end.begin];
    let token = &typed[end.begin..];
    let with = |text: &str, about: String, open: bool| Candidate {
        open,
        ..Candidate::new(format!("{before}{text}"), about)
    };
    if let Some(shape) = end.value {
        return match &shape.kind {
            Kind::Structure(_) => vec![with("{", "The parts.".to_owned(), true)],
            Kind::List(_) => vec![with("[", "The elements.".to_owned(), true)],
            Kind::Boolean => ["true", "false"].map(|value| with(value, String::new(), true)).to_vec(),
            _ => shape.values.iter().map(|value| with(value, String::new(), true)).collect(),
        };
    }
    let Some(innermost) = end.open.last() else { return Vec::new() };
    let members = innermost.shape.members().iter();
    members
        .filter(|member| !innermost.keys.iter().any(|key| key == member.name))
        .filter(|member| member.name.to_lowercase().starts_with(&token.to_lowercase()))
        .map(|member| Candidate {
            required: member.required,
            ..with(&format!("{}=", member.name), describe::member(member), true)
        })
        .collect()
}

/// Goes through the text. Nothing where it makes no sense.
fn walk(shape: &'static Shape, typed: &str) -> Option<End> {
    let mut open = vec![Open { shape, keys: Vec::new() }];
    let mut value: Option<&'static Shape> = None;
    let mut begin = 0;
    let mut quote = None;
    for (at, c) in typed.char_indices() {
        let after = at + c.len_utf8();
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '=') if value.is_none() => {
                let key = typed[begin..at].trim();
                let innermost = open.last_mut()?;
                value = Some(innermost.shape.member(key)?.shape);
                innermost.keys.push(key.to_owned());
                begin = after;
            }
            (None, '{' | '[') => {
                let shape = value.take()?;
                // The elements of a list are values from its bracket on.
                value = element(shape);
                open.push(Open { shape, keys: Vec::new() });
                begin = after;
            }
            (None, '}' | ']') => {
                open.pop().filter(|_| !open.is_empty())?;
                value = None;
                begin = after;
            }
            (None, ',') => {
                value = element(open.last()?.shape);
                begin = after;
            }
            _ => {}
        }
    }
    quote.is_none().then_some(End { open, begin, value })
}

fn element(shape: &'static Shape) -> Option<&'static Shape> {
    match &shape.kind {
        Kind::List(list) => Some(list.element),
        _ => None,
    }
}
