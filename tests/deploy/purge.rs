//! `frames purge` against the tests' AWS: what CloudFront is told, and when the command ends. How
//! long an invalidation takes here is our model of AWS's.

use super::{MANIFEST, PATIENCE, STORE, Stand, closing};
use crate::support::process::{Background, eventually, send};
use rustix::process::Signal;
use serde_json::{Value, json};

const STUDY: &str = "1.2.840.113619.2.5";

fn deployed() -> (Stand, String) {
    let stand = Stand::new();
    let deployed = stand.deploy();
    let id = deployed["result"]["distributionId"].as_str().unwrap();
    (stand, id.to_owned())
}

/// The invalidations of the distribution: the paths of each.
fn invalidations(stand: &Stand, distribution: &str) -> Vec<Value> {
    let asked = json!({"DistributionId": distribution});
    let listed = stand.account.call("cloudfront", "ListInvalidations", asked);
    let items = listed["InvalidationList"]["Items"].as_array();
    let ids = items.into_iter().flatten().map(|item| item["Id"].clone());
    ids.map(|id| {
        let asked = json!({"DistributionId": distribution, "Id": id});
        let one = stand.account.call("cloudfront", "GetInvalidation", asked);
        one["Invalidation"]["InvalidationBatch"]["Paths"]["Items"].clone()
    })
    .collect()
}

#[test]
fn a_study_is_purged_and_waited_for() {
    let (stand, id) = deployed();
    stand.account.set(&json!({"invalidation": 1.5}));
    let run = stand.run(&[
        "purge",
        "--datastore",
        STORE,
        "--study",
        STUDY,
        "--format",
        "json",
    ]);
    assert_eq!(run.code, 0, "{run:#?}");
    let result = &closing(&run)["result"];
    let paths = json!([
        format!("/datastore/{STORE}/studies/{STUDY}/*"),
        format!("/datastore/{STORE}/imageSet/*"),
    ]);
    assert_eq!(
        (&result["paths"], &result["distributionId"]),
        (&paths, &json!(id))
    );
    let asked = json!({"DistributionId": id, "Id": result["invalidationId"]});
    let made = stand.account.call("cloudfront", "GetInvalidation", asked);
    // The command ends after the invalidation, not before.
    assert_eq!(made["Invalidation"]["Status"], "Completed", "{made}");
    assert!(!run.stderr.contains("Warning"), "{run:#?}");

    // Without a manifest, and with one that is broken.
    stand.account.set(&json!({"invalidation": 0}));
    for (manifest, arguments) in [
        (MANIFEST, &["--service", "heart", "--all"][..]),
        ("service: heart\n", &["--all"]),
    ] {
        stand.write(manifest);
        let run = stand.run(&[&["purge"], arguments].concat());
        assert_eq!(run.code, 0, "{run:#?}");
        assert!(run.stderr.contains("all edge locations"), "{run:#?}");
    }
    let made = invalidations(&stand, &id);
    assert_eq!(made.len(), 3, "{made:?}");
    assert_eq!(
        made.iter().filter(|paths| **paths == json!(["/*"])).count(),
        2
    );
}

#[test]
fn what_isnt_in_the_manifest_any_more_is_purged_with_a_warning() {
    let (stand, id) = deployed();
    let other = "e".repeat(32);
    let run = stand.run(&["purge", "--datastore", &other]);
    assert_eq!(run.code, 0, "{run:#?}");
    let said = format!("`iam.allow` doesn't list data store {other}");
    assert!(run.stderr.contains(&said), "{run:#?}");
    assert_eq!(
        invalidations(&stand, &id),
        [json!([format!("/datastore/{other}/*")])]
    );
}

#[test]
fn nothing_deployed_is_nothing_cached() {
    let stand = Stand::new();
    let run = stand.run(&["purge", "--all"]);
    assert!(
        run.code == 1 && run.stderr.contains("has no distribution"),
        "{run:#?}"
    );
    let run = stand.run(&["purge", "--all", "--service", "heart"]);
    assert!(
        run.code == 1 && run.stderr.contains("has no distribution"),
        "{run:#?}"
    );
}

#[test]
fn it_waits_where_cloudfront_has_too_many() {
    let (stand, id) = deployed();
    // As many paths with an asterisk as CloudFront takes, for a while.
    stand.account.set(&json!({"invalidation": 3600}));
    let items: Vec<String> = (0..15).map(|n| format!("/{n}/*")).collect();
    let batch = json!({"Paths": {"Quantity": 15, "Items": items}, "CallerReference": "others"});
    let asked = json!({"DistributionId": id, "InvalidationBatch": batch});
    stand
        .account
        .call("cloudfront", "CreateInvalidation", asked);
    let run = stand.waits(&["purge", "--all"], "15 paths with an asterisk", || {
        assert_eq!(invalidations(&stand, &id).len(), 1);
        stand.account.set(&json!({"invalidation": 0}));
    });
    assert_eq!(run.code, 0, "{run:#?}");
    assert_eq!(invalidations(&stand, &id).len(), 2);
}

#[test]
fn ctrl_c_says_that_cloudfront_goes_on() {
    let (stand, id) = deployed();
    let hold = stand
        .account
        .rule(json!({"kind": "hold-before", "operation": "GetInvalidation"}));
    let mut process = Background::start(&mut stand.command(&["purge", "--all"]));
    assert!(hold.wait(PATIENCE));
    send(process.pid(), Signal::INT);
    let code = eventually("the end", || process.exit_code());
    let output = process.output();
    assert_eq!(code, 130, "{output}");
    assert!(
        output.contains("CloudFront completes") && !output.contains("nothing was changed"),
        "{output}"
    );
    stand.account.clear_rules();
    assert_eq!(invalidations(&stand, &id), [json!(["/*"])]);
}
