//! Lines as data: what is typed, with `|` as the cursor at its end, and what is offered first.

use super::*;
use crate::environment::ScriptedEnvironment;
use crate::words;

fn offered(line: &str) -> Vec<Candidate> {
    let environment = ScriptedEnvironment::new([("HOME", "/nowhere")]);
    let mut typed = words::split(line).expect("a line");
    let current =
        if line.is_empty() || line.ends_with(' ') { String::new() } else { typed.pop().unwrap_or_default() };
    candidates(&environment, &typed, &current)
}

fn check(line: &str, expected: &[&str]) {
    let all = offered(line);
    let texts: Vec<&str> = all.iter().map(|candidate| candidate.text.as_str()).collect();
    assert_eq!(&texts[..texts.len().min(expected.len())], expected, "{line}");
    assert_eq!(expected.is_empty(), texts.is_empty(), "{line}: {texts:?}");
}

#[test]
fn commands_come_first() {
    check("", &["cloudfront", "help"]);
    check("cloud", &["cloudfront"]);
    check("s3 ", &[]);
    check(
        "cloudfront create-invalidation",
        &["create-invalidation", "create-invalidation-for-distribution-tenant"],
    );
    check("cloudfront w", &["wait"]);
    check("--region us-east-1 cloudfront wait distri", &["distribution-deployed"]);
    check(
        "cloudfront invalidations-for-distribution-tenant",
        &["list-invalidations-for-distribution-tenant"],
    );
}

#[test]
fn required_options_come_first_and_none_twice() {
    let command = "cloudfront create-invalidation-for-distribution-tenant";
    check(&format!("{command} "), &["--id", "--invalidation-batch", "--cli-input-json"]);
    check(&format!("{command} --id dt_1 "), &["--invalidation-batch", "--cli-input-json"]);
    check(&format!("{command} --id=dt_1 --inv"), &["--invalidation-batch"]);
    check(&format!("{command} --outp"), &["--output"]);
    check("cloudfront create-distribution-tenant --no-enabled --enabled", &[]);
    check("cloudfront sign --ur", &["--url"]);
    assert!(offered(&format!("{command} ")).iter().take(2).all(|candidate| candidate.required));
}

#[test]
fn values_follow_their_option() {
    check("--output ", &["json", "text", "table", "yaml", "yaml-stream", "off"]);
    check("--output=ya", &["--output=yaml", "--output=yaml-stream"]);
    check("--region eu-w", &["eu-west-1", "eu-west-2", "eu-west-3"]);
    check("cloudfront list-distributions --generate-cli-skeleton y", &["yaml-input"]);
    check("cloudfront list-distributions-by-connection-mode --connection-mode ", &["direct", "tenant-only"]);
    // Only a value can come here.
    check("cloudfront get-distribution --id ", &[]);
    check("--profile ", &[]);
}

#[test]
fn the_inside_of_structures_is_known() {
    let batch = "cloudfront create-invalidation-for-distribution-tenant --id d --invalidation-batch";
    check(&format!("{batch} "), &["Paths=", "CallerReference="]);
    check(&format!("{batch} Pa"), &["Paths="]);
    check(&format!("{batch} Paths="), &["Paths={"]);
    check(&format!("{batch} Paths={{"), &["Paths={Quantity=", "Paths={Items="]);
    check(&format!("{batch} Paths={{Quantity=1,"), &["Paths={Quantity=1,Items="]);
    check(&format!("{batch} Paths={{Quantity=1,Items="), &["Paths={Quantity=1,Items=["]);
    check(
        &format!("{batch} Paths={{Quantity=1,Items=[/a]}},C"),
        &["Paths={Quantity=1,Items=[/a]},CallerReference="],
    );
    check(&format!("{batch} Nothing={{"), &[]);
    let tenant = "cloudfront create-distribution-tenant --customizations GeoRestrictions={RestrictionType=";
    check(tenant, &["GeoRestrictions={RestrictionType=blacklist"]);
}

#[test]
fn files_are_offered_where_they_can_be_loaded() {
    let folder = std::env::temp_dir().join(format!("recant-complete-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("inner")).expect("a folder");
    std::fs::write(folder.join("batch.json"), "{}").expect("a file");
    std::fs::write(folder.join(".hidden"), "").expect("a file");
    let line = format!("cloudfront create-distribution --distribution-config file://{}/", folder.display());
    let names = offered(&line).into_iter().map(|candidate| (candidate.text, candidate.open));
    let shown = |name: &str| format!("file://{}/{name}", folder.display());
    assert_eq!(names.collect::<Vec<_>>(), [(shown("batch.json"), false), (shown("inner/"), true)]);
    std::fs::remove_dir_all(folder).expect("it was made here");
}

#[test]
fn what_is_missing_is_told() {
    let check = |line: &str, expected: &[&str]| {
        assert_eq!(missing(&words::split(line).expect("a line")), expected, "{line}");
    };
    check("", &["a command"]);
    check("cloudfront", &["an operation"]);
    check("cloudfront wait", &["a waiter"]);
    check("cloudfront create-invalidation-for-distribution-tenant", &["--id", "--invalidation-batch"]);
    check("cloudfront create-invalidation --distribution-id E1", &["--invalidation-batch or --paths"]);
    check("cloudfront create-invalidation --distribution-id E1 --paths /a", &[]);
    check("cloudfront get-distribution --id E1", &[]);
    check("cloudfront get-distribution --cli-input-json {}", &[]);
}
