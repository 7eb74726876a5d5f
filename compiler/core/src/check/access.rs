//! Who may read what of `iam.allow`.

use super::writable;
use crate::diagnostic::{Diagnostic, codes};
use crate::manifest::{self, AccessRow, Allow, Manifest, Spanned, Text};
use crate::span::Span;
use frames_edge::access::Row;
use frames_edge::{Access, AccessClaims, AuthConfig};
use std::collections::{BTreeSet, HashMap, HashSet};

/// So many of the rows that swallow one together are shown.
const SHOWN: usize = 3;

/// A UID's length (DICOM PS3.5, 9.1); a pattern can't bound it.
const UID: usize = 64;

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
    if let Some(auth) = auth {
        writable::check(auth, found);
    }
    let rows = auth.and_then(|auth| auth.access.as_deref());
    let claims = auth.and_then(|auth| auth.access_claims.as_ref());
    if let Some(rows) = rows {
        for (i, row) in rows.iter().enumerate() {
            lists(row, i, dicomweb, found);
            if let Some(claims) = claims {
                refused_by_claims(row, i, claims, found);
            }
        }
        let known: Vec<Known> = rows.iter().enumerate().filter_map(Known::of).collect();
        beyond_allow(&known, manifest, found);
        swallowed(&known, found);
        if known.len() == rows.len() {
            unread(&known, manifest, found);
        }
    }
    if let Some(claims) = claims {
        without_studies(claims, manifest, found);
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

/// Row and claims have to allow the same thing: what no claim can list, no token reads by a row.
fn refused_by_claims(
    row: &AccessRow,
    i: usize,
    claims: &manifest::AccessClaims,
    found: &mut Vec<Diagnostic>,
) {
    // Without parts, a claim of data stores allows all of them; claims without a name have their own
    // finding. With parts of one kind, data stores beside them allow nothing of the other kind.
    if claims.image_sets.is_none() && claims.studies.is_none() {
        return;
    }
    for (key, claim) in [
        ("imageSets", &claims.image_sets),
        ("studies", &claims.studies),
    ] {
        if let (Some(written), None) = (row.keys.find(key), claim) {
            let path = format!("auth.access[{i}].{key}");
            let message = format!(
                "`{key}` lets nobody read anything: `auth.accessClaims` has to allow the same, and names no claim of {key}"
            );
            found.push(
                Diagnostic::new(codes::UNUSED_KEY, path, written.span, message).help(format!(
                    "remove it, or name the token's claim: `auth.accessClaims.{key}`"
                )),
            );
        }
    }
}

/// The mirror of `studies` without DICOMweb: no claim can list what DICOMweb is asked for.
fn without_studies(
    claims: &manifest::AccessClaims,
    manifest: &Manifest,
    found: &mut Vec<Diagnostic>,
) {
    if claims.image_sets.is_none() || claims.keys.has("studies") {
        return;
    }
    let dicomweb = manifest.delivery.dicomweb.as_ref();
    if let Some(dicomweb) = dicomweb.filter(|it| it.value) {
        let message = "DICOMweb serves nobody anything: `auth.accessClaims` lists image sets and no studies, by which DICOMweb is granted";
        let path = "delivery.dicomweb";
        found.push(
            Diagnostic::new(codes::UNUSED_KEY, path, dicomweb.span, message).help(
                "remove it, or name the claim that lists studies: `auth.accessClaims.studies`",
            ),
        );
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

    /// Whether it lets in a token with only this group; `None`: one without any.
    fn lets(&self, group: Option<&str>) -> bool {
        let named = self.groups.as_ref();
        named.is_none_or(|named| group.is_some_and(|group| named.contains(group)))
    }

    /// Whether it gives this part; `None`: all of the data store.
    fn gives(&self, id: Option<&str>) -> bool {
        self.is_whole() || id.is_some_and(|id| self.ids.contains(id))
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
    fn candidates(&self, row: &Known) -> Vec<usize> {
        let store = row.datastore.value.as_str();
        let groups = row.groups.iter().flatten();
        let by_groups = groups.map(|group| listed(self.by_group.get(&(store, *group))));
        let by_ids = row
            .ids
            .iter()
            .map(|id| listed(self.by_id.get(&(store, *id))));
        let any_token = listed(self.any_token.get(store));
        let whole = listed(self.whole.get(store));
        let by_groups = by_groups.min_by_key(|list| list.len()).unwrap_or_default();
        let by_ids = by_ids.min_by_key(|list| list.len()).unwrap_or_default();
        if by_groups.len() + any_token.len() <= by_ids.len() + whole.len() {
            [by_groups, any_token].concat()
        } else {
            [by_ids, whole].concat()
        }
    }
}

impl Index<'_> {
    /// Rows that give all that one gives, to everybody to whom it does, none of which is `out`.
    fn together(&self, rows: &[Known], at: usize, out: &HashSet<usize>) -> Option<BTreeSet<usize>> {
        let row = rows.get(at)?;
        let store = row.datastore.value.as_str();
        let groups: Vec<Option<&str>> = match &row.groups {
            Some(groups) => groups.iter().copied().map(Some).collect(),
            None => vec![None],
        };
        let ids: Vec<Option<&str>> = match row.is_whole() {
            true => vec![None],
            false => row.ids.iter().copied().map(Some).collect(),
        };
        let mut together = BTreeSet::new();
        for group in groups {
            let by_group =
                group.map_or(&[][..], |group| listed(self.by_group.get(&(store, group))));
            let by_group = [by_group, listed(self.any_token.get(store))];
            for id in &ids {
                let by_id = id.map_or(&[][..], |id| listed(self.by_id.get(&(store, id))));
                let by_id = [by_id, listed(self.whole.get(store))];
                // The shorter one, as above.
                let lists = match by_group.concat().len() <= by_id.concat().len() {
                    true => by_group,
                    false => by_id,
                };
                let mut others = lists.into_iter().flatten().filter(|other| {
                    let does = |row: &Known| row.lets(group) && row.gives(*id);
                    **other != at && !out.contains(other) && rows.get(**other).is_some_and(does)
                });
                together.insert(*others.next()?);
            }
        }
        Some(together).filter(|together| !together.is_empty())
    }
}

fn listed(list: Option<&Vec<usize>>) -> &[usize] {
    list.map_or(&[], Vec::as_slice)
}

fn swallowed(rows: &[Known], found: &mut Vec<Diagnostic>) {
    let index = Index::of(rows);
    let mut out = HashSet::new();
    for (at, row) in rows.iter().enumerate() {
        // Of two that are the same, the second is one too many.
        let is_earlier_or_wider = |(other_at, other): &(usize, &Known)| {
            *other_at != at && other.swallows(row) && (*other_at < at || !row.swallows(other))
        };
        let candidates = index.candidates(row).into_iter();
        let mut candidates = candidates.filter_map(|other| Some((other, rows.get(other)?)));
        let Some((_, other)) = candidates.find(is_earlier_or_wider) else {
            continue;
        };
        out.insert(at);
        let path = format!("auth.access[{}]", row.i);
        found.push(if row.swallows(other) {
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
    by_several(rows, &index, out, found);
}

/// Rows that no other one swallows, but several do together. `out` are those that have a finding:
/// whatever they give, somebody may remove.
fn by_several(rows: &[Known], index: &Index, mut out: HashSet<usize>, found: &mut Vec<Diagnostic>) {
    for (at, row) in rows.iter().enumerate() {
        if out.contains(&at) {
            continue;
        }
        let Some(together) = index.together(rows, at, &out) else {
            continue;
        };
        out.insert(at);
        let message = "the row gives nobody anything: others together give them as much or more";
        let path = format!("auth.access[{}]", row.i);
        let mut finding = Diagnostic::new(codes::ACCESS_SWALLOWED, path, row.span, message);
        for other in together
            .iter()
            .filter_map(|other| rows.get(*other))
            .take(SHOWN)
        {
            finding = finding.related(other.span, "one of the others");
        }
        found.push(finding.help("remove it, or narrow the others"));
    }
}

/// A data store that is served, and that no row gives to anybody.
fn unread(rows: &[Known], manifest: &Manifest, found: &mut Vec<Diagnostic>) {
    let given: HashSet<&str> = rows
        .iter()
        .map(|row| row.datastore.value.as_str())
        .collect();
    let allow = manifest.iam.as_ref().and_then(|iam| iam.allow.as_deref());
    let allow = allow.unwrap_or_default();
    let is_listed = |id: &str| {
        let mut listed = allow.iter().filter_map(|row| row.datastore.as_ref());
        listed.any(|listed| listed.value == id)
    };
    // A row beyond `iam.allow` has its finding: its data store may be the one that is missed here.
    if !given.iter().copied().all(is_listed) {
        return;
    }
    for (i, row) in allow.iter().enumerate() {
        let Some(datastore) = &row.datastore else {
            continue;
        };
        if given.contains(datastore.value.as_str()) {
            continue;
        }
        let message = format!(
            "nobody may read the data store `{}`: no row of `auth.access` has it",
            datastore.value
        );
        let path = format!("iam.allow[{i}].datastore");
        found.push(
            Diagnostic::new(codes::ACCESS_UNREAD, path, datastore.span, message)
                .help("add a row for those who may read it, or remove it from `iam.allow`"),
        );
    }
}

/// What a row promises and `iam.allow` doesn't list.
fn beyond_allow(rows: &[Known], manifest: &Manifest, found: &mut Vec<Diagnostic>) {
    let Some(allow) = manifest.iam.as_ref().and_then(|iam| iam.allow.as_ref()) else {
        return;
    };
    let id = |row: &Allow| Some(row.datastore.as_ref()?.value.clone());
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
                .help("name one at least, for example `studies: imaging.studies`, or leave `accessClaims` out"),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{checked, findings};
    use std::fmt::Write;

    const A: &str = "012345678901234567890123456789ab";
    const B: &str = "112345678901234567890123456789ab";
    const SET: &str = "aaaabbbbccccddddeeeeffff00001111";

    fn manifest(auth: &str, allow: &str, dicomweb: bool) -> String {
        format!(
            "service: x\nauth: {{mode: cognito, userPoolId: eu-west-1_AbCdEfGhI, {auth}}}\n{allow}\ndelivery: {{dicomweb: {dicomweb}}}\n"
        )
    }

    fn found(auth: &str) -> Vec<(String, String)> {
        findings(&manifest(auth, "", true))
    }

    fn one(code: &str, path: &str) -> Vec<(String, String)> {
        vec![(code.to_owned(), format!("auth.{path}"))]
    }

    #[test]
    fn rows_and_claims_become_configuration() {
        let rows = format!("access: [{{groups: [g], datastore: {A}, studies: [1.2.3]}}]");
        let claims = "accessClaims: {studies: a/b, imageSets: a.c, datastores: d}";
        let auth = checked(&manifest(&format!("{rows}, {claims}"), "", true)).auth;
        let auth = auth.unwrap();
        let access = auth.access.unwrap();
        let expected = Access::of(&[Row {
            groups: Some(vec!["g".to_owned()]),
            datastore: A.to_owned(),
            image_sets: None,
            studies: Some(vec!["1.2.3".to_owned()]),
        }]);
        assert_eq!(access, expected);
        let claims = auth.access_claims.unwrap();
        assert_eq!(claims.studies.as_deref(), Some("a/b"));
        assert_eq!(claims.image_sets.as_deref(), Some("a.c"));
        assert_eq!(claims.datastores.as_deref(), Some("d"));
        let neither = checked(&manifest("groups: []", "", true)).auth.unwrap();
        assert!(neither.access.is_none() && neither.access_claims.is_none());
    }

    #[test]
    fn a_row_is_well_formed() {
        let row = |rest: &str| found(&format!("access: [{{datastore: {A}{rest}}}]"));
        assert_eq!(row(""), []);
        assert_eq!(row(&format!(", imageSets: [{SET}], studies: [1.2]")), []);
        for (rest, code, path) in [
            (", groups: []", "invalid-value", "groups"),
            (", imageSets: []", "invalid-value", "imageSets"),
            (", studies: []", "invalid-value", "studies"),
            (", groups: [a, b, a]", "duplicate-value", "groups[2]"),
            (", studies: [1.2, 1.2]", "duplicate-value", "studies[1]"),
            (", studies: [1.02]", "invalid-value", "studies[0]"),
            (", studies: [1..2]", "invalid-value", "studies[0]"),
            (", series: [1.2]", "unknown-key", "series"),
        ] {
            assert_eq!(row(rest), one(code, &format!("access[0].{path}")), "{rest}");
        }
        // Groups are told apart letter for letter.
        assert_eq!(row(", groups: [a, A]"), []);
        let uid = |length: usize| row(&format!(", studies: ['1.{}']", "2".repeat(length - 2)));
        assert_eq!(uid(64), []);
        assert_eq!(uid(65), one("invalid-value", "access[0].studies[0]"));
        assert_eq!(found("access: []"), one("invalid-value", "access"));
        assert_eq!(
            found("access: [{groups: [a]}]"),
            one("missing-key", "access[0].datastore")
        );
        let native = manifest(
            &format!("access: [{{datastore: {A}, studies: [1.2]}}]"),
            "",
            false,
        );
        assert_eq!(findings(&native), one("unused-key", "access[0].studies"));
    }

    #[test]
    fn without_tokens_nobody_is_in_a_group() {
        for rest in [
            format!("access: [{{datastore: {A}}}]"),
            "accessClaims: {}".to_owned(),
        ] {
            let text = format!("service: x\nauth: {{mode: none, {rest}}}\n");
            let key = rest.split(':').next().unwrap();
            assert_eq!(findings(&text), one("unused-key", key));
        }
    }

    #[test]
    fn claims_are_named() {
        assert_eq!(
            found("accessClaims: {}"),
            one("invalid-value", "accessClaims")
        );
        assert_eq!(found("accessClaims:"), one("invalid-value", "accessClaims"));
        assert_eq!(
            found("accessClaims: {studies: a b}"),
            one("invalid-value", "accessClaims.studies")
        );
        let native = manifest("accessClaims: {studies: s}", "", false);
        assert_eq!(findings(&native), one("unused-key", "accessClaims.studies"));
        let native = manifest("accessClaims: {imageSets: s, datastores: d}", "", false);
        assert_eq!(findings(&native), []);
        // By DICOMweb they would list nothing.
        let unused = vec![("unused-key".to_owned(), "delivery.dicomweb".to_owned())];
        for names in ["imageSets: s", "imageSets: s, datastores: d"] {
            assert_eq!(
                found(&format!("accessClaims: {{{names}}}")),
                unused,
                "{names}"
            );
        }
        assert_eq!(found("accessClaims: {imageSets: s, studies: t}"), []);
        assert_eq!(found("accessClaims: {datastores: d}"), []);
    }

    #[test]
    fn a_row_gives_nothing_that_no_claim_can_list() {
        let row = format!("access: [{{datastore: {A}, imageSets: [{SET}], studies: [1.2]}}]");
        let found = |names: &str, dicomweb: bool| {
            let claims = format!("{row}, accessClaims: {{{names}}}");
            findings(&manifest(&claims, "", dicomweb))
        };
        let sets = one("unused-key", "access[0].imageSets");
        // A claim of data stores beside it makes up for nothing.
        assert_eq!(found("studies: s", true), sets);
        assert_eq!(found("studies: s, datastores: d", true), sets);
        assert_eq!(found("studies: s, imageSets: i", true), []);
        assert_eq!(found("datastores: d", true), []);
        let studies = found("imageSets: i, datastores: d", true);
        let paths: Vec<&str> = studies.iter().map(|(_, path)| path.as_str()).collect();
        assert_eq!(paths, ["auth.access[0].studies", "delivery.dicomweb"]);
    }

    #[test]
    fn a_data_store_that_nobody_may_read_is_found() {
        let allow = format!("iam: {{allow: [{{datastore: {A}}}, {{datastore: {B}}}]}}");
        let found = |auth: &str| findings(&manifest(auth, &allow, true));
        let row = |id: &str| format!("{{groups: [g], datastore: {id}}}");
        let unread = vec![(
            "access-unread".to_owned(),
            "iam.allow[1].datastore".to_owned(),
        )];
        assert_eq!(found(&format!("access: [{}]", row(A))), unread);
        // Rows and claims have to allow the same: no claim makes up for the row.
        let claims = format!("access: [{}], accessClaims: {{datastores: d}}", row(A));
        assert_eq!(found(&claims), unread);
        assert_eq!(found(&format!("access: [{}, {}]", row(A), row(B))), []);
        assert_eq!(found("accessClaims: {datastores: d}"), []);
        assert_eq!(found("groups: [g]"), []);
        // A row whose data store isn't known yet may be the one.
        let open = format!(
            "access: [{}, {{groups: [g], datastore: '${{ssm:/s}}'}}]",
            row(A)
        );
        assert_eq!(
            found(&open)
                .iter()
                .filter(|it| it.0 == "access-unread")
                .count(),
            0
        );
    }

    #[test]
    fn a_row_stays_within_what_is_allowed() {
        let found = |row: &str, allow: &str| {
            let rows = format!("access: [{{datastore: {A}{row}}}]");
            let allow = format!("iam: {{allow: [{allow}]}}");
            findings(&manifest(&rows, &allow, true))
        };
        let beyond = |path: &str| one("access-beyond-allow", &format!("access[0].{path}"));
        let of_a = |rest: &str| format!("{{datastore: {A}{rest}}}");
        let (studies, series) = (", studies: [1.2, 1.3]", ", series: [1.2.1]");
        let sets = format!(", imageSets: [{SET}], studies: [1.2]");
        let other = SET.replace('a', "b");
        for (row, allow, expected) in [
            ("", of_a(""), vec![]),
            (", studies: [1.9]", of_a(""), vec![]),
            ("", String::new(), beyond("datastore")),
            ("", format!("{{datastore: {B}}}"), beyond("datastore")),
            ("", of_a(studies), beyond("datastore")),
            ("", of_a(series), beyond("datastore")),
            (", studies: [1.3]", of_a(studies), vec![]),
            (
                ", studies: [1.3, 1.4, 1.5]",
                of_a(studies),
                beyond("studies[1]"),
            ),
            // Which study a series belongs to isn't known: a token reads what both allow.
            (", studies: [1.4]", of_a(series), vec![]),
            (&format!(", imageSets: [{SET}]"), of_a(&sets), vec![]),
            (
                &format!(", imageSets: [{SET}, {other}]"),
                of_a(&sets),
                beyond("imageSets[1]"),
            ),
            // Native reads need image sets where anything is listed.
            (
                &format!(", imageSets: [{SET}]"),
                of_a(studies),
                beyond("imageSets[0]"),
            ),
        ] {
            assert_eq!(found(row, &allow), expected, "{row} {allow}");
        }
        // DICOMweb can't be limited to image sets.
        let only_sets = of_a(&format!(", imageSets: [{SET}]"));
        let expected = beyond("studies[0]");
        assert!(found(", studies: [1.2]", &only_sets).contains(&expected[0]));
    }

    #[test]
    fn a_row_that_gives_nothing_is_found() {
        let found = |rows: &[String]| found(&format!("access: [{}]", rows.join(", ")));
        let row = |rest: &str| format!("{{datastore: {A}{rest}}}");
        let swallowed = |i: usize| one("access-swallowed", &format!("access[{i}]"));
        let sets = format!(", imageSets: [{SET}]");
        for (first, second, expected) in [
            ("", ", groups: [a]", swallowed(1)),
            (", groups: [a]", "", swallowed(0)),
            (
                ", groups: [a, b], studies: [1.2]",
                ", groups: [b], studies: [1.2]",
                swallowed(1),
            ),
            (
                ", groups: [a], studies: [1.2]",
                ", groups: [a]",
                swallowed(0),
            ),
            (
                ", studies: [1.2]",
                ", groups: [a], studies: [1.2]",
                swallowed(1),
            ),
            (", studies: [1.2, 1.3]", ", studies: [1.3]", swallowed(1)),
            (&format!("{sets}, studies: [1.2]"), &sets, swallowed(1)),
            (", groups: [a]", ", groups: [b]", vec![]),
            (", groups: [a]", ", groups: [a, b]", swallowed(0)),
            (
                ", groups: [a], studies: [1.2]",
                ", groups: [b], studies: [1.2]",
                vec![],
            ),
            (
                ", groups: [a], studies: [1.2]",
                ", studies: [1.2, 1.3]",
                swallowed(0),
            ),
            (
                ", groups: [a, b], studies: [1.2]",
                ", groups: [a], studies: [1.2, 1.3]",
                vec![],
            ),
            (&sets, ", studies: [1.2]", vec![]),
        ] {
            assert_eq!(
                found(&[row(first), row(second)]),
                expected,
                "{first} | {second}"
            );
        }
        let elsewhere = format!("{{datastore: {B}, groups: [a]}}");
        assert_eq!(found(&[row(""), elsewhere]), []);
        let twice = found(&[
            row(", groups: [a, b], studies: [1.2, 1.3]"),
            row(", groups: [b, a], studies: [1.3, 1.2]"),
        ]);
        assert_eq!(twice, one("duplicate-value", "access[1]"));
    }

    #[test]
    fn rows_that_several_give_together_are_found() {
        let found = |rows: &[&str]| {
            let rows = rows.iter().map(|rest| format!("{{datastore: {A}{rest}}}"));
            found(&format!(
                "access: [{}]",
                rows.collect::<Vec<_>>().join(", ")
            ))
        };
        let swallowed = |i: usize| one("access-swallowed", &format!("access[{i}]"));
        let sets = format!(", imageSets: [{SET}], groups: [b]");
        for (rows, expected) in [
            (
                [
                    ", groups: [a], studies: [1.2, 1.3]",
                    ", groups: [b], studies: [1.2, 1.4]",
                    ", groups: [a, b], studies: [1.2]",
                ],
                swallowed(2),
            ),
            (
                [
                    ", groups: [b], studies: [1.3, 1.4]",
                    ", groups: [b], studies: [1.2, 1.3]",
                    ", groups: [c], studies: [1.2, 1.4]",
                ],
                vec![],
            ),
            (
                [
                    ", studies: [1.2, 1.3]",
                    ", groups: [a], studies: [1.2, 1.4]",
                    ", groups: [a, b], studies: [1.4]",
                ],
                // Once the second one is gone, the third one gives something.
                swallowed(1),
            ),
            (
                [
                    ", studies: [1.2, 1.3]",
                    ", groups: [a], studies: [1.4, 1.2, 1.5]",
                    ", groups: [a], studies: [1.4, 1.3]",
                ],
                swallowed(2),
            ),
            (
                [
                    ", groups: [a]",
                    &sets,
                    &format!(", imageSets: [{SET}], groups: [a, b]"),
                ],
                // Each by itself: of what the third one gives, nobody says a second time.
                swallowed(1),
            ),
        ] {
            assert_eq!(found(&rows), expected, "{rows:?}");
        }
    }

    /// Each against each would be millions.
    #[test]
    fn thousands_of_rows_are_compared() {
        let mut rows = String::new();
        for i in 0..4_000 {
            let _ = writeln!(
                rows,
                "  - {{datastore: {A}, groups: [a, g{i}], studies: [1.2, 1.3.{i}]}}"
            );
        }
        let _ = writeln!(
            rows,
            "  - {{datastore: {A}, groups: [g7, a], studies: [1.3.7]}}"
        );
        let text = format!(
            "service: x\nauth:\n mode: cognito\n userPoolId: eu-west-1_AbCdEfGhI\n access:\n{rows}\ndelivery: {{dicomweb: true}}\n"
        );
        assert_eq!(findings(&text), one("access-swallowed", "access[4000]"));
    }
}
