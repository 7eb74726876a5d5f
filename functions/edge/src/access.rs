//! `auth.access` as the authorizer looks it up: who may read which part of which
//! data store.
//!
//! The compiler brings the rows together by data store, and by id within it
//! ([`Access::of`]). Groups are written once and go by their number. Ids are in
//! sorted texts, so that ten thousand of them are small in a zip, cost no
//! allocation each where a sandbox starts, and are found by a binary search.
//! What isn't in that very form is refused: it isn't the compiler's.

use crate::operation::{is_id, is_uid};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A row as the manifest has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// A token needs one of them; `None`: any token will do.
    pub groups: Option<Vec<String>>,
    pub datastore: String,
    pub image_sets: Option<Vec<String>>,
    /// Where neither these nor image sets are named: all of the data store.
    pub studies: Option<Vec<String>>,
}

/// All rows, laid out to be looked up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Access {
    /// Sorted.
    groups: Vec<String>,
    /// Sorted by the data store's id.
    stores: Vec<Store>,
}

/// What the rows say of one thing that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Allowed,
    /// Rows have it, for groups that the token hasn't.
    OtherGroups,
    NotListed,
}

/// The groups of a token that rows name, by their numbers.
#[derive(Debug, Clone)]
pub struct Held(Vec<usize>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Store {
    datastore: String,
    /// Who may read all of it, if anybody.
    whole: Option<Readers>,
    image_sets: Ids,
    studies: Ids,
}

/// Groups by their numbers, sorted; `None`: whoever has a good token.
type Readers = Option<Vec<usize>>;

/// Ids and their readers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Ids {
    parts: Vec<Part>,
    /// Sorted by the id.
    places: Vec<Place>,
}

/// The ids that the same readers have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Part {
    /// Written out, as serde would take a forgotten key for `null`.
    #[serde(deserialize_with = "Option::deserialize")]
    groups: Readers,
    /// Sorted, with a space between two.
    ids: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    part: usize,
    start: usize,
    end: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    groups: Vec<String>,
    datastores: Vec<WrittenStore>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenStore {
    datastore: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    whole: Option<Whole>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    image_sets: Vec<Part>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    studies: Vec<Part>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole {
    #[serde(deserialize_with = "Option::deserialize")]
    groups: Readers,
}

impl Access {
    /// The rows, brought together.
    pub fn of(rows: &[Row]) -> Self {
        let named = rows.iter().flat_map(|row| row.groups.iter().flatten());
        let groups: BTreeSet<&String> = named.collect();
        let groups: Vec<String> = groups.into_iter().cloned().collect();
        let mut stores: BTreeMap<&str, Gathered> = BTreeMap::new();
        for row in rows {
            let numbers = row.groups.as_ref().map(|named| {
                let number = |group| groups.binary_search(group).ok();
                named.iter().filter_map(number).collect::<BTreeSet<_>>()
            });
            let store = stores.entry(&row.datastore).or_default();
            if row.image_sets.is_none() && row.studies.is_none() {
                add(store.whole.get_or_insert_with(nobody), &numbers);
            }
            for id in row.image_sets.iter().flatten() {
                add(store.image_sets.entry(id).or_insert_with(nobody), &numbers);
            }
            for uid in row.studies.iter().flatten() {
                add(store.studies.entry(uid).or_insert_with(nobody), &numbers);
            }
        }
        let stores = stores.into_iter().map(|(datastore, store)| Store {
            datastore: datastore.to_owned(),
            image_sets: store.ids(&store.image_sets),
            studies: store.ids(&store.studies),
            whole: store.whole.map(sorted),
        });
        Self {
            stores: stores.collect(),
            groups,
        }
    }

    /// Those of a token's groups that rows name.
    pub fn held<'a>(&self, groups: impl IntoIterator<Item = &'a str>) -> Held {
        let number = |group: &str| {
            let named = self
                .groups
                .binary_search_by(|named| named.as_str().cmp(group));
            named.ok()
        };
        Held(groups.into_iter().filter_map(number).collect())
    }

    /// May all of the data store be read?
    pub fn whole(&self, datastore: &str, held: &Held) -> Verdict {
        let store = self.store(datastore);
        verdict(store.and_then(|store| store.whole.as_ref()), held)
    }

    /// May this image set be read, by a row that names it?
    pub fn image_set(&self, datastore: &str, id: &str, held: &Held) -> Verdict {
        let store = self.store(datastore);
        verdict(store.and_then(|store| store.image_sets.readers(id)), held)
    }

    /// May this study be read, by a row that names it?
    pub fn study(&self, datastore: &str, uid: &str, held: &Held) -> Verdict {
        let store = self.store(datastore);
        verdict(store.and_then(|store| store.studies.readers(uid)), held)
    }

    /// Whether any row has a part of the data store.
    pub fn has(&self, datastore: &str) -> bool {
        self.store(datastore).is_some()
    }

    /// The groups that rows name.
    pub fn groups(&self) -> &[String] {
        &self.groups
    }

    fn store(&self, datastore: &str) -> Option<&Store> {
        let by_id = |store: &Store| store.datastore.as_str().cmp(datastore);
        self.stores.get(self.stores.binary_search_by(by_id).ok()?)
    }
}

fn verdict(readers: Option<&Readers>, held: &Held) -> Verdict {
    match readers {
        None => Verdict::NotListed,
        Some(None) => Verdict::Allowed,
        Some(Some(groups))
            if held
                .0
                .iter()
                .any(|group| groups.binary_search(group).is_ok()) =>
        {
            Verdict::Allowed
        }
        Some(Some(_)) => Verdict::OtherGroups,
    }
}

/// A data store's rows while they are brought together.
#[derive(Default)]
struct Gathered<'a> {
    whole: Option<Readings>,
    image_sets: BTreeMap<&'a str, Readings>,
    studies: BTreeMap<&'a str, Readings>,
}

/// `None`: any token.
type Readings = Option<BTreeSet<usize>>;

fn nobody() -> Readings {
    Some(BTreeSet::new())
}

fn add(readers: &mut Readings, more: &Readings) {
    match (readers.as_mut(), more) {
        (Some(readers), Some(more)) => readers.extend(more),
        _ => *readers = None,
    }
}

fn sorted(readers: Readings) -> Readers {
    readers.map(|groups| groups.into_iter().collect())
}

impl Gathered<'_> {
    /// Without whom a row for the whole data store lets in anyway.
    fn ids(&self, ids: &BTreeMap<&str, Readings>) -> Ids {
        let mut by_readers: BTreeMap<Readings, Vec<&str>> = BTreeMap::new();
        for (id, readers) in ids {
            let left = match (&self.whole, readers) {
                (Some(None), _) => continue,
                (Some(Some(whole)), Some(readers)) => {
                    let left: BTreeSet<usize> = readers.difference(whole).copied().collect();
                    if left.is_empty() {
                        continue;
                    }
                    Some(left)
                }
                (_, readers) => readers.clone(),
            };
            by_readers.entry(left).or_default().push(id);
        }
        let parts = by_readers.into_iter().map(|(readers, ids)| Part {
            groups: sorted(readers),
            ids: ids.join(" "),
        });
        Ids::of(parts.collect())
    }
}

impl Ids {
    fn of(parts: Vec<Part>) -> Self {
        let mut places = Vec::new();
        for (part, text) in parts.iter().map(|part| &part.ids).enumerate() {
            let mut start = 0usize;
            for id in text.split(' ') {
                let end = start.saturating_add(id.len());
                places.push(Place { part, start, end });
                start = end.saturating_add(1);
            }
        }
        let mut ids = Self {
            parts,
            places: vec![],
        };
        places.sort_by(|a, b| ids.id(a).cmp(ids.id(b)));
        ids.places = places;
        ids
    }

    fn id(&self, place: &Place) -> &str {
        let part = self.parts.get(place.part);
        part.and_then(|part| part.ids.get(place.start..place.end))
            .unwrap_or_default()
    }

    fn readers(&self, id: &str) -> Option<&Readers> {
        let by_id = |place: &Place| self.id(place).cmp(id);
        let place = self.places.get(self.places.binary_search_by(by_id).ok()?)?;
        self.parts.get(place.part).map(|part| &part.groups)
    }

    /// Every id of its form, and none twice.
    fn check(&self, is_one: fn(&str) -> bool, groups: usize) -> Result<(), &'static str> {
        for part in &self.parts {
            check_readers(&part.groups, groups)?;
        }
        if !self.places.iter().all(|place| is_one(self.id(place))) {
            return Err("a part has an id that is none");
        }
        let mut pairs = self.places.iter().zip(self.places.iter().skip(1));
        if pairs.any(|(a, b)| self.id(a) == self.id(b)) {
            return Err("an id is there twice");
        }
        Ok(())
    }
}

fn check_readers(readers: &Readers, groups: usize) -> Result<(), &'static str> {
    let Some(numbers) = readers else {
        return Ok(());
    };
    if numbers.is_empty() || numbers.iter().any(|number| *number >= groups) {
        return Err("a part has a group that is none");
    }
    if !is_sorted(numbers) {
        return Err("a part's groups aren't in order");
    }
    Ok(())
}

/// And nothing twice.
fn is_sorted<T: Ord>(items: &[T]) -> bool {
    items.is_sorted_by(|a, b| a < b)
}

impl TryFrom<Written> for Access {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        if !is_sorted(&written.groups) || written.groups.iter().any(|one| one.trim().is_empty()) {
            return Err("the groups of `access` aren't in order, or one is empty");
        }
        let groups = written.groups.len();
        let mut stores = Vec::new();
        for store in written.datastores {
            let store = Store {
                datastore: store.datastore,
                whole: store.whole.map(|whole| whole.groups),
                image_sets: Ids::of(store.image_sets),
                studies: Ids::of(store.studies),
            };
            if !is_id(&store.datastore) {
                return Err("`access` has a data store's id that is none");
            }
            store
                .whole
                .as_ref()
                .map_or(Ok(()), |it| check_readers(it, groups))?;
            store.image_sets.check(is_id, groups)?;
            store.studies.check(is_uid, groups)?;
            stores.push(store);
        }
        if !stores.is_sorted_by(|a, b| a.datastore < b.datastore) {
            return Err("the data stores of `access` aren't in order");
        }
        Ok(Self {
            groups: written.groups,
            stores,
        })
    }
}

impl From<Access> for Written {
    fn from(access: Access) -> Self {
        let stores = access.stores.into_iter().map(|store| WrittenStore {
            datastore: store.datastore,
            whole: store.whole.map(|groups| Whole { groups }),
            image_sets: store.image_sets.parts,
            studies: store.studies.parts,
        });
        Self {
            groups: access.groups,
            datastores: stores.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const STORE: &str = "12345678901234567890123456789012";
    const SET: &str = "aaaabbbbccccddddeeeeffff00001111";

    fn row(groups: Option<&[&str]>, sets: &[&str], studies: &[&str]) -> Row {
        let texts = |texts: &[&str]| {
            texts
                .iter()
                .map(|&text| text.to_owned())
                .collect::<Vec<_>>()
        };
        let part = |of: &[&str]| (!of.is_empty()).then(|| texts(of));
        Row {
            groups: groups.map(texts),
            datastore: STORE.to_owned(),
            image_sets: part(sets),
            studies: part(studies),
        }
    }

    #[test]
    fn rows_are_brought_together_by_what_they_name() {
        let access = Access::of(&[
            row(Some(&["b", "a"]), &[SET], &["1.3", "1.2"]),
            row(Some(&["c"]), &[], &["1.2"]),
            row(None, &[], &["1.4"]),
        ]);
        assert_eq!(
            serde_json::to_value(&access).unwrap(),
            json!({"groups": ["a", "b", "c"], "datastores": [{
                "datastore": STORE,
                "imageSets": [{"groups": [0, 1], "ids": SET}],
                "studies": [
                    {"groups": null, "ids": "1.4"},
                    {"groups": [0, 1], "ids": "1.3"},
                    {"groups": [0, 1, 2], "ids": "1.2"},
                ],
            }]})
        );
        let ask = |uid: &str, group: &str| access.study(STORE, uid, &access.held([group]));
        assert_eq!(ask("1.2", "c"), Verdict::Allowed);
        assert_eq!(ask("1.3", "c"), Verdict::OtherGroups);
        assert_eq!(ask("1.4", "nobody's"), Verdict::Allowed);
        assert_eq!(ask("1.5", "a"), Verdict::NotListed);
        assert_eq!(
            access.whole(STORE, &access.held(["a", "b", "c"])),
            Verdict::NotListed
        );
        let none = access.held([]);
        assert_eq!(
            access.study(&STORE.replace('1', "9"), "1.4", &none),
            Verdict::NotListed
        );
    }

    #[test]
    fn a_whole_data_store_needs_no_ids_for_the_same_groups() {
        let access = Access::of(&[
            row(Some(&["a"]), &[], &[]),
            row(Some(&["a", "b"]), &[], &["1.2"]),
            row(Some(&["a"]), &[SET], &[]),
        ]);
        assert_eq!(
            serde_json::to_value(&access).unwrap(),
            json!({"groups": ["a", "b"], "datastores": [{
                "datastore": STORE,
                "whole": {"groups": [0]},
                "studies": [{"groups": [1], "ids": "1.2"}],
            }]})
        );
    }

    /// An empty list names nothing, and not all of the data store.
    #[test]
    fn an_empty_list_is_not_everything() {
        let mut empty = row(None, &[], &[]);
        empty.studies = Some(vec![]);
        let access = Access::of(&[empty]);
        assert_eq!(access.whole(STORE, &access.held([])), Verdict::NotListed);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let access = Access::of(&[
            row(Some(&["b", "a"]), &[SET], &["1.3", "1.2", "1.2.3"]),
            row(None, &[], &["1.10", "1.4"]),
        ]);
        let written = serde_json::to_string(&access).unwrap();
        assert_eq!(serde_json::from_str::<Access>(&written).unwrap(), access);
    }

    #[test]
    fn another_form_is_refused() {
        let whole = |store: Value| json!({"groups": ["a", "b"], "datastores": [store]});
        let studies = |part: Value| whole(json!({"datastore": STORE, "studies": [part]}));
        for (broken, why) in [
            (json!({"groups": ["b", "a"], "datastores": []}), "in order"),
            (json!({"groups": ["a", "a"], "datastores": []}), "in order"),
            (json!({"groups": [""], "datastores": []}), "empty"),
            (json!({"groups": []}), "datastores"),
            (whole(json!({"datastore": "x"})), "none"),
            (whole(json!({"datastore": STORE, "whole": {}})), "groups"),
            (whole(json!({"datastore": STORE, "more": 1})), "more"),
            (
                whole(json!({"datastore": STORE, "whole": {"groups": []}})),
                "none",
            ),
            (
                whole(json!({"datastore": STORE, "whole": {"groups": [2]}})),
                "none",
            ),
            (
                whole(json!({"datastore": STORE, "whole": {"groups": [-1]}})),
                "-1",
            ),
            (studies(json!({"ids": "1.2"})), "groups"),
            (studies(json!({"groups": [1, 0], "ids": "1.2"})), "in order"),
            (studies(json!({"groups": [0], "ids": ""})), "none"),
            (studies(json!({"groups": [0], "ids": "1.2 "})), "none"),
            (studies(json!({"groups": [0], "ids": "1.2  1.3"})), "none"),
            (studies(json!({"groups": [0], "ids": SET})), "none"),
            (studies(json!({"groups": [0], "ids": "1.2 1.2"})), "twice"),
        ] {
            let problem = serde_json::from_value::<Access>(broken.clone()).unwrap_err();
            assert!(problem.to_string().contains(why), "{broken}: {problem}");
        }
        let twice = json!([{"groups": [0], "ids": "1.2"}, {"groups": [1], "ids": "1.2"}]);
        let twice = whole(json!({"datastore": STORE, "studies": twice}));
        assert!(serde_json::from_value::<Access>(twice).is_err());
        let stores = json!([{"datastore": STORE}, {"datastore": STORE}]);
        let twice = json!({"groups": [], "datastores": stores});
        assert!(serde_json::from_value::<Access>(twice).is_err());
    }
}
