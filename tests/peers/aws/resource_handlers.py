"""What the modules share that add to MiniStack's resource handlers: access, and the words of a failure."""

import json
import re

from ministack.core.responses import new_uuid
from ministack.services.cloudformation import provisioners


class HandlerError(ValueError):
    """A failure in CloudFormation's words: the service's message inside the resource handler's."""

    def __init__(self, message, code="InvalidRequest", service=None, status=400):
        if service:
            message = f"{message} (Service: {service}, Status Code: {status}, Request ID: {new_uuid()}) (SDK Attempt Count: 1)"
        super().__init__(f'Resource handler returned message: "{message}" (RequestToken: {new_uuid()}, HandlerErrorCode: {code})')


def handlers(resource_type):
    return provisioners._RESOURCE_HANDLERS.setdefault(f"AWS::{resource_type}", {})


def wrap(resource_type, action, around):
    """Replaces a handler by `around(original)`."""
    of_type = handlers(resource_type)
    of_type[action] = around(of_type[action])


def replaces(resource_type, *properties):
    """The properties whose change makes a new resource."""
    provisioners._REPLACING_PROPERTIES[f"AWS::{resource_type}"] = properties


def checked(response, service, code="InvalidRequest"):
    """The answer of a service's own function; its error as the handler's."""
    status, _, body = response
    body = body if isinstance(body, str) else (body or b"").decode()
    if status < 400:
        return body
    try:
        answer = json.loads(body)
        message = answer.get("message") or answer.get("Message") or body
    except ValueError:
        found = re.search(r"<Message>(.*?)</Message>", body, re.S)
        message = found.group(1) if found else body
    raise HandlerError(message, code, service, status)
