//! The DICOM JSON model (DICOM PS3.18, annex F), as HealthImaging writes it.
//!
//! Sources: "Getting DICOM instance metadata from HealthImaging" and "Getting
//! DICOM bulk data from HealthImaging", AWS HealthImaging Developer Guide.
//!
//! The crate `dicom-json` isn't used: it has serde_json keep the order of keys,
//! in the whole program, templates and all.

use super::error::Error;
use super::instance::Instance;
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use dicom_core::header::{Header, VR};
use dicom_core::{PrimitiveValue, Tag};
use dicom_object::InMemDicomObject;
use dicom_object::mem::InMemElement;
use serde_json::{Map, Number, Value, json};
use sha2::{Digest, Sha256};

/// A larger binary value goes out by its address: "larger than 1 MB" in AWS's words.
pub(super) const INLINE: usize = 1024 * 1024;

impl Instance {
    /// All its attributes but pixel data. `bulk_root` is what the addresses of
    /// large values begin with: `…/instances/{instance}/bulkdata`, absolute.
    pub fn metadata(&self, bulk_root: &str) -> Result<Value, Error> {
        let root = bulk_root.to_owned();
        let mut json = self.parsed("metadata", move |all| Ok(object(&all, Some(&root))))?;
        if let Some(members) = json.as_object_mut() {
            let syntax = json!({"vr": "UI", "Value": [&*self.transfer_syntax]});
            members.insert("00083002".to_owned(), syntax);
        }
        Ok(json)
    }

    /// The large value that [`metadata`](Self::metadata) names by this hash.
    pub fn bulk(&self, hash: &str) -> Result<Bytes, Error> {
        let hash = hash.to_owned();
        self.parsed("bulk data", move |all| {
            find(&all, &hash).ok_or_else(|| Error::missing("it has no such bulk data"))
        })
    }
}

/// A data set. Without `bulk_root` large values are left out.
pub fn object(object: &InMemDicomObject, bulk_root: Option<&str>) -> Value {
    let members = object
        .iter()
        .filter(|element| is_shown(element.tag()))
        .map(|element| (key(element.tag()), self::element(element, bulk_root)));
    Value::Object(members.collect())
}

/// One attribute: its VR, and its value if it has one.
pub fn element(element: &InMemElement, bulk_root: Option<&str>) -> Value {
    let vr = element.vr();
    let mut json = Map::new();
    json.insert("vr".to_owned(), vr.to_string().into());
    let value = element.value();
    if let Some(items) = value.items() {
        let items: Vec<Value> = items.iter().map(|item| object(item, bulk_root)).collect();
        if !items.is_empty() {
            json.insert("Value".to_owned(), items.into());
        }
        return Value::Object(json);
    }
    let Some(value) = value.primitive() else {
        // Encapsulated pixels of an icon.
        return Value::Object(json);
    };
    if is_binary(vr) {
        let octets = value.to_bytes();
        if octets.len() > INLINE {
            if let Some(root) = bulk_root {
                let address = format!("{root}/{}", hash(&octets));
                json.insert("BulkDataURI".to_owned(), address.into());
            }
        } else if !octets.is_empty() {
            json.insert("InlineBinary".to_owned(), STANDARD.encode(&octets).into());
        }
        return Value::Object(json);
    }
    let values = values(vr, value);
    if !values.is_empty() {
        json.insert("Value".to_owned(), values.into());
    }
    Value::Object(json)
}

/// A tag as a member's name.
pub fn key(tag: Tag) -> String {
    format!("{:04X}{:04X}", tag.group(), tag.element())
}

/// Group lengths and the file's own group are no attributes, and pixels are had by frame.
fn is_shown(tag: Tag) -> bool {
    tag.element() != 0 && tag.group() > 2 && tag.group() != 0x7FE0 && tag.group() < 0xFFFA
}

pub(super) fn is_binary(vr: VR) -> bool {
    matches!(
        vr,
        VR::OB | VR::OD | VR::OF | VR::OL | VR::OV | VR::OW | VR::UN
    )
}

/// Empty where there is nothing but emptiness; an empty one among others is null (F.2.5).
pub(super) fn values(vr: VR, value: &PrimitiveValue) -> Vec<Value> {
    let values: Vec<Value> = match (vr, value) {
        (_, PrimitiveValue::Empty) => vec![],
        (VR::AT, PrimitiveValue::Tags(tags)) => tags.iter().map(|tag| key(*tag).into()).collect(),
        (VR::LT | VR::ST | VR::UT | VR::UR, _) => {
            // These have one value, backslashes and leading spaces and all.
            let text = value.to_raw_str();
            vec![text_or_null(text.trim_end_matches(['\0', ' ']))]
        }
        (_, PrimitiveValue::F32(numbers)) => numbers.iter().map(|n| float(shortest(*n))).collect(),
        (_, PrimitiveValue::F64(numbers)) => numbers.iter().map(|n| float(*n)).collect(),
        (_, PrimitiveValue::U8(n)) => n.iter().map(|n| json!(n)).collect(),
        (_, PrimitiveValue::I16(n)) => n.iter().map(|n| json!(n)).collect(),
        (_, PrimitiveValue::U16(n)) => n.iter().map(|n| json!(n)).collect(),
        (_, PrimitiveValue::I32(n)) => n.iter().map(|n| json!(n)).collect(),
        (_, PrimitiveValue::U32(n)) => n.iter().map(|n| json!(n)).collect(),
        (_, PrimitiveValue::I64(n)) => n.iter().map(|n| json!(n)).collect(),
        (_, PrimitiveValue::U64(n)) => n.iter().map(|n| json!(n)).collect(),
        _ => {
            let texts = value.to_multi_str();
            texts.iter().map(|text| text_value(vr, text)).collect()
        }
    };
    if values.iter().all(Value::is_null) {
        return vec![];
    }
    values
}

fn text_value(vr: VR, text: &str) -> Value {
    let text = text.trim_matches(['\0', ' ']);
    match vr {
        VR::PN => person(text),
        // What isn't a number stays a text: F.2.3.1 allows both.
        VR::IS => text
            .trim_start_matches('+')
            .parse::<i64>()
            .map_or_else(|_| text_or_null(text), Value::from),
        VR::DS => {
            let number = text.parse::<f64>().ok().and_then(Number::from_f64);
            number.map_or_else(|| text_or_null(text), Value::Number)
        }
        _ => text_or_null(text),
    }
}

fn text_or_null(text: &str) -> Value {
    if text.is_empty() {
        Value::Null
    } else {
        text.into()
    }
}

/// The component groups of a name (PS3.5, 6.2.1.2).
fn person(text: &str) -> Value {
    let names = ["Alphabetic", "Ideographic", "Phonetic"];
    let groups = names.into_iter().zip(text.split('='));
    let groups: Map<String, Value> = groups
        .filter(|(_, group)| !group.is_empty())
        .map(|(name, group)| (name.to_owned(), group.into()))
        .collect();
    if groups.is_empty() {
        Value::Null
    } else {
        Value::Object(groups)
    }
}

/// Infinity and not-a-number have no form in JSON: they are texts (F.2.3.1).
fn float(number: f64) -> Value {
    match Number::from_f64(number) {
        Some(number) => Value::Number(number),
        None if number.is_nan() => "NaN".into(),
        None if number > 0.0 => "inf".into(),
        None => "-inf".into(),
    }
}

/// 0.1 as single precision has it is written as 0.1, not as 0.10000000149011612.
fn shortest(number: f32) -> f64 {
    number.to_string().parse().unwrap_or(f64::from(number))
}

fn hash(octets: &[u8]) -> String {
    Sha256::digest(octets)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn find(object: &InMemDicomObject, wanted: &str) -> Option<Bytes> {
    object.iter().find_map(|element| {
        let value = element.value();
        if let Some(items) = value.items() {
            return items.iter().find_map(|item| find(item, wanted));
        }
        let value = value.primitive().filter(|_| is_binary(element.vr()))?;
        let octets = value.to_bytes();
        let is_it = octets.len() > INLINE && hash(&octets) == wanted;
        is_it.then(|| Bytes::copy_from_slice(&octets))
    })
}
