//! A run failed, and its help names a way on: it is followed, to its end or until it leads in a circle.

use super::OTHERS;
use super::claims::Fault;
use super::hand;
use super::walker::Walker;
use super::ways::{self, First, Way, block};
use super::world::READ_IN;
use crate::support::frames::Run;
use serde_json::json;
use std::collections::BTreeSet;

/// A way on has an end before so many runs.
const ROUNDS: usize = 8;

impl Walker {
    /// Runs a command, and what its help names, until it succeeds: whether it does.
    pub fn follow(&mut self, goal: &[&'static str], failed: Option<Run>) -> (bool, Vec<Fault>) {
        let mut faults = Vec::new();
        let mut seen = BTreeSet::new();
        let mut last = failed;
        for _ in 0..ROUNDS {
            let run = match last.take() {
                Some(run) => run,
                None => {
                    let (run, more) = self.run(goal);
                    faults.extend(more);
                    run
                }
            };
            if run.code == 0 {
                return (true, faults);
            }
            let error = block(&run, "error").unwrap_or_default();
            let code = |rule: &str| format!("{rule}: {}", words(&error));
            let Some(mut way) = ways::of(&run, goal) else {
                faults.push(Fault::new(code("no way on"), format!("{run:#?}")));
                return (false, faults);
            };
            if !seen.insert((error.clone(), self.world().print())) {
                faults.push(Fault::new(code("a circle"), format!("{run:#?}")));
                return (false, faults);
            }
            if way.either {
                if self.dice.once_in(2) {
                    way.commands.clear();
                } else {
                    way.first.clear();
                }
            }
            for first in &way.first {
                if let Some(fault) = self.first(first, &run) {
                    faults.push(fault);
                }
            }
            faults.extend(self.others(&way, goal));
        }
        let said = format!("`frames {}` after {ROUNDS} runs", goal.join(" "));
        faults.push(Fault::new("no end", said));
        (false, faults)
    }

    /// The commands of a way, but for the goal itself, which comes anyway.
    fn others(&mut self, way: &Way, goal: &[&'static str]) -> Vec<Fault> {
        let mut faults = Vec::new();
        for command in &way.commands {
            let known: &[&[&'static str]] = &[
                &["deploy", "--yes"],
                &["remove", "--yes"],
                &["remove", "--delete-logs", "--yes"],
                &["deploy", "--enable", "--yes"],
            ];
            let Some(known) = known.iter().find(|known| **known == *command) else {
                continue;
            };
            let more = known.contains(&"--enable");
            if known[0] == goal[0] && !more {
                continue;
            }
            let (run, found) = self.run(known);
            faults.extend(found);
            let named = ways::of(&run, known).filter(|_| run.code != 0);
            if named.is_some_and(|named| named.first.contains(&First::Unprotect)) {
                // A deployment doesn't work here, so the other way that is named is taken.
                hand::unprotect(&self.stand, &self.world());
                faults.extend(self.run(known).1);
            } else if run.code != 0 && way.first.contains(&First::Unprotect) {
                // The same, where something else keeps it from working: the goal comes next.
                hand::unprotect(&self.stand, &self.world());
            }
        }
        faults
    }

    fn first(&mut self, first: &First, run: &Run) -> Option<Fault> {
        let world = self.world();
        let mut named = world.edges.iter();
        let named = named.find(|edge| run.stderr.contains(&edge.id));
        match first {
            First::Unprotect => {
                self.wish.protected = false;
                self.stand.write(&self.wish.manifest(&self.ground));
            }
            First::DeleteLeftovers => {
                for stray in world.strays() {
                    hand::delete_stray(&self.stand, &world, &stray);
                }
            }
            First::DeleteDeliveries => {
                let strays = world.strays();
                for stray in strays.iter().filter(|it| it.kind == "deliveries") {
                    hand::delete_stray(&self.stand, &world, stray);
                }
            }
            First::DeleteForeign => {
                for stack in &world.stacks {
                    if self.foreign.contains(&stack.id) {
                        let asked = json!({"StackName": stack.id});
                        let (region, service) = (&stack.region, "cloudformation");
                        let account = &self.stand.account;
                        let _ = account.try_call(region, service, "DeleteStack", asked);
                    }
                }
                self.idle();
            }
            First::KeepKey(id) => {
                let asked = json!({"KeyId": id});
                for region in READ_IN {
                    for operation in ["CancelKeyDeletion", "EnableKey"] {
                        let account = &self.stand.account;
                        let _ = account.try_call(region, "kms", operation, asked.clone());
                    }
                }
            }
            First::Disable => {
                let edge = named?;
                hand::configure(&self.stand, &edge.id, |config| {
                    config["Enabled"] = json!(false);
                });
            }
            First::LetGo => {
                let Some(edge) = named.filter(|edge| edge.comment == OTHERS) else {
                    return Some(Fault::new(
                        "another distribution isn't named",
                        format!("{run:#?}"),
                    ));
                };
                hand::delete_distribution(&self.stand, &edge.id);
            }
            First::PutBack(runs) => {
                let edge = named?;
                hand::put_back(&self.stand, &edge.id, runs);
            }
        }
        None
    }
}

/// The words of a message, without names and numbers: the same fault has the same.
fn words(message: &str) -> String {
    let words = message.split_whitespace();
    let plain = words.filter(|word| !word.chars().any(|c| c.is_ascii_digit() || c == '-'));
    let words: Vec<&str> = plain.take(12).collect();
    words.join(" ")
}
