"""What goes back: the rollback of a create or an update, and the deletion of a stack."""

import asyncio

import distributions
from seam import cloudformation, provisioners, responses, stacks
from steps import STACK, Operation, change, dispose, failed_reason, failing, remove, reversed_needs, wait, walk


async def roll_back(stack_name, stack_id, stack, undo, reason_override=""):
    operation = Operation(stack, undo["template"], undo["param_values"], undo.get("tags") or [])
    stack.pop("_failed_operation", None)
    reason = reason_override or failed_reason(undo.get("failed", {}))
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
        return await _deleted(operation, logical_id, failed)

    await walk(reversed_needs(operation.order(), list(operation.resources)), drop)
    if failed:
        return operation.status("ROLLBACK_FAILED", failed_reason(failed))
    operation.status("ROLLBACK_COMPLETE")


async def _deleted(operation, logical_id, failed, force=False):
    """Deletes a resource, and says whether it is gone. One that fails is `failed`, or is left behind by `force`."""
    record = operation.resources[logical_id]
    operation.mark(logical_id, "DELETE_IN_PROGRESS")
    try:
        await remove(record["ResourceType"], logical_id, record, operation.name)
    except Exception as error:  # whatever MiniStack's handlers raise
        if not force:
            failed[logical_id] = "delete"
            operation.mark(logical_id, "DELETE_FAILED", str(error))
            return False
        operation.mark(logical_id, "DELETE_SKIPPED", str(error))
    else:
        operation.mark(logical_id, "DELETE_COMPLETE")
    operation.resources.pop(logical_id)
    return True


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
            await wait(0.5)
            failing("ROLLBACK", record["ResourceType"], logical_id, "before")
            if logical_id in undo["updated"]:
                old = operation.tagged(logical_id, record["ResourceType"], record["Properties"])
                new = operation.tagged(logical_id, earlier["ResourceType"], earlier["Properties"], earlier_tags)
                await change(operation, logical_id, record, old, new)
                await distributions.until_deployed(record["ResourceType"], record["PhysicalResourceId"])
        except Exception as error:  # whatever MiniStack's handlers raise
            failed[logical_id] = "update"
            operation.mark(logical_id, "UPDATE_FAILED", str(error))
            continue
        operation.mark(logical_id, "UPDATE_COMPLETE")
        pending.remove(logical_id)
    if failed:
        # What ContinueUpdateRollback may skip.
        operation.stack["_rollback_failed"] = dict.fromkeys(failed, {})
        return operation.status("UPDATE_ROLLBACK_FAILED", failed_reason(failed))
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
        await dispose(operation, logical_id, record, policy)
        return True

    await walk(reversed_needs(operation.order(), made), drop)
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
    stack = cloudformation.stacks[stack_name]
    undo = stack["_undo"]
    operation = Operation(stack, undo["template"], undo["param_values"], undo.get("tags") or [])
    operation.status("UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated")
    await _undo_update(operation, undo, resources_to_skip)


# Delete.


async def delete(stack_name, stack_id, retain_resources=(), force=False):
    stack = cloudformation.stacks.get(stack_name)
    if not stack or stack["StackId"] != stack_id:
        return
    stacks.add_event(stack_id, stack_name, stack_name, STACK, "DELETE_IN_PROGRESS", "User Initiated", stack_id)
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
        kept |= stacks.with_dependencies(failed, operation.definitions, set(keys))
    failures = {}

    async def drop(logical_id):
        if operation.policy(logical_id, "DeletionPolicy") in provisioners.RETAINING_POLICIES or logical_id in kept:
            operation.mark(logical_id, "DELETE_SKIPPED")
            operation.resources.pop(logical_id)
            return True
        return await _deleted(operation, logical_id, failures, force)

    await walk(reversed_needs(needs, keys), drop)
    if failures:
        return operation.status("DELETE_FAILED", failed_reason(failures))
    for output in stack.get("Outputs", []):
        cloudformation.exports.pop(output.get("ExportName"), None)
    stack["DeletionTime"] = responses.now_iso()
    operation.status("DELETE_COMPLETE")
    # From now on it is known by its id only, also when another stack takes its name.
    if cloudformation.stacks.get(stack_name) is stack:
        cloudformation.stacks[stack_id] = cloudformation.stacks.pop(stack_name)


def deleting(stack, was_being_created):
    """At once, while the call is still being answered: the deletion itself comes after."""
    stack.update(StackStatus="DELETE_IN_PROGRESS", StackStatusReason="User Initiated")
    if was_being_created:
        stack["_abandoned"] = asyncio.Event()
