//! Viewers that ask for many things, one connection each: as plain as can be, since what they cost is taken from nobody's
//! account, and from the machine all the same.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::origin::SERIAL_DIGITS;
use crate::processes::PATIENCE;

/// How many ask side by side, usually.
pub(crate) const VIEWERS: usize = 8;

/// One kept-alive connection.
pub(crate) struct Viewer {
    address: SocketAddr,
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What is looked at of a response.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// How often the origin had been asked when it sent this; 0 if the body says nothing of it.
    pub(crate) serial: u64,
}

/// How long viewers go on.
#[derive(Clone, Copy)]
pub(crate) enum Until<'a> {
    /// Each number below this one once.
    Each(usize),
    /// The numbers below the first over and over, for as long.
    Over(usize, Duration),
    /// The same, so many a second.
    Paced(usize, Duration, f64),
    /// The same, for as long as this says so.
    PacedWhile(usize, &'a AtomicBool, f64),
}

/// What viewers have seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) replies: usize,
    pub(crate) seconds: f64,
    pub(crate) latencies: Vec<Duration>,
}

impl Viewer {
    pub(crate) fn open(address: SocketAddr) -> Result<Self> {
        Ok(Self { address, stream: connect(address)?, buffer: Vec::new() })
    }

    /// Sends the bytes of a request and reads what is answered. A connection that was closed meanwhile is opened anew.
    pub(crate) fn ask(&mut self, request: &[u8]) -> Result<Reply> {
        self.buffer.clear();
        let first = self.stream.write_all(request).map_err(Into::into).and_then(|()| self.reply());
        if first.is_ok() || !self.buffer.is_empty() {
            return first;
        }
        self.stream = connect(self.address)?;
        self.stream.write_all(request)?;
        self.reply()
    }

    fn reply(&mut self) -> Result<Reply> {
        self.buffer.clear();
        let head = loop {
            let before = self.buffer.len().saturating_sub(3);
            self.more()?;
            if let Some(at) = self.buffer[before..].windows(4).position(|four| four == b"\r\n\r\n") {
                break before + at + 4;
            }
        };
        let text = std::str::from_utf8(&self.buffer[..head])?;
        let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).context("a status")?;
        let length = text.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        let end = head + length.with_context(|| format!("no length in {text:?}"))?;
        while self.buffer.len() < end {
            self.more()?;
        }
        let serial =
            self.buffer.get(head..head + SERIAL_DIGITS).and_then(|digits| std::str::from_utf8(digits).ok());
        Ok(Reply { status, serial: serial.and_then(|digits| digits.parse().ok()).unwrap_or(0) })
    }

    fn more(&mut self) -> Result<()> {
        let mut piece = [0; 16 * 1024];
        let read = self.stream.read(&mut piece)?;
        ensure!(read > 0, "the connection was closed before the response had come");
        self.buffer.extend_from_slice(&piece[..read]);
        Ok(())
    }
}

fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream =
        TcpStream::connect_timeout(&address, PATIENCE).with_context(|| format!("connecting to {address}"))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Lets so many viewers ask, from one core if one is named; every answer has to have one of these statuses.
pub(crate) fn load(
    address: SocketAddr,
    viewers: usize,
    core: Option<usize>,
    until: Until<'_>,
    statuses: &[u16],
    request: &(impl Fn(usize, &mut Vec<u8>) + Sync),
) -> Result<Seen> {
    let next = AtomicUsize::new(0);
    let start = Instant::now();
    let seen = thread::scope(|scope| {
        let threads: Vec<_> = (0..viewers)
            .map(|_| scope.spawn(|| view(address, core, until, start, &next, statuses, request)))
            .collect();
        let mut latencies = Vec::new();
        for thread in threads {
            let Ok(seen) = thread.join() else { bail!("a viewer has failed") };
            latencies.extend(seen?);
        }
        Ok(latencies)
    })?;
    Ok(Seen { replies: seen.len(), seconds: start.elapsed().as_secs_f64(), latencies: seen })
}

fn view(
    address: SocketAddr,
    core: Option<usize>,
    until: Until<'_>,
    start: Instant,
    next: &AtomicUsize,
    statuses: &[u16],
    request: &impl Fn(usize, &mut Vec<u8>),
) -> Result<Vec<Duration>> {
    stay_on(core)?;
    let mut viewer = Viewer::open(address)?;
    let (mut bytes, mut latencies) = (Vec::new(), Vec::new());
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let (of, is_over) = match until {
            Until::Each(count) => (count, number >= count),
            Until::Over(of, time) | Until::Paced(of, time, _) => (of, start.elapsed() >= time),
            Until::PacedWhile(of, goes_on, _) => (of, !goes_on.load(Ordering::SeqCst)),
        };
        if is_over {
            return Ok(latencies);
        }
        bytes.clear();
        request(number % of, &mut bytes);
        let asked = match until {
            Until::Paced(_, _, rate) | Until::PacedWhile(_, _, rate) => {
                wait(start + Duration::from_secs_f64(number as f64 / rate))
            }
            _ => Instant::now(),
        };
        let reply = viewer.ask(&bytes)?;
        latencies.push(asked.elapsed());
        let is_expected = statuses.contains(&reply.status);
        ensure!(is_expected, "{} to {}", reply.status, String::from_utf8_lossy(&bytes));
    }
}

/// Waits until a request is due; gives the moment from which its answer is waited for. That is when it was due if all
/// viewers were kept waiting by then; else what the sleep took too long is not the server's.
fn wait(due: Instant) -> Instant {
    let now = Instant::now();
    if now >= due {
        return due;
    }
    thread::sleep(due - now);
    Instant::now()
}

/// Keeps this thread on a core, if one is named.
pub(crate) fn stay_on(core: Option<usize>) -> Result<()> {
    if let Some(core) = core {
        let mut cores = rustix::thread::CpuSet::new();
        cores.set(core);
        rustix::thread::sched_setaffinity(None, &cores).context("staying on a core")?;
    }
    Ok(())
}

impl Seen {
    /// The smallest latency that so many of a thousand do not exceed, in milliseconds.
    pub(crate) fn latency(&self, thousandths: usize) -> f64 {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * thousandths).div_ceil(1_000).max(1);
        sorted.get(rank - 1).map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e3)
    }
}
