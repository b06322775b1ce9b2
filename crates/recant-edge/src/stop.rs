//! The word to stop, awaited beside a connection.
//!
//! A connection is looked at several times for every request, and whoever waits for the word would be looked at as often:
//! under a lock that all connections share. Here that happens once, and again only when the word has come.

use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use tokio::sync::watch;

/// Resolves when the edge is to stop, also when whoever could say so is gone; and again whenever it is awaited then.
pub(crate) struct Stop {
    word: watch::Receiver<bool>,
    /// None once the word has come.
    wait: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// Whom `wait` will wake; none before it has been looked at.
    waker: Option<Waker>,
}

impl Stop {
    pub(crate) fn new(word: watch::Receiver<bool>) -> Self {
        let mut own = word.clone();
        let wait = async move { drop(own.wait_for(|is_said| *is_said).await) };
        Self { word, wait: Some(Box::pin(wait)), waker: None }
    }
}

impl Future for Stop {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { word, wait, waker } = &mut *self;
        let Some(waiting) = wait else { return Poll::Ready(()) };
        let is_waiting = waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()));
        // An error says that the other end is gone.
        if is_waiting && word.has_changed().is_ok_and(|is_changed| !is_changed) {
            return Poll::Pending;
        }
        *waker = Some(cx.waker().clone());
        ready!(waiting.as_mut().poll(cx));
        *wait = None;
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waits beside something that is looked at again and again, as a connection is.
    async fn beside(mut stop: Stop) {
        tokio::select! {
            biased;
            () = async { loop { tokio::task::yield_now().await } } => {}
            () = &mut stop => {}
        }
        // Whoever asks again is told again.
        stop.await;
    }

    #[tokio::test]
    async fn the_word_is_heard() {
        for said_before in [true, false] {
            let (say, word) = watch::channel(said_before);
            let stopping = tokio::spawn(beside(Stop::new(word)));
            tokio::task::yield_now().await;
            assert_eq!(stopping.is_finished(), said_before);
            say.send_replace(true);
            stopping.await.expect("it ends");
        }
    }

    #[tokio::test]
    async fn nobody_left_to_say_it_means_the_same() {
        let (say, word) = watch::channel(false);
        let stopping = tokio::spawn(beside(Stop::new(word)));
        tokio::task::yield_now().await;
        drop(say);
        stopping.await.expect("it ends");
    }
}
