//! Errors of the local delivery, as a command says them.

use frames_compiler::failure::{Failure, Result};

/// What the emulator says of an error, as a command says it.
pub(super) trait Explained<T> {
    fn explained(self) -> Result<T>;
}

impl<T> Explained<T> for std::result::Result<T, frames_emulator::Error> {
    fn explained(self) -> Result<T> {
        self.map_err(|error| Failure {
            help: error.suggestion().map(str::to_owned),
            ..Failure::new(error.message())
        })
    }
}
