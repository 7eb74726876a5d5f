//! `frames check`: an endpoint from outside, by requests that a viewer could send.

#[cfg(feature = "aws")]
mod after;
mod answers;
mod behaviors;
mod expected;
mod frame;
mod look;
mod target;
mod transport;

#[cfg(feature = "aws")]
pub(super) use after::{After, Deployed, after};
pub(super) use expected::{Expected, is_by_token_header};
pub(super) use target::Target;

use super::event_loop;
#[cfg(feature = "aws")]
use super::session;
use crate::cli::{Check, Global};
use crate::terminal::{self, Terminal};
use frame::{Frame, Wanted};
use frames_compiler::failure::{Context, Failure, Result};
use frames_compiler::printable::Styled;
use look::{Look, Row, State};
use serde_json::{Value, json};
use std::path::Path;

/// A token as the environment gives it.
const TOKEN: &str = "FRAMES_TOKEN";

/// What a token is for.
const NAME_A_FRAME: &str =
    "add --frame DATASTORE/IMAGESET/FRAME, or --path with what a viewer asks for";

/// Longer ones the authorizer doesn't read, either.
const LONGEST_TOKEN: u64 = 16 * 1024;

/// What was found at an endpoint.
#[derive(Debug)]
pub(super) struct Looked {
    url: String,
    rows: Vec<Row>,
    /// Whether a request without a token gets to the images; `None`: not known.
    pub open: Option<bool>,
}

/// Why there is nothing to look at from this machine.
#[derive(Debug)]
pub(super) struct Unreachable {
    pub why: String,
    pub help: String,
}

pub(super) fn run(global: &Global, arguments: &Check, terminal: Terminal) -> Result<()> {
    if arguments.url.is_some() {
        without_manifest(global, "a URL", "a URL")?;
    }
    let wanted = wanted(arguments, terminal)?;
    let origin = arguments.origin.as_deref();
    let Some(url) = &arguments.url else {
        return of_stack(global, arguments, wanted, terminal);
    };
    let target = Target::of(url, arguments.connect_to.as_deref())?;
    let expected = Expected::of_host(target.host());
    let looked = event_loop()?.block_on(look(target, &expected, wanted.as_ref(), origin));
    conclude(looked, url, terminal)
}

/// The endpoint that the stacks have, held against its own template.
#[cfg(feature = "aws")]
fn of_stack(
    global: &Global,
    arguments: &Check,
    wanted: Option<Wanted>,
    terminal: Terminal,
) -> Result<()> {
    use frames_compiler::plan::Footprint;
    use frames_deploy::endpoint;
    use frames_deploy::session::Session;

    async fn ended(
        session: &Session<'_>,
        footprint: &Footprint,
        config: Option<&frames_edge::AuthorizerConfig>,
        global: &Global,
        arguments: &Check,
        wanted: Option<Wanted>,
        terminal: Terminal,
    ) -> Result<()> {
        let found = endpoint::find(session, footprint).await?;
        let template = endpoint::template(session, &found).await?;
        let expected = Expected::of_template(&template);
        let expected = match config {
            Some(config) => expected.authorized_by(config),
            None => expected,
        };
        let expected = expected.or_by_overlay(&template, global.allow_unsafe_overlay);
        let target = Target::of(&found.url, arguments.connect_to.as_deref())?;
        let target = target.or_by(&found.domain_name, false);
        let origin = arguments.origin.as_deref();
        let looked = look(target, &expected, wanted.as_ref(), origin).await;
        conclude(looked, &found.url, terminal)
    }

    let service = arguments.name.service.as_deref();
    if service.is_some() {
        return session::run_named("check", global, service, terminal, async |opened| {
            let session = opened.looking().await?;
            let footprint = &opened.footprint;
            ended(
                &session, footprint, None, global, arguments, wanted, terminal,
            )
            .await
        });
    }
    session::run("check", global, terminal, async |opened| {
        let session = opened.looking().await?;
        let (footprint, config) = (opened.plan.footprint(), opened.plan.authorizer());
        ended(
            &session, &footprint, config, global, arguments, wanted, terminal,
        )
        .await
    })
}

#[cfg(not(feature = "aws"))]
fn of_stack(_: &Global, _: &Check, _: Option<Wanted>, _: Terminal) -> Result<()> {
    let failure = super::online::refused();
    Err(failure.help("name the endpoint: `frames check https://images.example.org` needs no AWS"))
}

/// With an address, whatever a manifest says is another endpoint's. `argument`: how it was
/// given.
pub(super) fn without_manifest(global: &Global, argument: &str, address: &str) -> Result<()> {
    let given = [
        ("--config", global.config.is_some()),
        ("--env", global.env.is_some()),
        ("--opt", !global.options.is_empty()),
        ("--allow-unsafe-overlay", global.allow_unsafe_overlay),
        ("--allow-outside-files", global.allow_outside_files),
        ("--profile", global.profile.is_some()),
    ];
    match given.into_iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((flag, _)) => Err(Failure::usage(format!(
            "{argument} and `{flag}` exclude each other: with {address}, no manifest is read and AWS isn't asked"
        ))
        .help("leave one of them out")),
    }
}

fn wanted(arguments: &Check, terminal: Terminal) -> Result<Option<Wanted>> {
    let of_environment = std::env::var(TOKEN).ok();
    let of_environment = of_environment.filter(|token| !token.trim().is_empty());
    if let Some(token) = &of_environment {
        terminal::conceal_text(token.trim());
    }
    let frame = match (&arguments.frame, &arguments.path) {
        (Some(ids), _) => Frame::by_ids(ids)?,
        (None, Some(path)) => Frame::by_path(path)?,
        (None, None) if arguments.token_file.is_some() => {
            return Err(
                Failure::usage("a token is for reading a frame, and no frame is named")
                    .help(NAME_A_FRAME),
            );
        }
        (None, None) => {
            if of_environment.is_some() {
                terminal.note(format!(
                    "note: the token in {TOKEN} isn't used, since no frame is named: {NAME_A_FRAME}"
                ));
            }
            return Ok(None);
        }
    };
    let token = match (&arguments.token_file, of_environment) {
        (Some(file), _) => Some(read_token(file)?),
        (None, Some(token)) => Some(checked(&token, &format!("in {TOKEN}"))?),
        (None, None) => None,
    };
    if let Some(token) = &token {
        terminal::conceal_text(token);
    }
    Ok(Some(Wanted { frame, token }))
}

fn read_token(file: &Path) -> Result<String> {
    let name = file.display();
    let size = std::fs::metadata(file).context(|| format!("can't read the token in {name}"))?;
    if size.len() > LONGEST_TOKEN {
        return Err(Failure::new(format!(
            "{name} has {} bytes, and no token is longer than {LONGEST_TOKEN}",
            size.len()
        )));
    }
    let text =
        std::fs::read_to_string(file).context(|| format!("can't read the token in {name}"))?;
    checked(&text, &format!("in {name}"))
}

/// What can be sent after `Bearer` (RFC 6750, 2.1). The text itself isn't quoted.
fn checked(text: &str, place: &str) -> Result<String> {
    let token = text.trim();
    let fits = !token.is_empty()
        && token
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte));
    if fits {
        Ok(token.to_owned())
    } else {
        Err(Failure::new(format!("there is no token {place}"))
            .help("write the token only, without `Bearer` and in one line"))
    }
}

/// All checks, in the order in which they are shown.
async fn look(
    target: Target,
    expected: &Expected,
    wanted: Option<&Wanted>,
    origin: Option<&str>,
) -> std::result::Result<Looked, Unreachable> {
    let url = target.url().to_owned();
    let diverted = target.diverted();
    let mut look = target.open().await?;
    if let Some(token) = wanted.and_then(|it| it.token.as_deref()) {
        look.probe.watch_for(frame::secrets(token));
    }
    let reached = transport::look(&mut look, expected).await;
    let reached = reached.map_err(|error| Unreachable {
        why: error.message,
        help: match diverted {
            Some(diverted) => format!("{diverted}: look whether that is meant"),
            None => error.help,
        },
    })?;
    if reached && answers::look(&mut look, expected, origin).await {
        match wanted {
            Some(wanted) => frame::look(&mut look, expected, wanted).await,
            None => frame::security_headers(&mut look, None),
        }
        answers::foreign_origin(&mut look, expected);
        answers::error_cache(&mut look);
        answers::nosniff(&mut look);
        frame::token_echo(&mut look);
    }
    let Look { rows, open, .. } = look;
    Ok(Looked { url, rows, open })
}

impl Looked {
    /// A program reads why in the line that everything else needs.
    fn unreachable(url: &str, why: &str, help: &str) -> Self {
        let row = Row {
            name: target::ADDRESS,
            state: State::Wrong,
            expected: "an endpoint that can be reached".to_owned(),
            found: why.to_owned(),
            help: Some(help.to_owned()),
        };
        Self {
            url: url.to_owned(),
            rows: vec![row],
            open: None,
        }
    }

    pub(super) fn wrong(&self) -> Vec<&'static str> {
        let wrong = self.rows.iter().filter(|row| row.state == State::Wrong);
        wrong.map(|row| row.name).collect()
    }

    pub(super) fn json(&self) -> Value {
        let rows: Vec<Value> = self.rows.iter().map(Row::json).collect();
        let is_ok = match (self.wrong().is_empty(), self.open) {
            (false, _) => Some(false),
            (true, Some(_)) => Some(true),
            (true, None) => None,
        };
        json!({
            "ok": is_ok,
            "url": self.url,
            "open": self.open,
            "checks": rows,
        })
    }

    /// The table, or only the lines that tell of something wrong. `narrow`: the columns of a terminal
    /// with little room.
    pub(super) fn shown(&self, only_wrong: bool, narrow: Option<usize>) -> Styled {
        let wanted = |row: &&Row| !only_wrong || row.state == State::Wrong;
        let lines = self.rows.iter().filter(wanted);
        let lines = lines.map(|row| row.shown(narrow));
        lines.fold(Styled::new(), |all, line| all.append(&line))
    }

    /// `14 checks found nothing wrong, and 2 weren't made`
    #[cfg_attr(not(feature = "aws"), allow(dead_code))]
    pub(super) fn words(&self) -> String {
        let count = |state| self.rows.iter().filter(|row| row.state == state).count();
        let made = count(State::Ok);
        match count(State::Skipped) {
            0 => format!("{made} checks from outside found nothing wrong"),
            skipped => format!(
                "{made} checks from outside found nothing wrong, and {skipped} couldn't be made (`frames check` shows them)"
            ),
        }
    }
}

fn conclude(
    looked: std::result::Result<Looked, Unreachable>,
    url: &str,
    terminal: Terminal,
) -> Result<()> {
    let looked = looked.map_err(|Unreachable { why, help }| {
        let help = Some(help).filter(|help| !help.is_empty()).unwrap_or_else(|| {
            "look whether it is deployed and its name is in the DNS, and whether this machine reaches it".to_owned()
        });
        if terminal.is_json() {
            let unreachable = Looked::unreachable(url, &why, &help);
            terminal::json(&format!("{:#}\n", unreachable.json()));
        }
        Failure::new(format!("{url} can't be looked at: {why}")).help(help)
    })?;
    if terminal.is_json() {
        terminal::json(&format!("{:#}\n", looked.json()));
    } else {
        terminal::rows(
            looked.shown(terminal.is_quiet(), terminal::narrow()),
            Row::SECOND,
        );
    }
    let wrong = looked.wrong();
    if wrong.is_empty() {
        // Silence would be taken for safety.
        return match looked.open {
            Some(_) => Ok(()),
            None => Err(Failure::new(format!("nobody knows whether {url} is closed"))
                .help("something else than the authorizer answered this machine, or nothing: the lines above say where. Look from elsewhere, too")),
        };
    }
    let what = match looked.open {
        Some(true) => "is open to anybody: ",
        _ => "isn't as it should be: ",
    };
    Err(Failure::new(format!("{url} {what}{}", wrong.join(", ")))
        .help("the lines above say what was expected, what came, and what to do"))
}
