//! What a contestant is outside of its sandbox: a program that decides with what stands in a module, and either serves
//! HTTP or takes turns of calls.
//!
//! A contestant gives a function from an envelope to a reply, both as Callgate's plugins have them; all else is the
//! same for everyone and stands here.

mod calls;
mod http;

use std::sync::Arc;

/// Fuel for a call: what Callgate gives by default.
pub const FUEL_PER_CALL: u64 = 20_000_000;

/// Wall time for a call, in milliseconds: the same.
pub const CALL_WITHIN_MS: u64 = 250;

/// Memory of a guest, in bytes: the same.
pub const MEMORY_BYTES_MAX: usize = 64 << 20;

/// From an envelope to a reply.
pub type Decide = Arc<dyn Fn(&[u8]) -> Vec<u8> + Send + Sync>;

/// What the benchmark asks of a contestant's program, in this order on its command line.
#[derive(Debug)]
pub struct Arguments {
    /// The module to run.
    pub module: String,
    /// The plugin's settings: JSON on one line.
    pub settings: String,
    /// Which of its own ways to run.
    pub variant: String,
    task: Task,
}

/// What to do with a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Serve HTTP, as [`Task::run`] says.
    Serve,
    /// Take turns of calls, as [`Task::run`] says.
    Calls,
}

impl Task {
    /// As it is written on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Serve => "serve",
            Self::Calls => "calls",
        }
    }

    /// Does it until the input ends, which it also does when the benchmark was killed.
    ///
    /// `serve` prints the address that it listens on. `calls` answers each line of the input, `CALLS ENVELOPE`, with
    /// `MEDIAN_US CPU_US REPLY`: so many calls were made one after the other, on one thread.
    pub fn run(self, decide: Decide) {
        match self {
            Self::Serve => http::serve(decide),
            Self::Calls => calls::take_turns(&decide),
        }
    }
}

impl Arguments {
    /// From the command line.
    pub fn read() -> Self {
        let mut arguments = std::env::args().skip(1);
        let mut next = |what: &str| arguments.next().unwrap_or_else(|| panic!("{what} is missing"));
        let task = match next("the task").as_str() {
            "serve" => Task::Serve,
            "calls" => Task::Calls,
            other => panic!("the task is serve or calls, not {other}"),
        };
        Self { task, module: next("the module"), settings: next("the settings"), variant: next("the variant") }
    }

    /// How many calls may run at the same time.
    pub fn calls_at_once(&self) -> usize {
        let workers = std::env::var("TOKIO_WORKER_THREADS").ok().and_then(|workers| workers.parse().ok());
        workers.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
    }

    /// Does what is asked for.
    pub fn run(&self, decide: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static) {
        self.task.run(Arc::new(decide));
    }
}
