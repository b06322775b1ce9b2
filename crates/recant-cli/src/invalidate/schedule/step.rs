//! What goes into a schedule, and what comes out.

use std::time::Duration;

use crate::error::Error;
use crate::invalidate::created::Created;
use crate::invalidate::refusal::Refusal;
use crate::invalidate::stored::Stored;

/// What the tenants are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::invalidate) enum Aim {
    /// An invalidation each; and until when it is waited for after the last one was created.
    Create {
        /// How long, if at all.
        wait: Option<Duration>,
    },
    /// How many stored responses an invalidation would match.
    Count,
}

/// What bounds a run.
#[derive(Clone, Copy, Debug)]
pub(in crate::invalidate) struct Bounds {
    /// Calls at a time.
    pub concurrency: usize,
    /// How long what is refused for now is tried.
    pub give_up_after: Duration,
    /// Attempts, while the endpoint has not answered once.
    pub attempts_max: u32,
    /// Whether it has answered before.
    pub is_known: bool,
    /// Whether waiting can make room for what is too much in progress.
    pub has_room: bool,
}

/// A call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::invalidate) enum Ask {
    /// `CreateInvalidationForDistributionTenant`.
    Create,
    /// `GetInvalidationForDistributionTenant`.
    Poll,
    /// Recant's count of stored responses.
    Count,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::invalidate) enum Step {
    /// Call for this tenant; the number is the attempt's.
    Call(usize, Ask, u32),
    /// Wait for an answer, until a time if there is one.
    Await(Option<Duration>),
    /// Nothing more.
    Over,
}

/// What is being done for most tenants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::invalidate) enum Phase {
    /// Stored responses are counted.
    Counting,
    /// Invalidations are created.
    Creating,
    /// All are created.
    Waiting {
        /// Until when they are waited for.
        deadline: Duration,
    },
}

/// What came of a call.
#[derive(Debug)]
pub(in crate::invalidate) enum Heard {
    /// The invalidation.
    Invalidation(Created),
    /// The count.
    Stored(Stored),
    /// Nobody counts here.
    NoCount(Option<Error>),
    /// An error of the service.
    Refused {
        /// What it means.
        refusal: Refusal,
        /// The error.
        error: Error,
        /// When to ask again.
        retry_after: Option<Duration>,
    },
    /// No answer.
    Unanswered {
        /// Why.
        error: Error,
        /// Whether there may be one next time.
        is_transient: bool,
    },
    /// The credentials were over; there are others.
    Renewed,
    /// An answer that cannot be read.
    Unreadable(Error),
}
