//! YAML texts as the AWS CLI reads them: YAML 1.2's core types with what is left of 1.1 (times, merge keys, `0b`, underscores).
//!
//! The parser yields events; here they become values. Duplicate keys, unknown tags and a second document are errors, aliases are copied,
//! and depth and number of nodes are bounded, since an alias can stand for a lot.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::mem;

use recant_wire::base64;
use recant_wire::document::{Document, Members};
use recant_wire::python;
use saphyr_parser::{Event, Parser, ScalarStyle, StrInput, Tag};

use super::convert;
use crate::output::timestamp;

/// Nodes in all, aliases counted with all that they stand for.
const NODES_MAX: usize = 200_000;
/// Structures and lists inside each other.
const DEPTH_MAX: usize = 100;

/// The text is not such YAML. The AWS CLI says no more than that either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct YamlError;

/// Reads a text of one document; an empty one is null. Keys that are no strings become the strings that Python prints for them; those
/// of the outermost mapping are counted.
///
/// # Errors
///
/// When the text is no YAML, or more than is wanted here.
pub(crate) fn parse(text: &str) -> Result<Parsed, YamlError> {
    let is_readable = |c: char| match c {
        '\t' | '\n' | '\r' | '\u{85}' | '\u{feff}' => true,
        c => c >= ' ' && !('\u{7f}'..'\u{a0}').contains(&c) && !('\u{fffe}'..='\u{ffff}').contains(&c),
    };
    if text.starts_with('\t') || !text.chars().all(is_readable) {
        return Err(YamlError);
    }
    // The AWS CLI's library, as YAML 1.1 had it, takes this for the end of a line.
    let text = text.replace('\u{85}', "\n");
    let mut reader = Reader {
        parser: Parser::new_from_str(&text),
        anchors: HashMap::new(),
        nodes: 0,
        has_odd_keys: false,
    };
    let mut value = None;
    loop {
        match reader.next()? {
            Event::DocumentStart(_) if value.is_some() => return Err(YamlError),
            Event::DocumentStart(_) => {
                let first = reader.next()?;
                value = Some(reader.node(first, 0)?);
            }
            Event::StreamEnd => {
                return Ok(Parsed { value: value.unwrap_or_default(), has_odd_keys: reader.has_odd_keys });
            }
            _ => {}
        }
    }
}

/// A document.
#[derive(Debug, PartialEq)]
pub(crate) struct Parsed {
    /// Its value.
    pub value: Document,
    /// Whether a key of the outermost mapping is no string.
    pub has_odd_keys: bool,
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, (Document, usize)>,
    nodes: usize,
    has_odd_keys: bool,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Event<'a>, YamlError> {
        match self.parser.next_event() {
            Some(Ok((event, _))) => Ok(event),
            Some(Err(_)) | None => Err(YamlError),
        }
    }

    fn node(&mut self, event: Event<'a>, depth: usize) -> Result<Document, YamlError> {
        let before = self.nodes;
        self.count(1)?;
        if depth > DEPTH_MAX {
            return Err(YamlError);
        }
        let (value, anchor) = match event {
            Event::Alias(anchor) => {
                let (value, nodes) = self.anchors.get(&anchor).cloned().ok_or(YamlError)?;
                self.count(nodes)?;
                return Ok(value);
            }
            Event::Scalar(text, style, anchor, tag) => (scalar(&text, style, tag.as_deref())?, anchor),
            Event::SequenceStart(anchor, tag) => {
                check_tag(tag.as_deref(), "seq")?;
                (self.sequence(depth)?, anchor)
            }
            Event::MappingStart(anchor, tag) => {
                check_tag(tag.as_deref(), "map")?;
                (self.mapping(depth)?, anchor)
            }
            _ => return Err(YamlError),
        };
        if anchor > 0 {
            self.anchors.insert(anchor, (value.clone(), self.nodes - before));
        }
        Ok(value)
    }

    fn count(&mut self, nodes: usize) -> Result<(), YamlError> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > NODES_MAX { Err(YamlError) } else { Ok(()) }
    }

    fn sequence(&mut self, depth: usize) -> Result<Document, YamlError> {
        let mut values = Vec::new();
        loop {
            match self.next()? {
                Event::SequenceEnd => return Ok(Document::List(values)),
                event => values.push(self.node(event, depth + 1)?),
            }
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<Document, YamlError> {
        let mut own: Vec<(Document, Document)> = Vec::new();
        let mut keys = HashSet::new();
        let mut merged: Vec<Members> = Vec::new();
        let mut has_merge = false;
        loop {
            let event = self.next()?;
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let is_merge = matches!(&event, Event::Scalar(text, ScalarStyle::Plain, _, None) if text == "<<");
            if is_merge && has_merge {
                return Err(YamlError);
            }
            has_merge |= is_merge;
            let key = match event {
                Event::Scalar(..) if is_merge => Document::from("<<"),
                event => self.node(event, depth + 1)?,
            };
            let event = self.next()?;
            let value = self.node(event, depth + 1)?;
            match (is_merge, value) {
                (true, Document::Structure(members)) => merged.push(members),
                (true, Document::List(values)) => {
                    for value in values {
                        let Document::Structure(members) = value else {
                            return Err(YamlError);
                        };
                        merged.push(members);
                    }
                }
                (true, _) => return Err(YamlError),
                (false, value) => {
                    // A number and the text that it prints as are two keys.
                    let is_repeated = !keys.insert((mem::discriminant(&key), python::repr(&key)));
                    if is_repeated || matches!(key, Document::List(_) | Document::Structure(_)) {
                        return Err(YamlError);
                    }
                    own.push((key, value));
                }
            }
        }
        // What stands in the mapping itself wins over what is merged, and what is merged first over what is merged later.
        self.has_odd_keys |= depth == 0 && own.iter().any(|(key, _)| !matches!(key, Document::String(_)));
        let mut names = BTreeSet::new();
        let merged = merged.into_iter().flatten().filter(|(name, _)| names.insert(name.clone()));
        let own = own.into_iter().map(|(key, value)| (python::str(&key), value));
        Ok(Document::structure(merged.chain(own)))
    }
}

/// A collection may carry no tag, or its own.
fn check_tag(tag: Option<&Tag>, own: &str) -> Result<(), YamlError> {
    match tag {
        None => Ok(()),
        Some(tag) if tag.is_yaml_core_schema() && tag.suffix == own => Ok(()),
        Some(_) => Err(YamlError),
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Document, YamlError> {
    let Some(tag) = tag else {
        return if style == ScalarStyle::Plain { plain(text) } else { Ok(Document::from(text)) };
    };
    if tag.handle.is_empty() && tag.suffix == "!" {
        return if text.is_empty() { Ok(Document::from(text)) } else { plain(text) };
    }
    let core = match tag.is_yaml_core_schema() {
        true => tag.suffix.as_str(),
        false => tag.suffix.strip_prefix("tag:yaml.org,2002:").ok_or(YamlError)?,
    };
    if core == "str" {
        return Ok(Document::from(text));
    }
    match (core, plain(text)?) {
        ("null", _) => Ok(Document::Null),
        ("int", value @ (Document::Integer(_) | Document::BigInteger(_))) => Ok(value),
        ("float", value @ Document::Float(_)) => Ok(value),
        ("float", Document::Integer(number)) => Ok(Document::Float(number as f64)),
        ("bool", _) => match text.to_lowercase().as_str() {
            "yes" | "y" | "true" | "on" => Ok(Document::Boolean(true)),
            "no" | "n" | "false" | "off" => Ok(Document::Boolean(false)),
            _ => Err(YamlError),
        },
        ("timestamp", value @ Document::Timestamp(_)) => Ok(value),
        ("binary", _) => {
            let digits: String = text.split_whitespace().collect();
            base64::decode(&digits).map(Document::Blob).ok_or(YamlError)
        }
        _ => Err(YamlError),
    }
}

/// The value of a plain scalar.
fn plain(text: &str) -> Result<Document, YamlError> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Document::Null),
        "true" | "True" | "TRUE" => return Ok(Document::Boolean(true)),
        "false" | "False" | "FALSE" => return Ok(Document::Boolean(false)),
        ".nan" | ".NaN" | ".NAN" => return Ok(Document::Float(f64::NAN)),
        // YAML 1.1 gave them a meaning that the library knows of and does not have.
        "=" | "<<" => return Err(YamlError),
        _ => {}
    }
    match number(text) {
        Some(number) => Ok(number),
        // The API takes no times: all that matters is how Python shows one that is in the wrong place.
        None if crate::output::yaml::is_time(text) => {
            timestamp::shown_by_python(text).map(Document::timestamp).ok_or(YamlError)
        }
        None => Ok(Document::from(text)),
    }
}

fn number(text: &str) -> Option<Document> {
    if !crate::output::yaml::is_number(text) {
        return None;
    }
    let text = text.replace('_', "");
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(&text)),
    };
    let based = |digits: &str, radix: u32| {
        let number = i64::from_str_radix(&format!("{sign}{digits}"), radix).ok()?;
        Some(Document::Integer(number))
    };
    if let Some(digits) = digits.strip_prefix("0b") {
        return based(digits, 2);
    }
    if let Some(digits) = digits.strip_prefix("0x") {
        return based(digits, 16);
    }
    if let Some(digits) = digits.strip_prefix("0o") {
        return based(digits, 8);
    }
    if digits.eq_ignore_ascii_case(".inf") {
        return Some(Document::Float(if sign == "-" { f64::NEG_INFINITY } else { f64::INFINITY }));
    }
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        return Some(convert::integer(&format!("{sign}{digits}")));
    }
    text.parse().ok().map(Document::Float)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_values() {
        let check = |text: &str, want: &str| {
            let got = parse(text).map(|parsed| python::repr(&parsed.value));
            assert_eq!(got.as_deref(), Ok(want), "{text}");
        };
        check("", "None");
        check("abc", "'abc'");
        check("{a: 1, b: [x, ~, yes, true]}", "{'a': 1, 'b': ['x', None, 'yes', True]}");
        check("[017, 1_0, 0o17, 0x1f, 0b11, -5, 1e3, .5, .inf]", "[17, 10, 15, 31, 3, -5, 1000.0, 0.5, inf]");
        check("['1', \"2\", !!str 3, !!int '4', !!float 5]", "['1', '2', '3', 4, 5.0]");
        check("a: >-\n  b\n  c\n", "{'a': 'b c'}");
        check("a: !!binary aGk=", "{'a': b'hi'}");
        check("a: &x {p: 1, q: 2}\nb:\n  <<: *x\n  q: 3\n", "{'a': {'p': 1, 'q': 2}, 'b': {'p': 1, 'q': 3}}");
        check("a: 2024-01-01", "{'a': '2024-01-01'}");
        check("a: 2024-01-01T10:00:00.5+02:00", "{'a': '2024-01-01 08:00:00.500000'}");
        check("a: x\u{85}b: _1", "{'a': 'x', 'b': '_1'}");
        check("a: !!bool yes\nb: !<tag:yaml.org,2002:str> 5\nc: ! 5", "{'a': True, 'b': '5', 'c': 5}");
        check("a:\n  1: x", "{'a': {'1': 'x'}}");
    }

    #[test]
    fn other_texts_are_refused() {
        let bomb: String = std::iter::once("a0: &a0 [x, x]\n".to_owned())
            .chain((1..30).map(|i| format!("a{i}: &a{i} [*a{}, *a{}]\n", i - 1, i - 1)))
            .collect();
        let deep = "[".repeat(10_000);
        for text in
            ["a: =", "a: <<", "a: 2024-02-30", "a: \u{7}", "a: \u{7f}", "\ta: 1", "<<: {a: 1}\n<<: {b: 2}"]
        {
            assert_eq!(parse(text), Err(YamlError), "{text}");
        }
        for text in ["a: 1\n\tb: 2", "a: 1\na: 2", "a\n---\nb", "!foo x", "*x", "{", "[[1]: 2]", &bomb, &deep]
        {
            assert_eq!(parse(text), Err(YamlError), "{text:.40}");
        }
    }

    #[test]
    fn keys_that_are_no_strings_are_noticed() {
        let check =
            |text: &str, want: bool| assert_eq!(parse(text).map(|p| p.has_odd_keys), Ok(want), "{text}");
        check("1: x\nb: y", true);
        check("'1': x", false);
        check("a: {1: x}", false);
    }
}
