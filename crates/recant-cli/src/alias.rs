//! Commands that the user has made: `~/.aws/cli/alias`.
//!
//! `[toplevel]` holds words that stand for commands, `[command cloudfront]` those for its operations. A value that begins with `!` is a
//! line for the shell. Read only when a word is met that may be an alias.

use crate::config::ini;
use crate::environment::Environment;
use crate::error::Error;
use crate::words;

/// An alias may stand for an alias, but not for more than this in a row.
pub(crate) const DEPTH_MAX: usize = 16;

/// The aliases of this user.
#[derive(Debug, Default)]
pub(crate) struct Aliases(Vec<ini::Section>);

/// What an alias stands for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Words in place of the alias.
    Words(Vec<String>),
    /// A line for the shell.
    Shell(String),
}

impl Aliases {
    /// Reads the file; one that is not there is empty.
    ///
    /// # Errors
    ///
    /// A file that cannot be parsed.
    pub(crate) fn load(environment: &dyn Environment) -> Result<Self, Error> {
        let path = environment.expand_path("~/.aws/cli/alias");
        let Ok(bytes) = std::fs::read(&path) else {
            return Ok(Self::default());
        };
        String::from_utf8(bytes)
            .ok()
            .and_then(|text| ini::parse_flat(&text).ok())
            .map(Self)
            .ok_or_else(|| Error::general(format!("Unable to parse config file: {}", path.display())))
    }

    /// The words that stand for something below these commands.
    pub(crate) fn names(&self, commands: &[&str]) -> Vec<String> {
        let section = self.section(commands);
        section.map_or_else(Vec::new, |section| section.entries.iter().map(|(key, _)| key.clone()).collect())
    }

    fn section(&self, commands: &[&str]) -> Option<&ini::Section> {
        let is_wanted = |header: &str| match commands {
            [] => header == "toplevel",
            _ => {
                let mut words = header.split_whitespace();
                words.next() == Some("command") && words.eq(commands.iter().copied())
            }
        };
        self.0.iter().rfind(|section| is_wanted(&section.header))
    }

    /// What a word stands for below these commands, if it is an alias.
    ///
    /// # Errors
    ///
    /// An alias that does not split into words.
    pub(crate) fn find(&self, commands: &[&str], word: &str) -> Result<Option<Meaning>, Error> {
        // Keys of such files are in lower case, so no other word can be an alias.
        let section = self.section(commands);
        let Some(ini::Value::Text(value)) = section.and_then(|section| section.get(word)) else {
            return Ok(None);
        };
        let value = value.trim();
        if let Some(line) = value.strip_prefix('!') {
            return Ok(Some(Meaning::Shell(line.to_owned())));
        }
        let words = words::split(value).map_err(|why| {
            Error::general(format!(
                "Value of alias \"{word}\" could not be parsed. Received error: {why} when parsing:\n{value}"
            ))
        })?;
        Ok(Some(Meaning::Words(words)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_for_words_and_lines() {
        let text = "[toplevel]\ninv = cloudfront 'x y'\nsh =\n  !f() {\n    echo\n  }; f\n\
                    [command cloudfront]\nls = list-distributions\nbad = 'x\n";
        let aliases = Aliases(ini::parse_flat(text).expect("a good file"));
        let words = |words: &[&str]| Meaning::Words(words.iter().map(|word| (*word).to_owned()).collect());
        let check = |commands: &[&str], word: &str, want: Option<Meaning>| {
            assert_eq!(aliases.find(commands, word).expect("a good alias"), want, "{word}");
        };
        check(&[], "inv", Some(words(&["cloudfront", "x y"])));
        check(&[], "sh", Some(Meaning::Shell("f() {\necho\n}; f".to_owned())));
        check(&[], "ls", None);
        check(&["cloudfront"], "ls", Some(words(&["list-distributions"])));
        check(&["cloudfront", "wait"], "ls", None);
        assert!(aliases.find(&["cloudfront"], "bad").is_err());
    }
}
