//! The flags of the commands on earlier deployments.

use super::values::deployment;
use super::{ByName, HumanOrJson, help};
use clap::Args;

#[derive(Debug, Args)]
#[command(after_help = help::HISTORY)]
pub struct History {
    #[command(flatten)]
    pub name: ByName,

    #[command(flatten)]
    pub shape: HumanOrJson,
}

#[derive(Debug, Args)]
#[command(after_help = help::ROLLBACK)]
pub struct Rollback {
    /// The deployment's id, or its first digits [default: the newest that isn't deployed now]
    #[arg(value_name = "ID", value_parser = deployment)]
    pub id: Option<String>,

    #[command(flatten)]
    pub name: ByName,

    /// Don't ask before it begins, or before something is replaced or removed
    #[arg(short, long)]
    pub yes: bool,

    /// Show what would change, and change nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Switch the distribution on again, where somebody disabled it outside of CloudFormation
    #[arg(long)]
    pub enable: bool,

    /// Don't wait until every edge location has the change, and don't check the endpoint then
    #[arg(long)]
    pub no_wait: bool,

    #[command(flatten)]
    pub shape: HumanOrJson,
}
