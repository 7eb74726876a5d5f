//! Statements, and the documents that they make.

use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// What IAM takes in a managed policy, white space aside.
pub const MANAGED: usize = 6_144;

const VERSION: &str = "2012-10-17";

/// A policy document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Policy {
    version: &'static str,
    pub statement: Vec<Statement>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Statement {
    pub sid: String,
    effect: &'static str,
    pub action: Vec<String>,
    pub resource: Vec<String>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub condition: Map<String, Value>,
}

impl Policy {
    fn new(statement: Vec<Statement>) -> Self {
        Self {
            version: VERSION,
            statement,
        }
    }

    /// As IAM counts: without white space.
    pub fn size(&self) -> usize {
        let text = json!(self).to_string();
        text.chars().filter(|c| !c.is_whitespace()).count()
    }

    /// Whether it can be a managed policy.
    pub fn is_managed_size(&self) -> bool {
        self.size() <= MANAGED
    }

    /// The same statements in as few documents as fit into managed policies, in order.
    pub fn split(self) -> Vec<Self> {
        let mut documents: Vec<Self> = Vec::new();
        for statement in self.statement {
            if let Some(last) = documents.last_mut() {
                last.statement.push(statement);
                if last.is_managed_size() {
                    continue;
                }
                let Some(statement) = last.statement.pop() else {
                    continue;
                };
                documents.push(Self::new(vec![statement]));
            } else {
                documents.push(Self::new(vec![statement]));
            }
        }
        documents
    }
}

/// Statements in the making: what has the same name and the same condition is one.
#[derive(Debug, Default)]
pub(super) struct Collected(Vec<Group>);

#[derive(Debug)]
struct Group {
    sid: &'static str,
    condition: Map<String, Value>,
    actions: BTreeSet<String>,
    resources: BTreeSet<String>,
}

impl Collected {
    pub(super) fn allow(
        &mut self,
        sid: &'static str,
        actions: &[&str],
        resources: impl IntoIterator<Item = String>,
        condition: Map<String, Value>,
    ) {
        let fits = |group: &Group| group.sid == sid && group.condition == condition;
        let at = self.0.iter().position(fits).unwrap_or_else(|| {
            self.0.push(Group {
                sid,
                condition,
                actions: BTreeSet::new(),
                resources: BTreeSet::new(),
            });
            self.0.len() - 1
        });
        let group = &mut self.0[at];
        group
            .actions
            .extend(actions.iter().map(|action| (*action).to_owned()));
        group.resources.extend(resources);
    }

    pub(super) fn policy(self) -> Policy {
        let mut used: Vec<&str> = Vec::new();
        let mut statements = Vec::new();
        for group in self.0 {
            let namesakes = used.iter().filter(|sid| **sid == group.sid).count();
            used.push(group.sid);
            // A Sid is unique within its document.
            let number = match namesakes {
                0 => String::new(),
                n => (n + 1).to_string(),
            };
            statements.push(Statement {
                sid: format!("{}{number}", group.sid),
                effect: "Allow",
                action: group.actions.into_iter().collect(),
                resource: group.resources.into_iter().collect(),
                condition: group.condition,
            });
        }
        Policy::new(statements)
    }
}
