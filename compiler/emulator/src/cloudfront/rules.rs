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

#[cfg(test)]
mod tests {
    use super::super::forward::tests::behavior;
    use super::*;
    use crate::package::Selection;

    fn distribution(behaviors: Vec<Behavior>) -> Distribution {
        Distribution {
            behaviors,
            origins: BTreeMap::new(),
            aliases: Vec::new(),
            geo: None,
            web_acl: None,
            error_ttl: BTreeMap::new(),
        }
    }

    #[test]
    fn only_what_decides_on_objects_counts() {
        let of = |id: &str| Behavior {
            cache_id: id.to_owned(),
            ..behavior()
        };
        let before = distribution(vec![of("a"), of("b")]);
        let told = |now: &Distribution| {
            let ids = changed(&before, now);
            ids.into_iter().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(told(&before), "");
        // Which paths it serves, who may read, and in which order behaviors come.
        let mut other = of("a");
        other.pattern = Some("/x/*".to_owned());
        other.response_headers = None;
        other.viewer_request = None;
        let mut now = distribution(vec![of("b"), other]);
        now.aliases = vec!["a.example.org".to_owned()];
        assert_eq!(told(&now), "");
        // One more behavior with the same rules, and one with others.
        assert_eq!(told(&distribution(vec![of("a"), of("a"), of("b")])), "");
        let mut other = of("b");
        other.origin_request.cookies = Selection::All;
        let now = distribution(vec![of("a"), of("b"), other]);
        assert_eq!(told(&now), "b");
        let mut other = of("a");
        other.cached_methods.push("OPTIONS".to_owned());
        assert_eq!(told(&distribution(vec![other, of("b")])), "a");
        assert_eq!(told(&distribution(vec![of("a"), of("c")])), "b c");
        let mut now = before.clone();
        now.error_ttl.insert(404, 10);
        assert_eq!(told(&now), "a b");
    }
}
