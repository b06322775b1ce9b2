//! What the plane asks its edges, and who has answered.
//!
//! ```text
//!   ask() ─▶ every open feed ─▶ the edges count ─▶ answer() ─▶ the one who asked
//! ```
//!
//! Every member on record is expected to answer, since each may have something stored; who does not, within a bound, is named. Nothing that
//! the protocol promises depends on an answer.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use recant_core::batch::Pattern;
use recant_core::id::{EdgeId, TenantId};
use recant_core::limits::{QUESTION_TIME_MAX, QUESTIONS_AT_A_TIME_MAX};
use recant_wire::feed::question::{Counted, Question};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};

use crate::random;

/// The questions of one plane. A clone is another handle of the same.
#[derive(Clone, Debug)]
pub struct Questions(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    next: AtomicU64,
    asked: broadcast::Sender<Arc<Question>>,
    /// The questions under way, by number. Locked to look one up, and while one is told to the feeds: a feed that opens meanwhile
    /// finds it here or hears it, and never both.
    waiting: Mutex<HashMap<u64, Waiting>>,
}

#[derive(Debug)]
struct Waiting {
    question: Arc<Question>,
    answers: mpsc::UnboundedSender<Counted>,
}

/// What one feed has to tell its edge. See [`Questions::listen`].
#[derive(Debug)]
pub(crate) struct Listening {
    under_way: Vec<Arc<Question>>,
    asked: broadcast::Receiver<Arc<Question>>,
}

/// Too many questions are under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The edges are counting for {QUESTIONS_AT_A_TIME_MAX} dry runs already; ask again shortly.")]
pub struct Busy;

/// What the edges have said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// What each edge has counted.
    pub counted: BTreeMap<EdgeId, u64>,
    /// Who has not answered in time.
    pub unanswered: Vec<EdgeId>,
}

impl Default for Questions {
    fn default() -> Self {
        Self::new()
    }
}

impl Questions {
    /// Nothing is asked so far.
    pub fn new() -> Self {
        let (asked, _) = broadcast::channel(QUESTIONS_AT_A_TIME_MAX);
        // Not from one on: a late answer to a plane that has been restarted must not pass for one to a new question.
        let next = AtomicU64::new(u64::from_be_bytes(random::bytes()));
        Self(Arc::new(Inner { next, asked, waiting: Mutex::new(HashMap::new()) }))
    }

    /// What is under way and what is asked from now on, for a feed that opens: an edge that was cut off for a moment is still in time.
    pub(crate) fn listen(&self) -> Listening {
        let waiting = self.waiting();
        let under_way = waiting.values().map(|waiting| waiting.question.clone()).collect();
        Listening { under_way, asked: self.0.asked.subscribe() }
    }

    /// Asks these edges how many stored responses of the tenant match, and waits until all have answered, or for
    /// [`QUESTION_TIME_MAX`].
    ///
    /// # Errors
    /// [`Busy`].
    pub(crate) async fn ask(
        &self,
        edges: impl IntoIterator<Item = EdgeId>,
        tenant: TenantId,
        patterns: Vec<Pattern>,
    ) -> Result<Tally, Busy> {
        self.ask_for(QUESTION_TIME_MAX, edges, tenant, patterns).await
    }

    async fn ask_for(
        &self,
        patience: Duration,
        edges: impl IntoIterator<Item = EdgeId>,
        tenant: TenantId,
        patterns: Vec<Pattern>,
    ) -> Result<Tally, Busy> {
        // Until the end: dropped, the question is no longer under way.
        let (_asking, mut answers) = self.begin(tenant, patterns)?;
        let mut tally = Tally { unanswered: edges.into_iter().collect(), ..Tally::default() };
        tally.unanswered.sort_unstable();
        tally.unanswered.dedup();
        let all = async {
            while !tally.unanswered.is_empty() {
                let Some(counted) = answers.recv().await else { break };
                // Of an edge that was not asked, or that answers again, nothing is taken.
                if let Some(at) = tally.unanswered.iter().position(|edge| *edge == counted.edge) {
                    tally.counted.insert(tally.unanswered.remove(at), counted.stored_responses);
                }
            }
        };
        // Late or not, what has come is what there is.
        let _ = tokio::time::timeout(patience, all).await;
        Ok(tally)
    }

    /// Takes an edge's answer; one that nobody waits for any more is dropped.
    pub(crate) fn answer(&self, counted: Counted) {
        if let Some(waiting) = self.waiting().get(&counted.question) {
            // Who has just stopped waiting does not need it.
            let _ = waiting.answers.send(counted);
        }
    }

    fn begin(
        &self,
        tenant: TenantId,
        patterns: Vec<Pattern>,
    ) -> Result<(Asking, mpsc::UnboundedReceiver<Counted>), Busy> {
        let mut waiting = self.waiting();
        if waiting.len() >= QUESTIONS_AT_A_TIME_MAX {
            return Err(Busy);
        }
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        // Answers are bounded by the edges' calls, each of which is one short body.
        let (sender, answers) = mpsc::unbounded_channel();
        let question = Arc::new(Question { question: number, tenant, patterns });
        waiting.insert(number, Waiting { question: question.clone(), answers: sender });
        // With no feed open there is nobody to tell it; who opens one in time finds it.
        let _ = self.0.asked.send(question);
        Ok((Asking { questions: self.clone(), number }, answers))
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, Waiting>> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listening {
    /// The next question; nothing when none will come any more. Cancel safe.
    pub(crate) async fn next(&mut self) -> Option<Arc<Question>> {
        if let Some(question) = self.under_way.pop() {
            return Some(question);
        }
        loop {
            match self.asked.recv().await {
                Ok(question) => return Some(question),
                // Questions that this feed was too slow for; their time is short, and who asked is told.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

/// A question that is under way; no more once this is dropped, also when the caller has gone.
struct Asking {
    questions: Questions,
    number: u64,
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.questions.waiting().remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(name: &str) -> EdgeId {
        EdgeId::parse(name).unwrap()
    }

    fn counted(question: u64, name: &str, stored_responses: u64) -> Counted {
        Counted { question, edge: edge(name), stored_responses }
    }

    /// Asks these edges while `answer` plays all of them, and gives what was learnt.
    async fn asked(edges: &[&str], answer: impl Fn(&Questions, u64)) -> Tally {
        let questions = Questions::new();
        let mut feed = questions.listen();
        let tenant = TenantId::parse("dt_1").unwrap();
        let edges = edges.iter().map(|name| edge(name));
        let asking = questions.ask_for(Duration::from_millis(20), edges, tenant, Vec::new());
        let answering = async { answer(&questions, feed.next().await.unwrap().question) };
        tokio::join!(asking, answering).0.unwrap()
    }

    #[tokio::test]
    async fn everybody_is_counted_once() {
        let tally = asked(&["a", "b"], |questions, number| {
            questions.answer(counted(number, "a", 3));
            questions.answer(counted(number, "a", 300));
            questions.answer(counted(number, "stranger", 7));
            questions.answer(counted(number.wrapping_add(1), "b", 9));
            questions.answer(counted(number, "b", 4));
        });
        let expected = BTreeMap::from([(edge("a"), 3), (edge("b"), 4)]);
        assert_eq!(tally.await, Tally { counted: expected, unanswered: Vec::new() });
    }

    #[tokio::test]
    async fn who_does_not_answer_is_named() {
        let tally =
            asked(&["b", "a", "a"], |questions, number| questions.answer(counted(number, "b", 1))).await;
        assert_eq!(tally.unanswered, [edge("a")]);
        assert_eq!(asked(&[], |_, _| {}).await, Tally::default());
    }

    #[tokio::test]
    async fn there_are_never_too_many() {
        let questions = Questions::new();
        let begin = || questions.begin(TenantId::parse("dt_1").unwrap(), Vec::new());
        let under_way: Vec<_> = (0..QUESTIONS_AT_A_TIME_MAX).map(|_| begin().unwrap()).collect();
        assert!(begin().is_err());
        drop(under_way);
        assert!(begin().is_ok());
        assert_eq!(questions.waiting().len(), 0);
    }

    #[tokio::test]
    async fn who_comes_back_hears_what_is_still_asked_and_nothing_twice() {
        let questions = Questions::new();
        let begin = || questions.begin(TenantId::parse("dt_1").unwrap(), Vec::new()).unwrap();
        let over = begin();
        let (first, _answers) = begin();
        drop(over);
        let mut feed = questions.listen();
        let (second, _more) = begin();
        assert_eq!(feed.next().await.unwrap().question, first.number);
        assert_eq!(feed.next().await.unwrap().question, second.number);
        drop((first, second, questions));
        assert_eq!(feed.next().await, None);
    }
}
