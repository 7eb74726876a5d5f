//! frames.yml to CloudFormation. Pure: files come through [`Environment`], the
//! functions' zips are made by the caller, nothing else is asked of the world.
//!
//! ```text
//! frames.yml text -> Node -> Manifest -> CheckedManifest -> Plan -> templates
//! ```
//!
//! Each arrow is one function from the type on its left to the type on its
//! right, plus diagnostics.

pub mod check;
pub mod diagnostic;
pub mod manifest;
pub mod plan;
pub mod source;
pub mod syntax;
pub mod template;

pub use check::CheckedManifest;
pub use diagnostic::Diagnostic;
pub use plan::Plan;
pub use source::Source;

/// The only door to the world: what the manifest may name outside itself.
pub trait Environment {
    /// A file's bytes, its path relative to the manifest's; the error in a user's words.
    fn read_file(&self, path: &str) -> Result<Vec<u8>, String>;
}

/// A manifest's plan, where it has no errors, and all its findings in order of place.
#[derive(Debug)]
pub struct Compiled {
    pub plan: Option<Plan>,
    pub diagnostics: Vec<Diagnostic>,
}

/// Text to [`Plan`]. [`template::render`] turns the plan into the stacks once
/// the functions' zips, whose hashes stand in them, are known.
pub fn compile(source: &Source, env: &str, environment: &dyn Environment) -> Compiled {
    let (node, mut diagnostics) = syntax::parse(source);
    let mut plan = None;
    if let Some(node) = node {
        let (manifest, found) = manifest::read(&node);
        diagnostics.extend(found);
        let (checked, found) = match &manifest {
            Some(manifest) => check::check(manifest, environment),
            None => (None, Vec::new()),
        };
        diagnostics.extend(found);
        if !diagnostics.iter().any(Diagnostic::is_error) {
            plan = checked.map(|checked| plan::plan(&checked, env));
        }
    }
    diagnostic::sort(&mut diagnostics);
    Compiled { plan, diagnostics }
}
