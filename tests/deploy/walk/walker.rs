//! Who takes the steps: one project, one account, and what was said and done so far.

use super::claims::{Fault, Ran};
use super::hand::{self, Hand};
use super::steps::{Held, Step};
use super::wish::{Ground, Wish};
use super::world::{Entry, READ_IN, REGIONS, World};
use super::{MANIFEST, Stand};
use crate::support::aws::Aws;
use crate::support::dice::Dice;
use crate::support::frames::Run;
use crate::support::process::{Background, eventually, send, spawn};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

const FAST: f64 = 0.005;
const SLOW: f64 = 0.3;
/// No run needs as long, unless it waits for something that never comes.
const LIMIT: Duration = Duration::from_secs(300);

/// What a walk ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    Deployed,
    Removed,
}

pub struct Walker {
    pub(super) stand: Stand,
    pub(super) ground: Ground,
    pub wish: Wish,
    pub(super) foreign: BTreeSet<String>,
    kept: BTreeSet<String>,
    /// Where a help names two ways.
    pub(super) dice: Dice,
    /// The last run, if it failed.
    failed: Option<(Vec<&'static str>, Run)>,
}

/// Waits until no stack is at work.
pub fn idle(stand: &Stand) {
    let at_work = |region: &str, stage: &str| {
        let asked = json!({"StackName": format!("heart-dev-{stage}")});
        let service = "cloudformation";
        let found = stand
            .account
            .try_call(region, service, "DescribeStacks", asked);
        let found = found.unwrap_or_default();
        let status = found["Stacks"][0]["StackStatus"]
            .as_str()
            .unwrap_or_default();
        status.ends_with("_IN_PROGRESS") && status != "REVIEW_IN_PROGRESS"
    };
    eventually("no stack is at work", || {
        let mut stages = ["lambda-edge", "reads", "cdn", "logs"].into_iter();
        let regions = || REGIONS.iter().chain(&READ_IN[1..]);
        let busy = stages.any(|stage| regions().any(|region| at_work(region, stage)));
        (!busy).then_some(())
    });
}

impl Walker {
    pub fn new(dice: &mut Dice) -> Self {
        let stand = Stand::with(MANIFEST, Aws::shared().account());
        stand.account.set(&json!({"step": FAST}));
        let ground = Ground::lay(&stand);
        let wish = Wish::first(dice);
        stand.write(&wish.manifest(&ground));
        Self {
            stand,
            ground,
            wish,
            foreign: BTreeSet::new(),
            kept: BTreeSet::new(),
            dice: Dice::new(0),
            failed: None,
        }
    }

    pub fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Whether nobody has asked this account for anything yet.
    pub fn is_new(&self) -> bool {
        self.stand.account.calls().is_empty()
    }

    pub fn world(&self) -> World {
        World::of(&self.stand, self.wish.region(), self.wish.read_in())
    }

    pub(super) fn idle(&self) {
        idle(&self.stand);
    }

    pub fn take(&mut self, step: &Step) -> Vec<Fault> {
        match step {
            Step::Run(arguments) => self.run(arguments).1,
            Step::Compare => self.compare(),
            Step::Kill(arguments, held) => self.kill(arguments, *held),
            Step::Interrupt(arguments, held) => self.interrupt(arguments, *held),
            Step::Wish(wish) => {
                self.wish = *wish;
                self.stand.write(&wish.manifest(&self.ground));
                vec![]
            }
            Step::Hand(hand) => {
                self.hand(hand);
                vec![]
            }
            Step::Fail {
                action,
                kind,
                after,
            } => {
                let effect = if *after { "after" } else { "before" };
                let mut failure =
                    json!({"type": kind, "effect": effect, "reason": "The moon is full"});
                if *action != "*" {
                    failure["action"] = json!(action);
                }
                self.stand.account.set(&json!({"failures": [failure]}));
                vec![]
            }
            Step::Heal => {
                self.stand.account.set(&json!({"failures": []}));
                vec![]
            }
            Step::Replicas(seconds) => {
                self.stand.account.set(&json!({"replicas": seconds}));
                vec![]
            }
            Step::Propagation(milliseconds) => {
                let seconds = f64::from(*milliseconds) / 1000.0;
                self.stand.account.set(&json!({"distribution": seconds}));
                vec![]
            }
            Step::Move(to) => self.moves(*to),
            Step::Follow => match self.failed.take() {
                Some((arguments, run)) => {
                    self.heal();
                    let mut goal = arguments;
                    if run.stderr.contains("with --yes") {
                        goal.push("--yes");
                    }
                    self.follow(&goal, Some(run)).1
                }
                None => vec![],
            },
        }
    }

    /// Nothing fails any more, and nothing takes long.
    pub(super) fn heal(&self) {
        self.stand.account.clear_rules();
        let settings = json!({"failures": [], "replicas": 0, "distribution": 0, "step": FAST});
        self.stand.account.set(&settings);
        self.idle();
    }

    fn hand(&mut self, hand: &Hand) {
        self.idle();
        let before = self.world();
        let settings = self.stand.account.failures();
        hand::take(&self.stand, &before, hand);
        self.stand.account.set(&json!({"failures": settings}));
        let now = self.world();
        if matches!(hand, Hand::Review(_)) {
            let known: BTreeSet<String> = before.stacks.into_iter().map(|stack| stack.id).collect();
            let now = now.stacks.into_iter().map(|stack| stack.id);
            self.foreign.extend(now.filter(|id| !known.contains(id)));
        }
    }

    /// A run, and what isn't as it says.
    pub(super) fn run(&mut self, arguments: &[&'static str]) -> (Run, Vec<Fault>) {
        let before = self.world();
        let from = self.stand.account.history().len();
        let run = Run::within(&mut self.stand.command(arguments), LIMIT);
        self.stand.account.set(&json!({"step": FAST}));
        let after = self.world();
        let mut ran = Ran {
            arguments,
            run: &run,
            before: &before,
            after: &after,
            from,
            foreign: &self.foreign,
            kept: &mut self.kept,
        };
        let faults = ran.faults(&self.stand);
        self.failed = [1, 4].contains(&run.code).then(|| {
            let run = Run {
                code: run.code,
                stdout: run.stdout.clone(),
                stderr: run.stderr.clone(),
            };
            (arguments.to_vec(), run)
        });
        (run, faults)
    }

    /// Whether a deployment does what `diff` has said.
    fn compare(&mut self) -> Vec<Fault> {
        self.idle();
        let before = self.world();
        let (diff, mut faults) = self.run(&["diff", "--format", "json"]);
        let (deploy, more) = self.run(&["deploy", "--yes", "--format", "json"]);
        faults.extend(more);
        if diff.code != 0 || deploy.code != 0 {
            return faults;
        }
        let stages = |run: &Run| -> Vec<Value> {
            let last = run.stdout.lines().last().unwrap_or_default();
            let closing: Value = serde_json::from_str(last).unwrap_or_default();
            let stages = closing["result"]["stages"].as_array();
            stages.cloned().unwrap_or_default()
        };
        let done = stages(&deploy);
        let compared = stages(&diff);
        for said in &compared {
            // A stage that moves is there twice, and what goes has no line of its own in a deployment.
            let same = compared.iter().filter(|it| it["name"] == said["name"]);
            if same.count() > 1 {
                continue;
            }
            let Some(done) = done.iter().find(|done| done["name"] == said["name"]) else {
                continue;
            };
            // What has to be settled first can't be compared.
            let stack = said["name"].as_str().and_then(|name| before.stack(name));
            if stack.is_some_and(|stack| !stack.is_whole()) {
                continue;
            }
            // Nor what uses its outputs, which is said.
            let is_said = said["note"].is_string();
            if is_said && before.stacks.iter().any(|stack| !stack.is_whole()) {
                continue;
            }
            let code = match (said["differs"] == true, done["changed"] == true) {
                (false, true) => "diff: nothing changes, but deploy changes",
                (true, false) => "diff: something changes, but deploy changes nothing",
                _ => continue,
            };
            let name = said["name"].as_str().unwrap_or_default();
            let text = format!("{said:#}\n{done:#}\n{diff:#?}\n{deploy:#?}");
            faults.push(Fault::new(format!("{code}: {name}"), text));
        }
        faults
    }

    fn hold(&self, held: Held) {
        if held.slow {
            self.stand.account.set(&json!({"step": SLOW}));
        }
        let kind = if held.after {
            "hold-after"
        } else {
            "hold-before"
        };
        self.stand
            .account
            .rule(json!({"kind": kind, "at": held.nth}));
    }

    /// What nobody may see, whatever ended the run.
    fn unheard(&mut self, arguments: &[&'static str], from: usize, run: &Run) -> Vec<Fault> {
        let world = self.world();
        let ran = Ran {
            arguments,
            run,
            before: &world,
            after: &world,
            from,
            foreign: &self.foreign,
            kept: &mut self.kept,
        };
        ran.opened(&self.stand).into_iter().collect()
    }

    fn kill(&mut self, arguments: &[&'static str], held: Held) -> Vec<Fault> {
        let from = self.stand.account.history().len();
        self.hold(held);
        let mut child = spawn(self.stand.command(arguments));
        let met = |walker: &Self| walker.stand.account.holds();
        while !met(self) && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = child.kill();
        child.wait().unwrap();
        self.stand.account.clear_rules();
        self.failed = None;
        let silent = Run {
            code: -1,
            stdout: String::new(),
            stderr: String::new(),
        };
        self.unheard(arguments, from, &silent)
    }

    fn interrupt(&mut self, arguments: &[&'static str], held: Held) -> Vec<Fault> {
        let from = self.stand.account.history().len();
        self.hold(held);
        let mut process = Background::start(&mut self.stand.command(arguments));
        let mut code = None;
        while !self.stand.account.holds() && code.is_none() {
            code = process.exit_code();
            std::thread::sleep(Duration::from_millis(10));
        }
        if code.is_none() {
            send(process.pid(), Signal::INT);
        }
        self.stand.account.clear_rules();
        let code = code.unwrap_or_else(|| eventually("the end", || process.exit_code()));
        let output = process.output();
        let run = Run {
            code,
            stdout: String::new(),
            stderr: output,
        };
        let mut faults = self.unheard(arguments, from, &run);
        self.stand.account.set(&json!({"step": FAST}));
        let ways = ["again: it goes on", "again to go on", "to start again"]
            .map(|on| format!("run `frames {}` {on}", arguments[0]));
        if code == 130 && !ways.iter().any(|way| run.stderr.contains(way)) {
            let said = format!("{run:#?}");
            faults.push(Fault::new("interrupted, and no way on", said));
        }
        if ![0, 1, 3, 4, 130].contains(&code) {
            faults.push(Fault::new(format!("exit {code}"), format!("{run:#?}")));
        }
        self.failed = None;
        faults
    }

    /// The end of a walk: the world is as the manifest wants it, or empty.
    pub fn finish(&mut self, goal: Goal) -> Vec<Fault> {
        self.heal();
        let command: &[&'static str] = match goal {
            Goal::Deployed => &["deploy", "--yes"],
            Goal::Removed => &["remove", "--yes"],
        };
        let (reached, mut faults) = self.follow(command, None);
        if !reached {
            return faults;
        }
        faults.extend(self.run(&["info"]).1);
        let world = self.world();
        match goal {
            Goal::Removed => {
                let stacks = world.stacks.iter();
                let left: Vec<_> = stacks
                    .filter(|stack| !self.foreign.contains(&stack.id))
                    .collect();
                if !left.is_empty() {
                    faults.push(Fault::new(
                        "removed, but a stack is there",
                        format!("{left:#?}"),
                    ));
                }
            }
            Goal::Deployed => faults.extend(self.as_fresh(&world)),
        }
        faults
    }

    /// The same as where nothing was ever deployed before, but for what frames can't know.
    fn as_fresh(&self, world: &World) -> Vec<Fault> {
        let mut fresh = Self::new(&mut Dice::new(0));
        fresh.wish = self.wish;
        fresh.stand.write(&fresh.wish.manifest(&fresh.ground));
        let run = fresh.stand.run(&["deploy", "--yes"]);
        assert_eq!(run.code, 0, "{run:#?}");
        let mut without = world.strays();
        without.extend(self.foreign_stacks(world));
        let there = stable(world, &without);
        let wanted = stable(&fresh.world(), &BTreeSet::new());
        let less: Vec<_> = wanted.difference(&there).collect();
        let more: Vec<_> = there.difference(&wanted).collect();
        let mut faults = Vec::new();
        for (rule, names) in [("less than fresh", less), ("more than fresh", more)] {
            if let Some(first) = names.first() {
                let kind = first.split(' ').next().unwrap_or_default();
                faults.push(Fault::new(format!("{rule}: {kind}"), format!("{names:#?}")));
            }
        }
        faults
    }

    /// What is somebody's, under one of our names.
    fn foreign_stacks(&self, world: &World) -> Vec<Entry> {
        let stacks = world.stacks.iter();
        let foreign = stacks.filter(|stack| {
            stack.status == "REVIEW_IN_PROGRESS" && self.foreign.contains(&stack.id)
        });
        let names: Vec<&String> = foreign.map(|stack| &stack.name).collect();
        let entries = world.entries.iter();
        let stacks = entries.filter(|entry| entry.kind == "stacks" && names.contains(&&entry.id));
        stacks.cloned().collect()
    }
}

fn stable(world: &World, without: &BTreeSet<Entry>) -> BTreeSet<String> {
    // Zips of earlier deployments stay, and what is deployed needs none of them.
    let ours = world.ours().filter(|entry| entry.kind != "objects");
    let ours = ours.filter(|entry| !without.contains(entry));
    ours.map(Entry::stable).collect()
}
