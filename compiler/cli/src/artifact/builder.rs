//! What builds the functions.

use super::recipe;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Builder {
    /// For Lambda.
    CargoLambda,
    /// For this machine only.
    Cargo,
}

impl Builder {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::CargoLambda => recipe::LAMBDA,
            Self::Cargo => "local",
        }
    }

    pub(super) fn command(self) -> &'static str {
        match self {
            Self::CargoLambda => "cargo lambda build",
            Self::Cargo => "cargo build",
        }
    }
}
