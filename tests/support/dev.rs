//! `frames dev` as a process: started, asked, ended.

use super::frames::Project;
use super::process::{PATIENCE, eventually};
use super::target;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The first frame of the stand-in's data store.
pub const CT: &[u8] = include_bytes!("../../compiler/emulator/data/ct_small.jph");

/// The same, decoded: 16-bit samples, little endian.
pub const CT_PIXELS: &[u8] = include_bytes!("../../compiler/emulator/data/ct_small.raw");

/// UIDs of the same.
pub const CT_STUDY: &str = "1.3.6.1.4.1.5962.1.2.1.20040119072730.12322";
pub const CT_SERIES: &str = "1.3.6.1.4.1.5962.1.3.1.1.20040119072730.12322";
pub const CT_INSTANCE: &str = "1.3.6.1.4.1.5962.1.1.1.1.1.20040119072730.12322";

/// The functions may have to be built first.
const READY: Duration = Duration::from_secs(540);

pub struct Dev {
    child: Child,
    /// The ready line; `null` in human format.
    pub ready: Value,
    stdout: Arc<Mutex<Vec<String>>>,
    lines: Receiver<String>,
    stderr: Arc<Mutex<String>>,
    readers: Vec<std::thread::JoinHandle<()>>,
    human: Vec<String>,
}

pub struct Reply {
    pub status: u16,
    headers: ureq::http::HeaderMap,
    pub body: Vec<u8>,
}

impl Reply {
    /// The header's value; empty where it is missing.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Dev {
    /// On a free port, with `--format json`.
    pub fn start(project: &Project, arguments: &[&str]) -> Self {
        Self::start_by(project.command(), arguments)
    }

    pub fn start_by(command: Command, arguments: &[&str]) -> Self {
        let mut dev = Self::spawn(command, &[&["--format", "json"], arguments].concat());
        let line = dev.lines.recv_timeout(READY);
        let line = line.unwrap_or_else(|_| panic!("not ready: {}", dev.stderr()));
        dev.ready = serde_json::from_str(&line).unwrap();
        dev
    }

    /// With these variables in its environment.
    pub fn start_with(project: &Project, variables: &[(&str, &str)], arguments: &[&str]) -> Self {
        let mut command = project.command();
        command.envs(variables.iter().copied());
        Self::start_by(command, arguments)
    }

    pub fn start_without_cargo_lambda(project: &Project) -> Self {
        let mut command = project.command_without_cargo_lambda();
        command.env("XDG_CACHE_HOME", target().join("test-cache-cargo"));
        Self::start_by(command, &[])
    }

    /// Under a umask that lets others read, with its temporary files in `directory`.
    pub fn start_readable(project: &Project, directory: &Path) -> Self {
        let mut command = project.command_under("022");
        command.env("TMPDIR", directory);
        Self::start_by(command, &[])
    }

    /// As a person sees it, up to the curl line.
    pub fn start_human(project: &Project, arguments: &[&str]) -> Self {
        Self::start_human_by(project.command(), arguments)
    }

    /// With credentials that open nothing, which no request is sent with.
    pub fn start_for_aws(project: &Project) -> Self {
        let mut command = project.command();
        command
            .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "example")
            .env("AWS_EC2_METADATA_DISABLED", "true");
        Self::start_human_by(command, &["--origin", "aws"])
    }

    fn start_human_by(command: Command, arguments: &[&str]) -> Self {
        let mut dev = Self::spawn(command, arguments);
        loop {
            let line = dev.lines.recv_timeout(READY);
            let line = line.unwrap_or_else(|_| panic!("not ready: {}", dev.stderr()));
            let last = line.starts_with("curl ");
            dev.human.push(line);
            if last {
                return dev;
            }
        }
    }

    fn spawn(mut command: Command, arguments: &[&str]) -> Self {
        let mut child = command
            .args(["dev", "--port", "0"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let stdout = Arc::new(Mutex::new(Vec::new()));
        let stderr = Arc::new(Mutex::new(String::new()));
        let out = BufReader::new(child.stdout.take().unwrap());
        let err = BufReader::new(child.stderr.take().unwrap());
        let (all, errors) = (stdout.clone(), stderr.clone());
        let readers = vec![
            std::thread::spawn(move || {
                for line in out.lines().map_while(Result::ok) {
                    all.lock().unwrap().push(line.clone());
                    let _ = sender.send(line);
                }
            }),
            std::thread::spawn(move || {
                for line in err.lines().map_while(Result::ok) {
                    errors.lock().unwrap().push_str(&(line + "\n"));
                }
            }),
        ];
        Self {
            child,
            ready: Value::Null,
            stdout,
            lines,
            stderr,
            readers,
            human: Vec::new(),
        }
    }

    pub fn url(&self) -> &str {
        self.ready["url"].as_str().unwrap()
    }

    pub fn token(&self) -> &str {
        self.ready["token"].as_str().unwrap()
    }

    pub fn line_starting(&self, start: &str) -> String {
        self.human
            .iter()
            .find(|line| line.starts_with(start))
            .unwrap()
            .clone()
    }

    /// The next line on stdout, as JSON.
    pub fn next_line(&self) -> Value {
        serde_json::from_str(&self.lines.recv_timeout(PATIENCE).unwrap()).unwrap()
    }

    pub fn stderr(&self) -> String {
        self.stderr.lock().unwrap().clone()
    }

    pub fn request(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Reply {
        send(method, url, headers, body).unwrap_or_else(|error| {
            panic!(
                "{method} {}: {error}\n{}",
                &url[..url.len().min(80)],
                self.stderr()
            )
        })
    }

    pub fn issuer_url(&self) -> String {
        self.address("Issuer ")
    }

    /// What `frames purge --endpoint` takes.
    pub fn purge_url(&self) -> String {
        self.address("Purge ")
    }

    fn address(&self, verb: &str) -> String {
        // Another thread reads stderr, and may lag behind the ready line.
        eventually(verb, || {
            let stderr = self.stderr();
            let (_, rest) = stderr.split_once(verb)?;
            let (line, _) = rest.split_once('\n')?;
            line.split_whitespace().next().map(str::to_owned)
        })
    }

    /// Asks the local issuer, as the holder of the run's token.
    pub fn issuer(&self, path: &str, body: Value) -> Value {
        let authorization = format!("Bearer {}", self.token());
        let url = format!("{}{path}", self.issuer_url());
        let reply = self.request(
            "POST",
            &url,
            &[("Authorization", &authorization)],
            Some(&body.to_string()),
        );
        assert_eq!(reply.status, 200, "{}", reply.text());
        serde_json::from_slice(&reply.body).unwrap()
    }

    /// A token with other claims, signed by the local issuer.
    pub fn mint(&self, overrides: Value) -> String {
        self.issuer("/token", overrides)["token"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// How many of its threads have this name.
    pub fn threads(&self, name: &str) -> usize {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let names = tasks
            .filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).ok());
        names.filter(|found| found.trim_end() == name).count()
    }

    /// Processes that it started.
    pub fn children(&self) -> Vec<u32> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        tasks
            .flatten()
            .filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok())
            .flat_map(|list| {
                list.split_whitespace()
                    .map(|pid| pid.parse().unwrap())
                    .collect::<Vec<u32>>()
            })
            .collect()
    }

    /// Address and port of everything that it and its children listen on.
    fn listening(&self) -> Vec<(String, u16)> {
        let mut sockets = HashSet::new();
        for pid in self.children().into_iter().chain([self.child.id()]) {
            let files = std::fs::read_dir(format!("/proc/{pid}/fd"))
                .into_iter()
                .flatten()
                .flatten();
            let links = files.filter_map(|file| std::fs::read_link(file.path()).ok());
            sockets.extend(links.filter_map(|link| {
                Some(
                    link.to_str()?
                        .strip_prefix("socket:[")?
                        .strip_suffix(']')?
                        .to_owned(),
                )
            }));
        }
        const LISTEN: &str = "0A";
        ["/proc/net/tcp", "/proc/net/tcp6"]
            .iter()
            .flat_map(|table| {
                std::fs::read_to_string(table)
                    .unwrap_or_default()
                    .lines()
                    .skip(1)
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            })
            .filter_map(|line| {
                let fields: Vec<&str> = line.split_whitespace().collect();
                let (address, port) = fields[1].split_once(':')?;
                let ours = fields[3] == LISTEN && sockets.contains(fields[9]);
                let address = match address {
                    "0100007F" => "127.0.0.1".to_owned(),
                    other => other.to_owned(),
                };
                ours.then(|| (address, u16::from_str_radix(port, 16).unwrap()))
            })
            .collect()
    }

    pub fn ports(&self) -> Vec<u16> {
        self.listening().into_iter().map(|(_, port)| port).collect()
    }

    pub fn listening_addresses(&self) -> Vec<String> {
        self.listening()
            .into_iter()
            .map(|(address, _)| address)
            .collect()
    }

    /// Sends a signal and waits for the end; the exit code, where there is one.
    pub fn signal(&mut self, signal: &str) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", signal, &id])
                .status()
                .unwrap()
                .success()
        );
        self.child.wait().unwrap().code()
    }

    /// Ends it; all that it wrote to stdout and stderr.
    pub fn stop(mut self) -> (String, String) {
        assert_eq!(self.signal("INT"), Some(0), "{}", self.stderr());
        for reader in self.readers.drain(..) {
            reader.join().unwrap();
        }
        (self.stdout.lock().unwrap().join("\n"), self.stderr())
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn send(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: Option<&str>,
) -> Result<Reply, ureq::Error> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(PATIENCE))
        .build()
        .into();
    let mut request = ureq::http::Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut response = match body {
        Some(body) => agent.run(
            request
                .header("Content-Type", "application/json")
                .body(body.to_owned())
                .unwrap(),
        ),
        None => agent.run(request.body(()).unwrap()),
    }?;
    let body = response.body_mut().read_to_vec()?;
    Ok(Reply {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        body,
    })
}

/// The path of the first frame, by the native API.
pub fn native_path(dev: &Dev) -> String {
    let id = |name: &str| dev.ready["frame"][name].as_str().unwrap().to_owned();
    format!(
        "/datastore/{}/imageSet/{}/getImageFrame",
        id("datastoreId"),
        id("imageSetId")
    )
}

/// The same frame by DICOMweb.
pub fn dicomweb_path(dev: &Dev) -> String {
    let id = |name: &str| dev.ready["frame"][name].as_str().unwrap().to_owned();
    format!(
        "/datastore/{}/studies/{CT_STUDY}/series/{CT_SERIES}/instances/{CT_INSTANCE}/frames/1?imageSetId={}",
        id("datastoreId"),
        id("imageSetId"),
    )
}

pub fn base64url(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// The first frame, asked for by the native API.
pub fn get_frame(dev: &Dev, headers: &[(&str, &str)], query: &str) -> Reply {
    let body = json!({"imageFrameId": dev.ready["frame"]["imageFrameId"]}).to_string();
    let url = format!("{}{}{query}", dev.url(), native_path(dev));
    dev.request("POST", &url, headers, Some(&body))
}

pub fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}
