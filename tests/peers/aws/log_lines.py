"""FilterLogEvents as AWS pages and filters it: by tokens, with pages that may be empty, and by patterns over the members
of JSON lines. How large a page is, a test sets: AWS's are of 10,000 lines."""

import base64
import json
import re

from accounts import account
from seam import cloudwatch_logs, responses


def install():
    cloudwatch_logs.replace("filter_log_events", _filtering)


def _filtering(original):
    def filter_log_events(data):
        size = account(responses.get_account_id()).settings["log_page"]
        pattern = data.get("filterPattern") or ""
        wanted = _json_pattern(pattern) if pattern.startswith("{") else None
        if pattern.startswith("{") and wanted is None:
            return responses.error_response_json("InvalidParameterException", "Invalid filter pattern", 400)
        after = _position(data.get("nextToken"))
        if after is None:
            return responses.error_response_json("InvalidParameterException", "The specified nextToken is invalid.", 400)
        # MiniStack finds them all, in the order of time.
        whole = {key: value for key, value in data.items() if key not in ("limit", "nextToken")}
        if wanted:
            whole.pop("filterPattern")
        status, headers, body = original(whole)
        if status != 200:
            return status, headers, body
        # A token names the line that comes next, so that lines that come meanwhile are neither lost nor there twice.
        events = sorted(json.loads(body)["events"], key=_place)
        events = [event for event in events if _place(event) > after]
        # A page is what was looked at; what fits of it may be nothing.
        page, rest = events[:size], events[size:]
        answer = {"events": [event for event in page if not wanted or wanted(event["message"])], "searchedLogStreams": []}
        if rest:
            answer["nextToken"] = base64.b64encode(json.dumps(_place(page[-1])).encode()).decode()
        return responses.json_response(answer)

    return filter_log_events


def _place(event):
    return [event["timestamp"], event["ingestionTime"], event["eventId"]]


def _position(token):
    try:
        return json.loads(base64.b64decode(token)) if token else [0, 0, ""]
    except ValueError:
        return None


_TERM = re.compile(r'\(?\s*\$\.(\w+)\s*=\s*"([^"]*)"\s*\)?')


def _json_pattern(pattern):
    """`{ $.a = "x" }`, `{ ($.a = "x") && ($.b = "y") }`, `{ ($.a = "x") && (($.b = "y") || ($.c = "z")) }`: what frames
    asks for. Another pattern is none."""
    inner = pattern.strip()[1:-1].strip()
    if not pattern.strip().endswith("}"):
        return None
    all_of = []
    for part in inner.split("&&"):
        any_of = [_TERM.fullmatch(term.strip().removeprefix("((").removesuffix("))")) for term in part.split("||")]
        if not all(any_of):
            return None
        all_of.append([term.groups() for term in any_of])

    def matches(message):
        try:
            members = json.loads(message)
        except ValueError:
            return False
        if not isinstance(members, dict):
            return False
        return all(any(members.get(name) == value for name, value in any_of) for any_of in all_of)

    return matches
