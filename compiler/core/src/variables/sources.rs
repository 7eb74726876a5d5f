//! The sources of values, and what is said of what is none, or is written as elsewhere.

use crate::diagnostic::nearest;

/// Where a reference's value can come from.
pub const SOURCES: &[&str] = &["env", "opt", "self", "file", "cf", "ssm", "aws", "frames"];

/// What `aws` has; whatever else is written so is a variable of IAM's policies.
pub(super) const AWS_VALUES: [&str; 2] = ["accountId", "region"];

/// What is wrong with a text, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub message: String,
    pub help: String,
}

impl Problem {
    pub(super) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: help.into(),
        }
    }
}

impl From<String> for Problem {
    fn from(message: String) -> Self {
        Self::new(
            message,
            "write `${source:name}`, for example `${env:USER_POOL_ID}`",
        )
    }
}

/// In an overlay's text, what follows a `${` and is nearly a source, with what is meant:
/// `evn:X}` and `env:X}`.
pub(super) fn misspelt(text: &str) -> Vec<(&str, String)> {
    // Nobody reads more, and a hostile text has thousands.
    const MOST: usize = 10;
    let mut found = Vec::new();
    let mut before = "";
    for piece in text.split("${").take(MOST + 1) {
        let escaped = before.ends_with('$');
        let is_first = std::ptr::eq(piece.as_ptr(), text.as_ptr());
        before = piece;
        let end = piece.find('}').map(|end| end + 1);
        let (Some(written), false) = (end.and_then(|end| piece.get(..end)), escaped || is_first)
        else {
            continue;
        };
        let name_end = written.find(|c: char| !c.is_ascii_alphanumeric());
        let (name, rest) = written.split_at(name_end.unwrap_or(written.len()));
        let argues = rest.starts_with('(') || (rest.starts_with(':') && !rest.starts_with("::"));
        if !argues || SOURCES.contains(&name) {
            continue;
        }
        if let Some(meant) = nearest(name, SOURCES.iter().copied()) {
            found.push((written, format!("{meant}{rest}")));
        }
    }
    found
}

pub(super) fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') { '"' } else { '\'' };
    format!("{quote}{text}{quote}")
}

/// What names no source: often, another tool's variable.
pub(super) fn without_source(piece: &str, name: &str, rest: &str) -> Problem {
    let message = format!("`{piece}` names no source: a reference is `${{source:name}}`");
    let is_name = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let region = |rest: &str| {
        let (region, argument) = rest.strip_prefix('.')?.split_once(':')?;
        Some(format!("write `${{{name}({region}):{argument}}}`"))
    };
    let variable = piece.split(":-").next().unwrap_or(piece);
    if piece.starts_with('{') {
        let help = "`${{ … }}` is GitHub Actions': set an environment variable there, and write `${env:NAME}` here";
        return Problem::new(message, help);
    }
    match region(rest).filter(|_| matches!(name, "cf" | "ssm")) {
        Some(help) => Problem::new(message, help),
        None if is_name(variable) => {
            let default = piece.split_once(":-").map(|(_, default)| default);
            shells(piece, variable, default)
        }
        None => message.into(),
    }
}

/// An environment variable as a shell writes it: `${NAME}`, `${NAME:-default}`.
pub(super) fn shells(piece: &str, name: &str, default: Option<&str>) -> Problem {
    let default = default.map_or_else(String::new, |text| format!(", {}", quoted(text)));
    Problem::new(
        format!("`{piece}` names no source: a reference is `${{source:name}}`"),
        format!("for an environment variable, write `${{env:{name}{default}}}`"),
    )
}

/// What AWS needn't be asked to know that it is wrong, and what to write.
pub(super) fn malformed(
    name: &str,
    region: Option<&str>,
    argument: &str,
) -> Option<(String, String)> {
    let in_region = region.map_or_else(String::new, |region| format!("({region})"));
    if let Some(region) = region.filter(|region| !is_region(region)) {
        return Some((
            format!("`{region}` isn't an AWS Region's code"),
            format!("write `${{{name}(us-east-1):{argument}}}`"),
        ));
    }
    if name == "cf"
        && !argument
            .split_once('.')
            .is_some_and(|(a, b)| !a.is_empty() && !b.is_empty())
    {
        return Some((
            format!("`${{cf{in_region}:{argument}}}` names no output"),
            format!("write `${{cf{in_region}:stack.Output}}`"),
        ));
    }
    if name == "ssm" {
        if argument.is_empty() {
            return Some((
                "`ssm` names no parameter".to_owned(),
                format!("write `${{ssm{in_region}:/path}}`"),
            ));
        }
        // Serverless Framework's way to ask for decryption, once.
        if let Some((path, "true" | "false" | "split")) = argument.rsplit_once('~') {
            return Some((
                format!("`{argument}` isn't a parameter's name"),
                format!(
                    "write `${{ssm{in_region}:{path}}}`: a SecureString is decrypted always, and a StringList is a list"
                ),
            ));
        }
    }
    None
}

/// `eu-west-1`, `us-gov-west-1`
pub(crate) fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [first, middle @ .., last] = parts.as_slice() else {
        return false;
    };
    let letters = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    first.len() == 2
        && letters(first)
        && !middle.is_empty()
        && middle.iter().all(letters)
        && !last.is_empty()
        && last.bytes().all(|b| b.is_ascii_digit())
}

/// Sources that other tools have, and what is written here.
pub(super) fn foreign(name: &str) -> Option<String> {
    let instead = match name {
        "sls" | "stage" => "`${frames:env}` is the environment's name",
        "param" | "custom" | "input" | "inputs" => {
            "write `${opt:name}`, or `${self:a.b}` for a value of this file"
        }
        "secrets" | "vars" | "var" | "process" => "write `${env:NAME}`, an environment variable",
        "s3" | "http" | "https" => "fetch the document first, and write `${file(./x.yml):a.b}`",
        "ImportValue" | "import" | "output" => "write `${cf:stack.Output}`",
        _ => return None,
    };
    Some(format!("{instead} (known: {})", SOURCES.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_source_is_known_in_an_overlay() {
        let known = |text| {
            misspelt(text)
                .into_iter()
                .map(|(written, meant)| format!("{written} {meant}"))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            known("${evn:X} ${slef:a.b}"),
            ["evn:X} env:X}", "slef:a.b} self:a.b}"]
        );
        assert_eq!(
            known("a ${fil(./x.yml):b}"),
            ["fil(./x.yml):b} file(./x.yml):b}"]
        );
        for text in [
            "${env:X}",
            "$${evn:X}",
            "evn:X}",
            "${AWS::Region}",
            "${Distribution.Arn}",
            "${aws:username}",
            "${s3:prefix} ${ec2:SourceInstanceARN} ${sts:x} ${iam:x} ${kms:x} ${ecs:x}",
            "${cognito-identity.amazonaws.com:sub}",
            "${evn",
        ] {
            assert_eq!(known(text), [""; 0], "{text}");
        }
    }
}
