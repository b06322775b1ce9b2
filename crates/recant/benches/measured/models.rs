//! The current model of CloudFront for an AWS CLI that is older than it: PyPI's botocore has it, packed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Where botocore keeps the model, below its folder of packages.
const MODEL: &str = "cloudfront/2020-05-31";

/// Unpacks the model that stands beside this AWS CLI of a virtual environment, and returns the folder for `AWS_DATA_PATH`.
pub(crate) fn unpacked(aws: &Path, folder: &Path) -> Result<PathBuf> {
    let libraries = aws.parent().and_then(Path::parent).context("an AWS CLI in no environment")?.join("lib");
    let python = fs::read_dir(&libraries)?.next().context("an environment without Python")??.path();
    let target = folder.join(MODEL);
    fs::create_dir_all(&target)?;
    for entry in fs::read_dir(python.join("site-packages/botocore/data").join(MODEL))? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        match name.strip_suffix(".gz") {
            Some(plain) => {
                let output = Command::new("gzip").arg("-dc").arg(&path).output()?;
                ensure!(output.status.success(), "gzip: {}", String::from_utf8_lossy(&output.stderr));
                fs::write(target.join(plain), output.stdout)?;
            }
            None => drop(fs::copy(&path, target.join(name))?),
        }
    }
    Ok(folder.to_owned())
}
