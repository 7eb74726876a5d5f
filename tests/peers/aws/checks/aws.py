"""What the checks share: clients of the account in the environment, and stacks from start to end."""

import functools
import io
import json
import os
import time
import urllib.request
import zipfile

import botocore.config
import botocore.exceptions
import botocore.session

_SESSION = botocore.session.get_session()
_CONFIG = botocore.config.Config(retries={"total_max_attempts": 1}, read_timeout=300)
ACCOUNT = os.environ["AWS_ACCESS_KEY_ID"]


@functools.cache
def client(service, region="us-east-1"):
    return _SESSION.create_client(service, region, endpoint_url=os.environ["AWS_ENDPOINT_URL"], config=_CONFIG)


def control(method, path, body=None):
    request = urllib.request.Request(
        f"{os.environ['AWS_ENDPOINT_URL']}/_frames/{ACCOUNT}/{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
    )
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def refused(call, **parameters):
    """The code and the message that a call is refused with."""
    try:
        call(**parameters)
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"], error.response["Error"]["Message"]
    raise AssertionError(f"{call.__name__} was taken: {parameters}")


def change_set(stack, template, kind="CREATE", name="deploy", region="us-east-1", **parameters):
    """Makes a change set and describes it when it is ready."""
    cloudformation = client("cloudformation", region)
    made = cloudformation.create_change_set(
        StackName=stack, ChangeSetName=name, ChangeSetType=kind, TemplateBody=json.dumps(template),
        Capabilities=["CAPABILITY_NAMED_IAM"], **parameters)

    def ready():
        described = cloudformation.describe_change_set(ChangeSetName=made["Id"], IncludePropertyValues=True)
        return None if described["Status"] in ("CREATE_PENDING", "CREATE_IN_PROGRESS") else described

    return eventually(ready)


def deploy(stack, template, kind="CREATE", region="us-east-1", **parameters):
    """One change set from start to end; the stack as it is then."""
    described = change_set(stack, template, kind, region=region, **parameters)
    assert described["Status"] == "CREATE_COMPLETE", described
    client("cloudformation", region).execute_change_set(ChangeSetName=described["ChangeSetId"])
    return settled(described["StackId"], region)


def delete(stack, region="us-east-1"):
    client("cloudformation", region).delete_stack(StackName=stack)
    return settled(stack, region)


def settled(stack, region="us-east-1"):
    cloudformation = client("cloudformation", region)

    def at_rest():
        found = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        return None if found["StackStatus"].endswith("_IN_PROGRESS") else found

    return eventually(at_rest)


def eventually(attempt):
    """The first result that there is. It has minutes, not for ever."""
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        result = attempt()
        if result:
            return result
        time.sleep(0.02)
    raise AssertionError(f"waited in vain: {attempt.__qualname__}")


def events(stack, region="us-east-1"):
    """Oldest first, as (logical id, status, reason)."""
    pages = client("cloudformation", region).get_paginator("describe_stack_events").paginate(StackName=stack)
    found = [event for page in pages for event in page["StackEvents"]]
    return [(e["LogicalResourceId"], e["ResourceStatus"], e.get("ResourceStatusReason", "")) for e in reversed(found)]


def statuses(stack, logical_id=None, region="us-east-1"):
    """The statuses of one resource, or of the stack itself."""
    name = logical_id or stack.rpartition(":stack/")[2].split("/")[0]
    return [status for of, status, _ in events(stack, region) if of == name]


def log_groups():
    """The retention of each log group, by name."""
    found = client("logs").describe_log_groups()["logGroups"]
    return {group["logGroupName"]: group.get("retentionInDays") for group in found}


def archive(source):
    """A zip of a function with this source."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as zipped:
        zipped.writestr("index.py", source)
    return buffer.getvalue()
