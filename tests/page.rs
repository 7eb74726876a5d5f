//! The page of `frames dev` in a real Chromium: the images that it shows, and what it says
//! of the edge.

use crate::support::browser::Browser;
use crate::support::dev::{CT_INSTANCE, CT_PIXELS, CT_SERIES, CT_STUDY, Dev, bearer, send};
use crate::support::frames::Project;
use serde_json::{Value, json};

const STORE: &str = "12345678901234567890123456789012";

/// Explicit VR Little Endian: pixels as they are.
const RAW: &str =
    "multipart/related; type=application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1";

/// The longest series of the built-in study, which the page opens first.
const LONG: &str = "Thorax 10 mm";

const LARGE: [u32; 2] = [1400, 1000];

fn page(dev: &Dev) -> &str {
    dev.ready["page"].as_str().unwrap()
}

fn manifest(delivery: &str, allow: &str) -> Project {
    Project::new(&format!(
        "service: x
auth: {{mode: oidc, issuer: 'https://issuer.example', audience: a}}
iam: {{allow: [{{datastore: '{STORE}'{allow}}}]}}
{delivery}"
    ))
}

fn get(dev: &Dev, path: &str, accept: &str) -> Vec<u8> {
    let url = format!("{}/datastore/{STORE}{path}", dev.url());
    let headers = [
        ("Authorization", bearer(dev.token())),
        ("Accept", accept.to_owned()),
    ];
    let headers = headers
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let reply = dev.request("GET", &url, &headers, None);
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    reply.body
}

fn json_of(dev: &Dev, path: &str) -> Vec<Value> {
    serde_json::from_slice(&get(dev, path, "application/dicom+json")).unwrap()
}

fn number(metadata: &Value, tag: &str) -> Option<f64> {
    let value = &metadata[tag]["Value"][0];
    value
        .as_f64()
        .or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()))
}

fn uid(of: &Value, tag: &str) -> String {
    of[tag]["Value"][0].as_str().unwrap().to_owned()
}

/// Study and series UID of the long series, and its metadata by instance number.
fn long(dev: &Dev) -> (String, Vec<Value>) {
    let all = json_of(dev, "/series?includefield=0008103E");
    let found = all
        .iter()
        .find(|series| series["0008103E"]["Value"][0] == LONG)
        .unwrap();
    let (study, series) = (uid(found, "0020000D"), uid(found, "0020000E"));
    let path = format!("/studies/{study}/series/{series}");
    let mut instances = json_of(dev, &format!("{path}/metadata"));
    instances.sort_by_key(|one| number(one, "00200013").unwrap() as i64);
    assert!(instances.len() >= 20);
    (path, instances)
}

/// The octets of an instance's only frame.
fn octets(dev: &Dev, series: &str, metadata: &Value) -> Vec<u8> {
    let instance = uid(metadata, "00080018");
    let path = format!("{series}/instances/{instance}/frames/1");
    let body = get(dev, &path, RAW);
    let start = body.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
    let length = number(metadata, "00280010").unwrap() * number(metadata, "00280011").unwrap();
    body[start..start + 2 * length as usize].to_vec()
}

/// The greys of 16-bit octets, by the formula of DICOM PS3.3, C.11.2.1.2.1. Without a window
/// the least value is black and the greatest one is white.
fn greys(octets: &[u8], metadata: &Value, window: Option<[f64; 2]>) -> Vec<u8> {
    let signed = number(metadata, "00280103") == Some(1.0);
    let slope = number(metadata, "00281053").unwrap_or(1.0);
    let intercept = number(metadata, "00281052").unwrap_or(0.0);
    let values: Vec<f64> = octets
        .chunks_exact(2)
        .map(|pair| {
            let stored = u16::from_le_bytes([pair[0], pair[1]]);
            let stored = if signed {
                f64::from(stored.cast_signed())
            } else {
                f64::from(stored)
            };
            stored * slope + intercept
        })
        .collect();
    let own = number(metadata, "00281050").zip(number(metadata, "00281051"));
    let window = window.or(own.map(|(center, width)| [center, width]));
    let [center, width] = window.unwrap_or_else(|| {
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        [(least + most) / 2.0 + 0.5, most - least + 1.0]
    });
    let grey = |value: f64| ((value - (center - 0.5)) / (width - 1.0) + 0.5) * 255.0;
    let greys = values.iter().map(|value| grey(*value).round());
    greys.map(|grey| grey.clamp(0.0, 255.0) as u8).collect()
}

/// The reds of the canvas; each pixel is grey and opaque.
fn canvas(browser: &mut Browser) -> Vec<u8> {
    let found = browser.evaluate(
        "(() => {
            const canvas = document.getElementById('picture');
            const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            const pixels = Array.from({ length: data.length / 4 }, (_, n) => data.slice(4 * n, 4 * n + 4));
            if (!pixels.every(([r, g, b, a]) => r === g && g === b && a === 255)) throw new Error('not grey');
            return pixels.map(([red]) => red);
        })()",
    );
    serde_json::from_value(found).unwrap()
}

/// Waits for the frame, counted from 0, of the series that is open.
fn shows(browser: &mut Browser, frame: usize) {
    browser.until(&format!(
        "document.body.dataset.shown?.endsWith(' {frame}') && !document.querySelector('#stage.waits')"
    ));
}

fn text(browser: &mut Browser, selector: &str) -> String {
    let script = format!("document.querySelector('{selector}').innerText");
    browser.evaluate(&script).as_str().unwrap().to_owned()
}

/// Each stage and what is said of it.
fn stages(browser: &mut Browser) -> Vec<(String, String)> {
    let rows = browser.evaluate(
        "[...document.querySelectorAll('#stages tbody tr')].map((row) => [...row.cells].map((cell) => cell.innerText))",
    );
    serde_json::from_value(rows).unwrap()
}

/// Names of the stages that the bar has a piece of.
fn pieces(browser: &mut Browser) -> Vec<String> {
    let names = browser
        .evaluate("[...document.getElementById('bar').children].map((one) => one.className)");
    serde_json::from_value(names).unwrap()
}

fn answers(browser: &mut Browser) -> Vec<Vec<String>> {
    let rows = browser.evaluate(
        "[...document.querySelectorAll('#history tbody tr')].map((row) => [...row.cells].map((cell) => cell.innerText))",
    );
    serde_json::from_value(rows).unwrap()
}

#[test]
fn the_page_draws_each_slice_and_scrolls_through_them() {
    let dev = Dev::start(&Project::example(), &[]);
    let mut browser = Browser::start();
    browser.open(page(&dev), "light", LARGE);
    // In the middle of the longest series, before anything is clicked.
    let (series, slices) = long(&dev);
    let middle = (slices.len() - 1) / 2;
    shows(&mut browser, middle);
    let drawn = |browser: &mut Browser, at: usize, window| {
        shows(browser, at);
        let expected = greys(&octets(&dev, &series, &slices[at]), &slices[at], window);
        assert!(canvas(browser) == expected, "slice {at}, {window:?}");
        assert_eq!(
            text(browser, "#position"),
            format!("{} / {}", at + 1, slices.len())
        );
        expected
    };
    let first = drawn(&mut browser, middle, None);
    browser.wheel("#picture", 40);
    let next = drawn(&mut browser, middle + 1, None);
    assert!(first != next, "slices differ");
    browser.press("#picture", "ArrowUp");
    assert!(drawn(&mut browser, middle, None) == first);
    browser.press("#picture", "End");
    drawn(&mut browser, slices.len() - 1, None);
    browser.press("#slider", "Home");
    drawn(&mut browser, 0, None);
    // Another window, by the fields and by the mouse, and back to its own.
    browser.fill("#center", "-600");
    browser.fill("#width", "1500");
    browser.until("document.getElementById('levels').innerText.includes('1,500')");
    drawn(&mut browser, 0, Some([-600.0, 1500.0]));
    browser.drag("#picture", [40, 0]);
    // By 1500 / 256 a pixel; the mouse gets there in four steps, and each of them is drawn.
    browser.until("Number(document.getElementById('width').value) > 1700");
    let width = browser.evaluate("Number(document.getElementById('width').value)");
    browser.until(&format!(
        "document.getElementById('levels').innerText.includes(Math.round({width}).toLocaleString('en'))"
    ));
    drawn(&mut browser, 0, Some([-600.0, width.as_f64().unwrap()]));
    browser.click("#reset");
    browser.until("document.getElementById('reset').disabled");
    drawn(&mut browser, 0, None);
    // Another series, whose pixels pydicom has read.
    browser.evaluate(
        "[...document.querySelectorAll('#list .group')].find((group) => group.innerText.includes('CT1'))
            .querySelector('button').click()",
    );
    browser.until("document.getElementById('position').innerText === '1 / 1'");
    shows(&mut browser, 0);
    let path = format!("/studies/{CT_STUDY}/series/{CT_SERIES}/instances/{CT_INSTANCE}/metadata");
    let metadata = &json_of(&dev, &path)[0];
    assert!(canvas(&mut browser) == greys(CT_PIXELS, metadata, None));
}

#[test]
fn the_page_says_what_the_edge_did_for_each_frame() {
    let dev = Dev::start(&Project::example(), &[]);
    let mut browser = Browser::start();
    browser.open(page(&dev), "dark", LARGE);
    browser.until("document.body.dataset.done && document.body.dataset.shown");
    let first = answers(&mut browser);
    assert_eq!((&*first[0][0], &*first[0][1]), ("200", "Miss"), "{first:?}");
    let asked = |ms: &str| ms.parse::<f64>().is_ok();
    let miss = stages(&mut browser);
    let reached: Vec<bool> = miss.iter().map(|(_, ms)| asked(ms)).collect();
    assert_eq!(reached, [true, true, true, false, true, true], "{miss:?}");
    let bar = pieces(&mut browser);
    assert!(
        bar.starts_with(&["authorizer", "signer", "origin"].map(str::to_owned)),
        "{bar:?}"
    );
    browser.click("#again");
    browser.until("document.querySelectorAll('#history tbody tr').length === 2");
    let both = answers(&mut browser);
    assert_eq!((&*both[1][0], &*both[1][1]), ("200", "Hit"), "{both:?}");
    assert_eq!(both[0][3], both[1][3], "as many bytes");
    let hit = stages(&mut browser);
    let reached: Vec<bool> = hit.iter().map(|(_, ms)| asked(ms)).collect();
    assert_eq!(reached, [true, false, false, false, true, true], "{hit:?}");
    assert!(!pieces(&mut browser).contains(&"origin".to_owned()));
    let verdict = text(&mut browser, "#verdict");
    assert!(verdict.starts_with("200 Hit"), "{verdict}");
    let facts = text(&mut browser, "#facts");
    for fact in ["Hit from cloudfront", "Age", "1.2.840.10008.1.2.4.202"] {
        assert!(facts.contains(fact), "{facts}");
    }
    // Each series has a picture of its own, made once it is seen.
    browser
        .until("[...document.querySelectorAll('#list canvas')].every((one) => one.width !== 300)");
    browser.shoot("page-dark.png");
    for (name, size) in [("page-light.png", LARGE), ("page-narrow.png", [360, 800])] {
        browser.open(page(&dev), "light", size);
        browser.until("document.body.dataset.done && document.body.dataset.shown");
        browser.shoot(name);
        let fits = "document.documentElement.scrollWidth <= innerWidth";
        assert_eq!(browser.evaluate(fits), true, "{name}");
    }
}

#[test]
fn a_refused_token_is_said_in_words_and_shows_nothing() {
    let dev = Dev::start(&Project::example(), &[]);
    let mut browser = Browser::start();
    browser.open(page(&dev), "light", LARGE);
    browser.until("document.body.dataset.done && document.body.dataset.shown");
    assert!(!canvas(&mut browser).is_empty());
    for (token, reason) in [
        ("a.b.c", "invalid_token"),
        (&*dev.mint(json!({"exp": 1})), "invalid_token"),
        ("", "missing_token"),
    ] {
        browser.fill("[name=token]", token);
        browser.click("#form button");
        browser.until("document.body.dataset.done && document.getElementById('why').innerText");
        let why = text(&mut browser, "#why");
        assert!(why.contains("401") && why.contains(reason), "{why}");
        assert!(text(&mut browser, "#verdict").starts_with("401"));
        let log = stages(&mut browser);
        assert!(log[0].1.parse::<f64>().is_ok(), "the authorizer: {log:?}");
        assert_eq!(log[2].1, "not asked", "{log:?}");
        let shown = browser.evaluate(
            "[document.getElementById('picture').width, document.querySelectorAll('#list button').length]",
        );
        assert_eq!(shown, json!([1, 0]));
    }
    browser.fill("[name=token]", dev.token());
    browser.click("#form button");
    browser.until("document.body.dataset.done && document.body.dataset.shown");
    assert_eq!(text(&mut browser, "#why"), "");
    let markup = browser.evaluate("document.documentElement.outerHTML");
    assert!(!markup.as_str().unwrap().contains(dev.token()));
}

/// Natively, and where nobody may search: the page's own server tells what there is.
#[test]
fn the_page_draws_what_no_search_finds() {
    let whole = manifest("delivery: {dicomweb: true}\n", "");
    let dev = Dev::start(&whole, &[]);
    let (series, slices) = long(&dev);
    let middle = (slices.len() - 1) / 2;
    let expected = greys(
        &octets(&dev, &series, &slices[middle]),
        &slices[middle],
        None,
    );
    dev.stop();
    let study = series.split('/').nth(2).unwrap();
    let mut browser = Browser::start();
    for (project, history) in [
        (manifest("", ""), "Miss"),
        (
            manifest(
                "delivery: {dicomweb: true}\n",
                &format!(", studies: ['{study}']"),
            ),
            "Hit",
        ),
    ] {
        let dev = Dev::start(&project, &[]);
        browser.open(page(&dev), "light", LARGE);
        browser.until("document.body.dataset.done && document.body.dataset.shown");
        assert!(canvas(&mut browser) == expected);
        browser.click("#again");
        browser.until("document.querySelectorAll('#history tbody tr').length === 2");
        // A POST's answer is kept by no cache.
        assert_eq!(answers(&mut browser)[1][1], history);
    }
}

#[test]
fn only_the_pages_key_opens_its_server() {
    let dev = Dev::start(&Project::example(), &[]);
    let (server, key) = page(&dev).split_once('#').unwrap();
    let (study, series) = (CT_STUDY, CT_SERIES);
    let metadata = format!("metadata?study={study}&series={series}");
    for path in ["values", "series", &metadata, "request?id=x"] {
        let url = format!("{server}{path}");
        for wrong in ["", "x", &key[1..]] {
            let reply = send("GET", &url, &[("X-Key", wrong)], None).unwrap();
            assert_eq!(reply.status, 403, "{path}");
        }
        let reply = send("GET", &url, &[("X-Key", key)], None).unwrap();
        let expected = if path == "request?id=x" { 404 } else { 200 };
        assert_eq!(reply.status, expected, "{path}");
    }
    let url = format!("{server}picture");
    let picture =
        |key: &str, body: &str| send("POST", &url, &[("X-Key", key)], Some(body)).unwrap();
    assert_eq!(picture("", "{}\n").status, 403);
    assert_eq!(picture(key, "{}\n").status, 400);
    let head = json!({"contentType": "", "metadata": {}});
    let reply = picture(key, &format!("{head}\nx"));
    assert_eq!(reply.status, 422);
    assert!(reply.text().contains("BitsAllocated"), "{}", reply.text());
    // Another origin's page has to ask first, and is told nothing.
    let asks = [
        ("Origin", "http://localhost:1"),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "x-key"),
    ];
    let reply = send("OPTIONS", &url, &asks, None).unwrap();
    assert_eq!(reply.status, 404);
    assert_eq!(reply.header("access-control-allow-origin"), "");
}
