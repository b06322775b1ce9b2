//! `--output off`: nothing is shown.

use super::format::{Format, Pages};

/// The format.
pub(crate) const FORMAT: Format =
    Format { name: "off", pages: Pages::Joined, print: |_, _| (String::new(), Ok(())) };
