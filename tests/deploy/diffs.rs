//! `frames diff` for whoever reviews it: as a graph, and leaf by leaf for a program.

use super::{MANIFEST, Stand};
use crate::support::browser::Browser;
use crate::support::pty::{OnTerminal, on_screen};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// DICOMweb is on, and one setting is another one.
fn dicomweb() -> String {
    format!("{MANIFEST}delivery: {{dicomweb: true, priceClass: 100}}\n")
}

fn graph(stand: &Stand) -> String {
    let run = stand.run(&["diff", "--format", "mermaid"]);
    assert_eq!(run.code, 0, "{run:#?}");
    run.stdout
}

fn stages(stand: &Stand) -> Vec<Value> {
    let differs = stand.json(&["diff"]);
    differs["result"]["stages"].as_array().unwrap().clone()
}

/// The lines of resources: `+ Distribution<br/>CloudFront::Distribution:::added`.
fn drawn(graph: &str) -> BTreeSet<String> {
    let lines = graph.lines().filter(|line| line.contains(":::"));
    let drawn = lines.map(|line| {
        let (_, node) = line.split_once("[\"").unwrap();
        node.replace("\"]", "")
    });
    drawn.collect()
}

/// The same lines, as the other form of the difference has them.
fn expected(stages: &[Value]) -> BTreeSet<String> {
    let changes = stages
        .iter()
        .flat_map(|it| it["changes"].as_array().unwrap());
    let lines = changes.map(|change| {
        let text = |key: &str| change[key].as_str().unwrap();
        let kind = text("type").replace("AWS::", "");
        let (mark, class) = match (text("action"), kind.as_str()) {
            ("Add", _) => ("+", "added"),
            ("Modify", _) => ("~", "changed"),
            ("Remove", "Lambda::Version") => ("·", "kept"),
            ("Remove", _) => ("-", "removed"),
            (other, _) => panic!("{other}"),
        };
        format!("{mark} {}<br/>{kind}:::{class}", text("resource"))
    });
    lines.collect()
}

/// What stays as it is, by stage.
fn unchanged(graph: &str) -> Vec<usize> {
    let lines = graph.lines().filter_map(|line| line.split_once("same([\""));
    let counts = lines.map(|(_, text)| text.split(' ').next().unwrap().parse().unwrap());
    counts.collect()
}

/// How many resources the templates have.
fn packaged(stand: &Stand) -> Vec<usize> {
    let run = stand.run(&["package"]);
    assert_eq!(run.code, 0, "{run:#?}");
    let templates = ["lambda-edge", "cdn"].map(|stage| {
        let path = stand.project.output(&format!("{stage}.template.json"));
        let template: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        template["Resources"].as_object().unwrap().len()
    });
    templates.to_vec()
}

#[test]
fn a_diff_is_a_graph_of_what_becomes_of_each_resource() {
    let stand = Stand::new();
    let new = graph(&stand);
    for title in [
        "s0[\"lambda-edge: not deployed: 15 to add\"]",
        "s1[\"cdn: not deployed: 8 to add\"]",
    ] {
        assert!(new.contains(title), "{title}: {new}");
    }
    assert_eq!(drawn(&new), expected(&stages(&stand)));
    assert_eq!(drawn(&new).len(), packaged(&stand).iter().sum::<usize>());
    assert!(drawn(&new).iter().all(|line| line.ends_with(":::added")));
    assert_eq!(unchanged(&new), [0; 0]);

    stand.deploy();
    let same = graph(&stand);
    assert_eq!(same.matches("nothing changes").count(), 2, "{same}");
    assert_eq!(drawn(&same), BTreeSet::new());
    assert_eq!(unchanged(&same), packaged(&stand));

    stand.write(&dicomweb());
    let on = graph(&stand);
    for line in [
        "+ DicomwebCachePolicy<br/>CloudFront::CachePolicy:::added",
        "~ Distribution<br/>CloudFront::Distribution:::changed",
        "~ AuthorizerFunction<br/>Lambda::Function:::changed",
        "~ SignerReadPolicy<br/>IAM::ManagedPolicy:::changed",
    ] {
        assert!(drawn(&on).contains(line), "{line}: {on}");
    }
    let differs = stages(&stand);
    assert_eq!(drawn(&on), expected(&differs));
    // Whatever a template has is drawn, or counted.
    let touched = differs.iter().map(|stage| {
        let changes = stage["changes"].as_array().unwrap().iter();
        changes.filter(|it| it["action"] != "Remove").count()
    });
    let whole: Vec<usize> = touched.zip(unchanged(&on)).map(|(a, b)| a + b).collect();
    assert_eq!(whole, packaged(&stand));
    // Mermaid itself takes it, as GitHub does.
    let picture = Browser::start().graph(&on, "difference.png");
    let nodes = picture["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), drawn(&on).len() + unchanged(&on).len());

    stand.deploy();
    stand.write(MANIFEST);
    let off = graph(&stand);
    let gone = "- DicomwebCachePolicy<br/>CloudFront::CachePolicy:::removed";
    assert!(drawn(&off).contains(gone), "{off}");
    assert_eq!(drawn(&off), expected(&stages(&stand)));
}

/// CloudFormation says of each resource that its tags change, and not how.
#[test]
fn what_becomes_of_tags_is_said_once_per_stack() {
    let stand = Stand::new();
    let tagged = |tags: &str| format!("{MANIFEST}deploy: {{tags: {{{tags}}}}}\n");
    stand.write(&tagged("by: hand, team: heart"));
    stand.deploy();
    assert!(
        stages(&stand)
            .iter()
            .all(|stage| stage["tags"] == json!([]))
    );
    stand.write(&tagged("team: lung, ward: east"));
    let leaves = json!([
        {"path": "tags.by", "became": "removed", "before": "hand"},
        {"path": "tags.team", "became": "changed", "before": "heart", "after": "lung"},
        {"path": "tags.ward", "became": "added", "after": "east"},
    ]);
    for stage in stages(&stand) {
        assert_eq!(stage["tags"], leaves, "{stage:#}");
    }
    // A person sees the same before a deployment and during it; a picture has resources only.
    for arguments in [&["diff"][..], &["deploy", "--yes"]] {
        let run = stand.run(arguments);
        assert_eq!(run.code, 0, "{run:#?}");
        let shown = format!("{}{}", run.stdout, run.stderr);
        for leaf in [
            "   - tags.by: hand\n",
            "   ~ tags.team: heart -> lung\n",
            "   + tags.ward: east\n",
        ] {
            assert_eq!(shown.matches(leaf).count(), 2, "{leaf}: {shown}");
        }
    }
    assert!(
        stages(&stand)
            .iter()
            .all(|stage| stage["tags"] == json!([]))
    );
    stand.write(MANIFEST);
    assert!(!graph(&stand).contains("tags."));
}

/// Leaf by leaf: members of lists by what identifies them, and what isn't known yet as such.
#[test]
fn a_program_gets_the_leaves_that_a_person_sees() {
    let stand = Stand::new();
    let new = stages(&stand);
    let mut changes = new.iter().flat_map(|it| it["changes"].as_array().unwrap());
    assert!(
        changes.all(|change| change["leaves"] == json!([])),
        "{new:#?}"
    );
    stand.deploy();
    stand.write(&dicomweb());
    let differs = stages(&stand);
    let of = |resource: &str| {
        let mut changes = differs
            .iter()
            .flat_map(|it| it["changes"].as_array().unwrap());
        let found = changes.find(|change| change["resource"] == resource);
        let leaves = found.unwrap()["leaves"].as_array().unwrap();
        leaves.clone()
    };
    let distribution = of("Distribution");
    let at = |path: &str| {
        let mut leaves = distribution.iter();
        let found = leaves.find(|leaf| leaf["path"] == path);
        found.unwrap_or_else(|| panic!("{path}: {distribution:#?}"))
    };
    let price = json!({"path": "DistributionConfig.PriceClass", "became": "changed", "before": "PriceClass_All", "after": "PriceClass_100"});
    assert_eq!(*at("DistributionConfig.PriceClass"), price);
    let origin = at("DistributionConfig.Origins[healthimaging-dicomweb]");
    assert_eq!(origin["became"], "added");
    assert_eq!(
        origin["after"]["DomainName"],
        "dicom-medical-imaging.us-east-1.amazonaws.com"
    );
    let searches = at("DistributionConfig.CacheBehaviors[/datastore/*/studies]");
    assert_eq!(searches["after"]["ViewerProtocolPolicy"], "https-only");
    let unknown = "known after deploy";
    assert_eq!(searches["after"]["OriginRequestPolicyId"], unknown);
    // Five behaviors, one origin, one price class.
    assert_eq!(distribution.len(), 7, "{distribution:#?}");
    let allowed = of("SignerReadPolicy");
    assert_eq!(allowed.len(), 1, "{allowed:#?}");
    assert_eq!(
        (&allowed[0]["path"], &allowed[0]["after"]["Sid"]),
        (
            &json!("PolicyDocument.Statement[ReadDicomweb]"),
            &json!("ReadDicomweb")
        )
    );
    let code = &of("AuthorizerFunction")[0];
    assert_eq!(
        (&code["path"], &code["became"]),
        (&json!("Code.S3Key"), &json!("changed"))
    );
    // Each of them is in what a person is shown.
    let shown = stand.run(&["diff"]).stdout;
    for leaf in distribution.iter().chain(&allowed) {
        let path = leaf["path"].as_str().unwrap();
        assert!(shown.contains(path), "{path}: {shown}");
    }

    // Removed, and back again.
    stand.deploy();
    stand.write(MANIFEST);
    let differs = stages(&stand);
    let all = differs
        .iter()
        .flat_map(|it| it["changes"].as_array().unwrap());
    let leaves: Vec<&Value> = all
        .flat_map(|it| it["leaves"].as_array().unwrap())
        .collect();
    let removed = leaves
        .iter()
        .find(|leaf| leaf["path"] == origin["path"])
        .unwrap();
    assert_eq!(removed["became"], "removed");
    assert_eq!(removed["before"], origin["after"]);
    assert_eq!(removed.get("after"), None);
}

/// A line is broken wherever it can be, and nothing of it gets lost.
#[test]
fn a_long_change_fits_on_a_terminal_of_80_columns() {
    const COLUMNS: u16 = 80;
    let stand = Stand::new();
    stand.deploy();
    stand.write(&dicomweb());
    let fits = |line: &str| line.trim_end().chars().count() <= usize::from(COLUMNS);
    let whole = stand.run(&["diff", "-q"]);
    assert_eq!(whole.code, 0, "{whole:#?}");
    assert!(!whole.stdout.lines().all(fits), "{whole:#?}");

    let mut command = stand.command(&["diff", "-q"]);
    let (code, shown) = OnTerminal::start_with_columns(&mut command, COLUMNS).end();
    assert_eq!(code, 0, "{shown}");
    let lines = on_screen(&shown);
    for line in &lines {
        let words = line.trim();
        let words = match words.split_once(' ') {
            Some((mark, rest)) if mark.chars().count() == 1 => rest,
            _ => words,
        };
        // An ARN is one word, which is copied whole.
        let is_arn = words.contains("arn:") && !words.contains(' ');
        assert!(fits(line) || is_arn, "{line:?}\n{lines:#?}");
    }
    let squeezed = |text: &str| text.split_whitespace().collect::<String>();
    assert_eq!(squeezed(&lines.join("\n")), squeezed(&whole.stdout));
}
