//! Where the workspace is and what it is made of, as `cargo metadata` has it.

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// The workspace's folder.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace")
}

/// The cargo that started this chore, in the workspace's folder.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// Runs a command, its output going where ours goes.
pub(crate) fn perform(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("starting {command:?}"))?;
    ensure!(status.success(), "{command:?} failed: {status}");
    Ok(())
}

/// All packages that go into the workspace, on any platform, for any purpose.
pub(crate) struct Packages {
    /// By cargo's package id.
    pub(crate) by_id: BTreeMap<String, Package>,
}

/// One package.
pub(crate) struct Package {
    /// Its name.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// Its licence, as an SPDX expression.
    pub(crate) licence: Option<String>,
    /// Its folder.
    pub(crate) folder: PathBuf,
    /// Whether it is part of this workspace.
    pub(crate) is_member: bool,
    /// Whom it depends on, by package id; `true` where it does so when it runs, not only when it is built or tested.
    pub(crate) dependencies: Vec<(String, bool)>,
}

impl Packages {
    /// Asks cargo.
    pub(crate) fn read() -> Result<Self> {
        let output = cargo(&["metadata", "--format-version", "1", "--all-features"]).output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self::parse(&serde_json::from_slice(&output.stdout)?)
            .context("cargo metadata has another form than expected")
    }

    fn parse(metadata: &Value) -> Option<Self> {
        let members = metadata["workspace_members"].as_array()?;
        let mut by_id = BTreeMap::new();
        for package in metadata["packages"].as_array()? {
            let id = package["id"].as_str()?;
            let entry = Package {
                name: package["name"].as_str()?.into(),
                version: package["version"].as_str()?.into(),
                licence: package["license"].as_str().map(Into::into),
                folder: Path::new(package["manifest_path"].as_str()?).parent()?.into(),
                is_member: members.iter().any(|member| member == id),
                dependencies: Vec::new(),
            };
            by_id.insert(id.to_owned(), entry);
        }
        for node in metadata["resolve"]["nodes"].as_array()? {
            let dependencies = node["deps"].as_array()?.iter().map(|dependency| {
                // A normal dependency's kind is null.
                let is_normal = dependency["dep_kinds"].as_array()?.iter().any(|kind| kind["kind"].is_null());
                Some((dependency["pkg"].as_str()?.to_owned(), is_normal))
            });
            by_id.get_mut(node["id"].as_str()?)?.dependencies = dependencies.collect::<Option<_>>()?;
        }
        Some(Self { by_id })
    }

    /// The packages of this workspace.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Package> {
        self.by_id.values().filter(|package| package.is_member)
    }

    /// The member of this name.
    pub(crate) fn member(&self, name: &str) -> Result<&Package> {
        self.members().find(|member| member.name == name).with_context(|| format!("no crate '{name}'"))
    }

    /// All that `package` needs when it runs, itself not included.
    pub(crate) fn runtime_dependencies<'a>(&'a self, package: &'a Package) -> Vec<&'a Package> {
        let mut found: BTreeMap<&str, &Package> = BTreeMap::new();
        let mut open = vec![package];
        while let Some(package) = open.pop() {
            for (id, _) in package.dependencies.iter().filter(|(_, is_normal)| *is_normal) {
                let dependency = &self.by_id[id];
                if found.insert(id, dependency).is_none() {
                    open.push(dependency);
                }
            }
        }
        found.into_values().collect()
    }
}

/// All files below a folder whose names end so, in order.
pub(crate) fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
