//! The data as a whole: all cases, and what they share.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::case::Case;
use super::judge::Aspect;
use super::script::Answers;
use super::text::{Texts, is_like};

/// The files that hold no cases.
const SHARED: &[&str] = &["answers", "texts", "keys", "known-differences"];

/// All that the data says.
pub(crate) struct Suite {
    pub(crate) cases: Vec<Case>,
    pub(crate) answers: Answers,
    pub(crate) texts: Texts,
    /// Secret keys by the ids that cases sign with.
    pub(crate) keys: BTreeMap<String, String>,
    pub(crate) known: BTreeMap<String, KnownDifference>,
}

/// A case that is answered otherwise, on purpose. COMPATIBILITY.md says the same.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KnownDifference {
    /// What differs.
    pub(crate) differs: BTreeSet<Aspect>,
    /// The reason.
    #[expect(dead_code, reason = "for whoever reads the data; it must be there")]
    why: String,
}

impl Suite {
    /// Reads the folder.
    #[track_caller]
    pub(crate) fn load(folder: &Path) -> Self {
        let mut cases = Vec::new();
        let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.sort();
        for path in names.iter().filter(|path| path.extension().is_some_and(|kind| kind == "json")) {
            let category = path.file_stem().and_then(|stem| stem.to_str()).unwrap();
            if !SHARED.contains(&category) {
                let read: Vec<Case> = read(path);
                cases.extend(read.into_iter().map(|case| Case { category: category.to_owned(), ..case }));
            }
        }
        let distinct: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(distinct.len(), cases.len(), "two cases have the same name");
        let shared = |name: &str| folder.join(name).with_extension("json");
        let suite = Self {
            answers: read(&shared("answers")),
            texts: read(&shared("texts")),
            keys: read(&shared("keys")),
            known: read(&shared("known-differences")),
            cases,
        };
        let unknown: Vec<_> = suite.known.keys().filter(|name| suite.named(name).next().is_none()).collect();
        assert!(unknown.is_empty(), "known-differences.json names {unknown:?}, which are no cases");
        suite
    }

    /// The cases of a name, a category, or of names with `*` for anything; several with commas between.
    pub(crate) fn named(&self, wanted: &str) -> impl Iterator<Item = &Case> {
        let is_wanted = move |case: &&Case| {
            wanted.split(',').any(|form| is_like(&case.name, form) || case.category == form)
        };
        self.cases.iter().filter(is_wanted)
    }
}

#[track_caller]
fn read<T: DeserializeOwned>(path: &Path) -> T {
    let text = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
