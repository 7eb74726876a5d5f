//! The functions, their roles and policies, and the ways to the reader.

use super::{Ours, any_of, attribute, hashed, lasting, log_group, reference, resource, sub};
use crate::names;
use crate::plan::iam::{IN_DATASTORES, IN_SERIES, IN_STUDIES, NATIVE};
use serde_json::{Value, json};

impl Ours<'_> {
    pub(super) fn of_function(&self, name: &str, id: &str) -> Option<Value> {
        let (service, env, delivery) = (self.service, self.env, self.delivery());
        let function_id = names::function_id(name);
        let own = function_id.trim_end_matches("Function");
        let at_edge = names::EDGE_FUNCTIONS.contains(&name);
        if id == function_id {
            let (runtime, handler, memory, timeout) = if at_edge {
                ("python3.<word>", "index.handler", 128, 5)
            } else {
                ("provided.<word>", "bootstrap", 512, 150)
            };
            return Some(resource(
                "AWS::Lambda::Function",
                json!({
                    "FunctionName": format!("{delivery}-{name}"),
                    "Runtime": runtime,
                    "Handler": handler,
                    "Architectures": ["x86_64"],
                    "MemorySize": memory,
                    "Timeout": timeout,
                    "LoggingConfig": {"LogFormat": "Text", "LogGroup": reference(&names::log_group_id(name))},
                    "Role": attribute(&format!("<id:{own}Role>"), "Arn"),
                    "Code": {
                        "S3Bucket": reference(names::ARTIFACT_BUCKET),
                        "S3Key": format!("{service}/{env}/{name}-<word>.zip"),
                    },
                }),
            ));
        }
        if id == names::log_group_id(name) {
            return Some(log_group(&names::log_group(&format!("{delivery}-{name}"))));
        }
        if hashed(id, &format!("{own}Version")) {
            let version = resource(
                "AWS::Lambda::Version",
                json!({
                    "FunctionName": reference(&function_id),
                    "Description": format!("{name} of {service} ({env})"),
                    "CodeSha256": "<base64>",
                }),
            );
            return Some(lasting("RetainExceptOnCreate", "Retain", version));
        }
        if hashed(id, &format!("{own}Role")) {
            return Some(role(own, at_edge));
        }
        let policy = |what| hashed(id, &format!("{own}{what}Policy"));
        let statements = match name {
            _ if policy("Logs") => vec![self.writes_logs(name, at_edge)],
            names::SIGNER if policy("Read") => {
                vec![reads(
                    &[NATIVE, IN_SERIES, IN_STUDIES, IN_DATASTORES].concat(),
                )]
            }
            names::READER if policy("Read") => vec![reads(NATIVE)],
            names::SIGNER if policy("Invoke") => self.calls_reader().to_vec(),
            _ => return None,
        };
        let mut all = vec![json!("<each>")];
        all.extend(statements);
        Some(resource(
            "AWS::IAM::ManagedPolicy",
            json!({
                "Path??": "/<path>",
                "PolicyDocument": {"Version": "2012-10-17", "Statement": all},
            }),
        ))
    }

    fn writes_logs(&self, function: &str, at_edge: bool) -> Value {
        let group = names::log_group(&format!("{}-{function}", self.delivery()));
        let region = if at_edge { "*" } else { "${AWS::Region}" };
        let arn =
            format!("arn:${{AWS::Partition}}:logs:{region}:${{AWS::AccountId}}:log-group:{group}");
        let mut actions = vec!["logs:CreateLogStream", "logs:PutLogEvents"];
        if at_edge {
            actions.push("logs:CreateLogGroup");
        }
        json!({
            "Sid": "WriteOwnLogs",
            "Effect": "Allow",
            "Action": any_of(&actions),
            "Resource": ["<each>", sub(&arn), sub(&format!("{arn}:*"))],
        })
    }

    fn calls_reader(&self) -> [Value; 2] {
        let arn = format!(
            "arn:${{AWS::Partition}}:lambda:<word>:${{AWS::AccountId}}:function:{}-{}:{}",
            self.delivery(),
            names::READER,
            names::READER_ALIAS
        );
        let statement = |sid: &str, action: &str, condition: Value| {
            json!({
                "Sid": sid,
                "Effect": "Allow",
                "Action": [action],
                "Resource": [sub(&arn)],
                "Condition": condition,
            })
        };
        let by_url = json!({"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}});
        let via_url = json!({"Bool": {"lambda:InvokedViaFunctionUrl": "true"}});
        [
            statement("CallReader", "lambda:InvokeFunctionUrl", by_url),
            statement("RunReader", "lambda:InvokeFunction", via_url),
        ]
    }

    pub(super) fn of_reader(id: &str) -> Option<Value> {
        let function = reference(&names::function_id(names::READER));
        let permission = |properties: Value| {
            let mut all = json!({
                "FunctionName": reference(names::READER_ALIAS_ID),
                "Principal": reference(names::SIGNER_ROLE_ARN),
            });
            if let (Some(all), Value::Object(own)) = (all.as_object_mut(), properties) {
                all.extend(own);
            }
            resource("AWS::Lambda::Permission", all)
        };
        Some(match id {
            names::READER_ALIAS_ID => resource(
                "AWS::Lambda::Alias",
                json!({
                    "FunctionName": function,
                    "FunctionVersion": attribute("<id:ReaderVersion>", "Version"),
                    "Name": names::READER_ALIAS,
                }),
            ),
            "ReaderUrl" => resource(
                "AWS::Lambda::Url",
                json!({
                    "TargetFunctionArn": function,
                    "Qualifier": names::READER_ALIAS,
                    "AuthType": "AWS_IAM",
                    "InvokeMode": "RESPONSE_STREAM",
                }),
            ),
            "ReaderUrlPermission" => permission(
                json!({"Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "AWS_IAM"}),
            ),
            "ReaderRunPermission" => permission(
                json!({"Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": true}),
            ),
            _ => return None,
        })
    }
}

fn role(function: &str, at_edge: bool) -> Value {
    let services = if at_edge {
        json!(["lambda.amazonaws.com", "edgelambda.amazonaws.com"])
    } else {
        json!("lambda.amazonaws.com")
    };
    let policy = |what: &str| reference(&format!("<id:{function}{what}Policy>"));
    resource(
        "AWS::IAM::Role",
        json!({
            "Path??": "/<path>",
            "AssumeRolePolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [{
                    "Effect": "Allow",
                    "Principal": {"Service": services},
                    "Action": "sts:AssumeRole",
                }],
            },
            "PermissionsBoundary??": "arn:aws:iam::<word>:policy/<path>",
            "ManagedPolicyArns": ["<each>", policy("Logs"), policy("Read"), policy("Invoke")],
        }),
    )
}

/// Reads of data stores of this account, of some of their studies perhaps.
fn reads(actions: &[&str]) -> Value {
    let arn = "arn:${AWS::Partition}:medical-imaging:<word>:${AWS::AccountId}:datastore/<store>";
    json!({
        "Sid": "<word>",
        "Effect": "Allow",
        "Action": any_of(actions),
        "Resource": ["<each>", sub(arn)],
        "Condition?": {"StringEquals": {
            "medical-imaging:StudyInstanceUID?": ["<each>", "<host>"],
            "medical-imaging:SeriesInstanceUID?": ["<each>", "<host>"],
        }},
    })
}
