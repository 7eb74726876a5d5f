//! Lines of many log groups, brought into one order. Pure: what the time is, and what has come,
//! is told by whoever reads.
//!
//! A source is one log group in one Region. Its first pass comes page by page in the order of time.
//! No line passes the end of what a source has read so far, until that source has read all. While
//! lines are followed, each is held for a moment besides: what comes later than others, but is
//! older, still finds its place.

use std::collections::{BTreeMap, BTreeSet};

/// A source by its number, in the order of [`Merge::add`].
pub(super) type Source = usize;

/// What puts a line before another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// In milliseconds since 1970.
    pub(super) time: i64,
    pub(super) source: Source,
    pub(super) id: String,
}

/// How far behind the newest line of a source others may come and still be shown, in milliseconds.
const LATE: i64 = 60_000;

/// So many lines of one source wait for the others, before it is read further.
const MOST_WAITING: usize = 20_000;

/// A source that is read.
#[derive(Debug)]
struct State {
    /// All lines before this time have come; `None`: the others needn't wait for it.
    read_until: Option<i64>,
    newest: Option<i64>,
    waiting: usize,
}

/// A line that isn't shown yet.
#[derive(Debug)]
struct Waiting<T> {
    line: T,
    /// When it came, by the reader's clock.
    came: u64,
}

#[derive(Debug)]
pub(super) struct Merge<T> {
    from: i64,
    /// How long a line is held, in the reader's milliseconds; `None`: what is there is read once.
    hold: Option<u64>,
    sources: Vec<State>,
    waiting: BTreeMap<Place, Waiting<T>>,
    /// Lines that were shown and may come again.
    shown: BTreeSet<Place>,
}

impl<T> Merge<T> {
    /// Lines from this time on.
    pub(super) fn new(from: i64, hold: Option<u64>) -> Self {
        Self {
            from,
            hold,
            sources: Vec::new(),
            waiting: BTreeMap::new(),
            shown: BTreeSet::new(),
        }
    }

    /// One more source. The others wait for its first pass, where it is there from the beginning.
    pub(super) fn add(&mut self, from_the_beginning: bool) -> Source {
        self.sources.push(State {
            read_until: from_the_beginning.then_some(self.from),
            newest: None,
            waiting: 0,
        });
        self.sources.len() - 1
    }

    /// From which time on a source's next pass has to read. It reads a little of the last one again.
    pub(super) fn begin(&mut self, source: Source) -> i64 {
        let newest = self.sources.get(source).and_then(|state| state.newest);
        let from = newest.map_or(self.from, |newest| newest.saturating_sub(LATE));
        let from = from.max(self.from);
        self.shown
            .retain(|place| place.source != source || place.time >= from);
        from
    }

    /// Lines of a source, which came at `now`. What has come before is left out.
    pub(super) fn take(
        &mut self,
        source: Source,
        lines: impl IntoIterator<Item = (i64, String, T)>,
        now: u64,
    ) {
        let Some(state) = self.sources.get_mut(source) else {
            return;
        };
        let mut last = state.read_until;
        for (time, id, line) in lines {
            last = last.map(|last| last.max(time));
            state.newest = state.newest.max(Some(time));
            let place = Place { time, source, id };
            if self.shown.contains(&place) || self.waiting.contains_key(&place) {
                continue;
            }
            state.waiting += 1;
            self.waiting.insert(place, Waiting { line, came: now });
        }
        state.read_until = last;
    }

    /// The source has read all that there is, or can't be waited for any longer.
    pub(super) fn release(&mut self, source: Source) {
        if let Some(state) = self.sources.get_mut(source) {
            state.read_until = None;
        }
    }

    /// Whether so many lines of a source wait that it isn't read further for now. Never the one
    /// that the others wait for.
    pub(super) fn is_full(&self, source: Source) -> bool {
        let floor = self.floor();
        let state = self.sources.get(source);
        state.is_some_and(|state| {
            state.waiting >= MOST_WAITING
                && (state.read_until.is_none() || state.read_until > floor)
        })
    }

    /// What can be shown at `now`, in order.
    pub(super) fn ready(&mut self, now: u64) -> Vec<(Place, T)> {
        let floor = self.floor();
        let held = self.hold.map(|hold| {
            let mut latest = self.waiting.iter().rev();
            let found = latest.find(|(_, line)| line.came.saturating_add(hold) <= now);
            found.map(|(place, _)| place.clone())
        });
        let mut ready = Vec::new();
        while let Some(first) = self.waiting.first_entry() {
            let place = first.key();
            let waits = floor.is_some_and(|floor| place.time >= floor)
                || held
                    .as_ref()
                    .is_some_and(|held| held.as_ref() < Some(place));
            if waits {
                break;
            }
            let (place, line) = first.remove_entry();
            if let Some(state) = self.sources.get_mut(place.source) {
                state.waiting = state.waiting.saturating_sub(1);
            }
            if self.hold.is_some() {
                self.shown.insert(place.clone());
            }
            ready.push((place, line.line));
        }
        ready
    }

    /// Before this time, all sources have read all.
    fn floor(&self) -> Option<i64> {
        self.sources.iter().filter_map(|it| it.read_until).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(time: i64, id: &str) -> (i64, String, String) {
        (time, id.to_owned(), format!("{id} at {time}"))
    }

    fn ids(ready: Vec<(Place, String)>) -> Vec<String> {
        ready.into_iter().map(|(place, _)| place.id).collect()
    }

    #[test]
    fn nothing_passes_a_source_that_hasnt_read_so_far() {
        let mut merge = Merge::new(0, None);
        let (a, b) = (merge.add(true), merge.add(true));
        merge.take(a, [line(1, "a1"), line(5, "a5")], 0);
        assert_eq!(ids(merge.ready(0)), [""; 0]);
        merge.take(b, [line(2, "b2"), line(4, "b4")], 0);
        // Another page of b may have more of its last millisecond.
        assert_eq!(ids(merge.ready(0)), ["a1", "b2"]);
        merge.take(b, [line(4, "b4+"), line(6, "b6")], 0);
        merge.release(b);
        assert_eq!(ids(merge.ready(0)), ["b4", "b4+"]);
        merge.release(a);
        assert_eq!(ids(merge.ready(0)), ["a5", "b6"]);
    }

    #[test]
    fn a_line_that_is_followed_waits_for_older_ones_and_comes_once() {
        let mut merge = Merge::new(0, Some(10));
        let a = merge.add(true);
        merge.take(a, [line(100, "x"), line(200, "z")], 0);
        merge.release(a);
        assert_eq!(ids(merge.ready(9)), [""; 0]);
        // A Region that has its first line now.
        let b = merge.add(false);
        merge.take(b, [line(150, "y")], 9);
        assert_eq!(ids(merge.ready(10)), ["x", "y", "z"]);
        assert_eq!(merge.begin(a), 0);
        merge.take(a, [line(100, "x"), line(200, "z"), line(201, "w")], 20);
        assert_eq!(ids(merge.ready(30)), ["w"]);
        merge.take(a, [line(LATE + 300, "v")], 30);
        assert_eq!(ids(merge.ready(40)), ["v"]);
        assert_eq!(merge.begin(a), 300);
        assert_eq!(merge.shown.len(), 2);
    }

    #[test]
    fn what_waits_for_others_is_bounded() {
        let mut merge = Merge::new(0, None);
        let (a, b) = (merge.add(true), merge.add(true));
        let many = |time: i64| (0..MOST_WAITING).map(move |n| line(time, &n.to_string()));
        merge.take(a, many(7), 0);
        merge.take(b, many(7), 0);
        // Neither can be shown before it is read further.
        assert!(!merge.is_full(a) && !merge.is_full(b));
        merge.take(b, [line(8, "b8")], 0);
        assert!(!merge.is_full(a) && merge.is_full(b));
        merge.release(a);
        assert_eq!(merge.ready(0).len(), 2 * MOST_WAITING);
        assert!(!merge.is_full(b));
    }

    /// Times of each source's lines, the sizes of its pages, and whose page comes next.
    fn sources() -> impl Strategy<Value = (Vec<Vec<i64>>, Vec<(usize, usize)>)> {
        let times = prop::collection::vec(prop::collection::vec(0..50i64, 0..30), 1..6);
        (times, prop::collection::vec((0..6usize, 0..5usize), 0..200))
    }

    proptest! {
        #[test]
        fn every_line_comes_once_and_in_order((mut sources, turns) in sources()) {
            let mut merge = Merge::new(0, None);
            let numbers: Vec<Source> = sources.iter().map(|_| merge.add(true)).collect();
            let all: usize = sources.iter().map(Vec::len).sum();
            let mut rest: Vec<Vec<(i64, String, ())>> = Vec::new();
            for (source, times) in sources.iter_mut().enumerate() {
                times.sort_unstable();
                let lines = times.iter().enumerate();
                rest.push(lines.map(|(n, time)| (*time, format!("{source}-{n}"), ())).collect());
            }
            let mut shown = Vec::new();
            let rounds = turns.into_iter().chain((0..numbers.len()).map(|all| (all, usize::MAX)));
            for (source, size) in rounds {
                let source = source % numbers.len();
                let size = size.min(rest[source].len());
                let page: Vec<_> = rest[source].drain(..size).collect();
                merge.take(numbers[source], page, 0);
                if rest[source].is_empty() {
                    merge.release(numbers[source]);
                }
                shown.extend(merge.ready(0).into_iter().map(|(place, ())| place));
            }
            prop_assert_eq!(shown.len(), all);
            prop_assert!(shown.is_sorted_by(|a, b| a < b));
        }

        /// Lines come up to `hold` later than younger ones, and each several times.
        #[test]
        fn lines_that_are_followed_come_once_and_in_order(
            lines in prop::collection::vec((0..3usize, 0..2_000i64, 0..=100u64, 1..4u64), 0..80),
        ) {
            const HOLD: u64 = 100;
            let mut merge = Merge::new(0, Some(HOLD));
            for source in 0..3 {
                merge.add(true);
                merge.release(source);
            }
            let mut comes: BTreeMap<u64, Vec<(usize, i64, String)>> = BTreeMap::new();
            for (n, (source, time, delay, times)) in lines.iter().enumerate() {
                for again in 0..*times {
                    let at = u64::try_from(*time).unwrap() + delay + 40 * again;
                    comes.entry(at).or_default().push((*source, *time, n.to_string()));
                }
            }
            let mut shown = Vec::new();
            for now in 0..3_000 {
                for (source, time, id) in comes.remove(&now).unwrap_or_default() {
                    merge.take(source, [(time, id, now)], now);
                }
                for (place, came) in merge.ready(now) {
                    prop_assert!(now <= came + HOLD);
                    shown.push(place);
                }
            }
            prop_assert_eq!(shown.len(), lines.len());
            prop_assert!(shown.is_sorted_by(|a, b| a < b), "{:?}", shown);
        }
    }
}
