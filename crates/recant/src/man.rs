//! `recant man PAGE`: the manual pages, made of the texts that `help` shows.

use anyhow::{Context, Result};
use recant_cli::man;

use crate::{options, stdout};

/// Writes the page of that name.
pub(crate) fn run(name: &str) -> Result<()> {
    stdout::say(&page(name).with_context(|| {
        format!("there is no manual page '{name}': there are recant, recant-invalidate, recant-keys, recant-audit, recant-progress, recant-edges, recant-events, recant-cloudfront and recant-cloudfront-OPERATION")
    })?)
}

/// The names of all pages.
pub(crate) fn names() -> Vec<String> {
    let mut all = vec!["recant".to_owned()];
    all.extend(man::client_pages());
    all
}

fn page(name: &str) -> Option<String> {
    // What `man recant-cloudfront` shows may be asked for as `recant man cloudfront`.
    match name {
        "recant" => Some(recant()),
        _ => man::client_page(name).or_else(|| man::client_page(&format!("recant-{name}"))),
    }
}

/// The help's first paragraph says what Recant is.
fn recant() -> String {
    let about = options::HELP.split(['\n', '.']).next().unwrap_or_default();
    let about = about.strip_prefix("Recant: ").unwrap_or(about);
    man::page("recant", about, options::HELP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_of_the_help_is_in_the_page() {
        let page = page("recant").unwrap();
        for part in [
            "\n.SH NAME\nrecant \\- a CloudFront\\-compatible",
            "recant serve",
            "recant man",
            "\\-\\-store\\-bytes N",
        ] {
            assert!(page.contains(part), "{part} in\n{page}");
        }
    }

    #[test]
    fn names_are_taken_with_and_without_the_program() {
        for name in ["invalidate", "recant-invalidate", "cloudfront", "cloudfront-create-invalidation"] {
            assert!(page(name).is_some(), "{name}");
        }
        assert_eq!(page("serv"), None);
        assert!(names().iter().all(|name| page(name).is_some()));
    }
}
