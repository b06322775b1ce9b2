//! What every store promises of reads, beside what they find.

use std::task::{Context, Waker};
use std::time::Duration;

use recant_core::limits::STORE_READS_AT_A_TIME_MAX;
use recant_plane::store::{Store, TenantKey};

use super::World;
use super::samples::furnish;

/// Longer than anything here takes; a hang fails instead of lasting.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) async fn who_does_not_take_an_answer_holds_nobody_up(world: impl World) {
    let store = world.open();
    furnish(&store, &["t"]).await;
    let late = async || store.tenant(TenantKey::Name("name-t".into())).await.unwrap();
    // As many as read at a time, and as many that wait for them; none is let go on, as requests with long bodies may be for a while.
    let mut waiting: Vec<_> = (0..2 * STORE_READS_AT_A_TIME_MAX).map(|_| Box::pin(late())).collect();
    waiting.retain_mut(|read| read.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    tokio::time::timeout(PATIENCE, late()).await.expect("there is a place").unwrap();
    for read in waiting {
        read.await.unwrap();
    }
}
