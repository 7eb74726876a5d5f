//! A function's process: the environment that Lambda gives it and nothing
//! more, and no way to outlive the edge.

use super::Launch;
use crate::{Credentials, Error, FunctionLog, random};
use std::{net::SocketAddr, path::Path, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader},
    process::{Child, Command},
};

/// Longer lines are cut: a function's log must not fill this process.
const LINE_BYTES: u64 = 16 * 1024;

/// By which AWS's SDKs are led to another HealthImaging. On AWS it isn't set.
const ENDPOINT: &str = "AWS_ENDPOINT_URL_MEDICAL_IMAGING";

/// Starts the function's `bootstrap` against the Runtime API at `api`.
pub(super) async fn start(
    launch: &Launch,
    api: SocketAddr,
    credentials: &Credentials,
) -> Result<Child, Error> {
    let program = launch.unpacked.task_root.join("bootstrap");
    let mut command = Command::new(&program);
    command
        .env_clear()
        .envs(environment(launch, api, credentials)?)
        .current_dir(&launch.unpacked.task_root)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    // Its own group: only this process handles a Ctrl-C on the terminal.
    #[cfg(unix)]
    command.process_group(0);
    #[cfg(target_os = "linux")]
    die_with_parent(&mut command);
    let mut child = spawn(&mut command, &program).await?;
    if let Some(stdout) = child.stdout.take() {
        forward(stdout, launch.function.name.clone(), launch.log.clone());
    }
    if let Some(stderr) = child.stderr.take() {
        forward(stderr, launch.function.name.clone(), launch.log.clone());
    }
    Ok(child)
}

async fn spawn(command: &mut Command, program: &Path) -> Result<Child, Error> {
    const TRIES: u32 = 20;
    let mut tries = 0;
    loop {
        match command.spawn() {
            // Another thread forked while `bootstrap` was being written, and
            // holds it open until its own exec.
            Err(e) if e.kind() == std::io::ErrorKind::ExecutableFileBusy && tries < TRIES => {
                tries += 1;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            Err(e) => {
                return Err(Error::new(format!("cannot run {}: {e}", program.display())).help(
                    "the function must be built for this machine, and the temporary directory (TMPDIR) must allow programs",
                ));
            }
            Ok(child) => return Ok(child),
        }
    }
}

/// Has the kernel kill the child when this thread ends, however it ends. So it
/// must be a thread that lives as long as the edge, as the one of a
/// current-thread runtime does.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn die_with_parent(command: &mut Command) {
    use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};
    let parent = getpid();
    let prepare = move || {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // The parent may have ended before the call took effect.
        if getppid() == Some(parent) {
            Ok(())
        } else {
            Err(std::io::Error::from(std::io::ErrorKind::BrokenPipe))
        }
    };
    // SAFETY: between fork and exec this makes two system calls; it neither
    // allocates nor takes a lock.
    unsafe {
        command.pre_exec(prepare);
    }
}

/// The variables of Lambda's managed Python runtimes, as they are before the
/// shim puts the program in the interpreter's place, and of its OS-only runtimes.
/// `_X_AMZN_TRACE_ID` comes with each invocation instead.
fn environment(
    launch: &Launch,
    api: SocketAddr,
    credentials: &Credentials,
) -> Result<Vec<(&'static str, String)>, Error> {
    let function = &launch.function;
    let (name, version) = match &function.region {
        // At the edge a replica is named by its home Region, too.
        None => (format!("{}.{}", launch.region(), function.name), "1"),
        Some(_) => (function.name.clone(), "$LATEST"),
    };
    let root = launch.unpacked.task_root.display().to_string();
    let stream = format!("1970/01/01/[{version}]{}", random::uuid()?.replace('-', ""));
    let mut variables = vec![
        ("AWS_LAMBDA_RUNTIME_API", api.to_string()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}")),
        ("AWS_LAMBDA_LOG_STREAM_NAME", stream),
        ("AWS_LAMBDA_FUNCTION_NAME", name),
        ("AWS_LAMBDA_FUNCTION_VERSION", version.to_owned()),
        (
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
            function.memory_mb.to_string(),
        ),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
        (
            "AWS_EXECUTION_ENV",
            format!("AWS_Lambda_{}", function.runtime),
        ),
        ("AWS_REGION", launch.region().to_owned()),
        ("AWS_DEFAULT_REGION", launch.region().to_owned()),
        ("AWS_ACCESS_KEY_ID", credentials.access_key_id.clone()),
        (
            "AWS_SECRET_ACCESS_KEY",
            credentials.secret_access_key.clone(),
        ),
        ("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR".to_owned()),
        ("AWS_XRAY_DAEMON_ADDRESS", "169.254.79.129:2000".to_owned()),
        ("_HANDLER", function.handler.clone()),
        ("LAMBDA_TASK_ROOT", root.clone()),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime".to_owned()),
        (
            "LD_LIBRARY_PATH",
            format!(
                "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:{root}:{root}/lib:/opt/lib"
            ),
        ),
        (
            "PATH",
            "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin".to_owned(),
        ),
        ("LANG", "en_US.UTF-8".to_owned()),
        ("TZ", ":UTC".to_owned()),
    ];
    if function.runtime.starts_with("provided") {
        variables.retain(|(name, _)| *name != "AWS_EXECUTION_ENV");
    }
    if let Some(endpoint) = &launch.endpoint {
        variables.push((ENDPOINT, format!("http://{endpoint}")));
    }
    if let Some(token) = &credentials.session_token {
        variables.push(("AWS_SESSION_TOKEN", token.clone()));
    }
    Ok(variables)
}

/// Hands a stream's lines to the log, until the process closes it.
fn forward(stream: impl AsyncRead + Unpin + Send + 'static, name: String, log: FunctionLog) {
    tokio::spawn(async move {
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        loop {
            line.clear();
            match (&mut reader)
                .take(LINE_BYTES)
                .read_until(b'\n', &mut line)
                .await
            {
                Ok(0) | Err(_) => return,
                Ok(_) => log(&name, String::from_utf8_lossy(&line).trim_end()),
            }
        }
    });
}
