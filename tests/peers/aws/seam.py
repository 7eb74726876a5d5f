"""The one file that reaches into MiniStack: every name of its modules that is read or replaced here has a row below.

Most of them are private, so that any new version may drop them. `problem()` looks at all of them before the first
request, and says in one message which are missing or aren't what we use. What no row can tell is which members a record
has, such as a stack's `_resources`: the checks in `checks/` find that.

`stacks.add_event` is `_add_event` of `ministack.services.cloudformation.stacks`: a name goes without its first
underscore, and is looked up each time, so that a replacement is seen everywhere."""

import importlib
import importlib.metadata
import inspect
import re
import sys
from typing import NamedTuple

# The version that the rows were written for: tests/peers/requirements.txt.
VERSION = "1.5.33"

# How a name is used: called or read; given entries of our own; put in MiniStack's place; new beside MiniStack's.
READ, FILLED, REPLACED, ADDED = "read", "filled", "replaced", "added"


class Row(NamedTuple):
    how: str
    # A path of attributes and, in brackets, keys.
    name: str
    # A function's parameters, `=` behind those with a default; or the type of what is there.
    shape: str
    purpose: str


_CREATE = "(logical_id, props, stack_name)"
_UPDATE = "(physical_id, old_props, new_props, stack_name, logical_id=)"
_DELETE = "(physical_id, props)"
_ACCOUNT, _REGION = "AccountScopedDict", "AccountRegionScopedDict"


def _handler(resource_type, action, purpose, shape=None):
    shape = shape or {"create": _CREATE, "update": _UPDATE, "delete": _DELETE}[action]
    return Row(REPLACED, f"_RESOURCE_HANDLERS[AWS::{resource_type}][{action}]", shape, purpose)


def _new_handlers(resource_type):
    return Row(ADDED, f"_RESOURCE_HANDLERS[AWS::{resource_type}]", "", "a resource type that MiniStack doesn't make")


def _action(name, purpose):
    return Row(REPLACED, f"_ACTION_HANDLERS[{name}]", "(params)", purpose)


# The modules of CloudFormation import these from each other, each by name.
_DEPLOY = Row(
    REPLACED, "_deploy_stack_async",
    "async (stack_name, stack_id, template, param_values, disable_rollback, tags, is_update=, previous_stack=,"
    " retain_except_on_create=, imports=)", "a stack is made and updated by us")
_STACK_OPERATIONS = (
    _DEPLOY,
    Row(REPLACED, "_continue_update_rollback_async", "async (stack_name, stack_id, resources_to_skip)",
        "a rollback goes on by us"),
    Row(REPLACED, "_delete_stack_async", "async (stack_name, stack_id, retain_resources=, force=)",
        "a stack is deleted by us"),
    Row(REPLACED, "_roll_back_operation", "async (stack_name, stack_id, stack, operation, reason_override=)",
        "a stack is rolled back by us"),
)

TABLE = {
    "app": (
        Row(READ, "app", "async (scope, receive, send)", "what answers a request"),
        Row(READ, "find_iam_access_key_account", "(access_key_id)", "whose call it is"),
    ),
    "core.concurrency": (
        Row(READ, "run_reentrant", "async (fn, args)", "runs a handler that makes calls itself"),
    ),
    "core.iam_actions": (
        Row(FILLED, "_SERVICE_PROTOCOL", "dict", "how a service words a denial"),
        Row(REPLACED, "_lambda_action", "(method, path)", "which permission a call to Lambda needs"),
    ),
    "core.iam_evaluator": (
        Row(READ, "enforce", "(access_key_id, iam_action, service, region, resource_arn=)", "a user's policies"),
    ),
    "core.responses": (
        Row(READ, "AccountRegionScopedDict", "type", "a store for each account and Region"),
        Row(READ, "AccountRegionScopedDict._data", "member_descriptor", "all accounts' entries of a store"),
        Row(READ, "AccountRegionScopedDict.get_scoped", "(self, account_id, region, key)", "another Region's entry"),
        Row(READ, "AccountRegionScopedDict.values_scoped", "(self, account_id, region)", "another Region's entries"),
        Row(READ, "AccountScopedDict", "type", "a store for each account"),
        Row(READ, "AccountScopedDict._data", "member_descriptor", "all accounts' entries of a store"),
        Row(READ, "_request_account_id", "ContextVar", "the account whose policies are asked"),
        Row(READ, "error_response_json", "(code, message, status=)", "an error of a service that speaks JSON"),
        Row(READ, "get_account_id", "()", "the account of the request"),
        Row(READ, "get_region", "()", "the Region of the request"),
        Row(READ, "json_response", "(data)", "an answer of a service that speaks JSON"),
        Row(READ, "new_uuid", "()", "ids of requests and of changes"),
        Row(READ, "now_iso", "()", "the time of an event"),
    ),
    "services.acm": (
        Row(READ, "_certificates", _REGION, "the certificates that a distribution may have"),
        Row(REPLACED, "_delete_certificate", "(data)", "a certificate stays while a distribution has it"),
    ),
    "services.cloudformation": (
        Row(READ, "_change_sets", _REGION, "all change sets, by their ARN"),
        Row(READ, "_exports", _REGION, "the outputs that stacks export"),
        Row(READ, "_stack_events", _REGION, "the events of each stack, by its id"),
        Row(READ, "_stacks", _REGION, "all stacks, by their name or, once deleted, by their id"),
    ),
    "services.cloudformation.changesets": (
        Row(REPLACED, "_add_event",
            "(stack_id, stack_name, logical_id, resource_type, status, reason=, physical_id=, detailed_status=)",
            "what a caller begins has AWS's reason"),
        _DEPLOY,
        Row(REPLACED, "_find_change_set", "(cs_name, stack_name=)", "a change set by its ARN, its stack's name or id"),
        Row(READ, "_xml", "(status, root_tag, inner)", "an answer of CloudFormation"),
    ),
    "services.cloudformation.drift": (
        Row(FILLED, "_DRIFT_READERS", "dict", "the types that are looked at for drift"),
    ),
    "services.cloudformation.engine": (
        Row(READ, "_NO_VALUE", "object", "a property that AWS::NoValue leaves out"),
        Row(READ, "_evaluate_conditions", "(template, params)", "a template's conditions"),
        Row(READ, "_extract_deps", "(resource_def, all_resource_names)", "what a resource needs"),
        Row(READ, "_intrinsic_references", "(value)", "which resources a property names"),
        Row(READ, "_resolve_refs", "(value, resources, params, conditions, mappings, stack_name, stack_id)",
            "a resource's properties"),
        Row(READ, "_topological_sort", "(resources, conditions)", "refuses a circle of resources"),
    ),
    "services.cloudformation.handlers": (
        _action("CreateChangeSet", "takes a moment, has property values, refuses what AWS refuses"),
        _action("DescribeChangeSet", "shows property values"),
        _action("ExecuteChangeSet", "takes a token once, refuses what AWS refuses"),
        _action("DeleteStack", "refuses what AWS refuses"),
        _action("DescribeStacks", "shows a template's description"),
        *_STACK_OPERATIONS,
        Row(REPLACED, "_page", "(items, params, action, page_size=)", "events in pages, each once"),
        Row(READ, "_resolve_stack", "(stack_name)", "a stack by its name or id"),
    ),
    "services.cloudformation.helpers": (
        Row(READ, "CFN_NS", "str", "the namespace of CloudFormation's answers"),
        Row(READ, "_error", "(code, message)", "an error of CloudFormation"),
        Row(READ, "_p", "(params, key, default=)", "a parameter of a call"),
        Row(REPLACED, "_resolve_document", "(params, body_key, url_key, label)",
            "a template's URL may name the bucket in its host, and a version"),
    ),
    "services.cloudformation.provisioners": (
        Row(FILLED, "_CUSTOM_NAME_REPLACEMENT", "dict", "what can't be replaced under its own name"),
        Row(READ, "_NAME_SEED", "ContextVar", "the random end of a resource's name"),
        Row(FILLED, "_REPLACING_PROPERTIES", "dict", "the properties whose change makes a new resource"),
        Row(READ, "_RETAINING_POLICIES", "tuple", "the deletion policies that keep a resource"),
        Row(FILLED, "_STACK_TAG_PROPERTY", "dict", "where a resource takes its stack's tags"),
        Row(READ, "_custom_named_replacement_error", "(resource_type, old_props, new_props, physical_id=)",
            "why a resource can't be replaced under its own name"),
        Row(READ, "_delete_resource", "(resource_type, physical_id, props, stack_name=, logical_id=)",
            "deletes a resource"),
        Row(READ, "_lambda_version_function", "(props)", "the function of a version"),
        Row(REPLACED, "_physical_name", "(stack_name, logical_id, lowercase=, max_len=, seeded=)",
            "another Region's stack of the same name has other names"),
        Row(READ, "_provision_resource", "(resource_type, logical_id, props, stack_name)", "makes a resource"),
        Row(READ, "_replacing_change", "(resource_type, old_props, new_props)", "whether a change makes a new resource"),
        Row(READ, "_update_resource",
            "(resource_type, physical_id, old_props, new_props, stack_name, logical_id=, old_attrs=)",
            "updates a resource in place"),
        Row(READ, "_with_stack_tags", "(resource_type, props, stack_tags, stack_name, stack_id, logical_id)",
            "a resource's properties with its stack's tags"),
        _handler("CertificateManager::Certificate", "delete", "it stays while a distribution has it"),
        _handler("CloudFront::CachePolicy", "create", "its name is taken once"),
        _handler("CloudFront::CachePolicy", "delete", "it stays while a distribution has it"),
        _handler("CloudFront::Distribution", "create", "refuses what CloudFront refuses, propagates"),
        _handler("CloudFront::Distribution", "update", "refuses what CloudFront refuses, propagates"),
        _handler("CloudFront::Distribution", "delete", "its functions keep replicas for a while"),
        _handler("CloudFront::OriginRequestPolicy", "create", "its name is taken once"),
        _handler("CloudFront::OriginRequestPolicy", "delete", "it stays while a distribution has it"),
        _handler("CloudFront::ResponseHeadersPolicy", "create", "its name is taken once"),
        _handler("CloudFront::ResponseHeadersPolicy", "delete", "it stays while a distribution has it"),
        _handler("IAM::Role", "create", "has its boundary"),
        _handler("IAM::Role", "update", "has its boundary"),
        _handler("Lambda::Function", "create", "its name is taken once, its zip has to be there"),
        _handler("Lambda::Function", "update", "its zip has to be there"),
        _handler("Lambda::Function", "delete", "it stays while it has replicas"),
        _handler("Lambda::Version", "create", "its digest has to be the zip's"),
        _handler("Lambda::Version", "delete", "it stays while it has replicas"),
        _handler("S3::Bucket", "create", "has all its settings"),
        _handler("S3::Bucket", "update", "has all its settings", "(physical_id, old_props, new_props, stack_name)"),
        _handler("S3::Bucket", "delete", "it stays while something is in it"),
        _handler("WAFv2::WebACL", "create", "its name is taken once"),
        _handler("WAFv2::WebACL", "delete", "it stays while a distribution has it"),
        _new_handlers("Logs::Delivery"),
        _new_handlers("Logs::DeliveryDestination"),
        _new_handlers("Logs::DeliverySource"),
        _new_handlers("WAFv2::LoggingConfiguration"),
    ),
    "services.cloudformation.stacks": (
        Row(READ, "_add_event", "(stack_id, stack_name, logical_id, resource_type, status, reason=, physical_id=)",
            "records an event"),
        Row(READ, "_adopt_resource", "(stack_id, stack_name, logical_id, resource_type, identifier)",
            "imports a resource"),
        *_STACK_OPERATIONS,
        Row(READ, "_fail_property_validation",
            "(stack, stack_id, stack_name, resources_defs, ordered, param_values, conditions, mappings,"
            " disable_rollback, previous_stack=)", "refuses properties that a type doesn't have"),
        Row(READ, "_resolve_stack_outputs",
            "(outputs_defs, conditions, resources, param_values, mappings, stack_name, stack_id)", "a stack's outputs"),
        Row(READ, "_resource_policy",
            "(res_def, attribute, resources, params, conditions, mappings, stack_name, stack_id)",
            "a resource's deletion policy"),
        Row(READ, "_runs_on_worker_thread", "(resource_type)", "whether a handler makes calls itself"),
        Row(READ, "_with_dependencies", "(logical_ids, res_defs, remaining)", "what a forced deletion leaves"),
    ),
    "services.cloudfront": (
        Row(READ, "_cache_policies", _ACCOUNT, "names that are taken"),
        Row(REPLACED, "_create_invalidation", "(dist_id, body)", "refuses what CloudFront refuses, takes its time"),
        Row(REPLACED, "_create_distribution", "(headers, body)", "refuses what CloudFront refuses, propagates"),
        Row(REPLACED, "_delete_distribution", "(dist_id, headers)", "refuses what propagates, keeps replicas"),
        Row(READ, "_distribution_config_xml", "(config)", "a template's configuration as CloudFront has it"),
        Row(READ, "_distributions", _ACCOUNT, "all distributions, by their id"),
        Row(REPLACED, "_ensure_distribution_config_sdk_compat", "(config_el)", "ports and empty lists are there"),
        Row(READ, "_error", "(code, message, status)", "an error of CloudFront"),
        Row(READ, "_find", "(el, tag)", "an element, whatever its namespace"),
        Row(READ, "_invalidations", _ACCOUNT, "all invalidations, by their distribution's id"),
        Row(READ, "_origin_request_policies", _ACCOUNT, "names that are taken"),
        Row(READ, "_response_headers_policies", _ACCOUNT, "names that are taken"),
        Row(READ, "_strip_namespace", "(el)", "a configuration's behaviors"),
        Row(REPLACED, "_update_distribution", "(dist_id, headers, body)", "refuses what CloudFront refuses, propagates"),
        Row(REPLACED, "_value_contains", "(obj, target)", "what has a policy, where a configuration is one text"),
        Row(READ, "fromstring", "(text)", "reads XML"),
    ),
    "services.cloudwatch": (
        Row(READ, "_alarms", _REGION, "all alarms, by name"),
    ),
    "services.cloudwatch_logs": (
        Row(READ, "_create_delivery", "(data)", "makes a log delivery"),
        Row(READ, "_deliveries", _REGION, "all log deliveries, by their id"),
        Row(READ, "_delivery_destinations", _REGION, "where logs are delivered to, by name"),
        Row(READ, "_delivery_sources", _REGION, "where logs are delivered from, by name"),
        Row(REPLACED, "_filter_log_events", "(data)", "lines come in pages, and by patterns over JSON"),
        Row(READ, "_put_delivery_destination", "(data)", "makes a destination"),
        Row(READ, "_put_delivery_source", "(data)", "makes a source"),
    ),
    "services.iam": (
        Row(READ, "_policies", _ACCOUNT, "all managed policies, by ARN"),
        Row(READ, "_put_role_permissions_boundary", "(p)", "sets a role's boundary"),
        Row(READ, "_roles", _ACCOUNT, "all roles, by name"),
    ),
    "services.kms": (
        Row(READ, "_keys", _REGION, "all keys, by id"),
    ),
    "services.lambda_svc": (
        Row(REPLACED, "_delete_function", "(name, query_params, path_qualifier=)", "what has replicas stays"),
        Row(REPLACED, "_execute_function_with_config_scope", "(func, event)", "AWS's emulator runs the zip"),
        Row(READ, "_fetch_code_from_s3", "(bucket, key, version_id=)", "whether the zip is there"),
        Row(READ, "_function_urls", _REGION, "all functions' URLs, by the function's name"),
        Row(READ, "_functions", _REGION, "all functions, by name"),
        Row(REPLACED, "_invoke", "async (name, event, headers, path_qualifier=, query_params=)",
            "refuses a broken zip and a role that Lambda can't assume"),
        Row(READ, "_qualifier_from_path_or_query", "(path_qualifier, query_params)", "which version a call means"),
    ),
    "services.s3": (
        Row(READ, "S3_NS", "str", "the namespace of S3's documents"),
        Row(READ, "_bucket_owner_account", "(name)", "whether a bucket is there"),
        Row(READ, "_bucket_policies", _ACCOUNT, "a bucket's policy"),
        Row(FILLED, "_bucket_versioning", _ACCOUNT, "a bucket's versioning"),
        Row(READ, "_buckets", _ACCOUNT, "all buckets, by name"),
        Row(READ, "bucket_region", "(name)", "a function's zip lies in its own Region"),
        Row(READ, "_delete_bucket", "(name)", "deletes a bucket unless something is in it"),
        Row(READ, "_delete_bucket_encryption", "(name)", "takes a setting back"),
        Row(READ, "_delete_bucket_lifecycle", "(name)", "takes a setting back"),
        Row(READ, "_delete_bucket_ownership_controls", "(name)", "takes a setting back"),
        Row(READ, "_delete_bucket_tagging", "(name)", "takes a setting back"),
        Row(READ, "_get_object_data", "(bucket_name, key, version_id=)", "a template in a bucket"),
        Row(READ, "_put_bucket_encryption", "(name, body)", "makes a setting"),
        Row(READ, "_put_bucket_lifecycle", "(name, body)", "makes a setting"),
        Row(READ, "_put_bucket_ownership_controls", "(name, body)", "makes a setting"),
        Row(READ, "_put_bucket_tagging", "(name, body)", "makes a setting"),
        Row(READ, "_put_object_lock_configuration", "(bucket_name, body)", "makes a setting"),
    ),
    "services.waf": (
        Row(REPLACED, "_delete_web_acl", "(data)", "a web ACL stays while a distribution has it"),
        Row(ADDED, "_logging_configurations", "", "web ACLs' logging, where the inventory finds it"),
        Row(READ, "_resource_from_scope", "(store, uid, scope)", "a web ACL by its id"),
        Row(READ, "_values_for_scope", "(store, scope)", "the web ACLs of a scope"),
        Row(READ, "_web_acls", _REGION, "all web ACLs"),
        Row(REPLACED, "handle_request", "async (method, path, headers, body, query_params)", "web ACLs' logging"),
    ),
}


def find(module, name):
    """What MiniStack has by a row's name; an AttributeError, a KeyError or an ImportError where it has nothing."""
    owner, last = _owner(module, name)
    return owner[last[1:-1]] if last.startswith("[") else getattr(owner, last)


def _owner(module, name):
    """What the last step of a row's name is a step from, and that step."""
    found = importlib.import_module(f"ministack.{module}")
    *steps, last = re.findall(r"\[[^\]]*\]|[^.\[]+", name)
    for step in steps:
        found = found[step[1:-1]] if step.startswith("[") else getattr(found, step)
    return found, last


def problem():
    """All that keeps this version of MiniStack from being used here, in one message; None when there is nothing."""
    version = importlib.metadata.version("ministack")
    wrong = [
        f"  {module} {row.name} {said} ({row.how}: {row.purpose})"
        for module, rows in TABLE.items() for row in rows if (said := _wrong(module, row))
    ]
    if version == VERSION and not wrong:
        return None
    return "\n".join([
        f"MiniStack {version} is installed; tests/peers/aws/seam.py is written for {VERSION}.",
        f"Names of it that aren't as they were: {len(wrong)}",
        *wrong,
        "Mend these rows and what uses them, set VERSION, and run the tests of tests/aws_peer.rs.",
    ])


def _wrong(module, row):
    """What is wrong with a row, or None."""
    try:
        found = find(module, row.name)
    except (AttributeError, ImportError, KeyError):
        return None if row.how == ADDED else "is missing"
    if row.how == ADDED:
        return "is there by now"
    shape = _shape(found)
    return None if _fits(row, shape) else f"is {shape}, and not {row.shape}"


def _shape(found):
    if isinstance(found, type) or not callable(found):
        return type(found).__name__
    parameters = inspect.signature(found).parameters.values()
    names = [parameter.name + ("" if parameter.default is parameter.empty else "=") for parameter in parameters]
    return f"{'async ' if inspect.iscoroutinefunction(found) else ''}({', '.join(names)})"


def _fits(row, shape):
    """What is replaced has to take exactly what MiniStack gives; what is called may take more, if it needn't."""
    wanted, found = row.shape.rstrip(")"), shape.rstrip(")")
    if row.how == REPLACED or "(" not in wanted:
        return wanted == found
    more = found.removeprefix(wanted)
    return wanted == found or found.startswith(wanted) and all(
        parameter.endswith("=") for parameter in more.removeprefix(", ").split(", "))


class Module:
    """The names of one of MiniStack's modules that have a row."""

    def __init__(self, path):
        self.path = path
        self.rows = {row.name.removeprefix("_"): row for row in TABLE[path]}

    def __getattr__(self, name):
        if name not in self.rows:
            raise AttributeError(f"seam.py has no row for {self.path} {name}")
        return find(self.path, self.rows[name].name)

    def replace(self, name, around):
        """Replaces a function by `around(original)`."""
        self.put(REPLACED, name, around(getattr(self, name)))

    def add(self, name, value):
        """Adds what MiniStack lacks."""
        self.put(ADDED, name, value)

    def put(self, how, name, value):
        row = self.rows[name]
        assert row.how == how, f"seam.py's row says {row.how}: {self.path} {name}"
        owner, last = _owner(self.path, row.name)
        if last.startswith("["):
            owner[last[1:-1]] = value
        else:
            setattr(owner, last, value)


app = Module("app")
concurrency = Module("core.concurrency")
iam_actions = Module("core.iam_actions")
iam_evaluator = Module("core.iam_evaluator")
responses = Module("core.responses")
acm = Module("services.acm")
cloudformation = Module("services.cloudformation")
changesets = Module("services.cloudformation.changesets")
drift = Module("services.cloudformation.drift")
engine = Module("services.cloudformation.engine")
handlers = Module("services.cloudformation.handlers")
helpers = Module("services.cloudformation.helpers")
provisioners = Module("services.cloudformation.provisioners")
stacks = Module("services.cloudformation.stacks")
cloudfront = Module("services.cloudfront")
cloudwatch = Module("services.cloudwatch")
cloudwatch_logs = Module("services.cloudwatch_logs")
iam = Module("services.iam")
kms = Module("services.kms")
lambda_svc = Module("services.lambda_svc")
s3 = Module("services.s3")
waf = Module("services.waf")


def entries(store):
    """All accounts' entries of a store: ((account, …, key), value) each."""
    return list(store._data.items())


def forget(number):
    """Drops all that an account has. MiniStack walks all accounts' entries for one account's."""
    for _, _, store in stores():
        for key in list(store._data):
            if key[0] == number:
                store._data.pop(key, None)


def has_regions(store):
    return isinstance(store, responses.AccountRegionScopedDict)


def stores():
    """Every store of every service that was asked something: (service, attribute, store)."""
    scoped = responses.AccountScopedDict, responses.AccountRegionScopedDict
    for name, module in sorted(sys.modules.items()):
        if name.startswith("ministack.services.") and module is not None:
            for attribute, store in vars(module).items():
                if isinstance(store, scoped):
                    yield name.split(".")[2], attribute, store
