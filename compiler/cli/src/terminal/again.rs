//! Commands that messages name, so that they mean what the run at hand means: whoever copies one
//! into a shell must not get to another environment, account or manifest by it.

use crate::cli::Global;
use std::borrow::Cow;
use std::sync::OnceLock;

/// What goes by environment and manifest.
const COMMANDS: [&str; 14] = [
    "check", "deploy", "dev", "diff", "history", "info", "logs", "package", "policy", "print",
    "purge", "remove", "rollback", "validate",
];

/// Options with which a command has an aim of its own.
const AIMED: [&str; 2] = ["--endpoint", "--explain"];

/// What this run was given of it, once for the process.
static GIVEN: OnceLock<Given> = OnceLock::new();

#[derive(Debug, Default)]
pub(super) struct Given {
    /// ` --env prod`
    env: Option<String>,
    profile: Option<String>,
    config: Option<String>,
}

impl Given {
    fn of(global: &Global) -> Self {
        let option = |name: &str, value: &str| format!(" --{name} {}", word(value));
        let config = global.config.as_ref();
        Self {
            env: global.env.as_deref().map(|env| option("env", env)),
            profile: global.profile.as_deref().map(|it| option("profile", it)),
            config: config.map(|path| option("config", &path.to_string_lossy())),
        }
    }

    /// The text, with what was given in each command that lacks it.
    fn put<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let options = [&self.env, &self.profile, &self.config];
        if options.iter().all(|option| option.is_none()) || !text.contains("`frames ") {
            return Cow::Borrowed(text);
        }
        // Between two backticks is what is quoted: every second piece.
        let pieces = text.split('`').enumerate();
        let pieces = pieces.map(|(number, piece)| match number % 2 {
            0 => Cow::Borrowed(piece),
            _ => self.command(piece),
        });
        Cow::Owned(pieces.collect::<Vec<_>>().join("`"))
    }

    fn command<'a>(&self, quoted: &'a str) -> Cow<'a, str> {
        let words: Vec<&str> = quoted.split(' ').collect();
        let ["frames", command, options @ ..] = &words[..] else {
            return Cow::Borrowed(quoted);
        };
        let has = |names: &[&str]| options.iter().any(|option| names.contains(option));
        if !COMMANDS.contains(command) || has(&AIMED) {
            return Cow::Borrowed(quoted);
        }
        let wanted = [
            (&self.env, !has(&["-e", "--env"])),
            (&self.profile, !has(&["--profile"])),
            // With a service's name, no manifest is read.
            (&self.config, !has(&["-c", "--config", "--service"])),
        ];
        let lacking = wanted.into_iter().filter(|(_, lacks)| *lacks);
        let lacking = lacking.filter_map(|(option, _)| option.as_deref());
        Cow::Owned(std::iter::once(quoted).chain(lacking).collect())
    }
}

pub(super) fn remember(global: &Global) {
    let _ = GIVEN.set(Given::of(global));
}

/// As the run at hand has to be written.
pub(super) fn meant(text: &str) -> Cow<'_, str> {
    match GIVEN.get() {
        Some(given) => given.put(text),
        None => Cow::Borrowed(text),
    }
}

/// As a shell reads it. What holds a backtick would end the quotation: it is left to the reader.
pub fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@+=".contains(c);
    if text.chars().all(is_plain) {
        text.to_owned()
    } else if text.contains('`') {
        "…".to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given() -> Given {
        Given {
            env: Some(" --env prod".to_owned()),
            profile: None,
            config: Some(format!(" --config {}", word("it's here.yml"))),
        }
    }

    #[test]
    fn a_command_to_copy_has_what_this_run_was_given() {
        let put = |text| given().put(text).into_owned();
        assert_eq!(
            put("run `frames rollback 0123`, or `frames remove --service x`"),
            "run `frames rollback 0123 --env prod --config 'it'\\''s here.yml'`, or `frames remove --service x --env prod`"
        );
        for left in [
            "`frames init` writes one, and `deploy.keep` says how many",
            "`frames purge --endpoint` and `frames validate --explain zip-heavy`",
            "frames deploy",
            "`frames",
        ] {
            assert_eq!(put(left), left);
        }
        let other = "another environment (`frames deploy -e NAME`)";
        assert!(!put(other).contains("prod"), "{}", put(other));
        assert_eq!(Given::default().put("`frames deploy`"), "`frames deploy`");
    }

    #[test]
    fn a_word_is_one_for_a_shell() {
        for (text, written) in [
            ("prod", "prod"),
            ("a/b-c_d.yml", "a/b-c_d.yml"),
            ("two words", "'two words'"),
            ("$(id)", "'$(id)'"),
            ("a`b", "…"),
        ] {
            assert_eq!(word(text), written);
        }
    }
}
