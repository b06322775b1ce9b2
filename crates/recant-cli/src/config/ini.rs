//! The INI dialect of the shared files: that of Python's `configparser`, with one level of nesting.
//!
//! Keys are lower-cased, `=` and `:` separate, `#` and `;` start a comment only at the start of a line, an indented line continues
//! the value above, and sections and keys may not repeat. No interpolation.

use std::collections::BTreeSet;

/// One section: its header and its keys in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Section {
    /// The text between the brackets.
    pub header: String,
    /// Keys, lower case, and their values.
    pub entries: Vec<(String, Value)>,
}

impl Section {
    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.entries.iter().find(|(have, _)| have == key).map(|(_, value)| value)
    }
}

/// A value, which may be a block of indented `key = value` lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// Text, perhaps of several lines.
    Text(String),
    /// Nested keys.
    Nested(Vec<(String, String)>),
}

/// The file does not follow the dialect. The AWS CLI names the file, not the place, so there is nothing more to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IniError;

/// A section whose values are still single lines.
type RawSection = (String, Vec<(String, Vec<String>)>);

/// Reads a file's text.
///
/// # Errors
///
/// When a line belongs to no section, has no separator, or repeats a section or key.
pub(crate) fn parse(text: &str) -> Result<Vec<Section>, IniError> {
    read(text, value)
}

/// Reads a file's text where a value of several lines is just that, and not a block of keys.
///
/// # Errors
///
/// As [`parse`].
pub(crate) fn parse_flat(text: &str) -> Result<Vec<Section>, IniError> {
    read(text, |text| Ok(Value::Text(text.to_owned())))
}

fn read(text: &str, value_of: fn(&str) -> Result<Value, IniError>) -> Result<Vec<Section>, IniError> {
    let mut raw: Vec<RawSection> = Vec::new();
    // The headers of the file, and the keys of the section that is being read.
    let (mut headers, mut keys) = (BTreeSet::new(), BTreeSet::new());
    let mut in_option = false;
    let mut indent = 0;
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.starts_with(['#', ';']) {
            continue;
        }
        let value = raw.last_mut().and_then(|(_, entries)| entries.last_mut()).filter(|_| in_option);
        if trimmed.is_empty() {
            if let Some((_, lines)) = value {
                lines.push(String::new());
            }
            continue;
        }
        let line_indent = line.len() - line.trim_start().len();
        if let (Some((_, lines)), true) = (value, line_indent > indent) {
            lines.push(trimmed.to_owned());
            continue;
        }
        indent = line_indent;
        if let Some(header) = header(trimmed) {
            if !headers.insert(header) {
                return Err(IniError);
            }
            keys.clear();
            raw.push((header.to_owned(), Vec::new()));
            in_option = false;
            continue;
        }
        let (_, entries) = raw.last_mut().ok_or(IniError)?;
        let (key, value) = trimmed.split_once(['=', ':']).ok_or(IniError)?;
        let key = key.trim_end().to_lowercase();
        if key.is_empty() || !keys.insert(key.clone()) {
            return Err(IniError);
        }
        entries.push((key, vec![value.trim().to_owned()]));
        in_option = true;
    }
    raw.into_iter()
        .map(|(header, entries)| {
            let entries = entries
                .into_iter()
                .map(|(key, lines)| Ok((key, value_of(lines.join("\n").trim_end())?)))
                .collect::<Result<_, IniError>>()?;
            Ok(Section { header, entries })
        })
        .collect()
}

/// The text between `[` and the last `]`.
fn header(line: &str) -> Option<&str> {
    let inside = line.strip_prefix('[')?;
    let end = inside.rfind(']')?;
    (end > 0).then(|| &inside[..end])
}

/// A value that begins with a line break is a block.
fn value(text: &str) -> Result<Value, IniError> {
    if !text.starts_with('\n') {
        return Ok(Value::Text(text.to_owned()));
    }
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| {
            let (key, value) = line.split_once('=').ok_or(IniError)?;
            Ok((key.trim().to_owned(), value.trim().to_owned()))
        })
        .collect::<Result<_, _>>()
        .map(Value::Nested)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(sections: &[Section]) -> String {
        let mut out = String::new();
        for section in sections {
            out.push_str(&format!("[{}]", section.header));
            for (key, value) in &section.entries {
                match value {
                    Value::Text(text) => out.push_str(&format!("{key}={text};")),
                    Value::Nested(pairs) => {
                        let pairs: Vec<String> =
                            pairs.iter().map(|(key, value)| format!("{key}={value}")).collect();
                        out.push_str(&format!("{key}={{{}}};", pairs.join(",")));
                    }
                }
            }
        }
        out
    }

    #[test]
    fn good_files_parse() {
        let check = |text: &str, want: &str| match parse(text) {
            Ok(sections) => assert_eq!(show(&sections), want, "{text}"),
            Err(IniError) => panic!("{text}"),
        };
        check("[default]\nOutput = text\nregion: x\n", "[default]output=text;region=x;");
        check("# c\n; d\n\n[a]\nk = v # no comment\n", "[a]k=v # no comment;");
        check("[a]\ns3 =\n  x = 1\n\n  y=2\nk = v\n", "[a]s3={x=1,y=2};k=v;");
        check("[a]\nk = v\n  more\n", "[a]k=v\nmore;");
        check("[a]\nk =\n[b]\n", "[a]k=;[b]");
        check("[a]\nk = %(x)s %\n", "[a]k=%(x)s %;");
        check("[profile \"a b\"]\n", "[profile \"a b\"]");
        check("", "");
    }

    #[test]
    fn bad_files_are_refused() {
        let check = |text: &str| assert_eq!(parse(text), Err(IniError), "{text}");
        check("k = v\n");
        check("oops\n");
        check("[a]\noops\n");
        check("[a]\nk = 1\nK = 2\n");
        check("[a]\n[b]\n[a]\n");
        check("[a]\n= v\n");
        check("\u{feff}[a]\n");
        check("[a\nk = v\n");
        check("[a]\ns3 =\n  oops\n");
    }
}
