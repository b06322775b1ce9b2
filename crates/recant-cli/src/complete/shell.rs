//! Completion for a shell: a line and a cursor in, candidates in that shell's form out.
//!
//! A shell asks with every Tab, so all that is here is one run of the program: it reads the line as far as the cursor, finds the candidates, and
//! writes one a line: the text that takes the place of what is typed of the word, a tab, and a sentence. What is to be followed by
//! a space ends with one, where the shell does not see to that itself.

use std::collections::HashSet;

use super::place::Place;
use super::{Candidate, typed};
use crate::environment::Environment;
use crate::{invalidate, own};

/// A shell that is completed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    /// Splits words also at `=` and `:`, so that only what follows the last of them is replaced.
    Bash,
    /// Replaces whole words.
    Zsh,
    /// Replaces whole words, quotes them itself, and knows when no space is to follow.
    Fish,
}

/// What could stand at the cursor, in the shell's form.
///
/// `point` is where the cursor is in the line, in bytes; beyond its end, at its end. `others` knows the commands that are not the client's:
/// it is asked with the words after the program and what is typed of the next one, and answers with texts and sentences, or with
/// nothing when the line is the client's.
pub fn complete(
    environment: &dyn Environment,
    shell: Shell,
    line: &str,
    point: usize,
    others: impl Fn(&[String], &str) -> Option<Vec<(String, String)>>,
) -> String {
    let mut point = point.min(line.len());
    while !line.is_char_boundary(point) {
        point -= 1;
    }
    let before = &line[..point];
    let typed = typed::read(before);
    let Some((program, words)) = typed.words.split_first() else { return String::new() };
    let all = candidates(environment, program, words, &typed.current, others);
    let raw = &before[typed.begin..];
    let lines = all.iter().filter(|candidate| candidate.text.starts_with(&typed.current));
    lines.map(|candidate| shell.spell(raw, candidate) + "\n").collect()
}

fn candidates(
    environment: &dyn Environment,
    program: &str,
    words: &[String],
    current: &str,
    others: impl Fn(&[String], &str) -> Option<Vec<(String, String)>>,
) -> Vec<Candidate> {
    let is_aws = std::path::Path::new(program).file_stem().is_some_and(|name| name == "aws");
    if is_aws {
        return super::candidates(environment, words, current);
    }
    if let Some((command, words)) = words.split_first() {
        let help = match command.as_str() {
            "invalidate" => Some(invalidate::HELP),
            other => own::help(other),
        };
        if let Some(help) = help {
            return of_help(command, help, environment, words, current);
        }
    }
    let others = others(words, current);
    let mut all: Vec<Candidate> =
        others.iter().flatten().map(|(text, about)| Candidate::new(&**text, &**about)).collect();
    // The first word may be a command of either kind.
    if others.is_none() || words.is_empty() {
        all.extend(super::candidates(environment, words, current));
    }
    each_once(&mut all);
    all
}

/// Leaves the first of those with the same text.
fn each_once(all: &mut Vec<Candidate>) {
    let mut seen = HashSet::new();
    all.retain(|candidate| seen.insert(candidate.text.clone()));
}

/// What could come next in a line of a command of ours: what its help lists, each with its first line, and the options of every command.
fn of_help(
    command: &str,
    help: &str,
    environment: &dyn Environment,
    words: &[String],
    current: &str,
) -> Vec<Candidate> {
    let common = super::candidates(environment, words, current);
    if Place::after(words).must_have_value() {
        return common;
    }
    let mut all: Vec<Candidate> = Vec::new();
    let mut is_of_words = false;
    for line in help.lines() {
        let Some(entry) = line.strip_prefix("  ").filter(|entry| !entry.starts_with(' ')) else {
            is_of_words = line == own::COMMANDS_TITLE;
            continue;
        };
        let (spelled, about) = entry.split_once("  ").unwrap_or((entry, ""));
        let about = about.trim();
        if entry.starts_with("--") {
            let name = spelled.split([' ', '[', '=']).next().unwrap_or_default();
            let values = || own::values(command, name).into_iter();
            if words.last().is_some_and(|last| last == name) && spelled.contains(' ') {
                return values().map(|value| Candidate::new(value, "")).collect();
            }
            if current.split_once('=').is_some_and(|(typed, _)| typed == name) {
                all.extend(values().map(|value| Candidate::new(format!("{name}={value}"), "")));
            } else if !words.iter().any(|word| word == name) {
                all.push(Candidate::new(name, about));
            }
        } else if is_of_words {
            let alternatives = spelled.split(" | ").map(own::fixed_words);
            let next = alternatives.filter_map(|fixed| fixed.strip_prefix(words)?.first().cloned());
            all.extend(next.map(|word| Candidate::new(word, about)));
        }
    }
    // What is no option of its own is one of every command, or the value of one.
    all.extend(common.into_iter().filter(|found| found.text.starts_with('-') || !words.is_empty()));
    all.retain(|candidate| candidate.text != "--cli-auto-prompt");
    each_once(&mut all);
    all
}

impl Shell {
    fn spell(self, raw: &str, candidate: &Candidate) -> String {
        let is_quoted = raw.starts_with(['\'', '"']);
        let text = match self {
            Self::Fish => candidate.text.clone(),
            _ if is_quoted => candidate.text.clone(),
            Self::Bash | Self::Zsh => escaped(&candidate.text),
        };
        let text = match self {
            // What is before the last of these is another word to it, and stays.
            Self::Bash if !is_quoted => {
                let kept = raw.rfind(['=', ':']).map_or(0, |at| at + 1);
                text.get(kept..).unwrap_or(&text).to_owned()
            }
            _ => text,
        };
        let space = if self == Self::Bash && !candidate.open && !is_quoted { " " } else { "" };
        let about = candidate.about.lines().next().unwrap_or_default();
        let mark = if candidate.open { "open" } else { "" };
        match self {
            Self::Bash => format!("{text}{space}"),
            Self::Zsh => format!("{text}\t{mark}\t{about}"),
            Self::Fish => format!("{text}\t{about}"),
        }
    }
}

/// Writes a word so that a shell takes it as it is.
fn escaped(word: &str) -> String {
    let mut out = String::with_capacity(word.len());
    for c in word.chars() {
        if !c.is_alphanumeric() && !"-_./:=,@%+~".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::ScriptedEnvironment;

    fn own(words: &[String], _current: &str) -> Option<Vec<(String, String)>> {
        match words {
            [] => Some(["serve", "cloudfront", "help"].map(|name| (name.to_owned(), String::new())).to_vec()),
            [command, ..] if command == "serve" => Some(vec![("--api".to_owned(), String::new())]),
            _ => None,
        }
    }

    fn check(shell: Shell, line: &str, expected: &[&str]) {
        let environment = ScriptedEnvironment::new([("HOME", "/nowhere")]);
        let out = complete(&environment, shell, line, line.len(), own);
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(&lines[..lines.len().min(expected.len())], expected, "{line}: {out}");
        assert_eq!(expected.is_empty(), lines.is_empty(), "{line}: {out}");
    }

    #[test]
    fn bash_replaces_what_follows_its_word_breaks() {
        let check = |line: &str, expected: &[&str]| check(Shell::Bash, line, expected);
        check("aws cloudfront get-distribution-conf", &["get-distribution-config "]);
        check("aws --output=ya", &["yaml ", "yaml-stream "]);
        check("/usr/bin/aws --region eu-north", &["eu-north-1 "]);
        let batch = "aws cloudfront create-invalidation-for-distribution-tenant --invalidation-batch";
        check(&format!("{batch} Pa"), &["Paths="]);
        check(&format!("{batch} Paths="), &["\\{"]);
        check(&format!("{batch} Paths=\\{{Quantity=1,It"), &["1,Items="]);
        check(&format!("{batch} 'Paths={{Quantity=1,It"), &["Paths={Quantity=1,Items="]);
        check("recant ", &["serve "]);
        check("recant serve --a", &["--api "]);
        check("recant cloudf", &["cloudfront "]);
        check("recant invalidate one.example --all", &["--all-tenants "]);
        check("recant keys po", &["policy "]);
        check("recant keys policy s", &["set "]);
        check("recant keys create ci --ma", &["--may "]);
        check("recant audit --den", &["--denied "]);
        check("recant keys create ci --may ", &["invalidate ", "read ", "everything "]);
        check("recant keys create ci --may=re", &["read "]);
        check("recant invalidate one.example --deploy-id ", &[]);
        check("recant invalidate one.example --output js", &["json "]);
        check("aws s3 ", &[]);
        check("", &[]);
    }

    #[test]
    fn each_is_listed_once() {
        let environment = ScriptedEnvironment::new([("HOME", "/nowhere")]);
        for line in ["recant ", "recant invalidate --", "recant keys ", "recant audit --"] {
            let out = complete(&environment, Shell::Bash, line, line.len(), own);
            let mut lines: Vec<&str> = out.lines().collect();
            let all = lines.len();
            lines.sort_unstable();
            lines.dedup();
            assert_eq!(lines.len(), all, "{line}: {out}");
        }
    }

    #[test]
    fn zsh_and_fish_replace_whole_words() {
        check(
            Shell::Fish,
            "aws cloudfront wait distribution-dep",
            &["distribution-deployed\tPolls GetDistribution."],
        );
        check(Shell::Zsh, "aws --output=te", &["--output=text\t\t"]);
        let batch = "aws cloudfront create-invalidation --invalidation-batch Pa";
        check(
            Shell::Zsh,
            batch,
            &["Paths=\topen\tWhat to invalidate: /one.html, /all/that/begins/so*, or #a-cache-tag."],
        );
    }

    #[test]
    fn the_cursor_may_be_anywhere() {
        let environment = ScriptedEnvironment::new([("HOME", "/nowhere")]);
        let line = "aws cloudfront wa --region é";
        for point in 0..line.len() + 5 {
            complete(&environment, Shell::Bash, line, point, own);
        }
        assert_eq!(complete(&environment, Shell::Bash, line, 17, own), "wait \n");
    }
}
