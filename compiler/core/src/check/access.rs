//! Who may read what of `iam.allow`.

use crate::diagnostic::{Diagnostic, codes};
use crate::manifest::{self, AccessRow, Allow, Manifest, Spanned, Text};
use crate::span::Span;
use frames_edge::access::Row;
use frames_edge::{Access, AccessClaims, AuthConfig};
use std::collections::{BTreeSet, HashMap, HashSet};

/// A UID's length (DICOM PS3.5, 9.1); a pattern can't bound it.
const UID: usize = 64;

/// How many bytes of ids a table may have, some 120,000 image sets. A sandbox of 128 MB reads
/// them all when it starts, before its first viewer gets an answer.
const MOST_BYTES: usize = 4_000_000;

/// What becomes part of the authorizer's configuration.
pub(super) struct Checked {
    access: Option<Access>,
    claims: Option<AccessClaims>,
}

impl Checked {
    pub(super) fn of(self, auth: AuthConfig) -> AuthConfig {
        AuthConfig {
            access: self.access,
            access_claims: self.claims,
            ..auth
        }
    }
}

pub(super) fn check(manifest: &Manifest, dicomweb: bool, found: &mut Vec<Diagnostic>) -> Checked {
    let auth = manifest.auth.as_ref();
    let mode = auth.and_then(|auth| auth.mode.as_ref());
    // With mode `none` they are unused keys.
    let auth = auth.filter(|_| mode.is_none_or(|mode| mode.value != "none"));
    let rows = auth.and_then(|auth| auth.access.as_deref());
    let claims = auth.and_then(|auth| auth.access_claims.as_ref());
    if let Some(rows) = rows {
        for (i, row) in rows.iter().enumerate() {
            lists(row, i, dicomweb, found);
        }
        let known: Vec<Known> = rows.iter().enumerate().filter_map(Known::of).collect();
        beyond_allow(&known, manifest, found);
        swallowed(&known, found);
        size(rows, found);
    }
    Checked {
        access: rows.map(|rows| Access::of(&rows.iter().filter_map(row).collect::<Vec<_>>())),
        claims: claims.map(|claims| named(claims, dicomweb, found)),
    }
}

fn row(row: &AccessRow) -> Option<Row> {
    let values = |texts: &Option<Vec<Text>>| -> Option<Vec<String>> {
        let texts = texts.as_ref()?.iter();
        Some(texts.map(|text| text.value.clone()).collect())
    };
    Some(Row {
        groups: values(&row.groups),
        datastore: row.datastore.as_ref()?.value.clone(),
        image_sets: values(&row.image_sets),
        studies: values(&row.studies),
    })
}

/// What is wrong with a row by itself.
fn lists(row: &AccessRow, i: usize, dicomweb: bool, found: &mut Vec<Diagnostic>) {
    for (key, texts) in [
        ("groups", &row.groups),
        ("imageSets", &row.image_sets),
        ("studies", &row.studies),
    ] {
        let texts = texts.as_deref().unwrap_or_default();
        twice(texts, &format!("auth.access[{i}].{key}"), found);
    }
    for (j, uid) in row.studies.iter().flatten().enumerate() {
        if uid.value.len() > UID {
            let message = format!(
                "the UID has {} characters, {UID} at the most are one",
                uid.value.len()
            );
            let path = format!("auth.access[{i}].studies[{j}]");
            found.push(
                Diagnostic::new(codes::INVALID_VALUE, path, uid.span, message)
                    .help("for example `1.2.840.113619.2.55.3.604688119.969`"),
            );
        }
    }
    if let (Some(key), false) = (row.keys.find("studies"), dicomweb) {
        let path = format!("auth.access[{i}].studies");
        found.push(without_dicomweb(&path, key.span));
    }
}

fn without_dicomweb(path: &str, span: Span) -> Diagnostic {
    let message =
        "`studies` lets nobody read anything without DICOMweb: native reads know only image sets";
    Diagnostic::new(codes::UNUSED_KEY, path, span, message)
        .help("remove it, or add `dicomweb: true` to `delivery`")
}

/// The second of two equal texts; letter for letter, as tokens are compared.
fn twice(texts: &[Text], path: &str, found: &mut Vec<Diagnostic>) {
    let mut first: HashMap<&str, Span> = HashMap::new();
    for (i, text) in texts.iter().enumerate() {
        if let Some(first) = first.get(text.value.as_str()) {
            let message = format!("`{}` is listed twice", text.value);
            let path = format!("{path}[{i}]");
            found.push(
                Diagnostic::new(codes::DUPLICATE_VALUE, path, text.span, message)
                    .related(*first, "first here")
                    .help("remove one of them"),
            );
        } else {
            first.insert(&text.value, text.span);
        }
    }
}

/// A row of which all is known. One that has a finding, or waits for an answer of AWS's, says
/// nothing of others.
struct Known<'a> {
    i: usize,
    span: Span,
    /// `None`: any token.
    groups: Option<BTreeSet<&'a str>>,
    datastore: &'a Text,
    /// Neither of them: all of the data store.
    image_sets: Option<&'a [Text]>,
    studies: Option<&'a [Text]>,
    /// Of both.
    ids: HashSet<&'a str>,
}

impl<'a> Known<'a> {
    fn of((i, row): (usize, &'a AccessRow)) -> Option<Self> {
        let lists = [
            ("groups", &row.groups),
            ("imageSets", &row.image_sets),
            ("studies", &row.studies),
        ];
        let is_open =
            |(key, list): &(&str, &Option<Vec<Text>>)| row.keys.has(key) && list.is_none();
        if lists.iter().any(is_open) {
            return None;
        }
        let ids = row.image_sets.iter().chain(&row.studies).flatten();
        let groups = row.groups.as_ref().map(|groups| groups.iter());
        Some(Self {
            i,
            span: row.span,
            groups: groups.map(|groups| groups.map(|group| group.value.as_str()).collect()),
            datastore: row.datastore.as_ref()?,
            image_sets: row.image_sets.as_deref(),
            studies: row.studies.as_deref(),
            ids: ids.map(|id| id.value.as_str()).collect(),
        })
    }

    fn is_whole(&self) -> bool {
        self.image_sets.is_none() && self.studies.is_none()
    }

    /// Whoever `other` lets in, it lets in as well, and to as much.
    fn swallows(&self, other: &Self) -> bool {
        let groups = match (&self.groups, &other.groups) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(these), Some(those)) => those.is_subset(these),
        };
        let ids = || self.is_whole() || (!other.is_whole() && other.ids.is_subset(&self.ids));
        self.datastore.value == other.datastore.value && groups && ids()
    }
}

/// Rows by what one that swallows another must have in common with it.
#[derive(Default)]
struct Index<'a> {
    any_token: HashMap<&'a str, Vec<usize>>,
    whole: HashMap<&'a str, Vec<usize>>,
    by_group: HashMap<(&'a str, &'a str), Vec<usize>>,
    by_id: HashMap<(&'a str, &'a str), Vec<usize>>,
}

impl<'a> Index<'a> {
    fn of(rows: &'a [Known]) -> Self {
        let mut index = Self::default();
        for (at, row) in rows.iter().enumerate() {
            let store = row.datastore.value.as_str();
            match &row.groups {
                None => index.any_token.entry(store).or_default().push(at),
                Some(groups) => {
                    for group in groups {
                        index.by_group.entry((store, group)).or_default().push(at);
                    }
                }
            }
            if row.is_whole() {
                index.whole.entry(store).or_default().push(at);
            }
            for id in &row.ids {
                index.by_id.entry((store, id)).or_default().push(at);
            }
        }
        index
    }

    /// Those that may swallow it: the shortest list that has all of them. Each row against each
    /// other would take seconds where there are thousands.
    fn candidates(&self, row: &Known) -> impl Iterator<Item = usize> {
        let store = row.datastore.value.as_str();
        let none: &[usize] = &[];
        let of = |list: Option<&'_ Vec<usize>>| list.map_or(none.to_vec(), Clone::clone);
        let count = |list: Option<&Vec<usize>>| list.map_or(0, Vec::len);
        let groups = row
            .groups
            .iter()
            .flatten()
            .map(|group| self.by_group.get(&(store, *group)));
        let ids = row.ids.iter().map(|id| self.by_id.get(&(store, *id)));
        let (any_token, whole) = (self.any_token.get(store), self.whole.get(store));
        let by_groups = groups.min_by_key(|list| count(*list)).flatten();
        let by_ids = ids.min_by_key(|list| count(*list)).flatten();
        let (first, second) = if count(by_groups) + count(any_token) <= count(by_ids) + count(whole)
        {
            (by_groups, any_token)
        } else {
            (by_ids, whole)
        };
        of(first).into_iter().chain(of(second))
    }
}

fn swallowed(rows: &[Known], found: &mut Vec<Diagnostic>) {
    let index = Index::of(rows);
    for (at, row) in rows.iter().enumerate() {
        let others = || index.candidates(row).filter(|other| *other != at);
        let others = others().filter_map(|other| Some((other, rows.get(other)?)));
        let Some((other_at, other)) = others.into_iter().find(|(other_at, other)| {
            other.swallows(row) && (!row.swallows(other) || *other_at < at)
        }) else {
            continue;
        };
        let path = format!("auth.access[{}]", row.i);
        found.push(if row.swallows(other) && other_at < at {
            Diagnostic::new(
                codes::DUPLICATE_VALUE,
                path,
                row.span,
                "the row is there twice",
            )
            .related(other.span, "first here")
            .help("remove one of them")
        } else {
            let message = "the row gives nobody anything: another one gives them as much or more";
            Diagnostic::new(codes::ACCESS_SWALLOWED, path, row.span, message)
                .related(other.span, "the other")
                .help("remove it, or narrow the other one")
        });
    }
}

/// What a row promises and `iam.allow` doesn't list.
fn beyond_allow(rows: &[Known], manifest: &Manifest, found: &mut Vec<Diagnostic>) {
    let Some(allow) = manifest.iam.as_ref().and_then(|iam| iam.allow.as_ref()) else {
        return;
    };
    let id = |row: &'_ Allow| row.datastore.as_ref().map(|store| store.value.clone());
    let by_store: HashMap<String, &Allow> = allow
        .iter()
        .filter_map(|row| Some((id(row)?, row)))
        .collect();
    // One that has a finding, or isn't known yet, may be the one that is missed.
    let all_known = by_store.len() == allow.len();
    for row in rows {
        match by_store.get(&row.datastore.value) {
            Some(allowed) => beyond_row(row, allowed, found),
            None if all_known => {
                let message = format!(
                    "`iam.allow` doesn't list the data store `{}`",
                    row.datastore.value
                );
                found.push(beyond(row, "datastore", row.datastore.span, message));
            }
            None => {}
        }
    }
}

fn beyond_row(row: &Known, allowed: &Allow, found: &mut Vec<Diagnostic>) {
    let limits = ["imageSets", "studies", "series"];
    let is_limited = limits.iter().any(|key| allowed.keys.has(key));
    if row.is_whole() {
        if is_limited {
            let message = format!(
                "the row is for all of the data store `{}`, of which `iam.allow` lists only parts",
                row.datastore.value
            );
            found.push(beyond(row, "datastore", row.datastore.span, message));
        }
        return;
    }
    // With parts of one kind only, nothing of the other kind is served.
    let in_parts = allowed.keys.has("studies") || allowed.keys.has("series");
    let sets = Allowed::of(&allowed.image_sets, allowed.keys.has("imageSets"), in_parts);
    let series = allowed.keys.has("series");
    let only_sets = allowed.keys.has("imageSets") && !series;
    let studies = Allowed::of(&allowed.studies, allowed.keys.has("studies"), only_sets);
    for (key, what, given, allowed) in [
        ("imageSets", "image set", row.image_sets, sets),
        ("studies", "study", row.studies, studies),
    ] {
        let given = given.unwrap_or_default().iter().enumerate();
        let mut beyond_it = given.filter(|(_, id)| !allowed.has(&id.value));
        let Some((j, id)) = beyond_it.next() else {
            continue;
        };
        let more = match beyond_it.count() {
            0 => String::new(),
            more => format!(", nor {more} more of this row"),
        };
        let message = format!("`iam.allow` doesn't list the {what} `{}`{more}", id.value);
        found.push(beyond(row, &format!("{key}[{j}]"), id.span, message));
    }
}

/// What a row of `iam.allow` lists of one kind.
enum Allowed<'a> {
    All,
    None,
    These(HashSet<&'a str>),
}

impl<'a> Allowed<'a> {
    fn of(list: &'a Option<Vec<Text>>, is_written: bool, is_other_kind: bool) -> Self {
        match list {
            Some(list) => Self::These(list.iter().map(|id| id.value.as_str()).collect()),
            None if is_written => Self::All,
            None if is_other_kind => Self::None,
            None => Self::All,
        }
    }

    fn has(&self, id: &str) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::These(ids) => ids.contains(id),
        }
    }
}

fn beyond(row: &Known, key: &str, span: Span, message: String) -> Diagnostic {
    let path = format!("auth.access[{}].{key}", row.i);
    Diagnostic::new(codes::ACCESS_BEYOND_ALLOW, path, span, message)
        .help("add it to `iam.allow`, or narrow the row")
}

fn size(rows: &[AccessRow], found: &mut Vec<Diagnostic>) {
    let ids = || {
        rows.iter()
            .flat_map(|row| row.image_sets.iter().chain(&row.studies))
            .flatten()
    };
    let bytes: usize = ids().map(|id| id.value.len() + 1).sum();
    let (true, Some(last)) = (bytes > MOST_BYTES, ids().next_back()) else {
        return;
    };
    let count = ids().count();
    let message = format!(
        "`auth.access` lists {count} ids of {bytes} bytes; a function at the edge takes {MOST_BYTES} at the most"
    );
    found.push(
        Diagnostic::new(codes::LIMIT, "auth.access", last.span, message).help(
            "name whole data stores, or let the tokens say what they may read: `auth.accessClaims`",
        ),
    );
}

/// The claims' names.
fn named(
    given: &manifest::AccessClaims,
    dicomweb: bool,
    found: &mut Vec<Diagnostic>,
) -> AccessClaims {
    if given.keys.written.is_empty()
        && !["datastores", "imageSets", "studies"]
            .iter()
            .any(|key| given.keys.has(key))
    {
        let message = "`auth.accessClaims` names no claim, and so would limit nothing";
        found.push(
            Diagnostic::new(codes::INVALID_VALUE, "auth.accessClaims", given.span, message)
                .help("name one at least, for example `studies: imaging/studies`, or leave `accessClaims` out"),
        );
    }
    if let (Some(Spanned { span, .. }), false) = (given.keys.find("studies"), dicomweb) {
        found.push(without_dicomweb("auth.accessClaims.studies", *span));
    }
    let value = |text: &Option<Text>| text.as_ref().map(|text| text.value.clone());
    AccessClaims {
        datastores: value(&given.datastores),
        image_sets: value(&given.image_sets),
        studies: value(&given.studies),
    }
}
