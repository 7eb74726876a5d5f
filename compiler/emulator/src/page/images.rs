//! What the stand-in holds, for a page that can't learn it through the edge: the manifest
//! doesn't serve DICOMweb, or lets nobody search.

use crate::dicom::Instance;
use crate::healthimaging::{Series, StandIn, frame_id};
use dicom_core::Tag;
use dicom_dictionary_std::tags;
use serde_json::{Map, Value, json};

/// All series, in the order of the store.
pub(super) fn series(stand_in: &StandIn) -> Value {
    let store = stand_in.store();
    let told = store.series().iter().map(|series| {
        let instances = store.instances_of(series);
        let text = |tag: Tag| instances.first().map_or_else(String::new, |i| text(i, tag));
        json!({
            "study": &*series.study,
            "series": &*series.uid,
            "imageSet": series.image_set_id,
            "frames": instances.iter().map(|instance| u64::from(instance.frames)).sum::<u64>(),
            "modality": text(tags::MODALITY),
            "description": text(tags::SERIES_DESCRIPTION),
            "patient": text(tags::PATIENT_NAME),
            "date": text(tags::STUDY_DATE),
        })
    });
    Value::Array(told.collect())
}

/// So many of an instance's frames are listed: nobody scrolls further.
const MOST_FRAMES: usize = 100_000;

/// The instances of a series that have pixels: ids of their frames, and what drawing them needs.
/// It reads files.
pub(super) fn metadata(stand_in: &StandIn, study: &str, series: &str) -> Option<Value> {
    let store = stand_in.store();
    let is_it = |found: &&Series| [&*found.study, &*found.uid] == [study, series];
    let found = store.series().iter().find(is_it)?;
    let instances = store.instances_of(found).iter();
    let told = instances
        .filter(|instance| instance.frames > 0)
        .map(|instance| {
            let frames = (1..=instance.frames).take(MOST_FRAMES);
            let ids: Vec<String> = frames.map(|n| frame_id(&instance.uid, n)).collect();
            json!({
                "imageSet": found.image_set_id,
                "frames": ids,
                // An instance that can't be read any more: the page says so of its pictures.
                "metadata": instance.metadata("").map_or(Value::Null, drawn_by),
            })
        });
    Some(Value::Array(told.collect()))
}

fn text(instance: &Instance, tag: Tag) -> String {
    let value = instance.attributes.get(tag);
    let value = value.and_then(|value| value.to_str().ok());
    value.map_or_else(String::new, |text| text.trim().to_owned())
}

/// The attributes of pixels, of the stored syntax, and of what an instance is.
fn drawn_by(metadata: Value) -> Value {
    const NEEDED: [&str; 5] = ["00080018", "00083002", "00200013", "52009229", "52009230"];
    let Value::Object(members) = metadata else {
        return Value::Null;
    };
    let needed = |key: &str| key.starts_with("0028") || NEEDED.contains(&key);
    let members: Map<String, Value> = members.into_iter().filter(|(key, _)| needed(key)).collect();
    Value::Object(members)
}
