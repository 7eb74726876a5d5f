//! `frames diff` for whoever reviews it: as a graph, and leaf by leaf for a program.

use super::{MANIFEST, Stand};

fn dicomweb() -> String {
    format!("{MANIFEST}delivery: {{dicomweb: true, priceClass: 100}}\n")
}

#[test]
fn a_diff_is_a_graph_of_what_becomes_of_each_resource() {
    let stand = Stand::new();
    println!("{}", stand.run(&["diff", "--format", "mermaid"]).stdout);
    stand.deploy();
    println!("{}", stand.run(&["diff", "--format", "mermaid"]).stdout);
    stand.write(&dicomweb());
    println!("{}", stand.run(&["diff", "--format", "mermaid"]).stdout);
    println!("{}", stand.run(&["diff", "--format", "json"]).stdout);
    println!("{}", stand.run(&["diff"]).stdout);
    stand.deploy();
    stand.write(MANIFEST);
    println!("{}", stand.run(&["diff", "--format", "mermaid"]).stdout);
    panic!();
}
