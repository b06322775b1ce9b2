//! One certificate with its key, ready to be shown.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::{NoServerSessionStorage, ProducesTickets};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use webpki::EndEntityCert;

use recant_core::host::{Domain, Host};
use recant_core::limits::CERTIFICATE_FILE_BYTES_MAX;

/// Why a pair of files makes no certificate. Nothing of a file's content is in it.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("{0} cannot be read: {1}")]
    Read(PathBuf, io::Error),
    /// A file is longer than [`CERTIFICATE_FILE_BYTES_MAX`].
    #[error("{0} has more than {CERTIFICATE_FILE_BYTES_MAX} bytes")]
    TooLong(PathBuf),
    /// The certificates are not PEM.
    #[error("{0} holds no certificates as PEM: {1}")]
    Chain(PathBuf, pem::Error),
    /// The private key is not PEM.
    #[error("{0} holds no private key as PEM")]
    Key(PathBuf),
    /// The first certificate is for no domain name and no address.
    #[error("{0}: the first certificate has no subject alternative name that is a domain")]
    Nameless(PathBuf),
    /// The key is not the certificate's, or of a kind that is not spoken.
    #[error("{0}: {1}")]
    Unusable(PathBuf, rustls::Error),
    /// Not an X.509 certificate.
    #[error("{0}: the first certificate cannot be read: {1}")]
    Malformed(PathBuf, webpki::Error),
}

/// See the module.
pub(crate) struct Certificate {
    /// What it is for; addresses apart.
    domains: Vec<Domain>,
    leaf: CertificateDer<'static>,
    config: Arc<ServerConfig>,
    /// The same without HTTP/2.
    config_http1: Arc<ServerConfig>,
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificate").field("domains", &self.domains).finish_non_exhaustive()
    }
}

impl Certificate {
    /// Reads the chain, the certificate for viewers first, and its private key.
    ///
    /// # Errors
    /// [`CertificateError`] names the file.
    pub(super) fn read(
        chain: &Path,
        key: &Path,
        tickets: &Arc<dyn ProducesTickets>,
    ) -> Result<Self, CertificateError> {
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&content(chain)?)
            .map(|it| it.map(CertificateDer::into_owned))
            .collect();
        let certificates = certificates.map_err(|error| CertificateError::Chain(chain.into(), error))?;
        let leaf = certificates
            .first()
            .ok_or_else(|| CertificateError::Chain(chain.into(), pem::Error::NoItemsFound))?
            .clone();
        let secret =
            PrivateKeyDer::from_pem_slice(&content(key)?).map_err(|_| CertificateError::Key(key.into()))?;
        let domains = domains(chain, &leaf)?;
        warn_if_open(key);
        let config = config(certificates, secret, tickets)
            .map_err(|error| CertificateError::Unusable(chain.into(), error))?;
        let mut config_http1 = config.clone();
        config_http1.alpn_protocols.retain(|protocol| protocol != b"h2");
        Ok(Self { domains, leaf, config: Arc::new(config), config_http1: Arc::new(config_http1) })
    }

    /// What a viewer is offered with it.
    pub(super) fn config(&self, with_http2: bool) -> Arc<ServerConfig> {
        if with_http2 { self.config.clone() } else { self.config_http1.clone() }
    }

    /// The domains that it is for, in its own order.
    pub(super) fn domains(&self) -> &[Domain] {
        &self.domains
    }

    /// Whether it is for this host; a wildcard is for one label.
    pub(crate) fn covers(&self, host: &Host) -> bool {
        if self.domains.iter().any(|domain| domain.covers(host)) {
            return true;
        }
        // An address stands in a certificate in another form.
        match ServerName::try_from(host.as_str().trim_matches(['[', ']'])) {
            Ok(name @ ServerName::IpAddress(_)) => EndEntityCert::try_from(&self.leaf)
                .is_ok_and(|leaf| leaf.verify_is_valid_for_subject_name(&name).is_ok()),
            _ => false,
        }
    }
}

fn content(path: &Path) -> Result<Vec<u8>, CertificateError> {
    let unread = |error| CertificateError::Read(path.into(), error);
    let mut content = Vec::new();
    let file = File::open(path).map_err(unread)?;
    file.take(CERTIFICATE_FILE_BYTES_MAX + 1).read_to_end(&mut content).map_err(unread)?;
    if content.len() as u64 > CERTIFICATE_FILE_BYTES_MAX {
        return Err(CertificateError::TooLong(path.into()));
    }
    Ok(content)
}

/// The subject alternative names (RFC 9525 section 2: the common name does not count).
fn domains(chain: &Path, leaf: &CertificateDer<'_>) -> Result<Vec<Domain>, CertificateError> {
    let leaf =
        EndEntityCert::try_from(leaf).map_err(|error| CertificateError::Malformed(chain.into(), error))?;
    let domains: Vec<_> = leaf.valid_dns_names().filter_map(|name| Domain::parse(name).ok()).collect();
    if domains.is_empty() { Err(CertificateError::Nameless(chain.into())) } else { Ok(domains) }
}

fn warn_if_open(key: &Path) {
    if key.metadata().is_ok_and(|metadata| metadata.mode() & 0o077 != 0) {
        tracing::warn!(key = %key.display(), "a private key can be read by others than its owner");
    }
}

/// Sessions are resumed by tickets, which this edge keeps nothing for and which are good for the same name only.
fn config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    tickets: &Arc<dyn ProducesTickets>,
) -> Result<ServerConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let certified = CertifiedKey::from_der(chain, key, &provider)?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.ticketer = tickets.clone();
    Ok(config)
}
