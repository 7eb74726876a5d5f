"""A stand-in for HealthImaging's control plane, after botocore's model of it: MiniStack has none. It knows the data
stores whose id the test names; every other one doesn't exist."""

import json
import os
import re
import time

from operations import credential, error
from seam import iam_evaluator, responses

from accounts import account

_STATES = ("CREATING", "CREATE_FAILED", "ACTIVE", "DELETING", "DELETED")


def answer(name, path, headers, region, number):
    stores = account(number).settings["datastores"]
    denied = _denied(name, path, headers, region, number)
    if denied:
        return 403, *error("medical-imaging", headers, 403, "AccessDeniedException", denied)
    if name == "GetDatastore":
        found = re.fullmatch(r"/datastore/([0-9a-z]{32})/?", path)
        state = stores.get(found.group(1)) if found else None
        if state is None:
            return 404, *error("medical-imaging", headers, 404, "ResourceNotFoundException", "Datastore not found")
        body = {"datastoreProperties": _properties(found.group(1), state, region, number)}
    elif name == "ListDatastores":
        body = {"datastoreSummaries": [_properties(store, state, region, number) for store, state in stores.items()]}
    else:
        return 404, *error("medical-imaging", headers, 404, "UnknownOperationException", f"the stand-in has no {name}")
    return 200, {"Content-Type": "application/json"}, json.dumps(body).encode()


def _denied(name, path, headers, region, number):
    """The policies of an IAM user, where MiniStack enforces them."""
    if os.environ.get("AUTH") != "true":
        return None
    responses.request_account_id.set(number)
    key, _, _ = credential(headers, "")
    store = path.removeprefix("/datastore").strip("/") or "*"
    arn = f"arn:aws:medical-imaging:{region}:{number}:datastore/{store}"
    refused = iam_evaluator.enforce(key, f"medical-imaging:{name}", "medical-imaging", region, resource_arn=arn)
    if refused is None:
        return None
    who = getattr(refused, "principal_arn", key)
    return f"User: {who} is not authorized to perform: medical-imaging:{name} on resource: {arn}"


def _properties(store, state, region, number):
    assert state in _STATES, state
    return {
        "datastoreId": store,
        "datastoreName": "frames",
        "datastoreStatus": state,
        "datastoreArn": f"arn:aws:medical-imaging:{region}:{number}:datastore/{store}",
        "createdAt": int(time.time()),
        "updatedAt": int(time.time()),
    }
