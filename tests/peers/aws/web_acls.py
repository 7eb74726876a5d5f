"""What MiniStack leaves out of web ACLs: their logging, names that are taken, and that none goes while a distribution
has it. The same for certificates."""

import json

from distributions import used
from resource_handlers import HandlerError, add, checked, replaces, wrap
from seam import acm, responses, waf

_IN_USE = (
    "AWS WAF couldn't perform the operation because your resource is being used by another resource or it's "
    "associated with another resource."
)
_ABSENT = "AWS WAF couldn't perform the operation because your resource doesn't exist."


def install():
    # Among MiniStack's own stores, so that the inventory finds it.
    waf.add("logging_configurations", responses.AccountRegionScopedDict())
    waf.replace("handle_request", _with_logging)
    waf.replace("delete_web_acl", _unless_used)
    acm.replace("delete_certificate", _unless_attached)
    add("WAFv2::LoggingConfiguration", create=_create, update=_update, delete=_delete)
    replaces("WAFv2::LoggingConfiguration", "ResourceArn")
    wrap("WAFv2::WebACL", "create", _web_acl_create)
    wrap("WAFv2::WebACL", "delete", _web_acl_delete)
    wrap("CertificateManager::Certificate", "delete", _certificate_delete)


# Logging.


def _put(data):
    config = data["LoggingConfiguration"]
    arn = config["ResourceArn"]
    if not any(acl["ARN"] == arn for acl in waf.web_acls.values()):
        return _error("WAFNonexistentItemException", _ABSENT)
    for destination in config["LogDestinationConfigs"]:
        # A log group, a bucket, a stream: each has a name that begins like this.
        if not destination.rpartition(":")[2].rpartition("/")[2].startswith("aws-waf-logs-"):
            return _error(
                "WAFInvalidParameterException",
                "Error reason: The ARN isn't valid. A valid ARN begins with arn: and includes other information "
                f"separated by colons or slashes., field: LOG_DESTINATION, parameter: {destination}")
    waf.logging_configurations[arn] = config
    return responses.json_response({"LoggingConfiguration": config})


def _get(data):
    config = waf.logging_configurations.get(data["ResourceArn"])
    if config is None:
        return _error("WAFNonexistentItemException", _ABSENT)
    return responses.json_response({"LoggingConfiguration": config})


def _remove(data):
    waf.logging_configurations.pop(data["ResourceArn"], None)
    return responses.json_response({})


def _error(code, message):
    return responses.error_response_json(code, message, 400)


def _with_logging(original):
    own = {"PutLoggingConfiguration": _put, "GetLoggingConfiguration": _get, "DeleteLoggingConfiguration": _remove}

    async def handle(method, path, headers, body, query_params):
        action = own.get(headers.get("x-amz-target", "").rpartition(".")[2])
        if action is None:
            return await original(method, path, headers, body, query_params)
        return action(json.loads(body))

    return handle


def _create(_, properties, __):
    checked(_put({"LoggingConfiguration": properties}), "Wafv2")
    return properties["ResourceArn"], {"ManagedByFirewallManager": False}


def _update(arn, _, new, __):
    return _create(None, new, None)


def _delete(arn, _):
    _remove({"ResourceArn": arn})


# What is in use.


def _unless_used(original):
    def delete(data):
        acl = waf.resource_from_scope(waf.web_acls, data.get("Id", ""), data.get("Scope", "REGIONAL"))
        if acl and used(acl["ARN"]):
            return _error("WAFAssociatedItemException", _IN_USE)
        return original(data)

    return delete


def _unless_attached(original):
    def delete(data):
        arn = data.get("CertificateArn", "")
        if used(arn):
            return _error("ResourceInUseException", f"Certificate {arn} is in use.")
        return original(data)

    return delete


def _web_acl_create(original):
    """A name is taken once per scope."""

    def create(logical_id, properties, stack_name):
        name, scope = properties.get("Name"), properties.get("Scope", "REGIONAL")
        if any(acl["Name"] == name and acl.get("Scope") == scope for acl in waf.values_for_scope(waf.web_acls, scope)):
            raise HandlerError(
                "AWS WAF couldn't perform the operation because some resource in your request is a duplicate of an "
                "existing one.", "AlreadyExists", "Wafv2")
        return original(logical_id, properties, stack_name)

    return create


def _web_acl_delete(original):
    def delete(physical_id, properties):
        if used(physical_id.split("|")[1]):
            raise HandlerError(_IN_USE, "InvalidRequest", "Wafv2")
        return original(physical_id, properties)

    return delete


def _certificate_delete(original):
    def delete(arn, properties):
        if used(arn):
            raise HandlerError(f"Certificate {arn} is in use.", "ResourceConflict", "Acm")
        return original(arn, properties)

    return delete
