"""Buckets keep what a template says of them, and aren't deleted while there is something in them."""

import json

import aws

aws.control("POST", "settings", {"step": 0})
s3 = aws.client("s3")
NAME = f"bucket-{aws.ACCOUNT}"


def template(**properties):
    return {"Resources": {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": NAME, **properties}}}}


aws.deploy("bucket", template(
    OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
    VersioningConfiguration={"Status": "Enabled"},
    Tags=[{"Key": "team", "Value": "imaging"}],
    LifecycleConfiguration={"Rules": [
        {"Id": "old", "Status": "Enabled", "Prefix": "logs/", "ExpirationInDays": 30,
         "NoncurrentVersionExpiration": {"NoncurrentDays": 3}}]},
    BucketEncryption={"ServerSideEncryptionConfiguration": [
        {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}, "BucketKeyEnabled": True}]},
))
assert s3.get_bucket_ownership_controls(Bucket=NAME)["OwnershipControls"]["Rules"][0]["ObjectOwnership"] == "BucketOwnerEnforced"
rule = s3.get_bucket_lifecycle_configuration(Bucket=NAME)["Rules"][0]
assert (rule["ID"], rule["Filter"], rule["Expiration"]) == ("old", {"Prefix": "logs/"}, {"Days": 30}), rule
assert {"Key": "team", "Value": "imaging"} in s3.get_bucket_tagging(Bucket=NAME)["TagSet"]
rule = s3.get_bucket_encryption(Bucket=NAME)["ServerSideEncryptionConfiguration"]["Rules"][0]
assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms" and rule["BucketKeyEnabled"], rule

# Settings that a template drops go.
aws.deploy("bucket", template(VersioningConfiguration={"Status": "Enabled"}), "UPDATE", name="less")
assert aws.refused(s3.get_bucket_lifecycle_configuration, Bucket=NAME)[0] == "NoSuchLifecycleConfiguration"

# An object, a delete marker, an old version: each of them is something.
s3.put_object(Bucket=NAME, Key="key", Body=b"1")
assert aws.refused(s3.delete_bucket, Bucket=NAME)[0] == "BucketNotEmpty"
assert aws.delete("bucket")["StackStatus"] == "DELETE_FAILED"
reason = next(reason for name, status, reason in aws.events("bucket") if (name, status) == ("Bucket", "DELETE_FAILED"))
assert "The bucket you tried to delete is not empty" in reason and "Status Code: 409" in reason, reason
s3.delete_object(Bucket=NAME, Key="key")
assert aws.refused(s3.delete_bucket, Bucket=NAME)[0] == "BucketNotEmpty"
assert aws.delete("bucket")["StackStatus"] == "DELETE_FAILED"
versions = s3.list_object_versions(Bucket=NAME)
for entry in versions.get("Versions", []) + versions.get("DeleteMarkers", []):
    s3.delete_object(Bucket=NAME, Key=entry["Key"], VersionId=entry["VersionId"])
stack_id = aws.settled("bucket")["StackId"]
assert aws.delete(stack_id)["StackStatus"] == "DELETE_COMPLETE"
assert aws.refused(s3.head_bucket, Bucket=NAME)[0] == "404"
left = [e for e in aws.control("GET", "inventory") if e["service"] == "s3"]
assert left == [], json.dumps(left)
