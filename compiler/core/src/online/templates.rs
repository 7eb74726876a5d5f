//! Whether CloudFormation takes the templates: its own validation, before anything is changed.

use super::{Answer, Question, Subject};
use crate::diagnostic::{Diagnostic, codes};
use crate::plan::Plan;
use crate::span::Span;
use crate::syntax::Node;
use crate::template;

/// What CloudFormation takes in a request, in bytes; a larger template has to be in a bucket.
pub const INLINE: usize = 51_200;

/// A question for each stage, in the fewest bytes: layout counts, and says nothing.
pub fn questions(root: &Node, plan: &Plan) -> Vec<Question> {
    // A defect of a template shows when it is rendered for good.
    let templates = template::unbuilt_templates(plan).unwrap_or_default();
    let question = |(stage, template): (&crate::plan::Stage, template::Template)| {
        let overlay = format!("resources.{}", stage.name);
        let (path, span) = place(root, &overlay).or_else(|| place(root, "service"))?;
        let subject = Subject::Template {
            stage: stage.name.to_owned(),
            region: stage.region.clone(),
            body: template.value.to_string(),
        };
        Some(Question {
            subject,
            path,
            span,
        })
    };
    templates.into_iter().filter_map(question).collect()
}

fn place(root: &Node, path: &str) -> Option<(String, Span)> {
    root.at(path).map(|node| (path.to_owned(), node.span))
}

pub(super) fn findings(question: &Question, stage: &str, answer: &Answer) -> Vec<Diagnostic> {
    match answer {
        Answer::Refused(reason) => {
            let message = format!("CloudFormation refuses the template of stage {stage}: {reason}");
            let help = if question.path.starts_with("resources.") {
                "correct this place in `resources`, as CloudFormation's reason says"
            } else {
                "this is a defect of frames, or an AWS Region that lacks something: report it"
            };
            vec![
                Diagnostic::new(
                    codes::TEMPLATE_REFUSED,
                    &question.path,
                    question.span,
                    message,
                )
                .help(help),
            ]
        }
        Answer::Unknown(reason) => {
            let message = format!(
                "frames can't tell whether CloudFormation takes the template of stage {stage}: {reason}"
            );
            vec![
                Diagnostic::new(codes::NOT_ASKED, &question.path, question.span, message)
                    .help("`frames policy` prints the permissions that a deployer needs"),
            ]
        }
        _ => Vec::new(),
    }
}
