use clap::Parser;
use frames::cli::Cli;
use frames::terminal::{self, Terminal};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let terminal = Terminal::new(&cli.global);
    match frames::commands::run(&cli, terminal) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            terminal::failure(&failure);
            ExitCode::from(failure.exit as u8)
        }
    }
}
