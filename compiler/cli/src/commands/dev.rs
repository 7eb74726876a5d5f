//! `frames dev`: issuer, package, edge, page; then one line per request until it is ended.

use super::dev_images;
use super::manifest::plan_of;
use super::ohif::{self, Served};
use crate::artifact::{self, Builder};
use crate::cli::{Dev, Global, IssuerChoice, OriginChoice};
use crate::interrupt;
use crate::project::{MANIFEST, Project};
use crate::terminal::{self, Terminal, data};
use frames_compiler::Plan;
use frames_compiler::failure::{Context, Failure, Result};
use frames_emulator::cloudfront::{CloudFront, Options, OriginServer, RequestLog};
use frames_emulator::healthimaging::{DataStore, FrameNames, Policy, StandIn};
use frames_emulator::issuer::{Issuer, IssuerClaims};
use frames_emulator::ohif::Files;
use frames_emulator::page::{Page, Requests, Values};
use frames_emulator::{Credentials, knows_peers, package, private};
use serde_json::json;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

/// What `dev` serves where there is no frames.yml.
const EXAMPLE: &str = include_str!("example.frames.yml");

const PORT: u16 = 8080;

pub(super) fn run(global: &Global, arguments: &Dev, terminal: Terminal) -> Result<()> {
    let project = project(global, terminal)?;
    let plan = plan_of(&project, global, arguments.online.online, terminal)?;
    let asks_for_a_token = plan
        .authorizer()
        .is_some_and(|config| config.auth.is_some());
    refuse_the_unsafe(arguments, asks_for_a_token, knows_peers())?;
    // Before anything is built: a folder of no use is told at once.
    let images = dev_images::store(arguments.dicom.as_deref(), terminal)?;
    let files = ohif::files(arguments.ohif.as_ref(), &plan, terminal)?;
    let programs = artifact::programs(builder(), terminal)?;
    let runtime = super::event_loop()?;
    runtime.block_on(async {
        let mut end = End::new()?;
        interrupt::own();
        let started = tokio::select! {
            delivery = Delivery::start(plan, &programs, images, files, global, arguments, terminal) => Some(delivery?),
            () = end.wait() => None,
        };
        let Some(delivery) = started else {
            return Err(interrupt::untouched("dev"));
        };
        delivery.announce(terminal)?;
        end.wait().await;
        delivery.stop().await;
        if !terminal.is_json() {
            terminal.status("Stopped", "all of its processes have ended");
        }
        Ok(())
    })
}

fn project(global: &Global, terminal: Terminal) -> Result<Project> {
    if global.config.is_some() {
        return Project::find(global);
    }
    if let Some(project) = Project::search(global)? {
        return Ok(project);
    }
    terminal.status(
        "Example",
        &format!("there is no {MANIFEST} here or above: serving a built-in one"),
    );
    Ok(Project::embedded("built-in example", EXAMPLE, ".".into()))
}

/// What would open the caller's account or token to others on this machine.
fn refuse_the_unsafe(arguments: &Dev, asks_for_a_token: bool, knows_peers: bool) -> Result<()> {
    let from_aws = matches!(arguments.origin, OriginChoice::Aws);
    let real_tokens = matches!(arguments.issuer, IssuerChoice::Manifest);
    if from_aws && !asks_for_a_token {
        return Err(Failure::new(
            "`--origin aws` with `auth.mode: none` would let every user of this machine read frames with your credentials",
        )
        .help("set `auth.mode` to cognito or oidc (the local issuer's token will do), or leave `--origin aws` out"));
    }
    if from_aws && arguments.dicom.is_some() {
        return Err(Failure::new(
            "`--dicom` serves files in place of HealthImaging's images, and `--origin aws` reads HealthImaging itself",
        )
        .help("leave one of the two out"));
    }
    let unsafe_choice = match (from_aws, real_tokens) {
        (true, _) => "--origin aws",
        (false, true) => "--issuer manifest",
        (false, false) => return Ok(()),
    };
    if knows_peers {
        return Ok(());
    }
    Err(Failure::new(format!(
        "`{unsafe_choice}` needs Linux: elsewhere the local Lambda can't tell its own functions from other \
         processes, which could take tokens and use your credentials"
    ))
    .help(format!("leave `{unsafe_choice}` out, or run it on Linux, for example in a container")))
}

/// What a deploy would ship, where it can be built and run here.
fn builder() -> Builder {
    let lambda_runs_here = cfg!(all(target_os = "linux", target_arch = "x86_64"));
    if lambda_runs_here && artifact::can_build_for_lambda() {
        Builder::CargoLambda
    } else {
        Builder::Cargo
    }
}

/// All that runs.
struct Delivery {
    cloudfront: CloudFront,
    page: Page,
    ohif: Option<Served>,
    /// Where DICOMweb is served, what a viewer's configuration calls its root.
    dicomweb: Option<String>,
    issuer: Option<Arc<Issuer>>,
    stand_in: Option<Arc<StandIn>>,
    /// The package, and what else only this run may read.
    directory: tempfile::TempDir,
}

impl Delivery {
    async fn start(
        mut plan: Plan,
        programs: &artifact::Programs,
        images: DataStore,
        ohif: Option<Files>,
        global: &Global,
        arguments: &Dev,
        terminal: Terminal,
    ) -> Result<Self> {
        let issuer = match arguments.issuer {
            IssuerChoice::Embedded => stand_in_issuer(&mut plan, &images).await?.map(Arc::new),
            IssuerChoice::Manifest => None,
        };
        let page = Page::bind().await.explained()?;
        plan.admit(&page.origin());
        let ohif = ohif::bind(ohif, &mut plan, issuer.is_some()).await?;
        let directory = private::directory("frames-dev-").explained()?;
        artifact::write(&artifact::package(&plan, programs)?, directory.path())?;
        let read = package::read(directory.path()).explained()?;
        let signer = plan.signer();
        let signer = signer.ok_or_else(|| Failure::new("the plan has no signer"))?;
        let stand_in = match arguments.origin {
            OriginChoice::Embedded => {
                let policy = Policy::of(&read);
                let credentials = Credentials::random().explained()?;
                let started = StandIn::start(signer, credentials, policy, images).await;
                let stand_in = started.explained()?;
                if arguments.dicom.is_some() {
                    dev_images::say_reach(&stand_in.reach(), terminal);
                }
                Some(Arc::new(stand_in))
            }
            OriginChoice::Aws => None,
        };
        let origin = match &stand_in {
            Some(stand_in) => OriginServer::StandIn(stand_in.clone()),
            None => OriginServer::Aws {
                credentials: super::online::credentials(global, &signer.region).await?,
                endpoint: own_endpoint(terminal)?,
            },
        };
        let requests = Requests::default();
        let seen = requests.clone();
        let options = Options {
            port: port(arguments.port, terminal)?,
            origin,
            requests: Arc::new(move |log| {
                seen.keep(log);
                request(log, terminal);
            }),
            functions: Arc::new(move |function, line| {
                terminal.detail(&format!("{function}: {line}"))
            }),
        };
        let cloudfront = CloudFront::start(read, options).await.explained()?;
        for note in cloudfront.notes() {
            terminal.status("Note", note);
        }
        let store = stand_in.as_ref().map(|stand_in| stand_in.store());
        let datastore = store.map(|store| store.id.as_str());
        let datastore = datastore.or_else(|| ohif::named_store(&plan));
        let (url, host) = (cloudfront.url(), ohif::dicomweb_host(&plan));
        let values = Values {
            edge_url: &url,
            token: issuer.as_ref().map(|issuer| issuer.token()),
            datastore_id: datastore.unwrap_or_default(),
            dicomweb: host.is_some(),
            stand_in: stand_in.clone(),
            requests,
        };
        let page = Page::serve(page, &values).explained()?;
        let ohif = match ohif {
            Some(reserved) => Some(reserved.serve(&url, datastore, host, issuer.clone())?),
            None => None,
        };
        let dicomweb = datastore
            .filter(|_| host.is_some())
            .map(|datastore| format!("{url}/datastore/{datastore}"));
        Ok(Self {
            cloudfront,
            page,
            ohif,
            dicomweb,
            issuer,
            stand_in,
            directory,
        })
    }

    /// On return all processes have ended, all ports are closed and all files are gone.
    async fn stop(self) {
        // Everything else ends when it is dropped, after CloudFront.
        self.cloudfront.stop().await;
    }

    fn announce(&self, terminal: Terminal) -> Result<()> {
        let url = self.cloudfront.url();
        let token = self.issuer.as_ref().map(|issuer| issuer.token());
        let store = self.stand_in.as_ref().map(|stand_in| stand_in.store());
        let frame = store.and_then(|store| store.first_frame());
        let datastore = store.map_or("", |store| store.id.as_str());
        let page = self.page.url();
        if !terminal.is_json() {
            terminal.status("Page", &page);
        }
        if let Some(ohif) = &self.ohif {
            ohif.announce(terminal);
        }
        if let Some(stand_in) = &self.stand_in {
            terminal.status(
                "Origin",
                &format!("a HealthImaging stand-in, http://{}", stand_in.address()),
            );
            if stand_in.refuses_frames() {
                terminal.status(
                    "Refused",
                    "the signer's role may not read this frame: the answer is 403, as on AWS (see `iam.allow`)",
                );
            }
        }
        if let Some(issuer) = &self.issuer {
            terminal.status(
                "Issuer",
                &format!("{} replaces the manifest's", issuer.url()),
            );
        }
        if terminal.is_json() {
            let frame = frame.map(|frame| {
                json!({
                    "datastoreId": datastore,
                    "imageSetId": frame.image_set_id,
                    "imageFrameId": frame.image_frame_id(),
                })
            });
            let mut ready = json!({"url": url, "token": token, "frame": frame, "page": page});
            if let Some(ohif) = &self.ohif {
                ready["ohif"] = ohif.url().into();
            }
            terminal::json(&format!("{ready}\n"));
            return Ok(());
        }
        if let Some(root) = &self.dicomweb {
            terminal.status(
                "DICOMweb",
                &format!("{root} (a viewer's root for QIDO and WADO)"),
            );
        }
        terminal.status(
            "Ready",
            &format!("{url} (Ctrl-C ends it). This gets a frame:"),
        );
        let authorization = match (token, &self.stand_in) {
            (None, _) => String::new(),
            (Some(token), Some(_)) => format!(" -H 'Authorization: Bearer {token}'"),
            (Some(token), None) => header_file(token, self.directory.path())?,
        };
        let line = curl(&url, &authorization, datastore, frame);
        data(format!("\n{line}\n\n"));
        Ok(())
    }
}

/// The variable by which the AWS CLI and SDKs are led to another HealthImaging. Signed
/// requests go unencrypted to this machine only.
const ENDPOINT: &str = "AWS_ENDPOINT_URL_MEDICAL_IMAGING";

fn own_endpoint(terminal: Terminal) -> Result<Option<SocketAddr>> {
    let Ok(written) = std::env::var(ENDPOINT) else {
        return Ok(None);
    };
    let address = written.trim_end_matches('/').strip_prefix("http://");
    let address = address.and_then(|address| address.parse::<SocketAddr>().ok());
    let Some(address) = address.filter(|address| address.ip().is_loopback()) else {
        return Err(
            Failure::new(format!("{ENDPOINT} is `{written}`, which isn't on this machine"))
                .help("name an address as `http://127.0.0.1:8000`, or unset it: then HealthImaging itself is asked"),
        );
    };
    terminal.status("Origin", &format!("http://{address}, by {ENDPOINT}"));
    Ok(Some(address))
}

/// Replaces the manifest's issuer by our own: the same claims, other keys.
async fn stand_in_issuer(plan: &mut Plan, images: &DataStore) -> Result<Option<Issuer>> {
    let Some(config) = plan.authorizer_mut() else {
        return Ok(None);
    };
    let Some(auth) = &config.auth else {
        return Ok(None);
    };
    let claims = IssuerClaims::satisfying(auth).explained()?;
    let claims = claims.reading(config, images);
    let Some(auth) = &mut config.auth else {
        return Ok(None);
    };
    let issuer = Issuer::start(claims).await.explained()?;
    auth.jwks = None;
    for one in &mut auth.issuers {
        (one.initial_jwks, one.initial_at) = (None, None);
        one.jwks_uri = Some(issuer.jwks_uri());
    }
    Ok(Some(issuer))
}

/// What the emulator says of an error, as a command says it.
trait Explained<T> {
    fn explained(self) -> Result<T>;
}

impl<T> Explained<T> for std::result::Result<T, frames_emulator::Error> {
    fn explained(self) -> Result<T> {
        self.map_err(|error| Failure {
            help: error.suggestion().map(str::to_owned),
            ..Failure::new(error.message())
        })
    }
}

/// The requested port; else the usual one, or a free one where that is taken.
fn port(asked: Option<u16>, terminal: Terminal) -> Result<u16> {
    match asked {
        Some(port) => Ok(port),
        None if TcpListener::bind(("127.0.0.1", PORT)).is_ok() => Ok(PORT),
        None => {
            terminal.status(
                "Port",
                &format!("{PORT} is taken, so frames uses a free one"),
            );
            Ok(0)
        }
    }
}

/// Everybody on this machine can read a command's arguments, and this token
/// opens a real data store: curl takes it from a file.
fn header_file(token: &str, directory: &Path) -> Result<String> {
    let path = directory.join("authorization");
    private::write(&path, &format!("Authorization: Bearer {token}\n")).explained()?;
    let quoted = path.display().to_string().replace('\'', "'\\''");
    Ok(format!(" -H '@{quoted}'"))
}

fn curl(url: &str, authorization: &str, datastore: &str, frame: Option<FrameNames>) -> String {
    let (datastore, set, frame) = match frame {
        Some(frame) => (datastore, frame.image_set_id, frame.image_frame_id()),
        None => ("DATASTORE_ID", "IMAGE_SET_ID", "IMAGE_FRAME_ID".to_owned()),
    };
    format!(
        "curl -sSf {url}/datastore/{datastore}/imageSet/{set}/getImageFrame{authorization} \
         -H 'Content-Type: application/json' -d '{{\"imageFrameId\":\"{frame}\"}}' -o frame.jph"
    )
}

fn request(log: &RequestLog, terminal: Terminal) {
    if terminal.is_json() {
        terminal::json(&format!("{}\n", json!(log)));
    } else if !terminal.is_quiet() {
        let cache = json!(log.cache);
        let cache = cache
            .as_str()
            .filter(|cache| *cache != "none")
            .unwrap_or("");
        terminal::say(format!(
            "{:>10} {:<4} {:>7.1} ms  {:<7} {}",
            log.method, log.status, log.ms, cache, log.path
        ));
    }
}

/// SIGINT, SIGTERM, and SIGHUP from a terminal that is closed.
struct End {
    signals: [tokio::signal::unix::Signal; 3],
}

impl End {
    fn new() -> Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |kind| signal(kind).context(|| "can't listen for signals");
        Ok(Self {
            signals: [
                listen(SignalKind::interrupt())?,
                listen(SignalKind::terminate())?,
                listen(SignalKind::hangup())?,
            ],
        })
    }

    async fn wait(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.signals;
        tokio::select! {
            _ = interrupt.recv() => (),
            _ = terminate.recv() => (),
            _ = hangup.recv() => (),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Online;

    fn arguments(origin: OriginChoice, issuer: IssuerChoice) -> Dev {
        Dev {
            port: None,
            shape: crate::cli::HumanOrJson {
                format: crate::cli::Format::Human,
            },
            origin,
            dicom: None,
            issuer,
            ohif: None,
            online: Online { online: false },
        }
    }

    #[test]
    fn what_would_open_the_account_is_refused() {
        let refusal = |origin, issuer, asks_for_a_token, knows_peers| {
            let checked =
                refuse_the_unsafe(&arguments(origin, issuer), asks_for_a_token, knows_peers);
            checked.err().map(|failure| {
                assert_eq!(failure.exit as u8, 1);
                assert!(failure.help.is_some());
                failure.message
            })
        };
        use IssuerChoice::{Embedded as Local, Manifest};
        use OriginChoice::{Aws, Embedded};
        for (origin, issuer, token, peers) in [
            (Embedded, Local, false, false),
            (Embedded, Local, true, false),
            (Embedded, Manifest, true, true),
            (Aws, Local, true, true),
            (Aws, Manifest, true, true),
        ] {
            assert_eq!(refusal(origin, issuer, token, peers), None);
        }
        for (origin, issuer, token, peers, word) in [
            (Aws, Local, false, true, "auth.mode: none"),
            (Aws, Local, true, false, "`--origin aws` needs Linux"),
            (
                Embedded,
                Manifest,
                true,
                false,
                "`--issuer manifest` needs Linux",
            ),
        ] {
            let message = refusal(origin, issuer, token, peers).unwrap();
            assert!(message.contains(word), "{message}");
        }
    }

    #[test]
    fn the_token_is_in_the_file_and_not_in_the_line() {
        let directory = tempfile::Builder::new().prefix("it's ").tempdir().unwrap();
        let authorization = header_file("s3cret", directory.path()).unwrap();
        let line = curl("http://127.0.0.1:1", &authorization, "", None);
        assert!(!line.contains("s3cret"), "{line}");
        // As a shell reads it.
        let words = format!("printf '%s\\n' {authorization}");
        let output = std::process::Command::new("sh")
            .args(["-c", &words])
            .output()
            .unwrap();
        let words = String::from_utf8(output.stdout).unwrap();
        let path = words.lines().nth(1).unwrap().strip_prefix('@').unwrap();
        assert_eq!(
            std::fs::read_to_string(path).unwrap(),
            "Authorization: Bearer s3cret\n"
        );
    }
}
