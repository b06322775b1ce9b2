//! One connection: its requests, its bounds, and its end in good order.

use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use h2::server::Builder;
use h2::{Ping, PingPong};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use recant_core::limits::{
    HTTP2_CONNECTION_WINDOW_BYTES, HTTP2_FRAME_BYTES_MAX, HTTP2_LOCAL_RESETS_MAX, HTTP2_PENDING_RESETS_MAX,
    HTTP2_PING_PERIOD, HTTP2_SEND_BYTES_MAX, HTTP2_STREAM_WINDOW_BYTES, HTTP2_STREAMS_MAX,
    REQUEST_HEAD_BYTES_MAX, REQUEST_HEAD_TIME_MAX, VIEWER_STALL_MAX,
};

use super::stream;
use super::turns::Streams;
use crate::request::Shared;
use crate::server::Ended;
use crate::stop::Stop;
use crate::viewer::Viewer;

/// Connections within all bounds.
fn builder() -> Builder {
    let mut builder = Builder::new();
    builder
        .max_concurrent_streams(HTTP2_STREAMS_MAX)
        .max_header_list_size(REQUEST_HEAD_BYTES_MAX as u32)
        .max_frame_size(HTTP2_FRAME_BYTES_MAX)
        .initial_window_size(HTTP2_STREAM_WINDOW_BYTES)
        .initial_connection_window_size(HTTP2_CONNECTION_WINDOW_BYTES)
        .max_send_buffer_size(HTTP2_SEND_BYTES_MAX)
        .max_pending_accept_reset_streams(HTTP2_PENDING_RESETS_MAX)
        .max_local_error_reset_streams(Some(HTTP2_LOCAL_RESETS_MAX));
    builder
}

/// Answers what is asked on a connection until the viewer has gone, or stops taking what he is sent, or it is time to stop: then what is
/// under way comes to its end, and nothing new is taken. Whatever is left of it when this future ends, or is dropped, ends with it.
pub(crate) async fn serve<S>(stream: S, viewer: Viewer, shared: Arc<Shared>, mut stop: Stop) -> Ended
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let opening = timeout(REQUEST_HEAD_TIME_MAX, builder().handshake::<_, Bytes>(stream));
    let mut connection = tokio::select! {
        opened = opening => opened??,
        // Nothing has been asked yet.
        () = &mut stop => return Ok(()),
    };
    let mut gone = pin!(gone(connection.ping_pong()));
    let mut look = pin!(sleep(VIEWER_STALL_MAX));
    let streams = Arc::new(Streams::default());
    let mut tasks = JoinSet::new();
    let (mut is_closing, mut moves) = (false, 0);
    loop {
        tokio::select! {
            asked = connection.accept() => match asked {
                None => return Ok(()),
                Some(asked) => {
                    let (request, sender) = asked?;
                    let turn = streams.begin();
                    tasks.spawn(stream::answer(shared.clone(), viewer.clone(), request, sender, turn));
                }
            },
            Some(_) = tasks.join_next(), if !tasks.is_empty() => {}
            () = &mut stop, if !is_closing => {
                connection.graceful_shutdown();
                is_closing = true;
            }
            () = look.as_mut() => {
                look.as_mut().reset(Instant::now() + VIEWER_STALL_MAX);
                if !streams.are_stalled(&mut moves) {
                    continue;
                }
                // Told first, cut off at the next look.
                if is_closing {
                    return Ok(());
                }
                connection.graceful_shutdown();
                is_closing = true;
            }
            // Nobody would read a farewell.
            () = gone.as_mut() => return Ok(()),
        }
    }
}

/// Asks again and again whether anybody is still there; ends when nobody says so. Never, where nobody can be asked.
async fn gone(pings: Option<PingPong>) {
    let Some(mut pings) = pings else { return std::future::pending().await };
    loop {
        sleep(HTTP2_PING_PERIOD).await;
        if !matches!(timeout(HTTP2_PING_PERIOD, pings.ping(Ping::opaque())).await, Ok(Ok(_))) {
            return;
        }
    }
}
