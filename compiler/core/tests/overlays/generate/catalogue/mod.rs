//! Resources of many types, benign and hostile, that need nothing of the template around them.

mod holding;
mod reaching;
mod serving;

use serde_json::Value;

pub(super) type Entry = (&'static str, Value);

pub(super) fn plain() -> Vec<Entry> {
    [
        serving::operations(),
        serving::edge(),
        holding::storage(),
        holding::messaging(),
        reaching::compute(),
        reaching::elsewhere(),
        reaching::foreign(),
    ]
    .concat()
}
