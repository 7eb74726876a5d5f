//! One step of a walk, and how it is chosen.

use super::hand::{DELETABLE, Hand};
use super::moved::Move;
use super::walker::Walker;
use super::wish::Wish;
use crate::support::dice::Dice;

pub type Arguments = &'static [&'static str];

#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    Run(Arguments),
    /// What `diff` says, and then a deployment.
    Compare,
    /// SIGKILL at the n-th call, before or after its effect.
    Kill(Arguments, Held),
    /// SIGINT there.
    Interrupt(Arguments, Held),
    Wish(Wish),
    Hand(Hand),
    /// From now on, steps of stacks fail.
    Fail {
        action: &'static str,
        kind: &'static str,
        after: bool,
    },
    Heal,
    /// Seconds that replicas live on.
    Replicas(u32),
    /// Milliseconds that a distribution's change takes.
    Propagation(u32),
    /// The way on that the last run has named.
    Follow,
    /// The manifest goes to another Region or name.
    Move(Move),
}

/// At which call a run hangs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    pub nth: usize,
    pub after: bool,
    /// Stacks take their time, so that the next command finds them at work.
    pub slow: bool,
}

const DEPLOY: Arguments = &["deploy", "--yes"];
const REMOVE: Arguments = &["remove", "--yes"];
const STAGES: [&str; 4] = ["lambda-edge", "reads", "cdn", "logs"];
const FAILING: [&str; 9] = [
    "AWS::CloudFront::Distribution",
    "AWS::Lambda::Function",
    "AWS::Lambda::Version",
    "AWS::IAM::Role",
    "AWS::S3::Bucket",
    "AWS::CloudFront::ResponseHeadersPolicy",
    "AWS::WAFv2::WebACL",
    "AWS::Logs::Delivery",
    "AWS::Lambda::Url",
];

#[derive(Debug, Clone, Copy)]
enum Choice {
    Deploy,
    Look,
    Compare,
    Remove,
    Kill,
    Interrupt,
    Wish,
    Hand,
    Fail,
    Heal,
    Replicas,
    Propagation,
    Follow,
    Move,
}

impl Step {
    pub fn chosen(dice: &mut Dice, walker: &Walker) -> Self {
        if walker.is_new() && !dice.once_in(4) {
            return Self::Run(DEPLOY);
        }
        let choice = dice.weighted(&[
            (18, Choice::Deploy),
            (12, Choice::Look),
            (6, Choice::Compare),
            (8, Choice::Remove),
            (8, Choice::Kill),
            (3, Choice::Interrupt),
            (10, Choice::Wish),
            (20, Choice::Hand),
            (5, Choice::Fail),
            (5, Choice::Heal),
            (3, Choice::Replicas),
            (2, Choice::Propagation),
            (4, Choice::Follow),
            (3, Choice::Move),
        ]);
        match choice {
            Choice::Deploy => Self::Run(DEPLOY),
            Choice::Look => Self::Run(dice.one_of(&[
                &["info"][..],
                &["info"],
                &["diff"],
                &["diff"],
                &["deploy", "--dry-run"],
                &["deploy", "--dry-run"],
                &["remove", "--dry-run"],
                &["deploy"],
            ])),
            Choice::Compare => Self::Compare,
            Choice::Remove => Self::Run(dice.one_of(&[
                REMOVE,
                REMOVE,
                &["remove", "--yes", "--abandon"],
                &["remove", "--yes", "--delete-logs"],
            ])),
            Choice::Kill => Self::Kill(dice.one_of(&[DEPLOY, DEPLOY, REMOVE]), Held::chosen(dice)),
            Choice::Interrupt => {
                Self::Interrupt(dice.one_of(&[DEPLOY, REMOVE]), Held::chosen(dice))
            }
            Choice::Wish => Self::Wish(walker.wish.changed(dice)),
            Choice::Hand => Self::Hand(applicable(dice, walker)),
            Choice::Fail => Self::Fail {
                action: dice.one_of(&["CREATE", "UPDATE", "DELETE", "ROLLBACK", "DETECT", "*"]),
                kind: dice.one_of(&FAILING),
                after: dice.once_in(4),
            },
            Choice::Heal => Self::Heal,
            Choice::Replicas => Self::Replicas(dice.one_of(&[0, 3600])),
            Choice::Propagation => Self::Propagation(dice.one_of(&[0, 400])),
            Choice::Move => Self::Move(dice.one_of(&[
                Move::Region { back: true },
                Move::Region { back: false },
                Move::Service,
                Move::Environment,
            ])),
            Choice::Follow if walker.has_failed() => Self::Follow,
            Choice::Follow => Self::Run(DEPLOY),
        }
    }
}

impl Held {
    fn chosen(dice: &mut Dice) -> Self {
        Self {
            nth: 1 + dice.below(45),
            after: dice.once_in(2),
            slow: dice.once_in(3),
        }
    }
}

/// Mostly something that there is something to do to.
fn applicable(dice: &mut Dice, walker: &Walker) -> Hand {
    const TRIES: usize = 12;
    let world = walker.world();
    let mut hand = by_hand(dice);
    for _ in 0..TRIES {
        if hand.applies(&world) {
            break;
        }
        hand = by_hand(dice);
    }
    hand
}

fn by_hand(dice: &mut Dice) -> Hand {
    let stage = dice.one_of(&STAGES);
    let kind = dice.one_of(&FAILING);
    match dice.below(20) {
        0..=7 => Hand::Delete(dice.one_of(&DELETABLE), dice.below(6)),
        8 => Hand::DeleteStack(stage),
        9 | 10 => Hand::FailToDelete(stage, kind),
        11 => Hand::Begin(stage),
        12 | 13 => Hand::FailToUpdate(stage, kind, dice.once_in(2)),
        14 => Hand::Review(stage),
        15 => Hand::Borrow {
            enabled: !dice.once_in(4),
            policies: dice.once_in(3),
        },
        16 => Hand::Open,
        17 => Hand::Switch {
            on: dice.once_in(3),
        },
        18 => dice.one_of(&[Hand::Protect(stage, true), Hand::Protect(stage, false)]),
        _ => dice.one_of(&[Hand::Guard(stage), Hand::LoseArtifacts]),
    }
}
