//! Work that must not slow down callbacks.

use std::io;

/// How much lower the priority of a reload is, as `nice` counts: what it builds has a tenth of what a thread gets that
/// moves bytes, when both want to run.
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

/// Lowers the priority of this thread by so much, as `nice` counts. Where that is not possible all are served alike.
pub(crate) fn lower(nice: i32) {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), nice);
    #[cfg(not(target_os = "linux"))]
    let _ = nice;
}
