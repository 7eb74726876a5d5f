//! The text of a scalar to its parts: what is between `${` and `}`.

use super::sources::{AWS_VALUES, Problem, SOURCES, quoted, shells, without_source};
use crate::diagnostic::nearest;

/// A scalar's text, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    Text(String),
    Reference(Reference),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    /// As it was written, with `${` and `}`.
    pub text: String,
    /// Taken in order until one has a value.
    pub alternatives: Vec<Alternative>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Alternative {
    /// `'text'`, `"text"`, or a bare word after the first comma.
    Literal(String),
    /// A reference of its own: `${…}` after a comma.
    Nested(Reference),
    Source {
        /// `env`, `self`, `file`, …
        name: String,
        /// What is in `file(…)`'s parentheses.
        inner: Option<Vec<Part>>,
        /// What is behind the colon.
        argument: Vec<Part>,
    },
}

/// Nothing real nests deeper; a hostile text must not exhaust the stack.
const MAX_DEPTH: usize = 16;

/// Takes a text apart; the error says what is wrong with it.
pub(super) fn parse(text: &str) -> Result<Vec<Part>, Problem> {
    parts(text, 0, |_| true)
}

/// Takes a text of an overlay apart: each `${…}` that doesn't begin with a source is
/// CloudFormation's or IAM's, and stays as it is.
pub(super) fn parse_overlay(text: &str) -> Result<Vec<Part>, Problem> {
    parts(text, 0, is_ours)
}

fn parts(text: &str, depth: usize, ours: fn(&str) -> bool) -> Result<Vec<Part>, Problem> {
    if depth > MAX_DEPTH {
        return Err(format!("references nest deeper than {MAX_DEPTH} levels").into());
    }
    let mut parts = Vec::new();
    let (mut literal, mut rest) = (String::new(), text);
    while let Some(start) = rest.find("${") {
        let (before, from) = rest.split_at(start);
        // `$${` writes `${`.
        let escaped = before.strip_suffix('$');
        literal.push_str(escaped.unwrap_or(before));
        if escaped.is_some() || !ours(&from[2..]) {
            literal.push_str("${");
            rest = &from[2..];
        } else {
            let end = closing(from).ok_or_else(|| {
                Problem::from("a `${` is opened and not closed with `}`".to_owned())
            })?;
            if !literal.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut literal)));
            }
            parts.push(Part::Reference(reference(&from[..end], depth)?));
            rest = &from[end..];
        }
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        parts.push(Part::Text(literal));
    }
    Ok(parts)
}

/// Whether what follows a `${` in an overlay begins with a source: `self:`, `file(`.
fn is_ours(body: &str) -> bool {
    let body = body.trim_start();
    let end = body.find(|c: char| !c.is_ascii_alphanumeric());
    let (name, rest) = body.split_at(end.unwrap_or(body.len()));
    let argument = rest.strip_prefix(':').filter(|rest| !rest.starts_with(':'));
    match name {
        "aws" => argument.is_some_and(|argument| {
            let end = argument.find([',', '}']).unwrap_or(argument.len());
            AWS_VALUES.contains(&argument[..end].trim())
        }),
        name => SOURCES.contains(&name) && (argument.is_some() || rest.starts_with('(')),
    }
}

/// The length of a text's leading `${…}`, nested ones and quotes within.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    let mut quote = None;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            // A quote counts where a default may begin, not within a word.
            (None, '\'' | '"') if text[..at].trim_end().ends_with(',') => quote = Some(c),
            (None, '$') if chars.peek().is_some_and(|(_, next)| *next == '{') => {
                chars.next();
                depth += 1;
            }
            (None, '}') => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

fn reference(text: &str, depth: usize) -> Result<Reference, Problem> {
    let body = &text[2..text.len() - 1];
    let mut alternatives = Vec::new();
    for (i, piece) in at_commas(body).into_iter().enumerate() {
        alternatives.push(alternative(piece.trim(), i == 0, depth)?);
    }
    Ok(Reference {
        text: text.to_owned(),
        alternatives,
    })
}

/// Splits at the commas that are outside quotes, parentheses and nested references.
fn at_commas(body: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut depth, mut quote) = (0, 0usize, None);
    for (at, c) in body.char_indices() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '\'' | '"') if body[start..at].trim().is_empty() => quote = Some(c),
            (None, '{' | '(') => depth += 1,
            (None, '}' | ')') => depth = depth.saturating_sub(1),
            (None, ',') if depth == 0 => {
                pieces.push(&body[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    pieces.push(&body[start..]);
    pieces
}

fn alternative(piece: &str, first: bool, depth: usize) -> Result<Alternative, Problem> {
    for quote in ['\'', '"'] {
        if let Some(inner) = piece
            .strip_prefix(quote)
            .and_then(|p| p.strip_suffix(quote))
        {
            return Ok(Alternative::Literal(inner.to_owned()));
        }
    }
    if piece.starts_with("${") && closing(piece) == Some(piece.len()) {
        return reference_at(piece, depth + 1).map(Alternative::Nested);
    }
    let name_end = piece
        .find(|c: char| !c.is_ascii_alphanumeric())
        .unwrap_or(piece.len());
    let (name, rest) = piece.split_at(name_end);
    if !first && !may_name_a_source(name, rest) {
        return plain_default(piece, rest);
    }
    if let Some(argument) = rest.strip_prefix(':').filter(|_| !name.is_empty()) {
        if first && let Some(default) = argument.strip_prefix('-') {
            return Err(shells(piece, name, Some(default)));
        }
        return Ok(Alternative::Source {
            name: name.to_owned(),
            inner: None,
            argument: parts(argument, depth + 1, |_| true)?,
        });
    }
    if !name.is_empty()
        && let Some((inner, after)) = rest.strip_prefix('(').and_then(|rest| rest.split_once(')'))
    {
        let argument = match after.strip_prefix(':') {
            Some(argument) => argument,
            None if after.is_empty() => "",
            None => return Err(format!("`{piece}` isn't `source(…):path`").into()),
        };
        return Ok(Alternative::Source {
            name: name.to_owned(),
            inner: Some(parts(inner, depth + 1, |_| true)?),
            argument: parts(argument, depth + 1, |_| true)?,
        });
    }
    if first {
        return Err(without_source(piece, name, rest));
    }
    Ok(Alternative::Literal(piece.to_owned()))
}

/// Whether `name:` or `name(` behind a comma can be meant as a source, misspelt ones included.
fn may_name_a_source(name: &str, rest: &str) -> bool {
    // Behind the name of a place on the web, whatever it is.
    let is_address = rest.starts_with("://");
    !name.is_empty() && !is_address && nearest(name, SOURCES.iter().copied()).is_some()
}

/// A default without quotes: a word. What could be more than that is to be put in quotes.
fn plain_default(piece: &str, rest: &str) -> Result<Alternative, Problem> {
    let colon = rest.starts_with(':');
    if !colon && !rest.starts_with('(') {
        return Ok(Alternative::Literal(piece.to_owned()));
    }
    let what = if colon { "a colon" } else { "parentheses" };
    Err(Problem::new(
        format!("the default `{piece}` has {what} in it, and no quotes"),
        format!("put it in quotes: `{}`", quoted(piece)),
    ))
}

fn reference_at(piece: &str, depth: usize) -> Result<Reference, Problem> {
    if depth > MAX_DEPTH {
        return Err(format!("references nest deeper than {MAX_DEPTH} levels").into());
    }
    reference(piece, depth)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str, argument: &str) -> Alternative {
        Alternative::Source {
            name: name.to_owned(),
            inner: None,
            argument: if argument.is_empty() {
                vec![]
            } else {
                vec![Part::Text(argument.to_owned())]
            },
        }
    }

    fn single(text: &str) -> Vec<Alternative> {
        match parse(text).unwrap().as_slice() {
            [Part::Reference(reference)] => reference.alternatives.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn defaults_follow_commas() {
        assert_eq!(single("${env:POOL}"), [source("env", "POOL")]);
        assert_eq!(
            single("${env:POOL, 'us-east-1_x, y'}"),
            [
                source("env", "POOL"),
                Alternative::Literal("us-east-1_x, y".to_owned())
            ]
        );
        assert_eq!(
            single("${env:A, opt:b, c}"),
            [
                source("env", "A"),
                source("opt", "b"),
                Alternative::Literal("c".to_owned())
            ]
        );
        assert!(matches!(
            single("${env:A, ${env:B}}").as_slice(),
            [_, Alternative::Nested(_)]
        ));
        assert_eq!(single("${ssm:/a/b}"), [source("ssm", "/a/b")]);
    }

    #[test]
    fn a_quote_counts_where_a_default_begins() {
        let literal = |text: &str| Alternative::Literal(text.to_owned());
        for (text, defaults) in [
            ("${env:A, 'a}b'}", &["a}b"][..]),
            ("${env:A, \"a},b\", c}", &["a},b", "c"]),
            ("${env:A, 'a\"b}', c}", &["a\"b}", "c"]),
            ("${env:A, it's, b}", &["it's", "b"]),
            ("${env:A, 6\" wide}", &["6\" wide"]),
            ("${env:A, $5, 6$}", &["$5", "6$"]),
            ("${env:A, a (b, c), d}", &["a (b, c)", "d"]),
        ] {
            let mut expected = vec![source("env", "A")];
            expected.extend(defaults.iter().map(|default| literal(default)));
            assert_eq!(single(text), expected, "{text}");
        }
    }

    #[test]
    fn references_nest_to_a_bound() {
        let nested = |levels: usize, inner: &str| {
            format!("{}{inner}{}", "${".repeat(levels), "}".repeat(levels))
        };
        assert!(parse(&nested(MAX_DEPTH + 1, "'x'")).is_ok());
        let deeper = parse(&nested(MAX_DEPTH + 2, "'x'")).unwrap_err();
        assert_eq!(deeper.message, "references nest deeper than 16 levels");
        let within =
            |open: &str, levels: usize| format!("{}x{}", open.repeat(levels), "}".repeat(levels));
        let all: [&dyn Fn(usize) -> String; 3] = [
            &|levels| within("${self:", levels),
            &|levels| within("${file(a):", levels),
            &|levels| format!("${{file({}):b}}", within("${self:", levels - 1)),
        ];
        for nested in all {
            assert!(parse(&nested(MAX_DEPTH)).is_ok());
            let deeper = parse(&nested(MAX_DEPTH + 1)).unwrap_err();
            assert_eq!(deeper.message, "references nest deeper than 16 levels");
        }
    }

    #[test]
    fn references_nest_and_stand_within_text() {
        let parts = parse("a-${self:pools.${frames:env}}-b").unwrap();
        assert_eq!(parts.len(), 3);
        let Part::Reference(reference) = &parts[1] else {
            panic!()
        };
        assert_eq!(reference.text, "${self:pools.${frames:env}}");
        let [Alternative::Source { argument, .. }] = reference.alternatives.as_slice() else {
            panic!()
        };
        assert_eq!(argument.len(), 2);
        let [
            Alternative::Source {
                name,
                inner,
                argument,
            },
        ] = &single("${file(./${opt:f}.yml):a.b}")[..]
        else {
            panic!()
        };
        assert_eq!(
            (name.as_str(), inner.as_ref().unwrap().len(), argument.len()),
            ("file", 3, 1)
        );
    }

    #[test]
    fn in_an_overlay_only_what_names_a_source_is_a_reference() {
        let shown = |text: &str| -> Vec<String> {
            let parts = parse_overlay(text).unwrap();
            let shown = |part: &Part| match part {
                Part::Text(text) => text.clone(),
                Part::Reference(reference) => format!("<{}>", reference.text),
            };
            parts.iter().map(shown).collect()
        };
        for (text, expected) in [
            (
                "${self:service}-${AWS::AccountId}",
                &["<${self:service}>", "-${AWS::AccountId}"][..],
            ),
            (
                "${Distribution.DomainName}",
                &["${Distribution.DomainName}"],
            ),
            ("${aws:userid}", &["${aws:userid}"]),
            (
                "${aws:PrincipalTag/team, 'x'}",
                &["${aws:PrincipalTag/team, 'x'}"],
            ),
            ("${aws:region}", &["<${aws:region}>"]),
            ("${aws:accountId, 'x'}", &["<${aws:accountId, 'x'}>"]),
            ("${s3:prefix}/${env:A}", &["${s3:prefix}/", "<${env:A}>"]),
            ("${!Literal} ${", &["${!Literal} ${"]),
            ("$${env:A}", &["${env:A}"]),
            ("${A-${self:x}}", &["${A-", "<${self:x}>", "}"]),
            ("${cf::x}", &["${cf::x}"]),
            ("${file(./a.yml):b}", &["<${file(./a.yml):b}>"]),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
        assert!(parse_overlay("${self:a").is_err());
    }

    #[test]
    fn another_tools_variable_is_told_how_it_is_written_here() {
        for (text, help) in [
            (
                "${POOL}",
                "for an environment variable, write `${env:POOL}`",
            ),
            (
                "${USER_POOL_ID:-us-east-1_x}",
                "for an environment variable, write `${env:USER_POOL_ID, 'us-east-1_x'}`",
            ),
            (
                "${POOL:-it's}",
                "for an environment variable, write `${env:POOL, \"it's\"}`",
            ),
            ("${cf.eu-west-1:s.O}", "write `${cf(eu-west-1):s.O}`"),
            ("${ssm.eu-west-1:/a}", "write `${ssm(eu-west-1):/a}`"),
            ("${env:A, (b, c)}", "put it in quotes: `'(b, c)'`"),
            ("${env:A, b(c)}", "put it in quotes: `'b(c)'`"),
            ("${env:A, https://b}", "put it in quotes: `'https://b'`"),
            ("${env:A, 12:30}", "put it in quotes: `'12:30'`"),
        ] {
            assert_eq!(parse(text).unwrap_err().help, help, "{text}");
        }
        let actions = parse("${{ secrets.POOL }}").unwrap_err();
        assert!(actions.help.contains("GitHub Actions"), "{actions:?}");
        // A source that is misspelt is one all the same.
        assert!(parse("${env:A, evn:B}").is_ok());
        assert_eq!(
            single("${env:A, a (b, c)}").last(),
            Some(&Alternative::Literal("a (b, c)".to_owned()))
        );
    }

    #[test]
    fn a_source_may_name_a_region() {
        let [Alternative::Source { name, inner, .. }] = &single("${cf(eu-west-1):s.O}")[..] else {
            panic!()
        };
        let region = Part::Text("eu-west-1".to_owned());
        assert_eq!((name.as_str(), inner), ("cf", &Some(vec![region])));
    }

    #[test]
    fn two_dollars_write_one() {
        assert_eq!(
            parse("a $${b} ${env:A}").unwrap().first(),
            Some(&Part::Text("a ${b} ".to_owned()))
        );
        assert_eq!(parse("$${").unwrap(), [Part::Text("${".to_owned())]);
    }

    #[test]
    fn broken_ones_say_why() {
        for text in [
            "${env:A",
            "${}",
            "${A}",
            "a${",
            "${file(x)y}",
            "${env:A, ${env:B}",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        let deep = "${self:".repeat(10_000);
        assert!(parse(&deep).is_err());
        let closed = format!("{}x{}", "${self:".repeat(1_000), "}".repeat(1_000));
        assert!(parse(&closed).unwrap_err().message.contains("nest"));
    }
}
