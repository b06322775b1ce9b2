//! What `aws` lines of other services become when this program is linked as `aws`: the next `aws` on the path.
//!
//! So a script that also runs `aws s3 sync` keeps working. The next one is searched for *behind* this program's own
//! place on the path, so that two copies of this program never hand a line back and forth.

use std::ffi::OsString;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Replaces this process by the next `aws`, if the words are another service's and there is one.
///
/// Returns only when it did not: why, if it was tried.
pub(crate) fn take_over(words: &[OsString]) -> Option<io::Error> {
    if !recant_cli::is_another_services(words, &recant_cli::SystemEnvironment::new()) {
        return None;
    }
    let own = std::env::current_exe().and_then(|path| path.canonicalize()).ok()?;
    let next = next(&std::env::var_os("PATH")?, &own)?;
    Some(Command::new(next).args(words).exec())
}

/// The first `aws` on the path behind the one that is `own`; the first of all when `own` is not on it.
fn next(path: &OsString, own: &Path) -> Option<PathBuf> {
    let found: Vec<PathBuf> = std::env::split_paths(path)
        .map(|folder| folder.join("aws"))
        .filter(|file| is_program(file))
        .collect();
    let is_own = |file: &PathBuf| file.canonicalize().is_ok_and(|file| file == own);
    let behind = found.iter().rposition(is_own).map_or(0, |place| place + 1);
    found.into_iter().nth(behind)
}

fn is_program(file: &Path) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}
