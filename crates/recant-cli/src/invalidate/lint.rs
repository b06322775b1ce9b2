//! What is wrong with paths, and which of them others cover.
//!
//! The verdict on a path is that of [`recant_core::batch::Pattern`]; here are the reasons why it was probably typed, and what was
//! probably meant. Nothing is mended silently: a path is sent as typed or refused.

use std::fmt;

use recant_core::batch::{Pattern, PatternError};
use recant_core::path::PathError;
use recant_core::tag::TagError;

/// Characters of a path that are shown.
const CHARS_SHOWN: usize = 100;

/// Paths that can be sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Linted {
    /// As typed, sorted, so that the order of typing makes no difference.
    pub kept: Vec<String>,
    /// How many were left out since others cover them.
    pub redundant: usize,
    /// What may not be what was meant.
    pub hints: Vec<String>,
}

/// A path that cannot be sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadPath {
    text: String,
    reason: String,
    /// What to do instead.
    cure: Option<String>,
}

impl fmt::Display for BadPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: String = self.text.chars().take(CHARS_SHOWN).flat_map(char::escape_debug).collect();
        let rest = if self.text.chars().nth(CHARS_SHOWN).is_some() { "…" } else { "" };
        write!(f, "'{shown}{rest}' {}", self.reason)?;
        match &self.cure {
            Some(cure) => write!(f, ": {cure}"),
            None => Ok(()),
        }
    }
}

/// Judges paths. `as_typed` takes over-encoded ones.
///
/// # Errors
///
/// All that cannot be sent.
pub(super) fn lint(typed: &[String], as_typed: bool) -> Result<Linted, Vec<BadPath>> {
    let bad: Vec<BadPath> = typed.iter().filter_map(|text| judge(text, as_typed)).collect();
    if !bad.is_empty() {
        return Err(bad);
    }
    let kept = without_covered(typed);
    let hints = kept.iter().filter_map(|path| hint(path)).collect();
    Ok(Linted { redundant: typed.len() - kept.len(), kept, hints })
}

/// What is right, and may not be what was meant.
fn hint(path: &str) -> Option<String> {
    if path == "/" {
        return Some("'/' is only the root object; did you mean '/*', which is everything?".to_owned());
    }
    let has_escaped_slash = path.starts_with('/') && path.to_ascii_lowercase().contains("%2f");
    has_escaped_slash
        .then(|| format!("'{path}' has an escaped '/', and is not the same as '{}'", unescaped_slashes(path)))
}

fn unescaped_slashes(text: &str) -> String {
    text.replace("%2F", "/").replace("%2f", "/")
}

/// A shell puts the names of files in the place of `/*`, and the wrong paths would be invalidated without a word.
pub(super) fn expanded_by_a_shell(arguments: &[String]) -> Option<&'static str> {
    let has = |path: &str| arguments.iter().any(|argument| argument == path);
    (has("/bin") && has("/etc") && has("/usr"))
        .then_some("the shell has put the folders of this machine in the place of /*: quote it, as '/*'")
}

fn judge(text: &str, as_typed: bool) -> Option<BadPath> {
    let bad = |reason: String, cure: Option<String>| Some(BadPath { text: text.to_owned(), reason, cure });
    if let Some(meant) = before_msys(text) {
        let cure = format!(
            "set MSYS_NO_PATHCONV=1 (MSYS2: MSYS2_ARG_CONV_EXCL='*') for this command{}, or use --paths-from",
            meant.map_or_else(String::new, |meant| format!(" and type '{meant}'"))
        );
        return bad(
            "is a path of Windows, which Git Bash (MSYS) makes of one that starts with '/'".into(),
            Some(cure),
        );
    }
    match Pattern::parse(text) {
        Ok(_) if as_typed => None,
        Ok(_) => {
            let (what, meant) = over_encoded(text)?;
            bad(what.to_owned(), Some(format!("did you mean '{meant}'? --as-typed takes it as it is")))
        }
        Err(why) => {
            bad(why.to_string(), suggestion(text, &why).map(|meant| format!("did you mean {meant}?")))
        }
    }
}

/// Recognises `C:/…`; what had been typed, if the installation's folder can be told.
fn before_msys(text: &str) -> Option<Option<String>> {
    let mut start = text.chars();
    let is_drive = start.next().is_some_and(|c| c.is_ascii_alphabetic())
        && start.next() == Some(':')
        && matches!(start.next(), Some('/' | '\\'));
    if !is_drive {
        return None;
    }
    let path = text[2..].replace('\\', "/");
    let folders = ["/Program Files/Git/", "/Program Files (x86)/Git/", "/msys64/", "/msys32/"];
    Some(folders.iter().find_map(|folder| Some(format!("/{}", path.strip_prefix(folder)?))))
}

/// Escapes that are legal but match nothing that is likely to be there: an escaped wildcard at the end, an escaped escape.
fn over_encoded(text: &str) -> Option<(&'static str, String)> {
    if text.starts_with('#') {
        return None;
    }
    let escaped_star = text
        .len()
        .checked_sub(3)
        .filter(|at| text.get(*at..).is_some_and(|end| end.eq_ignore_ascii_case("%2a")));
    if let Some(at) = escaped_star {
        return Some(("ends in an escaped '*', which is no wildcard", format!("{}*", &text[..at])));
    }
    let is_escape = |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|b| b.is_ascii_hexdigit());
    if text.match_indices("%25").any(|(at, found)| is_escape(&text[at + found.len()..])) {
        return Some(("is encoded twice", text.replace("%25", "%")));
    }
    None
}

/// What was probably meant, in quotes.
fn suggestion(text: &str, why: &PatternError) -> Option<String> {
    match why {
        PatternError::Path(PathError::Empty) => Some("'/*', which is everything".to_owned()),
        PatternError::Path(PathError::MissingSlash) => with_slash(text),
        PatternError::Path(PathError::WildcardNotLast { .. }) => {
            let start = text.split('*').next().unwrap_or_default();
            let wider = if text.trim_end_matches('*') == start { "" } else { ", which is more" };
            Some(format!("'{start}*'{wider}"))
        }
        PatternError::Tag(TagError::Wildcard { .. }) => {
            Some(text.replace('*', "")).filter(|tag| tag.len() > 1).map(|tag| format!("'{tag}'"))
        }
        PatternError::Path(PathError::TooLong { .. } | PathError::ControlCharacter { .. })
        | PatternError::Tag(TagError::Empty | TagError::TooLong { .. } | TagError::Character { .. }) => None,
    }
}

/// The path of a URL, an escaped start, or the text behind a slash; if that would be one.
fn with_slash(text: &str) -> Option<String> {
    let trimmed = text.trim();
    let lower = trimmed.get(..3).map(str::to_ascii_lowercase);
    let meant = match (lower.as_deref(), trimmed.split_once("://")) {
        // Who escapes the first slash has escaped them all.
        (Some("%2f"), _) => unescaped_slashes(trimmed),
        (Some("%23"), _) => format!("#{}", &trimmed[3..]),
        (_, Some((_, rest))) => rest.find('/').map_or_else(|| "/*".to_owned(), |at| rest[at..].to_owned()),
        _ if trimmed.starts_with(['/', '#']) => trimmed.to_owned(),
        _ => format!("/{trimmed}"),
    };
    Pattern::parse(&meant).ok().map(|_| format!("'{meant}'"))
}

/// Sorts, and leaves out what is there twice or lies under a prefix that is there.
///
/// Cautious: a text is under `/a*` if it starts with `/a` as typed. A wildcard in a query covers nothing, since parameters are
/// matched in any order; spellings are not compared. What is kept needlessly does no harm.
fn without_covered(typed: &[String]) -> Vec<String> {
    let mut sorted: Vec<&str> = typed.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    sorted.dedup();
    // Sorted, a prefix comes before all that starts with it; so of those kept only the last can cover the next.
    let mut prefixes: Vec<&str> = sorted.iter().copied().filter_map(prefix).collect();
    prefixes.sort_unstable();
    prefixes.dedup_by(|next, kept| next.starts_with(*kept));

    let mut tags = std::collections::HashSet::new();
    let is_needed = |text: &&str| {
        if text.starts_with('#') {
            // Tags are matched without regard to case.
            return tags.insert(text.to_ascii_lowercase());
        }
        let own = prefix(text);
        let read = own.unwrap_or(text);
        let after = prefixes.partition_point(|prefix| *prefix <= read);
        match after.checked_sub(1).map(|at| prefixes[at]) {
            Some(prefix) if own == Some(prefix) => true,
            Some(prefix) => !read.starts_with(prefix),
            None => true,
        }
    };
    sorted.into_iter().filter(is_needed).map(str::to_owned).collect()
}

/// What a wildcard that covers others stands behind.
fn prefix(text: &str) -> Option<&str> {
    text.strip_suffix('*').filter(|prefix| prefix.starts_with('/') && !prefix.contains('?'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn what_is_bad_is_told_with_its_cure() {
        let check = |text: &str, want: &str| {
            let bad = lint(&owned(&[text]), false).expect_err(text);
            assert_eq!(bad.len(), 1);
            assert_eq!(bad[0].to_string(), format!("'{text}' {want}"));
        };
        let windows = "is a path of Windows, which Git Bash (MSYS) makes of one that starts with '/': \
            set MSYS_NO_PATHCONV=1 (MSYS2: MSYS2_ARG_CONV_EXCL='*') for this command";
        check("C:/Program Files/Git/img/*", &format!("{windows} and type '/img/*', or use --paths-from"));
        check("d:/else", &format!("{windows}, or use --paths-from"));
        check("", "is empty: did you mean '/*', which is everything?");
        check("img/a", "does not start with '/': did you mean '/img/a'?");
        check("*", "does not start with '/': did you mean '/*'?");
        check("https://one.example/a?b", "does not start with '/': did you mean '/a?b'?");
        check("https://one.example", "does not start with '/': did you mean '/*'?");
        check("%2Fimg", "does not start with '/': did you mean '/img'?");
        check("%2fimg%2Fa", "does not start with '/': did you mean '/img/a'?");
        check("%23sale", "does not start with '/': did you mean '#sale'?");
        check("a*b", "does not start with '/'");
        check(
            "/a/*/b",
            "has '*' as character 4, but '*' may only be the last one: did you mean '/a/*', which is more?",
        );
        check("/**", "has '*' as character 2, but '*' may only be the last one: did you mean '/*'?");
        check("#sa*", "has '*' as character 4, but a tag has no wildcard: did you mean '#sa'?");
        check("#", "names no tag after '#'");
        let hatch = "--as-typed takes it as it is";
        check(
            "/img/%2A",
            &format!("ends in an escaped '*', which is no wildcard: did you mean '/img/*'? {hatch}"),
        );
        check("/a%2520b", &format!("is encoded twice: did you mean '/a%20b'? {hatch}"));
    }

    #[test]
    fn all_that_is_bad_is_told() {
        let bad = lint(&owned(&["a", "/good", "/b*c", "é%2"]), false).expect_err("three are bad");
        assert_eq!(bad.iter().map(|bad| bad.text.as_str()).collect::<Vec<_>>(), ["a", "/b*c", "é%2"]);
    }

    #[test]
    fn as_typed_takes_what_only_looks_wrong() {
        let paths = owned(&["/img/%2A"]);
        assert_eq!(lint(&paths, true).expect("allowed").kept, paths);
        assert!(lint(&owned(&["a"]), true).is_err());
    }

    #[test]
    fn what_may_be_right_is_a_hint_only() {
        assert_eq!(lint(&owned(&["/"]), false).expect("good").hints.len(), 1);
        assert_eq!(lint(&owned(&["/", "/*"]), false).expect("good").hints.len(), 0);
        let hints = lint(&owned(&["/a%2fb", "/c"]), false).expect("good").hints;
        assert_eq!(hints, ["'/a%2fb' has an escaped '/', and is not the same as '/a/b'"]);
        assert!(expanded_by_a_shell(&owned(&["/bin", "/boot", "/etc", "/usr"])).is_some());
        assert!(expanded_by_a_shell(&owned(&["/bin", "/a"])).is_none());
    }

    #[test]
    fn what_others_cover_is_left_out() {
        let check = |typed: &[&str], kept: &[&str]| {
            for typed in [owned(typed), owned(typed).into_iter().rev().collect()] {
                let linted = lint(&typed, false).expect("good");
                assert_eq!(linted.kept, kept, "{typed:?}");
                assert_eq!(linted.redundant, typed.len() - kept.len());
            }
        };
        check(&["/b", "/a", "/b"], &["/a", "/b"]);
        check(&["/a/*", "/a/b", "/a/", "/a", "/a/b/*", "/a/b?x=1"], &["/a", "/a/*"]);
        check(&["/a*", "/a", "/ab/c", "/b*", "/a/*", "/bz", "/c"], &["/a*", "/b*", "/c"]);
        check(&["/*", "/", "/a*", "#t"], &["#t", "/*"]);
        check(&["#Sale", "#sale", "#sales"], &["#Sale", "#sales"]);
        // Parameters are a set: `x*` does not cover what merely starts so.
        check(&["/a?x*", "/a?x=1"], &["/a?x*", "/a?x=1"]);
    }
}
