//! The way to an endpoint: its address, TLS, its certificate, and what HTTP without TLS gets.

use super::expected::{Expected, Tls};
use super::look::{Asking, Look, State, header};
use frames_network::Error;
use frames_network::probe::{Certificate, Handshake, Old, Refused, Spoken, Version};
use http::Method;
use std::time::SystemTime;

/// Certificates are renewed long before: AWS Certificate Manager begins 45 days before the end or earlier.
const DAYS: i64 = 14;

/// Whether anything can be asked at all. An endpoint that this machine can't reach is an error, and no
/// finding.
pub(super) async fn look(look: &mut Look, expected: &Expected) -> Result<bool, Error> {
    if !look.probe.is_encrypted() {
        look.probe.reach().await.map_err(|error| Error {
            help: Some(error.help).filter(|help| !help.is_empty()).unwrap_or_else(|| {
                "look whether the local delivery runs (`frames dev` prints its address when it starts), and at this port".to_owned()
            }),
            ..error
        })?;
        look.skip(
            "tls",
            "TLS",
            "an address of this machine without TLS: nothing to look at",
        );
        return Ok(true);
    }
    // The first one tells whether it can be reached.
    let both = look.probe.handshake(Version::Either).await?;
    for (name, old) in [("tls-1.0", Old::Tls10), ("tls-1.1", Old::Tls11)] {
        let spoken = look.probe.old(old).await?;
        old_version(look, name, expected.tls, spoken);
    }
    for (name, version) in [("tls-1.2", Version::Tls12), ("tls-1.3", Version::Tls13)] {
        let handshake = look.probe.handshake(version).await?;
        new_version(look, name, expected.tls, &handshake);
    }
    let is_trusted = certificate(look, &both);
    without_tls(look).await;
    Ok(is_trusted)
}

fn old_version(look: &mut Look, name: &'static str, tls: Tls, spoken: Spoken) {
    let (wanted, found) = ("refused", "accepted");
    match spoken {
        Spoken::Refuses(why) => look.ok(name, wanted, format!("refused ({why})")),
        Spoken::Accepts if tls == Tls::CloudFronts => look.push(
            name,
            State::Skipped,
            "CloudFront's to say",
            found,
            Some("CloudFront takes it under its own certificate: only an endpoint with a name and certificate in `domain` refuses it".to_owned()),
        ),
        Spoken::Accepts => look.wrong(
            name,
            wanted,
            found,
            "set `domain.securityPolicy`, and look at what changed the distribution's security policy",
        ),
    }
}

fn new_version(look: &mut Look, name: &'static str, tls: Tls, handshake: &Handshake) {
    let (accepted, found) = match &handshake.ended {
        // What it says to the certificate, it says in this version.
        Ok(()) | Err(Refused::Certificate(_)) => (true, "accepted".to_owned()),
        Err(Refused::Version(why)) => (false, format!("refused ({why})")),
    };
    let wanted = match (tls, name) {
        (Tls::Only13, "tls-1.2") => Some(false),
        (Tls::Newer, "tls-1.2") => None,
        _ => Some(true),
    };
    let expected = match wanted {
        Some(true) => "accepted",
        Some(false) => "refused",
        None => "accepted, or refused by TLSv1.3_2025",
    };
    if wanted.is_none_or(|wanted| wanted == accepted) {
        look.ok(name, expected, found);
    } else {
        look.wrong(
            name,
            expected,
            found,
            "the distribution's security policy isn't the one that the template has: deploy again, and look at what is in front of it",
        );
    }
}

/// Whether requests may be sent: a token never goes to a server that isn't trusted.
fn certificate(look: &mut Look, handshake: &Handshake) -> bool {
    const NAME: &str = "certificate";
    let host = look.probe.host().to_owned();
    let expected = format!("trusted, for {host}, {DAYS} days or more left");
    let shown = handshake.certificate.as_ref().map(told);
    match (&handshake.ended, &handshake.certificate) {
        (Err(Refused::Version(why)), _) => {
            look.wrong(
                NAME,
                &expected,
                format!("there is no TLS: {why}"),
                "look at what answers at this address",
            );
            false
        }
        (Err(Refused::Certificate(why)), _) => {
            let shown = shown.map(|shown| format!("; {shown}"));
            look.wrong(
                NAME,
                &expected,
                format!("{why}{}", shown.unwrap_or_default()),
                "the distribution has another certificate than `domain` names, something else answers for it, or this machine lacks the root certificate (AWS_CA_BUNDLE). Nothing further is asked",
            );
            false
        }
        (Ok(()), Some(certificate)) if certificate.days_left(SystemTime::now()) < DAYS => {
            look.wrong(
                NAME,
                &expected,
                told(certificate),
                "AWS Certificate Manager should have renewed it: look there whether its DNS records still are in place",
            );
            true
        }
        (Ok(()), _) => {
            look.ok(NAME, &expected, shown.unwrap_or_default());
            true
        }
    }
}

fn told(certificate: &Certificate) -> String {
    let names = certificate.names.join(", ");
    match certificate.days_left(SystemTime::now()) {
        left if left < 0 => format!("for {names}; expired"),
        1 => format!("for {names}; 1 day left"),
        left => format!("for {names}; {left} days left"),
    }
}

async fn without_tls(look: &mut Look) {
    const NAME: &str = "plain-http";
    const EXPECTED: &str = "refused, or a redirect to https";
    let asked = match Asking::new(Method::GET, "/").request() {
        Ok(request) => look.probe.ask_without_tls(request).await,
        Err(error) => Err(error),
    };
    let reply = match asked {
        Ok(Ok(reply)) => reply,
        Ok(Err(why)) => return look.ok(NAME, EXPECTED, format!("refused ({why})")),
        Err(error) => return look.skip(NAME, EXPECTED, error.message),
    };
    let to = header(&reply.headers, "location");
    let found = reply.status.as_u16();
    match found {
        301 | 302 | 307 | 308 if to.starts_with("https://") => {
            look.ok(NAME, EXPECTED, format!("{found} to {to}"));
        }
        400 | 403 | 426 => look.ok(NAME, EXPECTED, found.to_string()),
        _ => look.wrong(
            NAME,
            EXPECTED,
            format!("{found}: requests are served without TLS"),
            "tokens and images would travel in clear: set `ViewerProtocolPolicy: https-only` again on every behavior, and deploy",
        ),
    }
}
