//! What is asked of any bytes as a path. Run by `corpora.rs` beside this
//! folder and by the fuzz target of the same name.

use frames_edge::operation::{Kind, Operation, Served};

/// Any bytes as a path: what is served has one spelling, the service's own.
pub(crate) fn paths(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    queries(&text);
    for bits in 0_u8..8 {
        let [dicomweb, metadata, reads] = [1, 2, 4].map(|bit| bits & bit != 0);
        let served = Served {
            dicomweb,
            metadata,
            reads,
        };
        let Ok(operation) = Operation::parse(&text, served) else {
            continue;
        };
        let path = operation.path();
        assert!(dicomweb || !operation.kind().is_dicomweb(), "{text:?}");
        assert!(
            metadata || operation.kind() != Kind::ImageSetMetadata,
            "{text:?}"
        );
        assert!(!operation.kind().methods(served).is_empty());
        let plain =
            |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'.' | b',' | b'-' | b'_');
        assert!(path.bytes().all(plain), "{path:?}");
        for hop in ["//", "/./", "..", "/,"] {
            assert!(!path.contains(hop), "{hop} in {path:?}");
        }
        assert!(path.len() < 2048, "{} bytes", path.len());
        assert_eq!(resource(&operation), path, "from {text:?}");
        let again = Operation::parse(path, served);
        assert_eq!(again.as_ref(), Ok(&operation), "from {text:?}");
    }
}

/// The same bytes as a query, and as what follows a path's `?`: a version in one spelling,
/// or none, or a refusal.
fn queries(text: &str) {
    let all = Served {
        dicomweb: true,
        metadata: true,
        reads: true,
    };
    let set = "0".repeat(32);
    let path = format!("/datastore/{set}/imageSet/{set}/getImageSetMetadata");
    let metadata = Operation::parse(&path, all).unwrap();
    let after = text.split_once('?').map_or("", |(_, query)| query);
    for query in [text, after] {
        let Ok(settled) = metadata.settled(query) else {
            assert!(
                query.contains("version") || query.contains('%'),
                "{query:?}"
            );
            continue;
        };
        let settled = settled.unwrap();
        if let Some(version) = settled.strip_prefix("version=") {
            let number: u32 = version.parse().unwrap();
            assert!(number > 0 && number.to_string() == version, "{query:?}");
        } else {
            assert_eq!(settled, "", "{query:?}");
        }
        assert_eq!(metadata.settled(&settled), Ok(Some(settled)), "{query:?}");
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
        Kind::ImageSetMetadata => "getImageSetMetadata".to_owned(),
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
