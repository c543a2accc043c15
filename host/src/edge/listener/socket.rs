//! A Unix socket to listen on, and its file.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream as StdStream;
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixSocket, UnixStream};

#[derive(Debug)]
pub(super) struct Socket {
    listener: UnixListener,
    file: Inode,
}

/// The file of the socket, which is removed with it, unless another process has put its own there.
#[derive(Debug)]
struct Inode {
    path: PathBuf,
    number: u64,
}

impl Socket {
    /// Listens at this path. The socket that an earlier process has left there is removed, if no process listens at it.
    pub(super) fn bind(path: &Path, mode: u32, backlog: u32) -> io::Result<Self> {
        remove_stale(path)?;
        let socket = UnixSocket::new_stream()?;
        socket.bind(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
        let file = Inode { path: path.to_owned(), number: fs::symlink_metadata(path)?.ino() };
        Ok(Self { listener: socket.listen(backlog)?, file })
    }

    pub(super) async fn accept(&self) -> io::Result<UnixStream> {
        Ok(self.listener.accept().await?.0)
    }

    /// Accepts those who wait already, and closes.
    pub(super) fn close(self) -> Vec<UnixStream> {
        let mut waiting = Vec::new();
        // First, so that no other process connects.
        drop(self.file);
        let Ok(listener) = self.listener.into_std() else { return waiting };
        while let Ok((stream, _)) = listener.accept() {
            let _ = stream.set_nonblocking(true);
            waiting.extend(UnixStream::from_std(stream));
        }
        waiting
    }
}

impl Drop for Inode {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|found| found.ino() == self.number) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn remove_stale(path: &Path) -> io::Result<()> {
    let Ok(found) = fs::symlink_metadata(path) else { return Ok(()) };
    if !found.file_type().is_socket() {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "a file with this name exists, and it is not a socket",
        ));
    }
    match StdStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) => Err(error),
        Ok(_) => Err(io::ErrorKind::AddrInUse.into()),
    }
}
