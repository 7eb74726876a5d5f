//! Where a proxy is the only way out, and its certificates are the only ones to trust: whatever frames
//! asks goes through it, by the environment's word.

use crate::deploy::{MANIFEST, Stand};
use crate::signals::Silent;
use crate::support::aws::Aws;
use crate::support::dev::Dev;
use crate::support::frames::{Project, Run};
use crate::support::gateway::{Gateway, Manner};
use crate::support::https::{AWS, DICOMWEB, Front, Https, ISSUER, answer};
use crate::support::plain::nobody;
use crate::support::read;
use serde_json::json;
use std::net::SocketAddr;
use std::process::Command;

/// `user:s3cret`
const PASSWORD: &str = "dXNlcjpzM2NyZXQ=";

fn of(url: &str) -> SocketAddr {
    let place = url.split("://").nth(1).unwrap();
    place.parse().unwrap()
}

/// An issuer by a name that only the proxy knows.
fn issuer() -> Https {
    let document = json!({"issuer": format!("https://{ISSUER}"), "jwks_uri": format!("https://{ISSUER}/keys")});
    let set = read("tests/manifests/jwks.json");
    Https::start(move |path| match path {
        "/keys" => answer("200 OK", &set),
        _ => answer("200 OK", &document.to_string()),
    })
}

const BY_ISSUER: &str = "
service: heart
auth: {mode: oidc, issuer: 'https://issuer.test', audience: frames}
iam: {allow: [{datastore: 12345678901234567890123456789012}]}
";

/// No output of a run has the proxy's password, in any form.
fn keeps_the_password(run: &Run) {
    let said = format!("{}{}", run.stdout, run.stderr);
    for form in ["s3cret", PASSWORD] {
        assert!(!said.contains(form), "{said}");
    }
}

/// AWS and the issuer, behind a proxy that asks for a password.
#[test]
fn deploy_and_diff_need_nothing_but_the_proxy() {
    let stand = Stand::with(BY_ISSUER, Aws::shared().account());
    let (issuer, front) = (issuer(), Front::of(of(&Aws::shared().url())));
    let names = [(AWS, front.address), (ISSUER, of(&issuer.url))];
    let gateway = Gateway::start(Manner::Asks(PASSWORD), &names);
    let read = |path| std::fs::read_to_string(path).unwrap();
    let bundle = format!(
        "# both\n{}{}",
        read(front.authority()),
        read(issuer.authority())
    );
    stand.project.write("bundle.pem", bundle);
    let run = |arguments: &[&str]| {
        let mut command = stand.command(arguments);
        Project::without_proxies(&mut command)
            .env("AWS_ENDPOINT_URL", format!("https://{AWS}"))
            .env("AWS_CA_BUNDLE", stand.project.path().join("bundle.pem"))
            .env(
                "HTTPS_PROXY",
                format!("http://user:s3cret@{}", gateway.address),
            );
        let run = Run::of(&mut command);
        keeps_the_password(&run);
        run
    };
    let deployed = run(&["deploy", "--yes", "--verbose", "--format", "json"]);
    assert_eq!(deployed.code, 0, "{deployed:#?}");
    stand.serves(&crate::deploy::closing(&deployed));
    let diff = run(&["diff", "--exit-code"]);
    assert_eq!(diff.code, 0, "{diff:#?}");
    let seen = gateway.seen();
    for name in [AWS, ISSUER] {
        let wanted = format!("CONNECT {name}:443 HTTP/1.1");
        assert!(seen.contains(&wanted), "{seen:?}");
    }
    // Nothing was asked in clear.
    assert!(
        seen.iter().all(|line| line.starts_with("CONNECT ")),
        "{seen:?}"
    );
}

/// Without TLS a proxy gets whole addresses; a role is assumed through it, too.
#[test]
fn plain_http_and_credentials_go_by_the_same_way() {
    let stand = Stand::new();
    let gateway = Gateway::start(Manner::Asks(PASSWORD), &[(AWS, of(&Aws::shared().url()))]);
    let number = stand.account.number();
    stand.project.write(
        "aws",
        format!(
            "[profile own]\naws_access_key_id = {number}\naws_secret_access_key = root-secret\n\
             [profile by-role]\nrole_arn = arn:aws:iam::{number}:role/deployer\nsource_profile = own\n"
        ),
    );
    let through = |arguments: &[&str], variable: &str| {
        let mut command = stand.command(arguments);
        Project::without_proxies(&mut command)
            .env("AWS_CONFIG_FILE", stand.project.path().join("aws"))
            .env("AWS_ENDPOINT_URL", format!("http://{AWS}"))
            .env(variable, format!("user:s3cret@{}", gateway.address));
        command
    };
    for (variable, profile) in [
        ("HTTP_PROXY", None),
        ("http_proxy", Some("by-role")),
        ("ALL_PROXY", Some("own")),
    ] {
        let before = gateway.seen().len();
        let profile: Vec<&str> = profile
            .into_iter()
            .flat_map(|name| ["--profile", name])
            .collect();
        let run = Run::of(&mut through(&[&["info"], &profile[..]].concat(), variable));
        keeps_the_password(&run);
        assert!(
            run.code == 1
                && run
                    .stderr
                    .contains(&format!("is not deployed in account {number}")),
            "{variable}: {run:#?}"
        );
        let seen = gateway.seen().split_off(before);
        let whole = format!("POST http://{AWS}/ HTTP/1.1");
        assert!(seen.contains(&whole), "{seen:?}");
    }
    // NO_PROXY takes the name out, and then nobody knows it.
    let before = gateway.seen().len();
    let mut command = through(&["info"], "HTTP_PROXY");
    let run = Run::of(command.env("NO_PROXY", "example.org, .test"));
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(run.stderr.contains("AWS STS can't be reached"), "{run:#?}");
    assert_eq!(gateway.seen().len(), before);
}

/// As with curl and the AWS CLI: loopback is no exception, and NO_PROXY makes it one.
#[test]
fn loopback_is_for_no_proxy_to_name() {
    let stand = Stand::new();
    let gateway = Gateway::start(Manner::Refuses, &[]);
    let mut command = stand.command(&["info"]);
    Project::without_proxies(&mut command).env("HTTP_PROXY", gateway.url());
    let run = Run::of(&mut command);
    assert!(run.code == 1 && !gateway.seen().is_empty(), "{run:#?}");
    for list in [
        "127.0.0.1",
        "*",
        "127.0.0.0/8",
        &of(&Aws::shared().url()).to_string(),
    ] {
        let before = gateway.seen().len();
        let run = Run::of(command.env("NO_PROXY", list));
        assert!(
            run.stderr.contains("is not deployed in account"),
            "{list}: {run:#?}"
        );
        assert_eq!(gateway.seen().len(), before, "{list}");
    }
}

#[test]
fn the_issuers_keys_come_through_the_proxy() {
    let issuer = issuer();
    let gateway = Gateway::start(Manner::Passes, &[(ISSUER, of(&issuer.url))]);
    let project = Project::new(BY_ISSUER);
    let fetch = |variables: &[(&str, &str)]| {
        let mut command = project.command();
        Project::without_proxies(&mut command).args(["package", "--fetch-keys"]);
        command.envs(variables.iter().copied());
        Run::of(&mut command)
    };
    let (authority, url) = (issuer.authority(), gateway.url());
    let authority = authority.to_str().unwrap();
    for bundle in ["AWS_CA_BUNDLE", "SSL_CERT_FILE"] {
        let run = fetch(&[(bundle, authority), ("HTTPS_PROXY", &url)]);
        assert_eq!(run.code, 0, "{run:#?}");
        assert!(run.stderr.contains("is baked in") || run.stderr.contains("are baked in"));
    }
    assert!(
        gateway
            .seen()
            .contains(&format!("CONNECT {ISSUER}:443 HTTP/1.1"))
    );
    // A proxy that looks into TLS, by an authority that nobody named.
    let run = fetch(&[("HTTPS_PROXY", &url)]);
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(run.stderr.contains("doesn't trust"), "{run:#?}");
    assert!(run.stderr.contains("AWS_CA_BUNDLE"), "{run:#?}");
    // Only those of the bundle are trusted, and a bundle without any is named.
    let run = fetch(&[("HTTPS_PROXY", &url), ("AWS_CA_BUNDLE", "/dev/null")]);
    assert!(
        run.code == 1 && run.stderr.contains("AWS_CA_BUNDLE is /dev/null"),
        "{run:#?}"
    );
}

/// `dev --origin aws` reads HealthImaging by the same way.
#[test]
fn the_local_edge_reads_healthimaging_through_the_proxy() {
    const STORE: &str = "12345678901234567890123456789012";
    let healthimaging = Https::start(|path| {
        assert!(path.starts_with("/datastore/"), "{path}");
        answer("200 OK", "[]")
    });
    let gateway = Gateway::start(
        Manner::Asks(PASSWORD),
        &[(DICOMWEB, of(&healthimaging.url))],
    );
    let project = Project::new(&format!("{BY_ISSUER}delivery: {{dicomweb: true}}\n"));
    let authority = healthimaging.authority();
    let proxy = format!("http://user:s3cret@{}", gateway.address);
    let variables = [
        ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "example"),
        ("AWS_CA_BUNDLE", authority.to_str().unwrap()),
        ("HTTPS_PROXY", &proxy),
        ("no_proxy", ""),
    ];
    let dev = Dev::start_with(&project, &variables, &["--origin", "aws"]);
    let url = format!("{}/datastore/{STORE}/studies", dev.url());
    let token = format!("Bearer {}", dev.token());
    let reply = dev.request("GET", &url, &[("Authorization", &token)], None);
    assert_eq!((reply.status, reply.text().as_str()), (200, "[]"));
    assert_eq!(healthimaging.asked(), 1);
    assert_eq!(gateway.seen(), [format!("CONNECT {DICOMWEB}:443 HTTP/1.1")]);
    assert!(!dev.stderr().contains("s3cret"));
}

/// Each says which proxy, by which variable, and what to do; and never the password.
#[test]
fn a_proxy_in_the_way_is_named() {
    let asks = Gateway::start(Manner::Asks("bm90aGluZw=="), &[]);
    let refuses = Gateway::start(Manner::Refuses, &[]);
    let silent = Silent::start();
    let hangs: SocketAddr = silent.address().parse().unwrap();
    let wrong = "doesn't take the user and password that it was given";
    for (proxy, user, what, help) in [
        (
            asks.address,
            "",
            "asks for a user and a password",
            "USER:PASSWORD@",
        ),
        (asks.address, "user:s3cret@", wrong, "USER:PASSWORD@"),
        (
            refuses.address,
            "user:s3cret@",
            "refuses a connection",
            "NO_PROXY",
        ),
        (
            nobody(),
            "user:s3cret@",
            "can't be used (Connection refused",
            "NO_PROXY",
        ),
        (hangs, "user:s3cret@", "", "NO_PROXY"),
    ] {
        let url = format!("http://{user}{proxy}");
        let named = format!("the proxy http://{proxy} (HTTPS_PROXY)");
        let stand = Stand::new();
        let mut aws = stand.command(&["info"]);
        aws.env("AWS_ENDPOINT_URL", format!("https://{AWS}"));
        let project = Project::new(BY_ISSUER);
        let mut keys = project.command();
        keys.args(["package", "--fetch-keys"]);
        let of_aws = if what.is_empty() {
            "doesn't answer"
        } else {
            what
        };
        for (command, what) in [(&mut aws, of_aws), (&mut keys, what)] {
            let run = through(command, &url);
            keeps_the_password(&run);
            assert_eq!(run.code, 1, "{run:#?}");
            let said = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(said.contains(&named) && said.contains(what), "{said}");
            assert!(said.contains(help), "{said}");
        }
    }
}

fn through(command: &mut Command, url: &str) -> Run {
    Run::of(Project::without_proxies(command).env("HTTPS_PROXY", url))
}

#[test]
fn what_is_no_http_proxy_is_told_before_anything_is_asked() {
    let stand = Stand::with(MANIFEST, Aws::shared().account());
    for url in [
        "socks5://user:s3cret@127.0.0.1:1080",
        "http://user:s3cret@",
        "p:s3cret",
    ] {
        let run = through(&mut stand.command(&["info"]), url);
        keeps_the_password(&run);
        assert!(
            run.code == 1 && run.stderr.contains("HTTPS_PROXY"),
            "{run:#?}"
        );
        assert!(run.stderr.contains("http://HOST:PORT"), "{run:#?}");
    }
}
