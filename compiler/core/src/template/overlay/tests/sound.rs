//! What CloudFormation would refuse is found, at its place.

use super::*;

/// What is said of an overlay, and the text at the place.
fn refused(overlay: &str) -> Vec<(String, String)> {
    let (_, found) = findings(CDN, overlay);
    let invalid = found.into_iter().filter(|one| one.kind != Kind::Unsafe);
    invalid
        .map(|one| {
            let help = one
                .help
                .map(|help| format!(" ({help})"))
                .unwrap_or_default();
            (overlay[one.span.range()].to_owned(), one.what + &help)
        })
        .collect()
}

#[test]
fn what_cloudformation_would_refuse_is_found_at_its_place() {
    let cases = [
        (
            "Parameters: {Mine: {Type: String}}",
            "Mine",
            "has no `Default` (add `Default`: frames passes no values",
        ),
        (
            "Parameters: {Mine: {Default: x}}",
            "Mine",
            "has no `Type` (for example `Type: String`)",
        ),
        (
            "Output: {A: {Value: x}}",
            "Output",
            "did you mean `Outputs`?",
        ),
        (
            "Resources: []",
            "Resources",
            "takes a mapping; here is a list",
        ),
        (
            "Outputs: {A: {Value: !Sub '${AWS::AccountID}'}}",
            "'${AWS::AccountID}'",
            "did you mean `AWS::AccountId`?",
        ),
        (
            "Outputs: {A: {Value: !Sub '${slef:service}'}}",
            "'${slef:service}'",
            "did you mean `self`?",
        ),
        (
            "Outputs: {A: {Value: !Sub ['${Mine}', {Other: x}]}}",
            "'${Mine}'",
            "no resource or parameter `Mine`",
        ),
        (
            "Parameters: {Mine: {Type: String, Default: x}}\nOutputs: {A: {Value: !Sub '${Mine.Arn}'}}",
            "'${Mine.Arn}'",
            "no resource or parameter `Mine`",
        ),
        ("Resources: {Mine: x}", "x", "`Mine` isn't a mapping"),
        (
            "Outputs: {A: {Value: !Ref Distributon}}",
            "Distributon",
            "did you mean `Distribution`?",
        ),
        (
            "Outputs: {A: {Value: {Ref: AWS::Regoin}}}",
            "AWS::Regoin",
            "no pseudo parameter",
        ),
        (
            "Outputs: {A: {Value: !GetAtt AuthorizerVersionArn.Arn}}",
            "AuthorizerVersionArn.Arn",
            "no resource `AuthorizerVersionArn`",
        ),
        (
            "Outputs: {A: {Value: x, Condition: Prod}}",
            "Prod",
            "no condition `Prod`",
        ),
        (
            "Outputs: {A: {Value: !If [Prod, a, b]}}",
            "Prod",
            "no condition `Prod`",
        ),
        (
            "Outputs: {A: {Value: !FindInMap [Sizes, a, b]}}",
            "Sizes",
            "no mapping `Sizes`",
        ),
        ("Outputs: {A: {Value: }}", "Value", "has no value"),
        ("Outputs: {A: {Description: x}}", "A", "has no `Value`"),
        (
            "Outputs: {A: {Value: {Fn::Joined: [a]}}}",
            "Fn::Joined",
            "no function `Fn::Joined`",
        ),
        (
            "Outputs: {A: {Value: {Ref: Distribution, b: c}}}",
            "Ref",
            "is beside other keys",
        ),
        ("Outputs: {A: {Valeu: x}}", "Valeu", "did you mean `Value`?"),
        (
            "Parameters: {A: {Type: String, Defualt: x}}",
            "Defualt",
            "did you mean `Default`?",
        ),
        (
            "Outputs: {A: {Value: !GetAtt Distribution.DomainNam}}",
            "Distribution.DomainNam",
            "did you mean `DomainName`?",
        ),
        (
            "Outputs: {A: {Value: !Sub '${Distribution.Nope}'}}",
            "'${Distribution.Nope}'",
            "has no attribute `Nope`",
        ),
        ("Outputs: {A: {Value: !Sub }}", "", "has no value"),
        ("Outputs: {A: x}", "x", "`A` isn't a mapping"),
        ("Outputs: {a-b: {Value: x}}", "a-b", "can't be an id"),
        (
            "Conditions: {Prod: !Equals [!Ref Distribution, x]}",
            "Distribution",
            "conditions refer to parameters only",
        ),
        (
            "Conditions: {Prod: {Condition: Other}}",
            "Other",
            "no condition `Other`",
        ),
        (
            "Resources: {Topic: {Type: 'AWS::SNS::Topic', DependsOn: Distributon}}",
            "Distributon",
            "did you mean `Distribution`?",
        ),
        (
            "Resources: {Topic: {Type: 'AWS::SNS::Topic', DependsOn: [AccessLogs, Mine]}}",
            "DependsOn",
            "no resource `Mine`",
        ),
        (
            "Resources: {Topic: {Type: 'AWS::SNS::Topic', Propertis: {}}}",
            "Propertis",
            "did you mean `Properties`?",
        ),
        (
            "Resources: {Topic: {Type: 'AWS::SNS::Topic', Properties: x}}",
            "x",
            "takes a mapping",
        ),
        (
            "Resources: {Topic: {Type: 'AWS::SNS::Topic', DeletionPolicy: Keep}}",
            "Keep",
            "one of four words",
        ),
        (
            "Resources: {Distribution/Properties: {Type: 'AWS::SNS::Topic'}}",
            "Distribution/Properties",
            "can't be an id",
        ),
        (
            "Resources: {'': {Type: 'AWS::SNS::Topic'}}",
            "''",
            "can't be an id",
        ),
        (
            "Resources: {Mine: {Type: 'AWS::SNS::Topic'}}\nParameters: {Mine: {Type: String, Default: x}}",
            "Mine",
            "is in `Parameters` and in `Resources`",
        ),
        (
            "Resources: {A: {Type: 'AWS::SNS::Topic', DependsOn: B}, B: {Type: 'AWS::SNS::Topic', Properties: {DisplayName: !Ref A}}}",
            "A",
            "A -> B -> A",
        ),
        (
            "Resources: {A: {Type: 'AWS::SNS::Topic', DependsOn: A}}",
            "A",
            "A -> A",
        ),
        (
            "Resources: {Distribution: {DependsOn: T}, T: {Type: 'AWS::SNS::Topic', Properties: {DisplayName: !GetAtt Distribution.DomainName}}}",
            "Distribution",
            "wait for each other",
        ),
        (
            "AWSTemplateFormatVersion: '2012-10-17'",
            "'2012-10-17'",
            "no other format",
        ),
    ];
    for (overlay, place, expected) in cases {
        let found = refused(overlay);
        let is_there = found
            .iter()
            .any(|(text, what)| text == place && what.contains(expected));
        assert!(is_there, "{overlay}: {found:?}");
        assert_eq!(found.len(), 1, "{overlay}: {found:?}");
    }
}

#[test]
fn an_empty_section_is_nothing() {
    let compiled: Value = serde_json::from_str(CDN).unwrap();
    for section in SECTIONS {
        let (finished, found) = findings(CDN, &format!("{section}:\nMetadata: {{a: b}}\n"));
        assert_eq!(found, [], "{section}");
        assert_eq!(finished.get(section), compiled.get(section));
    }
}

#[test]
fn what_cloudformation_takes_is_no_finding() {
    for overlay in [
        "Outputs: {A: {Value: !Sub '${AWS::AccountId} ${Distribution.DomainName} ${!x} ${Distribution}'}}",
        "Outputs: {A: {Value: !Sub ['${a}', {a: !Ref AccessLogs}]}}",
        "Conditions: {Prod: !Equals [!Ref 'AWS::Region', us-east-1]}\nOutputs: {A: {Value: x, Condition: Prod}}",
        "Conditions: {A: !Equals [a, b], B: !Not [!Condition A]}",
        "Mappings: {Sizes: {eu-west-1: {a: b}}}\nOutputs: {A: {Value: !FindInMap [Sizes, !Ref 'AWS::Region', a]}}",
        "Parameters: {Mine: {Type: String, Default: x}}\nOutputs: {A: {Value: !Ref Mine}}",
        "Resources: {Topic: {Type: 'AWS::SNS::Topic', DependsOn: [Distribution, AccessLogs], DeletionPolicy: Retain, Metadata: {a: b}}}",
        "Resources: {A: {Type: 'AWS::SNS::Topic'}, B: {Type: 'AWS::SNS::Subscription', Properties: {TopicArn: !Ref A, Protocol: email, Endpoint: a@example.org}}}",
    ] {
        assert_eq!(findings(CDN, overlay).1, [], "{overlay}");
    }
}

/// As many resources as CloudFormation takes into a stack.
#[test]
fn circles_are_looked_for_in_every_stack_that_fits() {
    let compiled: Value = serde_json::from_str(CDN).unwrap();
    let own = 500 - compiled["Resources"].as_object().unwrap().len();
    let circles = |own: usize| {
        let topics =
            (0..own).map(|i| format!("T{i:03}: {{Type: 'AWS::SNS::Topic', DependsOn: T000}}"));
        let overlay = format!("Resources: {{{}}}", topics.collect::<Vec<_>>().join(", "));
        let found = refused(&overlay);
        let circles = found
            .iter()
            .filter(|(_, what)| what.contains("wait for each other"));
        circles.count()
    };
    assert_eq!((circles(own), circles(own + 1)), (1, 0));
}
