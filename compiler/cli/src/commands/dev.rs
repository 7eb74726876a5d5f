//! `frames dev`: issuer, package, edge, page; then one line per request until it is ended.

use super::dev_delivery::{Delivery, Origin, Setting};
use super::dev_images;
use super::dev_told::announce;
use super::dev_watch::Watch;
use super::explained::Explained;
use super::manifest::plan_of;
use super::ohif;
use crate::artifact::{self, Builder};
use crate::cli::{Dev, Global, IssuerChoice, OriginChoice};
use crate::interrupt;
use crate::project::{MANIFEST, Project};
use crate::terminal::Terminal;
use frames_compiler::Plan;
use frames_compiler::failure::{Context, Failure, Result};
use frames_emulator::healthimaging::DataStore;
use frames_emulator::ohif::Files;
use frames_emulator::{Credentials, knows_peers};
use std::net::{SocketAddr, TcpListener};
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
        let plan = plan_of(&project, global, arguments.online, terminal)?;
        (None, plan)
    };
    let may_be_served = |plan: &Plan| may_be_served(plan, arguments);
    may_be_served(&plan)?;
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
                failed = watch.run(&mut delivery, global, &may_be_served, terminal) => failed?,
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

/// What is refused of a plan that has no errors: at the start, and when it is saved later.
fn may_be_served(plan: &Plan, arguments: &Dev) -> Result<()> {
    let asks_for_a_token = plan
        .authorizer()
        .is_some_and(|config| config.auth.is_some());
    refuse_the_unsafe(arguments, asks_for_a_token, knows_peers())?;
    match arguments.ohif {
        Some(_) => ohif::check(plan),
        None => Ok(()),
    }
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
            online: false,
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
}
