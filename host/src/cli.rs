//! The command line. Each command is a file; this one lists them.

mod build;
mod check;
mod completions;
mod demo;
mod exit;
mod explain;
mod new;
mod output;
mod profile;
mod run;
mod serve;
mod test;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use exit::{Exit, Failure};

/// Answers the callbacks of chat servers (OpenIM, Tencent Cloud Chat) with sandboxed WebAssembly plugins.
#[derive(Debug, Parser)]
#[command(name = "callgate", version, max_term_width = 100, after_help = exit::TABLE)]
struct Arguments {
    /// What is written to standard error: error, warn, info or debug. At `warn`, callbacks are logged only when
    /// something went wrong
    #[arg(long, global = true, default_value = "info", value_name = "LEVEL")]
    log: tracing::Level,

    /// Write the log as JSON lines, for machines
    #[arg(long, global = true)]
    log_json: bool,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Check(check::Check),
    New(new::New),
    Build(build::Build),
    Run(run::Run),
    Test(test::Test),
    Profile(profile::Profile),
    Explain(explain::Explain),
    Demo(demo::Demo),
    Completions(completions::Completions),
    #[command(name = "man")]
    Manual(completions::Manual),
}

/// Where the settings are.
#[derive(Debug, clap::Args)]
struct SettingsFile {
    /// The settings file
    #[arg(long, value_name = "FILE")]
    settings: PathBuf,
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    output::start_log(arguments.log, arguments.log_json);
    let done = match arguments.command {
        Command::Serve(serve) => serve.run(),
        Command::Check(check) => check.run(),
        Command::New(new) => new.run(),
        Command::Build(build) => build.run(),
        Command::Run(run) => run.run(),
        Command::Test(test) => test.run(),
        Command::Profile(profile) => profile.run(),
        Command::Explain(explain) => explain.run(),
        Command::Demo(demo) => demo.run(),
        Command::Completions(completions) => completions.run(),
        Command::Manual(manual) => manual.run(),
    };
    output::flush_log();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::print_failure(&failure);
            failure.exit.into()
        }
    }
}
