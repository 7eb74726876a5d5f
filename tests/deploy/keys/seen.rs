//! What the services say of a deployment.

use super::{Furniture, Stand};
use crate::deploy::base64_of;
use crate::deploy::history::records_in;
use serde_json::{Value, json};
use std::io::Read;

pub struct Seen<'a> {
    stand: &'a Stand,
    furniture: Option<&'a Furniture>,
    distribution: String,
}

/// What a pointer leads to; null where there is nothing.
pub fn at(value: &Value, pointer: &str) -> Value {
    value.pointer(pointer).cloned().unwrap_or(Value::Null)
}

/// The items of one of CloudFront's lists; empty where it isn't set.
pub fn items(list: &Value) -> Value {
    list.get("Items").cloned().unwrap_or(json!([]))
}

impl<'a> Seen<'a> {
    pub fn new(stand: &'a Stand, closing: &Value, furniture: Option<&'a Furniture>) -> Self {
        let id = &closing["result"]["distributionId"];
        let distribution = id.as_str().unwrap().to_owned();
        Self {
            stand,
            furniture,
            distribution,
        }
    }

    /// What a word of the table stands for.
    pub fn word(&self, text: &str) -> Value {
        let furniture = self.furniture.unwrap();
        json!(furniture.furnished(text))
    }

    pub fn ask(&self, service: &str, operation: &str, parameters: Value) -> Value {
        self.stand.account.call(service, operation, parameters)
    }

    /// Of the distribution.
    pub fn config(&self) -> Value {
        let asked = json!({"Id": self.distribution});
        let answer = self.ask("cloudfront", "GetDistributionConfig", asked);
        answer["DistributionConfig"].clone()
    }

    /// Tags of what has an ARN, with CloudFormation's own left out.
    pub fn tag_of_distribution(&self, key: &str) -> Value {
        let account = self.stand.account.number();
        let arn = format!(
            "arn:aws:cloudfront::{account}:distribution/{}",
            self.distribution
        );
        let tags = self.ask(
            "cloudfront",
            "ListTagsForResource",
            json!({"Resource": arn}),
        );
        let tags = items(&tags["Tags"]);
        let found = tags
            .as_array()
            .unwrap()
            .iter()
            .find(|tag| tag["Key"] == key);
        found.map_or(Value::Null, |tag| tag["Value"].clone())
    }

    /// The ids of the origins and their domain names.
    pub fn origins(&self) -> Value {
        let origins = items(&self.config()["Origins"]);
        let origins = origins.as_array().unwrap().iter();
        origins.map(|origin| origin["DomainName"].clone()).collect()
    }

    pub fn paths(&self) -> Value {
        let behaviors = items(&self.config()["CacheBehaviors"]);
        let behaviors = behaviors.as_array().unwrap().iter();
        behaviors.map(|b| b["PathPattern"].clone()).collect()
    }

    /// The cache policy of the path that comes first.
    pub fn cache_policy(&self) -> Value {
        let id = at(&self.config(), "/CacheBehaviors/Items/0/CachePolicyId");
        if id.is_null() {
            return id;
        }
        let answer = self.ask("cloudfront", "GetCachePolicy", json!({"Id": id}));
        answer["CachePolicy"]["CachePolicyConfig"].clone()
    }

    pub fn response_headers(&self) -> Value {
        let id = at(
            &self.config(),
            "/DefaultCacheBehavior/ResponseHeadersPolicyId",
        );
        let answer = self.ask("cloudfront", "GetResponseHeadersPolicy", json!({"Id": id}));
        answer["ResponseHeadersPolicy"]["ResponseHeadersPolicyConfig"].clone()
    }

    /// What the default behavior's policy says in a header of no section of its own.
    pub fn sent_with(&self, header: &str) -> Value {
        let custom = items(&self.response_headers()["CustomHeadersConfig"]);
        let custom = custom.as_array().unwrap();
        let found = custom.iter().find(|item| item["Header"] == header);
        found.map_or(Value::Null, |item| item["Value"].clone())
    }

    /// The distribution's web ACL.
    pub fn web_acl(&self) -> Value {
        let config = self.config();
        let Some(arn) = config["WebACLId"].as_str().filter(|arn| !arn.is_empty()) else {
            return Value::Null;
        };
        let segments: Vec<&str> = arn.rsplit('/').collect();
        let asked = json!({"Scope": "CLOUDFRONT", "Id": segments[0], "Name": segments[1]});
        self.ask("wafv2", "GetWebACL", asked)["WebACL"].clone()
    }

    /// The names of all web ACLs of the account.
    pub fn web_acls(&self) -> Value {
        let answer = self.ask("wafv2", "ListWebACLs", json!({"Scope": "CLOUDFRONT"}));
        let acls = answer["WebACLs"].as_array().unwrap().iter();
        let mut names: Vec<Value> = acls.map(|acl| acl["Name"].clone()).collect();
        names.sort_by_key(ToString::to_string);
        json!(names)
    }

    /// The distribution's certificate.
    pub fn certificate(&self) -> Value {
        let arn = at(&self.config(), "/ViewerCertificate/ACMCertificateArn");
        if arn.is_null() {
            return arn;
        }
        let asked = json!({"CertificateArn": arn});
        self.ask("acm", "DescribeCertificate", asked)["Certificate"].clone()
    }

    /// `frames.example.org. A`, of all that points at the distribution.
    pub fn records(&self) -> Value {
        let domain = self.stand.distribution(&self.distribution)["DomainName"].clone();
        let domain = domain.as_str().unwrap();
        let zones = self.ask("route53", "ListHostedZones", json!({}));
        let zone = json!({"HostedZoneId": zones["HostedZones"][0]["Id"]});
        let sets = self.ask("route53", "ListResourceRecordSets", zone);
        let sets = sets["ResourceRecordSets"].as_array().unwrap().iter();
        let ours = sets.filter(|set| {
            let target = set["AliasTarget"]["DNSName"].as_str().unwrap_or_default();
            target.trim_end_matches('.') == domain
        });
        let mut names: Vec<String> = ours
            .map(|set| {
                format!(
                    "{} {}",
                    set["Name"].as_str().unwrap(),
                    set["Type"].as_str().unwrap()
                )
            })
            .collect();
        names.sort();
        json!(names)
    }

    /// The function whose version the distribution runs.
    fn version(&self, function: &str) -> Value {
        let associations = &self.config()["DefaultCacheBehavior"]["LambdaFunctionAssociations"];
        let associations = items(associations);
        let ours = format!(":heart-dev-{function}:");
        let arns = associations.as_array().unwrap().iter();
        let arn = arns
            .map(|association| association["LambdaFunctionARN"].as_str().unwrap())
            .find(|arn| arn.contains(&ours));
        self.ask(
            "lambda",
            "GetFunction",
            json!({"FunctionName": arn.unwrap()}),
        )
    }

    pub fn function(&self, function: &str) -> Value {
        let name = format!("heart-dev-{function}");
        self.ask("lambda", "GetFunction", json!({"FunctionName": name}))
    }

    /// `config.json` in the zip that Lambda has.
    pub fn decides(&self, function: &str) -> Value {
        serde_json::from_str(&self.packaged(function, "config.json").unwrap()).unwrap()
    }

    /// How `index.py` is told to start the program.
    pub fn launch(&self, function: &str) -> Value {
        json!(self.packaged(function, "launch"))
    }

    /// A file in the zip that Lambda has: the one with Lambda's own hash.
    fn packaged(&self, function: &str, name: &str) -> Option<String> {
        let code = self.version(function)["Configuration"]["CodeSha256"].clone();
        let plan = self.stand.plan("dev");
        let mut artifacts = plan["stages"][0]["artifacts"].as_array().unwrap().iter();
        let artifact = artifacts.find(|a| code == base64_of(a["sha256"].as_str().unwrap()));
        let file = artifact.unwrap_or_else(|| panic!("{code} isn't in {plan:#}"))["file"].clone();
        let zip = self.stand.project.output(file.as_str().unwrap());
        let mut zip = zip::ZipArchive::new(std::fs::File::open(zip).unwrap()).unwrap();
        let mut text = String::new();
        zip.by_name(name).ok()?.read_to_string(&mut text).unwrap();
        Some(text)
    }

    pub fn role(&self, function: &str) -> Value {
        let name = self.role_name(function);
        self.ask("iam", "GetRole", json!({"RoleName": name}))["Role"].clone()
    }

    fn role_name(&self, function: &str) -> String {
        let arn = self.version(function)["Configuration"]["Role"].clone();
        arn.as_str().unwrap().rsplit('/').next().unwrap().to_owned()
    }

    fn policies(&self, function: &str) -> Vec<Value> {
        let role = json!({"RoleName": self.role_name(function)});
        let attached = self.ask("iam", "ListAttachedRolePolicies", role);
        let attached = attached["AttachedPolicies"].as_array().unwrap().iter();
        attached
            .map(|policy| {
                let asked = json!({"PolicyArn": policy["PolicyArn"]});
                self.ask("iam", "GetPolicy", asked)["Policy"].clone()
            })
            .collect()
    }

    /// The paths of a role and its policies.
    pub fn iam_paths(&self, function: &str) -> Value {
        let role = self.role(function)["Path"].clone();
        let policies = self.policies(function);
        let paths = policies.iter().map(|policy| policy["Path"].clone());
        std::iter::once(role).chain(paths).collect()
    }

    /// All that a role allows, by the statement's id.
    pub fn statements(&self, function: &str) -> Value {
        let mut found = serde_json::Map::new();
        for policy in self.policies(function) {
            let asked =
                json!({"PolicyArn": policy["Arn"], "VersionId": policy["DefaultVersionId"]});
            let version = self.ask("iam", "GetPolicyVersion", asked);
            for statement in version["PolicyVersion"]["Document"]["Statement"]
                .as_array()
                .unwrap()
            {
                found.insert(
                    statement["Sid"].as_str().unwrap().to_owned(),
                    statement.clone(),
                );
            }
        }
        Value::Object(found)
    }

    /// The ids of the statements.
    pub fn sids(&self, function: &str) -> Value {
        let statements = self.statements(function);
        statements.as_object().unwrap().keys().cloned().collect()
    }

    /// `key` of each log group of the deployment.
    pub fn log_groups(&self, key: &str) -> Value {
        let groups = self.ask("logs", "DescribeLogGroups", json!({}));
        let groups = groups["logGroups"].as_array().unwrap().iter();
        groups.map(|group| group[key].clone()).collect()
    }

    /// The one place that access logs go to.
    pub fn destination(&self) -> Value {
        let all = self.ask("logs", "DescribeDeliveryDestinations", json!({}));
        let all = all["deliveryDestinations"].as_array().unwrap();
        assert!(all.len() <= 1, "{all:#?}");
        all.first().cloned().unwrap_or(Value::Null)
    }

    /// The form of the access logs' keys: what follows the bucket in the destination's
    /// ARN, else what AWS puts in its place, and then the suffix path.
    pub fn log_keys(&self) -> Value {
        let to = &self.destination()["deliveryDestinationConfiguration"];
        let arn = to["destinationResourceArn"].as_str().unwrap();
        let prefix = arn.split_once('/').map(|(_, prefix)| prefix);
        let prefix = prefix.unwrap_or("AWSLogs/<account>/CloudFront");
        let suffix = at(&self.delivery(), "/s3DeliveryConfiguration/suffixPath");
        json!(format!("{prefix}/{}", suffix.as_str().unwrap()))
    }

    fn delivery(&self) -> Value {
        let all = self.ask("logs", "DescribeDeliveries", json!({}));
        let all = all["deliveries"].as_array().unwrap();
        assert!(all.len() <= 1, "{all:#?}");
        all.first().cloned().unwrap_or(Value::Null)
    }

    pub fn sources(&self) -> Value {
        let all = self.ask("logs", "DescribeDeliverySources", json!({}));
        let all = all["deliverySources"].as_array().unwrap().iter();
        all.map(|source| source["name"].clone()).collect()
    }

    /// Asks about the bucket of the access logs.
    pub fn log_bucket(&self, operation: &str) -> Value {
        let arn = self.destination()["deliveryDestinationConfiguration"]["destinationResourceArn"]
            .clone();
        let name = arn.as_str().unwrap().rsplit(':').next().unwrap();
        let bucket = name.split('/').next().unwrap();
        let asked = json!({"Bucket": bucket});
        let answer = self
            .stand
            .account
            .try_call("us-east-1", "s3", operation, asked);
        answer.unwrap_or_else(|(code, _)| json!(code))
    }

    /// How many zips lie there.
    pub fn zips(&self, bucket: &str) -> Value {
        let objects = self.ask("s3", "ListObjectsV2", json!({"Bucket": bucket}));
        let objects = objects["Contents"].as_array().into_iter().flatten();
        let keys = objects.filter_map(|object| object["Key"].as_str());
        json!(keys.filter(|key| key.ends_with(".zip")).count())
    }

    /// How many deployments the newest record asks to keep.
    pub fn kept(&self) -> Value {
        let bucket = self.stand.plan("dev")["artifactBucket"]
            .as_str()
            .unwrap()
            .to_owned();
        let bucket = match bucket.as_str() {
            "managed" => self.stand.managed_bucket(),
            _ => bucket,
        };
        let records = records_in(self.stand, &bucket);
        records.last().unwrap().1["plan"]["keep"].clone()
    }

    pub fn zips_of_ones_own(&self) -> Value {
        self.zips(&format!("zips-{}", self.stand.account.number()))
    }

    /// The names of alarms, with whom they tell.
    pub fn alarms(&self) -> Value {
        let alarms = self.ask("cloudwatch", "DescribeAlarms", json!({}));
        let alarms = alarms["MetricAlarms"].as_array().unwrap().iter();
        let told = alarms.map(|alarm| {
            assert_eq!(alarm["Dimensions"][0]["Value"], *self.distribution);
            assert_eq!(alarm["AlarmActions"], alarm["OKActions"]);
            let name = alarm["AlarmName"].as_str().unwrap().to_owned();
            (name, alarm["AlarmActions"].clone())
        });
        Value::Object(told.collect())
    }

    /// Of both stacks.
    pub fn protected(&self) -> Value {
        ["heart-dev-lambda-edge", "heart-dev-cdn"]
            .map(|stack| self.stand.stack(stack)["EnableTerminationProtection"].clone())
            .to_vec()
            .into()
    }
}
