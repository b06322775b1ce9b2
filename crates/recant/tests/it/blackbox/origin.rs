//! The tenants' origin: a folder for each, bodies that say whose they are and which version.
//!
//! The version is read when a request has arrived, and the answer may come much later, in pieces: so there are always
//! answers under way that an invalidation overtakes. Those that get stored under a newer stamp break the promise.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::loopback;
use super::random::Random;
use super::world::{PARTS, PATHS, TENANTS, World};

/// For how long an answer holds: half of them for long; else it is to be validated, or served and validated at the same time.
const CONTROLS: [&str; 6] = [
    "max-age=3600",
    "max-age=3600",
    "max-age=3600",
    "max-age=0, stale-if-error=60",
    "max-age=0, stale-while-revalidate=60",
    "max-age=0, stale-while-revalidate=60",
];

/// What always has the same entity-tag, whatever it says: of its parts nothing but their stamps tells which are old.
const TAGGED_ONCE: [&str; 3] = ["/a", "/shop/1", "/shop/2/c"];

/// Starts an origin that lives as long as this process.
pub(crate) fn start(world: &Arc<World>, mut random: Random) -> SocketAddr {
    let listener = TcpListener::bind(loopback(0)).unwrap();
    let address = listener.local_addr().unwrap();
    let world = Arc::clone(world);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (world, random) = (Arc::clone(&world), random.fork());
            // Whoever goes away in the middle was killed.
            thread::spawn(move || drop(serve(&world, stream, random)));
        }
    });
    address
}

fn serve(world: &World, mut stream: TcpStream, mut random: Random) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    while let Some(line) = lines.next().transpose()? {
        let target = line.split(' ').nth(1).unwrap_or_default();
        let Some((tenant, path)) = thing(target) else {
            return Err(io::Error::other(format!("asked for {target}")));
        };
        let (mut held, mut range) = (String::new(), String::new());
        loop {
            let line = lines.next().transpose()?.unwrap_or_default().to_ascii_lowercase();
            match line.split_once(": ") {
                Some(("if-none-match", tag)) => held = tag.into(),
                Some(("range", asked)) => range = asked.into(),
                // The rest of the head says nothing of interest.
                Some(_) => {}
                None => break,
            }
        }
        let version = world.current(tenant, path);
        let (before, between) = delays(&mut random);
        world.pause(before);
        let body = World::body(tenant, path, version);
        let control = random.one_of(&CONTROLS);
        let tag = if TAGGED_ONCE.contains(&PATHS[path]) { 0 } else { version };
        let head = format!("content-type: text/plain\r\ncache-control: {control}\r\netag: \"{tag}\"");
        if held == format!("\"{tag}\"") {
            write!(stream, "HTTP/1.1 304 Not Modified\r\n{head}\r\n\r\n")?;
            continue;
        }
        let (status, body, place) = match range.strip_prefix("bytes=") {
            None => ("200 OK", body.as_str(), String::new()),
            Some(asked) => {
                let (first, last) = if asked == PARTS[0] { (0, 7) } else { (8, body.len() - 1) };
                let place = format!("content-range: bytes {first}-{last}/{}\r\n", body.len());
                ("206 Partial Content", &body[first..=last], place)
            }
        };
        let (start, rest) = body.split_at(2);
        write!(
            stream,
            "HTTP/1.1 {status}\r\n{head}\r\n{place}content-length: {}\r\n\r\n{start}",
            body.len()
        )?;
        world.pause(between);
        let overtaken = world.due(tenant, path) > version;
        stream.write_all(rest.as_bytes())?;
        world.count(|counts| counts.overtaken += u64::from(overtaken));
    }
    Ok(())
}

/// Before the head, and in the middle of the body: mostly none, sometimes longer than an invalidation takes.
fn delays(random: &mut Random) -> (Duration, Duration) {
    let mut delay = || {
        let end = random.one_of(&[1, 1, 1, 1, 1, 1, 20, 50, 100, 300]);
        random.millis_below(end)
    };
    (delay(), delay())
}

/// `/ada/shop/1` is ada's `/shop/1`.
fn thing(target: &str) -> Option<(usize, usize)> {
    let folder_end = target.get(1..)?.find('/')? + 1;
    let tenant = TENANTS.iter().position(|tenant| *tenant == &target[1..folder_end])?;
    let path = PATHS.iter().position(|path| *path == &target[folder_end..])?;
    Some((tenant, path))
}
