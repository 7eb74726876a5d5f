//! Who hears of failures.

use super::{Alarms, edge_arn};
use crate::diagnostic::Diagnostic;
use crate::manifest::Manifest;

pub(super) fn check(manifest: &Manifest, found: &mut Vec<Diagnostic>) -> Option<Alarms> {
    let given = manifest.alarms.as_ref()?;
    if let Some(topic) = &given.topic_arn {
        const HELP: &str = "name one in us-east-1, where CloudFront's metrics are";
        edge_arn(topic, "alarms.topicArn", "the topic", HELP, found);
    }
    Some(Alarms {
        topic_arn: given.topic_arn.as_ref()?.value.clone(),
    })
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{checked, findings};

    fn manifest(place: &str, region: &str) -> String {
        format!(
            "service: x\nauth: {{mode: none}}\nalarms: {{topicArn: 'arn:aws:sns:{place}:111122223333:imaging'}}\ndeploy: {{region: {region}}}\nlogs: {{access: {{enabled: false}}}}\n"
        )
    }

    #[test]
    fn a_topic_is_where_the_metrics_are() {
        let alarms = checked(&manifest("us-east-1", "us-east-1")).alarms.unwrap();
        assert_eq!(
            alarms.topic_arn,
            "arn:aws:sns:us-east-1:111122223333:imaging"
        );
        let only = |text: &str, code: &str, path: &str| {
            assert_eq!(findings(text), [(code.to_owned(), path.to_owned())]);
        };
        only(
            &manifest("eu-west-1", "us-east-1"),
            "wrong-region",
            "alarms.topicArn",
        );
        // Wherever the cdn stack is.
        assert!(
            checked(&manifest("us-east-1", "eu-west-1"))
                .alarms
                .is_some()
        );
        only(
            "service: x\nauth: {mode: none}\nalarms: {}\n",
            "missing-key",
            "alarms.topicArn",
        );
    }
}
