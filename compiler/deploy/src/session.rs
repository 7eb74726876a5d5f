//! Whose account it is: said before anything there is changed, or a question asked.

use super::Session;
use frames_compiler::plan::Plan;
use serde_json::{Value, json};

impl Session<'_> {
    /// `Deploying heart (dev) to account 111122223333 (us-east-1) as arn:…`
    pub fn announce(&self, verb: &str, to: &str, plan: &Plan) {
        let what = format!(
            "{} ({}) {to} account {}",
            plan.service,
            plan.env,
            self.whereabouts(plan)
        );
        self.progress.step(verb, &what);
    }

    /// `111122223333 (us-east-1), as arn:…`
    pub fn whereabouts(&self, plan: &Plan) -> String {
        let (account, arn) = (&self.identity.account, &self.identity.arn);
        format!("{account} ({}), as {arn}", regions(plan).join(", "))
    }

    /// A closing object that says whose account it was.
    pub fn signed(&self, plan: &Plan, mut result: Value) -> Value {
        result["account"] = json!(self.identity.account);
        result["caller"] = json!(self.identity.arn);
        result["regions"] = json!(regions(plan));
        result
    }
}

/// The stages', each once.
fn regions(plan: &Plan) -> Vec<&str> {
    let mut regions: Vec<&str> = Vec::new();
    for stage in &plan.stages {
        if !regions.contains(&stage.region.as_str()) {
            regions.push(&stage.region);
        }
    }
    regions
}
