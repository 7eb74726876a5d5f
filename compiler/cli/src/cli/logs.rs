//! The flags of `frames logs`.

use super::help;
use super::values::{Moment, function, id, moment, uid};
use super::{ByName, HumanOrJson};
use clap::{ArgGroup, Args};

#[derive(Debug, Args)]
#[command(after_help = help::LOGS, group = ArgGroup::new("audited").args(["audit", "insights"]).multiple(true))]
pub struct Logs {
    #[command(flatten)]
    pub name: ByName,

    /// Go on with lines as they come, until Ctrl-C; log groups of further Regions too
    #[arg(short, long, conflicts_with_all = ["until", "insights"])]
    pub follow: bool,

    /// From when on: `90s`, `30m`, `2h`, `1d` ago, a date, or a time as in RFC 3339 [default: 1h]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub since: Option<Moment>,

    /// Up to when, written as for --since [default: now]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub until: Option<Moment>,

    /// Only the lines of this function
    #[arg(long, value_name = "NAME", value_parser = function(), conflicts_with_all = ["audit", "insights"])]
    pub function: Option<String>,

    /// Only the audit lines: who was granted what. They are written where `logs.audit` is true
    #[arg(long)]
    pub audit: bool,

    /// Only the audit lines of this study; repeatable
    #[arg(long, value_name = "UID", value_parser = uid, requires = "audited")]
    pub study: Vec<String>,

    /// Only the audit lines of this image set; repeatable, and beside --study both are shown
    #[arg(long, value_name = "ID", value_parser = id, requires = "audited")]
    pub image_set: Vec<String>,

    /// Print a query for CloudWatch Logs Insights instead, and how to ask all Regions: who read it,
    /// how often, first and last
    #[arg(long)]
    pub insights: bool,

    #[command(flatten)]
    pub shape: HumanOrJson,
}
