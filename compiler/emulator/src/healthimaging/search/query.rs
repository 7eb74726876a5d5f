//! The query of a search, read.
//!
//! Sources: "Searching DICOM data in HealthImaging", AWS HealthImaging Developer
//! Guide; DICOM PS3.18, 8.3.4.
//!
//! AWS doesn't say what it makes of a key that it doesn't match, or of one that
//! is given twice. Here both are refused: if a key were left out, the answer
//! would hold what nobody asked for.

use super::super::error::ServiceError;
use super::condition::Condition;
use super::levels::Scope;
use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::StandardDataDictionary;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

const MOST_RESULTS: usize = 1000;
const FARTHEST: usize = 1_000_000;
const MOST_FIELDS: usize = 50;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Query {
    pub limit: usize,
    pub offset: usize,
    pub keys: Vec<(Tag, Condition)>,
    pub fields: Fields,
}

/// What `includefield` adds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fields {
    pub all: bool,
    pub tree: Tree,
    /// Private creators, by their elements: those whose attributes may be asked for.
    pub creators: BTreeMap<Tag, String>,
}

/// Attributes, each with those of its items that are asked for: none for all of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tree(pub BTreeMap<Tag, Tree>);

impl Tree {
    /// The longer of two paths adds nothing to the shorter one.
    fn add(&mut self, path: &[Tag]) {
        let Some((first, rest)) = path.split_first() else {
            self.0.clear();
            return;
        };
        match self.0.get_mut(first) {
            Some(whole) if whole.0.is_empty() => {}
            Some(part) => part.add(rest),
            None => self.0.entry(*first).or_default().add(rest),
        }
    }
}

/// Reads what follows the question mark.
pub(super) fn read(query: &str, scope: &Scope<'_>) -> Result<Query, ServiceError> {
    let pairs = pairs(query)?;
    let [limit, offset, fuzzy] = ["limit", "offset", "fuzzymatching"].map(|name| {
        let mut given = pairs.iter().filter(|(other, _)| other == name);
        match (given.next(), given.next()) {
            (first, None) => Ok(first.map(|(_, value)| value.as_ref())),
            (_, Some(_)) => Err(twice(name)),
        }
    });
    let fuzzy = match fuzzy? {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(invalid("`fuzzymatching` is `true` or `false`.")),
    };
    let mut read = Query {
        limit: number("limit", limit?, MOST_RESULTS, MOST_RESULTS)?,
        offset: number("offset", offset?, 0, FARTHEST)?,
        keys: Vec::new(),
        fields: Fields::default(),
    };
    let mut fields = BTreeSet::new();
    for (name, value) in &pairs {
        match name.as_ref() {
            "limit" | "offset" | "fuzzymatching" => {}
            "includefield" => {
                let several = value.split(',').map(str::trim).filter(|f| !f.is_empty());
                fields.extend(several.map(str::to_owned));
            }
            key => read.add_key(key, value, fuzzy, scope)?,
        }
    }
    if fields.len() > MOST_FIELDS {
        return Err(invalid(&format!(
            "There may be {MOST_FIELDS} fields in `includefield`, and there are {}.",
            fields.len()
        )));
    }
    for field in &fields {
        read.fields.add(field);
    }
    Ok(read)
}

impl Query {
    fn add_key(
        &mut self,
        name: &str,
        value: &str,
        fuzzy: bool,
        scope: &Scope<'_>,
    ) -> Result<(), ServiceError> {
        let tag = tag(name).ok_or_else(|| {
            invalid(&format!(
                "`{name}` is neither a parameter of a search nor an attribute's keyword or tag."
            ))
        })?;
        if is_creator(tag) {
            let former = self.fields.creators.insert(tag, value.trim().to_owned());
            return former.map_or(Ok(()), |_| Err(twice(name)));
        }
        if !scope.keys().contains(&tag) {
            return Err(invalid(&format!(
                "{} doesn't match `{name}`.",
                scope.name()
            )));
        }
        let condition = Condition::read(vr(tag), value, fuzzy)
            .map_err(|expected| invalid(&format!("`{name}` must be {expected}.")))?;
        let former = self.keys.iter_mut().find(|(other, _)| *other == tag);
        match (former.map(|(_, former)| former), condition) {
            (None, condition) => self.keys.push((tag, condition)),
            // Only UIDs may be listed, and a list may be written as several keys.
            (Some(Condition::OneOf(list)), Condition::OneOf(more)) => list.extend(more),
            (Some(_), _) => return Err(twice(name)),
        }
        Ok(())
    }
}

impl Fields {
    /// One that doesn't exist is left out, as AWS does.
    fn add(&mut self, field: &str) {
        if field == "all" {
            self.all = true;
            return;
        }
        let path: Option<Vec<Tag>> = field.split('.').map(tag).collect();
        if let Some(path) = path {
            self.tree.add(&path);
        }
    }
}

/// An attribute by its keyword, or by its tag in eight hexadecimal digits.
fn tag(name: &str) -> Option<Tag> {
    if name.len() == 8 && name.bytes().all(|b| b.is_ascii_hexdigit()) {
        let number = u32::from_str_radix(name, 16).ok()?;
        return Some(super::levels::tag(number));
    }
    let entry = StandardDataDictionary.by_name(name)?;
    Some(entry.tag())
}

pub(super) fn vr(tag: Tag) -> VR {
    let entry = StandardDataDictionary.by_tag(tag);
    entry.map_or(VR::UN, |entry| entry.vr().relaxed())
}

/// Whether the element names whose the private elements of a block are (PS3.5, 7.8.1).
fn is_creator(tag: Tag) -> bool {
    tag.group() % 2 == 1 && (0x10..=0xFF).contains(&tag.element())
}

fn number(
    name: &str,
    given: Option<&str>,
    default: usize,
    most: usize,
) -> Result<usize, ServiceError> {
    let Some(text) = given else {
        return Ok(default);
    };
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let number = text.parse().ok().filter(|number| digits && *number <= most);
    number.ok_or_else(|| invalid(&format!("`{name}` must be a number from 0 to {most}.")))
}

type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// Names and values, decoded once: as forms are, with `+` for a space.
fn pairs(query: &str) -> Result<Vec<Pair<'_>>, ServiceError> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decoded(name)?, decoded(value)?))
        })
        .collect()
}

fn decoded(text: &str) -> Result<Cow<'_, str>, ServiceError> {
    let not_utf8 = |_| invalid("The query must be percent-encoded UTF-8.");
    if !text.contains('+') {
        return percent_decode_str(text).decode_utf8().map_err(not_utf8);
    }
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced)
        .decode_utf8()
        .map_err(not_utf8)?;
    Ok(Cow::Owned(decoded.into_owned()))
}

fn invalid(message: &str) -> ServiceError {
    ServiceError::validation(message)
}

fn twice(name: &str) -> ServiceError {
    invalid(&format!("`{name}` may be given only once."))
}
