//! The edge's HTTP calls to its plane: a heartbeat, the feed, an answer to a question.

use std::fmt;
use std::io;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use recant_core::limits::HEARTBEAT_BYTES_MAX;
use recant_core::protocol::message::{Answer, Applied, Heartbeat};
use recant_wire::feed::heartbeat::TakenAway;
use recant_wire::feed::question::{self, ANSWER_PATH, Counted};
use recant_wire::feed::{EdgeSecret, FEED_PATH, FrameError, HEARTBEAT_PATH, heartbeat, resume};
use tokio::net::TcpStream;

/// Where a plane is: `http://host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaneUrl {
    authority: String,
}

/// Why a text is no [`PlaneUrl`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaneUrlError {
    /// Not `http://…`.
    #[error(
        "a plane's URL begins with http:// (the feed has no TLS of its own in this version: use a private network)"
    )]
    Scheme,
    /// Not `host:port` after the scheme.
    #[error("a plane's URL is like http://host:4580, without a path")]
    Authority,
}

impl FromStr for PlaneUrl {
    type Err = PlaneUrlError;

    fn from_str(text: &str) -> Result<Self, PlaneUrlError> {
        let rest = text.strip_prefix("http://").ok_or(PlaneUrlError::Scheme)?;
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let parsed: http::uri::Authority = authority.parse().map_err(|_| PlaneUrlError::Authority)?;
        let plain = !authority.contains('@') && !parsed.host().is_empty();
        if !plain
            || (authority.rsplit(']').next().is_some_and(|end| end.contains(':'))
                && parsed.port_u16().is_none())
        {
            return Err(PlaneUrlError::Authority);
        }
        let authority = match parsed.port_u16() {
            Some(_) => authority.to_owned(),
            None => format!("{authority}:80"),
        };
        Ok(Self { authority })
    }
}

impl PlaneUrl {
    /// The plane's `host:port`.
    pub fn authority(&self) -> &str {
        &self.authority
    }
}

impl fmt::Display for PlaneUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.authority)
    }
}

/// Why a call to the plane came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientError {
    #[error("the plane cannot be reached")]
    Connect(#[source] io::Error),
    #[error("the connection to the plane broke")]
    Http(#[from] hyper::Error),
    #[error(
        "the plane does not take this edge: the file edge-secret in the edge's folder is not that plane's"
    )]
    Secret,
    #[error("the plane answered {0}")]
    Status(StatusCode),
    #[error("the plane's answer cannot be understood")]
    Answer,
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("the plane is silent")]
    Silent,
}

impl ClientError {
    /// What an answer that is no success means.
    fn refused(status: StatusCode) -> Self {
        if status == StatusCode::FORBIDDEN { Self::Secret } else { Self::Status(status) }
    }
}

type Sender = SendRequest<Full<Bytes>>;

/// Connections to one plane.
#[derive(Debug)]
pub(super) struct PlaneClient {
    url: PlaneUrl,
    authorization: String,
    /// A connection that waits for the next heartbeat. Locked to take it out or put it back.
    idle: Mutex<Option<Sender>>,
}

impl PlaneClient {
    pub(super) fn new(url: PlaneUrl, secret: EdgeSecret) -> Self {
        Self { url, authorization: secret.authorization(), idle: Mutex::new(None) }
    }

    /// Says how far this edge has come and what was taken away, and asks for a lease.
    pub(super) async fn heartbeat(
        &self,
        heartbeat: &Heartbeat,
        taken_away: &TakenAway,
    ) -> Result<Answer, ClientError> {
        let body = heartbeat::encode_with(heartbeat, taken_away);
        let request = self.request(Method::POST, HEARTBEAT_PATH.to_owned(), body);
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut sender = match idle.filter(|sender| !sender.is_closed()) {
            Some(sender) => sender,
            None => self.connect().await?,
        };
        sender.ready().await?;
        let response = sender.send_request(request).await?;
        if response.status() != StatusCode::OK {
            return Err(ClientError::refused(response.status()));
        }
        let body = Limited::new(response.into_body(), HEARTBEAT_BYTES_MAX).collect().await;
        let body = body.map_err(|_| ClientError::Answer)?.to_bytes();
        *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        heartbeat::decode_answer(&body).map_err(|_| ClientError::Answer)
    }

    /// Answers a question. On a connection of its own: heartbeats wait for nothing.
    pub(super) async fn answer(&self, counted: &Counted) -> Result<(), ClientError> {
        let request = self.request(Method::POST, ANSWER_PATH.to_owned(), question::encode(counted));
        let response = self.connect().await?.send_request(request).await?;
        if response.status().is_success() { Ok(()) } else { Err(ClientError::refused(response.status())) }
    }

    /// Opens a feed that goes on after this place.
    pub(super) async fn feed(&self, after: Option<&Applied>) -> Result<FeedReader, ClientError> {
        let query = resume::query(after);
        let separator = if query.is_empty() { "" } else { "?" };
        let request = self.request(Method::GET, format!("{FEED_PATH}{separator}{query}"), Vec::new());
        let mut sender = self.connect().await?;
        let response = sender.send_request(request).await?;
        if response.status() != StatusCode::OK {
            return Err(ClientError::refused(response.status()));
        }
        Ok(FeedReader { body: response.into_body(), _sender: sender })
    }

    fn request(&self, method: Method, target: String, body: Vec<u8>) -> Request<Full<Bytes>> {
        Request::builder()
            .method(method)
            .uri(target)
            .header(HOST, self.url.authority())
            .header(AUTHORIZATION, &self.authorization)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body.into()))
            .expect("the parts are our own")
    }

    async fn connect(&self) -> Result<Sender, ClientError> {
        let stream = TcpStream::connect(self.url.authority()).await.map_err(ClientError::Connect)?;
        stream.set_nodelay(true).map_err(ClientError::Connect)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // It ends when the sender is dropped or the plane closes; either is seen by whoever holds the sender.
        tokio::spawn(connection);
        Ok(sender)
    }
}

/// The body of a feed.
pub(super) struct FeedReader {
    body: Incoming,
    /// Keeps the connection open.
    _sender: Sender,
}

impl FeedReader {
    /// The next piece; nothing at the end.
    pub(super) async fn next_piece(&mut self) -> Result<Option<Bytes>, ClientError> {
        while let Some(frame) = self.body.frame().await {
            if let Ok(piece) = frame?.into_data() {
                return Ok(Some(piece));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plane_urls() {
        let check = |text: &str, expected: Result<&str, PlaneUrlError>| {
            let url = text.parse::<PlaneUrl>();
            assert_eq!(url.as_ref().map(PlaneUrl::authority), expected.as_ref().copied(), "{text}");
        };
        check("http://127.0.0.1:4580", Ok("127.0.0.1:4580"));
        check("http://plane.internal:4580/", Ok("plane.internal:4580"));
        check("http://[::1]:4580", Ok("[::1]:4580"));
        check("http://plane", Ok("plane:80"));
        check("https://plane:4580", Err(PlaneUrlError::Scheme));
        check("plane:4580", Err(PlaneUrlError::Scheme));
        check("http://plane:4580/x", Err(PlaneUrlError::Authority));
        check("http://user@plane:4580", Err(PlaneUrlError::Authority));
        check("http://plane:99999", Err(PlaneUrlError::Authority));
        check("http://", Err(PlaneUrlError::Authority));
    }
}
