//! The flags of `frames check`.

use super::{ByName, HumanOrJson, help};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = help::CHECK)]
pub struct Check {
    /// Look at this endpoint, and read no manifest [default: the deployed one]
    #[arg(conflicts_with = "service")]
    pub url: Option<String>,

    #[command(flatten)]
    pub name: ByName,

    /// A viewer's token, in a file; it needs --frame or --path. FRAMES_TOKEN may hold it instead
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,

    /// The frame to read, by HealthImaging's ids
    #[arg(long, value_name = "DATASTORE/IMAGESET/FRAME", conflicts_with = "path")]
    pub frame: Option<String>,

    /// The path to read instead, with its query
    #[arg(long, value_name = "PATH")]
    pub path: Option<String>,

    /// A page's origin that has to be allowed [default: the template's first]
    #[arg(long, value_name = "ORIGIN")]
    pub origin: Option<String>,

    /// Connect to this host, and ask for the URL's: before its DNS record is set. FRAMES_CONNECT_TO does the same
    #[arg(long, value_name = "HOST[:PORT]")]
    pub connect_to: Option<String>,

    #[command(flatten)]
    pub shape: HumanOrJson,
}
