//! How the story is told: plain lines of at most about a hundred columns, headings bold on a terminal.

use std::fmt::Display;
use std::io::{self, IsTerminal as _};
use std::time::Duration;

use crate::stdout;

/// How long a line is at most, without its indentation, where that can be chosen.
pub(super) const COLUMNS: usize = 98;

/// Whoever tells the story.
pub(super) struct Narrator {
    bold: bool,
    chapters: u32,
}

impl Narrator {
    pub(super) fn new() -> Self {
        Self { bold: io::stdout().is_terminal(), chapters: 0 }
    }

    /// Begins a chapter.
    pub(super) fn chapter(&mut self, title: &str) -> anyhow::Result<()> {
        self.chapters += 1;
        self.heading(&format!("{}. {title}", self.chapters))
    }

    /// Writes a heading that is not counted.
    pub(super) fn heading(&self, title: &str) -> anyhow::Result<()> {
        let (on, off) = if self.bold { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
        stdout::say(&format!("\n{on}{title}{off}\n"))
    }

    /// Writes some lines of text, indented.
    pub(super) fn tell(&self, text: impl Display) -> anyhow::Result<()> {
        let indented = |line: &str| format!("   {line}").trim_end().to_owned() + "\n";
        stdout::say(&text.to_string().lines().map(indented).collect::<String>())
    }

    /// Writes text that knows nothing of columns, broken between words.
    pub(super) fn tell_wrapped(&self, text: &str) -> anyhow::Result<()> {
        let mut lines = String::new();
        let mut column = 0;
        for word in text.split_whitespace() {
            let width = word.chars().count();
            let fits = column + 1 + width <= COLUMNS;
            lines.push_str(if column == 0 {
                ""
            } else if fits {
                " "
            } else {
                "\n"
            });
            column = if column > 0 && fits { column + 1 + width } else { width };
            lines.push_str(word);
        }
        self.tell(lines)
    }
}

/// A measured time, as exact as it is of use.
pub(super) fn time(measured: Duration) -> String {
    if measured < Duration::from_secs(1) {
        format!("{} ms", measured.as_millis())
    } else {
        format!("{:.1} s", measured.as_secs_f64())
    }
}
