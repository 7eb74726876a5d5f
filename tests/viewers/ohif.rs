//! OHIF opens studies, for those who may: by `frames dev --ohif`, and on a web server under the
//! configuration of docs/viewers.md.

use super::{
    address, answered, blocks, filled, is_clean, is_the_slice, large, manifest, ohif, row, studies,
};
use crate::dicomweb::{large_value, with_a_large_value};
use crate::support::dev::{CT_PIXELS, Dev, bearer};
use crate::support::frames::Project;
use crate::support::golden::blessing;
use crate::support::process::eventually;
use crate::support::root;
use crate::support::viewer::{Asked, Viewer};
use serde_json::json;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

#[test]
fn ohif_opens_a_study_through_the_delivery() {
    let dev = ohif("https://viewer.example.org");
    let studies = studies(&dev);
    let study = large(&studies);
    let mut viewer = Viewer::start();
    viewer.open(address(&dev));
    for study in &studies {
        viewer.text(&row(&study.patient));
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
        let mut viewer = Viewer::start();
        let origin = viewer.serve();
        // Fetches OHIF, where no test has done so yet.
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
    // OHIF renews it 60 seconds before its end: here, after half a minute. A busy machine needs some of it
    // to show the list.
    let issuer = hosted.viewer.issuer(&[&first, &second], 90);
    let oidc = oidc.replace("https://issuer.example.org", &issuer);
    assert!(oidc.contains(&issuer));
    let config = format!("{}{oidc}", hosted.config);
    hosted.viewer.configure(&config);
    hosted.viewer.open(&hosted.origin.clone());
    let row = row("CompressedSamples^CT1");
    hosted.viewer.text(&row);
    let sent = "window.services.userAuthenticationService.getAuthorizationHeader().Authorization";
    assert_eq!(hosted.viewer.evaluate(sent), bearer(&first));
    eventually("a renewed token", || {
        (hosted.viewer.evaluate(sent) == bearer(&second)).then_some(())
    });
    hosted.viewer.click_twice(&row);
    is_the_slice(&hosted.dev, &hosted.viewer.drawn());
    is_clean(&mut hosted.viewer);
}

/// HealthImaging's own host is in the metadata: the configuration has OHIF ask the endpoint.
#[test]
fn ohif_follows_bulk_data_to_the_endpoint() {
    let mut hosted = Hosted::start();
    let images = tempfile::tempdir().unwrap();
    fs::write(images.path().join("large.dcm"), with_a_large_value()).unwrap();
    let project = Project::new(&manifest(&hosted.origin));
    let dev = Dev::start(&project, &["--dicom", images.path().to_str().unwrap()]);
    let config = hosted.config.replace(hosted.dev.url(), dev.url());
    hosted.viewer.configure(&config);
    let study = &studies(&dev)[0].uid;
    hosted.viewer.open(&format!(
        "{}/viewer?StudyInstanceUIDs={study}&token={}",
        hosted.origin,
        dev.token()
    ));
    let length = hosted.viewer.evaluate(
        "(async () => {
            const sets = () => window.services?.displaySetService.getActiveDisplaySets() ?? [];
            while (!sets().length) await new Promise((resolve) => setTimeout(resolve, 100));
            const values = Object.values(sets()[0].instances[0]);
            const value = values.find((value) => value?.retrieveBulkData);
            return (await value.retrieveBulkData()).byteLength;
        })()",
    );
    assert_eq!(length, large_value().len());
    let asked = is_clean(&mut hosted.viewer);
    let bulk = asked
        .iter()
        .find(|request| request.url.contains("/bulkdata/"));
    assert!(bulk.unwrap().url.starts_with(dev.url()));
}
