//! A plane's folder as a backup, and a folder made of one.
//!
//! A backup is a folder with the database as it was at one moment, the root key and the edges' secret. It can be taken while the plane runs.
//! What restoring means for the log and for edges stands in [`crate::store::sqlite::backup`].

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::folder::{self, Folder, FolderError, Role};
pub use crate::store::Edges;
use crate::store::sqlite::backup::{self, CopyError};

/// The files of a plane's folder that a backup holds beside the database.
const SECRETS: [&str; 2] = ["credentials", "edge-secret"];

/// Why there is no backup, or why it cannot be restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is no plane's database.
    #[error("{} holds no plane's data: there is no plane.db. What a plane keeps in PostgreSQL is backed up by pg_dump", .0.display())]
    NoPlane(PathBuf),
    /// Something is there already, which is not overwritten.
    #[error("{} is there already; nothing is overwritten", .0.display())]
    Exists(PathBuf),
    /// A folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A file cannot be read or written.
    #[error("{} cannot be copied", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What failed.
        source: io::Error,
    },
    /// The database cannot be copied, or is damaged.
    #[error(transparent)]
    Copy(#[from] CopyError),
}

/// Writes a backup of the plane's folder `data_dir` into the new folder `to`.
///
/// # Errors
/// [`BackupError`]; there is then no folder `to`, or one without a database.
pub fn back_up(data_dir: &Path, to: &Path) -> Result<(), BackupError> {
    let database = database_of(data_dir)?;
    if to.exists() {
        return Err(BackupError::Exists(to.to_owned()));
    }
    make(to)?;
    copy_secrets(data_dir, to)?;
    copy_database(&database, to, |_| Ok(()))
}

/// Makes the plane's folder `data_dir` of the backup `from`. The folder may be there, but must hold no plane's data.
///
/// # Errors
/// [`BackupError`]; the folder then holds no database.
pub fn restore(from: &Path, data_dir: &Path, edges: Edges) -> Result<(), BackupError> {
    let database = database_of(from)?;
    let folder = Folder::take(data_dir, Role::Plane)?;
    let there = SECRETS.iter().map(|name| data_dir.join(name)).chain([folder.database()]);
    if let Some(there) = there.into_iter().find(|path| path.exists()) {
        return Err(BackupError::Exists(there));
    }
    copy_secrets(from, data_dir)?;
    copy_database(&database, data_dir, |copy| Ok(backup::adopt(copy, edges)?))
}

fn database_of(folder: &Path) -> Result<PathBuf, BackupError> {
    let path = folder.join("plane.db");
    if path.is_file() { Ok(path) } else { Err(BackupError::NoPlane(folder.to_owned())) }
}

fn make(folder: &Path) -> Result<(), BackupError> {
    folder::make_folder(folder).map_err(|source| BackupError::Io { path: folder.to_owned(), source })
}

fn copy_secrets(from: &Path, to: &Path) -> Result<(), BackupError> {
    for name in SECRETS {
        let (from, to) = (from.join(name), to.join(name));
        let copied = fs::read_to_string(&from).and_then(|text| folder::replace(&to, &text));
        copied.map_err(|source| BackupError::Io { path: from, source })?;
    }
    Ok(())
}

/// Copies the database beside its place, has it made ready, and moves it there last: a folder with a database is a whole one.
fn copy_database(
    database: &Path,
    to: &Path,
    make_ready: impl FnOnce(&Path) -> Result<(), BackupError>,
) -> Result<(), BackupError> {
    let (beside, place) = (to.join("plane.new"), to.join("plane.db"));
    let io = |source| BackupError::Io { path: place.clone(), source };
    folder::drop_if_there(&beside).map_err(io)?;
    // Made first, since SQLite would make it readable by whom the umask lets.
    drop(folder::private().append(true).create_new(true).open(&beside).map_err(io)?);
    backup::copy(database, &beside)?;
    make_ready(&beside)?;
    folder::settle(&beside, &place).map_err(io)
}
