//! The API's client: this program's own `cloudfront …`, in a process of its own, with the words and the environment that
//! a reader would use.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::narrate::COLUMNS;
use crate::env::shell_word;

/// A command line, as somebody types it.
pub(super) struct Line {
    words: Vec<String>,
}

impl Line {
    pub(super) fn new(operation: &str) -> Self {
        Self { words: ["cloudfront", operation].map(str::to_owned).to_vec() }
    }

    pub(super) fn word(mut self, word: impl Into<String>) -> Self {
        self.words.push(word.into());
        self
    }

    pub(super) fn with(self, option: &str, value: impl Into<String>) -> Self {
        self.word(format!("--{option}")).word(value)
    }

    /// Asks for some of the answer only, as plain text.
    pub(super) fn query(self, query: &str) -> Self {
        self.with("query", query).with("output", "text")
    }
}

impl fmt::Display for Line {
    /// Ready to be pasted into a shell, continued over lines before options.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut options = vec!["$ recant".to_owned()];
        for word in &self.words {
            match options.last_mut() {
                Some(last) if !word.starts_with("--") => *last = format!("{last} {}", shell_word(word)),
                _ => options.push(word.clone()),
            }
        }
        let mut column = 0;
        for (n, option) in options.iter().enumerate() {
            if n > 0 && column + option.len() > COLUMNS {
                write!(f, " \\\n     {option}")?;
                column = 5 + option.len();
            } else {
                write!(f, "{}{option}", if n > 0 { " " } else { "" })?;
                column += 1 + option.len();
            }
        }
        Ok(())
    }
}

/// How a line ended.
pub(super) struct Answer {
    pub(super) exit: i32,
    pub(super) output: String,
    pub(super) complaint: String,
    pub(super) took: Duration,
}

/// Whoever types the lines.
pub(super) struct Client {
    program: PathBuf,
    home: PathBuf,
    environment: Vec<(String, String)>,
}

impl Client {
    /// With what `recant env` says of a plane's data folder, and nothing of the reader's own settings.
    pub(super) fn of(program: &Path, data_dir: &Path, home: &Path) -> anyhow::Result<Self> {
        let output = Command::new(program).args(["env", "--data-dir"]).arg(data_dir).output()?;
        let text = String::from_utf8(output.stdout)?;
        let variables = text.lines().filter_map(|line| line.strip_prefix("export ")?.split_once('='));
        let environment = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        if !output.status.success() {
            bail!("recant env: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(Self { program: program.to_owned(), home: home.to_owned(), environment })
    }

    /// Runs a line, whatever comes of it.
    pub(super) fn run(&self, line: &Line) -> anyhow::Result<Answer> {
        let start = Instant::now();
        let mut command = Command::new(&self.program);
        command.args(&line.words).env_clear().env("HOME", &self.home).stdin(Stdio::null());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let output = command.output().with_context(|| format!("starting {}", self.program.display()))?;
        Ok(Answer {
            exit: output.status.code().unwrap_or(-1),
            output: String::from_utf8(output.stdout)?.trim_end().to_owned(),
            complaint: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            took: start.elapsed(),
        })
    }

    /// What a line that has to succeed says.
    pub(super) fn ask(&self, line: &Line) -> anyhow::Result<String> {
        let answer = self.run(line)?;
        if answer.exit != 0 {
            bail!("{line}\nexpected exit code 0, saw {}: {}", answer.exit, answer.complaint);
        }
        Ok(answer.output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_can_be_pasted() {
        let line = Line::new("create-invalidation-for-distribution-tenant")
            .with("id", "dt_3MW0TzfcSlp40yNSYHksZwP9R82")
            .with("invalidation-batch", "Paths={Quantity=1,Items=[/a*]},CallerReference=deploy-1")
            .query("Invalidation.Id");
        let expected = "\
            $ recant cloudfront create-invalidation-for-distribution-tenant \\\n     \
            --id dt_3MW0TzfcSlp40yNSYHksZwP9R82 \\\n     \
            --invalidation-batch 'Paths={Quantity=1,Items=[/a*]},CallerReference=deploy-1' \\\n     \
            --query Invalidation.Id --output text";
        assert_eq!(line.to_string(), expected);
    }
}
