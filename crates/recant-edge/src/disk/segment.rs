//! One segment: a file that is only ever appended to, and deleted as a whole.

use std::fs::File;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use bytes::{BufMut as _, BytesMut};

use recant_core::entry::HistoryId;

use super::folder;
use super::record::{Head, PREFIX_BYTES, Prefix, Seat};

/// Where a record begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    pub(super) segment: u32,
    pub(super) offset: u32,
}

/// What a segment starts with: the magic and the format's version.
const MAGIC: [u8; 8] = *b"RCNTSEG\x01";

/// Magic, number, birth, history, checksum.
pub(super) const HEADER_BYTES: usize = 8 + 4 + 8 + 16 + 4;

/// Bytes read at a time while heads are looked for.
const SCANNED_BYTES: usize = 256 * 1024;

/// How files are read and written: one seam, so that tests can have a disk that fails.
pub(super) trait Medium: Send + Sync + std::fmt::Debug + 'static {
    fn write(&self, file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
        file.write_all_at(bytes, at)
    }

    fn read(&self, file: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
        file.read_exact_at(bytes, at)
    }
}

/// The machine's own disk.
#[derive(Debug)]
pub(super) struct OwnDisk;

impl Medium for OwnDisk {}

/// One segment.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) number: u32,
    /// A random number, so that a file is not taken for another one that once had its name.
    pub(super) birth: u64,
    pub(super) history: HistoryId,
    file: File,
}

impl Segment {
    /// A new one.
    pub(super) fn create(
        medium: &dyn Medium,
        path: &Path,
        number: u32,
        history: HistoryId,
    ) -> io::Result<Self> {
        let file = folder::create(path)?;
        file.set_len(0)?;
        let birth = RandomState::new().build_hasher().finish();
        let segment = Self { number, birth, history, file };
        medium.write(&segment.file, &segment.header(), 0)?;
        Ok(segment)
    }

    /// The one in this file; nothing where it is none.
    pub(super) fn open(medium: &dyn Medium, path: &Path) -> io::Result<Option<Self>> {
        let file = File::open(path)?;
        let mut header = [0; HEADER_BYTES];
        medium.read(&file, &mut header, 0)?;
        let number = |range: std::ops::Range<usize>| {
            header[range].iter().fold(0u128, |number, byte| number << 8 | u128::from(*byte))
        };
        let segment = Self {
            number: number(8..12) as u32,
            birth: number(12..20) as u64,
            history: HistoryId(number(20..36)),
            file,
        };
        Ok((segment.header()[..] == header).then_some(segment))
    }

    fn header(&self) -> BytesMut {
        let mut header = BytesMut::with_capacity(HEADER_BYTES);
        header.put_slice(&MAGIC);
        header.put_u32(self.number);
        header.put_u64(self.birth);
        header.put_u128(self.history.0);
        header.put_u32(crc32fast::hash(&header));
        header
    }

    pub(super) fn bytes(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    pub(super) fn seat(&self, offset: u32) -> Seat {
        Seat { birth: self.birth, offset }
    }

    /// Writes what follows what has been written.
    pub(super) fn append(&self, medium: &dyn Medium, bytes: &[u8], at: u32) -> io::Result<()> {
        medium.write(&self.file, bytes, u64::from(at))
    }

    /// Cuts off what has been written in part.
    pub(super) fn cut(&self, length: u32) -> io::Result<()> {
        self.file.set_len(u64::from(length))
    }

    /// The head at this place; nothing where it is damaged.
    pub(super) fn read_head(&self, medium: &dyn Medium, offset: u32) -> io::Result<Option<(Prefix, Head)>> {
        let at = u64::from(offset);
        let mut prefix = [0; PREFIX_BYTES];
        medium.read(&self.file, &mut prefix, at)?;
        let Some(prefix) = Prefix::read(&prefix) else { return Ok(None) };
        let mut head = vec![0; prefix.head_bytes as usize];
        medium.read(&self.file, &mut head, at + PREFIX_BYTES as u64)?;
        Ok(prefix.head(self.seat(offset), &head).map(|head| (prefix, head)))
    }

    /// The body that follows a head; nothing where it is damaged.
    pub(super) fn read_body(
        &self,
        medium: &dyn Medium,
        offset: u32,
        prefix: &Prefix,
    ) -> io::Result<Option<Vec<u8>>> {
        let mut body = vec![0; prefix.body_bytes as usize];
        let at = u64::from(offset) + PREFIX_BYTES as u64 + u64::from(prefix.head_bytes);
        medium.read(&self.file, &mut body, at)?;
        Ok(prefix.is_body(&body).then_some(body))
    }

    /// Shows every head, in the order in which they were written, up to the end or to the first that is damaged. Says where that
    /// is: nothing after it is known.
    pub(super) fn scan(
        &self,
        medium: &dyn Medium,
        mut see: impl FnMut(u32, &Prefix, Head) -> bool,
    ) -> io::Result<u64> {
        let mut window = Window { medium, file: &self.file, length: self.bytes()?, at: 0, bytes: Vec::new() };
        let mut offset = HEADER_BYTES as u64;
        loop {
            let Some(prefix) = window.get(offset, PREFIX_BYTES)? else { return Ok(offset) };
            let prefix = prefix.first_chunk().and_then(Prefix::read);
            let (Some(prefix), Ok(place)) = (prefix, u32::try_from(offset)) else { return Ok(offset) };
            let at = offset + PREFIX_BYTES as u64;
            let Some(head) = window.get(at, prefix.head_bytes as usize)? else { return Ok(offset) };
            let Some(head) = prefix.head(self.seat(place), head) else { return Ok(offset) };
            let end = offset + prefix.record_bytes();
            if end > window.length || !see(place, &prefix, head) {
                return Ok(offset);
            }
            offset = end;
        }
    }
}

/// A view of a part of a file that moves forward.
struct Window<'a> {
    medium: &'a dyn Medium,
    file: &'a File,
    length: u64,
    at: u64,
    bytes: Vec<u8>,
}

impl Window<'_> {
    /// So many bytes from there; nothing where the file has fewer.
    fn get(&mut self, at: u64, bytes: usize) -> io::Result<Option<&[u8]>> {
        if at + bytes as u64 > self.length {
            return Ok(None);
        }
        if at < self.at || at + bytes as u64 > self.at + self.bytes.len() as u64 {
            let wanted = (self.length - at).min(SCANNED_BYTES.max(bytes) as u64);
            self.bytes.resize(usize::try_from(wanted).expect("it fits into memory"), 0);
            self.at = at;
            self.medium.read(self.file, &mut self.bytes, at)?;
        }
        let start = usize::try_from(at - self.at).expect("it fits into memory");
        Ok(Some(&self.bytes[start..start + bytes]))
    }
}
