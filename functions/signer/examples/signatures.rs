//! The signer's signatures, for the tests that put other signers' beside them.
//! A line of JSON on stdin asks; a line answers: the request as it leaves, or
//! `{"refused": class}`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use frames_edge::{LogLevel, Request, SignerConfig};
use frames_signer::{Credentials, Outcome, sign};
use serde_json::{Value, json};
use std::io::Write;
use std::time::{Duration, UNIX_EPOCH};

fn main() {
    let mut stdout = std::io::stdout().lock();
    for line in std::io::stdin().lines() {
        let asked: Value = serde_json::from_str(&line.unwrap()).unwrap();
        writeln!(stdout, "{}", answer(&asked)).unwrap();
    }
}

fn answer(asked: &Value) -> Value {
    let text = |name: &str| asked[name].as_str().unwrap().to_owned();
    let region = text("region");
    let config = SignerConfig {
        native_host: format!("runtime-medical-imaging.{region}.amazonaws.com"),
        dicomweb_host: Some(format!("dicom-medical-imaging.{region}.amazonaws.com")),
        metadata: true,
        cached_reads: false,
        region,
        log_level: LogLevel::Warn,
    };
    let token = asked["token"].as_str().map(str::to_owned);
    let credentials = Credentials::new(text("accessKey"), text("secretKey"), token, None, "test");
    let now = UNIX_EPOCH + Duration::from_secs(asked["now"].as_u64().unwrap());
    let request: Request = serde_json::from_value(asked["request"].clone()).unwrap();
    match sign(request, &text("requestId"), &config, &credentials, now) {
        Outcome::Send(sent) => json!(*sent),
        Outcome::Refuse(_, class) => json!({"refused": class}),
    }
}
