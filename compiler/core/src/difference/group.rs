//! What a reader of a change asks first: of the functions, the delivery, who may do what, or the logs.

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    Functions,
    Delivery,
    Access,
    Logs,
    Other,
}

impl Group {
    /// By a resource's type: `AWS::CloudFront::Distribution`.
    pub fn of(kind: &str) -> Self {
        let mut parts = kind.split("::");
        let (_, service, thing) = (parts.next(), parts.next(), parts.next());
        match (service.unwrap_or_default(), thing.unwrap_or_default()) {
            ("IAM" | "KMS" | "WAFv2", _) | ("S3", "BucketPolicy") | ("Lambda", "Permission") => {
                Self::Access
            }
            ("Lambda", _) => Self::Functions,
            ("CloudFront" | "Route53", _) => Self::Delivery,
            ("Logs" | "CloudWatch" | "SNS" | "S3", _) => Self::Logs,
            _ => Self::Other,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Functions => "functions",
            Self::Delivery => "delivery",
            Self::Access => "access",
            Self::Logs => "logs",
            Self::Other => "other",
        }
    }
}
