//! The answers as a commented frames.yml. A `#` and one space begin a remark. A `#`
//! without a space begins an example, which goes on for as long as two spaces follow.

use super::Answers;
use super::beside::SCHEMA;
use frames_compiler::diagnostic::wrap::wrapped;
use frames_compiler::manifest::yaml_scalar as scalar;
use std::fmt::Write;

/// `remarks`: what wasn't taken over from other settings.
pub fn text(answers: &Answers, remarks: &[String]) -> String {
    let mut out = format!("# yaml-language-server: $schema=./{SCHEMA}\n#\n{HEAD}");
    if !remarks.is_empty() {
        out.push_str("# Not taken over:\n");
        for remark in remarks {
            let lines = wrapped(remark, WIDTH);
            let _ = writeln!(out, "# - {}", lines.replace('\n', "\n# "));
        }
        out.push('\n');
    }
    out.push_str(SERVICE);
    let service = answers.service.as_deref().unwrap_or_default();
    let _ = writeln!(out, "service: {}\n", scalar(service));
    health_imaging(&mut out, answers);
    auth(&mut out, answers);
    domain(&mut out, answers);
    iam(&mut out, answers);
    delivery(&mut out, answers);
    logs(&mut out, answers);
    out.push_str(REST);
    out
}

/// Of a remark.
const WIDTH: usize = 110;

const HEAD: &str = "\
# `frames validate` finds what is wrong, and says what to do. `frames dev` serves this on your machine.
# `frames package` compiles it to CloudFormation.
#
# A block that begins with a # and no space is an example: take its # away, and it is valid.
# An editor completes and checks this file by the schema in the first line. `frames schema > frames.schema.json` renews it.

";

const SERVICE: &str = "\
# Part of every name: the stacks are <service>-<env>-lambda-edge and <service>-<env>-cdn.
";

const DELIVERY: &str = "\
#delivery:
#  dicomweb: true
#  metadata: true
#  cachedReads: true
#  cache: {ttl: 1d}
#  cors: {origins: ['https://viewer.example.org'], credentials: false}

";

const LOGS: &str = "\
#logs:
#  access: {enabled: true, retention: 365d}
#  functions: {level: warn, retentionDays: 30}

";

/// Where there are tokens.
const AUDIT: &str = "\
# With `audit`, the authorizer also logs each read that it grants: who read what. Such lines are kept longer.
#logs:
#  access: {enabled: true, retention: 365d}
#  functions: {level: warn, retentionDays: 2192}
#  audit: true
#  auditClaims: [sub]

";

const REST: &str = "\
# The only account that this may be deployed to, and the Region of the cdn stack.
# The lambda-edge stack is always in us-east-1; so are access logs and alarms.
#deploy:
#  account: 111122223333
#  region: us-east-1
#  tags: {team: imaging}
#  # So many deployments are kept for `frames rollback`.
#  keep: 10

# What differs per environment, merged over the rest: `frames deploy --env prod`.
#environments:
#  dev: {}
#  prod:
#    deploy: {terminationProtection: true}

# Merged into a stage's CloudFormation template.
#resources:
#  cdn:
#    Outputs:
#      Team: {Value: imaging}
";

const CLIENTS: &str = "  \
  # App clients whose tokens are accepted. If not set: every client of the pool.
  #clientIds: [3n4b5urk1ft4fl3mg5e62d9ado]
";

const COGNITO: &str = "  \
  # access, id or any.
  #tokenUse: access
";

const OIDC: &str = "  \
  # Where the keys are. If not set, OpenID Connect Discovery finds them.
  #jwksUri: https://login.example.org/realms/imaging/certs
  #algorithms: [RS256]
";

const TOKENS: &str = "  \
  # All of these must be in the token.
  #scopes: [frames/read]
  # One of these must be in the token.
  #groups: [radiology]
  # The claim that holds the groups.
  #groupsClaim: {claim}
  # Which group may read what. If not set: whoever has a good token may read all that `iam.allow` lists.
  #access:
  #  - groups: [radiology]
  #    datastore: {datastore}
  #    imageSets: [aaaabbbbccccddddeeeeffff00001111]
  # Claims in which a token lists itself what it may read.
  #accessClaims: {datastores: imaging.datastores}
  # Where a token may be. `query` is for viewers that can't send a header, and gives a warning.
  #tokenSources: [authorization, header]
";

const DOMAIN: &str = "\
# Your own domain names, with an ACM certificate in us-east-1 that covers them.
#domain:
#  cnames: [frames.example.org]
#  certificateArn: arn:aws:acm:us-east-1:111122223333:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11
#  hostedZoneId: Z0123456789ABCDEFGHIJ

";

/// An example's.
const DATASTORE: &str = "12345678901234567890123456789012";

const IAM: &str = "\
# What may be read. If not set: every image set of every data store in the account.
#iam:
#  allow:
#    - datastore: '12345678901234567890123456789012'
#      imageSets: [aaaabbbbccccddddeeeeffff00001111]

";

fn health_imaging(out: &mut String, answers: &Answers) {
    out.push_str("# Where the data stores are.\n");
    if answers.region.is_none() && answers.endpoint.is_none() {
        out.push_str("#healthImaging:\n#  region: us-east-1\n\n");
        return;
    }
    out.push_str("healthImaging:\n");
    for (key, value) in [("region", &answers.region), ("endpoint", &answers.endpoint)] {
        if let Some(value) = value {
            let _ = writeln!(out, "  {key}: {}", scalar(value));
        }
    }
    out.push('\n');
}

fn auth(out: &mut String, answers: &Answers) {
    out.push_str("# Who may fetch frames: cognito, oidc, or none (everyone).\nauth:\n");
    let mode = answers.auth.as_deref().unwrap_or_default();
    let _ = writeln!(out, "  mode: {}", scalar(mode));
    if let Some(id) = &answers.user_pool_id {
        let _ = writeln!(out, "  userPoolId: {}", scalar(id));
    }
    if !answers.client_id.is_empty() {
        let _ = writeln!(out, "  clientIds: {}", list(&answers.client_id));
    } else if mode == "cognito" {
        out.push_str(CLIENTS);
    }
    if let Some(issuer) = &answers.issuer {
        let _ = writeln!(out, "  issuer: {}", scalar(issuer));
    }
    if !answers.audience.is_empty() {
        let _ = writeln!(out, "  audience: {}", list(&answers.audience));
    }
    out.push_str(match mode {
        "cognito" => COGNITO,
        "oidc" => OIDC,
        _ => "",
    });
    if mode != "none" {
        // Each mode has its own default.
        let claim = if mode == "oidc" {
            "groups"
        } else {
            "cognito:groups"
        };
        let datastore = answers.datastore.first().map_or(DATASTORE, String::as_str);
        let tokens = TOKENS.replace("{claim}", claim);
        out.push_str(&tokens.replace("{datastore}", &scalar(datastore)));
    }
    out.push('\n');
}

fn domain(out: &mut String, answers: &Answers) {
    if answers.cname.is_empty() {
        out.push_str(DOMAIN);
        return;
    }
    let _ = writeln!(out, "domain:\n  cnames: {}", list(&answers.cname));
    if let Some(certificate) = &answers.certificate_arn {
        let _ = writeln!(out, "  certificateArn: {}", scalar(certificate));
    }
    // Without a certificate, the zone also validates one that is made.
    let zone = answers.hosted_zone_id.as_deref();
    out.push_str("  # Also makes the names' A and AAAA records.\n");
    let _ = match zone {
        Some(zone) => writeln!(out, "  hostedZoneId: {}\n", scalar(zone)),
        None => writeln!(out, "  #hostedZoneId: Z0123456789ABCDEFGHIJ\n"),
    };
}

fn delivery(out: &mut String, answers: &Answers) {
    out.push_str("# What is served besides frames by POST. `metadata` serves what image sets hold. The edge caches for `ttl` what is read by GET:\n# DICOMweb, and native reads with `cachedReads`. `cors` names the pages that may read frames.\n");
    let native = answers.metadata || answers.cached_reads;
    if !native && !answers.dicomweb && answers.origin.is_empty() {
        out.push_str(DELIVERY);
        return;
    }
    out.push_str("delivery:\n");
    if answers.metadata {
        out.push_str("  # getImageSetMetadata: what an image set is, and the ids of its frames.\n  metadata: true\n");
    }
    if answers.cached_reads {
        out.push_str("  # Also native reads by GET, cached at the edge as DICOMweb is. A function in the data stores' Region serves them.\n  cachedReads: true\n");
    }
    if answers.dicomweb {
        out.push_str("  dicomweb: true\n  #cache: {ttl: 1d}\n");
    } else {
        out.push_str("  #dicomweb: true\n");
    }
    let _ = match answers.origin.as_slice() {
        [] => writeln!(
            out,
            "  #cors: {{origins: ['https://viewer.example.org'], credentials: false}}\n"
        ),
        origins => writeln!(out, "  cors: {{origins: {}}}\n", list(origins)),
    };
}

fn logs(out: &mut String, answers: &Answers) {
    out.push_str("# CloudFront's access logs go to S3, without query strings. The functions log at error, warn or info.\n");
    let has_tokens = answers.auth.as_deref() != Some("none");
    let Some(level) = &answers.log_level else {
        out.push_str(if has_tokens { AUDIT } else { LOGS });
        return;
    };
    let _ = writeln!(
        out,
        "logs:\n  #access: {{enabled: true, retention: 365d}}\n  functions: {{level: {}}}",
        scalar(level)
    );
    if has_tokens {
        out.push_str("  # Also each read that is granted: who read what.\n  #audit: true\n");
    }
    out.push('\n');
}

fn iam(out: &mut String, answers: &Answers) {
    if answers.datastore.is_empty() {
        out.push_str(IAM);
        return;
    }
    out.push_str("# Only this may be read.\niam:\n  allow:\n");
    for id in &answers.datastore {
        let _ = write!(
            out,
            "    - datastore: {}\n      #imageSets: [aaaabbbbccccddddeeeeffff00001111]\n",
            scalar(id)
        );
    }
    out.push('\n');
}

fn list(values: &[String]) -> String {
    let values: Vec<String> = values.iter().map(|value| scalar(value)).collect();
    format!("[{}]", values.join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::answers::{complaints, manifest};
    use super::*;
    use frames_compiler::manifest::yaml_of_json;
    use frames_compiler::world::Fixed;
    use frames_compiler::{Diagnostic, Plan, Source, Target, compile};

    const DEV: Target = Target {
        env: "dev",
        chosen: false,
        allow_unsafe_overlay: false,
    };

    fn compiled(text: &str) -> Plan {
        let source = Source::new("frames.yml", text);
        let compiled = compile(&source, DEV, &Fixed::empty());
        let errors: Vec<&Diagnostic> = compiled
            .diagnostics
            .iter()
            .filter(|d| d.is_error())
            .collect();
        assert!(errors.is_empty(), "{errors:#?}\n{text}");
        compiled.plan.unwrap()
    }

    fn samples() -> Vec<Answers> {
        let text = |text: &str| Some(text.to_owned());
        let base = |mode: &str| Answers {
            service: text("ct-viewer"),
            auth: text(mode),
            ..Answers::default()
        };
        let cognito = Answers {
            user_pool_id: text("us-east-1_AbCdEfGhI"),
            ..base("cognito")
        };
        let oidc = Answers {
            issuer: text("https://login.example.org/realms/imaging"),
            audience: [
                "a: b",
                "#x",
                "it's",
                "1e5",
                "[y",
                "no",
                "back\\slash",
                "\u{7f}\t\"é\u{2028}\u{85}\u{feff}😀",
                "null",
            ]
            .map(str::to_owned)
            .to_vec(),
            ..base("oidc")
        };
        let full = Answers {
            service: text("null"),
            cname: vec!["*.example.org".to_owned(), "a.example.org".to_owned()],
            certificate_arn: text(
                "arn:aws:acm:us-east-1:111122223333:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11",
            ),
            datastore: vec![
                "12345678901234567890123456789012".to_owned(),
                "1e234567890123456789012345678901".to_owned(),
            ],
            region: text("us-west-2"),
            client_id: vec!["3n4b5urk1ft4fl3mg5e62d9ado".to_owned()],
            dicomweb: true,
            origin: vec!["https://viewer.example.org".to_owned()],
            hosted_zone_id: text("Z0123456789ABCDEFGHIJ"),
            endpoint: text("runtime-medical-imaging.us-west-2.amazonaws.com"),
            log_level: text("info"),
            ..cognito.clone()
        };
        let half = Answers {
            cname: vec!["a.example.org".to_owned()],
            hosted_zone_id: text("Z0123456789ABCDEFGHIJ"),
            origin: vec!["https://*.example.org".to_owned()],
            ..base("none")
        };
        let successor = Answers {
            metadata: true,
            cached_reads: true,
            region: text("eu-west-1"),
            ..cognito.clone()
        };
        vec![base("none"), cognito, oidc, full, half, successor]
    }

    /// An example's line without its `#`; and whether it goes on with the one above.
    fn example(line: &str) -> Option<(String, bool)> {
        let (indent, rest) = line.split_once('#')?;
        let goes_on = rest.starts_with("  ");
        let example = indent.trim().is_empty() && (goes_on || !rest.starts_with([' ', '\n']));
        (example && !rest.is_empty()).then(|| (format!("{indent}{rest}"), goes_on))
    }

    /// The examples, by their lines.
    fn examples(lines: &[&str]) -> Vec<Vec<usize>> {
        let mut blocks: Vec<Vec<usize>> = Vec::new();
        for (i, line) in lines.iter().enumerate() {
            match (example(line), blocks.last_mut()) {
                (Some((_, true)), Some(block)) => block.push(i),
                (Some((_, true)), None) => panic!("goes on with nothing: {line}"),
                (Some((_, false)), _) => blocks.push(vec![i]),
                (None, _) => {}
            }
        }
        blocks
    }

    #[test]
    fn the_file_says_what_the_answers_say() {
        for answers in samples() {
            assert_eq!(complaints(&answers), [""; 0]);
            let from_file = compiled(&text(&answers, &[]));
            let from_answers = compiled(&yaml_of_json(&manifest(&answers)));
            assert_eq!(format!("{from_file:?}"), format!("{from_answers:?}"));
        }
    }

    /// Whatever is in the sample's settings: it can't become a key.
    #[test]
    fn a_remark_is_a_comment_whatever_it_quotes() {
        for answers in samples() {
            let remark = format!("X (config.ts:1): {}is long", "a b: c ".repeat(40));
            let with = text(&answers, &[remark, "Y: short".to_owned()]);
            let commented = with.lines().filter(|line| line.contains("a b: c"));
            assert!(commented.clone().count() > 1, "{with}");
            assert!(
                commented.clone().all(|line| line.starts_with("# ")),
                "{with}"
            );
            assert!(with.contains("\n# - Y: short\n"), "{with}");
            let plain = compiled(&text(&answers, &[]));
            assert_eq!(format!("{:?}", compiled(&with)), format!("{plain:?}"));
        }
    }

    #[test]
    fn every_example_is_valid_alone_and_with_all_others() {
        for answers in samples() {
            let text = text(&answers, &[]);
            let lines: Vec<&str> = text.lines().collect();
            let blocks = examples(&lines);
            assert!(blocks.len() > 2, "{text}");
            let with = |examples: &[usize]| {
                let line = |(i, line): (usize, &&str)| {
                    if examples.contains(&i) {
                        example(line).unwrap().0 + "\n"
                    } else {
                        format!("{line}\n")
                    }
                };
                lines.iter().enumerate().map(line).collect::<String>()
            };
            for block in &blocks {
                compiled(&with(block));
            }
            // And they do say something.
            let all = compiled(&with(&blocks.concat()));
            assert_ne!(format!("{all:?}"), format!("{:?}", compiled(&text)));
        }
    }
}
