//! Who hears of failures.

use super::{Alarms, EDGE_REGION, edge_arn};
use crate::diagnostic::{Diagnostic, codes};
use crate::manifest::Manifest;

pub fn check(manifest: &Manifest, found: &mut Vec<Diagnostic>) -> Option<Alarms> {
    let given = manifest.alarms.as_ref()?;
    if let Some(topic) = &given.topic_arn {
        edge_arn(topic, "alarms.topicArn", "the topic", found);
    }
    let region = manifest.deploy.region.as_ref();
    if let Some(region) = region.filter(|region| region.value != EDGE_REGION) {
        found.push(
            Diagnostic::new(
                codes::ALARMS_REGION,
                "alarms",
                given.span,
                format!(
                    "there are no alarms with the cdn stack in {}: CloudFront's metrics are in {EDGE_REGION}",
                    region.value
                ),
            )
            .related(region.span, "the cdn stack's Region")
            .help(format!(
                "deploy to {EDGE_REGION} (the edge is worldwide all the same), or remove `alarms`"
            )),
        );
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
        only(
            &manifest("us-east-1", "eu-west-1"),
            "alarms-region",
            "alarms",
        );
        only(
            "service: x\nauth: {mode: none}\nalarms: {}\n",
            "missing-key",
            "alarms.topicArn",
        );
    }
}
