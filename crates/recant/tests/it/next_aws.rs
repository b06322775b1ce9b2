//! Linked as `aws`, the program hands other services' lines to the next `aws` on the path.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

#[test]
fn other_services_go_to_the_next_aws() {
    let folder = tempfile::tempdir().unwrap();
    let (own, other) = (folder.path().join("own"), folder.path().join("other"));
    fs::create_dir(&own).unwrap();
    fs::create_dir(&other).unwrap();
    symlink(env!("CARGO_BIN_EXE_recant"), own.join("aws")).unwrap();
    fs::write(other.join("aws"), "#!/bin/sh\necho the other: \"$@\"\nexit 7\n").unwrap();
    fs::set_permissions(other.join("aws"), fs::Permissions::from_mode(0o755)).unwrap();

    let run = |path: &str, words: &[&str]| {
        let output = Command::new(own.join("aws"))
            .args(words)
            .env_clear()
            .env("PATH", path)
            .env("HOME", folder.path())
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let both = format!("{}:{}:/usr/bin:/bin", own.display(), other.display());
    let words = ["--region", "eu-west-1", "s3", "sync", "a b", "s3://c"];
    let expected = "the other: --region eu-west-1 s3 sync a b s3://c\n";
    assert_eq!(run(&both, &words), (Some(7), expected.into()));
    assert_eq!(run(&both, &["cloudfront", "nonsense"]).0, Some(252), "CloudFront's lines stay here");
    // Without another one the line is refused, as one of an unknown service.
    assert_eq!(run(&own.display().to_string(), &["s3", "ls"]).0, Some(252));
}
