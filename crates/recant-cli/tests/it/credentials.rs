//! Credentials that end: of a sign-in, and of a program.

use std::path::PathBuf;

use recant_cli::ScriptedEnvironment;

use crate::server::{Answer, Server};
use crate::{environment, run_in};

/// A home with these files, gone with the test.
struct Home(PathBuf);

impl Home {
    fn with(name: &str, files: &[(&str, &str)]) -> Self {
        let folder = std::env::temp_dir().join(format!("recant-cli-{name}-{}", std::process::id()));
        for (path, text) in files {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Self(folder)
    }

    fn environment(&self) -> ScriptedEnvironment {
        let mut environment = environment();
        environment.vars.insert("HOME".to_owned(), self.0.display().to_string());
        environment.vars.remove("AWS_ACCESS_KEY_ID");
        environment.working_dir = self.0.clone();
        environment
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const CONFIG: &str = "[default]\nsso_session = s\nsso_account_id = 123456789012\nsso_role_name = r\n\
     [sso-session s]\nsso_start_url = https://start.example\nsso_region = us-east-1\n";
/// The SHA-1 of the session's name.
const TOKEN: &str = ".aws/sso/cache/a0f1490a20d0211c997b44bc357e1972deab8ae3.json";

/// A token that ends then; it is 18:40:49.
fn token(ends: &str) -> String {
    format!(
        "{{\"accessToken\": \"old\", \"expiresAt\": \"2024-12-05T{ends}Z\", \"clientId\": \"c\", \
         \"clientSecret\": \"s\", \"refreshToken\": \"r1\", \"registrationExpiresAt\": \"2024-12-09T00:00:00Z\"}}"
    )
}

#[test]
fn a_token_that_ends_soon_is_renewed_and_kept() {
    let check = |ends: &str, renewal: Option<Answer>, used: &str, kept: &str| {
        let home = Home::with("sso", &[(".aws/config", CONFIG), (TOKEN, &token(ends))]);
        let credentials = Answer::ok(
            "{\"roleCredentials\": {\"accessKeyId\": \"ASIA1\", \"secretAccessKey\": \"s\", \"sessionToken\": \"t\", \
             \"expiration\": 1733999999000}}",
        );
        let result = Answer::ok("<Invalidation><Id>I1</Id></Invalidation>");
        let answers: Vec<Answer> = renewal.into_iter().chain([credentials, result]).collect();
        let words = ["get-invalidation", "--distribution-id", "E1", "--id", "I1"];
        let outcome = run_in(home.environment(), &words, answers);
        assert_eq!(outcome.status, 0, "{ends}: {}", outcome.stderr);
        let asked = outcome.requests.iter().find(|request| request.contains("/federation/credentials"));
        assert!(asked.unwrap().contains(&format!("x-amz-sso_bearer_token: {used}\r\n")), "{ends}: {asked:?}");
        let text = std::fs::read_to_string(home.0.join(TOKEN)).unwrap();
        assert!(text.contains(kept), "{ends}: {text}");
    };
    let renewed = Answer::ok("{\"accessToken\": \"new\", \"expiresIn\": 3600, \"refreshToken\": \"r2\"}");
    let refused = Answer::error(400, "InvalidGrantException", "No.");
    check("19:00:00", None, "old", "\"r1\"");
    check("18:50:00", Some(renewed.clone()), "new", "\"r2\"");
    check("18:40:00", Some(renewed), "new", "\"expiresAt\": \"2024-12-05T19:40:49Z\"");
    check("18:50:00", Some(refused), "old", "\"r1\"");
}

#[test]
fn a_command_asks_for_credentials_again_before_they_end() {
    let program = "n=$(cat \"$0.n\" 2>/dev/null || echo 0); echo $((n + 1)) > \"$0.n\"\n\
         echo \"{\\\"Version\\\": 1, \\\"AccessKeyId\\\": \\\"AKID$n\\\", \\\"SecretAccessKey\\\": \\\"s\\\", \
         \\\"SessionToken\\\": \\\"t\\\", \\\"Expiration\\\": \\\"2024-12-05T$(cat \"$0.ends\")Z\\\"}\"\n";
    let page = |marker: &str| {
        Answer::ok(&format!(
            "<ListDistributionTenantsResult>{marker}<DistributionTenantList/></ListDistributionTenantsResult>"
        ))
    };
    let check = |ends: &str, keys: [&str; 2]| {
        let home = Home::with("process", &[("program", program), ("program.ends", ends)]);
        let config =
            format!("[default]\ncredential_process = /bin/sh {}\n", home.0.join("program").display());
        std::fs::create_dir_all(home.0.join(".aws")).unwrap();
        std::fs::write(home.0.join(".aws/config"), config).unwrap();
        let answers = vec![page("<NextMarker>m</NextMarker>"), page("")];
        let outcome = run_in(home.environment(), &["list-distribution-tenants"], answers);
        assert_eq!(outcome.status, 0, "{ends}: {}", outcome.stderr);
        for (request, key) in outcome.requests.iter().zip(keys) {
            assert!(request.contains(&format!("Credential={key}/")), "{ends} {key}: {request}");
        }
    };
    check("19:00:00", ["AKID0", "AKID0"]);
    check("18:52:00", ["AKID1", "AKID2"]);
}

/// What an instance's metadata service says of a token: which version it is of, or that the question is bad.
#[test]
fn an_instance_s_credentials_are_asked_for_in_the_version_that_it_knows() {
    const ROLE: &str = "GET /latest/meta-data/iam/security-credentials/r ";
    let check = |token: &[u16], tokens: usize, version: Option<u32>| {
        let statuses = token.to_vec();
        let server = Server::answering(move |step, request| match request.split(' ').nth(1).unwrap() {
            "/latest/api/token" => {
                Answer::Reply(statuses[step.min(statuses.len() - 1)], Vec::new(), "TOKEN".to_owned())
            }
            "/latest/meta-data/iam/security-credentials/" => Answer::ok("r"),
            "/latest/meta-data/iam/security-credentials/r" => Answer::ok(
                r#"{"AccessKeyId": "ASIA1", "SecretAccessKey": "s", "Token": "t", "Expiration": "2024-12-09T00:00:00Z"}"#,
            ),
            _ => Answer::ok("<Invalidation><Id>I1</Id></Invalidation>"),
        });
        let mut environment = environment();
        environment.vars.remove("AWS_ACCESS_KEY_ID");
        for (name, value) in [
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.endpoint()),
            ("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "2".to_owned()),
            ("AWS_ENDPOINT_URL", server.endpoint()),
        ] {
            environment.vars.insert(name.to_owned(), value);
        }
        let words = ["cloudfront", "get-invalidation", "--distribution-id", "E1", "--id", "I1"];
        let status = recant_cli::run(words.into_iter().map(Into::into), &mut environment);
        assert_eq!(status, if version.is_some() { 0 } else { 253 }, "{token:?}");
        let requests = server.requests();
        let asked = |start: &str| requests.iter().filter(|request| request.starts_with(start)).count();
        assert_eq!(asked("PUT /latest/api/token "), tokens, "{token:?}");
        let role = requests.iter().find(|request| request.starts_with(ROLE));
        let used =
            role.map(|request| if request.contains("x-aws-ec2-metadata-token: TOKEN") { 2 } else { 1 });
        assert_eq!(used, version, "{token:?}");
    };
    check(&[200], 1, Some(2));
    check(&[503, 200], 2, Some(2));
    check(&[404], 1, Some(1));
    check(&[403], 1, Some(1));
    check(&[503], 2, Some(1));
    check(&[400], 1, None);
}
