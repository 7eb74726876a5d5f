//! What is of a study, of a series and of an instance: by which attributes each
//! can be searched, and which of them an answer has.
//!
//! Sources: "Searching DICOM data in HealthImaging" and its pages on studies,
//! series and instances, AWS HealthImaging Developer Guide; DICOM PS3.18,
//! 10.6.3.3 (tables 10.6.3-3 to 10.6.3-5). AWS doesn't list what an answer has
//! without `includefield`: the standard's tables count there.

use dicom_core::Tag;
use dicom_dictionary_std::tags;

/// What a search finds. Each belongs to one of those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum Level {
    Study,
    Series,
    Instance,
}

/// What is searched: all of the data store, one study or one series of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Scope<'a> {
    pub level: Level,
    pub study: Option<&'a str>,
    pub series: Option<&'a str>,
}

impl Scope<'_> {
    /// AWS's name of the search, for messages.
    pub(super) fn name(&self) -> &'static str {
        match (self.level, self.study, self.series) {
            (Level::Study, ..) => "SearchDICOMStudies",
            (Level::Series, Some(_), _) => "SearchDICOMSeries",
            (Level::Series, None, _) => "SearchDICOMAllSeries",
            (Level::Instance, Some(_), Some(_)) => "SearchDICOMInstances",
            (Level::Instance, Some(_), None) => "SearchDICOMStudyInstances",
            (Level::Instance, None, _) => "SearchDICOMAllInstances",
        }
    }

    /// The attributes that it matches. A path that names the level above takes
    /// only those of its own level.
    pub(super) fn keys(&self) -> Vec<Tag> {
        let lists: &[&[Tag]] = match (self.level, self.study, self.series) {
            (Level::Study, ..) => &[&STUDY_KEYS],
            (Level::Series, Some(_), _) => &[&SERIES_KEYS],
            (Level::Series, None, _) => &[&STUDY_KEYS, &SERIES_KEYS, &RELATIONAL_KEYS],
            (Level::Instance, Some(_), Some(_)) => &[&INSTANCE_KEYS, &[tags::WARNING_REASON]],
            (Level::Instance, ..) => &[&STUDY_KEYS, &SERIES_KEYS, &RELATIONAL_KEYS, &INSTANCE_KEYS],
        };
        lists.concat()
    }

    /// The levels of whose tables an answer has the attributes: its own, and
    /// those above that the path doesn't name.
    pub(super) fn answered(&self) -> Vec<Level> {
        let above = [
            (Level::Study, self.study.is_none()),
            (Level::Series, self.series.is_none()),
        ];
        let above = above
            .into_iter()
            .filter(|(level, open)| *open && *level < self.level);
        above
            .map(|(level, _)| level)
            .chain(std::iter::once(self.level))
            .collect()
    }
}

const STUDY_KEYS: [Tag; 12] = [
    tags::STUDY_DATE,
    tags::STUDY_TIME,
    tags::ACCESSION_NUMBER,
    tags::MODALITIES_IN_STUDY,
    tags::REFERRING_PHYSICIAN_NAME,
    tags::STUDY_DESCRIPTION,
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::PATIENT_BIRTH_DATE,
    tags::PATIENT_BIRTH_TIME,
    tags::STUDY_INSTANCE_UID,
    tags::STUDY_ID,
];

const SERIES_KEYS: [Tag; 2] = [tags::MODALITY, tags::SERIES_INSTANCE_UID];

/// Series' attributes that only the searches without a series in their path match.
const RELATIONAL_KEYS: [Tag; 3] = [
    tags::SERIES_NUMBER,
    tags::PERFORMED_PROCEDURE_STEP_START_DATE,
    tags::PERFORMED_PROCEDURE_STEP_START_TIME,
];

const INSTANCE_KEYS: [Tag; 2] = [tags::SOP_CLASS_UID, tags::SOP_INSTANCE_UID];

/// Whether an answer has it even if nobody knows its value (type R in the tables).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    Required,
    IfKnown,
}

use Presence::{IfKnown, Required};

/// What an answer has of a level without being asked.
pub(super) fn standard(level: Level) -> &'static [(Tag, Presence)] {
    match level {
        Level::Study => &[
            (tags::STUDY_DATE, Required),
            (tags::STUDY_TIME, Required),
            (tags::ACCESSION_NUMBER, Required),
            (tags::INSTANCE_AVAILABILITY, IfKnown),
            (tags::MODALITIES_IN_STUDY, Required),
            (tags::REFERRING_PHYSICIAN_NAME, Required),
            (tags::TIMEZONE_OFFSET_FROM_UTC, IfKnown),
            (tags::RETRIEVE_URL, IfKnown),
            (tags::PATIENT_NAME, Required),
            (tags::PATIENT_ID, Required),
            (tags::PATIENT_BIRTH_DATE, Required),
            (tags::PATIENT_SEX, Required),
            (tags::STUDY_INSTANCE_UID, Required),
            (tags::STUDY_ID, Required),
            (tags::NUMBER_OF_STUDY_RELATED_SERIES, Required),
            (tags::NUMBER_OF_STUDY_RELATED_INSTANCES, Required),
        ],
        Level::Series => &[
            (tags::MODALITY, Required),
            (tags::TIMEZONE_OFFSET_FROM_UTC, IfKnown),
            (tags::SERIES_DESCRIPTION, IfKnown),
            (tags::RETRIEVE_URL, IfKnown),
            (tags::SERIES_INSTANCE_UID, Required),
            (tags::SERIES_NUMBER, Required),
            (tags::NUMBER_OF_SERIES_RELATED_INSTANCES, Required),
            (tags::PERFORMED_PROCEDURE_STEP_START_DATE, IfKnown),
            (tags::PERFORMED_PROCEDURE_STEP_START_TIME, IfKnown),
            (tags::REQUEST_ATTRIBUTES_SEQUENCE, IfKnown),
        ],
        Level::Instance => &[
            (tags::SOP_CLASS_UID, Required),
            (tags::SOP_INSTANCE_UID, Required),
            (tags::INSTANCE_AVAILABILITY, IfKnown),
            (tags::TIMEZONE_OFFSET_FROM_UTC, IfKnown),
            (tags::RETRIEVE_URL, IfKnown),
            (tags::INSTANCE_NUMBER, Required),
            (tags::ROWS, IfKnown),
            (tags::COLUMNS, IfKnown),
            (tags::BITS_ALLOCATED, IfKnown),
            (tags::NUMBER_OF_FRAMES, IfKnown),
        ],
    }
}

/// What `includefield=all` adds of a level. Of an instance it is all that the
/// metadata have, so there is no list.
pub(super) fn available(level: Level) -> &'static [u32] {
    match level {
        Level::Study => &STUDY,
        Level::Series => &SERIES,
        Level::Instance => &[],
    }
}

/// Whether an attribute that `includefield` names is one of `level` or of a
/// level above. A study has no modality, and a series no rows: the standard
/// has no answer in which they could be right.
pub(super) fn is_of(level: Level, tag: Tag) -> bool {
    let number = number(tag);
    let of_instance =
        matches!(tag.group(), 0x0028 | 0x7FE0) || OF_AN_INSTANCE.binary_search(&number).is_ok();
    match level {
        Level::Instance => true,
        Level::Series => !of_instance,
        Level::Study => {
            let of_series = SERIES.contains(&number) && !STUDY.contains(&number);
            !of_instance && !of_series || tag == tags::STUDY_INSTANCE_UID
        }
    }
}

pub(super) fn tag(number: u32) -> Tag {
    let [a, b, c, d] = number.to_be_bytes();
    Tag(u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))
}

fn number(tag: Tag) -> u32 {
    (u32::from(tag.group()) << 16) | u32::from(tag.element())
}

/// Sorted. What differs from slice to slice, besides groups 0028 and 7FE0.
#[rustfmt::skip]
const OF_AN_INSTANCE: [u32; 18] = [
    0x0008_0008, 0x0008_0012, 0x0008_0013, 0x0008_0016, 0x0008_0018, 0x0008_0022, 0x0008_0023, 0x0008_002A,
    0x0008_0032, 0x0008_0033, 0x0008_1196, 0x0020_0012, 0x0020_0013, 0x0020_0032, 0x0020_0037, 0x0020_1041,
    0x0020_9057, 0x5200_9230,
];

#[rustfmt::skip]
const STUDY: [u32; 105] = [
    0x0008_0005, 0x0008_0020, 0x0008_0030, 0x0008_0050, 0x0008_0051, 0x0008_0056, 0x0008_0061, 0x0008_0062,
    0x0008_0090, 0x0008_009C, 0x0008_0201, 0x0008_1030, 0x0008_1032, 0x0008_1048, 0x0008_1060, 0x0008_1080,
    0x0008_1190,
    0x0010_0010, 0x0010_0020, 0x0010_0021, 0x0010_0022, 0x0010_0024, 0x0010_0026, 0x0010_0027, 0x0010_0028,
    0x0010_0030, 0x0010_0032, 0x0010_0033, 0x0010_0034, 0x0010_0035, 0x0010_0040, 0x0010_0050, 0x0010_0101,
    0x0010_0102, 0x0010_0200, 0x0010_0201, 0x0010_0213, 0x0010_0214, 0x0010_0215, 0x0010_0217, 0x0010_0219,
    0x0010_0223, 0x0010_0229, 0x0010_1001, 0x0010_1005, 0x0010_1010, 0x0010_1020, 0x0010_1021, 0x0010_1022,
    0x0010_1023, 0x0010_1024, 0x0010_1030, 0x0010_1040, 0x0010_1060, 0x0010_1080, 0x0010_1081, 0x0010_2000,
    0x0010_2110, 0x0010_2150, 0x0010_2152, 0x0010_2154, 0x0010_2160, 0x0010_2180, 0x0010_21A0, 0x0010_21C0,
    0x0010_21D0, 0x0010_21F0, 0x0010_2201, 0x0010_2202, 0x0010_2203, 0x0010_2210, 0x0010_2292, 0x0010_2293,
    0x0010_2295, 0x0010_2296, 0x0010_2297, 0x0010_2298, 0x0010_2299, 0x0010_9431,
    0x0020_000D, 0x0020_0010, 0x0020_1206, 0x0020_1208,
    0x0032_1032, 0x0032_1033, 0x0032_1034, 0x0032_1060, 0x0032_1064, 0x0032_1070,
    0x0038_0010, 0x0038_0016, 0x0038_0020, 0x0038_0021, 0x0038_0050, 0x0038_0060, 0x0038_0062, 0x0038_0300,
    0x0038_0400, 0x0038_0500,
    0x0040_0244, 0x0040_0245, 0x0040_0250, 0x0040_0251, 0x0040_0253, 0x0040_1012,
];

#[rustfmt::skip]
const SERIES: [u32; 39] = [
    0x0008_0021, 0x0008_0031, 0x0008_0060, 0x0008_0064, 0x0008_0068, 0x0008_0070, 0x0008_0080, 0x0008_0082,
    0x0008_1010, 0x0008_103E, 0x0008_103F, 0x0008_1040, 0x0008_1041, 0x0008_1050, 0x0008_1070, 0x0008_1090,
    0x0018_0010, 0x0018_0015, 0x0018_0050, 0x0018_0088, 0x0018_1000, 0x0018_1016, 0x0018_1018, 0x0018_1019,
    0x0018_1020, 0x0018_1030, 0x0018_1050, 0x0018_1200, 0x0018_1201, 0x0018_5100,
    0x0020_000D, 0x0020_000E, 0x0020_0011, 0x0020_0052, 0x0020_0060, 0x0020_1209,
    0x0054_0081, 0x0054_0101, 0x0054_1000,
];
