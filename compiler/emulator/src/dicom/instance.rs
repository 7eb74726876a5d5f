//! An instance: what it is found by, and where its bytes lie.

use super::error::Error;
use super::guard::{self, Piece, guarded};
use super::layout::{self, Layout};
use super::parse;
use super::source::{Data, Source};
use super::syntax;
use bytes::Bytes;
use dicom_core::Tag;
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use dicom_object::mem::InMemElement;
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// An instance as the index holds it: no pixels, no large values. What isn't
/// here is read from its source when it is asked for.
#[derive(Debug, Clone)]
pub struct Instance {
    pub study: Arc<str>,
    pub series: Arc<str>,
    /// The SOP instance UID.
    pub uid: Arc<str>,
    /// UID of the syntax that it is stored in.
    pub transfer_syntax: Arc<str>,
    /// 0 where it has no pixels.
    pub frames: u32,
    /// What searches look for and answer by default: [`SEARCHED`], as far as it has them.
    pub attributes: InMemDicomObject,
    /// When the store got it: of a file, when it was last written.
    pub updated: SystemTime,
    pub(super) source: Source,
    pub(super) layout: Layout,
}

/// The attributes that an index keeps: the keys that HealthImaging searches by,
/// and the standard set of each level's answers (DICOM PS3.18, tables 10.6.1-5 and 10.6.3-3 to -5).
pub const SEARCHED: [Tag; 38] = [
    tags::SPECIFIC_CHARACTER_SET,
    tags::IMAGE_TYPE,
    tags::SOP_CLASS_UID,
    tags::SOP_INSTANCE_UID,
    tags::STUDY_DATE,
    tags::SERIES_DATE,
    tags::STUDY_TIME,
    tags::SERIES_TIME,
    tags::ACCESSION_NUMBER,
    tags::MODALITY,
    tags::MANUFACTURER,
    tags::INSTITUTION_NAME,
    tags::REFERRING_PHYSICIAN_NAME,
    tags::TIMEZONE_OFFSET_FROM_UTC,
    tags::STUDY_DESCRIPTION,
    tags::SERIES_DESCRIPTION,
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::ISSUER_OF_PATIENT_ID,
    tags::PATIENT_BIRTH_DATE,
    tags::PATIENT_BIRTH_TIME,
    tags::PATIENT_SEX,
    tags::BODY_PART_EXAMINED,
    tags::PATIENT_POSITION,
    tags::STUDY_INSTANCE_UID,
    tags::SERIES_INSTANCE_UID,
    tags::STUDY_ID,
    tags::SERIES_NUMBER,
    tags::INSTANCE_NUMBER,
    tags::LATERALITY,
    tags::NUMBER_OF_FRAMES,
    tags::ROWS,
    tags::COLUMNS,
    tags::BITS_ALLOCATED,
    tags::REQUEST_ATTRIBUTES_SEQUENCE,
    tags::PERFORMED_PROCEDURE_STEP_START_DATE,
    tags::PERFORMED_PROCEDURE_STEP_START_TIME,
    tags::PATIENT_AGE,
];

/// A searched value of more bytes than this isn't kept: no real one comes near.
const KEPT: usize = 4096;

/// Texts that many instances share, held once.
#[derive(Debug, Default)]
pub struct Shared {
    texts: HashSet<Arc<str>>,
}

impl Shared {
    fn get(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return known.clone();
        }
        let new: Arc<str> = text.into();
        self.texts.insert(new.clone());
        new
    }
}

impl Instance {
    /// Of bytes in this program.
    pub fn embedded(bytes: impl Into<Bytes>, shared: &mut Shared) -> Result<Self, Error> {
        Self::of(Source::Embedded(bytes.into()), shared)
    }

    /// Reads a file up to its pixels.
    pub fn open(path: &Path, shared: &mut Shared) -> Result<Self, Error> {
        Self::of(Source::file(path)?, shared)
    }

    pub(super) fn of(source: Source, shared: &mut Shared) -> Result<Self, Error> {
        let updated = match &source {
            Source::Embedded(_) => UNIX_EPOCH,
            Source::File(_, stamp) => stamp.modified(),
        };
        let data = source.open()?;
        let piece = Piece {
            identity: &|| source.identity("index"),
            bytes: 0,
            threads: false,
        };
        let read = guarded(&piece, move || Read::of(data)).map_err(Error::unread)??;
        let [study, series, uid] = read.uids;
        Ok(Self {
            study: shared.get(&study),
            series: shared.get(&series),
            uid: uid.into(),
            transfer_syntax: shared.get(&read.transfer_syntax),
            frames: read.frames,
            attributes: read.attributes,
            updated,
            source,
            layout: read.layout,
        })
    }

    /// Whether whoever has what was read of the other has all of this one too.
    pub fn is_same(&self, other: &Self) -> bool {
        self.uid == other.uid && self.source.is(&other.source)
    }

    /// What it was read from, for people.
    pub fn place(&self) -> String {
        self.source.name()
    }

    /// Its bytes, inflated where they are deflated.
    pub(super) fn data(&self) -> Result<Data, Error> {
        let encoding = encoding(&self.transfer_syntax)?;
        layout::inflated(self.source.open()?, &encoding, self.layout.dataset)
    }

    /// What `read` makes of all its attributes but its pixels. `what` names that among all that is read so.
    pub(super) fn parsed<T: Send + 'static>(
        &self,
        what: &'static str,
        read: impl FnOnce(InMemDicomObject) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.parsed_of(&self.data()?, what, 0, read)
            .map_err(|error| self.named(error))
    }

    /// The same of data that are open. `more`: the bytes that `read` holds beside the attributes.
    pub(super) fn parsed_of<T: Send + 'static>(
        &self,
        data: &Data,
        what: &'static str,
        more: u64,
        read: impl FnOnce(InMemDicomObject) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let bytes = attributes(data, &self.layout)?;
        let syntax = encoding(&self.transfer_syntax)?.syntax;
        let piece = Piece {
            identity: &|| self.source.identity(what),
            bytes: more.saturating_add(held(data, &bytes)),
            threads: false,
        };
        let read = guarded(&piece, move || read(parse::data_set(&bytes, syntax)?));
        read.map_err(Error::unread)?
    }

    /// The error, with the instance's place in its message.
    pub(super) fn named(&self, error: Error) -> Error {
        Error {
            message: format!("{}: {}", self.source.name(), error.message),
            ..error
        }
    }
}

pub(super) fn encoding(uid: &str) -> Result<syntax::Encoding, Error> {
    syntax::encoding(uid)
        .ok_or_else(|| Error::broken(format!("its transfer syntax `{uid}` is unknown")))
}

/// What an instance's first reading gives.
struct Read {
    /// Of study, series and instance.
    uids: [String; 3],
    transfer_syntax: String,
    frames: u32,
    attributes: InMemDicomObject,
    layout: Layout,
}

impl Read {
    fn of(data: Data) -> Result<Self, Error> {
        let (transfer_syntax, dataset) = layout::meta(&data)?;
        let encoding = encoding(&transfer_syntax)?;
        if encoding.deflated {
            guard::holds(layout::INFLATED);
        }
        let data = layout::inflated(data, &encoding, dataset)?;
        let layout = layout::walk(&data, &encoding, dataset)?;
        let bytes = attributes(&data, &layout)?;
        guard::holds(held(&data, &bytes));
        let all = parse::data_set(&bytes, encoding.syntax)?;
        let uid = |tag, what| {
            let text = text(&all, tag).filter(|text| !text.is_empty());
            text.ok_or_else(|| Error::broken(format!("it has no {what}")))
        };
        let uids = [
            uid(tags::STUDY_INSTANCE_UID, "study instance UID")?,
            uid(tags::SERIES_INSTANCE_UID, "series instance UID")?,
            uid(tags::SOP_INSTANCE_UID, "SOP instance UID")?,
        ];
        let is_none = |uid: &&String| !frames_edge::operation::is_uid(uid);
        if let Some(uid) = uids.iter().find(is_none) {
            return Err(Error::broken(format!("`{uid}` is not a DICOM UID")));
        }
        let frames = layout.pixels.map_or(0, |_| stated_frames(&all));
        // None is smaller than a byte, however they are written.
        if u64::from(frames) > data.len() {
            let what = format!("it says {frames} frames, and is {} bytes long", data.len());
            return Err(Error::broken(what));
        }
        Ok(Self {
            uids,
            transfer_syntax,
            frames,
            attributes: searched(&all),
            layout,
        })
    }
}

fn attributes(data: &Data, layout: &Layout) -> Result<Bytes, Error> {
    data.read(layout.dataset, layout.attributes - layout.dataset)
}

/// What the reading of these attributes holds: their bytes, or all that they are a part of, and
/// what is made of them.
fn held(data: &Data, attributes: &Bytes) -> u64 {
    data.in_memory().max(attributes.len() as u64) + attributes.len() as u64
}

/// An attribute's text without its padding.
pub(super) fn text(object: &InMemDicomObject, tag: Tag) -> Option<String> {
    let text = object.get(tag)?.to_str().ok()?;
    Some(text.trim_matches(['\0', ' ']).to_owned())
}

/// An attribute's first number.
pub(super) fn number(object: &InMemDicomObject, tag: Tag) -> Option<u32> {
    object.get(tag)?.to_int().ok()
}

fn stated_frames(object: &InMemDicomObject) -> u32 {
    number(object, tags::NUMBER_OF_FRAMES).map_or(1, |frames| frames.max(1))
}

fn searched(all: &InMemDicomObject) -> InMemDicomObject {
    let kept = SEARCHED.iter().filter_map(|tag| all.get(*tag));
    let kept = kept.filter(|element| !is_large(element)).cloned();
    InMemDicomObject::from_element_iter(kept)
}

fn is_large(element: &InMemElement) -> bool {
    bytes_of(element) > KEPT
}

/// About what it takes, nested or not.
fn bytes_of(element: &InMemElement) -> usize {
    let value = element.value();
    if let Some(value) = value.primitive() {
        return value.calculate_byte_len();
    }
    let items = value.items().unwrap_or_default().iter();
    items
        .flat_map(InMemDicomObject::iter)
        .map(|element| 16 + bytes_of(element))
        .sum()
}
