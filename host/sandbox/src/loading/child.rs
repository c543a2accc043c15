//! The parent's side: one child process, and how it ended.

use std::ffi::OsString;
use std::io::{self, Read as _};
use std::path::PathBuf;
use std::process::{ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Duration;

use callgate_catalogue::line::one_line;

use crate::cache::Key;
use crate::limits::{Limit, LoadingLimits, PluginLimits};
use crate::load::LoadError;
use crate::loading::wire::{self, Reply, Request};

/// How a child process is started.
pub(crate) struct Start {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// How many threads it compiles with.
    pub(crate) threads: usize,
}

/// A process that prepares modules. It ends when this is dropped.
pub(super) struct Child {
    process: Mutex<std::process::Child>,
    input: ChildStdin,
    output: ChildStdout,
}

/// How much of a child's standard error is read, in bytes.
const LAST_WORDS_BYTES_MAX: u64 = 4096;

impl Child {
    pub(super) fn start(start: &Start) -> Result<Self, LoadError> {
        let failed = |error: io::Error| LoadError::Process { why: format!("could not be started ({error})") };
        let Start { program, arguments, environment, threads } = start;
        let mut command = Command::new(program);
        // It needs nothing of what this process knows.
        command.args(arguments).env_clear().envs(environment.iter().map(|(name, value)| (name, value)));
        command.env("RAYON_NUM_THREADS", threads.to_string()).current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().map_err(failed)?;
        let (input, output) = (process.stdin.take(), process.stdout.take());
        let (Some(input), Some(output)) = (input, output) else {
            return Err(failed(io::ErrorKind::BrokenPipe.into()));
        };
        Ok(Self { process: Mutex::new(process), input, output })
    }

    /// Has one module prepared. After an error the child must not be used again.
    pub(super) fn prepare(
        &mut self,
        loading: &LoadingLimits,
        key: &Key,
        module: &[u8],
        settings: &str,
        limits: &PluginLimits,
    ) -> Result<(Vec<u8>, Duration), LoadError> {
        let request = Request {
            key: key.as_str().to_owned(),
            loading: *loading,
            limits: limits.clone(),
            settings_bytes: settings.len() as u64,
            module_bytes: module.len() as u64,
        };
        let Self { process, input, output } = self;
        let is_late = AtomicBool::new(false);
        let exchanged = std::thread::scope(|scope| {
            let (done, wait) = mpsc::channel::<()>();
            let (process, is_late) = (&*process, &is_late);
            // A child that hangs neither reads nor writes: only killing it ends the exchange.
            let clock = move || {
                if wait.recv_timeout(loading.within) == Err(mpsc::RecvTimeoutError::Timeout) {
                    is_late.store(true, Ordering::Relaxed);
                    let _ = process.lock().unwrap_or_else(PoisonError::into_inner).kill();
                }
            };
            let clock = std::thread::Builder::new().name("loading".to_owned()).spawn_scoped(scope, clock);
            if let Err(error) = clock {
                return Ok(Err(LoadError::Process { why: format!("cannot be watched: no thread ({error})") }));
            }
            let exchanged = wire::write(input, &request, &[settings.as_bytes(), module]).and_then(|()| {
                match wire::read_head(output)? {
                    // The child's memory was limited to this, so its reply cannot be larger.
                    Reply::Entry { bytes, configure_ms } => {
                        let entry = wire::read_bytes(output, bytes, loading.memory_bytes_max)?;
                        Ok(Ok((entry, Duration::from_millis(configure_ms))))
                    }
                    Reply::Failed(error) => Ok(Err(error)),
                }
            });
            drop(done);
            exchanged
        });
        match exchanged {
            // A race: it was killed just after it had replied.
            Ok(_) if is_late.load(Ordering::Relaxed) => {
                Err(LoadError::Limit { limit: Limit::WallTime(loading.within) })
            }
            Ok(prepared) => prepared,
            Err(error) => Err(self.end(loading, is_late.into_inner(), &error)),
        }
    }

    /// Why there was no reply.
    fn end(&mut self, loading: &LoadingLimits, is_late: bool, error: &io::Error) -> LoadError {
        let process = self.process.get_mut().unwrap_or_else(PoisonError::into_inner);
        if is_late {
            return LoadError::Limit { limit: Limit::WallTime(loading.within) };
        }
        let why = |why: String| LoadError::Process { why };
        if error.kind() != io::ErrorKind::UnexpectedEof && error.kind() != io::ErrorKind::BrokenPipe {
            return why("gave a reply that cannot be read".to_owned());
        }
        // It has closed its end of a pipe, so it is exiting or misbehaving.
        let _ = process.kill();
        let mut words = Vec::new();
        if let Some(errors) = process.stderr.take() {
            let _ = errors.take(LAST_WORDS_BYTES_MAX).read_to_end(&mut words);
        }
        let words = String::from_utf8_lossy(&words);
        match process.wait() {
            Err(error) => why(format!("cannot be waited for ({error})")),
            Ok(status) => match signal(status) {
                Some(signal) if Some(signal) == OUT_OF_CPU => {
                    LoadError::Limit { limit: Limit::CpuTime(loading.cpu_max) }
                }
                // When memory runs out, Rust prints this and aborts.
                Some(_) if words.contains("memory allocation of") => {
                    LoadError::Limit { limit: Limit::Memory(loading.memory_bytes_max) }
                }
                Some(signal) => why(format!("was ended by signal {signal}")),
                None => match panic(&words) {
                    // The same module would panic again.
                    Some(message) => LoadError::Prepare { why: format!("the compiler failed at it ({message})") },
                    None => why(format!("ended without a reply ({status})")),
                },
            },
        }
    }
}

/// The signal of a process that has used its CPU time up.
#[cfg(unix)]
const OUT_OF_CPU: Option<i32> = Some(rustix::process::Signal::XCPU.as_raw());
#[cfg(not(unix))]
const OUT_OF_CPU: Option<i32> = None;

/// The signal that ended a process, on systems that have signals.
fn signal(status: ExitStatus) -> Option<i32> {
    #[cfg(unix)]
    {
        std::os::unix::process::ExitStatusExt::signal(&status)
    }
    #[cfg(not(unix))]
    {
        let _ = status;
        None
    }
}

/// The message of a panic, which follows the line with the location.
fn panic(words: &str) -> Option<String> {
    let mut lines = words.lines().skip_while(|line| !line.contains("panicked at"));
    lines.nth(1).map(one_line)
}

impl Child {
    /// Whether it is still running; it may have been killed while idle.
    pub(super) fn is_running(&mut self) -> bool {
        matches!(self.process.get_mut().unwrap_or_else(PoisonError::into_inner).try_wait(), Ok(None))
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let process = self.process.get_mut().unwrap_or_else(PoisonError::into_inner);
        // Killed without warning, because it has nothing to finish; waited for, so that no zombie is left.
        let _ = process.kill();
        let _ = process.wait();
    }
}
