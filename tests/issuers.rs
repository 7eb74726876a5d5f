//! What issuers really send over HTTPS, good and bad: to `frames package --fetch-keys`, whose
//! baking `deploy` and `diff` do as well, and to the very function that ships.

use crate::support::authorizer::Authorizer;
use crate::support::frames::{Project, Run};
use crate::support::https::{Https, Reply, answer, chunked, gzipped, with_field};
use crate::support::process::eventually;
use crate::support::tokens::{AUDIENCE, Issuer};
use serde_json::json;
use std::net::{TcpListener, ToSocketAddrs};
use std::sync::atomic::{AtomicUsize, Ordering};

/// An issuer on this machine, and a packaged project that goes by it.
struct Stand {
    issuer: Issuer,
    server: Https,
    /// As the manifest has it.
    name: String,
    project: Project,
}

/// The issuer's key set as an answer.
fn whole(issuer: &Issuer) -> String {
    answer("200 OK", &issuer.key_set().to_string())
}

impl Stand {
    fn new() -> Self {
        Self::at(TcpListener::bind("127.0.0.1:0").unwrap(), None, "")
    }

    /// Listens there, and is called by this host's name.
    fn at(listener: TcpListener, host: Option<&str>, auth: &str) -> Self {
        let port = listener.local_addr().unwrap().port();
        let server = Https::start_at(listener, |_| answer("404 Not Found", ""));
        let name = host.map_or(server.url.clone(), |host| format!("https://{host}:{port}"));
        let project = Project::new(&format!(
            "service: issuers-test
auth: {{mode: oidc, issuer: '{name}', audience: {AUDIENCE}{auth}}}
iam: {{allow: [{{datastore: 12345678901234567890123456789012}}]}}
logs: {{functions: {{level: info}}}}
"
        ));
        let stand = Self {
            issuer: Issuer::new(),
            server,
            name,
            project,
        };
        stand.keys(whole(&stand.issuer));
        stand
    }

    /// Discovery leads to a key set that is answered so.
    fn keys(&self, reply: impl Into<Vec<u8>>) {
        let reply = reply.into();
        self.each(move |_| Reply::Whole(reply.clone()));
    }

    /// `reply` gets the number of the request for the key set, from 0 on.
    fn each(&self, reply: impl Fn(usize) -> Reply + Send + 'static) {
        let document = json!({"issuer": self.name, "jwks_uri": format!("{}/keys", self.name)});
        let asked = AtomicUsize::new(0);
        self.server.answer_with(move |path| match path {
            "/.well-known/openid-configuration" => answer("200 OK", &document.to_string()).into(),
            "/keys" => reply(asked.fetch_add(1, Ordering::SeqCst)),
            _ => Reply::from(answer("404 Not Found", "")),
        });
    }

    fn package(&self, arguments: &[&str]) -> Run {
        let mut command = self.project.command();
        command.arg("package").args(arguments);
        Run::of(command.env("SSL_CERT_FILE", self.server.authority()))
    }

    /// The requests that baking the keys in took.
    fn baked(&self) -> (Run, usize) {
        let before = self.server.asked();
        let run = self.package(&["--fetch-keys"]);
        (run, self.server.asked() - before)
    }

    fn function(&self) -> Authorizer {
        Authorizer::start(&self.project, &self.server)
    }

    fn token(&self, issuer: &Issuer) -> String {
        issuer.token(json!({"iss": self.name}))
    }

    /// Neither tokens nor keys are told to anyone.
    fn assert_discreet(&self, text: &str) {
        let token = self.token(&self.issuer);
        let set = self.issuer.key_set();
        let parts = [token.split('.').next(), set["keys"][0]["n"].as_str()];
        for part in parts.map(Option::unwrap) {
            assert!(!text.contains(part), "{part}: {text}");
        }
    }
}

const NO_KEYS: &str = "there are no keys: requests with a token get 503; \
                       the issuer is asked again in 10 s at the earliest";

#[test]
fn a_set_is_read_however_it_is_sent() {
    let stand = Stand::new();
    let set = stand.issuer.key_set().to_string();
    let marked = [b"\xef\xbb\xbf", set.as_bytes()].concat();
    assert_eq!(stand.package(&[]).code, 0);
    for (what, reply) in [
        ("a mark", with_field("200 OK", "X-A: b", &marked)),
        ("chunks", chunked(set.as_bytes(), 100)),
        ("a mark in chunks", chunked(&marked, 1)),
        (
            "no encoding, said aloud",
            with_field("200 OK", "Content-Encoding: identity", set.as_bytes()),
        ),
    ] {
        stand.keys(reply);
        let (run, asked) = stand.baked();
        assert_eq!((run.code, asked), (0, 2), "{what}: {run:#?}");
        assert!(run.stderr.contains("1 key of the issuer is baked in"));
    }
    // The function has none of its own: it reads each as well.
    assert_eq!(stand.package(&[]).code, 0);
    for reply in [
        with_field("200 OK", "Content-Encoding: identity", &marked),
        chunked(&marked, 1),
    ] {
        stand.keys(reply);
        let function = stand.function();
        assert_eq!(function.status(&stand.token(&stand.issuer)), "passed");
        let line = &function.keys_lines(1)[0];
        let from = format!("{}/.well-known/openid-configuration", stand.name);
        assert_eq!(line["fetched"], 1, "{line}");
        assert_eq!(line["from"], json!(from), "{line}");
        stand.assert_discreet(&function.log());
    }
}

/// What `told` says is in the error of the command and in the function's log.
fn refused(stand: &Stand, what: &str, asked: usize, told: &str) {
    let (run, requests) = stand.baked();
    assert_eq!((run.code, requests), (1, asked), "{what}: {run:#?}");
    let problem = format!("the issuer's keys can't be baked in: {told}");
    assert!(run.stderr.contains(&problem), "{what}: {problem}: {run:#?}");
    stand.assert_discreet(&run.stderr);

    let before = stand.server.asked();
    let function = stand.function();
    let token = stand.token(&stand.issuer);
    let later = Some("10".to_owned());
    assert_eq!(function.answer(&token), ("503".to_owned(), later), "{what}");
    assert_eq!(function.status(&token), "503", "{what}");
    assert_eq!(
        stand.server.asked() - before,
        asked,
        "{what}: left in peace"
    );
    let lines = function.keys_lines(1);
    assert_eq!(lines.len(), 1, "{what}: {lines:?}");
    let line = &lines[0];
    assert_eq!(line["level"], "error", "{line}");
    let reason = line["reason"].as_str().unwrap();
    assert!(reason.starts_with(told), "{what}: {told}: {line}");
    assert_eq!(line["then"], NO_KEYS, "{what}");
    stand.assert_discreet(&function.log());
}

#[test]
fn what_is_not_a_key_set_is_refused_with_what_to_do() {
    let stand = Stand::new();
    assert_eq!(stand.package(&[]).code, 0);
    let url = stand.name.clone();
    let set = stand.issuer.key_set().to_string();
    // Ten megabytes in ten kilobytes: nobody unpacks them.
    let bomb = gzipped(&vec![b' '; 10_000_000]);
    let large = vec![b' '; 1_000_000];
    let too_large = format!(
        "{url}/keys answered with more than 256 KiB, the limit of a document: is it the right address?"
    );
    for (what, reply, told) in [
        (
            "a redirect to the same host",
            with_field("302 Found", "Location: /oauth/keys", b""),
            format!(
                "{url}/keys answered 302 to {url}/oauth/keys: name that address in `auth.jwksUri`"
            ),
        ),
        (
            "a redirect off HTTPS",
            with_field(
                "307 Temporary Redirect",
                "Location: http://keys.example/",
                b"",
            ),
            format!(
                "{url}/keys answered 307 to http://keys.example/, which can't be used: not an https:// URL"
            ),
        ),
        (
            "gzip although nobody asked",
            with_field("200 OK", "Content-Encoding: gzip", &gzipped(set.as_bytes())),
            format!(
                "{url}/keys answered with `Content-Encoding: gzip`, although it was asked for none: \
                 have it serve the document as it is, or save that and name the file in `auth.jwksFile`"
            ),
        ),
        (
            "a bomb",
            with_field("200 OK", "Content-Encoding: gzip", &bomb),
            format!("{url}/keys answered with `Content-Encoding: gzip`"),
        ),
        (
            "gzip that isn't called so",
            with_field("200 OK", "X-A: b", &gzipped(set.as_bytes())),
            format!("{url}/keys answered with gzip, and doesn't say so in `Content-Encoding`"),
        ),
        (
            "a megabyte",
            with_field("200 OK", "X-A: b", &large),
            too_large.clone(),
        ),
        ("a megabyte in chunks", chunked(&large, 10_000), too_large),
    ] {
        stand.keys(reply);
        refused(&stand, what, 2, &told);
    }
}

#[test]
fn discovery_that_leads_elsewhere_is_refused_with_what_to_do() {
    let stand = Stand::new();
    assert_eq!(stand.package(&[]).code, 0);
    let url = stand.name.clone();
    let document = format!("{url}/.well-known/openid-configuration");
    let moved = with_field("301 Moved Permanently", "Location: /v2/configuration", b"");
    stand.server.answer_with(move |_| moved.clone());
    let told = format!(
        "{document} answered 301 to {url}/v2/configuration: \
         name the `jwks_uri` that is in that document in `auth.jwksUri`"
    );
    refused(&stand, "another document", 1, &told);

    let other = json!({"issuer": format!("{url}/"), "jwks_uri": format!("{url}/keys")});
    let other = answer("200 OK", &other.to_string());
    stand.server.answer_with(move |_| other.clone());
    let told = format!(
        "{document} names another issuer: it says \"{url}/\", and the manifest says \"{url}\": \
         a slash at the end counts, write `auth.issuer` as the document does"
    );
    refused(&stand, "a slash at the end", 1, &told);
}

#[test]
fn a_busy_issuer_is_asked_again_when_it_wants_to_be() {
    let stand = Stand::new();
    let set = whole(&stand.issuer);
    for (status, field) in [
        ("429 Too Many Requests", "Retry-After: 0".to_owned()),
        ("503 Service Unavailable", "X-A: b".to_owned()),
        (
            "503 Service Unavailable",
            "Date: Wed, 21 Oct 2026 07:28:00 GMT\r\nRetry-After: Wed, 21 Oct 2026 07:28:01 GMT"
                .to_owned(),
        ),
    ] {
        let busy = with_field(status, &field, b"");
        let set = set.clone().into_bytes();
        stand.each(move |number| {
            Reply::Whole(if number == 0 {
                busy.clone()
            } else {
                set.clone()
            })
        });
        let (run, asked) = stand.baked();
        assert_eq!((run.code, asked), (0, 4), "{field}: {run:#?}");
        let waiting = format!("Waiting {}/keys answered {status}", stand.name);
        assert!(run.stderr.contains(&waiting), "{waiting}: {run:#?}");
        let seconds = if status.starts_with("429") { 0 } else { 1 };
        let again = format!("; asked again in {seconds} s");
        assert!(run.stderr.contains(&again), "{again}: {run:#?}");
    }

    stand.keys(with_field("503 Service Unavailable", "Retry-After: 0", b""));
    let (run, asked) = stand.baked();
    assert_eq!((run.code, asked), (1, 6), "{run:#?}");
    let told = format!(
        "{}/keys answered 503 Service Unavailable, and asks to wait for 0 s (`Retry-After`); \
         it was asked 3 times",
        stand.name
    );
    assert!(run.stderr.contains(&told), "{told}: {run:#?}");

    stand.keys(with_field(
        "429 Too Many Requests",
        "Retry-After: 3600",
        b"",
    ));
    let (run, asked) = stand.baked();
    assert_eq!((run.code, asked), (1, 2), "{run:#?}");
    let told = format!(
        "{}/keys answered 429 Too Many Requests, and asks to wait for 3600 s (`Retry-After`); \
         frames waits for 10 s at most, so run the command again then",
        stand.name
    );
    assert!(run.stderr.contains(&told), "{told}: {run:#?}");
}

#[test]
fn the_function_leaves_a_busy_issuer_in_peace() {
    let stand = Stand::new();
    assert_eq!(stand.package(&[]).code, 0);
    let token = stand.token(&stand.issuer);
    let told = |seconds: u32| {
        format!(
            "{}/keys answered 429 Too Many Requests, and asks to wait for {seconds} s (`Retry-After`)",
            stand.name
        )
    };
    // What it asks for counts, within bounds.
    for (asked, penalty) in [(30, 30), (1, 10), (86400, 60)] {
        let field = format!("Retry-After: {asked}");
        stand.keys(with_field("429 Too Many Requests", &field, b""));
        let function = stand.function();
        let before = stand.server.asked();
        let (status, later) = function.answer(&token);
        assert_eq!(
            (status, later),
            ("503".to_owned(), Some(penalty.to_string()))
        );
        let (status, later) = function.answer(&token);
        let later: u32 = later.unwrap().parse().unwrap();
        assert_eq!(status, "503");
        assert!((1..=penalty).contains(&later), "{later}");
        assert_eq!(stand.server.asked(), before + 2);
        let line = &function.keys_lines(1)[0];
        assert_eq!(line["reason"], json!(told(asked)), "{line}");
        let then = format!(
            "there are no keys: requests with a token get 503; the issuer is asked again in {penalty} s at the earliest"
        );
        assert_eq!(line["then"], json!(then), "{line}");
    }

    // With keys at hand, nobody notices.
    stand.keys(whole(&stand.issuer));
    assert_eq!(stand.baked().0.code, 0);
    stand.keys(with_field("429 Too Many Requests", "Retry-After: 30", b""));
    let function = stand.function();
    let before = stand.server.asked();
    assert_eq!(function.status(&token), "passed");
    assert_eq!(function.status(&token), "passed");
    assert_eq!(stand.server.asked(), before + 2);
    let line = &function.keys_lines(1)[0];
    assert_eq!(line["reason"], json!(told(30)), "{line}");
    assert_eq!(
        line["then"],
        "the keys that are loaded stay in use; the issuer is asked again in 30 s at the earliest"
    );
    stand.assert_discreet(&function.log());
}

/// The head of the answer comes, a part of the body, and no more.
#[test]
fn an_issuer_that_is_too_slow_is_named() {
    let stand = Stand::new();
    assert_eq!(stand.package(&[]).code, 0);
    let slow = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"keys\":";
    let told = format!("{}/keys didn't bring its answer within 3 s", stand.name);

    stand.each(move |_| Reply::Begun(slow.to_vec()));
    let function = stand.function();
    assert_eq!(function.status(&stand.token(&stand.issuer)), "503");
    let line = &function.keys_lines(1)[0];
    assert_eq!(line["reason"], json!(told), "{line}");
    assert_eq!(line["then"], NO_KEYS);

    let set = whole(&stand.issuer).into_bytes();
    stand.each(move |number| match number {
        0 => Reply::Begun(slow.to_vec()),
        _ => Reply::Whole(set.clone()),
    });
    let (run, asked) = stand.baked();
    assert_eq!((run.code, asked), (0, 4), "{run:#?}");
    let waiting = format!("Waiting {told}; asked again in 0 s");
    assert!(run.stderr.contains(&waiting), "{waiting}: {run:#?}");
}

#[test]
fn a_rotation_without_overlap_takes_one_fetch() {
    let stand = Stand::new();
    assert_eq!(stand.package(&[]).code, 0);
    let function = stand.function();
    let old = stand.token(&stand.issuer);
    assert_eq!(function.status(&old), "passed");

    let next = Issuer::named("test-2");
    stand.keys(whole(&next));
    let before = stand.server.asked();
    assert_eq!(function.status(&stand.token(&next)), "passed");
    assert_eq!(stand.server.asked(), before + 2, "discovery and the set");
    // The set might have it again: that is asked once. Then the key is dead.
    assert_eq!(function.status(&old), "401");
    assert_eq!(stand.server.asked(), before + 4);
    assert_eq!(function.status(&old), "401");
    assert_eq!(function.status(&stand.token(&next)), "passed");
    assert_eq!(stand.server.asked(), before + 4);
    for line in function.keys_lines(3) {
        assert_eq!(
            (&line["fetched"], &line["level"]),
            (&json!(1), &json!("info"))
        );
    }
    assert!(function.log().contains("unknown_key"));
    stand.assert_discreet(&function.log());
}

#[test]
fn a_new_key_under_an_old_kid_takes_one_fetch() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let stand = Stand::at(listener, None, ", trustKeysFor: 1h");
    assert_eq!(stand.baked().0.code, 0);
    let function = stand.function();
    let old = stand.token(&stand.issuer);
    let before = stand.server.asked();
    assert_eq!(function.status(&old), "passed");
    assert_eq!(stand.server.asked(), before, "the packaged set counts");

    // The same `kid`, as both issuers are named alike.
    let next = Issuer::new();
    let new = stand.token(&next);
    stand.keys(whole(&next));
    assert_eq!(function.status(&new), "passed");
    assert_eq!(stand.server.asked(), before + 2, "discovery and the set");
    assert_eq!(function.status(&old), "401");
    assert_eq!(function.status(&new), "passed");
    assert_eq!(stand.server.asked(), before + 2);
    let line = &function.keys_lines(1)[0];
    assert_eq!(
        (&line["fetched"], &line["level"]),
        (&json!(1), &json!("info"))
    );
    eventually("the refusal in the log", || {
        function
            .lambda
            .log()
            .contains("bad_signature")
            .then_some(())
    });
}

/// By its address, and where this machine has `localhost` at both, by that name as well.
#[test]
fn an_issuer_that_is_reached_by_ipv6_only() {
    let Ok(listener) = TcpListener::bind("[::1]:0") else {
        println!("this machine has no IPv6: nothing can be reached by it");
        return;
    };
    let port = listener.local_addr().unwrap().port();
    let named = ("localhost", port).to_socket_addrs();
    let named = named.is_ok_and(|mut addresses| addresses.any(|address| address.is_ipv6()));
    let mut stands = vec![Stand::at(listener, None, "")];
    if named {
        let listener = TcpListener::bind("[::1]:0").unwrap();
        stands.push(Stand::at(listener, Some("localhost"), ""));
    }
    for stand in stands {
        assert_eq!(stand.package(&[]).code, 0);
        let function = stand.function();
        assert_eq!(function.status(&stand.token(&stand.issuer)), "passed");
        let (run, asked) = stand.baked();
        assert_eq!((run.code, asked), (0, 2), "{run:#?}");
    }
}
