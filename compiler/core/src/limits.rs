//! AWS's limits that only the stacks as a whole can exceed. Sources:
//! "AWS CloudFormation quotas", "Quotas" of the Amazon CloudFront Developer
//! Guide, "IAM and AWS STS quotas".

use crate::diagnostic::{Diagnostic, codes};
use crate::manifest::Manifest;
use crate::plan::{Plan, Stage};
use crate::template;
use serde_json::Value;

/// A template in S3, in bytes.
pub const TEMPLATE: usize = 1_000_000;

/// "Quotas on Lambda@Edge" of the Amazon CloudFront Developer Guide: a function and what belongs
/// to it, compressed, in bytes. It is the same for all four events now. At the viewer's, it was 1 MB
/// for years, and CloudFront may still refuse more somewhere. So only more than what AWS's page has
/// is an error, and more than 1 MB at the viewer's is a warning.
pub const ZIP: usize = 50_000_000;

/// Policies of a role, unless AWS Support raised the quota.
const POLICIES: usize = 10;

/// What a stack has at the most, by the section of its template.
const SECTIONS: &[(&str, &str, usize)] = &[
    ("/Resources", "resources", 500),
    ("/Outputs", "outputs", 200),
    ("/Parameters", "parameters", 200),
    (
        "/Resources/Distribution/Properties/DistributionConfig/CacheBehaviors",
        "cache behaviors beside the default",
        75,
    ),
    (
        "/Resources/Distribution/Properties/DistributionConfig/Aliases",
        "CNAMEs",
        100,
    ),
];

pub fn check(manifest: &Manifest, plan: &Plan) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    policies(manifest, plan, &mut found);
    // A defect of a template shows when it is rendered for good.
    for (stage, template) in template::unbuilt_templates(plan).unwrap_or_default() {
        sections(manifest, stage, &template.value, &mut found);
        let bytes = template.text.len();
        if bytes > TEMPLATE {
            let what = format!("a template of {bytes} bytes, {TEMPLATE} at the most");
            found.push(finding(manifest, stage, &what));
        }
    }
    found
}

fn sections(manifest: &Manifest, stage: &Stage, template: &Value, found: &mut Vec<Diagnostic>) {
    for (pointer, what, most) in SECTIONS {
        let count = match template.pointer(pointer) {
            Some(Value::Object(map)) => map.len(),
            Some(Value::Array(items)) => items.len(),
            _ => 0,
        };
        if count > *most {
            let what = format!("{count} {what}, {most} at the most");
            found.push(finding(manifest, stage, &what));
        }
    }
}

fn finding(manifest: &Manifest, stage: &Stage, what: &str) -> Diagnostic {
    let message = format!("the {} stack would have {what}", stage.name);
    let (path, span) = match &stage.overlay {
        Some(overlay) => (format!("resources.{}", stage.name), overlay.span),
        None => (String::new(), manifest.span),
    };
    Diagnostic::new(codes::LIMIT, path, span, message).help("remove some of it")
}

/// The signer's policies, which hold what `iam.allow` lists.
fn policies(manifest: &Manifest, plan: &Plan, found: &mut Vec<Diagnostic>) {
    let most = plan.stages.iter().map(Stage::most_role_policies);
    let rows = manifest.iam.iter().flat_map(|iam| &iam.allow).flatten();
    let row = rows.filter_map(|row| row.datastore.as_ref()).next_back();
    let count = most.max().unwrap_or_default();
    let (true, Some(row)) = (count > POLICIES, row) else {
        return;
    };
    let message =
        format!("`iam.allow` fills {count} policies of IAM's size; a role takes {POLICIES}");
    found.push(
        Diagnostic::new(codes::LIMIT, "iam.allow", row.span, message).help(
            "allow whole data stores instead of single image sets, or split the service in two",
        ),
    );
}

#[cfg(test)]
mod tests {
    use crate::diagnostic::Diagnostic;
    use crate::world::Fixed;
    use crate::{Compiled, Source, Target, compile};

    fn compiled(rest: &str) -> Compiled {
        let text = format!("service: x\nauth: {{mode: none}}\n{rest}\n");
        let target = Target {
            env: "dev",
            chosen: false,
            allow_unsafe_overlay: false,
        };
        compile(&Source::new("frames.yml", text), target, &Fixed::empty())
    }

    fn limits(rest: &str) -> Vec<(String, String)> {
        let compiled = compiled(rest);
        let errors = compiled
            .diagnostics
            .into_iter()
            .filter(Diagnostic::is_error);
        let found: Vec<_> = errors
            .map(|error| (error.code.name.to_owned(), error.path))
            .collect();
        assert_eq!(compiled.plan.is_none(), !found.is_empty());
        found
    }

    fn limit(rest: &str, path: &str) {
        assert_eq!(limits(rest), [("limit".to_owned(), path.to_owned())]);
    }

    fn image_sets(n: usize) -> String {
        let sets: Vec<String> = (0..n).map(|i| format!("{i:032}")).collect();
        format!(
            "iam: {{allow: [{{datastore: 012345678901234567890123456789ab, imageSets: [{}]}}]}}",
            sets.join(", ")
        )
    }

    #[test]
    fn a_role_takes_ten_policies() {
        let (mut fits, mut fails) = (350, 600);
        limit(&image_sets(fails), "iam.allow");
        while fails - fits > 1 {
            let middle = usize::midpoint(fits, fails);
            if limits(&image_sets(middle)).is_empty() {
                fits = middle;
            } else {
                fails = middle;
            }
        }
        let plan = compiled(&image_sets(fits)).plan.unwrap();
        assert_eq!(plan.stages[0].most_role_policies(), 10);
        let first = compiled(&image_sets(fails)).diagnostics;
        let first = first.iter().find(|found| found.is_error()).unwrap();
        assert!(first.message.contains("fills 11 policies"), "{first:?}");
    }

    #[test]
    fn a_stack_has_its_limits() {
        let outputs = |n: usize| {
            let outputs: Vec<String> = (0..n).map(|i| format!("O{i}: {{Value: x}}")).collect();
            format!(
                "resources: {{cdn: {{Outputs: {{{}}}}}}}",
                outputs.join(", ")
            )
        };
        // Four are the stack's own.
        assert_eq!(limits(&outputs(196)), []);
        limit(&outputs(197), "resources.cdn");
        let large = format!(
            "resources: {{cdn: {{Metadata: {{x: {}}}}}}}",
            "x".repeat(999_000)
        );
        limit(&large, "resources.cdn");
    }
}
