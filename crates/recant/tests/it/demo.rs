//! `recant demo` tells its story to the end, and says what it proved.

use std::process::Command;

#[test]
fn the_story_is_so() {
    let output = Command::new(env!("CARGO_BIN_EXE_recant")).arg("demo").output().expect("recant starts");
    let story = String::from_utf8(output.stdout).expect("the story is text");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{story}\n{complaint}", output.status);
    assert_eq!(complaint, "");
    for line in [
        "$ recant cloudfront create-invalidation-for-distribution-tenant",
        "--invalidation-batch 'Paths={Quantity=2,Items=[/price,/news/*]},CallerReference=deploy-1'",
        "(InvalidationBatchAlreadyExists)",
        "It may until its lease runs out, so Completed waits for that.",
        "started again on the same folder",
        "All of this was so: ",
    ] {
        assert!(story.contains(line), "{line:?} is not in\n{story}");
    }
    // Everything was made in a folder of its own, and that is gone.
    let folder = story.lines().find_map(|line| line.trim().strip_prefix("folder  "));
    let folder = folder.expect("the story names its folder");
    assert!(!std::path::Path::new(folder).exists(), "{folder} is still there");
}
