"""A stack operation and its steps: what a create, an update, a rollback and a deletion are put together from. Steps run
on the event loop, between requests."""

import asyncio
import contextlib
import copy
import time

import distributions
from seam import concurrency, engine, provisioners, responses, stacks

from accounts import account

STACK = "AWS::CloudFormation::Stack"


class Failure(Exception):
    """Why a step failed."""


class Operation:
    """One create, update or delete of a stack."""

    def __init__(self, stack, template, parameters, tags):
        self.stack = stack
        self.name, self.id = stack["StackName"], stack["StackId"]
        self.template = template or {}
        self.parameters = parameters or {}
        self.tags = tags or []
        self.conditions = engine.evaluate_conditions(self.template, self.parameters)
        self.definitions = self.template.get("Resources", {})
        self.resources = stack.setdefault("_resources", {})

    def event(self, logical_id, resource_type, status, reason="", physical_id=""):
        stacks.add_event(self.id, self.name, logical_id, resource_type, status, reason, physical_id)

    def status(self, status, reason=""):
        """Moves the stack itself on."""
        self.stack["StackStatus"] = status
        self.stack["StackStatusReason"] = reason
        self.event(self.name, STACK, status, reason, self.id)

    def mark(self, logical_id, status, reason="", event=True):
        """Moves a resource on."""
        record = self.resources[logical_id]
        record.update(ResourceStatus=status, ResourceStatusReason=reason, Timestamp=responses.now_iso())
        if event:
            self.event(logical_id, record["ResourceType"], status, reason, record["PhysicalResourceId"])

    def order(self):
        """The template's resources, each with those that it needs."""
        ordered = engine.topological_sort(self.definitions, self.conditions)
        present = [
            lid for lid in ordered
            if not self.definitions[lid].get("Condition") or self.conditions.get(self.definitions[lid]["Condition"], True)
        ]
        return {lid: engine.extract_deps(self.definitions[lid], set(present)) & set(present) for lid in present}

    def properties(self, logical_id):
        resolved = engine.resolve_refs(
            copy.deepcopy(self.definitions[logical_id].get("Properties", {})), self.resources, self.parameters,
            self.conditions, self.template.get("Mappings", {}), self.name, self.id)
        return {key: value for key, value in resolved.items() if value is not engine.NO_VALUE}

    def tagged(self, logical_id, resource_type, properties, tags=None):
        """A resource's properties with the stack's tags: its present ones, unless others are given."""
        tags = self.tags if tags is None else tags
        return provisioners.with_stack_tags(resource_type, properties, tags, self.name, self.id, logical_id)

    def policy(self, logical_id, attribute):
        return stacks.resource_policy(
            self.definitions.get(logical_id), attribute, self.resources, self.parameters, self.conditions,
            self.template.get("Mappings", {}), self.name, self.id)


async def wait(share):
    """A share of a step's time, by the setting of the moment."""
    of = account(responses.get_account_id())
    begun = time.monotonic()
    await asyncio.sleep(0)
    while (left := begun + of.settings["step"] * share - time.monotonic()) > 0:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(of.changed.wait(), left)


def failing(action, resource_type, logical_id, effect):
    """Raises the failure that the test has asked for, before or after the step has taken effect."""
    reason = account(responses.get_account_id()).failure(action, resource_type, logical_id, effect)
    if reason:
        raise Failure(reason)


async def call(resource_type, function, *arguments):
    if stacks.runs_on_worker_thread(resource_type):
        return await concurrency.run_reentrant(function, *arguments)
    return function(*arguments)


async def walk(needs, step, stop=lambda: False):
    """Runs `step` for each key as soon as it has run for all that the key needs. Returns the keys for which it gave
    true; where it gave false, what needs that key isn't begun. Nothing is begun once `stop` says so."""
    done, begun, running = set(), set(), {}
    while True:
        if not stop():
            for key in needs:
                if key not in begun and needs[key] <= done:
                    begun.add(key)
                    running[asyncio.ensure_future(step(key))] = key
        if not running:
            return done
        finished, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for task in finished:
            key = running.pop(task)
            if task.result():
                done.add(key)


def reversed_needs(needs, keys):
    """For deletion: each of the keys with those that must be gone before."""
    return {key: {other for other in keys if key in needs.get(other, ())} for key in keys}


def new_record(logical_id, resource_type, properties):
    return {
        "PhysicalResourceId": "",
        "ResourceType": resource_type,
        "ResourceStatus": "CREATE_IN_PROGRESS",
        "LogicalResourceId": logical_id,
        "Properties": properties,
        "Attributes": {},
        "Timestamp": responses.now_iso(),
    }


def failed_reason(failed):
    sentences = []
    for verb in ("create", "update", "delete"):
        names = sorted(logical_id for logical_id, of in failed.items() if of == verb)
        if names:
            sentences.append(f"The following resource(s) failed to {verb}: [{', '.join(names)}]. ")
    return "".join(sentences)


async def change(operation, logical_id, record, old, new):
    """Updates a resource in place."""
    token = provisioners.NAME_SEED.set(record.get("_name_seed", ""))
    try:
        physical_id, attributes = await call(
            record["ResourceType"], provisioners.update_resource, record["ResourceType"], record["PhysicalResourceId"], old, new,
            operation.name, logical_id, record["Attributes"])
    finally:
        provisioners.NAME_SEED.reset(token)
    record.update(PhysicalResourceId=physical_id, Attributes=attributes or record["Attributes"])


async def remove(resource_type, logical_id, record, stack_name):
    await wait(0.5)
    failing("DELETE", resource_type, logical_id, "before")
    if record["PhysicalResourceId"]:
        await distributions.before_delete(resource_type, record["PhysicalResourceId"])
        await call(resource_type, provisioners.delete_resource, resource_type, record["PhysicalResourceId"],
                    record.get("Properties", {}), stack_name, logical_id)
    await wait(0.5)


async def dispose(operation, logical_id, record, policy):
    """A deletion in a clean-up, whose failure doesn't fail the operation."""
    resource_type, physical_id = record["ResourceType"], record["PhysicalResourceId"]
    if policy in provisioners.RETAINING_POLICIES:
        return operation.event(logical_id, resource_type, "DELETE_SKIPPED", "", physical_id)
    operation.event(logical_id, resource_type, "DELETE_IN_PROGRESS", "", physical_id)
    try:
        await remove(resource_type, logical_id, record, operation.name)
    except Exception as error:  # whatever MiniStack's handlers raise
        return operation.event(logical_id, resource_type, "DELETE_FAILED", str(error), physical_id)
    operation.event(logical_id, resource_type, "DELETE_COMPLETE", "", physical_id)
