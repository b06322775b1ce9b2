//! The values that an option takes.

use std::path::Path;

use recant_wire::model::{Kind, Shape};

use super::place::Known;
use super::{Candidate, regions, shorthand};
use crate::command::{Role, SKELETONS};
use crate::config::Config;
use crate::environment::Environment;

/// More files than this in one folder are not shown.
const FILES_MAX: usize = 500;

/// The values of an option, of which `typed` is there so far.
pub(super) fn of(environment: &dyn Environment, option: &Known, typed: &str) -> Vec<Candidate> {
    match option {
        Known::Global(option) if !option.choices.is_empty() => choices(option.choices),
        Known::Global(option) => match option.name {
            "--profile" => profiles(environment),
            "--region" => regions::all().map(|(name, about)| Candidate::new(name, about)).collect(),
            "--ca-bundle" => files(environment, "", typed),
            _ => Vec::new(),
        },
        Known::Own(argument) => match argument.role {
            Role::Skeleton => choices(SKELETONS),
            Role::Member(member) => of_shape(environment, member.shape, typed),
            Role::CliInputJson | Role::CliInputYaml => loaded(environment, typed),
            _ => Vec::new(),
        },
        Known::Sign(_) => loaded(environment, typed),
    }
}

fn of_shape(environment: &dyn Environment, shape: &'static Shape, typed: &str) -> Vec<Candidate> {
    let mut all = match &shape.kind {
        Kind::Structure(_) => shorthand::candidates(shape, typed),
        // Several words; each one is an element.
        Kind::List(list) => match list.element.kind {
            Kind::Structure(_) => shorthand::candidates(list.element, typed),
            _ => choices(list.element.values),
        },
        _ => choices(shape.values),
    };
    all.extend(loaded(environment, typed));
    all
}

fn choices(values: &[&str]) -> Vec<Candidate> {
    values.iter().map(|value| Candidate::new(*value, "")).collect()
}

fn profiles(environment: &dyn Environment) -> Vec<Candidate> {
    Config::profile_names(environment)
        .into_iter()
        .map(|name| Candidate::new(name, "A profile of your files."))
        .collect()
}

/// `file://` and `fileb://`, and the files after them.
fn loaded(environment: &dyn Environment, typed: &str) -> Vec<Candidate> {
    for scheme in ["file://", "fileb://"] {
        if let Some(path) = typed.strip_prefix(scheme) {
            return files(environment, scheme, path);
        }
    }
    let scheme = |text: &str, about: &str| Candidate { open: true, ..Candidate::new(text, about) };
    match typed {
        "" => Vec::new(),
        _ => vec![scheme("file://", "The text of a file."), scheme("fileb://", "The bytes of a file.")],
    }
}

/// The files and folders that a half typed path could mean.
fn files(environment: &dyn Environment, before: &str, typed: &str) -> Vec<Candidate> {
    let (folder, begun) = typed.rsplit_once('/').map_or(("", typed), |(folder, name)| (folder, name));
    let shown = if typed.contains('/') { format!("{folder}/") } else { String::new() };
    let place = if shown == "/" { Path::new("/").to_owned() } else { environment.expand_path(folder) };
    let Ok(entries) = std::fs::read_dir(place) else { return Vec::new() };
    let mut all: Vec<Candidate> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            // What is hidden is meant only by whoever types its dot.
            if name.starts_with('.') && !begun.starts_with('.') {
                return None;
            }
            let is_folder = entry.path().is_dir();
            let text = format!("{before}{shown}{name}{}", if is_folder { "/" } else { "" });
            Some(Candidate { open: is_folder, ..Candidate::new(text, "") })
        })
        .take(FILES_MAX)
        .collect();
    all.sort_by(|a, b| a.text.cmp(&b.text));
    all
}
