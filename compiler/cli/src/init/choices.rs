//! What an account has to choose from, and how it is listed.

use super::Answers;
use frames_compiler::diagnostic::wrap::{columns, wrapped};
use frames_compiler::printable;

/// Where values begin, behind their numbers. A name below its value begins there, too.
const INDENT: usize = 6;

/// What an account may have to choose from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    UserPools,
    /// Of the user pool that was chosen.
    AppClients,
    HostedZones,
    Certificates,
    /// Of the Region that was chosen.
    Datastores,
}

/// One of them: what is answered, and what tells it from the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub value: String,
    pub name: String,
}

/// Lists what there is; else a line says why not.
pub trait Account {
    fn choices(&mut self, subject: Subject, answers: &Answers) -> Result<Vec<Choice>, String>;
}

impl Choice {
    /// How it is listed. Its value is to be copied, so it isn't broken: where the name has no room
    /// beside it, the name is below.
    pub(super) fn line(&self, number: usize, width: usize) -> String {
        let value = format!("  {number:>2}  {}", self.value);
        let name = printable::line(&self.name);
        if name.is_empty() {
            return value;
        }
        let beside = format!("{value}  {name}");
        if columns(&beside) <= width {
            return beside;
        }
        let indent = format!("\n{}", " ".repeat(INDENT));
        let name = wrapped(&name, width.saturating_sub(INDENT));
        format!("{value}{indent}{}", name.replace('\n', &indent))
    }
}

/// A choice's number stands for it.
pub(super) fn chosen(answer: String, choices: &[Choice]) -> String {
    let number = answer.parse::<usize>().ok();
    let choice = number.and_then(|number| choices.get(number.checked_sub(1)?));
    choice.map_or(answer, |choice| choice.value.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str =
        "arn:aws:acm:us-east-1:111122223333:certificate/5f9f2a0e-7d3c-4e0f-9a52-0d6d4f0f9b11";

    fn line(value: &str, name: &str) -> String {
        let choice = Choice {
            value: value.to_owned(),
            name: name.to_owned(),
        };
        choice.line(7, 80)
    }

    #[test]
    fn a_name_is_beside_its_value_where_both_fit() {
        let store = "12345678901234567890123456789012";
        assert_eq!(line(store, "trials"), format!("   7  {store}  trials"));
        let name = "x".repeat(40);
        assert_eq!(line(store, &name), format!("   7  {store}  {name}"));
        let name = "x".repeat(41);
        assert_eq!(line(store, &name), format!("   7  {store}\n      {name}"));
    }

    #[test]
    fn a_value_is_never_broken_and_a_long_name_is() {
        assert_eq!(
            line(ARN, "a.example"),
            format!("   7  {ARN}\n      a.example")
        );
        assert_eq!(line(ARN, ""), format!("   7  {ARN}"));
        let name = "radiology ".repeat(12);
        let lines = line("us-east-1_AbCdEfGhI", name.trim_end());
        let lines: Vec<&str> = lines.lines().collect();
        assert_eq!(lines.len(), 3, "{lines:#?}");
        assert_eq!(lines[0], "   7  us-east-1_AbCdEfGhI");
        for line in &lines[1..] {
            assert!(line.starts_with("      radiology"), "{lines:#?}");
            assert!(line.len() <= 80, "{lines:#?}");
        }
    }

    /// Somebody else's name can't look like another choice.
    #[test]
    fn a_name_is_text_whatever_is_in_it() {
        assert_eq!(line("Z1", "a\n   8  Z2"), "   7  Z1  a\\n   8  Z2");
    }
}
