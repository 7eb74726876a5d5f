//! What is asked of any bytes as a path. Run by `corpora.rs` beside this
//! folder and by the fuzz target of the same name.

use frames_edge::operation::{Kind, Operation};

/// Any bytes as a path: what is served has one spelling, the service's own.
pub(crate) fn paths(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for dicomweb in [false, true] {
        let Ok(operation) = Operation::parse(&text, dicomweb) else {
            continue;
        };
        let path = operation.path();
        assert!(dicomweb || !operation.kind().is_dicomweb(), "{text:?}");
        assert!(!operation.kind().methods().is_empty());
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'.' | b',');
        assert!(path.bytes().all(plain), "{path:?}");
        for hop in ["//", "/./", "..", "/,"] {
            assert!(!path.contains(hop), "{hop} in {path:?}");
        }
        assert!(path.len() < 2048, "{} bytes", path.len());
        assert_eq!(resource(&operation), path, "from {text:?}");
        let again = Operation::parse(path, dicomweb);
        assert_eq!(again.as_ref(), Ok(&operation), "from {text:?}");
    }
}

/// The path, written anew from the ids; what an instance is asked for comes last.
fn resource(operation: &Operation) -> String {
    let store = format!("/datastore/{}", operation.datastore());
    let uids = [operation.study(), operation.series(), operation.instance()];
    let named = (operation.kind(), operation.image_set(), uids);
    let last = operation.path().rsplit('/').next().unwrap();
    match named {
        (Kind::GetImageFrame, Some(set), [None, None, None]) => {
            format!("{store}/imageSet/{set}/getImageFrame")
        }
        (Kind::DicomInstance, None, [Some(study), Some(series), Some(instance)]) => {
            let whole = format!("{store}/studies/{study}/series/{series}/instances/{instance}");
            match operation.path().split('/').count() {
                9 => whole,
                10 => format!("{whole}/metadata"),
                _ => format!("{whole}/frames/{last}"),
            }
        }
        (Kind::DicomSearch, None, [None, None, None]) => format!("{store}/{last}"),
        other => panic!("{other:?} of {}", operation.path()),
    }
}
