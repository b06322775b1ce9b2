//! The gate and other chores: `cargo xtask gate`.

#![expect(clippy::print_stderr, reason = "chores tell their reader what they do")]

use std::process::ExitCode;

use anyhow::anyhow;

mod api_model;
mod bench;
mod crash;
mod debian;
mod differ;
mod gate;
mod licences;
mod python;
mod rust_sdk;
mod shape;
mod test;
mod workspace;

const USAGE: &str = "usage: cargo xtask CHORE

  test [ARGUMENT…]     all tests; the arguments go to cargo test
  gate [--no-test]     all that must hold before a change is taken in
  bench [PART…]        what it costs: rules, memory, invalidation, creates, pages,
                       completion, hits, command
  crash [OPTION…]      kills a plane under load, --cycles N times, with --seed S, and looks for what was lost
  differ [OPTION…]     random calls by an AWS CLI v2 and by Recant, and where they differ; needs Debian's awscli
  rust-sdk             the AWS SDK for Rust against recant serve; takes minutes to build
  api-model [--check]  writes the table of CloudFront's API from the public botocore package";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (chore, rest) = arguments.split_first().map_or(("", &[][..]), |(chore, rest)| (chore.as_str(), rest));
    let result = match chore {
        "api-model" => api_model::run(rest),
        "bench" => bench::run(rest),
        "crash" => crash::run(rest),
        "differ" => differ::run(rest),
        "gate" => gate::run(rest),
        "rust-sdk" => rust_sdk::run(rest),
        "test" => test::run(rest),
        _ => Err(anyhow!(USAGE)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
