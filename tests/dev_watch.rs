//! `frames dev --watch`: what is saved is served, what is broken is shown, and whoever asks
//! meanwhile notices nothing of either.

use crate::support::dev::{CT_SERIES, CT_STUDY, Dev, Reply, base64url, bearer, get_frame, send};
use crate::support::dice::Dice;
use crate::support::frames::Project;
use crate::support::https::answer;
use crate::support::plain::Plain;
use crate::support::process::{PATIENCE, eventually};
use crate::support::root;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

const STORE: &str = "12345678901234567890123456789012";
const HIT: &str = "Hit from cloudfront";
const MISS: &str = "Miss from cloudfront";

/// Which manifest it is shows in the origin whose pages it lets read.
fn manifest(number: usize, auth: &str, ttl: &str) -> String {
    format!(
        "service: x
auth: {{mode: oidc, issuer: 'https://issuer.example', audience: a{auth}}}
iam: {{allow: [{{datastore: '{STORE}'}}]}}
delivery: {{dicomweb: true, webAcl: none, cache: {{ttl: {ttl}}}, cors: {{origins: ['{}']}}}}
",
        origin(number)
    )
}

fn plain(number: usize) -> String {
    manifest(number, "", "1h")
}

fn origin(number: usize) -> String {
    format!("https://n{number}.example.org")
}

fn study() -> String {
    format!("/studies/{CT_STUDY}/series/{CT_SERIES}/metadata")
}

fn get(dev: &Dev, path: &str, more: &[(&str, &str)]) -> Reply {
    let url = format!("{}/datastore/{STORE}{path}", dev.url());
    let token = bearer(dev.token());
    let headers = [&[("Authorization", token.as_str())], more].concat();
    dev.request("GET", &url, &headers, None)
}

/// Whether the manifest of this number is served.
fn is_live(dev: &Dev, number: usize) -> bool {
    let origin = origin(number);
    let reply = get(dev, &study(), &[("Origin", &origin)]);
    assert_eq!(reply.status, 200, "{}\n{}", reply.text(), dev.stderr());
    reply.header("access-control-allow-origin") == origin
}

fn live(dev: &Dev, number: usize) {
    eventually(&format!("manifest {number}\n{}", dev.stderr()), || {
        is_live(dev, number).then_some(())
    });
}

fn cache(dev: &Dev, path: &str) -> String {
    let reply = get(dev, path, &[]);
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    reply.header("x-cache").to_owned()
}

fn said(dev: &Dev, words: &str) {
    eventually(words, || dev.stderr().contains(words).then_some(()));
}

fn copy(name: &str, to: &Path) {
    let from = root().join("compiler/emulator/data/study").join(name);
    std::fs::copy(from, to).unwrap();
}

fn images(project: &Project) -> PathBuf {
    let directory = project.path().join("images");
    std::fs::create_dir(&directory).unwrap();
    for name in ["ct_small.dcm", "mr_small.dcm"] {
        copy(name, &directory.join(name));
    }
    directory
}

/// By another file that then takes its name, as many editors save.
fn exchange(path: &Path, text: &str) {
    let other = path.with_extension("swp");
    std::fs::write(&other, text).unwrap();
    std::fs::rename(other, path).unwrap();
}

#[test]
fn what_is_cached_stays_as_far_as_its_rules_do() {
    let project = Project::new(&plain(0));
    let directory = images(&project);
    let dev = Dev::start(
        &project,
        &["--watch", "--dicom", directory.to_str().unwrap()],
    );
    let series = get(&dev, "/series?Modality=MR", &[]);
    let series: serde_json::Value = serde_json::from_slice(&series.body).unwrap();
    let uid = |tag: &str| series[0][tag]["Value"][0].as_str().unwrap().to_owned();
    let other = format!(
        "/studies/{}/series/{}/metadata",
        uid("0020000D"),
        uid("0020000E")
    );
    let both = || [cache(&dev, &study()), cache(&dev, &other)];
    assert_eq!(both(), [MISS; 2]);
    assert_eq!(both(), [HIT; 2]);
    let (url, token, ports) = (dev.url().to_owned(), dev.token().to_owned(), dev.ports());

    // Pages that may read are no rule of the cache. The functions of the old one end.
    project.write("frames.yml", plain(1));
    live(&dev, 1);
    assert!(!is_live(&dev, 0));
    assert_eq!(both(), [HIT; 2]);
    eventually("the processes of before", || {
        (dev.children().len() <= 2).then_some(())
    });

    // How long an answer is kept is one.
    project.write("frames.yml", manifest(2, "", "2h"));
    live(&dev, 2);
    eventually("the end of what was kept", || {
        let dropped = dev.stderr().matches("Live").count() == 2;
        dropped.then_some(())
    });
    assert_eq!(cache(&dev, &other), MISS);

    // A file of one study: the others are still there.
    assert_eq!(both(), [HIT; 2]);
    let mut file = std::fs::read(directory.join("ct_small.dcm")).unwrap();
    file.extend_from_slice(&[0; 2]);
    std::fs::write(directory.join("next"), file).unwrap();
    std::fs::rename(directory.join("next"), directory.join("ct_small.dcm")).unwrap();
    said(&dev, "the images (");
    assert_eq!(both(), [MISS, HIT]);

    // Address, token and what else listens are what they were.
    assert_eq!((dev.url(), dev.token()), (url.as_str(), token.as_str()));
    let now = dev.ports();
    let gone: Vec<_> = ports.iter().filter(|port| !now.contains(port)).collect();
    assert!(
        gone.len() <= 3,
        "the stand-in's and two functions': {gone:?}"
    );
    dev.stop();
}

#[test]
fn images_come_and_go() {
    let project = Project::new(&plain(0));
    let directory = images(&project);
    std::fs::remove_file(directory.join("mr_small.dcm")).unwrap();
    let dev = Dev::start(
        &project,
        &["--watch", "--dicom", directory.to_str().unwrap()],
    );
    let studies = || {
        let found = get(&dev, "/studies", &[]);
        let found: serde_json::Value = serde_json::from_slice(&found.body).unwrap();
        found.as_array().unwrap().len()
    };
    assert_eq!(studies(), 1);
    std::fs::create_dir(directory.join("deeper")).unwrap();
    copy("mr_small.dcm", &directory.join("deeper/mr.dcm"));
    eventually("the second study", || (studies() == 2).then_some(()));
    std::fs::write(directory.join("notes.txt"), "no image").unwrap();
    said(&dev, "notes.txt");
    assert_eq!(cache(&dev, &study()), MISS);
    std::fs::remove_file(directory.join("ct_small.dcm")).unwrap();
    eventually("one study less", || (studies() == 1).then_some(()));
    // It was in the cache.
    assert_eq!(get(&dev, &study(), &[]).status, 404);
    std::fs::remove_dir_all(directory.join("deeper")).unwrap();
    // The other file was named before, and is still there.
    said(&dev, "there is no DICOM instance");
    said(&dev, "1 file was left out: ");
    assert_eq!(studies(), 1);
    copy("ct_small.dcm", &directory.join("again.dcm"));
    eventually("the first study", || {
        (get(&dev, &study(), &[]).status == 200).then_some(())
    });
}

#[test]
fn a_broken_manifest_is_shown_and_the_last_good_one_goes_on() {
    let project = Project::new(&plain(0));
    project.write("origin.yml", format!("name: {}\n", origin(1)));
    let dev = Dev::start(&project, &["--watch"]);
    let path = project.path().join("frames.yml");
    for (broken, shown) in [
        (plain(1).replace("iam:", "aim:"), "unknown-key"),
        (plain(1)[..180].to_owned(), "error["),
        (plain(1).replace("oidc", "odic"), "error["),
        (String::new(), "error["),
        (
            plain(1).replace(&origin(1), "${file(./gone.yml):name}"),
            "gone.yml",
        ),
        (
            plain(1).replace("dicomweb: true", "dicomweb: true, x: ${ssm:/x}"),
            "error[",
        ),
    ] {
        let before = dev.stderr().len();
        project.write("frames.yml", &broken);
        eventually(&format!("{shown} of {broken}"), || {
            let stderr = dev.stderr();
            let since = stderr.get(before..).unwrap_or_default();
            (since.contains(shown) && since.contains("goes on")).then_some(())
        });
        assert!(is_live(&dev, 0), "{broken}");
        let token = format!("eyJ{}", base64url(b"none"));
        let url = format!("{}/datastore/{STORE}{}", dev.url(), study());
        let headers = [("Authorization", bearer(&token))];
        let headers = headers
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        assert_eq!(dev.request("GET", &url, &headers, None).status, 401);
    }
    // It isn't there for a while.
    std::fs::remove_file(&path).unwrap();
    said(&dev, "can't read frames.yml");
    assert!(is_live(&dev, 0));
    exchange(
        &path,
        &plain(1).replace(&origin(1), "${file(./origin.yml):name}"),
    );
    live(&dev, 1);
    // A file that it reads.
    exchange(
        &project.path().join("origin.yml"),
        &format!("name: {}\n", origin(2)),
    );
    live(&dev, 2);
    assert!(!is_live(&dev, 1));
}

#[test]
fn a_request_on_its_way_ends_as_it_began() {
    let (release, released) = channel::<()>();
    let asked = std::sync::Arc::<AtomicUsize>::default();
    let count = asked.clone();
    let healthimaging = Plain::http_by(move || {
        if count.fetch_add(1, Ordering::SeqCst) == 0 {
            let _ = released.recv_timeout(PATIENCE);
        }
        answer("200 OK\r\nContent-Type: application/dicom+json\r\n", "[]")
    });
    let url = healthimaging.url();
    let project = Project::new(&plain(0));
    let variables = [
        ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "aSecretThatIsInNoTokenAndNoPath"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_ENDPOINT_URL_MEDICAL_IMAGING", url.as_str()),
    ];
    let dev = Dev::start_with(&project, &variables, &["--origin", "aws", "--watch"]);
    let first = origin(0);
    let path = format!("{}/datastore/{STORE}{}", dev.url(), study());
    let token = bearer(dev.token());
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| {
            let headers = [("Authorization", token.as_str()), ("Origin", &first)];
            send("GET", &path, &headers, None).unwrap()
        });
        eventually("the origin", || {
            (asked.load(Ordering::SeqCst) > 0).then_some(())
        });
        // Another TTL: what comes through the former rules may not be kept either.
        project.write("frames.yml", manifest(1, "", "2h"));
        said(&dev, "Live");
        release.send(()).unwrap();
        let reply = slow.join().unwrap();
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(reply.header("access-control-allow-origin"), first);
    });
    assert!(is_live(&dev, 1));
    assert_eq!(asked.load(Ordering::SeqCst), 2, "it wasn't kept");

    // Nothing that a start refuses goes live by a save: here, frames for everybody.
    let open = plain(2).replace(
        "mode: oidc, issuer: 'https://issuer.example', audience: a",
        "mode: none",
    );
    project.write("frames.yml", open);
    said(&dev, "would let every user of this machine read frames");
    let bare = format!("{}/datastore/{STORE}{}", dev.url(), study());
    assert_eq!(dev.request("GET", &bare, &[], None).status, 401);
    assert!(is_live(&dev, 1));
}

#[test]
fn other_claims_get_another_token() {
    let project = Project::new("service: x\nauth: {mode: none}\n");
    let dev = Dev::start(&project, &["--watch"]);
    let headers = |token: &str| vec![("Authorization", bearer(token))];
    let ask = |headers: &[(&str, String)]| {
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        get_frame(&dev, &headers, "").status
    };
    assert_eq!(ask(&[]), 200);
    let closed = "service: x\nauth: {mode: oidc, issuer: 'https://issuer.example', audience: a}\n";
    project.write("frames.yml", closed);
    eventually("no frame without a token", || {
        (ask(&[]) == 401).then_some(())
    });
    said(&dev, "/token makes one");
    // The page is told, and it alone.
    let page = dev.ready["page"].as_str().unwrap();
    let (server, key) = page.split_once('#').unwrap();
    let token = eventually("a token", || {
        let values = dev.request("GET", &format!("{server}values"), &[("x-key", key)], None);
        let values: serde_json::Value = serde_json::from_slice(&values.body).unwrap();
        values["token"].as_str().map(str::to_owned)
    });
    assert_eq!(ask(&headers(&token)), 200);
    project.write("frames.yml", closed.replace("audience: a", "audience: b"));
    eventually("a refusal", || (ask(&headers(&token)) == 401).then_some(()));
}

#[test]
fn the_root_of_dicomweb_is_said_when_it_comes_and_when_it_goes() {
    let off = plain(0)
        .replace("dicomweb: true, ", "")
        .replace("cache: {ttl: 1h}, ", "");
    let project = Project::new(&off);
    let dev = Dev::start(&project, &["--watch"]);
    let root = format!("{}/datastore/{STORE}", dev.url());
    assert!(!dev.stderr().contains(&root), "{}", dev.stderr());
    project.write("frames.yml", plain(0));
    said(&dev, &format!("DICOMweb {root} (a viewer's root"));
    project.write("frames.yml", off);
    said(&dev, &format!("DICOMweb is no longer served at {root}"));
    assert_eq!(get(&dev, &study(), &[]).status, 404);
}

#[test]
fn there_has_to_be_something_to_watch() {
    let empty = Project::empty();
    let run = empty.frames(&["dev", "--port", "0", "--watch"]);
    assert!(run.code == 2 && run.stderr.contains("to watch"), "{run:#?}");
    let run = empty.frames(&["dev", "--watch", "--online"]);
    assert!(run.code == 2 && run.stderr.contains("--online"), "{run:#?}");
    let run = Project::new("service: 1\n").frames(&["dev", "--port", "0", "--watch"]);
    assert_eq!(run.code, 3, "{run:#?}");
}

/// What a random edit does.
#[derive(Debug, Clone, Copy)]
enum Edit {
    Good,
    Broken,
    ByRename,
    InParts,
    Gone,
    Included,
    MoreImages,
    FewerImages,
}

const EDITS: [Edit; 10] = [
    Edit::Good,
    Edit::Good,
    Edit::Broken,
    Edit::Broken,
    Edit::ByRename,
    Edit::InParts,
    Edit::Gone,
    Edit::Included,
    Edit::MoreImages,
    Edit::FewerImages,
];

const AUTHS: [&str; 4] = [
    "",
    ", algorithms: [RS256]",
    ", algorithms: [ES256, RS256]",
    ", algorithms: [EdDSA, RS256, ES256]",
];

/// Its first part, which ends in the middle of a mapping: no manifest that serves less.
fn cut<'a>(text: &'a str, dice: &mut Dice) -> &'a str {
    loop {
        let part = &text[..dice.below(text.len())];
        if part.matches('{').count() > part.matches('}').count() {
            return part;
        }
    }
}

fn edit(edit: Edit, number: usize, project: &Project, dice: &mut Dice) {
    let path = project.path().join("frames.yml");
    let text = manifest(
        number,
        dice.one_of(&AUTHS),
        dice.one_of(&["1h", "2h", "0s"]),
    );
    let extra = project.path().join("images/extra.dcm");
    match edit {
        Edit::Good => std::fs::write(path, text).unwrap(),
        Edit::Broken => {
            let broken = [
                cut(&text, dice).to_owned(),
                text.replace("auth", "atuh"),
                format!("{text}x: 1\n"),
            ];
            std::fs::write(path, dice.one_of(&broken)).unwrap();
        }
        Edit::ByRename => exchange(&path, &text),
        Edit::InParts => {
            std::fs::write(&path, cut(&text, dice)).unwrap();
            std::thread::sleep(Duration::from_millis(5));
            std::fs::write(&path, text).unwrap();
        }
        Edit::Gone => {
            let _ = std::fs::remove_file(&path);
            std::fs::write(path, text).unwrap();
        }
        Edit::Included => {
            project.write("origin.yml", format!("name: {}\n", origin(number)));
            exchange(
                &path,
                &text.replace(&origin(number), "${file(./origin.yml):name}"),
            );
        }
        Edit::MoreImages => copy("phantom_ct_01.dcm", &extra),
        Edit::FewerImages => drop(std::fs::remove_file(extra)),
    }
}

const COUNT: usize = 200;

/// Whoever asks until then has to hear of an end by a panic, too.
struct AtTheEnd<'a>(&'a AtomicBool);

impl Drop for AtTheEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn two_hundred_edits_while_requests_go_on() {
    let seed = std::env::var("FRAMES_SEED").map_or(18, |seed| seed.parse().unwrap());
    println!("seed {seed}");
    let mut dice = Dice::new(seed);
    let project = Project::new(&plain(0));
    let directory = images(&project);
    let dev = Dev::start(
        &project,
        &["--watch", "--dicom", directory.to_str().unwrap()],
    );
    let (ended, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    let token = bearer(dev.token());
    let open = [("Authorization", token.as_str())];
    let metadata = format!("{}/datastore/{STORE}{}", dev.url(), study());
    std::thread::scope(|scope| {
        let _last = AtTheEnd(&ended);
        for (headers, wanted) in [(&open[..], 200), (&open[..], 200), (&[], 401)] {
            let (metadata, ended, answered) = (&metadata, &ended, &answered);
            scope.spawn(move || {
                while !ended.load(Ordering::SeqCst) {
                    let reply = send("GET", metadata, headers, None).unwrap();
                    if reply.status != wanted {
                        ended.store(true, Ordering::SeqCst);
                    }
                    assert_eq!(reply.status, wanted, "seed {seed}: {}", reply.text());
                    answered.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        for number in 1..=COUNT {
            let kind = dice.one_of(&EDITS);
            edit(kind, number, &project, &mut dice);
            std::thread::sleep(Duration::from_millis(
                u64::try_from(dice.below(60)).unwrap(),
            ));
            assert!(
                !ended.load(Ordering::SeqCst),
                "seed {seed}: after {kind:?}, edit {number}"
            );
        }
        // Whatever the watcher calls live after this is the last save's.
        let (marker, last) = (format!("marker{COUNT}"), COUNT + 1);
        project.write("frames.yml", format!("{}{marker}: 1\n", plain(last)));
        let before = eventually("the broken one", || {
            let stderr = dev.stderr();
            let at = stderr.rfind(&marker)?;
            let ended = stderr.get(at..)?.find("goes on")?;
            Some(at + ended)
        });
        project.write("frames.yml", plain(last));
        let saved = Instant::now();
        // It needs no further save, and no request.
        eventually("the last save", || {
            let stderr = dev.stderr();
            let mut since = stderr.get(before..)?.lines();
            let is_live = |line: &str| line.contains("Live") && line.contains("frames.yml");
            since.any(is_live).then_some(())
        });
        println!(
            "the last save was live after {:?}, with {} answers until then",
            saved.elapsed(),
            answered.load(Ordering::SeqCst)
        );
        // Whoever asks from now on gets it, and nothing older comes back.
        for _ in 0..50 {
            assert!(is_live(&dev, last), "seed {seed}");
        }
        eventually("many answers", || {
            let many = answered.load(Ordering::SeqCst) > COUNT;
            (many || ended.load(Ordering::SeqCst)).then_some(())
        });
    });
    // What served the manifests of before has ended.
    eventually("few processes", || {
        (dev.children().len() <= 8).then_some(())
    });
    dev.stop();
}
