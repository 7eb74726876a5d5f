//! `frames purge` at the local edge: what was withdrawn is no longer served from the cache, and
//! all else still is. What it asks AWS for is in `tests/deploy/purge.rs`.

use crate::support::dev::{CT_SERIES, CT_STUDY, Dev, Reply, bearer};
use crate::support::frames::{Project, Run};
use crate::support::https::answer;
use crate::support::plain::Plain;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const STORE: &str = "12345678901234567890123456789012";

const MANIFEST: &str = "service: x
auth: {mode: none}
iam: {allow: [{datastore: '12345678901234567890123456789012'}]}
delivery: {dicomweb: true, cachedReads: true}
";

const HIT: &str = "Hit from cloudfront";
const MISS: &str = "Miss from cloudfront";

fn get(dev: &Dev, path: &str) -> Reply {
    let url = format!("{}/datastore/{STORE}{path}", dev.url());
    let accept = [("Accept", "application/dicom+json")];
    dev.request("GET", &url, &accept, None)
}

fn cache(dev: &Dev, path: &str) -> String {
    let reply = get(dev, path);
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    reply.header("x-cache").to_owned()
}

fn purge(project: &Project, dev: &Dev, arguments: &[&str]) -> Run {
    let endpoint = dev.purge_url();
    let fixed = ["purge", "--endpoint", &endpoint, "--datastore", STORE];
    project.frames(&[&fixed, arguments].concat())
}

/// A study that isn't the first one, by the metadata of a series of it.
fn other_study(dev: &Dev) -> String {
    let uid = |path: &str, tag: &str, not: &str| {
        let found: Value = serde_json::from_slice(&get(dev, path).body).unwrap();
        let uids = found.as_array().unwrap().iter();
        let uids = uids.map(|one| one[tag]["Value"][0].as_str().unwrap().to_owned());
        uids.into_iter().find(|uid| uid != not).unwrap()
    };
    let study = uid("/studies", "0020000D", CT_STUDY);
    let series = uid(&format!("/studies/{study}/series"), "0020000E", "");
    format!("/studies/{study}/series/{series}/metadata")
}

#[test]
fn the_objects_of_a_study_are_misses_and_others_are_still_hits() {
    let project = Project::new(MANIFEST);
    let dev = Dev::start(&project, &[]);
    let of = |name: &str| dev.ready["frame"][name].as_str().unwrap().to_owned();
    let (set, frame) = (of("imageSetId"), of("imageFrameId"));
    let study = format!("/studies/{CT_STUDY}/series/{CT_SERIES}/metadata");
    let by_set = format!("{study}?imageSetId={set}");
    let native = format!("/imageSet/{set}/getImageFrame?imageFrameId={frame}");
    let other = other_study(&dev);
    let all = || [&study, &by_set, &native, &other].map(|path| cache(&dev, path));
    assert_eq!(all(), [MISS; 4]);
    assert_eq!(all(), [HIT; 4]);
    // However a viewer spells a path, it is one object.
    let spelt = [
        study.replace("metadata", "meta%64ata"),
        native.replace("imageSet/", "imageset/"),
    ];
    for path in &spelt {
        assert_eq!(cache(&dev, path), HIT, "{path}");
    }
    let run = purge(&project, &dev, &["--study", CT_STUDY, "--image-set", &set]);
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(run.stderr.contains("Purged 3 objects"), "{run:#?}");
    assert_eq!(cache(&dev, &spelt[0]), MISS);
    assert_eq!(all(), [HIT, MISS, MISS, HIT]);

    // Another study of that beginning, and a series that isn't there, have nothing in the cache.
    let shorter = CT_STUDY.strip_suffix('2').unwrap();
    for arguments in [
        &["--study", shorter, "--image-set", &"e".repeat(32)][..],
        &[
            "--study",
            CT_STUDY,
            "--series",
            "1.2",
            "--image-set",
            &"e".repeat(32),
        ],
    ] {
        let run = purge(&project, &dev, arguments);
        assert!(run.stderr.contains("Purged 0 objects"), "{run:#?}");
    }
    assert_eq!(all(), [HIT; 4]);

    // Without the image sets, no native read may stay; DICOMweb of other studies does.
    let run = purge(
        &project,
        &dev,
        &["--study", CT_STUDY, "--series", CT_SERIES],
    );
    assert!(run.stderr.contains("--image-set"), "{run:#?}");
    assert_eq!(all(), [MISS, MISS, MISS, HIT]);
    let run = purge(&project, &dev, &["--image-set", &set]);
    assert!(run.stderr.contains("--study"), "{run:#?}");
    assert_eq!(all(), [MISS; 4]);
    let run = purge(&project, &dev, &["--format", "json"]);
    let closing: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(closing["result"]["objects"], 4, "{closing}");
    assert_eq!(
        closing["result"]["paths"],
        serde_json::json!([format!("/datastore/{STORE}/*")])
    );
    assert_eq!(all(), [MISS; 4]);
    assert!(dev.stderr().contains("Purged"), "{}", dev.stderr());
}

/// HealthImaging is a server of the test's own, whose mind changes.
#[test]
fn what_healthimaging_refuses_by_now_is_no_longer_served() {
    let is_withdrawn = Arc::<AtomicBool>::default();
    let withdrawn = is_withdrawn.clone();
    let healthimaging = Plain::http_by(move || {
        let json = "Content-Type: application/dicom+json\r\n";
        if withdrawn.load(Ordering::SeqCst) {
            answer(&format!("403 Forbidden\r\n{json}"), "{}")
        } else {
            answer(&format!("200 OK\r\n{json}"), "[]")
        }
    });
    let project = Project::new(&MANIFEST.replace(
        "{mode: none}",
        "{mode: oidc, issuer: 'https://issuer.example', audience: a}",
    ));
    let url = healthimaging.url();
    let variables = [
        ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "aSecretThatIsInNoTokenAndNoPath"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_ENDPOINT_URL_MEDICAL_IMAGING", url.as_str()),
    ];
    let dev = Dev::start_with(&project, &variables, &["--origin", "aws"]);
    let path = format!(
        "{}/datastore/{STORE}/studies/{CT_STUDY}/series/{CT_SERIES}/metadata",
        dev.url()
    );
    let ask = || {
        let token = bearer(dev.token());
        let reply = dev.request("GET", &path, &[("Authorization", &token)], None);
        (reply.status, reply.header("x-cache").to_owned())
    };
    assert_eq!(ask(), (200, MISS.to_owned()));
    is_withdrawn.store(true, Ordering::SeqCst);
    assert_eq!(ask(), (200, HIT.to_owned()));
    let run = purge(&project, &dev, &["--study", CT_STUDY]);
    assert_eq!(run.code, 0, "{run:#?}");
    for _ in 0..2 {
        assert_eq!(ask().0, 403);
    }
}

#[test]
fn only_its_own_key_opens_it_and_opens_nothing_else() {
    let project = Project::new(MANIFEST);
    let dev = Dev::start(&project, &[]);
    let page = dev.ready["page"].as_str().unwrap().to_owned();
    let own = dev.purge_url();
    let (server, key) = own.split_once('#').unwrap();
    let values = format!("{server}values");
    assert_eq!(
        dev.request("GET", &values, &[("x-key", key)], None).status,
        403
    );
    for wrong in [
        page.as_str(),
        &format!("{server}#other"),
        server,
        "http://10.0.0.1/#a",
    ] {
        let run = project.frames(&["purge", "--all", "--endpoint", wrong]);
        assert!(
            run.code == 1 && run.stderr.contains("prints as Purge"),
            "{wrong}: {run:#?}"
        );
        let key = wrong.split_once('#').map_or("", |(_, key)| key);
        assert!(key.len() < 2 || !run.stderr.contains(key), "{run:#?}");
    }
    let run = project.frames(&["purge", "--all", "--endpoint", &own]);
    assert_eq!(run.code, 0, "{run:#?}");
    let env = project.frames(&["purge", "--all", "--endpoint", &own, "-e", "prod"]);
    assert_eq!(env.code, 2, "{env:#?}");
    assert!(
        env.stderr.contains("`--endpoint` and `--env` exclude"),
        "{env:#?}"
    );
    dev.stop();
    let run = project.frames(&["purge", "--all", "--endpoint", &own]);
    assert!(
        run.code == 1 && run.stderr.contains("doesn't answer"),
        "{run:#?}"
    );
}
