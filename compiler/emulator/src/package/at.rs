//! A JSON value together with its place, so that every error names the place.

use crate::Error;
use serde_json::Value;

#[derive(Clone)]
pub(super) struct At<'a> {
    pub value: &'a Value,
    file: &'a str,
    path: String,
}

impl<'a> At<'a> {
    pub(super) fn root(file: &'a str, value: &'a Value) -> Self {
        Self {
            value,
            file,
            path: String::new(),
        }
    }

    pub(super) fn error(&self, what: &str) -> Error {
        let place = if self.path.is_empty() {
            String::new()
        } else {
            format!("{}: ", self.path)
        };
        Error::new(format!("{}: {place}{what}", self.file))
            .help("run `frames package` again; a template that was changed by hand may need more than the local edge knows")
    }

    fn child(&self, step: &str, value: &'a Value) -> Self {
        let dot = if self.path.is_empty() { "" } else { "." };
        Self {
            value,
            file: self.file,
            path: format!("{}{dot}{step}", self.path),
        }
    }

    /// A key that may be missing, or `null`.
    pub(super) fn opt(&self, key: &str) -> Option<Self> {
        let value = self.value.get(key).filter(|v| !v.is_null())?;
        Some(self.child(key, value))
    }

    pub(super) fn get(&self, key: &str) -> Result<Self, Error> {
        self.opt(key)
            .ok_or_else(|| self.error(&format!("`{key}` is missing")))
    }

    /// Several keys, one below the other.
    pub(super) fn dig(&self, keys: &[&str]) -> Result<Self, Error> {
        keys.iter()
            .try_fold(self.clone(), |here, key| here.get(key))
    }

    pub(super) fn items(&self) -> Result<Vec<Self>, Error> {
        let items = self
            .value
            .as_array()
            .ok_or_else(|| self.error("a list was expected"))?;
        Ok(items
            .iter()
            .enumerate()
            .map(|(index, value)| At {
                value,
                file: self.file,
                path: format!("{}[{index}]", self.path),
            })
            .collect())
    }

    pub(super) fn entries(&self) -> Result<Vec<(&'a str, Self)>, Error> {
        let map = self
            .value
            .as_object()
            .ok_or_else(|| self.error("an object was expected"))?;
        Ok(map
            .iter()
            .map(|(key, value)| (key.as_str(), self.child(key, value)))
            .collect())
    }

    pub(super) fn text(&self) -> Result<&'a str, Error> {
        self.value
            .as_str()
            .ok_or_else(|| self.error("a string was expected"))
    }

    pub(super) fn texts(&self) -> Result<Vec<String>, Error> {
        self.items()?
            .iter()
            .map(|item| item.text().map(str::to_owned))
            .collect()
    }

    /// CloudFormation takes numbers as text, too.
    pub(super) fn number(&self) -> Result<u64, Error> {
        let text = self.value.as_str().and_then(|t| t.parse().ok());
        self.value
            .as_u64()
            .or(text)
            .ok_or_else(|| self.error("a whole number was expected"))
    }

    pub(super) fn number_or(&self, key: &str, default: u64) -> Result<u64, Error> {
        let found = self.opt(key);
        Ok(found.map(|it| it.number()).transpose()?.unwrap_or(default))
    }

    pub(super) fn flag_or(&self, key: &str, default: bool) -> Result<bool, Error> {
        let found = self.opt(key);
        Ok(found.map(|it| it.flag()).transpose()?.unwrap_or(default))
    }

    pub(super) fn text_or(&self, key: &str, default: &'a str) -> Result<&'a str, Error> {
        let found = self.opt(key);
        Ok(found.map(|it| it.text()).transpose()?.unwrap_or(default))
    }

    pub(super) fn items_or_empty(&self, key: &str) -> Result<Vec<Self>, Error> {
        let found = self.opt(key);
        Ok(found.map(|it| it.items()).transpose()?.unwrap_or_default())
    }

    pub(super) fn texts_or_empty(&self, key: &str) -> Result<Vec<String>, Error> {
        let found = self.opt(key);
        Ok(found.map(|it| it.texts()).transpose()?.unwrap_or_default())
    }

    /// A percentage with up to four decimal places, in millionths.
    pub(super) fn percent(&self) -> Result<u32, Error> {
        let text = self.value.as_str().and_then(|t| t.parse().ok());
        let number: f64 = self.value.as_f64().or(text).unwrap_or(f64::NAN);
        if !(0.0..=100.0).contains(&number) {
            return Err(self.error("a number from 0 to 100 was expected"));
        }
        Ok((number * 10_000.0).round() as u32)
    }

    pub(super) fn flag(&self) -> Result<bool, Error> {
        match (self.value.as_bool(), self.value.as_str()) {
            (Some(flag), _) => Ok(flag),
            (None, Some("true")) => Ok(true),
            (None, Some("false")) => Ok(false),
            _ => Err(self.error("true or false was expected")),
        }
    }

    /// The logical id in `{"Ref": "…"}`.
    pub(super) fn reference(&self) -> Option<&'a str> {
        self.value.get("Ref")?.as_str()
    }

    pub(super) fn must_refer(&self) -> Result<&'a str, Error> {
        self.reference()
            .ok_or_else(|| self.error("a `Ref` was expected"))
    }

    /// `Resources.<id>.Properties` of a resource of type `kind`.
    pub(super) fn properties(&self, id: &str, kind: &str) -> Result<Self, Error> {
        let resource = self.dig(&["Resources", id])?;
        let found = resource.get("Type")?;
        if found.text()? != kind {
            return Err(found.error(&format!("`{kind}` was expected")));
        }
        resource.get("Properties")
    }
}
