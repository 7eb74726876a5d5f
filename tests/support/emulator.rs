//! AWS's own Lambda emulator around a function's zip: with AWS's Python runtime client, the way
//! Lambda runs the function of a managed Python runtime, or with a program that is its own runtime.

use super::frames::Project;
use super::peers::peers;
use super::process::{Background, PATIENCE, eventually, free_ports, send};
use rustix::process::Signal;
use serde_json::Value;
use std::fs::{self, File};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// An unpacked function: Lambda's `/var/task`.
pub struct Task {
    directory: TempDir,
}

impl Task {
    pub fn unpack(zip: &Path) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut zip = zip::ZipArchive::new(File::open(zip).unwrap()).unwrap();
        zip.extract(directory.path()).unwrap();
        Self { directory }
    }

    /// A function of a project that was packaged: `authorizer`, `signer` or `reader`.
    pub fn of(project: &Project, function: &str) -> Self {
        let zip = fs::read_dir(project.output(""))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| {
                let name = path.file_name().unwrap().to_string_lossy();
                name.starts_with(function) && name.ends_with(".zip")
            });
        Self::unpack(&zip.unwrap())
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

/// Credentials as Lambda puts them into a function's environment. Made up.
pub const CREDENTIALS: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "ASIAEXAMPLEEXAMPLE00"),
    (
        "AWS_SECRET_ACCESS_KEY",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    ),
    ("AWS_SESSION_TOKEN", "IQoJb3JpZ2luX2VjEXAMPLE//+token=="),
];

/// A time-out that a test can wait for, and that no start on a busy machine takes as long as.
pub const TIME_OUT: (&str, &str) = ("AWS_LAMBDA_FUNCTION_TIMEOUT", "10");

/// A running function.
pub struct Lambda {
    process: Background,
    url: String,
    agent: ureq::Agent,
    task: Task,
}

impl Lambda {
    pub fn start(task: Task) -> Self {
        Self::start_with(task, &[])
    }

    /// With more in its environment.
    pub fn start_with(task: Task, environment: &[(&str, &str)]) -> Self {
        let python = peers().program("python");
        let mut program = Command::new(python);
        program.args(["-m", "awslambdaric", "index.handler"]);
        Self::started(task, &program, environment)
    }

    /// A program that is a runtime by itself, as a custom runtime's `bootstrap` is.
    pub fn start_program(task: Task, environment: &[(&str, &str)]) -> Self {
        let program = Command::new(task.file("bootstrap"));
        Self::started(task, &program, environment)
    }

    fn started(task: Task, program: &Command, environment: &[(&str, &str)]) -> Self {
        let [port, runtime_api] = free_ports();
        let mut command = Command::new(peers().emulator());
        command
            .arg("--runtime-interface-emulator-address")
            .arg(format!("127.0.0.1:{port}"))
            .arg("--runtime-api-address")
            .arg(format!("127.0.0.1:{runtime_api}"))
            .arg(program.get_program())
            .args(program.get_args())
            .current_dir(task.directory.path())
            .env_clear()
            .envs(CREDENTIALS)
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LAMBDA_TASK_ROOT", task.file(""))
            .env("AWS_REGION", "eu-central-1")
            .env("AWS_LAMBDA_FUNCTION_NAME", "us-east-1.frames")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .envs(environment.iter().copied());
        let process = Background::start(&mut command);
        eventually("the emulator listens", || {
            TcpStream::connect(("127.0.0.1", port)).ok()
        });
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .build();
        Self {
            process,
            url: format!("http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"),
            agent: ureq::Agent::new_with_config(config),
            task,
        }
    }

    /// One invocation. The answer is what CloudFront would get to see.
    pub fn invoke(&self, event: &Value) -> Value {
        self.invoke_text(&event.to_string())
    }

    /// With anything at all for an event.
    pub fn invoke_text(&self, event: &str) -> Value {
        let answer = self.invoke_raw(event);
        serde_json::from_str(&answer)
            .unwrap_or_else(|error| panic!("not JSON: {error}: {answer}\n{}", self.log()))
    }

    /// The emulator's own words where the function didn't answer.
    pub fn invoke_raw(&self, event: &str) -> String {
        self.agent
            .post(&self.url)
            .send(event)
            .and_then(|mut response| response.body_mut().read_to_string())
            .unwrap_or_else(|error| panic!("no answer: {error}\n{}", self.log()))
    }

    /// One invocation of any event, with an answer that needn't be text.
    pub fn invoke_bytes(&self, event: &str) -> Vec<u8> {
        self.agent
            .post(&self.url)
            .send(event)
            .and_then(|mut response| response.body_mut().read_to_vec())
            .unwrap_or_else(|error| panic!("no answer: {error}\n{}", self.log()))
    }

    /// What the function and the emulator wrote.
    pub fn log(&self) -> String {
        self.process.output()
    }

    /// The one process that the emulator started.
    pub fn program(&self) -> Program {
        let children = children(self.process.pid());
        assert_eq!(children.len(), 1, "{children:?}\n{}", self.log());
        Program { pid: children[0] }
    }

    pub fn task(&self) -> &Task {
        &self.task
    }

    /// Stops the program that `program` finds, in a function with the time-out of
    /// [`TIME_OUT`]: that invocation times out, a later one is answered by another
    /// program. The process id of the stopped one.
    pub fn survives_a_time_out(
        &self,
        event: &Value,
        is_answered: impl Fn(&[u8]) -> bool,
        program: impl Fn(&Self) -> Program,
    ) -> u32 {
        let stopped = program(self).pid;
        send(stopped, Signal::STOP);
        let answer = self.invoke_raw(&event.to_string());
        assert!(
            answer.contains("Task timed out after 10.00 seconds"),
            "{answer}"
        );
        eventually("an answer after the time-out", || {
            let answer = self.invoke_bytes(&event.to_string());
            is_answered(&answer).then_some(())
        });
        assert_ne!(program(self).pid, stopped);
        stopped
    }
}

/// The header of a program for another machine than Lambda's: AArch64.
pub fn foreign_program() -> Vec<u8> {
    let mut header = b"\x7fELF\x02\x01\x01".to_vec();
    header.resize(16, 0);
    // An executable, EM_AARCH64, version 1.
    header.extend([2, 0, 183, 0, 1, 0, 0, 0]);
    header.resize(64, 0);
    header
}

pub struct Program {
    pub pid: u32,
}

impl Program {
    pub fn executable(&self) -> PathBuf {
        fs::read_link(format!("/proc/{}/exe", self.pid)).unwrap()
    }

    pub fn children(&self) -> Vec<u32> {
        children(self.pid)
    }

    /// A line of `/proc/PID/status`.
    pub fn status(&self, name: &str) -> String {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line[name.len() + 1..].trim().to_owned()
    }
}

impl Program {
    pub fn resident_kb(&self) -> u32 {
        let resident = self.status("VmRSS:");
        resident.trim_end_matches(" kB").parse().unwrap()
    }
}

fn children(pid: u32) -> Vec<u32> {
    fs::read_dir(format!("/proc/{pid}/task"))
        .unwrap()
        .map(|thread| fs::read_to_string(thread.unwrap().path().join("children")).unwrap())
        .flat_map(|pids| {
            pids.split_whitespace()
                .map(|pid| pid.parse().unwrap())
                .collect::<Vec<u32>>()
        })
        .collect()
}
