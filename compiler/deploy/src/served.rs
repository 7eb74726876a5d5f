//! Whether the distributions serve as their templates say. Somebody may have changed one by hand,
//! which CloudFormation doesn't see: no run says `Deployed` or `Unchanged` before this was looked at.

use super::endpoint::{gone, until_deployed};
use super::session::{Questions, Session};
use super::stage::Done;
use super::teardown::DISTRIBUTION;
use crate::aws::distributions::{DEFAULT_PATH, Distribution};
use frames_compiler::failure::{Context, Failure, Result};
use frames_compiler::names;
use frames_compiler::package::Package;
use frames_compiler::plan::{Plan, Stage};
use serde_json::Value;
use std::collections::BTreeMap;

/// Of a function URL that takes signed requests only.
const SIGNED: &str = "AWS_IAM";

/// What the distributions are held against, and what may be done about one that is off.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Check<'a> {
    pub package: &'a Package,
    /// The only stage that is known to be as packaged.
    pub only: Option<&'a str>,
    pub dry_run: bool,
    /// An overlay may have taken the authorizer away.
    pub unsafe_overlay: bool,
    /// A distribution that somebody switched off may be switched on.
    pub enable: bool,
    /// Nobody waits until every edge location has that.
    pub no_wait: bool,
}

/// Fails while a distribution of the stacks serves without the authorizer, or doesn't serve as its
/// template says. Returns whether one was switched on, which only happens where that was agreed to.
pub(crate) async fn as_wanted(
    session: &Session<'_>,
    plan: &Plan,
    check: &Check<'_>,
    done: &[Done],
) -> Result<bool> {
    let mut switched = false;
    for done in done {
        let Some(stage) = plan.stages.iter().find(|stage| stage.name == done.stage) else {
            continue;
        };
        // CloudFront alone calls the functions at the edge, and others are called by a URL.
        let by_url = stage.functions.iter().any(|one| !one.is_replicated());
        if by_url && !check.unsafe_overlay {
            refuse_open(session, plan, stage).await?;
        }
        // What the distribution's own stage uses: a newer version may still wait for its turn.
        let parameter = names::version_arn(names::AUTHORIZER);
        let guard = done.stack.parameters.get(&parameter);
        let guard = guard.filter(|_| !check.unsafe_overlay);
        if guard.is_none() && !check.unsafe_overlay {
            continue;
        }
        let template = check.template(session, stage, done).await?;
        if !has_distribution(&template) {
            continue;
        }
        let stacks = session.aws.stacks(&stage.region);
        for resource in stacks.resources(&done.stack.id).await? {
            if resource.kind != DISTRIBUTION || resource.status == "DELETE_COMPLETE" {
                continue;
            }
            let config = &template["Resources"][&resource.id]["Properties"]["DistributionConfig"];
            let parameters = &done.stack.parameters;
            let wanted = Wanted::of(config, parameters, stage.termination_protection);
            let id = &resource.physical;
            let found = session.aws.distributions().describe(id).await?;
            let Some(deployed) = found else {
                return Err(gone(session, id));
            };
            refuse_changed(id, &deployed, guard.map(String::as_str), &wanted)?;
            if wanted.enabled && !deployed.enabled {
                switched |= switch_on(session, check, id, &deployed).await?;
            }
        }
    }
    Ok(switched)
}

impl Check<'_> {
    /// As deployed: what was compared with the package is the same.
    async fn template(&self, session: &Session<'_>, stage: &Stage, done: &Done) -> Result<Value> {
        let mut packaged = self.package.templates.iter();
        let packaged = packaged.find(|template| template.stage == stage.name);
        let is_compared = self.only.is_none_or(|only| only == stage.name);
        if let Some(packaged) = packaged.filter(|_| is_compared) {
            return Ok(packaged.value.clone());
        }
        let stacks = session.aws.stacks(&stage.region);
        let text = stacks.template(&done.stack.id).await?;
        serde_json::from_str(&text)
            .context(|| format!("can't read the template of stack {}", done.stack.name))
    }
}

/// A function's URLs answer nobody but whoever signs: those that the template has, and any other.
async fn refuse_open(session: &Session<'_>, plan: &Plan, stage: &Stage) -> Result<()> {
    let region = &stage.region;
    let functions = session.aws.functions_in(region);
    let called = stage.functions.iter().filter(|one| !one.is_replicated());
    for function in called {
        let function = names::function(&plan.service, &plan.env, function.name);
        let mut found = functions.url_auths(&function).await?.into_iter();
        let Some(open) = found.find(|auth| auth != SIGNED) else {
            continue;
        };
        return Err(Failure::new(format!(
            "a function URL of {function} ({region}) has the auth type {open}: it was changed or made outside of CloudFormation"
        ))
        .help(format!(
            "whoever knows its address may read what the function may. Set its auth type to {SIGNED} in the Lambda console at once, or delete it, and take away the permissions there that frames didn't make. Then run the same command"
        )));
    }
    Ok(())
}

fn has_distribution(template: &Value) -> bool {
    let resources = template["Resources"].as_object();
    let mut resources = resources.into_iter().flatten();
    resources.any(|(_, resource)| resource["Type"] == DISTRIBUTION)
}

/// What a distribution's template says of it.
struct Wanted {
    enabled: bool,
    /// A removal would be refused.
    protected: bool,
    /// Path pattern, event, and the version there, as far as a parameter of the stack has it.
    functions: Vec<(String, String, String)>,
}

impl Wanted {
    fn of(config: &Value, parameters: &BTreeMap<String, String>, protected: bool) -> Self {
        let others = config["CacheBehaviors"].as_array().into_iter().flatten();
        let default = std::iter::once(&config["DefaultCacheBehavior"]);
        let functions = default.chain(others).flat_map(|behavior| {
            let path = behavior["PathPattern"].as_str().unwrap_or(DEFAULT_PATH);
            let all = behavior["LambdaFunctionAssociations"].as_array();
            all.into_iter().flatten().filter_map(|one| {
                let event = one["EventType"].as_str()?;
                let arn = parameters.get(one["LambdaFunctionARN"]["Ref"].as_str()?)?;
                Some((path.to_owned(), event.to_owned(), arn.clone()))
            })
        });
        Self {
            enabled: config["Enabled"] == true,
            protected,
            functions: functions.collect(),
        }
    }
}

/// Which functions it runs comes first: one without them is never switched on.
fn refuse_changed(
    id: &str,
    deployed: &Distribution,
    guard: Option<&str>,
    wanted: &Wanted,
) -> Result<()> {
    if !deployed.enabled && !wanted.enabled {
        return Ok(());
    }
    let mut behaviors = deployed.behaviors.values();
    let is_guarded = |functions: &BTreeMap<String, String>| {
        guard.is_none() || functions.get("viewer-request").map(String::as_str) == guard
    };
    if !behaviors.all(is_guarded) {
        let guard = guard.unwrap_or_default();
        let put_back = format!(
            "Then put {guard} back at viewer-request of every behavior, and run the same command"
        );
        let (what, help) = if deployed.enabled {
            (
                format!(
                    "distribution {id} doesn't run the authorizer on every path: it was changed outside of CloudFormation"
                ),
                "what it serves may be open to all. Disable it in the CloudFront console at once",
            )
        } else {
            (
                format!(
                    "distribution {id} is disabled, and doesn't run the authorizer on every path: it was changed outside of CloudFormation"
                ),
                "enabled as it is, it would be open to all. Leave it disabled in the CloudFront console",
            )
        };
        return Err(Failure::new(what).help(format!("{help}. {put_back}")));
    }
    let missing = wanted.functions.iter().find(|(path, event, arn)| {
        let there = deployed.behaviors.get(path);
        there.and_then(|functions| functions.get(event)) != Some(arn)
    });
    let Some((path, event, arn)) = missing else {
        return Ok(());
    };
    let what = format!(
        "distribution {id} doesn't run {arn} at {event} of {path}: it was changed outside of CloudFormation"
    );
    let removal = if wanted.protected {
        ""
    } else {
        "; or run `frames remove`, then `frames deploy`"
    };
    Err(Failure::new(what).help(format!("requests there aren't served as they should be. Put {arn} back at {event} of {path} in the CloudFront console, and run the same command{removal}")))
}

/// Somebody may have switched it off for a reason, and `--yes` is no answer to that.
async fn switch_on(
    session: &Session<'_>,
    check: &Check<'_>,
    id: &str,
    deployed: &Distribution,
) -> Result<bool> {
    let name = deployed.aliases.first().unwrap_or(&deployed.domain_name);
    let off = "somebody switched it off outside of CloudFormation";
    if !check.enable {
        match session.questions {
            Questions::Ask(_) if !check.dry_run => {
                let question = format!(
                    "Distribution {id} ({name}) is disabled: {off}. Switch it on again, so that it serves images?"
                );
                session.yes(&question).await?;
            }
            _ => {
                let what =
                    format!("distribution {id} is disabled: {off}, and nothing is served by it");
                return Err(Failure::new(what).help(format!(
                    "once the reason for that is gone, {}, which switches it on again",
                    session.again(" --enable")
                )));
            }
        }
    }
    let what = format!("distribution {id} ({name}), which somebody switched off");
    session.progress.step("Enabling", &what);
    if check.dry_run {
        return Ok(false);
    }
    let distributions = session.aws.distributions();
    if !distributions.enable(id, deployed).await? {
        return Err(Failure::new(format!(
            "somebody else is changing distribution {id} at the same time, so it isn't switched on"
        ))
        .help("run the same command again, once nobody else is at work on it"));
    }
    if !check.no_wait {
        until_deployed(session, id, &format!("enable distribution {id}"), None).await?;
    }
    Ok(true)
}
