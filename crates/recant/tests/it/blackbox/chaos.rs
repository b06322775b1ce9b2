//! What goes wrong in a run, on purpose: kills, restarts, pauses, cuts. One thing after the other, each on what has recovered
//! from the one before.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::api::{Api, Client};
use super::http::{Connection, PATIENCE};
use super::processes::{LEASE_SECONDS, Processes, a_moment};
use super::random::Random;
use super::viewers::look;
use super::world::{CLEO, DORA, PATHS, TENANTS, World, host};
use super::writers::{Accepted, Writer};

/// How long the plane counts a lease as in force: a tenth longer than the edge does.
const HOLD: Duration = Duration::from_millis(LEASE_SECONDS * 1_100);
/// What a machine with much else to do may add to a wait for `Completed`.
const MARGIN: Duration = Duration::from_secs(3);
/// Connections that are open while an edge is paused.
const CONNECTIONS_KEPT: usize = 4;
/// Invalidations that are repeated at the end, beside those whose first answer got lost.
const REPEATED: usize = 40;

#[derive(Clone, Copy, Debug)]
enum Blow {
    KillEdge,
    EmptyEdge,
    PauseEdge,
    CutEdge,
    KillPlane,
    KillPlaneAndEdge,
    PausePlane,
}

/// See the module.
pub(crate) struct Chaos<'a> {
    world: &'a World,
    processes: Processes,
    api: &'a Api,
    writer: Writer<'a>,
    random: Random,
}

impl<'a> Chaos<'a> {
    pub(crate) fn new(world: &'a World, processes: Processes, api: &'a Api, mut random: Random) -> Self {
        let writer = Writer::new(world, api, "chaos", random.fork());
        Self { world, processes, api, writer, random }
    }

    /// Every blow once, in an order of the seed's choice.
    pub(crate) fn round(&mut self) {
        let mut blows = if self.processes.edges.is_empty() {
            vec![Blow::KillPlane, Blow::KillPlane, Blow::PausePlane, Blow::KillPlane]
        } else {
            use Blow::{CutEdge, EmptyEdge, KillEdge, KillPlane, KillPlaneAndEdge, PauseEdge};
            vec![KillEdge, EmptyEdge, PauseEdge, CutEdge, KillPlane, KillPlaneAndEdge]
        };
        self.random.shuffle(&mut blows);
        for blow in blows {
            self.until_all_serve();
            self.let_pass(300, 600);
            self.strike(blow);
        }
        self.until_all_serve();
        self.let_pass(300, 301);
    }

    fn strike(&mut self, blow: Blow) {
        self.world.enter(format!("{blow:?}"));
        let edge = self.random.below(self.processes.viewers().len());
        match blow {
            Blow::KillEdge => {
                self.kill_edge(edge);
                self.completes_all_the_same(blow);
                self.processes.edges[edge].restart();
            }
            Blow::EmptyEdge => {
                self.kill_edge(edge);
                self.processes.empty_the_folder_of(edge);
                self.processes.edges[edge].restart();
                self.completes_all_the_same(blow);
            }
            Blow::PauseEdge => self.pause_edge(edge),
            Blow::CutEdge => {
                let link = self.processes.links[edge].clone();
                link.cut();
                self.world.count(|counts| counts.pauses += 1);
                self.completes_all_the_same(blow);
                // It serves viewers all the while; now it hears what it was told long ago.
                self.let_pass(100, 400);
                link.mend(self.random.fork());
            }
            Blow::KillPlane => {
                self.kill_plane();
                self.let_pass(0, 1_500);
                self.processes.plane.restart();
            }
            Blow::KillPlaneAndEdge => {
                self.kill_edge(edge);
                self.kill_plane();
                self.let_pass(0, 300);
                self.processes.plane.restart();
                self.completes_all_the_same(blow);
                self.processes.edges[edge].restart();
            }
            Blow::PausePlane => {
                self.processes.plane.pause();
                self.world.count(|counts| counts.pauses += 1);
                self.world.pause(HOLD);
                self.processes.plane.go_on();
            }
        }
    }

    /// Holds an edge still until its lease has run out and something that it holds has been invalidated; what it
    /// was asked meanwhile it must not answer from its cache, on old connections neither.
    fn pause_edge(&mut self, edge: usize) {
        let address = self.processes.viewers()[edge];
        let mut connections: Vec<_> =
            (0..CONNECTIONS_KEPT).map(|_| Connection::open(address).unwrap()).collect();
        let path = |n: usize| n % PATHS.len();
        for (n, connection) in connections.iter_mut().enumerate() {
            until_hit(|| look(self.world, connection, edge, CLEO, path(n)).is_ok_and(|hit| hit));
        }
        self.processes.edges[edge].pause();
        self.world.count(|counts| counts.pauses += 1);
        self.completes_all_the_same(Blow::PauseEdge);
        let mut dues = Vec::new();
        for (n, connection) in connections.iter_mut().enumerate() {
            dues.push(self.world.due(CLEO, path(n)));
            connection.send_get(&host(CLEO), PATHS[path(n)]).unwrap();
        }
        self.processes.edges[edge].go_on();
        for (n, (connection, due)) in connections.iter_mut().zip(dues).enumerate() {
            let reply = connection.receive().unwrap();
            self.world.judge(edge, CLEO, path(n), due, &reply);
        }
    }

    /// With an edge away, `Completed` comes when its lease has run out.
    fn completes_all_the_same(&mut self, blow: Blow) {
        let Some(took) = self.writer.invalidate(CLEO, &["/*"]) else { return };
        self.world.count(|counts| counts.longest_wait = counts.longest_wait.max(took));
        if took > HOLD + MARGIN {
            self.world.breaks(format!("{blow:?}: Completed came after {took:?}"));
        }
    }

    fn kill_edge(&mut self, edge: usize) {
        self.processes.edges[edge].kill();
        self.world.count(|counts| counts.kills += 1);
    }

    fn kill_plane(&mut self) {
        self.processes.plane.kill();
        self.world.count(|counts| counts.kills += 1);
    }

    fn let_pass(&mut self, from: u64, end: u64) {
        let more = self.random.millis_below((end - from) as usize);
        self.world.pause(Duration::from_millis(from) + more);
    }

    /// Waits until every edge has a lease again.
    fn until_all_serve(&self) {
        for (edge, address) in self.processes.viewers().into_iter().enumerate() {
            until_hit(|| {
                let looked = Connection::open(address)
                    .and_then(|mut connection| look(self.world, &mut connection, edge, DORA, 0));
                looked.is_ok_and(|hit| hit)
            });
        }
    }

    /// Gives what it had accepted itself.
    pub(crate) fn accepted(&mut self) -> Vec<Accepted> {
        std::mem::take(&mut self.writer.accepted)
    }

    /// After one more `kill -9`: everything that was accepted is there, once, and as it was said to be.
    pub(crate) fn kill_the_plane_and_check(&mut self, accepted: &[Accepted]) {
        self.world.enter("the end".to_owned());
        self.kill_plane();
        self.processes.plane.restart();
        let mut client = self.api.client();
        self.is_all_there(&mut client, accepted);
        let again = (0..REPEATED).map(|_| &accepted[self.random.below(accepted.len())]);
        let again: Vec<&Accepted> =
            again.chain(accepted.iter().filter(|accepted| accepted.retried)).collect();
        for accepted in again {
            let id = client.create(accepted.tenant, &accepted.reference, &accepted.paths);
            if !matches!(&id, Ok(id) if *id == accepted.id) {
                self.world
                    .breaks(format!("{} was {}, repeated it is {id:?}", accepted.reference, accepted.id));
            }
        }
        // Nothing has come of the repetitions.
        self.is_all_there(&mut client, accepted);
    }

    fn is_all_there(&self, client: &mut Client<'_>, accepted: &[Accepted]) {
        for (tenant, name) in TENANTS.into_iter().enumerate() {
            let ours: Vec<_> = accepted.iter().filter(|accepted| accepted.tenant == tenant).collect();
            let start = Instant::now();
            while !self.is_listed_as_completed(&client.list(tenant).unwrap(), name, &ours) {
                if start.elapsed() > PATIENCE {
                    self.world.breaks(format!("some of {name}'s are never Completed"));
                    break;
                }
                a_moment();
            }
        }
    }

    /// Compares a list with what was accepted; whether all is completed.
    fn is_listed_as_completed(&self, listed: &[(String, String)], name: &str, ours: &[&Accepted]) -> bool {
        let statuses: BTreeMap<&String, &String> = listed.iter().map(|(id, status)| (id, status)).collect();
        if listed.len() != ours.len() || statuses.len() != ours.len() {
            self.world.breaks(format!("{name}: {} listed, {} accepted", listed.len(), ours.len()));
        }
        for Accepted { reference, id, completed, .. } in ours {
            match statuses.get(id).map(|status| status.as_str()) {
                Some("Completed") => {}
                Some("InProgress") if !completed => {}
                status => self.world.breaks(format!("{reference} ({id}) is now {status:?}")),
            }
        }
        statuses.values().all(|status| *status == "Completed")
    }
}

fn until_hit(mut is_hit: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_hit() {
        assert!(start.elapsed() < PATIENCE, "an edge does not serve from its cache again");
        a_moment();
    }
}
