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
  # Which group may read what: `studies` are for DICOMweb, `imageSets` for native reads.
  # If not set: whoever has a good token may read all that `iam.allow` lists.
  #access:
  #  - groups: [radiology]
  #    datastore: {datastore}
  #    {parts}
  # Claims in which a token lists itself what it may read.
  #accessClaims: {datastores: imaging.datastores}
  # Where a token may be. `query` is for viewers that can't send a header, and gives a warning.
  #tokenSources: [authorization, header]
";

const DOMAIN: &str = "\
# Your own domain names, with an ACM certificate in us-east-1 that covers them.
";

/// Of names that were given, and that nothing covers.
const UNCOVERED: &str = "\
# Your domain names wait here for an ACM certificate in us-east-1 that covers them. Once you have one, write its ARN below.
# Or write your Route 53 zone's id, and leave `certificateArn` out: frames then makes a certificate, validated in that zone.
# Then take the # away.
";

const NAMES: &str = "\
#domain:
#  cnames: {names}
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
#      {parts}

";

/// What an example limits a data store to. DICOMweb can't be limited to image sets: with a list of
/// them, it serves nobody anything.
fn parts(answers: &Answers) -> &'static str {
    if answers.dicomweb {
        "studies: [1.2.840.113619.2.55.3.604688119.969]"
    } else {
        "imageSets: [aaaabbbbccccddddeeeeffff00001111]"
    }
}

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
        let tokens = tokens.replace("{parts}", parts(answers));
        out.push_str(&tokens.replace("{datastore}", &scalar(datastore)));
    }
    out.push('\n');
}

fn domain(out: &mut String, answers: &Answers) {
    if answers.cname.is_empty() {
        let (remark, names) = match answers.uncovered.as_slice() {
            [] => (DOMAIN, "[frames.example.org]".to_owned()),
            names => (UNCOVERED, list(names)),
        };
        out.push_str(remark);
        out.push_str(&NAMES.replace("{names}", &names));
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
        out.push_str(&IAM.replace("{parts}", parts(answers)));
        return;
    }
    out.push_str("# Only this may be read.\niam:\n  allow:\n");
    for id in &answers.datastore {
        let _ = write!(
            out,
            "    - datastore: {}\n      #{}\n",
            scalar(id),
            parts(answers)
        );
    }
    out.push('\n');
}

fn list(values: &[String]) -> String {
    let values: Vec<String> = values.iter().map(|value| scalar(value)).collect();
    format!("[{}]", values.join(", "))
}

#[cfg(test)]
mod tests;
