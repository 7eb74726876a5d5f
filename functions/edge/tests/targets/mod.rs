//! What is asked of any bytes as a path. Run by `corpora.rs` beside this
//! folder and by the fuzz target of the same name.

use frames_edge::Operation;

/// Any bytes as a path: what is served has one spelling, the service's own.
pub fn paths(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for dicomweb in [false, true] {
        let Ok((operation, path)) = Operation::parse(&text, dicomweb) else {
            continue;
        };
        assert!(dicomweb || !operation.is_dicomweb(), "{text:?}");
        assert!(!operation.methods().is_empty());
        assert!(path.starts_with("/datastore/"), "{path:?}");
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'.' | b',');
        assert!(path.bytes().all(plain), "{path:?}");
        for hop in ["//", "/./", "..", "/,"] {
            assert!(!path.contains(hop), "{hop} in {path:?}");
        }
        assert!(path.len() < 2048, "{} bytes", path.len());
        let again = Operation::parse(&path, dicomweb);
        assert_eq!(again, Ok((operation, path)), "from {text:?}");
    }
}
