use super::behind::{Behind, behind};
use super::open::Whose;
use super::*;
use crate::plan::Artifact;
use crate::source::Source;
use crate::template::{self, PlanFile};
use crate::world::Fixed;
use crate::{Target, compile};

const MANIFEST: &str =
    "service: x\nauth: {mode: oidc, issuer: 'https://a.example.org', audience: a}\n";
const ACCOUNT: &str = "111122223333";

fn packaged(manifest: &str, code: &str) -> (Plan, Package) {
    let target = Target {
        env: "dev",
        chosen: false,
        allow_unsafe_overlay: false,
    };
    let compiled = compile(
        &Source::new("frames.yml", manifest),
        target,
        &Fixed::empty(),
    );
    let plan = compiled
        .plan
        .unwrap_or_else(|| panic!("{:#?}", compiled.diagnostics));
    let artifacts: Vec<Artifact> = plan
        .functions()
        .map(|function| Artifact {
            function: function.name.to_owned(),
            sha256: code.repeat(64),
            bytes: 1,
        })
        .collect();
    let templates = template::render(&plan, &artifacts).unwrap();
    let plan_json = serde_json::to_string(&PlanFile::new(&plan, &artifacts, &templates)).unwrap();
    let package = Package {
        zips: vec![],
        templates,
        plan_json,
    };
    (plan, package)
}

fn about(masks: &Masks) -> About<'_> {
    About {
        time: "2026-11-28T23:12:05.123Z",
        who: "arn:aws:iam::111122223333:user/deployer",
        account: ACCOUNT,
        version: "0.1.0",
        commit: None,
        only: None,
        masks,
    }
}

fn record(manifest: &str, code: &str) -> (Record, BTreeMap<String, String>) {
    let (plan, package) = packaged(manifest, code);
    let record = Record::new(&plan, &package, &about(&Masks::default())).unwrap();
    let texts = package.templates.into_iter();
    let texts = texts.map(|template| (template.stage.to_owned(), template.text));
    (record, texts.collect())
}

const WHOSE: Whose<'_> = Whose {
    service: "x",
    env: "dev",
    account: ACCOUNT,
    artifact_bucket: None,
};

#[test]
fn a_record_opens_to_the_plan_that_it_is_of() {
    for manifest in [
        MANIFEST,
        "service: x\nauth: {mode: none}\ndeploy: {region: eu-west-1, tags: {team: a}, terminationProtection: true, launch: child}\n",
        "service: x\nauth: {mode: none}\ndeploy: {region: eu-west-1}\nlogs: {access: {enabled: false}}\n",
        "service: x\nauth: {mode: none}\nhealthImaging: {region: us-west-2}\ndelivery: {cachedReads: true}\ndomain: {cnames: [a.example.org], hostedZoneId: Z0123456789ABCDEFGHIJ}\n",
    ] {
        let (plan, package) = packaged(manifest, "a");
        let (record, texts) = record(manifest, "a");
        let back = read(&record.text(), &record.id).unwrap();
        assert_eq!(back, record, "{manifest}");
        let opened = back.open(WHOSE, &texts).unwrap();
        assert_eq!(opened.templates, package.templates);
        assert_eq!(opened.unsafe_overlays, Vec::<String>::new(), "{manifest}");
        let again = opened.plan;
        assert_eq!(again.footprint(), plan.footprint(), "{manifest}");
        assert_eq!((&again.names, &again.former), (&plan.names, &plan.former));
        assert_eq!(again.delivers(), plan.delivers());
        assert_eq!(again.log_retention_days(), plan.log_retention_days());
        for (again, stage) in again.stages.iter().zip(&plan.stages) {
            assert_eq!(again.place, stage.place);
            assert_eq!(again.parameters, stage.parameters);
            assert_eq!(again.tags, stage.tags);
            assert_eq!(again.termination_protection, stage.termination_protection);
            for (again, function) in again.functions.iter().zip(&stage.functions) {
                assert_eq!((again.name, again.launch), (function.name, function.launch));
                assert_eq!(again.trial, function.trial);
            }
            assert_eq!(again.functions.len(), stage.functions.len());
        }
        // It is deployed as it was made, and never made again.
        assert!(template::render(&again, &[]).is_err());
    }
}

fn read(text: &str, id: &str) -> Result<Record, String> {
    let key = names::record_key("x", "dev", "2026-11-28T23:12:05.123Z", id);
    Record::read(text.as_bytes(), "x", "dev", &key)
}

fn id_of(record: &Value) -> String {
    let functions = BTreeMap::deserialize(&record["functions"]).unwrap();
    let is_unsafe = record["unsafeOverlay"] == true;
    short(&sha256(&record["plan"], is_unsafe, &functions))
}

/// Whoever may write to the bucket may write a record that is whole in itself.
fn forged(
    change: impl Fn(&mut Value, &mut BTreeMap<String, String>),
) -> Result<Vec<String>, String> {
    let (record, mut texts) = record(MANIFEST, "a");
    let mut value = json!(record);
    change(&mut value, &mut texts);
    for (index, stage) in ["lambda-edge", "cdn"].iter().enumerate() {
        let text = texts.get(*stage).cloned().unwrap_or_default();
        let sha256 = format!("{:x}", Sha256::digest(&text));
        value["templates"][*stage] =
            json!({"key": names::template_key("x", "dev", stage, &sha256), "sha256": sha256});
        if let Some(stages) = value["plan"]["stages"].as_array_mut()
            && let Some(stage) = stages.get_mut(index)
        {
            stage["templateSha256"] = json!(sha256);
        }
    }
    let digits = id_of(&value);
    value["id"] = json!(digits);
    let record = read(&value.to_string(), &digits)?;
    record
        .open(WHOSE, &texts)
        .map(|opened| opened.unsafe_overlays)
}

fn template(
    texts: &mut BTreeMap<String, String>,
    stage: &'static str,
    change: impl Fn(&mut Value),
) {
    let mut value: Value = serde_json::from_str(&texts[stage]).unwrap();
    change(&mut value);
    texts.insert(stage.to_owned(), Template::new(stage, value).text);
}

#[test]
fn a_record_of_another_delivery_is_refused() {
    assert_eq!(forged(|_, _| {}), Ok(vec![]));
    let cases: &[(&str, &str, Value)] = &[
        ("/plan/service", "it is of y (dev)", json!("y")),
        ("/plan/env", "it is of x (prod)", json!("prod")),
        (
            "/account",
            "it is of account 444455556666",
            json!("444455556666"),
        ),
        (
            "/plan/artifactBucket",
            "its zips are in another bucket",
            json!("theirs"),
        ),
        (
            "/plan/stages/0/name",
            "it has a stage other",
            json!("other"),
        ),
        (
            "/plan/stages/0/stackName",
            "it names stack bank-prod",
            json!("bank-prod"),
        ),
        (
            "/plan/stages/0/region",
            "it has stage lambda-edge in eu-west-1",
            json!("eu-west-1"),
        ),
        (
            "/plan/stages/1/region",
            "it has stage cdn in",
            json!("x/../y"),
        ),
        ("/plan/stages/1/region", "it has stage cdn in", json!("")),
        (
            "/plan/stages/1/name",
            "it has two stages lambda-edge",
            json!("lambda-edge"),
        ),
        (
            "/plan/stages/0/artifacts/0/key",
            "it names other.zip as a zip",
            json!("other.zip"),
        ),
        (
            "/plan/stages/0/artifacts/0/function",
            "as a zip",
            json!("bank"),
        ),
        ("/plan/stages", "it has no functions", json!([])),
        (
            "/functions/authorizer/trial",
            "how the authorizer is tried",
            Value::Null,
        ),
        ("/format", "it is of format 2", json!(2)),
        ("/only", "a stage that frames doesn't have", json!("cdn\nx")),
        (
            "/commit",
            "its commit is none",
            json!({"id": "8d416dc\nx", "changed": false}),
        ),
        (
            "/time",
            "its time is none",
            json!("2026:11:28T23:12:05.123Z"),
        ),
    ];
    for (place, says, value) in cases {
        let said = forged(|record, _| match record.pointer_mut(place) {
            Some(there) => *there = value.clone(),
            None => record[&place[1..]] = value.clone(),
        });
        let said = said.expect_err(place);
        assert!(said.contains(says), "{place}: {said}");
    }
    // A plan without one of its members is no plan with nothing in it.
    let mut half = json!(record(MANIFEST, "a").0);
    let stage = half["plan"]["stages"][0].as_object_mut().unwrap();
    stage.remove("artifacts");
    let digits = id_of(&half);
    half["id"] = json!(digits);
    let said = read(&half.to_string(), &digits).unwrap_err();
    assert!(said.contains("its plan: missing field"), "{said}");
    let (record, texts) = record(MANIFEST, "a");
    let text = record.text();
    assert!(read(&text, &record.id).is_ok());
    assert!(read(&text, "0123456789ab").is_err());
    assert!(read(&text[..100], &record.id).is_err());
    assert!(read(&text.replace("05.123Z", "06.123Z"), &record.id).is_err());
    // Another template under the same name.
    let mut other = texts.clone();
    template(&mut other, "cdn", |cdn| cdn["Outputs"] = Value::Null);
    let said = record.open(WHOSE, &other).unwrap_err();
    assert!(said.contains("isn't the one that was packaged"), "{said}");
}

#[test]
fn a_template_of_another_delivery_is_refused() {
    let refused = |stage, change: &dyn Fn(&mut Value), says: &str| {
        let said = forged(|_, texts| template(texts, stage, change));
        let said = said.expect_err(says);
        assert!(said.contains(says), "{said}");
    };
    refused(
        "cdn",
        &|it| it["Description"] = json!("y (dev): theirs"),
        "of another delivery",
    );
    let function = "/Resources/AuthorizerFunction/Properties";
    let at = |place: String, value: &'static str| {
        move |template: &mut Value| *template.pointer_mut(&place).unwrap() = json!(value)
    };
    refused(
        "lambda-edge",
        &at(format!("{function}/FunctionName"), "bank"),
        "AuthorizerFunction (AWS::Lambda::Function), which isn't this delivery's",
    );
    refused(
        "lambda-edge",
        &at(format!("{function}/Code/S3Key"), "x/dev/other.zip"),
        "AuthorizerFunction",
    );
    refused(
        "lambda-edge",
        &at(
            "/Resources/AuthorizerLogGroup/Properties/LogGroupName".to_owned(),
            "/bank",
        ),
        "AuthorizerLogGroup",
    );
    refused(
        "lambda-edge",
        &|it| {
            let resources = it["Resources"].as_object_mut().unwrap();
            let version = resources
                .iter_mut()
                .find(|(id, _)| id.starts_with("AuthorizerVersion"));
            version.unwrap().1["Properties"]["CodeSha256"] = json!("x");
        },
        "AuthorizerVersion",
    );
}

/// A parameter takes the output of its own name, and has no value but that.
#[test]
fn a_parameter_with_another_value_is_refused() {
    let parameters = |index: usize, change: &dyn Fn(&mut Value)| {
        forged(|record, _| change(&mut record["plan"]["stages"][index]["parameters"]))
    };
    let from =
        |stage: &str, output: &str| json!({"source": "output", "stage": stage, "output": output});
    let version = "AuthorizerVersionArn";
    type Change<'a> = &'a dyn Fn(&mut Value);
    let cases: &[(usize, &str, Change<'_>)] = &[
        (1, version, &|it| {
            it[version] = from("lambda-edge", "TheirsVersionArn")
        }),
        (1, version, &|it| {
            it[version] = from("lambda-edge", "SignerVersionArn")
        }),
        (1, version, &|it| {
            it[version] = json!({"source": "artifactBucket"})
        }),
        (1, version, &|it| {
            it.as_object_mut().unwrap().remove(version);
        }),
        (1, "Theirs", &|it| {
            it["Theirs"] = from("lambda-edge", version)
        }),
        (0, "ArtifactBucket", &|it| *it = json!({})),
    ];
    for (index, name, change) in cases {
        let said = parameters(*index, change).expect_err(name);
        let expected = format!("Parameters.{name}, which isn't this delivery's");
        assert!(said.contains(&expected), "{name}: {said}");
    }
    // Left out of the record, with a value of its own in the template.
    let found = forged(|record, texts| {
        let stages = record["plan"]["stages"].as_array_mut().unwrap();
        stages[1]["parameters"]
            .as_object_mut()
            .unwrap()
            .remove(version);
        template(texts, "cdn", |it| {
            it["Parameters"][version]["Default"] = json!("arn:theirs")
        });
    });
    let place = "(Parameters.AuthorizerVersionArn.Default)";
    assert!(found.unwrap().iter().any(|what| what.contains(place)));
}

#[test]
fn what_opens_the_endpoint_is_found() {
    let opens = |stage, change: &dyn Fn(&mut Value), says: &str| {
        let found = forged(|_, texts| template(texts, stage, change)).unwrap();
        assert!(
            found.iter().any(|found| found.contains(says)),
            "{says}: {found:#?}"
        );
    };
    const DEFAULT: &str =
        "/Resources/Distribution/Properties/DistributionConfig/DefaultCacheBehavior";
    let at = |place: String, value: Value| {
        move |template: &mut Value| *template.pointer_mut(&place).unwrap() = value.clone()
    };
    opens(
        "cdn",
        &at(format!("{DEFAULT}/LambdaFunctionAssociations"), json!([])),
        "cdn: a behavior without the authorizer",
    );
    opens(
        "cdn",
        &at(
            format!("{DEFAULT}/ViewerProtocolPolicy"),
            json!("allow-all"),
        ),
        "plain HTTP from the viewer",
    );
    let role = "/Resources/SignerRole/Properties";
    opens(
        "lambda-edge",
        &at(
            format!("{role}/ManagedPolicyArns"),
            json!(["arn:aws:iam::aws:policy/AdministratorAccess"]),
        ),
        "other IAM permissions than those that frames makes (Resources.SignerRole.",
    );
    opens(
        "lambda-edge",
        &at(
            format!("{role}/AssumeRolePolicyDocument/Statement/0/Principal"),
            json!({"AWS": "*"}),
        ),
        "a wildcard principal (Resources.SignerRole.",
    );
    opens(
        "lambda-edge",
        &at(
            format!("{role}/AssumeRolePolicyDocument/Statement/0/Principal"),
            json!({"AWS": "444455556666"}),
        ),
        "a role that others may take on",
    );
    opens(
        "lambda-edge",
        &at(
            "/Resources/SignerReadPolicy/Properties/PolicyDocument/Statement/0/Action".to_owned(),
            json!("*"),
        ),
        "other IAM permissions than those that frames makes (Resources.SignerReadPolicy.",
    );
    opens(
        "lambda-edge",
        &|it| it["Resources"]["WebAcl"]["Type"] = json!("AWS::EC2::Instance"),
        "another resource in the place of a compiled one",
    );
    opens(
        "lambda-edge",
        &|it| it["Resources"]["Mine"] = json!({"Type": "AWS::S3::Bucket"}),
        "a bucket that can be made public",
    );
    opens(
        "cdn",
        &|it| it["Transform"] = json!("Theirs"),
        "a transform",
    );
}

#[test]
fn an_id_is_of_what_is_deployed() {
    let id = |manifest: &str, code| record(manifest, code).0.id;
    let first = id(MANIFEST, "a");
    assert_eq!(first.len(), names::ID_DIGITS);
    assert_eq!(id(&format!("{MANIFEST}deploy: {{keep: 3}}\n"), "a"), first);
    assert_ne!(id(MANIFEST, "b"), first);
    assert_ne!(
        id(&format!("{MANIFEST}deploy: {{tags: {{a: b}}}}\n"), "a"),
        first
    );
    let none = BTreeMap::new();
    let unsafely = sha256(&json!({}), true, &none);
    assert_ne!(unsafely, sha256(&json!({}), false, &none));
    // In full, it is a digest; and how a version is tried is in it.
    let (record, _) = record(MANIFEST, "a");
    assert_eq!(record.sha256().len(), 64);
    assert!(record.sha256().starts_with(&record.id));
    let text = record.text().replace("\"401\"", "\"200\"");
    assert_ne!(text, record.text());
    assert!(read(&text, &record.id).is_err());
    // Half of it in common isn't the same.
    let mut other = record.clone();
    other.unsafe_overlay = true;
    assert!(record.is_same(&record) && !record.is_same(&other));
}

#[test]
fn what_changed_is_said() {
    let of = |manifest: &str, code| record(manifest, code).0;
    let first = of(MANIFEST, "a");
    let changed = |now: &Record| now.changed(Some(&first));
    assert_eq!(first.changed(None), ["everything"]);
    assert_eq!(changed(&first), Vec::<String>::new());
    assert_eq!(
        changed(&of(MANIFEST, "b")),
        ["lambda-edge (authorizer, signer)"]
    );
    let ttl = of(&format!("{MANIFEST}delivery: {{priceClass: 100}}\n"), "a");
    assert_eq!(changed(&ttl), ["cdn"]);
    let tagged = of(&format!("{MANIFEST}deploy: {{tags: {{a: b}}}}\n"), "a");
    assert_eq!(changed(&tagged), ["lambda-edge (tags)", "cdn (tags)"]);
    let reads = of(&format!("{MANIFEST}delivery: {{cachedReads: true}}\n"), "a");
    assert!(changed(&reads).contains(&"reads (new)".to_owned()));
    assert!(
        first
            .changed(Some(&reads))
            .contains(&"reads (removed)".to_owned())
    );
}

#[test]
fn live_is_what_the_stacks_have() {
    let (first, _) = record(MANIFEST, "a");
    let (_, package) = packaged(MANIFEST, "a");
    let mut standing: Vec<Standing> = package
        .templates
        .iter()
        .map(|template| Standing {
            stage: template.stage,
            region: "us-east-1".to_owned(),
            sha256: digest(template.stage, &template.text).unwrap(),
            tags: BTreeMap::new(),
            termination_protection: false,
        })
        .collect();
    assert!(first.is_live(&standing));
    assert!(!record(MANIFEST, "b").0.is_live(&standing));
    assert!(!first.is_live(&standing[..1]));
    standing[1].tags.insert("a".to_owned(), "b".to_owned());
    assert!(!first.is_live(&standing));
    assert_eq!(digest("cdn", "no JSON"), None);
}

#[test]
fn a_secret_is_known_by_its_place() {
    let manifest =
        format!("{MANIFEST}resources: {{cdn: {{Outputs: {{Mine: {{Value: hunter22}}}}}}}}\n");
    let (plan, package) = packaged(&manifest, "a");
    let record = Record::new(&plan, &package, &about(&Masks::new(["hunter22"]))).unwrap();
    assert!(!record.text().contains("hunter22"));
    let templates = package.templates.iter().map(|it| (it.stage, &it.value));
    let place = "cdn /Outputs/Mine/Value".to_owned();
    let found = record.secrets(templates);
    assert_eq!(found, [(place, "hunter22".to_owned())]);
    // Tags are in no template.
    let manifest = format!("{MANIFEST}deploy: {{tags: {{team: hunter22}}}}\n");
    let (plan, package) = packaged(&manifest, "a");
    let record = Record::new(&plan, &package, &about(&Masks::new(["hunter22"]))).unwrap();
    let tags = |index| {
        let place = format!("plan.json /stages/{index}/tags/team");
        (place, "hunter22".to_owned())
    };
    let nothing = std::iter::empty::<(&str, &Value)>();
    assert_eq!(record.secrets(nothing), [tags(0), tags(1)]);
    let odd = json!({"a/b~": ["x", "my hunter22"]});
    let places = secret_places(&odd, &Masks::new(["hunter22"]));
    let values = places.iter().map(|place| odd.pointer(place).unwrap());
    assert_eq!(values.collect::<Vec<_>>(), ["my hunter22"]);
}

#[test]
fn a_run_goes_on_with_what_it_began() {
    let (first, _) = record(MANIFEST, "a");
    assert!(first.goes_on(&first) && !first.is_whole());
    let done = Record {
        state: State::Done,
        ..first.clone()
    };
    assert!(!first.goes_on(&done) && done.is_whole());
    let back = done.again("2026-11-29T00:00:00.000Z", "arn:other");
    assert_eq!((back.state, back.kind), (State::Begun, Kind::Rollback));
    assert!(!first.goes_on(&back) && back.id == first.id);
    let part = Record {
        only: Some("cdn".to_owned()),
        ..done
    };
    assert!(!part.is_whole());
}

#[test]
fn what_cannot_go_back_is_said_before() {
    let bucket = |properties: Value| {
        json!({"Resources": {
            "AccessLogs": {"Type": "AWS::S3::Bucket", "Properties": properties},
            "To": {"Type": "AWS::Logs::DeliveryDestination", "Properties": {"Name": "a"}},
        }})
    };
    let plain = bucket(json!({}));
    assert_eq!(behind(&plain, &plain), []);
    let says = |now: &Value, then: &Value, part: &str| match behind(now, then).as_slice() {
        [Behind::Stays(what)] => assert!(what.contains(part), "{what}"),
        other => panic!("{part}: {other:?}"),
    };
    let locked = bucket(json!({"ObjectLockEnabled": true, "ObjectLockConfiguration": {"Rule": 1}}));
    says(&locked, &plain, "keeps its Object Lock");
    assert_eq!(behind(&plain, &locked), []);
    let renamed = bucket(json!({"BucketName": "other"}));
    assert!(matches!(
        behind(&plain, &renamed).as_slice(),
        [Behind::Impossible(_)]
    ));
    let mut without = plain.clone();
    without["Resources"]
        .as_object_mut()
        .unwrap()
        .remove("AccessLogs");
    says(&plain, &without, "leaves the stack");
    says(&without, &plain, "is made anew");
    let mut elsewhere = plain.clone();
    elsewhere["Resources"]["To"]["Properties"]["Name"] = json!("b");
    says(&plain, &elsewhere, "access logs go where they went then");
}

/// Whatever frames compiles passes when it comes back.
#[test]
fn no_golden_template_opens_anything() {
    let golden = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden");
    let mut seen = 0;
    for project in std::fs::read_dir(golden).unwrap().flatten() {
        for file in std::fs::read_dir(project.path()).unwrap().flatten() {
            let path = file.path();
            if !path.to_string_lossy().ends_with(".template.json") {
                continue;
            }
            let template = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            let found = template::overlay::recheck(&template, &[]);
            assert_eq!(found, Vec::<String>::new(), "{}", path.display());
            seen += 1;
        }
    }
    assert!(seen > 30, "{seen}");
}
