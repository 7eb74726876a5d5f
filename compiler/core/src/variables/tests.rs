//! What references come to.

use super::resolve::*;
use super::*;
use crate::source::Source;
use crate::syntax;
use crate::world::{AwsValue, Fixed};
use std::collections::BTreeSet;

fn world() -> Fixed {
    const X: &str = "a: {b: [1, '${env:POOL}']}\nring: '${file(./x.yml):ring}'\n";
    Fixed::empty()
        .file("./x.yml", X)
        .file("./broken.yml", "a: [")
        .variable("POOL", "us-east-1_x")
        .option("on", "true")
}

fn resolved(text: &str) -> Resolved {
    let (node, found) = syntax::parse(&Source::new("f", text));
    assert_eq!(found, []);
    resolve(&node.unwrap(), "prod", &world())
}

fn value(text: &str) -> serde_json::Value {
    let resolved = resolved(text);
    assert_eq!(resolved.diagnostics, []);
    resolved.node.to_json()
}

fn messages(text: &str) -> Vec<String> {
    resolved(text)
        .diagnostics
        .iter()
        .map(|d| d.message.clone())
        .collect()
}

#[test]
fn every_source_has_its_value() {
    use serde_json::json;
    assert_eq!(value("a: x-${env:POOL}-y")["a"], "x-us-east-1_x-y");
    assert_eq!(value("a: ${opt:on}")["a"], true, "as good as written");
    assert_eq!(value("a: ${frames:env}")["a"], "prod");
    assert_eq!(value("a: ${file(./x.yml):a.b.1}")["a"], "us-east-1_x");
    assert_eq!(
        value("a: ${file(./x.yml):a.b}")["a"],
        json!([1, "us-east-1_x"]),
        "whole values keep their type"
    );
    assert_eq!(
        value("p: {prod: x, dev: y}\na: ${self:p.${frames:env}}")["a"],
        "x"
    );
    assert_eq!(
        value("a: {b: '${self:c}'}\nc: ${self:d.0}\nd: [[1, 2]]")["a"]["b"],
        json!([1, 2])
    );
}

#[test]
fn defaults_take_their_turn() {
    assert_eq!(value("a: \"${env:NO, 'x, y'}\"")["a"], "x, y");
    assert_eq!(
        value("a: ${env:NO, opt:no, ${env:NO}, env:POOL}")["a"],
        "us-east-1_x"
    );
    assert_eq!(value("a: ${self:b, 'c'}")["a"], "c");
    assert_eq!(value("a: ${file(./none.yml):b, 'c'}")["a"], "c");
}

#[test]
fn what_has_no_value_is_reported_at_the_reference() {
    assert!(
        messages("a: ${env:NO, opt:no}")[0]
            .contains("no environment variable NO and no option --opt no")
    );
    assert!(messages("a: ${evn:NO}")[0].contains("no source `evn`"));
    assert!(messages("a: ${file(./broken.yml):a}")[0].contains("line 1"));
    assert!(messages("a: x${self:b}\nb: {c: 1}")[0].contains("a mapping"));
    assert!(messages("a: ${frames:stage}")[0].contains("`frames` has no `stage`"));
    assert!(messages("a: ${file:./x.yml}")[0].contains("a path in parentheses"));
    let found = resolved("b: 1\na: [x, '${env:NO}']").diagnostics;
    assert_eq!((found[0].span.start, found[0].span.end), (12, 23));
}

#[test]
fn rings_are_shown() {
    let ring = messages("a: ${self:b}\nb: ${self:c.d}\nc: {d: '${self:a}'}");
    assert!(
        ring[0].contains("self:b -> self:c.d -> self:a -> self:b"),
        "{ring:?}"
    );
    assert!(messages("a: ${file(./x.yml):ring}")[0].contains("ring"));
    assert!(messages("a: ${self:a}")[0].contains("self:a -> self:a"));
    assert_eq!(ring.len(), 1, "once, from wherever it is entered");
}

#[test]
fn aws_stays_open_offline() {
    let resolved =
        resolved("a: ${ssm:/pool}\nb: x-${aws:accountId}\nc: ${self:a}\nd: \"${cf:s.O, 'x'}\"");
    assert_eq!(resolved.diagnostics, []);
    assert_eq!(resolved.open.len(), 4, "{:?}", resolved.open);
    assert_eq!(resolved.node.to_json()["b"], serde_json::json!(null));
    assert_eq!(messages("a: ${aws:acount}").len(), 1);
}

#[test]
fn the_overlays_own_references_are_cloudformations() {
    let text = "resources: {cdn: {a: 'x-${AWS::Region}-${Distribution.Arn}', b: '${env:POOL}', c: '${Url}'}}";
    let value = value(text);
    assert_eq!(
        value["resources"]["cdn"]["a"],
        "x-${AWS::Region}-${Distribution.Arn}"
    );
    assert_eq!(value["resources"]["cdn"]["b"], "us-east-1_x");
    assert_eq!(value["resources"]["cdn"]["c"], "${Url}");
}

#[test]
fn a_reference_into_the_overlay_leaves_cloudformations_alone() {
    let text = "a: ${self:resources.cdn.b}\nresources: {cdn: {b: 'x-${AWS::Region}'}}";
    assert_eq!(value(text)["a"], "x-${AWS::Region}");
    assert!(messages("a: ${self:}\nresources: {b: '${AWS::Region}'}")[0].contains("no key"));
}

#[test]
fn what_an_overlay_uses_is_read_as_one_wherever_it_is_written() {
    let text = "x-part: {b: '${AWS::Region} ${env:POOL}', c: '${Distribution}'}\n\
                resources: {cdn: '${self:x-part}', lambda-edge: '${self:x-part.b}'}";
    let value = value(text);
    assert_eq!(value["resources"]["cdn"]["b"], "${AWS::Region} us-east-1_x");
    assert_eq!(value["resources"]["cdn"]["c"], "${Distribution}");
    assert_eq!(
        value["resources"]["lambda-edge"],
        "${AWS::Region} us-east-1_x"
    );
    // Used elsewhere it is a value like any other.
    assert!(messages("x-a: '${Topic}'\nb: '${self:x-a}'")[0].contains("names no source"));
}

#[test]
fn both_kinds_of_references_live_in_one_text() {
    let text = "resources: {a: '${self:b}-${AWS::AccountId}-${Distribution.DomainName}', \
                c: '${aws:userid}', d: '${aws:SourceIp}/${frames:env}', e: '$${env:POOL}', f: '${!x}'}\n\
                b: $${env:POOL}";
    let value = value(text);
    let resources = &value["resources"];
    assert_eq!(
        resources["a"],
        "${env:POOL}-${AWS::AccountId}-${Distribution.DomainName}"
    );
    assert_eq!(resources["c"], "${aws:userid}");
    assert_eq!(resources["d"], "${aws:SourceIp}/prod");
    assert_eq!(resources["e"], "${env:POOL}");
    assert_eq!(resources["f"], "${!x}");
}

#[test]
fn a_path_leads_through_references() {
    assert_eq!(
        value("a: ${self:b.c}\nb: ${self:d}\nd: {c: '${env:POOL}'}")["a"],
        "us-east-1_x"
    );
    // Text is a value with nothing inside, whosever its `${` are.
    for text in [
        "a: ${self:b.c}\nb: x",
        "a: ${self:b.c}\nb: $${self:x}",
        "a: ${self:resources.b.c}\nresources: {b: '${AWS::Region}'}",
    ] {
        let found = messages(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].contains("has no value"), "{text}: {found:?}");
    }
}

#[test]
fn the_nearest_key_is_shown_where_a_path_leads_nowhere() {
    let near = |text: &str| -> Vec<String> {
        let found = resolved(text).diagnostics;
        let related = found.into_iter().flat_map(|finding| finding.related);
        related.map(|(_, what)| what).collect()
    };
    let text = "a: ${self:pools.prdo}\npools: {dev: x, prod: y}";
    assert_eq!(near(text), ["`prod` is here"]);
    assert_eq!(
        near("a: ${self:pols.prod}\npools: {prod: y}"),
        ["`pools` is here"]
    );
    assert!(near("a: ${self:pools.prod.x}\npools: {prod: y}").is_empty());
    // A hundred are hints enough.
    let missing: String = (0..103)
        .map(|i| format!("a{i}: ${{self:pols.p{i}}}\n"))
        .collect();
    assert_eq!(near(&format!("pools: x\n{missing}")).len(), 100);
}

#[test]
fn the_budget_is_used_up_to_its_bound() {
    let codes = |text: &str, big: usize| -> Vec<String> {
        let world = Fixed::empty().variable("BIG", &"x".repeat(big));
        let (node, found) = syntax::parse(&Source::new("f", text));
        assert_eq!(found, []);
        let found = resolve(&node.unwrap(), "prod", &world).diagnostics;
        found
            .iter()
            .map(|finding| finding.code.name.to_owned())
            .collect()
    };
    // Three values beside the items, which are there twice.
    let list = |items: usize| format!("a: [x{}]\nb: ${{self:a}}\n", ", x".repeat(items - 1));
    assert!(codes(&format!("{}c: x\n", list(24_998)), 0).is_empty());
    assert_eq!(
        codes(&format!("{}c: x\nd: x\n", list(24_998)), 0),
        ["too-large"]
    );
    const MIB: usize = 1024 * 1024;
    assert!(codes("a: x${env:BIG}", 4 * MIB).is_empty());
    assert_eq!(codes("a: x${env:BIG}", 4 * MIB + 1), ["too-large"]);
    let chain = |references: usize| -> String {
        let links = (0..references).map(|i| format!("a{i}: ${{self:a{}}}\n", i + 1));
        format!("{}a{references}: x\n", links.collect::<String>())
    };
    assert!(codes(&chain(64), 0).is_empty());
    assert_eq!(codes(&chain(65), 0), ["too-large"], "once");
    // A level of the value that holds the reference counts as well.
    for (open, close) in [("{b: ", "}"), ("[", "]")] {
        let nested = |references: usize| -> String {
            let links =
                (0..references).map(|i| format!("a{i}: {open}'${{self:a{}}}'{close}\n", i + 1));
            format!("{}a{references}: x\n", links.collect::<String>())
        };
        assert!(codes(&nested(32), 0).is_empty(), "{open}");
        assert_eq!(codes(&nested(33), 0), ["too-large"], "{open}");
    }
}

#[test]
fn hostile_references_end_soon() {
    let mut bomb = "a0: xxxxxxxxxxxxxxxx\n".to_owned();
    for i in 1..40 {
        let r = format!("${{self:a{}}}", i - 1);
        bomb.push_str(&format!("a{i}: \"{r}{r}{r}{r}\"\n"));
    }
    let found = messages(&bomb);
    assert!(found[0].contains("past a limit"));
    assert_eq!(found.len(), 1, "one finding says so");
    for path in ["", ".x"] {
        let chain: String = (0..5_000)
            .map(|i| format!("a{i}: ${{self:a{}{path}}}\n", i + 1))
            .collect();
        assert!(messages(&format!("{chain}a5000: x\n"))[0].contains("references 64 deep"));
    }
}

#[test]
fn what_holds_no_reference_stays_as_it_is() {
    let value = value("a:\nb: ''\nc: 7\nd: $5\nresources: {e: , f: $5}");
    let expected = serde_json::json!({"a": null, "b": "", "c": 7, "d": "$5", "resources": {"e": null, "f": "$5"}});
    assert_eq!(value, expected);
}

#[test]
fn credentials_and_what_aws_keeps_secret_are_secrets() {
    let world = Fixed::empty()
        .variable("POOL", "a")
        .variable("AWS_SECRET_ACCESS_KEY", "b")
        .variable("AWS_SESSION_TOKEN", "c")
        .aws("ssm:/open", AwsValue::Value("d".to_owned()))
        .aws("ssm:/secret", AwsValue::Secret("e".to_owned()));
    for (reference, secret) in [
        ("env:POOL", None),
        ("env:AWS_SECRET_ACCESS_KEY", Some("b")),
        ("env:AWS_SESSION_TOKEN", Some("c")),
        ("ssm:/open", None),
        ("ssm:/secret", Some("e")),
    ] {
        let source = Source::new("f", format!("a: ${{{reference}}}"));
        let resolved = resolve(&syntax::parse(&source).0.unwrap(), "prod", &world);
        let secrets = resolved.secrets.iter().map(|secret| secret.text.as_str());
        assert_eq!(
            BTreeSet::from_iter(secrets),
            secret.into_iter().collect(),
            "{reference}"
        );
    }
}

/// What `compile` does first.
fn unfolded(text: &str) -> (serde_json::Value, Vec<String>) {
    let world = Fixed::empty()
        .file(
            "./base.yml",
            "http3: false\ndeep: {priceClass: '${env:CLASS}'}\n",
        )
        .file("./more.yml", "<<: ${file(./base.yml)}\norigins: 1\n")
        .file("./ring.yml", "a: {<<: '${file(./ring.yml):a}'}\n")
        .file("./text.yml", "just text\n")
        .file("./prod.yml", "dicomweb: true\n")
        .variable("CLASS", "100")
        .variable("NAME", "base");
    let (node, found) = syntax::parse(&Source::new("f", text));
    assert_eq!(found, []);
    let written = node.unwrap();
    let mut unfolder = Unfolder::new(&written, "prod", &world);
    let tree = unfolder.tree(written.clone());
    let selected = crate::environments::select(tree, "prod", false, &mut unfolder);
    let mut resolved = resolve(&selected.root, "prod", &world);
    resolved.add(unfolder.finish());
    let found = selected.diagnostics.into_iter().chain(resolved.diagnostics);
    (resolved.node.to_json(), found.map(|d| d.message).collect())
}

#[test]
fn a_merge_key_takes_what_a_variable_brings_in() {
    use serde_json::json;
    let merged = |text: &str| {
        let (value, found) = unfolded(text);
        assert_eq!(found, [""; 0], "{text}");
        value
    };
    let base = json!({"http3": false, "deep": {"priceClass": 100}});
    assert_eq!(merged("a: {<<: '${file(./base.yml)}'}")["a"], base);
    assert_eq!(merged("<<: ${file(./base.yml)}")["http3"], false);
    assert_eq!(
        merged("a: {<<: '${file(./${env:NAME}.yml):deep}'}")["a"],
        base["deep"]
    );
    assert_eq!(
        merged("a: {<<: '${file(./none.yml), self:b}'}\nb: {c: 1}")["a"],
        json!({"c": 1})
    );
    // What is written there goes first, and of several the first.
    let text = "a: {http3: true, <<: ['${self:b}', '${file(./base.yml)}', *c]}\nb: {http3: 1, deep: 2}\nx: &c {deep: 3, d: 4}";
    // An anchor stands above its alias.
    let (before, after) = text.split_once('\n').unwrap();
    let text = format!(
        "{}\n{before}\n{}",
        after.split_once('\n').unwrap().1,
        after.split_once('\n').unwrap().0
    );
    assert_eq!(
        merged(&text)["a"],
        json!({"http3": true, "deep": 2, "d": 4})
    );
    // One file merges another, wherever it is used.
    assert_eq!(
        merged("a: {<<: '${file(./more.yml)}'}")["a"]["deep"],
        base["deep"]
    );
    assert_eq!(merged("a: ${file(./more.yml):deep.priceClass}")["a"], 100);
}

#[test]
fn what_cant_be_merged_is_said() {
    let found = |text: &str| unfolded(text).1;
    for (text, message) in [
        (
            "a: {<<: '${file(./text.yml)}'}",
            "`<<` merges mappings; here is text",
        ),
        (
            "a: {<<: '${env:NAME}'}",
            "`<<` merges mappings; here is text",
        ),
        (
            "a: {<<: 'x-${env:NAME}'}",
            "`<<` merges mappings; here is text",
        ),
        (
            "a: {<<: '${ssm:/a}'}",
            "`<<` can't merge a value of AWS: it merges before AWS is asked",
        ),
        (
            "a: {<<: '${file(./none.yml)}'}",
            "`${file(./none.yml)}` has no value: there is no file ./none.yml",
        ),
        (
            "environments: ${ssm:/a}",
            "an environment can't come from AWS: environments are merged before AWS is asked",
        ),
        (
            "environments: ${env:NAME}",
            "environments takes a mapping; here is text",
        ),
        (
            "environments: {prod: '${env:NAME}'}",
            "environments.prod takes a mapping; here is text",
        ),
    ] {
        assert_eq!(found(text), [message], "{text}");
    }
    for text in [
        "a: {<<: '${self:a}'}",
        "a: {<<: '${self:b}'}\nb: {<<: '${self:a}'}",
        "a: {<<: '${file(./ring.yml):a}'}",
        "environments: ${self:environments}",
    ] {
        let found = found(text);
        assert!(
            found.iter().all(|message| message.contains("ring")),
            "{text}: {found:?}"
        );
        assert!(!found.is_empty(), "{text}");
    }
    let mut bomb = "a0: {b: x}\n".to_owned();
    for i in 1..40 {
        let below = format!("'${{self:a{}}}'", i - 1);
        bomb.push_str(&format!("a{i}: {{<<: [{below}, {below}, {below}]}}\n"));
    }
    assert!(
        found(&bomb)
            .iter()
            .any(|message| message.contains("past a limit"))
    );
}

#[test]
fn environments_may_be_in_files() {
    use serde_json::json;
    let chosen = |text: &str| {
        let (value, found) = unfolded(text);
        assert_eq!(found, [""; 0], "{text}");
        value["d"].clone()
    };
    let expected = json!({"dicomweb": true, "http3": 1});
    for text in [
        "d: {http3: 1}\nx-e: {prod: {d: '${file(./prod.yml)}'}}\nenvironments: ${self:x-e}",
        "d: {http3: 1}\nenvironments: {prod: {d: '${file(./prod.yml)}'}}",
        "d: {http3: 1}\nx-p: {d: {dicomweb: true}}\nenvironments: {prod: '${self:x-p}'}",
        "d: ${self:x-d}\nx-d: {http3: 1}\nenvironments: {prod: {d: {dicomweb: true}}}",
        "d: {<<: '${self:x-d}'}\nx-d: {http3: 1, e: 2}\nenvironments: {prod: {d: {e: null, dicomweb: true}}}",
    ] {
        assert_eq!(chosen(text), expected, "{text}");
    }
    // What isn't a mapping replaces, as ever.
    assert_eq!(
        chosen("d: {a: 1}\nenvironments: {prod: {d: '${env:NAME}'}}"),
        "base"
    );
    assert_eq!(
        chosen("d: ${env:NAME}\nenvironments: {prod: {d: {a: 1}}}"),
        json!({"a": 1})
    );
}

#[test]
fn a_region_is_asked_for_what_it_has() {
    let world = Fixed::empty()
        .aws("cf(eu-west-1):s.O", AwsValue::Value("there".to_owned()))
        .aws("cf:s.O", AwsValue::Value("here".to_owned()))
        .aws("ssm(us-gov-west-1):/a", AwsValue::Value("b".to_owned()));
    let resolved = |text: &str| {
        let node = syntax::parse(&Source::new("f", text)).0.unwrap();
        resolve(&node, "prod", &world)
    };
    for (text, value) in [
        ("a: ${cf(eu-west-1):s.O}", "there"),
        ("a: ${cf:s.O}", "here"),
        ("a: ${ssm(us-gov-west-1):/a}", "b"),
        ("r: eu-west-1\na: ${cf(${self:r}):s.O}", "there"),
    ] {
        assert_eq!(resolved(text).node.to_json()["a"], value, "{text}");
    }
    assert_eq!(resolved("a: ${ssm(eu-west-1):/b}").open.len(), 1);
    for (text, help) in [
        ("a: ${cf(Ireland):s.O}", "write `${cf(us-east-1):s.O}`"),
        ("a: ${cf(eu-west-1a):s.O}", "write `${cf(us-east-1):s.O}`"),
        (
            "a: ${cf(eu-west-1):s}",
            "write `${cf(eu-west-1):stack.Output}`",
        ),
        ("a: ${cf:s}", "write `${cf:stack.Output}`"),
        ("a: ${ssm(eu-west-1):}", "write `${ssm(eu-west-1):/path}`"),
        ("a: ${env(eu-west-1):A}", "write `${env:A}`"),
        ("a: ${env(A)}", "write `${env:A}`"),
        (
            "a: ${ssm:/a~true}",
            "write `${ssm:/a}`: a SecureString is decrypted always, and a StringList is a list",
        ),
    ] {
        let found = resolved(text).diagnostics;
        let helps: Vec<_> = found.iter().filter_map(|d| d.help.as_deref()).collect();
        assert_eq!(helps, [help], "{text}");
    }
}

#[test]
fn a_misspelt_source_in_an_overlay_is_found() {
    let text = "resources: {cdn: {a: '${evn:POOL}', b: {Fn::Sub: '${evn:POOL}'}, c: '$${evn:POOL}', d: '${aws:username}'}}";
    assert_eq!(messages(text), ["`${evn:POOL}` names no source"]);
    let found = resolved(text).diagnostics;
    assert!(
        found[0]
            .help
            .as_deref()
            .unwrap()
            .starts_with("did you mean `${env:POOL}`?")
    );
}
