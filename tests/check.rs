//! `frames check`: nothing on a sound delivery, and each fault by its name. The delivery is the local
//! one, behind an edge that speaks TLS under a name.

pub mod faults;

use crate::support::dev::{Dev, dicomweb_path};
use crate::support::edge::{Edge, Fault, IMAGES};
use crate::support::frames::{Project, Run};
use crate::support::gateway::{Gateway, Manner};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, TcpListener};
use std::sync::Mutex;

pub const VIEWER: &str = "https://viewer.example.org";

pub const MANIFEST: &str = "
service: heart
auth: {mode: oidc, issuer: 'https://login.example.org/', audience: frames}
iam: {allow: [{datastore: 12345678901234567890123456789012}]}
domain:
  cnames: [images.test]
  certificateArn: arn:aws:acm:us-east-1:111122223333:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11
delivery: {dicomweb: true, webAcl: none, cors: {origins: ['https://viewer.example.org']}}
";

/// Where the local edge listens.
pub fn place(dev: &Dev) -> SocketAddr {
    let place = dev.url().trim_start_matches("http://");
    place.parse().unwrap()
}

/// `frames check` against an edge, as a person elsewhere runs it.
fn check(project: &Project, edge: &Edge, arguments: &[&str]) -> Run {
    let mut command = project.command();
    Project::without_proxies(&mut command)
        .arg("check")
        .arg(format!("https://{}", edge.host))
        .args(["--connect-to", &edge.address.to_string()])
        .args(arguments)
        .env("AWS_CA_BUNDLE", edge.authority());
    Run::of(&mut command)
}

/// State and what was found, by name.
pub fn rows(said: &Value) -> BTreeMap<String, (String, String)> {
    let checks = said["checks"].as_array().unwrap().iter();
    let rows: Vec<(String, (String, String))> = checks
        .map(|check| {
            let text = |member: &str| check[member].as_str().unwrap().to_owned();
            (text("name"), (text("state"), text("found")))
        })
        .collect();
    let count = rows.len();
    let rows: BTreeMap<_, _> = rows.into_iter().collect();
    assert_eq!(rows.len(), count, "each check once: {said:#}");
    rows
}

fn in_state(rows: &BTreeMap<String, (String, String)>, state: &str) -> Vec<String> {
    let found = rows.iter().filter(|(_, (own, _))| own == state);
    found.map(|(name, _)| name.clone()).collect()
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:#?}"))
}

struct Delivery {
    project: Project,
    dev: Dev,
    path: String,
}

impl Delivery {
    fn start() -> Self {
        let project = Project::new(MANIFEST);
        let dev = Dev::start(&project, &[]);
        project.write("token", dev.token());
        let path = dicomweb_path(&dev);
        Self { project, dev, path }
    }

    /// With a token, a frame and a page.
    fn check(&self, edge: &Edge) -> Run {
        let wanted = ["--token-file", "token", "--path", &self.path];
        let more = ["--origin", VIEWER, "--format", "json"];
        let run = check(&self.project, edge, &[&wanted[..], &more[..]].concat());
        let said = format!("{}{}", run.stdout, run.stderr);
        assert!(!said.contains(self.dev.token()), "{run:#?}");
        run
    }

    fn edge(&self, fault: Fault) -> Edge {
        Edge::start(place(&self.dev), fault)
    }
}

#[test]
fn a_sound_delivery_has_nothing_wrong_and_each_fault_is_found() {
    let delivery = Delivery::start();
    let run = delivery.check(&delivery.edge(Fault::default()));
    let said = json(&run);
    let sound = rows(&said);
    assert_eq!(run.code, 0, "{run:#?}");
    assert_eq!((&said["ok"], &said["open"]), (&true.into(), &false.into()));
    assert_eq!(in_state(&sound, "wrong"), [""; 0]);
    // Where the host is was said on the command line; all else was looked at.
    assert_eq!(in_state(&sound, "skipped"), ["address"]);
    assert_eq!(sound["edge-cache"].1, "Miss, Hit");
    // DICOMweb's; native reads by GET aren't delivered.
    assert_eq!(sound["behaviors"].1, "401 on 5, not served: 2");
    assert!(sound["tls-1.0"].1.contains("alert "), "{said:#}");
    assert!(sound["certificate"].1.contains(IMAGES), "{said:#}");

    let faults = faults::faults(delivery.dev.token());
    assert!(faults.len() >= 20);
    let mut found = BTreeSet::new();
    for (name, fault, wanted) in faults {
        let run = delivery.check(&delivery.edge(fault));
        let rows = rows(&json(&run));
        let mut wanted = wanted.to_vec();
        wanted.sort_unstable();
        assert_eq!(in_state(&rows, "wrong"), wanted, "{name}: {run:#?}");
        assert_eq!(run.code, 1, "{name}: {run:#?}");
        // Silence would pass for a refusal.
        assert!(
            !run.stdout.contains("it doesn't answer"),
            "{name}: {run:#?}"
        );
        for wrong in wanted {
            assert!(run.stderr.contains(wrong), "{name}: {run:#?}");
            found.insert(wrong.to_owned());
        }
    }
    // A check that no fault trips proves nothing.
    let never: BTreeSet<String> = sound
        .into_keys()
        .filter(|name| !found.contains(name))
        .collect();
    let by_others = ["address", "edge-cache", "frame"];
    assert_eq!(never, by_others.map(str::to_owned).into());
}

/// Where CloudFront refuses the machine that looks, nobody learns what others get.
#[test]
fn an_endpoint_that_refuses_this_machine_isnt_called_closed() {
    let delivery = Delivery::start();
    let edge = delivery.edge(Fault::on_answer(|_, answer| {
        answer.first = "HTTP/1.1 403 Forbidden".to_owned();
        answer.set("content-type", "text/html");
        answer.set("server", "CloudFront");
        answer.set("x-cache", "Error from cloudfront");
    }));
    let run = delivery.check(&edge);
    assert_eq!(run.code, 1, "{run:#?}");
    let said = json(&run);
    assert_eq!((&said["ok"], &said["open"]), (&Value::Null, &Value::Null));
    assert!(run.stderr.contains("nobody knows whether"), "{run:#?}");
    let rows = rows(&said);
    assert_eq!(rows["no-token"].0, "skipped", "{said:#}");
    assert!(!rows.contains_key("method"), "{said:#}");
}

/// By a tunnel for each connection, the one for TLS 1.0 too. Nobody else knows that name.
#[test]
fn a_proxy_leads_to_the_endpoint() {
    let delivery = Delivery::start();
    let edge = delivery.edge(Fault::default());
    let gateway = Gateway::start(Manner::Asks("dXNlcjpzM2NyZXQ="), &[(IMAGES, edge.address)]);
    let run = |proxy: String| {
        let mut command = delivery.project.command();
        Project::without_proxies(&mut command)
            .args(["check", &format!("https://{IMAGES}"), "--format", "json"])
            .args(["--token-file", "token", "--path", &delivery.path])
            .env("AWS_CA_BUNDLE", edge.authority())
            .env("ALL_PROXY", proxy);
        Run::of(&mut command)
    };
    let sound = run(format!("user:s3cret@{}", gateway.address));
    assert_eq!(sound.code, 0, "{sound:#?}");
    let found = rows(&json(&sound));
    assert_eq!(found["address"].1, "a proxy looks it up");
    assert_eq!(found["tls-1.0"].0, "ok", "{sound:#?}");
    let tunnels = gateway.seen();
    let tunnel = format!("CONNECT {IMAGES}:443 HTTP/1.1");
    assert!(tunnels.iter().filter(|line| **line == tunnel).count() > 10);
    // HTTP without TLS goes to the proxy as HTTP.
    let plain = format!("GET http://{IMAGES}:80/ HTTP/1.1");
    assert!(tunnels.contains(&plain), "{tunnels:?}");

    let refused = run(gateway.address.to_string());
    assert_eq!(refused.code, 1, "{refused:#?}");
    let all = format!("{}{}{}", sound.stdout, sound.stderr, refused.stderr);
    assert!(refused.stderr.contains("asks for a user"), "{refused:#?}");
    assert!(!all.contains("s3cret"), "{all}");
}

/// What a server sends can't pass for lines of ours, nor reach the terminal as it is.
#[test]
fn what_an_endpoint_says_is_shown_as_what_it_is() {
    let delivery = Delivery::start();
    let edge = delivery.edge(Fault::on_answer(|_, answer| {
        for name in ["allow", "www-authenticate", "content-type"] {
            answer.set(name, "Bearer \u{9b}31m\u{202e}x");
        }
    }));
    let table = check(
        &delivery.project,
        &edge,
        &["--path", &delivery.path, "--token-file", "token"],
    );
    // The authorizer's words aren't known as its own under another type.
    assert_eq!(table.code, 1, "{table:#?}");
    assert!(table.stderr.contains("nobody knows"), "{table:#?}");
    let said = format!("{}{}", table.stdout, table.stderr);
    assert!(!said.contains(['\u{9b}', '\u{202e}']), "{said}");
    assert!(said.contains("\\u{9b}31m\\u{202e}x"), "{said}");
}

/// No request goes to a server that nobody trusts, least of all one with a token.
#[test]
fn a_server_that_isnt_trusted_is_asked_for_nothing() {
    let delivery = Delivery::start();
    let asked = std::sync::Arc::new(Mutex::new(Vec::new()));
    let seen = asked.clone();
    let mut fault =
        Fault::on_request(move |request| seen.lock().unwrap().push(request.first.clone()));
    fault.shown.names = &["other.test"];
    let run = delivery.check(&delivery.edge(fault));
    assert_eq!(run.code, 1, "{run:#?}");
    let rows = rows(&json(&run));
    assert!(rows["certificate"].1.contains("other.test"), "{run:#?}");
    assert!(!rows.contains_key("no-token"), "{run:#?}");
    assert_eq!(*asked.lock().unwrap(), [""; 0]);
}

/// The local edge itself, a table, and a frame by its ids.
#[test]
fn a_local_edge_is_looked_at_without_tls() {
    let delivery = Delivery::start();
    let id = |name: &str| delivery.dev.ready["frame"][name].as_str().unwrap();
    let ids = [id("datastoreId"), id("imageSetId"), id("imageFrameId")].join("/");
    let run = |arguments: &[&str]| {
        let mut command = delivery.project.command();
        Project::without_proxies(&mut command)
            .args(["check", delivery.dev.url()])
            .args(arguments)
            .env("FRAMES_TOKEN", delivery.dev.token());
        Run::of(&mut command)
    };
    let table = run(&["--frame", &ids]);
    assert_eq!(table.code, 0, "{table:#?}");
    for line in [
        "– tls ",
        "✓ no-token ",
        "✓ frame ",
        "200 by POST",
        "– edge-cache ",
        "✓ security-headers ",
    ] {
        assert!(table.stdout.contains(line), "{line}: {}", table.stdout);
    }
    assert!(!table.stderr.contains("FRAMES_TOKEN"), "{table:#?}");
    // Without a frame, a token has no use, and what only images have isn't looked at.
    let table = run(&[]);
    assert_eq!(table.code, 0, "{table:#?}");
    for words in ["the token in FRAMES_TOKEN isn't used", "--frame", "--path"] {
        assert!(table.stderr.contains(words), "{words}: {table:#?}");
    }
    assert!(!table.stderr.contains(delivery.dev.token()), "{table:#?}");
    assert!(table.stdout.contains("– security-headers "), "{table:#?}");
    let quiet = run(&["--quiet"]);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));

    let expired = delivery.dev.mint(serde_json::json!({"exp": 1}));
    delivery.project.write("expired", &expired);
    let refused = run(&["--token-file", "expired", "--frame", &ids]);
    assert_eq!(refused.code, 1, "{refused:#?}");
    assert!(
        refused.stdout.contains("401 (invalid_token)"),
        "{refused:#?}"
    );
    assert!(refused.stdout.contains("✗ frame "), "{refused:#?}");
    assert!(!refused.stdout.contains(&expired), "{refused:#?}");
}

/// Whoever delivers to anybody is told so, and a look from elsewhere calls it open.
#[test]
fn what_can_be_asked_without_a_token_is_called_open() {
    let project = Project::new("service: x\nauth: {mode: none}\ndelivery: {webAcl: none}\n");
    let dev = Dev::start(&project, &[]);
    let mut command = project.command();
    Project::without_proxies(&mut command).args(["check", dev.url(), "--format", "json"]);
    let run = Run::of(&mut command);
    assert_eq!(run.code, 1, "{run:#?}");
    let said = json(&run);
    assert_eq!(said["open"], true);
    assert!(rows(&said)["no-token"].1.contains("OPEN"), "{said:#}");
    assert!(run.stderr.contains("is open to anybody"), "{run:#?}");
}

/// A program reads of an endpoint that is out of reach where it reads all else, and so does whoever set
/// the variable and forgot it.
#[test]
fn what_is_out_of_reach_is_json_too() {
    let project = Project::new(MANIFEST);
    let mut command = project.command();
    Project::without_proxies(&mut command)
        .args(["check", "http://127.0.0.1:9", "--format", "json"])
        .env("FRAMES_CONNECT_TO", "127.0.0.1:1");
    let run = Run::of(&mut command);
    assert_eq!(run.code, 1, "{run:#?}");
    let said = json(&run);
    assert_eq!(
        (&said["ok"], &said["open"]),
        (&false.into(), &serde_json::Value::Null)
    );
    assert_eq!(in_state(&rows(&said), "wrong"), ["address"]);
    let row = &said["checks"][0];
    assert!(
        row["found"].as_str().unwrap().contains("127.0.0.1:1"),
        "{said:#}"
    );
    for text in [row["help"].as_str().unwrap(), &run.stderr] {
        assert!(text.contains("FRAMES_CONNECT_TO"), "{said:#}\n{run:#?}");
    }
}

/// It was reached, so that is a finding, and its line says what to do.
#[test]
fn a_server_that_hangs_up_is_wrong_and_not_out_of_reach() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let project = Project::new(MANIFEST);
    let mut command = project.command();
    Project::without_proxies(&mut command).args(["check", &url, "--format", "json"]);
    let run = Run::of(&mut command);
    assert_eq!(run.code, 1, "{run:#?}");
    let said = json(&run);
    let rows = rows(&said);
    assert_eq!(in_state(&rows, "wrong"), ["no-token"]);
    assert!(rows["no-token"].1.contains("no answer"), "{said:#}");
    let checks = said["checks"].as_array().unwrap().iter();
    let mut helps = checks.filter(|check| check["state"] == "wrong");
    assert!(helps.all(|check| check["help"].is_string()), "{said:#}");
    assert!(run.stderr.contains("isn't as it should be"), "{run:#?}");
}

#[test]
fn what_cant_be_looked_at_is_refused_with_words() {
    let project = Project::new(MANIFEST);
    project.write("token", "a.b.c");
    project.write("words", "Bearer a.b.c");
    project.write("empty", "\n");
    let https = format!("https://{IMAGES}");
    let nowhere = [https.as_str(), "--connect-to", "127.0.0.1:1"];
    let frame = ["--path", "/datastore"];
    let cases: [(&[&str], i32, &str); 15] = [
        (
            &nowhere,
            1,
            "can't be looked at: 127.0.0.1:1 can't be reached",
        ),
        (
            &["http://127.0.0.1:1"],
            1,
            "can't be looked at: 127.0.0.1:1 can't be reached",
        ),
        (&["http://images.example.org"], 2, "no TLS"),
        (&["https://images.example.org/a"], 2, "--path"),
        (&["images.example.org"], 2, "https://"),
        (
            &[&https, "--connect-to", "a:b"],
            2,
            "--connect-to is no address",
        ),
        (&[&https, "--env", "prod"], 2, "`--env` exclude each other"),
        (
            &[&https, "--allow-unsafe-overlay"],
            2,
            "`--allow-unsafe-overlay` exclude each other",
        ),
        (
            &[&https, "--allow-outside-files"],
            2,
            "`--allow-outside-files` exclude each other",
        ),
        (&[&https, "--service", "heart"], 2, "cannot be used with"),
        (&[&https, "--frame", "a/b"], 2, "DATASTORE/IMAGESET/FRAME"),
        (&[&https, "--path", "datastore"], 2, "`--path` is no path"),
        (&[&https, "--token-file", "token"], 2, "no frame is named"),
        (
            &[&https, "--token-file", "words", frame[0], frame[1]],
            1,
            "no token in words",
        ),
        (
            &[&https, "--token-file", "empty", frame[0], frame[1]],
            1,
            "no token in empty",
        ),
    ];
    for (arguments, code, words) in cases {
        let mut command = project.command();
        Project::without_proxies(&mut command)
            .arg("check")
            .args(arguments);
        let run = Run::of(&mut command);
        assert_eq!(run.code, code, "{arguments:?}: {run:#?}");
        assert!(run.stderr.contains(words), "{arguments:?}: {run:#?}");
        assert_eq!(run.stdout, "", "{arguments:?}");
        assert!(!run.stderr.contains("a.b.c"), "{run:#?}");
    }
}
