"""CloudFormation's resource handlers: how one of MiniStack's is replaced, and the words of a failure."""

import json
import re

from seam import provisioners, responses


class HandlerError(ValueError):
    """A failure in CloudFormation's words: the service's message inside the resource handler's."""

    def __init__(self, message, code="InvalidRequest", service=None, status=400):
        if service:
            message = f"{message} (Service: {service}, Status Code: {status}, Request ID: {responses.new_uuid()}) (SDK Attempt Count: 1)"
        super().__init__(f'Resource handler returned message: "{message}" (RequestToken: {responses.new_uuid()}, HandlerErrorCode: {code})')


def add(resource_type, **handlers):
    """A resource type that MiniStack doesn't make."""
    provisioners.add(f"RESOURCE_HANDLERS[AWS::{resource_type}]", handlers)


def wrap(resource_type, action, around):
    """Replaces a handler by `around(original)`."""
    provisioners.replace(f"RESOURCE_HANDLERS[AWS::{resource_type}][{action}]", around)


def replaces(resource_type, *properties):
    """The properties whose change makes a new resource."""
    provisioners.REPLACING_PROPERTIES[f"AWS::{resource_type}"] = properties


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
