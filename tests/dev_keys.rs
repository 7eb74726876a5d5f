//! `frames dev --watch --issuer manifest`: the manifest's own key set decides, as it is by now.

use crate::support::dev::{CT_SERIES, CT_STUDY, Dev, bearer};
use crate::support::frames::Project;
use crate::support::process::eventually;
use crate::support::tokens::{AUDIENCE, ISSUER, Issuer};
use serde_json::json;

const STORE: &str = "12345678901234567890123456789012";

/// By another file that then takes its name: nobody reads half a set.
fn exchange(project: &Project, text: &str) {
    project.write("next.json", text);
    let path = project.path();
    std::fs::rename(path.join("next.json"), path.join("jwks.json")).unwrap();
}

#[test]
fn another_key_set_decides_and_a_broken_one_doesnt() {
    let [first, second] = ["first", "second"].map(Issuer::named);
    let project = Project::new(&format!(
        "service: x
auth: {{mode: oidc, issuer: '{ISSUER}', audience: {AUDIENCE}, jwksFile: jwks.json}}
iam: {{allow: [{{datastore: '{STORE}'}}]}}
delivery: {{dicomweb: true, webAcl: none}}
"
    ));
    exchange(&project, &first.key_set().to_string());
    let dev = Dev::start(&project, &["--watch", "--issuer", "manifest"]);
    let url = format!(
        "{}/datastore/{STORE}/studies/{CT_STUDY}/series/{CT_SERIES}/metadata",
        dev.url()
    );
    let status = |issuer: &Issuer| {
        let token = bearer(&issuer.token(json!({})));
        let headers = [("Authorization", token.as_str())];
        dev.request("GET", &url, &headers, None).status
    };
    assert_eq!([status(&first), status(&second)], [200, 401]);

    exchange(&project, &second.key_set().to_string());
    eventually("the second set", || (status(&second) == 200).then_some(()));
    assert_eq!(status(&first), 401, "its key was withdrawn");

    // What is broken is shown, and the last good one goes on.
    exchange(&project, &json!({"keys": []}).to_string());
    let stderr = eventually("the finding", || {
        let stderr = dev.stderr();
        stderr.contains("goes on").then_some(stderr)
    });
    for said in ["error[jwks-file]", "there is no key in it"] {
        assert!(stderr.contains(said), "{said}: {stderr}");
    }
    assert_eq!([status(&first), status(&second)], [401, 200]);

    // It is looked at all the same.
    exchange(&project, &first.key_set().to_string());
    eventually("the first set", || (status(&first) == 200).then_some(()));
    assert_eq!(status(&second), 401);
    dev.stop();
}
