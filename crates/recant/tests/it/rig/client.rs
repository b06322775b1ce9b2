//! The clients: the unmodified AWS CLI, our own, Python with boto3, and Node with the AWS SDK for JavaScript.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use super::{RECANT, Serve, until};

/// A program that takes `cloudfront …` lines.
pub(crate) struct Client {
    program: PathBuf,
    environment: Vec<(String, String)>,
    /// What its lines begin with.
    leading: Vec<String>,
    /// The status it ends with when the service refuses: 255 in version 1 of the AWS CLI, 254 since version 2.
    refused: i32,
}

/// What a client said, and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Client {
    /// The AWS CLI as PyPI has it.
    pub(crate) fn aws(serve: &Serve) -> Self {
        Self { refused: 255, ..Self::named(installed("RECANT_AWS"), serve) }
    }

    /// Version 2 of the AWS CLI as Debian has it, with today's models: it does not read the variable that says where the API is.
    pub(crate) fn aws_v2(serve: &Serve) -> Self {
        let mut client = Self::named(installed("RECANT_AWS_V2"), serve);
        let models = installed("RECANT_AWS_V2_MODELS").display().to_string();
        client
            .environment
            .extend([("AWS_DATA_PATH".to_owned(), models), ("AWS_PAGER".to_owned(), String::new())]);
        client.leading = vec!["--endpoint-url".to_owned(), format!("http://{}", serve.api)];
        client
    }

    /// `recant` itself.
    pub(crate) fn recant(serve: &Serve) -> Self {
        Self::named(RECANT.into(), serve)
    }

    fn named(program: PathBuf, serve: &Serve) -> Self {
        Self { program, environment: serve.env(), leading: Vec::new(), refused: 254 }
    }

    /// Runs `PROGRAM cloudfront WORD…`.
    pub(crate) fn run(&self, words: &[&str]) -> Said {
        Said::of(command(&self.program, &self.environment).args(&self.leading).arg("cloudfront").args(words))
    }

    /// `PROGRAM invalidate WORD…`, ready to be run.
    pub(crate) fn invalidate(&self, words: &[&str]) -> Command {
        let mut command = command(&self.program, &self.environment);
        command.arg("invalidate").args(words);
        command
    }

    /// `PROGRAM WORD…`, ready to be run: a command of Recant's own.
    pub(crate) fn own(&self, words: &[&str]) -> Command {
        let mut command = command(&self.program, &self.environment);
        command.args(words);
        command
    }

    /// The same client with other settings.
    pub(crate) fn with(&self, settings: &[(&str, &str)]) -> Self {
        let mut environment = self.environment.clone();
        environment.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let (program, leading) = (self.program.clone(), self.leading.clone());
        Self { program, environment, leading, refused: self.refused }
    }

    /// Runs a command that must succeed; gives its output, which is JSON or nothing.
    #[track_caller]
    pub(crate) fn ok(&self, words: &[&str]) -> Value {
        let said = self.run(words);
        assert_eq!(said.status, 0, "{words:?}: {said:?}");
        if said.stdout.is_empty() { Value::Null } else { serde_json::from_str(&said.stdout).unwrap() }
    }

    /// Runs a command that the service must refuse with this code.
    #[track_caller]
    pub(crate) fn refused(&self, words: &[&str], code: &str) {
        let said = self.run(words);
        assert_eq!(said.status, self.refused, "{words:?}: {said:?}");
        assert!(said.stderr.contains(&format!("An error occurred ({code}) when calling the ")), "{said:?}");
    }
}

impl Said {
    /// Runs a command to its end.
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self {
            status: output.status.code().unwrap_or(-1),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

/// Waits until an invalidation has completed, by our own client, which starts fast.
#[track_caller]
pub(crate) fn completed(serve: &Serve, tenant: &str, id: &str) {
    let words = ["get-invalidation-for-distribution-tenant", "--distribution-tenant-id", tenant, "--id", id];
    let status = || Client::recant(serve).ok(&words)["Invalidation"]["Status"].clone();
    until("the invalidation has completed", || (status() == "Completed").then_some(()));
}

/// Python with boto3, with nothing of this machine's settings but what is given.
pub(crate) fn python(environment: &[(String, String)]) -> Command {
    command(&installed("RECANT_PYTHON"), environment)
}

/// Node with the AWS SDK for JavaScript, with nothing of this machine's settings but what is given.
pub(crate) fn node(environment: &[(String, String)]) -> Command {
    let mut command = command(&"node".into(), environment);
    command.env("NODE_PATH", installed("RECANT_NODE_PATH"));
    command
}

/// Nothing of the developer's own AWS settings may reach a test.
fn command(program: &PathBuf, environment: &[(String, String)]) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .envs(env::var_os("PATH").map(|path| ("PATH", path)))
        .env("HOME", "/nonexistent")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .envs(environment.iter().map(|(name, value)| (name, value)));
    command
}

fn installed(variable: &str) -> PathBuf {
    match env::var_os(variable) {
        Some(program) => program.into(),
        None => panic!(
            "{variable} is not set. These tests drive the real AWS CLI and AWS SDKs: run `cargo xtask test`, which \
             installs them into .venv and .node and says where they are."
        ),
    }
}
