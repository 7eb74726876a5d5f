//! `--format mermaid`, drawn by Mermaid itself, as GitHub does.

use crate::support::browser::Browser;
use crate::support::frames::Project;
use serde_json::Value;

/// The example's plan: its stages, and every resource of them.
#[test]
fn the_plan_is_a_graph_that_mermaid_draws() {
    let project = Project::example();
    let run = project.frames(&["print", "--format", "mermaid"]);
    assert_eq!(run.code, 0, "{run:#?}");
    let drawn = Browser::start().graph(&run.stdout, "plan.png");
    let stages: Vec<&str> = list(&drawn["stages"]).map(text).collect();
    assert!(
        stages.len() == 2
            && stages[0].starts_with("lambda-edge: ")
            && stages[1].starts_with("cdn: "),
        "{stages:?}"
    );
    let nodes: Vec<&str> = list(&drawn["nodes"]).map(|node| text(&node[0])).collect();
    project.package();
    let templates = ["lambda-edge", "cdn"].map(|stage| {
        let path = project.output(&format!("{stage}.template.json"));
        serde_json::from_str::<Value>(&std::fs::read_to_string(path).unwrap()).unwrap()
    });
    let resources = templates
        .iter()
        .flat_map(|template| template["Resources"].as_object().unwrap());
    let mut count = 0;
    for (id, resource) in resources {
        // Hashes of zips are in the ids of versions, and this plan has none yet.
        let id = id.trim_end_matches(|c: char| c.is_ascii_hexdigit());
        let kind = text(&resource["Type"]).trim_start_matches("AWS::");
        assert!(
            nodes
                .iter()
                .any(|node| node.starts_with(id) && node.ends_with(kind)),
            "{id}: {nodes:?}"
        );
        count += 1;
    }
    assert_eq!(nodes.len(), count);
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().unwrap().iter()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}
