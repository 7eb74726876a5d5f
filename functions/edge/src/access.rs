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
    /// Every set of readers, once.
    readers: Vec<Readers>,
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

/// Groups by their numbers, sorted; `None`: whoever has a good token.
type Readers = Option<Vec<usize>>;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Store {
    datastore: String,
    /// Who may read all of it, if anybody: their number among `readers`.
    whole: Option<usize>,
    image_sets: Ids,
    studies: Ids,
}

/// Ids and their readers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Ids {
    /// Sorted, with a space between two.
    text: String,
    /// Where each is in it.
    places: Vec<Place>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    start: usize,
    end: usize,
    readers: usize,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    groups: Vec<String>,
    readers: Vec<Readers>,
    datastores: Vec<WrittenStore>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WrittenStore {
    datastore: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    whole: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    image_sets: Option<WrittenIds>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    studies: Option<WrittenIds>,
}

/// Two texts: a list with an item per id would be larger, in a zip and in memory.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenIds {
    ids: String,
    /// For each id the number of its readers, with a space between two.
    readers: String,
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
        let mut readers = BTreeSet::new();
        for store in stores.values_mut() {
            store.tidy();
            readers.extend(store.whole.clone());
            let ids = store.image_sets.values().chain(store.studies.values());
            readers.extend(ids.cloned());
        }
        let readers: Vec<Readings> = readers.into_iter().collect();
        let stores = stores.into_iter().map(|(datastore, store)| Store {
            datastore: datastore.to_owned(),
            whole: store.whole.and_then(|one| readers.binary_search(&one).ok()),
            image_sets: Ids::of(&store.image_sets, &readers),
            studies: Ids::of(&store.studies, &readers),
        });
        Self {
            stores: stores.collect(),
            groups,
            readers: readers.into_iter().map(sorted).collect(),
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
        self.verdict(store.and_then(|store| store.whole), held)
    }

    /// May this image set be read, by a row that names it?
    pub fn image_set(&self, datastore: &str, id: &str, held: &Held) -> Verdict {
        let store = self.store(datastore);
        self.verdict(store.and_then(|store| store.image_sets.readers(id)), held)
    }

    /// May this study be read, by a row that names it?
    pub fn study(&self, datastore: &str, uid: &str, held: &Held) -> Verdict {
        let store = self.store(datastore);
        self.verdict(store.and_then(|store| store.studies.readers(uid)), held)
    }

    fn verdict(&self, readers: Option<usize>, held: &Held) -> Verdict {
        match readers.and_then(|number| self.readers.get(number)) {
            None => Verdict::NotListed,
            Some(None) => Verdict::Allowed,
            Some(Some(groups)) => {
                let is_one = |group: &usize| groups.binary_search(group).is_ok();
                if held.0.iter().any(is_one) {
                    Verdict::Allowed
                } else {
                    Verdict::OtherGroups
                }
            }
        }
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
    /// An id needs no readers whom a row for the whole data store lets in anyway.
    fn tidy(&mut self) {
        let Some(whole) = &self.whole else {
            return;
        };
        for ids in [&mut self.image_sets, &mut self.studies] {
            ids.retain(|_, readers| match (whole, readers) {
                (None, _) => false,
                (Some(_), None) => true,
                (Some(whole), Some(readers)) => {
                    readers.retain(|group| !whole.contains(group));
                    !readers.is_empty()
                }
            });
        }
    }
}

impl Ids {
    fn of(ids: &BTreeMap<&str, Readings>, readers: &[Readings]) -> Self {
        let mut made = Self::default();
        for (id, of_id) in ids {
            if !made.text.is_empty() {
                made.text.push(' ');
            }
            let start = made.text.len();
            made.text.push_str(id);
            let end = made.text.len();
            // All of them are among `readers`. A number that is none lets nobody in.
            let readers = readers.binary_search(of_id).unwrap_or(usize::MAX);
            made.places.push(Place {
                start,
                end,
                readers,
            });
        }
        made
    }

    /// Each of its form, in order, and with readers that there are.
    fn read(
        written: Option<WrittenIds>,
        is_one: fn(&str) -> bool,
        readers: usize,
    ) -> Result<Self, &'static str> {
        let Some(written) = written else {
            return Ok(Self::default());
        };
        let mut places = Vec::new();
        let mut numbers = written.readers.split(' ');
        let mut start = 0usize;
        let mut before = "";
        for id in written.ids.split(' ') {
            if !is_one(id) {
                return Err("`access` has an id that is none");
            }
            if id <= before {
                return Err("the ids of `access` aren't in order, or one is there twice");
            }
            let number = numbers.next().and_then(|number| number.parse().ok());
            let readers = number
                .filter(|number| *number < readers)
                .ok_or("`access` has an id without readers")?;
            let end = start.saturating_add(id.len());
            places.push(Place {
                start,
                end,
                readers,
            });
            start = end.saturating_add(1);
            before = id;
        }
        if numbers.next().is_some() {
            return Err("`access` has readers without an id");
        }
        Ok(Self {
            text: written.ids,
            places,
        })
    }

    fn written(self) -> Option<WrittenIds> {
        let numbers = self.places.iter().map(|place| place.readers.to_string());
        let readers = numbers.collect::<Vec<_>>().join(" ");
        (!self.places.is_empty()).then_some(WrittenIds {
            ids: self.text,
            readers,
        })
    }

    /// The number of an id's readers.
    fn readers(&self, id: &str) -> Option<usize> {
        let text = self.text.as_bytes();
        let by_id = |place: &Place| {
            let one = text.get(place.start..place.end).unwrap_or_default();
            one.cmp(id.as_bytes())
        };
        let at = self.places.binary_search_by(by_id).ok()?;
        self.places.get(at).map(|place| place.readers)
    }
}

fn check_readers(readers: &Readers, groups: usize) -> Result<(), &'static str> {
    let Some(numbers) = readers else {
        return Ok(());
    };
    if numbers.is_empty() || numbers.iter().any(|number| *number >= groups) {
        return Err("readers of `access` have a group that is none");
    }
    if !is_sorted(numbers) {
        return Err("the groups of readers of `access` aren't in order");
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
        for readers in &written.readers {
            check_readers(readers, written.groups.len())?;
        }
        let count = written.readers.len();
        let mut stores = Vec::new();
        for store in written.datastores {
            if !is_id(&store.datastore) {
                return Err("`access` has a data store's id that is none");
            }
            if store.whole.is_some_and(|number| number >= count) {
                return Err("`access` has a data store without readers");
            }
            stores.push(Store {
                datastore: store.datastore,
                whole: store.whole,
                image_sets: Ids::read(store.image_sets, is_id, count)?,
                studies: Ids::read(store.studies, is_uid, count)?,
            });
        }
        if !stores.is_sorted_by(|a, b| a.datastore < b.datastore) {
            return Err("the data stores of `access` aren't in order");
        }
        Ok(Self {
            groups: written.groups,
            readers: written.readers,
            stores,
        })
    }
}

impl From<Access> for Written {
    fn from(access: Access) -> Self {
        let stores = access.stores.into_iter().map(|store| WrittenStore {
            datastore: store.datastore,
            whole: store.whole,
            image_sets: store.image_sets.written(),
            studies: store.studies.written(),
        });
        Self {
            groups: access.groups,
            readers: access.readers,
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
            json!({
                "groups": ["a", "b", "c"],
                "readers": [null, [0, 1], [0, 1, 2]],
                "datastores": [{
                    "datastore": STORE,
                    "imageSets": {"ids": SET, "readers": "1"},
                    "studies": {"ids": "1.2 1.3 1.4", "readers": "2 1 0"},
                }],
            })
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
            json!({
                "groups": ["a", "b"],
                "readers": [[0], [1]],
                "datastores": [{
                    "datastore": STORE,
                    "whole": 0,
                    "studies": {"ids": "1.2", "readers": "1"},
                }],
            })
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
        let table = |groups: Value, readers: Value, stores: Value| json!({"groups": groups, "readers": readers, "datastores": stores});
        let of_store = |store: Value| table(json!(["a", "b"]), json!([null, [1]]), json!([store]));
        let studies = |ids: &str, readers: &str| {
            of_store(json!({"datastore": STORE, "studies": {"ids": ids, "readers": readers}}))
        };
        assert!(serde_json::from_value::<Access>(studies("1.10 1.2", "0 1")).is_ok());
        let readers = |readers: Value| table(json!(["a", "b"]), readers, json!([]));
        for (broken, why) in [
            (table(json!(["b", "a"]), json!([]), json!([])), "in order"),
            (table(json!(["a", "a"]), json!([]), json!([])), "in order"),
            (table(json!([""]), json!([]), json!([])), "empty"),
            (json!({"groups": [], "readers": []}), "datastores"),
            (json!({"groups": [], "datastores": []}), "readers"),
            (readers(json!([[]])), "none"),
            (readers(json!([[2]])), "none"),
            (readers(json!([[-1]])), "-1"),
            (readers(json!([[1, 0]])), "in order"),
            (of_store(json!({"datastore": "x"})), "none"),
            (
                of_store(json!({"datastore": STORE, "whole": 2})),
                "without readers",
            ),
            (of_store(json!({"datastore": STORE, "more": 1})), "more"),
            (
                of_store(json!({"datastore": STORE, "studies": {"ids": "1.2"}})),
                "readers",
            ),
            (studies("", ""), "none"),
            (studies("1.2 ", "0 0"), "none"),
            (studies("1.2  1.3", "0 0 0"), "none"),
            (studies(SET, "0"), "none"),
            (studies("1.2 1.2", "0 0"), "twice"),
            (studies("1.2 1.10", "0 0"), "in order"),
            (studies("1.2", "2"), "without readers"),
            (studies("1.2", ""), "without readers"),
            (studies("1.2 1.3", "0"), "without readers"),
            (studies("1.2", "0 0"), "without an id"),
            (studies("1.2", "-1"), "without readers"),
        ] {
            let problem = serde_json::from_value::<Access>(broken.clone()).unwrap_err();
            assert!(problem.to_string().contains(why), "{broken}: {problem}");
        }
        let twice = json!([{"datastore": STORE}, {"datastore": STORE}]);
        let twice = table(json!([]), json!([]), twice);
        assert!(serde_json::from_value::<Access>(twice).is_err());
    }
}
