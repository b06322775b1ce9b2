//! What one create costs as a process: `recant cloudfront …` beside PyPI's AWS CLI, version 1, on the same plane.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::resource::{UsageWho, getrusage};
use serde_json::{Value, json};

use crate::api::REGION;
use crate::origin::Origin;
use crate::processes::{PlaneProcess, RECANT, folder};
use crate::statistics::{Rounds, rounds};

/// The word by which this program is started again to measure one command: the system keeps the peak memory of all
/// children together, so each command gets a parent of its own.
pub(crate) const SPEND: &str = "spend";

/// Where the AWS CLI is, as the tests have it too.
const AWS: &str = "RECANT_AWS";
const ROUNDS: usize = 15;
const TIME: Duration = Duration::from_secs(40);

/// Measures and prints.
pub(crate) fn run() -> Result<()> {
    println!("\nprocess of create-invalidation-for-distribution-tenant");
    let folder = folder()?;
    let plane = PlaneProcess::start(folder.path(), "plane")?;
    let tenant = plane.client()?.make_tenant("bench.example", Origin::start()?.address)?;
    let aws = env::var_os(AWS).map(PathBuf::from).filter(|path| path.exists());
    let (mut ours, mut theirs) = (Spending::default(), Spending::default());
    // The first round warms what the system keeps of the programs' files, and is not counted.
    for round in rounds(1 + ROUNDS, TIME) {
        let recant = spent(Path::new(RECANT), &plane, &tenant, &format!("recant-{round}"))?;
        let aws = aws.as_ref().map(|aws| spent(aws, &plane, &tenant, &format!("aws-{round}"))).transpose()?;
        if round > 0 {
            ours.add(&recant)?;
            aws.map(|aws| theirs.add(&aws)).transpose()?;
        }
    }
    println!("  medians of {} runs", ours.wall.len());
    println!("  {:<20}{:>26}{:>26}{:>26}", "", "wall, ms", "processor, ms", "peak memory, MiB");
    ours.print("recant");
    let Some(aws) = aws else {
        println!("  aws: missing; `cargo xtask test` installs it");
        return Ok(());
    };
    theirs.print(&version(&aws));
    let columns = [(&theirs.wall, &ours.wall), (&theirs.cpu, &ours.cpu), (&theirs.peak, &ours.peak)];
    let cells = columns.map(|(theirs, ours)| format!("{:>26}", Rounds::ratio(theirs, ours)));
    println!("  {:<20}{}", "aws over recant", cells.concat());
    Ok(())
}

/// Runs the command, and prints as JSON what it cost.
pub(crate) fn spend(command: &[String]) -> ExitCode {
    match spend_on(command) {
        Ok(spent) => {
            println!("{spent}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn spend_on(command: &[String]) -> Result<Value> {
    let [program, words @ ..] = command else { anyhow::bail!("no command") };
    let start = Instant::now();
    let output = Command::new(program).args(words).stdin(Stdio::null()).output()?;
    let wall = start.elapsed();
    ensure!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let micros =
        [usage.user_time(), usage.system_time()].map(|time| time.tv_sec() * 1_000_000 + time.tv_usec());
    Ok(json!({
        "wall": wall.as_secs_f64() * 1e3,
        "cpu": micros.iter().sum::<i64>() as f64 / 1e3,
        // Linux counts it in KiB.
        "peak": usage.max_rss() as f64 / 1024.0,
    }))
}

/// What one create by this program cost.
fn spent(program: &Path, plane: &PlaneProcess, tenant: &str, caller_reference: &str) -> Result<Value> {
    let batch = json!({"Paths": {"Quantity": 1, "Items": ["/a"]}, "CallerReference": caller_reference});
    let output = Command::new(env::current_exe()?)
        .arg(SPEND)
        .arg(program)
        .args(["cloudfront", "create-invalidation-for-distribution-tenant", "--id", tenant])
        .args([
            "--invalidation-batch",
            &batch.to_string(),
            "--endpoint-url",
            &format!("http://{}", plane.api),
        ])
        .env_clear()
        .envs(env::var_os("PATH").map(|path| ("PATH", path)))
        .env("HOME", &plane.data_dir)
        .env("AWS_ACCESS_KEY_ID", &plane.credentials.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &plane.credentials.secret_access_key)
        .env("AWS_DEFAULT_REGION", REGION)
        .output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).context("what was spent")
}

fn version(aws: &Path) -> String {
    let output = Command::new(aws).arg("--version").output().map(|output| output.stdout).unwrap_or_default();
    let text = String::from_utf8_lossy(&output);
    text.split_whitespace().next().unwrap_or("aws").to_owned()
}

/// What some rounds cost.
#[derive(Default)]
struct Spending {
    wall: Vec<f64>,
    cpu: Vec<f64>,
    peak: Vec<f64>,
}

impl Spending {
    fn add(&mut self, spent: &Value) -> Result<()> {
        let columns = [("wall", &mut self.wall), ("cpu", &mut self.cpu), ("peak", &mut self.peak)];
        for (name, column) in columns {
            column.push(spent[name].as_f64().with_context(|| format!("no {name} in {spent}"))?);
        }
        Ok(())
    }

    fn print(&self, name: &str) {
        let cells = [&self.wall, &self.cpu, &self.peak]
            .map(|column| format!("{:>26}", Rounds::of(column.iter().copied())));
        println!("  {name:<20}{}", cells.concat());
    }
}
