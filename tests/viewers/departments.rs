//! Two users of two departments, one delivery and one cache: each opens the own study in OHIF, by a
//! link to it, and gets nothing of the other's.

use super::{STORE, answered, blocks, filled, is_the_slice, pixels};
use crate::access::{MR_STUDY, audit};
use crate::support::dev::{CT_STUDY, Dev, bearer};
use crate::support::frames::Project;
use crate::support::viewer::{Shown, Viewer};
use serde_json::{Value, json};

const ACCEPT: &str = "multipart/related; type=application/octet-stream; transfer-syntax=*";

const TITLE: &str = "## OHIF on a web server of yours";

fn manifest(origin: &str) -> String {
    format!(
        "service: x
auth:
  mode: oidc
  issuer: https://issuer.example
  audience: a
  access:
    - {{groups: [cardiology], datastore: '{STORE}', studies: [{CT_STUDY}]}}
    - {{groups: [neurology], datastore: '{STORE}', studies: [{MR_STUDY}]}}
iam: {{allow: [{{datastore: '{STORE}'}}]}}
delivery: {{dicomweb: true, cors: {{origins: ['{origin}']}}}}
logs: {{audit: true, auditClaims: [sub, name], functions: {{retentionDays: 2192}}}}
"
    )
}

fn is_granted(line: &&Value) -> bool {
    line["method"] == "GET" && line["status"].as_u64().unwrap() < 300
}

/// How many of these requests are below a study.
fn of_study(lines: &[&Value], study: &str) -> usize {
    let below = format!("/studies/{study}/");
    let paths = lines.iter().map(|line| line["path"].as_str().unwrap());
    paths.filter(|path| path.contains(&below)).count()
}

#[test]
fn two_departments_open_their_own_studies_in_ohif_and_share_a_cache() {
    let mut viewer = Viewer::start();
    let origin = viewer.serve();
    let dev = Dev::start(&Project::new(&manifest(&origin)), &["--ohif", "-v"]);
    let config = filled(&blocks(TITLE, "js")[0], &dev, "");
    viewer.configure(&config);
    let user = |sub: &str, name: &str, group: &str| {
        dev.mint(json!({"sub": sub, "name": name, "groups": [group]}))
    };
    let alice = user("alice", "Alice A", "cardiology");
    let bob = user("bob", "Bob B", "neurology");
    let link = |study: &str, token: &str| {
        format!("{origin}/viewer?StudyInstanceUIDs={study}&token={token}")
    };
    let mut asked = answered(&dev);
    let mut see = |study: &str, token: &str| -> Shown {
        viewer.open(&link(study, token));
        let shown = viewer.drawn();
        assert!(
            shown.url.contains(&format!("/studies/{study}/")),
            "{}",
            shown.url
        );
        shown
    };
    let hers = see(CT_STUDY, &alice);
    let his = see(MR_STUDY, &bob);
    // Again, and now from the cache.
    assert_eq!(see(CT_STUDY, &alice).url, hers.url);
    for (study, token) in [(MR_STUDY, &alice), (CT_STUDY, &bob)] {
        viewer.open(&link(study, token));
        viewer.reaches("/notfoundstudy");
        assert_eq!(viewer.viewports(), [0; 0]);
    }
    asked.extend(answered(&dev));
    // As OHIF asks: what is accepted is part of the cache's key.
    let get = |url: &str, token: &str| {
        let headers = [("Authorization", &*bearer(token)), ("Accept", ACCEPT)];
        dev.request("GET", url, &headers, None)
    };
    for (url, own, other) in [(&hers.url, &alice, &bob), (&his.url, &bob, &alice)] {
        let reply = get(url, own);
        assert_eq!(
            (reply.status, reply.header("x-cache")),
            (200, "Hit from cloudfront"),
            "{url}"
        );
        let reply = get(url, other);
        assert_eq!(
            (reply.status, reply.text().trim()),
            (403, r#"{"error":"forbidden"}"#),
            "{url}"
        );
    }
    asked.extend(answered(&dev));
    // By the local issuer's own token, which is of both departments.
    is_the_slice(&dev, &hers);
    // 64 pixels wide: too few points of the canvas are in the middle of one.
    assert!(his.pixels == pixels(&dev, &his.url) && his.shades >= 24);

    let (_, stderr) = dev.stop();
    let granted: Vec<&Value> = asked.iter().filter(is_granted).collect();
    let lines = audit(&stderr);
    let of = |sub: &str, name: &str| {
        let theirs = lines.iter().filter(|line| line["claims"]["sub"] == sub);
        let theirs: Vec<&Value> = theirs.collect();
        assert!(
            theirs.iter().all(|line| line["claims"]["name"] == name),
            "{theirs:#?}"
        );
        theirs
    };
    let (of_alice, of_bob) = (of("alice", "Alice A"), of("bob", "Bob B"));
    let mut searches = 0;
    for (theirs, study) in [(&of_alice, CT_STUDY), (&of_bob, MR_STUDY)] {
        let (below, search): (Vec<&Value>, Vec<&Value>) = theirs
            .iter()
            .copied()
            .partition(|line| !line["study"].is_null());
        assert!(
            below.iter().all(|line| line["study"] == study),
            "{below:#?}"
        );
        assert!(
            search
                .iter()
                .all(|line| line["operation"] == "SearchDICOMStudies"),
            "{search:#?}"
        );
        assert!(!below.is_empty() && !search.is_empty());
        assert_eq!(below.len(), of_study(&granted, study), "{granted:#?}");
        searches += search.len();
    }
    let studies = |line: &&&Value| line["path"].as_str().unwrap().ends_with("/studies");
    assert_eq!(
        searches,
        granted.iter().filter(studies).count(),
        "{granted:#?}"
    );
}
