//! `recant completion SHELL [PROGRAM…]`: what makes a shell complete, and the answers that it asks for.
//!
//! The scripts know nothing but how to ask: with every Tab the shell runs `recant __complete SHELL`, with the line in `COMP_LINE` and the
//! cursor in `COMP_POINT`. What Recant's own commands take is read out of the text that `help` shows, so that it is said once.

use std::collections::HashSet;

use anyhow::bail;
use recant_cli::{Shell, SystemEnvironment, complete};

use crate::{man, options, stdout};

/// Writes the script for a shell, which completes for these programs: `recant`, or names that it is linked by.
pub(crate) fn script(shell: &str, programs: &[String]) -> anyhow::Result<()> {
    let script = match shell {
        "bash" => include_str!("completion/recant.bash"),
        "zsh" => include_str!("completion/recant.zsh"),
        "fish" => include_str!("completion/recant.fish"),
        other => bail!("there is no completion for '{other}': bash, zsh and fish have one"),
    };
    if let Some(name) = programs.iter().find(|name| !is_plain(name)) {
        bail!("'{name}' is no name of a program");
    }
    let programs = if programs.is_empty() { "recant".to_owned() } else { programs.join(" ") };
    stdout::say(&script.replace("@PROGRAMS@", &programs))
}

/// Answers a shell.
pub(crate) fn answer(shell: &str) -> anyhow::Result<()> {
    let shell = match shell {
        "bash" => Shell::Bash,
        "zsh" => Shell::Zsh,
        "fish" => Shell::Fish,
        other => bail!("'{other}' is no shell that is completed for"),
    };
    let line = std::env::var("COMP_LINE").unwrap_or_default();
    let point = std::env::var("COMP_POINT").ok().and_then(|point| point.parse().ok()).unwrap_or(line.len());
    stdout::say(&complete(&SystemEnvironment::new(), shell, &line, point, own))
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// The commands, or the options of the command that the line has, or the values of one; nothing for a line of the client's.
fn own(words: &[String], current: &str) -> Option<Vec<(String, String)>> {
    let Some((command, words)) = words.split_first() else { return Some(commands()) };
    let is_own = commands().iter().any(|(name, _)| name == command);
    if !is_own || command == "cloudfront" {
        return None;
    }
    let plain = |word: &str| (word.to_owned(), String::new());
    match (command.as_str(), words.is_empty()) {
        ("help", true) => return Some(commands().into_iter().filter(|(name, _)| name != "help").collect()),
        ("completion", true) => return Some(["bash", "zsh", "fish"].map(plain).to_vec()),
        ("man", true) => return Some(man::names().iter().map(|name| plain(name)).collect()),
        _ => {}
    }
    let options = options_of(command);
    if let Some(option) = words.last().and_then(|last| options.iter().find(|option| option.name == *last))
        && let Takes::One(values) = &option.takes
    {
        return Some(values.iter().map(|value| plain(value)).collect());
    }
    let assigned =
        current.split_once('=').and_then(|(name, _)| options.iter().find(|option| option.name == name));
    if let Some(Opt { name, takes: Takes::One(values), .. }) = assigned {
        return Some(values.iter().map(|value| plain(&format!("{name}={value}"))).collect());
    }
    Some(options.into_iter().map(|option| (option.name, option.about)).collect())
}

/// Recant's commands, each with its sentence, as `help` lists them.
fn commands() -> Vec<(String, String)> {
    let lines = options::HELP.lines().filter_map(|line| line.strip_prefix("  recant "));
    let named = lines.filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()));
    named
        .map(|line| {
            let (synopsis, about) = line.split_once("  ").unwrap_or((line, ""));
            let name = synopsis.split([' ', '|']).next().unwrap_or_default();
            (name.to_owned(), about.trim().to_owned())
        })
        .collect()
}

/// An option, as the help has it.
#[derive(Debug)]
struct Opt {
    name: String,
    about: String,
    takes: Takes,
}

/// What follows an option.
#[derive(Debug, PartialEq, Eq)]
enum Takes {
    Nothing,
    /// One word: one of these, if there are few; else any.
    One(Vec<String>),
}

/// The options of a command: those in its own line, and those in the lists of several commands.
fn options_of(command: &str) -> Vec<Opt> {
    let mut all: Vec<Opt> = Vec::new();
    let mut is_for_it = false;
    for line in options::HELP.lines() {
        if let Some(synopsis) = line.strip_prefix("  recant ").and_then(|rest| rest.strip_prefix(command)) {
            let words: Vec<&str> = synopsis.split_whitespace().collect();
            for (at, word) in words.iter().enumerate() {
                let name = word.trim_matches(['[', ']']);
                if name.starts_with("--") {
                    let is_alone = word.ends_with(']');
                    let takes = if is_alone || at + 1 == words.len() {
                        Takes::Nothing
                    } else {
                        Takes::One(Vec::new())
                    };
                    all.push(Opt { name: name.to_owned(), about: String::new(), takes });
                }
            }
        } else if let Some(of) = line.strip_prefix("Options of ") {
            let in_all = of == "all three" && ["serve", "plane", "edge"].contains(&command);
            is_for_it = in_all || of.split_whitespace().any(|word| word == command);
        } else if let Some(option) =
            line.strip_prefix("  ").filter(|rest| is_for_it && rest.starts_with("--"))
        {
            all.push(option_of_entry(option));
        }
    }
    let mut seen = HashSet::new();
    all.retain(|option| seen.insert(option.name.clone()));
    all
}

/// Reads `--audit off | changes | all   what goes …` and `--geo-header NAME   the request …`.
fn option_of_entry(entry: &str) -> Opt {
    let (spelled, about) = entry.split_once("  ").unwrap_or((entry, ""));
    let (name, value) = spelled.split_once(' ').unwrap_or((spelled, ""));
    let about = about.trim();
    // The words stand in the place of the value, or before what is said about it.
    let listed =
        if value.contains(" | ") { value } else { about.split([':', '(']).next().unwrap_or_default() };
    let takes = match value {
        "" => Takes::Nothing,
        _ if listed.contains(" | ") => {
            Takes::One(listed.split(" | ").map(|word| word.trim().to_owned()).collect())
        }
        _ => Takes::One(Vec::new()),
    };
    Opt { name: name.to_owned(), about: about.to_owned(), takes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_says_what_there_is() {
        let names: Vec<String> = commands().into_iter().map(|(name, _)| name).collect();
        for name in
            ["serve", "plane", "edge", "env", "backup", "demo", "cloudfront", "invalidate", "man", "help"]
        {
            assert!(names.iter().any(|found| found == name), "{name} in {names:?}");
        }
        let check = |command: &str, has: &[&str], lacks: &[&str]| {
            let names: Vec<String> = options_of(command).into_iter().map(|option| option.name).collect();
            assert!(has.iter().all(|name| names.iter().any(|found| found == name)), "{command}: {names:?}");
            assert!(lacks.iter().all(|name| names.iter().all(|found| found != name)), "{command}: {names:?}");
        };
        check(
            "serve",
            &["--data-dir", "--api", "--lease-seconds", "--store-bytes", "--log-format"],
            &["--plane"],
        );
        check("plane", &["--data-dir", "--public-url", "--log-format"], &["--store-bytes", "--viewer"]);
        check("edge", &["--plane", "--viewer", "--store-bytes"], &["--public-url"]);
        check("restore", &["--from", "--edges-stopped"], &["--log-format"]);
    }

    #[test]
    fn words_that_are_few_are_listed() {
        let check = |line: &str, current: &str, expected: &[&str]| {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            let found: Vec<String> =
                own(&words, current).unwrap().into_iter().map(|(text, _)| text).collect();
            assert_eq!(found, expected, "{line} {current}");
        };
        check("serve --audit", "", &["off", "changes", "all"]);
        check("edge --log-format", "", &["text", "json"]);
        check("serve --verify-dns", "", &["system", "off"]);
        check("plane --verify-dns", "", &["system", "off"]);
        check("plane", "--verify-dns=s", &["--verify-dns=system", "--verify-dns=off"]);
        check("serve --caller-reference-conflict", "", &["already-exists", "invalid-argument"]);
        check("serve --distribution-invalidations", "", &["refuse", "fan-out"]);
        // A shell offers files where nothing is said.
        check("serve --data-dir", "", &[]);
        check("backup --to", "", &[]);
        check("demo --keep", "", &["--keep"]);
        check("restore --edges-stopped", "", &["--from", "--data-dir", "--edges-stopped", "--store"]);
        check("completion", "", &["bash", "zsh", "fish"]);
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        let pages = own(&words(&["man"]), "").unwrap();
        assert!(pages.iter().any(|(name, _)| name == "recant-keys") && pages[0].0 == "recant", "{pages:?}");
        let topics = own(&words(&["help"]), "").unwrap();
        assert!(topics.iter().any(|(name, _)| name == "keys"), "{topics:?}");
    }

    #[test]
    fn lines_of_the_client_are_left_to_it() {
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert!(own(&words("cloudfront list-distributions"), "").is_none());
        assert!(own(&words("--region eu-west-1"), "").is_none());
        assert!(own(&words("serve --api"), "").is_some());
    }
}
