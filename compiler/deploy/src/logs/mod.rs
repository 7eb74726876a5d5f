//! The functions' lines of all Regions, in the order of time. Each function has a log group in
//! every Region where it ran: a viewer in another Region makes another one.

pub mod access;
mod merge;
pub mod record;

use super::edge_logs::{self, Looked};
use super::report::count;
use super::session::Session;
use crate::aws::EDGE_REGION;
use crate::aws::log_groups::LogGroup;
use crate::aws::log_lines::{Answer, Asked, LogLines};
use access::Access;
use frames_compiler::failure::{Context, Failure, Result};
use frames_compiler::names;
use frames_compiler::plan::Footprint;
use merge::{Merge, Source};
use record::Line;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Between two calls in a Region. CloudWatch Logs takes five FilterLogEvents per second from an
/// account in most Regions, and others ask, too ("CloudWatch Logs quotas").
const BETWEEN: Duration = Duration::from_millis(400);

/// Between two looks at a log group that is followed.
const POLL: Duration = Duration::from_secs(2);

/// Between two looks for new log groups.
const LOOK: Duration = Duration::from_secs(10);

/// How long a line that is followed waits for older ones of other Regions.
const HOLD: Duration = Duration::from_secs(4);

const TICK: Duration = Duration::from_millis(100);

/// Where CloudWatch Logs says that it is too much: so long, and twice as long each further time.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// So often in a row, for about a minute. Whoever follows goes on for ever.
const MOST_PAUSES: u32 = 6;

/// After so many, some seconds in all, the lines of other Regions that are followed no longer wait.
const PATIENCE: u32 = 4;

/// What is to be read.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// `authorizer` and the like.
    pub functions: Vec<&'static str>,
    /// In milliseconds since 1970.
    pub from: i64,
    /// The last millisecond of it; `None`: now.
    pub until: Option<i64>,
    pub follow: bool,
    /// Only these; `None`: whatever a function wrote.
    pub access: Option<Access>,
    /// Lambda's own lines, too.
    pub of_lambda: bool,
}

/// A log group of a function.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    pub region: String,
    pub function: &'static str,
    pub name: String,
}

/// The log groups of these functions, in order, where the account lets anybody look. The Regions
/// where it doesn't are said.
pub async fn groups(
    session: &Session<'_>,
    footprint: &Footprint,
    functions: &[&'static str],
) -> Result<Vec<Group>> {
    let mut asked = look(session, footprint);
    let (mut groups, mut closed) = (Vec::new(), Vec::new());
    while let Some(answer) = asked.join_next().await {
        let (asked, found) = answer.context(|| "can't look for log groups")?;
        match found? {
            Some(found) => groups.extend(of(footprint, functions, &asked.region, &found)),
            None => closed.push(asked.region),
        }
    }
    groups.sort();
    if !closed.is_empty() {
        closed.sort();
        let what = format!(
            "{}, where you have no permission for logs:DescribeLogGroups: {}",
            count(closed.len(), "Region"),
            closed.join(", ")
        );
        session.progress.step("Skipped", &what);
    }
    Ok(groups)
}

/// All Regions at once: those of the replicas, and those of the stages.
fn look(session: &Session<'_>, footprint: &Footprint) -> JoinSet<Looked> {
    let stages = footprint.stages.iter().map(|stage| stage.region.as_str());
    let known = edge_logs::REGIONS.iter().copied().chain([EDGE_REGION]);
    let regions: BTreeSet<&str> = known.chain(stages).collect();
    edge_logs::look(session, footprint, regions)
}

/// Those that are these functions'. Another service's name may begin with this one's.
fn of(
    footprint: &Footprint,
    functions: &[&'static str],
    region: &str,
    found: &[LogGroup],
) -> Vec<Group> {
    let of_function = |function: &&'static str| {
        let name = names::function(&footprint.service, &footprint.env, function);
        let name = names::log_group(&name);
        let is_there = found.iter().any(|group| group.name == name);
        is_there.then(|| Group {
            region: region.to_owned(),
            function,
            name,
        })
    };
    functions.iter().filter_map(of_function).collect()
}

/// Reads what is wanted, and shows each line once, in the order of time, until `show` says that
/// nobody reads any more. How many were shown.
pub async fn read(
    session: &Session<'_>,
    footprint: &Footprint,
    wanted: &Wanted,
    mut show: impl FnMut(&Line) -> bool,
) -> Result<usize> {
    let groups = groups(session, footprint, &wanted.functions).await?;
    if groups.is_empty() && !wanted.follow {
        let what = format!(
            "{} ({}) has no log group in account {}",
            footprint.service, footprint.env, session.identity.account
        );
        return Err(Failure::new(what).help(
            "a function has one in each Region where it ran; --profile and --env choose another account and environment",
        ));
    }
    let mut reading = Reading::new(session, footprint, wanted);
    for group in groups {
        reading.add(group, true);
    }
    let mut shown = 0;
    loop {
        reading.ask();
        for line in reading.ready() {
            shown += 1;
            if !show(&line) {
                return Ok(shown);
            }
        }
        if reading.has_ended() {
            return Ok(shown);
        }
        reading.wait().await?;
    }
}

/// A Region that has groups: one call at a time, and not too many.
struct Region {
    name: String,
    lines: LogLines,
    is_asked: bool,
    not_before: Instant,
    /// How often in a row there was no answer.
    pauses: u32,
    /// Whose turn was the last.
    turn: Source,
}

/// A group that is read.
struct Reader {
    group: Group,
    region: usize,
    asked: Asked,
    /// When its next page is to be asked for; `None`: never.
    due: Option<Instant>,
}

/// Everything that is under way.
struct Reading<'a> {
    session: &'a Session<'a>,
    footprint: &'a Footprint,
    wanted: &'a Wanted,
    began: Instant,
    merge: Merge<String>,
    regions: Vec<Region>,
    readers: Vec<Reader>,
    pages: JoinSet<(Source, Result<Answer>)>,
    looks: JoinSet<Looked>,
    next_look: Instant,
}

impl<'a> Reading<'a> {
    fn new(session: &'a Session<'a>, footprint: &'a Footprint, wanted: &'a Wanted) -> Self {
        let began = Instant::now();
        let hold = wanted.follow.then(|| milliseconds(HOLD));
        Self {
            session,
            footprint,
            wanted,
            began,
            merge: Merge::new(wanted.from, hold),
            regions: Vec::new(),
            readers: Vec::new(),
            pages: JoinSet::new(),
            looks: JoinSet::new(),
            next_look: began + LOOK,
        }
    }

    fn add(&mut self, group: Group, from_the_beginning: bool) {
        let now = Instant::now();
        let known = self.regions.iter().position(|it| it.name == group.region);
        let region = known.unwrap_or_else(|| {
            self.regions.push(Region {
                name: group.region.clone(),
                lines: self.session.aws.log_lines(&group.region),
                is_asked: false,
                not_before: now,
                pauses: 0,
                turn: 0,
            });
            self.regions.len() - 1
        });
        let source = self.merge.add(from_the_beginning);
        let asked = Asked {
            group: group.name.clone(),
            from: self.merge.begin(source),
            until: self.wanted.until,
            pattern: self.wanted.access.as_ref().map(Access::pattern),
            after: None,
        };
        // A reader has its source's number: both are added here only.
        self.readers.push(Reader {
            group,
            region,
            asked,
            due: Some(now),
        });
    }

    /// Asks for what is due.
    fn ask(&mut self) {
        let now = Instant::now();
        for (number, region) in self.regions.iter_mut().enumerate() {
            if region.is_asked || now < region.not_before {
                continue;
            }
            let is_due = |source: &Source| {
                let reader = self.readers.get(*source);
                reader.is_some_and(|reader| {
                    let due = reader.due.is_some_and(|due| due <= now);
                    reader.region == number && due && !self.merge.is_full(*source)
                })
            };
            // By turns, so that one group with many lines doesn't keep another waiting.
            let after = region.turn + 1..self.readers.len();
            let Some(source) = after.chain(0..=region.turn).find(is_due) else {
                continue;
            };
            let Some(asked) = self.readers.get(source).map(|reader| reader.asked.clone()) else {
                continue;
            };
            region.turn = source;
            region.is_asked = true;
            region.not_before = now + BETWEEN;
            let lines = region.lines.clone();
            self.pages
                .spawn(async move { (source, lines.page(&asked).await) });
        }
        if self.wanted.follow && self.looks.is_empty() && now >= self.next_look {
            self.looks = look(self.session, self.footprint);
            self.next_look = now + LOOK;
        }
    }

    /// Waits for the next answer, or for a moment.
    async fn wait(&mut self) -> Result<()> {
        tokio::select! {
            Some(page) = self.pages.join_next() => {
                let (source, answer) = page.context(|| "can't read a log group")?;
                self.answered(source, answer?)
            }
            Some(looked) = self.looks.join_next() => {
                let (asked, found) = looked.context(|| "can't look for log groups")?;
                // Another look follows. What is wrong for good, the groups that are read say too.
                if let Ok(Some(found)) = found {
                    self.looked(&asked.region, &found);
                }
                Ok(())
            }
            () = tokio::time::sleep(TICK) => Ok(()),
        }
    }

    fn answered(&mut self, source: Source, answer: Answer) -> Result<()> {
        let now = Instant::now();
        let clock = milliseconds(now - self.began);
        let Some(reader) = self.readers.get_mut(source) else {
            return Ok(());
        };
        let Some(region) = self.regions.get_mut(reader.region) else {
            return Ok(());
        };
        region.is_asked = false;
        match answer {
            Answer::Page { events, next } => {
                region.pauses = 0;
                let events = events.into_iter();
                let lines = events.map(|event| (event.time, event.id, event.message));
                self.merge.take(source, lines, clock);
                reader.due = Some(now);
                reader.asked.after = next;
                if reader.asked.after.is_none() {
                    self.merge.release(source);
                    reader.asked.from = self.merge.begin(source);
                    reader.due = self.wanted.follow.then(|| now + POLL);
                }
            }
            // It may come again, as another one: the next look finds it.
            Answer::Gone => {
                self.merge.release(source);
                reader.due = None;
            }
            Answer::Later(failure) => {
                region.pauses += 1;
                if region.pauses > MOST_PAUSES && !self.wanted.follow {
                    return Err(failure);
                }
                let doubled = 2u32.saturating_pow(region.pauses.saturating_sub(1));
                let pause = PAUSE.saturating_mul(doubled).min(LONGEST_PAUSE);
                region.not_before = now + pause;
                if region.pauses == PATIENCE {
                    let what = format!("for {}: {}", region.name, failure.message);
                    self.session.progress.step("Waiting", &what);
                }
                if self.wanted.follow && region.pauses >= PATIENCE {
                    self.merge.release(source);
                }
            }
        }
        Ok(())
    }

    /// Reads groups that have come since.
    fn looked(&mut self, region: &str, found: &[LogGroup]) {
        for group in of(self.footprint, &self.wanted.functions, region, found) {
            let is_read = |reader: &Reader| reader.group == group && reader.due.is_some();
            if !self.readers.iter().any(is_read) {
                let what = format!("{} in {}", group.name, group.region);
                self.session.progress.step("Found", &what);
                self.add(group, false);
            }
        }
    }

    /// The lines that are to be shown now.
    fn ready(&mut self) -> Vec<Line> {
        let clock = milliseconds(self.began.elapsed());
        let ready = self.merge.ready(clock).into_iter();
        let line = |(place, message): (merge::Place, String)| {
            let group = &self.readers.get(place.source)?.group;
            Some(Line {
                time: place.time,
                region: group.region.clone(),
                function: group.function,
                message,
            })
        };
        ready
            .filter_map(line)
            .filter(|line| self.wanted.has(line))
            .collect()
    }

    fn has_ended(&self) -> bool {
        let is_due = |reader: &Reader| reader.due.is_some();
        !self.wanted.follow && self.pages.is_empty() && !self.readers.iter().any(is_due)
    }
}

impl Wanted {
    /// CloudWatch Logs was told too, as far as its patterns go.
    fn has(&self, line: &Line) -> bool {
        match &self.access {
            Some(access) => line.members().is_some_and(|members| access.has(&members)),
            None => self.of_lambda || !line.is_of_lambda(),
        }
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
