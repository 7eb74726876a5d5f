//! One record of an answer, in the DICOM JSON model (PS3.18, F.2).

use super::levels::{self, Level, Presence, Scope};
use super::query::{self, Query, Tree};
use super::{Catalog, Record, Searchable, values};
use crate::dicom::{self, key};
use crate::healthimaging::error::ServiceError;
use dicom_core::Tag;
use dicom_dictionary_std::tags;
use serde_json::{Map, Value, json};
use std::cell::OnceCell;
use std::collections::BTreeMap;

pub(super) struct Answers<'a, T> {
    pub catalog: &'a Catalog<'a, T>,
    pub query: &'a Query,
    pub scope: &'a Scope<'a>,
    pub root: &'a str,
}

/// A record's metadata, read at most once, and only if something needs them.
struct Metadata<'a, T> {
    of: &'a T,
    read: OnceCell<Map<String, Value>>,
}

impl<T: Searchable> Metadata<'_, T> {
    fn get(&self) -> Result<&Map<String, Value>, ServiceError> {
        if let Some(read) = self.read.get() {
            return Ok(read);
        }
        let read = self.of.metadata()?;
        Ok(self.read.get_or_init(|| read))
    }
}

impl<'a, T: Searchable> Answers<'a, T> {
    pub(super) fn of(&self, record: &Record<'a, T>) -> Result<Value, ServiceError> {
        let metadata = Metadata {
            of: record.first,
            read: OnceCell::new(),
        };
        let mut answer = BTreeMap::new();
        for level in self.scope.answered() {
            for (tag, presence) in levels::standard(level) {
                let value = match (self.indexed(record, *tag), presence) {
                    (Some(value), _) => value,
                    (None, Presence::Required) => empty(*tag),
                    (None, Presence::IfKnown) => continue,
                };
                answer.insert(*tag, value);
            }
        }
        for (tag, _) in &self.query.keys {
            if let Some(value) = self.indexed(record, *tag) {
                answer.insert(*tag, value);
            }
        }
        if self.query.fields.all {
            self.add_all(record, &metadata, &mut answer)?;
        }
        self.add_fields(record, &metadata, &mut answer)?;
        let named = answer.into_iter().map(|(tag, value)| (key(tag), value));
        Ok(Value::Object(named.collect()))
    }

    fn add_all(
        &self,
        record: &Record<'a, T>,
        metadata: &Metadata<'_, T>,
        answer: &mut BTreeMap<Tag, Value>,
    ) -> Result<(), ServiceError> {
        let level = self.scope.level;
        if level == Level::Instance {
            for (name, value) in metadata.get()? {
                if let Ok(number) = u32::from_str_radix(name, 16) {
                    answer
                        .entry(levels::tag(number))
                        .or_insert_with(|| value.clone());
                }
            }
            return Ok(());
        }
        // A series has its study's attributes, too.
        let lists = [Level::Study, Level::Series].map(|of| (of <= level).then_some(of));
        for number in lists.into_iter().flatten().flat_map(levels::available) {
            let tag = levels::tag(*number);
            if let Some(value) = self.any(record, metadata, tag)? {
                answer.entry(tag).or_insert(value);
            }
        }
        Ok(())
    }

    /// What `includefield` names. `all` has them already, but for private ones
    /// of a study or a series.
    fn add_fields(
        &self,
        record: &Record<'a, T>,
        metadata: &Metadata<'_, T>,
        answer: &mut BTreeMap<Tag, Value>,
    ) -> Result<(), ServiceError> {
        let fields = &self.query.fields;
        for (creator, expected) in &fields.creators {
            let value = metadata.get()?.get(&key(*creator));
            let is_there = value.is_some_and(|value| {
                let name = value.pointer("/Value/0").and_then(Value::as_str);
                name.is_some_and(|name| name.trim() == expected)
            });
            if let (Some(value), true) = (value, is_there) {
                answer.insert(*creator, value.clone());
            }
        }
        for (tag, tree) in &fields.tree.0 {
            let is_private = tag.group() % 2 == 1;
            let is_owned = || owner(*tag).is_some_and(|owner| answer.contains_key(&owner));
            if fields.all && !is_private
                || is_private && !is_owned()
                || !levels::is_of(self.scope.level, *tag)
            {
                continue;
            }
            if let Some(value) = self.any(record, metadata, *tag)?
                && let Some(part) = part(&value, tree)
            {
                answer.insert(*tag, part);
            }
        }
        Ok(())
    }

    fn any(
        &self,
        record: &Record<'a, T>,
        metadata: &Metadata<'_, T>,
        tag: Tag,
    ) -> Result<Option<Value>, ServiceError> {
        match self.indexed(record, tag) {
            Some(value) => Ok(Some(value)),
            None => Ok(metadata.get()?.get(&key(tag)).cloned()),
        }
    }

    /// What is known without the metadata.
    fn indexed(&self, record: &Record<'a, T>, tag: Tag) -> Option<Value> {
        let study = self.catalog.study(record);
        let [study_uid, series_uid, _] = record.first.uids();
        let value = match tag {
            tags::INSTANCE_AVAILABILITY => Some(json!(["ONLINE"])),
            tags::RETRIEVE_URL => Some(json!([self.url(record)])),
            tags::MODALITIES_IN_STUDY => study.map(|study| json!(study.modalities)),
            tags::SOP_CLASSES_IN_STUDY => study.map(|study| json!(study.classes)),
            tags::NUMBER_OF_STUDY_RELATED_SERIES => study.map(|study| json!([study.series.len()])),
            tags::NUMBER_OF_STUDY_RELATED_INSTANCES => study.map(|study| json!([study.instances])),
            tags::NUMBER_OF_SERIES_RELATED_INSTANCES => {
                let count = self.catalog.series.get(&[study_uid, series_uid]);
                count.map(|count| json!([count]))
            }
            // JSON is UTF-8, whatever the file was (PS3.18, F.2.1).
            tags::SPECIFIC_CHARACTER_SET => {
                let written = values(record.first.attributes(), tag);
                (!written.is_empty()).then(|| json!(["ISO_IR 192"]))
            }
            _ => return stored(record.first, tag),
        };
        value.map(|value| with_value(tag, value))
    }

    /// Where the service itself has it.
    fn url(&self, record: &Record<'a, T>) -> String {
        let [study, series, instance] = record.first.uids();
        let mut url = format!("{}/studies/{study}", self.root);
        if self.scope.level >= Level::Series {
            url = format!("{url}/series/{series}");
        }
        if self.scope.level == Level::Instance {
            url = format!("{url}/instances/{instance}");
        }
        url
    }
}

fn stored(instance: &impl Searchable, tag: Tag) -> Option<Value> {
    let element = instance.attributes().get(tag)?;
    Some(dicom::element_json(element, None))
}

fn with_value(tag: Tag, value: Value) -> Value {
    json!({"vr": query::vr(tag).to_string(), "Value": value})
}

/// An attribute whose value nobody knows (F.2.5).
fn empty(tag: Tag) -> Value {
    json!({"vr": query::vr(tag).to_string()})
}

/// The element that names whose a private one is (PS3.5, 7.8.1).
fn owner(tag: Tag) -> Option<Tag> {
    let block = tag.element() >> 8;
    (block >= 0x10).then_some(Tag(tag.group(), block))
}

/// Of a sequence's items, what was asked for. Those that have nothing of it stay, empty.
fn part(value: &Value, tree: &Tree) -> Option<Value> {
    if tree.0.is_empty() {
        return Some(value.clone());
    }
    if value.get("vr")? != "SQ" {
        return None;
    }
    let items = value.get("Value")?.as_array()?;
    let items = items.iter().map(|item| {
        let parts = tree.0.iter().filter_map(|(tag, below)| {
            let name = key(*tag);
            let part = part(item.get(&name)?, below)?;
            Some((name, part))
        });
        Value::Object(parts.collect())
    });
    Some(json!({"vr": "SQ", "Value": items.collect::<Vec<_>>()}))
}
