//! What `--online` asks AWS: values of variables, and whether what the manifest
//! names is there.

use super::{STORE, Stand};
use crate::support::aws::Aws;
use crate::support::frames::Run;
use serde_json::{Value, json};

/// An account with all that the manifest names, and the manifest.
fn furnished() -> Stand {
    let stand = Stand::with("", Aws::shared().account());
    let call = |service: &str, operation: &str, parameters: Value| {
        stand.account.call(service, operation, parameters)
    };
    let pool = call(
        "cognito-idp",
        "CreateUserPool",
        json!({"PoolName": "radiology"}),
    );
    let pool = pool["UserPool"]["Id"].as_str().unwrap().to_owned();
    let client = call(
        "cognito-idp",
        "CreateUserPoolClient",
        json!({"UserPoolId": pool, "ClientName": "viewer"}),
    );
    let client = client["UserPoolClient"]["ClientId"]
        .as_str()
        .unwrap()
        .to_owned();
    let certificate = stand.certificate(&["frames.example.org"]);
    let visibility = json!({"SampledRequestsEnabled": false, "CloudWatchMetricsEnabled": false, "MetricName": "m"});
    let acl = call(
        "wafv2",
        "CreateWebACL",
        json!({"Name": "frames", "Scope": "CLOUDFRONT", "DefaultAction": {"Allow": {}}, "VisibilityConfig": visibility}),
    );
    let acl = acl["Summary"]["ARN"].as_str().unwrap().to_owned();
    stand.write(&format!(
        "service: heart
auth: {{mode: cognito, userPoolId: {pool}, clientIds: [{client}], jwksFile: ./jwks.json}}
iam: {{allow: [{{datastore: {STORE}}}]}}
domain: {{cnames: [frames.example.org], certificateArn: '{certificate}'}}
delivery: {{webAclArn: '{acl}'}}
"
    ));
    stand
}

fn replace(stand: &Stand, from: &str, to: &str) {
    let path = stand.project.path().join("frames.yml");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    stand.write(&text.replace(from, to));
}

fn validate(stand: &Stand) -> (Run, Vec<Value>) {
    let run = stand.run(&["validate", "--online", "--format", "json"]);
    let answer: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{run:#?}"));
    let found = answer["diagnostics"].as_array().unwrap().clone();
    (run, found)
}

fn one(stand: &Stand, code: &str, path: &str, severity: &str) {
    let (run, found) = validate(stand);
    let shown: Vec<_> = found
        .iter()
        .map(|d| {
            (
                d["code"].as_str().unwrap(),
                d["path"].as_str().unwrap(),
                d["severity"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(shown, [(code, path, severity)], "{run:#?}");
    assert_eq!(
        run.code,
        if severity == "error" { 3 } else { 0 },
        "{run:#?}"
    );
    assert!(stand.account.calls().iter().all(|call| !call.is_mutating()));
}

#[test]
fn all_is_there() {
    let stand = furnished();
    let (run, found) = validate(&stand);
    assert_eq!((run.code, found), (0, vec![]), "{run:#?}");
    let closing = stand.deploy();
    stand.serves(&closing);
    assert_eq!(closing["result"]["url"], "https://frames.example.org");
}

#[test]
fn a_pool_or_a_client_is_missing() {
    let stand = furnished();
    let path = stand.project.path().join("frames.yml");
    let text = std::fs::read_to_string(&path).unwrap();
    let client = text
        .split("clientIds: [")
        .nth(1)
        .unwrap()
        .split(']')
        .next()
        .unwrap();
    replace(&stand, client, "absent0000000000000000000a");
    one(&stand, "not-in-aws", "auth.clientIds[0]", "error");
    let pools = stand
        .account
        .call("cognito-idp", "ListUserPools", json!({"MaxResults": 5}));
    let pool = pools["UserPools"][0]["Id"].as_str().unwrap().to_owned();
    stand
        .account
        .call("cognito-idp", "DeleteUserPool", json!({"UserPoolId": pool}));
    let (run, found) = validate(&stand);
    assert_eq!(run.code, 3, "{run:#?}");
    assert_eq!(found[0]["path"], "auth.userPoolId", "{found:#?}");
}

/// The ARN at `key`, but for its last digits.
fn name_another(stand: &Stand, key: &str) {
    let path = stand.project.path().join("frames.yml");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, after) = text.split_once(&format!("{key}: '")).unwrap();
    let (arn, _) = after.split_once('\'').unwrap();
    let other = format!("{}000000000000", &arn[..arn.len() - 12]);
    replace(stand, arn, &other);
}

#[test]
fn a_certificate_is_missing_or_covers_another_name() {
    let stand = furnished();
    replace(
        &stand,
        "cnames: [frames.example.org]",
        "cnames: [images.example.org]",
    );
    one(&stand, "certificate-names", "domain.cnames[0]", "error");
    let stand = furnished();
    name_another(&stand, "certificateArn");
    one(&stand, "not-in-aws", "domain.certificateArn", "error");
}

#[test]
fn a_certificate_that_isnt_issued() {
    let stand = furnished();
    let arn = "arn:aws:acm:us-east-1:111122223333:certificate/x";
    // MiniStack issues all at once: the answer is made up here.
    let answer = json!({"Certificate": {"CertificateArn": arn, "DomainName": "frames.example.org", "SubjectAlternativeNames": ["frames.example.org"], "Status": "PENDING_VALIDATION"}});
    stand.account.rule(json!({"kind": "answer", "operation": "DescribeCertificate", "status": 200, "body": answer, "count": 10}));
    one(
        &stand,
        "certificate-not-issued",
        "domain.certificateArn",
        "error",
    );
}

#[test]
fn a_web_acl_is_missing() {
    let stand = furnished();
    name_another(&stand, "webAclArn");
    one(&stand, "not-in-aws", "delivery.webAclArn", "error");
}

#[test]
fn a_template_that_cloudformation_refuses() {
    let stand = furnished();
    let path = stand.project.path().join("frames.yml");
    let text = std::fs::read_to_string(path).unwrap();
    // More than CloudFormation takes as a default, which only it counts.
    let long = "x".repeat(4_097);
    stand.write(&format!(
        "{text}resources: {{cdn: {{Parameters: {{Mine: {{Type: String, Default: {long}}}}}}}}}\n"
    ));
    one(&stand, "template-refused", "resources.cdn", "error");
    // Before the first change, though lambda-edge would be deployed first.
    let run = stand.run(&["deploy", "--yes"]);
    assert_eq!(run.code, 3, "{run:#?}");
    assert!(run.stderr.contains("template-refused"), "{run:#?}");
    assert!(stand.account.calls().iter().all(|call| !call.is_mutating()));
}

#[test]
fn a_large_template_that_cloudformation_refuses() {
    let stand = furnished();
    let path = stand.project.path().join("frames.yml");
    let text = std::fs::read_to_string(path).unwrap();
    let long = "x".repeat(4_097);
    let filling = "y".repeat(60_000);
    stand.write(&format!(
        "{text}resources: {{cdn: {{Metadata: {{Filling: {filling}}}, Parameters: {{Mine: {{Type: String, Default: {long}}}}}}}}}\n"
    ));
    let (run, found) = validate(&stand);
    assert_eq!(found[0]["code"], "not-asked", "{run:#?}");
    let run = stand.run(&["deploy", "--yes"]);
    assert_eq!(run.code, 1, "{run:#?}");
    let said = "CloudFormation refuses the template of stage cdn";
    assert!(run.stderr.contains(said), "{run:#?}");
    let stacks = ["heart-dev-lambda-edge", "heart-dev-cdn"];
    for stack in stacks {
        let asked = json!({"StackName": stack});
        let found = stand
            .account
            .try_call("us-east-1", "cloudformation", "DescribeStacks", asked);
        assert!(found.is_err(), "{found:#?}");
    }
}

#[test]
fn a_data_store_is_missing_or_not_active() {
    let stand = furnished();
    stand
        .account
        .set(&json!({"datastores": {STORE: "DELETING"}}));
    one(
        &stand,
        "datastore-not-active",
        "iam.allow[0].datastore",
        "error",
    );
    stand.account.set(&json!({"datastores": {}}));
    one(&stand, "not-in-aws", "iam.allow[0].datastore", "error");
    let run = stand.run(&["deploy", "--yes"]);
    assert_eq!(run.code, 3, "{run:#?}");
    assert!(stand.account.calls().iter().all(|call| !call.is_mutating()));
}

#[test]
fn without_the_permission_it_stays_a_warning() {
    let stand = furnished();
    let denied = json!({"kind": "answer", "status": 400, "code": "AccessDeniedException", "message": "no", "operation": "DescribeUserPool", "count": 10});
    stand.account.rule(denied);
    one(&stand, "not-asked", "auth.userPoolId", "warning");
    let run = stand.run(&["validate", "--online"]);
    assert!(
        run.stdout.contains("cognito-idp:DescribeUserPool"),
        "{run:#?}"
    );
    let closing = stand.deploy();
    stand.serves(&closing);
}

#[test]
fn credentials_that_dont_count_are_a_failure() {
    let stand = furnished();
    stand.account.rule(json!({"kind": "answer", "status": 400, "code": "ExpiredTokenException", "message": "old", "operation": "DescribeUserPool", "count": 10}));
    let run = stand.run(&["validate", "--online"]);
    assert_eq!(run.code, 1, "{run:#?}");
    assert!(run.stderr.contains("credentials have expired"), "{run:#?}");
}

#[test]
fn variables_have_the_values_that_aws_has() {
    let stand = furnished();
    for (name, value, kind) in [
        ("/team", "imaging", "String"),
        ("/list", "one", "StringList"),
        ("/secret", "hunter2-hunter2", "SecureString"),
    ] {
        stand.account.call(
            "ssm",
            "PutParameter",
            json!({"Name": name, "Value": value, "Type": kind}),
        );
    }
    let template = json!({"Resources": {"G": {"Type": "AWS::Logs::LogGroup"}}, "Outputs": {"Name": {"Value": "of-a-stack"}}});
    stand.account.call(
        "cloudformation",
        "CreateStack",
        json!({"StackName": "other", "TemplateBody": template.to_string()}),
    );
    let path = stand.project.path().join("frames.yml");
    let text = std::fs::read_to_string(&path).unwrap();
    let tags = "team: '${ssm:/team}', list: '${ssm:/list}', secret: 'a ${ssm:/secret} b', stack: '${cf:other.Name}', account: '${aws:accountId}', region: '${aws:region}', none: \"${ssm:/none, 'else'}\", named: '${ssm(us-east-1):/team}', elsewhere: \"${ssm(eu-west-1):/team, cf(eu-west-1):other.Name, 'else'}\"";
    stand.write(&format!("{text}deploy: {{tags: {{{tags}}}}}\n"));
    crate::support::process::eventually("the stack", || {
        (stand.stack("other")["StackStatus"] == "CREATE_COMPLETE").then_some(())
    });
    let run = stand.run(&[
        "print",
        "--online",
        "--format",
        "json",
        "--path",
        "deploy.tags",
    ]);
    assert_eq!(run.code, 0, "{run:#?}");
    let values: Value = serde_json::from_str(&run.stdout).unwrap();
    let wanted = json!({"team": "imaging", "list": "one", "secret": "a ******** b", "stack": "of-a-stack", "account": stand.account.number(), "region": "us-east-1", "none": "else", "named": "imaging", "elsewhere": "else"});
    assert_eq!(values, wanted);
    let offline = stand.run(&["print", "--format", "json", "--path", "deploy.tags"]);
    assert!(!offline.stdout.contains("imaging"), "{offline:#?}");
    assert!(
        format!("{}{}", offline.stdout, offline.stderr).contains("${ssm:/team}"),
        "{offline:#?}"
    );
    let missing = stand.project.path().join("frames.yml");
    let text = std::fs::read_to_string(&missing)
        .unwrap()
        .replace("ssm:/none, 'else'", "ssm:/none");
    stand.write(&text);
    let run = stand.run(&["validate", "--online"]);
    assert_eq!(run.code, 3, "{run:#?}");
    assert!(run.stdout.contains("ssm:/none"), "{run:#?}");
}

/// Origin request policies of other services.
fn policies(stand: &Stand, numbers: std::ops::Range<usize>) {
    for number in numbers {
        let config = json!({
            "Name": format!("other-{number}"),
            "HeadersConfig": {"HeaderBehavior": "none"},
            "CookiesConfig": {"CookieBehavior": "none"},
            "QueryStringsConfig": {"QueryStringBehavior": "none"},
        });
        let config = json!({"OriginRequestPolicyConfig": config});
        stand
            .account
            .call("cloudfront", "CreateOriginRequestPolicy", config);
    }
}

#[test]
fn an_account_that_is_full_of_policies() {
    let stand = furnished();
    policies(&stand, 0..19);
    let (run, found) = validate(&stand);
    assert_eq!((run.code, found), (0, vec![]), "{run:#?}");
    policies(&stand, 19..20);
    one(&stand, "quota", "service", "warning");
    let denied = json!({"kind": "answer", "status": 403, "code": "AccessDenied", "message": "no", "operation": "ListOriginRequestPolicies", "count": 10});
    stand.account.rule(denied);
    let (run, found) = validate(&stand);
    assert_eq!((run.code, found), (0, vec![]), "{run:#?}");
    stand.account.clear_rules();

    // The quota is a default that AWS may have raised, as the tests' AWS has.
    let run = stand.run(&["deploy", "--yes"]);
    assert_eq!(run.code, 0, "{run:#?}");
    assert!(run.stderr.contains("1 warning"), "{run:#?}");
    let from = stand.operations().len();
    replace(&stand, "webAclArn:", "priceClass: 100, webAclArn:");
    stand.deploy();
    let asked = &stand.operations()[from..];
    assert!(
        !asked.iter().any(|name| name.ends_with("Policies")),
        "{asked:#?}"
    );
}
