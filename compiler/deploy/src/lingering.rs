//! What a stage gives up while a later one still uses it. CloudFormation would try to delete a web
//! ACL or a certificate that a distribution uses, fail, and leave it behind. So it stays in the
//! stack until the later stage no longer uses it.

use super::session::Session;
use frames_compiler::failure::Result;
use frames_compiler::names;
use frames_compiler::plan::Stage;
use frames_compiler::printable::{Style, Styled};
use frames_compiler::template::Template;
use serde_json::Value;

/// A resource's id and type.
type Resource = (String, String);

/// A template with more in it than is wanted in the end.
pub struct Lingering {
    pub template: Template,
    /// Beside outputs that say where a stage was.
    pub resources: Vec<Resource>,
}

impl Session<'_> {
    /// What a deployed stage keeps for now; `None` where it loses nothing.
    pub async fn lingering(&self, stage: &Stage, wanted: &Template) -> Result<Option<Lingering>> {
        let stacks = self.aws.stacks(&stage.region);
        let stack = self.settled(&stacks, stage).await?;
        let Some(stack) = stack else {
            return Ok(None);
        };
        let standing = stacks.template(&stack.name).await?;
        Ok(with_lingering(&standing, wanted))
    }

    pub fn tell_lingering(&self, stage: &Stage, lingering: &Lingering) {
        let count = lingering.resources.len();
        if count == 0 {
            return;
        }
        let what = format!(
            "{}: {count} to remove, once later stages no longer use it",
            stage.name
        );
        self.progress.step("Stage", &what);
        for (id, kind) in &lingering.resources {
            let mark = Styled::new().text("   ").paint(Style::BoldRed, "-");
            let what = format!(" remove      {id} ({kind})");
            self.progress.note(mark.line(&what));
        }
    }
}

/// `None` where nothing is removed.
fn with_lingering(standing: &str, wanted: &Template) -> Option<Lingering> {
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
    if going.is_empty() && places.is_empty() {
        return None;
    }
    let mut names = Vec::new();
    for (id, resource) in going {
        let kind = resource["Type"].as_str().unwrap_or_default();
        names.push((id.clone(), kind.to_owned()));
        resources.insert(id.clone(), resource.clone());
    }
    if let Some(outputs) = template.get_mut("Outputs").and_then(Value::as_object_mut) {
        outputs.extend(places);
    }
    Some(Lingering {
        template: Template::new(wanted.stage, template),
        resources: names,
    })
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
        let found = with_lingering(&standing.to_string(), &template(&wanted)).unwrap();
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
        let found = with_lingering(&standing.to_string(), &template(&wanted)).unwrap();
        assert_eq!(found.resources, []);
        let outputs = found.template.value["Outputs"].as_object().unwrap();
        let outputs: Vec<&String> = outputs.keys().collect();
        let mut expected = [&id, &elsewhere];
        expected.sort();
        assert_eq!(outputs, expected);
        let found = with_lingering(&standing.to_string(), &template(&standing));
        assert!(found.is_none());
    }

    #[test]
    fn nothing_stays_where_nothing_goes() {
        let standing = json!({"Resources": {"A": {"Type": "T"}}});
        let wanted =
            json!({"Resources": {"A": {"Type": "T", "Properties": {}}, "B": {"Type": "T"}}});
        assert!(with_lingering(&standing.to_string(), &template(&wanted)).is_none());
        assert!(with_lingering("", &template(&wanted)).is_none());
    }
}
