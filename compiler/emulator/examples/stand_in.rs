//! HealthImaging's stand-in by itself, for `benches/edge.sh`: the edge in front of it is
//! measured by what it can do alone. Takes a package's directory, and prints where the
//! stand-in is and how requests to it have to be signed: with random credentials, which
//! open nothing else. Ends with SIGTERM.

// It has no terminal of frames to say it by.
#![allow(clippy::disallowed_methods)]

use frames_edge::{LogLevel, SignerConfig};
use frames_emulator::healthimaging::{self, Policy, StandIn};
use frames_emulator::{Credentials, package};
use serde_json::json;
use std::{error::Error, io::Write, path::Path};

const REGION: &str = "us-east-1";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let directory = std::env::args()
        .nth(1)
        .ok_or("name a package's directory")?;
    let policy = Policy::of(&package::read(Path::new(&directory))?);
    let config = SignerConfig {
        region: REGION.to_owned(),
        native_host: format!("runtime-medical-imaging.{REGION}.amazonaws.com"),
        dicomweb_host: Some(format!("dicom-medical-imaging.{REGION}.amazonaws.com")),
        metadata: true,
        cached_reads: false,
        log_level: LogLevel::Warn,
    };
    let images = healthimaging::embedded()?;
    let stand_in = StandIn::start(&config, Credentials::random()?, policy, images).await?;
    let credentials = stand_in.credentials();
    let ready = json!({
        "url": format!("http://{}", stand_in.address()),
        "region": REGION,
        "nativeHost": config.native_host,
        "dicomwebHost": config.dicomweb_host,
        "accessKeyId": credentials.access_key_id,
        "secretAccessKey": credentials.secret_access_key,
        "sessionToken": credentials.session_token,
    });
    writeln!(std::io::stdout(), "{ready}")?;
    std::future::pending().await
}
