//! One stream: a request, and its response as the viewer takes it.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Poll, ready};

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::header::{CONTENT_LENGTH, HeaderValue};
use http::{Request, Response};
use http_body::{Body as _, Frame};
use tokio::time::timeout;

use recant_core::limits::{HTTP2_SEND_BYTES_MAX, REQUEST_HEADERS_MAX, VIEWER_STALL_MAX};

use super::turns::Turn;
use super::{Content, Reply, fields};
use crate::body::{BodyError, Outgoing, Received};
use crate::date::note_date;
use crate::hop;
use crate::interim::Interjections;
use crate::request::{self, Shared};
use crate::respond::Refusal;
use crate::viewer::Viewer;

/// Answers one request, unless its viewer gives up before.
pub(super) async fn answer(
    shared: Arc<Shared>,
    viewer: Viewer,
    request: Request<RecvStream>,
    sender: SendResponse<Bytes>,
    turn: Turn,
) {
    let reply = Arc::new(Reply::new(sender));
    let response = {
        let mut answering = pin!(respond(&shared, &viewer, request, &reply));
        poll_fn(|cx| match answering.as_mut().poll(cx) {
            Poll::Ready(response) => Poll::Ready(Some(response)),
            // Looked at second: what can be answered at once needs nobody's patience.
            Poll::Pending => reply.poll_given_up(cx).map(|()| None),
        })
        .await
    };
    let (Some(response), Some(sender)) = (response, reply.begin()) else { return };
    if let Err(error) = send(response, sender, turn, &shared).await {
        tracing::debug!(%error, "a viewer's stream broke");
    }
}

async fn respond(
    shared: &Arc<Shared>,
    viewer: &Viewer,
    request: Request<RecvStream>,
    reply: &Arc<Reply>,
) -> Response<Outgoing> {
    let (mut head, content) = request.into_parts();
    let content = Content::new(content, &head.headers, reply);
    fields::translate(&mut head, !content.is_end_stream());
    // HTTP/1.1's reader counts them itself.
    if head.headers.len() > REQUEST_HEADERS_MAX {
        return Refusal::TooManyFields.into_response(None);
    }
    let interjections: Arc<dyn Interjections> = reply.clone();
    let request = Request::from_parts(head, Received::Http2(content));
    request::answer(shared, &interjections, viewer, request, None).await
}

/// Why a response did not come to its end.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the viewer gave up: {0}")]
    GivenUp(Reason),
    #[error(transparent)]
    Stream(#[from] h2::Error),
    #[error(transparent)]
    Body(#[from] BodyError),
    #[error("the stream is closed")]
    Closed,
    #[error("the viewer takes nothing of it")]
    Stalled,
}

async fn send(
    response: Response<Outgoing>,
    mut sender: SendResponse<Bytes>,
    turn: Turn,
    shared: &Shared,
) -> Result<(), Broken> {
    let (mut head, body) = response.into_parts();
    // RFC 9113 section 8.2.2: nothing that is about one connection, whatever a response headers policy adds.
    hop::strip(&mut head.headers);
    note_date(&mut head.headers, shared.clock.wall());
    let is_over = body.is_end_stream();
    if let Some(length) = body.size_hint().exact().filter(|_| !is_over) {
        head.headers.entry(CONTENT_LENGTH).or_insert_with(|| HeaderValue::from(length));
    }
    let stream = sender.send_response(Response::from_parts(head, ()), is_over)?;
    if is_over {
        return Ok(());
    }
    let mut writing = Writing { stream, turn };
    let sent = writing.send(body).await;
    match &sent {
        // The viewer must not take it for a whole one (RFC 9113 section 8.1.1).
        Err(Broken::Body(_)) => writing.stream.send_reset(Reason::INTERNAL_ERROR),
        // Others may be waiting for him to take his share, and what he holds is not the store's any more.
        Err(Broken::Stalled) => writing.stream.send_reset(Reason::CANCEL),
        _ => {}
    }
    sent
}

/// A response's body on its way out.
struct Writing {
    stream: SendStream<Bytes>,
    turn: Turn,
}

impl Writing {
    async fn send(&mut self, mut body: Outgoing) -> Result<(), Broken> {
        loop {
            match self.next_of(&mut body).await? {
                None => return Ok(self.stream.send_data(Bytes::new(), true)?),
                Some(frame) => match frame.into_data() {
                    Ok(data) if body.is_end_stream() => return self.send_data(data, true).await,
                    Ok(data) => self.send_data(data, false).await?,
                    Err(frame) => {
                        if let Ok(mut trailers) = frame.into_trailers() {
                            hop::strip_trailers(&mut trailers);
                            return Ok(self.stream.send_trailers(trailers)?);
                        }
                    }
                },
            }
        }
    }

    /// What comes next, unless the viewer gives up before.
    async fn next_of(&mut self, body: &mut Outgoing) -> Result<Option<Frame<Bytes>>, Broken> {
        poll_fn(|cx| match Pin::new(&mut *body).poll_frame(cx) {
            Poll::Ready(frame) => Poll::Ready(Ok(frame.transpose()?)),
            Poll::Pending => Poll::Ready(Err(Broken::GivenUp(ready!(self.stream.poll_reset(cx))?))),
        })
        .await
    }

    /// Hands over as much as the viewer takes at a time, and no more of it than a little ahead of him. Nothing is reserved before it is there: what
    /// one stream holds back of the connection's window another one lacks.
    async fn send_data(&mut self, mut data: Bytes, is_last: bool) -> Result<(), Broken> {
        if data.is_empty() && is_last {
            self.stream.send_data(data, true)?;
            return Ok(());
        }
        self.turn.pass(false);
        while !data.is_empty() {
            self.stream.reserve_capacity(data.len().min(HTTP2_SEND_BYTES_MAX));
            let capacity =
                timeout(VIEWER_STALL_MAX, self.capacity()).await.map_err(|_| Broken::Stalled)??;
            let piece = data.split_to(capacity.min(data.len()));
            self.stream.send_data(piece, is_last && data.is_empty())?;
            self.turn.pass(false);
        }
        self.turn.pass(true);
        Ok(())
    }

    /// What may be handed over now, as soon as there is any.
    async fn capacity(&mut self) -> Result<usize, Broken> {
        poll_fn(|cx| {
            loop {
                match self.stream.capacity() {
                    0 => match ready!(self.stream.poll_capacity(cx)) {
                        Some(capacity) => drop(capacity?),
                        None => return Poll::Ready(Err(Broken::Closed)),
                    },
                    capacity => return Poll::Ready(Ok(capacity)),
                }
            }
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use h2::{client, server};
    use tokio::io::duplex;
    use tokio::time::Instant;

    use super::*;
    use crate::http2::turns::Streams;

    /// What a stream whose viewer takes nothing comes to.
    #[tokio::test(start_paused = true)]
    async fn a_stream_that_nobody_takes_is_given_up() {
        let (near, far) = duplex(64 * 1024);
        let opening = client::Builder::new().initial_window_size(1_000).handshake::<_, Bytes>(near);
        let (client, server) = tokio::join!(opening, server::handshake(far));
        let (mut client, connection) = client.expect("a viewer");
        tokio::spawn(connection);
        let mut server = server.expect("an edge");
        let request = Request::get("https://a.test/").body(()).expect("a request");
        let (response, _) = client.send_request(request, true).expect("it is sent");
        let (_, mut sender) = server.accept().await.expect("a stream").expect("a request");
        tokio::spawn(async move { while server.accept().await.is_some() {} });
        let stream = sender.send_response(Response::new(()), false).expect("it is sent");
        let mut writing = Writing { stream, turn: Arc::new(Streams::default()).begin() };
        let start = Instant::now();
        let body = Outgoing::Whole(Some(Bytes::from(vec![7; 2_000])));
        let sent = writing.send(body).await;
        assert!(matches!(sent, Err(Broken::Stalled)), "{sent:?}");
        assert_eq!(start.elapsed().as_secs(), VIEWER_STALL_MAX.as_secs());
        drop(response);
    }
}
