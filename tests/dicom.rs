//! `frames dev --dicom DIR`: a user's own files through the compiled edge.

use crate::support::dev::{CT_INSTANCE, CT_SERIES, CT_STUDY, Dev, Reply};
use crate::support::frames::Project;
use crate::support::{peers, root};
use frames_emulator::dicom::{Instance, Shared};
use frames_emulator::healthimaging;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

const OPEN: &str = "service: x\nauth: {mode: none}\ndelivery: {dicomweb: true}\n";

const STUDY: &str = "compiler/emulator/data/study";

fn pydicom(arguments: &[&str]) -> String {
    pydicom_with(arguments, "")
}

fn pydicom_with(arguments: &[&str], stdin: &str) -> String {
    let mut child = Command::new(peers::pydicom())
        .args(["-W", "ignore"])
        .arg(root().join("tests/peers/dicom.py"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Who doesn't read it may have ended.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn copy(name: &str, to: &Path) {
    std::fs::copy(root().join(STUDY).join(name), to).unwrap();
}

fn start(project: &Project, more: &[&str]) -> Dev {
    let directory = project.path().join("images");
    let arguments = [&["--dicom", directory.to_str().unwrap()], more].concat();
    Dev::start(project, &arguments)
}

fn images(project: &Project) -> std::path::PathBuf {
    let directory = project.path().join("images");
    std::fs::create_dir(&directory).unwrap();
    directory
}

/// Asked as OHIF does.
fn stored(dev: &Dev, path: &str) -> Reply {
    get(
        dev,
        path,
        "multipart/related; type=application/octet-stream; transfer-syntax=*",
    )
}

fn get(dev: &Dev, path: &str, accept: &str) -> Reply {
    let url = format!(
        "{}/datastore/{}{path}",
        dev.url(),
        "1234567890".repeat(3) + "12"
    );
    dev.request("GET", &url, &[("Accept", accept)], None)
}

#[test]
fn every_frame_decodes_to_the_pixels_that_pydicom_reads() {
    let project = Project::new(OPEN);
    let directory = images(&project);
    let folder = directory.to_str().unwrap();
    pydicom(&["gather", root().join(STUDY).to_str().unwrap(), folder]);
    let dev = start(&project, &[]);
    let base = format!(
        "{}/datastore/{}",
        dev.url(),
        dev.ready["frame"]["datastoreId"].as_str().unwrap()
    );
    let report: Value = serde_json::from_str(&pydicom(&["check", &base, folder])).unwrap();
    assert_eq!(report["failures"], json!([]), "{report:#}");
    let count = |key: &str| report[key].as_u64().unwrap();
    assert!(count("files") >= 50, "{report:#}");
    assert!(count("frames") >= 100, "{report:#}");
    assert!(count("octets") >= 80, "{report:#}");
    let syntaxes = report["syntaxes"].as_array().unwrap().len();
    assert!(syntaxes >= 8, "{report:#}");
    // What nothing here decodes is answered 406, and is no more than this.
    for name in report["undecoded"].as_array().unwrap() {
        let name = name.as_str().unwrap();
        assert!(
            name.contains("JPEG-LS")
                || name.contains("Process 2 and 4")
                || name == "RLE Lossless, 32 bits",
            "{name}"
        );
    }
}

/// The metadata of image sets, element by element, and native frames' checksums.
#[test]
fn an_image_sets_metadata_says_what_pydicom_reads() {
    let project = Project::new(
        "service: x\nauth: {mode: none}\ndelivery: {metadata: true}\niam: {allow: [{datastore: 12345678901234567890123456789012}]}\n",
    );
    let directory = images(&project);
    let folder = directory.to_str().unwrap();
    pydicom(&["gather", root().join(STUDY).to_str().unwrap(), folder]);
    let mut shared = Shared::default();
    let files = std::fs::read_dir(&directory).unwrap();
    let instances = files.map(|file| Instance::open(&file.unwrap().path(), &mut shared).unwrap());
    let (store, twice) = healthimaging::of(instances.collect());
    assert_eq!(twice.len(), 0);
    let sets: serde_json::Map<String, Value> = store
        .series()
        .iter()
        .map(|series| {
            let key = format!("{}/{}", series.study, series.uid);
            (key, json!(series.image_set_id))
        })
        .collect();
    let dev = start(&project, &[]);
    let base = format!("{}/datastore/{}", dev.url(), store.id);
    let report = pydicom_with(&["metadata", &base, folder], &json!(sets).to_string());
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["failures"], json!([]), "{report:#}");
    let count = |key: &str| report[key].as_u64().unwrap();
    assert!(count("files") >= 50, "{report:#}");
    assert!(count("elements") >= 2000, "{report:#}");
    assert!(count("checksums") >= 5, "{report:#}");
}

/// An encoder is needed to make the study, and none to know that the script still makes its pixels.
#[test]
fn the_built_in_study_holds_the_pixels_that_its_script_makes() {
    let work = tempfile::tempdir().unwrap();
    let output = Command::new(peers::pydicom())
        .args(["-W", "ignore"])
        .arg(root().join("compiler/emulator/data/pixels.py"))
        .arg("frames")
        .arg(work.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let read = |name: &str| std::fs::read(work.path().join(name)).unwrap();
    let index: Vec<Value> = serde_json::from_slice(&read("index.json")).unwrap();
    let files = std::fs::read_dir(root().join(STUDY)).unwrap();
    assert_eq!(files.count(), index.len());
    let mut shared = Shared::default();
    for made in &index {
        let name = made["name"].as_str().unwrap();
        let path = root().join(STUDY).join(format!("{name}.dcm"));
        let instance = Instance::open(&path, &mut shared).unwrap();
        assert_eq!(json!(instance.frames), made["frames"], "{name}");
        for n in 1..=instance.frames {
            let pixels = read(&format!("{name}.{n}.raw"));
            assert!(instance.octets(n).unwrap() == pixels, "{name} {n}");
        }
    }
}

#[test]
fn a_folder_of_all_sorts_is_served_and_what_is_left_out_is_named() {
    let project = Project::new(OPEN);
    let directory = images(&project);
    copy("ct_small.dcm", &directory.join("a.dcm"));
    copy("ct_small.dcm", &directory.join("again.dcm"));
    copy("phantom_us.dcm", &directory.join("us.dcm"));
    for n in 0..8 {
        std::fs::write(directory.join(format!("note{n}.txt")), "no image").unwrap();
    }
    let whole = std::fs::read(directory.join("us.dcm")).unwrap();
    std::fs::write(directory.join("cut.dcm"), &whole[..700]).unwrap();
    std::os::unix::fs::symlink(&directory, directory.join("loop")).unwrap();
    let dev = start(&project, &[]);
    let said = dev.stderr();
    for words in [
        "Images 2 instances in 2 series of 2 studies",
        "again.dcm: another file has the same instance",
        "4 more (`-v` names them)",
        "of 2 series, 2 by DICOMweb and 2 by getImageFrame",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert_eq!(said.matches("Left out").count(), 6, "{said}");
    let path = format!("/studies/{CT_STUDY}/series/{CT_SERIES}/instances/{CT_INSTANCE}/frames/1");
    assert_eq!(stored(&dev, &path).status, 200);
    // A file that changes under way is no longer what the index says, and says so.
    std::fs::write(directory.join("a.dcm"), "overwritten").unwrap();
    let reply = stored(&dev, &format!("{path}?imageSetId={}", set_of(&dev)));
    assert_eq!(reply.status, 500, "{}", reply.text());
    assert!(reply.text().contains("has changed"), "{}", reply.text());
    std::fs::remove_file(directory.join("a.dcm")).unwrap();
    let metadata = path.replace("frames/1", "metadata");
    let reply = get(&dev, &metadata, "application/dicom+json");
    assert_eq!(reply.status, 404, "{}", reply.text());
}

fn set_of(dev: &Dev) -> String {
    dev.ready["frame"]["imageSetId"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn native_reads_have_ids_of_their_own_and_a_type_by_syntax() {
    let project = Project::new(OPEN);
    let directory = images(&project);
    copy("phantom_us.dcm", &directory.join("us.dcm"));
    let first = start(&project, &[]);
    let id = first.ready["frame"]["imageFrameId"].as_str().unwrap();
    let url = format!(
        "{}/datastore/{}/imageSet/{}/getImageFrame",
        first.url(),
        first.ready["frame"]["datastoreId"].as_str().unwrap(),
        set_of(&first)
    );
    let mut frames = std::collections::HashSet::new();
    for n in 1..=12 {
        // The last digits count, in base 36.
        let last = char::from_digit(n, 36).unwrap();
        let body = json!({"imageFrameId": format!("{}{last}", &id[..31])}).to_string();
        let reply = first.request("POST", &url, &[], Some(&body));
        assert_eq!(reply.status, 200, "{n}: {}", reply.text());
        assert_eq!(reply.header("content-type"), "image/jph");
        assert!(frames.insert(reply.body), "frame {n} is another's");
    }
    let body = json!({"imageFrameId": format!("{}d", &id[..31])}).to_string();
    assert_eq!(first.request("POST", &url, &[], Some(&body)).status, 404);
    // The same files have the same ids each time.
    let again = start(&project, &[]);
    assert_eq!(again.ready["frame"], first.ready["frame"]);
}

#[test]
fn what_the_manifest_allows_and_the_files_lack_is_said() {
    let project = Project::new(&format!(
        "service: x
auth: {{mode: none}}
iam: {{allow: [{{datastore: 12345678901234567890123456789012, studies: ['{CT_STUDY}', '1.2.3']}}]}}
delivery: {{dicomweb: true}}
"
    ));
    let directory = images(&project);
    copy("ct_small.dcm", &directory.join("ct.dcm"));
    copy("mr_small.dcm", &directory.join("mr.dcm"));
    let dev = start(&project, &[]);
    let said = dev.stderr();
    assert!(
        said.contains("study 1.2.3 is named in `iam.allow`, but no file belongs to it"),
        "{said}"
    );
    assert!(
        said.contains("of 2 series, 1 by DICOMweb and 0 by getImageFrame"),
        "{said}"
    );
    assert!(!said.contains(&format!("study {CT_STUDY}")), "{said}");
}

#[test]
fn a_folder_of_no_use_is_refused_at_once() {
    let project = Project::new(OPEN);
    let directory = images(&project);
    let run = |arguments: &[&str]| {
        let run = project.frames(&[&["dev", "--port", "0"], arguments].concat());
        assert_eq!(run.code, 1, "{run:#?}");
        run.stderr
    };
    let folder = directory.to_str().unwrap();
    assert!(run(&["--dicom", folder]).contains("it holds no file at all"));
    std::fs::write(directory.join("x.dcm"), "no DICOM").unwrap();
    let said = run(&["--dicom", folder]);
    assert!(said.contains("there is no DICOM instance in"), "{said}");
    assert!(said.contains("no `DICM` at byte 128"), "{said}");
    let file = directory.join("x.dcm");
    assert!(run(&["--dicom", file.to_str().unwrap()]).contains("is no directory"));
    let tokens = Project::example();
    let both = tokens.frames(&["dev", "--origin", "aws", "--dicom", folder]);
    assert_eq!(both.code, 1, "{both:#?}");
    assert!(
        both.stderr.contains("leave one of the two out"),
        "{both:#?}"
    );
}
