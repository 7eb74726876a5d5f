//! What docs/viewers.md says of other viewers, run as it stands there.

use super::{
    RAW, STORE, answered, blocks, filled, is_clean, json_of, large, manifest, only_part, pixels,
    studies, value,
};
use crate::support::dev::{CT, Dev, bearer};
use crate::support::frames::Project;
use crate::support::peers::{bundle, node_modules, peers, pydicom};
use crate::support::viewer::Viewer;
use serde_json::json;
use std::fs;
use std::process::Command;

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
    let printed = run(Command::new(pydicom()).args(["-c", &script]), &project);
    let studies = studies(&dev);
    let count: usize = studies.iter().map(|study| study.series.len()).sum();
    assert_eq!(printed.lines().count(), count, "{printed}");
    for line in printed.lines() {
        let bytes = line.rsplit(' ').next().unwrap();
        assert!(bytes.parse::<usize>().unwrap() > 0, "{line}");
    }
}

/// A block of the page about native reads, with the ids of the stand-in's first frame.
fn native(heading: &str, language: &str, dev: &Dev) -> String {
    let [script] = &blocks(heading, language)[..] else {
        panic!("one script");
    };
    let id = |name: &str| dev.ready["frame"][name].as_str().unwrap();
    let mut filled = script.clone();
    for (from, to) in [
        ("https://images.example.org", dev.url()),
        ("TOKEN", dev.token()),
        (STORE, id("datastoreId")),
        ("IMAGE-SET", id("imageSetId")),
        ("IMAGE-FRAME", id("imageFrameId")),
    ] {
        assert!(filled.contains(from), "{from}");
        filled = filled.replace(from, to);
    }
    filled
}

#[test]
fn boto3_reads_what_the_page_says() {
    let project = Project::new(&manifest("*"));
    let dev = Dev::start(&project, &[]);
    let script = native("## boto3", "python", &dev);
    let python = peers().program("python");
    let printed = run(Command::new(python).args(["-c", &script]), &project);
    assert_eq!(printed, format!("image/jph {}\n", CT.len()));
}

#[test]
fn the_javascript_sdk_reads_what_the_page_says() {
    let project = Project::new(&manifest("*"));
    let dev = Dev::start(&project, &[]);
    let script = native("## AWS SDK for JavaScript", "js", &dev);
    project.write("frame.mjs", script);
    std::os::unix::fs::symlink(node_modules(), project.path().join("node_modules")).unwrap();
    let printed = run(Command::new("node").arg("frame.mjs"), &project);
    assert_eq!(printed, format!("image/jph {}\n", CT.len()));
}

/// With nothing but what Node.js has, as in a page.
#[test]
fn a_native_viewers_fetches_read_what_the_page_says() {
    let project = Project::new(
        "service: x\nauth: {mode: none}\ndelivery: {cachedReads: true, metadata: true}\n",
    );
    let dev = Dev::start(&project, &[]);
    let [script] = &blocks("## A native viewer's own fetches", "js")[..] else {
        panic!("one script");
    };
    let set = dev.ready["frame"]["imageSetId"].as_str().unwrap();
    let script = filled(script, &dev, "anything").replace("IMAGE-SET", set);
    project.write("frames.mjs", script);
    let printed = run(Command::new("node").arg("frames.mjs"), &project);
    assert_eq!(printed, format!("[ {} ]\n", CT.len()));
}
