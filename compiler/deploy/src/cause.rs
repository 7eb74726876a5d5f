//! Why a stack's change failed: the first cause, not what was cancelled for it,
//! and in a user's words where CloudFormation's aren't.

use crate::aws::errors::denied_action;
use crate::aws::functions::is_replicated;
use crate::aws::stacks::Event;

/// The resource that failed first, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// `Distribution (AWS::CloudFront::Distribution)`
    pub resource: String,
    pub reason: String,
    pub help: Option<String>,
    pub replicated: bool,
}

/// The cause, from one operation's events, oldest first.
pub fn cause(events: &[Event]) -> Option<Cause> {
    let failed = |event: &&Event| event.status.ends_with("_FAILED") && !is_cascade(event);
    let event = events
        .iter()
        .filter(|event| !event.of_stack)
        .find(failed)
        .or_else(|| {
            events
                .iter()
                .find(|event| failed(event) && event.reason.is_some())
        })?;
    let reason = event
        .reason
        .as_deref()
        .unwrap_or("CloudFormation gives no reason");
    let (reason, help) = in_words(reason);
    Some(Cause {
        resource: format!("{} ({})", event.resource, event.kind),
        replicated: is_replicated(&reason),
        reason,
        help,
    })
}

/// Whether it was cancelled, or listed by the stack, because something else failed.
pub fn is_cascade(event: &Event) -> bool {
    let reason = event.reason.as_deref().unwrap_or_default();
    reason.contains(" cancelled") || reason.starts_with("The following resource(s) failed")
}

/// What a reason comes down to, and what to do about it.
fn in_words(raw: &str) -> (String, Option<String>) {
    let reason = innermost(raw);
    let told = |reason: &str, help: &str| (reason.to_owned(), Some(help.to_owned()));
    if let Some(action) = denied_action(raw) {
        let reason = format!("you have no permission for `{action}`");
        return told(
            &reason,
            "`frames policy` prints the policy needed to deploy and remove this manifest",
        );
    }
    let has = |words: &str| raw.contains(words);
    if has("CNAMEAlreadyExists") || has("CNAMEs you provided are already associated") {
        return told(
            &format!("another distribution has one of the CNAMEs already: {reason}"),
            "remove it from that distribution first (CloudFront's ListConflictingAliases finds it), or name another in `domain.cnames`",
        );
    }
    if has("InvalidViewerCertificate") || has("SSL certificate doesn't exist") {
        return told(
            &format!("CloudFront doesn't take the certificate: {reason}"),
            "it has to be in us-east-1, ISSUED, and cover every name of `domain.cnames`: `frames validate --online` says what is wrong",
        );
    }
    if is_replicated(raw) {
        return told(
            &reason,
            "CloudFront deletes the replicas itself, some hours after the last distribution stopped using them",
        );
    }
    if has("not empty") && (has("bucket") || has("Bucket")) {
        return told(
            &reason,
            "`frames remove --delete-logs` empties and deletes it",
        );
    }
    if has("in use by a delivery") {
        return told(
            &reason,
            "an update dropped a delivery of logs without deleting it, so it is in no stack: find its id with `aws logs describe-deliveries --region us-east-1`, delete it with `aws logs delete-delivery --region us-east-1 --id ID`",
        );
    }
    if has("AlreadyExists") || has("already exists") {
        return told(
            &reason,
            "it is a leftover, or belongs to another tool: delete it or choose another `service` or `--env`, then deploy again",
        );
    }
    if has("LimitExceeded") || has("TooMany") || has("quota") {
        return told(
            &reason,
            "a quota of the account is used up: raise it in Service Quotas, or remove what is no longer needed",
        );
    }
    (reason, None)
}

/// The service's own words, out of CloudFormation's wrapping:
/// `Resource handler returned message: "… (Service: X, Status Code: 400, Request ID: …)" (RequestToken: …)`.
fn innermost(raw: &str) -> String {
    let text = match raw.split_once("returned message: \"") {
        Some((_, rest)) => rest.rsplit_once('"').map_or(rest, |(message, _)| message),
        None => raw,
    };
    let text = text.split(" (Service: ").next().unwrap_or(text);
    let text = text.split(" (RequestToken: ").next().unwrap_or(text);
    text.trim().trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(resource: &str, status: &str, reason: &str) -> Event {
        Event {
            id: resource.to_owned(),
            time: String::new(),
            resource: resource.to_owned(),
            kind: "AWS::X::Y".to_owned(),
            status: status.to_owned(),
            reason: Some(reason.to_owned()),
            of_stack: resource == "stack",
            token: None,
        }
    }

    #[test]
    fn the_first_cause_comes_before_what_it_cancelled() {
        let events = [
            event("stack", "CREATE_IN_PROGRESS", "User Initiated"),
            event("A", "CREATE_FAILED", "Resource creation cancelled"),
            event(
                "B",
                "CREATE_FAILED",
                "Resource handler returned message: \"B has it. (Service: Lambda, Status Code: 409, Request ID: 1)\" (RequestToken: 2, HandlerErrorCode: AlreadyExists)",
            ),
            event(
                "stack",
                "ROLLBACK_IN_PROGRESS",
                "The following resource(s) failed to create: [A, B]",
            ),
        ];
        let cause = cause(&events).unwrap();
        assert_eq!(cause.resource, "B (AWS::X::Y)");
        assert_eq!(cause.reason, "B has it");
        assert!(cause.help.unwrap().contains("leftover"));
    }

    #[test]
    fn a_reason_is_told_in_a_users_words() {
        let (reason, help) = in_words(
            "Resource handler returned message: \"User: arn:aws:iam::1:user/x is not authorized to perform: wafv2:GetWebACL on resource: y (Service: CloudFront, Status Code: 403)\"",
        );
        assert_eq!(reason, "you have no permission for `wafv2:GetWebACL`");
        assert!(help.unwrap().contains("frames policy"));
        let (reason, help) = in_words(
            "Invalid request provided: The specified SSL certificate doesn't exist, isn't in us-east-1 region (Service: CloudFront)",
        );
        assert!(
            reason.starts_with("CloudFront doesn't take the certificate"),
            "{reason}"
        );
        assert!(help.unwrap().contains("--online"));
        let (_, help) = in_words("Delivery destination x is in use by a delivery");
        assert!(help.unwrap().contains("aws logs delete-delivery"));
        assert_eq!(in_words("Something else.").0, "Something else");
    }

    #[test]
    fn a_stacks_own_failure_counts_where_there_is_no_other() {
        let events = [event("stack", "ROLLBACK_FAILED", "Internal failure")];
        assert_eq!(cause(&events).unwrap().reason, "Internal failure");
        assert_eq!(cause(&events[..0]), None);
    }
}
