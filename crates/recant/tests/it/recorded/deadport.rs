//! Ports that nobody answers on.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, getsockname, listen, socket_with};

/// A port of 127.0.0.1 that is taken, so that no other test can get it, and dead.
pub(crate) struct DeadPort {
    pub(crate) number: u16,
    _taken: OwnedFd,
    _waiting: Vec<TcpStream>,
}

impl DeadPort {
    /// One that refuses connections: bound, and not listening.
    #[track_caller]
    pub(crate) fn refusing() -> Self {
        let (taken, number) = bound();
        Self { number, _taken: taken, _waiting: Vec::new() }
    }

    /// One where connections wait for ever: its queue is full, and nobody takes from it.
    #[track_caller]
    pub(crate) fn silent() -> Self {
        let (taken, number) = bound();
        listen(&taken, 0).unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, number));
        // The queue is full when a connection is no longer made at once; over loopback that is soon known.
        let fill = || TcpStream::connect_timeout(&address, Duration::from_millis(100)).ok();
        let waiting: Vec<TcpStream> = std::iter::from_fn(fill).take(8).collect();
        assert!(waiting.len() < 8, "the queue of port {number} does not get full");
        Self { number, _taken: taken, _waiting: waiting }
    }
}

fn bound() -> (OwnedFd, u16) {
    let taken = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None).unwrap();
    bind(&taken, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = SocketAddrV4::try_from(getsockname(&taken).unwrap()).unwrap();
    (taken, address.port())
}
