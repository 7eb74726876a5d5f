//! DICOMweb's searches (QIDO-RS): of studies, of series and of instances.
//!
//! Sources: "Searching DICOM data in HealthImaging" and its pages, AWS
//! HealthImaging Developer Guide; DICOM PS3.18, 10.6. AWS doesn't document the
//! answer when nothing is found: here it is an empty list.
//!
//! What AWS calls the last update is here when a file was written. Of those of the
//! same age, the store's later one counts as newer.

mod answer;
mod condition;
mod levels;
mod query;

#[cfg(test)]
mod tests;

pub(super) use levels::{Level, Scope};

use super::error::ServiceError;
use answer::Answers;
use condition::Condition;
use dicom_core::Tag;
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use query::Query;
use serde_json::{Map, Value};
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::SystemTime;

/// The service's own limit: what lies behind it no search finds.
const MOST_RECORDS: usize = 10_000;

/// An instance, as far as searches read it.
pub(super) trait Searchable {
    /// Of the study, of the series and its own.
    fn uids(&self) -> [&str; 3];

    fn updated(&self) -> SystemTime;

    /// Those that searches match, and those that an answer has by itself.
    fn attributes(&self) -> &InMemDicomObject;

    /// All but the pixels, in the DICOM JSON model. It may have to be read from a file.
    fn metadata(&self) -> Result<Map<String, Value>, ServiceError>;
}

/// What was found, in the order of the service, as far as `query` wants it.
///
/// `instances` are those of the primary image sets. `root` is the data store's
/// address, for the `RetrieveURL`s.
pub(super) fn search<'a, T: Searchable + 'a>(
    instances: impl Iterator<Item = &'a T>,
    scope: &Scope<'_>,
    query: &str,
    root: &str,
) -> Result<Value, ServiceError> {
    let query = query::read(query, scope)?;
    let catalog = Catalog::of(instances, scope);
    let mut records = catalog.records(scope.level);
    records.retain(|record| catalog.holds(record, &query));
    sort(&mut records, scope);
    let page = records
        .iter()
        .take(MOST_RECORDS)
        .skip(query.offset)
        .take(query.limit);
    let answers = Answers {
        catalog: &catalog,
        query: &query,
        scope,
        root,
    };
    let found: Result<Vec<Value>, ServiceError> = page.map(|record| answers.of(record)).collect();
    Ok(Value::Array(found?))
}

/// Something to be found: an instance, or the first one of a study or a series.
struct Record<'a, T> {
    first: &'a T,
    /// The newest of its instances: its age, and its place in the store.
    newest: (SystemTime, usize),
}

/// What is known of a study by its instances together.
#[derive(Default)]
struct Study<'a> {
    series: HashSet<&'a str>,
    instances: usize,
    modalities: BTreeSet<String>,
    classes: BTreeSet<String>,
}

/// The instances that a search is about.
struct Catalog<'a, T> {
    instances: Vec<&'a T>,
    studies: HashMap<&'a str, Study<'a>>,
    /// How many instances a series has.
    series: HashMap<[&'a str; 2], usize>,
}

impl<'a, T: Searchable> Catalog<'a, T> {
    fn of(instances: impl Iterator<Item = &'a T>, scope: &Scope<'_>) -> Self {
        let mut catalog = Self {
            instances: Vec::new(),
            studies: HashMap::new(),
            series: HashMap::new(),
        };
        for instance in instances {
            let [study, series, _] = instance.uids();
            // A study's numbers count all of its series, wherever the search is.
            if scope.study.is_some_and(|wanted| wanted != study) {
                continue;
            }
            let attributes = instance.attributes();
            let of_study = catalog.studies.entry(study).or_default();
            of_study.series.insert(series);
            of_study.instances += 1;
            of_study
                .modalities
                .extend(values(attributes, tags::MODALITY));
            of_study
                .classes
                .extend(values(attributes, tags::SOP_CLASS_UID));
            *catalog.series.entry([study, series]).or_default() += 1;
            if scope.series.is_none_or(|wanted| wanted == series) {
                catalog.instances.push(instance);
            }
        }
        catalog
    }

    /// Each study, series or instance once.
    fn records(&self, level: Level) -> Vec<Record<'a, T>> {
        let mut records: Vec<Record<'a, T>> = Vec::new();
        let mut places: HashMap<[&str; 3], usize> = HashMap::new();
        for (place, first) in self.instances.iter().enumerate() {
            let newest = (first.updated(), place);
            let [study, series, own] = first.uids();
            let id = match level {
                Level::Study => [study, "", ""],
                Level::Series => [study, series, ""],
                Level::Instance => [study, series, own],
            };
            let known = places.get(&id).and_then(|place| records.get_mut(*place));
            match known {
                Some(record) => record.newest = record.newest.max(newest),
                None => {
                    places.insert(id, records.len());
                    records.push(Record { first, newest });
                }
            }
        }
        records
    }

    fn study(&self, record: &Record<'a, T>) -> Option<&Study<'a>> {
        let [study, ..] = record.first.uids();
        self.studies.get(study)
    }

    fn holds(&self, record: &Record<'a, T>, query: &Query) -> bool {
        query.keys.iter().all(|(tag, condition)| match *tag {
            tags::MODALITIES_IN_STUDY => {
                let modalities = self.study(record).map(|study| &study.modalities);
                let modalities: Vec<String> = modalities.into_iter().flatten().cloned().collect();
                condition.holds(&modalities)
            }
            // A star finds what was imported with a warning: nothing else has a reason.
            tags::WARNING_REASON => {
                let reasons = values(record.first.attributes(), *tag);
                *condition == Condition::Any || !reasons.is_empty() && condition.holds(&reasons)
            }
            tag => condition.holds(&values(record.first.attributes(), tag)),
        })
    }
}

fn sort<T: Searchable>(records: &mut [Record<'_, T>], scope: &Scope<'_>) {
    match (scope.level, scope.study, scope.series) {
        (Level::Study, ..) | (Level::Instance, Some(_), None) => {
            records.sort_by_key(|record| Reverse(record.newest));
        }
        (Level::Series, ..) => {
            records.sort_by_cached_key(|record| number(record.first, tags::SERIES_NUMBER));
        }
        (Level::Instance, ..) => {
            records.sort_by_cached_key(|record| number(record.first, tags::INSTANCE_NUMBER));
        }
    }
}

/// By which the service sorts. Those that have no number come last, and equals
/// stay in the store's order.
fn number(instance: &impl Searchable, tag: Tag) -> (bool, Option<i64>) {
    let values = values(instance.attributes(), tag);
    let number = values
        .first()
        .and_then(|text| text.trim().parse::<i64>().ok());
    (number.is_none(), number)
}

/// An attribute's values as text; none where it isn't there, or is empty.
fn values(attributes: &InMemDicomObject, tag: Tag) -> Vec<String> {
    let primitive = attributes
        .get(tag)
        .and_then(|element| element.value().primitive());
    let texts = primitive.map(|value| value.to_multi_str().into_owned());
    let mut texts = texts.unwrap_or_default();
    texts.retain(|text| !text.trim().is_empty());
    texts
}
