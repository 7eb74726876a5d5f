//! What going back doesn't undo: logs stay where they were delivered, and what is locked stays
//! locked. Said before a rollback begins.

use serde_json::Value;
use std::collections::BTreeMap;

const BUCKET: &str = "AWS::S3::Bucket";
const DESTINATION: &str = "AWS::Logs::DeliveryDestination";

/// What stays as it is, or what keeps a rollback from beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Behind {
    /// In words: it is said, and asked about.
    Stays(String),
    /// The change would be refused half way.
    Impossible(String),
}

/// Of one stage: its template as deployed, and the one to go back to.
pub fn behind(standing: &Value, wanted: &Value) -> Vec<Behind> {
    let mut found = Vec::new();
    let (now, then) = (of_kind(standing, BUCKET), of_kind(wanted, BUCKET));
    for (id, bucket) in &now {
        match then.get(id) {
            None => found.push(Behind::Stays(format!(
                "bucket {id} leaves the stack: it stays, with the logs in it, and belongs to no stack any more"
            ))),
            Some(other) => found.extend(of_bucket(id, bucket, other)),
        }
    }
    for id in then.keys().filter(|id| !now.contains_key(*id)) {
        found.push(Behind::Stays(format!(
            "bucket {id} is made anew: one that an earlier deployment made under that id stays beside it, with the logs in it"
        )));
    }
    let destination = |template| of_kind(template, DESTINATION).into_values().next();
    if let (Some(now), Some(then)) = (destination(standing), destination(wanted))
        && now["Properties"] != then["Properties"]
    {
        found.push(Behind::Stays(
            "access logs go where they went then, and in that form: what was delivered since stays where it is".to_owned(),
        ));
    }
    found
}

fn of_bucket(id: &str, now: &Value, then: &Value) -> Option<Behind> {
    let of = |bucket: &Value, property: &str| bucket["Properties"][property].clone();
    // The stack's policy lets no update replace a bucket.
    if of(now, "BucketName") != of(then, "BucketName") {
        return Some(Behind::Impossible(format!(
            "bucket {id} would have to be replaced by one of another name, and it holds data"
        )));
    }
    let is_locked = of(now, "ObjectLockEnabled") == true;
    let differs = of(now, "ObjectLockConfiguration") != of(then, "ObjectLockConfiguration");
    (is_locked && differs).then(|| {
        Behind::Stays(format!(
            "bucket {id} keeps its Object Lock: what is locked in it can't be deleted before its time, only later logs are as they were then"
        ))
    })
}

fn of_kind<'a>(template: &'a Value, kind: &str) -> BTreeMap<&'a str, &'a Value> {
    let resources = template["Resources"].as_object().into_iter().flatten();
    let found = resources.filter(|(_, resource)| resource["Type"] == kind);
    found
        .map(|(id, resource)| (id.as_str(), resource))
        .collect()
}
