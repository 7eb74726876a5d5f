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
        how: "it was never deployed, or was removed",
        deploy: "makes it",
        diff: "all is added",
        info: "not deployed",
        remove: "passes it over",
    },
    Row {
        case: "under review",
        how: "a deployment ended before its first change set ran",
        deploy: "makes it",
        diff: "all is added",
        info: "not deployed: a change set waits",
        remove: "deletes it",
    },
    Row {
        case: "under review by somebody else",
        how: "somebody made a change set for a new stack of that name",
        deploy: "refuses",
        diff: "refuses",
        info: "somebody else's",
        remove: "leaves it alone",
    },
    Row {
        case: "somebody else's",
        how: "another service, environment or tool made a stack of that name",
        deploy: "refuses",
        diff: "refuses",
        info: "somebody else's",
        remove: "refuses",
    },
    Row {
        case: "busy",
        how: "another run, or somebody in the console, changes it",
        deploy: "waits for its end, then looks again",
        diff: "not compared: another operation is under way",
        info: "another operation is under way",
        remove: "waits for its end",
    },
    Row {
        case: "deployed",
        how: "a deployment, or its rollback, ended well",
        deploy: "updates it if it differs",
        diff: "shows what differs",
        info: "deployed",
        remove: "closes, drains, deletes",
    },
    Row {
        case: "damaged",
        how: "somebody deleted what it made, or a removal deleted its versions and didn't finish",
        deploy: "makes again what is gone, then updates it",
        diff: "names what is gone and would be made again",
        info: "names what is gone",
        remove: "closes, drains, deletes",
    },
    Row {
        case: "never deployed",
        how: "its first deployment failed",
        deploy: "deletes what is left, makes it anew",
        diff: "not compared: its first deployment failed, and a deployment makes it anew",
        info: "its first deployment failed",
        remove: "closes by CloudFront, drains, deletes",
    },
    Row {
        case: "half rolled back",
        how: "an update failed, and so did its rollback",
        deploy: "resumes the rollback, then updates it",
        diff: "not compared: a rollback failed, and a deployment resumes it",
        info: "a rollback failed",
        remove: "closes by CloudFront, drains, deletes",
    },
    Row {
        case: "half deleted",
        how: "its deletion failed",
        deploy: "deletes what is left, makes it anew",
        diff: "not compared: its deletion failed, and a deployment deletes what is left and makes it anew",
        info: "its deletion failed",
        remove: "closes by CloudFront, drains, deletes",
    },
    Row {
        case: "undermined",
        how: "its deletion failed, and a stack that uses it is deployed",
        deploy: "refuses",
        diff: "refuses",
        info: "its deletion failed, below a stack that uses it",
        remove: "closes by CloudFront, drains, deletes",
    },
    Row {
        case: "stuck",
        how: "somebody's import failed, or the like",
        deploy: "refuses",
        diff: "refuses",
        info: "CloudFormation can't go on by itself",
        remove: "closes by CloudFront, drains, deletes",
    },
];
