//! `callgate completions` and `callgate man`: shell completions and manual pages, generated from the definition of the
//! arguments.

use std::path::PathBuf;

use callgate_terminal::{self as terminal, Exit, Failure};
use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;

/// Print the completions for a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Example: callgate completions bash > ~/.local/share/bash-completion/completions/callgate
Example: callgate completions zsh > ~/.zfunc/_callgate
Example: callgate completions fish > ~/.config/fish/completions/callgate.fish")]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    /// Runs the command.
    ///
    /// # Errors
    /// If standard output cannot be written to.
    pub(super) fn run(self, mut program: Command) -> Result<(), Failure> {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut program, "callgate", &mut text);
        terminal::print(&String::from_utf8_lossy(&text))
    }
}

/// Print the manual page, or write one for each command
#[derive(Debug, Args)]
#[command(after_help = "\
Example: callgate man | man -l -
Example: callgate man --dir ~/.local/share/man/man1")]
pub(super) struct Manual {
    /// Write callgate.1, and a page callgate-COMMAND.1 for each command, to this folder
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Manual {
    /// Runs the command.
    ///
    /// # Errors
    /// If standard output or the folder cannot be written to.
    pub(super) fn run(self, program: Command) -> Result<(), Failure> {
        let Some(folder) = self.dir else {
            return terminal::print(&String::from_utf8_lossy(&page(program)?));
        };
        std::fs::create_dir_all(&folder).and_then(|()| clap_mangen::generate_to(program, &folder)).map_err(|error| {
            let text = format!(
                "the manual pages cannot be written to {} ({error}): name another folder with --dir",
                folder.display()
            );
            Failure::new(Exit::Other, anyhow::anyhow!(text))
        })
    }
}

fn page(command: Command) -> Result<Vec<u8>, Failure> {
    let mut page = Vec::new();
    Man::new(command).render(&mut page).map_err(|error| Failure::new(Exit::Other, error))?;
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_and_every_page_is_made() {
        use clap::ValueEnum;
        let program = || Command::new("callgate").subcommand(Command::new("serve"));
        for shell in Shell::value_variants() {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut program(), "callgate", &mut text);
            assert!(!text.is_empty(), "{shell}");
        }
        assert!(page(program()).unwrap().starts_with(b".ie"));
    }
}
