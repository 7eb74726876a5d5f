//! The rule of `auth.access` and `auth.accessClaims` a second time: row by row, over texts, as
//! the manifest's documentation says it. It shares no line with the authorizer.
#![allow(dead_code, clippy::unwrap_used, clippy::indexing_slicing)]

use serde_json::Value;

/// `rows` as the manifest has them; `names` is `accessClaims`. The path is one that is served,
/// in its one spelling.
pub(crate) fn allows(
    rows: Option<&[Value]>,
    names: Option<&Value>,
    groups_claim: &str,
    claims: &Value,
    path: &str,
    query: &str,
) -> bool {
    let path: Vec<&str> = path.split('/').collect();
    let store = path[2];
    let groups = texts(at(claims, groups_claim)).unwrap_or_default();
    let by_rows = |wanted: &dyn Fn(&Value) -> bool| {
        let is_theirs = |row: &&Value| match row["groups"].as_array() {
            None => true,
            Some(named) => named
                .iter()
                .any(|one| groups.contains(&one.as_str().unwrap().into())),
        };
        let rows = rows.unwrap().iter().filter(|row| row["datastore"] == store);
        rows.filter(is_theirs).any(wanted)
    };
    let is_whole = |row: &Value| row["imageSets"].is_null() && row["studies"].is_null();
    let row_lists = |key: &'static str, id: String| {
        move |row: &Value| {
            let list = row[key].as_array();
            list.is_some_and(|list| list.iter().any(|one| *one == id.as_str()))
        }
    };
    // What has to be allowed: one thing, or each of two.
    let mut parts: Vec<(&'static str, String)> = vec![];
    let mut is_readable = true;
    match (path[3], path.get(4)) {
        ("imageSet", Some(id)) => parts.push(("imageSets", (*id).to_owned())),
        ("studies", Some(uid)) => {
            parts.push(("studies", (*uid).to_owned()));
            let is_search = ["series", "instances"].contains(path.last().unwrap());
            for pair in query
                .split('&')
                .filter(|pair| !pair.is_empty() && !is_search)
            {
                match pair.split_once('=') {
                    Some(("imageSetId", id)) => parts.push(("imageSets", id.to_owned())),
                    _ => is_readable = false,
                }
            }
        }
        ("studies", None) => match only_study(query) {
            Some(uid) => parts.push(("studies", uid)),
            None => is_readable = false,
        },
        _ => is_readable = false,
    }
    let rows_allow = rows.is_none()
        || by_rows(&is_whole)
        || (is_readable
            && parts
                .iter()
                .all(|(key, id)| by_rows(&row_lists(key, id.clone()))));
    rows_allow && names.is_none_or(|names| claims_allow(names, claims, store, &parts, is_readable))
}

/// A search of studies that can find one study only: `query` is what goes on of it.
fn only_study(query: &str) -> Option<String> {
    let pairs: Vec<(&str, &str)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "?")))
        .collect();
    let is_study = |name: &str| name == "StudyInstanceUID";
    let (study, rest): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|(name, _)| is_study(name));
    let made_of =
        |text: &str, letters: &str| !text.is_empty() && text.chars().all(|c| letters.contains(c));
    let harmless = |(name, value): &(&str, &str)| match *name {
        "limit" | "offset" => made_of(value, "0123456789") && value.len() < 10,
        "fuzzymatching" => *value == "true" || *value == "false",
        "includefield" => {
            let value = value.replace("%2C", ",").replace("%2c", ",");
            value
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '.' || c == ',')
        }
        _ => false,
    };
    match study[..] {
        [(_, uid)] if rest.iter().all(harmless) => {
            let is_uid = made_of(uid, "0123456789.")
                && uid.len() <= 64
                && !format!(".{uid}.").contains("..");
            is_uid.then(|| uid.to_owned())
        }
        _ => None,
    }
}

fn claims_allow(
    names: &Value,
    claims: &Value,
    store: &str,
    parts: &[(&str, String)],
    is_readable: bool,
) -> bool {
    let mut lists = std::collections::BTreeMap::new();
    for (key, name) in names.as_object().unwrap() {
        // Configured and absent reads nothing.
        let Some(list) = texts(at(claims, name.as_str().unwrap())) else {
            return false;
        };
        lists.insert(key.as_str(), list);
    }
    if let Some(stores) = lists.get("datastores")
        && !stores.contains(&store.to_owned())
    {
        return false;
    }
    if !lists.contains_key("imageSets") && !lists.contains_key("studies") {
        return true;
    }
    let is_listed = |(key, id): &(&str, String)| lists.get(key).is_some_and(|it| it.contains(id));
    is_readable && parts.iter().all(is_listed)
}

/// A claim by its whole name, else by a path of members.
fn at<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    if let Some(value) = object.get(name) {
        return Some(value);
    }
    (1..name.len())
        .filter(|at| name.is_char_boundary(*at))
        .find_map(|i| {
            let rest = name[i..].strip_prefix('.')?;
            at(
                object.get(&name[..i]).filter(|inner| inner.is_object())?,
                rest,
            )
        })
}

fn texts(value: Option<&Value>) -> Option<Vec<String>> {
    match value? {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(items) => {
            let texts = items.iter().map(|item| item.as_str().map(str::to_owned));
            texts.collect()
        }
        _ => None,
    }
}
