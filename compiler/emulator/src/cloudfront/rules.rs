//! By which rules answers are kept, and which of them an update of the distribution changes.

use crate::package::{Behavior, CachePolicy, Distribution, ForwardPolicy, Origin};
use std::collections::{BTreeMap, BTreeSet};

/// What decides on the objects of a cache policy: two behaviors may share one.
type Rule<'a> = (
    &'a CachePolicy,
    &'a ForwardPolicy,
    Option<&'a Origin>,
    &'a [String],
);

/// The ids of the cache policies whose objects are kept by other rules from now on, or come from
/// another origin.
pub(super) fn changed(before: &Distribution, now: &Distribution) -> BTreeSet<String> {
    let (old, new) = (rules(before), rules(now));
    let all = || old.keys().chain(new.keys());
    let is_changed = |id: &&&str| {
        before.error_ttl != now.error_ttl
            || match (old.get(**id), new.get(**id)) {
                (Some(old), Some(new)) => !is_same(old, new),
                _ => true,
            }
    };
    all()
        .filter(is_changed)
        .map(|id| (*id).to_owned())
        .collect()
}

fn is_same(old: &[Rule<'_>], new: &[Rule<'_>]) -> bool {
    old.iter().all(|rule| new.contains(rule)) && new.iter().all(|rule| old.contains(rule))
}

fn rules(distribution: &Distribution) -> BTreeMap<&str, Vec<Rule<'_>>> {
    let mut rules: BTreeMap<&str, Vec<Rule<'_>>> = BTreeMap::new();
    for behavior in &distribution.behaviors {
        let id = behavior.cache_id.as_str();
        rules
            .entry(id)
            .or_default()
            .push(rule(distribution, behavior));
    }
    rules
}

fn rule<'a>(distribution: &'a Distribution, behavior: &'a Behavior) -> Rule<'a> {
    (
        &behavior.cache,
        &behavior.origin_request,
        distribution.origins.get(&behavior.origin),
        &behavior.cached_methods,
    )
}
