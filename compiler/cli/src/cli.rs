//! The command line. Scripts rely on its shape.

mod check;
mod deployments;
mod help;
mod init;
mod logs;
mod values;

pub use check::Check;
pub use deployments::{History, Rollback};
pub use init::{Init, InitAnswers};
pub use logs::Logs;
pub use values::Moment;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{ArgGroup, Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use frames_compiler::Target;
use frames_compiler::environments::DEFAULT as DEFAULT_ENV;
use std::path::PathBuf;
use std::time::Duration;
use values::{account, env_name, id, ohif, option, service_name, uid, wait, warning};

/// Medical images from AWS HealthImaging, through CloudFront, by one frames.yml
#[derive(Debug, Parser)]
#[command(name = "frames", version = env!("FRAMES_VERSION"), max_term_width = 100, help_template = help::OVERVIEW)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub global: Global,
}

impl Cli {
    /// The process's command line.
    pub fn read() -> Result<Self, clap::Error> {
        let mut command = help::bound(Self::command());
        let mut matches = command.try_get_matches_from_mut(std::env::args_os())?;
        Self::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
    }

    /// What the parser has laid out, as it is to be shown: with examples that can be copied.
    pub fn unbound(text: String, kind: ErrorKind) -> String {
        match kind {
            // Errors quote what was given.
            ErrorKind::DisplayHelp => help::unbound(&text),
            _ => text,
        }
    }
}

/// `frames --version` with the options that are everywhere: clap itself looks at nothing beside it.
#[derive(Debug, Parser)]
#[command(disable_help_flag = true, disable_version_flag = true)]
pub struct Version {
    #[arg(short = 'V', long)]
    _version: bool,
    #[command(flatten)]
    global: Global,
}

impl Version {
    /// Whether this run asks for it in JSON.
    pub fn is_json() -> bool {
        Self::try_parse().is_ok_and(|version| version.global.format == Format::Json)
    }
}

#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The manifest [default: frames.yml, here or in a directory above]
    #[arg(short, long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// The environment, which is part of every name [default: dev]
    #[arg(short, long, global = true, value_name = "NAME", value_parser = env_name)]
    pub env: Option<String>,

    /// A value for `${opt:name}`; repeatable
    #[arg(long = "opt", global = true, value_name = "NAME=VALUE", value_parser = option)]
    pub options: Vec<(String, String)>,

    /// Accept a `resources` overlay that opens the endpoint
    #[arg(long, global = true)]
    pub allow_unsafe_overlay: bool,

    /// Let the manifest read files outside of its directory
    #[arg(long, global = true)]
    pub allow_outside_files: bool,

    /// The AWS profile to use, even where the environment has access keys
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,

    /// How results are written to stdout; sarif and github are for `validate`, mermaid for `print` and `diff`
    #[arg(long, global = true, value_enum, default_value_t = Format::Human)]
    pub format: Format,

    /// When to use colours
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,

    /// Print only errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Print more
    #[arg(short, long, global = true)]
    pub verbose: bool,

    /// The command's own, where it has any: whatever reads a manifest goes by it.
    #[arg(skip)]
    pub warnings: Warnings,
}

/// What becomes of warnings.
#[derive(Debug, Clone, Default, Args)]
pub struct Warnings {
    /// Count warnings as errors
    #[arg(long)]
    pub deny_warnings: bool,

    /// Neither show nor count this warning; repeatable
    #[arg(long = "allow", value_name = "CODE", value_parser = warning)]
    pub allowed: Vec<String>,
}

impl Global {
    pub fn target(&self) -> Target<'_> {
        Target {
            env: self.env.as_deref().unwrap_or(DEFAULT_ENV),
            chosen: self.env.is_some(),
            allow_unsafe_overlay: self.allow_unsafe_overlay,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Human,
    Json,
    Sarif,
    Github,
    Mermaid,
}

impl Format {
    pub const PLAIN: &[Self] = &[Self::Human, Self::Json];
    pub const DRAWN: &[Self] = &[Self::Human, Self::Json, Self::Mermaid];
    pub const OF_FINDINGS: &[Self] = &[Self::Human, Self::Json, Self::Sarif, Self::Github];

    /// As it is written behind `--format`.
    pub fn name(&self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// `--format` of a command whose results aren't findings. A format for findings is refused by
/// name, and not offered.
#[derive(Debug, Args)]
pub struct HumanOrJson {
    /// How results are written to stdout
    #[arg(id = "format", long = "format", value_name = "FORMAT", value_parser = human_or_json(), default_value = "human")]
    pub format: Format,
}

/// The same of a command that draws as well.
#[derive(Debug, Args)]
pub struct HumanJsonOrMermaid {
    /// How results are written to stdout; mermaid: as a graph that GitHub draws
    #[arg(id = "format", long = "format", value_name = "FORMAT", value_parser = drawn(), default_value = "human")]
    pub format: Format,
}

/// The same of the command whose results are findings.
#[derive(Debug, Args)]
pub struct OfFindings {
    /// How results are written to stdout; sarif: for code scanning, github: as annotations
    #[arg(id = "format", long = "format", value_name = "FORMAT", value_parser = found(), default_value = "human")]
    pub format: Format,
}

fn found() -> impl TypedValueParser<Value = Format> {
    offered(Format::OF_FINDINGS)
}

fn drawn() -> impl TypedValueParser<Value = Format> {
    offered(Format::DRAWN)
}

fn human_or_json() -> impl TypedValueParser<Value = Format> {
    offered(Format::PLAIN)
}

/// Takes every format, so that one that doesn't fit is refused by name.
fn offered(formats: &'static [Format]) -> impl TypedValueParser<Value = Format> {
    let values = Format::value_variants().iter().filter_map(|format| {
        let value = format.to_possible_value()?;
        Some(value.hide(!formats.contains(format)))
    });
    PossibleValuesParser::new(values.collect::<Vec<_>>())
        .try_map(|text| Format::from_str(&text, false))
}

/// The flags of a command that reads a manifest, in one that reads none: refused, and not offered.
#[derive(Debug, Args)]
pub struct NoManifest {
    #[arg(id = "config", short = 'c', long = "config", hide = true)]
    config: Option<PathBuf>,
    #[arg(id = "env", short = 'e', long = "env", hide = true, value_parser = env_name)]
    env: Option<String>,
    #[arg(id = "options", long = "opt", hide = true, value_parser = option)]
    options: Vec<(String, String)>,
    #[arg(
        id = "allow_unsafe_overlay",
        long = "allow-unsafe-overlay",
        hide = true
    )]
    allow_unsafe_overlay: bool,
    #[arg(id = "allow_outside_files", long = "allow-outside-files", hide = true)]
    allow_outside_files: bool,
    #[arg(id = "profile", long = "profile", hide = true)]
    profile: Option<String>,
}

impl NoManifest {
    /// A flag that was given.
    pub fn given(&self) -> Option<&'static str> {
        [
            ("--config", self.config.is_some()),
            ("--env", self.env.is_some()),
            ("--opt", !self.options.is_empty()),
            ("--allow-unsafe-overlay", self.allow_unsafe_overlay),
            ("--allow-outside-files", self.allow_outside_files),
            ("--profile", self.profile.is_some()),
        ]
        .into_iter()
        .find_map(|(flag, given)| given.then_some(flag))
    }
}

/// A command that prints a text, whatever the format.
#[derive(Debug, Args)]
pub struct Printing {
    #[command(flatten)]
    pub none: NoManifest,
    #[arg(id = "format", long = "format", hide = true, value_parser = human_or_json(), default_value = "human")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a commented frames.yml, by questions or by flags
    Init(Box<Init>),
    /// Check the manifest, and say where and how to correct it
    Validate(Validate),
    /// Compile the templates and the functions' zips to .frames/<env>/
    Package(Package),
    /// Print the manifest after environments, variables and defaults
    Print(Print),
    /// Package, upload, and deploy the stages in order; print the URL
    Deploy(Deploy),
    /// Show what a deploy would change, per stage
    Diff(Diff),
    /// Show what is deployed: stacks, versions, URL and CNAME records
    Info(Info),
    /// Look at an endpoint from outside: TLS, tokens, headers, caches
    Check(Check),
    /// Show what the functions logged, in all Regions, in the order of time
    Logs(Logs),
    /// Remove everything in reverse order, and wait for the replicas
    Remove(Remove),
    /// List the deployments, the newest first: when, who, commit, what changed
    History(History),
    /// Deploy an earlier deployment again, as it was packaged
    Rollback(Rollback),
    /// Take what was withdrawn out of the edge's caches, and wait until it is gone
    Purge(Purge),
    /// Print the IAM policy needed to deploy and remove this manifest
    Policy(Policy),
    /// Serve the delivery on this machine, without an AWS account
    Dev(Dev),
    /// Show what is here, and what is missing for which command
    Doctor(Doctor),
    /// Print the JSON Schema of frames.yml, for editors
    #[command(after_help = help::SCHEMA)]
    Schema(Printing),
    /// Print a completion script for a shell
    Completions(Completions),
}

impl Command {
    pub fn warnings(&self) -> Warnings {
        match self {
            Self::Validate(arguments) => arguments.warnings.clone(),
            Self::Package(arguments) => arguments.warnings.clone(),
            Self::Deploy(arguments) => arguments.warnings.clone(),
            _ => Warnings::default(),
        }
    }

    /// As it is written on the command line.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Init(_) => "init",
            Self::Validate(_) => "validate",
            Self::Package(_) => "package",
            Self::Print(_) => "print",
            Self::Deploy(_) => "deploy",
            Self::Diff(_) => "diff",
            Self::Info(_) => "info",
            Self::Check(_) => "check",
            Self::Logs(_) => "logs",
            Self::Remove(_) => "remove",
            Self::Purge(_) => "purge",
            Self::Policy(_) => "policy",
            Self::Dev(_) => "dev",
            Self::Schema(_) => "schema",
            Self::Completions(_) => "completions",
            Self::Doctor(_) => "doctor",
            Self::History(_) => "history",
            Self::Rollback(_) => "rollback",
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = help::COMPLETIONS)]
pub struct Completions {
    /// The shell to complete in
    pub shell: Shell,

    #[command(flatten)]
    pub printing: Printing,
}

#[derive(Debug, Args)]
#[command(after_help = help::VALIDATE)]
pub struct Validate {
    /// Explain a finding's code instead
    #[arg(long, value_name = "CODE")]
    pub explain: Option<String>,

    /// Check again whenever the manifest or a file that it names changes, until Ctrl-C
    #[arg(long, conflicts_with_all = ["explain", "online"])]
    pub watch: bool,

    #[command(flatten)]
    pub warnings: Warnings,

    /// Ask AWS for the values of `${cf:…}`, `${ssm:…}` and `${aws:…}`, and whether what the
    /// manifest names exists
    #[arg(long)]
    pub online: bool,

    #[command(flatten)]
    pub shape: OfFindings,
}

#[derive(Debug, Args)]
#[command(after_help = help::PACKAGE)]
pub struct Package {
    /// Ask the issuer for its key set and bake it in; else the issuer isn't asked
    #[arg(long)]
    pub fetch_keys: bool,

    #[command(flatten)]
    pub warnings: Warnings,

    /// Ask AWS for the values of `${cf:…}`, `${ssm:…}` and `${aws:…}`
    #[arg(long)]
    pub online: bool,

    #[command(flatten)]
    pub shape: HumanOrJson,
}

#[derive(Debug, Args)]
#[command(after_help = help::PRINT)]
pub struct Print {
    /// Print only one value, as in `domain.cnames` or `iam.allow.0.datastore`
    #[arg(long, value_name = "PATH")]
    pub path: Option<String>,

    /// Ask AWS for the values of `${cf:…}`, `${ssm:…}` and `${aws:…}`
    #[arg(long)]
    pub online: bool,

    #[command(flatten)]
    pub shape: HumanJsonOrMermaid,
}

#[derive(Debug, Args)]
#[command(after_help = help::DEPLOY)]
pub struct Deploy {
    /// Don't ask before something is replaced or removed
    #[arg(short, long)]
    pub yes: bool,

    /// Show what would change, and change nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Allow this other service, which serves the same data stores and users, to stay deployed too; repeatable
    #[arg(long, value_name = "SERVICE", value_parser = service_name)]
    pub beside: Vec<String>,

    /// Switch the distribution on again, where somebody disabled it outside of CloudFormation
    #[arg(long)]
    pub enable: bool,

    /// Don't wait until every edge location has the change, and don't check the endpoint then
    #[arg(long)]
    pub no_wait: bool,

    /// Deploy only this stage: lambda-edge, cdn, or where the manifest has them reads, logs
    #[arg(long, value_name = "STAGE")]
    pub only: Option<String>,

    #[command(flatten)]
    pub warnings: Warnings,

    #[command(flatten)]
    pub shape: HumanOrJson,
}

#[derive(Debug, Args)]
#[command(after_help = help::DIFF)]
pub struct Diff {
    /// Exit with 1 if something would change
    #[arg(long)]
    pub exit_code: bool,

    /// Another service that serves the same data stores and users, and that is to stay deployed too; repeatable
    #[arg(long, value_name = "SERVICE", value_parser = service_name)]
    pub beside: Vec<String>,

    #[command(flatten)]
    pub shape: HumanJsonOrMermaid,
}

/// A deployment without its manifest.
#[derive(Debug, Args)]
pub struct ByName {
    /// Read no frames.yml, and take the deployment of this service and of --env
    #[arg(long, value_name = "NAME", value_parser = service_name)]
    pub service: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = help::INFO)]
pub struct Info {
    #[command(flatten)]
    pub name: ByName,

    /// Also compare every resource with its template, which takes a while
    #[arg(long)]
    pub drift: bool,

    /// Wait until every edge location has the last change, and for how long: `90s`, `30m` [default: 30m]
    #[arg(long, value_name = "DURATION", num_args = 0..=1, default_missing_value = "30m", value_parser = wait)]
    pub wait: Option<Duration>,

    #[command(flatten)]
    pub shape: HumanOrJson,
}

#[derive(Debug, Args)]
#[command(after_help = help::REMOVE)]
pub struct Remove {
    #[command(flatten)]
    pub name: ByName,

    /// Don't ask
    #[arg(short, long)]
    pub yes: bool,

    /// Show what would be removed, and change nothing
    #[arg(long)]
    pub dry_run: bool,

    /// How long to wait for CloudFront's replicas: `90s`, `30m`, `2h` [default: 30m on a terminal, else 0]
    #[arg(long, value_name = "DURATION", value_parser = wait)]
    pub wait: Option<Duration>,

    /// Delete the access logs and their bucket as well
    #[arg(long)]
    pub delete_logs: bool,

    /// Leave behind the functions that replicas still hold, and list them
    #[arg(long)]
    pub abandon: bool,

    #[command(flatten)]
    pub shape: HumanOrJson,
}

#[derive(Debug, Args)]
#[command(after_help = help::PURGE, group = ArgGroup::new("what").required(true).args(["datastore", "all"]))]
pub struct Purge {
    #[command(flatten)]
    pub name: ByName,

    /// Purge what is cached of this data store
    #[arg(long, value_name = "ID", value_parser = id)]
    pub datastore: Option<String>,

    /// Of its native reads, purge only those of this image set; repeatable. All of its DICOMweb goes too, unless --study says less
    #[arg(long = "image-set", value_name = "ID", requires = "datastore", value_parser = id)]
    pub image_sets: Vec<String>,

    /// Of its DICOMweb, purge only this study. All of its native reads go too, unless --image-set says less
    #[arg(long, value_name = "UID", requires = "datastore", value_parser = uid)]
    pub study: Option<String>,

    /// Of the study, purge only this series
    #[arg(long, value_name = "UID", requires = "study", value_parser = uid)]
    pub series: Option<String>,

    /// Purge everything
    #[arg(long)]
    pub all: bool,

    /// Ask a running `frames dev` instead of AWS, by the address that it prints as Purge
    #[arg(long, value_name = "URL", conflicts_with = "service")]
    pub endpoint: Option<String>,

    #[command(flatten)]
    pub shape: HumanOrJson,
}

#[derive(Debug, Args)]
#[command(after_help = help::POLICY)]
pub struct Policy {
    /// The account to deploy to [default: `deploy.account`, else `*` for any account]
    #[arg(long, value_name = "ID", value_parser = account)]
    pub account: Option<String>,

    /// Also allow `remove --delete-logs` to delete the access logs
    #[arg(long)]
    pub delete_logs: bool,

    /// Also allow `logs` to read what the functions logged: who looked at what, with `logs.audit`
    #[arg(long)]
    pub read_logs: bool,

    /// Print a list of policies instead, each small enough for a managed policy
    #[arg(long)]
    pub split: bool,

    /// Ask AWS for the values of `${cf:…}`, `${ssm:…}` and `${aws:…}`, and for the account
    #[arg(long)]
    pub online: bool,

    #[command(flatten)]
    pub shape: HumanOrJson,
}

#[derive(Debug, Args)]
#[command(after_help = help::DEV)]
pub struct Dev {
    /// The port of the local edge; 0 picks a free one [default: 8080, or a free one]
    #[arg(long)]
    pub port: Option<u16>,

    /// Where frames come from: a stand-in with a few CT, MR and US frames, or AWS with your credentials
    #[arg(long, value_enum, default_value_t = OriginChoice::Embedded)]
    pub origin: OriginChoice,

    /// Have the stand-in serve the DICOM files below a directory [default: a built-in study]
    #[arg(long, value_name = "DIR")]
    pub dicom: Option<PathBuf>,

    /// Have a change of the manifest, of what it reads, or of the DICOM files go live at once, until Ctrl-C
    #[arg(long, conflicts_with = "online")]
    pub watch: bool,

    /// Who issues tokens: an issuer on this machine, or the manifest's own
    #[arg(long, value_enum, default_value_t = IssuerChoice::Embedded)]
    pub issuer: IssuerChoice,

    /// Serve OHIF too, pointed at the local edge: from a folder with its built files, or from npm
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = "", value_parser = ohif)]
    pub ohif: Option<OhifChoice>,

    /// Ask AWS for the values of `${cf:…}`, `${ssm:…}` and `${aws:…}`, once, at the start
    #[arg(long)]
    pub online: bool,

    #[command(flatten)]
    pub shape: HumanOrJson,
}

#[derive(Debug, Args)]
#[command(after_help = help::DOCTOR)]
pub struct Doctor {
    #[command(flatten)]
    pub shape: HumanOrJson,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OriginChoice {
    Embedded,
    Aws,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum IssuerChoice {
    Embedded,
    Manifest,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OhifChoice {
    Npm,
    Directory(PathBuf),
}
