use super::*;
use crate::check::testing::checked;
use crate::plan::plan;
use serde_json::json;

fn printed(manifest: &str, request: &Request<'_>) -> Printed {
    policy(&plan(&checked(manifest), "dev"), request).unwrap()
}

fn statements(manifest: &str, request: &Request<'_>) -> Vec<Value> {
    let value = serde_json::to_value(printed(manifest, request).policy).unwrap();
    value["Statement"].as_array().unwrap().clone()
}

fn of(statements: &[Value], sid: &str) -> Value {
    let found = statements.iter().find(|statement| statement["Sid"] == sid);
    found
        .unwrap_or_else(|| panic!("no {sid} in {statements:#?}"))
        .clone()
}

const MINIMAL: &str = "service: x\nauth: {mode: none}\n";
const ACCOUNT: Request<'_> = Request {
    account: Some("111122223333"),
    uses: Uses {
        subjects: vec![],
        references: vec![],
        region: None,
        delete_logs: false,
        read_logs: false,
    },
};

#[test]
fn without_an_account_its_place_is_open() {
    let statements = statements(MINIMAL, &Request::default());
    let stacks = of(&statements, "Stacks");
    assert_eq!(
        stacks["Resource"][0],
        "arn:aws:cloudformation:us-east-1:*:stack/x-dev-cdn/*"
    );
    let bucket = &of(&statements, "ArtifactBucket")["Resource"];
    assert_eq!(
        *bucket,
        json!(["arn:aws:s3:::frames-artifacts-*-us-east-1"])
    );
}

#[test]
fn with_an_account_no_arn_is_of_another() {
    for statement in statements(MINIMAL, &ACCOUNT) {
        for resource in statement["Resource"].as_array().unwrap() {
            let account = resource.as_str().unwrap().split(':').nth(4);
            assert!(
                matches!(account, None | Some("" | "111122223333")),
                "{resource}"
            );
        }
    }
}

#[test]
fn a_bucket_of_ones_own_is_neither_made_nor_set_up() {
    let text = format!("{MINIMAL}deploy: {{bucket: imaging-artifacts}}\n");
    let statements = statements(&text, &ACCOUNT);
    let bucket = of(&statements, "ArtifactBucket");
    assert_eq!(
        bucket["Resource"],
        json!(["arn:aws:s3:::imaging-artifacts"])
    );
    assert_eq!(
        bucket["Action"],
        json!(["s3:ListBucket", "s3:ListBucketVersions"])
    );
}

#[test]
fn roles_are_made_with_the_boundary_alone() {
    let arn = "arn:aws:iam::111122223333:policy/boundary";
    let text = format!("{MINIMAL}iam: {{permissionsBoundaryArn: '{arn}', path: /imaging/}}\n");
    let statements = statements(&text, &ACCOUNT);
    let create = of(&statements, "CreateRoles");
    assert_eq!(
        create["Condition"],
        json!({"StringEquals": {"iam:PermissionsBoundary": [arn]}})
    );
    assert!(
        create["Action"]
            .as_array()
            .unwrap()
            .contains(&json!("iam:CreateRole"))
    );
    assert_eq!(
        create["Resource"][0],
        "arn:aws:iam::111122223333:role/imaging/x-dev-lambda-edge-*"
    );
    let elsewhere: Vec<&Value> = statements
        .iter()
        .filter(|statement| statement["Sid"] != "CreateRoles")
        .filter(|statement| statement.to_string().contains("iam:CreateRole\""))
        .collect();
    assert!(elsewhere.is_empty(), "{elsewhere:#?}");
}

#[test]
fn roles_get_the_stacks_own_policies_alone() {
    let attach = of(&statements(MINIMAL, &ACCOUNT), "PoliciesOfRoles");
    let allowed = attach["Condition"]["ArnLike"]["iam:PolicyARN"]
        .as_array()
        .unwrap();
    assert!(!allowed.is_empty());
    for policy in allowed {
        let policy = policy.as_str().unwrap();
        assert!(
            policy.starts_with("arn:aws:iam::111122223333:policy/x-dev-lambda-edge-"),
            "{policy}"
        );
    }
}

#[test]
fn records_of_other_names_stay() {
    let text = format!(
        "{MINIMAL}domain: {{cnames: [frames.example.org, '*.example.net'], hostedZoneId: Z0123456789ABCDEFGHIJ}}\n"
    );
    let records = of(&statements(&text, &ACCOUNT), "Records");
    assert_eq!(
        records["Resource"],
        json!(["arn:aws:route53:::hostedzone/Z0123456789ABCDEFGHIJ"])
    );
    assert_eq!(
        records["Condition"]["ForAllValues:StringLike"]["route53:ChangeResourceRecordSetsNormalizedRecordNames"],
        json!([
            "\\052.example.net",
            "_*.example.net",
            "_*.frames.example.org",
            "frames.example.org"
        ])
    );
}

#[test]
fn what_functions_logged_is_read_on_demand_only() {
    let readers = |read_logs| {
        let uses = Uses {
            read_logs,
            ..Uses::default()
        };
        let request = Request { uses, ..ACCOUNT };
        let statements = statements(MINIMAL, &request).into_iter();
        let reads = |one: &Value| one["Action"].to_string().contains("FilterLogEvents");
        statements.filter(reads).collect::<Vec<_>>()
    };
    assert!(readers(false).is_empty());
    let [only] = &readers(true)[..] else {
        panic!("one statement");
    };
    assert_eq!(only["Action"], json!(["logs:FilterLogEvents"]));
    // In every Region, and no other service's.
    for resource in only["Resource"].as_array().unwrap() {
        let resource = resource.as_str().unwrap();
        let group = resource.split_once(":log-group:/frames/").unwrap();
        assert!(group.0.starts_with("arn:aws:logs:*:"), "{resource}");
        assert!(
            group.1.contains("-dev-authorizer") || group.1.contains("-dev-signer"),
            "{resource}"
        );
    }
}

#[test]
fn logs_are_deleted_on_demand_alone() {
    let logs = |delete_logs| {
        let uses = Uses {
            delete_logs,
            ..Uses::default()
        };
        let request = Request { uses, ..ACCOUNT };
        let statements = statements(MINIMAL, &request);
        statements
            .iter()
            .filter(|statement| {
                statement["Resource"][0]
                    .as_str()
                    .unwrap()
                    .contains("accesslogs-*/*")
            })
            .cloned()
            .collect::<Vec<_>>()
    };
    assert!(logs(false).is_empty());
    assert_eq!(
        logs(true)[0]["Action"],
        json!(["s3:DeleteObject", "s3:DeleteObjectVersion"])
    );
}

#[test]
fn what_a_manifest_refers_to_is_read_and_nothing_else() {
    let uses = Uses {
        references: [
            "cf:network.Zone",
            "cf(eu-central-1):network.Zone",
            "ssm:/frames/pool:3",
            "ssm(us-west-2):/frames/pool",
            "aws:accountId",
        ]
        .map(str::to_owned)
        .to_vec(),
        region: Some("eu-west-1".to_owned()),
        ..Uses::default()
    };
    let statements = statements(MINIMAL, &Request { uses, ..ACCOUNT });
    assert_eq!(
        of(&statements, "ReferredStacks")["Resource"],
        json!([
            "arn:aws:cloudformation:eu-central-1:111122223333:stack/network/*",
            "arn:aws:cloudformation:eu-west-1:111122223333:stack/network/*",
        ])
    );
    assert_eq!(
        of(&statements, "Parameters")["Resource"],
        json!([
            "arn:aws:ssm:eu-west-1:111122223333:parameter/frames/pool",
            "arn:aws:ssm:us-west-2:111122223333:parameter/frames/pool",
        ])
    );
}

#[test]
fn what_no_row_knows_is_named() {
    let overlay = "resources:\n  cdn:\n    Resources:\n      \
        Topic: {Type: 'AWS::SNS::Topic'}\n      \
        AccessLogs: {Properties: {ReplicationConfiguration: {Role: r}}}\n";
    let unknown = printed(&format!("{MINIMAL}{overlay}"), &ACCOUNT).unknown;
    assert_eq!(
        unknown,
        [
            "`resources.cdn.Resources.AccessLogs.Properties.ReplicationConfiguration` (AWS::S3::Bucket)",
            "`resources.cdn.Resources.Topic` (AWS::SNS::Topic)",
        ]
    );
}

#[test]
fn an_overlays_resource_of_a_known_type_is_covered() {
    let overlay = "resources:\n  cdn:\n    Resources:\n      \
        Slow: {Type: 'AWS::CloudWatch::Alarm', Properties: {AlarmName: {'Fn::Sub': '${AWS::StackName}-slow'}}}\n";
    let alarms = of(
        &statements(&format!("{MINIMAL}{overlay}"), &ACCOUNT),
        "Alarms",
    );
    assert_eq!(
        alarms["Resource"],
        json!(["arn:aws:cloudwatch:us-east-1:111122223333:alarm:x-dev-cdn-slow"])
    );
}

#[test]
fn documents_of_a_split_policy_fit_and_lose_nothing() {
    let whole = printed(MINIMAL, &ACCOUNT).policy;
    let statements = whole.statement.clone();
    let documents = whole.split();
    assert!(documents.iter().all(Policy::is_managed_size));
    let together: Vec<Statement> = documents
        .into_iter()
        .flat_map(|one| one.statement)
        .collect();
    assert_eq!(together, statements);
}
