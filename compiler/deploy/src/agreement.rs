//! What a deployment takes away, in all its stages: known, shown and agreed to before the first of
//! them changes. A run that nobody can be asked in ends here, with everything as it was.
//!
//! What is removed is in the templates; what is replaced, only CloudFormation knows. So a change set
//! of each stage that differs is made and deleted again, as `frames diff` does. Where a stage takes
//! what an earlier one has yet to make, it has the values of now. A replacement that such a value
//! causes is asked for when it comes up (`stage.rs`).

use super::agreed::{Agreed, Shown};
use super::diff::{self, StageDiff, below, diff, removed_by};
use super::heal::{Healing, healing};
use super::report::count;
use super::session::{Questions, Session};
use super::stage::Done;
use super::stages::Options;
use super::summary;
use crate::aws::stacks::Change;
use crate::picture::{Picture, Seen};
use frames_compiler::failure::Result;
use frames_compiler::package::Package;
use frames_compiler::plan::Plan;
use frames_compiler::template::Template;
use serde_json::Value;
use std::collections::BTreeSet;

/// What a deployment changes, before it does.
#[derive(Debug)]
pub struct Outlook {
    diffs: Vec<StageDiff>,
    /// Why something that exists is removed for a moment: ids, by stage.
    mended: Vec<(&'static str, BTreeSet<String>)>,
    /// What is deployed of these stages.
    standing: Vec<Done>,
}

/// Looks at all stages that the deployment is about. It leaves nothing changed.
pub async fn outlook(
    session: &Session<'_>,
    plan: &Plan,
    package: &Package,
    options: Options<'_>,
    picture: &Picture,
) -> Result<Outlook> {
    let looked = diff(session, plan, package, picture, options.only);
    let mut diffs = session.interrupt.or(looked).await??;
    let (mut mended, mut standing) = (Vec::new(), Vec::new());
    for diff in &mut diffs {
        let Some(seen) = picture.stage(diff.name).filter(|_| !diff.former) else {
            continue;
        };
        let Some(stack) = &seen.stack else { continue };
        if diff.status.is_some() && !seen.case.is_made_anew() {
            let stacks = session.aws.stacks(&seen.place.region);
            let template = package.templates.iter().find(|it| it.stage == diff.name);
            if let Some(template) = template
                && (diff.note.is_some() || !diff.gone.is_empty())
            {
                let deployed = session.interrupt.or(stacks.template(&stack.id)).await??;
                if diff.note.is_some() {
                    diff.changes = removed_by(&deployed, template);
                }
                mended.push((diff.name, passing(&deployed, seen, template)));
            }
        }
        if diff.status.is_some() {
            standing.push(Done {
                stage: diff.name,
                stack: stack.clone(),
                changed: diff.differs,
            });
        }
    }
    Ok(Outlook {
        diffs,
        mended,
        standing,
    })
}

/// What goes with a resource that somebody deleted, until it is made again; and what takes its place
/// for as long.
fn passing(deployed: &str, seen: &Seen, wanted: &Template) -> BTreeSet<String> {
    let Ok(deployed) = serde_json::from_str::<Value>(deployed) else {
        return BTreeSet::new();
    };
    let Healing::Through(between) = healing(&deployed, seen.gone()) else {
        return BTreeSet::new();
    };
    let going = ids(&deployed).difference(&ids(&between)).cloned().collect();
    let passing: BTreeSet<String> = ids(&between).difference(&ids(&deployed)).cloned().collect();
    let passing = passing.difference(&ids(&wanted.value)).cloned().collect();
    [going, passing]
        .into_iter()
        .flat_map(|it: BTreeSet<String>| it)
        .collect()
}

fn ids(template: &Value) -> BTreeSet<String> {
    let resources = template["Resources"].as_object().into_iter().flatten();
    resources.map(|(id, _)| id.clone()).collect()
}

impl Outlook {
    /// All that changes, as `frames diff` shows it.
    pub fn tell(&self, session: &Session<'_>) {
        for diff in &self.diffs {
            let is_same = diff.status.is_some() && !diff.differs && !diff.former;
            if is_same && diff.note.is_none() {
                session.progress.step("Unchanged", diff.name);
                continue;
            }
            session.progress.step("Stage", &headline(diff));
            let everything = session.progress.wants_all();
            session.progress.note(below(diff, everything));
        }
    }

    /// What is removed, replaced and detached, and nothing else.
    fn tell_losses(&self, session: &Session<'_>) {
        for diff in &self.diffs {
            let taken: Vec<&Change> = diff
                .changes
                .iter()
                .filter(|it| summary::takes_away(it))
                .collect();
            let passing = self.passing(diff.name);
            if taken.is_empty() && passing.is_empty() && !unprotects(diff) {
                continue;
            }
            session.progress.step("To go", &headline(diff));
            let everything = session.progress.wants_all();
            session.progress.note(summary::shown(taken, everything));
            if !passing.is_empty() {
                let passing: Vec<&str> = passing.iter().map(String::as_str).collect();
                let what = format!(
                    "{}: for a moment, until what somebody deleted is made again: {}",
                    diff.name,
                    passing.join(", ")
                );
                session.progress.step("To go", &what);
            }
        }
    }

    fn passing(&self, stage: &str) -> BTreeSet<String> {
        let mut mended = self.mended.iter();
        let found = mended.find(|(name, _)| *name == stage);
        found.map(|(_, ids)| ids.clone()).unwrap_or_default()
    }

    /// Whether something that is deployed is removed or replaced.
    pub(crate) fn takes(&self) -> bool {
        let whole = self
            .diffs
            .iter()
            .any(|diff| diff.former || unprotects(diff));
        whole || self.count() > 0 || self.mended.iter().any(|(_, ids)| !ids.is_empty())
    }

    fn count(&self) -> usize {
        let changes = self.diffs.iter().flat_map(|diff| &diff.changes);
        changes.filter(|it| summary::needs_a_yes(it)).count()
    }

    /// `It removes or replaces what is shown above: 3 resources, in lambda-edge and cdn.`
    pub(crate) fn losses(&self) -> String {
        let of = |diff: &&StageDiff| {
            diff.former
                || unprotects(diff)
                || diff.changes.iter().any(summary::needs_a_yes)
                || !self.passing(diff.name).is_empty()
        };
        let stages: Vec<&str> = self.diffs.iter().filter(of).map(|it| it.name).collect();
        let audit = if self.diffs.iter().any(|diff| diff.audit) {
            " The audit record goes with it."
        } else {
            ""
        };
        format!(
            "It removes or replaces what is shown above: {}, in {}.{audit}",
            count(self.count(), "resource"),
            stages.join(", ")
        )
    }

    /// What a yes is for.
    pub(crate) fn agreed(self) -> Agreed {
        let mut agreed = Agreed::default();
        for (stage, ids) in self.mended {
            agreed.resources.entry(stage).or_default().extend(ids);
        }
        for diff in self.diffs {
            let changes = diff.changes.iter();
            if diff.former || diff.cleared {
                let shown = Shown {
                    ids: changes.map(|change| change.resource.clone()).collect(),
                    protected: diff.protected,
                };
                agreed.stacks.extend(diff.stack_id.map(|id| (id, shown)));
            } else {
                let taken = changes.filter(|change| summary::needs_a_yes(change));
                let taken = taken.map(|change| change.resource.clone());
                agreed.resources.entry(diff.name).or_default().extend(taken);
            }
        }
        agreed
    }

    /// What a dry run ends with.
    pub fn dry(self) -> Vec<Done> {
        self.standing
    }
}

/// Whether a stack that somebody has protected is cleared, be there nothing left in it.
fn unprotects(diff: &StageDiff) -> bool {
    diff.cleared && diff.protected
}

fn headline(diff: &StageDiff) -> String {
    let going = match (diff.former, diff.protected) {
        (true, true) => ". It is removed, its protection from deletion included",
        (true, false) => ". It is removed: the manifest no longer needs it",
        (false, true) if diff.cleared => ". Its protection from deletion is taken off for that",
        (false, _) => "",
    };
    let audit = if diff.audit {
        ". The audit record (`logs.audit`) of its Region goes with it"
    } else {
        ""
    };
    format!(
        "{} ({}): {}{going}{audit}",
        diff.name,
        diff.place(),
        diff::what(diff)
    )
}

/// One question for all stages, before anything changes; none where nothing goes.
pub async fn ask(session: &Session<'_>, outlook: Outlook) -> Result<Agreed> {
    if outlook.takes() {
        outlook.tell_losses(session);
        let question = format!("Deploy? {}", outlook.losses());
        session.yes(&question).await?;
    }
    Ok(outlook.agreed())
}

/// What a rollback was asked for.
#[derive(Debug, Clone, Copy)]
pub struct Back<'a> {
    /// The deployment's id.
    pub id: &'a str,
    /// Somebody said which deployment it is. Else whoever may write to the bucket could have chosen it.
    pub named: bool,
    /// It opens the endpoint, or can't undo something.
    pub warned: bool,
}

/// The same for a rollback, which shows all that changes.
pub async fn ask_back(session: &Session<'_>, outlook: Outlook, back: Back<'_>) -> Result<Agreed> {
    outlook.tell(session);
    let takes = outlook.takes();
    if !takes && !back.warned && back.named {
        return Ok(outlook.agreed());
    }
    let mut question = format!("Roll back to deployment {}", back.id);
    question.push_str(if back.warned { " all the same?" } else { "?" });
    if takes {
        question = format!("{question} {}", outlook.losses());
    }
    let agreed = session.yes(&question).await;
    agreed.map_err(|failure| match session.questions {
        Questions::Refuse if !takes && !back.warned => failure.help(format!(
            "run `frames rollback {}`, if that is the one; --yes takes it unseen",
            back.id
        )),
        _ => failure,
    })?;
    Ok(outlook.agreed())
}
