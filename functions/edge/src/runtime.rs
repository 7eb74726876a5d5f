//! A function's start and its loop: the one place with effects in this crate,
//! and only with the feature `runtime`.
//!
//! `config.json` is read and checked before the first invocation is asked for,
//! so that a broken package fails while it starts and not request by request.

use crate::config::LogLevel;
use crate::event::{Cf, Event, Request};
use crate::response::Response;
use http::Uri;
use lambda_runtime::{Diagnostic, LambdaEvent, Runtime, service_fn};
use lambda_runtime_api_client::{Client, body::Body};
use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fs::{File, Metadata};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::PathBuf;
use std::process::ExitCode;

/// What a function hands back to CloudFront: the request to go on with, or an answer.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Reply {
    Request(Box<Request>),
    Response(Response),
}

/// Prepares the handler, then answers invocations until Lambda ends the process.
///
/// `prepare` gets its configuration through [`read_config`]; its error ends the start
/// with one line on stderr and a report to the Runtime API.
pub fn run<H, F>(prepare: impl FnOnce() -> Result<H, String>) -> ExitCode
where
    H: Fn(Cf) -> F,
    F: Future<Output = Reply>,
{
    start(prepare, |handler, _| async move {
        let served = serve(handler).await;
        served.map_err(|error| error.to_string())
    })
}

/// The same for a function with a loop of its own: `serve` gets what was prepared, and
/// the Runtime API's address.
pub fn start<P, F>(
    prepare: impl FnOnce() -> Result<P, String>,
    serve: impl FnOnce(P, Uri) -> F,
) -> ExitCode
where
    F: Future<Output = Result<(), String>>,
{
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("can't start the event loop: {error}")),
    };
    runtime.block_on(async {
        let api = match check_environment().and_then(|()| runtime_api()) {
            Ok(api) => api,
            Err(problem) => return fail(&problem),
        };
        match prepare() {
            Err(problem) => {
                report_init_error(&problem).await;
                fail(&problem)
            }
            Ok(prepared) => match serve(prepared, api).await {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => fail(&format!("lost the Lambda Runtime API: {error}")),
            },
        }
    })
}

/// Reads `config.json` from the package.
pub fn read_config<T: DeserializeOwned>() -> Result<T, String> {
    let path = task_root()?.join("config.json");
    let text = std::fs::read_to_string(&path).map_err(|error| {
        format!(
            "can't read {}: {error}; package the function again",
            path.display()
        )
    })?;
    serde_json::from_str(&text).map_err(|error| {
        format!(
            "{} isn't this function's configuration: {error}; package the function again",
            path.display()
        )
    })
}

/// The function's log: one JSON line per event, of the configured level and graver ones.
#[derive(Debug, Clone, Copy)]
pub struct Log {
    level: LogLevel,
}

impl Log {
    pub fn new(level: LogLevel) -> Self {
        Self { level }
    }

    /// Writes one line. A log that nobody reads any more is no reason to end.
    pub fn write(self, level: LogLevel, request_id: &str, fields: Value) {
        if let Some(line) = self.line(level, request_id, fields) {
            let _ = writeln!(std::io::stdout(), "{line}");
        }
    }

    fn line(self, level: LogLevel, request_id: &str, fields: Value) -> Option<Value> {
        if level > self.level {
            return None;
        }
        let mut line = fields;
        let members = line.as_object_mut()?;
        members.insert("level".to_owned(), json!(level));
        members.insert("requestId".to_owned(), json!(request_id));
        Some(line)
    }
}

/// Where audit lines go: to the function's log as well, and an error is one.
///
/// The standard library takes a closed stdout for one that takes everything, hence a
/// handle of its own.
#[derive(Debug)]
pub struct Audit(File);

impl Audit {
    pub fn open() -> Result<Self, String> {
        let opened = io::stdout().as_fd().try_clone_to_owned().map(File::from);
        let problem =
            |error| format!("`auditClaims` is set, and stdout can't be written to: {error}");
        let file = opened.map_err(problem)?;
        // A program that is started without a stdout gets this one.
        let device = |metadata: Metadata| {
            let is_device = metadata.file_type().is_char_device();
            is_device.then(|| metadata.rdev())
        };
        let null = std::fs::metadata("/dev/null").ok().and_then(device);
        if null.is_some() && file.metadata().ok().and_then(device) == null {
            return Err("`auditClaims` is set, and stdout leads nowhere (/dev/null)".to_owned());
        }
        Ok(Self(file))
    }

    /// Writes one line, whole.
    pub fn write(&self, line: &str) -> Result<(), String> {
        let line = format!("{line}\n");
        let written = (&self.0).write_all(line.as_bytes());
        written.map_err(|error| format!("an audit line can't be written: {error}"))
    }
}

/// LAMBDA_TASK_ROOT, or the program's own directory where it runs outside of Lambda.
fn task_root() -> Result<PathBuf, String> {
    if let Some(root) = std::env::var_os("LAMBDA_TASK_ROOT").filter(|root| !root.is_empty()) {
        return Ok(PathBuf::from(root));
    }
    std::env::current_exe()
        .ok()
        .and_then(|program| program.parent().map(PathBuf::from))
        .ok_or_else(|| "can't tell where config.json is: set LAMBDA_TASK_ROOT".to_owned())
}

/// The runtime library ends the process, without a word on what to do, where one of these is missing.
fn check_environment() -> Result<(), String> {
    const OUTSIDE: &str = "this program runs on AWS Lambda, or locally by `frames dev`";
    for name in [
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    ] {
        if std::env::var(name).is_err() {
            return Err(format!("{name} isn't set: {OUTSIDE}"));
        }
    }
    let memory = std::env::var("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").unwrap_or_default();
    if memory.parse::<i32>().is_err() {
        return Err(format!(
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE isn't a number: {OUTSIDE}"
        ));
    }
    Ok(())
}

fn runtime_api() -> Result<Uri, String> {
    let address = std::env::var("AWS_LAMBDA_RUNTIME_API").unwrap_or_default();
    // Lambda names host and port; index.py a whole address, whose path nobody can guess.
    let host = address.strip_prefix("http://").unwrap_or(&address);
    format!("http://{host}")
        .parse::<Uri>()
        .ok()
        .filter(|uri| uri.authority().is_some())
        .ok_or_else(|| "AWS_LAMBDA_RUNTIME_API isn't `host:port`".to_owned())
}

async fn serve<H, F>(handler: H) -> Result<(), lambda_runtime::Error>
where
    H: Fn(Cf) -> F,
    F: Future<Output = Reply>,
{
    let service = service_fn(|event: LambdaEvent<Payload>| {
        let reply = event.payload.0.map(&handler);
        async move {
            match reply {
                Some(reply) => Ok(reply.await),
                None => Err(Diagnostic {
                    error_type: "NoRecord".to_owned(),
                    error_message: "the event holds no record".to_owned(),
                }),
            }
        }
    });
    Runtime::new(service).run().await
}

/// The event's first record. CloudFront sends exactly one.
struct Payload(Option<Cf>);

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // serde's own message may quote a value, and so a token, into the log.
        let event = Event::deserialize(deserializer)
            .map_err(|_| D::Error::custom("not a Lambda@Edge request event"))?;
        Ok(Self(event.records.into_iter().next().map(|r| r.cf)))
    }
}

fn fail(problem: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "error: {problem}");
    ExitCode::FAILURE
}

/// Tells Lambda why the start failed. Best effort: the line on stderr says it anyhow.
async fn report_init_error(problem: &str) {
    let body = json!({"errorType": "InvalidPackage", "errorMessage": problem, "stackTrace": []});
    let request = http::Request::post("/2018-06-01/runtime/init/error")
        .header("Content-Type", "application/json")
        .header("Lambda-Runtime-Function-Error-Type", "InvalidPackage")
        .body(Body::from(body.to_string()));
    let (Ok(request), Ok(endpoint)) = (request, runtime_api()) else {
        return;
    };
    if let Ok(client) = Client::builder().with_endpoint(endpoint).build() {
        let _ = client.call(request).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(event: &str) -> String {
        match serde_json::from_str::<Payload>(event) {
            Ok(_) => panic!("taken for an event: {event}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_broken_event_is_never_quoted() {
        for event in [
            r#"{"Records": "s3cret"}"#,
            r#"{"Records": [{"cf": {"config": {"eventType": "x", "requestId": "y"}, "request": "s3cret"}}]}"#,
            r#"{"Records": [{"cf": {"config": {"eventType": "x", "requestId": "y"}, "request":
                {"method": "GET", "uri": "/", "headers": {"token": "s3cret"}}}}]}"#,
            r#""s3cret"#,
        ] {
            let problem = problem(event);
            assert!(
                problem.starts_with("not a Lambda@Edge request event"),
                "{problem}"
            );
            assert!(!problem.contains("s3cret"), "{problem}");
        }
    }

    #[test]
    fn the_log_keeps_its_level_and_what_is_graver() {
        let written = |configured, level| {
            let line = Log::new(configured).line(level, "id", json!({"event": "x"}));
            line.map(|line| line.to_string())
        };
        use LogLevel::{Error, Info, Warn};
        assert_eq!(
            written(Warn, Error).unwrap(),
            r#"{"event":"x","level":"error","requestId":"id"}"#
        );
        assert!(written(Warn, Warn).is_some() && written(Info, Info).is_some());
        assert!(written(Warn, Info).is_none() && written(Error, Warn).is_none());
    }

    #[test]
    fn the_first_record_counts() {
        let none: Payload = serde_json::from_str(r#"{"Records": []}"#).unwrap();
        assert!(none.0.is_none());
    }
}
