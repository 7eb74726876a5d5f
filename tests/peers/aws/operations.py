"""What an HTTP request asks for: which service, which operation, and whether it changes something."""

import functools
import json
import re
from urllib.parse import parse_qs, unquote
from xml.sax.saxutils import escape

import botocore.session

# Where a credential's scope is not the name of botocore's model.
_MODELS = {"monitoring": "cloudwatch", "email": "ses"}
_READS = re.compile(
    r"(Get|List|Describe|Head|Search|Validate|Detect|Estimate|Simulate|Lookup|BatchGet|Filter|Test|AssumeRole)"
)
_SCOPE = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request")


def credential(headers, query):
    """Access key, Region and service of a signed request; three empty strings for another."""
    found = _SCOPE.search(headers.get("authorization", ""))
    if found:
        return found.groups()
    presigned = parse_qs(query).get("X-Amz-Credential", [""])[0].split("/")
    return (presigned[0], presigned[2], presigned[3]) if len(presigned) == 5 else ("", "", "")


def operation(service, method, path, query, headers, body):
    target = headers.get("x-amz-target", "")
    if target:
        return target.rsplit(".", 1)[-1]
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        action = parse_qs(body.decode("utf-8", "replace")).get("Action")
        if action:
            return action[0]
    return _rest(service, method, path, parse_qs(query, keep_blank_values=True), headers)


def is_mutating(name):
    return not _READS.match(name)


def _rest(service, method, path, query, headers):
    """The most specific operation of the model whose URI fits."""
    path = unquote(path)
    best, best_score = f"{method} {path}", -1
    for name, verb, pattern, literal, fixed, needed in _routes(service):
        if verb != method or not pattern.fullmatch(path):
            continue
        if any(key not in query or value not in ("", query[key][0]) for key, value in fixed):
            continue
        if any(key not in query for kind, key in needed if kind == "querystring"):
            continue
        if any(key not in headers for kind, key in needed if kind == "header"):
            continue
        score = 1000 * len(fixed) + 100 * len(needed) + literal
        if score > best_score:
            best, best_score = name, score
    return best


@functools.cache
def _routes(service):
    try:
        model = botocore.session.get_session().get_service_model(_MODELS.get(service, service))
    except Exception:  # a service that botocore doesn't know
        return []
    routes = []
    for name in model.operation_names:
        shape = model.operation_model(name)
        if shape.deprecated:
            # It has a twin on the same URI that isn't.
            continue
        uri, _, fixed = shape.http["requestUri"].partition("?")
        uri = uri.rstrip("/")
        parts = re.split(r"(\{[^}]+\})", uri)
        pattern = "".join(
            (".+" if part.endswith("+}") else "[^/]+") if part.startswith("{") else re.escape(part) for part in parts
        )
        literal = sum(len(part) for part in parts if not part.startswith("{"))
        needed = _needed(shape.input_shape)
        fixed = [tuple(pair.partition("=")[::2]) for pair in fixed.split("&") if pair]
        routes.append((name, shape.http["method"], re.compile(pattern + "/?"), literal, fixed, needed))
    return routes


def _needed(shape):
    """Query and header members without which the operation can't be meant."""
    if shape is None:
        return []
    return [
        (member.serialization["location"], member.serialization["name"].lower()
         if member.serialization["location"] == "header" else member.serialization["name"])
        for name, member in shape.members.items()
        if name in shape.required_members and member.serialization.get("location") in ("querystring", "header")
    ]


def error(service, headers, status, code, message):
    """An error in the wire format of the service: headers and body."""
    json_target = headers.get("x-amz-target")
    is_json = json_target or service in ("lambda", "medical-imaging")
    if not is_json:
        code, message = escape(code), escape(message)
    if service == "s3":
        body = f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>test</RequestId></Error>"
        return {"Content-Type": "application/xml"}, body.encode()
    if is_json:
        body = json.dumps({"__type": code, "message": message, "Message": message})
        return {"Content-Type": "application/x-amz-json-1.1", "x-amzn-errortype": code}, body.encode()
    kind = "Sender" if status < 500 else "Receiver"
    body = (
        f"<ErrorResponse><Error><Type>{kind}</Type><Code>{code}</Code><Message>{message}</Message></Error>"
        "<RequestId>test</RequestId></ErrorResponse>"
    )
    return {"Content-Type": "text/xml"}, body.encode()
