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
        let plain =
            |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'.' | b',' | b'-' | b'_');
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
    let mut parts = vec![format!("/datastore/{}", operation.datastore())];
    if let Some(set) = operation.image_set() {
        parts.push(format!("imageSet/{set}"));
    }
    let uids = [operation.study(), operation.series(), operation.instance()];
    for (level, uid) in ["studies", "series", "instances"].into_iter().zip(uids) {
        parts.extend(uid.map(|uid| format!("{level}/{uid}")));
    }
    let last = operation.path().rsplit('/').next().unwrap();
    let what = match operation.kind() {
        Kind::ImageFrame => "getImageFrame".to_owned(),
        Kind::Studies => "studies".to_owned(),
        Kind::Series => "series".to_owned(),
        Kind::Instances => "instances".to_owned(),
        Kind::SeriesMetadata | Kind::InstanceMetadata => "metadata".to_owned(),
        Kind::InstanceFrames => format!("frames/{last}"),
        Kind::Bulkdata => format!("bulkdata/{last}"),
        Kind::Instance => return parts.join("/"),
    };
    parts.push(what);
    parts.join("/")
}
