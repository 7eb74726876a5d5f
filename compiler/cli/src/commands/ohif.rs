//! OHIF beside the delivery of `frames dev`: what it needs of a manifest, and what is said of it.

use crate::artifact;
use crate::cli::OhifChoice;
use crate::terminal::Terminal;
use frames_compiler::Plan;
use frames_compiler::failure::{Failure, Result};
use frames_edge::{AuthorizerConfig, TokenSource};
use frames_emulator::ohif::Files;
use std::path::PathBuf;

/// OHIF's files, where it is asked for and the manifest lets it work.
pub(super) fn files(
    choice: Option<&OhifChoice>,
    plan: &Plan,
    terminal: Terminal,
) -> Result<Option<Files>> {
    let Some(choice) = choice else {
        return Ok(None);
    };
    if let Some(failure) = plan.authorizer().and_then(refusal) {
        return Err(failure);
    }
    let directory: PathBuf = match choice {
        OhifChoice::Npm => artifact::ohif(terminal)?,
        OhifChoice::Directory(directory) => directory.clone(),
    };
    let files = Files::of(&directory);
    files.map(Some).map_err(|error| Failure {
        help: error.suggestion().map(str::to_owned),
        ..Failure::new(error.message())
    })
}

/// Why OHIF could show nothing.
fn refusal(config: &AuthorizerConfig) -> Option<Failure> {
    if !config.dicomweb {
        return Some(
            Failure::new("OHIF reads by DICOMweb, and this manifest doesn't serve it")
                .help("set `delivery.dicomweb: true`, or leave `--ohif` out"),
        );
    }
    if config.cors.origins.is_empty() {
        return Some(
            Failure::new("OHIF is a web page, and this manifest lets no page read: `delivery.cors.origins` is empty")
                .help("name the origin that will serve OHIF in `delivery.cors.origins`, or leave `--ohif` out"),
        );
    }
    let by_header = |sources: &[TokenSource]| sources.contains(&TokenSource::Authorization);
    if config
        .auth
        .as_ref()
        .is_some_and(|auth| !by_header(&auth.token_sources))
    {
        return Some(
            Failure::new(
                "OHIF sends its token in `Authorization`, and `auth.tokenSources` doesn't have it",
            )
            .help("add `authorization` to `auth.tokenSources`, or leave `--ohif` out"),
        );
    }
    None
}

/// The address, and what is otherwise than where the manifest is deployed.
pub(super) fn announce(url: &str, said: Announced, terminal: Terminal) {
    terminal.status("OHIF", url);
    if said.named_origins {
        terminal.status(
            "Note",
            "OHIF's page is let in here; deployed, `delivery.cors.origins` has to name the origin that serves OHIF",
        );
    }
    if said.asks_for_a_token && !said.has_token {
        terminal.status(
            "Note",
            "with `--issuer manifest` frames has no token for OHIF: its study list stays empty, \
             and `/viewer?StudyInstanceUIDs=…&token=…` opens a study",
        );
    }
}

/// What the words depend on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Announced {
    named_origins: bool,
    asks_for_a_token: bool,
    has_token: bool,
}

impl Announced {
    pub(super) fn of(plan: &Plan, has_token: bool) -> Self {
        let config = plan.authorizer();
        Self {
            named_origins: config
                .is_some_and(|c| c.cors.origins.iter().all(|origin| origin != "*")),
            asks_for_a_token: config.is_some_and(|config| config.auth.is_some()),
            has_token,
        }
    }
}
