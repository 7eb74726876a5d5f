"""What stands before a distribution, where MiniStack is silent: a web ACL's logging, and that neither a web ACL nor a
certificate goes while a distribution has it."""

from handlers import HandlerError, checked, handlers, replaces, wrap
from ministack.core.responses import AccountRegionScopedDict, error_response_json, json_response
from ministack.services import acm, cloudfront, waf

_IN_USE = (
    "AWS WAF couldn't perform the operation because your resource is being used by another resource or it's "
    "associated with another resource."
)


def install():
    # Among MiniStack's own stores, so that the inventory finds it.
    waf._logging_configurations = AccountRegionScopedDict()
    waf.handle_request = _with_logging(waf.handle_request)
    waf._delete_web_acl = _unless_used(waf._delete_web_acl)
    acm._delete_certificate = _unless_attached(acm._delete_certificate)
    handlers("WAFv2::LoggingConfiguration").update(create=_create, update=_update, delete=_delete)
    replaces("WAFv2::LoggingConfiguration", "ResourceArn")
    wrap("WAFv2::WebACL", "create", _web_acl_create)
    wrap("WAFv2::WebACL", "delete", _web_acl_delete)
    wrap("CertificateManager::Certificate", "delete", _certificate_delete)


def _used(arn):
    return any(arn in record["config_xml"] for record in cloudfront._distributions.values())


# Logging.


def _put(data):
    config = data["LoggingConfiguration"]
    arn = config["ResourceArn"]
    if not any(acl["ARN"] == arn for acl in waf._web_acls.values()):
        return _error("WAFNonexistentItemException", "AWS WAF couldn't perform the operation because your resource doesn't exist.")
    for destination in config["LogDestinationConfigs"]:
        # A log group, a bucket, a stream: each has a name that begins like this.
        if not destination.rpartition(":")[2].rpartition("/")[2].startswith("aws-waf-logs-"):
            return _error(
                "WAFInvalidParameterException",
                "Error reason: The ARN isn't valid. A valid ARN begins with arn: and includes other information "
                f"separated by colons or slashes., field: LOG_DESTINATION, parameter: {destination}")
    waf._logging_configurations[arn] = config
    return json_response({"LoggingConfiguration": config})


def _get(data):
    config = waf._logging_configurations.get(data["ResourceArn"])
    if config is None:
        return _error("WAFNonexistentItemException", "AWS WAF couldn't perform the operation because your resource doesn't exist.")
    return json_response({"LoggingConfiguration": config})


def _remove(data):
    waf._logging_configurations.pop(data["ResourceArn"], None)
    return json_response({})


def _error(code, message):
    return error_response_json(code, message, 400)


def _with_logging(original):
    own = {"PutLoggingConfiguration": _put, "GetLoggingConfiguration": _get, "DeleteLoggingConfiguration": _remove}

    async def handle(method, path, headers, body, query_params):
        action = own.get(headers.get("x-amz-target", "").rpartition(".")[2])
        if action is None:
            return await original(method, path, headers, body, query_params)
        return action(waf.json.loads(body))

    return handle


def _create(_, properties, __):
    checked(_put({"LoggingConfiguration": properties}), "Wafv2")
    return properties["ResourceArn"], {"ManagedByFirewallManager": False}


def _update(arn, _, new, __):
    return _create(None, new, None)


def _delete(arn, _):
    waf._logging_configurations.pop(arn, None)


# What is in use.


def _unless_used(original):
    def delete(data):
        acl = waf._resource_from_scope(waf._web_acls, data.get("Id", ""), data.get("Scope", "REGIONAL"))
        if acl and _used(acl["ARN"]):
            return _error("WAFAssociatedItemException", _IN_USE)
        return original(data)

    return delete


def _unless_attached(original):
    def delete(data):
        arn = data.get("CertificateArn", "")
        if _used(arn):
            return _error("ResourceInUseException", f"Certificate {arn} is in use.")
        return original(data)

    return delete


def _web_acl_create(original):
    """A name is taken once a scope."""

    def create(logical_id, properties, stack_name):
        name, scope = properties.get("Name"), properties.get("Scope", "REGIONAL")
        if any(acl["Name"] == name and acl.get("Scope") == scope for acl in waf._values_for_scope(waf._web_acls, scope)):
            raise HandlerError(
                "AWS WAF couldn't perform the operation because some resource in your request is a duplicate of an "
                "existing one.", "AlreadyExists", "Wafv2")
        return original(logical_id, properties, stack_name)

    return create


def _web_acl_delete(original):
    def delete(physical_id, properties):
        if _used(physical_id.split("|")[1]):
            raise HandlerError(_IN_USE, "InvalidRequest", "Wafv2")
        return original(physical_id, properties)

    return delete


def _certificate_delete(original):
    def delete(arn, properties):
        if _used(arn):
            raise HandlerError(f"Certificate {arn} is in use.", "ResourceConflict", "Acm")
        return original(arn, properties)

    return delete
