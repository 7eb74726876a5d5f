//! `frames dev --watch`: what changes is served, and what is broken is shown while the last good
//! one goes on.
//!
//! Files are looked at again and again, as by `validate --watch`: that works on every file system,
//! network mounts and containers included, and whatever an editor does to save one.

use super::dev_delivery::Delivery;
use super::dev_images::Images;
use super::dev_told::{announce_root, announce_token};
use super::findings::{compile_findings, compile_with};
use super::watch::{Seen, Watched};
use crate::cli::Global;
use crate::project::Project;
use crate::terminal::{self, Terminal};
use frames_compiler::failure::{Context, Failure, Result};
use frames_compiler::{Compiled, Diagnostic, Plan, Source, render};
use frames_emulator::dicom::Listing;
use frames_emulator::healthimaging::DataStore;
use std::time::{Duration, Instant};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

/// So often the files of a manifest are looked at: a few system calls each time.
const LOOK: Duration = Duration::from_millis(15);

/// For how long files have to stay as they are: editors write in several steps.
const SETTLED: Duration = Duration::from_millis(12);

/// Whatever writes on and on isn't waited for any longer.
const UNSETTLED: Duration = Duration::from_millis(400);

/// A folder takes this share of the time at most: one of ten thousand files is looked at less often.
const SHARE: u32 = 10;

/// What is watched.
pub(super) struct Watch {
    project: Project,
    seen: Vec<Seen>,
    /// The findings that were shown last: the same ones aren't shown at each save.
    shown: String,
    images: Option<Images>,
}

/// What a round has found to be otherwise.
struct Changed {
    manifest: bool,
    images: Option<Listing>,
}

impl Watch {
    /// Compiles the manifest for the first time, and remembers what that read.
    pub(super) fn begin(
        project: Project,
        global: &Global,
        terminal: Terminal,
    ) -> Result<(Self, Plan)> {
        let (seen, compiled) = compiled(&project, global);
        let (source, compiled) = compiled?;
        let plan = compile_findings(&source, &compiled, terminal)?;
        let watch = Self {
            project,
            seen,
            shown: findings(&source, &compiled),
            images: None,
        };
        Ok((watch, plan))
    }

    /// With a folder of images, too. Without either there is nothing to watch.
    pub(super) fn with(mut self, images: Option<Images>) -> Result<Self> {
        self.images = images;
        if self.project.path.is_none() && self.images.is_none() {
            return Err(Failure::usage(
                "`--watch`: there is neither a frames.yml nor `--dicom DIR` to watch",
            )
            .help("`frames init` writes one; or leave --watch out"));
        }
        Ok(self)
    }

    /// Goes on until it is dropped.
    pub(super) async fn run(
        mut self,
        delivery: &mut Delivery,
        global: &Global,
        may_be_served: &dyn Fn(&Plan) -> Result<()>,
        terminal: Terminal,
    ) -> Result<()> {
        loop {
            let changed = self.next().await?;
            let since = Instant::now();
            let done = self.round(changed, delivery, global, may_be_served, terminal);
            match done.await {
                Ok(Some(what)) => {
                    let took = since.elapsed().as_millis();
                    terminal.status("Live", &format!("{what} ({took} ms)"));
                }
                Ok(None) => {}
                Err(failure) => kept(&failure, terminal),
            }
        }
    }

    /// Waits until something is otherwise, and for a moment stays as it is by then.
    async fn next(&mut self) -> Result<Changed> {
        let mut next_folder = Instant::now();
        loop {
            sleep(LOOK).await;
            let manifest = !self.seen.iter().all(Seen::is_unchanged);
            let mut images = None;
            if Instant::now() >= next_folder {
                let begun = Instant::now();
                images = self.folder().await?;
                next_folder = Instant::now() + begun.elapsed() * SHARE;
            }
            if manifest {
                self.settled().await;
            }
            if let Some(listing) = &mut images {
                self.folder_settled(listing).await?;
            }
            if manifest || images.is_some() {
                return Ok(Changed { manifest, images });
            }
        }
    }

    /// How the folder of images is by now, where that is otherwise.
    async fn folder(&mut self) -> Result<Option<Listing>> {
        let Some(images) = self.images.take() else {
            return Ok(None);
        };
        let look = spawn_blocking(move || (images.changed(), images));
        let (listing, images) = look.await.context(|| "can't look at the images")?;
        self.images = Some(images);
        Ok(listing)
    }

    async fn settled(&self) {
        let end = Instant::now() + UNSETTLED;
        let mut before = Seen::stamps(&self.seen);
        loop {
            sleep(SETTLED).await;
            let now = Seen::stamps(&self.seen);
            if now == before || Instant::now() > end {
                return;
            }
            before = now;
        }
    }

    async fn folder_settled(&mut self, listing: &mut Listing) -> Result<()> {
        let end = Instant::now() + UNSETTLED;
        loop {
            sleep(SETTLED).await;
            // It may be as it was served by now: that is read again for nothing.
            let Some(now) = self.folder().await? else {
                return Ok(());
            };
            if now == *listing || Instant::now() > end {
                *listing = now;
                return Ok(());
            }
            *listing = now;
        }
    }

    /// Serves what is otherwise: its name, or `None` where it was shown to be broken.
    async fn round(
        &mut self,
        changed: Changed,
        delivery: &mut Delivery,
        global: &Global,
        may_be_served: &dyn Fn(&Plan) -> Result<()>,
        terminal: Terminal,
    ) -> Result<Option<String>> {
        let plan = if changed.manifest {
            self.compile(global, may_be_served, terminal).await?
        } else {
            None
        };
        let mut what = Vec::new();
        // One after the other: what is wrong with one keeps nobody from the other.
        if let Some(listing) = changed.images {
            match self.read(listing, delivery, terminal).await {
                Ok(()) => what.push("the images"),
                Err(failure) => kept(&failure, terminal),
            }
        }
        if plan.is_some() {
            serve(delivery, plan, None, terminal).await?;
            what.push(&self.project.shown);
        }
        Ok((!what.is_empty()).then(|| what.join(", ")))
    }

    async fn read(
        &mut self,
        listing: Listing,
        delivery: &mut Delivery,
        terminal: Terminal,
    ) -> Result<()> {
        let Some(mut images) = self.images.take() else {
            return Ok(());
        };
        let read = spawn_blocking(move || (images.read(listing, terminal), images));
        let (store, images) = read.await.context(|| "can't read the images")?;
        self.images = Some(images);
        serve(delivery, None, Some(store?), terminal).await
    }

    /// The manifest as it is by now; `None`: its findings are shown.
    async fn compile(
        &mut self,
        global: &Global,
        may_be_served: &dyn Fn(&Plan) -> Result<()>,
        terminal: Terminal,
    ) -> Result<Option<Plan>> {
        let (project, target) = (self.project.clone(), global.clone());
        let work = spawn_blocking(move || compiled(&project, &target));
        let (seen, done) = work.await.context(|| "can't compile the manifest")?;
        // Also of a manifest that can't be read: it is waited for.
        self.seen = seen;
        let (source, compiled) = done?;
        let found = findings(&source, &compiled);
        let is_shown = found == std::mem::replace(&mut self.shown, found.clone());
        if compiled.diagnostics.iter().any(Diagnostic::is_error) {
            terminal::say(render::human(&source, &compiled.diagnostics));
            let what = format!("the last good {} goes on", source.name());
            terminal.status("Broken", &what);
            return Ok(None);
        }
        let plan = match compiled.plan {
            Some(plan) if is_shown => plan,
            _ => compile_findings(&source, &compiled, terminal)?,
        };
        may_be_served(&plan)?;
        Ok(Some(plan))
    }
}

async fn serve(
    delivery: &mut Delivery,
    plan: Option<Plan>,
    images: Option<DataStore>,
    terminal: Terminal,
) -> Result<()> {
    let root = delivery.dicomweb();
    let has_other_claims = delivery.update(plan, images).await?;
    announce_root(root.as_deref(), delivery.dicomweb().as_deref(), terminal);
    if has_other_claims {
        announce_token(delivery, terminal)?;
    }
    Ok(())
}

/// As they are shown, to tell them from those of before.
fn findings(source: &Source, compiled: &Compiled) -> String {
    render::human(source, &compiled.diagnostics)
        .ansi()
        .to_owned()
}

/// One look at the manifest, with the files that it depends on.
fn compiled(project: &Project, global: &Global) -> (Vec<Seen>, Result<(Source, Compiled)>) {
    // Before it is read: a change in between is then noticed.
    let manifest: Vec<Seen> = project.path.iter().cloned().map(Seen::now).collect();
    let project = match project.again() {
        Ok(project) => project,
        Err(failure) => return (manifest, Err(failure)),
    };
    let watched = Watched::new(&project, manifest);
    let done = compile_with(&project, global.target(), &watched);
    (watched.seen(), Ok(done))
}

/// Why what has changed isn't served.
fn kept(failure: &Failure, terminal: Terminal) {
    let help = failure.help.as_ref().map(|help| format!("\n{help}"));
    let (message, help) = (&failure.message, help.unwrap_or_default());
    let what = format!("{message}: what was served before goes on{help}");
    terminal.status("Broken", &what);
}
