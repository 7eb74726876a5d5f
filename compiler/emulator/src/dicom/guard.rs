//! Other projects' readers and decoders, on bytes that are anybody's.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// What `work` returns, or none if it panics: a broken file must not end the
/// process. The crates that read DICOM index and unwrap where a file is broken
/// in a way that they didn't think of; ours don't.
pub(super) fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    let before = GUARDED.replace(true);
    // Nothing that `work` changes is looked at after a panic: it returns all that it makes.
    let result = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(before);
    result.ok()
}

/// Whether a panic on this thread is caught, and becomes one instance's error:
/// a hook needs to say nothing of it.
pub fn is_guarded() -> bool {
    GUARDED.get()
}
