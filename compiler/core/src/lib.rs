//! frames.yml to CloudFormation. Pure: files come through [`World`], the
//! functions' zips are made by the caller, nothing else is asked of the world.
//!
//! ```text
//! frames.yml text -> Node -> environments, variables -> Manifest -> CheckedManifest -> Plan -> templates
//! ```
//!
//! Each arrow is one function from the type on its left to the type on its
//! right, plus diagnostics.

pub mod check;
pub mod diagnostic;
pub mod difference;
pub mod environments;
pub mod failure;
pub mod limits;
pub mod manifest;
pub mod mermaid;
pub mod names;
pub mod online;
pub mod package;
pub mod plan;
pub mod policy;
pub mod printable;
pub mod record;
pub mod render;
pub mod secrets;
pub mod source;
pub mod span;
pub mod syntax;
pub mod template;
pub mod variables;
pub mod world;

pub use check::CheckedManifest;
pub use diagnostic::Diagnostic;
use diagnostic::codes;
use manifest::Manifest;
pub use plan::{Named, Plan};
pub use source::Source;
pub use syntax::Node;
use template::OverlayFinding;
use template::overlay::Kind;
pub use world::World;

/// The environment to compile for.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    pub env: &'a str,
    /// The user named it, so the manifest has to define it, if it defines any.
    pub chosen: bool,
    /// An overlay that opens the endpoint is a warning, not an error.
    pub allow_unsafe_overlay: bool,
}

/// A manifest's plan, where it has no errors and nothing is open, and all its
/// findings in order of place.
#[derive(Debug)]
pub struct Compiled {
    pub plan: Option<Plan>,
    pub diagnostics: Vec<Diagnostic>,
    /// References that only AWS can answer.
    pub open: Vec<variables::Open>,
    /// The manifest after environments and variables, where there is one.
    pub resolved: Option<Node>,
    /// What its `environments` are called.
    pub environments: Vec<String>,
    /// As much as a removal needs.
    pub named: Named,
    /// Values that must never be shown. The findings are free of them.
    pub secrets: Vec<variables::Secret>,
}

/// Text to [`Plan`]. [`template::render`] turns the plan into the stacks once
/// the functions' zips, whose hashes are in them, are known.
pub fn compile(source: &Source, target: Target, world: &dyn World) -> Compiled {
    let (node, mut diagnostics) = syntax::parse(source);
    let mut read = None;
    let mut compiled = Compiled {
        plan: None,
        diagnostics: vec![],
        open: vec![],
        resolved: None,
        environments: vec![],
        named: Named::Wrong(vec![]),
        secrets: vec![],
    };
    if let Some(node) = node {
        let written = node.clone();
        let mut unfolder = variables::Unfolder::new(&written, target.env, world);
        let node = unfolder.tree(node);
        let mut selected = environments::select(node, target.env, target.chosen, &mut unfolder);
        diagnostics.extend(selected.diagnostics);
        let unfolded = unfolder.finish();
        let others = selected.others.iter_mut().map(|entry| &mut entry.value);
        for node in others.chain([&mut selected.root]) {
            short_forms_outside_overlays(node, &mut diagnostics);
        }
        let mut resolved = variables::resolve(&selected.root, target.env, world);
        resolved.add(unfolded);
        manifest::split_lists(&mut resolved.node, &resolved.origins, &mut resolved.secrets);
        diagnostics.extend(check::unguarded(&resolved));
        diagnostics.extend(resolved.diagnostics);
        diagnostics.extend(check::exposed(&resolved.node, &resolved.secrets));
        // A file, or a key of the user's own, has brought one in.
        short_forms_outside_overlays(&mut resolved.node, &mut diagnostics);
        let (manifest, found) = manifest::read(&resolved.node, &resolved.own_keys);
        diagnostics.extend(found);
        diagnostics.extend(manifest::read_partial(&selected.others, &resolved.own_keys));
        let (checked, found) = match &manifest {
            Some(manifest) => check::check(manifest, world),
            None => (None, Vec::new()),
        };
        diagnostics.extend(found);
        // With open references it is no plan to go by, but enough to see what an overlay opens.
        let plan = checked
            .filter(|_| !diagnostics.iter().any(Diagnostic::is_error))
            .map(|checked| Plan {
                unsafe_overlay: target.allow_unsafe_overlay,
                ..plan::plan(&checked, target.env)
            });
        let found = plan.as_ref().map(overlay_findings);
        diagnostics.extend(found.unwrap_or_default());
        compiled.plan = plan.filter(|_| resolved.open.is_empty());
        if let (Some(manifest), Some(plan)) = (&manifest, &compiled.plan) {
            diagnostics.extend(overlays_without_a_stage(manifest, plan));
            diagnostics.extend(limits::check(manifest, plan));
        }
        if diagnostics.iter().any(Diagnostic::is_error) {
            compiled.plan = None;
        }
        variables::explain_origins(&mut diagnostics, &resolved.origins);
        for diagnostic in &mut diagnostics {
            if diagnostic.path.is_empty() {
                diagnostic.path = written.path_at(diagnostic.span.start);
            } else if let Some(key) = written.brought_in(&diagnostic.path, diagnostic.span) {
                diagnostic.related.push((key, "brought in here".to_owned()));
            }
        }
        secrets::conceal(&mut diagnostics, &resolved.secrets);
        compiled.environments = selected.names;
        compiled.secrets = resolved.secrets;
        compiled.open = resolved.open;
        compiled.resolved = Some(resolved.node);
        read = manifest.map(|manifest| (manifest, selected.is_whole));
    }
    diagnostic::sort(&mut diagnostics);
    let read = read.as_ref().zip(compiled.resolved.as_ref());
    let read = read.map(|((manifest, is_merged), node)| plan::Read {
        node,
        manifest,
        is_merged: *is_merged,
        is_open: !compiled.open.is_empty(),
    });
    compiled.named = plan::named(read.as_ref(), &diagnostics, target.env);
    compiled.diagnostics = diagnostics;
    compiled
}

/// CloudFormation's short forms belong below `resources`, or into a key of the user's own
/// that is used there.
fn short_forms_outside_overlays(root: &mut Node, diagnostics: &mut Vec<Diagnostic>) {
    let syntax::Value::Mapping(entries) = &mut root.value else {
        return;
    };
    for entry in entries {
        if !environments::may_be_overlay(&entry.key.text) {
            syntax::misplaced(&mut entry.value, diagnostics);
        }
    }
}

/// `resources` for a stage that this manifest doesn't have.
fn overlays_without_a_stage(manifest: &Manifest, plan: &Plan) -> Vec<Diagnostic> {
    let is_there = |name: &str| plan.stages.iter().any(|stage| stage.name == name);
    let idle = manifest
        .resources
        .iter()
        .filter(|(name, _)| !is_there(name));
    let names: Vec<&str> = plan.stages.iter().map(|stage| stage.name).collect();
    let diagnostic = |(name, overlay): (&&'static str, &Node)| {
        let path = format!("resources.{name}");
        let message = format!("`{path}` has no effect: this manifest has no stage `{name}`");
        let help = format!("remove it, or write it for one of: {}", names.join(", "));
        Diagnostic::new(codes::UNUSED_KEY, path, overlay.span, message).help(help)
    };
    idle.map(diagnostic).collect()
}

/// What `resources` would open or gets wrong.
fn overlay_findings(plan: &Plan) -> Vec<Diagnostic> {
    let (opens, help) = if plan.unsafe_overlay {
        (
            codes::UNSAFE_OVERLAY_ALLOWED,
            "--allow-unsafe-overlay lets it through",
        )
    } else {
        (
            codes::UNSAFE_OVERLAY,
            "leave it out, or let it through with --allow-unsafe-overlay",
        )
    };
    // A defect of a template shows when it is rendered for good.
    let found = template::overlay_findings(plan).unwrap_or_default();
    let diagnostic = |found: OverlayFinding| {
        let (stage, finding) = (found.stage, found.finding);
        let dot = if finding.path.is_empty() { "" } else { "." };
        let path = format!("resources.{stage}{dot}{}", finding.path);
        let (code, message, help) = match finding.kind {
            Kind::Unsafe => {
                let message = format!("the overlay in `resources` brings in {}", finding.what);
                let help = match finding.help {
                    Some(more) => format!("{more}; or {help}"),
                    None => help.to_owned(),
                };
                (opens, message, Some(help))
            }
            Kind::Nameless => (codes::MISSING_KEY, finding.what, finding.help),
            Kind::Invalid => (codes::INVALID_OVERLAY, finding.what, finding.help),
        };
        let mut diagnostic = Diagnostic::new(code, path, finding.span, message);
        diagnostic.help = help;
        diagnostic
    };
    found.into_iter().map(diagnostic).collect()
}
