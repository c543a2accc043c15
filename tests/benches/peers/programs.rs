//! The contestants' programs: this one for Callgate and the native decision, and one for each peer, so that each is
//! compiled with the features of its libraries that it asks for, and none with those of another.

use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use contestant::Task;

use crate::server::Contestant;

/// What guard-profile is configured with: nothing, so its own lists of words.
pub const SETTINGS: &str = "{}";

/// How one contestant is started.
pub struct Program {
    /// For the report.
    pub name: &'static str,
    /// What Callgate may need of its CPU time; `None` if there is no such goal.
    pub most: Option<f64>,
    how: How,
}

enum How {
    /// This program.
    Ours(Contestant),
    /// A peer's.
    Peer { program: PathBuf, module: PathBuf, variant: &'static str },
}

impl Program {
    /// All of them, built if need be; Callgate is the first.
    pub fn all() -> Vec<Self> {
        let ours = |name, most, contestant| Self { name, most, how: How::Ours(contestant) };
        let mut programs =
            vec![ours("callgate", None, Contestant::Host), ours("native", Some(1.5), Contestant::Native)];
        for (peer, most, variants) in [
            ("extism", 1.0, [("extism", "bounded"), ("extism, unbounded", "unbounded")]),
            ("wapc", 0.2, [("wapc", "default"), ("wapc, pooled", "pooled")]),
        ] {
            let (program, module) = (program(peer), module(peer));
            programs.extend(variants.map(|(name, variant)| Self {
                name,
                // Each goal is about the way in which the peer's users run it; the other line is for comparison.
                most: (name == peer).then_some(most),
                how: How::Peer { program: program.clone(), module: module.clone(), variant },
            }));
        }
        programs
    }

    /// The command that starts it.
    pub fn command(&self, task: Task) -> Command {
        match &self.how {
            How::Ours(contestant) => {
                let mut command = Command::new(std::env::current_exe().expect("this program has a path"));
                let flag = match task {
                    Task::Serve => "--serve",
                    Task::Calls => "--calls-of",
                };
                command.args([flag, contestant.name()]);
                command
            }
            How::Peer { program, module, variant } => {
                let mut command = Command::new(program);
                command.arg(task.name()).arg(module).arg(SETTINGS).arg(variant);
                command
            }
        }
    }
}

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A peer's guest, built as Callgate builds plugins: the same target, optimisation and size of the stack.
fn module(peer: &str) -> PathBuf {
    let folder = here().join("guests").join(peer);
    callgate_workshop::cargo::build(&folder).unwrap_or_else(|error| panic!("{peer}'s guest is not built: {error}"))
}

/// A peer's program, built as this one was.
fn program(peer: &str) -> PathBuf {
    let package = format!("{peer}-contestant");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .current_dir(here())
        .args(["build", "--release", "--message-format", "json-render-diagnostics", "--package", &package])
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo can be started");
    assert!(output.status.success(), "cargo could not build {package}");
    let program = output.stdout.lines().map_while(Result::ok).find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(&line).ok()?;
        let is_it = message.get("target")?.get("name")? == package.as_str();
        Some(PathBuf::from(message.get("executable")?.as_str()?)).filter(|_| is_it)
    });
    program.unwrap_or_else(|| panic!("{package} gives no program"))
}
