//! Native reads by GET through `frames dev`: cached by path and id, and by nothing else, behind
//! an authorizer that decides on hits as on misses. The function URL is our model of AWS's.

use crate::support::browser::{Browser, Site};
use crate::support::dev::{CT, Dev, Reply, bearer, get_frame, native_path, send};
use crate::support::dicom::File;
use crate::support::frames::Project;
use frames_edge::jose::Algorithm;
use frames_edge::{LogLevel, SignerConfig};
use frames_emulator::Credentials;
use frames_emulator::cloudfront::{CloudFront, Options, OriginServer};
use frames_emulator::healthimaging::{self, Policy, StandIn};
use frames_emulator::issuer::{Issuer, IssuerClaims};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

const OIDC: &str = "service: x
auth: {mode: oidc, issuer: 'https://issuer.example', audience: a, groups: [radiology], tokenSources: [authorization, header, query]}
iam: {allow: [{datastore: 12345678901234567890123456789012}]}
";

const HIT: &str = "Hit from cloudfront";
const MISS: &str = "Miss from cloudfront";

fn project(delivery: &str) -> Project {
    Project::new(&format!(
        "{OIDC}delivery: {{cachedReads: true{delivery}}}\n"
    ))
}

/// The first frame's address, with a query in the place of its id.
fn by_get(dev: &Dev, query: &str) -> String {
    format!("{}{}?{query}", dev.url(), native_path(dev))
}

fn frame_query(dev: &Dev) -> String {
    let id = dev.ready["frame"]["imageFrameId"].as_str().unwrap();
    format!("imageFrameId={id}")
}

fn frame(dev: &Dev) -> String {
    by_get(dev, &frame_query(dev))
}

fn ask(dev: &Dev, method: &str, url: &str, token: &str) -> Reply {
    dev.request(method, url, &[("Authorization", &bearer(token))], None)
}

fn cached(reply: &Reply) -> (u16, &str) {
    (reply.status, reply.header("x-cache"))
}

#[test]
fn a_frame_by_get_is_read_once() {
    let dev = Dev::start(&project(""), &[]);
    let token = dev.mint(json!({"groups": ["radiology"]}));
    let other = dev.mint(json!({"groups": ["radiology"], "sub": "somebody else"}));
    let first = ask(&dev, "GET", &frame(&dev), &token);
    assert_eq!(
        cached(&first),
        (200, MISS),
        "{}\n{}",
        first.text(),
        dev.stderr()
    );
    assert!(first.body == CT);
    assert_eq!(first.header("content-type"), "image/jph");
    assert_eq!(first.header("cache-control"), "private, no-store");
    // Neither token, nor spelling, nor any other parameter makes another object of it.
    let query = frame_query(&dev);
    let spelt = query.replace("imageFrameId", "image%46rameId");
    for url in [
        frame(&dev),
        by_get(&dev, &spelt),
        by_get(&dev, &format!("x=1&{query}&version=2")),
        frame(&dev).replace("imageSet/", "imageset/"),
    ] {
        let again = ask(&dev, "GET", &url, &other);
        assert_eq!(cached(&again), (200, HIT), "{url}: {}", again.text());
        assert!(again.body == CT);
    }
    let by_query = by_get(&dev, &format!("token={token}&{query}"));
    assert_eq!(
        cached(&dev.request("GET", &by_query, &[], None)),
        (200, HIT)
    );
    let head = ask(&dev, "HEAD", &frame(&dev), &token);
    assert_eq!((cached(&head), head.body.len()), ((200, HIT), 0));
    // By POST it is HealthImaging's, each time.
    for _ in 0..2 {
        let posted = get_frame(&dev, &[("Authorization", &bearer(&token))], "");
        assert_eq!(cached(&posted), (200, MISS), "{}", posted.text());
        assert!(posted.body == CT);
    }
}

#[test]
fn the_authorizer_decides_on_hits_as_on_misses() {
    let dev = Dev::start(&project(""), &[]);
    let token = dev.mint(json!({"groups": ["radiology"]}));
    let stranger = dev.mint(json!({"groups": ["accounting"]}));
    let late = dev.mint(json!({"groups": ["radiology"], "exp": 1}));
    for hit in [false, true] {
        let bare = dev.request("GET", &frame(&dev), &[], None);
        assert_eq!(bare.status, 401, "hit: {hit}");
        assert_eq!(ask(&dev, "GET", &frame(&dev), &late).status, 401);
        assert_eq!(ask(&dev, "GET", &frame(&dev), &stranger).status, 403);
        assert_eq!(ask(&dev, "HEAD", &frame(&dev), &stranger).status, 403);
        let elsewhere = frame(&dev).replace("12345678901234567890123456789012", &"e".repeat(32));
        assert_eq!(ask(&dev, "GET", &elsewhere, &token).status, 403);
        let good = ask(&dev, "GET", &frame(&dev), &token);
        assert_eq!(cached(&good), (200, if hit { HIT } else { MISS }));
    }
    let wrong = ask(&dev, "GET", &by_get(&dev, "imageFrameId=1"), &token);
    assert_eq!(wrong.status, 400, "{}", wrong.text());
    assert_eq!(ask(&dev, "DELETE", &frame(&dev), &token).status, 405);
    // What HealthImaging refuses is kept by nobody.
    let unknown = by_get(&dev, &format!("imageFrameId={}", "0".repeat(32)));
    for _ in 0..2 {
        let reply = ask(&dev, "GET", &unknown, &token);
        assert_eq!(reply.status, 404, "{}", reply.text());
        assert!(reply.header("x-cache").starts_with("Error"));
        assert!(reply.header("cache-control").contains("no-store"));
    }
}

/// Rows and claims are one user's: another user's hit is no reason to let this one in.
#[test]
fn access_is_decided_on_hits_too() {
    let project = Project::new(
        "service: x
auth:
  mode: oidc
  issuer: https://issuer.example
  audience: a
  access:
    - {groups: [radiology], datastore: 12345678901234567890123456789012}
    - {groups: [trial], datastore: 12345678901234567890123456789012, imageSets: [aaaabbbbccccddddeeeeffff00001111]}
  accessClaims: {imageSets: sets}
iam: {allow: [{datastore: 12345678901234567890123456789012}]}
delivery: {cachedReads: true, metadata: true}
",
    );
    let dev = Dev::start(&project, &[]);
    let radiology = dev.mint(json!({"groups": ["radiology"]}));
    let trial = dev.mint(json!({"groups": ["trial"]}));
    let nobody = dev.mint(json!({"groups": []}));
    let set = native_path(&dev).split('/').nth(4).unwrap().to_owned();
    let metadata = format!("{}{}", dev.url(), native_path(&dev));
    let metadata = metadata.replace("getImageFrame", "getImageSetMetadata");
    for url in [frame(&dev), metadata] {
        for cache in [MISS, HIT] {
            for token in [&trial, &nobody] {
                let refused = ask(&dev, "GET", &url, token);
                assert_eq!(refused.status, 403, "{cache}: {}", refused.text());
                assert_eq!(ask(&dev, "HEAD", &url, token).status, 403);
            }
            let given = ask(&dev, "GET", &url, &radiology);
            assert_eq!(cached(&given), (200, cache), "{}", given.text());
        }
        // A link to this image set only, and one to another.
        let linked = |set: &str| dev.mint(json!({"groups": ["radiology"], "sets": [set]}));
        assert_eq!(cached(&ask(&dev, "GET", &url, &linked(&set))), (200, HIT));
        let elsewhere = linked("aaaabbbbccccddddeeeeffff00001111");
        assert_eq!(ask(&dev, "GET", &url, &elsewhere).status, 403);
    }
}

/// The same edge, by another manifest.
fn edge_options(stand_in: &Arc<StandIn>) -> Options {
    Options {
        port: 0,
        origin: OriginServer::StandIn(stand_in.clone()),
        requests: Arc::new(|_| ()),
        functions: Arc::new(|_, _| ()),
    }
}

/// A deployment leaves what is cached where it is.
#[test]
fn a_narrower_iam_allow_decides_on_what_is_cached() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let claims = json!({"iss": "https://issuer.example", "aud": "a", "sub": "s"});
        let issuer = Issuer::start(IssuerClaims {
            algorithm: Algorithm::RS256,
            claims: serde_json::from_value(claims).unwrap(),
        });
        let issuer = issuer.await.unwrap();
        let project = Project::empty();
        project.write("jwks.json", issuer.jwks().to_string());
        let packaged = |allow: &str| {
            let manifest = format!(
                "service: x
auth: {{mode: oidc, issuer: 'https://issuer.example', audience: a, jwksFile: ./jwks.json}}
iam: {{allow: [{{datastore: 12345678901234567890123456789012{allow}}}]}}
delivery: {{cachedReads: true}}
"
            );
            project.write("frames.yml", manifest);
            project.package();
            frames_emulator::package::read(&project.path().join(".frames/dev")).unwrap()
        };
        let wide = packaged("");
        let config = SignerConfig {
            region: "us-east-1".to_owned(),
            native_host: "runtime-medical-imaging.us-east-1.amazonaws.com".to_owned(),
            dicomweb_host: None,
            metadata: false,
            cached_reads: true,
            log_level: LogLevel::Warn,
        };
        let stand_in = StandIn::start(
            &config,
            Credentials::random().unwrap(),
            Policy::of(&wide),
            healthimaging::embedded().unwrap(),
        );
        let stand_in = Arc::new(stand_in.await.unwrap());
        let first = stand_in.store().first_frame().unwrap();
        let set = first.image_set_id.to_owned();
        let path = format!(
            "/datastore/{}/imageSet/{set}/getImageFrame?imageFrameId={}",
            stand_in.store().id,
            first.image_frame_id()
        );
        let token = bearer(issuer.token());
        let get = async |edge: &CloudFront, token: Option<&str>| {
            let (url, token) = (format!("{}{path}", edge.url()), token.map(str::to_owned));
            let asked = tokio::task::spawn_blocking(move || {
                let token = token.as_deref().map(|token| ("authorization", token));
                let headers: Vec<_> = token.into_iter().collect();
                let reply = send("GET", &url, &headers, None).unwrap();
                (reply.status, reply.header("x-cache").to_owned())
            });
            asked.await.unwrap()
        };
        let ok = |cache: &str| (200, cache.to_owned());
        let mut edge = CloudFront::start(wide, edge_options(&stand_in))
            .await
            .unwrap();
        assert_eq!(get(&edge, Some(&token)).await, ok(MISS));
        assert_eq!(get(&edge, Some(&token)).await, ok(HIT));

        let narrow = packaged(", imageSets: [aaaabbbbccccddddeeeeffff00001111]");
        edge.update(narrow, edge_options(&stand_in)).await.unwrap();
        assert_eq!(get(&edge, Some(&token)).await.0, 403);
        assert_eq!(get(&edge, None).await.0, 401);

        // It was there all the time.
        let named = packaged(&format!(", imageSets: [{set}]"));
        edge.update(named, edge_options(&stand_in)).await.unwrap();
        assert_eq!(get(&edge, Some(&token)).await, ok(HIT));
        edge.stop().await;
    });
}

#[test]
fn metadata_are_kept_by_version() {
    let dev = Dev::start(&project(", metadata: true, cache: {browser: 1h}"), &[]);
    let token = dev.mint(json!({"groups": ["radiology"]}));
    let base = format!("{}{}", dev.url(), native_path(&dev));
    let base = base.replace("getImageFrame", "getImageSetMetadata");
    let mut texts = BTreeSet::new();
    for (query, caches) in [
        ("", [MISS, HIT]),
        ("?version=1", [MISS, HIT]),
        ("?%76ersion=%31", [HIT, HIT]),
    ] {
        for cache in caches {
            let reply = ask(&dev, "GET", &format!("{base}{query}"), &token);
            assert_eq!(cached(&reply), (200, cache), "{query}: {}", reply.text());
            assert_eq!(reply.header("cache-control"), "private, max-age=3600");
            texts.insert(reply.body);
        }
    }
    assert_eq!(texts.len(), 1, "there is one version");
    for query in ["?version=01", "?version=1&version=1"] {
        let reply = ask(&dev, "GET", &format!("{base}{query}"), &token);
        assert_eq!(reply.status, 400, "{query}");
    }
    let refused = ask(&dev, "GET", &format!("{base}?version=9"), &token);
    assert_eq!(refused.status, 404, "{}", refused.text());
    assert!(refused.header("cache-control").contains("no-store"));
    // It is asked for by POST as before.
    let posted = ask(&dev, "POST", &base, &token);
    assert_eq!(cached(&posted), (200, MISS), "{}", posted.text());
}

#[test]
fn without_the_key_there_is_no_get() {
    let dev = Dev::start(&Project::new(OIDC), &[]);
    let token = dev.mint(json!({"groups": ["radiology"]}));
    let refused = ask(&dev, "GET", &frame(&dev), &token);
    assert_eq!(refused.status, 405, "{}", refused.text());
    assert_eq!(refused.header("allow"), "POST, OPTIONS");
}

#[test]
fn without_a_lifetime_every_get_is_read() {
    let dev = Dev::start(&project(", cache: {ttl: 0s}"), &[]);
    let token = dev.mint(json!({"groups": ["radiology"]}));
    for _ in 0..2 {
        let reply = ask(&dev, "GET", &frame(&dev), &token);
        assert_eq!(cached(&reply), (200, MISS), "{}", reply.text());
        assert!(reply.body == CT);
    }
}

/// Frames of 8 by 8 bytes, each with its number in every one.
const FRAMES: u8 = 100;

fn a_hundred_frames() -> Vec<u8> {
    let pixels: Vec<u8> = (0..FRAMES).flat_map(|number| [number; 64]).collect();
    File::new()
        .with(0x0008, 0x0016, b"UI", b"1.2.840.10008.5.1.4.1.1.7.2")
        .with(0x0008, 0x0018, b"UI", b"1.2.7.1.1")
        .with(0x0020, 0x000D, b"UI", b"1.2.7")
        .with(0x0020, 0x000E, b"UI", b"1.2.7.1")
        .with(0x0028, 0x0002, b"US", &1_u16.to_le_bytes())
        .with(0x0028, 0x0004, b"CS", b"MONOCHROME2")
        .with(0x0028, 0x0008, b"IS", b"100")
        .with(0x0028, 0x0010, b"US", &8_u16.to_le_bytes())
        .with(0x0028, 0x0011, b"US", &8_u16.to_le_bytes())
        .with(0x0028, 0x0100, b"US", &8_u16.to_le_bytes())
        .with(0x0028, 0x0101, b"US", &8_u16.to_le_bytes())
        .with(0x0028, 0x0102, b"US", &7_u16.to_le_bytes())
        .with(0x0028, 0x0103, b"US", &0_u16.to_le_bytes())
        .with(0x7FE0, 0x0010, b"OB", &pixels)
        .bytes()
}

/// The ids of the frames in an image set's metadata, in order.
fn frame_ids(metadata: &Value) -> Vec<String> {
    let series = metadata["Study"]["Series"].as_object().unwrap().values();
    let instances = series.flat_map(|series| series["Instances"].as_object().unwrap().values());
    let frames = instances.flat_map(|instance| instance["ImageFrames"].as_array().unwrap());
    frames
        .map(|frame| frame["ID"].as_str().unwrap().to_owned())
        .collect()
}

/// A page of another origin scrolls through a hundred frames, and another viewer does the same.
#[test]
fn a_page_pays_for_each_frame_once() {
    let site = Site::start();
    let project = project(&format!(
        ", metadata: true, cors: {{origins: ['{}']}}",
        site.origin()
    ));
    let images = project.path().join("images");
    std::fs::create_dir(&images).unwrap();
    std::fs::write(images.join("frames.dcm"), a_hundred_frames()).unwrap();
    let dev = Dev::start(&project, &["--dicom", images.to_str().unwrap()]);
    let mut browser = Browser::start();
    let [first, second] =
        ["first", "second"].map(|sub| dev.mint(json!({"groups": ["radiology"], "sub": sub})));
    let mut fetch = |url: &str, token: &str| {
        let headers = json!({"Authorization": bearer(token)});
        browser.fetch(&site.page(), url, json!({"headers": headers}))
    };
    let metadata = frame(&dev)
        .split('?')
        .next()
        .unwrap()
        .replace("getImageFrame", "getImageSetMetadata");
    // The browser unpacks it.
    let metadata = fetch(&metadata, &first);
    assert_eq!(metadata.status(), 200, "{metadata:?}");
    let ids = frame_ids(&metadata.json());
    assert_eq!(
        ids.iter().collect::<BTreeSet<_>>().len(),
        usize::from(FRAMES)
    );
    for (token, cache) in [(&first, MISS), (&second, HIT)] {
        let mut bodies = BTreeSet::new();
        for id in &ids {
            let answer = fetch(&by_get(&dev, &format!("imageFrameId={id}")), token);
            assert_eq!(answer.status(), 200, "{answer:?}");
            assert_eq!(answer.header("x-cache"), Some(cache), "{id}");
            bodies.insert(answer.body());
        }
        assert_eq!(bodies.len(), usize::from(FRAMES), "each is itself");
    }
    // With nobody's token, a kept frame is nobody's.
    let bare = dev.request(
        "GET",
        &by_get(&dev, &format!("imageFrameId={}", ids[0])),
        &[],
        None,
    );
    assert_eq!(bare.status, 401);
    let (out, err) = dev.stop();
    for token in [&first, &second] {
        let signature = token.rsplit('.').next().unwrap();
        assert!(
            !out.contains(signature) && !err.contains(signature),
            "a token is in the log"
        );
    }
}
