//! Every key of frames.yml on deployed stacks: deployed without it, updated to
//! it and back, removed; and after each step the services themselves are asked,
//! not CloudFormation. What they do with a property is the emulator's model of
//! AWS (`tests/peers/aws/`), what is asked of them is the template's doing.

mod seen;
mod table;

use super::{MANIFEST, STORE, Stand, closing};
use crate::support::aws::Aws;
use crate::support::frames::Run;
use crate::support::https::{Https, answer};
use crate::support::read;
use seen::Seen;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use table::{ELSEWHERE, GROUPS};

/// Keys that don't get into each other's way: one deployment for all of them.
struct Group {
    name: &'static str,
    /// Without the keys, or with other values of theirs. Words in `<…>` stand
    /// for what the account has.
    base: &'static str,
    set: &'static str,
    rows: &'static [Row],
}

/// What a service says about a key: before, and with it.
struct Row {
    key: &'static str,
    look: fn(&Seen) -> Value,
    base: &'static str,
    set: &'static str,
    back: &'static str,
}

const fn row(
    key: &'static str,
    look: fn(&Seen) -> Value,
    base: &'static str,
    set: &'static str,
) -> Row {
    Row {
        key,
        look,
        base,
        set,
        back: base,
    }
}

impl Row {
    /// What AWS doesn't take back.
    const fn and_then(self, back: &'static str) -> Self {
        Self { back, ..self }
    }
}

/// What a manifest refers to, by the words that replace it.
struct Furniture {
    words: BTreeMap<&'static str, String>,
    issuer: Https,
}

impl Furniture {
    fn make(stand: &Stand) -> Self {
        let call =
            |service, operation, parameters| stand.account.call(service, operation, parameters);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let number = stand.account.number();
        let pool = |name| {
            let pool = call("cognito-idp", "CreateUserPool", json!({"PoolName": name}));
            text(&pool["UserPool"]["Id"])
        };
        let (pool, other_pool) = (pool("radiology"), pool("cardiology"));
        let client = json!({"UserPoolId": other_pool, "ClientName": "viewer"});
        let client = call("cognito-idp", "CreateUserPoolClient", client);
        let zone = json!({"Name": "example.org", "CallerReference": "once"});
        let zone = text(&call("route53", "CreateHostedZone", zone)["HostedZone"]["Id"]);
        let visibility = json!({"SampledRequestsEnabled": false, "CloudWatchMetricsEnabled": false, "MetricName": "m"});
        let acl = json!({"Name": "hospital", "Scope": "CLOUDFRONT", "DefaultAction": {"Allow": {}}, "VisibilityConfig": visibility});
        let allow_all = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
        let boundary = json!({"PolicyName": "boundary", "PolicyDocument": allow_all.to_string()});
        let key = call("kms", "CreateKey", json!({}));
        let topic = call("sns", "CreateTopic", json!({"Name": "imaging"}));
        for bucket in ["zips", "logs"] {
            let bucket = json!({"Bucket": format!("{bucket}-{number}")});
            call("s3", "CreateBucket", bucket);
        }
        let set = read("tests/manifests/jwks.json");
        stand
            .project
            .write("other.json", set.replace("2026-01", "2026-02"));
        let issuer = Https::start(move |_| answer("200 OK", &set));
        let words = BTreeMap::from([
            ("<account>", number.to_owned()),
            ("<pool>", pool),
            ("<other-pool>", other_pool),
            ("<client>", text(&client["UserPoolClient"]["ClientId"])),
            ("<zone>", zone.rsplit('/').next().unwrap().to_owned()),
            ("<certificate>", stand.certificate(&["frames.example.org"])),
            (
                "<acl>",
                text(&call("wafv2", "CreateWebACL", acl)["Summary"]["ARN"]),
            ),
            (
                "<boundary>",
                text(&call("iam", "CreatePolicy", boundary)["Policy"]["Arn"]),
            ),
            ("<key>", text(&key["KeyMetadata"]["Arn"])),
            ("<topic>", text(&topic["TopicArn"])),
            ("<issuer>", issuer.url.clone()),
            ("<store>", STORE.to_owned()),
        ]);
        Self { words, issuer }
    }

    fn furnished(&self, text: &str) -> String {
        let words = self.words.iter();
        words.fold(text.to_owned(), |text, (word, value)| {
            text.replace(word, value)
        })
    }

    /// The part, and the blocks that every manifest here has.
    fn manifest(&self, part: &str) -> String {
        let mut text = format!("service: heart\n{part}\n");
        for (block, default) in [
            (
                "auth:",
                "auth: {mode: oidc, issuer: 'https://login.example.org/', audience: frames, jwksFile: ./jwks.json}\n",
            ),
            ("iam:", "iam: {allow: [{datastore: <store>}]}\n"),
        ] {
            if !text.lines().any(|line| line.starts_with(block)) {
                text.push_str(default);
            }
        }
        self.furnished(&text)
    }

    /// JSON where it is, else a text.
    fn expected(&self, text: &str) -> Value {
        let text = self.furnished(text);
        serde_json::from_str(&text).unwrap_or(Value::String(text))
    }

    fn deploy<'a>(&'a self, stand: &'a Stand, part: &str) -> Seen<'a> {
        stand.write(&self.manifest(part));
        let mut command = stand.command(&["deploy", "--yes", "--format", "json"]);
        let run = Run::of(command.env("SSL_CERT_FILE", self.issuer.authority()));
        assert_eq!(run.code, 0, "{part}: {run:#?}");
        let closing = closing(&run);
        stand.serves(&closing);
        Seen::new(stand, &closing, Some(self))
    }
}

fn check(group: &Group, step: &str, seen: &Seen, of: &Furniture, column: fn(&Row) -> &'static str) {
    let rows = group.rows.iter();
    let wrong: Vec<String> = rows
        .filter_map(|row| {
            let (found, expected) = ((row.look)(seen), of.expected(column(row)));
            (found != expected).then(|| format!("{}: {found} is not {expected}", row.key))
        })
        .collect();
    assert!(wrong.is_empty(), "{}, {step}: {wrong:#?}", group.name);
}

/// What is there beyond what was before the first deployment.
fn left(stand: &Stand, before: &[String]) -> Vec<String> {
    let now = stand.account.state();
    now.into_iter()
        .filter(|line| !before.contains(line))
        .collect()
}

/// The logs with their key, and the bucket of the artifacts, which is the account's.
/// What is in an own bucket that no longer holds the artifacts.
/// And a certificate that another took the place of while a distribution had it:
/// ACM doesn't delete such a one, and it costs nothing.
fn is_kept(line: &str) -> bool {
    line.contains(" zips-ACCOUNT/heart/dev/")
        || line.starts_with("kms keys") && line.contains("Logs of heart (dev)")
        || line.starts_with("s3 ")
            && !line.starts_with("s3 objects")
            && (line.contains("-cdn-accesslogs-") || line.contains("frames-artifacts-"))
}

fn run(group: &Group) {
    let stand = Stand::with("", Aws::shared().account());
    let furniture = Furniture::make(&stand);
    let before = stand.account.state();
    let seen = furniture.deploy(&stand, group.base);
    check(group, "first", &seen, &furniture, |row| row.base);
    let seen = furniture.deploy(&stand, group.set);
    check(group, "with the keys", &seen, &furniture, |row| row.set);
    let seen = furniture.deploy(&stand, group.base);
    check(group, "back", &seen, &furniture, |row| row.back);
    stand.never_open();
    stand.remove();
    let mut left = left(&stand, &before);
    left.retain(|line| !is_kept(line));
    assert!(left.is_empty(), "{}: {left:#?}", group.name);
}

fn run_named(name: &str) {
    let group = GROUPS.iter().find(|group| group.name == name);
    run(group.unwrap_or_else(|| panic!("no group {name}")));
}

/// One test per group, so that they run side by side.
macro_rules! groups {
    ($($test:ident $name:literal)*) => {
        const TESTED: &[&str] = &[$($name),*];
        $(#[test] fn $test() { run_named($name); })*
    };
}

groups! {
    tokens_of_a_user_pool "user pool"
    tokens_of_an_issuer "issuer"
    delivery "delivery"
    reads "reads"
    an_overlay_of_reads "overlay of reads"
    names_with_a_zone "zone"
    names_with_a_certificate "certificate"
    roles "roles"
    rows_of_what_may_be_read "rows"
    what_each_user_reads "users"
    logs "logs"
    logs_elsewhere "own bucket"
    the_other_way "other way"
    a_web_acl_of_ones_own "own web ACL"
    beside_the_template "beside"
}

#[test]
fn every_key_is_deployed_or_said_why_not() {
    let page = read("docs/keys.md");
    let keys = page.lines().filter_map(|line| {
        let (key, _) = line.strip_prefix("| `")?.split_once('`')?;
        Some(key)
    });
    let keys: BTreeSet<&str> = keys.collect();
    assert!(keys.len() > 50, "{keys:?}");
    let rows = GROUPS.iter().flat_map(|group| group.rows);
    let deployed: BTreeSet<&str> = rows.map(|row| row.key).collect();
    let elsewhere: BTreeSet<&str> = ELSEWHERE.iter().map(|(key, _)| *key).collect();
    assert_eq!(
        deployed.union(&elsewhere).copied().collect::<BTreeSet<_>>(),
        keys
    );
    assert_eq!(deployed.intersection(&elsewhere).count(), 0);
    let named: Vec<&str> = GROUPS.iter().map(|group| group.name).collect();
    assert_eq!(named, TESTED);
    for row in GROUPS.iter().flat_map(|group| group.rows) {
        assert_ne!(row.base, row.set, "{}", row.key);
    }
}

#[test]
fn another_service_is_another_pair_of_stacks() {
    let stand = Stand::new();
    let of_heart = stand.deploy();
    let heart = stand.account.state();
    stand.write(&MANIFEST.replace("service: heart", "service: lung"));
    let of_lung = stand.deploy_with(&["--beside", "heart"]);
    stand.serves(&of_lung);
    let (heart_id, lung_id) = (
        &of_heart["result"]["distributionId"],
        &of_lung["result"]["distributionId"],
    );
    assert_ne!(heart_id, lung_id);
    assert_eq!(stand.versions("lung-dev-signer"), ["1"]);
    stand.remove();
    assert_eq!(stand.versions("lung-dev-signer"), [""; 0]);
    let now = stand.account.state();
    let gone: Vec<_> = heart.iter().filter(|line| !now.contains(line)).collect();
    assert!(gone.is_empty(), "{gone:#?}");
    let heart_id = heart_id.as_str().unwrap();
    assert_eq!(
        stand.distribution(heart_id)["DistributionConfig"]["Enabled"],
        true
    );
}

/// A second cdn stack is refused before anything changes, and what is deployed goes on serving.
#[test]
fn another_region_takes_a_removal_first() {
    let stand = Stand::new();
    let first = stand.deploy();
    let region = format!("{}deploy: {{region: eu-west-1}}\n", MANIFEST);
    stand.write(&region);
    let run = stand.run(&["deploy", "--yes"]);
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(run.stderr.contains("is deployed in us-east-1"), "{run:#?}");
    let id = first["result"]["distributionId"].as_str().unwrap();
    assert_eq!(
        stand.distribution(id)["DistributionConfig"]["Enabled"],
        true
    );
    stand.write(MANIFEST);
    stand.remove();
    stand.write(&region);
    let closing = stand.deploy();
    stand.serves(&closing);
    let seen = Seen::new(&stand, &closing, None);
    assert_ne!(seen.destination(), Value::Null, "in a stack of their own");
}
