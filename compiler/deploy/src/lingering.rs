//! What a stage gives up while a later one still uses it. CloudFormation would try to delete a web
//! ACL or a certificate that a distribution uses, fail, and leave it behind. So it stays in the
//! stack until the later stage no longer uses it.
//!
//! Permissions stay as long: the versions that the edge runs until then have the same role as those
//! that it is about to run. Without them a run that ends in between would leave a delivery that
//! answers with errors.

use super::agreed::Agreed;
use super::session::Session;
use frames_compiler::failure::Result;
use frames_compiler::names;
use frames_compiler::plan::{Stage, fits_a_policy};
use frames_compiler::printable::{Style, Styled};
use frames_compiler::template::Template;
use serde_json::{Map, Value, json};

/// A resource's id and type.
type Resource = (String, String);

const POLICY: &str = "AWS::IAM::ManagedPolicy";
const ROLE: &str = "AWS::IAM::Role";

/// So many managed policies a role has at most, unless AWS raised the account's quota.
const POLICIES: usize = 10;

/// At the end of the Sid of a statement that another one has replaced.
const BEFORE: &str = "Before";

/// A template with more in it than is wanted in the end.
pub struct Lingering {
    pub template: Template,
    /// Beside outputs that say where a stage was.
    pub resources: Vec<Resource>,
    /// Roles and policies that keep permissions which they are to lose.
    pub permissions: Vec<Resource>,
}

impl Session<'_> {
    /// What a deployed stage keeps for now; `None` where it loses nothing.
    /// `keeps`: permissions, too, since later stages are deployed in this run. Nobody would take them
    /// away otherwise.
    pub async fn lingering(
        &self,
        stage: &Stage,
        wanted: &Template,
        keeps: bool,
        agreed: &Agreed,
    ) -> Result<Option<Lingering>> {
        let stacks = self.aws.stacks(&stage.region);
        let stack = self.settled(&stacks, stage, agreed).await?;
        let Some(stack) = stack else {
            return Ok(None);
        };
        let standing = stacks.template(&stack.name).await?;
        Ok(with_lingering(&standing, wanted, keeps))
    }

    pub fn tell_lingering(&self, stage: &Stage, lingering: &Lingering) {
        let count = lingering.resources.len();
        if count > 0 {
            let what = format!(
                "{}: {count} to remove, once later stages no longer use it",
                stage.name
            );
            self.progress.step("Stage", &what);
        }
        for (id, kind) in &lingering.resources {
            let mark = Styled::new().text("   ").paint(Style::BoldRed, "-");
            let what = format!(" remove      {id} ({kind})");
            self.progress.note(mark.line(&what));
        }
        if !lingering.permissions.is_empty() {
            let ids = lingering.permissions.iter().map(|(id, _)| id.as_str());
            let what = format!(
                "{}: the permissions that these lose stay until later stages no longer use them: {}",
                stage.name,
                ids.collect::<Vec<_>>().join(", ")
            );
            self.progress.step("Stage", &what);
        }
    }
}

/// `None` where nothing is removed.
fn with_lingering(standing: &str, wanted: &Template, keeps: bool) -> Option<Lingering> {
    let standing: Value = serde_json::from_str(standing).ok()?;
    let mut template = wanted.value.clone();
    let resources = template.get_mut("Resources")?.as_object_mut()?;
    let going: Vec<(&String, &Value)> = standing
        .get("Resources")?
        .as_object()?
        .iter()
        .filter(|(id, resource)| !resources.contains_key(*id) && !is_retained(resource))
        .collect();
    let places = places(&standing, wanted);
    let mut names = Vec::new();
    for (id, resource) in going {
        let kind = resource["Type"].as_str().unwrap_or_default();
        names.push((id.clone(), kind.to_owned()));
        resources.insert(id.clone(), resource.clone());
    }
    let permissions = if keeps && !is_wider(resources, &standing) {
        keep_permissions(resources, &standing)
    } else {
        Vec::new()
    };
    if names.is_empty() && places.is_empty() && permissions.is_empty() {
        return None;
    }
    if let Some(outputs) = template.get_mut("Outputs").and_then(Value::as_object_mut) {
        outputs.extend(places);
    }
    Some(Lingering {
        template: Template::new(wanted.stage, template),
        resources: names,
        permissions,
    })
}

/// Gives roles and policies back what the deployed ones permit, and they no longer do. Which these
/// are.
fn keep_permissions(resources: &mut Map<String, Value>, standing: &Value) -> Vec<Resource> {
    let ids: Vec<String> = resources.keys().cloned().collect();
    let mut kept = Vec::new();
    for (id, resource) in resources.iter_mut() {
        let before = &standing["Resources"][id.as_str()];
        let kind = resource["Type"].as_str().unwrap_or_default().to_owned();
        if before["Type"] != kind.as_str() {
            continue;
        }
        let changed = match kind.as_str() {
            POLICY => keep_statements(resource, before),
            ROLE => keep_policies(resource, before, &ids),
            _ => false,
        };
        if changed {
            kept.push((id.clone(), kind));
        }
    }
    kept
}

/// Whether something that limits what is permitted goes or changes. With it gone, permissions that
/// stayed would be wider than before and after.
fn is_wider(resources: &Map<String, Value>, standing: &Value) -> bool {
    resources.iter().any(|(id, resource)| {
        let before = &standing["Resources"][id.as_str()];
        let (now, before_kind) = (&resource["Properties"], &before["Type"]);
        let before = &before["Properties"];
        match before_kind.as_str() {
            Some(ROLE) => ["PermissionsBoundary", "AssumeRolePolicyDocument"]
                .iter()
                .any(|key| !before[key].is_null() && before[key] != now[key]),
            Some(POLICY) => {
                let now = list(&now["PolicyDocument"]["Statement"]);
                let before = list(&before["PolicyDocument"]["Statement"]);
                let mut limits = before.iter().filter(|it| it["Effect"] != "Allow");
                limits.any(|limit| !now.contains(limit))
            }
            _ => false,
        }
    })
}

/// The policies that the role has, as far as they are there for now.
fn keep_policies(role: &mut Value, before: &Value, ids: &[String]) -> bool {
    let of = |role: &Value| list(&role["Properties"]["ManagedPolicyArns"]);
    let (mut policies, count) = (of(role), of(role).len());
    let is_there = |arn: &Value| {
        let id = arn.get("Ref").and_then(Value::as_str);
        id.is_none_or(|id| ids.iter().any(|known| known == id))
    };
    for arn in of(before).into_iter().filter(is_there) {
        if !policies.contains(&arn) {
            policies.push(arn);
        }
    }
    if policies.len() == count || policies.len() > POLICIES {
        return false;
    }
    role["Properties"]["ManagedPolicyArns"] = json!(policies);
    true
}

/// The statements that the policy has beside its own, unless that is more than IAM takes.
fn keep_statements(policy: &mut Value, before: &Value) -> bool {
    let of = |policy: &Value| list(&policy["Properties"]["PolicyDocument"]["Statement"]);
    let own = of(policy);
    let mut statements = own.clone();
    for before in of(before) {
        let Some(mut lost) = lost(before, &own) else {
            continue;
        };
        while let Some(sid) = lost["Sid"].as_str()
            && statements.iter().any(|other| other["Sid"] == sid)
        {
            lost["Sid"] = json!(format!("{sid}{BEFORE}"));
        }
        statements.push(lost);
    }
    if statements.len() == own.len() || !fits_a_policy(&statements) {
        return false;
    }
    policy["Properties"]["PolicyDocument"]["Statement"] = json!(statements);
    true
}

/// What a statement permits and none of the others does.
fn lost(mut before: Value, now: &[Value]) -> Option<Value> {
    if before["Effect"] != "Allow" {
        return None;
    }
    // Whatever else limits it: conditions, `NotAction`.
    let rest = |statement: &Value| {
        let mut rest = statement.as_object().cloned().unwrap_or_default();
        for key in ["Sid", "Action", "Resource"] {
            rest.remove(key);
        }
        rest
    };
    let resources = list(&before["Resource"]);
    let mut actions = list(&before["Action"]);
    for statement in now.iter().filter(|now| rest(now) == rest(&before)) {
        let covered = list(&statement["Resource"]);
        if resources.iter().all(|resource| covered.contains(resource)) {
            let permitted = list(&statement["Action"]);
            if actions.iter().all(|action| permitted.contains(action)) {
                return None;
            }
            actions.retain(|action| !permitted.contains(action));
        }
    }
    if !before["Action"].is_null() {
        before["Action"] = json!(actions);
    }
    Some(before)
}

/// IAM takes a single value for a list of one.
fn list(value: &Value) -> Vec<Value> {
    match value {
        Value::Null => vec![],
        Value::Array(items) => items.clone(),
        one => vec![one.clone()],
    }
}

/// The outputs that say where a stage was: they go when its stack is gone.
fn places(standing: &Value, wanted: &Template) -> Vec<(String, Value)> {
    let outputs = standing["Outputs"].as_object().into_iter().flatten();
    let going = outputs.filter(|(id, output)| {
        let value = output["Value"].as_str().unwrap_or_default();
        names::placed_by(id, value).is_some() && wanted.value["Outputs"].get(*id).is_none()
    });
    going
        .map(|(id, output)| (id.clone(), output.clone()))
        .collect()
}

/// The stack drops it, and deletes nothing.
fn is_retained(resource: &Value) -> bool {
    resource["DeletionPolicy"]
        .as_str()
        .is_some_and(|policy| policy.starts_with("Retain"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn template(value: &Value) -> Template {
        Template::new("lambda-edge", value.clone())
    }

    #[test]
    fn what_would_be_deleted_stays_for_now() {
        let standing = json!({"Resources": {
            "Role": {"Type": "AWS::IAM::Role", "Properties": {"Path": "/old/"}},
            "WebAcl": {"Type": "AWS::WAFv2::WebACL", "Properties": {"Name": "w"}},
            "Version1": {"Type": "AWS::Lambda::Version", "DeletionPolicy": "RetainExceptOnCreate"},
        }});
        let wanted = json!({"Resources": {"Role": {"Type": "AWS::IAM::Role"}}, "Outputs": {}});
        let found = with_lingering(&standing.to_string(), &template(&wanted), true).unwrap();
        let web_acl = ("WebAcl".to_owned(), "AWS::WAFv2::WebACL".to_owned());
        assert_eq!(found.resources, [web_acl]);
        let mut expected = wanted;
        expected["Resources"]["WebAcl"] = standing["Resources"]["WebAcl"].clone();
        let text: Value = serde_json::from_str(&found.template.text).unwrap();
        assert_eq!(text, expected);
        assert_eq!(found.template.stage, "lambda-edge");
    }

    #[test]
    fn where_a_stage_was_is_remembered_for_now() {
        let (id, value) = names::placed("reads", "us-west-2");
        let place = json!({"Value": value});
        let standing = json!({"Resources": {"A": {"Type": "T"}}, "Outputs": {
            id.clone(): place, "StageIn01234567": {"Value": "reads us-west-2"}, "Url": {"Value": "u"},
        }});
        let elsewhere = names::placed("reads", "eu-west-1").0;
        let wanted = json!({"Resources": {"A": {"Type": "T"}}, "Outputs": {
            elsewhere.clone(): {"Value": "reads eu-west-1"},
        }});
        let found = with_lingering(&standing.to_string(), &template(&wanted), true).unwrap();
        assert_eq!(found.resources, []);
        let outputs = found.template.value["Outputs"].as_object().unwrap();
        let outputs: Vec<&String> = outputs.keys().collect();
        let mut expected = [&id, &elsewhere];
        expected.sort();
        assert_eq!(outputs, expected);
        let found = with_lingering(&standing.to_string(), &template(&standing), true);
        assert!(found.is_none());
    }

    fn of_statements(statements: &[Value]) -> Value {
        json!({"Type": POLICY, "Properties": {"PolicyDocument": {"Statement": statements}}})
    }

    fn statement(sid: &str, actions: &[&str], resources: &[&str]) -> Value {
        json!({"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources})
    }

    #[test]
    fn permissions_stay_for_now() {
        let role = |policies: &[&str]| {
            let arns: Vec<Value> = policies.iter().map(|id| json!({"Ref": id})).collect();
            json!({"Type": ROLE, "Properties": {"ManagedPolicyArns": arns}})
        };
        let standing = json!({"Resources": {
            "Role": role(&["Read", "Invoke"]),
            "Read": of_statements(&[
                statement("Frames", &["a", "b"], &["x"]),
                statement("Series", &["c"], &["x"]),
                json!({"Sid": "Never", "Effect": "Deny", "Action": "d", "Resource": "x"}),
            ]),
            "Invoke": of_statements(&[statement("Call", &["e"], &["y"])]),
        }});
        let never = || json!({"Sid": "Never", "Effect": "Deny", "Action": "d", "Resource": "x"});
        let wanted = json!({"Resources": {
            "Role": role(&["Read"]),
            "Read": of_statements(&[statement("Frames", &["a"], &["x", "z"]), never()]),
        }});
        let found = with_lingering(&standing.to_string(), &template(&wanted), true).unwrap();
        let ids: Vec<&str> = found
            .permissions
            .iter()
            .map(|(id, _)| id.as_str())
            .collect();
        assert_eq!(ids, ["Read", "Role"]);
        assert_eq!(found.resources, [("Invoke".to_owned(), POLICY.to_owned())]);
        let resources = &found.template.value["Resources"];
        assert_eq!(resources["Role"], role(&["Read", "Invoke"]));
        let expected = of_statements(&[
            statement("Frames", &["a"], &["x", "z"]),
            never(),
            statement("FramesBefore", &["b"], &["x"]),
            statement("Series", &["c"], &["x"]),
        ]);
        assert_eq!(resources["Read"], expected);
        // The next run finds that deployed, and wants the same.
        let text = found.template.value.to_string();
        let again = with_lingering(&text, &template(&wanted), true).unwrap();
        assert_eq!(again.template.value, found.template.value);
        // Another manifest comes before that is over.
        let other = json!({"Resources": {
            "Role": role(&["Read"]),
            "Read": of_statements(&[statement("Frames", &["f"], &["x"]), never()]),
        }});
        let third = with_lingering(&text, &template(&other), true).unwrap();
        let statements = list(
            &third.template.value["Resources"]["Read"]["Properties"]["PolicyDocument"]["Statement"],
        );
        let sids: Vec<&str> = statements
            .iter()
            .map(|one| one["Sid"].as_str().unwrap())
            .collect();
        let expected = [
            "Frames",
            "Never",
            "FramesBefore",
            "FramesBeforeBefore",
            "Series",
        ];
        assert_eq!(sids, expected);
        // The later stages aren't deployed in this run.
        let found = with_lingering(&standing.to_string(), &template(&wanted), false).unwrap();
        assert!(found.permissions.is_empty());
        assert_eq!(
            found.template.value["Resources"]["Read"],
            wanted["Resources"]["Read"]
        );
    }

    #[test]
    fn no_permission_stays_without_what_limited_it() {
        let limit = json!({"Effect": "Deny", "Action": "d", "Resource": "x"});
        let role = |boundary: Value| json!({"Type": ROLE, "Properties": {"PermissionsBoundary": boundary}});
        let of = |role: Value, statements: &[Value]| json!({"Resources": {"Role": role, "Read": of_statements(statements)}});
        let wide = statement("All", &["a", "b"], &["x"]);
        let narrow = statement("All", &["a"], &["x"]);
        let standing = of(role(json!("b")), &[wide, limit.clone()]);
        for (wanted, stays) in [
            (of(role(json!("b")), &[narrow.clone(), limit.clone()]), true),
            (of(role(json!("b")), std::slice::from_ref(&narrow)), false),
            (
                of(role(json!("c")), &[narrow.clone(), limit.clone()]),
                false,
            ),
        ] {
            let found = with_lingering(&standing.to_string(), &template(&wanted), true);
            assert_eq!(found.is_some(), stays, "{wanted}");
        }
    }

    #[test]
    fn permissions_that_are_only_added_wait_for_nothing() {
        let of = |statements: &[Value]| json!({"Resources": {"Read": of_statements(statements)}});
        let one = statement("Frames", &["a"], &["x"]);
        let more = statement("Frames", &["a", "b"], &["x", "y"]);
        let (standing, wanted) = (
            of(std::slice::from_ref(&one)),
            of(std::slice::from_ref(&more)),
        );
        assert!(with_lingering(&standing.to_string(), &template(&wanted), true).is_none());
        // Under another condition, it is another permission.
        let mut limited = more;
        limited["Condition"] = json!({"Bool": {"c": "true"}});
        let wanted = of(&[limited]);
        assert!(with_lingering(&standing.to_string(), &template(&wanted), true).is_some());
    }

    /// IAM would refuse it, and the deployment would fail.
    #[test]
    fn more_than_iam_takes_does_not_stay() {
        let long: Vec<String> = (0..60).map(|number| format!("{number:0>100}")).collect();
        let long: Vec<&str> = long.iter().map(String::as_str).collect();
        let of = |sid: &str, half: &[&str]| json!({"Resources": {"Read": of_statements(&[statement(sid, &["a"], half)])}});
        let (before, after) = (of("A", &long[..50]), of("A", &long[50..55]));
        assert!(with_lingering(&before.to_string(), &template(&after), true).is_some());
        let (before, after) = (of("A", &long[..40]), of("A", &long[20..]));
        assert!(with_lingering(&before.to_string(), &template(&after), true).is_none());
    }

    #[test]
    fn nothing_stays_where_nothing_goes() {
        let standing = json!({"Resources": {"A": {"Type": "T"}}});
        let wanted =
            json!({"Resources": {"A": {"Type": "T", "Properties": {}}, "B": {"Type": "T"}}});
        assert!(with_lingering(&standing.to_string(), &template(&wanted), true).is_none());
        assert!(with_lingering("", &template(&wanted), true).is_none());
    }
}
