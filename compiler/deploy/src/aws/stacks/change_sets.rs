//! Change sets: made, looked at, run.

use super::leaves::{self, Detail};
use super::{Stacks, text};
use crate::aws::bucket::Object;
use crate::aws::{errors, explain};
use aws_sdk_cloudformation::operation::describe_change_set::DescribeChangeSetOutput;
use aws_sdk_cloudformation::types::{self, Capability, ChangeSetType, TemplateStage};
use frames_compiler::difference::Leaf;
use frames_compiler::failure::Result;
use std::collections::BTreeMap;

/// What a stack should become.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    pub stack: &'a str,
    /// The change set's description: whose it is.
    pub mark: &'a str,
    pub body: Body<'a>,
    pub parameters: &'a BTreeMap<String, String>,
    pub tags: &'a BTreeMap<String, String>,
}

/// What DescribeStacks shows for a parameter with `NoEcho`.
const NO_ECHO: &str = "****";

/// CloudFormation takes 51,200 bytes in the request, and more from S3.
#[derive(Debug, Clone)]
pub enum Body<'a> {
    Text(&'a str),
    InS3 {
        text: &'a str,
        url: String,
        object: Object,
    },
}

impl<'a> Body<'a> {
    pub fn text(&self) -> &'a str {
        match self {
            Self::Text(text) | Self::InS3 { text, .. } => text,
        }
    }
}

#[derive(Debug, Clone)]
pub struct ChangeSet {
    pub status: String,
    pub execution: String,
    pub reason: Option<String>,
    pub changes: Vec<Change>,
}

/// What happens to a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// `Add`, `Modify`, `Remove`, …
    pub action: String,
    pub resource: String,
    pub kind: String,
    /// `True`, `False` or `Conditional`, for `Modify`.
    pub replacement: Option<String>,
    /// `Retain`, where CloudFormation drops the resource from the stack and doesn't delete it.
    pub policy: Option<String>,
    pub details: Vec<Detail>,
    /// What becomes of it, leaf by leaf. Empty where it comes or goes as a whole.
    pub leaves: Vec<Leaf>,
}

/// What became of a request to make a change set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    Made,
    /// One of this name is there already.
    Exists,
    /// The stack is no longer in the state that the request was for.
    Stale,
}

/// What became of a request to run one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    Begun,
    /// The stack has changed since, or the change set has been run or is gone.
    Stale,
}

impl Stacks {
    pub async fn create_change_set(
        &self,
        name: &str,
        wanted: &Wanted<'_>,
        new: bool,
    ) -> Result<Made> {
        let kind = if new {
            ChangeSetType::Create
        } else {
            ChangeSetType::Update
        };
        let asked = self.client.create_change_set();
        let asked = asked
            .stack_name(wanted.stack)
            .change_set_name(name)
            .description(wanted.mark)
            .client_token(name);
        let asked = asked
            .change_set_type(kind)
            .capabilities(Capability::CapabilityIam);
        let asked = match &wanted.body {
            Body::Text(text) => asked.template_body(*text),
            Body::InS3 { url, .. } => asked.template_url(url),
        };
        let parameters = wanted.parameters.iter().map(|(key, value)| {
            let parameter = types::Parameter::builder().parameter_key(key);
            if value == NO_ECHO {
                parameter.use_previous_value(true).build()
            } else {
                parameter.parameter_value(value).build()
            }
        });
        let tags = wanted
            .tags
            .iter()
            .map(|(key, value)| types::Tag::builder().key(key).value(value).build());
        let asked = asked
            .set_parameters(Some(parameters.collect()))
            .set_tags(Some(tags.collect()));
        match asked.send().await {
            Ok(_) => Ok(Made::Made),
            Err(error) if errors::code(&error) == Some("AlreadyExistsException") => {
                Ok(Made::Exists)
            }
            Err(error) if has_moved_on(errors::message(&error), new) => Ok(Made::Stale),
            Err(error) if cant_read(errors::message(&error)) => {
                let doing = "let CloudFormation read a large template from the artifact bucket";
                Err(explain("s3:GetObjectVersion", doing, error))
            }
            Err(error) => {
                let doing = format!("make a change set for stack {}", wanted.stack);
                Err(explain("cloudformation:CreateChangeSet", &doing, error))
            }
        }
    }

    /// The stack's change sets: each one's name and description.
    pub async fn change_sets(&self, stack: &str) -> Result<Vec<(String, String)>> {
        let mut found = Vec::new();
        let mut next = None;
        loop {
            let asked = self.client.list_change_sets().stack_name(stack);
            let page = match asked.set_next_token(next.take()).send().await {
                Ok(page) => page,
                Err(error) if errors::message(&error).contains("does not exist") => {
                    return Ok(found);
                }
                Err(error) => {
                    let doing = format!("list the change sets of stack {stack}");
                    return Err(explain("cloudformation:ListChangeSets", &doing, error));
                }
            };
            let sets = page.summaries().iter();
            found.extend(sets.map(|set| (text(set.change_set_name()), text(set.description()))));
            next = page.next_token().map(str::to_owned);
            if next.is_none() {
                return Ok(found);
            }
        }
    }

    /// `None` where it is gone.
    pub async fn change_set(&self, stack: &str, name: &str) -> Result<Option<ChangeSet>> {
        let mut found: Option<ChangeSet> = None;
        let mut next = None;
        loop {
            let asked = self
                .client
                .describe_change_set()
                .stack_name(stack)
                .change_set_name(name);
            let asked = asked
                .include_property_values(true)
                .set_next_token(next.take());
            let page = match asked.send().await {
                Ok(page) => page,
                Err(error)
                    if matches!(
                        errors::code(&error),
                        Some("ChangeSetNotFound" | "ChangeSetNotFoundException")
                    ) =>
                {
                    return Ok(None);
                }
                Err(error) if errors::message(&error).contains("does not exist") => {
                    return Ok(None);
                }
                Err(error) => {
                    let doing = format!("read the change set of stack {stack}");
                    return Err(explain("cloudformation:DescribeChangeSet", &doing, error));
                }
            };
            let changes = page.changes().iter().filter_map(change);
            match &mut found {
                Some(found) => found.changes.extend(changes),
                None => found = Some(change_set(&page, changes.collect())),
            }
            next = page.next_token().map(str::to_owned);
            if next.is_none() {
                return Ok(found);
            }
        }
    }

    /// Whether CloudFormation read from S3 what frames put there. Others may write to the bucket, and
    /// without versions one address gives whatever is there at the moment.
    pub async fn has_read_it(&self, name: &str, wanted: &Wanted<'_>) -> Result<bool> {
        let Body::InS3 { text, .. } = wanted.body else {
            return Ok(true);
        };
        let asked = self.client.get_template().stack_name(wanted.stack);
        let asked = asked
            .change_set_name(name)
            .template_stage(TemplateStage::Original);
        let answer = asked.send().await.map_err(|error| {
            let doing = format!(
                "read the template of a change set of stack {}",
                wanted.stack
            );
            explain("cloudformation:GetTemplate", &doing, error)
        })?;
        let read = answer.template_body().unwrap_or_default();
        Ok(essence(read).eq(essence(text)))
    }

    /// One that is gone is as good as deleted.
    pub async fn delete_change_set(&self, stack: &str, name: &str) -> Result<()> {
        let asked = self
            .client
            .delete_change_set()
            .stack_name(stack)
            .change_set_name(name);
        match asked.send().await {
            Ok(_) => Ok(()),
            Err(error)
                if matches!(
                    errors::code(&error),
                    Some("ChangeSetNotFound" | "ChangeSetNotFoundException")
                ) =>
            {
                Ok(())
            }
            Err(error) if errors::message(&error).contains("does not exist") => Ok(()),
            Err(error) => {
                let doing = format!("delete the change set of stack {stack}");
                Err(explain("cloudformation:DeleteChangeSet", &doing, error))
            }
        }
    }

    pub async fn execute(&self, stack: &str, name: &str, token: &str) -> Result<Begun> {
        let asked = self
            .client
            .execute_change_set()
            .stack_name(stack)
            .change_set_name(name);
        match asked.client_request_token(token).send().await {
            Ok(_) => Ok(Begun::Begun),
            Err(error) if is_stale(errors::code(&error), errors::message(&error)) => {
                Ok(Begun::Stale)
            }
            Err(error) => {
                let doing = format!("change stack {stack}");
                Err(explain("cloudformation:ExecuteChangeSet", &doing, error))
            }
        }
    }
}

/// S3 refuses CloudFormation, which asks with the caller's permissions.
fn cant_read(message: &str) -> bool {
    message.contains("S3 error: Access Denied")
}

/// The characters of a template that mean something, as CloudFormation gives them back. It replaces
/// those beyond ASCII by question marks, and may change the space between tokens.
fn essence(json: &str) -> impl Iterator<Item = char> {
    let (mut in_text, mut escaped, mut before) = (false, false, ' ');
    json.chars().filter_map(move |c| {
        if !in_text && c.is_ascii_whitespace() {
            return None;
        }
        let is_quote = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        in_text ^= is_quote;
        let shown = if c.is_ascii() { c } else { '?' };
        // One or two for a character that takes two in UTF-16.
        let again = shown == '?' && before == '?';
        before = shown;
        (!again).then_some(shown)
    })
}

/// Somebody else made the stack, deleted it, or began an operation on it.
fn has_moved_on(message: &str, new: bool) -> bool {
    message.contains("_IN_PROGRESS state")
        || (new && message.contains("already exists and cannot be created again"))
        || (!new && message.contains("does not exist"))
}

/// Any refusal other than an operation under way on the stack.
fn is_stale(code: Option<&str>, message: &str) -> bool {
    matches!(
        code,
        Some(
            "ChangeSetNotFound"
                | "ChangeSetNotFoundException"
                | "InvalidChangeSetStatus"
                | "InvalidChangeSetStatusException"
        )
    ) || message.contains("_IN_PROGRESS state")
}

fn change_set(page: &DescribeChangeSetOutput, changes: Vec<Change>) -> ChangeSet {
    ChangeSet {
        status: text(page.status().map(|status| status.as_str())),
        execution: text(page.execution_status().map(|status| status.as_str())),
        reason: page.status_reason().map(str::to_owned),
        changes,
    }
}

fn change(change: &types::Change) -> Option<Change> {
    let change = change.resource_change()?;
    let details: Vec<Detail> = change.details().iter().filter_map(detail).collect();
    let action = text(change.action().map(|action| action.as_str()));
    let contexts = (change.before_context(), change.after_context());
    let leaves = if action == "Modify" {
        leaves::of(contexts, &details)
    } else {
        vec![]
    };
    Some(Change {
        action,
        resource: text(change.logical_resource_id()),
        kind: text(change.resource_type()),
        replacement: change.replacement().map(|r| r.as_str().to_owned()),
        policy: change
            .policy_action()
            .map(|policy| policy.as_str().to_owned()),
        details,
        leaves,
    })
}

fn detail(detail: &types::ResourceChangeDetail) -> Option<Detail> {
    let target = detail.target()?;
    let property = match target.path() {
        Some(path) if !path.is_empty() => path.to_owned(),
        _ => [target.attribute().map(|a| a.as_str()), target.name()]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join("/"),
    };
    Some(Detail {
        property,
        before: target.before_value().map(str::to_owned),
        after: target.after_value().map(str::to_owned),
        recreates: target
            .requires_recreation()
            .is_some_and(|r| r.as_str() != "Never"),
        cause: detail.causing_entity().map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(sent: &str, read: &str) -> bool {
        essence(sent).eq(essence(read))
    }

    #[test]
    fn a_template_is_the_same_however_it_is_given_back() {
        let sent = "{\n  \"Outputs\": {\"A\": {\"Value\": \"Küche \\\" 1  2 😀\"}}\n}\n";
        assert!(same(sent, sent));
        assert!(same(sent, sent.trim_end()));
        assert!(same(sent, &sent.replace('ü', "?").replace('😀', "??")));
        let compact = r#"{"Outputs":{"A":{"Value":"Küche \" 1  2 😀"}}}"#;
        assert!(same(sent, compact));
    }

    #[test]
    fn any_other_template_is_another() {
        let sent = r#"{"Resources": {"A": {"Type": "T", "Properties": {"P": "a b\\"}}}}"#;
        for (from, to) in [
            ("a b", "a  b"),
            ("a b", "ab"),
            ("\"T\"", "\"U\""),
            ("{\"P\"", "{\"P\": \"c\", \"P\""),
            ("}}}}", "}}}, \"Resources\": {}}"),
            ("\\\\\"", "\\\\\", \"Q\": \"\""),
        ] {
            let other = sent.replace(from, to);
            assert_ne!(other, sent, "{from}");
            assert!(!same(sent, &other), "{other}");
        }
        assert!(!same(sent, ""));
    }
}
