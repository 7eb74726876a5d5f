//! What `frames dev --ohif` serves, to whom, and when it refuses to.

use super::{STORE, address, manifest, ohif};
use crate::support::dev::Dev;
use crate::support::frames::{Project, Run};
use crate::support::viewer::Viewer;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;

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
        config.contains(&format!("{}/datastore/", dev.url())),
        "{config}"
    );
    let token = dev.request("POST", &format!("{url}frames-dev/token"), &[], Some(""));
    assert_eq!(token.status, 404);
    assert!(
        dev.stderr()
            .contains("has to name the origin that serves OHIF")
    );
}
