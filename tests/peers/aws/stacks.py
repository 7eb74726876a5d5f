"""placeholder"""
import time
from ministack.core.responses import get_account_id
from ministack.services.cloudformation import stacks
from accounts import account


def install():
    stacks._runs_on_worker_thread = lambda _: True
    for name, action, at in (("_provision_resource", "CREATE", 1), ("_update_resource", "UPDATE", 5), ("_delete_resource", "DELETE", 4)):
        setattr(stacks, name, _slow(getattr(stacks, name), action, at))


def _slow(original, action, at):
    def step(rtype, *arguments):
        of = account(get_account_id())
        time.sleep(of.settings["step"])
        reason = of.failure(action, rtype, arguments[at - 1])
        if reason:
            raise ValueError(reason)
        return original(rtype, *arguments)
    return step
