use serde::Serialize;

/// One answered request. The path is without the query, which may hold a token.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RequestLog {
    /// What the answer says in `X-Amz-Cf-Id`, and in `Server-Timing`.
    #[serde(skip)]
    pub id: String,
    pub method: String,
    pub path: String,
    pub status: u16,
    pub cache: CacheResult,
    pub ms: f64,
    pub stages: Stages,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CacheResult {
    Hit,
    /// Expired, and by the origin's word still the latest.
    Refresh,
    Miss,
    /// The cache wasn't asked.
    None,
}

/// Milliseconds in each step that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stages {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub viewer_request: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin_request: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin_response: Option<f64>,
}
