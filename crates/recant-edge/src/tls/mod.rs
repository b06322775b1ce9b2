//! TLS to viewers: which certificate they are shown.
//!
//! ```text
//! folder ─ look (on a period, or nudged) ─ pairs ─ Certificate ─ Choice ─ by the name in the ClientHello ─ handshake
//! ```
//!
//! `certificate` makes one of a pair of PEM files, `folder` keeps what was read of each pair and reads again what has
//! changed, `choice` says which answers for a name, `handshake` opens connections.
//!
//! **A good certificate goes only when its files do**: what cannot be read, or does not belong together (yet), is said in
//! the log, once, and the old one stays. Connections that are open keep the certificate they were opened with.

mod certificate;
mod choice;
mod folder;
mod handshake;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use recant_core::limits::CERTIFICATES_LOOK_PERIOD;
use tokio::sync::watch;
use tokio::time::timeout;

pub(crate) use certificate::Certificate;
pub use certificate::CertificateError;
use choice::Choice;
use folder::Folder;
pub(crate) use handshake::{Handshaken, accept};

/// Why there are no certificates to start with.
#[derive(Debug, thiserror::Error)]
pub enum CertificatesError {
    /// The folder cannot be listed.
    #[error("the folder {0} cannot be read: {1}")]
    Folder(PathBuf, std::io::Error),
    /// The default certificate is not in it, or cannot be read.
    #[error("{0} holds no usable certificate '{1}', which shall be the default")]
    NoDefault(PathBuf, String),
    /// The system has no random numbers to give.
    #[error("session tickets cannot be made: {0}")]
    Tickets(rustls::Error),
}

/// The certificates of one edge. See the module.
pub(crate) struct Certificates {
    /// Locked for one look at a time, on a thread that may wait for files.
    folder: Mutex<Folder>,
    choice: ArcSwap<Choice>,
    default: Option<String>,
}

impl Certificates {
    /// Reads a folder; `default` names the pair that answers where no other does.
    ///
    /// # Errors
    /// [`CertificatesError`]. A pair that cannot be read is no error: the others are served.
    pub(crate) fn open(dir: PathBuf, default: Option<String>) -> Result<Self, CertificatesError> {
        let mut folder = Folder::new(dir.clone())?;
        folder.look().map_err(|error| CertificatesError::Folder(dir.clone(), error))?;
        if folder.certificates().next().is_none() {
            tracing::warn!(dir = %dir.display(), "there is no certificate yet: nobody is served over TLS until there is one");
        }
        let choice = Choice::of(folder.certificates(), default.as_deref());
        match &default {
            Some(name) if !choice.has_default() => Err(CertificatesError::NoDefault(dir, name.clone())),
            _ => Ok(Self { folder: Mutex::new(folder), choice: ArcSwap::from_pointee(choice), default }),
        }
    }

    /// Looks at the folder again, and serves what has changed from here on. Waits for files.
    pub(crate) fn look(&self) {
        let mut folder = self.folder.lock().unwrap_or_else(PoisonError::into_inner);
        match folder.look() {
            Ok(true) => {
                let choice = Choice::of(folder.certificates(), self.default.as_deref());
                self.choice.store(Arc::new(choice));
            }
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "the certificates cannot be looked at; the old ones stay"),
        }
    }

    /// Looks on a period until asked to stop.
    pub(crate) async fn keep_looking(self: Arc<Self>, mut stopping: watch::Receiver<bool>) {
        // The time runs out when nobody has asked to stop.
        while timeout(CERTIFICATES_LOOK_PERIOD, stopping.wait_for(|stopping| *stopping)).await.is_err() {
            self.clone().look_aside().await;
        }
    }

    /// [`Certificates::look`] on a thread of its own.
    pub(crate) async fn look_aside(self: Arc<Self>) {
        if let Err(error) = tokio::task::spawn_blocking(move || self.look()).await {
            tracing::error!(%error, "looking at the certificates did not end in good order");
        }
    }

    fn choice(&self) -> Arc<Choice> {
        self.choice.load_full()
    }
}
