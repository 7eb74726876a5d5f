use super::*;
use dicom_core::{DataElement, PrimitiveValue, VR, dicom_value};
use dicom_object::InMemDicomObject;
use dicom_object::mem::InMemElement;
use std::cell::Cell;
use std::time::Duration;

const ROOT: &str = "https://dicom.example/datastore/d";

/// The first attributes are indexed; the metadata have them all.
struct Item {
    uids: [String; 3],
    updated: SystemTime,
    attributes: InMemDicomObject,
    more: InMemDicomObject,
    read: Cell<u32>,
}

impl Searchable for Item {
    fn uids(&self) -> [&str; 3] {
        self.uids.each_ref().map(String::as_str)
    }

    fn updated(&self) -> SystemTime {
        self.updated
    }

    fn attributes(&self) -> &InMemDicomObject {
        &self.attributes
    }

    fn metadata(&self) -> Result<Map<String, Value>, ServiceError> {
        self.read.set(self.read.get() + 1);
        let mut all = Map::new();
        for object in [&self.attributes, &self.more] {
            let Value::Object(part) = crate::dicom::object_json(object, None) else {
                unreachable!()
            };
            all.extend(part);
        }
        Ok(all)
    }
}

fn text(tag: Tag, value: &str) -> InMemElement {
    DataElement::new(tag, query::vr(tag), PrimitiveValue::from(value))
}

/// A study's attributes.
type Study = (&'static str, &'static [(Tag, &'static str)]);

const STUDIES: [Study; 3] = [
    (
        "1.1",
        &[
            (tags::PATIENT_NAME, "Thomas^Albert"),
            (tags::PATIENT_ID, "200965981001"),
            (tags::STUDY_DATE, "20040826"),
            (tags::STUDY_TIME, "185059"),
            (tags::ACCESSION_NUMBER, "A1"),
            (tags::STUDY_DESCRIPTION, "Nuclear head"),
            (tags::REFERRING_PHYSICIAN_NAME, "Curie^Marie"),
            (tags::STUDY_ID, "1"),
        ],
    ),
    (
        "1.2",
        &[
            (tags::PATIENT_NAME, "Müller^Jürgen"),
            (tags::PATIENT_ID, "2"),
            (tags::STUDY_DATE, "20050101"),
            (tags::STUDY_DESCRIPTION, "Chest, nuclear"),
            (tags::PATIENT_BIRTH_DATE, "19700101"),
            (tags::SPECIFIC_CHARACTER_SET, "ISO_IR 100"),
        ],
    ),
    (
        "1.3",
        &[
            (tags::PATIENT_NAME, "Albertson^Mia"),
            (tags::PATIENT_ID, "200965981003"),
            (tags::STUDY_DATE, "20060101"),
            (tags::STUDY_DESCRIPTION, "Knee"),
        ],
    ),
];

/// Study, series, modality, series number, and the instances' numbers as they were stored.
const SERIES: [(usize, &str, &str, &str, &[i32]); 4] = [
    (0, "1.1.2", "CT", "2", &[3, 1, 2]),
    (1, "1.2.1", "MR", "10", &[2, 1]),
    (0, "1.1.1", "PT", "1", &[1]),
    (2, "1.3.1", "CT", "", &[1, 2]),
];

fn store() -> Vec<Item> {
    let mut items = Vec::new();
    for (study, series, modality, number, instances) in SERIES {
        for instance in instances {
            let (study, of_study) = STUDIES[study];
            let uid = format!("{series}.{instance}");
            let mut attributes: InMemDicomObject = InMemDicomObject::from_element_iter(
                of_study.iter().map(|(tag, value)| text(*tag, value)),
            );
            for (tag, value) in [
                (tags::STUDY_INSTANCE_UID, study),
                (tags::SERIES_INSTANCE_UID, series),
                (tags::SOP_INSTANCE_UID, &uid),
                (
                    tags::SOP_CLASS_UID,
                    if modality == "MR" { "1.9.4" } else { "1.9.2" },
                ),
                (tags::MODALITY, modality),
                (tags::SERIES_NUMBER, number),
                (tags::INSTANCE_NUMBER, &instance.to_string()),
            ] {
                attributes.put(text(tag, value));
            }
            attributes.put(DataElement::new(
                tags::ROWS,
                VR::US,
                dicom_value!(U16, [128]),
            ));
            items.push(Item {
                uids: [study, series, &uid].map(str::to_owned),
                updated: SystemTime::UNIX_EPOCH,
                attributes,
                more: more(),
                read: Cell::new(0),
            });
        }
    }
    items
}

/// What is only in the metadata.
fn more() -> InMemDicomObject {
    let code = InMemDicomObject::from_element_iter([
        text(tags::CODE_VALUE, "C1"),
        text(tags::CODE_MEANING, "a code"),
    ]);
    let mut more = InMemDicomObject::from_element_iter([
        text(tags::PATIENT_WEIGHT, "70"),
        text(tags::MANUFACTURER, "Maker"),
        text(tags::WINDOW_CENTER, "40"),
    ]);
    let sequence = dicom_core::value::DataSetSequence::from(vec![code]);
    more.put(DataElement::new(
        tags::REFERRING_PHYSICIAN_IDENTIFICATION_SEQUENCE,
        VR::SQ,
        sequence,
    ));
    for (tag, value) in [(Tag(0x19, 0x10), "Maker"), (Tag(0x19, 0x1001), "private")] {
        more.put(DataElement::new(tag, VR::LO, PrimitiveValue::from(value)));
    }
    more
}

/// As a path names it.
fn scope(path: &str) -> Scope<'_> {
    let steps: Vec<&str> = path.split('/').collect();
    let (level, study, series) = match steps[..] {
        ["studies"] => (Level::Study, None, None),
        ["series"] => (Level::Series, None, None),
        ["instances"] => (Level::Instance, None, None),
        ["studies", study, "series"] => (Level::Series, Some(study), None),
        ["studies", study, "instances"] => (Level::Instance, Some(study), None),
        ["studies", study, "series", series, "instances"] => {
            (Level::Instance, Some(study), Some(series))
        }
        _ => panic!("{path}"),
    };
    Scope {
        level,
        study,
        series,
    }
}

fn find(store: &[Item], asked: &str) -> Result<Vec<Value>, String> {
    let (path, query) = asked.split_once('?').unwrap_or((asked, ""));
    match search(store.iter(), &scope(path), query, ROOT) {
        Ok(Value::Array(found)) => Ok(found),
        Ok(other) => panic!("{other}"),
        Err(error) => {
            assert_eq!(
                (error.status.as_u16(), error.class),
                (400, "ValidationException")
            );
            Err(error.message)
        }
    }
}

fn uids(store: &[Item], asked: &str) -> Vec<String> {
    let path = asked.split('?').next().unwrap();
    let unique = match scope(path).level {
        Level::Study => "0020000D",
        Level::Series => "0020000E",
        Level::Instance => "00080018",
    };
    let found = find(store, asked).unwrap();
    let uid = |record: &Value| record[unique]["Value"][0].as_str().unwrap().to_owned();
    found.iter().map(uid).collect()
}

#[test]
fn each_query_finds_what_it_asks_for_in_the_services_order() {
    let store = store();
    for (asked, expected) in [
        // Newest first: the store got the last instance of study 1.1 after those of 1.2.
        ("studies", "1.3 1.1 1.2"),
        ("studies?limit=2", "1.3 1.1"),
        ("studies?limit=2&offset=2", "1.2"),
        ("studies?offset=3", ""),
        ("studies?limit=0", ""),
        ("studies?offset=1000000&limit=1000", ""),
        // Keys by keyword, by tag in either case, and by several at once.
        ("studies?PatientID=2", "1.2"),
        ("studies?00100020=2", "1.2"),
        ("studies?0020000d=1.1", "1.1"),
        ("studies?PatientID=200965981???", "1.3 1.1"),
        ("studies?PatientID=200965981*&StudyDate=20060101", "1.3"),
        ("studies?PatientID=2&StudyDate=20060101", ""),
        ("studies?PatientID=", "1.3 1.1 1.2"),
        // Wildcards.
        ("studies?StudyDescription=*uclear*", "1.1 1.2"),
        ("studies?StudyDescription=Nuclear*", "1.1"),
        ("studies?StudyDescription=*nuclear", "1.2"),
        ("studies?StudyDescription=nuclear", ""),
        ("studies?AccessionNumber=*", "1.3 1.1 1.2"),
        ("studies?AccessionNumber=?*", "1.1"),
        // Names.
        ("studies?PatientName=Thomas^Albert", "1.1"),
        ("studies?PatientName=thomas^albert", ""),
        ("studies?PatientName=M%C3%BCller%5EJ%C3%BCrgen", "1.2"),
        ("studies?PatientName=M?ller*", "1.2"),
        ("studies?PatientName=alb&fuzzymatching=true", "1.3 1.1"),
        ("studies?PatientName=alb&fuzzymatching=false", ""),
        ("studies?fuzzymatching=true&PatientName=ber", ""),
        ("studies?fuzzymatching=true&PatientName=M%C3%9CLLER", "1.2"),
        ("studies?fuzzymatching=true&PatientName=*LBERT*", "1.3 1.1"),
        (
            "studies?fuzzymatching=true&ReferringPhysicianName=marie",
            "1.1",
        ),
        // Ranges.
        ("studies?StudyDate=20040826-20050101", "1.1 1.2"),
        ("studies?StudyDate=-20050101", "1.1 1.2"),
        ("studies?StudyDate=20050101-", "1.3 1.2"),
        ("studies?StudyTime=18-1851", "1.1"),
        ("studies?PatientBirthDate=19700101", "1.2"),
        // Lists of UIDs, and modalities of the whole study.
        ("studies?StudyInstanceUID=1.1,1.2", "1.1 1.2"),
        ("studies?StudyInstanceUID=1.1%5C1.3", "1.3 1.1"),
        ("studies?StudyInstanceUID=1.1&0020000D=1.2", "1.1 1.2"),
        ("studies?ModalitiesInStudy=PT", "1.1"),
        ("studies?ModalitiesInStudy=CT", "1.3 1.1"),
        // Series, by their numbers.
        ("studies/1.1/series", "1.1.1 1.1.2"),
        ("studies/1.1/series?Modality=CT", "1.1.2"),
        ("studies/1.1/series?SeriesInstanceUID=1.1.1,1.3.1", "1.1.1"),
        ("studies/1.9/series", ""),
        ("series", "1.1.1 1.1.2 1.2.1 1.3.1"),
        ("series?Modality=CT", "1.1.2 1.3.1"),
        ("series?ModalitiesInStudy=PT&SeriesNumber=2", "1.1.2"),
        ("series?PatientName=*ller*", "1.2.1"),
        // Instances, by theirs; those of a study by their age.
        (
            "studies/1.1/series/1.1.2/instances",
            "1.1.2.1 1.1.2.2 1.1.2.3",
        ),
        (
            "studies/1.1/series/1.1.2/instances?offset=1&limit=1",
            "1.1.2.2",
        ),
        (
            "studies/1.1/series/1.1.2/instances?SOPInstanceUID=1.1.2.3",
            "1.1.2.3",
        ),
        ("studies/1.1/series/1.1.2/instances?SOPClassUID=1.9.4", ""),
        ("studies/1.1/series/1.1.2/instances?WarningReason=*", ""),
        ("studies/1.1/series/1.2.1/instances", ""),
        ("studies/1.1/instances", "1.1.1.1 1.1.2.2 1.1.2.1 1.1.2.3"),
        ("studies/1.1/instances?Modality=PT", "1.1.1.1"),
        ("studies/1.1/instances?StudyDate=20240101", ""),
        (
            "instances?Modality=CT&StudyDate=20060101-",
            "1.3.1.1 1.3.1.2",
        ),
        ("instances?SOPClassUID=1.9.4", "1.2.1.1 1.2.1.2"),
        (
            "instances",
            "1.1.2.1 1.2.1.1 1.1.1.1 1.3.1.1 1.1.2.2 1.2.1.2 1.3.1.2 1.1.2.3",
        ),
    ] {
        assert_eq!(uids(&store, asked).join(" "), expected, "{asked}");
    }
}

#[test]
fn the_newest_file_is_first_wherever_it_lies() {
    let mut store = store();
    let later = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
    store[1].updated = later;
    assert_eq!(uids(&store, "studies").join(" "), "1.1 1.3 1.2");
    assert_eq!(uids(&store, "studies/1.1/instances?limit=1"), ["1.1.2.1"]);
    store[3].updated = later;
    assert_eq!(uids(&store, "studies").join(" "), "1.2 1.1 1.3");
}

#[test]
fn what_is_not_understood_is_refused_by_name() {
    let store = store();
    for (asked, named) in [
        (
            "studies?limit=1001",
            "`limit` must be a number from 0 to 1000",
        ),
        ("studies?limit=-1", "`limit`"),
        ("studies?limit=+1", "`limit`"),
        ("studies?limit=", "`limit`"),
        ("studies?limit=1&limit=1", "`limit` may be given only once"),
        (
            "studies?offset=1000001",
            "`offset` must be a number from 0 to 1000000",
        ),
        ("studies?offset=1e3", "`offset`"),
        (
            "studies?fuzzymatching=yes",
            "`fuzzymatching` is `true` or `false`",
        ),
        (
            "studies?fuzzymatching=true&fuzzymatching=true",
            "`fuzzymatching`",
        ),
        (
            "studies?PatientID=1&PatientID=1",
            "`PatientID` may be given only once",
        ),
        (
            "studies?PatientID=1&00100020=1",
            "`00100020` may be given only once",
        ),
        (
            "studies?StudyInstanceUID=1.2&StudyInstanceUID=",
            "StudyInstanceUID",
        ),
        ("studies?Nonsense=1", "`Nonsense` is neither"),
        ("studies?patientid=1", "`patientid` is neither"),
        ("studies?imageSetId=1", "`imageSetId` is neither"),
        (
            "studies?emptyvaluematching=true",
            "`emptyvaluematching` is neither",
        ),
        (
            "studies?Modality=CT",
            "SearchDICOMStudies doesn't match `Modality`",
        ),
        (
            "studies?00080096.00080100=1",
            "`00080096.00080100` is neither",
        ),
        (
            "studies/1.1/series?StudyDate=20040101",
            "SearchDICOMSeries doesn't match `StudyDate`",
        ),
        (
            "studies/1.1/series/1.1.1/instances?Modality=CT",
            "SearchDICOMInstances doesn't",
        ),
        (
            "studies/1.1/instances?WarningReason=*",
            "SearchDICOMStudyInstances doesn't",
        ),
        ("series?SOPInstanceUID=1.2", "SearchDICOMAllSeries doesn't"),
        (
            "instances?InstanceNumber=1",
            "SearchDICOMAllInstances doesn't",
        ),
        (
            "studies?StudyDate=yesterday",
            "`StudyDate` must be a date YYYYMMDD",
        ),
        ("studies?StudyTime=25", "`StudyTime` must be a time"),
        (
            "studies?StudyInstanceUID=undefined",
            "`StudyInstanceUID` must be a DICOM UID",
        ),
        (
            "series?SeriesNumber=one",
            "`SeriesNumber` must be a whole number",
        ),
        ("studies?PatientName=%FF", "UTF-8"),
        (
            "studies?00190010=A&00190010=A",
            "`00190010` may be given only once",
        ),
    ] {
        let message = find(&store, asked).unwrap_err();
        assert!(message.contains(named), "{asked}: {message}");
    }
    let fields = |count: u32| {
        let fields: Vec<String> = (0..count)
            .map(|n| format!("includefield=0010{n:04}"))
            .collect();
        find(&store, &format!("studies?{}", fields.join("&")))
    };
    assert!(fields(50).is_ok());
    assert!(fields(51).unwrap_err().contains("50"));
}

/// The names of the attributes of the first record.
fn names(store: &[Item], asked: &str) -> String {
    let found = find(store, asked).unwrap();
    let names: Vec<&str> = found[0]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    names.join(" ")
}

const STUDY: &str = "00080020 00080030 00080050 00080056 00080061 00080090 00081190 00100010 00100020 00100030 \
                     00100040 0020000D 00200010 00201206 00201208";

#[test]
fn an_answer_has_the_standards_attributes_of_what_the_path_leaves_open() {
    let store = store();
    let series = "00080060 00081190 0020000E 00200011 00201209";
    let instance = "00080016 00080018 00080056 00081190 00200013 00280010";
    let together = |lists: &[&str]| {
        let all: BTreeSet<&str> = lists.iter().flat_map(|list| list.split(' ')).collect();
        all.into_iter().collect::<Vec<_>>().join(" ")
    };
    for (asked, expected) in [
        ("studies", together(&[STUDY])),
        ("studies/1.1/series", together(&[series])),
        ("series", together(&[STUDY, series])),
        ("studies/1.1/series/1.1.1/instances", together(&[instance])),
        ("studies/1.1/instances", together(&[series, instance])),
        ("instances", together(&[STUDY, series, instance])),
    ] {
        assert_eq!(names(&store, asked), expected, "{asked}");
    }
    assert!(
        store.iter().all(|item| item.read.get() == 0),
        "no file is read for these"
    );
}

#[test]
fn a_record_says_what_is_known_of_the_whole_study() {
    let store = store();
    let study = &find(&store, "studies?StudyInstanceUID=1.1").unwrap()[0];
    for (name, vr, value) in [
        ("00080061", "CS", json(&["CT", "PT"])),
        ("00201206", "IS", serde_json::json!([2])),
        ("00201208", "IS", serde_json::json!([4])),
        ("00080056", "CS", json(&["ONLINE"])),
        (
            "00081190",
            "UR",
            json(&["https://dicom.example/datastore/d/studies/1.1"]),
        ),
        (
            "00100010",
            "PN",
            serde_json::json!([{"Alphabetic": "Thomas^Albert"}]),
        ),
    ] {
        let expected = serde_json::json!({"vr": vr, "Value": value});
        assert_eq!(study[name], expected, "{name}");
    }
    assert_eq!(
        study["00100040"],
        serde_json::json!({"vr": "CS"}),
        "nobody knows the sex"
    );
    let url = |asked: &str| find(&store, asked).unwrap()[0]["00081190"]["Value"][0].clone();
    assert_eq!(
        url("studies/1.1/series"),
        format!("{ROOT}/studies/1.1/series/1.1.1")
    );
    assert_eq!(
        url("studies/1.1/series/1.1.1/instances"),
        format!("{ROOT}/studies/1.1/series/1.1.1/instances/1.1.1.1")
    );
    // Of the series that was found, and of the whole study, though one series matched.
    let series = &find(&store, "series?SeriesInstanceUID=1.1.2").unwrap()[0];
    assert_eq!(series["00201209"]["Value"][0], 3);
    assert_eq!(series["00201208"]["Value"][0], 4);
    assert_eq!(series["00080061"]["Value"], json(&["CT", "PT"]));
}

fn json(texts: &[&str]) -> Value {
    serde_json::json!(texts)
}

#[test]
fn fields_are_added_where_they_are_of_the_level() {
    let store = store();
    let added = |asked: &str| {
        let (path, query) = asked.split_once('?').unwrap();
        let before: Vec<String> = names(&store, path).split(' ').map(str::to_owned).collect();
        let after = names(&store, &format!("{path}?{query}"));
        let new = after
            .split(' ')
            .filter(|name| !before.iter().any(|old| old == name));
        new.collect::<Vec<_>>().join(" ")
    };
    for (asked, expected) in [
        ("studies?includefield=00081030", "00081030"),
        ("studies?includefield=StudyDescription", "00081030"),
        (
            "studies?includefield=00081030&includefield=00081030",
            "00081030",
        ),
        // OHIF's one value. A study has no modality.
        (
            "studies?includefield=00081030%2C00080060%2C00080090%2C00100030",
            "00081030",
        ),
        (
            "studies?includefield=PatientWeight,00080062",
            "00080062 00101030",
        ),
        ("studies?includefield=WindowCenter", ""),
        ("studies?includefield=0020000E", ""),
        (
            "studies?includefield=Nonsense,,00190099,FFFFFFFF,1,00089999",
            "",
        ),
        (
            "studies/1.1/series?includefield=Manufacturer,PatientName,Rows",
            "00080070 00100010",
        ),
        (
            "studies/1.1/series/1.1.1/instances?includefield=WindowCenter",
            "00281050",
        ),
        // A key that is matched is answered.
        ("studies?StudyDescription=Knee", "00081030"),
        ("studies?00190010=Maker", "00190010"),
        ("studies?00190010=Other", ""),
        ("studies?includefield=00191001", ""),
        ("studies?includefield=00191001&00190010=Other", ""),
        (
            "studies?includefield=00191001&00190010=Maker",
            "00190010 00191001",
        ),
        (
            "studies?includefield=00191001&includefield=all&00190010=Maker&StudyID=1",
            "00081030 00080062 00101030 00190010 00191001",
        ),
    ] {
        let mut expected: Vec<&str> = expected.split(' ').collect();
        expected.sort_unstable();
        assert_eq!(added(asked), expected.join(" "), "{asked}");
    }
}

#[test]
fn a_path_takes_only_its_part_of_a_sequence() {
    let store = store();
    let sequence = |fields: &str| {
        let found = find(&store, &format!("studies?{fields}")).unwrap();
        found[0].get("00080096").cloned()
    };
    let code = serde_json::json!({"vr": "SH", "Value": ["C1"]});
    let meaning = serde_json::json!({"vr": "LO", "Value": ["a code"]});
    let with = |item: Value| Some(serde_json::json!({"vr": "SQ", "Value": [item]}));
    let both = with(serde_json::json!({"00080100": code, "00080104": meaning}));
    assert_eq!(
        sequence("includefield=00080096.00080100"),
        with(serde_json::json!({"00080100": code}))
    );
    assert_eq!(
        sequence("includefield=00080096.CodeValue,00080096.00080104"),
        both
    );
    assert_eq!(sequence("includefield=00080096"), both);
    for fields in [
        "00080096,00080096.00080100",
        "00080096.00080100&includefield=00080096",
    ] {
        assert_eq!(
            sequence(&format!("includefield={fields}")),
            both,
            "{fields}"
        );
    }
    assert_eq!(
        sequence("includefield=00080096.00080102"),
        with(serde_json::json!({}))
    );
    let no_sequence = find(&store, "studies?includefield=StudyDescription.00080100").unwrap();
    assert!(no_sequence[0].get("00081030").is_none());
}

#[test]
fn all_is_all_of_the_level() {
    let store = store();
    let all = |path: &str| names(&store, &format!("{path}?includefield=all"));
    let study = all("studies");
    assert!(
        study.contains("00101030") && study.contains("00080062"),
        "{study}"
    );
    assert!(
        !study.contains("00080060") && !study.contains("0019"),
        "{study}"
    );
    let series = all("studies/1.1/series");
    assert!(
        series.contains("00080070") && series.contains("00100010"),
        "{series}"
    );
    assert!(
        !series.contains("00280010") && !series.contains("0019"),
        "{series}"
    );
    let instance = all("studies/1.1/series/1.1.1/instances");
    assert!(
        instance.contains("00281050") && instance.contains("00191001"),
        "{instance}"
    );
    let character_set = &find(&store, "studies?includefield=all&PatientID=2").unwrap()[0];
    assert_eq!(character_set["00080005"]["Value"][0], "ISO_IR 192");
}

/// A sequence of numbers that is the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Few values, so that much is equal and the order is put to the test.
fn random_store(numbers: &mut Numbers) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    for instance in 0..numbers.below(60) {
        let study = format!("1.{}", numbers.below(5));
        let series = format!("{study}.{}", numbers.below(4));
        let uid = format!("{series}.{instance}");
        let mut attributes = InMemDicomObject::new_empty();
        for (tag, value) in [
            (tags::STUDY_INSTANCE_UID, study.clone()),
            (tags::SERIES_INSTANCE_UID, series.clone()),
            (tags::SOP_INSTANCE_UID, uid.clone()),
            (tags::PATIENT_NAME, format!("Name^{study}")),
            (tags::STUDY_DATE, format!("2004010{}", &study[2..])),
            (
                tags::MODALITY,
                ["CT", "MR"][numbers.below(2) as usize].to_owned(),
            ),
            (
                tags::SERIES_NUMBER,
                ["", "1", "2"][numbers.below(3) as usize].to_owned(),
            ),
            (
                tags::INSTANCE_NUMBER,
                ["", "1", "2", "10"][numbers.below(4) as usize].to_owned(),
            ),
        ] {
            attributes.put(text(tag, &value));
        }
        items.push(Item {
            uids: [study, series, uid],
            updated: SystemTime::UNIX_EPOCH + Duration::from_secs(numbers.below(3)),
            attributes,
            more: InMemDicomObject::new_empty(),
            read: Cell::new(0),
        });
    }
    items
}

#[test]
fn pages_together_are_the_whole_and_filters_only_take_away() {
    const PATHS: [&str; 6] = [
        "studies",
        "series",
        "instances",
        "studies/1.1/series",
        "studies/1.1/instances",
        "studies/1.1/series/1.1.1/instances",
    ];
    let mut numbers = Numbers(20_040_826);
    for round in 0..40 {
        let store = random_store(&mut numbers);
        for path in PATHS {
            let whole = uids(&store, path);
            let unique: HashSet<&String> = whole.iter().collect();
            assert_eq!(unique.len(), whole.len(), "{round} {path}");
            let size = 1 + numbers.below(7) as usize;
            let mut pages = Vec::new();
            loop {
                let page = uids(
                    &store,
                    &format!("{path}?limit={size}&offset={}", pages.len()),
                );
                assert!(page.len() <= size);
                pages.extend(page.iter().cloned());
                if page.len() < size {
                    break;
                }
            }
            assert_eq!(pages, whole, "{round} {path} by {size}");
            // What is left stands in the order of the whole.
            for filter in [
                "StudyDate=-20040102",
                "PatientName=*1.[1]",
                "Modality=CT",
                "SOPInstanceUID=1.1.1.1,1.1.1.2",
            ] {
                let asked = format!("{path}?{filter}");
                if find(&store, &asked).is_ok() {
                    let part = uids(&store, &asked);
                    let mut rest = whole.iter();
                    assert!(
                        part.iter().all(|uid| rest.any(|other| other == uid)),
                        "{round} {asked}"
                    );
                }
            }
        }
    }
}

#[test]
fn nothing_behind_the_ten_thousandth_is_found() {
    let mut store = store();
    let template = store.remove(0);
    let store: Vec<Item> = (0..10_050)
        .map(|number| Item {
            uids: ["1.1".into(), "1.1.2".into(), format!("1.1.2.{number}")],
            updated: SystemTime::UNIX_EPOCH,
            attributes: template.attributes.clone(),
            more: InMemDicomObject::new_empty(),
            read: Cell::new(0),
        })
        .collect();
    let count = |query: &str| find(&store, &format!("instances?{query}")).unwrap().len();
    assert_eq!(count(""), 1000, "the default limit");
    assert_eq!(count("offset=9990"), 10);
    assert_eq!(count("offset=10000"), 0);
}
