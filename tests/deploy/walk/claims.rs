//! What frames says about the world, held against the world. Each rule comes from what the words
//! mean to somebody who reads them, and from docs/commands.md's exit codes, not from frames' code.

use super::super::base64_of;
use super::ways::block;
use super::world::{Edge, Entry, World};
use super::{OTHERS, Stand, hand};
use crate::support::frames::Run;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Something that frames said or did, and that isn't so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The rule, and what distinguishes this case: the same fault has the same code in every walk.
    pub code: String,
    pub said: String,
}

impl Fault {
    pub fn new(code: impl Into<String>, said: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            said: said.into(),
        }
    }
}

/// A run of frames, and the world around it.
pub struct Ran<'a> {
    pub arguments: &'a [&'static str],
    pub run: &'a Run,
    pub before: &'a World,
    pub after: &'a World,
    /// How many states of distributions there were before it.
    pub from: usize,
    /// Stacks that somebody else has under review.
    pub foreign: &'a BTreeSet<String>,
    /// What frames has named as kept, in any run.
    pub kept: &'a mut BTreeSet<String>,
}

impl Ran<'_> {
    fn command(&self) -> &'static str {
        self.arguments[0]
    }

    fn has(&self, argument: &str) -> bool {
        self.arguments.contains(&argument)
    }

    fn says(&self, words: &str) -> bool {
        self.run.stderr.contains(words) || self.run.stdout.contains(words)
    }

    /// Whether it only looks.
    fn looks(&self) -> bool {
        self.has("--dry-run") || ["diff", "info"].contains(&self.command())
    }

    /// All that isn't so.
    pub fn faults(&mut self, stand: &Stand) -> Vec<Fault> {
        let mut faults = self.manners();
        self.remember_kept();
        faults.extend(self.nothing_served());
        faults.extend(self.unchanged());
        faults.extend(self.removed());
        faults.extend(self.deployed(stand));
        faults.extend(self.looked());
        faults.extend(self.foreign_stacks());
        faults.extend(self.opened(stand));
        faults.extend(self.policies());
        if self.command() == "info" {
            faults.extend(self.info());
        }
        if self.command() == "diff" {
            faults.extend(self.diff());
        }
        faults
    }

    fn fault(&self, code: impl Into<String>, said: impl Into<String>) -> Fault {
        let said = format!(
            "`frames {}`: {}\n{:#?}",
            self.arguments.join(" "),
            said.into(),
            self.run
        );
        Fault::new(code, said)
    }

    /// Exit codes, a way on, and the user's words.
    fn manners(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let known: &[i32] = match self.command() {
            "deploy" => &[0, 1, 3, 4, 130],
            "remove" => &[0, 1, 4, 130],
            _ => &[0, 1],
        };
        let code = self.run.code;
        if !known.contains(&code) {
            faults.push(self.fault(format!("exit {code}"), "this exit code isn't promised"));
        }
        if [1, 4].contains(&code) && block(self.run, "help").is_none() {
            let error = block(self.run, "error").unwrap_or_default();
            let words: Vec<&str> = error.split(' ').take(6).collect();
            faults.push(self.fault(
                format!("no help: {}", words.join(" ")),
                "nothing says how to go on",
            ));
        }
        let libraries = [
            "panicked",
            "SdkError",
            "ServiceError",
            "DispatchFailure",
            "service error",
            "unhandled",
            "Traceback",
            "Internal Server Error",
            "Some(",
        ];
        for words in libraries {
            if self.says(words) {
                faults.push(self.fault(format!("a library speaks: {words}"), words));
            }
        }
        faults
    }

    fn remember_kept(&mut self) {
        for line in self.run.stderr.lines() {
            let line = line.trim_start();
            if let Some(rest) = line.strip_prefix("Keeping ") {
                let words = rest.split([' ', ',', ':']);
                self.kept.extend(words.map(str::to_owned));
            }
            if let Some(rest) = line.strip_prefix("Abandoned ") {
                let names = rest.split(':').next().unwrap_or_default();
                self.kept.extend(names.split(", ").map(str::to_owned));
            }
        }
    }

    fn nothing_served(&self) -> Option<Fault> {
        let words = [
            "nothing is served",
            "it is not deployed",
            ") is not deployed in account",
        ];
        let words = words.into_iter().find(|words| self.says(words))?;
        let served = self.after.served();
        (!served.is_empty()).then(|| {
            let whose = if served.iter().all(|edge| edge.comment == OTHERS) {
                "another distribution"
            } else {
                "our distribution"
            };
            self.fault(
                format!("{words}, but {whose} is enabled"),
                format!("{served:#?}"),
            )
        })
    }

    fn unchanged(&self) -> Vec<Fault> {
        if !self.says("everything is deployed, and equals this manifest") {
            return vec![];
        }
        let stacks = self.after.stacks.iter();
        let missing: Vec<String> = stacks.flat_map(|stack| self.after.missing(stack)).collect();
        let faults = missing.iter().map(|what| {
            let kind = what.rsplit('(').next().unwrap_or_default();
            let code = format!("unchanged, but gone: {}", kind.trim_end_matches(')'));
            self.fault(code, format!("{what} is gone"))
        });
        faults.collect()
    }

    fn is_kept(&self, entry: &Entry) -> bool {
        // A version and a bucket's policy go by the name that comes first.
        let name = entry.id.split(':').next().unwrap_or_default();
        self.kept.contains(&entry.id) || entry.kind == "versions" && self.kept.contains(name)
    }

    fn removed(&self) -> Vec<Fault> {
        let says = self
            .run
            .stderr
            .lines()
            .any(|line| line.trim() == "Removed heart (dev)")
            || self.says("it is not deployed");
        if self.command() != "remove" || self.run.code != 0 || self.looks() || !says {
            return vec![];
        }
        // What belonged to no stack before can't be found by them.
        let strays = self.before.strays();
        let left = self.after.ours();
        let left = left.filter(|entry| !strays.contains(entry) && !self.is_kept(entry));
        let left = left.filter(|entry| {
            let stack = self
                .after
                .stacks
                .iter()
                .find(|stack| stack.name == entry.id);
            !stack.is_some_and(|stack| self.foreign.contains(&stack.id))
        });
        // With them goes what is in them.
        let left: Vec<&Entry> = left
            .filter(|entry| entry.kind != "bucket_policies")
            .collect();
        let kinds: BTreeSet<&str> = left.iter().map(|entry| entry.kind.as_str()).collect();
        let faults = kinds.into_iter().map(|kind| {
            let of_kind: Vec<_> = left.iter().filter(|entry| entry.kind == kind).collect();
            self.fault(
                format!("removed, but there: {kind}"),
                format!("{of_kind:#?}"),
            )
        });
        faults.collect()
    }

    fn deployed(&self, stand: &Stand) -> Vec<Fault> {
        if self.command() != "deploy" || self.run.code != 0 || self.looks() {
            return vec![];
        }
        let mut faults = Vec::new();
        let plan = stand.plan("dev");
        for stage in plan["stages"].as_array().unwrap() {
            let name = stage["name"].as_str().unwrap();
            let region = stage["region"].as_str().unwrap();
            let Some(stack) = self.after.stack_in(name, region) else {
                faults.push(self.fault(format!("deployed, but no stack: {name}"), name));
                continue;
            };
            if !stack.is_whole() {
                let code = format!("deployed, but {}: {name}", stack.status);
                faults.push(self.fault(code, &stack.name));
            }
            let file = stand.project.output(&format!("{name}.template.json"));
            let wanted: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
            if stack.template != wanted {
                faults.push(self.fault(format!("deployed, but another template: {name}"), name));
            }
        }
        faults.extend(self.serves(stand, &plan));
        faults
    }

    /// Our distribution is open to those who are let in: by the code that was packaged.
    fn serves(&self, stand: &Stand, plan: &Value) -> Vec<Fault> {
        let cdn = self.after.stack("cdn");
        let parts = cdn.iter().flat_map(|stack| &stack.parts);
        let mut ids = parts.filter(|part| part.kind == "AWS::CloudFront::Distribution");
        let id = ids.next().map(|part| part.physical.clone());
        let edge = self
            .after
            .edges
            .iter()
            .find(|edge| Some(&edge.id) == id.as_ref());
        let Some(edge) = edge else {
            return vec![self.fault("deployed, but no distribution", format!("{id:?}"))];
        };
        let mut faults = Vec::new();
        if !edge.enabled {
            faults.push(self.fault("deployed, but disabled", format!("{edge:#?}")));
        }
        let hosts: Vec<&str> = hosts(edge).collect();
        let url = self
            .run
            .stdout
            .lines()
            .find(|line| line.starts_with("https://"));
        let host = url.and_then(|url| url.strip_prefix("https://"));
        if let Some(host) = host
            && !hosts.contains(&host)
        {
            faults.push(self.fault("deployed, but another URL", format!("{hosts:?}")));
        }
        let guarded = edge
            .runs
            .iter()
            .any(|(path, event, _)| path == "*" && event == "viewer-request");
        if !guarded && edge.enabled {
            faults.push(self.fault("deployed, but open", format!("{edge:#?}")));
        }
        let signed = edge
            .runs
            .iter()
            .any(|(path, event, _)| path == "*" && event == "origin-request");
        if guarded && !signed {
            faults.push(self.fault("deployed, but without the signer", format!("{edge:#?}")));
        }
        for (path, event, arn) in &edge.runs {
            let wanted = wanted_code(plan, event);
            let asked = json!({"FunctionName": arn});
            let found = stand
                .account
                .try_call("us-east-1", "lambda", "GetFunction", asked);
            let found = found.unwrap_or_default();
            if found["Configuration"]["CodeSha256"] != json!(wanted) {
                faults.push(self.fault(
                    format!("deployed, but other code at {event}"),
                    format!("{path}: {arn}"),
                ));
            }
        }
        faults
    }

    /// What only looks changes nothing.
    fn looked(&self) -> Option<Fault> {
        let same = self.before.print() == self.after.print();
        let changes = self.looks() && !self.before.is_at_work() && !same;
        changes.then(|| {
            let (before, after) = (self.before.print(), self.after.print());
            self.fault(
                format!("{} changes something", self.command()),
                format!("{before}\n{after}"),
            )
        })
    }

    fn foreign_stacks(&self) -> Vec<Fault> {
        let lost = self.before.stacks.iter().filter(|stack| {
            let theirs = self.foreign.contains(&stack.id) && stack.status == "REVIEW_IN_PROGRESS";
            let mut now = self.after.stacks.iter();
            theirs && !now.any(|now| now.id == stack.id && now.status == stack.status)
        });
        let faults = lost.map(|stack| {
            let code = format!("somebody's stack is taken by {}", self.command());
            self.fault(code, &stack.name)
        });
        faults.collect()
    }

    /// The owner's own stack policy is kept, or its replacement is said.
    fn policies(&self) -> Vec<Fault> {
        let own = hand::policy();
        let lost = self.before.stacks.iter().filter(|stack| {
            let now = self.after.stack(stack.stage);
            let now = now.filter(|now| now.id == stack.id);
            stack.policy == own && now.is_some_and(|now| now.policy != own)
        });
        let silent = lost.filter(|_| !self.says("stack policy"));
        let faults = silent.map(|stack| {
            let code = format!("the owner's stack policy is replaced by {}", self.command());
            self.fault(code, &stack.name)
        });
        faults.collect()
    }

    /// No distribution was open while frames was at work, but for what somebody opened before.
    pub fn opened(&self, stand: &Stand) -> Option<Fault> {
        let history = stand.account.history();
        let open = history[self.from.min(history.len())..]
            .iter()
            .find(|state| {
                let behaviors = state["behaviors"].as_object().into_iter().flatten();
                let mut behaviors = behaviors.map(|(_, runs)| &runs["viewer-request"]);
                state["enabled"] == true && behaviors.any(Value::is_null)
            })?;
        Some(self.fault("opened", format!("{open:#}")))
    }

    fn rows(&self) -> impl Iterator<Item = (&str, &str)> {
        let lines = self.run.stdout.lines();
        lines.filter_map(|line| Some((line.get(..14)?.trim(), line.get(14..)?)))
    }

    fn info(&self) -> Vec<Fault> {
        if self.has("json") {
            return vec![];
        }
        let mut faults = Vec::new();
        for (name, value) in self.rows() {
            let fault = match name {
                "URL" => self.url(value),
                "distribution" => self.distribution(value),
                "function" => self.function(value),
                "lambda-edge" | "reads" | "cdn" | "logs" => self.status(name, value),
                _ => None,
            };
            faults.extend(fault);
        }
        faults
    }

    /// A URL is where frames are served: or a word says why not.
    fn url(&self, value: &str) -> Option<Fault> {
        let mut words = value.split_whitespace();
        let host = words.next()?.strip_prefix("https://")?;
        if words.next().is_some() {
            return None;
        }
        let mut edges = self.after.edges.iter();
        match edges.find(|edge| hosts(edge).any(|name| name == host)) {
            Some(edge) if edge.enabled => None,
            Some(_) => Some(self.fault("info: a URL of a disabled distribution", value)),
            None => Some(self.fault("info: a URL of no distribution", value)),
        }
    }

    /// `E123 (enabled, deployed)`
    fn distribution(&self, value: &str) -> Option<Fault> {
        let id = value.split_whitespace().next()?;
        let edge = self.after.edges.iter().find(|edge| edge.id == id);
        let says = |word: &str| value.contains(&format!("({word},"));
        let so = match edge {
            Some(edge) => says("enabled") == edge.enabled && says("disabled") != edge.enabled,
            None => !says("enabled") && !says("disabled"),
        };
        (!so).then(|| self.fault("info: a distribution in another state", value))
    }

    /// `heart-dev-authorizer: version 3 in use; …`
    fn function(&self, value: &str) -> Option<Fault> {
        let (name, rest) = value.split_once(": version ")?;
        let version = rest.split_whitespace().next()?;
        let runs = |edge: &Edge| {
            let mut runs = edge.runs.iter();
            let of = format!(":function:{name}:");
            runs.any(|(_, _, arn)| match version {
                "none" => arn.contains(&of),
                number => arn.ends_with(&format!("{of}{number}")),
            })
        };
        let used = self.after.edges.iter().any(runs);
        match (version, used) {
            ("none", true) => Some(self.fault("info: a version in use isn't told", value)),
            ("none", false) | (_, true) => None,
            (_, false) => Some(self.fault("info: a version that nobody uses", value)),
        }
    }

    fn status(&self, stage: &str, value: &str) -> Option<Fault> {
        let worlds = [self.after, self.before];
        let wanted = worlds.map(|world| world.wanted(stage).map(|stack| &stack.status));
        let stacks = worlds.iter().flat_map(|world| &world.stacks);
        let anywhere = stacks.filter(|stack| stack.stage == stage);
        let anywhere = anywhere.map(|stack| Some(&stack.status));
        let so = anywhere.chain(wanted).any(|status| match status {
            Some(status) if status == "REVIEW_IN_PROGRESS" => true,
            Some(status) => value.starts_with(status.as_str()),
            None => value.starts_with("not deployed"),
        });
        (!so).then(|| self.fault(format!("info: another status of {stage}"), value))
    }

    /// `cdn (heart-dev-cdn): not deployed: 8 to add`
    fn diff(&self) -> Vec<Fault> {
        let closing: Value = serde_json::from_str(&self.run.stdout).unwrap_or_default();
        let json = closing["result"]["stages"].as_array().into_iter().flatten();
        let json = json.filter(|stage| stage["status"].is_null());
        let mut absent: Vec<&str> = json.filter_map(|stage| stage["name"].as_str()).collect();
        let mut same = Vec::new();
        for line in self.run.stdout.lines() {
            let stage = line.split_whitespace().next().unwrap_or_default();
            match line.split_once("): ") {
                Some((_, what)) if what.starts_with("not deployed") => absent.push(stage),
                Some((_, what)) if what.starts_with("nothing changes") => same.push(stage),
                _ => {}
            }
        }
        let absent = absent.into_iter().filter_map(|stage| {
            let stack = self.before.wanted(stage)?;
            let code = format!("diff: not deployed, but {}", stack.status);
            (!stack.is_remnant()).then(|| self.fault(code, stage))
        });
        let same = same.into_iter().filter_map(|stage| {
            let gone = self.before.wanted(stage).is_none();
            gone.then(|| self.fault("diff: nothing changes, but no stack", stage))
        });
        absent.chain(same).collect()
    }
}

fn hosts(edge: &Edge) -> impl Iterator<Item = &str> {
    let aliases = edge.aliases.iter().map(String::as_str);
    aliases.chain([edge.domain.as_str()])
}

/// The code of what was packaged for an event, as Lambda says it.
fn wanted_code(plan: &Value, event: &str) -> String {
    let function = if event == "viewer-request" {
        "authorizer"
    } else {
        "signer"
    };
    let stages = plan["stages"].as_array().unwrap().iter();
    let mut artifacts = stages.flat_map(|stage| stage["artifacts"].as_array().unwrap());
    let artifact = artifacts.find(|artifact| artifact["function"] == function);
    base64_of(artifact.unwrap()["sha256"].as_str().unwrap())
}
