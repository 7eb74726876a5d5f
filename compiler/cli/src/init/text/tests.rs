//! What the file says, and what its examples would say.

use super::super::answers::{complaints, manifest};
use super::*;
use frames_compiler::diagnostic::codes;
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
    let uncovered = Answers {
        uncovered: vec!["*.example.org".to_owned(), "a.example.org".to_owned()],
        dicomweb: true,
        ..cognito.clone()
    };
    let successor = Answers {
        metadata: true,
        cached_reads: true,
        region: text("eu-west-1"),
        ..cognito.clone()
    };
    vec![
        base("none"),
        cognito,
        oidc,
        full,
        half,
        uncovered,
        successor,
    ]
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

/// The text with these lines of examples taken for good.
fn with(lines: &[&str], examples: &[usize]) -> String {
    let line = |(i, line): (usize, &&str)| {
        if examples.contains(&i) {
            example(line).unwrap().0 + "\n"
        } else {
            format!("{line}\n")
        }
    };
    lines.iter().enumerate().map(line).collect()
}

/// What an example lets read is read by DICOMweb where that is served, and else natively.
#[test]
fn examples_limit_what_is_served() {
    let mut seen = 0;
    for answers in samples() {
        let text = text(&answers, &[]);
        let (listed, other) = if answers.dicomweb {
            ("studies: [", "imageSets: [")
        } else {
            ("imageSets: [", "studies: [")
        };
        assert!(text.contains(listed) && !text.contains(other), "{text}");
        if !answers.dicomweb {
            continue;
        }
        seen += 1;
        let lines: Vec<&str> = text.lines().collect();
        for block in examples(&lines) {
            let source = Source::new("frames.yml", with(&lines, &block));
            let found = compile(&source, DEV, &Fixed::empty()).diagnostics;
            let idle = [codes::DICOMWEB_NOT_ALLOWED, codes::UNUSED_KEY];
            let mut idle = found.iter().filter(|it| idle.contains(&it.code));
            assert!(idle.next().is_none(), "{found:#?}");
        }
    }
    assert!(seen > 1);
}

/// The names wait in the example; what covers them is still to be written there.
#[test]
fn names_that_nothing_covers_are_a_comment() {
    let answers = samples().into_iter().find(|it| !it.uncovered.is_empty());
    let text = text(&answers.unwrap(), &[]);
    let example = "\n# Then take the # away.\n#domain:\n#  cnames: ['*.example.org', a.example.org]\n#  certificateArn: ";
    assert!(text.contains(example), "{text}");
    assert!(!text.contains("\ndomain:"), "{text}");
    assert!(compiled(&text).names.is_empty(), "{text}");
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
        for block in &blocks {
            compiled(&with(&lines, block));
        }
        // And they do say something.
        let all = compiled(&with(&lines, &blocks.concat()));
        assert_ne!(format!("{all:?}"), format!("{:?}", compiled(&text)));
    }
}
