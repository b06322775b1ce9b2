//! Certificates for the test server: an authority that the cases may trust, and another.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivatePkcs8KeyDer;

/// The names that the server goes by: those that cases use, and the endpoints of the partitions.
const NAMES: &[&str] = &["localhost", "*.amazonaws.com", "*.cn-northwest-1.amazonaws.com.cn"];

/// An authority, a server's key signed by it, and an authority that signed nothing.
pub(crate) struct Authority {
    /// The certificate to trust, as a file.
    pub(crate) trusted: PathBuf,
    /// Another one, as a file.
    pub(crate) other: PathBuf,
    /// What the server shows.
    pub(crate) server: Arc<ServerConfig>,
}

impl Authority {
    /// Makes all of it, with files in a folder.
    #[track_caller]
    pub(crate) fn make(folder: &Path) -> Self {
        let (trusted, other) = (folder.join("ca.pem"), folder.join("other-ca.pem"));
        let issuer = issuer();
        fs::write(&trusted, issuer.pem()).unwrap();
        fs::write(&other, self::issuer().pem()).unwrap();

        let key = KeyPair::generate().unwrap();
        let names = NAMES.iter().map(|name| (*name).to_owned());
        let names: Vec<String> = names.chain([IpAddr::from(Ipv4Addr::LOCALHOST).to_string()]).collect();
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
        let server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
            )
            .unwrap();
        Self { trusted, other, server: Arc::new(server) }
    }
}

fn issuer() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "test authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}
