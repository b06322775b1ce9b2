//! Whether every dependency's licence is one of those that this project accepts.

use anyhow::{Result, ensure};

use crate::workspace::Packages;

/// Permissive licences only: nothing that reaches into the code that uses it.
const ACCEPTED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Checks all packages, also those that only tests or other platforms need.
pub(crate) fn check(packages: &Packages) -> Result<()> {
    let refused: Vec<String> = packages
        .by_id
        .values()
        .filter(|package| !package.licence.as_deref().is_some_and(accepts))
        .map(|package| {
            let licence = package.licence.as_deref().unwrap_or("no licence expression");
            format!("{} {}: {licence}", package.name, package.version)
        })
        .collect();
    ensure!(refused.is_empty(), "licences that are not accepted:\n{}", refused.join("\n"));
    Ok(())
}

/// Whether an SPDX expression can be satisfied with accepted licences alone. What cannot be read is not accepted.
fn accepts(expression: &str) -> bool {
    // Old manifests write `MIT/Apache-2.0`, which means OR.
    let text = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words = Words { words: text.split_whitespace().collect() };
    words.any_of() == Some(true) && words.words.is_empty()
}

/// What is still to be read of an expression. OR binds weakest, then AND, then WITH (SPDX 2.3, annex D).
struct Words<'a> {
    words: std::collections::VecDeque<&'a str>,
}

impl Words<'_> {
    fn any_of(&mut self) -> Option<bool> {
        let mut accepted = self.all_of()?;
        while self.take("OR") {
            accepted |= self.all_of()?;
        }
        Some(accepted)
    }

    fn all_of(&mut self) -> Option<bool> {
        let mut accepted = self.one()?;
        while self.take("AND") {
            accepted &= self.one()?;
        }
        Some(accepted)
    }

    fn one(&mut self) -> Option<bool> {
        if self.take("(") {
            let accepted = self.any_of()?;
            return self.take(")").then_some(accepted);
        }
        let mut licence = self.words.pop_front()?.to_owned();
        if self.take("WITH") {
            licence = format!("{licence} WITH {}", self.words.pop_front()?);
        }
        Some(ACCEPTED.contains(&licence.as_str()))
    }

    fn take(&mut self, word: &str) -> bool {
        let is_next = self.words.front() == Some(&word);
        if is_next {
            self.words.pop_front();
        }
        is_next
    }
}

#[cfg(test)]
mod tests {
    use super::accepts;

    #[test]
    fn expressions_are_weighed() {
        for (expression, accepted) in [
            ("MIT", true),
            ("GPL-3.0-only", false),
            ("MIT OR GPL-3.0-only", true),
            ("GPL-3.0-only OR MIT", true),
            ("MIT AND GPL-3.0-only", false),
            ("GPL-3.0-only AND MIT OR ISC", true),
            ("GPL-3.0-only AND (MIT OR ISC)", false),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
            ("Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT", true),
            ("Apache-2.0 WITH LLVM-exception", true),
            ("Apache-2.0 WITH Other-exception", false),
            ("MIT/Apache-2.0", true),
            ("MPL-2.0/GPL-2.0", false),
            ("", false),
            ("MIT OR", false),
            ("(MIT", false),
            ("MIT)", false),
            ("MIT ISC", false),
        ] {
            assert_eq!(accepts(expression), accepted, "{expression}");
        }
    }
}
