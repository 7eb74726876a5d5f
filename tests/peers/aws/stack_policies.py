"""Stack policies: what an update may do to a resource."""

import fnmatch
import json


def denied_by_policy(stack, action, logical_id, resource_type):
    """The reason why a stack's policy forbids an action on a resource, or None. Once there is a policy, what it doesn't
    allow is denied."""
    if not stack.get("_stack_policy"):
        return None
    allowed = False
    for number, statement in enumerate(json.loads(stack["_stack_policy"])["Statement"], 1):
        if not _applies(statement, action, logical_id, resource_type):
            continue
        if statement["Effect"] == "Deny":
            return (f"Action denied by stack policy: Statement [#{number}] does not allow [{action}] for resource "
                    f"[LogicalResourceId/{logical_id}]")
        allowed = True
    if allowed:
        return None
    return f"Action not allowed by stack policy: no statement allows [{action}] for resource [LogicalResourceId/{logical_id}]"


def _applies(statement, action, logical_id, resource_type):
    if not _names(statement, "Action", action) or not _names(statement, "Resource", f"LogicalResourceId/{logical_id}"):
        return False
    for operator, tests in statement.get("Condition", {}).items():
        patterns = _list(tests.get("ResourceType", []))
        match = fnmatch.fnmatchcase if operator == "StringLike" else str.__eq__
        if patterns and not any(match(resource_type, pattern) for pattern in patterns):
            return False
    return True


def _names(statement, key, value):
    if key in statement:
        return any(fnmatch.fnmatchcase(value, pattern) for pattern in _list(statement[key]))
    return not any(fnmatch.fnmatchcase(value, pattern) for pattern in _list(statement[f"Not{key}"]))


def _list(value):
    return value if isinstance(value, list) else [value]
