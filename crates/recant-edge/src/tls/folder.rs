//! The folder with certificates, as it was seen last.
//!
//! A pair is `NAME.crt` (or `NAME.pem`) with `NAME.key`, or a folder `NAME` with `fullchain.pem` and `privkey.pem`, which
//! is how ACME clients leave them. Names that begin with a dot are passed over. Links are followed.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use recant_core::limits::CERTIFICATES_MAX;
use rustls::server::ProducesTickets;

use super::{Certificate, CertificatesError};

/// See the module.
pub(super) struct Folder {
    dir: PathBuf,
    tickets: Arc<dyn ProducesTickets>,
    pairs: BTreeMap<String, Seen>,
}

/// What was seen of a pair, and what could be made of it.
#[derive(Default)]
struct Seen {
    prints: Option<[Option<Print>; 2]>,
    certificate: Option<Arc<Certificate>>,
}

/// What tells two states of a file apart without reading it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Print {
    file: (u64, u64),
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// Where the two files of a pair are, or should be.
struct Pair {
    chain: PathBuf,
    key: PathBuf,
}

impl Folder {
    /// Sees nothing yet.
    ///
    /// # Errors
    /// [`CertificatesError::Tickets`].
    pub(super) fn new(dir: PathBuf) -> Result<Self, CertificatesError> {
        let tickets = rustls::crypto::ring::Ticketer::new().map_err(CertificatesError::Tickets)?;
        Ok(Self { dir, tickets, pairs: BTreeMap::new() })
    }

    /// Everything that can be shown, by name.
    pub(super) fn certificates(&self) -> impl Iterator<Item = (&str, &Arc<Certificate>)> {
        self.pairs.iter().filter_map(|(name, seen)| Some((name.as_str(), seen.certificate.as_ref()?)))
    }

    /// Reads what has changed since the last look; whether there is something else to show now.
    ///
    /// # Errors
    /// When the folder cannot be listed, or holds too much. Then nothing has changed.
    pub(super) fn look(&mut self) -> io::Result<bool> {
        let found = pairs(&self.dir)?;
        let before = self.pairs.len();
        self.pairs.retain(|name, seen| {
            let stays = found.contains_key(name);
            if !stays && seen.certificate.is_some() {
                tracing::info!(certificate = %name, "a certificate is withdrawn: its files are gone");
            }
            stays
        });
        let mut has_changed = self.pairs.len() != before;
        for (name, pair) in found {
            has_changed |= self.pairs.entry(name.clone()).or_default().look(&name, &pair, &self.tickets);
        }
        Ok(has_changed)
    }
}

impl Seen {
    fn look(&mut self, name: &str, pair: &Pair, tickets: &Arc<dyn ProducesTickets>) -> bool {
        // Before reading: a change while it is read is seen at the next look.
        let prints = [print(&pair.chain), print(&pair.key)];
        if self.prints == Some(prints) {
            return false;
        }
        self.prints = Some(prints);
        match Certificate::read(&pair.chain, &pair.key, tickets) {
            Ok(certificate) => {
                tracing::info!(certificate = %name, domains = ?certificate.domains(), "a certificate is served");
                self.certificate = Some(Arc::new(certificate));
                true
            }
            Err(error) => {
                let old = if self.certificate.is_some() { "; the old one stays" } else { "" };
                tracing::warn!(certificate = %name, %error, "a certificate cannot be used{old}");
                false
            }
        }
    }
}

fn pairs(dir: &Path) -> io::Result<BTreeMap<String, Pair>> {
    let mut pairs = BTreeMap::new();
    for entry in dir.read_dir()? {
        let path = entry?.path();
        if let Some((name, pair)) = pair(&path) {
            pairs.insert(name, pair);
        }
        if pairs.len() > CERTIFICATES_MAX {
            return Err(io::Error::other(format!(
                "{} holds more than {CERTIFICATES_MAX} certificates",
                dir.display()
            )));
        }
    }
    Ok(pairs)
}

/// The pair that a file or folder belongs to.
fn pair(path: &Path) -> Option<(String, Pair)> {
    let name = path.file_stem()?.to_str()?;
    if name.starts_with('.') {
        return None;
    }
    if path.is_dir() {
        let (chain, key) = (path.join("fullchain.pem"), path.join("privkey.pem"));
        let name = path.file_name()?.to_str()?.to_owned();
        return (chain.exists() || key.exists()).then_some((name, Pair { chain, key }));
    }
    if !matches!(path.extension()?.to_str()?, "crt" | "pem" | "key") {
        return None;
    }
    let of = |extension: &str| path.with_file_name(format!("{name}.{extension}"));
    let chain = Some(of("crt")).filter(|crt| crt.exists()).unwrap_or_else(|| of("pem"));
    Some((name.to_owned(), Pair { chain, key: of("key") }))
}

fn print(path: &Path) -> Option<Print> {
    let metadata = path.metadata().ok()?;
    Some(Print {
        file: (metadata.dev(), metadata.ino()),
        bytes: metadata.len(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
    })
}
