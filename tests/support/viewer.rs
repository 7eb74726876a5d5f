//! OHIF in a real Chromium, and a web server that has it under a configuration of the test's own.

use super::browser::Driver;
use super::target;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A headless Chromium that shows OHIF. It ends when it is dropped, and before its directory goes.
pub struct Viewer(Driver);

/// A slice that is shown.
#[derive(Debug)]
pub struct Shown {
    /// What is asked for it.
    pub url: String,
    pub rows: u64,
    pub columns: u64,
    /// As OHIF decoded it, with the rescale slope and intercept applied.
    pub pixels: Vec<f64>,
    /// The greys on the canvas.
    pub shades: u64,
    /// Grey that a pixel has by the window, and grey on the canvas.
    pub points: Vec<(i64, i64)>,
}

/// A request that the page made.
#[derive(Debug)]
pub struct Asked {
    pub url: String,
    pub status: u64,
    /// `X-Cache`, where it has it.
    pub cache: Option<String>,
}

impl Viewer {
    pub fn start() -> Self {
        Self(Driver::start("viewer.mjs"))
    }

    /// In a browser without a past.
    pub fn open(&mut self, url: &str) {
        self.ask(json!({"command": "open", "url": url}));
    }

    /// The same, with a clock that `forward` sets.
    pub fn open_with_clock(&mut self, url: &str) {
        self.ask(json!({"command": "open", "url": url, "clock": true}));
    }

    pub fn forward(&mut self, seconds: u64) {
        self.ask(json!({"command": "forward", "seconds": seconds}));
    }

    /// The text of what a selector finds, once it is there.
    pub fn text(&mut self, selector: &str) -> String {
        let answer = self.ask(json!({"command": "text", "selector": selector}));
        answer["text"].as_str().unwrap().to_owned()
    }

    pub fn click_twice(&mut self, selector: &str) {
        self.ask(json!({"command": "click", "selector": selector, "double": true}));
    }

    /// Waits for a part of the page's address.
    pub fn reaches(&mut self, part: &str) {
        self.ask(json!({"command": "reaches", "part": part}));
    }

    /// Waits until the first viewport has drawn a whole slice.
    pub fn drawn(&mut self) -> Shown {
        let found = self.ask(json!({"command": "drawn"}));
        let url = found["imageId"].as_str().unwrap();
        let number = |name: &str| found[name].as_u64().unwrap();
        let list = |name: &str| found[name].as_array().unwrap();
        Shown {
            url: url.strip_prefix("wadors:").unwrap().to_owned(),
            rows: number("rows"),
            columns: number("columns"),
            pixels: list("pixels").iter().map(|v| v.as_f64().unwrap()).collect(),
            shades: number("shades"),
            points: list("points")
                .iter()
                .map(|point| (point[0].as_i64().unwrap(), point[1].as_i64().unwrap()))
                .collect(),
        }
    }

    /// How many slices are in the viewports.
    pub fn viewports(&mut self) -> Vec<u64> {
        let answer = self.ask(json!({"command": "viewports"}));
        let found = answer["viewports"].as_array().unwrap().iter();
        found.map(|one| one["slices"].as_u64().unwrap()).collect()
    }

    /// Turns the mouse's wheel over the first viewport until another slice is meant.
    pub fn scroll(&mut self) {
        self.ask(json!({"command": "scroll"}));
    }

    /// What the page asked since it was opened, and what is an error in its console.
    pub fn log(&mut self) -> (Vec<Asked>, Vec<String>) {
        let log = self.ask(json!({"command": "log"}));
        let asked = log["requests"].as_array().unwrap().iter();
        let asked = asked.map(|request| Asked {
            url: request["url"].as_str().unwrap().to_owned(),
            status: request["status"].as_u64().unwrap(),
            cache: request["cache"].as_str().map(str::to_owned),
        });
        let errors = log["errors"].as_array().unwrap().iter();
        let errors = errors.map(|error| error.as_str().unwrap().to_owned());
        (asked.collect(), errors.collect())
    }

    /// A picture of the page, below `target/`, for whoever wants to look.
    pub fn screenshot(&mut self, name: &str) -> PathBuf {
        let folder = target().join("screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join(name);
        self.ask(json!({"command": "screenshot", "path": path}));
        path
    }

    pub fn evaluate(&mut self, script: &str) -> Value {
        self.ask(json!({"command": "evaluate", "script": script}))["value"].take()
    }

    /// Serves OHIF from an origin of its own, which is the answer.
    pub fn serve(&mut self) -> String {
        self.serve_folder(&ohif())
    }

    /// The same of any folder.
    pub fn serve_folder(&mut self, folder: &Path) -> String {
        let answer = self.ask(json!({"command": "serve", "directory": folder}));
        answer["origin"].as_str().unwrap().to_owned()
    }

    /// The configuration of what is served.
    pub fn configure(&mut self, config: &str) {
        self.ask(json!({"command": "configure", "config": config}));
    }

    /// An OpenID Connect issuer whose access tokens are these, one after the other; its address.
    pub fn issuer(&mut self, tokens: &[&str], expires_in: u64) -> String {
        let answer =
            self.ask(json!({"command": "issuer", "tokens": tokens, "expiresIn": expires_in}));
        answer["origin"].as_str().unwrap().to_owned()
    }

    fn ask(&mut self, command: Value) -> Value {
        self.0.ask(&command)
    }
}

/// OHIF's built files, where `frames dev --ohif` of a test has put them.
fn ohif() -> PathBuf {
    target().join("test-cache/frames/ohif/3.13.2/dist")
}
