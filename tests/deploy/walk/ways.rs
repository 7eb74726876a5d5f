//! The way on that frames names, as somebody reads it who knows nothing else.

use crate::support::frames::Run;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// What is to be done outside of frames first.
    pub first: Vec<First>,
    pub commands: Vec<Vec<String>>,
    /// The commands are another way than what is to be done first.
    pub either: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum First {
    Unprotect,
    /// What is in the way and in no stack.
    DeleteLeftovers,
    /// Deliveries of logs that no stack has any more.
    DeleteDeliveries,
    /// The distribution that the message names.
    Disable,
    PutBack(Runs),
    /// Somebody's stack of our name.
    DeleteForeign,
    /// A key's deletion is taken back.
    KeepKey(String),
    /// Another distribution, which the message names, lets go of our functions.
    LetGo,
}

/// A function's version at an event of a path; of every path, where there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runs {
    pub arn: String,
    pub event: String,
    pub path: Option<String>,
}

impl Runs {
    /// `distribution E1 doesn't run ARN at EVENT of PATH: it was changed …`
    fn missing(error: &str) -> Option<Self> {
        let (_, rest) = error.split_once("doesn't run arn:")?;
        let (arn, rest) = rest.split_once(" at ")?;
        let (event, rest) = rest.split_once(" of ")?;
        let (path, _) = rest.split_once(": it was changed")?;
        Some(Self {
            arn: format!("arn:{arn}"),
            event: event.to_owned(),
            path: Some(path.to_owned()),
        })
    }
}

/// `None`: the message names none.
pub fn of(run: &Run, command: &[&str]) -> Option<Way> {
    let help = block(run, "help")?;
    let error = block(run, "error").unwrap_or_default();
    let mut first = Vec::new();
    let has = |words: &str| help.contains(words);
    if has("terminationProtection: false") {
        first.push(First::Unprotect);
    }
    if has("delete it or choose another") || has("is a leftover") {
        first.push(First::DeleteLeftovers);
    }
    if has("aws logs delete-delivery") {
        first.push(First::DeleteDeliveries);
    }
    if error.contains("doesn't belong to") || has("delete-stack --stack-name") {
        first.push(First::DeleteForeign);
    }
    if let Some((_, rest)) = help.split_once("cancel-key-deletion --key-id ") {
        let id = rest.split_whitespace().next().unwrap_or_default();
        first.push(First::KeepKey(id.to_owned()));
    }
    if let Some((_, rest)) = help.split_once("Then put ") {
        let arn = rest.split_whitespace().next().unwrap_or_default();
        first.push(First::PutBack(Runs {
            arn: arn.to_owned(),
            event: "viewer-request".to_owned(),
            path: None,
        }));
    } else if has("Put arn:") && has("in the CloudFront console") {
        first.extend(Runs::missing(&error).map(First::PutBack));
    } else if help.to_lowercase().contains("disable the distribution") {
        first.push(First::Disable);
    }
    if has("remove these functions from the distribution's behaviors")
        || has("remove them from that distribution's behaviors")
        || has("give the distribution's behaviors other policies")
    {
        first.push(First::LetGo);
    }
    let mut commands = Vec::new();
    let mut rest = help.as_str();
    while !rest.is_empty() {
        let same = rest.find("same command");
        let named = rest.find("`frames ");
        let own = || command.iter().map(|word| (*word).to_owned()).collect();
        match (same, named) {
            (Some(same), named) if named.is_none_or(|named| same < named) => {
                commands.push(own());
                rest = &rest[same + "same command".len()..];
            }
            (_, Some(named)) => {
                rest = &rest[named + "`frames ".len()..];
                let end = rest.find('`').unwrap_or(rest.len());
                let words = rest[..end].split_whitespace().map(str::to_owned);
                let mut words: Vec<String> = words.collect();
                // A question is answered as the walk always does.
                if ["deploy", "remove"].contains(&words[0].as_str()) {
                    words.push("--yes".to_owned());
                    commands.push(words);
                }
                rest = &rest[end..];
            }
            _ => break,
        }
    }
    commands.dedup();
    (!commands.is_empty() || !first.is_empty()).then_some(Way {
        either: !first.is_empty() && (has("; or run `frames") || has("gone for good, run `frames")),
        first,
        commands,
    })
}

/// The text behind `error:` or `help:`, without its line breaks.
pub fn block(run: &Run, name: &str) -> Option<String> {
    let begin = format!("{name}: ");
    let mut lines = run
        .stderr
        .lines()
        .skip_while(|line| !line.starts_with(&begin));
    let mut text = lines.next()?[begin.len()..].to_owned();
    for line in lines.take_while(|line| line.starts_with("      ")) {
        text.push(' ');
        text.push_str(line.trim());
    }
    Some(text)
}
