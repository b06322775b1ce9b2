//! Manual pages: the texts of `help`, spelled for `man`.
//!
//! There is no second text. A help text has sections (a title at the margin, its lines indented), entries (`--option (kind)` with lines
//! further in, or two columns in one line), bullets (`o name`), and blocks that are shown as they are; each has its macro here.

use std::fmt::Write as _;

use recant_wire::model;

use crate::command::Topic;
use crate::{describe, help, invalidate, own};

/// The manual page of that name about the client, as roff: one of [`client_pages`].
pub fn client_page(name: &str) -> Option<String> {
    let (about, text) = match name {
        "recant-invalidate" => ("invalidate paths of one tenant".to_owned(), invalidate::HELP.to_owned()),
        "recant-cloudfront" => (
            "the operations of CloudFront, as the AWS CLI spells them".to_owned(),
            help::text(Topic::Service) + &help::text(Topic::Top),
        ),
        _ if own::page(name).is_some() => own::page(name)?,
        _ => {
            let operation = model::operation_by_cli_name(name.strip_prefix("recant-cloudfront-")?)?;
            (in_a_name(&describe::operation(operation)), help::text(Topic::Operation(operation)))
        }
    };
    Some(page(name, &about, &text))
}

/// The names of the pages that [`client_page`] has.
pub fn client_pages() -> Vec<String> {
    let operations = model::operations().iter().map(|operation| format!("cloudfront-{}", operation.cli_name));
    let names = ["invalidate", "cloudfront"].into_iter().chain(own::names()).map(str::to_owned);
    names.chain(operations).map(|name| format!("recant-{name}")).collect()
}

/// A sentence as the NAME section has it: what comes before the colon, without the capital and the full stop.
fn in_a_name(sentence: &str) -> String {
    let short = sentence.split(':').next().unwrap_or(sentence).trim_end_matches('.');
    let mut letters = short.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// A manual page in section 1, as roff, of a help text.
pub fn page(name: &str, about: &str, text: &str) -> String {
    let mut out = format!(
        ".TH \"{}\" \"1\" \"\" \"recant {}\" \"Recant\"\n.nh\n.ad l\n.SH NAME\n{} \\- {}\n",
        name.to_uppercase().replace('-', "\\-"),
        env!("CARGO_PKG_VERSION"),
        escaped(name),
        escaped(about),
    );
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let mut seen = vec!["NAME"];
    let mut at = 0;
    while at < lines.len() {
        let (title, start) = match is_title(&lines, at) {
            true => (lines[at], at + 1),
            false => ("DESCRIPTION", at),
        };
        let length = (start..lines.len()).take_while(|&line| !is_title(&lines, line)).count();
        at = start + length;
        // Two help texts in one page have some sections in common: the first one counts.
        if !seen.contains(&title) {
            seen.push(title);
            let _ = writeln!(out, ".SH {}", escaped(&title.to_uppercase()));
            Section { lines: &lines[start..at], out: &mut out, verbatim: false }
                .write(matches!(title, "SYNOPSIS" | "OUTPUT"));
        }
    }
    out
}

/// A line at the margin with an indented one below it.
fn is_title(lines: &[&str], at: usize) -> bool {
    let below = lines.get(at + 1).is_some_and(|line| line.starts_with(' '));
    below && !lines[at].is_empty() && !lines[at].starts_with(' ')
}

/// The lines of one section on their way into the page.
struct Section<'a> {
    lines: &'a [&'a str],
    out: &'a mut String,
    /// Whether lines are shown as they are now.
    verbatim: bool,
}

impl Section<'_> {
    /// Writes all lines; `as_is` says that none of them may be filled.
    fn write(mut self, as_is: bool) {
        let margin = self.lines.iter().filter(|line| !line.is_empty()).map(|line| indent(line)).min();
        let margin = margin.unwrap_or(0);
        // In an entry of two columns, what stands further in is more of the second.
        let (mut in_entry, mut in_columns, mut after_blank) = (false, false, false);
        for (at, line) in self.lines.iter().enumerate() {
            if line.is_empty() {
                after_blank = true;
                continue;
            }
            let (line, further) = (&line[margin..], indent(line) - margin);
            let has_more = self.lines.get(at + 1).is_some_and(|next| indent(next) > margin);
            in_columns &= further > 2 && !after_blank;
            if in_columns {
                self.text(line.trim_start(), None);
            } else if as_is || further >= 6 {
                self.show_as_is(true);
                self.text(line, after_blank.then_some(".sp"));
            } else if let Some(bullet) = line.trim_start().strip_prefix("o ") {
                self.macro_line(".IP \\(bu 2");
                self.text(bullet, None);
            } else if further <= 2
                && let Some((head, about)) = columns(line.trim_start())
            {
                self.entry(head);
                self.text(about, None);
                (in_entry, in_columns) = (true, true);
            } else if further == 0 && has_more {
                self.entry(line);
                in_entry = true;
            } else {
                let ends_entry = in_entry && further <= 2;
                in_entry &= further > 2;
                // A paragraph within an entry keeps the entry's indentation.
                let paragraph = if in_entry { ".IP" } else { ".PP" };
                self.show_as_is(false);
                // Each way to call a command is a line of its own.
                let follows_usage =
                    is_usage(line) && at.checked_sub(1).is_some_and(|above| is_usage(self.lines[above]));
                let before = (after_blank || ends_entry).then_some(paragraph);
                self.text(line.trim_start(), before.or(follows_usage.then_some(".br")));
            }
            after_blank = false;
        }
        self.show_as_is(false);
    }

    fn entry(&mut self, head: &str) {
        self.macro_line(".TP");
        let _ = writeln!(self.out, "\\fB{}\\fR", escaped(head));
    }

    fn macro_line(&mut self, line: &str) {
        self.show_as_is(false);
        let _ = writeln!(self.out, "{line}");
    }

    fn text(&mut self, line: &str, before: Option<&str>) {
        // A paragraph right below a title would be one too many.
        if let Some(before) =
            before.filter(|_| !self.out.trim_end().rsplit('\n').next().is_some_and(is_heading))
        {
            let _ = writeln!(self.out, "{before}");
        }
        let guard = if line.starts_with(['.', '\'']) { "\\&" } else { "" };
        let _ = writeln!(self.out, "{guard}{}", escaped(line));
    }

    fn show_as_is(&mut self, wanted: bool) {
        if self.verbatim != wanted {
            let _ = writeln!(self.out, "{}", if wanted { ".nf" } else { ".fi" });
            self.verbatim = wanted;
        }
    }
}

fn is_heading(line: &str) -> bool {
    line.starts_with(".SH") || line == ".nf"
}

fn is_usage(line: &str) -> bool {
    line.starts_with("recant ")
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The two columns of a line: a gap of at least two blanks is between them.
fn columns(line: &str) -> Option<(&str, &str)> {
    let (head, about) = line.split_once("  ")?;
    Some((head, about.trim_start()))
}

/// Text with what roff reads as its own spelled out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\e"),
            '-' => out.push_str("\\-"),
            c if c.is_ascii() => out.push(c),
            c => {
                let _ = write!(out, "\\[u{:04X}]", u32::from(c));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rules of man(7) that need no formatter: macros that exist, blocks that end, heads with a text, known escapes.
    fn check_form(page: &str) {
        assert!(page.starts_with(".TH ") && page.is_ascii(), "{page}");
        let lines: Vec<&str> = page.lines().collect();
        let mut verbatim = false;
        for (at, line) in lines.iter().enumerate() {
            let macro_name = line.split(' ').next().unwrap().strip_prefix('.');
            assert!(!line.is_empty() && !line.starts_with('\''), "line {at} of\n{page}");
            match macro_name {
                Some("nf" | "fi") => {
                    assert_ne!(verbatim, *line == ".nf", "line {at} of\n{page}");
                    verbatim = *line == ".nf";
                }
                Some("TH") => assert_eq!(at, 0),
                Some("SH") => assert!(!verbatim && line.len() > 4, "line {at} of\n{page}"),
                Some("TP" | "PP" | "IP") => {
                    let next = lines.get(at + 1).unwrap_or_else(|| panic!("{line} ends\n{page}"));
                    assert!(!verbatim && !next.starts_with('.'), "line {at} of\n{page}");
                }
                Some("sp" | "nh" | "ad" | "br") | None => {}
                Some(other) => panic!(".{other} in\n{page}"),
            }
            for (escape, _) in line.match_indices('\\') {
                let rest = &line[escape + 1..];
                let known = ["-", "e", "&", "fB", "fR", "(bu", "[u"];
                assert!(known.iter().any(|known| rest.starts_with(known)), "{line}");
            }
        }
        assert!(!verbatim, "{page}");
    }

    #[test]
    fn every_page_is_well_formed() {
        for name in client_pages() {
            let page = client_page(&name).unwrap();
            check_form(&page);
            assert!(page.contains(".SH NAME\n") && page.contains("\n.SH DESCRIPTION\n"), "{page}");
        }
        assert_eq!(client_page("recant-cloudfront-fly"), None);
    }

    #[test]
    fn the_parts_of_a_help_text_have_their_macros() {
        let text = "About.\n\nOptions of it\n  --a X    what a is\n           and more\nThe end.\n\nOPTIONS\n       --b (string)\n          Text.\n\n          JSON Syntax:\n\n             {\\n}\n\n       o c\n";
        let page = page("a-b", "x", text);
        check_form(&page);
        for part in [
            ".SH DESCRIPTION\nAbout.\n.SH OPTIONS OF IT\n.TP\n\\fB\\-\\-a X\\fR\nwhat a is\nand more\n.PP\nThe end.\n",
            ".SH OPTIONS\n.TP\n\\fB\\-\\-b (string)\\fR\nText.\n.IP\nJSON Syntax:\n.nf\n      {\\en}\n.fi\n.IP \\(bu 2\nc\n",
        ] {
            assert!(page.contains(part), "{part}\nin\n{page}");
        }
    }

    #[test]
    fn options_of_the_help_are_options_of_the_page() {
        let page = client_page("recant-cloudfront-create-invalidation-for-distribution-tenant").unwrap();
        for option in ["id", "invalidation\\-batch", "cli\\-input\\-json", "region"] {
            assert!(page.contains(&format!(".TP\n\\fB\\-\\-{option} (")), "{option} in\n{page}");
        }
        let page = client_page("recant-invalidate").unwrap();
        assert!(page.contains(".TP\n\\fB\\-\\-dry\\-run\\fR\nshow the call"), "{page}");
        let usage = ".SH DESCRIPTION\nrecant invalidate TARGET PATH... [options]\n.br\nrecant invalidate DISTRIBUTION PATH";
        assert!(page.contains(usage), "{page}");
    }
}
