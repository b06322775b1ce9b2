//! The folder on the disk: who has it, and what its files are called.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Another process has it.
    #[error("{0} is in use by another process")]
    InUse(PathBuf),
    /// It cannot be made or locked.
    #[error("{0} cannot be used")]
    Io(PathBuf, #[source] io::Error),
}

/// The folder, locked for as long as this lives.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes the folder if need be, readable by its owner only, and locks it.
    pub(super) fn take(path: &Path) -> Result<Self, FolderError> {
        let failed = |error| FolderError::Io(path.to_owned(), error);
        if !path.is_dir() {
            DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        }
        let lock = create(&path.join("lock")).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(FolderError::InUse(path.to_owned())),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// What the log has told.
    pub(super) fn journal(&self) -> PathBuf {
        self.path.join("journal")
    }

    /// Where the journal that takes its place is written.
    pub(super) fn new_journal(&self) -> PathBuf {
        self.path.join("journal.new")
    }

    /// The file of the segment of this number.
    pub(super) fn segment(&self, number: u32) -> PathBuf {
        self.path.join(format!("{SEGMENT}{number:08x}"))
    }

    /// The numbers of all segments, in no order; what else lies there is nobody's business here.
    pub(super) fn segments(&self) -> io::Result<Vec<u32>> {
        let mut numbers = Vec::new();
        for file in fs::read_dir(&self.path)? {
            let name = file?.file_name();
            let digits = name.to_str().and_then(|name| name.strip_prefix(SEGMENT));
            let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
            numbers.extend(
                number.filter(|number| *self.segment(*number).file_name().unwrap_or_default() == *name),
            );
        }
        Ok(numbers)
    }

    /// Puts the new journal in the place of the old one, durably.
    pub(super) fn publish_journal(&self) -> io::Result<()> {
        fs::rename(self.new_journal(), self.journal())?;
        File::open(&self.path)?.sync_all()
    }
}

/// What the name of a segment begins with; eight hexadecimal digits follow.
const SEGMENT: &str = "segment-";

/// A file to be written, readable by its owner only; what was in it stays.
pub(super) fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}
