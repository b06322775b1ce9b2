//! What a command line costs as a process: `recant cloudfront …` beside the AWS CLI, both as PyPI has it (version 1) and as
//! Debian has it (version 2, told about tenants by the model of PyPI's botocore), on the same plane.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use nix::sys::resource::{UsageWho, getrusage};
use serde_json::{Value, json};

use crate::api::REGION;
use crate::models;
use crate::origin::Origin;
use crate::processes::{PlaneProcess, RECANT, folder};
use crate::statistics::{Rounds, rounds};

/// The word by which this program is started again to measure one command: the system keeps the peak memory of all
/// children together, so each command gets a parent of its own.
pub(crate) const SPEND: &str = "spend";

/// Where PyPI's AWS CLI is, as the tests have it too.
const PYPI: &str = "RECANT_AWS";
/// Where Debian's package puts its own.
const DEBIAN: &str = "/usr/bin/aws";
const ROUNDS: usize = 15;
const TIME: Duration = Duration::from_secs(60);

const CREATE: &str = "create-invalidation-for-distribution-tenant";

/// A command line, with the caller reference of its round where it creates something.
type Line = fn(&PlaneProcess, &str, &str) -> Vec<String>;

/// What is asked of each program.
const LINES: &[(&str, Line)] = &[
    (CREATE, create),
    ("--generate-cli-skeleton", skeleton),
    ("--version", |_, _, _| words(&["--version"])),
];

fn create(plane: &PlaneProcess, tenant: &str, caller_reference: &str) -> Vec<String> {
    let batch = json!({"Paths": {"Quantity": 1, "Items": ["/a"]}, "CallerReference": caller_reference});
    let (batch, endpoint) = (batch.to_string(), format!("http://{}", plane.api));
    words(&[
        "cloudfront",
        CREATE,
        "--id",
        tenant,
        "--invalidation-batch",
        &batch,
        "--endpoint-url",
        &endpoint,
    ])
}

fn skeleton(_: &PlaneProcess, _: &str, _: &str) -> Vec<String> {
    words(&["cloudfront", CREATE, "--generate-cli-skeleton"])
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// One of the programs, and what its rounds have cost.
struct Contender {
    name: String,
    program: PathBuf,
    /// Where it finds the model that it does not bring along.
    models: Option<PathBuf>,
    spending: Spending,
}

/// Measures and prints.
pub(crate) fn run() -> Result<()> {
    let folder = folder()?;
    let plane = PlaneProcess::start(folder.path(), "plane")?;
    let tenant = plane.client()?.make_tenant("bench.example", Origin::start()?.address)?;
    let mut missing = Vec::new();
    let mut contenders = contenders(folder.path(), &mut missing);
    for (name, line) in LINES {
        println!("\nprocess of {name}");
        let start = Instant::now();
        // The first round warms what the system keeps of the programs' files, and is not counted.
        for round in rounds(1 + ROUNDS, TIME / 3) {
            for contender in &mut contenders {
                let caller_reference = format!("{}-{round}", contender.name);
                let spent = spent(contender, &plane, &line(&plane, &tenant, &caller_reference))
                    .with_context(|| format!("{} {name}", contender.name))?;
                if round > 0 {
                    contender.spending.add(&spent)?;
                }
            }
        }
        print(&mut contenders, start.elapsed());
        for missing in &missing {
            println!("  {missing}");
        }
    }
    Ok(())
}

/// Prints a table, and starts the next one.
fn print(contenders: &mut [Contender], time: Duration) {
    let Some((ours, theirs)) = contenders.split_first_mut() else { return };
    println!("  medians of {} alternated runs in {:.0} s", ours.spending.wall.len(), time.as_secs_f64());
    println!("  {:<26}{:>26}{:>26}{:>26}", "", "wall, ms", "processor, ms", "peak memory, MiB");
    ours.spending.print(&ours.name);
    let our = std::mem::take(&mut ours.spending);
    for contender in theirs {
        contender.spending.print(&contender.name);
        let their = std::mem::take(&mut contender.spending);
        let columns = [(&their.wall, &our.wall), (&their.cpu, &our.cpu), (&their.peak, &our.peak)];
        let cells = columns.map(|(their, our)| format!("{:>26}", Rounds::ratio(their, our)));
        println!("  {:<26}{}", "  over recant", cells.concat());
    }
}

/// Recant first, then what there is to compare it with.
fn contenders(folder: &Path, missing: &mut Vec<String>) -> Vec<Contender> {
    let contender = |name: String, program: &Path, models| Contender {
        name,
        program: program.to_owned(),
        models,
        spending: Spending::default(),
    };
    let mut all = vec![contender("recant".to_owned(), Path::new(RECANT), None)];
    let pypi = env::var_os(PYPI).map(PathBuf::from).filter(|path| path.exists());
    match &pypi {
        Some(pypi) => all.push(contender(format!("{}, PyPI", version(pypi)), pypi, None)),
        None => missing.push("PyPI's aws: missing; `cargo xtask test` installs it".to_owned()),
    }
    let debian = Path::new(DEBIAN);
    match (debian.exists(), &pypi) {
        (false, _) => missing.push("Debian's aws: missing; its package is awscli".to_owned()),
        (true, None) => {
            missing.push("Debian's aws: its model is that of PyPI's botocore, which is missing".to_owned());
        }
        (true, Some(pypi)) => match models::unpacked(pypi, &folder.join("models")) {
            Ok(models) => all.push(contender(format!("{}, Debian", version(debian)), debian, Some(models))),
            Err(why) => missing.push(format!("Debian's aws: no model for it: {why:#}")),
        },
    }
    all
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

/// What one run of this command line cost.
fn spent(contender: &Contender, plane: &PlaneProcess, line: &[String]) -> Result<Value> {
    let mut command = Command::new(env::current_exe()?);
    command.arg(SPEND).arg(&contender.program).args(line).env_clear();
    let output = command
        .envs(env::var_os("PATH").map(|path| ("PATH", path)))
        .envs(contender.models.as_ref().map(|models| ("AWS_DATA_PATH", models)))
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
        println!("  {name:<26}{}", cells.concat());
    }
}
