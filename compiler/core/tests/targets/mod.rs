//! What is asked of any bytes as a record of a deployment. Run by `corpora.rs` beside this folder
//! and by the fuzz target of the same name.

use frames_compiler::names;
use frames_compiler::record::Record;
use frames_compiler::record::behind::behind;
use frames_compiler::record::open::Whose;
use frames_compiler::template::{self, Template};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(crate) const SERVICE: &str = "x";
pub(crate) const ENV: &str = "dev";
pub(crate) const ACCOUNT: &str = "111122223333";

const WHOSE: Whose<'_> = Whose {
    service: SERVICE,
    env: ENV,
    account: ACCOUNT,
    artifact_bucket: None,
};

/// Any bytes as what an artifact bucket has of a deployment: `{"record": …, "templates": {STAGE: …}}`.
/// Whoever may write there makes ids and sums right, so that is done here, too. Says whether it opens.
pub(crate) fn records(bytes: &[u8]) -> bool {
    let key = names::record_key(SERVICE, ENV, "2026-11-28T23:12:05.123Z", "0123456789ab");
    assert!(
        Record::read(bytes, SERVICE, ENV, &key).is_err(),
        "by chance"
    );
    let Ok(mut whole) = serde_json::from_slice::<Value>(bytes) else {
        return false;
    };
    let templates = templates(&mut whole);
    let Some((record, key)) = forged(&mut whole, &templates) else {
        return false;
    };
    let Ok(record) = Record::read(record.as_bytes(), SERVICE, ENV, &key) else {
        return false;
    };
    let again = Record::read(record.text().as_bytes(), SERVICE, ENV, &key);
    assert_eq!(again.as_ref(), Ok(&record));
    answers(&record, &templates);
    opens(&record, &templates)
}

/// Of stages that there are, as frames writes them.
fn templates(whole: &mut Value) -> Vec<Template> {
    let Some(given) = whole.get_mut("templates").and_then(Value::as_object_mut) else {
        return vec![];
    };
    let stages = names::STAGES.iter();
    let found = stages.filter_map(|stage| Some(Template::new(stage, given.remove(*stage)?)));
    found.collect()
}

/// The record's text with all sums made right, and its key in the bucket; `None`: it is none.
fn forged(whole: &mut Value, templates: &[Template]) -> Option<(String, String)> {
    let record = whole.get_mut("record")?;
    for template in templates {
        let Template { stage, sha256, .. } = template;
        let key = names::template_key(SERVICE, ENV, stage, sha256);
        let kept = record.get_mut("templates").and_then(Value::as_object_mut);
        if let Some(kept) = kept.and_then(|kept| kept.get_mut(*stage)) {
            *kept = json!({"key": key, "sha256": sha256});
        }
        let stages = record
            .pointer_mut("/plan/stages")
            .and_then(Value::as_array_mut);
        for one in stages.into_iter().flatten() {
            if one.get("name") == Some(&json!(stage))
                && let Some(sum) = one.get_mut("templateSha256")
            {
                *sum = json!(sha256);
            }
        }
    }
    let read: Record = serde_json::from_value(record.clone()).ok()?;
    let id: String = read.sha256().chars().take(names::ID_DIGITS).collect();
    *record.get_mut("id")? = json!(id);
    let key = names::record_key(SERVICE, ENV, &read.time, &id);
    Some((record.to_string(), key))
}

/// What `frames history` asks it: never a panic.
fn answers(record: &Record, templates: &[Template]) {
    assert_eq!(record.changed(None), ["everything"]);
    assert_eq!(record.changed(Some(record)), Vec::<String>::new());
    assert!(record.is_same(record) && !record.is_live(&[]));
    let values = templates.iter().map(|it| (it.stage, &it.value));
    let _ = (
        record.secrets(values),
        record.cdn_region(),
        record.is_open(),
    );
    for (now, then) in templates.iter().zip(templates.iter().rev()) {
        let _ = behind(&now.value, &then.value);
        assert_eq!(behind(&now.value, &now.value), []);
    }
    let zips: Vec<String> = record.zips().into_iter().map(|zip| zip.key).collect();
    let keys = record.keys();
    assert!(zips.iter().all(|key| keys.contains(key)));
}

/// What opens is of this delivery, in all of its names, and of no other one.
fn opens(record: &Record, templates: &[Template]) -> bool {
    let texts = templates.iter();
    let texts = texts.map(|template| (template.stage.to_owned(), template.text.clone()));
    let texts: BTreeMap<String, String> = texts.collect();
    let checked = record.check(WHOSE);
    let Ok(opened) = record.open(WHOSE, &texts) else {
        return false;
    };
    assert_eq!(checked, Ok(()));
    let plan = &opened.plan;
    assert_eq!((plan.service.as_str(), plan.env.as_str()), (SERVICE, ENV));
    assert!(
        plan.account
            .as_ref()
            .is_none_or(|account| account == ACCOUNT)
    );
    assert_eq!(record.account, ACCOUNT);
    for stage in &plan.stages {
        let wanted = names::stack(SERVICE, ENV, stage.name);
        assert_eq!(stage.stack_name, wanted);
        assert!(names::STAGES.contains(&stage.name));
    }
    for zip in record.zips() {
        assert!(names::is_artifact(SERVICE, ENV, &zip.key), "{zip:?}");
        assert!(!zip.key.contains(".."), "{zip:?}");
    }
    let own = names::FUNCTIONS.iter();
    let own: Vec<String> = own.map(|it| names::function(SERVICE, ENV, it)).collect();
    for template in &opened.templates {
        let description = template.value["Description"].as_str().unwrap_or_default();
        assert_eq!(names::marked(description), Some((SERVICE, ENV)));
        for (id, resource) in template.value["Resources"]
            .as_object()
            .into_iter()
            .flatten()
        {
            let is_function = resource["Type"] == "AWS::Lambda::Function";
            let name = &resource["Properties"]["FunctionName"];
            if let (true, Some(name)) = (is_function && names::is_reserved(id), name.as_str()) {
                assert!(own.iter().any(|one| one == name), "{id}: {name}");
            }
        }
    }
    // It is deployed as it was packaged, and never made again.
    assert!(template::render(plan, &[]).is_err());
    true
}
