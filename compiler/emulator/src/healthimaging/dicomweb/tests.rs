use super::*;
use crate::dicom::Shared;
use crate::healthimaging::study;
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::FileMetaTableBuilder;
use http_body_util::BodyExt;
use tempfile::TempDir;

const HOST: &str = "dicom-medical-imaging.eu-west-1.amazonaws.com";
const HTJ2K: &str = "1.2.840.10008.1.2.4.202";
const MPEG: &str = "1.2.840.10008.1.2.4.100";
/// Larger than what is written into the metadata.
const LARGE: usize = 1024 * 1024 + 2;

/// Content type and body, or the status of the error.
fn ask(
    store: &DataStore,
    path: &str,
    accept: &str,
) -> Result<(String, Bytes), (u16, &'static str)> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let steps: Vec<&str> = path.split('/').collect();
    let mut headers = HeaderMap::new();
    if !accept.is_empty() {
        headers.insert(header::ACCEPT, accept.parse().unwrap());
    }
    let asked = Asked {
        store,
        id: &store.id,
        host: HOST,
        query,
        headers: &headers,
    };
    let answer = Operation::parse(&steps).and_then(|operation| asked.answer(&operation));
    let answer = answer.map_err(|error| (error.status.as_u16(), error.class))?;
    assert_eq!(answer.status(), 200);
    let content_type = answer.headers()[header::CONTENT_TYPE].to_str().unwrap();
    let content_type = content_type.to_owned();
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let body = runtime.unwrap().block_on(answer.into_body().collect());
    Ok((content_type, body.unwrap().to_bytes()))
}

fn ask_json(store: &DataStore, path: &str) -> Value {
    let (content_type, body) = ask(store, path, "application/dicom+json").unwrap();
    assert_eq!(content_type, "application/dicom+json", "{path}");
    serde_json::from_slice(&body).unwrap()
}

/// A store of two files: one with a large private value, one that nothing here decodes.
fn files() -> (TempDir, DataStore) {
    let directory = tempfile::tempdir().unwrap();
    let mut shared = Shared::default();
    let instances = [(1, "1.2.840.10008.1.2.1"), (2, MPEG)].map(|(number, syntax)| {
        let uid = format!("1.2.3.{number}");
        let mut object = InMemDicomObject::new_empty();
        for (tag, vr, value) in [
            (tags::SOP_CLASS_UID, VR::UI, "1.2.840.10008.5.1.4.1.1.7"),
            (tags::SOP_INSTANCE_UID, VR::UI, uid.as_str()),
            (tags::STUDY_INSTANCE_UID, VR::UI, "1.2"),
            (tags::SERIES_INSTANCE_UID, VR::UI, "1.2.3"),
            (Tag(0x0045, 0x0010), VR::LO, "FRAMES"),
        ] {
            object.put(DataElement::new(tag, vr, PrimitiveValue::from(value)));
        }
        for (tag, value) in [
            (tags::ROWS, 2_u16),
            (tags::COLUMNS, 2),
            (tags::BITS_ALLOCATED, 8),
        ] {
            object.put(DataElement::new(tag, VR::US, PrimitiveValue::from(value)));
        }
        let large: Vec<u8> = (0..LARGE).map(|at| (at % 251) as u8).collect();
        let value = PrimitiveValue::from(large);
        object.put(DataElement::new(Tag(0x0045, 0x1026), VR::OB, value));
        if syntax == MPEG {
            let fragments = vec![vec![7_u8; 10]];
            let pixels = dicom_core::value::PixelFragmentSequence::new_fragments(fragments);
            object.put(DataElement::new(tags::PIXEL_DATA, VR::OB, pixels));
        }
        let meta = FileMetaTableBuilder::new()
            .transfer_syntax(syntax)
            .media_storage_sop_class_uid("1.2.840.10008.5.1.4.1.1.7")
            .media_storage_sop_instance_uid(uid.as_str())
            .build()
            .unwrap();
        let path = directory.path().join(&uid);
        object.with_exact_meta(meta).write_to_file(&path).unwrap();
        Instance::open(&path, &mut shared).unwrap()
    });
    let (store, _) = DataStore::of("d".repeat(32), instances.into());
    (directory, store)
}

fn path(instance: &Instance) -> String {
    let Instance {
        study, series, uid, ..
    } = instance;
    format!("studies/{study}/series/{series}/instances/{uid}")
}

#[test]
fn metadata_are_one_object_per_instance_in_order() {
    let store = study::embedded().unwrap();
    let series = store
        .series()
        .iter()
        .max_by_key(|s| store.instances_of(s).len());
    let series = series.unwrap();
    let above = format!("studies/{}/series/{}", series.study, series.uid);
    let all = ask_json(&store, &format!("{above}/metadata"));
    let all = all.as_array().unwrap();
    let instances = store.instances_of(series);
    assert!(all.len() >= 20 && all.len() == instances.len());
    for (number, (found, instance)) in all.iter().zip(instances).enumerate() {
        assert_eq!(found["00080018"]["Value"][0], &*instance.uid);
        assert_eq!(found["00200013"]["Value"][0], number + 1);
        assert!(found.get("7FE00010").is_none());
        let own = ask_json(&store, &format!("{}/metadata", path(instance)));
        assert_eq!(own.as_array().unwrap(), std::slice::from_ref(found));
    }
    // All of a viewer's questions about a slice that a search can't answer.
    for name in ["00280030", "00200032", "00200037", "00281050", "00281052"] {
        assert!(all[0].get(name).is_some(), "{name}");
    }
    for accept in [
        "",
        "*/*",
        "application/json",
        "text/html, application/dicom+json;q=0.1",
    ] {
        let (content_type, _) = ask(&store, &format!("{above}/metadata"), accept).unwrap();
        assert_eq!(content_type, "application/dicom+json", "{accept}");
    }
    for accept in [
        "multipart/related; type=application/octet-stream",
        "text/html",
    ] {
        for path in [
            &format!("{above}/metadata"),
            "studies",
            &format!("{above}/instances"),
        ] {
            let refused = ask(&store, path, accept).unwrap_err();
            assert_eq!(refused, (406, "NotAcceptableException"), "{path} {accept}");
        }
    }
}

#[test]
fn searches_read_what_the_metadata_have() {
    let store = study::embedded().unwrap();
    let studies = ask_json(&store, "studies");
    assert_eq!(studies.as_array().unwrap().len(), store.studies().len());
    for study in studies.as_array().unwrap() {
        let uid = study["0020000D"]["Value"][0].as_str().unwrap();
        let url = format!("https://{HOST}/datastore/{}/studies/{uid}", store.id);
        assert_eq!(study["00081190"]["Value"][0], url);
        let by_name = study["00100010"]["Value"][0]["Alphabetic"]
            .as_str()
            .unwrap();
        let found = ask_json(&store, &format!("studies?PatientName={by_name}"));
        assert!(found.as_array().unwrap().contains(study), "{by_name}");
    }
    let instances = ask_json(&store, "instances?includefield=all");
    for found in instances.as_array().unwrap() {
        let uid = found["00080018"]["Value"][0].as_str().unwrap();
        let instance = store.instances().iter().find(|i| &*i.uid == uid).unwrap();
        let metadata = ask_json(&store, &format!("{}/metadata", path(instance)));
        for (name, value) in metadata[0].as_object().unwrap() {
            if name != "00080005" {
                assert_eq!(&found[name], value, "{uid} {name}");
            }
        }
    }
    assert_eq!(instances.as_array().unwrap().len(), store.instances().len());
    let none = ask(&store, "studies?PatientID=nobody", "").unwrap();
    assert_eq!(none.1, "[]");
    let other = Asked {
        store: &store,
        id: &"e".repeat(32),
        host: HOST,
        query: "",
        headers: &HeaderMap::new(),
    };
    let operation = Operation::parse(&["studies"]).unwrap();
    assert_eq!(other.answer(&operation).unwrap_err().status, 404);
}

#[test]
fn a_large_value_is_where_the_metadata_say() {
    let (_directory, store) = files();
    let instance = path(&store.instances()[0]);
    let metadata = ask_json(&store, &format!("{instance}/metadata"));
    let uri = metadata[0]["00451026"]["BulkDataURI"].as_str().unwrap();
    let root = format!("https://{HOST}/datastore/{}/", store.id);
    let below = uri.strip_prefix(&root).unwrap();
    assert!(below.starts_with(&format!("{instance}/bulkdata/")), "{uri}");
    for accept in ["", "*/*", "application/octet-stream"] {
        let (content_type, body) = ask(&store, below, accept).unwrap();
        assert_eq!(content_type, "application/octet-stream");
        assert_eq!(body.len(), LARGE);
        assert!(
            body.iter()
                .enumerate()
                .all(|(at, byte)| usize::from(*byte) == at % 251)
        );
    }
    let found = ask_json(&store, "instances?includefield=00451026&00450010=FRAMES");
    assert_eq!(found[0]["00451026"], metadata[0]["00451026"]);
    let refused = ask(&store, below, "image/png").unwrap_err();
    assert_eq!(refused, (406, "NotAcceptableException"));
    let missing = (404, "ResourceNotFoundException");
    let other = format!("{instance}/bulkdata/{}", "0".repeat(32));
    assert_eq!(ask(&store, &other, "").unwrap_err(), missing);
}

#[test]
fn an_instance_comes_whole_as_stored_or_decoded() {
    let store = study::embedded().unwrap();
    let ct = &store.instances()[0];
    let stored = format!("application/dicom; transfer-syntax={HTJ2K}");
    let explicit = "application/dicom; transfer-syntax=1.2.840.10008.1.2.1";
    for (accept, content_type) in [
        ("", explicit),
        ("application/dicom", explicit),
        (explicit, explicit),
        ("application/dicom; transfer-syntax=*", &stored),
        (&stored, &stored),
    ] {
        let (answered, body) = ask(&store, &path(ct), accept).unwrap();
        assert_eq!(answered, content_type, "{accept}");
        let read = dicom_object::from_reader(&body[..]).unwrap();
        let syntax = content_type.rsplit_once('=').unwrap().1;
        assert_eq!(read.meta().transfer_syntax(), syntax, "{accept}");
        let uid = read.get(tags::SOP_INSTANCE_UID).unwrap().to_str().unwrap();
        assert_eq!(uid, &*ct.uid);
        if content_type == explicit {
            let pixels = read.get(tags::PIXEL_DATA).unwrap().to_bytes().unwrap();
            assert!(*pixels == *ct.octets(1).unwrap());
        } else {
            assert!(body == ct.part10().unwrap());
        }
    }
    for accept in [
        "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.50",
        "multipart/related; type=\"application/dicom\"; transfer-syntax=*",
        "application/json",
    ] {
        let refused = ask(&store, &path(ct), accept).unwrap_err();
        assert_eq!(refused, (406, "NotAcceptableException"), "{accept}");
    }
}

#[test]
fn what_is_not_decoded_here_comes_as_it_is_stored_if_that_will_do() {
    let (_directory, store) = files();
    let video = &store.instances()[1];
    let whole = |accept: &str| ask(&store, &path(video), accept);
    let refused = (406, "NotAcceptableException");
    assert_eq!(whole("application/dicom").unwrap_err(), refused);
    let by_name = format!("application/dicom; transfer-syntax={MPEG}");
    assert_eq!(
        whole("application/dicom, application/dicom; transfer-syntax=*")
            .unwrap()
            .0,
        by_name
    );
    assert_eq!(whole(&by_name).unwrap().1, video.part10().unwrap());
    let frames = |accept: &str| ask(&store, &format!("{}/frames/1", path(video)), accept);
    let octets = "multipart/related; type=application/octet-stream";
    let part = format!("Content-Type: application/octet-stream; transfer-syntax={MPEG}\r\n\r\n");
    for accept in ["", octets, &format!("{octets}; transfer-syntax=*")] {
        let (_, body) = frames(accept).unwrap();
        let text = String::from_utf8_lossy(&body);
        assert!(
            text.contains(&part) && text.contains("\u{7}\u{7}"),
            "{accept}"
        );
    }
    let explicit = format!("{octets}; transfer-syntax=1.2.840.10008.1.2.1");
    assert_eq!(frames(&explicit).unwrap_err(), refused);
    let (_, body) = frames(&format!("{explicit}, {octets}; transfer-syntax=*")).unwrap();
    assert!(String::from_utf8_lossy(&body).contains(&part));
}

#[test]
fn an_image_set_narrows_what_is_found() {
    let store = study::embedded().unwrap();
    let [first, second] = [&store.series()[0], &store.series()[1]];
    let above = format!("studies/{}/series/{}", first.study, first.uid);
    let instance = path(&store.instances_of(first)[0]);
    for path in [
        format!("{above}/metadata"),
        format!("{instance}/metadata"),
        format!("{instance}/frames/1"),
        instance,
    ] {
        let with = |set: &str| ask(&store, &format!("{path}?imageSetId={set}"), "");
        assert_eq!(
            with(&first.image_set_id).unwrap().1,
            ask(&store, &path, "").unwrap().1
        );
        let missing = (404, "ResourceNotFoundException");
        assert_eq!(with(&second.image_set_id).unwrap_err(), missing, "{path}");
        assert_eq!(with("x").unwrap_err().0, 400, "{path}");
        let unknown = ask(&store, &format!("{path}?limit=1"), "").unwrap_err();
        assert_eq!(unknown, (400, "ValidationException"), "{path}");
    }
}

#[test]
fn a_file_that_went_or_changed_is_said_to_have() {
    let (directory, store) = files();
    let all = "studies/1.2/series/1.2.3/metadata";
    assert!(ask(&store, all, "").is_ok());
    let file = directory.path().join("1.2.3.1");
    std::fs::write(&file, b"other").unwrap();
    assert_eq!(
        ask(&store, all, "").unwrap_err(),
        (500, "InternalServerException")
    );
    std::fs::remove_file(&file).unwrap();
    assert_eq!(
        ask(&store, all, "").unwrap_err(),
        (404, "ResourceNotFoundException")
    );
    assert!(
        ask(&store, "instances", "").is_ok(),
        "searches need no file"
    );
}

fn read(path: &str) -> Result<String, u16> {
    let steps: Vec<&str> = path.split('/').collect();
    let read = Operation::parse(&steps).map_err(|error| error.status.as_u16())?;
    let Part { study, series } = read.part();
    let shown = |uid: Option<&str>| uid.unwrap_or("-").to_owned();
    Ok(format!(
        "{} {} {}",
        read.action(),
        shown(study),
        shown(series)
    ))
}

#[test]
fn a_path_has_an_action_and_what_its_conditions_are_about() {
    for (path, expected) in [
        ("studies", "SearchDICOMStudies - -"),
        ("series", "SearchDICOMSeries - -"),
        ("instances", "SearchDICOMInstances - -"),
        ("studies/1.2/series", "SearchDICOMSeries 1.2 -"),
        ("studies/1.2/instances", "SearchDICOMInstances 1.2 -"),
        (
            "studies/1.2/series/1.3/instances",
            "SearchDICOMInstances 1.2 1.3",
        ),
        (
            "studies/1.2/series/1.3/metadata",
            "GetDICOMSeriesMetadata 1.2 1.3",
        ),
        (
            "studies/1.2/series/1.3/instances/1.4",
            "GetDICOMInstance 1.2 1.3",
        ),
        (
            "studies/1.2/series/1.3/instances/1.4/metadata",
            "GetDICOMInstanceMetadata 1.2 1.3",
        ),
        (
            "studies/1.2/series/1.3/instances/1.4/frames/1,2",
            "GetDICOMInstanceFrames 1.2 1.3",
        ),
        (
            "studies/1.2/series/1.3/instances/1.4/bulkdata/abc",
            "GetDICOMBulkdata 1.2 1.3",
        ),
    ] {
        assert_eq!(read(path).as_deref(), Ok(expected), "{path}");
    }
}

#[test]
fn what_the_service_has_not_is_no_operation() {
    for path in [
        "",
        "patients",
        "studies/",
        "studies/1.2",
        "studies/1.2/metadata",
        "studies/1.2/rendered",
        "studies/1.2/thumbnail",
        "studies/1.2/series/1.3",
        "studies/1.2/series/1.3/rendered",
        "studies/1.2/series/1.3/thumbnail",
        "studies/1.2/series/1.3/instances/1.4/rendered",
        "studies/1.2/series/1.3/instances/1.4/thumbnail",
        "studies/1.2/series/1.3/instances/1.4/frames",
        "studies/1.2/series/1.3/instances/1.4/frames/1/rendered",
        "studies/1.2/series/1.3/instances/1.4/bulkdata",
        "series/1.3/instances",
        "series/1.3/metadata",
    ] {
        assert_eq!(read(path), Err(404), "{path}");
    }
    for path in [
        "studies/x/series",
        "studies/1.2/series/undefined/metadata",
        "studies/1.2/series/1.3/instances/1..4",
    ] {
        assert_eq!(read(path), Err(400), "{path}");
    }
}

#[test]
fn the_image_set_is_named_once_at_most() {
    let id = "a".repeat(32);
    assert_eq!(image_set(""), Ok(None));
    assert_eq!(
        image_set(&format!("imageSetId={id}")),
        Ok(Some(id.as_str()))
    );
    assert!(image_set(&format!("imageSetId={id}&imageSetId={id}")).is_err());
    assert!(image_set("imageSetId=short").is_err());
    assert!(image_set("token=x").is_err());
}
