//! The AWS SDK for JavaScript against `recant serve`: each script under `tests/javascript` with a process of its own.

use crate::rig::{Serve, node, repository};

#[test]
fn the_life_of_a_distribution_and_its_tenants() {
    let serve = Serve::start();
    let script = repository("tests/javascript/life.cjs");
    let output = node(&serve.env()).args(["--test", "--test-reporter=tap"]).arg(&script).output().unwrap();
    // Node's test runner reports to standard output, what failed included.
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}:\n{report}", script.display());
    assert!(report.contains("# pass 8\n"), "{report}");
    assert!(serve.is_healthy());
}
