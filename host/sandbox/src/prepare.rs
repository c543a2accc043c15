//! The child process's side of loading modules: reads them from standard input, and writes compile cache entries to
//! standard output.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::mpsc;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

use crate::cache;
use crate::engine::Engine;
use crate::limits::LoadingLimits;
use crate::load::{self, LoadError};
use crate::loading::wire::{self, Reply, Request};
use crate::snapshot;

/// A request with the data that follows it.
struct Job {
    request: Request,
    settings: String,
    module: Vec<u8>,
}

/// Prepares the modules that a parent process sends through standard input, one after the other, until the parent
/// closes it. Nothing else may use standard input and output.
#[must_use]
pub fn prepare_for_parent() -> ExitCode {
    // A child killed by a limit leaves no core dump behind.
    set(Resource::Core, 0);
    let (send, jobs) = mpsc::sync_channel(0);
    // The parent may exit while a module is being compiled: the reading thread notices, and ends this process
    // immediately.
    let reader = std::thread::Builder::new().name("requests".to_owned()).spawn(move || {
        let mut input = io::stdin().lock();
        while let Ok(job) = read(&mut input) {
            if send.send(job).is_err() {
                break;
            }
        }
        std::process::exit(0)
    });
    let done = reader.and_then(|_| work(&jobs));
    if let Err(error) = done {
        let _ = writeln!(io::stderr(), "{error}");
    }
    ExitCode::FAILURE
}

fn read(input: &mut impl io::Read) -> io::Result<Job> {
    let request: Request = wire::read_head(input)?;
    let settings = wire::read_bytes(input, request.settings_bytes, u64::MAX)?;
    let settings = String::from_utf8(settings).map_err(io::Error::other)?;
    let module = wire::read_bytes(input, request.module_bytes, u64::MAX)?;
    Ok(Job { request, settings, module })
}

fn work(jobs: &mpsc::Receiver<Job>) -> io::Result<()> {
    let engine = Engine::for_loading().map_err(io::Error::other)?;
    let mut output = io::stdout().lock();
    for job in jobs {
        limit(&job.request.loading);
        match prepare(&engine, &job) {
            Ok(entry) => wire::write(&mut output, &Reply::Entry { bytes: entry.len() as u64 }, &[&entry])?,
            Err(error) => wire::write(&mut output, &Reply::Failed(error), &[])?,
        }
    }
    Ok(())
}

fn prepare(engine: &Engine, job: &Job) -> Result<Vec<u8>, LoadError> {
    let limits = &job.request.limits;
    let failed = |error: wasmtime::Error| LoadError::Prepare { why: snapshot::words(&error) };
    let checked = load::check(&job.module, limits, None)?;
    let snapshot = snapshot::take(engine, &checked, &job.settings, limits)?;
    let code = engine.for_calls().precompile_module(&snapshot).map_err(failed)?;
    Ok(cache::entry(&job.request.key, &code))
}

/// Limits what this process may use from now on, in addition to what it has used so far.
fn limit(limits: &LoadingLimits) {
    let cpu = clock_gettime(ClockId::ProcessCPUTime);
    let used = u64::try_from(cpu.tv_sec).unwrap_or(0) + u64::from(cpu.tv_nsec > 0);
    // The system counts whole seconds.
    let seconds = limits.cpu_max.as_secs() + u64::from(limits.cpu_max.subsec_nanos() > 0);
    set(Resource::Cpu, used.saturating_add(seconds));
    // Limits writable memory, not reserved address space: each guest memory reserves 4 GiB. Where the system does not
    // report the amount used so far, the limit applies to all modules together.
    set(Resource::Data, written_bytes().saturating_add(limits.memory_bytes_max));
}

fn set(resource: Resource, wanted: u64) {
    let maximum = getrlimit(resource).maximum;
    let current = maximum.map_or(wanted, |maximum| maximum.min(wanted));
    // If a limit cannot be set, the parent's timeout still ends this process.
    let _ = setrlimit(resource, Rlimit { current: Some(current), maximum });
}

/// The size of this process's writable memory.
fn written_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split_whitespace().nth(5).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages.saturating_mul(rustix::param::page_size() as u64)
}
