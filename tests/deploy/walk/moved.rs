//! A manifest that moves away from what is deployed: another Region, another name. It is refused before
//! anything changes, names what is there, and the way that it names is taken.

use super::claims::Fault;
use super::walker::Walker;
use super::wish::Wish;
use crate::support::frames::Run;
use serde_json::json;

/// What somebody changes in the manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// And sets it back then, or takes down what is there.
    Region {
        back: bool,
    },
    Service,
    Environment,
}

const REMOVAL: &str = "`frames remove --service heart --env";

impl Walker {
    /// Only what has just been deployed is known to be refused under another name.
    pub fn moves(&mut self, to: Move) -> Vec<Fault> {
        let (run, mut faults) = self.run(&["deploy", "--yes"]);
        if run.code != 0 {
            return faults;
        }
        match to {
            Move::Region { back } => faults.extend(self.moves_region(back)),
            Move::Service => {
                let manifest = self.wish.manifest(&self.ground);
                let renamed = manifest.replace("service: heart", "service: lung");
                let removal = format!("{REMOVAL} dev`");
                let words = ["heart (dev) delivers the same", &removal, "--beside heart"];
                faults.extend(self.refused(&renamed, &[], &words));
            }
            Move::Environment => faults.extend(self.moves_environment()),
        }
        self.stand.write(&self.wish.manifest(&self.ground));
        faults
    }

    fn moves_region(&mut self, back: bool) -> Vec<Fault> {
        let mut moved = self.wish;
        moved.elsewhere = !moved.elsewhere;
        let (from, to) = (self.wish.region(), moved.region());
        let is = format!("`deploy.region` is {to}, but stack heart-dev-cdn is deployed in {from}");
        let set_back = format!("Set `deploy.region: {from}` back");
        let removal = format!("{REMOVAL} dev`");
        let manifest = moved.manifest(&self.ground);
        let mut faults = self.refused(&manifest, &[], &[&is, &set_back, &removal]);
        let before = self.world().print();
        for (arguments, code) in [(&["remove", "--yes"][..], 1), (&["info"], 0)] {
            let run = self.stand.run(arguments);
            let says = run.stderr.contains("stack heart-dev-cdn is deployed in");
            if run.code != code || !says || self.world().print() != before {
                let said = format!("{arguments:?}: {run:#?}");
                faults.push(Fault::new("moved, and not told", said));
            }
        }
        if back {
            self.stand.write(&self.wish.manifest(&self.ground));
            let (run, more) = self.run(&["deploy", "--yes"]);
            faults.extend(more);
            if run.code != 0 {
                faults.push(Fault::new(
                    "set back, and not deployed",
                    format!("{run:#?}"),
                ));
            }
            return faults;
        }
        self.heal();
        let removal = ["remove", "--service", "heart", "--env", "dev", "--yes"];
        let (reached, more) = self.follow(&removal, None);
        faults.extend(more);
        if reached {
            self.wish = moved;
            self.stand.write(&manifest);
            faults.extend(self.run(&["deploy", "--yes"]).1);
        }
        faults
    }

    /// Of `dev` nobody can tell whether it was renamed: it is there without being listed.
    fn moves_environment(&mut self) -> Vec<Fault> {
        let plain = Wish {
            protected: false,
            names: 0,
            ..self.wish
        };
        let manifest = plain.manifest(&self.ground);
        let with = |name: &str| format!("{manifest}environments: {{{name}: {{}}}}\n");
        self.stand.write(&with("ward"));
        let before = self.world().print();
        // Failures may be in the way.
        let run = self.stand.run(&["deploy", "--yes", "-e", "ward"]);
        let mut faults = Vec::new();
        if run.code == 0 {
            let removal = format!("{REMOVAL} ward`");
            let words = ["heart (ward) delivers the same", &removal];
            faults = self.refused(&with("clinic"), &["-e", "clinic"], &words);
        }
        self.heal();
        let removal = ["remove", "--service", "heart", "--env", "ward", "--yes"];
        let gone = self.stand.run(&removal);
        if gone.code != 0 {
            faults.push(Fault::new("ward isn't removed", format!("{gone:#?}")));
        }
        // Nothing of it is this delivery's.
        let ours = |print: &str| -> Vec<String> {
            let lines = print.split("Entry {").map(str::to_owned);
            lines.filter(|line| line.contains("heart-dev")).collect()
        };
        let after = self.world().print();
        if ours(&before) != ours(&after) {
            let said = format!("{before}\n{after}\n{run:#?}\n{gone:#?}");
            faults.push(Fault::new("another environment changes this one", said));
        }
        faults
    }

    /// No command goes by the new name, and nothing changes.
    fn refused(&mut self, manifest: &str, more: &[&'static str], words: &[&str]) -> Vec<Fault> {
        self.stand.write(manifest);
        let before = self.world().print();
        let mut faults = Vec::new();
        for command in [
            &["diff"][..],
            &["deploy", "--dry-run"],
            &["deploy", "--yes"],
        ] {
            let run: Run = self.stand.run(&[command, more].concat());
            let said = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
            let missing = words.iter().find(|words| !said.contains(**words));
            if run.code != 1 || missing.is_some() {
                let said = json!({"command": command, "missing": missing}).to_string();
                faults.push(Fault::new(
                    "moved, and not refused",
                    format!("{said}\n{run:#?}"),
                ));
            }
            if self.world().print() != before {
                faults.push(Fault::new(
                    "moved, and changed",
                    format!("{command:?}: {run:#?}"),
                ));
            }
        }
        faults
    }
}
