//! `frames dev`: issuer, package, edge, page; then one line per request until it is ended.

use super::dev_delivery::{Delivery, Origin, Setting};
use super::dev_images;
use super::dev_watch::Watch;
use super::manifest::plan_of;
use super::ohif;
use crate::artifact::{self, Builder};
use crate::cli::{Dev, Global, IssuerChoice, OriginChoice};
use crate::interrupt;
use crate::project::{MANIFEST, Project};
use crate::terminal::{self, Terminal, data};
use frames_compiler::Plan;
use frames_compiler::failure::{Context, Failure, Result};
use frames_emulator::cloudfront::RequestLog;
use frames_emulator::healthimaging::{DataStore, FrameNames};
use frames_emulator::ohif::Files;
use frames_emulator::{Credentials, knows_peers, private};
use serde_json::json;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

/// What `dev` serves where there is no frames.yml.
const EXAMPLE: &str = include_str!("example.frames.yml");

const PORT: u16 = 8080;

pub(super) fn run(global: &Global, arguments: &Dev, terminal: Terminal) -> Result<()> {
    let project = project(global, terminal)?;
    let (watch, plan) = if arguments.watch {
        let (watch, plan) = Watch::begin(project, global, terminal)?;
        (Some(watch), plan)
    } else {
        let plan = plan_of(&project, global, arguments.online.online, terminal)?;
        (None, plan)
    };
    let asks_for_a_token = plan
        .authorizer()
        .is_some_and(|config| config.auth.is_some());
    refuse_the_unsafe(arguments, asks_for_a_token, knows_peers())?;
    // Before anything is built: a folder of no use is told at once.
    let (images, folder) =
        dev_images::store(arguments.dicom.as_deref(), arguments.watch, terminal)?;
    let watch = watch.map(|watch| watch.with(folder)).transpose()?;
    let files = ohif::files(arguments.ohif.as_ref(), &plan, terminal)?;
    let programs = artifact::programs(builder(), terminal)?;
    let runtime = super::event_loop()?;
    runtime.block_on(async {
        let mut end = End::new()?;
        interrupt::own();
        let started = tokio::select! {
            delivery = start(plan, programs, images, files, global, arguments, terminal) => Some(delivery?),
            () = end.wait() => None,
        };
        let Some(mut delivery) = started else {
            return Err(interrupt::untouched("dev"));
        };
        announce(&delivery, terminal)?;
        match watch {
            Some(watch) => tokio::select! {
                failed = watch.run(&mut delivery, global, arguments, terminal) => failed?,
                () = end.wait() => (),
            },
            None => end.wait().await,
        }
        delivery.stop().await;
        if !terminal.is_json() {
            terminal.status("Stopped", "all of its processes have ended");
        }
        Ok(())
    })
}

async fn start(
    plan: Plan,
    programs: artifact::Programs,
    images: DataStore,
    ohif: Option<Files>,
    global: &Global,
    arguments: &Dev,
    terminal: Terminal,
) -> Result<Delivery> {
    let region = plan.signer().map(|signer| signer.region.as_str());
    let origin = match arguments.origin {
        OriginChoice::Embedded => Origin::StandIn(Credentials::random().explained()?),
        OriginChoice::Aws => Origin::Aws {
            credentials: super::online::credentials(global, region.unwrap_or_default()).await?,
            endpoint: own_endpoint(terminal)?,
        },
    };
    let setting = Setting {
        programs: Arc::new(programs),
        origin,
        own_issuer: matches!(arguments.issuer, IssuerChoice::Embedded),
        own_images: arguments.dicom.is_some(),
        port: port(arguments.port, terminal)?,
        terminal,
    };
    Delivery::start(setting, plan, images, ohif).await
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
pub(super) fn refuse_the_unsafe(
    arguments: &Dev,
    asks_for_a_token: bool,
    knows_peers: bool,
) -> Result<()> {
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

fn announce(delivery: &Delivery, terminal: Terminal) -> Result<()> {
    let url = delivery.cloudfront.url();
    let page = delivery.page.url();
    if !terminal.is_json() {
        terminal.status("Page", &page);
    }
    let purge = delivery.page.purge_url();
    terminal.status("Purge", &format!("{purge} (for `frames purge --endpoint`)"));
    if let Some(ohif) = &delivery.ohif {
        ohif.announce(terminal);
    }
    if let Some(stand_in) = &delivery.now.stand_in {
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
    if let Some(issuer) = &delivery.issuer {
        terminal.status(
            "Issuer",
            &format!("{} replaces the manifest's", issuer.url()),
        );
    }
    if terminal.is_json() {
        let store = delivery.now.stand_in.as_ref().map(|it| it.store());
        let frame = store.and_then(|store| {
            let frame = store.first_frame()?;
            Some(json!({
                "datastoreId": store.id,
                "imageSetId": frame.image_set_id,
                "imageFrameId": frame.image_frame_id(),
            }))
        });
        let mut ready = json!({"url": url, "token": delivery.token, "frame": frame, "page": page});
        if let Some(ohif) = &delivery.ohif {
            ready["ohif"] = ohif.url().into();
        }
        terminal::json(&format!("{ready}\n"));
        return Ok(());
    }
    if let Some(root) = delivery.dicomweb() {
        terminal.status(
            "DICOMweb",
            &format!("{root} (a viewer's root for QIDO and WADO)"),
        );
    }
    terminal.status(
        "Ready",
        &format!("{url} (Ctrl-C ends it). This gets a frame:"),
    );
    print_curl(delivery)
}

/// Tokens have other claims from now on: those that were printed may be refused.
pub(super) fn announce_token(delivery: &Delivery, terminal: Terminal) -> Result<()> {
    let Some(issuer) = &delivery.issuer else {
        return Ok(());
    };
    let url = issuer.url();
    if terminal.is_json() {
        let what = format!("other claims from now on: POST {url}/token makes one that has them");
        terminal.status("Token", &what);
        return Ok(());
    }
    terminal.status("Token", "other claims from now on. This gets a frame:");
    print_curl(delivery)
}

fn print_curl(delivery: &Delivery) -> Result<()> {
    let store = delivery.now.stand_in.as_ref().map(|it| it.store());
    let authorization = match (&delivery.token, store) {
        (None, _) => String::new(),
        (Some(token), Some(_)) => format!(" -H 'Authorization: Bearer {token}'"),
        (Some(token), None) => header_file(token, delivery.directory.path())?,
    };
    let datastore = store.map_or("", |store| store.id.as_str());
    let frame = store.and_then(|store| store.first_frame());
    let line = curl(&delivery.cloudfront.url(), &authorization, datastore, frame);
    data(format!("\n{line}\n\n"));
    Ok(())
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

/// What the emulator says of an error, as a command says it.
pub(super) trait Explained<T> {
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
    // An earlier token's.
    let _ = std::fs::remove_file(&path);
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

pub(super) fn request(log: &RequestLog, terminal: Terminal) {
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
            watch: false,
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
