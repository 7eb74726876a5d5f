"""How CloudFormation creates and updates a stack, in place of MiniStack's own way: there, resources come one after the
other without any delay, an update touches all of them, a clean-up has no status, and a failure cancels nothing.

Here, as on AWS: what doesn't depend on each other goes side by side, each step takes time, unchanged resources are
left alone, a failure cancels what is under way and rolls back, and what an update replaces or drops is deleted in its
clean-up."""

import distributions
from seam import changesets, cloudformation, handlers, provisioners, responses, stacks
from stack_policies import denied_by_policy
from steps import (
    STACK, Failure, Operation, call, change, dispose, failed_reason, failing, new_record, reversed_needs, wait, walk,
)
from undo import continue_rollback, delete, roll_back


def install():
    # They import each other's by name.
    for module in (stacks, changesets, handlers):
        module.replace("deploy_stack_async", lambda _: deploy)
    for module in (stacks, handlers):
        module.replace("delete_stack_async", lambda _: delete)
        module.replace("roll_back_operation", lambda _: roll_back)
        module.replace("continue_update_rollback_async", lambda _: continue_rollback)


_REPLACING = "Requested update requires the creation of a new physical resource; hence creating one."


async def deploy(stack_name, stack_id, template, param_values, disable_rollback, tags, is_update=False,
                 previous_stack=None, retain_except_on_create=False, imports=None):
    stack = cloudformation.stacks[stack_name]
    operation = Operation(stack, template, param_values, stack.get("Tags"))
    previous = previous_stack or {}
    stack.pop("_cancel_requested", None)
    try:
        needs = operation.order()
    except ValueError as error:
        return operation.status(f"{'UPDATE' if is_update else 'CREATE'}_FAILED", str(error))
    if not stack.get("_disable_validation") and stacks.fail_property_validation(
            stack, stack_id, stack_name, operation.definitions, list(needs), param_values, operation.conditions,
            template.get("Mappings", {}), disable_rollback, previous_stack=previous if is_update else None):
        return
    # Also while it is being made: a deletion in between needs it.
    if not is_update:
        stack.update(_template=template, _resolved_params=param_values)
    run = _Run(operation, previous, imports or {})
    run.check_removals(needs)
    await walk(needs, run.step, run.stopped)
    if "_abandoned" in stack:
        return stack["_abandoned"].set()
    outputs, exports = run.outputs()
    if run.failed or run.cancelled:
        return await run.failed_operation(disable_rollback, retain_except_on_create)
    cloudformation.exports.update(exports)
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
                operation.resources.setdefault(logical_id, new_record(logical_id, resource_type, {}))
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
        old = operation.tagged(logical_id, resource_type, earlier["Properties"], self.earlier_tags)
        if old != operation.tagged(logical_id, resource_type, properties):
            return False
        # It may have come from an update that failed half-way.
        return operation.definitions[logical_id]["Type"] == resource_type

    async def create(self, logical_id, resource_type, properties):
        operation = self.operation
        record = operation.resources[logical_id] = new_record(logical_id, resource_type, properties)
        operation.mark(logical_id, "CREATE_IN_PROGRESS")
        await wait(0.5)
        failing("CREATE", resource_type, logical_id, "before")
        physical_id, attributes, seed = await self.provision(logical_id, resource_type, properties)
        record.update(PhysicalResourceId=physical_id, Attributes=attributes, _name_seed=seed)
        self.created.append(logical_id)
        if logical_id not in self.failed:
            operation.mark(logical_id, "CREATE_IN_PROGRESS", "Resource creation Initiated")
        await wait(0.5)
        await distributions.until_deployed(resource_type, physical_id)
        failing("CREATE", resource_type, logical_id, "after")

    async def provision(self, logical_id, resource_type, properties, seed=""):
        token = provisioners.NAME_SEED.set(seed)
        try:
            if logical_id in self.imports:
                made = stacks.adopt_resource(
                    self.operation.id, self.operation.name, logical_id, resource_type, self.imports[logical_id])
            else:
                made = await call(
                    resource_type, provisioners.provision_resource, resource_type, logical_id,
                    self.operation.tagged(logical_id, resource_type, properties), self.operation.name)
            return *made, provisioners.NAME_SEED.get()
        finally:
            provisioners.NAME_SEED.reset(token)

    async def update(self, logical_id, resource_type, earlier, properties):
        operation = self.operation
        old = operation.tagged(logical_id, resource_type, earlier["Properties"], self.earlier_tags)
        new = operation.tagged(logical_id, resource_type, properties)
        replacing = provisioners.replacing_change(resource_type, old, new) or earlier["ResourceType"] != resource_type
        record = operation.resources[logical_id] = {
            **new_record(logical_id, resource_type, properties),
            "PhysicalResourceId": earlier["PhysicalResourceId"],
            "Attributes": earlier.get("Attributes", {}),
            "_name_seed": earlier.get("_name_seed", ""),
        }
        operation.mark(logical_id, "UPDATE_IN_PROGRESS", _REPLACING if replacing else "")
        reason = denied_by_policy(
            operation.stack, "Update:Replace" if replacing else "Update:Modify", logical_id, resource_type)
        if reason:
            raise Failure(reason)
        refused = provisioners.custom_named_replacement_error(resource_type, old, new, earlier["PhysicalResourceId"])
        if refused:
            raise Failure(refused)
        await wait(0.5)
        failing("UPDATE", resource_type, logical_id, "before")
        if replacing:
            # A new physical resource under a new name; the old one goes when all is well.
            made = await self.provision(logical_id, resource_type, properties, responses.new_uuid())
            record.update(PhysicalResourceId=made[0], Attributes=made[1], _name_seed=made[2])
            self.replaced.append((logical_id, earlier))
            if logical_id not in self.failed:
                operation.mark(logical_id, "UPDATE_IN_PROGRESS", "Resource creation Initiated")
        else:
            self.updated.append(logical_id)
            await change(operation, logical_id, record, old, new)
        await wait(0.5)
        await distributions.until_deployed(resource_type, record["PhysicalResourceId"])
        failing("UPDATE", resource_type, logical_id, "after")

    def outputs(self):
        operation = self.operation
        if self.failed or self.cancelled:
            return [], {}
        try:
            return stacks.resolve_stack_outputs(
                operation.template.get("Outputs", {}), operation.conditions, operation.resources,
                operation.parameters, operation.template.get("Mappings", {}), operation.name, operation.id)
        except Exception as error:  # an output that can't be resolved fails the operation
            self.failed[operation.name] = "create"
            operation.event(operation.name, STACK, "UPDATE_FAILED" if self.previous else "CREATE_FAILED",
                            str(error), operation.id)
            return [], {}

    async def clean_up(self, needs):
        """Deletes what was replaced, then what the template no longer has. What can't be deleted stays behind,
        without the stack."""
        # What was made last goes first: it may refer to what was made before.
        for logical_id, earlier in reversed(self.replaced):
            await dispose(self.operation, logical_id, earlier, self.operation.policy(logical_id, "UpdateReplacePolicy"))
        gone = self.before.keys() - needs.keys()
        old = Operation({**self.operation.stack, "_resources": self.before}, self.previous.get("_template"),
                        self.previous.get("_resolved_params"), self.earlier_tags)
        policies = {logical_id: old.policy(logical_id, "DeletionPolicy") for logical_id in gone}

        async def drop(logical_id):
            await dispose(self.operation, logical_id, self.before[logical_id], policies[logical_id])
            self.operation.resources.pop(logical_id, None)
            return True

        await walk(reversed_needs(old.order(), gone), drop)

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
        reason = failed_reason(self.failed)
        if disable_rollback:
            operation.stack["_failed_operation"] = undo
            return operation.status("UPDATE_FAILED" if self.previous else "CREATE_FAILED", reason)
        reason = "User Initiated" if self.cancelled and not self.failed else reason
        operation.stack.pop("_cancel_requested", None)
        await roll_back(operation.name, operation.id, operation.stack, undo, reason)
