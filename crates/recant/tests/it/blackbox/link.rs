//! The line between an edge and its plane, that can be cut: what is sent meanwhile arrives late, as over a network that
//! loses packets for a while, and each connection recovers in its own time. Nobody at either end is told.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use super::loopback;
use super::random::Random;

/// See the module. It lives as long as this process.
#[derive(Clone)]
pub(crate) struct Link {
    /// Where the edge finds the plane.
    pub(crate) address: SocketAddr,
    gate: Arc<Gate>,
}

#[derive(Default)]
struct Gate {
    cut: Mutex<bool>,
    changed: Condvar,
    random: Mutex<Option<Random>>,
}

/// Milliseconds that a connection may take to recover: the feed longer than a heartbeat, or the other way round.
const RECOVERY_MILLIS_MAX: usize = 600;

impl Link {
    pub(crate) fn to(plane: SocketAddr) -> Self {
        let listener = TcpListener::bind(loopback(0)).unwrap();
        let link = Self { address: listener.local_addr().unwrap(), gate: Arc::default() };
        let gate = Arc::clone(&link.gate);
        thread::spawn(move || {
            for edge in listener.incoming().flatten() {
                // While the plane is away its edges are turned away, as they would be by its port.
                let Ok(plane) = TcpStream::connect(plane) else { continue };
                drop(join(edge, plane, &gate));
            }
        });
        link
    }

    pub(crate) fn cut(&self) {
        *self.gate.cut.lock().unwrap() = true;
    }

    /// Lets connections recover, one sooner and one later by the choices of this stream.
    pub(crate) fn mend(&self, random: Random) {
        *self.gate.random.lock().unwrap() = Some(random);
        *self.gate.cut.lock().unwrap() = false;
        self.gate.changed.notify_all();
    }
}

fn join(edge: TcpStream, plane: TcpStream, gate: &Arc<Gate>) -> io::Result<()> {
    for (from, to) in [(edge.try_clone()?, plane.try_clone()?), (plane, edge)] {
        to.set_nodelay(true)?;
        let gate = Arc::clone(gate);
        thread::spawn(move || carry(from, to, &gate));
    }
    Ok(())
}

/// Carries what comes, until either side has gone; then the other hears of it.
fn carry(mut from: TcpStream, mut to: TcpStream, gate: &Gate) {
    let mut buffer = [0; 16 * 1024];
    loop {
        let read = from.read(&mut buffer).unwrap_or(0);
        gate.wait();
        if read == 0 || to.write_all(&buffer[..read]).is_err() {
            // Best effort: one of them may be gone altogether.
            drop(to.shutdown(Shutdown::Write));
            drop(from.shutdown(Shutdown::Read));
            return;
        }
    }
}

impl Gate {
    fn wait(&self) {
        let cut = self.cut.lock().unwrap();
        if !*cut {
            return;
        }
        drop(self.changed.wait_while(cut, |cut| *cut).unwrap());
        let recovery =
            self.random.lock().unwrap().as_mut().map(|random| random.millis_below(RECOVERY_MILLIS_MAX));
        thread::sleep(recovery.unwrap_or_default());
    }
}
