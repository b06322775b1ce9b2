//! What holds for any text that reaches the client's parsers.
//!
//! A property takes any input and panics where a promise is broken. The fuzz targets call them with what the fuzzer
//! makes up, an ordinary test with the corpus (`fuzz/` at the root). No property reads a file or sends anything.

use std::str;

use recant_wire::document::{Document, Members};
use recant_wire::model::{self, Operation};
use recant_wire::{request, validate};
use serde_json::Value;

use crate::config::ini::{self, Section};
use crate::input::shorthand::{self, Shorthand};
use crate::input::{convert, json, yaml};
use crate::output::{self, timestamp};
use crate::query::Query;
use crate::sign::dates;

/// A name, which is the target's and its corpus folder's, and what must not panic.
pub type Property = (&'static str, fn(&[u8]));

/// All of this crate.
pub const PROPERTIES: &[Property] = &[
    ("config", config),
    ("date", date),
    ("jmespath", jmespath),
    ("json", json),
    ("option", option),
    ("shorthand", shorthand),
    ("yaml", yaml),
];

/// Shorthand that is good can be written with every text quoted, and reads as the same; its JSON means the same; and what is
/// bad is shown with a caret below a place that is in the text.
pub fn shorthand(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    match shorthand::parse(text, &|_| Ok(None)) {
        Ok(read) => {
            let mut written = String::new();
            write_members(&mut written, &read);
            let again = shorthand::parse(&written, &|_| Ok(None)).expect(&written);
            assert_eq!(again, read, "{written}");

            let document = convert::untyped(read);
            let as_json = output::json::compact(&document);
            assert_eq!(json::parse(&as_json).expect(&as_json), document);
        }
        Err(why) => assert!(points_into(text, &why.to_string()), "{why}"),
    }
}

/// Writes the members of a hash, each text in quotes.
fn write_members(out: &mut String, value: &Shorthand) {
    let Shorthand::Hash(members) = value else { return };
    for (at, (key, value)) in members.iter().enumerate() {
        out.push_str(if at == 0 { "" } else { "," });
        out.push_str(key);
        out.push('=');
        write_value(out, value);
    }
}

fn write_value(out: &mut String, value: &Shorthand) {
    match value {
        Shorthand::Text(text) => {
            out.push('\'');
            out.push_str(&text.replace('\\', r"\\").replace('\'', r"\'"));
            out.push('\'');
        }
        Shorthand::Bytes(_) => unreachable!("bytes come from files, and none is read"),
        Shorthand::List(values) => {
            out.push('[');
            for (at, value) in values.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "," });
                write_value(out, value);
            }
            out.push(']');
        }
        Shorthand::Hash(_) => {
            out.push('{');
            write_members(out, value);
            out.push('}');
        }
    }
}

/// Whether a message ends with the text, a line with a caret put in below one of its lines; advice may follow.
fn points_into(text: &str, message: &str) -> bool {
    let advice = "\nThis is often because there is a preceding \",\" instead of a space.";
    let shown = message.strip_suffix(advice).unwrap_or(message);
    let mut ends = text.match_indices('\n').map(|(at, _)| at).chain([text.len()]);
    ends.any(|end| {
        let line = text[..end].rsplit('\n').next().unwrap_or("");
        let Some(above) = shown.strip_suffix(&text[end..]).and_then(|shown| shown.strip_suffix('^')) else {
            return false;
        };
        let indented = above.trim_end_matches(' ');
        above.len() - indented.len() <= line.chars().count()
            && indented.strip_suffix('\n').is_some_and(|above| above.ends_with(&text[..end]))
    })
}

/// The first line is the operation; each of its options gets the rest as shorthand and as JSON. What comes of it is
/// judged, and a request is made of it where it can be one.
pub fn option(input: &[u8]) {
    let Some((operation, text)) = operation(input) else { return };
    let mut given = Members::new();
    for member in operation.members() {
        let value = match shorthand::parse(text, &|_| Ok(None)) {
            Ok(value) => convert::typed(member.shape, value),
            Err(_) => convert::scalar(member.shape, text.to_owned()),
        };
        let value = value.ok().or_else(|| json::parse(text).ok());
        if let Some(Ok(value)) = value
            .map(|value| crate::input::decode_blobs(member.shape, value, crate::input::BinaryFormat::Raw))
        {
            given.insert(member.name, value);
        }
    }
    let given = Document::Structure(given);
    // What validation lets through may still be refused by the writer; neither panics.
    let _ = validate::validate(operation.input, &given);
    let _ = request::encode(operation, &given);
}

/// JSON that is good can be written and reads as the same; what another reader takes is taken and means the same; an error's
/// place is in the text.
pub fn json(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let read = json::parse(text);
    if let Ok(other) = serde_json::from_str::<Value>(text) {
        assert!(read.as_ref().is_ok_and(|own| means(own, &other)), "{read:?} for {other:?}");
    }
    match read {
        Ok(read) => {
            for written in [output::json::compact(&read), output::json::pretty(&read)] {
                let again = json::parse(&written).expect(&written);
                // Not a number is not itself, so the texts are compared.
                assert_eq!(output::json::compact(&again), output::json::compact(&read));
            }
        }
        Err(why) => assert!(why.at <= text.chars().count(), "{why}"),
    }
}

/// Whether both readers say the same, as far as both can say it.
fn means(own: &Document, other: &Value) -> bool {
    match (own, other) {
        (Document::Null, Value::Null) => true,
        (Document::Boolean(own), Value::Bool(other)) => own == other,
        (Document::Integer(own), Value::Number(other)) => other.as_i64().is_none_or(|other| *own == other),
        (Document::BigInteger(_) | Document::Float(_), Value::Number(other)) => other.as_i64().is_none(),
        (Document::String(own), Value::String(other)) => own == other,
        (Document::List(own), Value::Array(other)) => {
            own.len() == other.len() && own.iter().zip(other).all(|(own, other)| means(own, other))
        }
        (Document::Structure(own), Value::Object(other)) => {
            own.len() == other.len()
                && own.iter().zip(other).all(|((name, own), (key, other))| name == key && means(own, other))
        }
        _ => false,
    }
}

/// A date that is understood is one of the calendar's, and written out it is the same.
pub fn date(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let today = (2026, 11, 30);
    let Some(seconds) = dates::seconds(text, today).filter(|_| text.trim().parse::<f64>().is_err()) else {
        return;
    };
    let written = timestamp::from_epoch_seconds(seconds);
    // Offsets lead a day beyond the years that have four digits.
    if written.len() == "2030-01-01T00:00:00Z".len() {
        assert_eq!(dates::seconds(&written, today), Some(seconds), "{written}");
    }
}

/// YAML that is good can be written as YAML, and reads as the same but for what has no text of its own.
pub fn yaml(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let Ok(read) = yaml::parse(text) else { return };
    if is_plain(&read.value) && matches!(read.value, Document::Structure(_) | Document::List(_)) {
        let written = output::yaml::format(&read.value);
        let again = yaml::parse(&written).unwrap_or_else(|_| panic!("{written}"));
        // The writer sorts keys.
        assert_eq!(output::yaml::format(&again.value), written);
        assert!(same(&again.value, &read.value), "{:?} for {:?}:\n{written}", again.value, read.value);
    }
}

/// Whether a value holds only what YAML's reader gives back as it was written.
fn is_plain(value: &Document) -> bool {
    match value {
        Document::Null | Document::Boolean(_) | Document::Integer(_) | Document::String(_) => true,
        Document::BigInteger(_) | Document::Float(_) | Document::Blob(_) | Document::Timestamp(_) => false,
        Document::List(values) => values.iter().all(is_plain),
        // Keys are words, as CloudFront's are: others would need the form with a question mark, which the writer does not know.
        Document::Structure(members) => members.iter().all(|(name, value)| {
            name.len() < 128 && name.bytes().all(|byte| byte.is_ascii_alphanumeric()) && is_plain(value)
        }),
    }
}

/// Equality but for the order of members.
fn same(one: &Document, other: &Document) -> bool {
    match (one, other) {
        (Document::List(one), Document::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Document::Structure(one), Document::Structure(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, value)| other.get(name).is_some_and(|other| same(value, other)))
        }
        _ => one == other,
    }
}

/// A file of settings that is good can be written and reads as the same; sections and keys are there once.
pub fn config(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    // The file of profiles is read first by its blocks; the same file without blocks is less, not more, likely to fail.
    let flat = ini::parse_flat(text);
    if let Ok(sections) = ini::parse(text) {
        assert!(flat.is_ok());
        for section in &sections {
            crate::config::profile_of(&section.header);
        }
    }
    let Ok(sections) = flat else { return };
    assert_eq!(ini::parse_flat(&written(&sections)).as_ref(), Ok(&sections), "{}", written(&sections));
}

fn written(sections: &[Section]) -> String {
    let mut out = String::new();
    for section in sections {
        out.push_str(&format!("[{}]\n", section.header));
        for (key, value) in &section.entries {
            let ini::Value::Text(text) = value else { continue };
            out.push_str(&format!("{key} = {}\n", text.replace('\n', "\n    ")));
        }
    }
    out
}

/// The first line is the expression, the rest JSON to apply it to: the same comes out twice, and the whole is the whole.
pub fn jmespath(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let (expression, data) =
        text.split_once('\n').unwrap_or((text, "{\"a\":{\"b\":[1,\"c\",null,{\"d\":true}]}}"));
    let Ok(query) = Query::compile(expression) else { return };
    let Ok(data) = json::parse(data) else { return };
    let one = query.search(&data).map_err(|why| why.to_string());
    let other = query.search(&data).map_err(|why| why.to_string());
    let show =
        |found: &Result<Document, String>| found.as_ref().map(output::json::compact).map_err(Clone::clone);
    assert_eq!(show(&one), show(&other));
}

/// The operation that the first line names, and the rest; another name stands for some operation, too.
fn operation(input: &[u8]) -> Option<(&'static Operation, &str)> {
    let (name, rest) = str::from_utf8(input).ok()?.split_once('\n')?;
    let operations = model::operations();
    let any = name.bytes().fold(0usize, |sum, byte| sum + usize::from(byte)) % operations.len();
    Some((model::operation_by_cli_name(name).unwrap_or(&operations[any]), rest))
}

#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_holds() {
        super::replay::replay(super::PROPERTIES);
    }

    /// Each of these would take minutes where every name is searched for among all before it.
    #[test]
    fn many_names_take_no_time() {
        let names = |make: fn(usize) -> String| (0..50_000).map(make).collect::<String>();
        super::json(format!("{{{}\"z\":1}}", names(|n| format!("\"k{n}\":1,"))).as_bytes());
        super::shorthand(format!("{}z=1", names(|n| format!("k{n}=v,"))).as_bytes());
        super::shorthand(format!("a={{{}}}", names(|n| format!("k{n}=v,"))).as_bytes());
        super::config(names(|n| format!("[k{n}]\n")).as_bytes());
        super::config(format!("[a]\n{}", names(|n| format!("k{n}=v\n"))).as_bytes());
        // The writer's properties take longer than the reader.
        let keys = names(|n| format!("k{n}: v\n"));
        assert!(crate::input::yaml::parse(&keys).is_ok());
    }
}
