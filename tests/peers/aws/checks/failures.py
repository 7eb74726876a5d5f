"""Steps that fail because the test wants it, and what a stack makes of it."""

import aws

cloudformation = aws.client("cloudformation")


def group(name, days=1, **attributes):
    properties = {"LogGroupName": name, "RetentionInDays": days}
    return {"Type": "AWS::Logs::LogGroup", "Properties": properties, **attributes}


def fail(**failure):
    aws.control("POST", "settings", {"failures": [failure] if failure else []})


def three(days=1, **more):
    return {"Resources": {"A": group("/a", days), "B": group("/b", days), "C": group("/c", days, DependsOn="A"), **more}}


# A create: the cause, the cancelled, the rollback.
fail(action="CREATE", id="A", reason="No more log groups")
stack = aws.deploy("broken", three())
assert stack["StackStatus"] == "ROLLBACK_COMPLETE", stack
happened = aws.events("broken")
assert ("A", "CREATE_FAILED", "No more log groups") in happened, happened
assert ("B", "CREATE_FAILED", "Resource creation cancelled") in happened, happened
assert not any(name == "C" for name, _, _ in happened)
rollback = next(reason for name, status, reason in happened if (name, status) == ("broken", "ROLLBACK_IN_PROGRESS"))
assert rollback == "The following resource(s) failed to create: [A, B]. Rollback requested by user.", rollback
assert aws.log_groups() == {}
assert "ROLLBACK_COMPLETE state" in aws.refused(
    cloudformation.create_change_set, StackName="broken", ChangeSetName="x", TemplateBody="{}")[1]
code, message = aws.refused(
    cloudformation.create_change_set, StackName="broken", ChangeSetName="x", ChangeSetType="CREATE", TemplateBody="{}")
assert (code, message) == (
    "ValidationError", "Stack [broken] already exists and cannot be created again with the changeSet [x].")
fail()
aws.delete(stack["StackId"])

# One that fails after it took effect is taken back too.
fail(action="CREATE", type="AWS::Logs::*", id="C", reason="Didn't stabilize", effect="after")
assert aws.deploy("broken", three())["StackStatus"] == "ROLLBACK_COMPLETE"
assert aws.log_groups() == {}
fail()
cloudformation.delete_stack(StackName="broken")

# A rollback that fails as well.
aws.control("POST", "settings", {"failures": [
    {"action": "CREATE", "id": "C", "reason": "no"}, {"action": "DELETE", "id": "A", "reason": "In use"}]})
stack = aws.deploy("stuck", three())
assert stack["StackStatus"] == "ROLLBACK_FAILED", stack
assert aws.delete(stack["StackId"])["StackStatus"] == "DELETE_FAILED"
failed = aws.settled(stack["StackId"])
assert failed["StackStatusReason"] == "The following resource(s) failed to delete: [A]. ", failed
assert ("A", "DELETE_FAILED", "In use") in aws.events("stuck")
fail()
assert aws.delete(stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"
assert aws.log_groups() == {}

# An update that fails goes back to what was.
aws.deploy("good", three())
fail(action="UPDATE", id="C", reason="Not today")
stack = aws.deploy("good", three(days=3, D=group("/d")), "UPDATE", name="second")
assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE", stack
assert aws.log_groups() == {"/a": 1, "/b": 1, "/c": 1}, aws.log_groups()
own = aws.statuses("good")[-4:]
assert own == ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
               "UPDATE_ROLLBACK_COMPLETE"], own

# And one that can't be taken back, until it can.
aws.control("POST", "settings", {"failures": [
    {"action": "UPDATE", "id": "C", "reason": "no"}, {"action": "ROLLBACK", "id": "A", "reason": "not back"}]})
stack = aws.deploy("good", three(days=3), "UPDATE", name="third")
assert stack["StackStatus"] == "UPDATE_ROLLBACK_FAILED", stack
assert "[A]" in stack["StackStatusReason"]
refused = aws.refused(cloudformation.create_change_set, StackName="good", ChangeSetName="x", TemplateBody="{}")
assert "is in UPDATE_ROLLBACK_FAILED state and can not be updated" in refused[1]
fail()
cloudformation.continue_update_rollback(StackName="good")
assert aws.settled("good")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
assert aws.log_groups() == {"/a": 1, "/b": 1, "/c": 1}, aws.log_groups()

# What an update drops and can't delete is left behind, and the update is done.
fail(action="DELETE", id="B", reason="In use")
left = three()
del left["Resources"]["B"]
assert aws.deploy("good", left, "UPDATE", name="fourth")["StackStatus"] == "UPDATE_COMPLETE"
assert ("B", "DELETE_FAILED", "In use") in aws.events("good")

# A stack policy guards a resource.
fail()
cloudformation.set_stack_policy(StackName="good", StackPolicyBody="""{"Statement": [
  {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"},
  {"Effect": "Deny", "Action": "Update:*", "Principal": "*", "Resource": "LogicalResourceId/A"}]}""")
left["Resources"]["A"]["Properties"]["RetentionInDays"] = 5
assert aws.deploy("good", left, "UPDATE", name="fifth")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
assert any("denied by stack policy" in reason for _, _, reason in aws.events("good"))
assert aws.log_groups()["/a"] == 1

# A deletion that is forced goes on without what fails.
fail(action="DELETE", id="A", reason="In use")
assert aws.delete("good")["StackStatus"] == "DELETE_FAILED"
stack = aws.settled("good")
cloudformation.delete_stack(StackName="good", DeletionMode="FORCE_DELETE_STACK")
assert aws.settled(stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"
assert aws.log_groups() == {"/a": 1, "/b": 1}, aws.log_groups()
