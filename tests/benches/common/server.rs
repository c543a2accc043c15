//! Servers in separate processes, so that their CPU time is measured without the generator's.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running server; it is stopped on drop.
pub struct Server {
    child: Child,
    address: SocketAddr,
}

/// The kernel counts CPU time for user space in hundredths of a second, on every machine.
const TICK: Duration = Duration::from_millis(10);

impl Server {
    /// Starts this program again, with these arguments. `workers`: threads for connections.
    pub fn start(arguments: &[&str], workers: Option<&str>) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
        command.args(arguments);
        Self::spawn(command, workers)
    }

    /// Starts a program that prints the address it listens on, and ends when its input does.
    pub fn spawn(mut command: Command, workers: Option<&str>) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        if let Some(workers) = workers {
            command.env("TOKIO_WORKER_THREADS", workers);
        }
        let mut child = command.spawn().expect("the server starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output is ours")).read_line(&mut line).expect("it speaks");
        let address = line.trim().parse().unwrap_or_else(|_| panic!("{command:?} does not start"));
        Self { child, address }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// CPU time that all of its threads have used so far, in user space and in the kernel.
    pub fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("the server runs");
        // The second field, a name in parentheses, may hold spaces; utime and stime are fields 14 and 15.
        let fields: Vec<&str> = stat.rsplit_once(") ").expect("a name in parentheses").1.split(' ').collect();
        let ticks = |field: usize| fields.get(field - 3).and_then(|ticks| ticks.parse::<u32>().ok()).expect("a number");
        TICK * (ticks(14) + ticks(15))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It ends when its input does; this waits for that.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
