//! Tables of access, tokens and requests, made by chance that is the same at every run.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use serde_json::{Value, json};
use std::collections::BTreeSet;

pub(crate) const STORES: [&str; 3] = [
    "12345678901234567890123456789012",
    "22345678901234567890123456789012",
    "32345678901234567890123456789012",
];

/// Numbers that are the same at every run (xorshift64*).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let drawn = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(drawn).unwrap() % most
    }

    fn some<'a>(&mut self, of: &'a [String], most: usize) -> Vec<&'a String> {
        let count = 1 + self.below(most);
        let chosen: BTreeSet<usize> = (0..count).map(|_| self.below(of.len())).collect();
        chosen.into_iter().map(|i| &of[i]).collect()
    }

    /// About half of what the rows list by this key.
    fn listed(&mut self, rows: &[&Value], key: &str) -> Vec<Value> {
        let lists = rows.iter().filter_map(|row| row[key].as_array());
        lists
            .flatten()
            .filter(|_| self.below(2) == 0)
            .cloned()
            .collect()
    }

    /// One of a list, where there is one, else one of all.
    fn one<'a>(&mut self, listed: Option<&'a Value>, all: &'a [String]) -> &'a str {
        match listed.and_then(Value::as_array) {
            Some(listed) => listed[self.below(listed.len())].as_str().unwrap(),
            None => &all[self.below(all.len())],
        }
    }
}

/// Everything that a table may name.
pub(crate) struct World {
    groups: Vec<String>,
    image_sets: Vec<String>,
    studies: Vec<String>,
}

impl World {
    pub(crate) fn of(groups: usize, ids: usize) -> Self {
        let set = |i| format!("{i:04}bbbbccccddddeeeeffff00001111");
        Self {
            groups: (0..groups).map(|i| format!("group {i}")).collect(),
            image_sets: (0..ids).map(set).collect(),
            // Some begin as others do.
            studies: (0..ids).map(|i| format!("1.2.{}", i * i)).collect(),
        }
    }

    pub(crate) fn row(&self, dice: &mut Dice) -> Value {
        let mut row = json!({"datastore": STORES[dice.below(3)]});
        if dice.below(8) > 0 {
            row["groups"] = json!(dice.some(&self.groups, 3));
        }
        let which = dice.below(8);
        self.name_parts(row, which, dice)
    }

    /// A row of a table of thousands. Were many of them for everybody, or for a whole data store, no
    /// id would ever be looked up: few are for everybody, and one data store only is read whole, by some.
    pub(crate) fn large_row(&self, dice: &mut Dice) -> Value {
        let mut row = json!({"datastore": STORES[dice.below(3)]});
        let is_whole = row["datastore"] == STORES[0] && dice.below(64) == 0;
        if is_whole || dice.below(16) > 0 {
            row["groups"] = json!(dice.some(&self.groups, 3));
        }
        let which = if is_whole { 0 } else { 1 + dice.below(7) };
        self.name_parts(row, which, dice)
    }

    /// None of the parts, both kinds of them, or one.
    fn name_parts(&self, mut row: Value, which: usize, dice: &mut Dice) -> Value {
        match which {
            0 => {}
            1 => {
                row["imageSets"] = json!(dice.some(&self.image_sets, 3));
                row["studies"] = json!(dice.some(&self.studies, 3));
            }
            2..=4 => row["imageSets"] = json!(dice.some(&self.image_sets, 5)),
            _ => row["studies"] = json!(dice.some(&self.studies, 5)),
        }
        row
    }

    pub(crate) fn claims(&self, dice: &mut Dice) -> Value {
        let mut claims = json!({});
        claims["cognito:groups"] = match dice.below(8) {
            0 => json!(null),
            1 => json!(dice.some(&self.groups, 1)[0]),
            2 => json!(["nobody's"]),
            _ => json!(dice.some(&self.groups, 4)),
        };
        let mut lists = json!({});
        for (name, of) in [("studies", &self.studies), ("sets", &self.image_sets)] {
            match dice.below(8) {
                0 => {}
                1 => lists[name] = json!(7),
                2 => lists[name] = json!([of[0], 7]),
                3 => lists[name] = json!([]),
                4 => lists[name] = json!(dice.some(of, 1)[0]),
                _ => lists[name] = json!(dice.some(of, 6)),
            }
        }
        claims["may.read"] = lists;
        match dice.below(4) {
            0 => {}
            1 => claims["stores"] = json!(STORES[dice.below(3)]),
            _ => claims["stores"] = json!([STORES[dice.below(3)], STORES[dice.below(3)]]),
        }
        crate::support::claims(claims)
    }

    /// The claims of somebody who has to do with these rows: mostly, the token has half of their groups,
    /// and lists half of their ids.
    pub(crate) fn claims_for(&self, dice: &mut Dice, rows: &[&Value]) -> Value {
        let mut claims = self.claims(dice);
        for (name, key) in [("studies", "studies"), ("sets", "imageSets")] {
            if dice.below(8) > 0 {
                claims["may.read"][name] = json!(dice.listed(rows, key));
            }
        }
        if dice.below(8) > 0 {
            claims["cognito:groups"] = json!(dice.listed(rows, "groups"));
        }
        claims
    }

    /// Path and query: of what a row names, as far as it does, or of anything.
    pub(crate) fn asked(&self, dice: &mut Dice, row: Option<&Value>) -> (String, String) {
        let store = match row {
            Some(row) => row["datastore"].as_str().unwrap(),
            None => STORES[dice.below(3)],
        };
        let set = dice.one(row.map(|row| &row["imageSets"]), &self.image_sets);
        let study = dice.one(row.map(|row| &row["studies"]), &self.studies);
        let rest = match dice.below(14) {
            0..=2 => format!("imageSet/{set}/getImageFrame"),
            3 => format!("imageSet/{set}/getImageSetMetadata"),
            4 => ["studies", "series", "instances"][dice.below(3)].to_owned(),
            5 => format!("studies/{study}/series"),
            6 => format!("studies/{study}/instances"),
            7 => format!("studies/{study}/series/1.3/instances"),
            8 => format!("studies/{study}/series/1.3/metadata"),
            9 => format!("studies/{study}/series/1.3/instances/1.4"),
            10 => format!("studies/{study}/series/1.3/instances/1.4/metadata"),
            11 => format!("studies/{study}/series/1.3/instances/1.4/bulkdata/abc"),
            _ => format!("studies/{study}/series/1.3/instances/1.4/frames/1"),
        };
        let other = &self.studies[dice.below(self.studies.len())];
        let is_retrieval = rest.contains("1.3/m") || rest.contains("/1.4");
        let query = match dice.below(4) {
            0 if is_retrieval => format!("imageSetId={set}"),
            1 if is_retrieval => {
                let other = &self.image_sets[dice.below(self.image_sets.len())];
                format!("imageSetId={set}&imageSetId={other}")
            }
            0 if rest == "studies" => format!("limit=5&StudyInstanceUID={study}&includefield=all"),
            1 if rest == "studies" => format!("StudyInstanceUID={study}"),
            2 if rest == "studies" => format!("StudyInstanceUID={study}&0020000d={other}"),
            2 if rest.ends_with("series") => "limit=5".to_owned(),
            2 if rest.ends_with("getImageFrame") => {
                "imageFrameId=0123456789abcdef0123456789abcdef".to_owned()
            }
            2 if rest.ends_with("Metadata") => "version=1".to_owned(),
            _ => String::new(),
        };
        (format!("/datastore/{store}/{rest}"), query)
    }
}

pub(crate) fn claim_names(dice: &mut Dice) -> Option<Value> {
    if dice.below(3) == 0 {
        return None;
    }
    let mut names = json!({});
    for (key, name) in [
        ("studies", "may.read.studies"),
        ("imageSets", "may.read.sets"),
        ("datastores", "stores"),
    ] {
        if dice.below(2) == 0 {
            names[key] = json!(name);
        }
    }
    names
        .as_object()
        .is_some_and(|names| !names.is_empty())
        .then_some(names)
}
