"""What AWS says of resource types and actions, out of cfn-lint's copies: the permissions of each type's handlers in the
resource provider schemas, and the ARNs that each action applies to in the service authorization reference.

stdin: {"types": […], "services": […]}; stdout: {"handlers": {type: [action]}, "actions": {action: [ARN]}}."""

import json
import pathlib
import sys

import cfnlint.data

DATA = pathlib.Path(next(iter(cfnlint.data.__path__)))


def handlers(types):
    found = {}
    for path in (DATA / "schemas" / "resources").glob("*.json"):
        schema = json.loads(path.read_text())
        name = schema["typeName"]
        if name not in types:
            continue
        steps = schema["handlers"]
        found.setdefault(name, set()).update(
            action for step in ("create", "read", "update", "delete") for action in steps.get(step, {}).get("permissions", []))
    return {name: sorted(actions) for name, actions in found.items()}


def actions(services):
    reference = json.loads((DATA / "AdditionalSpecs" / "Policies.json").read_text())
    found = {}
    for service in services:
        resources = reference[service].get("Resources", {})
        for action, described in reference[service]["Actions"].items():
            kinds = [resources.get(kind, {}) for kind in described.get("Resources", [])]
            found[f"{service}:{action}"] = [arn for kind in kinds for arn in kind.get("ARNFormats", [])]
    return found


asked = json.load(sys.stdin)
json.dump({"handlers": handlers(asked["types"]), "actions": actions(asked["services"])}, sys.stdout)
