//! The only door to the world: what a manifest may name outside itself.

use std::collections::BTreeMap;
use std::fmt;

pub trait World {
    /// A file's bytes, its path relative to the manifest's.
    fn read_file(&self, path: &str) -> Result<Vec<u8>, Unread>;

    /// An environment variable.
    fn variable(&self, _name: &str) -> Option<String> {
        None
    }

    /// The value of `--opt name=value`.
    fn option(&self, _name: &str) -> Option<String> {
        None
    }

    /// What AWS answers to `cf:stack.Output`, `ssm:/path`, `aws:accountId` or `aws:region`. The
    /// first two may name a Region: `cf(eu-west-1):stack.Output`.
    fn aws(&self, _reference: &str) -> AwsValue {
        AwsValue::Offline
    }
}

/// Why a file isn't read. In a sentence, it follows the file's name and a colon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread {
    Missing,
    /// It isn't below the manifest's directory. Whether it is there isn't told.
    Outside,
    /// In a user's words.
    Other(String),
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "there is no such file",
            Self::Outside => "it lies outside of the manifest's directory",
            Self::Other(reason) => reason,
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AwsValue {
    Value(String),
    /// What must never be shown: an SSM SecureString.
    Secret(String),
    Missing,
    /// AWS isn't asked: the reference stays open.
    Offline,
}

/// A reference that AWS is asked for, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AwsReference<'a> {
    /// `cf`, `ssm` or `aws`.
    pub source: &'a str,
    /// `None`: the caller's own.
    pub region: Option<&'a str>,
    pub argument: &'a str,
}

impl<'a> AwsReference<'a> {
    pub fn parse(reference: &'a str) -> Option<Self> {
        let (source, argument) = reference.split_once(':')?;
        let (source, region) = match source.split_once('(') {
            Some((source, region)) => (source, Some(region.strip_suffix(')')?)),
            None => (source, None),
        };
        Some(Self {
            source,
            region,
            argument,
        })
    }
}

/// A world of which everything is given beforehand: nothing else is there, and AWS isn't
/// asked. A path that leads above the manifest is [`Unread::Outside`].
#[derive(Debug, Clone, Default)]
pub struct Fixed {
    files: BTreeMap<String, Vec<u8>>,
    variables: BTreeMap<String, String>,
    options: BTreeMap<String, String>,
    aws: BTreeMap<String, AwsValue>,
}

impl Fixed {
    /// A world that holds nothing.
    pub fn empty() -> Self {
        Self::default()
    }

    /// With a file, by the path that a manifest names it by.
    pub fn file(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.insert(path.to_owned(), content.into());
        self
    }

    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    pub fn option(mut self, name: &str, value: &str) -> Self {
        self.options.insert(name.to_owned(), value.to_owned());
        self
    }

    pub fn aws(mut self, reference: &str, value: AwsValue) -> Self {
        self.aws.insert(reference.to_owned(), value);
        self
    }
}

impl World for Fixed {
    fn read_file(&self, path: &str) -> Result<Vec<u8>, Unread> {
        match self.files.get(path) {
            Some(content) => Ok(content.clone()),
            None if path.starts_with("../") => Err(Unread::Outside),
            None => Err(Unread::Missing),
        }
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }

    fn option(&self, name: &str) -> Option<String> {
        self.options.get(name).cloned()
    }

    fn aws(&self, reference: &str) -> AwsValue {
        let value = self.aws.get(reference).cloned();
        value.unwrap_or(AwsValue::Offline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_may_name_a_region() {
        let parsed = |text| {
            let parsed = AwsReference::parse(text)?;
            Some((parsed.source, parsed.region, parsed.argument))
        };
        assert_eq!(parsed("cf:s.O"), Some(("cf", None, "s.O")));
        assert_eq!(
            parsed("ssm(eu-west-1):/a:3"),
            Some(("ssm", Some("eu-west-1"), "/a:3"))
        );
        assert_eq!(parsed("ssm:/a(b)"), Some(("ssm", None, "/a(b)")));
        assert_eq!(parsed("cf(eu-west-1:s.O"), None);
        assert_eq!(parsed("cf"), None);
    }
}
