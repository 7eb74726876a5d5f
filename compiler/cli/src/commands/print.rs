//! `frames print`: the manifest after environments, variables and defaults.

use super::findings::{open, report};
use super::manifest::compile_project;
use crate::cli::{Format, Global, Print};
use crate::project::Project;
use crate::terminal::{self, Terminal};
use frames_compiler::Compiled;
use frames_compiler::diagnostic::did_you_mean;
use frames_compiler::failure::{Context, Failure, Result};
use frames_compiler::manifest::{Printed, complete};
use frames_compiler::mermaid::{self, Fate};
use frames_compiler::template::unbuilt_templates;
use serde_json::Value;

pub(super) fn run(global: &Global, arguments: &Print, terminal: Terminal) -> Result<()> {
    let project = Project::find(global)?;
    let (source, compiled) = compile_project(&project, global, arguments.online)?;
    report(&source, &compiled.diagnostics, &[], terminal)?;
    let Some(resolved) = &compiled.resolved else {
        return Err(Failure::manifest());
    };
    if !compiled.open.is_empty() {
        terminal.status("Note", &open(&source, &compiled.open));
    }
    if terminal.format == Format::Mermaid {
        return drawn(&compiled, arguments);
    }
    let manifest = complete(resolved).masked(&compiled.secrets);
    let value = match &arguments.path {
        None => &manifest,
        Some(path) => manifest
            .at(path)
            .ok_or_else(|| nothing_at(&manifest, path))?,
    };
    let json = || serde_json::to_value(value).context(|| "can't write JSON");
    match value {
        _ if terminal.is_json() => terminal::json(&format!("{:#}\n", json()?)),
        // A single value is for a script: it is printed as it is.
        Printed::Text(text) => terminal::value(text),
        // YAML knows JSON's escapes, and its writers don't use them for all that is hidden.
        value if value.has_hidden() => terminal::json(&format!("{:#}\n", json()?)),
        value => terminal::lines(value.to_yaml()),
    }
    Ok(())
}

/// The plan as a graph: what a deployment makes, where nothing is deployed yet.
fn drawn(compiled: &Compiled, arguments: &Print) -> Result<()> {
    if arguments.path.is_some() {
        return Err(Failure::usage(
            "`--format mermaid` draws the whole plan: --path can't be given with it",
        )
        .help("leave out one of the two"));
    }
    let plan = compiled.plan.as_ref().ok_or_else(Failure::manifest)?;
    let templates = unbuilt_templates(plan).context(|| "can't make the templates")?;
    let stages: Vec<mermaid::Stage<'_>> = templates
        .iter()
        .map(|(stage, template)| {
            let resources = template.value.get("Resources").and_then(Value::as_object);
            let resources =
                resources
                    .into_iter()
                    .flatten()
                    .map(|(id, resource)| mermaid::Resource {
                        id,
                        kind: resource["Type"].as_str().unwrap_or_default(),
                        fate: Fate::Planned,
                    });
            let resources: Vec<_> = resources.collect();
            mermaid::Stage {
                name: stage.name,
                what: count(resources.len()),
                resources,
                same: 0,
            }
        })
        .collect();
    terminal::lines(mermaid::graph(&stages));
    Ok(())
}

fn count(resources: usize) -> String {
    match resources {
        1 => "1 resource".to_owned(),
        _ => format!("{resources} resources"),
    }
}

fn nothing_at(manifest: &Printed, path: &str) -> Failure {
    // The nearest place above that exists, and what is there.
    let mut above = path;
    let (place, keys, wanted) = loop {
        let (parent, last) = above.rsplit_once('.').unwrap_or(("", above));
        if let Some(value) = manifest.at(parent) {
            break (parent, value.keys(), last);
        }
        above = parent;
    };
    let help = did_you_mean(wanted, keys.iter().copied()).unwrap_or_else(|| {
        let place = if place.is_empty() {
            "the manifest"
        } else {
            place
        };
        if keys.is_empty() {
            format!("{place} has no keys")
        } else {
            format!("{place} has: {}", keys.join(", "))
        }
    });
    Failure::new(format!("there is nothing at `{path}`")).help(help)
}
