//! The answers as a commented frames.yml. A `#` and one space begin a remark. A `#`
//! without a space begins an example, which goes on for as long as two spaces follow.

use super::Answers;
use frames_compiler::manifest::yaml_scalar as scalar;
use std::fmt::Write;

pub fn text(answers: &Answers) -> String {
    let mut out = String::from(HEAD);
    let service = answers.service.as_deref().unwrap_or_default();
    let _ = writeln!(out, "service: {}\n", scalar(service));
    health_imaging(&mut out, answers);
    auth(&mut out, answers);
    domain(&mut out, answers);
    iam(&mut out, answers);
    out.push_str(REST);
    out
}

const HEAD: &str = "\
# `frames validate` finds what is wrong, and says what to do. `frames dev` serves this on your machine.
# `frames package` compiles it to CloudFormation.
#
# A block that begins with a # and no space is an example: take its # away, and it is valid.
# For completion in an editor: `frames schema > frames.schema.json`, and as the first line of this file
# `# yaml-language-server: $schema=./frames.schema.json`.

# Part of every name: the stacks are <service>-<env>-lambda-edge and <service>-<env>-cdn.
";

const REST: &str = "\
# What is served. The edge caches DICOMweb, by GET, for `ttl`. `cors` names the pages that may read frames.
#delivery:
#  dicomweb: true
#  cache: {ttl: 1d}
#  cors: {origins: ['https://viewer.example.org'], credentials: false}

# CloudFront's access logs go to S3, without query strings. The functions log at error, warn or info.
#logs:
#  access: {enabled: true, retention: 365d}
#  functions: {level: warn, retentionDays: 30}

# The only account that this may be deployed to, and the Region of the cdn stack.
# The lambda-edge stack is always in us-east-1; so are access logs and alarms.
#deploy:
#  account: 111122223333
#  region: us-east-1
#  tags: {team: imaging}

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

const COGNITO: &str = "  \
  # App clients whose tokens are accepted. If not set: every client of the pool.
  #clientIds: [3n4b5urk1ft4fl3mg5e62d9ado]
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

const IAM: &str = "\
# What may be read. If not set: every image set of every data store in the account.
#iam:
#  allow:
#    - datastore: '12345678901234567890123456789012'
#      imageSets: [aaaabbbbccccddddeeeeffff00001111]

";

fn health_imaging(out: &mut String, answers: &Answers) {
    out.push_str("# Where the data stores are.\n");
    let _ = match &answers.region {
        Some(region) => writeln!(out, "healthImaging:\n  region: {}\n", scalar(region)),
        None => writeln!(out, "#healthImaging:\n#  region: us-east-1\n"),
    };
}

fn auth(out: &mut String, answers: &Answers) {
    out.push_str("# Who may fetch frames: cognito, oidc, or none (everyone).\nauth:\n");
    let mode = answers.auth.as_deref().unwrap_or_default();
    let _ = writeln!(out, "  mode: {}", scalar(mode));
    if let Some(id) = &answers.user_pool_id {
        let _ = writeln!(out, "  userPoolId: {}", scalar(id));
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
        out.push_str(&TOKENS.replace("{claim}", claim));
    }
    out.push('\n');
}

fn domain(out: &mut String, answers: &Answers) {
    let Some(certificate) = &answers.certificate_arn else {
        out.push_str(DOMAIN);
        return;
    };
    let _ = write!(
        out,
        "domain:\n  cnames: {}\n  certificateArn: {}\n  \
         # Also makes the names' A and AAAA records.\n  #hostedZoneId: Z0123456789ABCDEFGHIJ\n\n",
        list(&answers.cname),
        scalar(certificate),
    );
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
            ..cognito.clone()
        };
        vec![base("none"), cognito, oidc, full]
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
            let from_file = compiled(&text(&answers));
            let from_answers = compiled(&yaml_of_json(&manifest(&answers)));
            assert_eq!(format!("{from_file:?}"), format!("{from_answers:?}"));
        }
    }

    #[test]
    fn every_example_is_valid_alone_and_with_all_others() {
        for answers in samples() {
            let text = text(&answers);
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
