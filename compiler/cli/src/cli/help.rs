//! The help's own words: the overview, which fits on a screen of 80 columns and 24 lines, and
//! what each command's help ends with.

use clap::Command;

/// Of a private use: stands for a space that the parser breaks no line at.
const BOUND: char = '\u{e000}';

/// The commands, with examples that the parser leaves whole on a narrow terminal: they are copied.
pub(super) fn bound(command: Command) -> Command {
    command.mut_subcommands(|command| {
        let Some(after) = command.get_after_help().map(ToString::to_string) else {
            return command;
        };
        let whole = |line: &str| match line.strip_prefix("  ") {
            Some(_) => line.replace(' ', &BOUND.to_string()),
            None => line.to_owned(),
        };
        let lines: Vec<String> = after.lines().map(whole).collect();
        command.after_help(lines.join("\n"))
    })
}

/// A help that was laid out with them.
pub(super) fn unbound(text: &str) -> String {
    text.replace(BOUND, " ")
}

/// The parser drops the escape sequences where there is no terminal. A test compares this with
/// the commands and options that there are.
pub(super) const OVERVIEW: &str = "\
{about}

\x1b[1;4mUsage:\x1b[0m \x1b[1mframes\x1b[0m <COMMAND> [OPTIONS]      `frames <COMMAND> --help` tells more

\x1b[1;4mWrite\x1b[0m   \x1b[1minit\x1b[0m      Write a first frames.yml: by questions, flags, or a sample
        \x1b[1mvalidate\x1b[0m  Check it, and say where and how to correct it
        \x1b[1mprint\x1b[0m     Print it after environments, variables and defaults
\x1b[1;4mTry\x1b[0m     \x1b[1mdev\x1b[0m       Serve the delivery on this machine, without an AWS account
\x1b[1;4mDeploy\x1b[0m  \x1b[1mpackage\x1b[0m   Compile templates and functions to .frames/<env>/
        \x1b[1mdiff\x1b[0m      Show what a deployment would change
        \x1b[1mdeploy\x1b[0m    Package, upload, deploy, and print the URL
        \x1b[1mremove\x1b[0m, \x1b[1mpolicy\x1b[0m  Remove everything; print the deployer's IAM policy
\x1b[1;4mRun\x1b[0m     \x1b[1minfo\x1b[0m, \x1b[1mcheck\x1b[0m  Show what is deployed; look at the endpoint from outside
        \x1b[1mlogs\x1b[0m, \x1b[1mpurge\x1b[0m  Show what was logged; take withdrawn images out of caches
        \x1b[1mhistory\x1b[0m, \x1b[1mrollback\x1b[0m  List deployments; deploy an earlier one again
\x1b[1;4mHelp\x1b[0m    \x1b[1mdoctor\x1b[0m    Show what is here, and what is missing
        \x1b[1mschema\x1b[0m, \x1b[1mcompletions\x1b[0m, \x1b[1mhelp\x1b[0m  For editors, shells and you

Options   --config <FILE>  --env <NAME>  --opt <NAME=VALUE>  --profile <NAME>
          --format human|json|sarif|github|mermaid  --color  --quiet  --verbose
          --allow-unsafe-overlay  --allow-outside-files  --help  --version
Examples  frames init && frames dev && frames deploy --env prod
Exit codes: 0 done, 1 failed, 2 usage, 3 frames.yml, 4 run again, 130 stopped";

pub(super) const INIT: &str = "\
Examples:
  frames init
  frames init --auth none --dicomweb
  frames init viewer --user-pool-id us-east-1_AbCdEfGhI
  frames init --from ../amazon-cloudfront-delivery/config.ts";

pub(super) const VALIDATE: &str = "\
Examples:
  frames validate --watch
  frames validate --online --env prod
  frames validate --deny-warnings --allow audit-retention
  frames validate --explain unknown-key";

pub(super) const PACKAGE: &str = "\
Example:
  frames package --env prod --fetch-keys";

pub(super) const PRINT: &str = "\
Examples:
  frames print --env prod
  frames print --path domain.cnames";

pub(super) const DEPLOY: &str = "\
Examples:
  frames deploy
  frames deploy --env prod --dry-run
  frames deploy --no-wait && frames info --wait && frames check
  frames deploy --env prod --yes --format json";

pub(super) const DIFF: &str = "\
Examples:
  frames diff --env prod --exit-code
  frames diff --format mermaid > diff.mmd";

pub(super) const INFO: &str = "\
Examples:
  frames info --env prod --drift
  frames info --wait";

pub(super) const CHECK: &str = "\
Exits with 1 where something is wrong. Only requests that a viewer could send are sent.

Examples:
  frames check --env prod
  frames check https://images.example.org --origin https://viewer.example.org
  frames check --token-file token.txt --frame DATASTORE/IMAGESET/FRAME";

pub(super) const LOGS: &str = "\
Examples:
  frames logs --env prod --follow
  frames logs --audit --study 1.2.840.113619.2.5 --since 2026-03-01
  frames logs --insights --study 1.2.840.113619.2.5 --since 30d > query.txt";

pub(super) const REMOVE: &str = "\
Examples:
  frames remove --dry-run
  frames remove --env test --yes --wait 2h";

pub(super) const PURGE: &str = "\
Examples:
  frames purge --env prod --datastore 12345678901234567890123456789012 \\
    --study 1.2.840.113619.2.5
  frames purge --service radiology --env prod --all";

pub(super) const HISTORY: &str = "\
Examples:
  frames history --env prod
  frames history --service viewer --env prod --format json";

pub(super) const ROLLBACK: &str = "\
Examples:
  frames rollback --env prod --dry-run
  frames rollback 3f2a9c81d0e4 --env prod --yes
  frames rollback --service viewer --env prod";

pub(super) const POLICY: &str = "\
Example:
  frames policy --env prod --account 111122223333 > deployer.json";

pub(super) const DEV: &str = "\
Examples:
  frames dev
  frames dev --watch --dicom ./studies --ohif
  frames dev --port 0 --format json";

pub(super) const DOCTOR: &str = "\
Exits with 1 where something is missing.

Example:
  frames doctor --env prod --format json";

pub(super) const SCHEMA: &str = "\
Example:
  frames schema > frames.schema.json";

pub(super) const COMPLETIONS: &str = "\
Example:
  frames completions bash > ~/.local/share/bash-completion/completions/frames";
