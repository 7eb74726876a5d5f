//! Attributes by keyword: the form of HealthImaging's own metadata.
//!
//! Sources: "Metadata normalization" and "Updating image set metadata", AWS HealthImaging
//! Developer Guide, for the keys, and for private elements; DICOM PS3.6, table 6-1, for keywords.
//! How a value is written isn't documented. Here it is as in answers of the service that others
//! have published: one of several values in a list, decimal and integer strings as in the
//! file with their padding, other texts without it, bytes in Base64, and nothing as `null`.

use super::error::Error;
use super::instance::{Instance, encoding};
use super::json::{INLINE, is_binary, key, values};
use super::multiplicity::is_multiple;
use super::{layout, parse, syntax};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry, TagRange};
use dicom_core::header::Header;
use dicom_core::{PrimitiveValue, Tag, VR};
use dicom_dictionary_std::StandardDataDictionary;
use dicom_object::InMemDicomObject;
use dicom_object::mem::InMemElement;
use serde_json::{Map, Value};

/// An element by its key.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    pub tag: Tag,
    pub key: String,
    pub value: Value,
    /// Where the key is no keyword, or the file doesn't know: nothing else says what the value is.
    pub vr: Option<VR>,
}

impl Instance {
    /// All attributes, those of the file's head among them. Pixels, group lengths, and
    /// values of more than a megabyte are left out.
    pub fn named_attributes(&self) -> Result<Vec<Named>, Error> {
        // The file meta information (PS3.10, 7.1).
        let head = layout::meta_group(&self.source.open()?).map_err(|error| self.named(error))?;
        let syntax = encoding(syntax::EXPLICIT_VR_LITTLE_ENDIAN)?.syntax;
        self.parsed("attributes by name", move |all| {
            let mut attributes = named(&parse::data_set(&head, syntax)?);
            attributes.extend(named(&all));
            Ok(attributes)
        })
    }
}

fn named(object: &InMemDicomObject) -> Vec<Named> {
    object.iter().filter_map(element).collect()
}

fn element(element: &InMemElement) -> Option<Named> {
    let tag = element.tag();
    let is_meta = tag.group() == 2;
    // What a file is made of, and not what it says.
    if tag.group() < 2 || (tag.element() == 0 && !is_meta) || tag.group() >= 0x7FE0 {
        return None;
    }
    let keyword = keyword(tag);
    Some(Named {
        tag,
        value: value(element)?,
        vr: (keyword.is_none() || element.vr() == VR::UN).then(|| element.vr()),
        key: keyword.map_or_else(|| key(tag), str::to_owned),
    })
}

/// Private elements have none, and one of a group that repeats says too little.
fn keyword(tag: Tag) -> Option<&'static str> {
    let entry = StandardDataDictionary.by_tag(tag)?;
    let is_only_one = matches!(entry.tag_range(), TagRange::Single(_));
    is_only_one.then(|| entry.alias())
}

fn value(element: &InMemElement) -> Option<Value> {
    let value = element.value();
    if let Some(items) = value.items() {
        let object = |item: &InMemDicomObject| -> Map<String, Value> {
            let members = named(item).into_iter();
            members.map(|one| (one.key, one.value)).collect()
        };
        return Some(items.iter().map(object).collect());
    }
    // Otherwise encapsulated pixels of an icon.
    let value = value.primitive()?;
    if is_binary(element.vr()) {
        let octets = value.to_bytes();
        return match octets.len() {
            0 => Some(Value::Null),
            length if length > INLINE => None,
            _ => Some(STANDARD.encode(&octets).into()),
        };
    }
    let values = match value {
        PrimitiveValue::Str(_) | PrimitiveValue::Strs(_) => texts(element.vr(), value),
        _ => values(element.vr(), value),
    };
    let is_list = values.len() > 1 || is_multiple(element.tag());
    Some(match values.first() {
        None => Value::Null,
        Some(_) if is_list => values.into(),
        Some(only) => only.clone(),
    })
}

fn texts(vr: VR, value: &PrimitiveValue) -> Vec<Value> {
    let text = value.to_raw_str();
    let texts: Vec<Value> = match vr {
        // These have one value, backslashes and all.
        VR::LT | VR::ST | VR::UT | VR::UR => vec![text_or_null(vr, &text)],
        _ => text.split('\\').map(|one| text_or_null(vr, one)).collect(),
    };
    if texts.iter().all(Value::is_null) {
        return vec![];
    }
    texts
}

fn text_or_null(vr: VR, text: &str) -> Value {
    let text = text.trim_end_matches('\0');
    let trimmed = text.trim_end_matches(' ');
    match vr {
        _ if trimmed.is_empty() => Value::Null,
        VR::DS | VR::IS => text.into(),
        _ => trimmed.into(),
    }
}
