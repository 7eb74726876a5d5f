"""The tests' control endpoints, below `/_frames/<account>/`."""

import asyncio
import json
import os

import seam
from inventory import inventory
from own_calls import call

from accounts import DEFAULTS, Rule, account, forget


async def control(method, path, body):
    number, _, what = path.partition("/")
    try:
        handler = _HANDLERS[method, what]
        return 200, await handler(account(number), json.loads(body or b"null"))
    except KeyError as error:
        return 404, {"error": f"no {method} {path}: {error}"}
    except (TypeError, ValueError) as error:
        return 400, {"error": str(error)}


async def _settings(of, wanted):
    unknown = set(wanted) - set(DEFAULTS)
    if unknown:
        raise ValueError(f"no such setting: {', '.join(sorted(unknown))}")
    if "failures" in wanted:
        of.failed.clear()
    of.settings.update(wanted)
    of.notify()
    return of.settings


async def _calls(of, _):
    return of.calls


async def _history(of, _):
    return of.history


async def _add_rules(of, described):
    rules = [Rule(rule) for rule in described]
    of.rules += rules
    return [rule.shown() for rule in rules]


async def _rules(of, _):
    return [rule.shown() for rule in of.rules]


async def _clear_rules(of, _):
    for rule in of.rules:
        rule.released.set()
    of.rules.clear()
    return []


async def _await_rule(of, wanted):
    """Answers when the rule has met a call, or after `seconds` without one."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wanted.get("seconds", 60)
    rule = next(rule for rule in of.rules if rule.id == wanted["id"])
    while not rule.met and loop.time() < deadline:
        changed = of.changed
        try:
            await asyncio.wait_for(changed.wait(), deadline - loop.time())
        except asyncio.TimeoutError:
            break
    return rule.shown()


async def _call(of, described):
    return await call(int(os.environ["GATEWAY_PORT"]), of.number, described)


async def _inventory(of, _):
    return inventory(of.number)


async def _forget(of, _):
    """The test that had the account is over."""
    await _clear_rules(of, None)
    seam.forget(of.number)
    forget(of.number)


_HANDLERS = {
    ("DELETE", "all"): _forget,
    ("GET", "settings"): lambda of, _: _settings(of, {}),
    ("POST", "settings"): _settings,
    ("GET", "calls"): _calls,
    ("GET", "history"): _history,
    ("GET", "rules"): _rules,
    ("POST", "rules"): _add_rules,
    ("DELETE", "rules"): _clear_rules,
    ("POST", "rules/await"): _await_rule,
    ("POST", "call"): _call,
    ("GET", "inventory"): _inventory,
}
