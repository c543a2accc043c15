//! Reports the state of the service to the service manager, as `sd_notify` does: systemd's `Type=notify` and
//! `Type=notify-reload`.
//!
//! The protocol is a datagram with lines `NAME=VALUE`, sent to the socket that the manager names; see sd_notify(3),
//! which promises that it is stable. It needs no library.

/// Both listeners accept.
pub(super) const READY: &str = "READY=1";

/// The service was told to stop.
pub(super) const STOPPING: &str = "STOPPING=1";

/// The service reads its settings again. When it is done, it says [`READY`] again.
#[cfg(unix)]
pub(super) fn reloading() -> String {
    // The manager takes only what is newer than its own request for a reload.
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let usec = i128::from(now.tv_sec) * 1_000_000 + i128::from(now.tv_nsec) / 1000;
    format!("RELOADING=1\nMONOTONIC_USEC={usec}")
}

/// Sends `state` to the manager, if there is one. A manager that does not listen is no reason not to serve.
pub(super) fn tell(state: &str) {
    let Some(name) = std::env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else { return };
    if let Err(error) = send(&name, state) {
        tracing::warn!("the service manager was not told {state} ({error})");
    }
}

#[cfg(unix)]
fn send(name: &std::ffi::OsStr, state: &str) -> std::io::Result<()> {
    let socket = std::os::unix::net::UnixDatagram::unbound()?;
    #[cfg(target_os = "linux")]
    {
        use std::os::linux::net::SocketAddrExt as _;
        use std::os::unix::ffi::OsStrExt as _;
        // An address in the abstract namespace, which has no file.
        if let Some(name) = name.as_bytes().strip_prefix(b"@") {
            let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
            return socket.send_to_addr(state.as_bytes(), &address).map(drop);
        }
    }
    socket.send_to(state.as_bytes(), name).map(drop)
}

/// No other system has such a manager.
#[cfg(not(unix))]
fn send(_: &std::ffi::OsStr, _: &str) -> std::io::Result<()> {
    Ok(())
}
