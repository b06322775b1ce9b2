//! A data folder of a plane or an edge: who may use it, and the small files in it.
//!
//! ```text
//! DIR/              0700 when made here
//!   plane.lock      held by the running plane, empty otherwise of meaning
//!   edge.lock       held by an edge that runs apart from its plane
//!   plane.db        the store (and plane.db-wal, plane.db-shm)
//!   credentials     the root key, as an AWS shared credentials file
//!   edge-secret     what edges prove themselves with, 64 hexadecimal digits; an edge's folder holds a copy
//!   edge-id         the lasting name of the edge
//!   addresses.json  where this process listens: {"api": "host:port", "viewer": "host:port"}
//! ```
//!
//! Every file is readable by its owner only. Small files are written beside their place and renamed into it, so
//! that a reader finds the whole of one or nothing. Formats: docs/design/formats.md.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use recant_core::id::EdgeId;
use recant_wire::feed::EdgeSecret;
use serde::{Deserialize, Serialize};

use crate::random;

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Another process works on it.
    #[error("another process is using the data folder {}; stop it first, or choose another folder", folder.display())]
    InUse {
        /// Which folder.
        folder: PathBuf,
    },
    /// A file of it cannot be read or written.
    #[error("{} cannot be used", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What failed.
        source: io::Error,
    },
    /// An edge's folder does not hold its plane's secret.
    #[error(
        "{} is missing: copy the file 'edge-secret' from the plane's data folder into this edge's folder",
        path.display()
    )]
    NoSecret {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A file of it says what this program cannot read. It is never overwritten: a key that is lost locks callers out.
    #[error("{} cannot be understood: {reason}", path.display())]
    Malformed {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// What a process does with a folder. A plane and an edge may share one; two of a kind may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The plane, with or without an edge in its process.
    Plane,
    /// An edge that runs apart from its plane.
    Edge,
}

impl Role {
    fn lock_name(self) -> &'static str {
        match self {
            Self::Plane => "plane.lock",
            Self::Edge => "edge.lock",
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Plane => Self::Edge,
            Self::Edge => Self::Plane,
        }
    }
}

/// A data folder that this process has to itself, in its role, until this is dropped.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    role: Role,
    /// Locked as long as it is open. The operating system lets go of it however the process ends.
    _lock: File,
}

/// An access key: what callers sign with.
#[derive(Clone, PartialEq, Eq)]
pub struct RootKey {
    /// 20 characters, `AKIA…`.
    pub access_key_id: String,
    /// 40 characters.
    pub secret_access_key: String,
}

impl std::fmt::Debug for RootKey {
    /// Shows nothing of the secret, so that no log can.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RootKey").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// Where a process listens, as `addresses.json` says it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addresses {
    /// The API's `host:port`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api: Option<String>,
    /// The viewers' `host:port`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub viewer: Option<String>,
    /// The `host:port` of viewers over TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub viewer_tls: Option<String>,
    /// The `host:port` at which other edges ask this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shield: Option<String>,
    /// The `host:port` of an edge's metrics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<String>,
}

impl Folder {
    /// Makes the folder if there is none, and takes it. Where a process that was killed has listened is said no more.
    ///
    /// # Errors
    /// [`FolderError::InUse`] when another process has it in the same role.
    pub fn take(path: &Path, role: Role) -> Result<Self, FolderError> {
        make_folder(path).map_err(|source| FolderError::Io { path: path.to_owned(), source })?;
        match lock(&path.join(role.lock_name()))? {
            Some(lock) => {
                let folder = Self { path: path.to_owned(), role, _lock: lock };
                folder.withdraw_addresses()?;
                Ok(folder)
            }
            None => Err(FolderError::InUse { folder: path.to_owned() }),
        }
    }

    /// The folder's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the store's database belongs.
    pub fn database(&self) -> PathBuf {
        self.path.join("plane.db")
    }

    /// The root key; made at the first start.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn root_key(&self) -> Result<RootKey, FolderError> {
        let text = self.text_or("credentials", || RootKey::generate().to_ini())?;
        RootKey::parse(&text).map_err(|reason| self.malformed("credentials", reason))
    }

    /// The root key that several planes have agreed on; written down when there is none here.
    ///
    /// # Errors
    /// [`FolderError::Malformed`] when this folder has another one: it belongs to other planes.
    pub(crate) fn root_key_as(&self, agreed: &RootKey) -> Result<RootKey, FolderError> {
        let text = self.text_or("credentials", || agreed.to_ini())?;
        let found = RootKey::parse(&text).map_err(|reason| self.malformed("credentials", reason))?;
        if found == *agreed { Ok(found) } else { Err(self.of_others("credentials")) }
    }

    /// The edges' secret that several planes have agreed on; written down when there is none here.
    ///
    /// # Errors
    /// As for [`Folder::root_key_as`].
    pub(crate) fn edge_secret_as(&self, agreed: &str) -> Result<EdgeSecret, FolderError> {
        let text = self.text_or("edge-secret", || format!("{agreed}\n"))?;
        if text.trim() != agreed {
            return Err(self.of_others("edge-secret"));
        }
        EdgeSecret::parse(&text).map_err(|error| self.malformed("edge-secret", error.to_string()))
    }

    /// The edges' secret, unless none has been made here.
    ///
    /// # Errors
    /// [`FolderError`].
    pub(crate) fn edge_secret_if_there(&self) -> Result<Option<EdgeSecret>, FolderError> {
        if self.path.join("edge-secret").exists() { self.edge_secret().map(Some) } else { Ok(None) }
    }

    fn of_others(&self, name: &str) -> FolderError {
        self.malformed(
            name,
            "it is not that of the planes that share the database: this folder is another plane's".into(),
        )
    }

    /// What edges prove themselves with; made at the first start.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn edge_secret(&self) -> Result<EdgeSecret, FolderError> {
        let text =
            self.text_or("edge-secret", || format!("{}\n", EdgeSecret::new(random::bytes()).to_hex()))?;
        EdgeSecret::parse(&text).map_err(|error| self.malformed("edge-secret", error.to_string()))
    }

    /// The secret of the plane that this edge belongs to.
    ///
    /// # Errors
    /// [`FolderError::NoSecret`] before somebody has put it there.
    pub fn given_edge_secret(&self) -> Result<EdgeSecret, FolderError> {
        let path = self.path.join("edge-secret");
        match fs::read_to_string(&path) {
            Ok(text) => {
                warn_if_shared(&path);
                EdgeSecret::parse(&text).map_err(|error| self.malformed("edge-secret", error.to_string()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(FolderError::NoSecret { path }),
            Err(source) => Err(FolderError::Io { path, source }),
        }
    }

    /// The lasting name of the edge that keeps its data here; made at the first start.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn edge_id(&self) -> Result<EdgeId, FolderError> {
        const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz234567";
        let text = self.text_or("edge-id", || format!("edge-{}\n", random::text::<16>(LETTERS)))?;
        EdgeId::parse(text.trim()).map_err(|error| self.malformed("edge-id", error.to_string()))
    }

    /// Says where this process listens; what a process in the other role has said stays.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn publish_addresses(&self, addresses: &Addresses) -> Result<(), FolderError> {
        let others = self.others_addresses()?;
        let addresses = Addresses {
            api: addresses.api.clone().or(others.api),
            viewer: addresses.viewer.clone().or(others.viewer),
            viewer_tls: addresses.viewer_tls.clone().or(others.viewer_tls),
            shield: addresses.shield.clone().or(others.shield),
            metrics: addresses.metrics.clone().or(others.metrics),
        };
        self.write_addresses(&addresses)
    }

    /// Takes back what [`Folder::publish_addresses`] said.
    ///
    /// # Errors
    /// [`FolderError`].
    pub fn withdraw_addresses(&self) -> Result<(), FolderError> {
        let others = self.others_addresses()?;
        if others != Addresses::default() {
            return self.write_addresses(&others);
        }
        let path = self.path.join("addresses.json");
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(FolderError::Io { path, source }),
            _ => Ok(()),
        }
    }

    /// What a process that runs here in the other role has said.
    fn others_addresses(&self) -> Result<Addresses, FolderError> {
        let other = self.role.other();
        let lock_path = self.path.join(other.lock_name());
        if !lock_path.exists() || lock(&lock_path)?.is_some() {
            return Ok(Addresses::default());
        }
        let said = read_addresses(&self.path)?.unwrap_or_default();
        Ok(match other {
            Role::Plane => Addresses { api: said.api, ..Addresses::default() },
            Role::Edge => Addresses { api: None, ..said },
        })
    }

    fn write_addresses(&self, addresses: &Addresses) -> Result<(), FolderError> {
        let mut text = serde_json::to_string_pretty(addresses).expect("two texts are JSON");
        text.push('\n');
        self.write("addresses.json", &text)
    }

    /// Writes a key and its secret down as `keys/NAME.new`, durably, before there is such a key. The name is one of a file.
    ///
    /// # Errors
    /// [`FolderError::Io`].
    pub(crate) fn prepare_key(&self, name: &str, key: &RootKey) -> Result<(), FolderError> {
        let path = self.path.join("keys");
        make_folder(&path).map_err(|source| FolderError::Io { path: path.clone(), source })?;
        let place = path.join(name);
        let written = write_beside(&place, &key.to_ini()).and_then(|beside| sync(&beside));
        written.map_err(|source| FolderError::Io { path: place, source })
    }

    /// Gives what [`Folder::prepare_key`] has written its place, `keys/NAME`, once the key of this id is there; what was written for
    /// another one, which came to nothing, goes.
    ///
    /// # Errors
    /// [`FolderError::Io`].
    pub(crate) fn settle_key(&self, name: &str, id: &str) -> Result<(), FolderError> {
        let place = self.path.join("keys").join(name);
        let beside = place.with_extension("new");
        let settled = match fs::read_to_string(&beside) {
            Ok(text) if RootKey::parse(&text).is_ok_and(|key| key.access_key_id == id) => {
                settle(&beside, &place)
            }
            Ok(_) => drop_if_there(&beside),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        };
        settled.map_err(|source| FolderError::Io { path: place, source })
    }

    /// The text of a file, which is made first if there is none.
    fn text_or(&self, name: &str, make: impl FnOnce() -> String) -> Result<String, FolderError> {
        let path = self.path.join(name);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let text = make();
                self.write(name, &text)?;
                Ok(text)
            }
            Err(source) => Err(FolderError::Io { path, source }),
        }
    }

    /// Writes a whole file, durably, or leaves the old one.
    fn write(&self, name: &str, text: &str) -> Result<(), FolderError> {
        let path = self.path.join(name);
        replace(&path, text).map_err(|source| FolderError::Io { path, source })
    }

    fn malformed(&self, name: &str, reason: String) -> FolderError {
        FolderError::Malformed { path: self.path.join(name), reason }
    }
}

/// The addresses that the process in a folder listens on; nothing when none runs there. Needs no lock.
///
/// # Errors
/// [`FolderError`].
pub fn read_addresses(folder: &Path) -> Result<Option<Addresses>, FolderError> {
    let path = folder.join("addresses.json");
    match fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text)
            .map(Some)
            .map_err(|error| FolderError::Malformed { path, reason: error.to_string() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(FolderError::Io { path, source }),
    }
}

/// The root key of a folder; nothing before its first start. Needs no lock.
///
/// # Errors
/// [`FolderError`].
pub fn read_root_key(folder: &Path) -> Result<Option<RootKey>, FolderError> {
    let path = folder.join("credentials");
    match fs::read_to_string(&path) {
        Ok(text) => RootKey::parse(&text).map(Some).map_err(|reason| FolderError::Malformed { path, reason }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(FolderError::Io { path, source }),
    }
}

impl RootKey {
    /// A new key, of AWS's form.
    pub(crate) fn generate() -> Self {
        // AWS's ids are base 32; secrets are base 64.
        const ID: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        const SECRET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        Self {
            access_key_id: format!("AKIA{}", random::text::<16>(ID)),
            secret_access_key: random::text::<40>(SECRET),
        }
    }

    fn to_ini(&self) -> String {
        format!(
            "[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
            self.access_key_id, self.secret_access_key
        )
    }

    /// Reads the profile `default`.
    fn parse(text: &str) -> Result<Self, String> {
        let mut in_default = false;
        let (mut id, mut secret) = (None, None);
        for line in text.lines().map(str::trim) {
            if line.starts_with('[') {
                in_default = line == "[default]";
            } else if let (true, Some((name, value))) = (in_default, line.split_once('=')) {
                match name.trim() {
                    "aws_access_key_id" => id = Some(value.trim().to_owned()),
                    "aws_secret_access_key" => secret = Some(value.trim().to_owned()),
                    _ => {}
                }
            }
        }
        let given = |value: Option<String>, name| {
            value.filter(|value| !value.is_empty()).ok_or_else(|| format!("[default] has no {name}"))
        };
        Ok(Self {
            access_key_id: given(id, "aws_access_key_id")?,
            secret_access_key: given(secret, "aws_secret_access_key")?,
        })
    }
}

/// Says so if others can read a file that was put here by hand.
fn warn_if_shared(path: &Path) {
    let mode = fs::metadata(path).map_or(0, |file| file.permissions().mode());
    if mode & 0o077 != 0 {
        tracing::warn!(
            "others can read {}: whoever has it can be an edge; chmod 600 cures it",
            path.display()
        );
    }
}

/// Locks a file, or nothing when another process has it locked.
fn lock(path: &Path) -> Result<Option<File>, FolderError> {
    let io = |source| FolderError::Io { path: path.to_owned(), source };
    let file = private().read(true).write(true).create(true).truncate(false).open(path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(source)) => Err(io(source)),
    }
}

/// Options for a file that only its owner can read.
pub(crate) fn private() -> OpenOptions {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes"))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes a folder that only its owner can enter, unless there is one already.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Writes a whole file, durably, or leaves the old one.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let beside = write_beside(path, text)?;
    settle(&beside, path)
}

/// Writes a file beside the place that it is to have.
fn write_beside(place: &Path, text: &str) -> io::Result<PathBuf> {
    // Only the holder of the lock writes, so one name beside each file is enough; a rest of a crash is overwritten.
    let beside = place.with_extension("new");
    drop_if_there(&beside)?;
    let mut file = private().write(true).create_new(true).open(&beside)?;
    file.write_all(text.as_bytes())?;
    Ok(beside)
}

/// Has a file that is written on disk, and its name.
fn sync(path: &Path) -> io::Result<()> {
    private().read(true).write(true).open(path)?.sync_all()?;
    // A name lasts once the folder is on disk.
    #[cfg(unix)]
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(())
}

/// Moves a file that is written into its place, durably.
pub(crate) fn settle(beside: &Path, place: &Path) -> io::Result<()> {
    private().read(true).write(true).open(beside)?.sync_all()?;
    fs::rename(beside, place)?;
    // The rename itself lasts once the folder is on disk.
    #[cfg(unix)]
    File::open(place.parent().unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(())
}

/// Removes a file that need not be there.
pub(crate) fn drop_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
