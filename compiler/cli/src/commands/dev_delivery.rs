//! All that `frames dev` runs: made of a plan, and made again from each later one while
//! requests go on.

use super::dev_images;
use super::explained::Explained;
use super::ohif::{self, Served};
use crate::artifact;
use crate::terminal::{self, Terminal};
use frames_compiler::Plan;
use frames_compiler::failure::{Context, Failure, Result};
use frames_compiler::printable::counted;
use frames_edge::{AuthorizerConfig, SignerConfig};
use frames_emulator::cloudfront::{
    CloudFront, EdgeCache, Invalidation, Options, OriginServer, RequestLog,
};
use frames_emulator::healthimaging::{DataStore, Policy, StandIn};
use frames_emulator::issuer::{Issuer, IssuerClaims};
use frames_emulator::ohif::Files;
use frames_emulator::package::{self, Package, Reader};
use frames_emulator::page::{Page, Purge, Requests, Values};
use frames_emulator::{Credentials, CredentialsSource, private};
use serde_json::{Map, json};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::task::spawn_blocking;

/// Where frames come from, as long as the run lasts.
pub(super) enum Origin {
    /// Whatever becomes of the stand-in, functions sign for it with these.
    StandIn(Credentials),
    Aws {
        credentials: CredentialsSource,
        endpoint: Option<SocketAddr>,
    },
}

/// What stays whatever the manifest says by now.
pub(super) struct Setting {
    pub programs: Arc<artifact::Programs>,
    pub origin: Origin,
    /// Whether an issuer of our own replaces the manifest's.
    pub own_issuer: bool,
    /// Whether the images are a user's.
    pub own_images: bool,
    pub port: u16,
    pub terminal: Terminal,
}

/// All that runs.
pub(super) struct Delivery {
    pub cloudfront: CloudFront,
    pub page: Page,
    pub ohif: Option<Served>,
    pub issuer: Option<Arc<Issuer>>,
    /// What the page is given, and what is printed.
    pub token: Option<String>,
    pub now: Now,
    /// The package, and what else only this run may read.
    pub directory: tempfile::TempDir,
    setting: Setting,
    requests: Requests,
    /// What takes something out of the edge's cache.
    purge: Purge,
    /// Pages that may read, beside the manifest's.
    pages: Vec<String>,
}

/// What the last plan has come to.
pub(super) struct Now {
    pub stand_in: Option<Arc<StandIn>>,
    /// HealthImaging's host of DICOMweb, where that is served.
    pub dicomweb_host: Option<String>,
    pub datastore: Option<String>,
    /// As it was compiled.
    plan: Plan,
    /// As they were read: a stand-in gives them the names that it needs.
    images: DataStore,
    basis: Basis,
    notes: Vec<String>,
}

/// What a stand-in is made for, beside its images.
#[derive(PartialEq)]
struct Basis {
    signer: SignerConfig,
    policy: Policy,
    reader: Option<Reader>,
}

/// A plan that is packaged, and who answers for HealthImaging by it.
struct Made {
    package: Package,
    origin: OriginServer,
    stand_in: Option<Arc<StandIn>>,
    basis: Basis,
    dicomweb_host: Option<String>,
    datastore: Option<String>,
}

impl Delivery {
    pub(super) async fn start(
        setting: Setting,
        compiled: Plan,
        images: DataStore,
        ohif: Option<Files>,
    ) -> Result<Self> {
        let mut plan = compiled.clone();
        let issuer = match wanted_claims(&setting, &plan, &images)? {
            Some(claims) => Some(Arc::new(Issuer::start(claims).await.explained()?)),
            None => None,
        };
        if let Some(issuer) = &issuer {
            replace_issuer(&mut plan, issuer);
        }
        let page = Page::bind().await.explained()?;
        plan.admit(&page.origin());
        let ohif = ohif::bind(ohif, &mut plan, issuer.is_some()).await?;
        let pages = std::iter::once(page.origin())
            .chain(ohif.as_ref().map(ohif::Reserved::origin))
            .collect();
        let directory = private::directory("frames-dev-").explained()?;
        let made = make(&setting, &plan, &images, directory.path(), None).await?;
        let requests = Requests::default();
        let options = setting.options(made.origin, &requests);
        let cloudfront = CloudFront::start(made.package, options).await;
        let cloudfront = cloudfront.explained()?;
        let now = Now {
            stand_in: made.stand_in,
            dicomweb_host: made.dicomweb_host,
            datastore: made.datastore,
            plan: compiled,
            images,
            basis: made.basis,
            notes: cloudfront.notes().to_vec(),
        };
        setting.say_notes(&now.notes, &[]);
        let url = cloudfront.url();
        let token = issuer.as_ref().map(|issuer| issuer.token().to_owned());
        let purge = purge(cloudfront.cache(), setting.terminal);
        let values = values(&url, token.as_deref(), &now, &requests, &purge);
        let page = Page::serve(page, &values).explained()?;
        let (datastore, host) = (now.datastore.as_deref(), now.dicomweb_host.as_deref());
        let ohif = ohif.map(|it| it.serve(&url, datastore, host, issuer.clone()));
        let ohif = ohif.transpose()?;
        Ok(Self {
            cloudfront,
            page,
            ohif,
            issuer,
            token,
            now,
            directory,
            setting,
            requests,
            purge,
            pages,
        })
    }

    /// Serves another plan, or other images, from now on. Requests that are on their way end as
    /// they began. Where this fails, everything stays as it was. Returns whether tokens have
    /// other claims from now on.
    pub(super) async fn update(
        &mut self,
        compiled: Option<Plan>,
        images: Option<DataStore>,
    ) -> Result<bool> {
        let compiled = compiled.unwrap_or_else(|| self.now.plan.clone());
        let mut plan = compiled.clone();
        let served = images.as_ref().unwrap_or(&self.now.images);
        let claims = wanted_claims(&self.setting, &plan, served)?;
        let issuer = match (&self.issuer, &claims) {
            (None, Some(claims)) => {
                let started = Issuer::start(claims.clone()).await;
                Some(Arc::new(started.explained()?))
            }
            (issuer, _) => issuer.clone(),
        };
        if let Some(issuer) = issuer.as_ref().filter(|_| claims.is_some()) {
            replace_issuer(&mut plan, issuer);
        }
        self.pages.iter().for_each(|page| plan.admit(page));
        // What is the same as before goes on as it is.
        let before = Some(&self.now).filter(|_| images.is_none());
        let directory = self.directory.path();
        let made = make(&self.setting, &plan, served, directory, before).await?;
        let options = self.setting.options(made.origin, &self.requests);
        let updated = self.cloudfront.update(made.package, options).await;
        updated.explained()?;
        self.forget(made.stand_in.as_ref());
        let is_new = self.issuer.is_none() && issuer.is_some();
        self.issuer = issuer;
        let has_other_claims = match (&self.issuer, claims) {
            (Some(issuer), Some(claims)) => issuer.update(claims).explained()? || is_new,
            _ => false,
        };
        let notes = self.cloudfront.notes().to_vec();
        self.setting.say_notes(&notes, &self.now.notes);
        let now = &mut self.now;
        (now.stand_in, now.basis) = (made.stand_in, made.basis);
        (now.dicomweb_host, now.datastore) = (made.dicomweb_host, made.datastore);
        (now.plan, now.notes) = (compiled, notes);
        if let Some(images) = images {
            now.images = images;
        }
        self.tell(has_other_claims)?;
        Ok(has_other_claims)
    }

    /// What is cached of images that are otherwise by now is fetched again.
    fn forget(&self, stand_in: Option<&Arc<StandIn>>) {
        let (Some(before), Some(now)) = (&self.now.stand_in, stand_in) else {
            return;
        };
        if Arc::ptr_eq(before, now) {
            return;
        }
        let changed = before.store().changed(now.store());
        if let Ok(invalidation) = Invalidation::of(&changed) {
            self.cloudfront.cache().invalidate(&invalidation);
        }
    }

    /// The page and OHIF are told what is served by now, and a token that is good for it.
    fn tell(&mut self, has_other_claims: bool) -> Result<()> {
        let url = self.cloudfront.url();
        if let Some(issuer) = self.issuer.as_ref().filter(|_| has_other_claims) {
            self.token = Some(issuer.mint(Map::new()).explained()?);
        }
        let token = self.token.as_deref();
        let values = values(&url, token, &self.now, &self.requests, &self.purge);
        self.page.update(&values);
        if let Some(ohif) = &self.ohif {
            let datastore = self.now.datastore.as_deref().unwrap_or_default();
            let host = self.now.dicomweb_host.as_deref();
            ohif.update(&url, datastore, host, self.issuer.clone());
        }
        Ok(())
    }

    /// What the authorizer goes by, but for the issuer's keys.
    pub(super) fn authorizer(&self) -> Option<&AuthorizerConfig> {
        self.now.plan.authorizer()
    }

    /// Where DICOMweb is served, what a viewer's configuration calls its root.
    pub(super) fn dicomweb(&self) -> Option<String> {
        let datastore = self.now.datastore.as_ref();
        let datastore = datastore.filter(|_| self.now.dicomweb_host.is_some())?;
        let url = self.cloudfront.url();
        Some(format!("{url}/datastore/{datastore}"))
    }

    /// On return all processes have ended, all ports are closed and all files are gone.
    pub(super) async fn stop(self) {
        // Everything else ends when it is dropped, after CloudFront.
        self.cloudfront.stop().await;
    }
}

impl Setting {
    fn options(&self, origin: OriginServer, requests: &Requests) -> Options {
        let terminal = self.terminal;
        let seen = requests.clone();
        Options {
            port: self.port,
            origin,
            requests: Arc::new(move |log: &RequestLog| {
                seen.keep(log);
                request(log, terminal);
            }),
            functions: Arc::new(move |function, line| {
                terminal.detail_line(&format!("{function}: {line}"))
            }),
        }
    }

    /// Each note once.
    fn say_notes(&self, notes: &[String], said: &[String]) {
        for note in notes.iter().filter(|note| !said.contains(note)) {
            self.terminal.status("Note", note);
        }
    }
}

/// Packages a plan that is ready to be served, and has HealthImaging's stand-in ready for it.
/// That of `before` goes on where it is asked for the same.
async fn make(
    setting: &Setting,
    plan: &Plan,
    images: &DataStore,
    directory: &Path,
    before: Option<&Now>,
) -> Result<Made> {
    let (owned, programs, into) = (plan.clone(), setting.programs.clone(), directory.to_owned());
    // Not on the thread that others wait for.
    let packaged = spawn_blocking(move || {
        artifact::write(&artifact::package(&owned, &programs)?, &into)?;
        package::read(&into).explained()
    });
    let package = packaged.await.context(|| "can't package the manifest")??;
    let signer = plan.signer();
    let signer = signer.ok_or_else(|| Failure::new("the plan has no signer"))?;
    let basis = Basis {
        signer: signer.clone(),
        policy: Policy::of(&package),
        reader: package.reader.clone(),
    };
    let same = before.filter(|before| before.basis == basis);
    let same = same.and_then(|same| same.stand_in.clone());
    let (origin, stand_in) = answering(setting, signer, &basis.policy, images, same).await?;
    let store = stand_in.as_ref().map(|it| it.store().id.as_str());
    let datastore = store.or_else(|| ohif::named_store(plan));
    Ok(Made {
        package,
        datastore: datastore.map(str::to_owned),
        origin,
        stand_in,
        basis,
        dicomweb_host: ohif::dicomweb_host(plan).map(str::to_owned),
    })
}

/// Who answers for HealthImaging; `same` is a stand-in that goes on.
async fn answering(
    setting: &Setting,
    signer: &SignerConfig,
    policy: &Policy,
    images: &DataStore,
    same: Option<Arc<StandIn>>,
) -> Result<(OriginServer, Option<Arc<StandIn>>)> {
    let credentials = match &setting.origin {
        Origin::StandIn(credentials) => credentials.clone(),
        Origin::Aws {
            credentials,
            endpoint,
        } => {
            let (credentials, endpoint) = (credentials.clone(), *endpoint);
            let origin = OriginServer::Aws {
                credentials,
                endpoint,
            };
            return Ok((origin, None));
        }
    };
    let stand_in = match same {
        Some(same) => same,
        None => {
            let started = StandIn::start(signer, credentials, policy.clone(), images.clone());
            let started = started.await.explained()?;
            if setting.own_images {
                dev_images::say_reach(&started.reach(), setting.terminal);
            }
            Arc::new(started)
        }
    };
    Ok((OriginServer::StandIn(stand_in.clone()), Some(stand_in)))
}

/// What the tokens of our own issuer have to say; `None`: there is none, or nobody asks for one.
fn wanted_claims(
    setting: &Setting,
    plan: &Plan,
    images: &DataStore,
) -> Result<Option<IssuerClaims>> {
    let config = plan.authorizer().filter(|_| setting.own_issuer);
    let Some((config, auth)) = config.and_then(|config| Some((config, config.auth.as_ref()?)))
    else {
        return Ok(None);
    };
    let claims = IssuerClaims::satisfying(auth).explained()?;
    Ok(Some(claims.reading(config, images)))
}

/// Replaces the manifest's issuer by our own: the same claims, other keys.
fn replace_issuer(plan: &mut Plan, issuer: &Issuer) {
    let config = plan.authorizer_mut();
    let Some(auth) = config.and_then(|config| config.auth.as_mut()) else {
        return;
    };
    auth.jwks = None;
    for one in &mut auth.issuers {
        (one.initial_jwks, one.initial_at) = (None, None);
        one.jwks_uri = Some(issuer.jwks_uri());
    }
}

fn values<'a>(
    url: &'a str,
    token: Option<&'a str>,
    now: &'a Now,
    requests: &Requests,
    purge: &Purge,
) -> Values<'a> {
    Values {
        edge_url: url,
        token,
        datastore_id: now.datastore.as_deref().unwrap_or_default(),
        dicomweb: now.dicomweb_host.is_some(),
        stand_in: now.stand_in.clone(),
        requests: requests.clone(),
        purge: purge.clone(),
    }
}

/// `frames purge --endpoint`, as CloudFront does it.
fn purge(cache: EdgeCache, terminal: Terminal) -> Purge {
    Arc::new(move |paths| {
        let objects = cache.invalidate(&Invalidation::of(paths)?);
        let gone = counted(objects, "object", "objects");
        let what = format!("{gone}, by {}", paths.join(" "));
        terminal.status("Purged", &what);
        Ok(objects)
    })
}

fn request(log: &RequestLog, terminal: Terminal) {
    if terminal.is_json() {
        terminal::json(&format!("{}\n", json!(log)));
    } else {
        let cache = json!(log.cache);
        let cache = cache
            .as_str()
            .filter(|cache| *cache != "none")
            .unwrap_or("");
        terminal.lines(format!(
            "{:>10} {:<4} {:>7.1} ms  {:<7} {}",
            log.method, log.status, log.ms, cache, log.path
        ));
    }
}
