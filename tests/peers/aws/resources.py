"""Resources of our templates that MiniStack's CloudFormation makes in part or not at all: buckets with all their
settings, log deliveries; and refusals that it leaves out."""

import base64
import hashlib
import json
import re
from xml.etree.ElementTree import Element, SubElement, tostring

from resource_handlers import HandlerError, add, checked, replaces, wrap
from seam import cloudfront, cloudwatch_logs, iam, lambda_svc, provisioners, responses, s3


def install():
    for kind, (store, config) in _POLICIES.items():
        wrap(f"CloudFront::{kind}", "create", _named_once(kind, store, config))
    for action in ("create", "update"):
        wrap("S3::Bucket", action, _bucket_step)
    wrap("S3::Bucket", "delete", _bucket_delete)
    provisioners.replace("physical_name", _name_of_region)
    wrap("IAM::Role", "create", _role_create)
    wrap("IAM::Role", "update", _role_update)
    wrap("Lambda::Function", "create", _function_create)
    wrap("Lambda::Function", "update", _function_update)
    wrap("Lambda::Version", "create", _version_create)
    for kind in ("S3::Bucket", "Logs::DeliverySource", "Logs::DeliveryDestination", "Logs::Delivery", "WAFv2::WebACL"):
        provisioners.STACK_TAG_PROPERTY.setdefault(f"AWS::{kind}", ("Tags", "list"))
    for kind, properties in _CREATE_ONLY.items():
        replaces(kind, *properties)
    provisioners.CUSTOM_NAME_REPLACEMENT["AWS::Logs::DeliveryDestination"] = {"name": "Name"}
    _install_deliveries()


# From AWS's resource schemas. Where MiniStack has no list, a change set calls every change conditional.
_CREATE_ONLY = {
    "CloudFront::CachePolicy": (),
    "CloudFront::Distribution": (),
    "CloudFront::OriginRequestPolicy": (),
    "CloudFront::ResponseHeadersPolicy": (),
    "CloudWatch::Alarm": ("AlarmName",),
    "CloudWatch::Dashboard": ("DashboardName",),
    "Lambda::Alias": ("Name", "FunctionName"),
    "Lambda::Permission": (
        "Action", "EventSourceToken", "FunctionName", "FunctionUrlAuthType", "InvokedViaFunctionUrl", "Principal",
        "PrincipalOrgID", "SourceAccount", "SourceArn"),
    "Lambda::Url": ("TargetFunctionArn", "Qualifier"),
    "Lambda::Version": ("FunctionName", "Description", "CodeSha256", "ProvisionedConcurrencyConfig", "RuntimePolicy"),
    "Logs::Delivery": ("DeliverySourceName", "DeliveryDestinationArn"),
    "Logs::DeliveryDestination": ("Name", "OutputFormat", "DestinationResourceArn", "DeliveryDestinationType"),
    "Logs::DeliverySource": ("Name",),
    "Logs::LogGroup": ("LogGroupName",),
    "Logs::MetricFilter": ("FilterName", "LogGroupName"),
    "Route53::RecordSet": ("Name", "HostedZoneName", "HostedZoneId"),
    "S3::Bucket": ("BucketName", "BucketNamePrefix", "BucketNamespace"),
    "S3::BucketPolicy": ("Bucket",),
}


# CloudFront's policies, whose names are unique within an account.

_POLICIES = {
    "CachePolicy": (cloudfront.cache_policies, "CachePolicyConfig"),
    "OriginRequestPolicy": (cloudfront.origin_request_policies, "OriginRequestPolicyConfig"),
    "ResponseHeadersPolicy": (cloudfront.response_headers_policies, "ResponseHeadersPolicyConfig"),
}


def _named_once(kind, store, config):
    def around(original):
        def create(logical_id, properties, stack_name):
            name = properties[config]["Name"]
            if any(policy["Config"]["Name"] == name for policy in store.values()):
                raise HandlerError(
                    f"AWS::CloudFront::{kind} '{name}' already exists.", "AlreadyExists", "CloudFront", 409)
            return original(logical_id, properties, stack_name)

        return create

    return around


# Buckets.


def _bucket_step(original):
    def step(name, *arguments):
        old, new = ({}, arguments[0]) if len(arguments) == 2 else arguments[:2]
        made = original(name, *arguments)
        for prop, to_xml, put, remove in _SETTINGS:
            if new.get(prop):
                checked(put(made[0], to_xml(new[prop])), "S3")
            elif old.get(prop):
                checked(remove(made[0]), "S3")
        if (new.get("VersioningConfiguration") or {}).get("Status") == "Suspended":
            s3.bucket_versioning[made[0]] = "Suspended"
        return made

    return step


def _bucket_delete(original):
    def delete(name, properties):
        if name in s3.buckets:
            checked(s3.delete_bucket(name), "S3", "GeneralServiceException")

    return delete


def _element(tag, *children):
    element = Element(tag)
    for child in children:
        element.append(child)
    return element


def _text(tag, value):
    element = Element(tag)
    element.text = str(value).lower() if isinstance(value, bool) else str(value)
    return element


def _document(element):
    element.set("xmlns", s3.S3_NS)
    return tostring(element)


def _encryption(config):
    root = Element("ServerSideEncryptionConfiguration")
    for rule in config["ServerSideEncryptionConfiguration"]:
        default = rule.get("ServerSideEncryptionByDefault", {})
        element = SubElement(root, "Rule")
        element.append(_element("ApplyServerSideEncryptionByDefault", *(_text(k, v) for k, v in default.items())))
        if "BucketKeyEnabled" in rule:
            element.append(_text("BucketKeyEnabled", rule["BucketKeyEnabled"]))
    return _document(root)


def _ownership(config):
    rules = (_element("Rule", _text("ObjectOwnership", rule["ObjectOwnership"])) for rule in config["Rules"])
    return _document(_element("OwnershipControls", *rules))


def _lifecycle(config):
    root = Element("LifecycleConfiguration")
    for rule in config["Rules"]:
        element = SubElement(root, "Rule")
        if "Id" in rule:
            element.append(_text("ID", rule["Id"]))
        element.append(_element("Filter", _text("Prefix", rule.get("Prefix", ""))))
        element.append(_text("Status", rule["Status"]))
        if "ExpirationInDays" in rule:
            element.append(_element("Expiration", _text("Days", rule["ExpirationInDays"])))
        elif "ExpiredObjectDeleteMarker" in rule:
            element.append(
                _element("Expiration", _text("ExpiredObjectDeleteMarker", rule["ExpiredObjectDeleteMarker"])))
        for name in ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"):
            if name in rule:
                element.append(_element(name, *(_text(k, v) for k, v in rule[name].items())))
        for transition in rule.get("Transitions", []):
            days, storage = transition["TransitionInDays"], transition["StorageClass"]
            element.append(_element("Transition", _text("Days", days), _text("StorageClass", storage)))
    return _document(root)


def _object_lock(config):
    root = _element("ObjectLockConfiguration", _text("ObjectLockEnabled", config.get("ObjectLockEnabled", "Enabled")))
    retention = (config.get("Rule") or {}).get("DefaultRetention")
    if retention:
        root.append(_element("Rule", _element("DefaultRetention", *(_text(k, v) for k, v in retention.items()))))
    return _document(root)


def _unlock(bucket):
    """Object Lock stays once it is on; what goes is the retention that new objects get."""
    return s3.put_object_lock_configuration(bucket, _object_lock({}))


def _tagging(tags):
    items = (_element("Tag", _text("Key", tag["Key"]), _text("Value", tag["Value"])) for tag in tags)
    return _document(_element("Tagging", _element("TagSet", *items)))


_SETTINGS = (
    ("BucketEncryption", _encryption, s3.put_bucket_encryption, s3.delete_bucket_encryption),
    ("OwnershipControls", _ownership, s3.put_bucket_ownership_controls, s3.delete_bucket_ownership_controls),
    ("LifecycleConfiguration", _lifecycle, s3.put_bucket_lifecycle, s3.delete_bucket_lifecycle),
    ("ObjectLockConfiguration", _object_lock, s3.put_object_lock_configuration, _unlock),
    ("Tags", _tagging, s3.put_bucket_tagging, s3.delete_bucket_tagging),
)


# Names that CloudFormation makes up. Roles and policies are in no Region: two stacks of one name have different ones.

_RANDOM = 13


def _name_of_region(original):
    def physical_name(stack_name, logical_id, **options):
        name = original(stack_name, logical_id, **options)
        if responses.get_region() == "us-east-1":
            return name
        end = hashlib.sha256(f"{responses.get_region()} {name}".encode()).hexdigest()[:_RANDOM]
        return name[:-_RANDOM] + (end if options.get("lowercase") else end.upper())

    return physical_name


# Roles, whose boundary it leaves out.


def _bounded(name, properties):
    boundary = properties.get("PermissionsBoundary")
    if boundary:
        parameters = {"RoleName": [name], "PermissionsBoundary": [boundary]}
        checked(iam.put_role_permissions_boundary(parameters), "Iam")
    else:
        iam.roles[name]["PermissionsBoundary"] = None


def _role_create(original):
    def create(logical_id, properties, stack_name):
        made = original(logical_id, properties, stack_name)
        _bounded(made[0], properties)
        return made

    return create


def _role_update(original):
    def update(physical_id, old, new, *rest):
        made = original(physical_id, old, new, *rest)
        _bounded(made[0], new)
        return made

    return update


# Functions.


def _code_of(properties):
    code = properties.get("Code", {})
    if not code.get("S3Bucket"):
        return
    bucket, key = code["S3Bucket"], code.get("S3Key")
    if s3.bucket_owner_account(bucket) is None:
        missing = "NoSuchBucket", "The specified bucket does not exist"
    elif s3.bucket_region(bucket) != responses.get_region():
        missing = "PermanentRedirect", "The bucket is in this region: " + s3.bucket_region(bucket)
    elif lambda_svc.fetch_code_from_s3(bucket, key, version_id=code.get("S3ObjectVersion")) is None:
        missing = "NoSuchKey", "The specified key does not exist."
    else:
        return
    raise HandlerError(
        f"Error occurred while GetObject. S3 Error Code: {missing[0]}. S3 Error Message: {missing[1]}",
        "InvalidRequest", "Lambda")


def _function_create(original):
    def create(logical_id, properties, stack_name):
        name = properties.get("FunctionName")
        if name and name in lambda_svc.functions:
            raise HandlerError(f"Function already exist: {name}", "AlreadyExists", "Lambda", 409)
        _code_of(properties)
        return original(logical_id, properties, stack_name)

    return create


def _function_update(original):
    def update(physical_id, old, new, *rest):
        _code_of(new)
        return original(physical_id, old, new, *rest)

    return update


def _version_create(original):
    def create(logical_id, properties, stack_name):
        function, name = provisioners.lambda_version_function(properties)
        if function is None:
            raise HandlerError(
                f"Function not found: arn:aws:lambda:{responses.get_region()}:{responses.get_account_id()}:function:{name}",
                "NotFound", "Lambda", 404)
        wanted = properties.get("CodeSha256")
        actual = base64.b64encode(hashlib.sha256(function.get("code_zip") or b"").digest()).decode()
        if wanted and wanted != actual:
            raise HandlerError(
                f"CodeSHA256 ({wanted}) is different from current CodeSHA256 in $LATEST ({actual}). "
                "Please try again with the CodeSHA256 in $LATEST.", "InvalidRequest", "Lambda")
        return original(logical_id, properties, stack_name)

    return create


# Log deliveries.


def _install_deliveries():
    add(
        "Logs::DeliverySource",
        create=_source, update=lambda _, old, new, stack: _source(None, new, stack), delete=_source_delete)
    add(
        "Logs::DeliveryDestination",
        create=_destination, update=lambda _, old, new, stack: _destination(None, new, stack),
        delete=_destination_delete)
    add("Logs::Delivery", create=_delivery, update=_delivery_update, delete=_delivery_delete)


def _tags(properties):
    return {tag["Key"]: tag["Value"] for tag in properties.get("Tags", [])}


def _source(_, properties, __):
    arn = properties["ResourceArn"]
    if ":cloudfront:" in arn and responses.get_region() != "us-east-1":
        raise HandlerError(
            "The resource of a CloudFront delivery source is reached in us-east-1 only", service="CloudWatchLogs")
    answer = json.loads(checked(cloudwatch_logs.put_delivery_source({
        "name": properties["Name"], "resourceArn": arn, "logType": properties["LogType"], "tags": _tags(properties),
    }), "CloudWatchLogs"))["deliverySource"]
    return answer["name"], {"Arn": answer["arn"], "Service": answer["service"], "ResourceArns": answer["resourceArns"]}


def _source_delete(name, _):
    if any(delivery["deliverySourceName"] == name for delivery in cloudwatch_logs.deliveries.values()):
        raise HandlerError(
            f"Delivery source {name} is in use by a delivery", "ResourceConflict", "CloudWatchLogs", 400)
    cloudwatch_logs.delivery_sources.pop(name, None)


def _destination(_, properties, __):
    # The pattern of AWS's resource schema: a bucket may have a prefix behind it.
    if not re.fullmatch(r"[\w#+=/:,.@-]*\*?", properties["DestinationResourceArn"]):
        raise HandlerError(
            "Model validation failed (#/DestinationResourceArn: failed validation constraint for keyword [pattern])",
            "InvalidRequest", "CloudWatchLogs")
    answer = json.loads(checked(cloudwatch_logs.put_delivery_destination({
        "name": properties["Name"],
        "outputFormat": properties.get("OutputFormat", "json"),
        "deliveryDestinationConfiguration": {"destinationResourceArn": properties["DestinationResourceArn"]},
        "tags": _tags(properties),
    }), "CloudWatchLogs"))["deliveryDestination"]
    return answer["name"], {"Arn": answer["arn"], "DeliveryDestinationType": answer["deliveryDestinationType"]}


def _destination_delete(name, _):
    destination = cloudwatch_logs.delivery_destinations.get(name)
    if destination and any(
        delivery["deliveryDestinationArn"] == destination["arn"] for delivery in cloudwatch_logs.deliveries.values()
    ):
        raise HandlerError(
            f"Delivery destination {name} is in use by a delivery", "ResourceConflict", "CloudWatchLogs", 400)
    cloudwatch_logs.delivery_destinations.pop(name, None)


def _delivery_fields(properties):
    fields = {"recordFields": properties.get("RecordFields", []), "fieldDelimiter": properties.get("FieldDelimiter", "")}
    s3_fields = {
        "suffixPath": properties.get("S3SuffixPath"),
        "enableHiveCompatiblePath": properties.get("S3EnableHiveCompatiblePath"),
    }
    fields["s3DeliveryConfiguration"] = {key: value for key, value in s3_fields.items() if value is not None}
    return fields


def _delivery(_, properties, __):
    answer = json.loads(checked(cloudwatch_logs.create_delivery({
        "deliverySourceName": properties["DeliverySourceName"],
        "deliveryDestinationArn": properties["DeliveryDestinationArn"],
        "tags": _tags(properties),
        **_delivery_fields(properties),
    }), "CloudWatchLogs"))["delivery"]
    return answer["id"], {
        "Arn": answer["arn"],
        "DeliveryId": answer["id"],
        "DeliveryDestinationType": answer["deliveryDestinationType"],
    }


def _delivery_update(delivery_id, old, new, _):
    delivery = cloudwatch_logs.deliveries[delivery_id]
    delivery.update(_delivery_fields(new), tags=_tags(new))
    return delivery_id, {
        "Arn": delivery["arn"],
        "DeliveryId": delivery_id,
        "DeliveryDestinationType": delivery["deliveryDestinationType"],
    }


def _delivery_delete(delivery_id, _):
    cloudwatch_logs.deliveries.pop(delivery_id, None)
