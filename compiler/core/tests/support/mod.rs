//! What tests compile for: the usual target.

use frames_compiler::Target;

pub(crate) const DEV: Target = Target {
    env: "dev",
    chosen: false,
    allow_unsafe_overlay: false,
};
