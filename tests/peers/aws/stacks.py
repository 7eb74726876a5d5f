"""How CloudFormation carries out a stack operation, in place of MiniStack's own way: there, resources come one after
the other without any delay, an update touches all of them, a clean-up has no status, and a failure cancels nothing.

Here, as on AWS: what doesn't depend on each other goes side by side, each step takes time, unchanged resources are
left alone, a failure cancels what is under way and rolls back, and what an update replaces or drops is deleted in its
clean-up. Steps run on the event loop, between requests."""

import asyncio
import copy

import edge
from ministack.core.concurrency import run_reentrant
from ministack.core.responses import get_account_id, now_iso
from ministack.services import cloudformation
from ministack.services.cloudformation import changesets, handlers, stacks
from ministack.services.cloudformation.engine import (
    _NO_VALUE, _evaluate_conditions, _extract_deps, _resolve_refs, _topological_sort,
)
from ministack.services.cloudformation.provisioners import (
    _NAME_SEED, _RETAINING_POLICIES, _custom_named_replacement_error, _delete_resource, _provision_resource,
    _replacing_change, _update_resource, _with_stack_tags,
)
from policy import denied_by_policy

from accounts import account

_STACK = "AWS::CloudFormation::Stack"


def install():
    for module in (stacks, changesets, handlers):
        for name, own in (
            ("_deploy_stack_async", deploy),
            ("_delete_stack_async", delete),
            ("_roll_back_operation", roll_back),
            ("_continue_update_rollback_async", continue_rollback),
        ):
            if hasattr(module, name):
                setattr(module, name, own)


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
        self.conditions = _evaluate_conditions(self.template, self.parameters)
        self.definitions = self.template.get("Resources", {})
        self.resources = stack.setdefault("_resources", {})

    def event(self, logical_id, resource_type, status, reason="", physical_id=""):
        stacks._add_event(self.id, self.name, logical_id, resource_type, status, reason, physical_id)

    def status(self, status, reason=""):
        """Moves the stack itself on."""
        self.stack["StackStatus"] = status
        self.stack["StackStatusReason"] = reason
        self.event(self.name, _STACK, status, reason, self.id)

    def mark(self, logical_id, status, reason="", event=True):
        """Moves a resource on."""
        record = self.resources[logical_id]
        record.update(ResourceStatus=status, ResourceStatusReason=reason, Timestamp=now_iso())
        if event:
            self.event(logical_id, record["ResourceType"], status, reason, record["PhysicalResourceId"])

    def order(self):
        """The template's resources, each with those that it needs."""
        ordered = _topological_sort(self.definitions, self.conditions)
        present = [
            lid for lid in ordered
            if not self.definitions[lid].get("Condition") or self.conditions.get(self.definitions[lid]["Condition"], True)
        ]
        return {lid: _extract_deps(self.definitions[lid], set(present)) & set(present) for lid in present}

    def properties(self, logical_id):
        resolved = _resolve_refs(
            copy.deepcopy(self.definitions[logical_id].get("Properties", {})), self.resources, self.parameters,
            self.conditions, self.template.get("Mappings", {}), self.name, self.id)
        return {key: value for key, value in resolved.items() if value is not _NO_VALUE}

    def tagged(self, logical_id, resource_type, properties):
        return _with_stack_tags(resource_type, properties, self.tags, self.name, self.id, logical_id)

    def policy(self, logical_id, attribute):
        return stacks._resource_policy(
            self.definitions.get(logical_id), attribute, self.resources, self.parameters, self.conditions,
            self.template.get("Mappings", {}), self.name, self.id)


async def _wait(share):
    await asyncio.sleep(account(get_account_id()).settings["step"] * share)


def _failing(action, resource_type, logical_id, effect):
    """Raises the failure that the test has asked for, before or after the step has taken effect."""
    reason = account(get_account_id()).failure(action, resource_type, logical_id, effect)
    if reason:
        raise Failure(reason)


async def _call(resource_type, function, *arguments):
    if stacks._runs_on_worker_thread(resource_type):
        return await run_reentrant(function, *arguments)
    return function(*arguments)


async def _walk(needs, step, stop=lambda: False):
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


def _reversed(needs, keys):
    """For deletion: each of the keys with those that must be gone before."""
    return {key: {other for other in keys if key in needs.get(other, ())} for key in keys}


# Create and update.


async def deploy(stack_name, stack_id, template, param_values, disable_rollback, tags, is_update=False,
                 previous_stack=None, retain_except_on_create=False, imports=None):
    stack = cloudformation._stacks[stack_name]
    operation = Operation(stack, template, param_values, stack.get("Tags"))
    previous = previous_stack or {}
    stack.pop("_cancel_requested", None)
    try:
        needs = operation.order()
    except ValueError as error:
        return operation.status(f"{'UPDATE' if is_update else 'CREATE'}_FAILED", str(error))
    if not stack.get("_disable_validation") and stacks._fail_property_validation(
            stack, stack_id, stack_name, operation.definitions, list(needs), param_values, operation.conditions,
            template.get("Mappings", {}), disable_rollback, previous_stack=previous if is_update else None):
        return
    # Also while it is being made: a deletion in between needs it.
    if not is_update:
        stack.update(_template=template, _resolved_params=param_values)
    run = _Run(operation, previous, imports or {})
    run.check_removals(needs)
    await _walk(needs, run.step, run.stopped)
    if "_abandoned" in stack:
        return stack["_abandoned"].set()
    outputs, exports = run.outputs()
    if run.failed or run.cancelled:
        return await run.failed_operation(disable_rollback, retain_except_on_create)
    cloudformation._exports.update(exports)
    stack.update(_template=template, _resolved_params=param_values, Outputs=outputs)
    if is_update:
        operation.status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        await run.clean_up(needs)
    operation.status("UPDATE_COMPLETE" if is_update else "CREATE_COMPLETE")


class _Run:
    """The forward half of a create or an update."""

    def __init__(self, operation, previous, imports):
        self.operation = operation
        self.previous = previous
        self.before = previous.get("_resources", {})
        self.earlier_tags = previous.get("Tags") or []
        self.imports = imports
        self.failed = {}
        self.under_way = set()
        self.created, self.updated = [], []
        # (logical id, type, physical id, properties) of what was replaced.
        self.replaced = []

    @property
    def cancelled(self):
        return bool(self.operation.stack.get("_cancel_requested"))

    def stopped(self):
        return bool(self.failed) or self.cancelled or "_abandoned" in self.operation.stack

    def check_removals(self, needs):
        """A stack policy's word on what the update would delete."""
        for logical_id in self.before.keys() - needs.keys():
            record = self.before[logical_id]
            reason = denied_by_policy(self.operation.stack, "Update:Delete", logical_id, record["ResourceType"])
            if reason:
                self.fail(logical_id, "UPDATE", reason)

    def fail(self, logical_id, prefix, reason):
        verb = "update" if prefix == "UPDATE" else "create"
        self.failed[logical_id] = verb
        self.operation.mark(logical_id, f"{prefix}_FAILED", reason)
        # What else is under way is cancelled; it may still take effect, and is then rolled back with the rest.
        for other, other_prefix in list(self.under_way):
            if other != logical_id and other not in self.failed:
                cancelled = "update" if other_prefix == "UPDATE" else "creation"
                self.failed[other] = "update" if other_prefix == "UPDATE" else "create"
                self.operation.mark(other, f"{other_prefix}_FAILED", f"Resource {cancelled} cancelled")

    async def step(self, logical_id):
        operation = self.operation
        earlier = self.before.get(logical_id)
        resource_type = operation.definitions[logical_id]["Type"]
        prefix = "UPDATE" if earlier else "CREATE"
        try:
            properties = operation.properties(logical_id)
            if earlier and self.unchanged(logical_id, earlier, properties):
                return True
            self.under_way.add((logical_id, prefix))
            if earlier:
                await self.update(logical_id, resource_type, earlier, properties)
            else:
                await self.create(logical_id, resource_type, properties)
        except Exception as error:  # whatever MiniStack's handlers raise fails the resource
            if logical_id not in self.failed:
                operation.resources.setdefault(logical_id, _record(logical_id, resource_type, {}))
                self.fail(logical_id, prefix, str(error))
            return False
        finally:
            self.under_way.discard((logical_id, prefix))
        if logical_id in self.failed:
            return False
        operation.mark(logical_id, f"{prefix}_COMPLETE")
        return True

    def unchanged(self, logical_id, earlier, properties):
        operation = self.operation
        resource_type = earlier["ResourceType"]
        old = _with_stack_tags(
            resource_type, earlier["Properties"], self.earlier_tags, operation.name, operation.id, logical_id)
        if old != operation.tagged(logical_id, resource_type, properties):
            return False
        # It may have come from an update that failed half-way.
        return operation.definitions[logical_id]["Type"] == resource_type

    async def create(self, logical_id, resource_type, properties):
        operation = self.operation
        record = operation.resources[logical_id] = _record(logical_id, resource_type, properties)
        operation.mark(logical_id, "CREATE_IN_PROGRESS")
        await _wait(0.5)
        _failing("CREATE", resource_type, logical_id, "before")
        physical_id, attributes, seed = await self.provision(logical_id, resource_type, properties)
        record.update(PhysicalResourceId=physical_id, Attributes=attributes, _name_seed=seed)
        self.created.append(logical_id)
        if logical_id not in self.failed:
            operation.mark(logical_id, "CREATE_IN_PROGRESS", "Resource creation Initiated")
        await _wait(0.5)
        await edge.until_deployed(resource_type, physical_id)
        _failing("CREATE", resource_type, logical_id, "after")

    async def provision(self, logical_id, resource_type, properties):
        token = _NAME_SEED.set("")
        try:
            if logical_id in self.imports:
                made = stacks._adopt_resource(
                    self.operation.id, self.operation.name, logical_id, resource_type, self.imports[logical_id])
            else:
                made = await _call(
                    resource_type, _provision_resource, resource_type, logical_id,
                    self.operation.tagged(logical_id, resource_type, properties), self.operation.name)
            return *made, _NAME_SEED.get()
        finally:
            _NAME_SEED.reset(token)

    async def update(self, logical_id, resource_type, earlier, properties):
        operation = self.operation
        old = _with_stack_tags(
            resource_type, earlier["Properties"], self.earlier_tags, operation.name, operation.id, logical_id)
        new = operation.tagged(logical_id, resource_type, properties)
        replacing = _replacing_change(resource_type, old, new) or earlier["ResourceType"] != resource_type
        record = operation.resources[logical_id] = {
            **_record(logical_id, resource_type, properties),
            "PhysicalResourceId": earlier["PhysicalResourceId"],
            "Attributes": earlier.get("Attributes", {}),
            "_name_seed": earlier.get("_name_seed", ""),
        }
        operation.mark(logical_id, "UPDATE_IN_PROGRESS", _REPLACING if replacing else "")
        reason = denied_by_policy(
            operation.stack, "Update:Replace" if replacing else "Update:Modify", logical_id, resource_type)
        if reason:
            raise Failure(reason)
        refused = _custom_named_replacement_error(resource_type, old, new, earlier["PhysicalResourceId"])
        if refused:
            raise Failure(refused)
        await _wait(0.5)
        _failing("UPDATE", resource_type, logical_id, "before")
        if replacing:
            # A new physical resource under a new name; the old one goes when all is well.
            made = await self.provision(logical_id, resource_type, properties)
            record.update(PhysicalResourceId=made[0], Attributes=made[1], _name_seed=made[2])
            self.replaced.append((logical_id, earlier))
            if logical_id not in self.failed:
                operation.mark(logical_id, "UPDATE_IN_PROGRESS", "Resource creation Initiated")
        else:
            self.updated.append(logical_id)
            await _change(operation, logical_id, record, old, new)
        await _wait(0.5)
        await edge.until_deployed(resource_type, record["PhysicalResourceId"])
        _failing("UPDATE", resource_type, logical_id, "after")

    def outputs(self):
        operation = self.operation
        if self.failed or self.cancelled:
            return [], {}
        try:
            return stacks._resolve_stack_outputs(
                operation.template.get("Outputs", {}), operation.conditions, operation.resources,
                operation.parameters, operation.template.get("Mappings", {}), operation.name, operation.id)
        except Exception as error:  # an output that can't be resolved fails the operation
            self.failed[operation.name] = "create"
            operation.event(operation.name, _STACK, "UPDATE_FAILED" if self.previous else "CREATE_FAILED",
                            str(error), operation.id)
            return [], {}

    async def clean_up(self, needs):
        """Deletes what was replaced, then what the template no longer has. What can't be deleted stays behind,
        without the stack."""
        for logical_id, earlier in self.replaced:
            await _dispose(self.operation, logical_id, earlier, self.operation.policy(logical_id, "UpdateReplacePolicy"))
        gone = self.before.keys() - needs.keys()
        old = Operation({**self.operation.stack, "_resources": self.before}, self.previous.get("_template"),
                        self.previous.get("_resolved_params"), self.earlier_tags)
        policies = {logical_id: old.policy(logical_id, "DeletionPolicy") for logical_id in gone}

        async def drop(logical_id):
            await _dispose(self.operation, logical_id, self.before[logical_id], policies[logical_id])
            self.operation.resources.pop(logical_id, None)
            return True

        await _walk(_reversed(old.order(), gone), drop)

    async def failed_operation(self, disable_rollback, retain_except_on_create):
        operation = self.operation
        undo = {
            "is_update": bool(self.previous),
            "previous_stack": self.previous,
            "created": self.created,
            "updated": self.updated,
            "replaced": self.replaced,
            "failed": self.failed,
            "template": operation.template,
            "param_values": operation.parameters,
            "tags": operation.tags,
            "retain_except_on_create": retain_except_on_create,
        }
        reason = _failed_reason(self.failed)
        if disable_rollback:
            operation.stack["_failed_operation"] = undo
            return operation.status("UPDATE_FAILED" if self.previous else "CREATE_FAILED", reason)
        reason = "User Initiated" if self.cancelled and not self.failed else reason
        operation.stack.pop("_cancel_requested", None)
        await roll_back(operation.name, operation.id, operation.stack, undo, reason)


_REPLACING = "Requested update requires the creation of a new physical resource; hence creating one."


def _record(logical_id, resource_type, properties):
    return {
        "PhysicalResourceId": "",
        "ResourceType": resource_type,
        "ResourceStatus": "CREATE_IN_PROGRESS",
        "LogicalResourceId": logical_id,
        "Properties": properties,
        "Attributes": {},
        "Timestamp": now_iso(),
    }


def _failed_reason(failed):
    sentences = []
    for verb in ("create", "update", "delete"):
        names = sorted(logical_id for logical_id, of in failed.items() if of == verb)
        if names:
            sentences.append(f"The following resource(s) failed to {verb}: [{', '.join(names)}]. ")
    return "".join(sentences)


async def _change(operation, logical_id, record, old, new):
    """Updates a resource in place."""
    token = _NAME_SEED.set(record.get("_name_seed", ""))
    try:
        physical_id, attributes = await _call(
            record["ResourceType"], _update_resource, record["ResourceType"], record["PhysicalResourceId"], old, new,
            operation.name, logical_id, record["Attributes"])
    finally:
        _NAME_SEED.reset(token)
    record.update(PhysicalResourceId=physical_id, Attributes=attributes or record["Attributes"])


async def _remove(resource_type, logical_id, record, stack_name):
    await _wait(0.5)
    _failing("DELETE", resource_type, logical_id, "before")
    if record["PhysicalResourceId"]:
        await edge.before_delete(resource_type, record["PhysicalResourceId"])
        await _call(resource_type, _delete_resource, resource_type, record["PhysicalResourceId"],
                    record.get("Properties", {}), stack_name, logical_id)
    await _wait(0.5)


async def _dispose(operation, logical_id, record, policy):
    """A deletion in a clean-up, whose failure doesn't fail the operation."""
    resource_type, physical_id = record["ResourceType"], record["PhysicalResourceId"]
    if policy in _RETAINING_POLICIES:
        return operation.event(logical_id, resource_type, "DELETE_SKIPPED", "", physical_id)
    operation.event(logical_id, resource_type, "DELETE_IN_PROGRESS", "", physical_id)
    try:
        await _remove(resource_type, logical_id, record, operation.name)
    except Exception as error:  # as above
        return operation.event(logical_id, resource_type, "DELETE_FAILED", str(error), physical_id)
    operation.event(logical_id, resource_type, "DELETE_COMPLETE", "", physical_id)


# Rollback.


async def roll_back(stack_name, stack_id, stack, undo, reason_override=""):
    operation = Operation(stack, undo["template"], undo["param_values"], undo.get("tags") or [])
    stack.pop("_failed_operation", None)
    reason = reason_override or _failed_reason(undo.get("failed", {}))
    if not undo["is_update"]:
        return await _roll_back_create(operation, undo, reason)
    operation.status("UPDATE_ROLLBACK_IN_PROGRESS", reason)
    stack["_undo"] = undo
    await _undo_update(operation, undo, skip=())


async def _roll_back_create(operation, undo, reason):
    operation.status("ROLLBACK_IN_PROGRESS", f"{reason}Rollback requested by user." if reason else "Rollback requested")
    failed = {}

    async def drop(logical_id):
        record = operation.resources[logical_id]
        policy = operation.policy(logical_id, "DeletionPolicy")
        if policy == "Retain" and not undo.get("retain_except_on_create") and record["PhysicalResourceId"]:
            operation.mark(logical_id, "DELETE_SKIPPED")
            operation.resources.pop(logical_id)
            return True
        operation.mark(logical_id, "DELETE_IN_PROGRESS")
        try:
            await _remove(record["ResourceType"], logical_id, record, operation.name)
        except Exception as error:  # as above
            failed[logical_id] = "delete"
            operation.mark(logical_id, "DELETE_FAILED", str(error))
            return False
        operation.mark(logical_id, "DELETE_COMPLETE")
        operation.resources.pop(logical_id)
        return True

    await _walk(_reversed(operation.order(), list(operation.resources)), drop)
    if failed:
        return operation.status("ROLLBACK_FAILED", _failed_reason(failed))
    operation.status("ROLLBACK_COMPLETE")


async def _undo_update(operation, undo, skip):
    """Sends back what the update changed; what it made goes in the clean-up."""
    before = undo["previous_stack"].get("_resources", {})
    earlier_tags = undo["previous_stack"].get("Tags") or []
    failed = {}
    pending = undo.get("to_revert")
    if pending is None:
        touched = [*undo["updated"], *(lid for lid, verb in undo["failed"].items() if verb == "update")]
        pending = [lid for lid in dict.fromkeys(touched) if lid in before and lid in operation.resources]
        undo["to_revert"] = pending
    for logical_id in list(pending):
        record, earlier = operation.resources[logical_id], before[logical_id]
        if logical_id in skip:
            operation.mark(logical_id, "UPDATE_COMPLETE", "Resource rollback skipped by user")
            pending.remove(logical_id)
            continue
        operation.mark(logical_id, "UPDATE_IN_PROGRESS")
        try:
            await _wait(0.5)
            _failing("ROLLBACK", record["ResourceType"], logical_id, "before")
            if logical_id in undo["updated"]:
                old = operation.tagged(logical_id, record["ResourceType"], record["Properties"])
                new = _with_stack_tags(earlier["ResourceType"], earlier["Properties"], earlier_tags, operation.name,
                                       operation.id, logical_id)
                await _change(operation, logical_id, record, old, new)
                await edge.until_deployed(record["ResourceType"], record["PhysicalResourceId"])
        except Exception as error:  # as above
            failed[logical_id] = "update"
            operation.mark(logical_id, "UPDATE_FAILED", str(error))
            continue
        operation.mark(logical_id, "UPDATE_COMPLETE")
        pending.remove(logical_id)
    if failed:
        # What ContinueUpdateRollback may skip.
        operation.stack["_rollback_failed"] = dict.fromkeys(failed, {})
        return operation.status("UPDATE_ROLLBACK_FAILED", _failed_reason(failed))
    await _finish_rollback(operation, undo, before)


async def _finish_rollback(operation, undo, before):
    stack, previous = operation.stack, undo["previous_stack"]
    stack.pop("_rollback_failed", None)
    stack.pop("_undo", None)
    operation.status("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
    replaced = {logical_id for logical_id, _ in undo["replaced"]}
    made = [lid for lid in operation.resources if lid in replaced or lid not in before]

    async def drop(logical_id):
        record = operation.resources[logical_id]
        policy = operation.policy(logical_id, "DeletionPolicy")
        if policy == "RetainExceptOnCreate" or undo.get("retain_except_on_create"):
            policy = "Delete"
        await _dispose(operation, logical_id, record, policy)
        return True

    await _walk(_reversed(operation.order(), made), drop)
    for key in ("_template", "_template_body", "_resolved_params", "_conditions", "Parameters", "Tags", "Outputs"):
        if key in previous:
            stack[key] = previous[key]
    restored = previous.get("_resources", {})
    for logical_id, record in restored.items():
        now = operation.resources.get(logical_id)
        if now is not None and logical_id not in replaced:
            record.update(PhysicalResourceId=now["PhysicalResourceId"], Attributes=now["Attributes"])
    stack["_resources"] = restored
    operation.resources = restored
    operation.status("UPDATE_ROLLBACK_COMPLETE")


async def continue_rollback(stack_name, stack_id, resources_to_skip):
    stack = cloudformation._stacks[stack_name]
    undo = stack["_undo"]
    operation = Operation(stack, undo["template"], undo["param_values"], undo.get("tags") or [])
    operation.status("UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated")
    await _undo_update(operation, undo, resources_to_skip)


# Delete.


async def delete(stack_name, stack_id, retain_resources=(), force=False):
    stack = cloudformation._stacks.get(stack_name)
    if not stack or stack["StackId"] != stack_id:
        return
    stacks._add_event(stack_id, stack_name, stack_name, _STACK, "DELETE_IN_PROGRESS", "User Initiated", stack_id)
    if "_abandoned" in stack:
        # Its creation ends first, with what is under way.
        await stack["_abandoned"].wait()
        del stack["_abandoned"]
    operation = Operation(stack, stack.get("_template"), stack.get("_resolved_params"), stack.get("Tags"))
    keys = list(operation.resources)
    needs = {**dict.fromkeys(keys, set()), **operation.order()} if operation.definitions else dict.fromkeys(keys, set())
    kept = set(retain_resources)
    if force:
        failed = [lid for lid in keys if operation.resources[lid].get("ResourceStatus") == "DELETE_FAILED"]
        kept |= stacks._with_dependencies(failed, operation.definitions, set(keys))
    failures = {}

    async def drop(logical_id):
        record = operation.resources[logical_id]
        if operation.policy(logical_id, "DeletionPolicy") in _RETAINING_POLICIES or logical_id in kept:
            operation.mark(logical_id, "DELETE_SKIPPED")
            operation.resources.pop(logical_id)
            return True
        operation.mark(logical_id, "DELETE_IN_PROGRESS")
        try:
            await _remove(record["ResourceType"], logical_id, record, operation.name)
        except Exception as error:  # as above
            if force:
                operation.mark(logical_id, "DELETE_SKIPPED", str(error))
                operation.resources.pop(logical_id)
                return True
            failures[logical_id] = "delete"
            operation.mark(logical_id, "DELETE_FAILED", str(error))
            return False
        operation.mark(logical_id, "DELETE_COMPLETE")
        operation.resources.pop(logical_id)
        return True

    await _walk(_reversed(needs, keys), drop)
    if failures:
        return operation.status("DELETE_FAILED", _failed_reason(failures))
    for output in stack.get("Outputs", []):
        cloudformation._exports.pop(output.get("ExportName"), None)
    stack["DeletionTime"] = now_iso()
    operation.status("DELETE_COMPLETE")
    # From now on it is known by its id alone, also when another stack takes its name.
    if cloudformation._stacks.get(stack_name) is stack:
        cloudformation._stacks[stack_id] = cloudformation._stacks.pop(stack_name)


def deleting(stack, was_being_created):
    """At once, while the call is still being answered: the deletion itself comes after."""
    stack.update(StackStatus="DELETE_IN_PROGRESS", StackStatusReason="User Initiated")
    if was_being_created:
        stack["_abandoned"] = asyncio.Event()
