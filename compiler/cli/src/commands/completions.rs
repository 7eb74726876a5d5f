//! `frames completions SHELL`.

use crate::cli::Cli;
use crate::terminal::value;
use clap::CommandFactory;
use clap_complete::Shell;
use frames_compiler::failure::Result;

pub(super) fn run(shell: Shell) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "frames", &mut script);
    value(String::from_utf8_lossy(&script).trim_end());
    Ok(())
}
