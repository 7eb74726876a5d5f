//! `delivery.metadata`: an image set's metadata through the compiled edge. What is in it is
//! held against the files in `dicom.rs`; AWS's own SDKs read it in `sdks.rs`.

use crate::support::dev::{Dev, Reply, bearer, native_path};
use crate::support::frames::Project;
use flate2::read::GzDecoder;
use serde_json::{Value, json};

const STORE: &str = "12345678901234567890123456789012";

fn edge(delivery: &str, row: &str) -> Dev {
    Dev::start(
        &Project::new(&format!(
            "service: x
auth: {{mode: oidc, issuer: 'https://issuer.example', audience: a}}
iam: {{allow: [{{datastore: {STORE}{row}}}]}}
delivery: {delivery}
"
        )),
        &[],
    )
}

fn path(dev: &Dev) -> String {
    native_path(dev).replace("getImageFrame", "getImageSetMetadata")
}

fn post(dev: &Dev, path: &str, query: &str, headers: &[(&str, &str)]) -> Reply {
    let url = format!("{}{path}{query}", dev.url());
    dev.request("POST", &url, headers, Some(""))
}

/// A token, and the origin of a page.
fn good(dev: &Dev, query: &str) -> Reply {
    let token = bearer(dev.token());
    let headers = [
        ("Authorization", token.as_str()),
        ("Origin", "https://viewer.example"),
    ];
    post(dev, &path(dev), query, &headers)
}

fn document(reply: &Reply) -> Value {
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!(reply.header("content-encoding"), "gzip");
    serde_json::from_reader(GzDecoder::new(&*reply.body)).unwrap()
}

#[test]
fn it_comes_as_it_was_compressed_and_is_never_kept() {
    let dev = edge("{metadata: true}", "");
    let first = good(&dev, "");
    assert_eq!(first.status, 200, "{}", first.text());
    let read = document(&first);
    assert_eq!(read["DatastoreID"], STORE);
    assert_eq!(read["ImageSetID"], dev.ready["frame"]["imageSetId"]);
    for reply in [good(&dev, ""), good(&dev, "?version=1&token=x")] {
        assert_eq!(document(&reply), read);
        assert_eq!(reply.header("x-cache"), "Miss from cloudfront");
        assert_eq!(reply.header("cache-control"), "private, no-store");
        assert_eq!(reply.header("access-control-allow-origin"), "*");
    }
    let other = good(&dev, "?version=2");
    assert_eq!(other.status, 404);
    assert_eq!(
        other.header("x-amzn-errortype"),
        "ResourceNotFoundException"
    );
}

#[test]
fn a_version_has_one_spelling_and_the_path_one_method() {
    let dev = edge("{metadata: true}", "");
    // What isn't `version` doesn't go on, and so the latest version is answered.
    for query in [
        "?%76ersion=%31",
        "?Version=9",
        "?version%5B%5D=9&x=1",
        "?%2576ersion=9",
    ] {
        assert_eq!(good(&dev, query).status, 200, "{query}");
    }
    for query in [
        "?version=01",
        "?version=0",
        "?version=-1",
        "?version=",
        "?version=18446744073709551616",
        "?version=1&version=1",
        "?version=1&%76ersion=2",
        "?version=1;x=2",
    ] {
        let reply = good(&dev, query);
        assert_eq!(reply.status, 400, "{query}: {}", reply.text());
        assert_eq!(reply.text().trim(), r#"{"error":"invalid_request"}"#);
        assert_eq!(post(&dev, &path(&dev), query, &[]).status, 401, "{query}");
    }
    let token = bearer(dev.token());
    let headers = [("Authorization", token.as_str())];
    for method in ["GET", "HEAD", "PUT", "DELETE"] {
        let url = format!("{}{}", dev.url(), path(&dev));
        let reply = dev.request(method, &url, &headers, None);
        assert_eq!(reply.status, 405, "{method}");
        assert_eq!(reply.header("allow"), "POST, OPTIONS", "{method}");
    }
    let url = format!("{}{}", dev.url(), path(&dev));
    let reply = dev.request("POST", &url, &headers, Some("{}"));
    assert_eq!(reply.status, 400);
    assert!(reply.text().contains("unexpected_body"), "{}", reply.text());
}

#[test]
fn where_it_is_off_its_path_is_as_unknown_as_any() {
    for delivery in ["{}", "{metadata: false}", "{dicomweb: true}"] {
        let dev = edge(delivery, "");
        let token = bearer(dev.token());
        let unknown = path(&dev).replace("getImageSetMetadata", "getImageSet");
        for headers in [&[("Authorization", token.as_str())][..], &[]] {
            for query in ["", "?version=1", "?version=01"] {
                let [off, other] = [&path(&dev), &unknown].map(|path| {
                    let reply = post(&dev, path, query, headers);
                    (reply.status, reply.text())
                });
                assert_eq!(off.0, 404, "{delivery} {query}");
                assert_eq!(off, other, "{delivery} {query}");
                assert!(!off.1.contains("Metadata"), "{}", off.1);
            }
        }
    }
}

#[test]
fn it_is_served_of_what_iam_allow_lists() {
    let set = "11111111111111111111111111111111";
    let dev = edge("{metadata: true}", &format!(", imageSets: [{set}]"));
    let listed = good(&dev, "");
    assert_eq!(listed.status, 200, "{}", listed.text());
    assert_eq!(document(&listed)["ImageSetID"], json!(set));
    let token = bearer(dev.token());
    let headers = [("Authorization", token.as_str())];
    for (listed, other) in [(set, "2".repeat(32)), (STORE, "3".repeat(32))] {
        let path = path(&dev).replace(listed, &other);
        let reply = post(&dev, &path, "", &headers);
        assert_eq!(reply.status, 403, "{path}");
        assert_eq!(reply.text().trim(), r#"{"error":"forbidden"}"#);
    }
    // Native reads can't be limited to studies, so there are none.
    let studies = edge("{metadata: true, dicomweb: true}", ", studies: [1.2.3]");
    assert_eq!(good(&studies, "").status, 403);
}
