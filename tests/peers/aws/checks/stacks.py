"""A stack's life: steps that take time, updates that touch what changes, clean-ups, retained resources, deletion."""

import time

import aws

aws.control("POST", "settings", {"step": 0.1})


def group(name, **attributes):
    return {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": name, **attributes}}


def template(**resources):
    return {"Resources": resources, "Outputs": {"First": {"Value": {"Ref": next(iter(resources))}}}}


# Steps take time, side by side unless one needs the other.
second = {**group("/second"), "DependsOn": "A"}
begun = time.time()
stack = aws.deploy("life", template(A=group("/first"), B=second, C=group("/third")))
assert time.time() - begun > 0.19, time.time() - begun
assert stack["StackStatus"] == "CREATE_COMPLETE", stack
assert aws.log_groups() == {"/first": None, "/second": None, "/third": None}
assert aws.statuses("life") == ["REVIEW_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_COMPLETE"]
happened = aws.events("life")
assert happened.index(("B", "CREATE_IN_PROGRESS", "")) > happened.index(("A", "CREATE_COMPLETE", ""))
assert happened.index(("C", "CREATE_IN_PROGRESS", "")) < happened.index(("A", "CREATE_COMPLETE", ""))

# An update touches what changes; it makes, replaces, then cleans up; what is to be kept is kept.
kept = {**group("/third"), "DeletionPolicy": "Retain"}
aws.deploy("life", template(A=group("/first"), B=second, C=kept), "UPDATE", name="policy")
seen = len(aws.events("life"))
aws.deploy("life", template(A=group("/first", RetentionInDays=7), D=group("/fourth")), "UPDATE", name="change")
happened = aws.events("life")[seen:]
assert [event[:2] for event in happened if event[0] in "ABCD"].count(("A", "UPDATE_COMPLETE")) == 1
assert ("D", "CREATE_COMPLETE", "") in happened and ("B", "DELETE_COMPLETE", "") in happened, happened
assert ("C", "DELETE_SKIPPED", "") in happened and ("C", "DELETE_IN_PROGRESS", "") not in happened, happened
own = [status for name, status, _ in happened if name == "life"]
assert own == ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "UPDATE_COMPLETE"], own
assert aws.log_groups() == {"/first": 7, "/third": None, "/fourth": None}
moved = template(A=group("/moved", RetentionInDays=7), D=group("/fourth"))
aws.deploy("life", moved, "UPDATE", name="replace")
assert aws.log_groups() == {"/moved": 7, "/third": None, "/fourth": None}

# Events come in pages, each once.
cloudformation = aws.client("cloudformation")
aws.control("POST", "settings", {"step": 0})
for number in range(22):
    for logical_id in "AD":
        moved["Resources"][logical_id]["Properties"]["RetentionInDays"] = (1, 3)[number % 2]
    aws.deploy("life", moved, "UPDATE", name=f"change-{number}")
first = cloudformation.describe_stack_events(StackName="life")
assert len(first["StackEvents"]) == 100
rest = cloudformation.describe_stack_events(StackName="life", NextToken=first["NextToken"])["StackEvents"]
ids = [event["EventId"] for event in first["StackEvents"] + rest]
assert len(set(ids)) == len(ids)

# Termination protection.
cloudformation.update_termination_protection(StackName="life", EnableTerminationProtection=True)
code, message = aws.refused(cloudformation.delete_stack, StackName="life")
assert code == "ValidationError" and "TerminationProtection is enabled" in message
cloudformation.update_termination_protection(StackName="life", EnableTerminationProtection=False)

# A deleted stack is known by its id only.
aws.control("POST", "settings", {"step": 3600})
cloudformation.delete_stack(StackName="life", ClientRequestToken="once")
assert cloudformation.describe_stacks(StackName="life")["Stacks"][0]["StackStatus"] == "DELETE_IN_PROGRESS"
cloudformation.delete_stack(StackName="life", ClientRequestToken="once")
aws.control("POST", "settings", {"step": 0.02})
assert aws.settled(stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"
assert "does not exist" in aws.refused(cloudformation.describe_stacks, StackName="life")[1]
assert aws.statuses(stack["StackId"])[-1] == "DELETE_COMPLETE"
assert "DELETE_COMPLETE" in [s["StackStatus"] for s in cloudformation.list_stacks()["StackSummaries"]]
assert aws.log_groups() == {"/third": None}

# Deleted while it is made.
described = aws.change_set("short", template(A=group("/short"), B={**group("/never"), "DependsOn": "A"}))
aws.control("POST", "settings", {"step": 3600})
cloudformation.execute_change_set(ChangeSetName=described["ChangeSetId"])
aws.eventually(lambda: ("A", "CREATE_IN_PROGRESS", "") in aws.events("short"))
cloudformation.delete_stack(StackName="short")
aws.control("POST", "settings", {"step": 0.02})
assert aws.settled(described["StackId"])["StackStatus"] == "DELETE_COMPLETE"
assert aws.statuses(described["StackId"], "B") == []
assert aws.log_groups() == {"/third": None}
