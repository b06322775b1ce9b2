//! The paths of a run: collected from the line and a file, judged, counted.

use recant_core::limits::PATHS_PER_BATCH_MAX;

use super::batch::counted;
use super::lint::{self, Linted};
use super::options::Options;
use super::say;
use crate::environment::Environment;
use crate::error::Error;
use crate::input;

/// Collects and judges the paths, and says what is noticed.
///
/// # Errors
///
/// A file that cannot be read, no path at all, all paths that cannot be sent, or too many.
pub(super) fn resolve(environment: &mut dyn Environment, options: &Options) -> Result<Linted, Error> {
    let typed = all(environment, options)?;
    judged(environment, &typed, options)
}

/// The paths of the line and of its file. Empty lines of a file are none.
fn all(environment: &mut dyn Environment, options: &Options) -> Result<Vec<String>, Error> {
    let mut paths = options.paths.clone();
    if let Some(name) = &options.paths_from {
        let bytes =
            if name == "-" { environment.read_stdin() } else { std::fs::read(environment.expand_path(name)) };
        let bytes = bytes.map_err(|why| {
            Error::Parameter(format!("--paths-from: {}", input::files::system_error(&why, name)))
        })?;
        let text = String::from_utf8(bytes)
            .map_err(|_| Error::Parameter(format!("--paths-from: '{name}' is not UTF-8")))?;
        // A file that an editor of another system wrote may begin with a byte order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        paths.extend(text.lines().filter(|line| !line.is_empty()).map(str::to_owned));
    }
    if paths.is_empty() {
        return Err(Error::Parameter(
            "there is no path. '/*' is everything; in a shell, quote '*' and '#tag'".to_owned(),
        ));
    }
    Ok(paths)
}

fn judged(environment: &mut dyn Environment, typed: &[String], options: &Options) -> Result<Linted, Error> {
    let linted = lint::lint(typed, options.as_typed).map_err(|bad| {
        let lines: Vec<String> = bad.iter().map(|bad| format!("\n  {bad}")).collect();
        let (count, all) = (bad.len(), typed.len());
        Error::Parameter(format!("{count} of {all} paths cannot be sent; nothing was:{}", lines.concat()))
    })?;
    if let Some(expanded) = lint::expanded_by_a_shell(&options.paths) {
        return Err(Error::Parameter(expanded.to_owned()));
    }
    for hint in &linted.hints {
        say(environment, hint);
    }
    if linted.redundant > 0 {
        say(environment, &format!("{} redundant left out", counted(linted.redundant, "path")));
    }
    // What does not fit into one batch does not fit into a tenant's invalidations in progress either, so it is not split.
    if linted.kept.len() > PATHS_PER_BATCH_MAX {
        return Err(Error::Parameter(format!(
            "{} paths are more than the {PATHS_PER_BATCH_MAX} that a tenant may have in progress: use prefixes or tags, or several \
             runs with --wait, one after the other",
            linted.kept.len()
        )));
    }
    Ok(linted)
}
