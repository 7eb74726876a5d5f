//! frames.yml to CloudFormation. Pure: files come through [`Environment`], the
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
pub mod environments;
pub mod manifest;
pub mod online;
pub mod plan;
pub mod policy;
pub mod printable;
pub mod secrets;
pub mod source;
pub mod syntax;
pub mod template;
pub mod variables;

pub use check::CheckedManifest;
pub use diagnostic::Diagnostic;
use diagnostic::codes;
pub use plan::Plan;
pub use source::Source;
pub use syntax::Node;

/// The only door to the world: what the manifest may name outside itself.
pub trait Environment {
    /// A file's bytes, its path relative to the manifest's; the error in a user's words.
    fn read_file(&self, path: &str) -> Result<Vec<u8>, String>;

    /// An environment variable.
    fn variable(&self, _name: &str) -> Option<String> {
        None
    }

    /// The value of `--opt name=value`.
    fn option(&self, _name: &str) -> Option<String> {
        None
    }

    /// What AWS answers to `cf:stack.Output`, `ssm:/path`, `aws:accountId` or `aws:region`.
    fn aws(&self, _reference: &str) -> AwsValue {
        AwsValue::Offline
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AwsValue {
    Value(String),
    /// What must never be shown: an SSM SecureString.
    Secret(String),
    Missing,
    /// AWS isn't asked: the reference stays open.
    Offline,
}

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
    /// Values that must never be shown. The findings are free of them.
    pub secrets: Vec<variables::Secret>,
}

/// Text to [`Plan`]. [`template::render`] turns the plan into the stacks once
/// the functions' zips, whose hashes stand in them, are known.
pub fn compile(source: &Source, target: Target, environment: &dyn Environment) -> Compiled {
    let (node, mut diagnostics) = syntax::parse(source);
    let mut compiled = Compiled {
        plan: None,
        diagnostics: vec![],
        open: vec![],
        resolved: None,
        secrets: vec![],
    };
    if let Some(node) = node {
        let written = node.clone();
        let selected = environments::select(node, target.env, target.chosen);
        diagnostics.extend(selected.diagnostics);
        let resolved = variables::resolve(&selected.root, target.env, environment);
        diagnostics.extend(resolved.diagnostics);
        diagnostics.extend(check::exposed(&resolved.node, &resolved.secrets));
        let (manifest, found) = manifest::read(&resolved.node, &resolved.own_keys);
        diagnostics.extend(found);
        diagnostics.extend(manifest::read_partial(&selected.others, &resolved.own_keys));
        let (checked, found) = match &manifest {
            Some(manifest) => check::check(manifest, environment),
            None => (None, Vec::new()),
        };
        diagnostics.extend(found);
        // With open references it is no plan to go by, but enough to see what an overlay opens.
        let plan = checked
            .filter(|_| !diagnostics.iter().any(Diagnostic::is_error))
            .map(|checked| plan::plan(&checked, target.env));
        let found = plan.as_ref().map(|plan| overlay_findings(plan, target));
        diagnostics.extend(found.unwrap_or_default());
        compiled.plan = plan.filter(|_| resolved.open.is_empty());
        if let (Some(manifest), Some(plan)) = (&manifest, &compiled.plan) {
            diagnostics.extend(check::limits(manifest, plan));
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
        compiled.secrets = resolved.secrets;
        compiled.open = resolved.open;
        compiled.resolved = Some(resolved.node);
    }
    diagnostic::sort(&mut diagnostics);
    compiled.diagnostics = diagnostics;
    compiled
}

/// What `resources` would open or gets wrong.
fn overlay_findings(plan: &Plan, target: Target) -> Vec<Diagnostic> {
    let (code, help) = match target.allow_unsafe_overlay {
        true => (
            codes::UNSAFE_OVERLAY_ALLOWED,
            "--allow-unsafe-overlay lets it through",
        ),
        false => (
            codes::UNSAFE_OVERLAY,
            "leave it out, or let it through with --allow-unsafe-overlay",
        ),
    };
    // A defect of a template shows when it is rendered for good.
    let found = template::overlay_findings(plan).unwrap_or_default();
    let path = |stage: &str, path: &str| {
        let dot = if path.is_empty() { "" } else { "." };
        format!("resources.{stage}{dot}{path}")
    };
    let nameless = found.nameless.into_iter().map(|(stage, nameless, help)| {
        let path = path(stage, &nameless.path);
        Diagnostic::new(codes::MISSING_KEY, path, nameless.span, nameless.what).help(help)
    });
    let opened = found.opened.into_iter().map(|(stage, opened)| {
        let message = format!("the overlay makes {}", opened.what);
        Diagnostic::new(code, path(stage, &opened.path), opened.span, message).help(help)
    });
    nameless.chain(opened).collect()
}
