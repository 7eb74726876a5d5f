//! What the manifest asks for, and how it changes in a walk.

use super::super::{MANIFEST, Stand};
use crate::support::dice::Dice;
use serde_json::json;
use std::fmt::Write;

/// What a manifest may name: made once in each account.
pub struct Ground {
    certificate: String,
    bucket: String,
    topic: String,
}

impl Ground {
    pub fn lay(stand: &Stand) -> Self {
        let number = stand.account.number();
        let bucket = format!("their-logs-{number}");
        let made = json!({"Bucket": bucket});
        stand.account.call("s3", "CreateBucket", made);
        Self {
            certificate: stand.certificate(&["frames.example.org", "images.example.org"]),
            bucket,
            topic: format!("arn:aws:sns:us-east-1:{number}:imaging"),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Logs {
    Managed,
    Off,
    Theirs,
}

/// The reader, and the Region of the data stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    Off,
    AtHome,
    Away,
}

impl Reads {
    fn any(dice: &mut Dice) -> Self {
        dice.one_of(&[Self::Off, Self::AtHome, Self::Away])
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// A deployed stack doesn't move: only a move of the manifest, and a removal, change it.
    pub elsewhere: bool,
    pub audience: &'static str,
    pub names: usize,
    pub logs: Logs,
    pub alarms: bool,
    pub dicomweb: bool,
    pub reads: Reads,
    pub overlay: usize,
    pub web_acl: bool,
    pub protected: bool,
}

const AUDIENCES: [&str; 3] = ["frames", "images", "pixels"];
const NAMES: [&str; 2] = ["frames.example.org", "images.example.org"];

impl Wish {
    pub fn first(dice: &mut Dice) -> Self {
        Self {
            elsewhere: dice.once_in(3),
            audience: AUDIENCES[0],
            names: 0,
            logs: Logs::Managed,
            alarms: false,
            dicomweb: false,
            reads: Reads::any(dice),
            overlay: 0,
            web_acl: true,
            protected: false,
        }
    }

    pub fn region(&self) -> &'static str {
        if self.elsewhere {
            "eu-west-1"
        } else {
            "us-east-1"
        }
    }

    /// Where the data stores are, and the reader, if there is one.
    pub fn read_in(&self) -> &'static str {
        match self.reads {
            Reads::Away => "us-west-2",
            Reads::Off | Reads::AtHome => "us-east-1",
        }
    }

    /// One key changes, or two.
    pub fn changed(&self, dice: &mut Dice) -> Self {
        let mut wish = *self;
        for _ in 0..=dice.below(2) {
            match dice.below(11) {
                0 | 1 => wish.audience = dice.one_of(&AUDIENCES),
                2 => wish.names = dice.below(3),
                3 => wish.logs = dice.one_of(&[Logs::Managed, Logs::Off, Logs::Theirs]),
                4 => wish.alarms = !wish.alarms,
                5 => wish.dicomweb = !wish.dicomweb,
                6 => wish.overlay = dice.below(3),
                7 => wish.web_acl = !wish.web_acl,
                8 | 9 => wish.reads = Reads::any(dice),
                _ => wish.protected = dice.once_in(2),
            }
        }
        wish
    }

    pub fn manifest(&self, ground: &Ground) -> String {
        let audience = format!("audience: {}", self.audience);
        let mut text = MANIFEST.replace("audience: frames", &audience);
        let mut add = |line: String| writeln!(text, "{line}").unwrap();
        let acl = if self.web_acl { "managed" } else { "none" };
        add(format!(
            "delivery: {{dicomweb: {}, webAcl: {acl}, cachedReads: {}}}",
            self.dicomweb,
            self.reads != Reads::Off
        ));
        if self.reads == Reads::Away {
            add("healthImaging: {region: us-west-2}".to_owned());
        }
        if self.names > 0 {
            add(format!(
                "domain: {{cnames: [{}], certificateArn: '{}'}}",
                NAMES[..self.names].join(", "),
                ground.certificate
            ));
        }
        match self.logs {
            Logs::Managed => {}
            Logs::Off => add("logs: {access: {enabled: false}}".to_owned()),
            Logs::Theirs => add(format!("logs: {{access: {{bucket: {}}}}}", ground.bucket)),
        }
        if self.alarms {
            add(format!("alarms: {{topicArn: '{}'}}", ground.topic));
        }
        add(format!(
            "deploy: {{region: {}, terminationProtection: {}}}",
            self.region(),
            self.protected
        ));
        match self.overlay {
            0 => {}
            1 => add("resources: {cdn: {Outputs: {Team: {Value: imaging}}}}".to_owned()),
            _ => add("resources: {lambda-edge: {Outputs: {Ward: {Value: seven}}}}".to_owned()),
        }
        text
    }
}
