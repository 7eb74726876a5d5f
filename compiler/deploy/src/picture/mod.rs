//! What is there, read once and before a word is said about it: every stack, what of it is gone,
//! and who runs its functions. Deploy, diff, info and remove decide and speak from this value.
//!
//! The cases are in [`case`], who serves is in [`serving`]. ARCHITECTURE.md has a table of them; a
//! test holds it against [`case::ROWS`].

pub mod case;
pub mod serving;

use crate::aws::distributions::{Distribution, Distributions};
use crate::aws::functions::{Functions, function_version};
use crate::aws::stacks::{Detection, Drift, Resource, Stack, Stacks};
use crate::interrupt::Interrupt;
use crate::session::Session;
use crate::teardown::{DISTRIBUTION, FUNCTION, POLICIES, VERSION};
use case::{Case, Gone, Looked};
use frames_compiler::failure::{Context, Failure, Result};
use frames_compiler::names;
use frames_compiler::plan::{Place, Placed, Plan};
use std::collections::{BTreeMap, BTreeSet};
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
    /// Its distributions that CloudFront has, by id.
    pub distributions: Vec<(String, Distribution)>,
    /// The versions that Lambda has of its functions.
    pub versions: BTreeMap<String, Vec<u64>>,
    /// How CloudFormation compared it with what is there; `None` where nobody asked.
    pub compared: Option<Result<Drifts>>,
    pub case: Case,
}

/// What CloudFormation found where it compared a stack with what is there.
#[derive(Debug)]
pub struct Drifts {
    pub found: Vec<Drift>,
    /// Why it couldn't look at everything.
    pub failed: Option<String>,
}

impl Picture {
    /// Reads all of it, each stage at the same time.
    pub async fn look(session: &Session<'_>, places: impl Iterator<Item = &Place>) -> Result<Self> {
        Self::read(session, places, true).await
    }

    /// The same without CloudFormation's comparison, which takes its time: for who makes nothing again.
    pub async fn glance(
        session: &Session<'_>,
        places: impl Iterator<Item = &Place>,
    ) -> Result<Self> {
        Self::read(session, places, false).await
    }

    async fn read(
        session: &Session<'_>,
        places: impl Iterator<Item = &Place>,
        compares: bool,
    ) -> Result<Self> {
        let mut asked = JoinSet::new();
        for (index, place) in places.enumerate() {
            let look = Look::new(session, place, compares);
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
        Look::new(session, place, true).seen().await
    }

    /// One stage, as [`Picture::glance`] sees it.
    pub async fn glance(session: &Session<'_>, place: &Place) -> Result<Self> {
        Look::new(session, place, false).seen().await
    }

    /// Whether there is a stack, and it belongs to this environment.
    pub fn is_ours(&self) -> bool {
        !matches!(
            self.case,
            Case::Absent | Case::Foreign | Case::ReservedByOther(_)
        )
    }

    /// CloudFront's policies that it made: their ids, and what the stack calls them.
    pub fn policies(&self) -> impl Iterator<Item = (String, String)> {
        policies(&self.resources)
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
    /// Whether CloudFormation is asked to compare.
    compares: bool,
}

impl Look {
    fn new(session: &Session<'_>, place: &Place, compares: bool) -> Self {
        let aws = session.aws;
        Self {
            place: place.clone(),
            stacks: aws.stacks(&place.region),
            distributions: aws.distributions(),
            functions: aws.functions_in(&place.region),
            interrupt: session.interrupt.clone(),
            compares,
        }
    }

    async fn seen(self) -> Result<Seen> {
        let stack = self.stacks.describe(&self.place.stack_name).await?;
        let stack = stack.filter(|stack| !stack.status.is("DELETE_COMPLETE"));
        let mut seen = Seen {
            place: self.place.clone(),
            stack,
            resources: Vec::new(),
            distributions: Vec::new(),
            versions: BTreeMap::new(),
            compared: None,
            case: Case::Absent,
        };
        let Some(stack) = &seen.stack else {
            return Ok(seen);
        };
        seen.case = if stack.status.is("REVIEW_IN_PROGRESS") {
            reserved(&self.stacks, &self.place, stack).await?
        } else if is_own(&self.place, stack) {
            Case::of(&stack.status)
        } else {
            Case::Foreign
        };
        if matches!(
            seen.case,
            Case::Foreign | Case::Reserved | Case::ReservedByOther(_)
        ) {
            return Ok(seen);
        }
        seen.resources = self.stacks.resources(&stack.id).await?;
        if self.compares && matches!(seen.case, Case::Whole(_)) {
            seen.compared = Some(drifts(&self.stacks, &self.interrupt, stack).await?);
        }
        seen.distributions = self.distributions_of(&seen.resources).await?;
        seen.versions = self.versions_of(&seen.resources).await?;
        if matches!(seen.case, Case::Whole(_)) {
            seen.case = Case::looked_at(seen.looked_at());
        }
        Ok(seen)
    }

    async fn distributions_of(
        &self,
        resources: &[Resource],
    ) -> Result<Vec<(String, Distribution)>> {
        let mut found = Vec::new();
        for resource in made(resources).filter(|it| it.kind == DISTRIBUTION) {
            let id = &resource.physical;
            let state = self.distributions.describe(id).await?;
            found.extend(state.map(|state| (id.clone(), state)));
        }
        Ok(found)
    }

    async fn versions_of(&self, resources: &[Resource]) -> Result<BTreeMap<String, Vec<u64>>> {
        let functions = made(resources).filter_map(|resource| match resource.kind.as_str() {
            FUNCTION if resource.status != "CREATE_FAILED" => Some(resource.physical.clone()),
            VERSION => function_version(&resource.physical).map(|(function, _)| function),
            _ => None,
        });
        let functions: BTreeSet<String> = functions.collect();
        let mut found = BTreeMap::new();
        for function in functions {
            let versions = self.functions.versions(&function).await?;
            found.insert(function, versions);
        }
        Ok(found)
    }
}

/// CloudFront's policies among the resources: their ids, and what the stack calls them.
pub(crate) fn policies(resources: &[Resource]) -> impl Iterator<Item = (String, String)> {
    let policies = made(resources)
        .filter(|it| it.status != "CREATE_FAILED" && POLICIES.contains(&it.kind.as_str()));
    policies.map(|it| (it.physical.clone(), it.id.clone()))
}

/// The resources that have a name, and weren't deleted by their stack.
fn made(resources: &[Resource]) -> impl Iterator<Item = &Resource> {
    let there = resources.iter().filter(|it| it.status != "DELETE_COMPLETE");
    there.filter(|it| !it.physical.is_empty())
}

impl Seen {
    /// Whether what the stack has made is still there.
    fn looked_at(&self) -> Looked {
        let mut looked = Looked::default();
        let mut there = BTreeSet::new();
        let drifts = self.compared.as_ref().and_then(|it| it.as_ref().ok());
        for drift in drifts.iter().flat_map(|drifts| &drifts.found) {
            if drift.is_gone() {
                looked.gone.push(Gone {
                    id: drift.resource.clone(),
                    kind: drift.kind.clone(),
                });
            } else if drift.is_there() {
                there.insert(drift.resource.as_str());
            }
        }
        let resources = self.resources.iter();
        for resource in resources.filter(|it| it.status != "DELETE_COMPLETE") {
            let known = looked.gone.iter().any(|gone| gone.id == resource.id);
            match self.has(resource) {
                // Its own service knows better.
                Some(true) => looked.gone.retain(|gone| gone.id != resource.id),
                _ if known => {}
                Some(false) => looked.gone.push(Gone {
                    id: resource.id.clone(),
                    kind: resource.kind.clone(),
                }),
                None if there.contains(resource.id.as_str()) => {}
                None => looked.unknown.push(resource.id.clone()),
            }
        }
        looked.gone.sort();
        looked
    }

    /// By the word of its own service; `None` where CloudFormation's has to do.
    fn has(&self, resource: &Resource) -> Option<bool> {
        match resource.kind.as_str() {
            DISTRIBUTION => {
                let mut distributions = self.distributions.iter();
                Some(distributions.any(|(id, _)| *id == resource.physical))
            }
            VERSION => {
                let (function, version) = function_version(&resource.physical)?;
                Some(self.versions.get(&function)?.contains(&version))
            }
            _ => None,
        }
    }
}

/// What CloudFormation finds where it compares a stack with what is there; else why it doesn't
/// compare, which needn't end a run.
pub async fn drifts(
    stacks: &Stacks,
    interrupt: &Interrupt,
    stack: &Stack,
) -> Result<Result<Drifts>> {
    for _ in 0..BUSY {
        match stacks.detect_drift(&stack.id).await? {
            Detection::Denied(failure) => return Ok(Err(failure)),
            Detection::Busy => interrupt.sleep(PAUSE).await?,
            Detection::Begun(detection) => loop {
                if let Some(ended) = stacks.drift_is_known(&detection).await? {
                    let found = stacks.drifts(&stack.id, &ended).await?;
                    let failed = ended.failed;
                    return Ok(Ok(Drifts { found, failed }));
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
