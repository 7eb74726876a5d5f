//! What `--online` adds: references that AWS answers, and the checks that need it.

use super::event_loop;
use super::findings::{Asked, compile_findings, compile_with, judge};
use super::listed::Listing;
use crate::cli::Global;
use crate::project::Project;
use crate::terminal::{self, Terminal};
use frames_compiler::failure::{Failure, Result};
use frames_compiler::{Compiled, Diagnostic, Source, diagnostic, online, secrets};
use frames_deploy::aws::renewing::Renewing;
use frames_deploy::aws::{self, Answers, Aws};
use frames_emulator::{Credentials, CredentialsSource, Error};
use std::sync::Arc;

/// References to references: each round answers one layer of them.
const ROUNDS: usize = 16;

/// A way into the account that the command line and the environment name.
pub(super) async fn connect(global: &Global) -> Result<Aws> {
    Aws::connect(global.profile.as_deref(), terminal::conceal_text).await
}

/// `doctor`: whose credentials these are, in words.
pub(super) async fn whose(global: &Global) -> Result<String> {
    let source = aws::source(global.profile.as_deref());
    let asked = async {
        let aws = connect(global).await?;
        Ok((aws.region().map(str::to_owned), aws.identity().await?))
    };
    let (region, identity) = asked.await.map_err(|failure: Failure| {
        // What follows lists what the SDK tried.
        let why = failure.message.lines().next().unwrap_or_default();
        let why = why.trim_end_matches(" Attempted:").trim_end_matches('.');
        Failure::new(format!("{why} ({source})"))
    })?;
    let (account, arn) = (identity.account, identity.arn);
    let region = region.unwrap_or_else(|| "not set, and not needed".to_owned());
    Ok(format!(
        "account {account}, {arn}, Region {region}, from {source}"
    ))
}

/// `init --online`: what the account has.
pub(super) async fn account(global: &Global) -> Result<Listing> {
    let aws = connect(global).await?;
    // Credentials that AWS refuses are refused for every list.
    aws.identity().await?;
    Ok(Listing { aws })
}

/// `--online`: a manifest with what only AWS can answer.
pub(super) fn compile(project: &Project, global: &Global) -> Result<(Source, Compiled)> {
    event_loop()?.block_on(async {
        let aws = connect(global).await?;
        compiled(project, global, &aws).await
    })
}

/// `validate --online`: asks AWS once there is no error without it.
pub(super) fn validate(project: &Project, global: &Global) -> Result<(Source, Compiled)> {
    let (source, compiled) = compile_with(project, global.target(), project);
    if compiled.diagnostics.iter().any(Diagnostic::is_error) {
        return Ok((source, compiled));
    }
    event_loop()?.block_on(async {
        let aws = connect(global).await?;
        let (source, mut compiled) = self::compiled(project, global, &aws).await?;
        let found = ask(&compiled, &aws, Asking::Validate).await?;
        compiled.diagnostics.extend(found);
        judge(&mut compiled.diagnostics, &project.warnings);
        diagnostic::sort(&mut compiled.diagnostics);
        Ok((source, compiled))
    })
}

/// `policy --online`
pub(super) fn ask_for_policy(project: &Project, global: &Global) -> Result<Asked> {
    event_loop()?.block_on(async {
        let aws = connect(global).await?;
        let mut answers = Answers::new(project);
        let (source, compiled) = answered(project, global, &aws, &mut answers).await?;
        Ok(Asked {
            source,
            compiled,
            account: Some(aws.identity().await?.account),
            region: aws.region().map(str::to_owned),
            references: answers.references(),
        })
    })
}

/// The caller's own credentials. Each new sandbox asks for them again, so that expired ones are renewed.
pub(super) async fn credentials(global: &Global, region: &str) -> Result<CredentialsSource> {
    let profile = global.profile.as_deref();
    let renewing = Renewing::of(profile, region, terminal::conceal_text).await?;
    Ok(Arc::new(move || {
        let renewing = renewing.clone();
        Box::pin(async move {
            let found = renewing.get().await.map_err(|failure| {
                Error::new(failure.message).help(failure.help.unwrap_or_default())
            })?;
            Ok(Credentials {
                access_key_id: found.access_key_id,
                secret_access_key: found.secret_access_key,
                session_token: found.session_token,
                expires: found.expires,
            })
        })
    }))
}

/// Errors that don't depend on AWS are reported before frames looks for credentials.
pub(super) fn offline(project: &Project, global: &Global, terminal: Terminal) -> Result<()> {
    let (source, compiled) = compile_with(project, global.target(), project);
    if compiled.diagnostics.iter().any(Diagnostic::is_error) {
        compile_findings(&source, &compiled, terminal).map(|_| ())
    } else {
        Ok(())
    }
}

/// Compiles with the values that AWS has.
pub(super) async fn compiled(
    project: &Project,
    global: &Global,
    aws: &Aws,
) -> Result<(Source, Compiled)> {
    let mut answers = Answers::new(project);
    answered(project, global, aws, &mut answers).await
}

async fn answered(
    project: &Project,
    global: &Global,
    aws: &Aws,
    answers: &mut Answers<'_>,
) -> Result<(Source, Compiled)> {
    for _ in 0..ROUNDS {
        let done = compile_with(project, global.target(), &*answers);
        // Before the first look-up, where the account isn't a variable that AWS has to answer.
        only_account(&done.1, aws).await?;
        if !answers.look_up(aws).await? {
            return Ok(done);
        }
    }
    Ok(compile_with(project, global.target(), &*answers))
}

/// Compiles for a run that needs no more than the names. What can't be looked up for the rest is
/// as good as not there. Also returns why the first of that couldn't be looked up.
pub(super) async fn compiled_for_names(
    project: &Project,
    global: &Global,
    aws: &Aws,
) -> Result<(Source, Compiled, Option<Failure>)> {
    let mut answers = Answers::lenient(project);
    let (source, compiled) = answered(project, global, aws, &mut answers).await?;
    Ok((source, compiled, answers.failure()))
}

/// `deploy.account`: frames asks no other account for anything, except what `account` itself refers to.
async fn only_account(compiled: &Compiled, aws: &Aws) -> Result<()> {
    let Some(wanted) = compiled.resolved.as_ref().and_then(online::account) else {
        return Ok(());
    };
    let identity = aws.identity().await?;
    if identity.account == wanted {
        return Ok(());
    }
    let (account, arn) = (&identity.account, &identity.arn);
    Err(Failure::new(format!(
        "these credentials belong to account {account} ({arn}), but `deploy.account` is {wanted}"
    ))
    .help(
        "nothing was changed in that account: choose another with --profile, or correct `deploy.account`",
    ))
}

/// Which command asks. That decides what it asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asking {
    /// Everything.
    Validate,
    /// Quotas for a first deployment only: they say nothing new about what is deployed already.
    /// A large template is asked about once it is in the bucket.
    Deploy { first: bool },
}

/// Where the manifest has no errors yet, compares what it names with AWS, and has CloudFormation
/// validate the templates. Returns the findings that this adds.
pub(super) async fn ask(compiled: &Compiled, aws: &Aws, asking: Asking) -> Result<Vec<Diagnostic>> {
    let Some(resolved) = &compiled.resolved else {
        return Ok(Vec::new());
    };
    if compiled.diagnostics.iter().any(Diagnostic::is_error) {
        return Ok(Vec::new());
    }
    let mut questions = online::questions(resolved);
    if let Some(plan) = &compiled.plan {
        if asking != (Asking::Deploy { first: false }) {
            questions.extend(online::quotas::questions(resolved, plan));
        }
        let templates = online::templates::questions(resolved, plan).into_iter();
        questions.extend(templates.filter(|question| {
            asking == Asking::Validate || question.subject.fits_into_a_request()
        }));
    }
    let mut found = Vec::new();
    for question in questions {
        let answer = aws::ask(aws, &question).await?;
        found.extend(online::findings(&question, &answer));
    }
    secrets::conceal(&mut found, &compiled.secrets);
    Ok(found)
}
