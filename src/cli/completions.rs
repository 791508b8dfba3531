//! `bn-tool completions`

use super::error::Failure;
use super::{Status, write_report};
use clap::{Args, CommandFactory};
use clap_complete::Shell;

/// Print a completion script for a shell.
#[derive(Args)]
#[command(after_help = "Examples:
  bn-tool completions bash > ~/.local/share/bash-completion/completions/bn-tool
  bn-tool completions zsh > ~/.zfunc/_bn-tool
  bn-tool completions fish > ~/.config/fish/completions/bn-tool.fish

Exit status:
  0  done")]
pub struct Options {
    /// The shell.
    shell: Shell,
}

impl Options {
    pub(super) fn run<C: CommandFactory>(&self) -> Result<Status, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut C::command(), "bn-tool", &mut script);
        write_report(&String::from_utf8_lossy(&script), false)?;
        Ok(Status::Done)
    }
}
