//! Arrows go forward only: a module uses those before it in its crate's list, and none after it.
//! Below a folder no two modules use each other. Between crates, Cargo sees to it.

mod read;

use read::Sources;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A crate below `compiler/`, and the order of its modules.
struct Order {
    name: &'static str,
    /// Each uses only those before it. `lib.rs` may use all of them, and none uses it.
    modules: &'static [&'static str],
    /// Modules that are one thing in two files: a folder, and the modules in it.
    one_thing: &'static [(&'static str, &'static [&'static str])],
}

const CRATES: &[Order] = &[
    Order {
        name: "core",
        modules: &[
            // The ground.
            "failure",
            "names",
            "world",
            "span",
            "printable",
            // Text and what is wrong with it.
            "diagnostic",
            "source",
            "render",
            // Text to plan.
            "syntax",
            "environments",
            "variables",
            "secrets",
            "manifest",
            "check",
            "plan",
            // Plan to stacks, and what reads those.
            "template",
            "package",
            "record",
            "limits",
            "online",
            "policy",
            "difference",
            "mermaid",
        ],
        // One type in three files.
        one_thing: &[("variables", &["documents", "resolve", "unfold"])],
    },
    Order {
        name: "network",
        modules: &[
            "error", "bypass", "proxy", "roots", "network", "trouble", "client", "probe",
        ],
        one_thing: &[],
    },
    Order {
        name: "emulator",
        modules: &[
            // The ground.
            "error",
            "printable",
            "private",
            "random",
            "credentials",
            "signature",
            "http",
            "dicom",
            // What a package says, and who acts on it.
            "package",
            "lambda",
            "healthimaging",
            "issuer",
            "cloudfront",
            "page",
            "ohif",
        ],
        one_thing: &[],
    },
    Order {
        name: "deploy",
        modules: &[
            // The calls, and what a run is.
            "aws",
            "report",
            "interrupt",
            "session",
            // Pure: events and templates to words and templates.
            "cause",
            "summary",
            "guard",
            "teardown",
            // What somebody agreed to lose.
            "agreed",
            // What is there, how what is gone comes back, and what goes with a stack.
            "picture",
            "heal",
            "standing",
            // One stack.
            "follow",
            "change",
            "settle",
            // What lies beside the stacks.
            "artifacts",
            "edge_logs",
            "logs",
            // What is deployed elsewhere than the manifest says.
            "located",
            "moves",
            "purge",
            // What the stacks deliver from.
            "endpoint",
            // What deployments leave, and what of it can be deployed again.
            "history",
            "rollback",
            // One stage of a deployment, all of them, and all of them backwards.
            "stage",
            "versions",
            "lingering",
            "trial",
            "served",
            "state",
            "validation",
            "going",
            "remove",
            "stages",
            "diff",
            "agreement",
        ],
        one_thing: &[],
    },
    Order {
        name: "cli",
        modules: &[
            "cli",
            "terminal",
            "interrupt",
            "artifact",
            "project",
            "init",
            "commands",
        ],
        one_thing: &[],
    },
];

/// A use of a module by another one.
type Arrow = (String, String);

/// What is wrong with a crate.
fn problems(sources: &Sources, order: &Order) -> Vec<String> {
    let mut found = Vec::new();
    let there: BTreeSet<&str> = sources.top().collect();
    let listed: BTreeSet<&str> = order.modules.iter().copied().collect();
    for name in there.symmetric_difference(&listed) {
        found.push(format!(
            "{name} is in the list or in the crate, not in both"
        ));
    }
    let place = |name: &str| order.modules.iter().position(|known| *known == name);
    for (file, from, to) in sources.uses() {
        let (Some(top), target) = (from.first(), to.first()) else {
            // `lib.rs`, alone at the top.
            continue;
        };
        match target {
            None => found.push(format!("{file}: {top} uses lib.rs")),
            Some(target) if place(target) > place(top) => {
                found.push(format!("{file}: {top} uses {target}, which comes after it"));
            }
            Some(_) => {}
        }
    }
    found.extend(circles(sources, order));
    // An import is a path, too.
    found.sort();
    found.dedup();
    found
}

/// Modules of one folder that use each other, by way of others or at once.
fn circles(sources: &Sources, order: &Order) -> Vec<String> {
    let mut folders: BTreeMap<String, BTreeSet<Arrow>> = BTreeMap::new();
    for (_, from, to) in sources.uses() {
        let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
        if let (Some(a), Some(b), true) = (from.get(common), to.get(common), common > 0) {
            let arrows = folders.entry(from[..common].join("/")).or_default();
            arrows.insert((a.clone(), b.clone()));
        }
    }
    let mut found = Vec::new();
    for (folder, mut arrows) in folders {
        let known = order.one_thing.iter().find(|(name, _)| *name == folder);
        let one = known.map_or(&[][..], |(_, modules)| modules);
        let is_one = |name: &str| one.contains(&name);
        arrows.retain(|(a, b)| !(is_one(a) && is_one(b)));
        for name in in_a_circle(&arrows) {
            found.push(format!("{folder}/{name} uses itself by way of others"));
        }
    }
    found
}

fn in_a_circle(arrows: &BTreeSet<Arrow>) -> BTreeSet<String> {
    let starts: BTreeSet<&String> = arrows.iter().map(|(from, _)| from).collect();
    let leads_back = |start: &&&String| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![**start]);
        while let Some(at) = next.pop() {
            for (_, to) in arrows.iter().filter(|(from, _)| from == at) {
                if seen.insert(to) {
                    next.push(to);
                }
            }
        }
        seen.contains(**start)
    };
    starts
        .iter()
        .filter(leads_back)
        .map(|s| (*s).clone())
        .collect()
}

#[test]
fn arrows_go_forward() {
    for order in CRATES {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let sources = Sources::read(&root.join(order.name).join("src"));
        // A small crate has few.
        let least = if order.name == "network" { 15 } else { 50 };
        assert!(sources.uses().count() > least, "{} is read", order.name);
        let found = problems(&sources, order);
        assert!(found.is_empty(), "{}: {found:#?}", order.name);
    }
}

/// The modules of a crate as ARCHITECTURE.md lists them, below its heading: the first block of text.
fn told<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let heading = format!("\n### compiler/{name}\n");
    let (_, section) = page.split_once(&heading).unwrap_or_default();
    let section = section.split("\n#").next().unwrap_or_default();
    let (_, block) = section.split_once("```text\n").unwrap_or_default();
    let block = block.split("```").next().unwrap_or_default();
    block
        .split_whitespace()
        .filter(|word| *word != "·")
        .collect()
}

#[test]
fn the_page_tells_the_same_order() {
    let page = include_str!("../../../../ARCHITECTURE.md");
    for order in CRATES {
        assert_eq!(told(page, order.name), order.modules, "{}", order.name);
    }
    assert_eq!(told(page, "nothing"), [""; 0]);
}

/// Problems of a crate whose order is `a`, `b`, `c`.
fn of(files: &[(&str, &str)]) -> Vec<String> {
    let order = Order {
        name: "test",
        modules: &["a", "b", "c"],
        one_thing: &[("c", &["x", "y"])],
    };
    problems(&Sources::of(files), &order)
}

const LIB: (&str, &str) = (
    "lib.rs",
    "pub mod a;\npub mod b;\npub mod c;\npub use c::z::Zed;\n",
);

#[test]
fn an_import_of_a_later_module_is_found() {
    let later = |text: &str| {
        of(&[
            LIB,
            ("a.rs", text),
            ("b.rs", ""),
            ("c/mod.rs", "pub mod z;"),
            ("c/z.rs", ""),
        ])
    };
    for text in [
        "use crate::b::Thing;",
        "use crate::b;",
        "use super::b::Thing;",
        "use crate::{\n    b::{self, Thing},\n};",
        "use std::fmt;\nfn f() -> crate::b::Thing {}",
        "fn f() { super::b::g::<u8>() }",
        // A name that the root has from a module.
        "use crate::Zed;",
        "use crate::c::{z::Zed};",
        "pub(crate) use crate::b::Thing as Other;",
    ] {
        let found = later(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].contains("which comes after it"), "{found:?}");
    }
    assert_eq!(later("use crate::compile;"), ["a.rs: a uses lib.rs"]);
}

#[test]
fn what_goes_forward_is_fine() {
    let a = "\
//! See [`crate::b`].
/* crate::b */
const TEXT: &str = \"crate::b\";
const RAW: &str = r#\"use crate::b;\"#;
fn quote() -> char { '\"' }
#[cfg(test)]
use crate::b::Thing;
#[cfg(all(test, unix))]
use crate::b::Other;
#[cfg(all(test, unix))]
mod elsewhere { use super::Thing; }
#[cfg(test)]
mod tests { use crate::c::z::Zed; }
#[cfg(test)]
mod testing;
";
    let found = of(&[
        LIB,
        ("a.rs", a),
        ("a/testing.rs", "use crate::c::z::Zed;"),
        ("b.rs", "use crate::a::{self, One};\nuse super::a;"),
        ("c/mod.rs", "pub mod z;\nuse crate::b::Two;\nuse z::Zed;"),
        ("c/z.rs", "use super::Two;\nuse crate::a::One;"),
    ]);
    assert_eq!(found, [""; 0]);
}

#[test]
fn a_circle_within_a_folder_is_found() {
    let within = |z: &str| {
        of(&[
            LIB,
            ("a.rs", ""),
            ("b.rs", ""),
            (
                "c/mod.rs",
                "mod v;\nmod w;\nmod x;\nmod y;\npub mod z;\npub use v::One;",
            ),
            ("c/v.rs", "use super::w::Two;"),
            ("c/w.rs", "use super::z;"),
            ("c/x.rs", "use super::y;"),
            ("c/y.rs", "use super::x;"),
            ("c/z.rs", z),
        ])
    };
    assert_eq!(within(""), [""; 0]);
    // By the name that the folder has from `v`.
    for z in [
        "use super::One;",
        "use super::v::One;",
        "use crate::c::One;",
    ] {
        let found = within(z);
        let circle = ["v", "w", "z"].map(|n| format!("c/{n} uses itself by way of others"));
        assert_eq!(found, circle, "{z}");
    }
}

#[test]
fn a_module_that_nobody_placed_is_found() {
    let found = of(&[
        ("lib.rs", ""),
        ("a.rs", ""),
        ("b.rs", ""),
        ("c.rs", ""),
        ("d.rs", ""),
    ]);
    assert_eq!(found.len(), 1, "{found:?}");
}
