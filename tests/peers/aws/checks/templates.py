"""Our own templates, of every golden manifest: deployed, really there by each service's own word, and really gone."""

import base64
import hashlib
import json
import pathlib
import re
import sys

import aws

_CERTIFICATE = re.compile(r"arn:aws:acm:us-east-1:\d+:certificate/[0-9a-f-]+")
_WEB_ACL = re.compile(r"arn:aws:wafv2:us-east-1:\d+:global/webacl/[a-z]+/[0-9a-f-]+")
# How the golden digests of the functions' zips begin.
_MADE_UP = {"authorizer": "qq", "signer": "VV", "reader": "d3"}
_ZONE = "Z0123456789ABCDEFGHIJ"


def main(golden):
    aws.control("POST", "settings", {"step": 0})
    seen = set()
    for directory in sorted(pathlib.Path(golden).iterdir()):
        if (directory / "plan.json").exists():
            seen |= round_trip(directory)
    wanted = {"AWS::CloudFront::Distribution", "AWS::Logs::Delivery", "AWS::Lambda::Version", "AWS::S3::Bucket"}
    assert wanted <= seen, seen


def round_trip(directory):
    """A plan's stages in their order, each with what those before it put out; and back."""
    plan = json.loads((directory / "plan.json").read_text())
    stages = [stage(directory, described) for described in plan["stages"]]
    buckets = {of["region"]: bucket_in(of["region"], directory.name) for of in stages}
    before = inventory()
    names = [name for of in stages for listed in re.findall(r'"Aliases": \[([^\]]*)\]', of["template"])
             for name in re.findall(r'"([^"]+)"', listed)]
    outputs, seen = {}, set()
    for of in stages:
        bucket = buckets[of["region"]]
        template = json.loads(with_services(with_code(of["template"], bucket, of["region"]), names))
        values = {key: bucket if source["source"] == "artifactBucket" else outputs[source["stage"]][source["output"]]
                  for key, source in of["parameters"].items()}
        made = aws.deploy(of["name"], template, region=of["region"], Parameters=parameters(values))
        assert made["StackStatus"] == "CREATE_COMPLETE", (directory.name, aws.events(of["name"], of["region"]))
        of["id"] = made["StackId"]
        outputs[of["stage"]] = {output["OutputKey"]: output["OutputValue"] for output in made.get("Outputs", [])}
        stack = aws.client("cloudformation", of["region"]).describe_stack_resources(StackName=of["name"])
        for resource in stack["StackResources"]:
            there(resource, of["region"])
            seen.add(resource["ResourceType"])
        again = aws.change_set(of["name"], template, "UPDATE", "again", of["region"], Parameters=parameters(values))
        assert again["Status"] == "FAILED", (directory.name, of["stage"], again["Changes"])
    for of in reversed(stages):
        gone = aws.delete(of["id"], of["region"])
        assert gone["StackStatus"] == "DELETE_COMPLETE", aws.events(of["id"], of["region"])
    left = [entry for entry in inventory() if entry not in before]
    # What the check brought along, and what is to be kept: logs, and the key that they are encrypted with.
    assert all(entry[0] in ("s3", "kms", "acm", "waf", "route53") for entry in left), (directory.name, left)
    return seen


def stage(directory, described):
    return {"stage": described["name"], "name": described["stackName"], "region": described["region"],
            "parameters": described["parameters"], "template": (directory / described["template"]).read_text()}


def bucket_in(region, name):
    """Lambda takes a zip from its own Region."""
    bucket = f"{name}-{aws.ACCOUNT}-{region}"
    elsewhere = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    aws.client("s3", region).create_bucket(Bucket=bucket, **elsewhere)
    return bucket


def parameters(values):
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]


def inventory():
    return [(entry["service"], entry["kind"], entry["id"]) for entry in aws.control("GET", "inventory")]


def with_code(template, bucket, region):
    """Golden files have made-up digests: real zips take their place."""
    for key in re.findall(r'"S3Key": "([^"]+)"', template):
        zipped = aws.archive(f"# {key}")
        aws.client("s3", region).put_object(Bucket=bucket, Key=key, Body=zipped)
        digest = base64.b64encode(hashlib.sha256(zipped).digest()).decode()
        made_up = next(text for name, text in _MADE_UP.items() if f"/{name}-" in key)
        template = re.sub(rf'"CodeSha256": "(?:{made_up}){{10}}[^"]*"', f'"CodeSha256": "{digest}"', template)
    return template


def with_services(template, names):
    """What a user brings along: a certificate, a web ACL, a hosted zone."""
    for arn in set(_CERTIFICATE.findall(template)):
        made = aws.client("acm").request_certificate(DomainName=names[0], SubjectAlternativeNames=names)
        template = template.replace(arn, made["CertificateArn"])
    for arn in set(_WEB_ACL.findall(template)):
        visibility = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "m"}
        made = aws.client("wafv2").create_web_acl(
            Name=f"acl-{len(inventory())}", Scope="CLOUDFRONT", DefaultAction={"Allow": {}}, VisibilityConfig=visibility)
        template = template.replace(arn, made["Summary"]["ARN"])
    if _ZONE in template:
        made = aws.client("route53").create_hosted_zone(Name="example.org", CallerReference=str(len(inventory())))
        template = template.replace(_ZONE, made["HostedZone"]["Id"].rpartition("/")[2])
    return template


def there(resource, region):
    """Asks the service itself."""
    physical_id = resource["PhysicalResourceId"]
    check = _CHECKS.get(resource["ResourceType"])
    assert check, f"nobody looks whether {resource['ResourceType']} is there"
    check(physical_id, region)


def _bucket(name, region):
    s3 = aws.client("s3", region)
    rules = s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]["Rules"]
    assert rules == [{"ObjectOwnership": "BucketOwnerEnforced"}], rules
    assert s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"][0]["AbortIncompleteMultipartUpload"]
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    assert s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]["BlockPublicAcls"]
    rule = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] in ("AES256", "aws:kms"), rule
    tags = {tag["Key"] for tag in s3.get_bucket_tagging(Bucket=name)["TagSet"]}
    assert "aws:cloudformation:stack-name" in tags, tags


def _distribution(distribution, _):
    config = aws.client("cloudfront").get_distribution_config(Id=distribution)["DistributionConfig"]
    assert all(origin["CustomOriginConfig"]["HTTPSPort"] == 443 for origin in config["Origins"]["Items"]), config
    behaviors = [config["DefaultCacheBehavior"], *config["CacheBehaviors"].get("Items", [])]
    assert any(behavior["LambdaFunctionAssociations"]["Quantity"] for behavior in behaviors)


def _records(name, _):
    zones = aws.client("route53").list_hosted_zones()["HostedZones"]
    found = [aws.client("route53").list_resource_record_sets(HostedZoneId=zone["Id"]) for zone in zones]
    assert any(r["Name"].rstrip(".") == name.rstrip(".") for zone in found for r in zone["ResourceRecordSets"]), name


def _version(arn, region):
    assert aws.client("lambda", region).get_function(FunctionName=arn)["Configuration"]["FunctionArn"] == arn


def _log_group(name, region):
    groups = aws.client("logs", region).describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    assert [group["logGroupName"] for group in groups] == [name]


def _url(target, region):
    function, _, alias = target.partition(":")
    config = aws.client("lambda", region).get_function_url_config(FunctionName=function, Qualifier=alias)
    assert (config["AuthType"], config["InvokeMode"]) == ("AWS_IAM", "RESPONSE_STREAM"), config


def _permission(statement, region):
    functions = aws.client("lambda", region).list_functions()["Functions"]
    names = [function["FunctionName"] for function in functions if function["FunctionName"].endswith("-reader")]
    policies = [aws.client("lambda", region).get_policy(FunctionName=name, Qualifier="live")["Policy"]
                for name in names]
    assert any(one["Sid"] == statement for policy in policies for one in json.loads(policy)["Statement"]), statement


def _alias(arn, region):
    function, _, name = arn.partition(":function:")[2].partition(":")
    lambda_ = aws.client("lambda", region)
    version = lambda_.get_alias(FunctionName=function, Name=name)["FunctionVersion"]
    assert version.isdecimal(), version
    _version(f"{arn.removesuffix(name)}{version}", region)


_CHECKS = {
    "AWS::Lambda::Alias": _alias,
    "AWS::Lambda::Url": _url,
    "AWS::Lambda::Permission": _permission,
    "AWS::S3::Bucket": _bucket,
    "AWS::S3::BucketPolicy": lambda name, region: aws.client("s3", region).get_bucket_policy(
        Bucket=name.removesuffix("-policy")),
    "AWS::CloudFront::Distribution": _distribution,
    "AWS::CloudFront::CachePolicy": lambda id_, _: aws.client("cloudfront").get_cache_policy(Id=id_),
    "AWS::CloudFront::OriginRequestPolicy": lambda id_, _: aws.client("cloudfront").get_origin_request_policy(Id=id_),
    "AWS::CloudFront::ResponseHeadersPolicy": lambda id_, _: aws.client("cloudfront").get_response_headers_policy(Id=id_),
    "AWS::CloudWatch::Alarm": lambda name, region: aws.client("cloudwatch", region).describe_alarms(
        AlarmNames=[name])["MetricAlarms"][0],
    "AWS::IAM::ManagedPolicy": lambda arn, _: aws.client("iam").get_policy(PolicyArn=arn),
    "AWS::IAM::Role": lambda name, _: aws.client("iam").get_role(RoleName=name),
    "AWS::KMS::Key": lambda id_, region: aws.client("kms", region).describe_key(KeyId=id_),
    "AWS::Lambda::Function": lambda name, region: aws.client("lambda", region).get_function(FunctionName=name),
    "AWS::Lambda::Version": _version,
    "AWS::Logs::LogGroup": _log_group,
    "AWS::Logs::DeliverySource": lambda name, region: aws.client("logs", region).get_delivery_source(name=name),
    "AWS::Logs::DeliveryDestination": lambda name, region: aws.client("logs", region).get_delivery_destination(name=name),
    "AWS::Logs::Delivery": lambda id_, region: aws.client("logs", region).get_delivery(id=id_),
    "AWS::Route53::RecordSet": _records,
    "AWS::CertificateManager::Certificate": lambda arn, region: aws.client("acm", region).describe_certificate(
        CertificateArn=arn),
    "AWS::WAFv2::LoggingConfiguration": lambda arn, region: aws.client("wafv2", region).get_logging_configuration(
        ResourceArn=arn),
    "AWS::WAFv2::WebACL": lambda id_, region: aws.client("wafv2", region).get_web_acl(
        Name=id_.split("|")[0], Id=id_.split("|")[1], Scope="CLOUDFRONT"),
}

main(sys.argv[1])
