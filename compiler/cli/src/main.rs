use clap::error::ErrorKind;
use frames::cli::{Cli, Version};
use frames::interrupt;
use frames::terminal::{self, Terminal};
use frames_compiler::failure::Exit;
use std::process::ExitCode;

fn main() -> ExitCode {
    // A panic's message may quote anything, too.
    std::panic::set_hook(Box::new(|defect| {
        // A release drops nothing after a panic, and an abort may leave a picture of the memory on the disk.
        if cfg!(panic = "abort") {
            interrupt::leave_after_panic(defect.to_string());
        }
        terminal::say(defect.to_string());
    }));
    // What a decoder of images panics about is answered as a broken image, and never said.
    frames_emulator::dicom::install_hook(cfg!(panic = "abort"));
    let mut cli = match Cli::read() {
        Ok(cli) => cli,
        Err(error) if error.kind() == ErrorKind::DisplayVersion && Version::is_json() => {
            return match frames::commands::version() {
                Ok(()) => ExitCode::SUCCESS,
                Err(failure) => {
                    terminal::failure(&failure);
                    ExitCode::from(failure.exit as u8)
                }
            };
        }
        Err(error) => {
            terminal::command_line(&error);
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(1));
        }
    };
    cli.global.warnings = cli.command.warnings();
    let terminal = Terminal::new(&cli.global);
    let done =
        interrupt::listen(cli.command.name()).and_then(|()| frames::commands::run(&cli, terminal));
    interrupt::finish_if_ending();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        // What a library started to get credentials may still run.
        Err(failure) if failure.exit == Exit::Interrupted => interrupt::leave(failure),
        Err(failure) => {
            terminal::failure(&failure);
            ExitCode::from(failure.exit as u8)
        }
    }
}
