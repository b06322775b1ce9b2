//! The threads that exchange requests for replies, and do nothing else.
//!
//! An [`Environment`](crate::environment::Environment) is one thread's: its streams, its clock, its random numbers. So everything that
//! needs one (signing, deciding, saying) stays on the thread that has it, and workers get requests that are ready to be sent. A worker
//! knows no clock, keeps no state and takes no decision.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::Duration;

use crate::transport::{Failure, Reply, Transport};

/// Whose a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Whose {
    /// The tenant's place in the run.
    pub tenant: usize,
    /// How often the credentials had been renewed when it was signed.
    pub renewals: u32,
}

/// What a worker sends, and whose it is.
type Order = (Whose, http::Request<Vec<u8>>);
/// What came back, and whose it is.
pub(super) type Delivery = (Whose, Result<Reply, Failure>);

/// The requests that nobody has taken yet. Locked while a worker waits for one.
#[derive(Debug)]
pub(super) struct Orders(Mutex<Receiver<Order>>);

/// The workers of a run. They end when this is dropped.
#[derive(Debug)]
pub(super) struct Crew<'scope, 'run> {
    scope: &'scope Scope<'scope, 'run>,
    orders: &'scope Orders,
    transport: Transport,
    threads: Vec<ScopedJoinHandle<'scope, ()>>,
    order: Sender<Order>,
    deliver: Sender<Delivery>,
    delivered: Receiver<Delivery>,
    in_flight: usize,
}

/// Makes the two ends of what workers are told by.
pub(super) fn orders() -> (Sender<Order>, Orders) {
    let (order, orders) = mpsc::channel();
    (order, Orders(Mutex::new(orders)))
}

impl<'scope, 'run> Crew<'scope, 'run> {
    /// A crew without workers yet: each request that finds none idle starts one.
    pub(super) fn new(
        scope: &'scope Scope<'scope, 'run>,
        (order, orders): (Sender<Order>, &'scope Orders),
        transport: Transport,
    ) -> Self {
        let (deliver, delivered) = mpsc::channel();
        Self { scope, orders, transport, threads: Vec::new(), order, deliver, delivered, in_flight: 0 }
    }

    /// Sends a request.
    pub(super) fn send(&mut self, whose: Whose, request: http::Request<Vec<u8>>) {
        if self.in_flight == self.threads.len() {
            let (orders, transport, deliver) = (self.orders, self.transport.clone(), self.deliver.clone());
            self.threads.push(self.scope.spawn(move || work(orders, &transport, &deliver)));
        }
        self.in_flight += 1;
        self.order.send((whose, request)).expect("the receiver outlives the scope");
    }

    /// Whether no request is on its way.
    pub(super) fn is_idle(&self) -> bool {
        self.in_flight == 0
    }

    /// Waits for a reply; none when the time is over first.
    pub(super) fn delivery(&mut self, limit: Duration) -> Option<Delivery> {
        match self.delivered.recv_timeout(limit) {
            Ok(delivery) => {
                self.in_flight -= 1;
                Some(delivery)
            }
            Err(_) => {
                let has_died = self.threads.iter().any(ScopedJoinHandle::is_finished);
                assert!(!has_died, "a worker ends only with its crew");
                None
            }
        }
    }
}

fn work(orders: &Orders, transport: &Transport, deliver: &Sender<Delivery>) {
    loop {
        let order = orders.0.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((whose, request)) = order else { return };
        if deliver.send((whose, transport.send(request))).is_err() {
            return;
        }
    }
}
