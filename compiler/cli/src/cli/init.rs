//! The flags of `frames init`.

use super::{HumanOrJson, NoManifest, help};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = help::INIT)]
pub struct Init {
    /// Where to write frames.yml [default: the current directory]
    #[arg(value_name = "DIR")]
    pub directory: Option<PathBuf>,

    /// Take the settings from config.ts of the AWS sample or its successor; flags go first
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,

    /// List what the account has, to choose from, where frames asks on a terminal
    #[arg(long, conflicts_with = "from")]
    pub online: bool,

    #[command(flatten)]
    pub answers: InitAnswers,

    #[command(flatten)]
    pub none: NoManifest,

    #[command(flatten)]
    pub shape: HumanOrJson,
}

/// With any of these, `init` asks nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct InitAnswers {
    /// The service's name [default: the directory's]
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,

    /// Who may fetch frames: cognito, oidc or none
    #[arg(long, value_name = "MODE")]
    pub auth: Option<String>,

    /// The Cognito user pool, with --auth cognito
    #[arg(long, value_name = "ID")]
    pub user_pool_id: Option<String>,

    /// An app client of the pool whose tokens are accepted [default: all]; repeatable
    #[arg(long, value_name = "ID")]
    pub client_id: Vec<String>,

    /// The OpenID Connect issuer, with --auth oidc
    #[arg(long, value_name = "URL")]
    pub issuer: Option<String>,

    /// An accepted value of the tokens' `aud` claim, with --auth oidc; repeatable
    #[arg(long, value_name = "NAME")]
    pub audience: Vec<String>,

    /// Serve DICOMweb too
    #[arg(long)]
    pub dicomweb: bool,

    /// A web origin whose pages may read frames [default: any]; repeatable
    #[arg(long, value_name = "URL")]
    pub origin: Vec<String>,

    /// Your own domain name, with --certificate-arn or --hosted-zone-id; repeatable
    #[arg(long, value_name = "HOST")]
    pub cname: Vec<String>,

    /// An ACM certificate in us-east-1 that covers the names
    #[arg(long, value_name = "ARN")]
    pub certificate_arn: Option<String>,

    /// The Route 53 zone that gets the names' records, and validates a certificate
    #[arg(long, value_name = "ID")]
    pub hosted_zone_id: Option<String>,

    /// Names that nothing covers yet: only the questions leave them out of `domain`.
    #[arg(skip)]
    pub uncovered: Vec<String>,

    /// A data store that may be read [default: all of the account]; repeatable
    #[arg(long, value_name = "ID")]
    pub datastore: Vec<String>,

    /// The data stores' Region [default: us-east-1]
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,

    /// The host of the native runtime API: only the sample's settings name one.
    #[arg(skip)]
    pub endpoint: Option<String>,

    /// What the functions log: only the settings of the sample's successor say it.
    #[arg(skip)]
    pub log_level: Option<String>,

    /// Metadata of image sets: only the sample's successor serves them.
    #[arg(skip)]
    pub metadata: bool,

    /// Native reads by GET, cached: only the sample's successor serves them in this spelling.
    #[arg(skip)]
    pub cached_reads: bool,
}
