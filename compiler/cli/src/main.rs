use clap::Parser;
use frames::cli::Cli;
use frames::terminal::{self, Terminal};
use std::process::ExitCode;

fn main() -> ExitCode {
    // A panic's message may quote anything, too.
    std::panic::set_hook(Box::new(|defect| {
        // What a decoder of images panics about is caught, and answered as a broken image.
        if !frames_emulator::dicom::is_guarded() {
            terminal::say(defect.to_string());
        }
    }));
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            terminal::command_line(&error);
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(1));
        }
    };
    let terminal = Terminal::new(&cli.global);
    match frames::commands::run(&cli, terminal) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            terminal::failure(&failure);
            ExitCode::from(failure.exit as u8)
        }
    }
}
