//! What a call costs inside of the process, without HTTP.

use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::Arc;
use std::time::Duration;

use callgate_sandbox::Plugin;
use callgate_sandbox::MemoryReset;
use contestant::{Decide, Task};
use decision::{configured, decided};

use crate::BODY_BYTES;
use crate::common::profile::profile_envelope;
use crate::common::{self, median, print_table};
use crate::programs::{Program, SETTINGS};
use crate::server::Contestant;

/// How much is measured.
pub struct Plan {
    pub turns: usize,
    pub calls: usize,
}

/// What a callback has left.
const REMAINING: Duration = Duration::from_secs(4);

/// Callgate's own contestants, called as the peers are: an envelope goes in, a reply of its own comes out.
pub fn decision(contestant: Contestant) -> Decide {
    match contestant {
        Contestant::Host => {
            let (engine, settings) = common::engine(MemoryReset::Auto).expect("a host finds a way to reset memory");
            let module = std::fs::read(harness::guests::shipped("guard-profile")).expect("the module was just built");
            let plugin = Plugin::load(&engine, "guard-profile", &module, None, SETTINGS, &settings.limits.plugin)
                .unwrap_or_else(|error| panic!("guard-profile: {error}"));
            Arc::new(move |envelope| {
                let budget = plugin.budget(&engine, REMAINING);
                let (reply, _) = plugin.call(&[std::str::from_utf8(envelope).expect("UTF-8")], budget, <[u8]>::to_vec);
                reply.expect("the plugin decides")
            })
        }
        Contestant::Native => {
            let plugin = configured(SETTINGS).expect("the settings are right");
            Arc::new(move |envelope| decided(&plugin, envelope))
        }
    }
}

/// Prints a table for each length of the callback's body.
pub fn compare(programs: &[Program], plan: &Plan) {
    let mut callers: Vec<_> = programs.iter().map(Caller::start).collect();
    println!("calls in a process: {} turns of {} calls for each contestant", plan.turns, plan.calls);
    for bytes in BODY_BYTES {
        let envelope = profile_envelope(bytes);
        check_same_replies(&mut callers, &envelope);
        let mut turns: Vec<Vec<Turn>> = callers.iter().map(|_| Vec::with_capacity(plan.turns)).collect();
        // The first turn warms up and does not count.
        for number in 0..=plan.turns {
            for (caller, turns) in callers.iter_mut().zip(&mut turns) {
                let turn = caller.turn(plan.calls, &envelope);
                if number > 0 {
                    turns.push(turn);
                }
            }
        }
        print_turns(&format!("calls, bodies of {bytes} bytes"), programs, &turns);
    }
}

/// Ratios mean something only if all do the same work.
fn check_same_replies(callers: &mut [Caller], envelope: &str) {
    let replies: Vec<_> = callers.iter_mut().map(|caller| (caller.name, caller.turn(1, envelope).reply)).collect();
    for (name, reply) in &replies {
        let (_, first) = replies.first().expect("there are contestants");
        assert_eq!(reply, first, "{name} replies differently to {envelope}");
    }
}

fn print_turns(title: &str, programs: &[Program], turns: &[Vec<Turn>]) {
    let Some(callgate) = turns.first() else { return };
    let rows: Vec<_> = programs
        .iter()
        .zip(turns)
        .map(|(program, turns)| {
            let median_us = median(turns.iter().map(|turn| turn.median_us).collect());
            let cpu_us = median(turns.iter().map(|turn| turn.cpu_us).collect());
            let ratio = median(callgate.iter().zip(turns).map(|(one, other)| one.cpu_us / other.cpu_us).collect());
            vec![program.name.to_owned(), format!("{median_us:.2}"), format!("{cpu_us:.2}"), format!("{ratio:.3}")]
        })
        .collect();
    print_table(title, &["", "median us", "CPU us", "callgate / it"], &rows);
}

/// A contestant's process; it ends with this value, because its input does.
struct Caller {
    name: &'static str,
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

/// One turn: microseconds for each call, and the last reply.
struct Turn {
    median_us: f64,
    cpu_us: f64,
    reply: String,
}

impl Caller {
    fn start(program: &Program) -> Self {
        let mut command = program.command(Task::Calls);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the contestant starts");
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("its output is ours"));
        Self { name: program.name, child, input, output }
    }

    fn turn(&mut self, calls: usize, envelope: &str) -> Turn {
        let input = self.input.as_mut().expect("its input is open");
        writeln!(input, "{calls} {envelope}").expect("it reads");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("it writes");
        let mut words = line.trim_end().splitn(3, ' ');
        let mut word = || words.next().unwrap_or_else(|| panic!("{} says only {line:?}", self.name));
        let mut number = || word().parse().expect("a number");
        let (median_us, cpu_us) = (number(), number());
        Turn { median_us, cpu_us, reply: word().to_owned() }
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}
