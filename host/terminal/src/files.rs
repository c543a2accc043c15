//! Files that a user names: looked at before they are read.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::Path;

/// Reads a file of at most `bytes_max` bytes.
///
/// Its kind and its size are looked at first: reading a named pipe may wait forever, reading a device may never end,
/// and reading gigabytes only to refuse them takes a while.
///
/// # Errors
/// If it cannot be read, is larger, or is something other than a file.
///
/// ```
/// let error = callgate_terminal::read_file("/dev/zero".as_ref(), 100).unwrap_err();
/// assert_eq!(error.to_string(), "it is a device, not a file");
/// ```
pub fn read_file(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let found = std::fs::metadata(path)?;
    if let Some(what) = what_else(&found) {
        return Err(io::Error::other(format!("it is {what}, not a file")));
    }
    if found.len() > bytes_max {
        let bytes = found.len();
        return Err(io::Error::other(format!("it has {bytes} bytes, and at most {bytes_max} are allowed")));
    }
    // It may be longer than it says, as the files below `/proc` are, or grow meanwhile.
    let mut bytes = Vec::new();
    File::open(path)?.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > bytes_max {
        true => Err(io::Error::other(format!("it has more than {bytes_max} bytes"))),
        false => Ok(bytes),
    }
}

/// As [`read_file`], for text.
///
/// # Errors
/// As [`read_file`], and if it is not UTF-8.
pub fn read_text(path: &Path, bytes_max: u64) -> io::Result<String> {
    let bytes = read_file(path, bytes_max)?;
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))
}

/// What it is, if it is no file.
#[must_use]
pub fn what_else(found: &Metadata) -> Option<&'static str> {
    let kind = found.file_type();
    if kind.is_file() {
        return None;
    }
    if kind.is_dir() {
        return Some("a folder");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        if kind.is_fifo() {
            return Some("a named pipe");
        }
        if kind.is_socket() {
            return Some("a socket");
        }
    }
    Some("a device")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_limit_and_folders_are_no_files() {
        let path = std::env::temp_dir().join(format!("callgate-files-{}", std::process::id()));
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(read_text(&path, 5).unwrap(), "12345");
        let error = read_file(&path, 4).unwrap_err().to_string();
        assert_eq!(error, "it has 5 bytes, and at most 4 are allowed");
        std::fs::write(&path, b"\xff").unwrap();
        assert_eq!(read_text(&path, 5).unwrap_err().to_string(), "it is not UTF-8");
        std::fs::remove_file(&path).unwrap();
        let error = read_file(&std::env::temp_dir(), 4).unwrap_err().to_string();
        assert_eq!(error, "it is a folder, not a file");
        let error = read_file("/proc/self/status".as_ref(), 4).unwrap_err().to_string();
        assert_eq!(error, "it has more than 4 bytes");
    }
}
