use super::*;
use proptest::prelude::*;
use serde_json::json;

fn shown(before: &Value, after: &Value) -> String {
    let text = text(&leaves(before, after), 0);
    plain(text.ansi())
}

fn plain(ansi: &str) -> String {
    let mut plain = String::new();
    let mut rest = ansi;
    while let Some((before, escape)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = escape.split_once('m').unwrap().1;
    }
    plain + rest
}

#[test]
fn a_list_goes_by_what_identifies_its_members() {
    let behavior = |path: &str, compress: bool| json!({"PathPattern": path, "Compress": compress, "Methods": ["GET", "HEAD"]});
    let before =
        json!({"Behaviors": [behavior("/a", true), behavior("/b", true)], "Comment": "one"});
    let after =
        json!({"Behaviors": [behavior("/c", true), behavior("/b", false)], "Comment": "two"});
    assert_eq!(
        shown(&before, &after),
        "- Behaviors[/a]
    Compress: true
    Methods: [GET, HEAD]
    PathPattern: /a
~ Behaviors[/b].Compress: true -> false
+ Behaviors[/c]
    Compress: true
    Methods: [GET, HEAD]
    PathPattern: /c
~ Comment: one -> two
"
    );
}

/// What turns DICOMweb on is read on one screen.
#[test]
fn new_members_that_are_like_another_say_where_they_differ() {
    let behavior = |path: &str, policy: &str| {
        json!({
            "PathPattern": path, "Compress": false, "AllowedMethods": ["GET", "HEAD"], "CachePolicyId": policy,
            "TargetOriginId": "dicomweb", "ViewerProtocolPolicy": "https-only", "OriginRequestPolicyId": KNOWN_AFTER,
        })
    };
    let list = json!([behavior("/a", "1"), behavior("/b", "1"), behavior("/c", "2"), {"PathPattern": "/d"}]);
    let (without, with) = (
        json!({"Config": {}}),
        json!({"Config": {"Behaviors": list}}),
    );
    assert_eq!(
        shown(&without, &with),
        "+ Config.Behaviors[/a]
    AllowedMethods: [GET, HEAD]
    CachePolicyId: '1'
    Compress: false
    OriginRequestPolicyId: known after deploy
    PathPattern: /a
    TargetOriginId: dicomweb
    ViewerProtocolPolicy: https-only
+ Config.Behaviors[/b]: like [/a], but:
    OriginRequestPolicyId: known after deploy
+ Config.Behaviors[/c]: like [/a], but:
    CachePolicyId: '2'
    OriginRequestPolicyId: known after deploy
+ Config.Behaviors[/d]
    PathPattern: /d
"
    );
    // Another list's members are no model, and what goes is shown whole.
    let other = json!({"Config": {"Behaviors": [list[0]], "Others": [list[1]]}});
    assert!(!shown(&without, &other).contains("like"));
    let gone = shown(&with, &without);
    assert_eq!(gone.matches("- Config.Behaviors[").count(), 4, "{gone}");
    assert!(!gone.contains("like"), "{gone}");
}

#[test]
fn statements_tags_origins_and_scalars_have_names() {
    let statement =
        |sid: &str, action: &str| json!({"Sid": sid, "Action": [action], "Effect": "Allow"});
    let before = json!({"Statement": [statement("Read", "s3:GetObject"), statement("List", "s3:ListBucket")]});
    let after = json!({"Statement": [statement("Read", "s3:GetObject"), statement("List", "s3:ListAllMyBuckets")]});
    assert_eq!(
        shown(&before, &after),
        "- Statement[List].Action[s3:ListBucket]\n+ Statement[List].Action[s3:ListAllMyBuckets]\n"
    );
    let before = json!({"Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]});
    let after = json!({"Tags": [{"Key": "b", "Value": "3"}]});
    assert_eq!(
        shown(&before, &after),
        "- Tags[a]\n    Key: a\n    Value: '1'\n~ Tags[b].Value: '2' -> '3'\n"
    );
    let (before, after) = (json!(["GET", "HEAD"]), json!(["HEAD", "GET"]));
    assert_eq!(
        shown(&before, &after),
        "~ : in another order: GET, HEAD -> HEAD, GET\n"
    );
}

#[test]
fn members_without_a_name_go_with_their_like() {
    let before = json!({"Rules": [{"Days": 1}, {"Days": 2}, {"Days": 2}]});
    let after = json!({"Rules": [{"Days": 2}, {"Days": 3}, {"Days": 2}, {"Days": 4}]});
    assert_eq!(
        shown(&before, &after),
        "~ Rules[1].Days: 1 -> 3\n+ Rules[3]\n    Days: 4\n"
    );
}

#[test]
fn what_only_the_deployment_makes_is_said_so() {
    let before = json!({"Arn": "arn:1", "List": ["arn:1", "b"]});
    let after =
        json!({"Arn": KNOWN_AFTER, "List": [KNOWN_AFTER, "b"], "New": format!("x-{KNOWN_AFTER}")});
    assert_eq!(
        shown(&before, &after),
        "~ Arn: arn:1 -> known after deploy\n~ List[0]: arn:1 -> known after deploy\n+ New: known after deploy\n"
    );
}

#[test]
fn a_policy_in_text_is_compared_by_what_it_says() {
    let before = json!({"Policy": "{\"Statement\": [{\"Sid\": \"A\", \"Effect\": \"Allow\"}]}"});
    let after = json!({"Policy": "{\"Statement\":[{\"Sid\":\"A\",\"Effect\":\"Deny\"}]}"});
    assert_eq!(
        shown(&before, &after),
        "~ Policy.Statement[A].Effect: Allow -> Deny\n"
    );
}

#[test]
fn wide_values_stand_below_each_other() {
    let (old, new) = ("a".repeat(40), "b".repeat(40));
    assert_eq!(
        shown(&json!({"Csp": old}), &json!({"Csp": new})),
        format!("~ Csp\n    - {old}\n    + {new}\n")
    );
    assert_eq!(
        shown(&json!({"A": {"B": 1}}), &json!({"A": [1, 2]})),
        "~ A\n    - B: 1\n    + [1, 2]\n"
    );
}

#[test]
fn what_holds_a_secret_is_hidden_on_both_sides() {
    let before = json!({"A": "old-one", "B": {"secret-x": "1"}, "C": ["secret-x", "c"], "D": "d"});
    let after = json!({"A": "in secret-x it is", "C": ["c"], "D": "e"});
    let mut found = leaves(&before, &after);
    mask(&mut found, &Masks::new(["secret-x"]));
    let text = plain(text(&found, 0).ansi());
    assert!(
        !text.contains("secret-x") && !text.contains("old-one"),
        "{text}"
    );
    assert!(text.contains("D: d -> e"), "{text}");
    let json = found
        .iter()
        .map(json)
        .map(|leaf| leaf.to_string())
        .collect::<String>();
    assert!(
        !json.contains("secret-x") && !json.contains("old-one"),
        "{json}"
    );
}

/// Masks know the new secret, and never the old one.
#[test]
fn the_old_secret_is_hidden_wherever_the_new_one_takes_its_place() {
    let one = |secret: &str| {
        [
            json!({"A": [secret, "b"]}),
            json!({"A": ["b", secret]}),
            json!({"A": {secret: 1, "c": 2}}),
            json!({"A": [{"Id": secret, "B": 1}, {"Id": "z", "B": 1}]}),
            json!({"A": [{"B": secret}, {"B": "x", "C": 1}]}),
            json!({"A": [{"B": {"D": [secret]}}]}),
            json!({"A": format!("{{\"Resource\": [\"{secret}\"]}}")}),
        ]
    };
    let mut after = one("new-secret");
    // In another place than the old one.
    after[4] = json!({"A": [{"B": "y", "C": 2}, {"B": "new-secret"}]});
    for (before, after) in one("old-secret").iter().zip(&after) {
        let (before, after) = (
            json!({"P": before, "Q": "plain"}),
            json!({"P": after, "Q": "other"}),
        );
        let mut found = leaves(&before, &after);
        mask(&mut found, &Masks::new(["new-secret"]));
        let shown = plain(text(&found, 0).ansi());
        let told = found.iter().map(json).map(|leaf| leaf.to_string());
        for said in [shown.clone(), told.collect::<String>()] {
            assert!(!said.contains("-secret"), "{said}");
        }
        assert!(shown.contains("Q: plain -> other"), "{shown}");
    }
}

#[test]
fn ten_thousand_members_are_quick() {
    let many = |from: usize| {
        Value::from(
            (from..from + 10_000)
                .map(|id| format!("arn:{id}"))
                .collect::<Vec<_>>(),
        )
    };
    assert_eq!(leaves(&many(0), &many(1)).len(), 2);
}

/// Values such as templates have.
fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        "[a-c]".prop_map(Value::from),
        (0..3_u64).prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::from(KNOWN_AFTER)),
        Just(Value::Null),
    ];
    scalar.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[A-C]|Id|Sid", inner, 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn there_is_a_leaf_where_two_values_differ_and_only_there(before in value(), after in value()) {
        prop_assert!(leaves(&before, &before).is_empty());
        prop_assert_eq!(leaves(&before, &after).is_empty(), before == after);
    }

    #[test]
    fn each_leaf_is_of_these_two(before in value(), after in value()) {
        for leaf in leaves(&before, &after) {
            match leaf.became {
                Became::Added(value) => prop_assert!(within(&after, &value)),
                Became::Removed(value) => prop_assert!(within(&before, &value)),
                Became::Changed { before: old, after: new } => {
                    prop_assert!(old != new && within(&before, &old) && within(&after, &new));
                }
                Became::Unknown { before: old } => {
                    prop_assert!(old.is_none_or(|old| within(&before, &old)));
                    prop_assert!(within(&after, &Value::from(KNOWN_AFTER)));
                }
                Became::Order { before, after } => {
                    let sorted = |mut list: Vec<String>| { list.sort(); list };
                    prop_assert_eq!(sorted(before), sorted(after));
                }
            }
        }
    }

    /// What is added one way is removed the other.
    #[test]
    fn the_way_back_takes_what_the_way_there_adds(before in value(), after in value()) {
        let count = |leaves: &[Leaf], added: bool| leaves.iter().filter(|leaf| match leaf.became {
            Became::Added(_) | Became::Unknown { before: None } => added,
            Became::Removed(_) => !added,
            _ => false,
        }).count();
        let (there, back) = (leaves(&before, &after), leaves(&after, &before));
        prop_assert_eq!(there.len(), back.len());
        prop_assert_eq!(count(&there, true), count(&back, false));
        prop_assert_eq!(count(&there, false), count(&back, true));
    }
}

fn within(whole: &Value, part: &Value) -> bool {
    whole == part
        || match whole {
            Value::Array(items) => items.iter().any(|item| within(item, part)),
            Value::Object(entries) => entries.values().any(|value| within(value, part)),
            _ => false,
        }
}

/// An older version stands for the one that is published only then.
#[test]
fn what_stands_for_a_value_isnt_shown_as_the_value() {
    let before = json!({"Acl": "none", "List": [{"Id": "x", "Arn": "f:1"}]});
    let after = json!({"Acl": "later", "New": "later", "List": [
        {"Id": "x", "Arn": "f:1"}, {"Id": "y", "Arn": "f:1", "Other": "g:1"},
    ]});
    let mut found = leaves(&before, &after);
    not_known_yet(&mut found, &[("f:1", "FArn"), ("later", "AclArn")]);
    let shown: Vec<Value> = found.iter().map(shown::json).collect();
    let unknown = "known after deploy";
    let named = "known after deploy (FArn)";
    assert_eq!(
        shown,
        [
            json!({"path": "Acl", "became": unknown, "before": "none"}),
            json!({"path": "List[y]", "became": "added", "after": {"Id": "y", "Arn": named, "Other": "g:1"}}),
            json!({"path": "New", "became": unknown, "before": null}),
        ]
    );
}
