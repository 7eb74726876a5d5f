//! AWS can't be reached, or somebody else answers: which service it was, why, and what to check.

use super::MANIFEST;
use crate::support::frames::{Project, Run};
use crate::support::https::Https;
use crate::support::plain::{Plain, closed};

const GOES_ON: &str = "then run the same command: it goes on where this one stopped";

fn info(project: &Project, variables: &[(&str, &str)]) -> Run {
    let mut command = project.command();
    command
        .args(["info", "--quiet"])
        .env("HOME", project.path())
        .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "secret-of-the-key")
        .env("AWS_REGION", "us-east-1");
    for name in ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command
            .env_remove(name)
            .env_remove(name.to_ascii_lowercase());
    }
    Run::of(command.envs(variables.iter().copied()))
}

#[test]
fn who_cant_be_reached_is_said_and_why() {
    let project = Project::new(&format!("{MANIFEST}logs: {{access: {{enabled: false}}}}\n"));
    project.write(
        "jwks.json",
        crate::support::read("tests/manifests/jwks.json"),
    );
    let page = "<html>Sign in to this network</html>";
    let (hangs_up, proxy) = (
        Plain::answering(""),
        Plain::http("407 Proxy Authentication Required", ""),
    );
    let (gateway, portal) = (
        Plain::http("502 Bad Gateway", page),
        Plain::http("200 OK", page),
    );
    let (empty, tls) = (
        Plain::http("403 Forbidden", ""),
        Https::start(|_| String::new()),
    );
    let nobody = closed();
    let not_tls = gateway.url().replace("http:", "https:");
    let check = |url: &str| format!("AWS_ENDPOINT_URL sends it to {url}: check that, {GOES_ON}");
    let password =
        "give HTTPS_PROXY the user and password that the proxy asks for, then run the same command";
    for (variables, why, help) in [
        (
            ("AWS_ENDPOINT_URL", nobody.as_str()),
            "AWS STS can't be reached (Connection refused (os error 111))",
            check(&nobody),
        ),
        (
            ("AWS_ENDPOINT_URL_STS", "https://me:secret-of-mine@nobody.invalid/path"),
            "AWS STS can't be reached (failed to lookup address information: Name or service not known)",
            format!("AWS_ENDPOINT_URL_STS sends it to https://nobody.invalid: check that, {GOES_ON}"),
        ),
        (
            ("AWS_ENDPOINT_URL", &tls.url),
            "AWS STS can't be reached (invalid peer certificate: UnknownIssuer)",
            "a server between this machine and AWS STS, such as a company's proxy, has a certificate that this machine doesn't trust. Set AWS_CA_BUNDLE or SSL_CERT_FILE to a PEM file with its root certificate".to_owned(),
        ),
        (
            ("AWS_ENDPOINT_URL", &not_tls),
            "AWS STS can't be reached (received corrupt message of type InvalidContentType)",
            check(&not_tls),
        ),
        (
            ("AWS_ENDPOINT_URL", &hangs_up.url()),
            "AWS STS can't be reached (connection closed before message completed)",
            check(&hangs_up.url()),
        ),
        (
            ("AWS_ENDPOINT_URL", &proxy.url()),
            "a proxy on the way to AWS STS refuses (407)",
            password.to_owned(),
        ),
        (
            ("AWS_ENDPOINT_URL", &gateway.url()),
            "AWS STS answers 502, and gives no reason that frames can read",
            check(&gateway.url()),
        ),
        (
            ("AWS_ENDPOINT_URL", &portal.url()),
            "AWS STS answers 200, and gives no reason that frames can read",
            check(&portal.url()),
        ),
        (
            ("AWS_ENDPOINT_URL", &empty.url()),
            "AWS STS refuses this and gives no reason (403)",
            "expired credentials are the most likely cause: sign in again, then run the same command".to_owned(),
        ),
    ] {
        let run = info(&project, &[variables]);
        let said = format!("error: can't find out whose credentials these are: {why}\nhelp: {help}\n");
        assert_eq!((run.code, run.stderr), (1, said), "{variables:?}");
    }
}
