//! A test that replays every call, every fault or every resource has more cases
//! than an everyday run has time for: it takes a sample, which a seed chooses.
//! `FRAMES_EVERY=1` takes them all, `FRAMES_SEED` others, `FRAMES_CASE` one by its name.

use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fmt;
use std::io::Write;

const SEED: u64 = 2026;

/// One of a test's cases.
pub struct Case<T> {
    pub value: T,
    /// Which it is, and how to run it once more.
    again: String,
}

impl<T> fmt::Debug for Case<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.again)
    }
}

/// Which cases are wanted.
enum Wanted {
    Every,
    Named(String),
    Seed(u64),
}

impl Wanted {
    fn from_environment() -> Self {
        let given = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        if let Some(name) = given("FRAMES_CASE") {
            return Self::Named(name);
        }
        if given("FRAMES_EVERY").is_some() {
            return Self::Every;
        }
        Self::Seed(given("FRAMES_SEED").map_or(SEED, |seed| {
            seed.parse()
                .unwrap_or_else(|_| panic!("FRAMES_SEED is a number: {seed}"))
        }))
    }

    fn choose(&self, test: &str, most: usize, names: &[String]) -> Vec<usize> {
        let all = 0..names.len();
        match self {
            Self::Every => all.collect(),
            Self::Named(name) => {
                let named: Vec<_> = all.filter(|&i| names[i] == *name).collect();
                assert!(
                    !named.is_empty(),
                    "{test} has no case FRAMES_CASE='{name}': {names:#?}"
                );
                named
            }
            Self::Seed(seed) => {
                // By its name, so that a case stays chosen while others come and go.
                let mut ranked: Vec<_> = all.collect();
                ranked
                    .sort_by_cached_key(|&i| Sha256::digest(format!("{seed} {test} {}", names[i])));
                ranked.truncate(most);
                ranked.sort_unstable();
                ranked
            }
        }
    }

    /// How the choice is said, and how it is made again.
    fn described(&self) -> String {
        match self {
            Self::Every => "FRAMES_EVERY=1".to_owned(),
            Self::Named(name) => format!("FRAMES_CASE='{name}'"),
            Self::Seed(seed) => format!("FRAMES_SEED={seed}"),
        }
    }
}

/// The cases of `test` (its path, as `cargo test` prints it) that this run takes:
/// at most `most`, unless all are wanted. Each has a name of its own.
pub fn sample<T>(
    test: &str,
    most: usize,
    cases: Vec<T>,
    name: impl Fn(&T) -> String,
) -> Vec<Case<T>> {
    let (wanted, all) = (Wanted::from_environment(), cases.len());
    let taken = sample_by(&wanted, test, most, cases, name);
    // Past the test's captured output: a run that passes says what it looked at, too.
    let said = writeln!(
        std::io::stderr(),
        "{test}: {} of {all} cases, by {}",
        taken.len(),
        wanted.described()
    );
    said.unwrap();
    taken
}

fn sample_by<T>(
    wanted: &Wanted,
    test: &str,
    most: usize,
    cases: Vec<T>,
    name: impl Fn(&T) -> String,
) -> Vec<Case<T>> {
    let names: Vec<String> = cases.iter().map(name).collect();
    let different: BTreeSet<&String> = names.iter().collect();
    assert_eq!(different.len(), names.len(), "names meet: {names:#?}");
    let chosen = wanted.choose(test, most, &names);
    let cases = cases.into_iter().enumerate();
    let cases = cases.filter(|(index, _)| chosen.contains(index));
    cases
        .map(|(index, value)| Case {
            value,
            again: format!(
                "case {} of {all}, `{name}`: again with FRAMES_CASE='{name}' cargo test --test e2e -- --exact {test}",
                index + 1,
                all = names.len(),
                name = names[index],
            ),
        })
        .collect()
}

#[test]
fn the_same_seed_chooses_the_same_cases() {
    let names: Vec<String> = (0..60).map(|number| format!("call {number}")).collect();
    let of = |seed| Wanted::Seed(seed).choose("a::test", 8, &names);
    assert_eq!(of(1).len(), 8);
    assert_eq!(of(1), of(1));
    assert_ne!(of(1), of(2));
    assert_ne!(of(1), Wanted::Seed(1).choose("another::test", 8, &names));
    // Another case, and the others stay: all of them, or all but one.
    let fewer: Vec<String> = names[1..].to_vec();
    let now = Wanted::Seed(1).choose("a::test", 8, &fewer);
    let now: Vec<&String> = now.iter().map(|&index| &fewer[index]).collect();
    let stayed = of(1).into_iter().filter(|&i| now.contains(&&names[i]));
    assert!(stayed.count() >= 7);
    assert!(names.iter().enumerate().all(|(index, name)| {
        Wanted::Named(name.clone()).choose("a::test", 8, &names) == [index]
    }));
    let every = Wanted::Every.choose("a::test", 8, &names);
    assert_eq!(every, (0..60).collect::<Vec<_>>());
    // Different seeds reach every case.
    let reached: BTreeSet<usize> = (0..100).flat_map(of).collect();
    assert_eq!(reached.len(), names.len());
}

#[test]
fn a_case_says_how_it_is_run_again() {
    let cases = || (0..60).collect::<Vec<u32>>();
    let name = |number: &u32| format!("call {number}");
    let seed = Wanted::Seed(1);
    for case in sample_by(&seed, "a::test", 8, cases(), name) {
        let (number, of) = (case.value, case.value + 1);
        assert_eq!(
            format!("{case:?}"),
            format!(
                "case {of} of 60, `call {number}`: again with \
                 FRAMES_CASE='call {number}' cargo test --test e2e -- --exact a::test"
            )
        );
        let named = Wanted::Named(format!("call {number}"));
        let again = sample_by(&named, "a::test", 8, cases(), name);
        assert_eq!(again.len(), 1);
        assert_eq!(again[0].value, number);
    }
}
