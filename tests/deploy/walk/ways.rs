//! The way on that frames names, as somebody reads it who knows nothing else.

use super::claims::block;
use crate::support::frames::Run;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// What is to be done outside of frames first.
    pub first: Vec<First>,
    pub commands: Vec<Vec<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum First {
    Unprotect,
    /// What is in the way and in no stack.
    DeleteLeftovers,
    /// The distribution that the message names.
    Disable,
    PutBack(String),
    /// Somebody's stack of our name.
    DeleteForeign,
    /// A key's deletion is taken back; where another way is named too, one of the two is gone.
    KeepKey(String),
    /// Another distribution, which the message names, lets go of our functions.
    LetGo,
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
    if error.contains("doesn't belong to") || has("delete-stack --stack-name") {
        first.push(First::DeleteForeign);
    }
    if let Some((_, rest)) = help.split_once("cancel-key-deletion --key-id ") {
        let id = rest.split_whitespace().next().unwrap_or_default();
        first.push(First::KeepKey(id.to_owned()));
    }
    if let Some((_, rest)) = help.split_once("Then put ") {
        let arn = rest.split_whitespace().next().unwrap_or_default();
        first.push(First::PutBack(arn.to_owned()));
    } else if help.to_lowercase().contains("disable the distribution") {
        first.push(First::Disable);
    }
    if has("take the functions off its behaviors") {
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
    (!commands.is_empty() || !first.is_empty()).then_some(Way { first, commands })
}
