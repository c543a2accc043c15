//! The child process's side of loading modules: reads them from standard input, and writes compile cache entries to
//! standard output.

#[cfg_attr(not(unix), path = "prepare/elsewhere.rs")]
mod bounds;

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;

use bounds::{give_way, limit};
use callgate_catalogue::line::one_line;

use crate::cache;
use crate::engine::Engine;
use crate::limits::Limit;
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
    give_way();
    std::panic::set_hook(Box::new(say_panic));
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
        let loading = &job.request.loading;
        limit(loading);
        let prepared = prepare(&engine, &job).map_err(|error| match error {
            LoadError::NoMemory => LoadError::Limit { limit: Limit::Memory(loading.memory_bytes_max) },
            error => error,
        });
        match prepared {
            Ok((entry, configured_in)) => {
                let configure_ms = u64::try_from(configured_in.as_millis()).unwrap_or(u64::MAX);
                wire::write(&mut output, &Reply::Entry { bytes: entry.len() as u64, configure_ms }, &[&entry])?;
            }
            Err(error) => wire::write(&mut output, &Reply::Failed(error), &[])?,
        }
    }
    Ok(())
}

fn prepare(engine: &Engine, job: &Job) -> Result<(Vec<u8>, Duration), LoadError> {
    let limits = &job.request.limits;
    let failed = |error: wasmtime::Error| LoadError::Prepare { why: snapshot::words(&error) };
    // The parent may be another version of this program, and each version caches only what it compiled itself.
    if engine.key(&job.module, &job.settings, limits).as_str() != job.request.key {
        return Err(LoadError::Process { why: "is another version of this program".to_owned() });
    }
    let checked = load::check(&job.module, limits, None)?;
    let snapshot = snapshot::take(engine, &checked, &job.settings, limits)?;
    let code = engine.for_calls().precompile_module(&snapshot.module).map_err(failed)?;
    Ok((cache::entry(&job.request.key, &code), snapshot.configured_in))
}

/// Says what panicked on two lines. A compiler's panic may show a whole function, for which there is no room in the
/// pipe.
fn say_panic(panic: &std::panic::PanicHookInfo<'_>) {
    let message = panic.payload_as_str().map(one_line).unwrap_or_default();
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let _ = writeln!(io::stderr(), "panicked at {place}:\n{message}");
}
