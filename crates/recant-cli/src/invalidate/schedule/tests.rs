//! The schedule against a world of values: a service with a rate limit and a latency, on a clock that jumps from event to event.

use std::collections::BTreeSet;

use super::*;

/// How long a call takes.
const LATENCY: Duration = Duration::from_millis(50);

/// A service that answers so many calls a second, with some to spare at first.
struct World {
    calls_per_second: f64,
    spare: f64,
    spare_max: f64,
    at: Duration,
    /// Refusals of the kind that says "too fast".
    throttled: usize,
    answered: usize,
    /// The most calls under way at a time.
    at_a_time: usize,
}

impl World {
    fn of(calls_per_second: f64, spare_max: f64) -> Self {
        let (throttled, answered, at_a_time) = (0, 0, 0);
        Self {
            calls_per_second,
            spare: spare_max,
            spare_max,
            at: Duration::ZERO,
            throttled,
            answered,
            at_a_time,
        }
    }

    /// Runs a schedule to its end. `judge` answers what the rate lets through.
    fn run(&mut self, schedule: &mut Schedule, mut judge: impl FnMut(usize, Ask, Duration) -> Heard) {
        let mut under_way: BTreeSet<(Duration, usize)> = BTreeSet::new();
        let mut asks: Vec<(usize, Ask)> = Vec::new();
        for _ in 0..1_000_000 {
            match schedule.next(self.at) {
                Step::Call(index, ask, _) => {
                    under_way.insert((self.at + LATENCY, asks.len()));
                    asks.push((index, ask));
                    self.at_a_time = self.at_a_time.max(under_way.len());
                }
                Step::Await(until) => {
                    let first = under_way.first().copied();
                    let until = until.or(first.map(|(at, _)| at)).expect("something is to come");
                    match first.filter(|(at, _)| *at <= until) {
                        Some((at, call)) => {
                            under_way.pop_first();
                            self.pass(at);
                            let (index, ask) = asks[call];
                            let heard = if self.spare < 1.0 {
                                self.refuse()
                            } else {
                                self.let_through(|at| judge(index, ask, at))
                            };
                            schedule.answered(index, self.at, heard, 0.5);
                        }
                        None => self.pass(until),
                    }
                }
                Step::Over => return assert!(under_way.is_empty(), "it ends when all have answered"),
            }
        }
        panic!("it does not end");
    }

    fn pass(&mut self, until: Duration) {
        assert!(until >= self.at, "time goes on");
        let passed = (until - self.at).as_secs_f64();
        self.spare = (self.spare + passed * self.calls_per_second).min(self.spare_max);
        self.at = until;
    }

    fn refuse(&mut self) -> Heard {
        self.throttled += 1;
        refused(Refusal::Throttled, "Throttling")
    }

    fn let_through(&mut self, judge: impl FnOnce(Duration) -> Heard) -> Heard {
        self.spare -= 1.0;
        self.answered += 1;
        judge(self.at)
    }
}

fn refused(refusal: Refusal, code: &str) -> Heard {
    let (code, message) = (code.to_owned(), String::new());
    let error = Error::Service { code, message, operation: "Create", reached_max_retries: None };
    Heard::Refused { refusal, error, retry_after: None }
}

fn invalidation(status: &str) -> Heard {
    let (id, status, time) = ("I".to_owned(), status.to_owned(), String::new());
    Heard::Invalidation(Created { id, status, time, is_replay: false })
}

fn schedule(tenants: usize, wait: Option<Duration>) -> Schedule {
    let bounds = Bounds {
        concurrency: 8,
        give_up_after: Duration::from_secs(600),
        attempts_max: 3,
        is_known: true,
        has_room: true,
    };
    let tenants = (0..tenants).map(|number| Tenant::new(format!("dt_{number}"), None)).collect();
    Schedule::new(Aim::Create { wait }, bounds, tenants)
}

#[test]
fn a_fast_service_is_used_fully() {
    let mut world = World::of(f64::INFINITY, 1e9);
    world.spare = 1e9;
    let mut schedule = schedule(800, None);
    world.run(&mut schedule, |_, _, _| invalidation("InProgress"));
    assert_eq!((schedule.tally().created, world.throttled, world.at_a_time), (800, 0, 8));
    assert_eq!(world.at, LATENCY * 100, "eight at a time, one after the other");
}

#[test]
fn a_rate_limit_is_found_and_kept() {
    // About what has been observed of CloudFront: some calls at once, then a few a second.
    let mut world = World::of(5.0, 7.0);
    let mut schedule = schedule(2_000, None);
    world.run(&mut schedule, |_, _, _| invalidation("InProgress"));
    assert_eq!(schedule.tally().created, 2_000);
    let ideal = 2_000.0 / 5.0;
    let took = world.at.as_secs_f64();
    assert!(took < ideal * 1.5, "{took} s instead of {ideal}");
    assert!(world.throttled * 4 < world.answered, "{} of {} were refused", world.throttled, world.answered);
}

#[test]
fn polls_are_fair() {
    let mut world = World::of(50.0, 50.0);
    let mut schedule = schedule(300, Some(Duration::from_secs(600)));
    let mut polls = vec![0_u32; 300];
    world.run(&mut schedule, |index, ask, _| {
        polls[index] += u32::from(ask == Ask::Poll);
        invalidation(if polls[index] == 12 { "Completed" } else { "InProgress" })
    });
    assert_eq!((schedule.tally().completed, polls), (300, vec![12; 300]));
}

#[test]
fn a_wait_ends_when_its_time_is_over() {
    let mut world = World::of(5.0, 7.0);
    let mut schedule = schedule(300, Some(Duration::from_secs(20)));
    let mut created = Duration::ZERO;
    world.run(&mut schedule, |_, ask, at| {
        if ask == Ask::Create {
            created = at;
        }
        invalidation("InProgress")
    });
    assert_eq!((schedule.tally().created, schedule.tally().completed), (300, 0));
    let waited = world.at - created;
    assert!(waited >= Duration::from_secs(20), "{waited:?}");
    assert!(waited <= Duration::from_secs(20) + LAST_LOOK_MAX + LATENCY, "{waited:?}");
}

#[test]
fn a_limit_that_tenants_share_slows_all_down() {
    // All tenants together may have ten in progress; each takes a second.
    let mut world = World::of(1e6, 1e6);
    let mut schedule = schedule(100, None);
    let mut in_progress: Vec<Duration> = Vec::new();
    let mut full = 0;
    world.run(&mut schedule, |_, _, at| {
        in_progress.retain(|created| *created + Duration::from_secs(1) > at);
        if in_progress.len() >= 10 {
            full += 1;
            return refused(Refusal::Full, "TooManyInvalidationsInProgress");
        }
        in_progress.push(at);
        invalidation("InProgress")
    });
    assert_eq!((schedule.tally().created, schedule.tally().failed), (100, 0));
    assert!(full < 200, "{full} refusals for 100 tenants");
}

#[test]
fn a_strange_endpoint_gets_few_attempts() {
    let unwell = || refused(Refusal::Unwell, "InternalError");
    let gone = || Heard::Unanswered { error: Error::general("gone"), is_transient: true };
    let check = |is_known: bool, heard: &dyn Fn() -> Heard, calls: std::ops::Range<usize>, stops: bool| {
        let mut world = World::of(1e6, 1e6);
        let mut schedule = schedule(1, None);
        schedule.is_known = is_known;
        world.run(&mut schedule, |_, _, _| heard());
        assert!(calls.contains(&world.answered), "{} calls", world.answered);
        let (tenants, stopped) = schedule.into_outcome();
        assert_eq!((stopped.is_some(), tenants[0].failure.is_some()), (stops, !stops));
    };
    check(false, &unwell, 3..4, false);
    check(false, &gone, 3..4, true);
    check(true, &unwell, 20..100, false);
    check(true, &gone, 20..100, true);
}
