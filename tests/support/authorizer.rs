//! A packaged authorizer that trusts the certificate of an issuer on this machine.

use super::emulator::{Lambda, Task};
use super::events::viewer_request;
use super::frames::Project;
use super::https::Https;
use super::process::eventually;
use crate::lambda::FRAME;
use serde_json::Value;

pub struct Authorizer {
    pub lambda: Lambda,
}

impl Authorizer {
    pub fn start(project: &Project, server: &Https) -> Self {
        let authority = server.authority().display().to_string();
        let task = Task::of(project, "authorizer");
        let lambda = Lambda::start_with(task, &[("SSL_CERT_FILE", &authority)]);
        Self { lambda }
    }

    /// The status that a token gets, and after how many seconds it may come again.
    pub fn answer(&self, token: &str) -> (String, Option<String>) {
        let bearer = format!("Bearer {token}");
        let event = viewer_request("POST", FRAME, "", &[("Authorization", &bearer)]);
        let answer = self.lambda.invoke(&event);
        let later = answer["headers"]["retry-after"][0]["value"].as_str();
        match answer.get("uri") {
            Some(_) => ("passed".to_owned(), None),
            None => {
                let status = answer["status"].as_str().unwrap_or_default();
                (status.to_owned(), later.map(str::to_owned))
            }
        }
    }

    pub fn status(&self, token: &str) -> String {
        self.answer(token).0
    }

    pub fn log(&self) -> String {
        self.lambda.log()
    }

    /// The log's lines on key sets. The answer may be there before the line is.
    pub fn keys_lines(&self, count: usize) -> Vec<Value> {
        eventually("the lines on key sets", || {
            let log = self.log();
            let lines = log
                .lines()
                .filter_map(|line| line.find('{').map(|at| &line[at..]));
            let lines = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let lines: Vec<_> = lines.filter(|line| line["event"] == "keys").collect();
            (lines.len() >= count).then_some(lines)
        })
    }
}
