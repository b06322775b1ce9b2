//! `recant completion SHELL [PROGRAM…]`: what makes a shell complete, and the answers that it asks for.
//!
//! The scripts know nothing but how to ask: with every Tab the shell runs `recant __complete SHELL`, with the line in `COMP_LINE` and the
//! cursor in `COMP_POINT`. What Recant's own commands take is read out of the text that `help` shows, so that it is said once.

use anyhow::bail;
use recant_cli::{Shell, SystemEnvironment, complete};

use crate::{options, stdout};

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

/// The commands, or the options of the command that the line has; nothing for a line of the client's.
fn own(words: &[String], _current: &str) -> Option<Vec<(String, String)>> {
    let Some(command) = words.first() else { return Some(commands()) };
    let is_own = commands().iter().any(|(name, _)| name == command);
    (is_own && command != "cloudfront").then(|| options_of(command))
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

/// The options of a command: those in its own line, and those in the lists of several commands.
fn options_of(command: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut is_for_it = false;
    for line in options::HELP.lines() {
        if let Some(synopsis) = line.strip_prefix("  recant ").and_then(|rest| rest.strip_prefix(command)) {
            let words = synopsis.split_whitespace().map(|word| word.trim_matches(['[', ']']));
            all.extend(
                words.filter(|word| word.starts_with("--")).map(|word| (word.to_owned(), String::new())),
            );
        } else if let Some(of) = line.strip_prefix("Options of ") {
            let in_all = of == "all three" && ["serve", "plane", "edge"].contains(&command);
            is_for_it = in_all || of.split_whitespace().any(|word| word == command);
        } else if let Some(option) = line.strip_prefix("  --").filter(|_| is_for_it) {
            let (spelled, about) = option.split_once("  ").unwrap_or((option, ""));
            let name = spelled.split_whitespace().next().unwrap_or_default();
            all.push((format!("--{name}"), about.trim().to_owned()));
        }
    }
    all.dedup_by(|a, b| a.0 == b.0);
    all
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
            let names: Vec<String> = options_of(command).into_iter().map(|(name, _)| name).collect();
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
    fn lines_of_the_client_are_left_to_it() {
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert!(own(&words("cloudfront list-distributions"), "").is_none());
        assert!(own(&words("--region eu-west-1"), "").is_none());
        assert!(own(&words("serve --api"), "").is_some());
    }
}
