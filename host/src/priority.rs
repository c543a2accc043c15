//! Work that must not slow down callbacks.

use std::io;

/// The `nice` value of reloads. A thread that builds gets about a tenth of the CPU time of an I/O thread while both are
/// busy.
pub(crate) const RELOADS: i32 = 10;

/// Does work on a thread of low priority, which threads and processes that it starts inherit.
///
/// # Errors
/// If no thread can be started.
pub(crate) fn lowered<T: Send>(work: impl FnOnce() -> T + Send) -> io::Result<T> {
    let run = || {
        lower(RELOADS);
        work()
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("reload".to_owned()).spawn_scoped(scope, run)?;
        thread.join().or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Sets the `nice` value of this thread. Errors are ignored, and other systems than Linux keep the normal priority.
pub(crate) fn lower(nice: i32) {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), nice);
    #[cfg(not(target_os = "linux"))]
    let _ = nice;
}
