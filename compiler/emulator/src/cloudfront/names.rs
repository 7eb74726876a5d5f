//! Header names that CloudFront keeps to itself.
//! Source: "Restrictions on edge functions", Amazon CloudFront Developer Guide.

/// The event that a function runs at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trigger {
    ViewerRequest,
    OriginRequest,
    OriginResponse,
}

impl Trigger {
    pub(super) fn event_type(self) -> &'static str {
        match self {
            Self::ViewerRequest => "viewer-request",
            Self::OriginRequest => "origin-request",
            Self::OriginResponse => "origin-response",
        }
    }

    /// Headers that a function must hand back as it got them: of the request, or of the
    /// response where that is what it gets.
    pub(super) fn read_only(self) -> &'static [&'static str] {
        match self {
            Self::OriginResponse => &["transfer-encoding", "via"],
            Self::ViewerRequest => &[
                "cdn-loop",
                "content-length",
                "host",
                "transfer-encoding",
                "via",
            ],
            Self::OriginRequest => &[
                "accept-encoding",
                "cdn-loop",
                "content-length",
                "if-modified-since",
                "if-none-match",
                "if-range",
                "if-unmodified-since",
                "transfer-encoding",
                "via",
            ],
        }
    }

    /// How much of a body a function sees.
    pub(super) fn body_bytes(self) -> usize {
        match self {
            Self::ViewerRequest => 40 * 1024,
            Self::OriginRequest | Self::OriginResponse => 1024 * 1024,
        }
    }

    /// How large an answer of a function's own may be, headers included.
    pub(super) fn response_bytes(self) -> usize {
        self.body_bytes()
    }

    /// How large a replaced body may be, as base64.
    pub(super) fn encoded_body_bytes(self) -> usize {
        // 53.2 KB and 1.33 MB.
        self.body_bytes() * 133 / 100
    }
}

const DISALLOWED: &[&str] = &[
    "connection",
    "expect",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "trailer",
    "upgrade",
    "x-accel-buffering",
    "x-accel-charset",
    "x-accel-limit-rate",
    "x-accel-redirect",
    "x-amzn-auth",
    "x-amzn-cf-billing",
    "x-amzn-cf-id",
    "x-amzn-cf-xff",
    "x-amzn-errortype",
    "x-amzn-fle-profile",
    "x-amzn-header-count",
    "x-amzn-header-order",
    "x-amzn-lambda-integration-tag",
    "x-amzn-requestid",
    "x-cache",
    "x-forwarded-proto",
    "x-real-ip",
];

/// Never shown to a function, and never to be added by one.
pub(super) fn is_disallowed(name: &str) -> bool {
    DISALLOWED.contains(&name) || name.starts_with("x-amz-cf-") || name.starts_with("x-edge-")
}

/// Headers of one connection, not of the message (RFC 9110, 7.6.1).
pub(super) fn is_hop_by_hop(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    )
}
