"""Change sets: made over a moment, with values, by name and token, refused where AWS refuses."""

import json

import aws

cloudformation = aws.client("cloudformation")


def template(days=1, name="/one", **more):
    one = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": name, "RetentionInDays": days}}
    role = {"Type": "AWS::IAM::Role", "Properties": {
        "Description": {"Fn::GetAtt": ["One", "Arn"]},
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}}}
    return {"Parameters": {"P": {"Type": "String", "Default": "x"}}, "Resources": {"One": one, "Role": role, **more},
            "Outputs": {"Name": {"Value": {"Ref": "One"}}}}


def create(**parameters):
    return cloudformation.create_change_set(
        **{"StackName": "set", "ChangeSetName": "deploy", "ChangeSetType": "CREATE", "ClientToken": "one",
           "Capabilities": ["CAPABILITY_IAM"], "TemplateBody": json.dumps(template()), **parameters})


# It is pending until a shorter time is set.
aws.control("POST", "settings", {"step": 3600})
made = create()
assert cloudformation.describe_change_set(ChangeSetName=made["Id"])["Status"] == "CREATE_PENDING"
assert create()["Id"] == made["Id"], "the same token is the same request"
assert aws.refused(create, ClientToken="two")[0] == "AlreadyExistsException", "a name is taken twice"
assert aws.refused(cloudformation.execute_change_set, ChangeSetName=made["Id"])[0] == "InvalidChangeSetStatus"
aws.control("POST", "settings", {"step": 0.02})

# A stack under review: no resources, and further change sets are its own.
stack = cloudformation.describe_stacks(StackName="set")["Stacks"][0]
assert stack["StackStatus"] == "REVIEW_IN_PROGRESS"
again = create(ChangeSetName="again", ClientToken="three")
assert again["StackId"] == made["StackId"]
assert len(cloudformation.list_change_sets(StackName="set")["Summaries"]) == 2
cloudformation.delete_change_set(StackName="set", ChangeSetName="again")
cloudformation.delete_stack(StackName="set")
assert aws.settled(made["StackId"])["StackStatus"] == "DELETE_COMPLETE"

described = aws.change_set("set", template())
changes = [change["ResourceChange"] for change in described["Changes"]]
assert [(c["Action"], c["LogicalResourceId"]) for c in changes] == [("Add", "One"), ("Add", "Role")], changes
after = json.loads(changes[1]["AfterContext"])["Properties"]
assert after["Description"] == "{{changeSet:KNOWN_AFTER_APPLY}}", after
cloudformation.execute_change_set(ChangeSetName="deploy", StackName=described["StackId"], ClientRequestToken="t")
cloudformation.execute_change_set(ChangeSetName="deploy", StackName=described["StackId"], ClientRequestToken="t")
assert aws.refused(cloudformation.execute_change_set, ChangeSetName="deploy", StackName="set")[0] == "InvalidChangeSetStatus"
assert aws.settled("set")["StackStatus"] == "CREATE_COMPLETE"

# Nothing to change.
described = aws.change_set("set", template(), "UPDATE", name="nothing")
assert described["Status"] == "FAILED" and described["ExecutionStatus"] == "UNAVAILABLE"
assert described["StatusReason"].startswith("The submitted information didn't contain changes."), described
assert "Stack [absent] does not exist" in aws.refused(
    cloudformation.create_change_set, StackName="absent", ChangeSetName="x", TemplateBody="{}")[1]

# A changed property, with its values.
described = aws.change_set("set", template(days=7), "UPDATE", name="days")
change = described["Changes"][0]["ResourceChange"]
assert (change["Action"], change["Replacement"], change["Scope"]) == ("Modify", "False", ["Properties"]), change
detail = change["Details"][0]
assert detail["Target"] == {
    "Attribute": "Properties", "Name": "RetentionInDays", "RequiresRecreation": "Never",
    "Path": "/Properties/RetentionInDays", "BeforeValue": "1", "AfterValue": "7", "AttributeChangeType": "Modify",
}, detail
assert json.loads(change["BeforeContext"])["Properties"]["RetentionInDays"] == 1

# A replacement, and what follows from it; a removal; an addition.
described = aws.change_set("set", template(name="/two", Two={"Type": "AWS::Logs::LogGroup"}), "UPDATE", name="name")
changes = {change["ResourceChange"]["LogicalResourceId"]: change["ResourceChange"] for change in described["Changes"]}
assert changes["One"]["Replacement"] == "True" and changes["One"]["PolicyAction"] == "ReplaceAndDelete", changes
assert changes["Two"]["Action"] == "Add"
followed = changes["Role"]["Details"][0]
assert followed["ChangeSource"] == "ResourceAttribute" and followed["CausingEntity"] == "One.Arn", followed
assert followed["Target"]["Path"] == "/Properties/Description"
less = template()
del less["Resources"]["Role"]
removed = aws.change_set("set", less, "UPDATE", name="less")["Changes"][0]["ResourceChange"]
assert (removed["Action"], removed["PolicyAction"]) == ("Remove", "Delete") and "BeforeContext" in removed, removed

# An output, and nothing else.
outputs = template()
outputs["Outputs"]["Other"] = {"Value": "1"}
described = aws.change_set("set", outputs, "UPDATE", name="outputs")
assert (described["Status"], described["Changes"]) == ("CREATE_COMPLETE", []), described

# Tags of the stack.
described = aws.change_set("set", template(), "UPDATE", name="tags", Tags=[{"Key": "team", "Value": "imaging"}])
assert all("Tags" in change["ResourceChange"]["Scope"] for change in described["Changes"]) and described["Changes"]

# A template in S3: in the version that the address names, else the newest. What was read stays what it was.
s3 = aws.client("s3")
BUCKET = f"templates-{aws.ACCOUNT}"
s3.create_bucket(Bucket=BUCKET)
s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
first, second = (
    s3.put_object(Bucket=BUCKET, Key="t", Body=json.dumps(template(days=days)).encode())["VersionId"] for days in (3, 5))
url = f"https://{BUCKET}.s3.us-east-1.amazonaws.com/t"
for query, days in ((f"?versionId={first}", 3), (f"?versionId={second}", 5), ("", 5)):
    name = f"of-{len(query)}-{days}"
    made = cloudformation.create_change_set(
        StackName="set", ChangeSetName=name, TemplateURL=url + query, Capabilities=["CAPABILITY_IAM"])
    if query == "":
        s3.put_object(Bucket=BUCKET, Key="t", Body=b"{}")
    read = cloudformation.get_template(StackName="set", ChangeSetName=name, TemplateStage="Original")["TemplateBody"]
    assert read["Resources"]["One"]["Properties"]["RetentionInDays"] == days, (query, read)
assert "S3 error" in aws.refused(
    cloudformation.create_change_set, StackName="set", ChangeSetName="x", TemplateURL=f"{url}?versionId=none")[1]

# One operation at a time.
aws.control("POST", "settings", {"step": 3600})
cloudformation.execute_change_set(StackName="set", ChangeSetName="days")
code, message = aws.refused(cloudformation.create_change_set, StackName="set", ChangeSetName="x", TemplateBody="{}")
assert "is in UPDATE_IN_PROGRESS state and can not be updated" in message, message
assert "cannot be deleted while in status UPDATE_IN_PROGRESS" in aws.refused(cloudformation.delete_stack, StackName="set")[1]
assert cloudformation.list_change_sets(StackName="set")["Summaries"][0]["ChangeSetName"] == "days"
aws.control("POST", "settings", {"step": 0.02})
assert aws.settled("set")["StackStatus"] == "UPDATE_COMPLETE"

# Drift.
aws.client("logs").put_retention_policy(logGroupName="/one", retentionInDays=30)
detection = cloudformation.detect_stack_drift(StackName="set")["StackDriftDetectionId"]
status = cloudformation.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
assert status["DetectionStatus"] == "DETECTION_COMPLETE", status
