//! What `--online` adds: references that AWS answers, and the checks that need it.

use super::{compile_findings, compile_with};
use crate::aws::{self, Answers, Aws};
use crate::cli::Global;
use crate::failure::{Failure, Result};
use crate::project::Project;
use crate::terminal::Terminal;
use frames_compiler::{Compiled, Diagnostic, Source, diagnostic, online, secrets};

/// References to references: each round answers one layer of them.
const ROUNDS: usize = 16;

/// What is wrong whatever AWS says is told before anybody looks for credentials.
pub fn offline(project: &Project, global: &Global, terminal: Terminal) -> Result<()> {
    let (source, compiled) = compile_with(project, global.target(), project);
    match compiled.diagnostics.iter().any(Diagnostic::is_error) {
        true => compile_findings(&source, &compiled, terminal).map(|_| ()),
        false => Ok(()),
    }
}

/// Compiles with the values that AWS has.
pub async fn compiled(project: &Project, global: &Global, aws: &Aws) -> Result<(Source, Compiled)> {
    let mut answers = Answers::new(project);
    answered(project, global, aws, &mut answers).await
}

/// The same, and what was asked for on the way: `ssm:/path`, `cf:stack.Output`.
pub async fn compiled_and_asked(
    project: &Project,
    global: &Global,
    aws: &Aws,
) -> Result<(Source, Compiled, Vec<String>)> {
    let mut answers = Answers::new(project);
    let (source, compiled) = answered(project, global, aws, &mut answers).await?;
    Ok((source, compiled, answers.references()))
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

/// `deploy.account`: no other is asked for anything, but for what the name itself takes.
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
        "these credentials are of account {account} ({arn}), and `deploy.account` is {wanted}"
    ))
    .help(
        "nothing there was changed: choose the account with --profile, or correct `deploy.account`",
    ))
}

/// Who asks, and so what about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// Everything.
    Validate,
    /// Quotas for a first deployment only: of what is deployed already they say nothing new.
    /// A large template is asked about once it is in the bucket.
    Deploy { first: bool },
}

/// Holds what the manifest names against AWS, where it has no errors yet, and the templates
/// against CloudFormation's own validation.
pub async fn check(compiled: &mut Compiled, aws: &Aws, asking: Asking) -> Result<()> {
    let Some(resolved) = &compiled.resolved else {
        return Ok(());
    };
    if compiled.diagnostics.iter().any(Diagnostic::is_error) {
        return Ok(());
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
    compiled.diagnostics.extend(found);
    diagnostic::sort(&mut compiled.diagnostics);
    Ok(())
}
