//! `${cf:…}`, `${ssm:…}` and `${aws:…}`. The compiler asks and goes on; what it
//! asked for is looked up, and it compiles again, until it has no new question.

use super::{Aws, errors, explain};
use frames_compiler::failure::{Failure, Result};
use frames_compiler::world::{AwsReference, AwsValue, Unread, World};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// A world that answers references to AWS.
pub struct Answers<'a> {
    world: &'a dyn World,
    known: BTreeMap<String, AwsValue>,
    wanted: RefCell<BTreeSet<String>>,
    /// Why some have no value. `None`: the first of these ends the run.
    failed: Option<Vec<Failure>>,
}

impl<'a> Answers<'a> {
    pub fn new(world: &'a dyn World) -> Self {
        Self {
            world,
            known: BTreeMap::new(),
            wanted: RefCell::default(),
            failed: None,
        }
    }

    /// The same for a run that may not need all of them: one that can't be looked up counts as
    /// one that isn't there.
    pub fn lenient(world: &'a dyn World) -> Self {
        Self {
            failed: Some(Vec::new()),
            ..Self::new(world)
        }
    }

    /// Why the first of those has no value that couldn't be looked up.
    pub fn failure(self) -> Option<Failure> {
        self.failed?.into_iter().next()
    }

    /// What has been looked up: `ssm:/path`, `cf:stack.Output`.
    pub fn references(&self) -> Vec<String> {
        self.known.keys().cloned().collect()
    }

    /// Looks up what the compiler asked for since. `false`: nothing new.
    pub async fn look_up(&mut self, aws: &Aws) -> Result<bool> {
        let wanted = self.wanted.take();
        for reference in &wanted {
            let value = match (value(aws, reference).await, &mut self.failed) {
                (Err(failure), Some(failed)) => {
                    failed.push(failure);
                    AwsValue::Missing
                }
                (value, _) => value?,
            };
            self.known.insert(reference.clone(), value);
        }
        Ok(!wanted.is_empty())
    }
}

impl World for Answers<'_> {
    fn variable(&self, name: &str) -> Option<String> {
        self.world.variable(name)
    }

    fn option(&self, name: &str) -> Option<String> {
        self.world.option(name)
    }

    fn read_file(&self, path: &str) -> std::result::Result<Vec<u8>, Unread> {
        self.world.read_file(path)
    }

    fn aws(&self, reference: &str) -> AwsValue {
        if let Some(value) = self.known.get(reference) {
            return value.clone();
        }
        self.wanted.borrow_mut().insert(reference.to_owned());
        AwsValue::Offline
    }
}

async fn value(aws: &Aws, reference: &str) -> Result<AwsValue> {
    let Some(asked) = AwsReference::parse(reference) else {
        return Ok(AwsValue::Missing);
    };
    match (asked.source, asked.argument) {
        ("aws", "accountId") => Ok(AwsValue::Value(aws.identity().await?.account)),
        ("aws", "region") => Ok(aws.region().map_or(AwsValue::Missing, |region| {
            AwsValue::Value(region.to_owned())
        })),
        ("cf", output) => stack_output(aws, region(aws, asked)?, output).await,
        ("ssm", name) => parameter(aws, region(aws, asked)?, name).await,
        _ => Ok(AwsValue::Missing),
    }
}

/// `stack.Output`, which the compiler has seen to.
async fn stack_output(aws: &Aws, region: &str, reference: &str) -> Result<AwsValue> {
    let Some((stack, output)) = reference.split_once('.') else {
        return Ok(AwsValue::Missing);
    };
    let client = aws.cloudformation(region);
    let answer = match client.describe_stacks().stack_name(stack).send().await {
        Ok(answer) => answer,
        Err(error) if errors::message(&error).contains("does not exist") => {
            return Ok(AwsValue::Missing);
        }
        Err(error) => {
            let doing = format!("read the outputs of stack {stack} in {region}");
            return Err(explain("cloudformation:DescribeStacks", &doing, error));
        }
    };
    let mut outputs = answer.stacks().iter().flat_map(|stack| stack.outputs());
    let found = outputs.find(|found| found.output_key() == Some(output));
    let value = found.and_then(|found| found.output_value());
    Ok(value.map_or(AwsValue::Missing, |value| AwsValue::Value(value.to_owned())))
}

/// A SecureString is decrypted, and counts as a secret from then on.
async fn parameter(aws: &Aws, region: &str, name: &str) -> Result<AwsValue> {
    use aws_sdk_ssm::types::ParameterType;
    let client = aws_sdk_ssm::Client::new(&aws.within(region));
    let asked = client.get_parameter().name(name).with_decryption(true);
    let answer = match asked.send().await {
        Ok(answer) => answer,
        Err(error) if errors::code(&error) == Some("ParameterNotFound") => {
            return Ok(AwsValue::Missing);
        }
        Err(error) => {
            let doing = format!("read the parameter {name} in {region}");
            return Err(explain("ssm:GetParameter", &doing, error));
        }
    };
    let Some((parameter, value)) = answer.parameter().and_then(|p| Some((p, p.value()?))) else {
        return Ok(AwsValue::Missing);
    };
    Ok(match parameter.r#type() {
        Some(ParameterType::String | ParameterType::StringList) => {
            AwsValue::Value(value.to_owned())
        }
        _ => AwsValue::Secret(value.to_owned()),
    })
}

fn region<'a>(aws: &'a Aws, asked: AwsReference<'a>) -> Result<&'a str> {
    asked.region.or_else(|| aws.region()).ok_or_else(|| {
        let (source, argument) = (asked.source, asked.argument);
        Failure::new(format!(
            "there is no Region to look up `${{{source}:{argument}}}` in"
        ))
        .help(format!(
            "name it, `${{{source}(us-east-1):{argument}}}`, or set AWS_REGION, or `region` in the profile"
        ))
    })
}
