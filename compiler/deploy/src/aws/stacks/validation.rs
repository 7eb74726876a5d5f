//! CloudFormation's own look at a template, before there is a change set.

use super::{Body, Stacks};
use crate::aws::{errors, explain};
use frames_compiler::failure::Result;

/// What CloudFormation says of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Validity {
    Valid,
    /// In its own words.
    Refused(String),
    /// It wasn't asked, for this reason.
    Unknown(String),
}

impl Stacks {
    pub async fn validate(&self, body: &Body<'_>) -> Result<Validity> {
        const ACTION: &str = "cloudformation:ValidateTemplate";
        let asked = self.client.validate_template();
        let asked = match body {
            Body::Text(text) => asked.template_body(*text),
            Body::InS3 { url, .. } => asked.template_url(url),
        };
        let Err(error) = asked.send().await else {
            return Ok(Validity::Valid);
        };
        if errors::is_denied(&error) {
            return Ok(Validity::Unknown(format!(
                "you have no permission for `{ACTION}`"
            )));
        }
        let said = errors::message(&error).trim_end_matches('.');
        match errors::code(&error) {
            Some("ValidationError") => Ok(Validity::Refused(
                said.trim_start_matches("Template format error: ")
                    .to_owned(),
            )),
            _ => Err(explain(ACTION, "have the templates validated", error)),
        }
    }
}
