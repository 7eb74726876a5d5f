//! Rows of `auth.access` that leave DICOMweb to nobody.

use super::swallowed::Known;
use crate::diagnostic::{Diagnostic, codes};
use crate::span::Span;

/// Rows that are for image sets only, where DICOMweb is served. `rows` are all of them. Claims
/// aren't asked: rows and claims both have to allow, so that no claim makes up for the rows.
pub(super) fn only(rows: &[Known], key: Span, found: &mut Vec<Diagnostic>) {
    let gives_dicomweb = |row: &Known| row.is_whole() || row.studies.is_some();
    // Without rows, the list has its own finding.
    if rows.is_empty() || rows.iter().any(gives_dicomweb) {
        return;
    }
    let message = "DICOMweb serves nobody anything: every row of `auth.access` lists image sets only, which grant native reads";
    found.push(
        Diagnostic::new(codes::DICOMWEB_NOT_ALLOWED, "auth.access", key, message)
            .help("add `studies: [...]` to a row, or leave `dicomweb` out"),
    );
}

#[cfg(test)]
mod tests {
    use crate::check::testing::findings;

    const A: &str = "012345678901234567890123456789ab";
    const B: &str = "112345678901234567890123456789ab";
    const SETS: &str = "imageSets: [aaaabbbbccccddddeeeeffff00001111]";
    const POOL: &str = "mode: cognito, userPoolId: eu-west-1_AbCdEfGhI";
    const HERE: [&str; 1] = ["auth.access"];
    const NOWHERE: [&str; 0] = [];

    /// The paths of this finding.
    fn closed(mode: &str, auth: &str, dicomweb: bool) -> Vec<String> {
        let found = findings(&format!(
            "service: x\nauth: {{{mode}, {auth}}}\ndelivery: {{dicomweb: {dicomweb}}}\n"
        ));
        found
            .into_iter()
            .filter(|(code, _)| code == "dicomweb-not-allowed")
            .map(|(_, path)| path)
            .collect()
    }

    #[test]
    fn rows_of_image_sets_only_leave_dicomweb_to_nobody() {
        let a = format!("{{groups: [g], datastore: {A}, {SETS}}}");
        let b = |rest: &str| format!("access: [{a}, {{datastore: {B}{rest}}}]");
        let by = |auth: &str| closed(POOL, auth, true);
        assert_eq!(by(&format!("access: [{a}]")), HERE);
        assert_eq!(by(&b(&format!(", {SETS}"))), HERE);
        // One row is enough.
        assert_eq!(by(&b(", studies: [1.2]")), NOWHERE);
        assert_eq!(by(&b(&format!(", {SETS}, studies: [1.2]"))), NOWHERE);
        assert_eq!(by(&b("")), NOWHERE);
        assert_eq!(by("access: []"), NOWHERE);
        assert_eq!(by("groups: [g]"), NOWHERE);
        let native = closed(POOL, &format!("access: [{a}]"), false);
        assert_eq!(native, NOWHERE);
    }

    #[test]
    fn no_claim_makes_up_for_the_rows() {
        let row = format!("access: [{{datastore: {A}, {SETS}}}]");
        for claims in [
            "datastores: d",
            "studies: s, imageSets: i",
            "studies: s, imageSets: i, datastores: d",
        ] {
            let claims = format!("accessClaims: {{{claims}}}");
            let both = closed(POOL, &format!("{row}, {claims}"), true);
            assert_eq!(both, HERE, "{claims}");
            assert_eq!(closed(POOL, &claims, true), NOWHERE, "{claims}");
        }
    }

    #[test]
    fn what_is_not_known_may_give_it() {
        let a = format!("{{datastore: {A}, {SETS}}}");
        for row in [
            format!("{{datastore: {B}, {SETS}, studies: '${{ssm:/s}}'}}"),
            format!("{{datastore: {B}, imageSets: '${{ssm:/s}}'}}"),
            format!("{{datastore: '${{ssm:/s}}', {SETS}}}"),
            format!("{{datastore: {B}, {SETS}, studie: [1.2]}}"),
        ] {
            let rows = format!("access: [{a}, {row}]");
            assert_eq!(closed(POOL, &rows, true), NOWHERE, "{row}");
        }
    }

    #[test]
    fn without_tokens_rows_have_their_own_finding() {
        let rows = format!("access: [{{datastore: {A}, {SETS}}}]");
        assert_eq!(closed("mode: none", &rows, true), NOWHERE);
    }
}
