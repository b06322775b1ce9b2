//! The options that could still be typed.

use super::Candidate;
use super::place::{Command, Known, Place, Target};
use crate::command::Role;
use crate::help;
use crate::{customize, sign};

/// Those that are not given yet, the required ones first, those of every command last.
pub(super) fn open(place: &Place) -> Vec<Candidate> {
    let mut all: Vec<Candidate> = place
        .options()
        .iter()
        .filter(|option| !is_given(place, option))
        .map(|option| Candidate {
            required: is_required(option),
            ..Candidate::new(option.name(), about(option))
        })
        .collect();
    all.sort_by_key(|candidate| !candidate.required);
    all
}

/// The required ones that are not given yet. A whole input may hold them.
pub(super) fn required(place: &Place) -> Vec<String> {
    let lifts = ["--cli-input-json", "--cli-input-yaml", "--generate-cli-skeleton"];
    if place.given.iter().any(|name| lifts.contains(&name.as_str())) {
        return Vec::new();
    }
    let open = open(place).into_iter();
    let mut all: Vec<String> =
        open.filter(|candidate| candidate.required).map(|candidate| candidate.text).collect();
    if let Command::Whole(Target::Operation(operation)) = place.command {
        let either = customize::alternatives(operation);
        if !either.is_empty() && !either.iter().any(|name| place.given.contains(name)) {
            all.push(either.join(" or "));
        }
    }
    all
}

/// Whether it is there, or its opposite.
fn is_given(place: &Place, option: &Known) -> bool {
    let bare = |name: &str| name.trim_start_matches("--").trim_start_matches("no-").to_owned();
    let is_switch = matches!(option, Known::Own(argument) if matches!(argument.role, Role::Switch(..)));
    place.given.iter().any(|given| given == option.name() || is_switch && bare(given) == bare(option.name()))
}

fn is_required(option: &Known) -> bool {
    match option {
        Known::Own(argument) => argument.required,
        Known::Global(_) => false,
        Known::Sign(name) => sign::OPTIONS.iter().any(|option| option.name == *name && option.required),
    }
}

fn about(option: &Known) -> String {
    match option {
        Known::Own(argument) => help::about_argument(argument),
        Known::Global(option) => help::about_global(option.name).to_owned(),
        Known::Sign(name) => sign::OPTIONS
            .iter()
            .find(|option| option.name == *name)
            .map_or_else(String::new, |option| option.about.to_owned()),
    }
}
