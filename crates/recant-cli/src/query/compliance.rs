//! The official JMESPath compliance suite against [`Query`].
//!
//! The suite is not part of the repository. It is looked for in the folder that `RECANT_JMESPATH_SUITE` names, else
//! beside the workspace. Without it the test passes and says so, unless `RECANT_REQUIRE_SUITES=1`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use recant_wire::document::Document;
use serde_json::Value;

use super::Query;

/// Where the suite is looked for, from this crate.
const BESIDE: &str = "../../../shared/jmespath-compliance";

/// The number of cases in the suite; a folder with fewer is not the whole of it.
const CASES: usize = 908;

#[test]
fn the_official_suite_passes() {
    let folder = env::var_os("RECANT_JMESPATH_SUITE")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join(BESIDE), PathBuf::from);
    if !folder.is_dir() {
        let required = env::var("RECANT_REQUIRE_SUITES").is_ok_and(|value| value == "1");
        assert!(!required, "RECANT_REQUIRE_SUITES is set and there is no {}", folder.display());
        // Past the harness, which would keep it to itself.
        let _ = writeln!(std::io::stderr(), "skipped: the JMESPath suite is not in {}", folder.display());
        return;
    }

    let mut count = 0;
    let mut failed = Vec::new();
    for (file, group) in groups(&folder) {
        for case in group["cases"].as_array().unwrap() {
            count += 1;
            let expression = case["expression"].as_str().unwrap();
            if let Err(why) = check(&group["given"], expression, case) {
                failed.push(format!("{file}: {expression}: {why}"));
            }
        }
    }
    assert!(failed.is_empty(), "{} of {count} cases differ:\n{}", failed.len(), failed.join("\n"));
    assert!(count >= CASES, "only {count} cases of {CASES} in {}", folder.display());
}

/// The groups of cases of all files, each with the name of its file.
fn groups(folder: &Path) -> Vec<(String, Value)> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let mut groups = Vec::new();
    for path in files {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let Ok(Value::Array(found)) = serde_json::from_slice(&fs::read(&path).unwrap()) else {
            panic!("{} is not an array", path.display());
        };
        groups.extend(found.into_iter().map(|group| (name.clone(), group)));
    }
    groups
}

/// Runs one case: it has a `result`, or an `error` of some kind, or is there only to be timed (`bench`).
fn check(given: &Value, expression: &str, case: &Value) -> Result<(), String> {
    let compiled = Query::compile(expression);
    let error = case["error"].as_str();
    let query = match (compiled, error) {
        (Ok(_), Some("syntax")) => return Err("compiles; it has a syntax error".into()),
        (Err(_), Some(_)) => return Ok(()),
        (Err(why), None) => return Err(why.to_string()),
        (Ok(query), _) => query,
    };
    match (query.search(&Document::from(given.clone())), error) {
        (Ok(found), Some(error)) => Err(format!("gives {}; it is {error}", Value::from(found))),
        (Err(_), Some(_)) => Ok(()),
        (Err(why), None) => Err(why.to_string()),
        (Ok(found), None) => {
            let found = Value::from(found);
            match case.get("result") {
                Some(wanted) if !same(&found, wanted) => Err(format!("gives {found} for {wanted}")),
                _ => Ok(()),
            }
        }
    }
}

/// Whether two values are the same to JMESPath, to which 1 and 1.0 are one number.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, value)| other.get(name).is_some_and(|other| same(value, other)))
        }
        _ => one == other,
    }
}
