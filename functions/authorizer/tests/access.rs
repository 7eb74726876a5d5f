//! Who may read what: generated tables against a second writing of the rule, attacks that
//! confuse one part of a request with another, and what is written down.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/generated.rs"]
mod generated;
#[path = "support/naive.rs"]
mod naive;
mod support;

use frames_authorizer::keys::Keys;
use frames_authorizer::{Decision, Denial, Reason, decide, examine, prepare};
use frames_edge::access::{Access, Row};
use frames_edge::{AuthorizerConfig, Request};
use generated::{Dice, STORES, World, claim_names};
use serde_json::{Value, json};
use support::*;

fn rows(rows: &[Value]) -> Access {
    let texts = |value: &Value| -> Option<Vec<String>> {
        let texts = value.as_array()?.iter();
        Some(
            texts
                .map(|text| text.as_str().unwrap().to_owned())
                .collect(),
        )
    };
    let row = |row: &Value| Row {
        groups: texts(&row["groups"]),
        datastore: row["datastore"].as_str().unwrap().to_owned(),
        image_sets: texts(&row["imageSets"]),
        studies: texts(&row["studies"]),
    };
    Access::of(&rows.iter().map(row).collect::<Vec<_>>())
}

/// A configuration, and its keys.
struct Ready(AuthorizerConfig, Keys);

/// By way of the text that is in a zip.
fn configured(access: Option<&[Value]>, names: Option<&Value>) -> Ready {
    let mut changes = json!({"algorithms": ["RS256"]});
    if let Some(access) = access {
        changes["access"] = serde_json::to_value(rows(access)).unwrap();
    }
    if let Some(names) = names {
        changes["accessClaims"] = names.clone();
    }
    let mut config = config(changes);
    (config.metadata, config.cached_reads) = (true, true);
    let keys = prepare(&config).unwrap();
    Ready(config, keys)
}

fn ask(token: &str, path: &str, query: &str) -> Request {
    let mut request = bearer(token);
    request.uri = path.to_owned();
    request.querystring = query.to_owned();
    // A native read by either way: a frame by GET has its id in the query.
    if !path.ends_with("getImageFrame") || query.starts_with("imageFrameId=0") {
        request.method = "GET".to_owned();
    }
    request
}

fn passes(ready: &Ready, token: &str, path: &str, query: &str) -> Result<(), Denial> {
    match decide(ask(token, path, query), &ready.0, &ready.1, now()) {
        Decision::Pass(_) => Ok(()),
        Decision::Respond(response, denial) => {
            assert_eq!(response.status, "403", "{denial:?}");
            assert_eq!(response.body.as_deref(), Some(r#"{"error":"forbidden"}"#));
            Err(denial)
        }
        Decision::NeedKeys { .. } => panic!("the keys are baked in"),
    }
}

const GROUPS: &str = "cognito:groups";

/// What is configured, for both writings of the rule.
struct Both<'a> {
    table: Option<&'a [Value]>,
    names: Option<&'a Value>,
    config: Ready,
}

impl<'a> Both<'a> {
    fn of(table: Option<&'a [Value]>, names: Option<&'a Value>) -> Self {
        let config = configured(table, names);
        Self {
            table,
            names,
            config,
        }
    }

    /// Whether the request is allowed, on which both have to agree.
    fn allow(&self, claims: &Value, token: &str, path: &str, query: &str) -> bool {
        let expected = naive::allows(self.table, self.names, GROUPS, claims, path, query);
        let found = passes(&self.config, token, path, query);
        assert_eq!(
            found.is_ok(),
            expected,
            "{path}?{query}\n{claims}\n{:?}\n{:?}",
            self.names,
            self.table.map(<[_]>::len)
        );
        expected
    }
}

#[test]
fn generated_tables_are_decided_as_by_a_second_writing_of_the_rule() {
    let mut dice = Dice(7);
    let issuer = Key::issuer();
    let (mut allowed, mut refused) = (0, 0);
    // Few names, so that rows meet.
    let world = World::of(5, 5);
    for i in 0..120 {
        let table: Vec<Value> = (0..=i % 9).map(|_| world.row(&mut dice)).collect();
        let names = claim_names(&mut dice);
        let table = (names.is_none() || dice.below(4) > 0).then_some(&table[..]);
        let both = Both::of(table, names.as_ref());
        for _ in 0..8 {
            let claims = world.claims(&mut dice);
            let token = issuer.token(&claims);
            for _ in 0..20 {
                let (path, query) = world.asked(&mut dice, None);
                if both.allow(&claims, &token, &path, &query) {
                    allowed += 1;
                } else {
                    refused += 1;
                }
            }
        }
    }
    // A generator that only ever made one of them would prove nothing.
    assert!(
        allowed > 1_500 && refused > 1_500,
        "{allowed} and {refused}"
    );
}

/// Only the answers for the two data stores that no row has whole are counted: there, the lookup of an
/// id decides.
#[test]
fn large_tables_are_decided_by_their_ids() {
    let mut dice = Dice(18);
    let issuer = Key::issuer();
    let world = World::of(100, 2_000);
    let parts = json!({"studies": "may.read.studies", "imageSets": "may.read.sets"});
    let stores = json!({"datastores": "stores"});
    for (count, names) in [
        (2_000, None),
        (5_000, None),
        (2_000, Some(&parts)),
        (5_000, Some(&stores)),
    ] {
        let table: Vec<Value> = (0..count).map(|_| world.large_row(&mut dice)).collect();
        let both = Both::of(Some(&table), names);
        let (mut allowed, mut refused) = (0, 0);
        for _ in 0..16 {
            let aims: Vec<&Value> = (0..6).map(|_| &table[dice.below(count)]).collect();
            let claims = world.claims_for(&mut dice, &aims);
            let token = issuer.token(&claims);
            for _ in 0..40 {
                // Half of them ask for what a row names.
                let aim = (dice.below(2) == 0).then(|| aims[dice.below(aims.len())]);
                let (path, query) = world.asked(&mut dice, aim);
                let is_allowed = both.allow(&claims, &token, &path, &query);
                if path.contains(STORES[0]) {
                    continue;
                }
                if is_allowed {
                    allowed += 1;
                } else {
                    refused += 1;
                }
            }
        }
        // The numbers are the same at every run: 37 and 328 at the least.
        assert!(
            allowed >= 25 && refused >= 200,
            "{count} rows, {names:?}: {allowed} and {refused}"
        );
    }
}

/// How many of the requests one row more allows. It refuses none.
fn differences(
    more: &Ready,
    less: &Ready,
    token: &str,
    asked: impl Iterator<Item = (String, String)>,
) -> usize {
    let differs = |(path, query): &(String, String)| {
        let with = passes(more, token, path, query).is_ok();
        let without = passes(less, token, path, query).is_ok();
        assert!(with || !without, "{path}?{query}, {token}");
        with && !without
    };
    asked.filter(differs).count()
}

#[test]
fn a_row_more_takes_nothing_away_and_a_row_less_gives_nothing() {
    let mut dice = Dice(11);
    let issuer = Key::issuer();
    let world = World::of(5, 5);
    let mut changed = 0;
    for _ in 0..60 {
        let count = 1 + dice.below(8);
        let all: Vec<Value> = (0..count).map(|_| world.row(&mut dice)).collect();
        let mut fewer = all.clone();
        fewer.remove(dice.below(count));
        let (more, less) = (configured(Some(&all), None), configured(Some(&fewer), None));
        let token = issuer.token(&world.claims(&mut dice));
        let asked = (0..30).map(|_| world.asked(&mut dice, None));
        changed += differences(&more, &less, &token, asked);
    }
    assert!(changed > 30, "{changed}");
}

#[test]
fn so_it_is_with_a_row_of_thousands() {
    let mut dice = Dice(17);
    let issuer = Key::issuer();
    let world = World::of(100, 2_000);
    let all: Vec<Value> = (0..2_000).map(|_| world.large_row(&mut dice)).collect();
    let more = configured(Some(&all), None);
    let mut changed = 0;
    for _ in 0..12 {
        let mut fewer = all.clone();
        let gone = fewer.remove(dice.below(all.len()));
        let less = configured(Some(&fewer), None);
        let token = issuer.token(&world.claims_for(&mut dice, &[&gone]));
        let asked = (0..40).map(|_| {
            let aim = (dice.below(4) > 0).then_some(&gone);
            world.asked(&mut dice, aim)
        });
        changed += differences(&more, &less, &token, asked);
    }
    assert!(changed > 60, "{changed}");
}

const A: &str = "1.2.1";
const B: &str = "1.2.2";
const SET_A: &str = "aaaabbbbccccddddeeeeffff00001111";
const SET_B: &str = "bbbbbbbbccccddddeeeeffff00001111";

/// Who may read a part reads nothing by naming another part along with it.
#[test]
fn nothing_is_allowed_by_a_part_that_may_not_decide_what_comes_back() {
    let store = STORES[0];
    let token = Key::issuer().token(&claims(json!({"may": {"s": [A], "i": [SET_A]}})));
    let study_row = json!({"datastore": store, "studies": [A]});
    let set_row = json!({"datastore": store, "imageSets": [SET_A]});
    let both = [study_row.clone(), set_row.clone()];
    let studies = configured(Some(&[study_row]), None);
    let sets = configured(Some(&[set_row]), None);
    let parts = configured(Some(&both), None);
    let by_study = configured(None, Some(&json!({"studies": "may.s"})));
    let by_set = configured(None, Some(&json!({"imageSets": "may.i"})));
    let by_both = configured(
        None,
        Some(&json!({"studies": "may.s", "imageSets": "may.i"})),
    );
    let native = |set: &str| (format!("imageSet/{set}/getImageFrame"), String::new());
    let frame = |study: &str, query: &str| {
        (
            format!("studies/{study}/series/1.3/instances/1.4/frames/1"),
            query.to_owned(),
        )
    };
    let search = |path: &str, query: &str| (path.to_owned(), query.to_owned());
    // Paths and queries; then who lets them through, in the order of `all`.
    let all = [&studies, &sets, &parts, &by_study, &by_set, &by_both];
    let named = |id: &str| format!("imageSetId={id}");
    for ((rest, query), expected) in [
        (native(SET_A), "-yy-yy"),
        (native(SET_B), "------"),
        (frame(A, ""), "y-yy-y"),
        (frame(B, ""), "------"),
        // The study's path, with an image set that may be another study's.
        (frame(A, &named(SET_B)), "------"),
        (frame(A, &named(SET_A)), "--y--y"),
        // The image set that is allowed, in another study's path.
        (frame(B, &named(SET_A)), "------"),
        (
            frame(A, &format!("{}&{}", named(SET_A), named(SET_B))),
            "------",
        ),
        (
            frame(A, &format!("{}&{}", named(SET_B), named(SET_A))),
            "------",
        ),
        // Other spellings, which another reader may take for the parameter.
        (frame(A, &format!("imageSet%49d={SET_B}")), "------"),
        (
            frame(A, &format!("{};{}", named(SET_A), named(SET_B))),
            "------",
        ),
        (
            frame(A, &format!("imageSetId=%62{}", &SET_B[1..])),
            "------",
        ),
        (frame(A, "imageSetId="), "------"),
        // What doesn't go on decides nothing.
        (frame(A, &format!("imagesetid={SET_B}")), "y-yy-y"),
        (frame(A, &format!("StudyInstanceUID={B}")), "y-yy-y"),
        // A search within the study, whatever study its query names besides.
        (search(&format!("studies/{A}/series"), ""), "y-yy-y"),
        (
            search(
                &format!("studies/{A}/series"),
                &format!("StudyInstanceUID={B}"),
            ),
            "y-yy-y",
        ),
        (
            search(&format!("studies/{A}/series"), &named(SET_B)),
            "y-yy-y",
        ),
        (
            search(&format!("studies/{B}/series"), &format!("0020000D={A}")),
            "------",
        ),
        // For one study, and nothing that could be more.
        (
            search("studies", &format!("StudyInstanceUID={A}")),
            "y-yy-y",
        ),
        (
            search(
                "studies",
                &format!("limit=101&offset=0&StudyInstanceUID={A}"),
            ),
            "y-yy-y",
        ),
        // Nobody knows that its tag is matched.
        (
            search("studies", &format!("limit=101&offset=0&0020000D={A}")),
            "------",
        ),
        (
            search("studies", &format!("StudyInstanceUID={B}")),
            "------",
        ),
        (
            search("studies", &format!("StudyInstanceUID={A}&0020000d={B}")),
            "------",
        ),
        (
            search("studies", &format!("0020000D={A}&StudyInstanceUID={B}")),
            "------",
        ),
        (
            search("studies", &format!("StudyInstanceUID={A},{B}")),
            "------",
        ),
        (
            search("studies", &format!("StudyInstanceUID={A};0020000D={B}")),
            "------",
        ),
        // What doesn't go on decides nothing here either.
        (
            search("studies", &format!("StudyInstanceUID={A}&callback={B}")),
            "y-yy-y",
        ),
        // Through the data store: by no study, though the query names one.
        (search("series", &format!("0020000D={A}")), "------"),
        (search("instances", ""), "------"),
    ] {
        let path = format!("/datastore/{store}/{rest}");
        let found: String = all
            .iter()
            .map(|config| {
                if passes(config, &token, &path, &query).is_ok() {
                    'y'
                } else {
                    '-'
                }
            })
            .collect();
        assert_eq!(found, expected, "{path}?{query}");
        // None of it in another data store by the rows of this one.
        let elsewhere = path.replace(store, STORES[1]);
        for config in [&studies, &sets, &parts] {
            assert!(
                passes(config, &token, &elsewhere, &query).is_err(),
                "{elsewhere}"
            );
        }
    }
    // What is allowed goes on as it was decided on.
    let (rest, query) = frame(A, &format!("x=1&{}&token=abc", named(SET_A)));
    let Ready(parts, keys) = &parts;
    let request = ask(&token, &format!("/datastore/{store}/{rest}"), &query);
    // Here a query isn't read for tokens, and so taken away.
    let Decision::Respond(response, _) = decide(request, parts, keys, now()) else {
        panic!("two tokens")
    };
    assert_eq!(response.status, "400");
    let request = ask(
        &token,
        &format!("/datastore/{store}/{rest}"),
        &query.replace("&token=abc", ""),
    );
    let Decision::Pass(sent) = decide(request, parts, keys, now()) else {
        panic!("not passed")
    };
    assert_eq!(sent.querystring, named(SET_A));
}

/// The viewer learns the class, the log the rule.
#[test]
fn a_refusal_says_which_rule() {
    let store = STORES[0];
    let native = format!("/datastore/{store}/imageSet/{SET_A}/getImageFrame");
    let frame = format!("/datastore/{store}/studies/{A}/series/1.3/instances/1.4/frames/1");
    let with_set = format!("imageSetId={SET_A}");
    let rows = |row: Value| configured(Some(&[row]), None);
    let names = |names: Value| configured(None, Some(&names));
    let other = |key: &str, id: &str| rows(json!({"datastore": store, key: [id]}));
    for (config, path, query, reason, rule) in [
        (
            rows(json!({"datastore": STORES[1]})),
            &native,
            "",
            Reason::NoAccessRow,
            "auth.access: no row has this data store",
        ),
        (
            rows(json!({"datastore": store, "groups": ["oncology"]})),
            &native,
            "",
            Reason::NoAccessRow,
            "auth.access: the rows that have it are for other groups",
        ),
        (
            other("imageSets", SET_B),
            &native,
            "",
            Reason::NoAccessRow,
            "auth.access: no row has this image set",
        ),
        (
            other("studies", B),
            &frame,
            "",
            Reason::NoAccessRow,
            "auth.access: no row has this study",
        ),
        (
            other("studies", A),
            &frame,
            &with_set,
            Reason::NoAccessRow,
            "auth.access: no row has the image set in `imageSetId`",
        ),
        (
            other("studies", A),
            &format!("/datastore/{store}/studies"),
            "",
            Reason::NoAccessRow,
            "auth.access: no row has all of this data store, which a search through it needs",
        ),
        (
            names(json!({"studies": "none"})),
            &frame,
            "",
            Reason::NoAccessClaim,
            "auth.accessClaims.studies: the token has no such text or list of texts",
        ),
        (
            names(json!({"datastores": "client_id"})),
            &frame,
            "",
            Reason::NoAccessClaim,
            "auth.accessClaims.datastores: it doesn't list this data store",
        ),
        (
            names(json!({"imageSets": "client_id"})),
            &native,
            "",
            Reason::NoAccessClaim,
            "auth.accessClaims.imageSets: it doesn't list this image set",
        ),
        (
            names(json!({"imageSets": "client_id"})),
            &frame,
            "",
            Reason::NoAccessClaim,
            "auth.accessClaims.studies: it doesn't list this study",
        ),
    ] {
        let token = Key::issuer().token(&claims(json!({})));
        let denial = passes(&config, &token, path, query).unwrap_err();
        assert_eq!(
            (denial.reason, denial.rule.as_deref()),
            (reason, Some(rule)),
            "{path}"
        );
        assert_eq!(denial.issuer.as_deref(), Some(ISSUER));
    }
}

/// A configuration that half says who may read what is none.
#[test]
fn a_broken_configuration_ends_the_start() {
    for broken in [
        json!({"accessClaims": {}}),
        json!({"accessClaims": {"studies": " "}}),
    ] {
        let problem = prepare(&config(broken)).err().unwrap();
        assert!(problem.contains("accessClaims"), "{problem}");
    }
    for claims in [json!([]), json!([""])] {
        let mut config = config(json!({}));
        config.audit_claims = serde_json::from_value(claims).unwrap();
        assert!(prepare(&config).err().unwrap().contains("auditClaims"));
    }
}

fn audited(names: &[&str]) -> AuthorizerConfig {
    AuthorizerConfig {
        audit_claims: Some(names.iter().map(|&name| name.to_owned()).collect()),
        ..config(json!({}))
    }
}

fn line(config: &AuthorizerConfig, claims: Value, path: &str, query: &str) -> Value {
    let token = Key::issuer().token(&support::claims(claims));
    let keys = prepare(config).unwrap();
    let (decision, grant) = examine(ask(&token, path, query), config, &keys, now());
    assert!(matches!(decision, Decision::Pass(_)), "{decision:?}");
    let line = grant.unwrap().line("the-request");
    assert!(line.bytes().all(|b| (b' '..=b'~').contains(&b)), "{line}");
    assert!(!line.contains(&token[..20]), "{line}");
    serde_json::from_str(&line).unwrap()
}

#[test]
fn what_is_granted_is_written_down() {
    let config = audited(&["sub", "email", "realm_access.roles", "absent"]);
    let claims = json!({
        "email": "Zoë \u{202e}\n\"x\"", "realm_access": {"roles": ["reader", 7]}, "ssn": "s3cret",
    });
    let written = json!({
        "sub": "user", "email": "Zoë \u{202e}\n\"x\"", "realm_access.roles": ["reader", 7],
        "absent": null,
    });
    let native = json!({
        "event": "access", "requestId": "the-request", "operation": "GetImageFrame",
        "datastore": STORES[0], "imageSet": SET_A, "issuer": ISSUER, "client": "client",
        "claims": written,
    });
    assert_eq!(line(&config, claims, PATH, "imageFrameId=s3cret"), native);
    let instance = "studies/1.2/series/1.3/instances/1.4";
    let config = audited(&["sub"]);
    for (rest, operation, uids) in [
        ("studies", "SearchDICOMStudies", 0),
        ("series", "SearchDICOMSeries", 0),
        ("studies/1.2/series", "SearchDICOMSeries", 1),
        (
            "studies/1.2/series/1.3/instances",
            "SearchDICOMInstances",
            2,
        ),
        (
            "studies/1.2/series/1.3/metadata",
            "GetDICOMSeriesMetadata",
            2,
        ),
        (instance, "GetDICOMInstance", 3),
        (
            &format!("{instance}/metadata"),
            "GetDICOMInstanceMetadata",
            3,
        ),
        (&format!("{instance}/frames/1"), "GetDICOMInstanceFrames", 3),
        (&format!("{instance}/bulkdata/abc"), "GetDICOMBulkdata", 3),
    ] {
        let path = format!("/datastore/{}/{rest}", STORES[0]);
        let mut expected = json!({
            "event": "access", "requestId": "the-request", "operation": operation,
            "datastore": STORES[0], "issuer": ISSUER, "client": "client", "claims": {"sub": "user"},
        });
        let members = [("study", "1.2"), ("series", "1.3"), ("instance", "1.4")];
        for (member, uid) in &members[..uids] {
            expected[member] = json!(uid);
        }
        // A search's query may name a patient.
        let query = format!("PatientName=DOE&imageSetId={SET_B}");
        assert_eq!(line(&config, json!({}), &path, &query), expected, "{rest}");
    }
    // The client, where the token names none.
    let unnamed = line(&config, json!({"client_id": null}), PATH, "");
    assert_eq!(unnamed.get("client"), None);
}

#[test]
fn only_what_is_granted_is_written_down() {
    let config = audited(&["sub"]);
    let keys = prepare(&config).unwrap();
    let token = Key::issuer().token(&claims(json!({})));
    let stranger = Key::stranger().token(&claims(json!({})));
    let mut preflight = ask(&token, PATH, "");
    preflight.method = "OPTIONS".to_owned();
    for request in [preflight, ask(&stranger, PATH, ""), ask(&token, "/x", "")] {
        let (decision, grant) = examine(request, &config, &keys, now());
        assert!(matches!(decision, Decision::Respond(..)) && grant.is_none());
    }
    let unaudited = support::config(json!({}));
    let (_, grant) = examine(
        ask(&token, PATH, ""),
        &unaudited,
        &prepare(&unaudited).unwrap(),
        now(),
    );
    assert!(grant.is_none());
}
