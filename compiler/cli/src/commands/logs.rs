//! `frames logs`: what the functions wrote, in all Regions, in the order of time.

use super::session::{self, OpenedNames};
use crate::cli::{Global, Logs, Moment};
use crate::terminal::{self, Terminal};
use chrono::{DateTime, Local, SecondsFormat, TimeZone, Utc};
use frames_compiler::Plan;
use frames_compiler::failure::{Failure, Result};
use frames_compiler::names;
use frames_compiler::printable::{Style, Styled};
use frames_deploy::logs::access::{self, Access};
use frames_deploy::logs::record::Line;
use frames_deploy::logs::{self, Group, Wanted};
use frames_deploy::session::Session;
use serde_json::json;

/// How far back, where nobody says it.
const SINCE: i64 = 60 * 60 * 1000;

/// The longest name of a Region that is every account's: `ap-northeast-1`.
const REGION: usize = 14;

/// `authorizer`
const FUNCTION: usize = 10;

pub(super) fn run(global: &Global, arguments: &Logs, terminal: Terminal) -> Result<()> {
    let now = Utc::now().timestamp_millis();
    let from = arguments.since.map_or(now - SINCE, |since| since.at(now));
    let until = match arguments.until {
        Some(until) => Some(until.at(now)),
        None => (!arguments.follow).then_some(now),
    };
    if arguments.until.is_none() && from > now {
        return Err(Failure::usage(
            "`--since` is in the future: nothing has been logged since then",
        )
        .help(
            "a date is that day's beginning in your zone; a duration is how long ago: `--since 2d`",
        ));
    }
    if until.is_some_and(|until| until < from) {
        return Err(Failure::usage("`--until` is before `--since`")
            .help("a duration is how long ago: `--since 2d --until 1d`"));
    }
    let access = Access {
        studies: arguments.study.clone(),
        image_sets: arguments.image_set.clone(),
    };
    let is_audit = arguments.audit || arguments.insights;
    let wanted = Wanted {
        functions: functions(arguments, is_audit),
        from,
        until,
        follow: arguments.follow,
        access: is_audit.then_some(access),
        of_lambda: terminal.is_verbose(),
    };
    let service = arguments.name.service.as_deref();
    session::run_unlocated("logs", global, service, terminal, async |opened| {
        let session = opened.looking().await?;
        if arguments.insights {
            return insights(&session, &opened, &wanted, terminal).await;
        }
        let shown = logs::read(&session, &opened.footprint, &wanted, |line| {
            show(line, terminal)
        });
        if shown.await? == 0 {
            let mut what = format!("no lines since {}", local(from));
            if is_audit {
                what.push_str(
                    ". Audit lines are written while `logs.audit` is true in what is deployed, one per request that is granted",
                );
            }
            terminal.status("Note", &what);
        }
        Ok(())
    })
}

/// The authorizer writes the audit lines.
fn functions(arguments: &Logs, is_audit: bool) -> Vec<&'static str> {
    let all = names::FUNCTIONS.iter().copied();
    all.filter(|function| match &arguments.function {
        Some(wanted) => wanted == function,
        None => !is_audit || *function == names::AUTHORIZER,
    })
    .collect()
}

/// Whether anybody reads it.
fn show(line: &Line, terminal: Terminal) -> bool {
    if terminal.is_json() {
        let time = DateTime::from_timestamp_millis(line.time).unwrap_or_default();
        let time = time.to_rfc3339_opts(SecondsFormat::Millis, true);
        return terminal::record(&line.json(&time));
    }
    let head = Styled::new().paint(Style::Dim, &local(line.time)).text(" ");
    let head = if terminal::narrow().is_some() {
        let head = head.paint(Style::BoldCyan, line.function);
        head.line(&format!(" {}", line.region))
    } else {
        let head = head.line(&format!("{:REGION$} ", line.region));
        head.paint(Style::BoldCyan, &format!("{:FUNCTION$}", line.function))
    };
    terminal::entry(&head, &line.words())
}

/// In the zone of whoever reads it, with that zone's distance from UTC.
fn local(time: i64) -> String {
    let time = Local
        .timestamp_millis_opt(time)
        .single()
        .unwrap_or_default();
    time.format("%Y-%m-%d %H:%M:%S%.3f %:z").to_string()
}

/// The claim that an audit line has unless `logs.auditClaims` names others.
const CLAIM: &str = "sub";

/// The claims that tell accounts apart. Who has been taken for whom is nothing to leave unsaid.
fn claims(plan: Option<&Plan>, terminal: Terminal) -> Result<Vec<String>> {
    let authorizer = plan.and_then(Plan::authorizer);
    let Some(claims) = authorizer.and_then(|config| config.audit_claims.clone()) else {
        let what = format!(
            "no manifest says which claims the audit lines have, so the query goes by `{CLAIM}`. Where `logs.auditClaims` named others, put them in the place of `claims.{CLAIM}`"
        );
        terminal.status("Note", &what);
        return Ok(vec![CLAIM.to_owned()]);
    };
    let (asked, left_out): (Vec<String>, Vec<String>) = claims
        .into_iter()
        .partition(|claim| access::field(claim).is_some());
    let named = left_out.join(", ");
    let why = "CloudWatch Logs Insights has no way to write a backtick in a name";
    if asked.is_empty() {
        let what = format!("no query can tell the accounts apart by {named}: {why}");
        return Err(Failure::new(what).help(
            "name another claim in `logs.auditClaims`, for the lines from then on. `frames logs --audit --format json` has the lines as they are",
        ));
    }
    if !left_out.is_empty() {
        let what = format!(
            "the query leaves out {named}, so that several accounts may share a row: {why}"
        );
        terminal.status("Warning", &what);
    }
    Ok(asked)
}

/// The query goes to stdout, so that it can be kept in a file, and how to run it to stderr.
async fn insights(
    session: &Session<'_>,
    opened: &OpenedNames,
    wanted: &Wanted,
    terminal: Terminal,
) -> Result<()> {
    let footprint = &opened.footprint;
    let claims = claims(opened.plan.as_ref(), terminal)?;
    let query = wanted.access.as_ref().map(|access| access.query(&claims));
    let query = query.unwrap_or_default();
    let groups = logs::groups(session, footprint, &wanted.functions).await?;
    let name = names::function(&footprint.service, &footprint.env, names::AUTHORIZER);
    let group = names::log_group(&name);
    let regions: Vec<&str> = groups.iter().map(|it: &Group| it.region.as_str()).collect();
    // Insights takes seconds, both of them included.
    let start = wanted.from.div_euclid(1000);
    let end = wanted.until.unwrap_or(wanted.from).div_euclid(1000);
    if terminal.is_json() {
        let told = json!({"query": query, "logGroup": group, "regions": regions, "startTime": start, "endTime": end});
        terminal::json(&format!("{told}\n"));
        return Ok(());
    }
    terminal::lines(&query);
    let regions = regions.join(" ");
    if regions.is_empty() {
        terminal.note(format!("\n{group} is in no Region yet."));
        return Ok(());
    }
    terminal.note(format!(
        "\nTo ask all Regions that have {group}, keep the query as query.txt, and begin it in each:\n"
    ));
    terminal.lines(format!(
        "  for region in {regions}; do
    aws logs start-query --region $region \\
      --log-group-name {group} \\
      --start-time {start} --end-time {end} \\
      --query-string file://query.txt
  done"
    ));
    terminal.note(
        "
Each queryId is answered by `aws logs get-query-results --region REGION --query-id ID`.
In the console: CloudWatch, Logs Insights, in each of these Regions.",
    );
    Ok(())
}

impl Moment {
    /// In milliseconds since 1970.
    fn at(self, now: i64) -> i64 {
        match self {
            Self::Ago(time) => {
                let time = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
                now.saturating_sub(time).max(0)
            }
            Self::At(time) => time.max(0),
        }
    }
}
