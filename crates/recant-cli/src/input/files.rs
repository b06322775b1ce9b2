//! Values that stand in files: `file://` for text, `fileb://` for bytes.
//!
//! `~` and `$NAME` are expanded, a relative name starts from the working folder, text must be UTF-8 and its line ends become `\n`.
//! `http://` is not a file and is never fetched.

use std::fmt;
use std::io;

use crate::environment::Environment;

/// What a file held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Loaded {
    /// From `file://`.
    Text(String),
    /// From `fileb://`.
    Bytes(Vec<u8>),
}

/// Why a file could not be used.
#[derive(Debug)]
pub(crate) enum FileError {
    /// It could not be read.
    Unreadable {
        /// The value as typed.
        value: String,
        /// The file's name.
        name: String,
        /// What the system said.
        why: io::Error,
    },
    /// It is not UTF-8.
    NotText {
        /// The file's name.
        name: String,
    },
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { value, name, why } => {
                write!(f, "Unable to load paramfile {value}: {}", system_error(why, name))
            }
            Self::NotText { name } => write!(
                f,
                "Unable to load paramfile ({name}), text contents could not be decoded.  \
                 If this is a binary file, please use the fileb:// prefix instead of the file:// prefix."
            ),
        }
    }
}

/// The system's words with the number in front, as Python shows them.
pub(crate) fn system_error(why: &io::Error, name: &str) -> String {
    let words = why.to_string();
    let words = words.split(" (os error").next().unwrap_or_default();
    match why.raw_os_error() {
        Some(number) => format!("[Errno {number}] {words}: '{name}'"),
        None => format!("{words}: '{name}'"),
    }
}

/// Loads the file that a value names; `None` if it names none.
///
/// # Errors
///
/// When the file cannot be read, or is not the text it should be.
pub(crate) fn load(environment: &dyn Environment, value: &str) -> Result<Option<Loaded>, FileError> {
    let (name, is_text) = match (value.strip_prefix("file://"), value.strip_prefix("fileb://")) {
        (Some(name), _) => (name, true),
        (None, Some(name)) => (name, false),
        (None, None) => return Ok(None),
    };
    let name = environment.expand(name);
    let bytes = std::fs::read(environment.working_dir().join(&name))
        .map_err(|why| FileError::Unreadable { value: value.to_owned(), name: name.clone(), why })?;
    if !is_text {
        return Ok(Some(Loaded::Bytes(bytes)));
    }
    let text = String::from_utf8(bytes).map_err(|_| FileError::NotText { name })?;
    Ok(Some(Loaded::Text(text.replace("\r\n", "\n").replace('\r', "\n"))))
}
