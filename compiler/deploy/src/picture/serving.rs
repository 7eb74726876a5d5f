//! Who uses what the stacks have made, whoever's distribution it is. That nothing is served can be said only
//! by who has looked: [`NothingServed`] can't be made in any other way.

use crate::aws::distributions::Listed;
use crate::aws::functions::function_version;
use crate::session::Session;
use frames_compiler::failure::{Failure, Result};
use std::collections::{BTreeMap, BTreeSet};

/// What the stacks have made and a distribution may use.
#[derive(Debug, Default)]
pub struct Ours {
    /// By name.
    pub functions: BTreeSet<String>,
    /// CloudFront's policies: their ids, and what the stacks call them.
    pub policies: BTreeMap<String, String>,
    /// The stacks' own distributions, by id.
    pub distributions: BTreeSet<String>,
}

/// The distributions that use something of it.
#[derive(Debug)]
pub struct Serving {
    /// `None`: the caller may not list distributions.
    users: Option<Vec<Listed>>,
    ours: Ours,
}

/// Seen just now: no enabled distribution of the account runs a version of these functions, and the
/// stacks' own distributions are off or gone.
#[derive(Debug, Clone, Copy)]
pub struct NothingServed(());

impl NothingServed {
    pub const WORDS: &'static str = "nothing is served any more";
}

impl Ours {
    pub fn functions(functions: impl IntoIterator<Item = String>) -> Self {
        Self {
            functions: functions.into_iter().collect(),
            ..Self::default()
        }
    }

    pub fn extend(&mut self, more: Self) {
        self.functions.extend(more.functions);
        self.policies.extend(more.policies);
        self.distributions.extend(more.distributions);
    }

    fn is_own(&self, one: &Listed) -> bool {
        self.distributions.contains(&one.id)
    }

    /// `heart-dev-signer:3`
    fn run_by(&self, one: &Listed) -> Vec<String> {
        let arns = one.state.functions.iter();
        let runs = arns.filter_map(|arn| function_version(arn));
        let runs = runs.filter(|(function, _)| self.functions.contains(function));
        runs.map(|(name, version)| format!("{name}:{version}"))
            .collect()
    }

    /// `NativeCachePolicy`
    fn policies_of(&self, one: &Listed) -> Vec<&str> {
        let ids = one.state.policies.iter();
        ids.filter_map(|id| self.policies.get(id))
            .map(String::as_str)
            .collect()
    }
}

impl Serving {
    pub async fn look(session: &Session<'_>, ours: Ours) -> Result<Self> {
        let all = session.aws.distributions().all().await?;
        let users = all.map(|mut all| {
            all.retain(|one| {
                ours.is_own(one)
                    || !ours.run_by(one).is_empty()
                    || !ours.policies_of(one).is_empty()
            });
            all
        });
        Ok(Self { users, ours })
    }

    pub fn nothing(&self) -> Option<NothingServed> {
        let users = self.users.as_ref()?;
        let closed = users.iter().all(|one| {
            let serves = self.ours.is_own(one) || !self.ours.run_by(one).is_empty();
            !serves || !one.state.enabled
        });
        closed.then_some(NothingServed(()))
    }

    /// Whether CloudFront could be asked.
    pub fn is_known(&self) -> bool {
        self.users.is_some()
    }

    /// Distributions of nobody's stack here that use something of ours.
    pub fn foreign(&self) -> impl Iterator<Item = &Listed> {
        let users = self.users.iter().flatten();
        users.filter(|one| !self.ours.is_own(one))
    }

    /// Those of them that run the functions.
    pub fn foreign_runners(&self) -> impl Iterator<Item = &Listed> {
        self.foreign()
            .filter(|one| !self.ours.run_by(one).is_empty())
    }

    /// Those of them whose behaviors have the policies.
    pub fn foreign_policies(&self) -> impl Iterator<Item = &Listed> {
        self.foreign()
            .filter(|one| !self.ours.policies_of(one).is_empty())
    }

    /// `distribution E1 (enabled, images.example.org) runs heart-dev-signer:3 and has NativeCachePolicy`
    pub fn tell(&self, one: &Listed) -> String {
        let enabled = if one.state.enabled {
            "enabled"
        } else {
            "disabled"
        };
        let name = one.state.aliases.first().unwrap_or(&one.state.domain_name);
        let runs = self.ours.run_by(one).join(", ");
        let policies = self.ours.policies_of(one).join(", ");
        let uses = match (runs.is_empty(), policies.is_empty()) {
            (_, true) => format!("runs {runs}"),
            (true, false) => format!("has {policies}"),
            (false, false) => format!("runs {runs} and has {policies}"),
        };
        format!("distribution {} ({enabled}, {name}) {uses}", one.id)
    }
}

/// Functions are about to be made, and somebody's distribution runs some of these names: a removal
/// left them behind. CloudFormation would say that the names are taken, and not by whom.
pub async fn refuse_left_behind(
    session: &Session<'_>,
    functions: BTreeSet<String>,
    own: BTreeSet<String>,
) -> Result<()> {
    if functions.is_empty() {
        return Ok(());
    }
    let ours = Ours {
        functions,
        distributions: own,
        ..Ours::default()
    };
    let serving = Serving::look(session, ours).await?;
    let runners: Vec<String> = serving
        .foreign_runners()
        .map(|one| serving.tell(one))
        .collect();
    if runners.is_empty() {
        return Ok(());
    }
    let functions: Vec<&str> = serving.ours.functions.iter().map(String::as_str).collect();
    let what = format!(
        "{} can't be made: a removal left functions of these names behind, and {}",
        functions.join(" and "),
        runners.join("; ")
    );
    Err(Failure::new(what).help(
        "remove these functions from the distribution's behaviors in the CloudFront console, or delete that distribution; once CloudFront has deleted the replicas, which takes hours, delete the functions in Lambda's console, and run the same command. Or choose another `service` or `--env`",
    ))
}
