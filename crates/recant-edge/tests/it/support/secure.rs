//! Certificates made for a test, and viewers that speak TLS.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// An authority that nobody but a test trusts.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for these names and its key, as PEM.
    pub(crate) fn certify(&self, names: &[&str]) -> (String, String) {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &self.0).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    /// Puts such a pair into a folder.
    pub(crate) fn put(&self, dir: &Path, name: &str, names: &[&str]) {
        let (certificate, key) = self.certify(names);
        std::fs::write(dir.join(format!("{name}.crt")), certificate).unwrap();
        std::fs::write(dir.join(format!("{name}.key")), key).unwrap();
    }

    /// Opens a connection as a viewer who trusts this authority.
    pub(crate) async fn connect(
        &self,
        edge: SocketAddr,
        name: &str,
        protocols: &[&str],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let mut config =
            ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(roots)
                .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|it| it.as_bytes().to_vec()).collect();
        let name = ServerName::try_from(name.to_owned()).unwrap();
        let stream = TcpStream::connect(edge).await.unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    /// A connection over which HTTP/2 is spoken.
    pub(crate) async fn http2(&self, edge: SocketAddr, name: &str) -> Http2 {
        let stream = self.connect(edge, name, &["h2", "http/1.1"]).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let (sender, connection) =
            http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        Http2 { sender, ended: tokio::spawn(connection) }
    }

    /// One request over HTTP/1.1.
    pub(crate) async fn http1(&self, edge: SocketAddr, name: &str, request: Request<Full<Bytes>>) -> Reply {
        let stream = self.connect(edge, name, &["http/1.1"]).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Reply::of(sender.send_request(request).await.unwrap()).await
    }
}

/// The certificate that an edge shows to a viewer who asks for this name.
pub(crate) fn shown(stream: &TlsStream<TcpStream>) -> CertificateDer<'static> {
    stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
}

pub(crate) struct Http2 {
    sender: http2::SendRequest<BoxBody<Bytes, Infallible>>,
    pub(crate) ended: tokio::task::JoinHandle<hyper::Result<()>>,
}

impl Http2 {
    pub(crate) async fn get(&self, url: &str) -> Reply {
        self.send(Request::get(url).body(Full::default()).unwrap()).await.unwrap()
    }

    pub(crate) async fn send(
        &self,
        request: Request<impl Body<Data = Bytes, Error = Infallible> + Send + Sync + 'static>,
    ) -> hyper::Result<Reply> {
        let request = request.map(BodyExt::boxed);
        Ok(Reply::of(self.sender.clone().send_request(request).await?).await)
    }
}

/// A response, read to its end.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: http::HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    async fn of(response: Response<Incoming>) -> Self {
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Self { status: head.status.as_u16(), headers: head.headers, body }
    }

    /// The field's only value, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}
