//! Whole command lines against a scripted server on this machine.
#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod all_tenants;
mod calls;
mod cloud;
mod credentials;
mod failures;
mod files;
mod invalidate;
mod pages;
mod server;
mod waits;

use std::time::{Duration, SystemTime};

use recant_cli::ScriptedEnvironment;

use crate::server::{Answer, Server};

/// What one command line did.
struct Outcome {
    status: u8,
    stdout: String,
    stderr: String,
    requests: Vec<String>,
    slept: Vec<Duration>,
}

/// An environment with a key, a region and nothing else; the clock stands at 2024-12-05T18:40:49Z.
fn environment() -> ScriptedEnvironment {
    ScriptedEnvironment {
        now: SystemTime::UNIX_EPOCH + Duration::from_secs(1_733_424_049),
        ..ScriptedEnvironment::new([
            ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            ("AWS_REGION", "us-east-1"),
        ])
    }
}

/// Runs a line (words separated by blanks; `cloudfront` and the endpoint are added) against these answers.
fn run(line: &str, answers: Vec<Answer>) -> Outcome {
    let words: Vec<&str> = line.split_whitespace().collect();
    run_in(environment(), &words, answers)
}

/// The same with the words apart, in an environment of one's own.
fn run_in(mut environment: ScriptedEnvironment, words: &[&str], answers: Vec<Answer>) -> Outcome {
    let server = Server::start(answers);
    let endpoint = server.endpoint();
    environment.vars.entry("AWS_ENDPOINT_URL".to_owned()).or_insert(endpoint);
    let words = std::iter::once("cloudfront").chain(words.iter().copied()).map(Into::into);
    let status = recant_cli::run(words, &mut environment);
    Outcome {
        status,
        stdout: String::from_utf8(environment.stdout).unwrap(),
        stderr: String::from_utf8(environment.stderr).unwrap(),
        requests: server.requests(),
        slept: environment.slept,
    }
}
