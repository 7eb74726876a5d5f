//! What somebody agreed to lose, before anything changed.

use crate::aws::stacks::Change;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Default)]
pub struct Agreed {
    /// The ids of resources that are removed or replaced, by stage.
    pub(crate) resources: BTreeMap<&'static str, BTreeSet<String>>,
    /// Stacks that are removed, or cleared before they are made anew, by their ids: two Regions have
    /// stacks of one name.
    pub(crate) stacks: BTreeMap<String, Shown>,
}

/// What was known of a stack by then.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shown {
    /// The ids of its resources.
    pub ids: BTreeSet<String>,
    /// That it was protected from deletion, too.
    pub protected: bool,
}

impl Agreed {
    pub(crate) fn holds(&self, stage: &str, change: &Change) -> bool {
        let known = self.resources.get(stage);
        known.is_some_and(|known| known.contains(&change.resource))
    }

    pub(crate) fn stack(&self, id: &str) -> Shown {
        self.stacks.get(id).cloned().unwrap_or_default()
    }
}
