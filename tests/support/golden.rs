//! Golden files. `FRAMES_BLESS=1` rewrites them; without it, drift is a failure.

pub fn blessing() -> bool {
    std::env::var_os("FRAMES_BLESS").is_some()
}
