//! Programs that only Debian's packages have: found, or installed where that is allowed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::workspace::{perform, root};

/// Makes the models of an older AWS CLI of those of a newer botocore, which compresses them.
const COPY_MODELS: &str = "
import botocore, gzip, pathlib, sys
service = 'cloudfront/2020-05-31'
target = pathlib.Path(sys.argv[1]) / service
target.mkdir(parents=True, exist_ok=True)
for file in (pathlib.Path(botocore.__file__).parent / 'data' / service).iterdir():
    content = file.read_bytes()
    content = gzip.decompress(content) if file.suffix == '.gz' else content
    (target / file.name.removesuffix('.gz')).write_bytes(content)
";

/// The folder of PostgreSQL's programs, the newest if there are several.
///
/// The cluster that the package makes is not used: the tests start servers of their own.
pub(crate) fn postgres() -> Result<PathBuf> {
    if let Some(given) = std::env::var_os("RECANT_POSTGRES") {
        return Ok(given.into());
    }
    if let Some(found) = installed_postgres() {
        return Ok(found);
    }
    let hint = "the store's tests need PostgreSQL's server programs: install the package postgresql, or say in RECANT_POSTGRES where they are";
    install("postgresql").context(hint)?;
    installed_postgres().context(hint)
}

/// Where Debian's packages put the programs of each version.
fn installed_postgres() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let programs =
        versions.map(|version| version.path().join("bin")).filter(|bin| bin.join("initdb").exists());
    programs.max()
}

/// Version 2 of the AWS CLI, and a folder with today's models of CloudFront for it, from the botocore of these programs.
pub(crate) fn aws(clients: &Path) -> Result<(PathBuf, PathBuf)> {
    let program = std::env::var_os("RECANT_AWS_V2").map_or_else(|| "/usr/bin/aws".into(), PathBuf::from);
    let hint = "the tests need version 2 of the AWS CLI: install the package awscli, or say in RECANT_AWS_V2 where it is";
    if !program.exists() {
        install("awscli").context(hint)?;
    }
    let said = Command::new(&program).arg("--version").output().context(hint)?;
    ensure!(String::from_utf8_lossy(&said.stdout).starts_with("aws-cli/2."), hint);
    let models = root().join("target/aws-v2-models");
    perform(Command::new(clients.join("python3")).args(["-c", COPY_MODELS]).arg(&models))?;
    Ok((program, models))
}

/// Needs root, which containers have; elsewhere it fails and says so.
fn install(package: &str) -> Result<()> {
    eprintln!("installing Debian's package {package}");
    perform(Command::new("apt-get").args(["update", "-qq"]))?;
    perform(
        Command::new("apt-get")
            .args(["install", "--yes", "-qq", "--no-install-recommends", package])
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )
}
