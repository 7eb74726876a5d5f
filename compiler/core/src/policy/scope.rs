//! Which resources a row of a table means in this very manifest: ARNs from the
//! templates' names, and the conditions that go with them.

use super::Template;
use super::rows::{self, Name, Only};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Where access logs go to.
const DESTINATION: &str = "DestinationResourceArn";

/// How callers of a function URL have to sign.
///
/// Source: "Actions, resources, and condition keys for AWS Lambda", Service Authorization Reference.
const URL_AUTH: &str = "lambda:FunctionUrlAuthType";

/// CloudFormation appends this many random characters at the most.
const RANDOM: usize = 13;
/// A bucket's; a role's may be one longer.
const LONGEST_NAME: usize = 63;
/// How much of a stack's name is certain to survive where a name is too long: of
/// stack and logical id, CloudFormation cuts both, in a way that isn't documented.
const SURE: usize = 24;

/// What one stage's statements say of the other stage's resources.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Managed policies that the roles may get.
    policies: BTreeSet<String>,
    /// Names of records, as Route 53 normalizes them.
    records: BTreeSet<String>,
}

impl Shared {
    pub(super) fn of(templates: &[Template<'_>], account: &str) -> Self {
        let mut shared = Self::default();
        let none = Self::default();
        for template in templates {
            let scope = Scope::new(template, account, &none);
            for (id, resource) in template.resources() {
                shared.add(&scope, id, resource);
            }
        }
        shared
    }

    fn add(&mut self, scope: &Scope<'_>, id: &str, resource: &Value) {
        let properties = &resource["Properties"];
        match resource["Type"].as_str() {
            Some("AWS::IAM::ManagedPolicy") => {
                let arn = "arn:aws:iam::{account}:policy{Path}{name}";
                self.policies.insert(scope.arn(arn, id, resource));
            }
            Some("AWS::IAM::Role") => {
                let attached = properties["ManagedPolicyArns"].as_array();
                let attached = attached.into_iter().flatten().filter_map(Value::as_str);
                self.policies.extend(attached.map(str::to_owned));
            }
            Some("AWS::Route53::RecordSet") => {
                self.records
                    .insert(normalized(&scope.text(&properties["Name"])));
            }
            Some("AWS::CertificateManager::Certificate") => {
                let options = properties["DomainValidationOptions"].as_array();
                for option in options.into_iter().flatten() {
                    let name = scope.text(&option["DomainName"]);
                    let name = name.strip_prefix("*.").unwrap_or(&name).to_owned();
                    self.records.insert(format!("_*.{}", normalized(&name)));
                }
            }
            _ => {}
        }
    }
}

/// Lower case, no dot at the end, and an asterisk by its octal code.
fn normalized(name: &str) -> String {
    let name = name.trim_end_matches('.').to_lowercase();
    match name.strip_prefix("*.") {
        Some(rest) => format!("\\052.{rest}"),
        None => name,
    }
}

/// One stage's names.
pub(super) struct Scope<'a> {
    template: &'a Template<'a>,
    account: &'a str,
    shared: &'a Shared,
}

impl<'a> Scope<'a> {
    pub(super) fn new(template: &'a Template<'a>, account: &'a str, shared: &'a Shared) -> Self {
        Self {
            template,
            account,
            shared,
        }
    }

    /// A row's pattern with its holes filled: `{region}`, `{account}`, `{name}`,
    /// `{scope}` of AWS WAF, or a property of the resource.
    pub(super) fn arn(&self, pattern: &str, id: &str, resource: &Value) -> String {
        let mut arn = String::new();
        let mut rest = pattern;
        while let Some((before, after)) = rest.split_once('{') {
            let (hole, after) = after.split_once('}').unwrap_or((after, ""));
            arn.push_str(before);
            arn.push_str(&self.fill(hole, id, resource));
            rest = after;
        }
        arn.push_str(rest);
        arn
    }

    /// Where an overlay has it.
    pub(super) fn path(&self, id: &str) -> String {
        format!("resources.{}.Resources.{id}", self.template.stage.name)
    }

    fn fill(&self, hole: &str, id: &str, resource: &Value) -> String {
        let properties = &resource["Properties"];
        // `List.Key`: that of the list's first entry.
        let property = match hole.split_once('.') {
            Some((list, key)) => &properties[list][0][key],
            None => &properties[hole],
        };
        match hole {
            "region" => self.template.stage.region.clone(),
            "account" => self.account.to_owned(),
            "name" => self.name(id, resource),
            "scope" if properties["Scope"] == "REGIONAL" => "regional".to_owned(),
            "scope" => "global".to_owned(),
            "Path" if property.is_null() => "/".to_owned(),
            _ => {
                let text = self.text(property);
                // Of an ARN, the name at its end.
                let name = text.rsplit(':').next().unwrap_or(&text);
                // A bucket's may have a prefix behind it.
                let bucket = name.split('/').next().filter(|_| hole == DESTINATION);
                bucket.unwrap_or(name).to_owned()
            }
        }
    }

    /// What a resource is called, or a pattern for the name that AWS makes up.
    pub(super) fn name(&self, id: &str, resource: &Value) -> String {
        let stack = &self.template.stage.stack_name;
        let kind = resource["Type"].as_str().unwrap_or_default();
        let property = |name: &str| {
            let value = &resource["Properties"][name];
            (!value.is_null()).then(|| self.text(value))
        };
        match rows::of(kind).map(|handler| handler.name) {
            Some(Name::Property(name)) => property(name).unwrap_or_else(|| of_stack(stack, id)),
            Some(Name::OfBucket(name)) => {
                property(name).unwrap_or_else(|| of_bucket(stack, id).to_lowercase())
            }
            Some(Name::MadeByAws) | None => "*".to_owned(),
        }
    }

    /// A value as far as it is known here; `*` for the rest.
    pub(super) fn text(&self, value: &Value) -> String {
        if let Some(text) = value.as_str() {
            return text.to_owned();
        }
        if let Some(reference) = value["Ref"].as_str() {
            return self.reference(reference);
        }
        let attribute = &value["Fn::GetAtt"];
        let attribute = attribute[0].as_str().or(attribute.as_str());
        if let Some(attribute) = attribute {
            return self.reference(attribute.split('.').next().unwrap_or(attribute));
        }
        let substituted = &value["Fn::Sub"];
        match substituted[0].as_str().or(substituted.as_str()) {
            Some(text) => self.substituted(text),
            None => "*".to_owned(),
        }
    }

    /// Whether an ARN begins with that of a resource of the stack.
    fn is_own(&self, arn: &Value) -> bool {
        let begins = arn["Fn::Sub"].as_str();
        let begins = begins.and_then(|text| text.strip_prefix("${")?.split_once(".Arn}"));
        let of = arn["Fn::GetAtt"][0].as_str().or(begins.map(|(of, _)| of));
        of.is_some_and(|of| self.template.resources().any(|(id, _)| id == of))
    }

    fn reference(&self, name: &str) -> String {
        let stage = self.template.stage;
        match name {
            "AWS::Partition" => "aws".to_owned(),
            "AWS::AccountId" => self.account.to_owned(),
            "AWS::Region" => stage.region.clone(),
            "AWS::StackName" => stage.stack_name.clone(),
            _ => match self.template.resources().find(|(id, _)| *id == name) {
                Some((id, resource)) => self.name(id, resource),
                None => "*".to_owned(),
            },
        }
    }

    fn substituted(&self, text: &str) -> String {
        let mut made = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            made.push_str(before);
            match name.strip_prefix('!') {
                Some(literal) => made.push_str(&format!("${{{literal}}}")),
                None => made.push_str(&self.reference(name.split('.').next().unwrap_or(name))),
            }
            rest = after;
        }
        made.push_str(rest);
        made
    }

    /// None: the grant has nothing to apply to.
    pub(super) fn condition(&self, only: Only, resource: &Value) -> Option<Map<String, Value>> {
        let object = |value: Value| match value {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        Some(object(match only {
            Only::Any => json!({}),
            Only::ThroughCloudFormation => json!({
                "ForAnyValue:StringEquals": {"aws:CalledVia": ["cloudformation.amazonaws.com"]},
            }),
            Only::PassedToTheEdge => json!({
                "StringEquals": {"iam:PassedToService": ["edgelambda.amazonaws.com", "lambda.amazonaws.com"]},
            }),
            Only::WithTheBoundary => match &resource["Properties"]["PermissionsBoundary"] {
                Value::Null => json!({}),
                boundary => json!({
                    "StringEquals": {"iam:PermissionsBoundary": [self.text(boundary)]},
                }),
            },
            Only::OwnPolicies if self.shared.policies.is_empty() => return None,
            Only::OwnPolicies => json!({"ArnLike": {"iam:PolicyARN": self.shared.policies}}),
            // One of the stack's own is covered by its own row.
            Only::BucketElsewhere if self.is_own(&resource["Properties"][DESTINATION]) => {
                return None;
            }
            Only::BucketElsewhere => json!({}),
            Only::AuthType(property) => json!({
                "StringEquals": {URL_AUTH: [self.text(&resource["Properties"][property])]},
            }),
            Only::AuthTypeIfTold(property) => {
                let told = &resource["Properties"][property];
                let wanted = told.as_str().unwrap_or("AWS_IAM");
                json!({"StringEqualsIfExists": {URL_AUTH: [wanted]}})
            }
            Only::OwnRecords => json!({
                "ForAllValues:StringLike": {
                    "route53:ChangeResourceRecordSetsNormalizedRecordNames": self.shared.records,
                },
            }),
        }))
    }
}

/// `STACK-LOGICALID-RANDOM`, as far as it takes to tell one stack from another.
fn of_stack(stack: &str, id: &str) -> String {
    if fits(stack, id) {
        format!("{stack}-*")
    } else {
        format!("{stack:.SURE$}*")
    }
}

/// Buckets hold data: no more of them than the stack's own.
fn of_bucket(stack: &str, id: &str) -> String {
    if fits(stack, id) {
        format!("{stack}-{id}-*")
    } else {
        format!("{stack:.SURE$}*")
    }
}

fn fits(stack: &str, id: &str) -> bool {
    stack.len() + id.len() + RANDOM + 2 <= LONGEST_NAME
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_too_long_keeps_its_beginning() {
        assert_eq!(
            of_bucket("x-dev-cdn", "AccessLogs"),
            "x-dev-cdn-AccessLogs-*"
        );
        assert_eq!(
            of_stack("x-dev-lambda-edge", "SignerRole"),
            "x-dev-lambda-edge-*"
        );
        let long = "a-service-with-a-rather-long-name-production-lambda-edge";
        assert_eq!(of_stack(long, "SignerRole"), "a-service-with-a-rather-*");
    }

    #[test]
    fn records_are_named_as_route_53_sees_them() {
        assert_eq!(
            normalized("*.Frames.example.org."),
            "\\052.frames.example.org"
        );
    }
}
