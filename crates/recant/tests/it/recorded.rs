//! The recorded cases of the AWS CLI: the program, linked as `aws`, does what the recordings say.
//!
//! The recordings and their rig are not part of the repository. They are looked for in the folder that
//! `RECANT_CLI_DIFF` names, else beside the workspace. Without them the test passes and says so, unless
//! `RECANT_REQUIRE_SUITES=1`.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::{env, str};

use crate::rig::{RECANT, python, repository};

/// Where the rig is looked for, from the workspace.
const BESIDE: &str = "../shared/cli-diff";

/// The number of recorded cases; a rig that runs fewer is not the whole of it.
const CASES: usize = 444;

/// The cases that are answered otherwise, as the rig reports them, and why. COMPATIBILITY.md says the same.
const DIFFERENT: &[(&str, &str)] = &[
    // The comments of YAML skeletons are in our own words.
    ("skeleton-get-yaml-input", "[stdout]"),
    ("skeleton-tenant-update-yaml", "[stdout]"),
];

#[test]
fn the_aws_cli_s_recordings_are_met() {
    let folder = env::var_os("RECANT_CLI_DIFF").map_or_else(|| repository(BESIDE), Into::into);
    if !folder.is_dir() {
        let required = env::var("RECANT_REQUIRE_SUITES").is_ok_and(|value| value == "1");
        assert!(!required, "RECANT_REQUIRE_SUITES is set and there is no {}", folder.display());
        // Past the harness, which would keep it to itself.
        let _ = writeln!(std::io::stderr(), "skipped: the recorded cases are not in {}", folder.display());
        return;
    }
    let links = tempfile::tempdir().unwrap();
    let aws = links.path().join("aws");
    symlink(RECANT, &aws).unwrap();

    let all = Report::of(&folder, &aws, &[]);
    assert!(all.ran + all.skipped >= CASES, "{} cases ran of {CASES}", all.ran);
    let known: BTreeSet<_> =
        DIFFERENT.iter().map(|(name, what)| (name.to_string(), what.to_string())).collect();
    assert!(known.is_subset(&all.failed), "DIFFERENT names cases that do not differ:\n{}", all.text);

    // Some cases measure time-outs and interruptions; on a busy machine these get a second chance.
    let unknown: Vec<_> = all.failed.difference(&known).map(|(name, _)| name.as_str()).collect();
    if !unknown.is_empty() {
        let again = Report::of(&folder, &aws, &unknown);
        let still: Vec<_> = again.failed.difference(&known).collect();
        assert!(still.is_empty(), "{still:?} differ from the recordings:\n{}", again.text);
    }
}

/// What the rig said.
struct Report {
    /// All of it.
    text: String,
    /// The cases that differ, each with what differs.
    failed: BTreeSet<(String, String)>,
    /// How many cases ran.
    ran: usize,
    /// How many did not, for want of a tool.
    skipped: usize,
}

impl Report {
    /// Compares the named cases, or all of them when none is named. Says what differs line by line when few are.
    #[track_caller]
    fn of(folder: &Path, aws: &Path, names: &[&str]) -> Self {
        let mut rig = python(&[]);
        rig.arg(folder.join("rig.py")).args(["compare", "--quiet", "--cli"]).arg(aws);
        match names {
            [] => rig.arg("--brief"),
            names => rig.args(["--only", &names.join(",")]),
        };
        let output = rig.output().unwrap();
        let text = str::from_utf8(&output.stdout).unwrap().to_owned();
        let summary = text.lines().last().and_then(|line| line.strip_prefix("cli-diff: "));
        let ran = summary.and_then(|line| line.split(' ').nth(2)?.parse().ok());
        let ran =
            ran.unwrap_or_else(|| panic!("no summary: {text}\n{}", String::from_utf8_lossy(&output.stderr)));
        let failed = text.lines().filter_map(|line| line.strip_prefix("FAIL ")?.split_once("  "));
        Self {
            failed: failed.map(|(name, what)| (name.to_owned(), what.to_owned())).collect(),
            ran,
            skipped: text.lines().filter(|line| line.starts_with("skipped ")).count(),
            text,
        }
    }
}
