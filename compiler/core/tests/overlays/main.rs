//! Mutations of what is compiled, by overlays: one that the compiler passes leaves the endpoint,
//! the logs and the keys closed. What is open, a judge says that knows the finished templates and
//! nothing of the compiler's checks; and what users really write, it doesn't call open.
//!
//! `FRAMES_OVERLAYS=20000` tries more of them, `FRAMES_SEED` others.

// A test prints for whoever reads its output.
#![allow(clippy::disallowed_macros)]

mod delivery;
mod dice;
mod generate;
mod honest;
mod judge;
mod ways_in;

use delivery::{Delivery, Outcome, Stacks, Written};
use dice::Dice;
use frames_compiler::template::overlay::recheck;
use generate::{CATEGORIES, Category, Overlay};
use serde_json::Value;
use std::collections::BTreeMap;

fn from_environment<T: std::str::FromStr>(name: &str, otherwise: T) -> T {
    let given = std::env::var(name).ok();
    given.and_then(|n| n.parse().ok()).unwrap_or(otherwise)
}

/// What came of a number of overlays.
#[derive(Default)]
struct Tally {
    tried: usize,
    passed: usize,
    /// Called open by the judge, whether the compiler passed them or not.
    open: usize,
    /// Tried and called open, by category.
    categories: BTreeMap<Category, (usize, usize)>,
    /// How often each rule found something.
    fired: BTreeMap<&'static str, usize>,
    /// Passed and open: the shortest overlay by what is wrong, and how many there were.
    slipped: BTreeMap<String, (usize, String)>,
    /// Refused, though closed: it is the compiler's to be stricter, and worth a look.
    closed_refused: usize,
}

impl Tally {
    fn add(&mut self, delivery: &Delivery, overlay: &Overlay) {
        let outcome = delivery.with(&overlay.body, overlay.written);
        let passed = matches!(outcome, Outcome::Passed(_));
        let stacks = match outcome {
            Outcome::Passed(stacks) => stacks,
            Outcome::Refused(_) => delivery.clean.overlaid(&overlay.body),
        };
        let found = judge::judge(&delivery.clean, &stacks);
        self.tried += 1;
        self.passed += usize::from(passed);
        let is_open = !found.is_empty();
        self.open += usize::from(is_open);
        self.closed_refused += usize::from(!is_open && !passed);
        let row = self.categories.entry(overlay.category).or_default();
        *row = (row.0 + 1, row.1 + usize::from(is_open));
        for opening in &found {
            *self.fired.entry(opening.rule).or_default() += 1;
        }
        if let (true, Some(first)) = (passed, found.first()) {
            let what = format!("[{}] {}", first.rule, first.what);
            let text = overlay.written.text(&overlay.body);
            self.slip(what, 1, format!("{}: {text}", delivery.name));
        }
    }

    fn slip(&mut self, what: String, times: usize, overlay: String) {
        let row = self.slipped.entry(what).or_insert((0, overlay.clone()));
        row.0 += times;
        if overlay.len() < row.1.len() {
            row.1 = overlay;
        }
    }

    fn join(mut self, other: Self) -> Self {
        self.tried += other.tried;
        self.passed += other.passed;
        self.open += other.open;
        self.closed_refused += other.closed_refused;
        for (rule, times) in other.fired {
            *self.fired.entry(rule).or_default() += times;
        }
        for (what, (times, overlay)) in other.slipped {
            self.slip(what, times, overlay);
        }
        for (category, (tried, open)) in other.categories {
            let row = self.categories.entry(category).or_default();
            *row = (row.0 + tried, row.1 + open);
        }
        self
    }
}

/// Every manifest gets its share; the work is divided among threads.
fn tried(count: usize, seed: u64) -> Tally {
    let deliveries = Delivery::all();
    let share = count.div_ceil(deliveries.len());
    let mut dice = Dice::new(seed);
    let mut work: Vec<(&Delivery, Overlay)> = Vec::new();
    for delivery in &deliveries {
        let overlays = generate::some(delivery, share, &mut dice);
        work.extend(overlays.into_iter().map(|overlay| (delivery, overlay)));
    }
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let parts: Vec<_> = work.chunks(work.len().div_ceil(threads)).collect();
    std::thread::scope(|scope| {
        let run = |part: &[(&Delivery, Overlay)]| {
            let mut tally = Tally::default();
            for (delivery, overlay) in part {
                tally.add(delivery, overlay);
            }
            tally
        };
        let running: Vec<_> = parts
            .iter()
            .map(|part| scope.spawn(move || run(part)))
            .collect();
        running
            .into_iter()
            .map(|one| one.join().expect("no panic"))
            .fold(Tally::default(), Tally::join)
    })
}

/// How often overlays are drawn before a rule that none of them breaks counts as dead.
const MORE_DRAWS: u64 = 4;

/// The judge's rules that no overlay broke.
fn dead(tally: &Tally) -> Vec<&'static str> {
    let rules = judge::RULES.iter().copied();
    rules
        .filter(|rule| !tally.fired.contains_key(rule))
        .collect()
}

#[test]
fn an_overlay_that_passes_opens_nothing() {
    let seed = from_environment("FRAMES_SEED", 2027);
    let count = from_environment("FRAMES_OVERLAYS", 3000);
    // Any change of a template is another draw: where a rare rule isn't hit, more are drawn.
    let tally = (1..MORE_DRAWS).fold(tried(count, seed), |tally, more| {
        if dead(&tally).is_empty() {
            tally
        } else {
            tally.join(tried(count, seed + more))
        }
    });
    let Tally {
        tried,
        passed,
        open,
        closed_refused,
        ..
    } = tally;
    println!(
        "{tried} overlays (seed {seed}): {passed} passed, {open} are open, {closed_refused} closed ones refused"
    );
    for (category, (tried, open)) in &tally.categories {
        println!("  {category:?}: {tried}, {open} of them open");
    }
    let rare = tally.fired.iter().filter(|(_, times)| **times < 5);
    println!("  seldom: {:?}", rare.collect::<Vec<_>>());
    // A generator or a judge that no longer bites would let everything pass.
    assert!(open * 3 > tried, "{open} of {tried} are open");
    assert!(passed * 20 > tried, "{passed} of {tried} passed");
    for category in CATEGORIES {
        let (tried, open) = tally.categories.get(&category).copied().unwrap_or_default();
        assert!(tried > 0 && open > 0, "{category:?}: {tried}, {open} open");
    }
    let dead = dead(&tally);
    assert!(dead.is_empty(), "rules that never fired: {dead:?}");
    let shown = tally
        .slipped
        .iter()
        .take(from_environment("FRAMES_SHOWN", 30));
    let shown =
        shown.map(|(what, (times, overlay))| format!("{what} ({times} of it)\n  {overlay}"));
    assert!(
        tally.slipped.is_empty(),
        "open ones passed, in {} ways:\n{}",
        tally.slipped.len(),
        shown.collect::<Vec<_>>().join("\n")
    );
}

/// What the compiler refuses of the honest ones, and knows about: a handful.
const REFUSED_AT_MOST: usize = 4;

#[test]
fn what_users_write_passes_and_is_closed() {
    for delivery in Delivery::all() {
        if !["minimal", "hospital"].contains(&delivery.name) {
            continue;
        }
        let honest = honest::all(&delivery.clean.edge);
        assert!(honest.len() >= 40, "{}", honest.len());
        let mut refused = Vec::new();
        for one in &honest {
            let stacks = match delivery.with(&one.body, Written::Plainly) {
                Outcome::Passed(stacks) => stacks,
                Outcome::Refused(codes) => {
                    refused.push(format!("{}: {codes:?}", one.what));
                    delivery.clean.overlaid(&one.body)
                }
            };
            let found = judge::judge(&delivery.clean, &stacks);
            assert!(found.is_empty(), "{}: {found:#?}", one.what);
        }
        println!(
            "{}: {} honest, refused: {refused:#?}",
            delivery.name,
            honest.len()
        );
        assert!(refused.len() <= REFUSED_AT_MOST, "{refused:#?}");
    }
}

/// Where the access logs have a stack of their own, they are judged in it.
#[test]
fn a_third_stack_is_judged_too() {
    let deliveries = Delivery::all();
    let apart = deliveries.iter().find(|one| one.clean.logs.is_some());
    let delivery = apart.expect("one is in another Region");
    let fields = serde_json::json!(["date", "cs-uri-query"]);
    let body = serde_json::json!({ "logs": { "Resources": {
        "AccessLogsDelivery": { "Properties": { "RecordFields": fields } },
    } } });
    let found = judge::judge(&delivery.clean, &delivery.clean.overlaid(&body));
    assert!(found.iter().any(|one| one.rule == "record-fields"));
    let outcome = delivery.with(&body, Written::Plainly);
    assert!(matches!(outcome, Outcome::Refused(codes) if codes == ["unsafe-overlay"]));
}

#[test]
fn the_judge_knows_the_ways_in() {
    let deliveries = Delivery::all();
    let hospital = deliveries.iter().find(|one| one.name == "hospital");
    let clean = &hospital.expect("it is in the list").clean;
    for (rule, overlay) in ways_in::all() {
        let found = judge::judge(clean, &clean.overlaid(&overlay));
        let by_rule = found.iter().any(|opening| opening.rule == rule);
        assert!(by_rule, "{rule}: {overlay} {found:#?}");
    }
}

/// Where nobody knows the manifest any more: another one could have no web ACL, other countries, or
/// let every page read without credentials.
const OTHER_MANIFEST: &[&str] = &["cors", "geo", "web-acl"];

#[test]
fn no_way_in_comes_back_from_the_bucket() {
    let deliveries = Delivery::all();
    let hospital = deliveries.iter().find(|one| one.name == "hospital");
    let clean = &hospital.expect("it is in the list").clean;
    let aliases =
        &clean.cdn["Resources"]["Distribution"]["Properties"]["DistributionConfig"]["Aliases"];
    let aliases = aliases.as_array().into_iter().flatten();
    let names: Vec<String> = aliases
        .filter_map(|one| one.as_str().map(str::to_owned))
        .collect();
    let passes = |overlay: &Value| {
        let stacks = clean.overlaid(overlay);
        let mut stages = stacks.stages().into_iter();
        stages.all(|(_, template)| recheck(template, &names).is_empty())
    };
    assert!(passes(&serde_json::json!({})));
    let slipped = ways_in::all()
        .into_iter()
        .filter(|(_, overlay)| passes(overlay));
    let slipped: Vec<_> = slipped.collect();
    let unknown = slipped
        .iter()
        .filter(|(rule, _)| !OTHER_MANIFEST.contains(rule));
    let unknown: Vec<String> = unknown
        .map(|(rule, overlay)| format!("{rule}: {overlay}"))
        .collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
    assert!(slipped.len() <= 4, "{slipped:#?}");
}

#[test]
fn what_is_compiled_is_closed() {
    for delivery in Delivery::all() {
        let found = judge::judge(&delivery.clean, &delivery.clean);
        assert_eq!(found, vec![], "{}", delivery.name);
    }
}

/// The test's own use of an overlay reaches the templates, and does no more.
#[test]
fn an_overlay_is_merged_where_it_says() {
    let delivery = Delivery::all().into_iter().next().expect("there is one");
    let body = serde_json::json!({ "cdn": { "Outputs": { "Mine": { "Value": "x" } } } });
    let Outcome::Passed(Stacks { cdn, edge, .. }) = delivery.with(&body, Written::Plainly) else {
        panic!("an output is refused");
    };
    assert_eq!(edge, delivery.clean.edge);
    assert_eq!(cdn["Outputs"]["Mine"]["Value"], "x");
    let mut without: Value = cdn;
    without["Outputs"]
        .as_object_mut()
        .map(|outputs| outputs.remove("Mine"));
    assert_eq!(without, delivery.clean.cdn);
}
