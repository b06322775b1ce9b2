//! One call: what goes over the wire and what is shown.

use std::io::Write as _;

use recant_cli::ScriptedEnvironment;

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
    let outfile = run("get-function help", created());
    assert!(outfile.stdout.contains("       <outfile>\n"), "{}", outfile.stdout);
    assert!(!outfile.stdout.contains("FunctionCode ->"), "{}", outfile.stdout);
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
        vec![
            Answer::Reply(200, vec![("ETag", "E2".to_owned())], known.to_owned()),
            Answer::ok("<Distribution/>"),
        ],
    );
    assert_eq!((outcome.status, outcome.requests.len()), (0, 2), "{}", outcome.stderr);
    assert!(
        outcome.requests[0].starts_with("GET /2020-05-31/distribution/E1/config "),
        "{}",
        outcome.requests[0]
    );
    for want in
        ["if-match: E2\r\n", "<Comment>kept</Comment>", "<DefaultRootObject>i.html</DefaultRootObject>"]
    {
        assert!(outcome.requests[1].contains(want), "{want}: {}", outcome.requests[1]);
    }

    // Without it the AWS CLI stumbles, in Python's words.
    let outcome = run("update-distribution --id E1 --default-root-object i.html", vec![Answer::ok(known)]);
    assert_eq!((outcome.status, outcome.requests.len()), (255, 1));
    assert_eq!(outcome.stderr, "\naws: [ERROR]: 'ETag'\n");
}

#[test]
fn a_functions_code_goes_to_the_file_named() {
    let folder = std::env::temp_dir().join(format!("recant-cli-outfile-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let surroundings = ScriptedEnvironment { working_dir: folder.clone(), ..environment() };
    let code = Answer::Reply(
        200,
        vec![("ETag", "E1".to_owned()), ("Content-Type", "text/plain".to_owned())],
        "code \u{e9}".to_owned(),
    );
    let words = ["get-function", "--name", "f", "code.js"];
    let outcome = run_in(surroundings, &words, vec![code.clone()]);
    assert_eq!((outcome.status, outcome.stderr.as_str()), (0, ""));
    assert_eq!(outcome.stdout, "{\n    \"ETag\": \"E1\",\n    \"ContentType\": \"text/plain\"\n}\n");
    assert_eq!(std::fs::read_to_string(folder.join("code.js")).unwrap(), "code \u{e9}");
    std::fs::remove_dir_all(&folder).unwrap();

    let check = |line: &str, status: u8, want: &str| {
        let outcome = run(line, vec![code.clone()]);
        assert_eq!(outcome.status, status, "{line}");
        assert!(outcome.stderr.contains(want), "{line}: {}", outcome.stderr);
    };
    check("get-function", 252, "the following arguments are required: --name, outfile\n");
    check("get-function --name f --generate-cli-skeleton", 252, "are required: outfile\n");
    check("get-function --name f a b", 252, "Unknown options: b\n");
    check("get-function --name f a", 255, "[Errno 2] No such file or directory: 'a'\n");
    check("get-function --name f --cli-input-json {} a", 252, "Unknown options: --cli-input-json, a\n");
}

#[test]
fn headers_of_the_operation_are_signed() {
    let line = "update-trust-store --id t --if-match E --use-client-certificate-ocsp-endpoint \
                --ca-certificates-bundle-source CaCertificatesBundleS3Location={Bucket=b,Key=k,Region=r}";
    let outcome = run(line, vec![Answer::ok("<TrustStore/>")]);
    assert_eq!(outcome.status, 0, "{}", outcome.stderr);
    let want = "SignedHeaders=host;if-match;useclientcertificateocspendpoint;x-amz-date,";
    assert!(outcome.requests[0].contains(want), "{}", outcome.requests[0]);
}

#[test]
fn a_sample_that_does_not_fit_its_own_shape_is_refused() {
    let outcome = run("get-distribution-config --id x --generate-cli-skeleton output", created());
    let want = "Invalid length for parameter DistributionConfig.OriginGroups.Items[0].Members.Items, value: 1, \
                valid min length: 2";
    assert_eq!((outcome.status, outcome.requests.len()), (252, 0));
    assert!(outcome.stderr.contains(want), "{}", outcome.stderr);
}
