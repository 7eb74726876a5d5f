//! What is compiled: a manifest, its clean stacks, and the same with an overlay.

use crate::generate::merged;
use frames_compiler::plan::{Artifact, Plan};
use frames_compiler::world::Fixed;
use frames_compiler::{Source, Target, compile, template};
use serde_json::{Value, json};

pub(crate) const EDGE: &str = "lambda-edge";
pub(crate) const CDN: &str = "cdn";
pub(crate) const LOGS: &str = "logs";

/// Manifests that differ in what is compiled: with and without names, a web ACL, a key, a bucket
/// and DICOMweb, in one Region and in two.
const MANIFESTS: &[(&str, &str)] = &[
    (
        "minimal",
        include_str!("../../../../tests/manifests/minimal.yml"),
    ),
    (
        "hospital",
        include_str!("../../../../tests/manifests/hospital.yml"),
    ),
    ("full", include_str!("../../../../tests/manifests/full.yml")),
    ("oidc", include_str!("../../../../tests/manifests/oidc.yml")),
    (
        "own-bucket",
        include_str!("../../../../tests/manifests/own-bucket.yml"),
    ),
    (
        "region",
        include_str!("../../../../tests/manifests/region.yml"),
    ),
    (
        "certificate",
        include_str!("../../../../tests/manifests/certificate.yml"),
    ),
    (
        "other-way",
        include_str!("../../../../tests/manifests/other-way.yml"),
    ),
    (
        "public",
        include_str!("../../../../tests/manifests/public.yml"),
    ),
    (
        "elsewhere-without-logs",
        include_str!("../../../../tests/manifests/elsewhere-without-logs.yml"),
    ),
    ("example", include_str!("../../../../frames.yml")),
];

/// The stages' templates.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stacks {
    pub edge: Value,
    pub cdn: Value,
    /// There where the distribution's stack is in another Region.
    pub logs: Option<Value>,
}

impl Stacks {
    /// What an overlay would make of them, were it let through.
    pub(crate) fn overlaid(&self, overlay: &Value) -> Self {
        let of = |stage: &str, template: &Value| {
            let body = overlay.get(stage).cloned().unwrap_or(json!({}));
            merged(template.clone(), body)
        };
        Self {
            edge: of(EDGE, &self.edge),
            cdn: of(CDN, &self.cdn),
            logs: self.logs.as_ref().map(|logs| of(LOGS, logs)),
        }
    }

    pub(crate) fn stages(&self) -> Vec<(&'static str, &Value)> {
        let logs = self.logs.iter().map(|logs| (LOGS, logs));
        let others = [(EDGE, &self.edge), (CDN, &self.cdn)];
        others.into_iter().chain(logs).collect()
    }
}

pub(crate) struct Delivery {
    pub name: &'static str,
    text: &'static str,
    pub clean: Stacks,
}

/// What the compiler says of an overlay.
pub(crate) enum Outcome {
    Passed(Stacks),
    /// The codes of the errors.
    Refused(Vec<String>),
}

/// How an overlay stands in frames.yml.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    /// Below `resources`.
    Plainly,
    /// There, each stage's by a merge key.
    ByMergeKey,
    /// Elsewhere, and `resources` refers to it.
    ByVariable,
    /// In the environment's block.
    InEnvironment,
}

impl Written {
    /// JSON is YAML, so that an overlay is written as it is.
    pub(crate) fn text(self, overlay: &Value) -> String {
        match self {
            Self::Plainly => format!("resources: {overlay}\n"),
            Self::ByMergeKey => {
                let stages = overlay.as_object().into_iter().flatten();
                let stages = stages.map(|(stage, body)| format!("\n  {stage}: {{<<: {body}}}"));
                format!("resources:{}\n", stages.collect::<String>())
            }
            Self::ByVariable => {
                format!("x-overlay: {overlay}\nresources: ${{self:x-overlay}}\n")
            }
            Self::InEnvironment => format!("environments: {{dev: {{resources: {overlay}}}}}\n"),
        }
    }
}

impl Delivery {
    pub(crate) fn all() -> Vec<Self> {
        let delivery = |(name, text): &(&'static str, &'static str)| {
            let (plan, findings) = planned(text);
            let plan = plan.unwrap_or_else(|| panic!("{name}: {findings:#?}"));
            Self {
                name,
                text,
                clean: rendered(&plan).unwrap_or_else(|error| panic!("{name}: {error}")),
            }
        };
        MANIFESTS.iter().map(delivery).collect()
    }

    pub(crate) fn with(&self, overlay: &Value, written: Written) -> Outcome {
        let text = format!("{}{}", self.text, written.text(overlay));
        match planned(&text) {
            (Some(plan), _) => {
                rendered(&plan).map_or_else(|error| Outcome::Refused(vec![error]), Outcome::Passed)
            }
            (None, errors) => Outcome::Refused(errors),
        }
    }
}

fn planned(text: &str) -> (Option<Plan>, Vec<String>) {
    let target = Target {
        env: "dev",
        chosen: false,
        allow_unsafe_overlay: false,
    };
    let compiled = compile(&Source::new("frames.yml", text), target, &Fixed::empty());
    let errors = compiled.diagnostics.iter().filter(|found| found.is_error());
    let errors: Vec<String> = errors.map(|found| found.code.name.to_owned()).collect();
    (compiled.plan.filter(|_| errors.is_empty()), errors)
}

/// The finished templates. The one place that knows how they are rendered.
fn rendered(plan: &Plan) -> Result<Stacks, String> {
    let artifacts = [("authorizer", "a"), ("signer", "5")].map(|(function, digit)| Artifact {
        function: function.to_owned(),
        sha256: digit.repeat(64),
        bytes: 400_000,
    });
    let templates = template::render(plan, &artifacts).map_err(|error| error.to_string())?;
    // What may be deployed may be deployed again, when nothing is known of the manifest.
    for template in &templates {
        let found = template::overlay::recheck(&template.value, &plan.names);
        assert!(found.is_empty(), "{}: {found:#?}", template.value);
    }
    let of = |stage: &str| {
        let mut templates = templates.iter();
        templates
            .find(|template| template.stage == stage)
            .map(|template| template.value.clone())
    };
    let there = |stage: &str| of(stage).ok_or_else(|| format!("no {stage}"));
    Ok(Stacks {
        edge: there(EDGE)?,
        cdn: there(CDN)?,
        logs: of(LOGS),
    })
}

/// An overlay over one stage.
pub(crate) fn over(stage: &str, template: Value) -> Value {
    json!({ stage: template })
}
