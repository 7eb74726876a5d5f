//! A random walk over a delivery's life: runs of frames, kills, hands that damage what is deployed,
//! the clock, changes of the manifest. After each run, whatever frames said about the world is held
//! against an inventory of it. At the end of a walk, one deployment or one removal, with the ways
//! on that its help names, brings the world to where the manifest wants it.
//!
//! A seed chooses the steps; a walk that fails prints both. `FRAMES_SEED` begins with another seed,
//! `FRAMES_WALK=1000` takes so many steps, and `FRAMES_SHRINK=1` looks for the shortest walk that has the
//! same fault. What replicas, propagation and CloudFormation's steps do here is our model of AWS's.

mod claims;
mod follow;
mod hand;
mod moved;
mod steps;
mod walker;
mod ways;
mod wish;
mod world;

use super::{MANIFEST, Stand};
use crate::support::dice::Dice;
use crate::support::frames::Project;
use claims::Fault;
use hand::OTHERS;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use steps::Step;
use walker::{Goal, Walker, idle};

/// Faults that are known, by the begin of their code: a walk that meets one goes on.
const KNOWN: &[&str] = &[];

const SEED: u64 = 2026;
/// Steps of one walk, before its end.
const LENGTH: usize = 20;

/// A fault, with where it was met.
#[derive(Debug, Clone)]
struct Met {
    seed: u64,
    fault: Fault,
    /// What led there.
    steps: Vec<Step>,
    goal: Option<Goal>,
}

/// One walk: its faults.
fn walk(seed: u64, length: usize) -> Vec<Met> {
    let (mut met, mut taken) = (Vec::new(), Vec::new());
    let walked = catch_unwind(AssertUnwindSafe(|| {
        steps(seed, length, &mut met, &mut taken)
    }));
    if walked.is_err() {
        met.push(Met {
            seed,
            fault: Fault::new("a walk breaks off", "its panic was printed above"),
            steps: taken,
            goal: None,
        });
    }
    met
}

fn steps(seed: u64, length: usize, met: &mut Vec<Met>, taken: &mut Vec<Step>) {
    let mut dice = Dice::new(seed);
    let mut walker = Walker::new(&mut dice);
    let mut meet = |faults: Vec<Fault>, taken: &[Step], goal| {
        for fault in faults {
            println!(
                "seed {seed}: {}: {}",
                if is_known(&fault) { "known" } else { "FAULT" },
                fault.code
            );
            met.push(Met {
                seed,
                fault,
                steps: taken.to_vec(),
                goal,
            });
        }
    };
    for number in 1..=length {
        let step = Step::chosen(&mut dice, &walker);
        println!("seed {seed}, step {number}: {step:?}");
        taken.push(step.clone());
        meet(walker.take(&step), taken, None);
    }
    let goal = dice.one_of(&[Goal::Deployed, Goal::Removed]);
    println!("seed {seed}, the end: {goal:?}");
    meet(walker.finish(goal), taken, Some(goal));
}

/// Whether these steps lead to the same fault.
fn leads(steps: &[Step], met: &Met) -> bool {
    let mut walker = Walker::new(&mut Dice::new(met.seed));
    let same = |faults: Vec<Fault>| faults.iter().any(|fault| fault.code == met.fault.code);
    let (last, others) = match (met.goal, steps.split_last()) {
        (None, Some((last, others))) => (Some(last), others),
        _ => (None, steps),
    };
    for step in others {
        walker.take(step);
    }
    match (last, met.goal) {
        (Some(last), _) => same(walker.take(last)),
        (None, Some(goal)) => same(walker.finish(goal)),
        (None, None) => false,
    }
}

/// The shortest walk to the same fault that leaving steps out finds.
fn shrunk(met: &Met) -> Vec<Step> {
    let mut steps = met.steps.clone();
    let mut size = steps.len() / 2;
    while size > 0 {
        let mut at = 0;
        while at < steps.len() {
            let end = (at + size).min(steps.len());
            let mut fewer = steps.clone();
            fewer.drain(at..end);
            if leads(&fewer, met) {
                steps = fewer;
            } else {
                at = end;
            }
        }
        size /= 2;
    }
    steps
}

fn is_known(fault: &Fault) -> bool {
    KNOWN.iter().any(|code| fault.code.starts_with(code))
}

fn number(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok().filter(|value| !value.is_empty())?;
    let parsed = value.parse();
    Some(parsed.unwrap_or_else(|_| panic!("{name} is a number: {value}")))
}

/// Past the test's captured output: a run that passes says what it looked at, too.
fn say(text: &str) {
    let mut stderr = std::io::stderr().lock();
    writeln!(stderr, "{text}").unwrap();
}

fn told(met: &Met) -> String {
    let mut text = format!("\n# {}\nseed {}\n", met.fault.code, met.seed);
    for (index, step) in met.steps.iter().enumerate() {
        writeln!(text, "{:>3} {step:?}", index + 1).unwrap();
    }
    if let Some(goal) = met.goal {
        writeln!(text, "end {goal:?}").unwrap();
    }
    text.push_str(&met.fault.said);
    text
}

#[test]
fn every_word_holds_and_every_way_leads_on() {
    // The functions are built here, where nobody has built them yet: no run of a walk waits for that.
    Project::example().package();
    let length = usize::try_from(number("FRAMES_LENGTH").unwrap_or(LENGTH as u64)).unwrap();
    let steps = match (number("FRAMES_WALK"), std::env::var_os("FRAMES_EVERY")) {
        (Some(steps), _) => usize::try_from(steps).unwrap(),
        (None, Some(_)) => 12 * length,
        (None, None) => 3 * length,
    };
    let first = number("FRAMES_SEED").unwrap_or(SEED);
    let walks = steps.div_ceil(length);
    let seeds = first..first + u64::try_from(walks).unwrap();
    let met: Mutex<BTreeMap<String, Met>> = Mutex::default();
    super::each(seeds.clone().collect(), |seed| {
        for one in walk(*seed, length) {
            let mut met = met.lock().unwrap();
            let known = met.get(&one.fault.code);
            if known.is_none_or(|known| known.steps.len() > one.steps.len()) {
                met.insert(one.fault.code.clone(), one);
            }
        }
    });
    say(&format!(
        "deploy::walk: {walks} walks of {length} steps, by FRAMES_SEED={first}"
    ));
    let met = met.into_inner().unwrap();
    let of_known = |met: &Met| is_known(&met.fault);
    let (known, new): (Vec<_>, Vec<_>) = met.into_values().partition(of_known);
    for met in known {
        say(&format!("deploy::walk: known: {}", met.fault.code));
    }
    let new: Vec<Met> = if std::env::var_os("FRAMES_SHRINK").is_some() {
        let shorter = new.into_iter().map(|met| Met {
            steps: shrunk(&met),
            ..met
        });
        shorter.collect()
    } else {
        new
    };
    let all: String = new.iter().map(told).collect();
    assert!(new.is_empty(), "{} faults:\n{all}", new.len());
}
