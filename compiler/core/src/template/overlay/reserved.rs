//! Ids that belong to frames: an overlay may not give one to something of its own, in
//! whatever section and whatever the hash within.

use super::{Found, Overlaid, Place};
use crate::names;
use serde_json::Value;

const SECTIONS: [&str; 3] = ["Resources", "Parameters", "Outputs"];

pub(super) fn check(stage: &Overlaid<'_>, found: &mut Found) {
    for section in SECTIONS {
        let members = |template| Value::as_object(Value::get(template, section)?);
        for (id, _) in members(stage.finished).into_iter().flatten() {
            let compiled = members(stage.compiled).is_some_and(|known| known.contains_key(id));
            if !compiled && names::is_reserved(id) {
                let what = "a resource, parameter or output under an id that frames keeps for itself: choose another id";
                found.push((Place::root().at(section).at(id), what.to_owned()));
            }
        }
    }
}
