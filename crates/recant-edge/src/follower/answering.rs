//! Answers to a plane's questions: a few at a time, each within the time that the plane waits for it.
//!
//! Nothing here holds the follower up. A question is taken or passed over at once; counting has a thread of its own, the answer a
//! connection of its own, and both end when the time is over: a plane that takes no answers must not use up the places for good.

use std::sync::Arc;

use recant_core::id::EdgeId;
use recant_core::limits::{QUESTION_TIME_MAX, QUESTIONS_AT_A_TIME_MAX};
use recant_wire::feed::question::{Counted, Question};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::plane_client::PlaneClient;
use crate::clock::Clock;
use crate::counting::Counter;

/// Answers for one edge. What is being counted is given up when this is dropped.
pub(super) struct Answering {
    edge: EdgeId,
    counter: Counter,
    clock: Arc<dyn Clock>,
    client: Arc<PlaneClient>,
    /// A place for each question that is being answered; closed when no answer is wanted any more.
    places: Arc<Semaphore>,
}

impl Answering {
    pub(super) fn new(
        edge: EdgeId,
        counter: Counter,
        clock: Arc<dyn Clock>,
        client: Arc<PlaneClient>,
    ) -> Self {
        let places = Arc::new(Semaphore::new(QUESTIONS_AT_A_TIME_MAX));
        Self { edge, counter, clock, client, places }
    }

    /// Starts to answer; with too many questions at a time this one is passed over, and the plane says who did not answer.
    pub(super) fn take(&self, question: Question) -> Option<JoinHandle<()>> {
        let place = self.places.clone().try_acquire_owned().ok()?;
        let until = self.clock.boot().saturating_add(QUESTION_TIME_MAX);
        let (edge, number, client) = (self.edge.clone(), question.question, self.client.clone());
        let (counter, clock, places) = (self.counter.clone(), self.clock.clone(), self.places.clone());
        let counting = tokio::task::spawn_blocking(move || {
            let is_wanted = || !places.is_closed() && clock.boot() < until;
            // The place goes along: it is taken for as long as the thread counts, whoever still waits for that.
            (counter.count(&question, is_wanted), place)
        });
        Some(tokio::spawn(async move {
            let answered = tokio::time::timeout(QUESTION_TIME_MAX, async {
                let Ok((Some(stored_responses), _place)) = counting.await else { return Ok(()) };
                client.answer(&Counted { question: number, edge, stored_responses }).await
            });
            match answered.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!(%error, "an answer has not reached the plane"),
                Err(_) => tracing::debug!("the plane has not taken an answer in time"),
            }
        }))
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.places.close();
    }
}

#[cfg(test)]
mod tests {
    use recant_core::id::TenantId;
    use recant_wire::feed::EdgeSecret;
    use tokio::net::TcpListener;

    use super::*;
    use crate::clock::SystemClock;
    use crate::store::Store;
    use crate::world::World;

    // The clock stands still but for what is waited for, so the time that a plane has costs none here.
    #[tokio::test(start_paused = true)]
    async fn a_plane_that_takes_no_answers_does_not_silence_the_edge() {
        // Connects by the system's own doing; nobody ever reads or says anything.
        let plane = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", plane.local_addr().expect("its address"));
        let client = PlaneClient::new(url.parse().expect("a plane's URL"), EdgeSecret::new([1; 32]));
        let answering = Answering::new(
            EdgeId::parse("e").expect("an id"),
            Counter { world: Arc::new(World::new()), store: Arc::new(Store::new(1 << 20, 100)) },
            Arc::new(SystemClock),
            Arc::new(client),
        );
        let question =
            Question { question: 1, tenant: TenantId::parse("t").expect("an id"), patterns: Vec::new() };
        for round in 0..3 {
            let taken: Vec<_> =
                (0..QUESTIONS_AT_A_TIME_MAX).filter_map(|_| answering.take(question.clone())).collect();
            assert_eq!(taken.len(), QUESTIONS_AT_A_TIME_MAX, "round {round}");
            assert!(answering.take(question.clone()).is_none(), "one too many");
            for task in taken {
                tokio::time::timeout(2 * QUESTION_TIME_MAX, task).await.expect("an end").expect("no panic");
            }
        }
    }
}
