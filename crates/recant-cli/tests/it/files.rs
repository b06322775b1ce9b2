//! The shared files: profiles, credentials, endpoints.

use crate::server::Answer;
use crate::{environment, run_in};

#[test]
fn the_profile_decides() {
    let folder = std::env::temp_dir().join(format!("recant-cli-files-{}", std::process::id()));
    std::fs::create_dir_all(folder.join(".aws")).unwrap();
    std::fs::write(
        folder.join(".aws/config"),
        "[default]\noutput = text\n[profile dev]\nregion = eu-west-1\nservices = s\n[services s]\ncloudfront =\n  endpoint_url = http://127.0.0.1:1/unused\n",
    )
    .unwrap();
    std::fs::write(
        folder.join(".aws/credentials"),
        "[default]\naws_access_key_id = AKIDFILE\naws_secret_access_key = s\n\
         [dev]\naws_access_key_id = AKIDDEV\naws_secret_access_key = s\naws_session_token = token\n",
    )
    .unwrap();
    let check = |words: &[&str], with_key: bool, wanted: &[&str], stdout: &str| {
        let mut environment = environment();
        environment.vars.insert("HOME".to_owned(), folder.display().to_string());
        environment.vars.remove("AWS_REGION");
        if !with_key {
            environment.vars.remove("AWS_ACCESS_KEY_ID");
        }
        let words = [words, &["get-invalidation", "--distribution-id", "E1", "--id", "I1"]].concat();
        let outcome =
            run_in(environment, &words, vec![Answer::ok("<Invalidation><Id>I1</Id></Invalidation>")]);
        assert_eq!((outcome.status, outcome.stdout.as_str()), (0, stdout), "{words:?}: {}", outcome.stderr);
        for wanted in wanted {
            assert!(outcome.requests[0].contains(wanted), "{words:?} {wanted}: {}", outcome.requests[0]);
        }
    };
    let region = ["--region", "us-east-2"];
    check(&region, true, &["Credential=AKIDEXAMPLE/20241205/us-east-2/"], "INVALIDATION\tI1\n");
    check(&region, false, &["Credential=AKIDFILE/"], "INVALIDATION\tI1\n");
    // Named by option, the profile's key goes before the environment's.
    let json = "{\n    \"Invalidation\": {\n        \"Id\": \"I1\"\n    }\n}\n";
    check(
        &["--profile", "dev"],
        true,
        &["Credential=AKIDDEV/20241205/eu-west-1/", "x-amz-security-token: token"],
        json,
    );
    std::fs::remove_dir_all(&folder).unwrap();
}
