//! Each situation that a stage can be in, and what each command does about it.

use crate::aws::stacks::Status;

/// What a stage's stack is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Case {
    /// There is none.
    Absent,
    /// A name without anything behind it: no change set was run yet, and none is somebody else's.
    Reserved,
    /// The same, with somebody else's change set: its name.
    ReservedByOther(String),
    /// Somebody else's.
    Foreign,
    /// CloudFormation is at work on it.
    Busy,
    /// Deployed, and nothing of it is known to be gone.
    Whole(Looked),
    /// Deployed, and something of it was deleted behind CloudFormation's back.
    Damaged(Looked),
    /// Its first deployment failed.
    NeverDeployed,
    /// The rollback of an update failed.
    HalfRolledBack,
    /// Its deletion failed.
    HalfDeleted,
    /// The same, below a stack that uses it: that stack's name.
    Undermined(String),
    /// Any other state.
    Stuck,
}

/// What is known of a deployed stack's resources.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Looked {
    pub gone: Vec<Gone>,
    /// The ids of those that nobody could look at.
    pub unknown: Vec<String>,
}

/// A resource that isn't there any more.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gone {
    pub id: String,
    /// `AWS::IAM::Role`
    pub kind: String,
}

/// A row of ARCHITECTURE.md's table: the case, how one gets into it, and what each command does.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    pub case: &'static str,
    /// CloudFormation's, for a stack that is ours.
    pub statuses: &'static [&'static str],
    pub how: &'static str,
    pub deploy: &'static str,
    pub diff: &'static str,
    pub info: &'static str,
    pub remove: &'static str,
}

impl Case {
    /// By the status of a stack that is ours. Whether something is gone is looked at afterwards.
    pub fn of(status: &Status) -> Self {
        if status.updatable() {
            Self::Whole(Looked::default())
        } else if status.in_progress() {
            Self::Busy
        } else if status.is("REVIEW_IN_PROGRESS") {
            Self::Reserved
        } else if status.is("DELETE_COMPLETE") {
            Self::Absent
        } else if status.is("UPDATE_ROLLBACK_FAILED") {
            Self::HalfRolledBack
        } else if status.is("DELETE_FAILED") {
            Self::HalfDeleted
        } else if status.never_stood() {
            Self::NeverDeployed
        } else {
            Self::Stuck
        }
    }

    pub(super) fn looked_at(looked: Looked) -> Self {
        if looked.gone.is_empty() {
            Self::Whole(looked)
        } else {
            Self::Damaged(looked)
        }
    }

    pub fn looked(&self) -> Option<&Looked> {
        match self {
            Self::Whole(looked) | Self::Damaged(looked) => Some(looked),
            _ => None,
        }
    }

    /// Whether a deployment makes all of it: nothing that works is there.
    pub fn is_made_anew(&self) -> bool {
        matches!(
            self,
            Self::Absent | Self::Reserved | Self::NeverDeployed | Self::HalfDeleted
        )
    }

    /// What a stage in it is called.
    pub fn told(&self) -> String {
        match self {
            Self::ReservedByOther(set) => {
                format!("somebody else's: they have made the change set {set} for it")
            }
            Self::Whole(looked) if !looked.unknown.is_empty() => format!(
                "deployed, and not everything could be looked at: {}",
                looked.unknown.join(", ")
            ),
            Self::Damaged(looked) => format!("{} of its resources gone", looked.gone.len()),
            Self::Undermined(later) => {
                format!("its deletion failed, below a stack that uses it: {later}")
            }
            _ => self.row().info.to_owned(),
        }
    }

    /// What is said and done about it.
    pub fn row(&self) -> &'static Row {
        &ROWS[match self {
            Self::Absent => 0,
            Self::Reserved => 1,
            Self::ReservedByOther(_) => 2,
            Self::Foreign => 3,
            Self::Busy => 4,
            Self::Whole(_) => 5,
            Self::Damaged(_) => 6,
            Self::NeverDeployed => 7,
            Self::HalfRolledBack => 8,
            Self::HalfDeleted => 9,
            Self::Undermined(_) => 10,
            Self::Stuck => 11,
        }]
    }
}

/// In the order of [`Case`].
pub const ROWS: [Row; 12] = [
    Row {
        case: "not there",
        statuses: &["DELETE_COMPLETE"],
        how: "it was never deployed, or was removed",
        deploy: "makes it",
        diff: "all is added",
        info: "not deployed",
        remove: "passes it over",
    },
    Row {
        case: "under review",
        statuses: &["REVIEW_IN_PROGRESS"],
        how: "a deployment ended before its first change set ran",
        deploy: "makes it",
        diff: "all is added",
        info: "not deployed: a change set waits",
        remove: "deletes it",
    },
    Row {
        case: "under review by somebody else",
        statuses: &[],
        how: "somebody made a change set for a new stack of that name",
        deploy: "refuses",
        diff: "refuses",
        info: "somebody else's",
        remove: "leaves it alone",
    },
    Row {
        case: "somebody else's",
        statuses: &[],
        how: "another service, environment or tool made a stack of that name",
        deploy: "refuses",
        diff: "refuses",
        info: "somebody else's",
        remove: "refuses",
    },
    Row {
        case: "busy",
        statuses: &[
            "CREATE_IN_PROGRESS",
            "UPDATE_IN_PROGRESS",
            "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            "DELETE_IN_PROGRESS",
            "ROLLBACK_IN_PROGRESS",
            "UPDATE_ROLLBACK_IN_PROGRESS",
        ],
        how: "another run, or somebody in the console, changes it",
        deploy: "waits for its end, then looks again",
        diff: "not compared: another operation is under way",
        info: "another operation is under way",
        remove: "waits for its end",
    },
    Row {
        case: "deployed",
        statuses: &[
            "CREATE_COMPLETE",
            "UPDATE_COMPLETE",
            "UPDATE_ROLLBACK_COMPLETE",
            "UPDATE_FAILED",
            "IMPORT_COMPLETE",
            "IMPORT_ROLLBACK_COMPLETE",
        ],
        how: "a deployment, or its rollback, ended well",
        deploy: "updates it if it differs",
        diff: "shows what differs",
        info: "deployed",
        remove: "closes, drains, deletes",
    },
    Row {
        case: "damaged",
        statuses: &[],
        how: "somebody deleted what it made, or a removal deleted its versions and didn't finish",
        deploy: "makes again what is gone, then updates it",
        diff: "names what is gone and would be made again",
        info: "names what is gone",
        remove: "closes, drains, deletes",
    },
    Row {
        case: "never deployed",
        statuses: &["CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"],
        how: "its first deployment failed",
        deploy: "deletes what is left, makes it anew",
        diff: "not compared: its first deployment failed, and a deployment makes it anew",
        info: "its first deployment failed",
        remove: "closes by CloudFront, drains, deletes",
    },
    Row {
        case: "half rolled back",
        statuses: &["UPDATE_ROLLBACK_FAILED"],
        how: "an update failed, and so did its rollback",
        deploy: "resumes the rollback, then updates it",
        diff: "not compared: a rollback failed, and a deployment resumes it",
        info: "a rollback failed",
        remove: "closes by CloudFront, drains, deletes",
    },
    Row {
        case: "half deleted",
        statuses: &["DELETE_FAILED"],
        how: "its deletion failed",
        deploy: "deletes what is left, makes it anew",
        diff: "not compared: its deletion failed, and a deployment deletes what is left and makes it anew",
        info: "its deletion failed",
        remove: "closes by CloudFront, drains, deletes",
    },
    Row {
        case: "undermined",
        statuses: &[],
        how: "its deletion failed, and a stack that uses it is deployed",
        deploy: "refuses",
        diff: "refuses",
        info: "its deletion failed, below a stack that uses it",
        remove: "closes by CloudFront, drains, deletes",
    },
    Row {
        case: "stuck",
        statuses: &["IMPORT_ROLLBACK_FAILED"],
        how: "somebody's import failed, or the like",
        deploy: "refuses",
        diff: "refuses",
        info: "CloudFormation can't go on by itself",
        remove: "closes by CloudFront, drains, deletes",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of ARCHITECTURE.md, a line per case.
    fn lines() -> Vec<String> {
        let line = |row: &Row| {
            let statuses: Vec<String> = row.statuses.iter().map(|it| format!("`{it}`")).collect();
            let cells = [
                row.case,
                &statuses.join(", "),
                row.how,
                row.deploy,
                row.diff,
                row.info,
                row.remove,
            ];
            format!("| {} |", cells.join(" | "))
        };
        ROWS.iter().map(line).collect()
    }

    #[test]
    fn the_page_has_each_case_in_order() {
        let page = include_str!("../../../../ARCHITECTURE.md");
        let lines = lines();
        let table = lines.join("\n");
        assert!(
            page.contains(&table),
            "write into ARCHITECTURE.md:\n{table}"
        );
    }

    #[test]
    fn a_status_is_in_one_case() {
        for row in &ROWS {
            for status in row.statuses {
                let case = Case::of(&Status((*status).to_owned()));
                assert_eq!(case.row(), row, "{status}");
            }
        }
    }

    #[test]
    fn each_case_has_its_row() {
        let gone = Gone {
            id: "R".to_owned(),
            kind: "K".to_owned(),
        };
        let damaged = Case::looked_at(Looked {
            gone: vec![gone],
            unknown: vec![],
        });
        let cases = [
            Case::Absent,
            Case::Reserved,
            Case::ReservedByOther("c".to_owned()),
            Case::Foreign,
            Case::Busy,
            Case::looked_at(Looked::default()),
            damaged,
            Case::NeverDeployed,
            Case::HalfRolledBack,
            Case::HalfDeleted,
            Case::Undermined("s".to_owned()),
            Case::Stuck,
        ];
        let names: Vec<&str> = cases.iter().map(|case| case.row().case).collect();
        let rows: Vec<&str> = ROWS.iter().map(|row| row.case).collect();
        assert_eq!(names, rows);
    }
}
