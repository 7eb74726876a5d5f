//! What is there, read once and before a word is said about it: every stack, what of it is gone,
//! and who runs its functions. Deploy, diff, info and remove decide and speak from this value.
//!
//! The cases are in [`case`], who serves is in [`serving`]. ARCHITECTURE.md has a table of them; a
//! test holds it against [`case::ROWS`].

pub mod case;
pub mod serving;

use crate::aws::Aws;
use crate::aws::distributions::Distributions;
use crate::aws::functions::{Functions, function_version};
use crate::aws::stacks::{Detection, Drift, Resource, Stack, Stacks};
use crate::interrupt::Interrupt;
use crate::session::Session;
use crate::teardown::{DISTRIBUTION, VERSION};
use case::{Case, Gone, Looked};
use frames_compiler::failure::{Context, Failure, Result};
use frames_compiler::names;
use frames_compiler::plan::{Place, Placed, Plan};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::task::JoinSet;

/// How often CloudFormation is asked again while somebody else looks for drift.
const BUSY: usize = 20;
const PAUSE: Duration = Duration::from_millis(500);

/// What an environment has in its account.
#[derive(Debug)]
pub struct Picture {
    /// In the order of deployment; those that the manifest has nothing for any more come last.
    pub stages: Vec<Seen>,
}

/// A stage, and what its stack is.
#[derive(Debug)]
pub struct Seen {
    pub place: Place,
    /// As CloudFormation describes it, whoever made it.
    pub stack: Option<Stack>,
    /// What it consists of, where it is ours.
    pub resources: Vec<Resource>,
    pub case: Case,
}

impl Picture {
    /// Reads all of it, each stage at the same time.
    pub async fn look(session: &Session<'_>, places: impl Iterator<Item = &Place>) -> Result<Self> {
        let mut asked = JoinSet::new();
        for (index, place) in places.enumerate() {
            let look = Look::new(session.aws, place, &session.interrupt);
            asked.spawn(async move { (index, look.seen().await) });
        }
        let mut stages = Vec::new();
        while let Some(answer) = asked.join_next().await {
            let (index, seen) = answer.context(|| "can't look at the stacks")?;
            stages.push((index, seen?));
        }
        stages.sort_by_key(|(index, _)| *index);
        let mut stages: Vec<Seen> = stages.into_iter().map(|(_, seen)| seen).collect();
        undermine(&mut stages);
        Ok(Self { stages })
    }

    pub fn stage(&self, name: &str) -> Option<&Seen> {
        self.stages.iter().find(|seen| seen.place.name == name)
    }

    /// The stacks that this plan has nothing for any more.
    pub fn left(&self, plan: &Plan) -> Vec<Place> {
        let own = self.stages.iter().filter(|seen| seen.is_ours());
        let stacks = own.filter_map(|seen| seen.stack.as_ref());
        let placed: Vec<Placed> = stacks.flat_map(placed).collect();
        plan.left(&placed)
    }

    /// The first reason for which nothing may be deployed here.
    pub fn refuse(&self) -> Result<()> {
        let mut refusals = self.stages.iter().filter_map(Seen::refusal);
        refusals.next().map_or(Ok(()), Err)
    }
}

impl Seen {
    /// One stage again: it was waited for, or changed.
    pub async fn again(session: &Session<'_>, place: &Place) -> Result<Self> {
        Look::new(session.aws, place, &session.interrupt)
            .seen()
            .await
    }

    /// Whether there is a stack, and it belongs to this environment.
    pub fn is_ours(&self) -> bool {
        !matches!(
            self.case,
            Case::Absent | Case::Foreign | Case::ReservedByOther(_)
        )
    }

    /// What is known to be gone of it.
    pub fn gone(&self) -> &[Gone] {
        self.case.looked().map_or(&[], |looked| &looked.gone)
    }
}

/// What is asked for one stage. It owns all that it needs, so that it runs beside others.
struct Look {
    place: Place,
    stacks: Stacks,
    distributions: Distributions,
    functions: Functions,
    interrupt: Interrupt,
}

impl Look {
    fn new(aws: &Aws, place: &Place, interrupt: &Interrupt) -> Self {
        Self {
            place: place.clone(),
            stacks: aws.stacks(&place.region),
            distributions: aws.distributions(),
            functions: aws.functions(),
            interrupt: interrupt.clone(),
        }
    }

    async fn seen(self) -> Result<Seen> {
        let stack = self.stacks.describe(&self.place.stack_name).await?;
        let stack = stack.filter(|stack| !stack.status.is("DELETE_COMPLETE"));
        let (resources, case) = match &stack {
            None => (Vec::new(), Case::Absent),
            Some(stack) if stack.status.is("REVIEW_IN_PROGRESS") => {
                let case = reserved(&self.stacks, &self.place, stack).await?;
                (Vec::new(), case)
            }
            Some(stack) if !is_own(&self.place, stack) => (Vec::new(), Case::Foreign),
            Some(stack) => {
                let resources = self.stacks.resources(&stack.id).await?;
                let case = match Case::of(&stack.status) {
                    Case::Whole(_) => Case::looked_at(self.looked(stack, &resources).await?),
                    case => case,
                };
                (resources, case)
            }
        };
        Ok(Seen {
            place: self.place,
            stack,
            resources,
            case,
        })
    }

    /// Whether what the stack has made is still there.
    async fn looked(&self, stack: &Stack, resources: &[Resource]) -> Result<Looked> {
        let resources = resources.iter().filter(|it| it.status != "DELETE_COMPLETE");
        let mut looked = Looked::default();
        let mut there = BTreeSet::new();
        let drifts = drifts(&self.stacks, &self.interrupt, stack).await?;
        for drift in drifts.unwrap_or_default() {
            if drift.is_gone() {
                looked.gone.push(Gone {
                    id: drift.resource.clone(),
                    kind: drift.kind,
                });
            } else if drift.is_there() {
                there.insert(drift.resource);
            }
        }
        for resource in resources {
            let known = looked.gone.iter().any(|gone| gone.id == resource.id);
            match self.is_there(resource).await? {
                // Its own service knows better.
                Some(true) => looked.gone.retain(|gone| gone.id != resource.id),
                _ if known => {}
                Some(false) => looked.gone.push(Gone {
                    id: resource.id.clone(),
                    kind: resource.kind.clone(),
                }),
                None if there.contains(&resource.id) => {}
                None => looked.unknown.push(resource.id.clone()),
            }
        }
        looked.gone.sort();
        Ok(looked)
    }

    /// By the word of its own service; `None` where CloudFormation's has to do.
    async fn is_there(&self, resource: &Resource) -> Result<Option<bool>> {
        match resource.kind.as_str() {
            DISTRIBUTION => {
                let found = self.distributions.describe(&resource.physical).await?;
                Ok(Some(found.is_some()))
            }
            VERSION => {
                let Some((function, version)) = function_version(&resource.physical) else {
                    return Ok(None);
                };
                let versions = self.functions.versions(&function).await?;
                Ok(Some(versions.contains(&version)))
            }
            _ => Ok(None),
        }
    }
}

/// What CloudFormation finds where it compares a stack with what is there; else why it doesn't
/// compare, which needn't end a run.
pub async fn drifts(
    stacks: &Stacks,
    interrupt: &Interrupt,
    stack: &Stack,
) -> Result<Result<Vec<Drift>>> {
    for _ in 0..BUSY {
        match stacks.detect_drift(&stack.id).await? {
            Detection::Denied(failure) => return Ok(Err(failure)),
            Detection::Busy => interrupt.sleep(PAUSE).await?,
            Detection::Begun(detection) => loop {
                if let Some(began) = stacks.drift_is_known(&detection).await? {
                    return stacks.drifts(&stack.id, began).await.map(Ok);
                }
                interrupt.sleep(PAUSE).await?;
            },
        }
    }
    let what = format!("another look for drift in stack {} doesn't end", stack.name);
    Ok(Err(
        Failure::new(what).help("run the same command again later")
    ))
}

/// Whose a stack is that nothing was made in yet: whoever's the change sets in it are.
pub async fn reserved(stacks: &Stacks, place: &Place, stack: &Stack) -> Result<Case> {
    let sets = stacks.change_sets(&stack.name).await?;
    let foreign = |(name, mark): (String, String)| (mark != place.mark).then_some(name);
    Ok(match sets.into_iter().find_map(foreign) {
        Some(change_set) => Case::ReservedByOther(change_set),
        None => Case::Reserved,
    })
}

/// The stages whose Regions a stack remembers.
pub fn placed(stack: &Stack) -> impl Iterator<Item = Placed> {
    let outputs = stack.outputs.iter();
    outputs.filter_map(|(output, value)| names::placed_by(output, value))
}

/// Whether the stack's description says that it belongs to this service and environment.
pub fn is_own(place: &Place, stack: &Stack) -> bool {
    let description = stack.description.as_deref().unwrap_or_default();
    description.starts_with(&place.mark)
}

/// A stage that is half deleted, while a later one that uses it is deployed, can't be made again:
/// what is left of it can't go.
fn undermine(stages: &mut [Seen]) {
    for index in 0..stages.len() {
        let (before, after) = stages.split_at_mut(index + 1);
        let (Some(seen), Some(later)) =
            (before.last_mut(), after.iter().find(|it| it.is_deployed()))
        else {
            continue;
        };
        if seen.case == Case::HalfDeleted {
            seen.case = Case::Undermined(later.place.stack_name.clone());
        }
    }
}

impl Seen {
    /// Whether it has something that works.
    fn is_deployed(&self) -> bool {
        matches!(
            self.case,
            Case::Whole(_) | Case::Damaged(_) | Case::Busy | Case::HalfRolledBack
        )
    }

    /// Why nothing may be deployed, where this stage is the reason.
    fn refusal(&self) -> Option<Failure> {
        let name = &self.place.stack_name;
        let (what, help) = match (&self.case, &self.stack) {
            (Case::Foreign, Some(stack)) => return Some(foreign(&self.place, stack)),
            (Case::ReservedByOther(set), _) => (
                format!(
                    "stack {name} is under review: somebody else has made the change set {set} for it"
                ),
                format!(
                    "choose another `service` or `--env`; or, if nobody needs it, delete it \
                     (`aws cloudformation delete-stack --stack-name {name} --region {}`), and run the same command",
                    self.place.region
                ),
            ),
            (Case::Undermined(later), _) => (
                format!(
                    "stack {name} is half deleted (DELETE_FAILED), while stack {later}, which uses its functions, is deployed"
                ),
                "CloudFormation can only go on deleting it, and can't while they are in use: run `frames remove`, then `frames deploy`".to_owned(),
            ),
            (Case::Stuck, Some(stack)) => (
                format!(
                    "stack {name} is {}, and frames doesn't know how to go on from there",
                    stack.status
                ),
                "bring it to a stable state in the CloudFormation console, then run the same command; or run `frames remove`, then `frames deploy`".to_owned(),
            ),
            _ => return None,
        };
        Some(Failure::new(what).help(help))
    }
}

/// A stack of that name that doesn't belong to this service and environment.
pub fn foreign(place: &Place, stack: &Stack) -> Failure {
    let whose = match stack.description.as_deref() {
        None | Some("") => "it has no description".to_owned(),
        Some(text) => format!("its description is {text:?}"),
    };
    Failure::new(format!(
        "stack {} doesn't belong to {}: {whose}",
        stack.name,
        place.mark.trim_end_matches(": ")
    ))
    .help("another service, environment or tool made it: choose another `service` or `--env`, or another account")
}
