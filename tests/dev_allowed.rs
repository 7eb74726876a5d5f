//! `frames dev` serves what `iam.allow` lists, and nothing else.

use crate::support::dev::{CT, Dev, dicomweb_path, get_frame, native_path, send};
use crate::support::frames::Project;
use crate::support::process::shell;
use serde_json::{Value, json};

/// Two data stores; of the first, one image set only.
const LIMITED: &str = "service: x
auth: {mode: none}
iam:
  allow:
    - datastore: dddddddddddddddddddddddddddddddd
      imageSets: [11111111111111111111111111111111]
    - datastore: eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee
delivery: {dicomweb: true}
";

#[test]
fn the_signer_reads_what_the_manifest_allows_and_nothing_else() {
    let dev = Dev::start(&Project::new(LIMITED), &[]);
    let path = native_path(&dev);
    assert_eq!(
        path,
        format!(
            "/datastore/{}/imageSet/{}/getImageFrame",
            "d".repeat(32),
            "1".repeat(32)
        )
    );
    let page = dev.ready["page"].as_str().unwrap();
    assert!(page.len() < 60, "{page}");
    let (page, key) = page.split_once('#').unwrap();
    let values =
        |key: &str| send("GET", &format!("{page}values"), &[("X-Key", key)], None).unwrap();
    assert_eq!(values("").status, 403);
    let values = values(key);
    assert_eq!(values.status, 200);
    let values: Value = serde_json::from_slice(&values.body).unwrap();
    assert_eq!(
        (&values["datastore"], &values["imageSet"], &values["token"]),
        (
            &json!("d".repeat(32)),
            &json!("1".repeat(32)),
            &dev.ready["token"]
        )
    );
    let reply = get_frame(&dev, &[], "");
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(reply.body == CT);
    let body = json!({"imageFrameId": dev.ready["frame"]["imageFrameId"]}).to_string();
    for (what, other) in [
        (
            "another image set",
            path.replace(&"1".repeat(32), &"2".repeat(32)),
        ),
        (
            "another data store",
            path.replace(&"d".repeat(32), &"f".repeat(32)),
        ),
    ] {
        let url = format!("{}{other}", dev.url());
        let reply = dev.request("POST", &url, &[], Some(&body));
        assert_eq!(reply.status, 403, "{what}: {}", reply.text());
        // By the authorizer: what isn't listed isn't served from the cache either.
        assert_eq!(reply.text().trim(), r#"{"error":"forbidden"}"#, "{what}");
    }
    // DICOMweb is granted by the data store, and this one isn't whole.
    let dicomweb = |path: &str| {
        let url = format!("{}{path}", dev.url());
        dev.request("GET", &url, &[], None).status
    };
    assert_eq!(dicomweb(&dicomweb_path(&dev)), 403);
    let whole = dicomweb_path(&dev).replace(&"d".repeat(32), &"e".repeat(32));
    assert_eq!(dicomweb(&whole), 404, "allowed, and not there");
}

#[test]
fn with_nothing_allowed_the_line_is_printed_and_refused() {
    let project = Project::new("service: x\nauth: {mode: none}\niam: {allow: []}\n");
    let dev = Dev::start_human(&project, &[]);
    let line = dev.line_starting("curl ");
    let output = shell(&line, project.path());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("403"), "{said}");
    let stderr = dev.stderr();
    assert!(
        stderr.contains("403") && stderr.contains("iam.allow"),
        "{stderr}"
    );
}

#[test]
fn an_account_is_not_opened_to_everybody() {
    let project = Project::new("service: x\nauth: {mode: none}\n");
    let run = project.frames(&["dev", "--port", "0", "--origin", "aws"]);
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(
        run.stderr.contains("auth.mode: none") && run.stderr.contains("help"),
        "{run:#?}"
    );
}
