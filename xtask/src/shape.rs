//! The shape that the workspace keeps: which crate may use which, how pure the core is, how long a file may get.

use std::fs;

use anyhow::{Result, bail, ensure};

use crate::workspace::{Packages, files, root};

/// Each crate with the crates of this workspace that it may use, for any purpose (DESIGN.md section 4).
const DIRECTIONS: &[(&str, &[&str])] = &[
    ("recant-core", &[]),
    ("recant-wire", &["recant-core"]),
    ("recant-plane", &["recant-core", "recant-wire"]),
    ("recant-edge", &["recant-core", "recant-wire"]),
    ("recant-cli", &["recant-core", "recant-wire"]),
    ("recant", &["recant-core", "recant-wire", "recant-plane", "recant-edge", "recant-cli"]),
    ("recant-sim", &["recant-core", "recant-wire", "recant-plane", "recant-edge"]),
    ("xtask", &[]),
];

/// All that `recant-core` may need when it runs: data types, hashing, derives.
const CORE_DEPENDENCIES: &[&str] = &[
    "block-buffer",
    "bytes",
    "cfg-if",
    // Constant-time comparison, in digest when another crate asks it for message authentication.
    "cmov",
    "const-oid",
    "cpufeatures",
    "crypto-common",
    "ctutils",
    "digest",
    "http",
    "httpdate",
    "hybrid-array",
    "itoa",
    // Pulled by cpufeatures on platforms where the processor's features are asked of the system.
    "libc",
    "proc-macro2",
    "quote",
    // Traits only, in digest when another crate asks it for keys; without `getrandom`, which is not in this list.
    "rand_core",
    "serde",
    "serde_core",
    "serde_derive",
    "sha2",
    "syn",
    "thiserror",
    "thiserror-impl",
    "typenum",
    "unicode-ident",
    // Wipes keys, in digest when another crate asks it to.
    "zeroize",
];

/// What the core's sources may not name: clocks, files, sockets, the environment, threads, randomness, a runtime.
/// Addresses are data, so `std::net` as a whole is not among them.
const IMPURE_NAMES: &[&str] = &[
    "Instant",
    "RandomState",
    "SystemTime",
    "TcpListener",
    "TcpStream",
    "ToSocketAddrs",
    "UdpSocket",
    "getrandom",
    "rand",
    "tokio",
];
const IMPURE_STD_MODULES: &[&str] = &["env", "fs", "io", "process", "thread"];

/// Lines of one source file; more are two nouns.
const FILE_LINES_MAX: usize = 800;

/// Checks that every crate uses only crates below it.
pub(crate) fn directions(packages: &Packages) -> Result<()> {
    let mut wrong = Vec::new();
    for member in packages.members() {
        let Some((_, allowed)) = DIRECTIONS.iter().find(|(name, _)| *name == member.name) else {
            bail!("the crate '{}' has no place in the dependency direction yet", member.name);
        };
        for (id, _) in &member.dependencies {
            let dependency = &packages.by_id[id];
            if dependency.is_member && !allowed.contains(&dependency.name.as_str()) {
                wrong.push(format!("{} may not use {}", member.name, dependency.name));
            }
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// Checks that the core can do nothing but compute.
pub(crate) fn purity(packages: &Packages) -> Result<()> {
    let core = packages.member("recant-core")?;
    let mut wrong: Vec<String> = packages
        .runtime_dependencies(core)
        .into_iter()
        .filter(|dependency| !CORE_DEPENDENCIES.contains(&dependency.name.as_str()))
        .map(|dependency| format!("recant-core may not need {}", dependency.name))
        .collect();
    let lints = fs::read_to_string(core.folder.join("clippy.toml")).unwrap_or_default();
    if !(lints.contains("disallowed-methods") && lints.contains("disallowed-types")) {
        wrong.push("recant-core's clippy.toml must disallow clocks, files, sockets and sleeps".into());
    }
    let sources = files(&core.folder.join("src"), "rs")?;
    // A module's tests stand at its end, or beside it in a file of their own.
    for path in sources.into_iter().filter(|path| !path.ends_with("tests.rs")) {
        for (number, name) in impurities(&fs::read_to_string(&path)?) {
            let path = path.strip_prefix(root()).unwrap_or(&path).display();
            wrong.push(format!("{path}:{number}: the core may not name '{name}'"));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// The impure names in a source file, with their lines. Comments may name anything, and so may tests, which come last.
fn impurities(source: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let code = source.lines().take_while(|line| line.trim() != "#[cfg(test)]");
    for (number, line) in (1..).zip(code) {
        let line = line.split_once("//").map_or(line, |(code, _)| code);
        // `std::fs` and `use std::{fs, …}` alike: a module of std's in a line that names std.
        let words: Vec<&str> = line.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        let names_std = words.contains(&"std");
        let is_impure =
            |word: &str| IMPURE_NAMES.contains(&word) || (names_std && IMPURE_STD_MODULES.contains(&word));
        found.extend(words.iter().filter(|word| is_impure(word)).map(|word| (number, (*word).to_owned())));
    }
    found
}

/// Checks that no source file is too long, but for those that are written by a program and say so at their top.
pub(crate) fn file_sizes() -> Result<()> {
    let mut wrong = Vec::new();
    for folder in ["crates", "xtask"] {
        for path in files(&root().join(folder), "rs")? {
            let source = fs::read_to_string(&path)?;
            let lines = source.lines().count();
            let is_generated = source.lines().take(5).any(|line| line.contains("Written by `cargo xtask"));
            if lines > FILE_LINES_MAX && !is_generated {
                let path = path.strip_prefix(root()).unwrap_or(&path).display();
                wrong.push(format!("{path} has {lines} lines, {FILE_LINES_MAX} at most"));
            }
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::impurities;

    #[test]
    fn impure_names_are_found_where_they_are_code() {
        let check = |source: &str, names: &[&str]| {
            let found: Vec<String> = impurities(source).into_iter().map(|(_, name)| name).collect();
            assert_eq!(found, names, "{source}");
        };
        check("let now = std::time::Instant::now();", &["Instant"]);
        check("use std::{fmt, fs};", &["fs"]);
        check("std::fs::read(x)", &["fs"]);
        check("rand::random()", &["rand"]);
        check("use tokio::net;", &["tokio"]);
        check("// std::fs is not for us", &[]);
        check("use std::net::{IpAddr, TcpStream};", &["TcpStream"]);
        check("operand.io()", &[]);
        check("use std::fmt;\nlet env = random;", &[]);
        check("fn a() {}\n#[cfg(test)]\nmod tests { use std::thread; }", &[]);
    }
}
