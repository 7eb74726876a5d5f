//! Who runs the functions, whoever's distribution it is. That nothing is served can be said only
//! by who has looked: [`NothingServed`] can't be made in any other way.

use crate::aws::distributions::Listed;
use crate::aws::functions::function_version;
use crate::session::Session;
use frames_compiler::failure::Result;
use std::collections::BTreeSet;

/// The distributions that run a version of one of the functions.
#[derive(Debug)]
pub struct Serving {
    /// `None`: the caller may not list distributions.
    runs: Option<Vec<Listed>>,
    functions: BTreeSet<String>,
    own: BTreeSet<String>,
}

/// Seen just now: no enabled distribution of the account runs a version of these functions, and the
/// stacks' own distributions are off or gone.
#[derive(Debug, Clone, Copy)]
pub struct NothingServed(());

impl NothingServed {
    pub const WORDS: &'static str = "nothing is served any more";
}

impl Serving {
    /// `functions` by name; `own` are the ids of the stacks' distributions.
    pub async fn look(
        session: &Session<'_>,
        functions: impl IntoIterator<Item = String>,
        own: impl IntoIterator<Item = String>,
    ) -> Result<Self> {
        let functions: BTreeSet<String> = functions.into_iter().collect();
        let own: BTreeSet<String> = own.into_iter().collect();
        let all = session.aws.distributions().all().await?;
        let runs = all.map(|mut all| {
            all.retain(|one| own.contains(&one.id) || runs_one_of(one, &functions));
            all
        });
        Ok(Self {
            runs,
            functions,
            own,
        })
    }

    pub fn nothing(&self) -> Option<NothingServed> {
        let runs = self.runs.as_ref()?;
        let closed = runs.iter().all(|one| !one.state.enabled);
        closed.then_some(NothingServed(()))
    }

    /// Whether CloudFront could be asked.
    pub fn is_known(&self) -> bool {
        self.runs.is_some()
    }

    /// Distributions of nobody's stack here that run the functions.
    pub fn foreign(&self) -> impl Iterator<Item = &Listed> {
        let runs = self.runs.iter().flatten();
        runs.filter(|one| !self.own.contains(&one.id) && runs_one_of(one, &self.functions))
    }

    /// `distribution E1 (enabled, images.example.org) runs heart-dev-signer:3`
    pub fn tell(&self, one: &Listed) -> String {
        let enabled = if one.state.enabled {
            "enabled"
        } else {
            "disabled"
        };
        let name = one.state.aliases.first().unwrap_or(&one.state.domain_name);
        let runs = one
            .state
            .functions
            .iter()
            .filter_map(|arn| function_version(arn));
        let runs = runs.filter(|(function, _)| self.functions.contains(function));
        let runs: Vec<String> = runs
            .map(|(name, version)| format!("{name}:{version}"))
            .collect();
        format!(
            "distribution {} ({enabled}, {name}) runs {}",
            one.id,
            runs.join(", ")
        )
    }
}

fn runs_one_of(one: &Listed, functions: &BTreeSet<String>) -> bool {
    let runs = one
        .state
        .functions
        .iter()
        .filter_map(|arn| function_version(arn));
    runs.into_iter()
        .any(|(function, _)| functions.contains(&function))
}
