//! What the host writes to its log while a test looks on.

use std::cell::RefCell;
use std::io::Write;
use std::sync::Once;

thread_local! {
    static CAPTURED: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// The log of this thread, from [`capture`] until this is dropped. A test with the usual runtime has one thread, on
/// which everything is logged that belongs to a callback.
#[derive(Debug)]
pub struct Log(());

/// Starts to listen.
pub fn capture() -> Log {
    start();
    CAPTURED.set(Some(Vec::new()));
    Log(())
}

/// Starts the log, once for all tests: a subscriber of each thread's own would compete with the others for tracing's
/// memory of who wants to read what.
pub(crate) fn start() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let log = tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).with_ansi(false).without_time();
        log.with_writer(|| Thread).init();
    });
}

impl Log {
    /// Everything so far.
    pub fn text(&self) -> String {
        CAPTURED.with_borrow(|text| String::from_utf8_lossy(text.as_deref().unwrap_or_default()).into_owned())
    }

    /// The lines that contain `part`.
    pub fn lines_with(&self, part: &str) -> Vec<String> {
        self.text().lines().filter(|line| line.contains(part)).map(str::to_owned).collect()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        CAPTURED.set(None);
    }
}

/// Writes to the log of the thread that it is used on; nowhere if nobody listens there.
struct Thread;

impl Write for Thread {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        CAPTURED.with_borrow_mut(|text| text.iter_mut().for_each(|text| text.extend_from_slice(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
