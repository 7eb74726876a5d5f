//! DICOMweb as programs ask for it: every read operation of dicomweb-client for Python
//! and for JavaScript, by its own defaults and with a token, through the compiled edge.
//!
//! HealthImaging itself isn't asked: the stand-in answers as AWS's pages say.

use crate::support::dev::{CT, CT_INSTANCE, CT_PIXELS, CT_SERIES, CT_STUDY, Dev, Reply};
use crate::support::dicom::File;
use crate::support::frames::Project;
use crate::support::peers::{node_modules, pydicom};
use crate::support::root;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::io::Write;
use std::process::{Command, Stdio};

const STUDY: &str = "compiler/emulator/data/study";

/// Larger than what metadata have in themselves.
const LARGE: usize = 1024 * 1024 + 2;
const LARGE_UIDS: [&str; 3] = ["1.2.3", "1.2.3.1", "1.2.3.1.1"];

const OIDC: &str = "service: x
auth: {mode: oidc, issuer: 'https://issuer.example', audience: a}
";

/// `frames dev` with the built-in study and an instance that has a large value, as a user's own files.
struct Store {
    dev: Dev,
    _project: Project,
}

impl Store {
    fn start(more: &str) -> Self {
        let project = Project::new(&format!("{OIDC}{more}delivery: {{dicomweb: true}}\n"));
        let images = project.path().join("images");
        std::fs::create_dir(&images).unwrap();
        for file in std::fs::read_dir(root().join(STUDY)).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), images.join(file.file_name())).unwrap();
        }
        std::fs::write(images.join("large.dcm"), with_a_large_value()).unwrap();
        let dev = Dev::start(&project, &["--dicom", images.to_str().unwrap()]);
        Self {
            dev,
            _project: project,
        }
    }

    fn datastore(&self) -> &str {
        self.dev.ready["frame"]["datastoreId"].as_str().unwrap()
    }

    fn root(&self) -> String {
        format!("{}/datastore/{}", self.dev.url(), self.datastore())
    }

    fn ask(&self, method: &str, path: &str, accept: &str) -> Reply {
        let authorization = format!("Bearer {}", self.dev.token());
        let headers = [
            ("Authorization", authorization.as_str()),
            ("Accept", accept),
        ];
        let url = format!("{}/{path}", self.root());
        self.dev.request(method, &url, &headers, None)
    }

    fn json(&self, path: &str) -> Value {
        let reply = self.ask("GET", path, "application/dicom+json");
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        assert_eq!(reply.header("content-type"), "application/dicom+json");
        serde_json::from_slice(&reply.body).unwrap()
    }

    /// Where the large value is, below the data store.
    fn bulk(&self) -> String {
        let metadata = self.json(&format!("{}/metadata", path(LARGE_UIDS)));
        let uri = metadata[0]["00451026"]["BulkDataURI"].as_str().unwrap();
        let host = "https://dicom-medical-imaging.us-east-1.amazonaws.com";
        let root = format!("{host}/datastore/{}/", self.datastore());
        uri.strip_prefix(&root).unwrap().to_owned()
    }

    /// What a client is asked to ask for.
    fn wishes(&self) -> Value {
        let instances = self.json("instances");
        let instances = instances.as_array().unwrap();
        let cine = instances
            .iter()
            .find(|found| found["00280008"]["Value"][0].as_u64() > Some(3));
        let cine = ["0020000D", "0020000E", "00080018"]
            .map(|name| cine.unwrap()[name]["Value"][0].clone());
        json!({"study": CT_STUDY, "series": CT_SERIES, "instance": CT_INSTANCE,
               "name": "compressed", "cine": cine, "bulk": self.bulk()})
    }
}

fn path([study, series, instance]: [&str; 3]) -> String {
    format!("studies/{study}/series/{series}/instances/{instance}")
}

fn ct() -> String {
    path([CT_STUDY, CT_SERIES, CT_INSTANCE])
}

/// An instance with an element that is too large for its metadata.
pub fn with_a_large_value() -> Vec<u8> {
    let [study, series, instance] = LARGE_UIDS.map(str::as_bytes);
    File::new()
        .with(0x0008, 0x0016, b"UI", b"1.2.840.10008.5.1.4.1.1.66")
        .with(0x0008, 0x0018, b"UI", instance)
        .with(0x0010, 0x0010, b"PN", b"Large^Value")
        .with(0x0020, 0x000D, b"UI", study)
        .with(0x0020, 0x000E, b"UI", series)
        .with(0x0045, 0x0010, b"LO", b"FRAMES")
        .with(0x0045, 0x1026, b"OB", &large_value())
        .bytes()
}

pub fn large_value() -> Vec<u8> {
    (0..LARGE).map(|at| (at % 251) as u8).collect()
}

pub fn digest(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// What a client got, by operation.
pub fn run(command: &mut Command, wishes: &Value) -> Value {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(wishes.to_string().as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {errors}"))
}

/// JavaScript has one kind of numbers, and writes 1.0 as 1.
fn alike(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(values) => values.iter().map(alike).collect(),
        Value::Object(members) => {
            let members = members.iter();
            Value::Object(
                members
                    .map(|(name, value)| (name.clone(), alike(value)))
                    .collect(),
            )
        }
        other => other.clone(),
    }
}

/// Compares what a client got with what plain requests get.
struct Compared {
    store: Store,
    got: Value,
    seen: Vec<String>,
}

impl Compared {
    fn is(&mut self, operation: &str, expected: Value) {
        let got = alike(&self.got[operation]["value"]);
        let error = &self.got[operation]["error"];
        // Metadata would fill screens.
        assert!(got == alike(&expected), "{operation} differs: {error}");
        self.seen.push(operation.to_owned());
    }

    fn is_answer(&mut self, operation: &str, path: &str) {
        let expected = self.store.json(path);
        self.is(operation, expected);
    }

    /// Without a status it is the client that doesn't understand the answer.
    fn fails(&mut self, operation: &str, status: Option<u16>, why: &str) {
        let got = &self.got[operation];
        assert_eq!(got["status"], json!(status), "{operation}: {got}");
        let error = got["error"].as_str().unwrap();
        assert!(error.contains(why), "{operation}: {error}");
        self.seen.push(operation.to_owned());
    }

    /// No operation of the script goes without a look.
    fn end(mut self) {
        let mut all: Vec<&String> = self.got.as_object().unwrap().keys().collect();
        all.sort_unstable();
        self.seen.sort_unstable();
        assert_eq!(all, self.seen.iter().collect::<Vec<_>>());
    }

    fn searches(&mut self) {
        let above = format!("studies/{CT_STUDY}");
        let filtered = format!(
            "studies?PatientName=compressed&fuzzymatching=true&includefield=StudyDescription,00080062&StudyInstanceUID={CT_STUDY}"
        );
        for (operation, path) in [
            ("studies", "studies"),
            ("studies, filtered", &filtered),
            ("series", &format!("{above}/series")),
            ("series, all", "series"),
            (
                "instances",
                &format!("{above}/series/{CT_SERIES}/instances"),
            ),
            ("instances of the study", &format!("{above}/instances")),
            ("instances, all", "instances"),
            (
                "series metadata",
                &format!("{above}/series/{CT_SERIES}/metadata"),
            ),
        ] {
            self.is_answer(operation, path);
        }
        let filtered = self.got["studies, filtered"]["value"].as_array().unwrap();
        assert_eq!(
            filtered.len(),
            1,
            "the name was found without regard to case"
        );
        assert!(filtered[0].get("00080062").is_some(), "{filtered:?}");
    }

    /// The digests of the three frames of the cine instance that were asked for.
    fn cine(&self) -> Value {
        let wishes = self.store.wishes();
        let ids = [0, 1, 2].map(|at| wishes["cine"][at].as_str().unwrap().to_owned());
        let frame = |number: u32| {
            let path = format!(
                "{}/frames/{number}",
                path(ids.each_ref().map(String::as_str))
            );
            let reply = self.store.ask("GET", &path, "application/octet-stream");
            assert_eq!(reply.status, 200, "{}", reply.text());
            digest(&reply.body)
        };
        let all = [3, 1, 2].map(frame);
        assert!(all[0] != all[1] && all[1] != all[2], "frames that differ");
        json!(all)
    }
}

#[test]
fn the_python_client_reads_what_healthimaging_has() {
    let store = Store::start("");
    let mut command = Command::new(pydicom());
    command
        .args(["-W", "ignore"])
        .arg(root().join("tests/peers/dicomweb.py"))
        .args([&store.root(), store.dev.token()]);
    let got = run(&mut command, &store.wishes());
    let mut compared = Compared {
        store,
        got,
        seen: Vec::new(),
    };
    compared.searches();
    compared.is_answer("studies, all pages", "studies");
    compared.is_answer(
        "series, filtered",
        &format!("studies/{CT_STUDY}/series?SeriesInstanceUID={CT_SERIES}"),
    );
    // It takes the only object out of the list.
    let metadata = compared.store.json(&format!("{}/metadata", ct()));
    compared.is("instance metadata", metadata[0].clone());
    let pixels = json!([digest(CT_PIXELS)]);
    for operation in [
        "frames",
        "frames, iterated",
        "frames, octets",
        "frames, explicit",
    ] {
        compared.is(operation, pixels.clone());
    }
    let cine = compared.cine();
    compared.is("frames, several", cine);
    compared.is("instance", json!([CT_INSTANCE]));
    // HealthImaging's bulk data come without a multipart, which this client insists on.
    for operation in ["bulk data", "bulk data, iterated"] {
        compared.fails(operation, None, "Expected \"multipart/related\"");
    }
    // What HealthImaging hasn't.
    for operation in [
        "study metadata",
        "study",
        "study, iterated",
        "series whole",
        "series whole, iterated",
        "series rendered",
        "instance rendered",
        "frames rendered",
    ] {
        compared.fails(operation, Some(404), "404");
    }
    compared.end();
}

#[test]
fn the_javascript_client_reads_what_healthimaging_has() {
    let store = Store::start("");
    let mut command = Command::new("node");
    command
        .arg(root().join("tests/peers/dicomweb.mjs"))
        .arg(node_modules())
        .args([&store.root(), store.dev.token()]);
    let got = run(&mut command, &store.wishes());
    let mut compared = Compared {
        store,
        got,
        seen: Vec::new(),
    };
    compared.searches();
    compared.is_answer("instance metadata", &format!("{}/metadata", ct()));
    compared.is("frames", json!([digest(CT_PIXELS)]));
    compared.is("frames, as stored", json!([digest(CT)]));
    let cine = compared.cine();
    compared.is("frames, several", cine);
    let whole = compared.store.ask("GET", &ct(), "application/dicom");
    compared.is("instance", json!(digest(&whole.body)));
    compared.is("bulk data", json!([digest(&large_value())]));
    for operation in [
        "study metadata",
        "study",
        "series whole",
        "instance rendered",
        "instance thumbnail",
        "frames rendered",
        "frames thumbnail",
    ] {
        compared.fails(operation, Some(404), "request failed");
    }
    compared.end();
}

#[test]
fn each_kind_of_path_is_answered_in_its_form_and_cached_or_not() {
    let store = Store::start("");
    let above = format!("studies/{CT_STUDY}/series/{CT_SERIES}");
    let json = "application/dicom+json";
    let bulk = store.bulk();
    // A viewer may ask for the types of frames everywhere (OHIF/Viewers#5442).
    let odd = "multipart/related; type=\"application/octet-stream\", image/jpeg";
    for (path, media, cached) in [
        ("studies?limit=1", json, false),
        ("series?Modality=CT", json, false),
        ("instances?limit=3&offset=1", json, false),
        (&format!("studies/{CT_STUDY}/series"), json, false),
        (&format!("studies/{CT_STUDY}/instances"), json, false),
        (&format!("{above}/instances"), json, false),
        (&format!("{above}/metadata"), json, true),
        (&format!("{}/metadata", ct()), json, true),
        (&bulk, "application/octet-stream", true),
        (
            &ct(),
            "application/dicom; transfer-syntax=1.2.840.10008.1.2.1",
            true,
        ),
        (&format!("{}/frames/1", ct()), "multipart/related", true),
    ] {
        let first = store.ask("GET", path, odd);
        assert_eq!(first.status, 200, "{path}: {}", first.text());
        let content_type = first.header("content-type");
        assert!(content_type.starts_with(media), "{path}: {content_type}");
        let second = store.ask("GET", path, odd);
        let hit = second.header("x-cache").starts_with("Hit");
        assert_eq!(hit, cached, "{path}: {}", second.header("x-cache"));
        assert!(second.body == first.body, "{path}");
        let head = store.ask("HEAD", path, odd);
        assert_eq!(head.status, 200, "{path}");
        assert!(head.body.is_empty(), "{path}");
        assert_eq!(head.header("content-type"), content_type, "{path}");
    }
    let reply = store.ask("GET", &bulk, "*/*");
    assert!(reply.body == large_value());
    assert_eq!(store.json("studies?PatientID=nobody"), json!([]));
    assert_eq!(
        store
            .json("studies?limit=1&offset=1")
            .as_array()
            .unwrap()
            .len(),
        1
    );
    for (path, status, class) in [
        ("studies?limit=1001".to_owned(), 400, "ValidationException"),
        ("studies?Modality=CT".to_owned(), 400, "ValidationException"),
        (
            format!("{above}1/metadata"),
            404,
            "ResourceNotFoundException",
        ),
        (
            format!("{}/frames/2", ct()),
            404,
            "ResourceNotFoundException",
        ),
        (
            format!("{}/metadata?imageSetId={}", ct(), "0".repeat(32)),
            404,
            "ResourceNotFoundException",
        ),
    ] {
        let reply = store.ask("GET", &path, "*/*");
        assert_eq!(reply.status, status, "{path}: {}", reply.text());
        assert_eq!(reply.header("x-amzn-errortype"), class, "{path}");
    }
    let refused = store.ask("GET", &format!("{}/frames/1", ct()), "text/html");
    assert_eq!(refused.status, 406, "{}", refused.text());
    for path in [
        "studies/1.2/metadata",
        "studies/1.2/series/1.3/rendered",
        "patients",
    ] {
        assert_eq!(store.ask("GET", path, "*/*").status, 404, "{path}");
    }
}

#[test]
fn a_host_may_lack_the_port_but_not_be_anothers() {
    let store = Store::start("");
    let authorization = format!("Bearer {}", store.dev.token());
    let url = format!("{}/studies?limit=1", store.root());
    for (host, status) in [
        ("127.0.0.1", 200),
        ("localhost", 200),
        ("127.0.0.1:1", 403),
        ("evil.example", 403),
    ] {
        let headers = [("Authorization", authorization.as_str()), ("Host", host)];
        let reply = store.dev.request("GET", &url, &headers, None);
        assert_eq!(reply.status, status, "{host}: {}", reply.text());
    }
}

#[test]
fn a_row_with_studies_allows_searches_inside_of_these_only() {
    let store = Store::start(&format!(
        "iam: {{allow: [{{datastore: 12345678901234567890123456789012, studies: ['{CT_STUDY}']}}]}}\n"
    ));
    let above = format!("studies/{CT_STUDY}");
    for path in [
        &format!("{above}/series"),
        &format!("{above}/instances"),
        &format!("{above}/series/{CT_SERIES}/instances"),
        &format!("{above}/series/{CT_SERIES}/metadata"),
        &format!("{}/frames/1", ct()),
    ] {
        let reply = store.ask("GET", path, "*/*");
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    }
    let [study, series, _] = LARGE_UIDS;
    for path in [
        "studies",
        "series",
        "instances",
        &format!("studies/{study}/series"),
        &format!("studies/{study}/series/{series}/metadata"),
        &format!("{}/metadata", path(LARGE_UIDS)),
    ] {
        let reply = store.ask("GET", path, "*/*");
        assert_eq!(reply.status, 403, "{path}: {}", reply.text());
    }
}
