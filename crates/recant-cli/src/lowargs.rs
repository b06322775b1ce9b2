//! What was typed: words become options with values, one positional, and leftovers.
//!
//! The rules are those of Python's `argparse`, which the AWS CLI uses three times in a row: for the global options, for the
//! service, for the operation. Each pass takes what it knows and leaves the rest to the next. Nothing here knows what an option means;
//! that is [`crate::command`]'s.

use crate::error::Error;

/// How many words an option takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// None: a switch.
    Nothing,
    /// Exactly one.
    One,
    /// One or none; this is what none means.
    OneOr(&'static str),
    /// Any number.
    Any,
    /// One or more.
    AtLeastOne,
}

/// One option that a pass knows.
#[derive(Clone, Debug)]
pub(crate) struct Opt<'a> {
    /// Its spelling, with dashes.
    pub name: &'a str,
    /// What it takes.
    pub takes: Takes,
    /// The only values it may have, if any.
    pub choices: &'static [&'static str],
    /// Whether the pass ends at once when it is met (`--version`).
    pub stops: bool,
}

impl<'a> Opt<'a> {
    /// An option that takes so many words, of any value.
    pub(crate) const fn new(name: &'a str, takes: Takes) -> Self {
        Self { name, takes, choices: &[], stops: false }
    }
}

/// The outcome of one pass.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Scan {
    /// The options met, by their index in the table, in the order typed, with their words.
    pub given: Vec<(usize, Vec<String>)>,
    /// The first word that belonged to no option.
    pub positional: Option<String>,
    /// Everything else, in order.
    pub leftovers: Vec<String>,
    /// The option that ended the pass.
    pub stopped_by: Option<usize>,
}

impl Scan {
    /// The words of the last occurrence of an option.
    pub(crate) fn last(&self, index: usize) -> Option<&[String]> {
        self.given.iter().rev().find(|(given, _)| *given == index).map(|(_, words)| words.as_slice())
    }
}

/// What a word looks like before anything is consumed.
enum Word {
    /// An option of the table, perhaps with a value after `=`.
    Known { index: usize, value: Option<String> },
    /// Looks like an option, but is not in the table.
    Unknown,
    /// Anything else.
    Plain,
    /// `--`: no options come after it.
    End,
}

/// Reads the words by a table of options.
///
/// # Errors
///
/// [`Error::Usage`] for an ambiguous abbreviation, a wrong number of words or a value that is not among the choices.
pub(crate) fn scan(table: &[Opt<'_>], words: &[String]) -> Result<Scan, Error> {
    let kinds = classify_all(table, words)?;
    let mut scan = Scan::default();
    let mut at = 0;
    while at < words.len() {
        match &kinds[at] {
            Word::Unknown => scan.leftovers.push(words[at].clone()),
            Word::End => {}
            Word::Plain if scan.positional.is_none() => scan.positional = Some(words[at].clone()),
            Word::Plain => scan.leftovers.push(words[at].clone()),
            Word::Known { index, value } => {
                let option = &table[*index];
                let values = match value {
                    Some(value) => explicit(option, value)?,
                    None => {
                        let following =
                            kinds[at + 1..].iter().take_while(|kind| matches!(kind, Word::Plain)).count();
                        let taken = how_many(option, following)?;
                        let values = words[at + 1..=at + taken].to_vec();
                        at += taken;
                        values
                    }
                };
                check_choices(option, &values)?;
                scan.given.push((*index, with_default(option, values)));
                if option.stops {
                    scan.stopped_by = Some(*index);
                    return Ok(scan);
                }
            }
        }
        at += 1;
    }
    Ok(scan)
}

fn classify_all(table: &[Opt<'_>], words: &[String]) -> Result<Vec<Word>, Error> {
    let mut ended = false;
    words
        .iter()
        .map(|word| {
            if ended {
                return Ok(Word::Plain);
            }
            let kind = classify(table, word)?;
            ended = matches!(kind, Word::End);
            Ok(kind)
        })
        .collect()
}

/// Decides what one word looks like, in `argparse`'s order of questions.
fn classify(table: &[Opt<'_>], word: &str) -> Result<Word, Error> {
    if !word.starts_with('-') || word.len() == 1 {
        return Ok(Word::Plain);
    }
    if word == "--" {
        return Ok(Word::End);
    }
    let find = |name: &str| table.iter().position(|option| option.name == name);
    if let Some(index) = find(word) {
        return Ok(Word::Known { index, value: None });
    }
    let (name, value) = match word.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (word, None),
    };
    if let Some(index) = find(name) {
        return Ok(Word::Known { index, value });
    }
    if name.starts_with("--") {
        let candidates: Vec<usize> =
            (0..table.len()).filter(|&index| table[index].name.starts_with(name)).collect();
        match candidates.as_slice() {
            [] => {}
            [index] => return Ok(Word::Known { index: *index, value }),
            _ => {
                let names: Vec<&str> = candidates.iter().map(|&index| table[index].name).collect();
                return Err(Error::Usage(format!(
                    "ambiguous option: {word} could match {}",
                    names.join(", ")
                )));
            }
        }
    }
    if is_negative_number(word) || word.contains(' ') {
        return Ok(Word::Plain);
    }
    Ok(Word::Unknown)
}

/// `-1` and `-.5` are values, not options.
fn is_negative_number(word: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    word.strip_prefix('-').is_some_and(|number| match number.split_once('.') {
        Some((whole, fraction)) => (whole.is_empty() || digits(whole)) && digits(fraction),
        None => digits(number),
    })
}

fn explicit(option: &Opt<'_>, value: &str) -> Result<Vec<String>, Error> {
    if option.takes == Takes::Nothing {
        return Err(Error::Usage(format!("argument {}: ignored explicit argument '{value}'", option.name)));
    }
    Ok(vec![value.to_owned()])
}

fn how_many(option: &Opt<'_>, following: usize) -> Result<usize, Error> {
    let expected = |what: &str| Err(Error::Usage(format!("argument {}: expected {what}", option.name)));
    match option.takes {
        Takes::Nothing => Ok(0),
        Takes::One if following == 0 => expected("one argument"),
        Takes::AtLeastOne if following == 0 => expected("at least one argument"),
        Takes::One => Ok(1),
        Takes::OneOr(_) => Ok(following.min(1)),
        Takes::Any | Takes::AtLeastOne => Ok(following),
    }
}

fn check_choices(option: &Opt<'_>, values: &[String]) -> Result<(), Error> {
    if option.choices.is_empty() {
        return Ok(());
    }
    match values.iter().find(|value| !option.choices.contains(&value.as_str())) {
        Some(value) => Err(invalid_choice(option.name, value, option.choices.iter().copied())),
        None => Ok(()),
    }
}

fn with_default(option: &Opt<'_>, values: Vec<String>) -> Vec<String> {
    match option.takes {
        Takes::OneOr(default) if values.is_empty() => vec![default.to_owned()],
        _ => values,
    }
}

/// The error for a value that is not among the choices, with up to three near ones.
pub(crate) fn invalid_choice<'a>(
    argument: &str,
    value: &str,
    choices: impl Iterator<Item = &'a str>,
) -> Error {
    let near = crate::similar::closest(value, choices);
    let mut message = format!("argument {argument}: Found invalid choice '{value}'\n");
    if !near.is_empty() {
        message.push_str("\nMaybe you meant:\n");
        for name in near {
            message.push_str("\n  * ");
            message.push_str(name);
        }
    }
    Error::Usage(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[Opt<'static>] = &[
        Opt::new("--id", Takes::One),
        Opt::new("--items", Takes::Any),
        Opt::new("--paths", Takes::AtLeastOne),
        Opt::new("--skeleton", Takes::OneOr("input")),
        Opt::new("--flag", Takes::Nothing),
        Opt { choices: &["json", "text"], ..Opt::new("--output", Takes::One) },
        Opt { stops: true, ..Opt::new("--version", Takes::Nothing) },
    ];

    fn words(line: &str) -> Vec<String> {
        line.split('|').filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }

    #[test]
    fn words_become_options() {
        let check = |line: &str, given: &[(usize, &str)], positional: Option<&str>, leftovers: &str| {
            let scan = scan(TABLE, &words(line)).unwrap_or_else(|error| panic!("{line}: {error}"));
            let got: Vec<(usize, String)> =
                scan.given.iter().map(|(i, words)| (*i, words.join("|"))).collect();
            let want: Vec<(usize, String)> =
                given.iter().map(|(i, words)| (*i, (*words).to_owned())).collect();
            assert_eq!(got, want, "{line}");
            assert_eq!(scan.positional.as_deref(), positional, "{line}");
            assert_eq!(scan.leftovers, words(leftovers), "{line}");
        };
        check("cmd|--id|x|--flag", &[(0, "x"), (4, "")], Some("cmd"), "");
        check("--id=x", &[(0, "x")], None, "");
        check("--id=-x", &[(0, "-x")], None, "");
        check("--id|-1", &[(0, "-1")], None, "");
        check("--id|-a b", &[(0, "-a b")], None, "");
        check("--out|json", &[(5, "json")], None, "");
        check("--skeleton|--flag", &[(3, "input"), (4, "")], None, "");
        check("--items|a|b|--flag|c|d", &[(1, "a|b"), (4, "")], Some("c"), "d");
        check("a|--bogus|x|-y|b", &[], Some("a"), "--bogus|x|-y|b");
        check("--id|a|--id|b", &[(0, "a"), (0, "b")], None, "");
        check("--version|--id", &[(6, "")], None, "");
        check("--|--id", &[], Some("--id"), "");
    }

    #[test]
    fn bad_lines_are_refused() {
        let check = |line: &str, want: &str| {
            let error = scan(TABLE, &words(line)).expect_err(line).to_string();
            assert_eq!(error, want, "{line}");
        };
        check("--id", "argument --id: expected one argument");
        check("--id|-x", "argument --id: expected one argument");
        check("--paths", "argument --paths: expected at least one argument");
        check("--flag=1", "argument --flag: ignored explicit argument '1'");
        check("--i|x", "ambiguous option: --i could match --id, --items");
        check("--output|xml", "argument --output: Found invalid choice 'xml'\n");
        check(
            "--output|jsn",
            "argument --output: Found invalid choice 'jsn'\n\nMaybe you meant:\n\n  * json",
        );
    }
}
