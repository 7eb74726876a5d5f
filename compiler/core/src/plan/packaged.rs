//! A stage that was packaged before: its template is made, and its manifest is no longer there.

use serde::Serialize;

/// What a deployment asks of a template that was made before.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Packaged {
    pub delivers: Option<String>,
    pub log_retention_days: Option<i32>,
}
