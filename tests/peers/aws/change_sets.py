"""Change sets and the calls around a stack, where MiniStack answers otherwise than CloudFormation: change sets that
take a moment to be made, property values, tokens, and what is refused in which state of a stack."""

import asyncio
import copy
import json
import re
from urllib.parse import unquote
from xml.etree import ElementTree

from seam import changesets, cloudformation, engine, handlers, helpers, s3
from steps import wait
from undo import deleting

_UNKNOWN = "{{changeSet:KNOWN_AFTER_APPLY}}"
_UPDATABLE = {
    "CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE",
    "CREATE_FAILED", "UPDATE_FAILED",
}


def install():
    for action, around in (
        ("CreateChangeSet", _create),
        ("DescribeChangeSet", _describe),
        ("ExecuteChangeSet", _execute),
        ("DeleteStack", _delete_stack),
        ("DescribeStacks", _described),
    ):
        handlers.replace(f"ACTION_HANDLERS[{action}]", around)
    changesets.replace("find_change_set", lambda _: _find)
    helpers.replace("resolve_document", _by_host)
    handlers.replace("page", _paged)
    changesets.replace("add_event", _initiated)


def _p(params, key, default=""):
    return helpers.p(params, key, default)


def _error(code, message):
    return helpers.error(code, message)


def _by_host(original):
    """A bucket may be named in a URL's host, and a version in its query:
    `https://bucket.s3.us-east-1.amazonaws.com/key?versionId=…`."""

    def resolve(params, body_key, url_key, label):
        found = re.fullmatch(
            r"https://([^/]+)\.s3[.-][a-z0-9.-]*amazonaws\.com/([^?]+)(?:\?versionId=(.+))?", _p(params, url_key) or "")
        if found and found.group(3):
            data = s3.get_object_data(found.group(1), found.group(2), unquote(found.group(3)))
            if data is None:
                return None, _error("ValidationError", "S3 error: The specified version does not exist.")
            return data.decode(), None
        if found:
            params = {**params, url_key: [f"https://s3.amazonaws.com/{found.group(1)}/{found.group(2)}"]}
        return original(params, body_key, url_key, label)

    return resolve


def _initiated(original):
    """What a caller begins has AWS's reason."""

    def add(stack_id, stack_name, logical_id, resource_type, status, reason="", physical_id="", detailed_status=""):
        if resource_type == "AWS::CloudFormation::Stack" and status.endswith("_IN_PROGRESS"):
            reason = reason or "User Initiated"
        original(stack_id, stack_name, logical_id, resource_type, status, reason, physical_id, detailed_status)

    return add


def _find(name, stack_name=""):
    """A change set by its ARN, or by its name with the name or the id of its stack."""
    for change_set_id, change_set in cloudformation.change_sets.items():
        if change_set_id == name:
            return change_set_id, change_set
        if change_set["ChangeSetName"] == name and stack_name in ("", change_set["StackName"], change_set["StackId"]):
            return change_set_id, change_set
    return None, None


def _paged(original):
    def page(items, params, action, *rest):
        """Events come newest first: a page begins behind the last event of the one before, however many came since."""
        if action != "DescribeStackEvents":
            return original(items, params, action, *rest)
        token, size = _p(params, "NextToken"), 100
        begin = 0
        if token:
            found = [index for index, event in enumerate(items) if event["EventId"] == token]
            if not found:
                return [], "", _error("ValidationError", "Invalid NextToken")
            begin = found[0] + 1
        cut = items[begin:begin + size]
        more = f"<NextToken>{cut[-1]['EventId']}</NextToken>" if begin + size < len(items) else ""
        return cut, more, None

    return page


# CreateChangeSet.


def _create(original):
    def create(params):
        name, stack_name = _p(params, "ChangeSetName"), _p(params, "StackName")
        kind, token = _p(params, "ChangeSetType", "UPDATE"), _p(params, "ClientToken")
        stack = handlers.resolve_stack(stack_name)
        _, existing = _find(name, stack_name)
        if existing:
            if not token or existing.get("_token") == token:
                return _made(existing) if token else _error("AlreadyExistsException", f"ChangeSet [{name}] already exists")
            return _error("AlreadyExistsException",
                          f"ChangeSet {name} cannot be created due to a mismatch with existing attribute ClientToken")
        refused = _state_problem(stack, stack_name, name, kind)
        if refused:
            return refused
        reviewed = stack if stack and stack["StackStatus"] == "REVIEW_IN_PROGRESS" else None
        events = list(cloudformation.stack_events.get(reviewed["StackId"], [])) if reviewed else []
        response = original(params)
        if response[0] != 200:
            if reviewed:
                cloudformation.stacks[reviewed["StackName"]] = reviewed
                cloudformation.stack_events[reviewed["StackId"]] = events
            return response
        _, change_set = _find(name, stack_name)
        change_set["_token"] = token
        if reviewed and kind == "CREATE":
            _same_stack(reviewed, events, change_set)
        _with_values(change_set)
        _output_changes(change_set)
        _take_time(change_set)
        return _made(change_set)

    return create


def _made(change_set):
    return changesets.xml(200, "CreateChangeSetResponse", (
        f"<CreateChangeSetResult><Id>{change_set['ChangeSetId']}</Id><StackId>{change_set['StackId']}</StackId>"
        "</CreateChangeSetResult>"))


def _state_problem(stack, stack_name, name, kind):
    if stack is None or stack["StackStatus"] == "DELETE_COMPLETE":
        if kind == "UPDATE":
            return _error("ValidationError", f"Stack [{stack_name}] does not exist")
        return None
    status = stack["StackStatus"]
    if kind == "CREATE":
        if status == "REVIEW_IN_PROGRESS":
            return None
        if status.endswith("_IN_PROGRESS"):
            return _error("ValidationError", f"Stack:{stack['StackId']} is in {status} state and can not be updated.")
        return _error("ValidationError",
                      f"Stack [{stack_name}] already exists and cannot be created again with the changeSet [{name}].")
    if status == "REVIEW_IN_PROGRESS":
        return _error("ValidationError", f"Stack [{stack_name}] does not exist")
    if status not in _UPDATABLE:
        return _error("ValidationError", f"Stack:{stack['StackId']} is in {status} state and can not be updated.")
    return None


def _same_stack(reviewed, events, change_set):
    """Another change set for a stack under review belongs to that stack."""
    cloudformation.stack_events.pop(change_set["StackId"], None)
    reviewed["Tags"] = change_set["Tags"]
    cloudformation.stacks[reviewed["StackName"]] = reviewed
    cloudformation.stack_events[reviewed["StackId"]] = events
    change_set["StackId"] = reviewed["StackId"]


def _output_changes(change_set):
    """A change of outputs only can be executed, though no resource changes."""
    stack = handlers.resolve_stack(change_set["StackId"])
    if change_set["Status"] != "FAILED" or change_set["ChangeSetType"] != "UPDATE" or change_set["Changes"]:
        return
    if change_set["_template"].get("Outputs", {}) != (stack.get("_template") or {}).get("Outputs", {}):
        change_set.update(Status="CREATE_COMPLETE", ExecutionStatus="AVAILABLE", StatusReason="")


def _take_time(change_set):
    ready = {key: change_set[key] for key in ("Status", "ExecutionStatus", "StatusReason")}
    change_set.update(Status="CREATE_PENDING", ExecutionStatus="UNAVAILABLE", StatusReason="")
    making = asyncio.ensure_future(_make(change_set, ready))
    _MAKING.add(making)
    making.add_done_callback(_MAKING.discard)


# A loop has weak references only.
_MAKING = set()


async def _make(change_set, ready):
    await wait(0.5)
    change_set["Status"] = "CREATE_IN_PROGRESS"
    await wait(0.5)
    change_set.update(ready)


# Property values.


class _UnknownAttributes(dict):
    def __contains__(self, _):
        return True

    def __getitem__(self, _):
        return _UNKNOWN


def _with_values(change_set):
    """Remembers each change's properties before and after, as far as they can be known."""
    stack = handlers.resolve_stack(change_set["StackId"])
    resources = stack.get("_resources", {})
    unknown = {"PhysicalResourceId": _UNKNOWN, "Attributes": _UnknownAttributes()}
    after = dict(resources)
    for change in change_set["Changes"]:
        change = change["ResourceChange"]
        if change["Action"] == "Add" or change.get("Replacement") == "True":
            after[change["LogicalResourceId"]] = unknown
    template = change_set["_template"]
    for change in change_set["Changes"]:
        change = change["ResourceChange"]
        definition = template.get("Resources", {}).get(change["LogicalResourceId"])
        record = resources.get(change["LogicalResourceId"])
        old_definition = (stack.get("_template") or {}).get("Resources", {}).get(change["LogicalResourceId"], {})
        if record is not None:
            change["_before"] = _context(old_definition, record["Properties"])
        if definition is not None:
            try:
                properties = engine.resolve_refs(
                    copy.deepcopy(definition.get("Properties", {})), after, change_set["_resolved_params"],
                    stack.get("_conditions", {}), template.get("Mappings", {}), stack["StackName"], stack["StackId"])
            except ValueError:
                properties = definition.get("Properties", {})
            change["_after"] = _context(definition, properties)
        change["_raw"] = (definition or {}).get("Properties", {})


def _context(definition, properties):
    attributes = {
        key: definition[key] for key in ("Metadata", "DeletionPolicy", "UpdateReplacePolicy", "CreationPolicy", "UpdatePolicy")
        if key in definition
    }
    return {"Properties": properties, **attributes}


def _describe(original):
    def describe(params):
        response = original(params)
        if response[0] != 200 or _p(params, "IncludePropertyValues", "false").lower() != "true":
            return response
        _, change_set = _find(_p(params, "ChangeSetName"), _p(params, "StackName"))
        changes = {change["ResourceChange"]["LogicalResourceId"]: change["ResourceChange"] for change in change_set["Changes"]}
        ElementTree.register_namespace("", helpers.CFN_NS)
        root = ElementTree.fromstring(response[2])
        for element in root.iter(_tag("ResourceChange")):
            _add_values(element, changes[element.findtext(_tag("LogicalResourceId"))])
        return response[0], response[1], ElementTree.tostring(root)

    return describe


def _tag(name):
    return f"{{{helpers.CFN_NS}}}{name}"


def _sub(parent, name, value):
    ElementTree.SubElement(parent, _tag(name)).text = value if isinstance(value, str) else json.dumps(value)


def _add_values(element, change):
    for key, name in (("_before", "BeforeContext"), ("_after", "AfterContext")):
        if key in change:
            _sub(element, name, json.dumps(change[key], separators=(",", ":")))
    if change["Action"] != "Modify":
        return
    details = element.find(_tag("Details"))
    for detail in list(details):
        target = detail.find(_tag("Target"))
        if target.findtext(_tag("Attribute")) != "Properties":
            continue
        name = target.findtext(_tag("Name"))
        paths = _paths(change, name, detail.findtext(_tag("CausingEntity")))
        for index, (path, before, after) in enumerate(paths):
            # One detail per path: the first takes the place of MiniStack's, which has one per property.
            own = detail if index == 0 else copy.deepcopy(detail)
            if index:
                details.append(own)
            target = own.find(_tag("Target"))
            for old in [child for child in target if child.tag in _VALUE_TAGS]:
                target.remove(old)
            _sub(target, "Path", path)
            if before is not None:
                _sub(target, "BeforeValue", before)
            if after is not None:
                _sub(target, "AfterValue", after)
            _sub(target, "AttributeChangeType", "Add" if before is None else "Remove" if after is None else "Modify")


_VALUE_TAGS = {_tag(name) for name in ("Path", "BeforeValue", "AfterValue", "AttributeChangeType")}


def _paths(change, name, entity):
    """Where a property changes: (path, before, after) each; for an entity, where the template names it."""
    before, after = change["_before"]["Properties"].get(name), change["_after"]["Properties"].get(name)
    if entity is None:
        return list(_differences(f"/Properties/{name}", before, after))
    found = []
    for path, keys in _mentions(change["_raw"].get(name), entity.partition(".")[0], f"/Properties/{name}", ()):
        found.append((path, _at(before, keys), _at(after, keys)))
    return found


def _differences(path, before, after):
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            yield from _differences(f"{path}/{key}", before.get(key), after.get(key))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after)):
            yield from _differences(f"{path}/{index}", one, other)
    else:
        yield path, before, after


def _mentions(value, logical_id, path, keys):
    if isinstance(value, dict) and not re.match(r"Ref$|Fn::", next(iter(value), "")):
        for key, item in value.items():
            yield from _mentions(item, logical_id, f"{path}/{key}", (*keys, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _mentions(item, logical_id, f"{path}/{index}", (*keys, index))
    elif any(name == logical_id for name, _ in engine.intrinsic_references(value)):
        yield path, keys


def _at(value, keys):
    for key in keys:
        try:
            value = value[key]
        except (KeyError, IndexError, TypeError):
            return None
    return value


# ExecuteChangeSet and DeleteStack.


def _execute(original):
    def execute(params):
        name, token = _p(params, "ChangeSetName"), _p(params, "ClientRequestToken")
        _, change_set = _find(name, _p(params, "StackName"))
        if change_set and token and change_set.get("_executed") == token:
            return changesets.xml(200, "ExecuteChangeSetResponse", "<ExecuteChangeSetResult></ExecuteChangeSetResult>")
        stack = change_set and handlers.resolve_stack(change_set["StackId"])
        if change_set and change_set["ExecutionStatus"] != "AVAILABLE":
            return _error("InvalidChangeSetStatus",
                          f"ChangeSet [{change_set['ChangeSetId']}] cannot be executed in its current execution status "
                          f"of [{change_set['ExecutionStatus']}]")
        if stack and stack["StackStatus"].endswith("_IN_PROGRESS") and stack["StackStatus"] != "REVIEW_IN_PROGRESS":
            return _error("InvalidChangeSetStatus",
                          f"Stack:{stack['StackId']} is in {stack['StackStatus']} state and can not be updated.")
        response = original(params)
        if response[0] == 200:
            change_set["_executed"] = token
        return response

    return execute


def _described(original):
    """A stack has its template's description."""

    def describe(params):
        for stack in list(cloudformation.stacks.values()):
            stack["Description"] = (stack.get("_template") or {}).get("Description", "")
        return original(params)

    return describe


def _delete_stack(original):
    def delete(params):
        stack = handlers.resolve_stack(_p(params, "StackName"))
        if stack is None:
            return original(params)
        status = stack["StackStatus"]
        # The second has gone already: it is still known by its id.
        if status in ("DELETE_IN_PROGRESS", "DELETE_COMPLETE"):
            return changesets.xml(200, "DeleteStackResponse", "")
        if status.endswith("_IN_PROGRESS") and status not in ("REVIEW_IN_PROGRESS", "CREATE_IN_PROGRESS"):
            return _error("ValidationError", f"Stack [{stack['StackId']}] cannot be deleted while in status {status}")
        response = original(params)
        if response[0] == 200:
            deleting(stack, was_being_created=status == "CREATE_IN_PROGRESS")
        return response

    return delete
