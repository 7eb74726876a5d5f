//! A data store: instances, and the ids that HealthImaging finds them by.
//!
//! HealthImaging makes an image set of each series of a study when it imports
//! them ("Understanding image sets", AWS HealthImaging Developer Guide), and
//! gives it and each frame a random id. Here ids are derived from UIDs: the same
//! files have the same ids at each start.

use super::error::ServiceError;
use crate::dicom::Instance;
use dicom_dictionary_std::tags;
use sha2::{Digest, Sha256};
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

/// What ids are made of, and how long they are: `[0-9a-z]{32}`.
const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// Of a frame's id the digits that name its instance. The other six count, from
/// 1: they reach beyond the two thousand million that DICOM can.
const OF_INSTANCE: usize = 26;

/// Studies, their series and their instances are each next to each other, the
/// instances by InstanceNumber.
#[derive(Debug, Clone)]
pub struct DataStore {
    pub id: String,
    instances: Vec<Instance>,
    series: Vec<Series>,
    studies: Vec<Study>,
    /// By SOP instance UID.
    by_uid: HashMap<Arc<str>, usize>,
    /// By the first digits of their frames' ids.
    by_frame: HashMap<String, usize>,
}

#[derive(Debug, Clone)]
pub struct Study {
    pub uid: Arc<str>,
    series: Range<usize>,
}

/// A series of a study, and so an image set.
#[derive(Debug, Clone)]
pub struct Series {
    pub study: Arc<str>,
    pub uid: Arc<str>,
    pub image_set_id: String,
    instances: Range<usize>,
}

impl Series {
    /// By what viewers ask for it.
    fn key(&self) -> [&str; 3] {
        [&self.study, &self.uid, &self.image_set_id]
    }
}

/// One frame by all its names, for who needs an example.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameNames<'a> {
    pub image_set_id: &'a str,
    pub study: &'a str,
    pub series: &'a str,
    pub instance: &'a str,
    pub frame: u32,
}

impl FrameNames<'_> {
    pub fn image_frame_id(&self) -> String {
        frame_id(self.instance, self.frame)
    }
}

impl DataStore {
    /// The store, and the instances that it didn't take: an instance with the
    /// same UID was there before.
    pub fn of(id: impl Into<String>, given: Vec<Instance>) -> (Self, Vec<Instance>) {
        let mut store = Self {
            id: id.into(),
            instances: Vec::new(),
            series: Vec::new(),
            studies: Vec::new(),
            by_uid: HashMap::with_capacity(given.len()),
            by_frame: HashMap::with_capacity(given.len()),
        };
        let mut twice = Vec::new();
        let mut kept = Vec::with_capacity(given.len());
        for instance in given {
            if store.by_uid.insert(instance.uid.clone(), 0).is_some() {
                twice.push(instance);
            } else {
                kept.push(instance);
            }
        }
        store.instances = sorted(kept);
        store.index();
        (store, twice)
    }

    fn index(&mut self) {
        for (index, instance) in self.instances.iter().enumerate() {
            self.by_uid.insert(instance.uid.clone(), index);
            self.by_frame
                .insert(digits(&instance.uid, OF_INSTANCE), index);
            let is_new = self
                .series
                .last()
                .is_none_or(|last| (&last.study, &last.uid) != (&instance.study, &instance.series));
            if is_new {
                self.series.push(Series {
                    study: instance.study.clone(),
                    uid: instance.series.clone(),
                    image_set_id: set_id(&instance.study, &instance.series),
                    instances: index..index,
                });
            }
            if let Some(series) = self.series.last_mut() {
                series.instances.end = index + 1;
            }
        }
        for (index, series) in self.series.iter().enumerate() {
            if self
                .studies
                .last()
                .is_none_or(|last| last.uid != series.study)
            {
                self.studies.push(Study {
                    uid: series.study.clone(),
                    series: index..index,
                });
            }
            if let Some(study) = self.studies.last_mut() {
                study.series.end = index + 1;
            }
        }
    }

    /// The paths, as an invalidation has them, of whatever is otherwise in the store that
    /// takes this one's place.
    pub fn changed(&self, now: &Self) -> Vec<String> {
        let root = format!("/datastore/{}", now.id);
        if self.id != now.id {
            return vec![format!("{root}/*")];
        }
        let mut paths = BTreeSet::new();
        for (one, other) in [(self, now), (now, self)] {
            let others = other.series.iter().map(|series| (series.key(), series));
            let others: HashMap<_, _> = others.collect();
            let is_there = |series: &&Series| {
                let found = others.get(&series.key());
                found.is_some_and(|found| one.has_same(series, other, found))
            };
            for series in one.series.iter().filter(|series| !is_there(series)) {
                paths.insert(format!("{root}/studies/{}/*", series.study));
                paths.insert(format!("{root}/imageSet/{}/*", series.image_set_id));
            }
        }
        paths.into_iter().collect()
    }

    /// Whether the series of both stores has the very same instances.
    fn has_same(&self, series: &Series, other: &Self, found: &Series) -> bool {
        let (own, others) = (self.instances_of(series), other.instances_of(found));
        own.len() == others.len() && own.iter().zip(others).all(|(a, b)| a.is_same(b))
    }

    pub fn studies(&self) -> &[Study] {
        &self.studies
    }

    pub fn series(&self) -> &[Series] {
        &self.series
    }

    pub fn instances(&self) -> &[Instance] {
        &self.instances
    }

    pub fn series_of(&self, study: &Study) -> &[Series] {
        self.series.get(study.series.clone()).unwrap_or_default()
    }

    pub fn instances_of(&self, series: &Series) -> &[Instance] {
        self.instances
            .get(series.instances.clone())
            .unwrap_or_default()
    }

    /// The first frame that there is.
    pub fn first_frame(&self) -> Option<FrameNames<'_>> {
        self.series.iter().find_map(|series| self.frame_of(series))
    }

    /// The first frame of a series.
    pub fn frame_of<'a>(&'a self, series: &'a Series) -> Option<FrameNames<'a>> {
        let mut instances = self.instances_of(series).iter();
        let instance = instances.find(|instance| instance.frames > 0)?;
        Some(FrameNames {
            image_set_id: &series.image_set_id,
            study: &series.study,
            series: &series.uid,
            instance: &instance.uid,
            frame: 1,
        })
    }

    /// Gives the data store another id, and its image sets the ids in `sets`,
    /// as far as these go.
    pub(super) fn rename(&mut self, store: &str, sets: &[&str]) {
        self.id = store.to_owned();
        for (index, &set) in sets.iter().enumerate() {
            let Some(series) = self.series.get_mut(index) else {
                return;
            };
            let former = std::mem::replace(&mut series.image_set_id, set.to_owned());
            // No two share an id, whatever the sets are called.
            for other in self.series.iter_mut().skip(index + 1) {
                if other.image_set_id == set {
                    other.image_set_id.clone_from(&former);
                }
            }
        }
    }

    /// The instance of study, series and instance UID, in the image set if one is named.
    pub(super) fn instance(
        &self,
        store: &str,
        [study, series, instance]: [&str; 3],
        set: Option<&str>,
    ) -> Result<&Instance, ServiceError> {
        self.check_store(store)?;
        let found = self.find([study, series], set).and_then(|series| {
            let index = self.by_uid.get(instance)?;
            let is_there = series.instances.contains(index);
            self.instances.get(*index).filter(|_| is_there)
        });
        found.ok_or_else(|| ServiceError::not_found("The DICOM instance"))
    }

    /// A series of a study, in the image set if one is named.
    pub(super) fn one_series(
        &self,
        store: &str,
        uids: [&str; 2],
        set: Option<&str>,
    ) -> Result<&Series, ServiceError> {
        self.check_store(store)?;
        self.find(uids, set)
            .ok_or_else(|| ServiceError::not_found("The DICOM series"))
    }

    fn find(&self, [study, series]: [&str; 2], set: Option<&str>) -> Option<&Series> {
        let is_it = |found: &&Series| {
            [&*found.study, &*found.uid] == [study, series]
                && set.is_none_or(|set| set == found.image_set_id)
        };
        self.series.iter().find(is_it)
    }

    /// The series that an image set is.
    pub(super) fn image_set(&self, store: &str, set: &str) -> Result<&Series, ServiceError> {
        self.check_store(store)?;
        let mut series = self.series.iter();
        let found = series.find(|series| series.image_set_id == set);
        found.ok_or_else(|| ServiceError::not_found("The image set"))
    }

    /// The instance and the number of a frame.
    pub(super) fn frame(
        &self,
        store: &str,
        set: &str,
        frame: &str,
    ) -> Result<(&Instance, u32), ServiceError> {
        let series = self.image_set(store, set)?;
        self.numbered(series, frame)
            .ok_or_else(|| ServiceError::not_found("The image frame"))
    }

    fn numbered(&self, series: &Series, frame: &str) -> Option<(&Instance, u32)> {
        let (key, number) = frame.split_at_checked(OF_INSTANCE)?;
        let index = *self.by_frame.get(key)?;
        let number = u32::from_str_radix(number, 36).ok()?;
        let instance = self.instances.get(index)?;
        let is_there = series.instances.contains(&index) && (1..=instance.frames).contains(&number);
        is_there.then_some((instance, number))
    }

    pub(super) fn check_store(&self, store: &str) -> Result<(), ServiceError> {
        if store == self.id {
            Ok(())
        } else {
            Err(ServiceError::not_found("The data store"))
        }
    }
}

/// By study and by series, in the order in which these appear; then by number.
fn sorted(instances: Vec<Instance>) -> Vec<Instance> {
    let mut studies = HashMap::new();
    let mut series = HashMap::new();
    for instance in &instances {
        let next = studies.len();
        studies.entry(instance.study.clone()).or_insert(next);
        let next = series.len();
        let key = (instance.study.clone(), instance.series.clone());
        series.entry(key).or_insert(next);
    }
    let number = |instance: &Instance| {
        let number = instance.attributes.get(tags::INSTANCE_NUMBER);
        number.and_then(|number| number.to_int::<i64>().ok())
    };
    let mut instances = instances;
    instances.sort_by_cached_key(|instance| {
        let place = (instance.study.clone(), instance.series.clone());
        let (study, series) = (studies.get(&instance.study), series.get(&place));
        (
            study.copied(),
            series.copied(),
            number(instance),
            instance.uid.clone(),
        )
    });
    instances
}

fn set_id(study: &str, series: &str) -> String {
    digits(&format!("{study}/{series}"), 32)
}

/// The id of an instance's frame, counted from 1.
pub fn frame_id(instance: &str, frame: u32) -> String {
    let mut id = digits(instance, OF_INSTANCE);
    let mut places: Vec<u8> = Vec::new();
    let mut rest = frame as usize;
    for _ in OF_INSTANCE..32 {
        places.extend(DIGITS.get(rest % DIGITS.len()));
        rest /= DIGITS.len();
    }
    id.extend(places.iter().rev().map(|digit| char::from(*digit)));
    id
}

/// `count` digits of a text's hash.
fn digits(text: &str, count: usize) -> String {
    let hash = Sha256::digest(text);
    let digits = hash.iter().take(count);
    digits
        .filter_map(|byte| DIGITS.get(usize::from(*byte) % DIGITS.len()))
        .map(|digit| char::from(*digit))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::study::embedded;
    use super::*;
    use frames_edge::operation;

    /// The first frame of the n-th series.
    fn frame_of(store: &DataStore, n: usize) -> String {
        let series = &store.series()[n];
        frame_id(&store.instances_of(series)[0].uid, 1)
    }

    #[test]
    fn a_renamed_store_is_found_under_its_new_ids_alone() {
        let old = embedded().unwrap();
        let mut renamed = old.clone();
        let (ct, mr) = (frame_of(&old, 0), frame_of(&old, 1));
        let [ct_set, mr_set] = [0, 1].map(|n| old.series()[n].image_set_id.clone());
        let store = "d".repeat(32);
        // The second one's own id goes to the first.
        renamed.rename(&store, &[&mr_set]);
        assert!(renamed.frame(&store, &mr_set, &ct).is_ok());
        assert!(renamed.frame(&store, &ct_set, &mr).is_ok());
        let former = renamed.frame(&old.id, &mr_set, &ct);
        assert_eq!(former.unwrap_err().status, 404);
        let sets = ["a".repeat(32), "b".repeat(32), "c".repeat(32)];
        renamed.rename(&store, &sets.each_ref().map(String::as_str));
        let found = |set: &str, frame: &str| renamed.frame(&store, set, frame);
        assert!(found(&sets[0], &ct).is_ok() && found(&sets[1], &mr).is_ok());
        assert!(found(&sets[2], &ct).is_err());
    }

    #[test]
    fn what_is_otherwise_in_a_store_is_told_by_its_paths() {
        let old = embedded().unwrap();
        assert_eq!(old.changed(&old.clone()), [""; 0]);
        let (store, last) = (&old.id, old.series().last().unwrap());
        let paths = [
            format!("/datastore/{store}/imageSet/{}/*", last.image_set_id),
            format!("/datastore/{store}/studies/{}/*", last.study),
        ];
        let mut kept = old.instances().to_vec();
        kept.retain(|instance| instance.uid != old.instances_of(last)[0].uid);
        let fewer = DataStore::of(store.clone(), kept).0;
        assert_eq!(old.changed(&fewer), paths);
        assert_eq!(fewer.changed(&old), paths);
        // An image set that is another series by now, and both of these.
        let mut renamed = old.clone();
        let set = old.series()[0].image_set_id.clone();
        renamed.rename(store, &[&last.image_set_id]);
        let changed = old.changed(&renamed);
        assert!(changed.contains(&format!("/datastore/{store}/imageSet/{set}/*")));
        assert!(
            paths.iter().all(|path| changed.contains(path)),
            "{changed:?}"
        );
        let other = "d".repeat(32);
        renamed.rename(&other, &[]);
        assert_eq!(old.changed(&renamed), [format!("/datastore/{other}/*")]);
    }

    #[test]
    fn ids_are_in_the_services_form_and_no_two_are_the_same() {
        let store = embedded().unwrap();
        let mut ids = std::collections::HashSet::new();
        for series in store.series() {
            assert!(operation::is_id(&series.image_set_id));
            assert!(ids.insert(series.image_set_id.clone()));
            for instance in store.instances_of(series) {
                for n in 1..=instance.frames {
                    let id = frame_id(&instance.uid, n);
                    assert!(operation::is_id(&id), "{id}");
                    let (found, number) =
                        store.frame(&store.id, &series.image_set_id, &id).unwrap();
                    assert_eq!((&found.uid, number), (&instance.uid, n));
                    assert!(ids.insert(id));
                }
            }
        }
        assert!(frame_id("1.2", u32::MAX).ends_with("z141z3"));
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        let store = embedded().unwrap();
        let series = &store.series()[0];
        let instance = &store.instances_of(series)[0];
        let set = series.image_set_id.as_str();
        let status = |frame: &str| {
            let found = store.frame(&store.id, set, frame);
            found.map(|_| ()).map_err(|error| error.status.as_u16())
        };
        assert_eq!(status(&frame_id(&instance.uid, 1)), Ok(()));
        for frame in [
            frame_id(&instance.uid, 0),
            frame_id(&instance.uid, 2),
            frame_of(&store, 1),
            "é".repeat(16),
            String::new(),
        ] {
            assert_eq!(status(&frame), Err(404), "{frame}");
        }
        let uids = [&*instance.study, &*instance.series, &*instance.uid];
        let found = |uids, set| store.instance(&store.id, uids, set).is_ok();
        assert!(found(uids, None) && found(uids, Some(set)));
        let unknown = "0".repeat(32);
        assert!(!found(uids, Some(&unknown)));
        let [study, series, uid] = uids;
        let other = &*store.instances().last().unwrap().uid;
        for wrong in [
            ["1.2", series, uid],
            [study, "1.2", uid],
            [study, series, other],
        ] {
            assert!(!found(wrong, None), "{wrong:?}");
        }
    }

    #[test]
    fn slices_are_in_order_and_the_first_of_two_instances_wins() {
        let embedded = embedded().unwrap();
        let mut given = embedded.instances().to_vec();
        given.reverse();
        given.extend(embedded.instances()[..3].to_vec());
        let (store, twice) = DataStore::of("0".repeat(32), given);
        assert_eq!(twice.len(), 3);
        assert_eq!(store.instances().len(), embedded.instances().len());
        assert_eq!(store.studies().len(), 3);
        for series in store.series() {
            let numbers = store.instances_of(series).iter().map(|instance| {
                let number = instance.attributes.get(tags::INSTANCE_NUMBER);
                number.unwrap().to_int::<i64>().unwrap()
            });
            assert!(numbers.is_sorted(), "{}", series.uid);
        }
    }
}
