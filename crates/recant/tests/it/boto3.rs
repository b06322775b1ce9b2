//! boto3 against `recant serve`, and its libraries beside ours: each script under `tests/python` with a process of its own.

use crate::rig::{Serve, python, repository};

#[test]
fn invalidations() {
    passes("invalidations.py");
}

#[test]
fn tenants() {
    passes("tenants.py");
}

#[test]
fn families() {
    passes("families.py");
}

#[test]
fn policies() {
    passes("policies.py");
}

#[test]
fn refusals() {
    passes("refusals.py");
}

#[test]
fn bad_input() {
    passes("bad_input.py");
}

/// Needs no server: `sign` sends nothing.
#[test]
fn dates() {
    let environment = [("RECANT_PROGRAM".into(), env!("CARGO_BIN_EXE_recant").into())];
    let script = repository("tests/python/dates.py");
    let output = python(&environment).arg(&script).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[track_caller]
fn passes(script: &str) {
    let serve = Serve::start();
    let mut environment = serve.env();
    environment.push(("RECANT_VIEWER".into(), serve.viewer.to_string()));
    let script = repository("tests/python").join(script);
    let output = python(&environment).arg(&script).output().unwrap();
    assert!(output.status.success(), "{}:\n{}", script.display(), String::from_utf8_lossy(&output.stderr));
}
