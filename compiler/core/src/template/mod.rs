//! Plan to CloudFormation. The templates are in `templates/`, one file per stage;
//! each is rendered as YAML, read again and written as canonical JSON: keys in
//! order, two spaces, a line feed at the end.

pub mod overlay;
mod plan_file;

pub use plan_file::PlanFile;

use crate::names;
use crate::plan::{Artifact, Built, Plan, Stage, View};
use crate::source::Source;
use crate::syntax::{self, Node};
use base64::Engine;
use minijinja::{Environment, UndefinedBehavior};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const LAMBDA_EDGE: &str = "lambda-edge.yml.j2";
const READS: &str = "reads.yml.j2";
const CDN: &str = "cdn.yml.j2";
const LOGS: &str = "logs.yml.j2";

/// A name's ending makes minijinja write every hole as JSON.
const TEMPLATES: &[(&str, &str)] = &[
    (
        LAMBDA_EDGE,
        include_str!("../../templates/lambda-edge.yml.j2"),
    ),
    (READS, include_str!("../../templates/reads.yml.j2")),
    (CDN, include_str!("../../templates/cdn.yml.j2")),
    (LOGS, include_str!("../../templates/logs.yml.j2")),
    // A part of the two before.
    ("watch.yml.j2", include_str!("../../templates/watch.yml.j2")),
];

fn template_of(view: &View) -> Result<&'static str, Defect> {
    match view {
        View::LambdaEdge(_) => Ok(LAMBDA_EDGE),
        View::Reads(_) => Ok(READS),
        View::Cdn(_) => Ok(CDN),
        View::Logs(_) => Ok(LOGS),
        View::Packaged(_) => Err(Defect("a template that was made before".to_owned())),
    }
}

/// A stage's template, ready for CloudFormation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    pub stage: &'static str,
    pub value: Value,
    /// The value as canonical JSON.
    pub text: String,
    /// Of the text.
    pub sha256: String,
}

impl Template {
    pub fn new(stage: &'static str, mut value: Value) -> Self {
        value.sort_all_objects();
        let text = format!("{value:#}\n");
        Self {
            stage,
            sha256: format!("{:x}", Sha256::digest(&text)),
            value,
            text,
        }
    }

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

/// Why there are no templates.
#[derive(Debug)]
pub enum Refusal {
    Defect(Defect),
    /// An overlay would open what is compiled, or CloudFormation would refuse it.
    Overlay(Vec<OverlayFinding>),
}

impl From<Defect> for Refusal {
    fn from(defect: Defect) -> Self {
        Self::Defect(defect)
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Defect(defect) => defect.fmt(f),
            Self::Overlay(found) => {
                let first = found.first();
                let path = first.map_or("", |found| &found.finding.path);
                let what = first.map_or("", |found| &found.finding.what);
                let stage = first.map_or("", |found| found.stage);
                write!(f, "`resources.{stage}` can't be deployed: {what} ({path})")
            }
        }
    }
}

impl std::error::Error for Refusal {}

/// What is wrong with a stage's overlay.
#[derive(Debug, Clone)]
pub struct OverlayFinding {
    pub stage: &'static str,
    pub finding: overlay::Finding,
}

/// Renders every stage, in order. `artifacts` has the zip of each function. What an overlay
/// makes of a template is checked on that very template, and refused here.
pub fn render(plan: &Plan, artifacts: &[Artifact]) -> Result<Vec<Template>, Refusal> {
    let (templates, found) = render_stages(plan, artifacts)?;
    let refused = |found: &OverlayFinding| {
        found.finding.kind != overlay::Kind::Unsafe || !plan.unsafe_overlay
    };
    if found.iter().any(refused) {
        Err(Refusal::Overlay(
            found.into_iter().filter(refused).collect(),
        ))
    } else {
        Ok(templates)
    }
}

/// What is wrong with the overlays, before there are any zips.
pub fn overlay_findings(plan: &Plan) -> Result<Vec<OverlayFinding>, Defect> {
    render_stages(plan, &unbuilt(plan)).map(|(_, found)| found)
}

/// Every stage's template but for the zips' hashes, which change no length. What an overlay
/// does to it isn't judged here.
pub fn unbuilt_templates(plan: &Plan) -> Result<Vec<(&Stage, Template)>, Defect> {
    let (templates, _) = render_stages(plan, &unbuilt(plan))?;
    Ok(plan.stages.iter().zip(templates).collect())
}

fn render_stages(
    plan: &Plan,
    artifacts: &[Artifact],
) -> Result<(Vec<Template>, Vec<OverlayFinding>), Defect> {
    let (mut templates, mut found) = (Vec::new(), Vec::new());
    for stage in &plan.stages {
        let (template, findings) = render_stage(plan, stage, artifacts)?;
        templates.push(template);
        found.extend(findings.into_iter().map(|finding| OverlayFinding {
            stage: stage.name,
            finding,
        }));
    }
    Ok((templates, found))
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
    read_yaml(stage.name, &render_yaml(&view)?)
}

/// The one place where a template is made: rendered, merged with its overlay, and checked as
/// the value that is written.
fn render_stage(
    plan: &Plan,
    stage: &Stage,
    artifacts: &[Artifact],
) -> Result<(Template, Vec<overlay::Finding>), Defect> {
    let mut value = compiled(plan, stage, artifacts)?;
    let mut found = Vec::new();
    if let Some(overlay) = &stage.overlay {
        let compiled = value.clone();
        overlay::merge(&mut value, overlay);
        let described = value["Description"].as_str().unwrap_or_default();
        if !described.starts_with(&stage.mark) {
            value["Description"] = json!(format!("{}{described}", stage.mark));
        }
        found = overlay::check(&overlay::Overlaid {
            compiled: &compiled,
            finished: &value,
            overlay,
            names: &plan.names,
        });
    }
    Ok((Template::new(stage.name, value), found))
}

/// The stage's view, with what each function's zip decides.
fn with_artifacts(plan: &Plan, stage: &Stage, artifacts: &[Artifact]) -> Result<View, Defect> {
    let built = stage.functions.iter().map(|function| {
        let mut zips = artifacts.iter();
        let sha256 = zips
            .find(|artifact| artifact.function == function.name)
            .map(|artifact| artifact.sha256.as_str())
            .ok_or_else(|| Defect(format!("no zip for {}", function.name)))?;
        let digest = unhex(sha256).ok_or_else(|| Defect("a malformed hash".to_owned()))?;
        let kept = kept(stage, &names::function_id(function.name));
        Ok(Built {
            artifact_key: names::artifact_key(&plan.service, &plan.env, function.name, sha256),
            version_id: names::version_id(function.name, sha256, &kept),
            code_sha256: base64::engine::general_purpose::STANDARD.encode(digest),
        })
    });
    Ok(stage.view.with_built(built.collect::<Result<_, _>>()?))
}

/// What a published version keeps beside its code: the role, where that isn't the usual one, and
/// what an overlay says of the function.
fn kept(stage: &Stage, function: &str) -> String {
    let overlay = stage.overlay.as_ref().map(Node::to_json);
    let overlay = overlay
        .as_ref()
        .and_then(|overlay| overlay["Resources"].get(function));
    match (stage.view.role_path(), overlay) {
        ("/", None) => String::new(),
        (path, None) => path.to_owned(),
        (path, Some(overlay)) => format!("{path} {overlay}"),
    }
}

fn render_yaml(view: &View) -> Result<String, Defect> {
    let defect = |error: minijinja::Error| Defect(format!("{error:#}"));
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    for (name, text) in TEMPLATES {
        environment.add_template(name, text).map_err(defect)?;
    }
    let template = environment
        .get_template(template_of(view)?)
        .map_err(defect)?;
    template
        .render(minijinja::value::Serde(view))
        .map_err(defect)
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

pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    (0..text.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(text.get(i..i + 2)?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Fixed;
    use crate::{Target, compile};

    const ALLOWING: Target = Target {
        env: "dev",
        chosen: false,
        allow_unsafe_overlay: true,
    };

    /// A plan whose cdn stack gets an overlay, whatever is wrong with it.
    fn overlaid(overlay: &str) -> Plan {
        let source = Source::new("frames.yml", "service: x\nauth: {mode: none}\n");
        let mut plan = compile(&source, ALLOWING, &Fixed::empty()).plan.unwrap();
        let (node, found) = syntax::parse(&Source::new("overlay", overlay));
        assert_eq!(found, []);
        let cdn = plan.stages.iter_mut().find(|stage| stage.name == "cdn");
        cdn.unwrap().overlay = node;
        plan
    }

    /// What a rendering is refused for.
    fn refused(plan: &Plan) -> Vec<overlay::Kind> {
        match render(plan, &unbuilt(plan)) {
            Ok(_) => Vec::new(),
            Err(Refusal::Overlay(found)) => found.iter().map(|one| one.finding.kind).collect(),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_template_of_ours_is_read_without_a_finding_or_not_at_all() {
        let read = |yaml: &str| read_yaml("cdn", yaml).map_err(|defect| defect.0);
        assert_eq!(read("a: 1\n"), Ok(json!({"a": 1})));
        let twice = read("a: 1\na: 2\n").unwrap_err();
        assert!(twice.contains("line: 2"), "{twice}");
    }

    #[test]
    fn a_refusal_says_what_is_wrong_and_where() {
        let defect = Refusal::from(Defect("no zip for signer".to_owned()));
        assert_eq!(
            defect.to_string(),
            "frames made a template that it can't read: no zip for signer; this is a bug in frames, not in your manifest"
        );
        let mut plan = overlaid("Resources: {Mine: {Type: 'AWS::S3::Bucket'}}");
        plan.unsafe_overlay = false;
        assert_eq!(
            render(&plan, &unbuilt(&plan)).unwrap_err().to_string(),
            "`resources.cdn` can't be deployed: a bucket that can be made public (Resources.Mine)"
        );
    }

    #[test]
    fn only_what_is_unsafe_is_let_through() {
        let opens = "Resources: {Mine: {Type: 'AWS::S3::Bucket'}}";
        let broken =
            "Resources: {Mine: {Type: 'AWS::SNS::Topic', Properties: {TopicName: !Ref Nothing}}}";
        let mut plan = overlaid(opens);
        assert_eq!(refused(&plan), []);
        plan.unsafe_overlay = false;
        assert_eq!(refused(&plan), [overlay::Kind::Unsafe]);
        let mut plan = overlaid(broken);
        assert_eq!(refused(&plan), [overlay::Kind::Invalid]);
        plan.unsafe_overlay = false;
        assert_eq!(refused(&plan), [overlay::Kind::Invalid]);
    }
}
