//! OHIF beside the delivery of `frames dev`: what it needs of a manifest, and what is said of it.

use super::explained::Explained;
use crate::artifact;
use crate::cli::OhifChoice;
use crate::terminal::Terminal;
use frames_compiler::Plan;
use frames_compiler::failure::{Failure, Result};
use frames_edge::{AuthorizerConfig, TokenSource};
use frames_emulator::Reserved as Address;
use frames_emulator::issuer::Issuer;
use frames_emulator::ohif::{Files, Ohif, Values};
use std::path::PathBuf;
use std::sync::Arc;

/// OHIF's files, where it is asked for and the manifest lets it work.
pub(super) fn files(
    choice: Option<&OhifChoice>,
    plan: &Plan,
    terminal: Terminal,
) -> Result<Option<Files>> {
    let Some(choice) = choice else {
        return Ok(None);
    };
    check(plan)?;
    let directory: PathBuf = match choice {
        OhifChoice::Npm => artifact::ohif(terminal)?,
        OhifChoice::Directory(directory) => directory.clone(),
    };
    Files::of(&directory).map(Some).explained()
}

/// Whether OHIF could show anything.
pub(super) fn check(plan: &Plan) -> Result<()> {
    match plan.authorizer().and_then(refusal) {
        Some(failure) => Err(failure),
        None => Ok(()),
    }
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

/// OHIF's address, reserved before the edge that it talks to exists.
pub(super) struct Reserved {
    files: Files,
    bound: Address,
    says: Says,
}

/// OHIF, listening.
pub(super) struct Served {
    server: Ohif,
    says: Says,
}

/// What is otherwise than where the manifest is deployed.
#[derive(Debug, Clone, Copy)]
struct Says {
    named_origins: bool,
    lacks_a_token: bool,
}

/// Reserves an address, and lets its pages read what is delivered.
pub(super) async fn bind(
    files: Option<Files>,
    plan: &mut Plan,
    has_token: bool,
) -> Result<Option<Reserved>> {
    let Some(files) = files else {
        return Ok(None);
    };
    let bound = Ohif::bind().await.explained()?;
    let config = plan.authorizer();
    let says = Says {
        named_origins: config.is_some_and(|c| c.cors.origins.iter().all(|origin| origin != "*")),
        lacks_a_token: config.is_some_and(|config| config.auth.is_some()) && !has_token,
    };
    plan.admit(&bound.origin());
    Ok(Some(Reserved { files, bound, says }))
}

/// The data store that the manifest names first.
pub(super) fn named_store(plan: &Plan) -> Option<&str> {
    let first = plan.authorizer()?.allow.as_ref()?.first()?;
    Some(&first.datastore)
}

/// HealthImaging's host of DICOMweb, where the manifest serves that.
pub(super) fn dicomweb_host(plan: &Plan) -> Option<&str> {
    plan.signer()?.dicomweb_host.as_deref()
}

impl Reserved {
    /// What a browser sends as the `Origin` of its pages.
    pub(super) fn origin(&self) -> String {
        self.bound.origin()
    }

    pub(super) fn serve(
        self,
        edge_url: &str,
        datastore: Option<&str>,
        dicomweb_host: Option<&str>,
        issuer: Option<Arc<Issuer>>,
    ) -> Result<Served> {
        let datastore_id = datastore.ok_or_else(|| {
            Failure::new("OHIF needs a data store, and the manifest names none")
                .help("name it in `iam.allow`")
        })?;
        let values = Values {
            edge_url,
            datastore_id,
            dicomweb_host: dicomweb_host.unwrap_or_default(),
            issuer,
        };
        let server = Ohif::serve(self.bound, self.files, &values).explained()?;
        let says = self.says;
        Ok(Served { server, says })
    }
}

impl Served {
    /// The address to open.
    pub(super) fn url(&self) -> String {
        self.server.url()
    }

    /// Points OHIF at what is delivered from now on.
    pub(super) fn update(
        &self,
        edge_url: &str,
        datastore_id: &str,
        dicomweb_host: Option<&str>,
        issuer: Option<Arc<Issuer>>,
    ) {
        self.server.update(&Values {
            edge_url,
            datastore_id,
            dicomweb_host: dicomweb_host.unwrap_or_default(),
            issuer,
        });
    }

    pub(super) fn announce(&self, terminal: Terminal) {
        terminal.status("OHIF", &self.url());
        if self.says.named_origins {
            terminal.status(
                "Note",
                "OHIF's page is let in here; deployed, `delivery.cors.origins` has to name the origin that serves OHIF",
            );
        }
        if self.says.lacks_a_token {
            terminal.status(
                "Note",
                "with `--issuer manifest` frames has no token for OHIF: its study list stays empty, \
                 and `/viewer?StudyInstanceUIDs=…&token=…` opens a study",
            );
        }
    }
}
