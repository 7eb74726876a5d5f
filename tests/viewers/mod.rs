//! Real viewers on the compiled delivery, with nothing but configuration: OHIF as npm has it and
//! Cornerstone3D in a real Chromium, the clients in Python and JavaScript, curl. Each block of
//! docs/viewers.md is run as it stands there, but for the endpoint, the data store and the token.

mod departments;
mod ohif;
mod page;
mod served;

use crate::support::dev::{Dev, bearer};
use crate::support::frames::Project;
use crate::support::read;
use crate::support::viewer::{Asked, Shown, Viewer};
use serde_json::Value;

const STORE: &str = "12345678901234567890123456789012";

/// Explicit VR Little Endian: pixels as they are.
const RAW: &str =
    "multipart/related; type=application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1";

/// Only pages of these origins may read, and only those of the group.
fn manifest(origins: &str) -> String {
    format!(
        "service: x
auth: {{mode: oidc, issuer: 'https://issuer.example', audience: a, groups: [radiology], groupsClaim: groups}}
iam: {{allow: [{{datastore: '{STORE}'}}]}}
delivery: {{dicomweb: true, cors: {{origins: ['{origins}']}}}}
"
    )
}

fn ohif(origins: &str) -> Dev {
    Dev::start(&Project::new(&manifest(origins)), &["--ohif"])
}

fn address(dev: &Dev) -> &str {
    dev.ready["ohif"].as_str().unwrap()
}

/// A study of the stand-in's data store, as its search finds it.
struct Study {
    uid: String,
    patient: String,
    series: Vec<String>,
}

fn json_of(dev: &Dev, path: &str) -> Value {
    let url = format!("{}/datastore/{STORE}{path}", dev.url());
    let headers = [
        ("Authorization", bearer(dev.token())),
        ("Accept", "application/dicom+json".to_owned()),
    ];
    let headers = headers
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let reply = dev.request("GET", &url, &headers, None);
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    serde_json::from_slice(&reply.body).unwrap()
}

fn value(of: &Value, tag: &str) -> String {
    let value = &of[tag]["Value"][0];
    let value = value.get("Alphabetic").unwrap_or(value);
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn studies(dev: &Dev) -> Vec<Study> {
    let found = json_of(dev, "/studies");
    let found = found.as_array().unwrap().iter();
    found
        .map(|study| {
            let uid = value(study, "0020000D");
            let series = json_of(dev, &format!("/studies/{uid}/series"));
            let series = series.as_array().unwrap().iter();
            Study {
                patient: value(study, "00100010"),
                series: series.map(|series| value(series, "0020000E")).collect(),
                uid,
            }
        })
        .collect()
}

/// The study with several series, one of which has slices to scroll through.
fn large(studies: &[Study]) -> &Study {
    studies.iter().find(|study| study.series.len() > 1).unwrap()
}

/// A slice's pixels, with slope and intercept applied, without any viewer: as the delivery
/// has them uncompressed. `/frames/n` leads to the metadata of its instance.
fn pixels(dev: &Dev, frame: &str) -> Vec<f64> {
    let authorization = bearer(dev.token());
    let headers = [("Authorization", authorization.as_str()), ("Accept", RAW)];
    let reply = dev.request("GET", frame, &headers, None);
    assert_eq!(reply.status, 200, "{frame}: {}", reply.text());
    let part = only_part(reply.header("content-type"), &reply.body);
    let (path, _) = frame.split_once("/frames/").unwrap();
    let (_, path) = path.split_once(STORE).unwrap();
    let metadata = json_of(dev, &format!("{path}/metadata"));
    let metadata = metadata.get(0).unwrap_or(&metadata).clone();
    let number = |tag: &str, or: f64| {
        let value = &metadata[tag]["Value"][0];
        let text = value
            .as_str()
            .map(|text| text.trim().parse::<f64>().unwrap());
        value.as_f64().or(text).unwrap_or(or)
    };
    let (slope, intercept) = (number("00281053", 1.0), number("00281052", 0.0));
    let raw: Vec<f64> = match (
        number("00280100", 16.0) as u8,
        number("00280103", 0.0) as u8,
    ) {
        (8, _) => part.iter().map(|byte| f64::from(*byte)).collect(),
        (_, signed) => part
            .chunks_exact(2)
            .map(|two| {
                let two = [two[0], two[1]];
                match signed {
                    0 => f64::from(u16::from_le_bytes(two)),
                    _ => f64::from(i16::from_le_bytes(two)),
                }
            })
            .collect(),
    };
    raw.iter().map(|value| value * slope + intercept).collect()
}

/// Of a multipart body (RFC 2046, 5.1).
fn only_part<'a>(content_type: &str, body: &'a [u8]) -> &'a [u8] {
    let (_, boundary) = content_type.split_once("boundary=").unwrap();
    let boundary = boundary.split(';').next().unwrap().trim_matches('"');
    let find = |what: &[u8]| body.windows(what.len()).position(|part| part == what);
    let start = find(b"\r\n\r\n").unwrap() + 4;
    let end = find(format!("\r\n--{boundary}--").as_bytes()).unwrap();
    &body[start..end]
}

/// The slice is decoded to its pixels, and the canvas shows these, by the window.
fn is_the_slice(dev: &Dev, shown: &Shown) {
    let expected = pixels(dev, &shown.url);
    assert_eq!(
        expected.len() as u64,
        shown.rows * shown.columns,
        "{}",
        shown.url
    );
    assert!(shown.pixels == expected, "{} has other pixels", shown.url);
    assert!(shown.shades >= 24, "{} shades of grey", shown.shades);
    assert!(shown.points.len() > 500, "{}", shown.points.len());
    let mut off: Vec<i64> = shown
        .points
        .iter()
        .map(|(meant, is)| (meant - is).abs())
        .collect();
    off.sort_unstable();
    // A canvas' pixel isn't quite at the middle of the slice's.
    assert!(
        off[off.len() / 2] <= 2 && off[off.len() * 9 / 10] <= 8,
        "{off:?}"
    );
}

/// Nothing failed, and nobody but this machine was asked.
fn is_clean(viewer: &mut Viewer) -> Vec<Asked> {
    let (asked, errors) = viewer.log();
    assert_eq!(errors, [""; 0]);
    for request in &asked {
        // A font that was still on its way when the page was left for another.
        let given_up = request.status == 0 && request.url.ends_with(".woff2");
        assert!(
            given_up || (200..400).contains(&request.status),
            "{request:?}"
        );
        let local = ["http://127.0.0.1:", "http://localhost:"];
        assert!(
            local.iter().any(|host| request.url.starts_with(host)),
            "{request:?}"
        );
    }
    asked
}

/// What the edge answered since it was last asked.
fn answered(dev: &Dev) -> Vec<Value> {
    let end = format!("{}/end", dev.url());
    dev.request("GET", &end, &[], None);
    let lines = std::iter::from_fn(|| Some(dev.next_line()));
    lines.take_while(|line| line["path"] != "/end").collect()
}

/// The row of the study list with all of the patient's names.
fn row(patient: &str) -> String {
    let words = patient.split('^').filter(|word| !word.is_empty());
    let words: String = words.map(|word| format!(":has-text('{word}')")).collect();
    format!("tbody tr{words}")
}

/// The code blocks below a heading of docs/viewers.md, up to the next heading of its kind.
fn blocks(heading: &str, language: &str) -> Vec<String> {
    let page = read("docs/viewers.md");
    let (_, section) = page
        .split_once(&format!("\n{heading}\n"))
        .unwrap_or_else(|| panic!("docs/viewers.md has no {heading:?}"));
    let section = section.split("\n## ").next().unwrap();
    section
        .split(&format!("\n```{language}\n"))
        .skip(1)
        .map(|rest| rest.split_once("```").unwrap().0.to_owned())
        .collect()
}

/// The page's endpoint, data store and token become those of a run.
fn filled(block: &str, dev: &Dev, token: &str) -> String {
    assert!(
        block.contains("https://images.example.org/datastore/12345678901234567890123456789012")
    );
    block
        .replace("https://images.example.org", dev.url())
        .replace("TOKEN", token)
}
