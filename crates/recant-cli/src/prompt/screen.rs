//! Keys in, rows out: the one place that touches the terminal.

use std::io::{self, Stderr, Write as _};

use crossterm::cursor::{MoveToColumn, MoveUp};
use crossterm::event::{
    self, DisableBracketedPaste, EnableBracketedPaste, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers,
};
use crossterm::style::{Attribute, Print, SetAttribute};
use crossterm::terminal::{self, Clear, ClearType};
use crossterm::{execute, queue};

use super::editor::{Editor, Key};
use super::view::{self, Style};
use crate::error::Error;

/// A screen of this size is assumed where the terminal does not say.
const SIZE: (u16, u16) = (80, 24);

/// The terminal while the prompt has it. It is given back when this is dropped, also after a panic.
pub(super) struct Screen {
    out: Stderr,
}

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    ///
    /// When it does not let itself be taken.
    pub(super) fn open() -> Result<Self, Error> {
        terminal::enable_raw_mode().map_err(failed)?;
        let mut screen = Self { out: io::stderr() };
        execute!(screen.out, EnableBracketedPaste).map_err(failed)?;
        Ok(screen)
    }

    /// Draws the editor in place of what was drawn before. The cursor is in the first row before and after.
    ///
    /// # Errors
    ///
    /// When the terminal is gone.
    pub(super) fn draw(&mut self, editor: &Editor) -> Result<(), Error> {
        let (columns, rows) = terminal::size().unwrap_or(SIZE);
        let frame = view::frame(editor, usize::from(columns), usize::from(rows));
        self.show(&frame).map_err(failed)
    }

    fn show(&mut self, frame: &view::Frame) -> io::Result<()> {
        queue!(self.out, MoveToColumn(0), Clear(ClearType::FromCursorDown))?;
        for (index, row) in frame.rows.iter().enumerate() {
            if index > 0 {
                queue!(self.out, Print("\r\n"))?;
            }
            for (style, text) in row {
                if let Some(attribute) = attribute(*style) {
                    queue!(self.out, SetAttribute(attribute))?;
                }
                queue!(self.out, Print(text), SetAttribute(Attribute::Reset))?;
            }
        }
        let below = u16::try_from(frame.rows.len().saturating_sub(1)).unwrap_or(0);
        if below > 0 {
            queue!(self.out, MoveUp(below))?;
        }
        queue!(self.out, MoveToColumn(u16::try_from(frame.cursor).unwrap_or(u16::MAX)))?;
        self.out.flush()
    }

    /// Waits for a key.
    ///
    /// # Errors
    ///
    /// When the terminal is gone.
    pub(super) fn key(&mut self) -> Result<Key, Error> {
        Ok(match event::read().map_err(failed)? {
            Event::Key(key) if key.kind != KeyEventKind::Release => of(key),
            Event::Paste(text) => Key::Text(text),
            _ => Key::Other,
        })
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Whoever has no terminal any more needs it no longer.
        let _ = execute!(self.out, MoveToColumn(0), Clear(ClearType::FromCursorDown), DisableBracketedPaste);
        let _ = terminal::disable_raw_mode();
    }
}

fn attribute(style: Style) -> Option<Attribute> {
    match style {
        Style::Plain => None,
        Style::Dim => Some(Attribute::Dim),
        Style::Chosen => Some(Attribute::Reverse),
        Style::Strong => Some(Attribute::Bold),
    }
}

/// What a key means.
fn of(key: KeyEvent) -> Key {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('c') if control => Key::Interrupt,
        KeyCode::Char('d') if control => Key::EndOfInput,
        KeyCode::Char('a') if control => Key::Home,
        KeyCode::Char('e') if control => Key::End,
        KeyCode::Char('w') if control => Key::DeleteWord,
        KeyCode::Char('u') if control => Key::DeleteBefore,
        KeyCode::Char('k') if control => Key::DeleteAfter,
        KeyCode::Char('p') if control => Key::Up,
        KeyCode::Char('n') if control => Key::Down,
        KeyCode::Char(_) if control || key.modifiers.contains(KeyModifiers::ALT) => Key::Other,
        KeyCode::Char(c) => Key::Text(c.to_string()),
        KeyCode::Enter => Key::Enter,
        KeyCode::Tab => Key::Tab,
        KeyCode::BackTab => Key::BackTab,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Delete => Key::Delete,
        KeyCode::F(3) => Key::Help,
        KeyCode::F(5) => Key::Sample,
        KeyCode::Esc => Key::Escape,
        _ => Key::Other,
    }
}

fn failed(why: io::Error) -> Error {
    Error::general(format!("The prompt cannot use the terminal: {why}"))
}
