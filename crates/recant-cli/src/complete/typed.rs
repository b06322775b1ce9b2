//! The text before the cursor: whole words, and one that is half typed.

/// A line up to the cursor.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Typed {
    /// The words that are finished.
    pub(crate) words: Vec<String>,
    /// What the last one says so far, without its quotes.
    pub(crate) current: String,
    /// Where it begins in the text, in bytes.
    pub(crate) begin: usize,
}

/// Splits as [`crate::words::split`] does, except that a quote or an escape may still be open at the end.
pub(crate) fn read(text: &str) -> Typed {
    let mut typed = Typed { words: Vec::new(), current: String::new(), begin: 0 };
    let mut quote = None;
    let mut in_word = false;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if quote.is_none() && matches!(c, ' ' | '\t' | '\r' | '\n') {
            if in_word {
                typed.words.push(std::mem::take(&mut typed.current));
            }
            in_word = false;
            continue;
        }
        if !in_word {
            in_word = true;
            typed.begin = at;
        }
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            (None, '\\') => typed.current.extend(chars.next().map(|(_, c)| c)),
            (Some('"'), '\\') => match chars.next_if(|(_, next)| matches!(next, '"' | '\\')) {
                Some((_, c)) => typed.current.push(c),
                None => typed.current.push('\\'),
            },
            (_, c) => typed.current.push(c),
        }
    }
    if !in_word {
        typed.begin = text.len();
    }
    typed
}

/// Writes a word so that it reads as it is, without quotes that would have to be closed before it goes on.
pub(crate) fn escaped(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    for c in word.chars() {
        if matches!(c, ' ' | '\t' | '\r' | '\n' | '\'' | '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_may_be_open() {
        let check = |text: &str, words: &[&str], current: &str, begin: usize| {
            let words = words.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(read(text), Typed { words, current: current.to_owned(), begin }, "{text}");
        };
        check("", &[], "", 0);
        check("aws cl", &["aws"], "cl", 4);
        check("aws ", &["aws"], "", 4);
        check("a 'b c", &["a"], "b c", 2);
        check("a 'b c' ", &["a", "b c"], "", 8);
        check("a \"x\\\"y", &["a"], "x\"y", 2);
        check("a b\\", &["a"], "b", 2);
        check("a '' ", &["a", ""], "", 5);
    }

    #[test]
    fn an_escaped_word_reads_as_itself() {
        for word in ["plain", "a b", "it's \"so\"", "back\\slash", "Paths={Items=[/a*]}"] {
            assert_eq!(read(&escaped(word)).current, word);
        }
    }
}
