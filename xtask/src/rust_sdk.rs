//! `cargo xtask rust-sdk`: the AWS SDK for Rust, in a workspace of its own, against a `recant serve` of this one.
//!
//! Not part of `cargo xtask test`: the SDK and what it needs take longer to build than all of Recant.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::workspace::{cargo, perform, root};

const CLIENT: &str = "clients/rust-sdk/Cargo.toml";
/// How long `recant serve` may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the chore; it takes no arguments.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    ensure!(arguments.is_empty(), "usage: cargo xtask rust-sdk");
    let target = root().join("target/rust-sdk");
    perform(&mut cargo(&["build", "--package", "recant"]))?;
    perform(cargo(&["build", "--locked", "--manifest-path", CLIENT, "--target-dir"]).arg(&target))?;

    let data_dir = target.join("data");
    if data_dir.exists() {
        fs::remove_dir_all(&data_dir).with_context(|| data_dir.display().to_string())?;
    }
    let recant = root().join("target/debug/recant");
    let log = target.join("serve.log");
    let mut serve = Serve::start(&recant, &data_dir, &log)?;
    serve.until_listening(&data_dir)?;
    let mut client = Command::new(target.join("debug/rust-sdk-life"));
    for (name, value) in environment(&recant, &data_dir)? {
        client.env(name, value);
    }
    perform(&mut client).with_context(|| format!("what recant serve saw is in {}", log.display()))?;
    eprintln!("the AWS SDK for Rust: ok");
    Ok(())
}

/// What `recant env` says, as names and values.
fn environment(recant: &Path, data_dir: &Path) -> Result<Vec<(String, String)>> {
    let output = Command::new(recant).arg("env").arg("--data-dir").arg(data_dir).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout)?;
    let line = |line: &str| {
        let (name, value) = line.strip_prefix("export ")?.split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    };
    text.lines().map(|text| line(text).with_context(|| format!("recant env said {text:?}"))).collect()
}

/// A running `recant serve`; it ends with this value.
struct Serve(Child);

impl Serve {
    fn start(recant: &Path, data_dir: &Path, log: &Path) -> Result<Self> {
        let log = File::create(log).with_context(|| log.display().to_string())?;
        let mut serve = Command::new(recant);
        serve.args(["serve", "--api=127.0.0.1:0", "--viewer=127.0.0.1:0", "--data-dir"]).arg(data_dir);
        serve.stdout(log.try_clone()?).stderr(log);
        Ok(Self(serve.spawn().with_context(|| format!("starting {serve:?}"))?))
    }

    fn until_listening(&mut self, data_dir: &Path) -> Result<()> {
        let start = Instant::now();
        while !data_dir.join("addresses.json").exists() {
            if let Some(status) = self.0.try_wait()? {
                bail!("recant serve ended: {status}");
            }
            ensure!(start.elapsed() < PATIENCE, "recant serve does not listen");
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        // Best effort: there is nobody to tell.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
