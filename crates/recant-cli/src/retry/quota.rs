//! How many retries one command may make in all: a service in trouble is not made busier.
//!
//! Each retry costs; a success gives back what its last retry cost, or 1. With many pages and many attempts the purse can run empty, and
//! then the error stands as it is.

/// What is there at the beginning, and never more.
const CAPACITY: u32 = 500;
/// What a retry costs.
const COST: u32 = 5;
/// What a retry costs after a time-out.
const COST_AFTER_TIMEOUT: u32 = 10;
/// What a success without retries gives.
const GAIN: u32 = 1;

/// The purse of one command.
#[derive(Debug)]
pub(crate) struct Quota {
    left: u32,
}

impl Quota {
    /// A full one.
    pub(crate) fn new() -> Self {
        Self { left: CAPACITY }
    }

    /// Pays for a retry and returns its price; none if there is not enough.
    pub(crate) fn pay(&mut self, is_after_timeout: bool) -> Option<u32> {
        let cost = if is_after_timeout { COST_AFTER_TIMEOUT } else { COST };
        self.left = self.left.checked_sub(cost)?;
        Some(cost)
    }

    /// Takes note of a success, whose last retry cost this much.
    pub(crate) fn succeed(&mut self, last_cost: Option<u32>) {
        self.left = self.left.saturating_add(last_cost.unwrap_or(GAIN)).min(CAPACITY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_retries_empty_it_and_successes_fill_it() {
        let mut quota = Quota::new();
        assert!((0..100).all(|_| quota.pay(false) == Some(5)));
        assert_eq!(quota.pay(false), None);
        quota.succeed(None);
        assert_eq!(quota.pay(false), None);
        quota.succeed(Some(10));
        assert_eq!(quota.pay(true), Some(10));
        quota.succeed(Some(u32::MAX));
        assert_eq!(quota.left, CAPACITY);
    }
}
