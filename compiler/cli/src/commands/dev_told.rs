//! What `frames dev` says of itself: where it is, and how to get a frame.

use super::check::is_by_token_header;
use super::dev_delivery::Delivery;
use super::dev_example::{Example, Way};
use super::explained::Explained;
use crate::terminal::{self, Terminal, lines};
use frames_compiler::failure::Result;
use frames_emulator::private;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

const REFUSED: &str = "none of the frames here may be read: the answer is 403, as on AWS (see `iam.allow`, `auth.access` and \
     `auth.accessClaims`)";

pub(super) fn announce(delivery: &Delivery, terminal: Terminal) -> Result<()> {
    let url = delivery.cloudfront.url();
    if !terminal.is_json() {
        terminal.status("Page", &delivery.page.url());
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
    }
    if let Some(empty) = empty(delivery) {
        terminal.status("Note", &empty);
    }
    let example = Example::of(delivery);
    if example.way == Way::Refused {
        terminal.status("Refused", REFUSED);
    }
    if let Some(issuer) = &delivery.issuer {
        terminal.status(
            "Issuer",
            &format!("{} replaces the manifest's", issuer.url()),
        );
    }
    if terminal.is_json() {
        terminal::json(&format!("{}\n", ready(delivery)));
        return Ok(());
    }
    announce_root(None, delivery.dicomweb().as_deref(), terminal);
    let what = told(&example);
    terminal.status("Ready", &format!("{url} (Ctrl-C ends it). {what}"));
    print_curl(delivery, &example)
}

/// What a script needs: all addresses that the lines for people have.
fn ready(delivery: &Delivery) -> Value {
    let store = delivery.now.stand_in.as_ref().map(|it| it.store());
    let frame = store.and_then(|store| {
        let frame = store.first_frame()?;
        Some(json!({
            "datastoreId": store.id,
            "imageSetId": frame.image_set_id,
            "imageFrameId": frame.image_frame_id(),
        }))
    });
    let mut ready = json!({
        "url": delivery.cloudfront.url(),
        "token": delivery.token,
        "frame": frame,
        "page": delivery.page.url(),
        "purge": delivery.page.purge_url(),
        "issuer": delivery.issuer.as_ref().map(|issuer| issuer.url()),
        "dicomweb": delivery.dicomweb(),
    });
    if let Some(ohif) = &delivery.ohif {
        ready["ohif"] = ohif.url().into();
    }
    ready
}

/// The root of DICOMweb, where it isn't the one of `before`.
pub(super) fn announce_root(before: Option<&str>, now: Option<&str>, terminal: Terminal) {
    if let Some(what) = root(before, now) {
        terminal.status("DICOMweb", &what);
    }
}

/// What is to be said of the root by now: whoever has given it to a viewer has to know that it is
/// gone.
fn root(before: Option<&str>, now: Option<&str>) -> Option<String> {
    match (before, now) {
        (before, now) if before == now => None,
        (_, Some(now)) => Some(format!("{now} (a viewer's root for QIDO and WADO)")),
        (Some(before), None) => Some(format!("is no longer served at {before}")),
        (None, None) => None,
    }
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
    let example = Example::of(delivery);
    let what = format!("other claims from now on. {}", told(&example));
    terminal.status("Token", &what);
    print_curl(delivery, &example)
}

fn told(example: &Example<'_>) -> &'static str {
    match example.way {
        Way::Native => "This gets a frame:",
        Way::Dicomweb => "This gets a frame, by DICOMweb:",
        Way::Refused => "This asks for a frame:",
    }
}

fn print_curl(delivery: &Delivery, example: &Example<'_>) -> Result<()> {
    let authorization = match (&delivery.token, &delivery.now.stand_in) {
        (None, _) => String::new(),
        (Some(token), Some(_)) => format!(" -H '{}'", header(delivery, token)),
        (Some(token), None) => header_file(&header(delivery, token), delivery.directory.path())?,
    };
    let line = example.line(&delivery.cloudfront.url(), &authorization);
    lines(format!("\n{line}\n\n"));
    Ok(())
}

/// The data stores that the manifest lists, and nobody has images for here.
fn empty(delivery: &Delivery) -> Option<String> {
    let own = &delivery.now.stand_in.as_ref()?.store().id;
    let rows = delivery.authorizer()?.allow.as_ref()?;
    let others: BTreeSet<&str> = rows
        .iter()
        .map(|row| row.datastore.as_str())
        .filter(|id| id != own)
        .collect();
    let others: Vec<&str> = others.into_iter().collect();
    (!others.is_empty()).then(|| {
        format!(
            "all images here are in data store {own}: what may be read of {} is answered with 404",
            others.join(", ")
        )
    })
}

/// By the first header that `auth.tokenSources` has. A query would be in the shell's history.
fn header(delivery: &Delivery, token: &str) -> String {
    let config = delivery.authorizer();
    let auth = config.and_then(|config| config.auth.as_ref());
    if auth.is_some_and(is_by_token_header) {
        format!("token: {token}")
    } else {
        format!("Authorization: Bearer {token}")
    }
}

/// Everybody on this machine can read a command's arguments, and this token
/// opens a real data store: curl takes it from a file.
fn header_file(header: &str, directory: &Path) -> Result<String> {
    let path = directory.join("authorization");
    // An earlier token's.
    let _ = std::fs::remove_file(&path);
    private::write(&path, &format!("{header}\n")).explained()?;
    let quoted = path.display().to_string().replace('\'', "'\\''");
    Ok(format!(" -H '@{quoted}'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_said_where_it_comes_changes_or_goes() {
        let (one, other) = (Some("http://h/datastore/1"), Some("http://h/datastore/2"));
        for (before, now, said) in [
            (None, None, None),
            (one, one, None),
            (None, one, Some("http://h/datastore/1 (a viewer's root")),
            (one, other, Some("http://h/datastore/2 (a viewer's root")),
            (
                one,
                None,
                Some("is no longer served at http://h/datastore/1"),
            ),
        ] {
            let told = root(before, now);
            assert_eq!(told.is_some(), said.is_some(), "{told:?}");
            let told = told.unwrap_or_default();
            assert!(told.starts_with(said.unwrap_or_default()), "{told}");
        }
    }

    #[test]
    fn the_token_is_in_the_file_and_not_in_the_line() {
        let directory = tempfile::Builder::new().prefix("it's ").tempdir().unwrap();
        let authorization = header_file("Authorization: Bearer s3cret", directory.path()).unwrap();
        assert!(!authorization.contains("s3cret"), "{authorization}");
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
