//! Checks the write-ahead log before SQLite opens it.
//!
//! SQLite uses a WAL up to the first page whose checksum is wrong, and silently ignores the rest. After a power failure
//! that is right: the rest was not synced, so it was not acknowledged. But if a bit has changed on disk, the rest was
//! acknowledged. The two cases look the same here, so the loss is logged, and the WAL is kept for inspection.

use std::fs::File;
use std::io::{self, BufReader, Read as _};
use std::path::Path;

use super::connection::PAGE_BYTES;

/// Pages from the first one on that SQLite will not use, if a commit is among them. What is left of an older log, which
/// is overwritten from its beginning on, does not count, nor does a single page at the end.
pub(super) fn unusable_pages(path: &Path) -> io::Result<u64> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let frames = file.metadata()?.len().saturating_sub(HEADER) / (FRAME_HEADER + PAGE_BYTES);
    let mut log = BufReader::with_capacity(1 << 16, file);
    let mut header = [0; HEADER as usize];
    if frames == 0 || log.read_exact(&mut header).is_err() {
        return Ok(0);
    }
    let is_big_endian = header[3] & 1 == 1;
    let mut sum = checksum(is_big_endian, (0, 0), &header[..24]);
    if number(&header, 0) >> 1 != MAGIC >> 1 || (number(&header, 24), number(&header, 28)) != sum {
        // A log whose beginning is damaged is ignored as a whole.
        return Ok(frames);
    }
    let salt = &header[16..24];
    let mut frame = vec![0; (FRAME_HEADER + PAGE_BYTES) as usize];
    let (mut is_usable, mut unusable, mut is_committed) = (true, 0_u64, false);
    for _ in 0..frames {
        log.read_exact(&mut frame)?;
        let is_of_this_log = frame.get(8..16) == Some(salt);
        if is_usable {
            sum = checksum(is_big_endian, sum, frame.get(..8).unwrap_or_default());
            sum = checksum(is_big_endian, sum, frame.get(FRAME_HEADER as usize..).unwrap_or_default());
            is_usable = is_of_this_log && (number(&frame, 16), number(&frame, 20)) == sum;
        }
        if !is_usable && is_of_this_log {
            unusable += 1;
            is_committed |= number(&frame, 4) != 0;
        }
    }
    // A host that was killed while it wrote leaves one such page, the last.
    Ok(if is_committed && unusable > 1 { unusable } else { 0 })
}

/// Sizes in bytes, and what a log begins with; its last bit tells the order of bytes.
const HEADER: u64 = 32;
const FRAME_HEADER: u64 = 24;
const MAGIC: u32 = 0x377f_0682;

fn number(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_be_bytes)
}

/// The checksum of SQLite's log: a Fibonacci sum over pairs of words.
fn checksum(is_big_endian: bool, mut sum: (u32, u32), bytes: &[u8]) -> (u32, u32) {
    let word = |word: &[u8]| {
        let word = word.try_into().unwrap_or_default();
        if is_big_endian { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) }
    };
    for pair in bytes.chunks_exact(8) {
        let (first, second) = pair.split_at(4);
        sum.0 = sum.0.wrapping_add(word(first)).wrapping_add(sum.1);
        sum.1 = sum.1.wrapping_add(word(second)).wrapping_add(sum.0);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_read_as_sqlite_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file-wal");
        let connection = rusqlite::Connection::open(folder.path().join("file")).unwrap();
        let batch = "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (x);
                     INSERT INTO t VALUES (1); INSERT INTO t VALUES (2);";
        connection.execute_batch(batch).unwrap();
        assert_eq!(unusable_pages(&path).unwrap(), 0);
        let whole = std::fs::read(&path).unwrap();
        let frame = (FRAME_HEADER + PAGE_BYTES) as usize;
        let frames = (whole.len() - HEADER as usize) / frame;
        for (at, unusable) in [(0, frames), (HEADER as usize + 100, frames), (whole.len() - 1, 0)] {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            std::fs::write(&path, changed).unwrap();
            assert_eq!(unusable_pages(&path).unwrap(), unusable as u64, "at {at}");
        }
        // A WAL that was restarted has remains of the previous one.
        std::fs::write(&path, &whole).unwrap();
        connection.execute_batch("PRAGMA wal_checkpoint(RESTART); INSERT INTO t VALUES (3);").unwrap();
        assert_eq!(unusable_pages(&path).unwrap(), 0);
        assert_eq!(unusable_pages(&folder.path().join("none")).unwrap(), 0);
    }
}
