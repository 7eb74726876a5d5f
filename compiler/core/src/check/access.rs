//! Who may read what of `iam.allow`.

use super::swallowed::{Known, swallowed};
use super::{absent, native, writable};
use crate::diagnostic::{Diagnostic, codes};
use crate::manifest::{self, AccessRow, Allow, Manifest, Spanned, Text};
use crate::span::Span;
use frames_edge::access::Row;
use frames_edge::{Access, AccessClaims, AuthConfig};
use std::collections::{HashMap, HashSet};

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
        absent::check(auth, found);
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
            let key = auth.and_then(|auth| auth.keys.find("access"));
            if let Some(key) = key.filter(|_| dicomweb) {
                native::only(&known, key.span, found);
            }
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
            let found = findings(&manifest(&rows, &allow, true)).into_iter();
            // Image sets only, in either list, have that finding besides.
            found
                .filter(|(code, _)| code != "dicomweb-not-allowed")
                .collect::<Vec<_>>()
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
        assert_eq!(found(", studies: [1.2]", &only_sets), expected);
    }
}
