"""What a test has set for its account: times, failures, rules; and what the account was asked for."""

import asyncio
import fnmatch
import itertools
import threading
import time

# What is set to a shorter time ends by that: a test sets an hour, looks, and sets 0.
DEFAULTS = {
    # Seconds that each resource step of a stack takes.
    "step": 0.05,
    # Seconds from a distribution's change to `Deployed`.
    "distribution": 0.0,
    # Seconds that an invalidation needs.
    "invalidation": 0.0,
    # Seconds that replicas outlive the last association with their version.
    "replicas": 0.0,
    # Seconds that a function may take; none: what it is configured with, and more on a busy machine.
    "timeout": None,
    # Resource steps that fail: see `failure`.
    "failures": [],
    # Lines on a page of FilterLogEvents.
    "log_page": 10_000,
    # Data stores of the stand-in for HealthImaging: id -> status.
    "datastores": {},
}


class Rule:
    """Something that befalls the calls `at` … `at + count - 1` of those that it looks at."""

    KINDS = ("hold-before", "hold-after", "answer", "reset", "lost")
    _ids = itertools.count(1)

    def __init__(self, described):
        described = {"at": 1, "count": 1, "calls": "any", "service": "*", "operation": "*", **described}
        if described.get("kind") not in self.KINDS:
            raise ValueError(f"a rule's kind is one of {', '.join(self.KINDS)}")
        self.id = next(self._ids)
        self.described = described
        self.seen = 0
        self.met = []
        self.released = asyncio.Event()

    def meets(self, call):
        wanted = self.described
        if wanted["calls"] == "mutating" and not call["mutating"]:
            return False
        if not fnmatch.fnmatchcase(call["service"], wanted["service"]):
            return False
        if not fnmatch.fnmatchcase(call["operation"], wanted["operation"]):
            return False
        self.seen += 1
        if not wanted["at"] <= self.seen < wanted["at"] + wanted["count"]:
            return False
        self.met.append(call["index"])
        return True

    def shown(self):
        return {"id": self.id, **self.described, "seen": self.seen, "met": self.met}


class Account:
    def __init__(self, number):
        self.number = number
        self.settings = dict(DEFAULTS)
        self.calls = []
        # Every state that a distribution was in: enabled, and which functions run before which path.
        self.history = []
        self.rules = []
        self.failed = {}
        self.changed = asyncio.Event()

    def called(self, service, operation, mutating):
        call = {
            "index": len(self.calls) + 1,
            "time": time.time(),
            "service": service,
            "operation": operation,
            "mutating": mutating,
            "status": None,
        }
        self.calls.append(call)
        return call

    def rule_for(self, call):
        met = [rule for rule in list(self.rules) if rule.meets(call)]
        self.notify()
        return met[0] if met else None

    def notify(self):
        """Wakes everyone who waits for something of this account."""
        self.changed.set()
        self.changed = asyncio.Event()

    def failure(self, action, resource_type, logical_id, effect="before"):
        """The reason why a step is to fail, if it is: a failure names `action` (CREATE, UPDATE, DELETE, ROLLBACK for an
        update that is taken back, or DETECT for a look for drift), `type` and `id` (each may be left out or be a pattern), a `reason`, `times` (for
        ever, unless given), and `effect`: whether it fails `before` (unless given) or `after` it has taken effect."""
        for index, failure in enumerate(self.settings["failures"]):
            if failure.get("action", action) != action or failure.get("effect", "before") != effect:
                continue
            if not fnmatch.fnmatchcase(resource_type, failure.get("type", "*")):
                continue
            if not fnmatch.fnmatchcase(logical_id, failure.get("id", "*")):
                continue
            with _LOCK:
                count = self.failed.get(index, 0)
                if count >= failure.get("times", float("inf")):
                    continue
                self.failed[index] = count + 1
            return failure.get("reason", "Internal failure injected by the test")
        return None


_LOCK = threading.Lock()
_ACCOUNTS = {}


def account(number):
    with _LOCK:
        return _ACCOUNTS.setdefault(number, Account(number))


def begun(number, setting):
    """Something that takes the seconds of a setting begins."""
    return number, setting, time.monotonic(), account(number).settings[setting]


def ended(beginning):
    """When that is over: by the setting of the moment, where a test has shortened it."""
    number, setting, since, seconds = beginning
    return since + min(seconds, account(number).settings[setting])


def forget(number):
    with _LOCK:
        _ACCOUNTS.pop(number, None)
