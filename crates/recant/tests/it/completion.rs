//! Completion in real shells: the script is loaded as a user would, and asked as the shell asks.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::rig::RECANT;

/// What a shell prints for this program, with `recant` and `aws` on its path.
fn shell(words: &[&str], script: &str) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    for name in ["recant", "aws"] {
        symlink(RECANT, folder.path().join(name)).unwrap();
    }
    fs::write(folder.path().join("batch.json"), "{}").unwrap();
    let (program, words) = words.split_first().unwrap();
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let mut command = Command::new(program);
    command.args(words).arg("-c").arg(script).current_dir(folder.path());
    // Shells make files of their own in there.
    let home = folder.path().join("home");
    let output = command.env_clear().env("PATH", path).env("HOME", home).output().ok()?;
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(complaint, "", "{script}");
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn bash_completes() {
    let check = |line: &str, expected: &[&str]| {
        let script = format!(
            "source <(recant completion bash recant aws)\nCOMP_LINE={line:?} COMP_POINT={}\n_recant_complete\nprintf '%s|\\n' \"${{COMPREPLY[@]}}\"",
            line.len()
        );
        let out = shell(&["bash", "--norc"], &script).expect("there is a bash everywhere");
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines, expected, "{line}");
    };
    check("aws cloudfront wait distribution-d", &["distribution-deployed |"]);
    check("recant serve --data", &["--data-dir |"]);
    check("recant cloudfront list-distributions --output=y", &["yaml |", "yaml-stream |"]);
    check("aws cloudfront create-distribution --cli-input-json file://ba", &["//batch.json |"]);
    check("recant invalidate one.example /a --deploy", &["--deploy-id |"]);
    check("aws s3 ", &["|"]);
}

#[test]
fn fish_and_zsh_complete_where_they_are() {
    let fish = "recant completion fish aws | source; complete -C 'aws cloudfront wait distribution-d'";
    match shell(&["fish", "--no-config"], fish) {
        Some(out) => assert_eq!(out, "distribution-deployed\tPolls GetDistribution.\n"),
        None => skipped("fish"),
    }
    // zsh runs completion functions only in its line editor; what the function asks for is asked here.
    let zsh = "autoload -Uz compinit && compinit -D; source <(recant completion zsh aws); print $+functions[_recant_complete] $_comps[aws]; \
               COMP_LINE='aws --output=te' recant __complete zsh";
    match shell(&["zsh", "--no-rcs"], zsh) {
        Some(out) => assert_eq!(out, "1 _recant_complete\n--output=text\t\t\n"),
        None => skipped("zsh"),
    }
}

/// Past the harness, which would keep it to itself.
fn skipped(shell: &str) {
    let _ =
        writeln!(std::io::stderr(), "skipped: completion was not tried in {shell}, which is not installed");
}

#[test]
fn what_cannot_be_completed_is_said() {
    let refused = |words: &[&str], expected: &str| {
        let output = Command::new(RECANT).args(words).output().unwrap();
        assert!(!output.status.success(), "{words:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(expected), "{words:?}: {said}");
    };
    refused(&["completion"], "bash, zsh or fish is needed");
    refused(&["completion", "tcsh"], "'tcsh'");
    refused(&["completion", "bash", "a b"], "'a b' is no name of a program");
}
