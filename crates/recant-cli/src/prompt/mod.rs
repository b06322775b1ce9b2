//! The prompt that helps to write a line: `--cli-auto-prompt`.
//!
//! ```text
//!   > aws cloudfront create-inv▏
//!     create-invalidation                           Invalidates paths of a distribution.
//!     create-invalidation-for-distribution-tenant   Invalidates paths of a distribution tenant.
//!
//!   aws cloudfront create-inv
//!   Tab chooses, Enter takes or runs, F3 help, F5 sample, Ctrl-C leaves
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`editor`] | the state of the line, and what a key does to it: pure |
//! | [`view`] | the state as rows of a screen: pure |
//! | [`screen`] | keys in, rows out; the terminal is given back however it ends |
//!
//! What could come next is [`mod@crate::complete`]'s. The prompt draws on standard error, so that standard output stays the command's own.
//! Deliberately not here: running the line. Whoever asked gets the words and runs them as if they had been typed.

mod editor;
mod screen;
mod view;

use self::editor::{Editor, Step};
use self::screen::Screen;
use crate::environment::Environment;
use crate::error::Error;
use crate::words;

/// Lets the user write a line that begins with these words. None when he leaves.
///
/// # Errors
///
/// When there is no terminal to write on.
pub(crate) fn ask(environment: &mut dyn Environment, words: &[String]) -> Result<Option<Vec<String>>, Error> {
    if !environment.stdin_is_terminal() {
        return Err(Error::NoTerminal);
    }
    let begun = words.iter().filter(|word| *word != "--cli-auto-prompt");
    let program = environment.program();
    let mut editor = Editor::new(&program, begun, environment);
    let outcome = {
        let mut screen = Screen::open()?;
        loop {
            screen.draw(&editor)?;
            match editor.press(screen.key()?, environment) {
                Step::Go => {}
                Step::Run(words) => break Some(words),
                Step::Leave => break None,
            }
        }
    };
    if let Some(words) = &outcome {
        // What runs is said, so that it can be copied.
        let line: Vec<String> = words.iter().map(|word| words::quoted(word)).collect();
        let text = format!("> {program} {}\n", line.join(" "));
        let _ = environment.stderr().write_all(text.as_bytes());
        let _ = environment.stderr().flush();
    }
    Ok(outcome)
}
