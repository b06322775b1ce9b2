//! The text output: lines of tab-separated columns.
//!
//! A structure's scalars stand on one line, sorted by key, after the upper-cased name of the member that holds it; what is nested follows.
//! In a list of structures every line has the columns of all of them; a list that holds something else, too, cannot be shown.

use recant_wire::document::{Document, Members};
use recant_wire::python;

use super::format::{Format, Pages};
use crate::error::Error;

/// The format.
pub(super) const FORMAT: Format =
    Format { name: "text", pages: Pages::Lists, print: |result, _| format(&result) };

/// Writes a value as text lines.
///
/// # Errors
///
/// A list of structures and something else, in Python's words; what stands before it is shown.
pub(crate) fn format(value: &Document) -> (String, Result<(), Error>) {
    let mut out = String::new();
    let outcome = write_value(&mut out, value, None, None);
    (out, outcome)
}

fn write_value(
    out: &mut String,
    value: &Document,
    name: Option<&str>,
    columns: Option<&[&str]>,
) -> Result<(), Error> {
    match value {
        Document::Structure(members) => write_structure(out, members, name, columns),
        Document::List(values) => write_list(out, values, name),
        scalar => {
            out.push_str(&cell(scalar));
            out.push('\n');
            Ok(())
        }
    }
}

fn write_structure(
    out: &mut String,
    members: &Members,
    name: Option<&str>,
    columns: Option<&[&str]>,
) -> Result<(), Error> {
    let mut sorted: Vec<(&str, &Document)> = members.iter().collect();
    sorted.sort_by_key(|(key, _)| *key);
    let mut cells: Vec<String> = match columns {
        None => sorted.iter().filter(|(_, value)| is_scalar(value)).map(|(_, value)| cell(value)).collect(),
        Some(columns) => {
            columns.iter().map(|column| members.get(column).map_or_else(String::new, cell)).collect()
        }
    };
    if !cells.is_empty() {
        if let Some(name) = name {
            cells.insert(0, name.to_uppercase());
        }
        out.push_str(&cells.join("\t"));
        out.push('\n');
    }
    for (key, value) in sorted {
        let is_column = columns.map_or_else(|| is_scalar(value), |columns| columns.contains(&key));
        if !is_column {
            write_value(out, value, Some(key), None)?;
        }
    }
    Ok(())
}

fn write_list(out: &mut String, values: &[Document], name: Option<&str>) -> Result<(), Error> {
    if values.is_empty() {
        return Ok(());
    }
    if values.iter().any(|value| matches!(value, Document::Structure(_))) {
        let columns = columns_of(values)?;
        return values.iter().try_for_each(|value| write_value(out, value, name, Some(&columns)));
    }
    let (scalars, nested): (Vec<&Document>, Vec<&Document>) =
        values.iter().partition(|value| is_scalar(value));
    match name {
        Some(name) => {
            for scalar in scalars {
                out.push_str(&format!("{}\t{}\n", name.to_uppercase(), cell(scalar)));
            }
        }
        None if !scalars.is_empty() => {
            let cells: Vec<String> = scalars.into_iter().map(cell).collect();
            out.push_str(&cells.join("\t"));
            out.push('\n');
        }
        None => {}
    }
    nested.into_iter().try_for_each(|value| write_value(out, value, name, None))
}

/// The scalar members of all structures of a list, sorted.
fn columns_of(values: &[Document]) -> Result<Vec<&str>, Error> {
    if let Some(odd) = values.iter().find(|value| value.as_structure().is_none()) {
        let kind = python::class(odd).trim_start_matches("<class ").trim_end_matches('>');
        return Err(Error::general(format!("{kind} object has no attribute 'items'")));
    }
    let mut columns: Vec<&str> = values
        .iter()
        .filter_map(Document::as_structure)
        .flat_map(Members::iter)
        .filter(|(_, value)| is_scalar(value))
        .map(|(key, _)| key)
        .collect();
    columns.sort_unstable();
    columns.dedup();
    Ok(columns)
}

/// A scalar as Python prints it; only skeletons hold times that are no text.
pub(crate) fn cell(value: &Document) -> String {
    match value {
        Document::Timestamp(text) => text.replace('T', " "),
        other => python::str(other),
    }
}

fn is_scalar(value: &Document) -> bool {
    !matches!(value, Document::List(_) | Document::Structure(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_lines() {
        let check = |text: &str, want: &str| {
            let (text_out, outcome) = format(&crate::input::json::parse(text).unwrap());
            assert!(outcome.is_ok(), "{text}");
            assert_eq!(text_out, want, "{text}");
        };
        check(
            "{\"L\":\"u\",\"I\":{\"b\":2,\"a\":true,\"Items\":[\"/a\",\"/b\"]}}",
            "u\nI\tTrue\t2\nITEMS\t/a\nITEMS\t/b\n",
        );
        check("[\"a\",null,false]", "a\tNone\tFalse\n");
        check("[[\"a\",\"b\"],[\"c\"]]", "a\tb\nc\n");
        check("[1,[2,3]]", "1\n2\t3\n");
        check("{\"T\":[{\"k\":\"a\",\"v\":1},{\"k\":\"b\"}]}", "T\ta\t1\nT\tb\t\n");
        check("[{\"a\":\"x\",\"b\":1},{\"a\":\"y\",\"c\":[1,2]}]", "x\t1\ny\t\nC\t1\nC\t2\n");
        check("{\"a\":{\"Items\":null}}", "A\tNone\n");
        check("\"x\"", "x\n");
        check("null", "None\n");
        check("[]", "");
        check("{}", "");
    }

    #[test]
    fn structures_among_other_things_are_refused_as_by_python() {
        let (text, outcome) = format(&crate::input::json::parse("[[\"a\"],[{\"k\":1},2]]").unwrap());
        assert_eq!(text, "a\n");
        assert_eq!(outcome.unwrap_err().to_string(), "'int' object has no attribute 'items'");
    }
}
