"""What CloudFormation finds gone: MiniStack looks at fewer of the types that frames has than AWS does. Whether a resource
is there is all that is looked at here; its properties aren't compared."""

from accounts import account
from seam import acm, cloudfront, cloudwatch, cloudwatch_logs, drift, iam, kms, lambda_svc, responses, s3, waf

# By type: the store that has a resource under its physical id.
_STORES = {
    "AWS::CertificateManager::Certificate": lambda: acm.certificates,
    "AWS::CloudFront::CachePolicy": lambda: cloudfront.cache_policies,
    "AWS::CloudFront::Distribution": lambda: cloudfront.distributions,
    "AWS::CloudFront::OriginRequestPolicy": lambda: cloudfront.origin_request_policies,
    "AWS::CloudFront::ResponseHeadersPolicy": lambda: cloudfront.response_headers_policies,
    "AWS::CloudWatch::Alarm": lambda: cloudwatch.alarms,
    "AWS::IAM::ManagedPolicy": lambda: iam.policies,
    "AWS::Lambda::Url": lambda: lambda_svc.function_urls,
    "AWS::Logs::Delivery": lambda: cloudwatch_logs.deliveries,
    "AWS::Logs::DeliveryDestination": lambda: cloudwatch_logs.delivery_destinations,
    "AWS::Logs::DeliverySource": lambda: cloudwatch_logs.delivery_sources,
}


def install():
    for resource_type, store in _STORES.items():
        drift.DRIFT_READERS[resource_type] = (_exists(store), frozenset())
    for resource_type, reader in {
        "AWS::KMS::Key": _key,
        "AWS::Lambda::Alias": _alias,
        "AWS::Lambda::Permission": _permission,
        "AWS::S3::BucketPolicy": _bucket_policy,
        "AWS::WAFv2::LoggingConfiguration": _logging,
        "AWS::WAFv2::WebACL": _web_acl,
    }.items():
        drift.DRIFT_READERS[resource_type] = (reader, frozenset())
    for resource_type, (reader, supported) in list(drift.DRIFT_READERS.items()):
        drift.DRIFT_READERS[resource_type] = (_failing(resource_type, reader), supported)


def _failing(resource_type, reader):
    """A failure of the action DETECT: the resource is UNKNOWN, and the detection ends DETECTION_FAILED."""

    def read(physical_id, properties):
        of = account(responses.get_account_id())
        # One that names no action is about steps of stacks.
        if any(failure.get("action") == "DETECT" for failure in of.settings["failures"]):
            reason = of.failure("DETECT", resource_type, physical_id)
            if reason:
                raise RuntimeError(reason)
        return reader(physical_id, properties)

    return read


def _exists(store):
    return lambda physical_id, _: {} if physical_id in store() else None


def _alias(arn, _):
    function, _, name = arn.partition(":function:")[2].partition(":")
    return {} if name in lambda_svc.functions.get(function, {}).get("aliases", {}) else None


def _bucket_policy(_, properties):
    return {} if properties.get("Bucket") in s3.bucket_policies else None


def _permission(physical_id, properties):
    """A statement of the policy of a function or of its alias, by its id."""
    name = str(properties.get("FunctionName")).rpartition(":function:")[2].partition(":")[0]
    function = lambda_svc.functions.get(name)
    statements = function["policy"]["Statement"] if function else []
    return {} if any(statement["Sid"] == physical_id for statement in statements) else None


def _logging(_, properties):
    return {} if properties.get("ResourceArn") in waf.logging_configurations else None


def _web_acl(physical_id, _):
    """Its name, id and scope."""
    wanted = physical_id.split("|")[1]
    return {} if any(acl["Id"] == wanted for acl in waf.web_acls.values()) else None


def _key(physical_id, _):
    """A key whose deletion is scheduled can't be used any more: AWS's handler calls it gone."""
    key = kms.keys.get(physical_id)
    return {} if key and key.get("KeyState") != "PendingDeletion" else None
