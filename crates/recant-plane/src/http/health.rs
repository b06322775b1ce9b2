//! Whether this process lives, and whether it can do its work.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::Shared;
use crate::store::Store;

/// 200 while the process answers at all.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// 200 while the store writes and reads and invalidations can complete; 503 with the reason otherwise.
pub(super) async fn ready<S: Store>(State(shared): State<Arc<Shared<S>>>) -> Response {
    let store = &shared.context.store;
    if let Err(error) = store.health() {
        return not_ready(&error);
    }
    match store.completed().await {
        Ok(_) if !shared.completion.is_running() => not_ready(&"nothing completes any more"),
        Ok(_) => "ready\n".into_response(),
        Err(error) => not_ready(&error),
    }
}

fn not_ready(error: &dyn std::fmt::Display) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {error}\n")).into_response()
}
