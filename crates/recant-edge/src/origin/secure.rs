//! TLS to origins: what is trusted, and what is spoken.
//!
//! An origin proves its domain name by a certificate of an authority that the world trusts (Mozilla's list, compiled in)
//! or that the operator does (`--origin-ca`). There is no way to leave the proof out. The name asked for (SNI)
//! and proven is the one that the configuration names, with the tenant's parameters filled in.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, InvalidDnsNameError, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Why the operator's authorities cannot be trusted.
#[derive(Debug, thiserror::Error)]
pub enum OriginCaError {
    /// The file cannot be read as PEM.
    #[error("the authorities of origins in {0} cannot be read: {1}")]
    Pem(PathBuf, pem::Error),
    /// The file holds no certificate.
    #[error("{0} holds no certificate")]
    Empty(PathBuf),
    /// One of its certificates is not an authority's.
    #[error("{0} holds a certificate that cannot be an authority: {1}")]
    Authority(PathBuf, rustls::Error),
}

/// Opens the secure part of connections to origins; one per edge.
#[derive(Clone)]
pub(crate) struct Secure {
    connector: TlsConnector,
}

impl std::fmt::Debug for Secure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secure").finish_non_exhaustive()
    }
}

impl Secure {
    /// Trusts the authorities that everybody does, and those in these files.
    ///
    /// # Errors
    /// [`OriginCaError`] names the file.
    pub(crate) fn new(files: &[PathBuf]) -> Result<Self, OriginCaError> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for file in files {
            trust(&mut roots, file)?;
        }
        // The oldest version of TLS is 1.2, the least that a configuration may ask for.
        let mut config =
            ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
                .expect("the provider has suites of both versions")
                .with_root_certificates(roots)
                .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { connector: Arc::new(config).into() })
    }

    /// Has the other end prove that it is `name`: a domain name, or an address without brackets.
    pub(super) async fn handshake(
        &self,
        name: &str,
        stream: TcpStream,
    ) -> io::Result<Box<TlsStream<TcpStream>>> {
        let name = ServerName::try_from(name.to_owned())
            .map_err(|error: InvalidDnsNameError| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        self.connector.connect(name, stream).await.map(Box::new)
    }
}

fn trust(roots: &mut RootCertStore, file: &Path) -> Result<(), OriginCaError> {
    let unread = |error| OriginCaError::Pem(file.into(), error);
    let mut count = 0;
    for certificate in CertificateDer::pem_file_iter(file).map_err(unread)? {
        roots
            .add(certificate.map_err(unread)?)
            .map_err(|error| OriginCaError::Authority(file.into(), error))?;
        count += 1;
    }
    if count == 0 { Err(OriginCaError::Empty(file.into())) } else { Ok(()) }
}
