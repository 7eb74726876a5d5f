//! Plan to CloudFormation. The templates are in `templates/`, a file a stage;
//! each is rendered as YAML, read again and written as canonical JSON: keys in
//! order, two spaces, a line feed at the end.

pub mod overlay;

use crate::diagnostic::did_you_mean;
use crate::plan::{Artifact, Plan, Stage, names};
use crate::source::Source;
use crate::syntax::{self, Node};
use base64::Engine;
use minijinja::{Environment, UndefinedBehavior};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const TEMPLATES: &[(&str, &str)] = &[
    (
        names::LAMBDA_EDGE,
        include_str!("../../templates/lambda-edge.yml.j2"),
    ),
    (names::CDN, include_str!("../../templates/cdn.yml.j2")),
];

/// A stage's template, ready for CloudFormation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pub stage: &'static str,
    pub text: String,
    pub sha256: String,
}

impl Template {
    pub fn file_name(&self) -> String {
        format!("{}.template.json", self.stage)
    }
}

/// A defect of frames itself, not of a manifest.
#[derive(Debug)]
pub struct Defect(String);

impl std::fmt::Display for Defect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "frames made a template that it can't read: {}; this is a bug in frames, not in your manifest",
            self.0
        )
    }
}

impl std::error::Error for Defect {}

/// Renders every stage, in order. `artifacts` has the zip of each function.
pub fn render(plan: &Plan, artifacts: &[Artifact]) -> Result<Vec<Template>, Defect> {
    plan.stages
        .iter()
        .map(|stage| render_stage(plan, stage, artifacts))
        .collect()
}

/// What is wrong with overlays, by stage.
#[derive(Debug, Default)]
pub struct OverlayFindings {
    pub opened: Vec<(&'static str, overlay::Opened)>,
    /// Resources without a type, and what to do about each.
    pub nameless: Vec<(&'static str, overlay::Opened, String)>,
}

/// What the stages' overlays would open or get wrong. The zips' hashes play no part in it.
pub fn overlay_findings(plan: &Plan) -> Result<OverlayFindings, Defect> {
    let artifacts = unbuilt(plan);
    let mut found = OverlayFindings::default();
    for stage in &plan.stages {
        let Some(overlay) = &stage.overlay else {
            continue;
        };
        let compiled = compiled(plan, stage, &artifacts)?;
        let mut merged = compiled.clone();
        overlay::merge(&mut merged, overlay);
        let opened = overlay::opened(&compiled, &merged, overlay);
        found
            .opened
            .extend(opened.into_iter().map(|opened| (stage.name, opened)));
        for (nameless, known) in overlay::nameless(&merged, overlay) {
            let id = nameless.path.rsplit('.').next().unwrap_or_default();
            let help = did_you_mean(id, known)
                .unwrap_or_else(|| "a resource of your own needs a `Type`".to_owned());
            found.nameless.push((stage.name, nameless, help));
        }
    }
    Ok(found)
}

/// Every stage's template but for the zips' hashes, which change no length.
pub fn unbuilt_templates(plan: &Plan) -> Result<Vec<(&Stage, Template)>, Defect> {
    let templates = render(plan, &unbuilt(plan))?;
    Ok(plan.stages.iter().zip(templates).collect())
}

fn unbuilt(plan: &Plan) -> Vec<Artifact> {
    plan.functions()
        .map(|function| Artifact {
            function: function.name.to_owned(),
            sha256: "0".repeat(64),
            bytes: 0,
        })
        .collect()
}

/// A stage's template before its overlay.
fn compiled(plan: &Plan, stage: &Stage, artifacts: &[Artifact]) -> Result<Value, Defect> {
    let view = with_artifacts(plan, stage, artifacts)?;
    read_yaml(stage.name, &render_yaml(stage.name, &view)?)
}

fn render_stage(plan: &Plan, stage: &Stage, artifacts: &[Artifact]) -> Result<Template, Defect> {
    let mut value = compiled(plan, stage, artifacts)?;
    if let Some(overlay) = &stage.overlay {
        overlay::merge(&mut value, overlay);
        let described = value["Description"].as_str().unwrap_or_default();
        if !described.starts_with(&stage.mark) {
            value["Description"] = json!(format!("{}{described}", stage.mark));
        }
    }
    value.sort_all_objects();
    let mut text = serde_json::to_string_pretty(&value).map_err(|e| Defect(e.to_string()))?;
    text.push('\n');
    Ok(Template {
        stage: stage.name,
        sha256: format!("{:x}", Sha256::digest(&text)),
        text,
    })
}

/// Adds to each function of the view what its zip decides.
fn with_artifacts(plan: &Plan, stage: &Stage, artifacts: &[Artifact]) -> Result<Value, Defect> {
    let mut view = stage.view.clone();
    for (i, function) in stage.functions.iter().enumerate() {
        let artifact = artifacts
            .iter()
            .find(|artifact| artifact.function == function.name)
            .ok_or_else(|| Defect(format!("no zip for {}", function.name)))?;
        let digest =
            unhex(&artifact.sha256).ok_or_else(|| Defect("a malformed hash".to_owned()))?;
        let kept = kept(stage, &view, i);
        let row = &mut view["functions"][i];
        row["artifact_key"] = json!(names::artifact_key(
            &plan.service,
            &plan.env,
            function,
            &artifact.sha256
        ));
        row["version_id"] = json!(names::version_id(function.name, &artifact.sha256, &kept));
        row["code_sha256"] = json!(base64::engine::general_purpose::STANDARD.encode(digest));
    }
    Ok(view)
}

/// What a published version keeps beside its code: the role, where that isn't the usual one, and
/// what an overlay says of the function.
fn kept(stage: &Stage, view: &Value, function: usize) -> String {
    let id = view["functions"][function]["id"]
        .as_str()
        .unwrap_or_default();
    let overlay = stage.overlay.as_ref().map(Node::to_json);
    let overlay = overlay
        .as_ref()
        .and_then(|overlay| overlay["Resources"].get(id));
    match (view["path"].as_str().unwrap_or("/"), overlay) {
        ("/", None) => String::new(),
        (path, None) => path.to_owned(),
        (path, Some(overlay)) => format!("{path} {overlay}"),
    }
}

fn render_yaml(stage: &str, view: &Value) -> Result<String, Defect> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let text = TEMPLATES
        .iter()
        .find(|(name, _)| *name == stage)
        .map_or("", |(_, text)| text);
    // The name's ending makes minijinja write every hole as JSON.
    let name = format!("{stage}.yml.j2");
    environment
        .add_template_owned(name.clone(), text)
        .map_err(|e| Defect(format!("{e:#}")))?;
    let template = environment
        .get_template(&name)
        .map_err(|e| Defect(format!("{e:#}")))?;
    template
        .render(minijinja::value::Serde(view))
        .map_err(|e| Defect(format!("{e:#}")))
}

fn read_yaml(stage: &str, yaml: &str) -> Result<Value, Defect> {
    let source = Source::new(stage, yaml);
    match syntax::parse(&source) {
        (Some(node), found) if found.is_empty() => Ok(node.to_json()),
        (_, found) => Err(Defect(
            found
                .iter()
                .map(|d| format!("{:?}: {}", source.position(d.span.start), d.message))
                .collect(),
        )),
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    (0..text.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(text.get(i..i + 2)?, 16).ok())
        .collect()
}
