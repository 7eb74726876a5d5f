//! Rows of `auth.access` that give nobody anything: another one gives them as much or more, or
//! several do together.

use crate::diagnostic::{Diagnostic, codes};
use crate::manifest::{AccessRow, Text};
use crate::span::Span;
use std::collections::{BTreeSet, HashMap, HashSet};

/// So many of the rows that swallow one together are shown.
const SHOWN: usize = 3;

/// A row of which all is known. One that has a finding, or waits for an answer of AWS's, says
/// nothing of others.
pub(super) struct Known<'a> {
    pub(super) i: usize,
    pub(super) span: Span,
    /// `None`: any token.
    groups: Option<BTreeSet<&'a str>>,
    pub(super) datastore: &'a Text,
    /// Neither of them: all of the data store.
    pub(super) image_sets: Option<&'a [Text]>,
    pub(super) studies: Option<&'a [Text]>,
    /// Of both.
    ids: HashSet<&'a str>,
}

impl<'a> Known<'a> {
    pub(super) fn of((i, row): (usize, &'a AccessRow)) -> Option<Self> {
        let lists = [
            ("groups", &row.groups),
            ("imageSets", &row.image_sets),
            ("studies", &row.studies),
        ];
        let is_open =
            |(key, list): &(&str, &Option<Vec<Text>>)| row.keys.has(key) && list.is_none();
        if lists.iter().any(is_open) {
            return None;
        }
        let ids = row.image_sets.iter().chain(&row.studies).flatten();
        let groups = row.groups.as_ref().map(|groups| groups.iter());
        Some(Self {
            i,
            span: row.span,
            groups: groups.map(|groups| groups.map(|group| group.value.as_str()).collect()),
            datastore: row.datastore.as_ref()?,
            image_sets: row.image_sets.as_deref(),
            studies: row.studies.as_deref(),
            ids: ids.map(|id| id.value.as_str()).collect(),
        })
    }

    pub(super) fn is_whole(&self) -> bool {
        self.image_sets.is_none() && self.studies.is_none()
    }

    /// Whether it lets in a token with only this group; `None`: one without any.
    fn lets(&self, group: Option<&str>) -> bool {
        let named = self.groups.as_ref();
        named.is_none_or(|named| group.is_some_and(|group| named.contains(group)))
    }

    /// Whether it gives this part; `None`: all of the data store.
    fn gives(&self, id: Option<&str>) -> bool {
        self.is_whole() || id.is_some_and(|id| self.ids.contains(id))
    }

    /// Whoever `other` lets in, it lets in as well, and to as much.
    fn swallows(&self, other: &Self) -> bool {
        let groups = match (&self.groups, &other.groups) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(these), Some(those)) => those.is_subset(these),
        };
        let ids = || self.is_whole() || (!other.is_whole() && other.ids.is_subset(&self.ids));
        self.datastore.value == other.datastore.value && groups && ids()
    }
}

/// Rows by what one that swallows another must have in common with it.
#[derive(Default)]
struct Index<'a> {
    any_token: HashMap<&'a str, Vec<usize>>,
    whole: HashMap<&'a str, Vec<usize>>,
    by_group: HashMap<(&'a str, &'a str), Vec<usize>>,
    by_id: HashMap<(&'a str, &'a str), Vec<usize>>,
}

impl<'a> Index<'a> {
    fn of(rows: &'a [Known]) -> Self {
        let mut index = Self::default();
        for (at, row) in rows.iter().enumerate() {
            let store = row.datastore.value.as_str();
            match &row.groups {
                None => index.any_token.entry(store).or_default().push(at),
                Some(groups) => {
                    for group in groups {
                        index.by_group.entry((store, group)).or_default().push(at);
                    }
                }
            }
            if row.is_whole() {
                index.whole.entry(store).or_default().push(at);
            }
            for id in &row.ids {
                index.by_id.entry((store, id)).or_default().push(at);
            }
        }
        index
    }

    /// Those that may swallow it: the shortest list that has all of them. Each row against each
    /// other would take seconds where there are thousands.
    fn candidates(&self, row: &Known) -> Vec<usize> {
        let store = row.datastore.value.as_str();
        let groups = row.groups.iter().flatten();
        let by_groups = groups.map(|group| listed(self.by_group.get(&(store, *group))));
        let by_ids = row
            .ids
            .iter()
            .map(|id| listed(self.by_id.get(&(store, *id))));
        let any_token = listed(self.any_token.get(store));
        let whole = listed(self.whole.get(store));
        let by_groups = by_groups.min_by_key(|list| list.len()).unwrap_or_default();
        let by_ids = by_ids.min_by_key(|list| list.len()).unwrap_or_default();
        if by_groups.len() + any_token.len() <= by_ids.len() + whole.len() {
            [by_groups, any_token].concat()
        } else {
            [by_ids, whole].concat()
        }
    }
}

impl Index<'_> {
    /// Rows that give all that one gives, to everybody to whom it does, none of which is `out`.
    fn together(&self, rows: &[Known], at: usize, out: &HashSet<usize>) -> Option<BTreeSet<usize>> {
        let row = rows.get(at)?;
        let store = row.datastore.value.as_str();
        let groups: Vec<Option<&str>> = match &row.groups {
            Some(groups) => groups.iter().copied().map(Some).collect(),
            None => vec![None],
        };
        let ids: Vec<Option<&str>> = if row.is_whole() {
            vec![None]
        } else {
            row.ids.iter().copied().map(Some).collect()
        };
        let length = |lists: &[&[usize]; 2]| lists.iter().map(|list| list.len()).sum::<usize>();
        let mut together = BTreeSet::new();
        for group in groups {
            let by_group =
                group.map_or(&[][..], |group| listed(self.by_group.get(&(store, group))));
            let by_group = [by_group, listed(self.any_token.get(store))];
            for id in &ids {
                let by_id = id.map_or(&[][..], |id| listed(self.by_id.get(&(store, id))));
                let by_id = [by_id, listed(self.whole.get(store))];
                // The shorter one, as above.
                let lists = if length(&by_group) <= length(&by_id) {
                    by_group
                } else {
                    by_id
                };
                let mut others = lists.into_iter().flatten().filter(|other| {
                    let does = |row: &Known| row.lets(group) && row.gives(*id);
                    **other != at && !out.contains(other) && rows.get(**other).is_some_and(does)
                });
                together.insert(*others.next()?);
            }
        }
        Some(together).filter(|together| !together.is_empty())
    }
}

fn listed(list: Option<&Vec<usize>>) -> &[usize] {
    list.map_or(&[], Vec::as_slice)
}

pub(super) fn swallowed(rows: &[Known], found: &mut Vec<Diagnostic>) {
    let index = Index::of(rows);
    let mut out = HashSet::new();
    for (at, row) in rows.iter().enumerate() {
        // Of two that are the same, the second is one too many.
        let is_earlier_or_wider = |(other_at, other): &(usize, &Known)| {
            *other_at != at && other.swallows(row) && (*other_at < at || !row.swallows(other))
        };
        let candidates = index.candidates(row).into_iter();
        let mut candidates = candidates.filter_map(|other| Some((other, rows.get(other)?)));
        let Some((_, other)) = candidates.find(is_earlier_or_wider) else {
            continue;
        };
        out.insert(at);
        let path = format!("auth.access[{}]", row.i);
        found.push(if row.swallows(other) {
            Diagnostic::new(
                codes::DUPLICATE_VALUE,
                path,
                row.span,
                "the row is there twice",
            )
            .related(other.span, "first here")
            .help("remove one of them")
        } else {
            let message = "the row gives nobody anything: another one gives them as much or more";
            Diagnostic::new(codes::ACCESS_SWALLOWED, path, row.span, message)
                .related(other.span, "the other")
                .help("remove it, or narrow the other one")
        });
    }
    by_several(rows, &index, out, found);
}

/// Rows that no other one swallows, but several do together. `out` are those that have a finding:
/// whatever they give, somebody may remove.
fn by_several(rows: &[Known], index: &Index, mut out: HashSet<usize>, found: &mut Vec<Diagnostic>) {
    for (at, row) in rows.iter().enumerate() {
        if out.contains(&at) {
            continue;
        }
        let Some(together) = index.together(rows, at, &out) else {
            continue;
        };
        out.insert(at);
        let message = "the row gives nobody anything: others together give them as much or more";
        let path = format!("auth.access[{}]", row.i);
        let mut finding = Diagnostic::new(codes::ACCESS_SWALLOWED, path, row.span, message);
        for other in together
            .iter()
            .filter_map(|other| rows.get(*other))
            .take(SHOWN)
        {
            finding = finding.related(other.span, "one of the others");
        }
        found.push(finding.help("remove it, or narrow the others"));
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::findings;
    use std::fmt::Write;

    const A: &str = "012345678901234567890123456789ab";
    const B: &str = "112345678901234567890123456789ab";
    const SET: &str = "aaaabbbbccccddddeeeeffff00001111";

    fn found(auth: &str) -> Vec<(String, String)> {
        findings(&format!(
            "service: x\nauth: {{mode: cognito, userPoolId: eu-west-1_AbCdEfGhI, {auth}}}\ndelivery: {{dicomweb: true}}\n"
        ))
    }

    fn one(code: &str, path: &str) -> Vec<(String, String)> {
        vec![(code.to_owned(), format!("auth.{path}"))]
    }

    #[test]
    fn a_row_that_gives_nothing_is_found() {
        let found = |rows: &[String]| found(&format!("access: [{}]", rows.join(", ")));
        let row = |rest: &str| format!("{{datastore: {A}{rest}}}");
        let swallowed = |i: usize| one("access-swallowed", &format!("access[{i}]"));
        let sets = format!(", imageSets: [{SET}]");
        for (first, second, expected) in [
            ("", ", groups: [a]", swallowed(1)),
            (", groups: [a]", "", swallowed(0)),
            (
                ", groups: [a, b], studies: [1.2]",
                ", groups: [b], studies: [1.2]",
                swallowed(1),
            ),
            (
                ", groups: [a], studies: [1.2]",
                ", groups: [a]",
                swallowed(0),
            ),
            (
                ", studies: [1.2]",
                ", groups: [a], studies: [1.2]",
                swallowed(1),
            ),
            (", studies: [1.2, 1.3]", ", studies: [1.3]", swallowed(1)),
            (&format!("{sets}, studies: [1.2]"), &sets, swallowed(1)),
            (", groups: [a]", ", groups: [b]", vec![]),
            (", groups: [a]", ", groups: [a, b]", swallowed(0)),
            (
                ", groups: [a], studies: [1.2]",
                ", groups: [b], studies: [1.2]",
                vec![],
            ),
            (
                ", groups: [a], studies: [1.2]",
                ", studies: [1.2, 1.3]",
                swallowed(0),
            ),
            (
                ", groups: [a, b], studies: [1.2]",
                ", groups: [a], studies: [1.2, 1.3]",
                vec![],
            ),
            (&sets, ", studies: [1.2]", vec![]),
        ] {
            assert_eq!(
                found(&[row(first), row(second)]),
                expected,
                "{first} | {second}"
            );
        }
        let elsewhere = format!("{{datastore: {B}, groups: [a]}}");
        assert_eq!(found(&[row(""), elsewhere]), []);
        let twice = found(&[
            row(", groups: [a, b], studies: [1.2, 1.3]"),
            row(", groups: [b, a], studies: [1.3, 1.2]"),
        ]);
        assert_eq!(twice, one("duplicate-value", "access[1]"));
    }

    #[test]
    fn rows_that_several_give_together_are_found() {
        let found = |rows: &[&str]| {
            let rows = rows.iter().map(|rest| format!("{{datastore: {A}{rest}}}"));
            found(&format!(
                "access: [{}]",
                rows.collect::<Vec<_>>().join(", ")
            ))
        };
        let swallowed = |i: usize| one("access-swallowed", &format!("access[{i}]"));
        let sets = format!(", imageSets: [{SET}], groups: [b]");
        for (rows, expected) in [
            (
                [
                    ", groups: [a], studies: [1.2, 1.3]",
                    ", groups: [b], studies: [1.2, 1.4]",
                    ", groups: [a, b], studies: [1.2]",
                ],
                swallowed(2),
            ),
            (
                [
                    ", groups: [b], studies: [1.3, 1.4]",
                    ", groups: [b], studies: [1.2, 1.3]",
                    ", groups: [c], studies: [1.2, 1.4]",
                ],
                vec![],
            ),
            (
                [
                    ", studies: [1.2, 1.3]",
                    ", groups: [a], studies: [1.2, 1.4]",
                    ", groups: [a, b], studies: [1.4]",
                ],
                // Once the second one is gone, the third one gives something.
                swallowed(1),
            ),
            (
                [
                    ", studies: [1.2, 1.3]",
                    ", groups: [a], studies: [1.4, 1.2, 1.5]",
                    ", groups: [a], studies: [1.4, 1.3]",
                ],
                swallowed(2),
            ),
            (
                [
                    ", groups: [a]",
                    &sets,
                    &format!(", imageSets: [{SET}], groups: [a, b]"),
                ],
                // Each by itself: of what the third one gives, nobody says a second time.
                swallowed(1),
            ),
        ] {
            assert_eq!(found(&rows), expected, "{rows:?}");
        }
    }

    /// Each against each would be millions.
    #[test]
    fn thousands_of_rows_are_compared() {
        let mut rows = String::new();
        for i in 0..4_000 {
            let _ = writeln!(
                rows,
                "  - {{datastore: {A}, groups: [a, g{i}], studies: [1.2, 1.3.{i}]}}"
            );
        }
        let _ = writeln!(
            rows,
            "  - {{datastore: {A}, groups: [g7, a], studies: [1.3.7]}}"
        );
        let text = format!(
            "service: x\nauth:\n mode: cognito\n userPoolId: eu-west-1_AbCdEfGhI\n access:\n{rows}\ndelivery: {{dicomweb: true}}\n"
        );
        assert_eq!(findings(&text), one("access-swallowed", "access[4000]"));
    }
}
