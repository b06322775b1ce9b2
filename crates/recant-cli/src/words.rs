//! Splitting a line into words as a shell does, without any of a shell's other powers: no variables, no comments, no pipes.
//!
//! For commands that settings name: pagers, credential processes, aliases. The rules are those of Python's `shlex.split`.

use crate::error::Error;

/// Splits a line.
///
/// # Errors
///
/// A quote that is not closed, or a backslash at the end.
pub(crate) fn split(line: &str) -> Result<Vec<String>, Error> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match rest.next() {
                        Some('\'') => break,
                        Some(c) => word.push(c),
                        None => return Err(Error::general("No closing quotation")),
                    }
                }
            }
            '"' => double_quoted(&mut rest, word.get_or_insert_default())?,
            '\\' => match rest.next() {
                Some(c) => word.get_or_insert_default().push(c),
                None => return Err(Error::general("No escaped character")),
            },
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

/// Inside double quotes a backslash escapes only the quote and itself.
fn double_quoted(rest: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), Error> {
    loop {
        match rest.next() {
            Some('"') => return Ok(()),
            Some('\\') => match rest.next() {
                Some(c @ ('"' | '\\')) => word.push(c),
                Some(c) => word.extend(['\\', c]),
                None => return Err(Error::general("No escaped character")),
            },
            Some(c) => word.push(c),
            None => return Err(Error::general("No closing quotation")),
        }
    }
}

/// Quotes a word so that a shell takes it as it is.
pub(crate) fn quoted(word: &str) -> String {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "@%_+=:,./-".contains(c);
    if !word.is_empty() && word.chars().all(is_safe) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\"'\"'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_words() {
        let check = |line: &str, want: Result<&[&str], &str>| {
            let got = split(line).map_err(|why| why.to_string());
            let want = want.map(|words| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
            assert_eq!(got, want.map_err(str::to_owned), "{line}");
        };
        check("", Ok(&[]));
        check("less -R  x", Ok(&["less", "-R", "x"]));
        check("sh -c 'echo $A; cat'", Ok(&["sh", "-c", "echo $A; cat"]));
        check("a\"b \\\" \\n\"c \\ d ''", Ok(&["ab \" \\nc", " d", ""]));
        check("a # b", Ok(&["a", "#", "b"]));
        check("'a", Err("No closing quotation"));
        check("\"a", Err("No closing quotation"));
        check("a\\", Err("No escaped character"));
    }

    #[test]
    fn quoted_words_split_into_themselves() {
        for word in ["", "a b", "it's", "$x", "plain", "é"] {
            assert_eq!(split(&quoted(word)).expect("quoted"), [word]);
        }
    }
}
