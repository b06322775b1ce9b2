//! Viewers: they ask all the time, and judge what they get.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use super::http::Connection;
use super::random::Random;
use super::world::{PARTS, PATHS, TENANTS, World, host};

/// Keeps the machine free for those who are looked at.
const BETWEEN_REQUESTS: Duration = Duration::from_millis(2);
/// Before another try at an edge that is not there.
const AFTER_ERROR: Duration = Duration::from_millis(15);

/// Asks one edge for everything, until the run ends.
pub(crate) fn view(world: &World, edge: usize, address: SocketAddr, mut random: Random) {
    let mut connection = None;
    while world.goes_on() {
        let (tenant, path) = (random.below(TENANTS.len()), random.below(PATHS.len()));
        // Now and then a new connection: nothing may depend on the old one.
        if random.below(20) == 0 {
            connection = None;
        }
        let part = (random.below(3) == 0).then(|| random.one_of(&PARTS));
        let looked = (|| {
            let connection = match &mut connection {
                Some(connection) => connection,
                none => none.insert(Connection::open(address)?),
            };
            match part {
                Some(part) => look_at_part(world, connection, edge, tenant, path, part),
                None => look(world, connection, edge, tenant, path),
            }
        })();
        if looked.is_ok() {
            world.pause(BETWEEN_REQUESTS);
        } else {
            connection = None;
            world.count(|counts| counts.broken_off += 1);
            world.pause(AFTER_ERROR);
        }
    }
}

/// Asks once, and judges the answer.
pub(crate) fn look(
    world: &World,
    connection: &mut Connection,
    edge: usize,
    tenant: usize,
    path: usize,
) -> io::Result<bool> {
    // Before the request is sent: that is what the promise is about.
    let due = world.due(tenant, path);
    connection.send_get(&host(tenant), PATHS[path])?;
    let reply = connection.receive()?;
    world.judge(edge, tenant, path, due, &reply);
    Ok(reply.header("x-cache").starts_with("Hit"))
}

/// The same, for some bytes alone.
fn look_at_part(
    world: &World,
    connection: &mut Connection,
    edge: usize,
    tenant: usize,
    path: usize,
    range: &str,
) -> io::Result<bool> {
    let due = world.due(tenant, path);
    let (host, path_asked) = (host(tenant), PATHS[path]);
    connection.send(
        format!("GET {path_asked} HTTP/1.1\r\nhost: {host}\r\nrange: bytes={range}\r\n\r\n").as_bytes(),
    )?;
    let reply = connection.receive()?;
    world.judge(edge, tenant, path, due, &reply);
    Ok(reply.header("x-cache").starts_with("Hit"))
}
