//! Real viewers on the compiled delivery, with nothing but configuration: OHIF as npm has it and
//! Cornerstone3D in a real Chromium, the clients in Python and JavaScript, curl. Each block of
//! docs/viewers.md is run as it stands there, but for the endpoint, the data store and the token.

use crate::support::dev::{CT_PIXELS, Dev, bearer};
use crate::support::frames::{Project, Run};
use crate::support::golden::blessing;
use crate::support::peers::{bundle, peers};
use crate::support::viewer::{Asked, Shown, Viewer};
use crate::support::{read, root};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

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
        assert!((200..400).contains(&request.status), "{request:?}");
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

fn row(patient: &str) -> String {
    let name = patient.split('^').next().unwrap();
    format!("tbody tr:has-text('{name}')")
}

#[test]
fn ohif_opens_a_study_through_the_delivery() {
    let dev = ohif("https://viewer.example.org");
    let studies = studies(&dev);
    let study = large(&studies);
    let mut viewer = Viewer::start();
    viewer.open(address(&dev));
    for study in &studies {
        let row = viewer.text(&row(&study.patient));
        let words = study.patient.split('^').filter(|word| !word.is_empty());
        for word in words {
            assert!(row.contains(word), "{word}: {row}");
        }
    }
    viewer.screenshot("ohif-list.png");
    answered(&dev);

    viewer.click_twice(&row(&study.patient));
    viewer.reaches(&format!("StudyInstanceUIDs={}", study.uid));
    let first = viewer.drawn();
    is_the_slice(&dev, &first);
    viewer.screenshot("ohif-study.png");
    let mut seen = BTreeSet::from([first.url]);
    for _ in 0..11 {
        viewer.scroll();
        let next = viewer.drawn();
        is_the_slice(&dev, &next);
        assert!(seen.insert(next.url));
    }
    keep(&viewer.screenshot("ohif-scrolled.png"));
    let asked = is_clean(&mut viewer);
    let frames = asked
        .iter()
        .filter(|request| request.url.contains("/frames/"))
        .count();
    assert!(frames > 20, "{frames}");
    for line in answered(&dev) {
        assert!(line["status"].as_u64().unwrap() < 400, "{line}");
    }

    // Another browser: what isn't in its own cache is in the delivery's.
    viewer.open(address(&dev));
    viewer.click_twice(&row(&study.patient));
    is_the_slice(&dev, &viewer.drawn());
    let asked = is_clean(&mut viewer);
    let kept =
        |request: &&Asked| request.url.contains("/frames/") || request.url.ends_with("/metadata");
    let kept: Vec<&Asked> = asked.iter().filter(kept).collect();
    assert!(kept.len() > study.series.len(), "{kept:?}");
    for request in kept {
        assert_eq!(
            request.cache.as_deref(),
            Some("Hit from cloudfront"),
            "{request:?}"
        );
    }
}

/// The picture of README and docs/viewers.md. Fonts and drivers differ: it isn't compared.
fn keep(screenshot: &Path) {
    let picture = root().join("docs/pictures/ohif.png");
    if blessing() {
        fs::copy(screenshot, &picture).unwrap();
    }
    for path in [screenshot, &picture] {
        let bytes = fs::read(path).unwrap();
        assert_eq!(&bytes[1..4], b"PNG");
        assert!(
            bytes.len() < 200_000,
            "{} has {} bytes",
            path.display(),
            bytes.len()
        );
    }
}

/// `CT_small.dcm` of pydicom, whose pixels are a file of their own.
#[test]
fn ohif_draws_a_real_slice() {
    let dev = ohif("*");
    let studies = studies(&dev);
    let study = studies
        .iter()
        .find(|study| study.patient.starts_with("CompressedSamples^CT"));
    let mut viewer = Viewer::start();
    let (base, key) = address(&dev).split_once('#').unwrap();
    viewer.open(&format!(
        "{base}viewer?StudyInstanceUIDs={}#{key}",
        study.unwrap().uid
    ));
    let shown = viewer.drawn();
    let raw = CT_PIXELS.chunks_exact(2);
    let raw: Vec<f64> = raw
        .map(|two| f64::from(i16::from_le_bytes([two[0], two[1]])) - 1024.0)
        .collect();
    assert!(shown.pixels == raw);
    is_the_slice(&dev, &shown);
    is_clean(&mut viewer);
}

#[test]
fn ohifs_token_is_renewed_and_for_its_own_page_only() {
    let dev = ohif("https://viewer.example.org");
    let (base, key) = address(&dev).split_once('#').unwrap();
    let token = format!("{base}frames-dev/token");
    let page = [("x-key", key), ("Origin", base.trim_end_matches('/'))];
    let reply = dev.request("POST", &token, &page, Some(""));
    assert_eq!(reply.status, 200);
    let answer: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(answer["token"].as_str().unwrap().split('.').count(), 3);
    assert_eq!(reply.header("cache-control"), "no-store");
    for header in [
        "access-control-allow-origin",
        "access-control-allow-headers",
    ] {
        assert_eq!(reply.header(header), "", "{header}");
    }
    let mut wrong = key.to_owned();
    wrong.replace_range(..1, if key.starts_with('a') { "b" } else { "a" });
    for (method, headers, status) in [
        ("POST", &[][..], 403),
        ("POST", &[("x-key", wrong.as_str())], 403),
        ("POST", &[("x-key", key), ("Host", "evil.example")], 403),
        ("GET", &[("x-key", key)], 200),
        ("OPTIONS", &[("Origin", "https://evil.example")], 405),
    ] {
        let reply = dev.request(method, &token, headers, (method == "POST").then_some(""));
        assert_eq!(reply.status, status, "{method} {headers:?}");
        assert!(!reply.text().contains("\"token\""), "{method} {headers:?}");
        assert_eq!(reply.header("access-control-allow-origin"), "");
    }
    // A script that any page may include has no secret, and no page may include it.
    let config = dev.request("GET", &format!("{base}app-config.js"), &[], None);
    assert_eq!(config.header("cross-origin-resource-policy"), "same-origin");
    assert!(!config.text().contains("eyJ") && !config.text().contains(key));
    for (path, status, kind) in [
        ("", 200, "text/html; charset=utf-8"),
        (
            "viewer?StudyInstanceUIDs=1",
            200,
            "text/html; charset=utf-8",
        ),
        ("app.bundle.css", 200, "text/css; charset=utf-8"),
        ("5130ccb17e3f3f5b.wasm", 200, "application/wasm"),
        ("no.js", 404, "text/plain; charset=utf-8"),
        (
            "..%2f..%2f..%2fetc%2fpasswd.txt",
            404,
            "text/plain; charset=utf-8",
        ),
    ] {
        let reply = dev.request("GET", &format!("{base}{path}"), &[], None);
        assert_eq!(
            (reply.status, reply.header("content-type")),
            (status, kind),
            "{path}"
        );
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert!(
            reply
                .header("content-security-policy")
                .contains("frame-ancestors 'none'")
        );
    }

    let mut viewer = Viewer::start();
    // Without the key, the page says what is missing, and asks for nothing.
    viewer.open(base);
    viewer.reaches("/frames-dev/key");
    assert!(viewer.text("body").contains("it ends with the key"));

    viewer.open_with_clock(address(&dev));
    viewer.text("tbody tr:has-text('CompressedSamples')");
    let tokens = |viewer: &mut Viewer| {
        let (asked, _) = viewer.log();
        asked.iter().filter(|request| request.url == token).count()
    };
    let sent = "window.services.userAuthenticationService.getAuthorizationHeader().Authorization";
    let first = viewer.evaluate(sent);
    assert_eq!(viewer.evaluate("location.hash"), "");
    assert_eq!(
        (tokens(&mut viewer), viewer.evaluate(sent)),
        (1, first.clone())
    );
    viewer.forward(12 * 60 * 60 - 5 * 60);
    let second = viewer.evaluate(sent);
    assert_eq!(tokens(&mut viewer), 2);
    assert_ne!(first, second);
    let authorization = second.as_str().unwrap();
    let url = format!("{}/datastore/{STORE}/studies", dev.url());
    let reply = dev.request("GET", &url, &[("Authorization", authorization)], None);
    assert_eq!(reply.status, 200);
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

/// OHIF on a web server of its own, under the page's configuration.
struct Hosted {
    viewer: Viewer,
    dev: Dev,
    origin: String,
    config: String,
    study: String,
}

impl Hosted {
    fn start() -> Self {
        // Fetches OHIF, where no test has done so yet.
        let mut viewer = Viewer::start();
        let origin = viewer.serve();
        let dev = ohif(&origin);
        let [config, _] = &blocks("## OHIF on a web server of yours", "js")[..] else {
            panic!("a configuration, and what is added for a sign-in");
        };
        let config = filled(config, &dev, "");
        viewer.configure(&config);
        let study = large(&studies(&dev)).uid.clone();
        answered(&dev);
        Self {
            viewer,
            dev,
            origin,
            config,
            study,
        }
    }

    fn address(&self, token: &str) -> String {
        format!(
            "{}/viewer?StudyInstanceUIDs={}&token={token}",
            self.origin, self.study
        )
    }
}

#[test]
fn a_token_in_the_address_opens_a_study() {
    let mut hosted = Hosted::start();
    let address = hosted.address(hosted.dev.token());
    hosted.viewer.open(&address);
    is_the_slice(&hosted.dev, &hosted.viewer.drawn());
    is_clean(&mut hosted.viewer);
    let left = hosted.viewer.evaluate("location.href");
    assert!(!left.as_str().unwrap().contains("token"), "{left}");
}

#[test]
fn without_a_good_token_nothing_is_shown_and_nothing_is_cached() {
    let mut hosted = Hosted::start();
    let late = hosted.dev.mint(json!({"exp": 1}));
    let stranger = hosted
        .dev
        .mint(json!({"sub": "another", "groups": ["billing"]}));
    for (token, status) in [(late, 401), (stranger, 403)] {
        let address = hosted.address(&token);
        hosted.viewer.open(&address);
        hosted.viewer.reaches("/notfoundstudy");
        assert_eq!(hosted.viewer.viewports(), [0; 0]);
        let lines = answered(&hosted.dev);
        let refused = lines.iter().filter(|line| line["method"] != "OPTIONS");
        let refused: Vec<u64> = refused
            .map(|line| line["status"].as_u64().unwrap())
            .collect();
        assert!(
            !refused.is_empty() && refused.iter().all(|one| *one == status),
            "{lines:?}"
        );
    }
    // Each answer comes from the origin now: no refusal was kept, and nothing beside one.
    let address = hosted.address(hosted.dev.token());
    hosted.viewer.open(&address);
    hosted.viewer.drawn();
    let asked = is_clean(&mut hosted.viewer);
    let frames = asked
        .iter()
        .filter(|request| request.url.contains("/frames/"));
    for request in frames {
        assert_eq!(
            request.cache.as_deref(),
            Some("Miss from cloudfront"),
            "{request:?}"
        );
    }

    // With them all in the cache, the stranger still sees none.
    let stranger = hosted
        .dev
        .mint(json!({"sub": "another", "groups": ["billing"]}));
    answered(&hosted.dev);
    let frame = hosted.viewer.drawn().url;
    let reply = hosted.dev.request(
        "GET",
        &frame,
        &[("Authorization", &bearer(&stranger))],
        None,
    );
    assert_eq!(reply.status, 403);
}

#[test]
fn a_page_of_another_origin_gets_nothing() {
    let mut hosted = Hosted::start();
    let other = hosted.viewer.serve();
    let address = hosted
        .address(hosted.dev.token())
        .replace(&hosted.origin, &other);
    hosted.viewer.open(&address);
    hosted.viewer.reaches("/notfoundstudy");
    let (_, errors) = hosted.viewer.log();
    assert!(
        errors.iter().any(|error| error.contains("CORS policy")),
        "{errors:?}"
    );
    assert_eq!(hosted.viewer.viewports(), [0; 0]);
    let lines = answered(&hosted.dev);
    assert!(
        lines.iter().all(|line| line["method"] == "OPTIONS"),
        "{lines:?}"
    );
}

/// The code flow with PKCE against an issuer of the test's; its tokens are the delivery's issuer's.
#[test]
fn ohif_signs_in_and_renews_its_token() {
    let mut hosted = Hosted::start();
    let [_, oidc] = &blocks("## OHIF on a web server of yours", "js")[..] else {
        panic!("what is added for a sign-in");
    };
    let second = hosted.dev.mint(json!({"jti": "second"}));
    let first = hosted.dev.token().to_owned();
    // OHIF renews it 60 seconds before its end: here, after five.
    let issuer = hosted.viewer.issuer(&[&first, &second], 65);
    let oidc = oidc.replace("https://issuer.example.org", &issuer);
    assert!(oidc.contains(&issuer));
    let config = format!("{}{oidc}", hosted.config);
    hosted.viewer.configure(&config);
    hosted.viewer.open(&hosted.origin.clone());
    let row = row("CompressedSamples^CT1");
    hosted.viewer.text(&row);
    let sent = "window.services.userAuthenticationService.getAuthorizationHeader().Authorization";
    assert_eq!(hosted.viewer.evaluate(sent), bearer(&first));
    crate::support::process::eventually("a renewed token", || {
        (hosted.viewer.evaluate(sent) == bearer(&second)).then_some(())
    });
    hosted.viewer.click_twice(&row);
    is_the_slice(&hosted.dev, &hosted.viewer.drawn());
    is_clean(&mut hosted.viewer);
}

#[test]
fn cornerstones_loader_draws_a_series() {
    let mut viewer = Viewer::start();
    let folder = tempfile::tempdir().unwrap();
    let origin = viewer.serve_folder(folder.path());
    let dev = Dev::start(&Project::new(&manifest(&origin)), &[]);
    let [script] = &blocks("## Cornerstone3D", "js")[..] else {
        panic!("one script");
    };
    bundle(&filled(script, &dev, dev.token()), folder.path());
    let studies = studies(&dev);
    let study = large(&studies);
    let series = study.series.iter().find(|series| {
        let metadata = json_of(
            &dev,
            &format!("/studies/{}/series/{series}/metadata", study.uid),
        );
        metadata.as_array().unwrap().len() > 1
    });
    viewer.open(&origin);
    let ids = viewer.evaluate(&format!(
        "viewer.open('{}', '{}')",
        study.uid,
        series.unwrap()
    ));
    let ids = ids.as_array().unwrap();
    assert!(ids.len() >= 20, "{ids:?}");
    for id in [&ids[0], &ids[ids.len() / 2]] {
        let id = id.as_str().unwrap();
        let image = viewer.evaluate(&format!(
            "viewer.load('{id}').then((image) => ({{ ...image, pixels: Array.from(image.pixels) }}))"
        ));
        let loaded: Vec<f64> = serde_json::from_value(image["pixels"].clone()).unwrap();
        assert!(
            loaded == pixels(&dev, id.strip_prefix("wadors:").unwrap()),
            "{id}"
        );
    }
    let shades = viewer.evaluate(&format!(
        "viewer.show(document.querySelector('#slice'), {}).then(async (viewport) => {{
            for (;;) {{
                const {{ canvas }} = viewport;
                const {{ data }} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
                const shades = new Set(data.filter((_, at) => at % 4 === 0)).size;
                if (viewport.viewportStatus === 'rendered' && shades > 24) return shades;
                await new Promise((resolve) => setTimeout(resolve, 100));
            }}
        }})",
        json!(ids)
    ));
    assert!(shades.as_u64().unwrap() > 24);
    viewer.screenshot("cornerstone.png");
    is_clean(&mut viewer);
}

#[test]
fn the_javascript_client_reads_what_the_page_says() {
    let mut viewer = Viewer::start();
    let folder = tempfile::tempdir().unwrap();
    let origin = viewer.serve_folder(folder.path());
    let dev = Dev::start(&Project::new(&manifest(&origin)), &[]);
    let [script] = &blocks("## dicomweb-client for JavaScript", "js")[..] else {
        panic!("one script");
    };
    bundle(&filled(script, &dev, dev.token()), folder.path());
    viewer.open(&origin);
    let found = viewer.evaluate(
        "viewer.firstFrame().then(({ instance, frame }) => ({ instance, frame: Array.from(new Uint8Array(frame)) }))",
    );
    let uid = |tag: &str| value(&found["instance"], tag);
    let (study, series, instance) = (uid("0020000D"), uid("0020000E"), uid("00080018"));
    let frame = format!(
        "{}/datastore/{STORE}/studies/{study}/series/{series}/instances/{instance}/frames/1",
        dev.url()
    );
    let authorization = bearer(dev.token());
    let headers = [("Authorization", authorization.as_str()), ("Accept", RAW)];
    let reply = dev.request("GET", &frame, &headers, None);
    let expected = only_part(reply.header("content-type"), &reply.body);
    let got: Vec<u8> = serde_json::from_value(found["frame"].clone()).unwrap();
    assert!(got == expected, "{} bytes", got.len());
    is_clean(&mut viewer);
}

/// In the project's directory, where it may write.
fn run(command: &mut Command, project: &Project) -> String {
    let output = command.current_dir(project.path()).output().unwrap();
    assert!(output.status.success(), "{command:?} {output:#?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn curl_reads_what_the_page_says() {
    let project = Project::new(&manifest("*"));
    let dev = Dev::start(&project, &[]);
    let [script] = &blocks("## curl", "sh")[..] else {
        panic!("one script");
    };
    let script = filled(script, &dev, dev.token());
    run(
        Command::new("bash").args(["-euo", "pipefail", "-c", &script]),
        &project,
    );
    let instance = fs::read(project.path().join("instance.dcm")).unwrap();
    assert_eq!(&instance[128..132], b"DICM");
    assert!(
        !fs::read(project.path().join("frame.multipart"))
            .unwrap()
            .is_empty()
    );
    for line in answered(&dev) {
        assert!(line["status"].as_u64().unwrap() < 400, "{line}");
    }
}

#[test]
fn the_python_client_reads_what_the_page_says() {
    let project = Project::new(&manifest("*"));
    let dev = Dev::start(&project, &[]);
    let [script] = &blocks("## dicomweb-client for Python", "python")[..] else {
        panic!("one script");
    };
    let script = filled(script, &dev, dev.token());
    let printed = run(
        Command::new(peers().program("python")).args(["-c", &script]),
        &project,
    );
    let studies = studies(&dev);
    let count: usize = studies.iter().map(|study| study.series.len()).sum();
    assert_eq!(printed.lines().count(), count, "{printed}");
    for line in printed.lines() {
        let bytes = line.rsplit(' ').next().unwrap();
        assert!(bytes.parse::<usize>().unwrap() > 0, "{line}");
    }
}

/// Why `frames dev --ohif` ended, before anything was built or served.
fn refused(manifest: &str, arguments: &[&str]) -> String {
    let project = Project::new(manifest);
    let run = project.frames(&[&["dev", "--ohif"], arguments].concat());
    assert_eq!(run.code, 1, "{run:#?}");
    run.stderr
}

#[test]
fn ohif_needs_a_manifest_that_lets_it_read() {
    let good = manifest("*");
    for (manifest, words) in [
        (
            good.replace("dicomweb: true, ", ""),
            ["doesn't serve it", "delivery.dicomweb: true"],
        ),
        (
            good.replace("['*']", "[]"),
            ["`delivery.cors.origins` is empty", "leave `--ohif` out"],
        ),
        (
            good.replace("audience: a,", "audience: a, tokenSources: [header],"),
            ["`auth.tokenSources` doesn't have it", "add `authorization`"],
        ),
    ] {
        let said = refused(&manifest, &[]);
        for word in words {
            assert!(said.contains(word), "{word}: {said}");
        }
    }
    let said = refused(&good, &["/nowhere/at/all"]);
    assert!(said.contains("/nowhere/at/all"), "{said}");
    let folder = tempfile::tempdir().unwrap();
    let said = refused(&good, &[folder.path().to_str().unwrap()]);
    assert!(said.contains("it has no index.html"), "{said}");
}

#[test]
fn what_npm_fetches_is_the_package_that_frames_knows_or_nothing() {
    let project = Project::new(&manifest("*"));
    let run = |npm: Option<&str>| -> String {
        let bin = project.path().join("bin");
        let _ = fs::remove_dir_all(&bin);
        fs::create_dir(&bin).unwrap();
        if let Some(npm) = npm {
            project.write("bin/npm", format!("#!/bin/sh\n{npm}\n"));
            fs::set_permissions(bin.join("npm"), fs::Permissions::from_mode(0o755)).unwrap();
        }
        let mut command = project.command();
        command.env("PATH", format!("{}:/bin", bin.display()));
        if npm.is_none() {
            command.env("PATH", &bin);
        }
        command.env("XDG_CACHE_HOME", project.path().join("cache"));
        let run = Run::of(command.args(["dev", "--ohif"]));
        assert_eq!(run.code, 1, "{run:#?}");
        assert!(run.stderr.contains("--ohif DIR"), "{run:#?}");
        run.stderr
    };
    assert!(run(None).contains("npm isn't installed"));
    let said = run(Some("echo 'network is down' >&2; exit 1"));
    assert!(
        said.contains("npm can't fetch @ohif/app@3.13.2: network is down"),
        "{said}"
    );
    let said = run(Some("echo other > \"$5/ohif-app-3.13.2.tgz\""));
    assert!(said.contains("is another package"), "{said}");
    let left = fs::read_dir(project.path().join("cache/frames/ohif")).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["fetch.lock"]);
}

/// A folder of one's own, without a token: nobody is asked for one.
#[test]
fn a_folder_is_served_where_no_token_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["index.html", "app-config.js", "app.bundle.1.js"] {
        fs::write(folder.path().join(name), name).unwrap();
    }
    let project = Project::new(
        "service: x\nauth: {mode: none}\ndelivery: {dicomweb: true, cors: {origins: ['https://viewer.example.org']}}\n",
    );
    let dev = Dev::start(&project, &["--ohif", folder.path().to_str().unwrap()]);
    let url = address(&dev);
    assert!(!url.contains('#'), "{url}");
    let page = dev.request("GET", &format!("{url}viewer"), &[], None);
    assert_eq!(page.text(), "index.html");
    let config = dev
        .request("GET", &format!("{url}app-config.js"), &[], None)
        .text();
    assert!(config.contains("\"hasToken\":false"), "{config}");
    assert!(
        config.contains(dev.ready["dicomweb"].as_str().unwrap()),
        "{config}"
    );
    let token = dev.request("POST", &format!("{url}frames-dev/token"), &[], Some(""));
    assert_eq!(token.status, 404);
    assert!(
        dev.stderr()
            .contains("has to name the origin that serves OHIF")
    );
}
