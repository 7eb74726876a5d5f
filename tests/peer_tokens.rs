//! The authorizer's verdicts beside aws-jwt-verify's, over thousands of tokens:
//! what that library refuses passes here only where [`LOOSER`] says why it may, and where
//! the authorizer refuses more, [`STRICTER`] says what and why.
//!
//! Both get the same configuration, key set and clock, and 30 s of skew. The
//! tokens are written by `tests/peers/tokens.mjs`. What only one of the two verifies
//! is configured nowhere here: PS256 to PS512, which vectors test, and ES512.

use crate::support::functions;
use crate::support::peers::node_modules;
use crate::support::root;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// What passes here and not there: the kind of token, what the other says, and why it may.
/// Nothing is decided by these claims here, and issuers do write them so.
const LOOSER: &[(&str, &str, &str)] = &[
    (
        "scope-odd",
        "scope claim is not a string",
        "Duende, Spring and UAA write a list; where scopes are asked for, texts alone count",
    ),
    (
        "sub-odd",
        "sub claim is not a string",
        "some issuers' subjects are numbers; nobody is told apart by it",
    ),
    (
        "jti-odd",
        "jti claim is not a string",
        "no token is remembered by it",
    ),
    (
        "iat-odd",
        "iat claim is not a number",
        "a token is good from `nbf` until `exp`",
    ),
    (
        "aud-odd",
        "aud claim is not a string or array of strings",
        "a pool's access token is known by `client_id`; where an audience is asked for, texts alone count",
    ),
];

/// Tokens that aws-jwt-verify takes and the authorizer doesn't: kind, reason in
/// the log, and why.
const STRICTER: &[(&str, &str, &str)] = &[
    (
        "exp-missing",
        "no_expiry",
        "a token without an end never ends",
    ),
    (
        "exp-on-the-second",
        "expired",
        "RFC 7519, 4.1.4: not on or after `exp`, skew included",
    ),
    ("giant", "token_too_long", "more than 16 KiB isn't read"),
    (
        "giant-header",
        "token_too_long",
        "more than 16 KiB isn't read",
    ),
    (
        "crit",
        "critical_header",
        "RFC 7515, 4.1.11: an extension that isn't understood",
    ),
    (
        "b64-false",
        "critical_header",
        "RFC 7797: an extension that isn't understood",
    ),
    (
        "typ-other",
        "wrong_type",
        "RFC 8725, 3.11: a token of another kind",
    ),
    (
        "security-event",
        "wrong_type",
        "RFC 8417: the message of an event, not a token",
    ),
    (
        "sender-bound",
        "sender_constrained",
        "RFC 7800: bound to a key that nobody proves here",
    ),
    (
        "twice-iss",
        "malformed_token",
        "RFC 8725, 3.3: two readers, two claims",
    ),
    (
        "twice-exp",
        "malformed_token",
        "RFC 8725, 3.3: two readers, two claims",
    ),
    (
        "twice-escaped",
        "malformed_token",
        "RFC 8725, 3.3: two readers, two claims",
    ),
    (
        "twice-alg",
        "malformed_token",
        "RFC 7515, 4: a name once in a header",
    ),
    (
        "twice-kid",
        "malformed_token",
        "RFC 7515, 4: a name once in a header",
    ),
    ("json-not-utf8", "malformed_token", "RFC 7515, 3: UTF-8"),
    (
        "json-surrogate",
        "malformed_token",
        "half a character has no UTF-8",
    ),
    (
        "json-surrogate-as-name",
        "malformed_token",
        "half a character has no UTF-8",
    ),
    ("json-deep", "malformed_token", "nested more than 127 deep"),
    (
        "padded",
        "bad_signature",
        "RFC 7515, 2: base64url without padding",
    ),
    (
        "padded-signature",
        "bad_signature",
        "RFC 7515, 2: base64url without padding",
    ),
    (
        "bits-left-over",
        "bad_signature",
        "one signature, one spelling",
    ),
    (
        "odd-last-character",
        "bad_signature",
        "one signature, one spelling",
    ),
    (
        "groups-odd",
        "missing_group",
        "a list of groups holds only strings",
    ),
    (
        "key-weak",
        "unknown_key",
        "RFC 7518, 3.3: RSA keys of 2048 bits or more",
    ),
    (
        "alg-other-than-configured",
        "algorithm_not_allowed",
        "the configuration lists the algorithms",
    ),
    (
        "ec-signature",
        "algorithm_not_allowed",
        "the configuration lists the algorithms",
    ),
    (
        "ed-signature",
        "algorithm_not_allowed",
        "the configuration lists the algorithms",
    ),
    (
        "ec-curve-other",
        "algorithm_not_allowed",
        "the configuration lists the algorithms",
    ),
    (
        "ed448-signature",
        "algorithm_not_allowed",
        "the configuration lists the algorithms",
    ),
    (
        "alg-other-than-signed",
        "algorithm_not_allowed",
        "the configuration lists the algorithms",
    ),
    (
        "alg-other-than-signed",
        "unsuitable_key",
        "RFC 8725, 3.1: a key verifies by its own algorithms only",
    ),
    (
        "ed448-signature",
        "unknown_key",
        "EdDSA is verified by Ed25519 only",
    ),
    (
        "ec-curve-other",
        "unknown_key",
        "RFC 7518, 3.4: no other curves",
    ),
    (
        "ec-curve-other",
        "unsuitable_key",
        "RFC 7518, 3.4: each algorithm has its curve",
    ),
];

struct Asked {
    profile: String,
    kinds: Vec<String>,
    refused: Option<String>,
    /// The authorizer's own answer.
    here: String,
}

impl Asked {
    fn passed_here(&self) -> bool {
        self.here == "pass"
    }

    fn of_kind(&self, kind: &str) -> bool {
        self.kinds.iter().any(|own| own == kind)
    }
}

fn asked() -> Vec<Asked> {
    let output = Command::new("node")
        .arg(root().join("tests/peers/tokens.mjs"))
        .arg(node_modules())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let verdicts = functions::answers("frames-authorizer", "verdicts", &output.stdout);
    let lines: Vec<Value> = output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .filter(|line: &Value| line.get("token").is_some())
        .collect();
    assert_eq!(lines.len(), verdicts.len());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let asked = |(line, here): (Value, String)| Asked {
        profile: text(&line["profile"]),
        kinds: line["kinds"].as_array().unwrap().iter().map(text).collect(),
        refused: line["refused"].as_str().map(str::to_owned),
        here,
    };
    lines.into_iter().zip(verdicts).map(asked).collect()
}

#[test]
fn what_aws_jwt_verify_refuses_passes_only_where_it_is_listed() {
    let asked = asked();
    assert!(asked.len() > 2_000, "{} tokens", asked.len());
    let both = asked
        .iter()
        .filter(|a| a.passed_here() && a.refused.is_none());
    assert!(both.count() > 500, "too few good tokens to tell anything");
    for good in asked.iter().filter(|a| a.kinds == ["good"]) {
        assert!(
            good.passed_here(),
            "a good token for {}: {}",
            good.profile,
            good.here
        );
        assert_eq!(good.refused, None, "a good token for {}", good.profile);
    }

    let mut looser: BTreeSet<&str> = BTreeSet::new();
    let mut weaker: BTreeSet<_> = BTreeSet::new();
    for passed in asked.iter().filter(|a| a.passed_here()) {
        let Some(refused) = &passed.refused else {
            continue;
        };
        let mut rows = LOOSER
            .iter()
            .filter(|(kind, there, _)| passed.of_kind(kind) && refused.contains(there));
        match rows.next() {
            Some((kind, ..)) => looser.insert(kind),
            None => weaker.insert((&passed.profile, &passed.kinds, &passed.refused)),
        };
    }
    assert!(weaker.is_empty(), "pass here and not there: {weaker:#?}");
    assert_eq!(
        looser.len(),
        LOOSER.len(),
        "not met: {looser:?} of {LOOSER:?}"
    );

    let mut met: BTreeSet<(&str, &str)> = BTreeSet::new();
    let mut unlisted: BTreeMap<(&[String], &str), usize> = BTreeMap::new();
    for stricter in asked
        .iter()
        .filter(|a| !a.passed_here() && a.refused.is_none())
    {
        let rows: Vec<_> = STRICTER
            .iter()
            .filter(|(kind, reason, _)| stricter.of_kind(kind) && stricter.here == *reason)
            .map(|(kind, reason, _)| (*kind, *reason))
            .collect();
        if rows.is_empty() {
            *unlisted
                .entry((&stricter.kinds, &stricter.here))
                .or_default() += 1;
        }
        met.extend(rows);
    }
    assert!(
        unlisted.is_empty(),
        "pass there and not here, unlisted: {unlisted:#?}"
    );
    let stale: Vec<_> = STRICTER
        .iter()
        .filter(|(kind, reason, _)| !met.contains(&(*kind, *reason)))
        .collect();
    assert!(stale.is_empty(), "listed, and not met: {stale:#?}");
}
