//! One call: what goes over the wire and what is shown.

use std::io::Write as _;

use crate::server::Answer;
use crate::{environment, run, run_in};

const CREATED: &str = "<Invalidation><Id>I1</Id><Status>InProgress</Status><CreateTime>2024-12-05T18:40:49.413Z</CreateTime>\
    <InvalidationBatch><Paths><Quantity>2</Quantity><Items><Path>/a</Path><Path>/b*</Path></Items></Paths>\
    <CallerReference>r</CallerReference></InvalidationBatch></Invalidation>";
const LINE: &str = "create-invalidation-for-distribution-tenant --id dt/1 \
    --invalidation-batch CallerReference=r,Paths={Quantity=2,Items=[/a,/b*]}";

fn created() -> Vec<Answer> {
    vec![Answer::Reply(201, vec![("Location", "https://x/I1".to_owned())], CREATED.to_owned())]
}

#[test]
fn the_request_is_what_the_aws_cli_sends() {
    let outcome = run(LINE, created());
    assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""));
    let [request] = outcome.requests.as_slice() else { panic!("{:?}", outcome.requests) };
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let mut lines = head.split("\r\n");
    assert_eq!(lines.next(), Some("POST /2020-05-31/distribution-tenant/dt%2F1/invalidation HTTP/1.1"));
    assert_eq!(
        body,
        "<InvalidationBatch xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\"><CallerReference>r</CallerReference>\
         <Paths><Quantity>2</Quantity><Items><Path>/a</Path><Path>/b*</Path></Items></Paths></InvalidationBatch>"
    );
    let headers: Vec<(String, &str)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value))
        .collect();
    let header = |name: &str| headers.iter().find(|(have, _)| have == name).map(|(_, value)| *value);
    assert_eq!(header("host"), Some("127.0.0.1:PORT"));
    assert_eq!(header("x-amz-date"), Some("20241205T184049Z"));
    assert_eq!(header("amz-sdk-request"), Some("attempt=1"));
    assert_eq!(header("content-type"), None);
    assert_eq!(header("accept"), None);
    let authorization = header("authorization").unwrap();
    let scope = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20241205/us-east-1/cloudfront/aws4_request, \
        SignedHeaders=host;x-amz-date, Signature=";
    assert!(authorization.starts_with(scope), "{authorization}");
}

#[test]
fn only_a_get_has_no_length() {
    let check = |line: &str, length: Option<&str>| {
        let outcome = run(line, vec![Answer::Reply(204, Vec::new(), String::new())]);
        let [request] = outcome.requests.as_slice() else { panic!("{:?}", outcome.requests) };
        let lines = request.lines().filter_map(|line| line.split_once(": "));
        let found = lines.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        assert_eq!(found.map(|(_, value)| value).next(), length, "{line}: {request}");
    };
    check("get-distribution-tenant --identifier dt_1", None);
    check("delete-distribution-tenant --id dt_1 --if-match E1", Some("0"));
}

#[test]
fn results_are_shown_in_the_format_asked_for() {
    let check = |more: &str, want: &str| {
        let outcome = run(&format!("{LINE} {more}"), created());
        assert_eq!((outcome.status, outcome.stdout.as_str()), (0, want), "{more}: {}", outcome.stderr);
    };
    check(
        "--output text",
        "https://x/I1\nINVALIDATION\t2024-12-05T18:40:49.413000+00:00\tI1\tInProgress\nINVALIDATIONBATCH\tr\n\
         PATHS\t2\nITEMS\t/a\nITEMS\t/b*\n",
    );
    check(
        "--query Invalidation.InvalidationBatch.Paths",
        "{\n    \"Quantity\": 2,\n    \"Items\": [\n        \"/a\",\n        \"/b*\"\n    ]\n}\n",
    );
    check("--query Invalidation.Status --output text", "InProgress\n");
    check("--output off", "");
    check("--generate-cli-skeleton output --query Invalidation.Id", "\"Id\"\n");
}

#[test]
fn inputs_come_from_many_places() {
    let folder = std::env::temp_dir().join(format!("recant-cli-inputs-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let batch = r#"{"Paths":{"Quantity":1,"Items":["/f"]},"CallerReference":"f"}"#;
    std::fs::File::create(folder.join("batch.json")).unwrap().write_all(batch.as_bytes()).unwrap();
    let check = |words: &[&str], want: &str| {
        let mut environment = environment();
        environment.working_dir.clone_from(&folder);
        let outcome = run_in(environment, words, created());
        assert_eq!(outcome.status, 0, "{words:?}: {}", outcome.stderr);
        let request = &outcome.requests[0];
        assert!(request.contains(want), "{words:?}: {request}");
    };
    let create = "create-invalidation-for-distribution-tenant";
    let input = format!("{{\"Id\":\"j\",\"InvalidationBatch\":{batch}}}");
    check(&[create, "--id", "x", "--invalidation-batch", batch], "<Path>/f</Path>");
    check(&[create, "--id", "x", "--invalidation-batch", "file://batch.json"], "<Path>/f</Path>");
    check(&[create, "--cli-input-json", &input], "tenant/j/");
    check(&[create, "--cli-input-json", &input, "--id", "wins"], "tenant/wins/");
    check(
        &["create-invalidation", "--distribution-id", "E1", "--paths", "/a", "/b"],
        "<Quantity>2</Quantity><Items><Path>/a</Path><Path>/b</Path>",
    );
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn nothing_is_sent_for_a_wrong_line() {
    let check = |line: &str, status: u8, want: &str| {
        let outcome = run(line, created());
        assert_eq!(
            (outcome.status, outcome.requests.len(), outcome.stdout.as_str()),
            (status, 0, ""),
            "{line}"
        );
        assert!(outcome.stderr.contains(want), "{line}: {}", outcome.stderr);
    };
    check(
        "create-invalidation-for-distribution-tenant",
        252,
        "the following arguments are required: --id, --invalidation-batch",
    );
    check(
        "create-invalidation-for-distribution-tenan",
        252,
        "  * create-invalidation-for-distribution-tenant",
    );
    check(&format!("{LINE} more --bogus x"), 252, "Unknown options: --bogus, x, more");
    check("get-invalidation --id I1 --distribution-id E1 --query [", 252, "Bad value for --query [");
    check(
        "create-invalidation-for-distribution-tenant --id x --invalidation-batch Paths={Items=[/a]},X=1",
        252,
        "Parameter validation failed:\nMissing required parameter in InvalidationBatch: \"CallerReference\"\n\
         Unknown parameter in InvalidationBatch: \"X\", must be one of: Paths, CallerReference\n\
         Missing required parameter in InvalidationBatch.Paths: \"Quantity\"\n",
    );
    check(
        "get-distribution --cli-input-json {\"Id\":\"\\ud83d\"}",
        255,
        "'utf-8' codec can't encode character: surrogates not allowed",
    );
    check(&format!("{LINE} --endpoint-url localhost"), 252, "scheme is missing");
    check(&format!("{LINE} --cli-read-timeout x"), 255, "invalid literal for int() with base 10: 'x'");
}

#[test]
fn a_line_may_ask_for_no_call_at_all() {
    let check = |line: &str, want: &str| {
        let outcome = run(line, created());
        assert_eq!((outcome.status, outcome.requests.len()), (0, 0), "{line}: {}", outcome.stderr);
        assert!(outcome.stdout.starts_with(want), "{line}: {}", outcome.stdout);
    };
    check("--version", "aws-cli/2.36.7 recant/");
    check(
        "delete-distribution-tenant --generate-cli-skeleton",
        "{\n    \"Id\": \"\",\n    \"IfMatch\": \"\"\n}\n",
    );
    check("help", "NAME\n       cloudfront -\n");
    check("get-invalidation help", "NAME\n       get-invalidation -\n");
    check("wait invalidation-completed help", "NAME\n       invalidation-completed -\n");
    check("sign help", "NAME\n       sign -\n");
    check("get-invalidation --generate-cli-skeleton yaml-input", "DistributionId: ''  # [REQUIRED] ");
}

#[test]
fn shortcuts_stand_for_whole_configurations() {
    let line = "create-distribution --origin-domain-name b.s3.amazonaws.com --default-root-object i.html";
    let outcome = run(line, vec![Answer::ok("<Distribution/>")]);
    assert_eq!(outcome.status, 0, "{}", outcome.stderr);
    for want in [
        "<Origins><Quantity>1</Quantity><Items><Origin><Id>b.s3.amazonaws.com-1733424049-1</Id>",
        "<S3OriginConfig><OriginAccessIdentity /></S3OriginConfig>",
        "<TargetOriginId>b.s3.amazonaws.com-1733424049-1</TargetOriginId>",
        "<DefaultRootObject>i.html</DefaultRootObject>",
    ] {
        assert!(outcome.requests[0].contains(want), "{want}: {}", outcome.requests[0]);
    }

    let known = "<DistributionConfig><CallerReference>r</CallerReference><Origins><Quantity>1</Quantity><Items><Origin>\
                 <Id>t</Id><DomainName>d</DomainName></Origin></Items></Origins>\
                 <DefaultCacheBehavior><TargetOriginId>t</TargetOriginId><ViewerProtocolPolicy>p</ViewerProtocolPolicy>\
                 </DefaultCacheBehavior><Comment>kept</Comment><Enabled>true</Enabled></DistributionConfig>";
    let outcome = run(
        "update-distribution --id E1 --default-root-object i.html",
        vec![Answer::ok(known), Answer::ok("<Distribution/>")],
    );
    assert_eq!((outcome.status, outcome.requests.len()), (0, 2), "{}", outcome.stderr);
    assert!(
        outcome.requests[0].starts_with("GET /2020-05-31/distribution/E1/config "),
        "{}",
        outcome.requests[0]
    );
    for want in ["<Comment>kept</Comment>", "<DefaultRootObject>i.html</DefaultRootObject>"] {
        assert!(outcome.requests[1].contains(want), "{want}: {}", outcome.requests[1]);
    }
}
