//! What the signer may read, by its role in the compiled template.
//!
//! Sources: "Policy evaluation logic" and "IAM JSON policy elements: Resource",
//! AWS IAM User Guide; "Actions, resources, and condition keys for AWS
//! HealthImaging", Service Authorization Reference.

use super::error::ServiceError;
use crate::package::{Package, Reader, SERIES, STUDY, Statement, glob};
use frames_edge::operation;
use http::StatusCode;
use std::collections::BTreeSet;

/// The signer role's statements about HealthImaging.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    statements: Vec<Statement>,
}

/// What a DICOMweb path names: the values of the service's condition keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub study: Option<&'a str>,
    pub series: Option<&'a str>,
}

impl Policy {
    /// What a package's signer may do.
    pub fn of(package: &Package) -> Self {
        let statements = package.signer.clone();
        Self { statements }
    }

    /// What its reader may do, where there is one.
    pub(crate) fn of_reader(reader: &Reader) -> Self {
        let statements = reader.statements.clone();
        Self { statements }
    }

    /// The first data store that it allows by name, with those of its image
    /// sets that it names.
    pub fn named(&self) -> Option<(&str, Vec<&str>)> {
        let allowing = self.statements.iter().filter(|s| s.allows);
        let mut resources = allowing
            .flat_map(|s| &s.resources)
            .filter_map(|pattern| pattern.rsplit(':').next()?.strip_prefix("datastore/"))
            .map(|rest| rest.split_once("/imageset/").unwrap_or((rest, "")))
            .filter(|(store, _)| operation::is_id(store));
        let (first, set) = resources.next()?;
        let others = resources.filter(|(store, _)| *store == first);
        let mut sets = Vec::new();
        for set in std::iter::once(set).chain(others.map(|(_, set)| set)) {
            if operation::is_id(set) && !sets.contains(&set) {
                sets.push(set);
            }
        }
        Some((first, sets))
    }

    /// The studies and series that it allows by name.
    pub(super) fn named_parts(&self) -> BTreeSet<(&'static str, &str)> {
        let allowing = self.statements.iter().filter(|s| s.allows);
        let conditions = allowing.flat_map(|s| &s.conditions);
        let parts = conditions.filter_map(|(key, values)| match key.as_str() {
            STUDY => Some(("study", values)),
            SERIES => Some(("series", values)),
            _ => None,
        });
        parts
            .flat_map(|(what, values)| values.iter().map(move |value| (what, value.as_str())))
            .collect()
    }

    /// Native reads are checked against the data store and the image set.
    pub(super) fn native(
        &self,
        action: &str,
        region: &str,
        store: &str,
        set: &str,
    ) -> Result<(), ServiceError> {
        self.check(action, region, &format!("datastore/{store}"), &[])?;
        self.check(
            action,
            region,
            &format!("datastore/{store}/imageset/{set}"),
            &[],
        )
    }

    /// DICOMweb's actions are checked against the data store, and `part`. A
    /// condition on a key that the path doesn't name never holds.
    pub(super) fn dicomweb(
        &self,
        action: &str,
        region: &str,
        store: &str,
        part: Part<'_>,
    ) -> Result<(), ServiceError> {
        let keys = [(STUDY, part.study), (SERIES, part.series)];
        let context: Vec<(&str, &str)> = keys
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)))
            .collect();
        self.check(action, region, &format!("datastore/{store}"), &context)
    }

    /// An explicit denial outweighs every permission, and nothing is allowed by default.
    fn check(
        &self,
        action: &str,
        region: &str,
        resource: &str,
        context: &[(&str, &str)],
    ) -> Result<(), ServiceError> {
        let action = format!("medical-imaging:{action}");
        let matching = |allows: bool| {
            self.statements.iter().any(|s| {
                s.allows == allows
                    && s.actions.iter().any(|pattern| is_action(pattern, &action))
                    && s.resources
                        .iter()
                        .any(|pattern| is_resource(pattern, region, resource))
                    && s.conditions.iter().all(|(key, values)| {
                        let mut given = context.iter().filter(|(name, _)| name == key);
                        given.any(|(_, value)| values.iter().any(|v| v == value))
                    })
            })
        };
        let because = match (matching(false), matching(true)) {
            (true, _) => "with an explicit deny in an identity-based policy".to_owned(),
            (false, false) => {
                format!("because no identity-based policy allows the {action} action")
            }
            (false, true) => return Ok(()),
        };
        Err(ServiceError::new(
            StatusCode::FORBIDDEN,
            "AccessDeniedException",
            format!(
                "User: arn:aws:sts::000000000000:assumed-role/signer/local is not authorized to perform: {action} \
                 on resource: arn:aws:medical-imaging:{region}:000000000000:{resource} {because}"
            ),
        ))
    }
}

fn is_action(pattern: &str, action: &str) -> bool {
    glob(
        pattern.to_ascii_lowercase().as_bytes(),
        action.to_ascii_lowercase().as_bytes(),
    )
}

/// Only AWS knows partition and account: any will do. Fields that a pattern
/// leaves out at its end are wildcards.
fn is_resource(pattern: &str, region: &str, resource: &str) -> bool {
    let mut fields = pattern.splitn(6, ':');
    ["arn", "", "medical-imaging", region, "", resource]
        .iter()
        .all(|wanted| {
            let field = fields.next().unwrap_or("*");
            wanted.is_empty() || glob(field.as_bytes(), wanted.as_bytes())
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Error, package, testing};
    use serde_json::{Value, json};

    const STORE: &str = "dddddddddddddddddddddddddddddddd";
    const OTHER: &str = "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee";
    const SET: &str = "11111111111111111111111111111111";
    const FRAME: &str = "GetImageFrame";

    fn with(statements: Value) -> Result<Policy, Error> {
        let package = testing::package(|parts| {
            parts.lambda["Resources"]["originRole"]["Properties"]["Policies"][0]["PolicyDocument"]
                ["Statement"] = statements;
        });
        package::read(package.path()).map(|package| Policy::of(&package))
    }

    fn arn(rest: &str) -> Value {
        let arn = "arn:${AWS::Partition}:medical-imaging:us-east-1:${AWS::AccountId}";
        json!({"Fn::Sub": format!("{arn}:datastore/{rest}")})
    }

    fn allow(action: &str, resources: Vec<Value>) -> Value {
        json!({"Effect": "Allow", "Action": [action], "Resource": resources})
    }

    fn native(policy: &Policy, store: &str, set: &str) -> bool {
        policy.native(FRAME, "us-east-1", store, set).is_ok()
    }

    #[test]
    fn a_frame_needs_its_data_store_and_its_image_set() {
        let action = "medical-imaging:GetImageFrame";
        let set = format!("{STORE}/imageset/{SET}");
        let policy = with(json!([allow(action, vec![arn(STORE), arn(&set)])])).unwrap();
        assert!(native(&policy, STORE, SET));
        assert!(!native(&policy, STORE, STORE));
        assert!(!native(&policy, OTHER, SET));
        let region = policy.native(FRAME, "eu-west-1", STORE, SET).unwrap_err();
        assert_eq!(
            (region.status.as_u16(), region.class),
            (403, "AccessDeniedException")
        );
        assert!(
            policy
                .dicomweb(
                    "GetDICOMInstanceFrames",
                    "us-east-1",
                    STORE,
                    Part::default()
                )
                .is_err()
        );
        // The metadata is another action.
        let metadata = "GetImageSetMetadata";
        let denied = policy
            .native(metadata, "us-east-1", STORE, SET)
            .unwrap_err();
        assert!(
            denied
                .message
                .contains("medical-imaging:GetImageSetMetadata")
        );
        for half in [arn(STORE), arn(&set)] {
            let policy = with(json!([allow(action, vec![half])])).unwrap();
            assert!(!native(&policy, STORE, SET));
        }
    }

    #[test]
    fn wildcards_are_iams() {
        let every = vec![arn("*"), arn("*/imageset/*")];
        for (action, resources) in [
            ("medical-imaging:GetImageFrame", every.clone()),
            ("medical-imaging:getimage*", every),
            ("*", vec![json!("*")]),
            (
                "medical-imaging:*",
                vec![json!("arn:aws:medical-imaging:*")],
            ),
            (
                "medical-imaging:Get?mageFrame",
                vec![json!(
                    "arn:aws:medical-imaging:us-*:111122223333:datastore/d*"
                )],
            ),
        ] {
            let policy = with(json!([allow(action, resources)])).unwrap();
            assert!(native(&policy, STORE, SET), "{action}");
        }
        for (action, resource) in [
            ("s3:*", "*"),
            ("medical-imaging:GetImageSet", "*"),
            ("medical-imaging:*", "arn:aws:s3:::*"),
        ] {
            let policy = with(json!([allow(action, vec![json!(resource)])])).unwrap();
            assert!(!native(&policy, STORE, SET), "{action} {resource}");
        }
    }

    #[test]
    fn studies_and_series_are_conditions() {
        let allowing = |action: &str, condition: Value| {
            let mut limited = allow(&format!("medical-imaging:{action}"), vec![arn(STORE)]);
            limited["Condition"] = json!({"StringEquals": condition});
            with(json!([limited])).unwrap()
        };
        let may = |policy: &Policy, action: &str, study: &'static str, series: &'static str| {
            let named = |uid: &'static str| (!uid.is_empty()).then_some(uid);
            let part = Part {
                study: named(study),
                series: named(series),
            };
            policy.dicomweb(action, "us-east-1", STORE, part).is_ok()
        };
        let frames = "GetDICOMInstanceFrames";
        let policy = allowing(frames, json!({STUDY: ["1.2", "1.3"], SERIES: "1.2.1"}));
        assert!(may(&policy, frames, "1.3", "1.2.1"));
        assert!(!may(&policy, frames, "1.4", "1.2.1"));
        assert!(!may(&policy, frames, "1.3", "1.2.2"));
        // A key that the request hasn't matches nothing.
        assert!(!may(&policy, frames, "", "") && !may(&policy, frames, "1.3", ""));
        let series = "SearchDICOMSeries";
        let policy = allowing(series, json!({STUDY: "1.2"}));
        assert!(may(&policy, series, "1.2", ""));
        assert!(!may(&policy, series, "1.3", ""));
        assert!(!may(&policy, series, "", ""), "all of the data store");
        assert!(!may(&policy, "SearchDICOMStudies", "1.2", ""));
        let metadata = "GetDICOMSeriesMetadata";
        let policy = allowing(metadata, json!({STUDY: "1.2"}));
        assert!(may(&policy, metadata, "1.2", "1.2.1"));
    }

    #[test]
    fn managed_policies_of_the_stack_count() {
        let managed = |arn: Value| {
            let package = testing::package(|parts| {
                let resources = &mut parts.lambda["Resources"];
                resources["originRole"]["Properties"] = json!({"ManagedPolicyArns": [arn]});
                let statement = allow("medical-imaging:*", vec![json!("*")]);
                let document = json!({"PolicyDocument": {"Statement": [statement]}});
                resources["Reads"] =
                    json!({"Type": "AWS::IAM::ManagedPolicy", "Properties": document});
            });
            package::read(package.path()).map(|package| Policy::of(&package))
        };
        assert!(native(
            &managed(json!({"Ref": "Reads"})).unwrap(),
            STORE,
            SET
        ));
        let text = managed(json!("arn:aws:iam::aws:policy/ReadOnlyAccess"));
        assert!(
            text.unwrap_err()
                .to_string()
                .contains("ManagedPolicyArns[0]")
        );
    }

    #[test]
    fn nothing_is_allowed_by_itself_and_a_denial_outweighs() {
        assert!(!native(&with(json!([])).unwrap(), STORE, SET));
        let every = allow("*", vec![json!("*")]);
        let denial = json!({"Effect": "Deny", "Action": "medical-imaging:*", "Resource": arn(&format!("{STORE}/*"))});
        let policy = with(json!([every, denial])).unwrap();
        assert!(!native(&policy, STORE, SET));
        assert!(native(&policy, OTHER, SET));
    }

    #[test]
    fn what_is_not_modelled_is_refused_not_ignored() {
        let mut limited = allow("medical-imaging:*", vec![json!("*")]);
        limited["Condition"] = json!({"Bool": {"a": "b"}});
        let text = with(json!([limited])).unwrap_err().to_string();
        assert!(text.contains("Statement[0].Condition.Bool.a"), "{text}");
        let text = with(json!([{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}]));
        assert!(text.is_err());
        let text = with(json!([allow("*", vec![json!({"Fn::Sub": "${Other}"})])]));
        assert!(text.is_err());
    }

    #[test]
    fn the_first_named_data_store_is_found_with_its_image_sets() {
        let action = "medical-imaging:GetImageFrame";
        let named = |resources| {
            let policy = with(json!([allow(action, resources)])).unwrap();
            let found = policy.named();
            found.map(|(store, sets)| (store.to_owned(), sets.join(",")))
        };
        assert_eq!(named(vec![arn("*"), arn("*/imageset/*")]), None);
        assert_eq!(
            named(vec![
                arn(STORE),
                arn(&format!("{STORE}/imageset/*")),
                arn(OTHER)
            ]),
            Some((STORE.to_owned(), String::new()))
        );
        let set = |store: &str, set: &str| arn(&format!("{store}/imageset/{set}"));
        assert_eq!(
            named(vec![
                arn(STORE),
                set(STORE, SET),
                arn(OTHER),
                set(OTHER, OTHER),
                set(STORE, STORE)
            ]),
            Some((STORE.to_owned(), format!("{SET},{STORE}")))
        );
    }
}
