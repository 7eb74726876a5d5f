//! Which elements are the patient's, the study's and the series'. All others are the instance's.
//!
//! Source: "Metadata normalization", AWS HealthImaging Developer Guide.

use dicom_core::Tag;

/// The patient's: the Patient Module and the Clinical Trial Subject Module.
const PATIENT: [u32; 46] = [
    0x00081120, 0x00100010, 0x00100020, 0x00100021, 0x00100022, 0x00100024, 0x00100026, 0x00100027,
    0x00100030, 0x00100032, 0x00100033, 0x00100034, 0x00100035, 0x00100040, 0x00100200, 0x00100212,
    0x00100213, 0x00100216, 0x00100218, 0x00100219, 0x00100221, 0x00101001, 0x00101002, 0x00101100,
    0x00102160, 0x00102201, 0x00102202, 0x00102292, 0x00102293, 0x00102294, 0x00102297, 0x00102298,
    0x00102299, 0x00104000, 0x00120010, 0x00120020, 0x00120021, 0x00120030, 0x00120031, 0x00120040,
    0x00120042, 0x00120062, 0x00120063, 0x00120064, 0x00120081, 0x00120082,
];

/// The study's: the General Study, Patient Study and Clinical Trial Study Modules.
const STUDY: [u32; 50] = [
    0x00080020, 0x00080030, 0x00080050, 0x00080051, 0x00080090, 0x00080096, 0x0008009C, 0x0008009D,
    0x00081030, 0x00081032, 0x00081048, 0x00081049, 0x00081060, 0x00081062, 0x00081080, 0x00081084,
    0x00081110, 0x00101010, 0x00101020, 0x00101021, 0x00101022, 0x00101023, 0x00101024, 0x00101030,
    0x00102000, 0x00102110, 0x00102180, 0x001021A0, 0x001021B0, 0x001021C0, 0x001021D0, 0x00102203,
    0x00120050, 0x00120051, 0x00120052, 0x00120053, 0x00120083, 0x0020000D, 0x00200010, 0x00321033,
    0x00321034, 0x00321066, 0x00321067, 0x00380010, 0x00380014, 0x00380060, 0x00380062, 0x00380064,
    0x00380500, 0x00401012,
];

/// The series': the General Series, Clinical Trial Series, General Equipment and Frame of
/// Reference Modules.
const SERIES: [u32; 44] = [
    0x00080021, 0x00080031, 0x00080060, 0x00080070, 0x00080080, 0x00080081, 0x00081010, 0x0008103E,
    0x0008103F, 0x00081040, 0x00081041, 0x00081050, 0x00081052, 0x00081070, 0x00081072, 0x00081090,
    0x00081111, 0x00081250, 0x00102210, 0x00120060, 0x00120071, 0x00120072, 0x00180015, 0x00181000,
    0x00181002, 0x00181008, 0x0018100A, 0x0018100B, 0x00181020, 0x00181030, 0x00181050, 0x00181200,
    0x00181201, 0x00185100, 0x0020000E, 0x00200011, 0x00200052, 0x00200060, 0x00201040, 0x00280108,
    0x00280109, 0x00280120, 0x00400275, 0x300A0700,
];

/// Whose an element is, in the order of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Patient,
    Study,
    Series,
    Instance,
}

impl Level {
    pub(super) fn of(tag: Tag) -> Self {
        let number = u32::from(tag.group()) << 16 | u32::from(tag.element());
        let is_in = |table: &[u32]| table.binary_search(&number).is_ok();
        if is_in(&PATIENT) {
            Self::Patient
        } else if is_in(&STUDY) {
            Self::Study
        } else if is_in(&SERIES) {
            Self::Series
        } else {
            Self::Instance
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dicom_core::dictionary::DataDictionary;
    use dicom_dictionary_std::StandardDataDictionary;

    #[test]
    fn the_tables_are_in_order_and_name_each_element_once() {
        for table in [&PATIENT[..], &STUDY, &SERIES] {
            assert!(table.is_sorted());
        }
        let all = [&PATIENT[..], &STUDY, &SERIES].concat();
        let different: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
        for number in all {
            let [group, element] = [number >> 16, number & 0xFFFF].map(|part| part as u16);
            let tag = Tag(group, element);
            assert!(StandardDataDictionary.by_tag(tag).is_some(), "{tag}");
        }
    }

    #[test]
    fn an_element_is_at_the_level_that_the_guide_gives_it() {
        use dicom_dictionary_std::tags;
        for (tag, level) in [
            (tags::PATIENT_NAME, Level::Patient),
            (tags::PATIENT_AGE, Level::Study),
            (tags::STUDY_INSTANCE_UID, Level::Study),
            (tags::MANUFACTURER, Level::Series),
            (tags::SOP_INSTANCE_UID, Level::Instance),
            (tags::TRANSFER_SYNTAX_UID, Level::Instance),
            (Tag(0x0009, 0x1001), Level::Instance),
        ] {
            assert_eq!(Level::of(tag), level, "{tag}");
        }
    }
}
