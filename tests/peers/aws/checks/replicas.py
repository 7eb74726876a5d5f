"""Lambda@Edge, as we model it: associations, propagation, replicas."""

import json

import aws

FUNCTION = "edge-authorizer"


def config(arn=None, enabled=True):
    behavior = {
        "TargetOriginId": "origin", "ViewerProtocolPolicy": "https-only",
        "CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
    }
    if arn:
        association = {"EventType": "viewer-request", "LambdaFunctionARN": arn}
        behavior["LambdaFunctionAssociations"] = {"Quantity": 1, "Items": [association]}
    origin = {"Id": "origin", "DomainName": "example.org", "CustomOriginConfig": {
        "HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}}
    return {"CallerReference": "one", "Comment": "", "Enabled": enabled,
            "Origins": {"Quantity": 1, "Items": [origin]}, "DefaultCacheBehavior": behavior}


lambdas, cloudfront = aws.client("lambda"), aws.client("cloudfront")
aws.control("POST", "settings", {"replicas": 3600, "distribution": 3600})
role = f"arn:aws:iam::{aws.ACCOUNT}:role/edge"
lambdas.create_function(FunctionName=FUNCTION, Runtime="python3.13", Role=role, Handler="index.handler",
                        Code={"ZipFile": aws.archive("def handler(event, context): return event")}, Publish=True)
latest = f"arn:aws:lambda:us-east-1:{aws.ACCOUNT}:function:{FUNCTION}"
version = f"{latest}:1"

# Only a numbered version that is there, in us-east-1.
for arn, words in (
    (latest, "must end with the version number"),
    (f"{latest}:$LATEST", "must end with the version number"),
    (f"{latest}:7", "cannot retrieve the specified Lambda function"),
    (version.replace("us-east-1", "eu-west-1"), "must be in region 'us-east-1'"),
):
    code, message = aws.refused(cloudfront.create_distribution, DistributionConfig=config(arn))
    assert code == "InvalidLambdaFunctionAssociation" and words in message, (code, message)

made = cloudfront.create_distribution(DistributionConfig=config(version))
distribution = made["Distribution"]["Id"]
assert made["Distribution"]["Status"] == "InProgress"


def deployed():
    """The last change has come everywhere."""
    aws.control("POST", "settings", {"distribution": 0})
    assert cloudfront.get_distribution(Id=distribution)["Distribution"]["Status"] == "Deployed"


def guarded(**parameters):
    code, message = aws.refused(lambdas.delete_function, **parameters)
    assert code == "InvalidParameterValueException", code
    assert f"unable to delete {version} because it is a replicated function" in message, message


deployed()
guarded(FunctionName=FUNCTION)
guarded(FunctionName=FUNCTION, Qualifier="1")

# Neither an enabled distribution is deleted, nor one that still propagates.
etag = cloudfront.get_distribution_config(Id=distribution)["ETag"]
assert aws.refused(cloudfront.delete_distribution, Id=distribution, IfMatch=etag)[0] == "DistributionNotDisabled"
aws.control("POST", "settings", {"distribution": 3600})
etag = cloudfront.update_distribution(
    Id=distribution, IfMatch=etag, DistributionConfig=config(enabled=False))["ETag"]
assert aws.refused(cloudfront.delete_distribution, Id=distribution, IfMatch=etag)[0] == "DistributionNotDisabled"

# Replicas outlive the association.
deployed()
guarded(FunctionName=FUNCTION)
cloudfront.delete_distribution(Id=distribution, IfMatch=etag)
guarded(FunctionName=FUNCTION, Qualifier="1")
aws.control("POST", "settings", {"replicas": 0})
lambdas.delete_function(FunctionName=FUNCTION)
left = [entry for entry in aws.control("GET", "inventory") if entry["service"] in ("cloudfront", "lambda_svc")]
assert left == [], json.dumps(left)

# Every state that the distribution was in.
history = aws.control("GET", "history")
assert [state.get("enabled") for state in history] == [True, False, None], history
assert history[0]["behaviors"] == {"*": {"viewer-request": version}} and history[1]["behaviors"] == {"*": {}}, history
assert history[2]["deleted"], history

# A stack fails to delete what is replicated, says why on the resource, and can be deleted later.
template = {"Resources": {
    "Function": {"Type": "AWS::Lambda::Function", "Properties": {
        "FunctionName": "stacked", "Runtime": "python3.13", "Handler": "index.handler", "Role": role,
        "Code": {"ZipFile": "def handler(event, context): return event"}}},
    "Version": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "Function"}}},
}}
aws.control("POST", "settings", {"replicas": 3600, "distribution": 0, "step": 0})
stack = aws.deploy("edge", template)["StackId"]
version = f"arn:aws:lambda:us-east-1:{aws.ACCOUNT}:function:stacked:1"
made = cloudfront.create_distribution(DistributionConfig={**config(version), "CallerReference": "two"})
assert aws.delete(stack)["StackStatus"] == "DELETE_FAILED"
reasons = {name: reason for name, status, reason in aws.events(stack) if status == "DELETE_FAILED"}
assert f"unable to delete {version} because it is a replicated function" in reasons["Version"], reasons
assert reasons["edge"] == "The following resource(s) failed to delete: [Version]. ", reasons
cloudfront.update_distribution(
    Id=made["Distribution"]["Id"], IfMatch=made["ETag"], DistributionConfig={**config(), "CallerReference": "two"})
assert aws.delete(stack)["StackStatus"] == "DELETE_FAILED", "replicas outlive the association"
aws.control("POST", "settings", {"replicas": 0})
assert aws.delete(stack)["StackStatus"] == "DELETE_COMPLETE"
