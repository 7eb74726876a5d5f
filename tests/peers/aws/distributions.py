"""Distributions with Lambda@Edge: what may be associated with one, how long a change takes to propagate, and the
replicas that keep a version from being deleted. A model of AWS's documented behaviour: real replicas take minutes to
days."""

import asyncio
import re
import time
from xml.etree.ElementTree import Element, SubElement, tostring

from resource_handlers import HandlerError, wrap
from seam import acm, cloudfront, entries, iam_actions, lambda_svc, responses, waf

from accounts import account, begun, ended

_ARN = re.compile(r"arn:aws:lambda:([a-z0-9-]+):(\d{12}):function:([A-Za-z0-9_-]+)(?::([A-Za-z0-9$_-]+))?")
_DISTRIBUTION = "AWS::CloudFront::Distribution"
# (account, ARN of a version) -> the last change that dropped it: see `begun`. Its replicas go `replicas` seconds after
# that has propagated, by the setting of the moment.
_released = {}


class Distribution(dict):
    """A distribution's record, whose status depends on the time."""

    def __getitem__(self, key):
        if key == "Status":
            change = super().get("_change")
            return "InProgress" if change and time.monotonic() < ended(change) else "Deployed"
        return super().__getitem__(key)

    def get(self, key, default=None):
        return self[key] if key == "Status" else super().get(key, default)


def install():
    cloudfront.replace("create_distribution", _creating)
    cloudfront.replace("update_distribution", _updating)
    cloudfront.replace("delete_distribution", _deleting)
    cloudfront.replace("ensure_distribution_config_sdk_compat", _with_defaults)
    # CloudFront wraps its errors; MiniStack's denials are bare, as S3's are, and no SDK reads them.
    iam_actions.SERVICE_PROTOCOL["cloudfront"] = "query-xml"
    # It compares whole values, while a distribution's configuration is one string of XML.
    cloudfront.replace("value_contains", lambda _: _value_contains)
    lambda_svc.replace("delete_function", _guarded)
    iam_actions.replace("lambda_action", _named)
    for action in ("create", "update"):
        wrap("CloudFront::Distribution", action, _distribution_step)
    wrap("CloudFront::Distribution", "delete", _distribution_delete)
    wrap("Lambda::Function", "delete", _function_delete)
    wrap("Lambda::Version", "delete", _version_delete)
    for kind in ("CachePolicy", "OriginRequestPolicy", "ResponseHeadersPolicy"):
        wrap(f"CloudFront::{kind}", "delete", _policy_delete(kind))


# Associations.


def associated(config):
    """ARNs that a configuration's XML names."""
    return set(_texts(config, "LambdaFunctionARN"))


def _texts(config, tag):
    """The texts of all elements with this tag, whatever their namespace."""
    return re.findall(rf"<(?:\w+:)?{tag}>([^<]*)<", config)


def used(text):
    """Whether a distribution of this account has an ARN or an id in its configuration."""
    return any(text in record["config_xml"] for record in cloudfront.distributions.values())


def _problem(arn):
    """Why CloudFront wouldn't take a function: a code and a message, or None."""
    found = _ARN.fullmatch(arn)
    code = "InvalidLambdaFunctionAssociation"
    if not found:
        return code, f"The parameter Lambda function ARN is not valid. ARN: {arn}"
    region, owner, name, version = found.groups()
    if version is None or not version.isdigit():
        return code, (
            "The function ARN must reference a specific function version. "
            f"(The ARN must end with the version number.) ARN: {arn}"
        )
    if region != "us-east-1":
        return code, f"The function must be in region 'us-east-1'. ARN: {arn}"
    function = lambda_svc.functions.get_scoped(owner, region, name)
    if owner != responses.get_account_id() or function is None or version not in function["versions"]:
        return code, (
            "Lambda@Edge cannot retrieve the specified Lambda function. Update the IAM policy to add permission: "
            f"lambda:GetFunction for resource: {arn} and try again."
        )
    return _limits(function["versions"][version].get("config", function["config"]), arn)


def _limits(config, arn):
    """What a function at the edge may not have."""
    code = "InvalidLambdaFunctionAssociation"
    if (config.get("Environment") or {}).get("Variables"):
        return code, f"The function cannot have environment variables. Function: {arn}"
    if not re.match(r"(python|nodejs)", config.get("Runtime") or ""):
        return code, f"The function runtime {config.get('Runtime')} isn't supported by Lambda@Edge. Function: {arn}"
    if config.get("Architectures", ["x86_64"]) != ["x86_64"]:
        return code, f"The function architecture must be x86_64. Function: {arn}"
    return None


def _refusal(config, own_id=None):
    for arn in sorted(associated(config)):
        problem = _problem(arn)
        if problem:
            return problem
    web_acl = "".join(_texts(config, "WebACLId"))
    if web_acl and not any(record["ARN"] == web_acl for record in _web_acls()):
        return "InvalidWebACLId", "Web ACL is not accessible by the requester"
    return _domain_problem(config, own_id)


def _web_acls():
    return waf.web_acls.values_scoped(responses.get_account_id(), "us-east-1")


def _domain_problem(config, own_id):
    names = _texts(config, "CNAME")
    certificate = _texts(config, "ACMCertificateArn")
    if certificate:
        arn = certificate[0]
        record = acm.certificates.get_scoped(responses.get_account_id(), "us-east-1", arn)
        if not arn.startswith("arn:aws:acm:us-east-1:") or record is None or record.get("Status") != "ISSUED":
            return "InvalidViewerCertificate", (
                "The specified SSL certificate doesn't exist, isn't in us-east-1 region, isn't valid, or doesn't "
                "include a valid certificate chain."
            )
        covered = [record["DomainName"], *record.get("SubjectAlternativeNames", [])]
        if any(not any(_covers(pattern, name) for pattern in covered) for name in names):
            return "InvalidViewerCertificate", (
                "The certificate that is attached to your distribution doesn't cover the alternate domain name "
                "(CNAME) that you're trying to add. For more details, see: https://docs.aws.amazon.com/"
                "AmazonCloudFront/latest/DeveloperGuide/CNAMEs.html#alternate-domain-names-requirements"
            )
    elif names:
        return "InvalidViewerCertificate", (
            "To add an alternate domain name (CNAME) to a CloudFront distribution, you must attach a trusted "
            "certificate that validates your authorization to use the domain name. For more details, see: "
            "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/CNAMEs.html#alternate-domain-names-requirements"
        )
    taken = {
        name
        for key, record in entries(cloudfront.distributions)
        if key[1] != own_id and key[0] == responses.get_account_id()
        for name in _texts(record["config_xml"], "CNAME")
    }
    if taken & set(names):
        return "CNAMEAlreadyExists", (
            "One or more of the CNAMEs you provided are already associated with a different resource."
        )
    return None


def _covers(pattern, name):
    if pattern.startswith("*."):
        return name.partition(".")[2] == pattern[2:]
    return pattern == name


# Propagation and replicas.


def _associations_of(owner):
    return {
        arn
        for key, record in entries(cloudfront.distributions)
        if key[0] == owner
        for arn in associated(record["config_xml"])
    }


class _Change:
    """Around a change of a distribution: afterwards it propagates, and what is no longer associated is on its way out."""

    def __enter__(self):
        self.owner = responses.get_account_id()
        self.before = _associations_of(self.owner)
        return self

    def __exit__(self, kind, *_):
        for arn in self.before - _associations_of(self.owner):
            _released[self.owner, arn] = begun(self.owner, "distribution")


def _propagates(dist_id):
    """Marks a changed distribution as InProgress."""
    record = cloudfront.distributions[dist_id]
    if not isinstance(record, Distribution):
        record = cloudfront.distributions[dist_id] = Distribution(record)
    of = account(responses.get_account_id())
    record["_change"] = begun(of.number, "distribution")
    of.history.append({"distribution": dist_id, "enabled": record["enabled"], "behaviors": _behaviors(record["config_xml"])})


def _behaviors(config):
    """Each behavior's path with the functions that run before it: what a viewer meets."""
    root = cloudfront.strip_namespace(cloudfront.fromstring(config))
    behaviors = [root.find("DefaultCacheBehavior"), *root.iterfind("CacheBehaviors/Items/CacheBehavior")]
    return {
        behavior.findtext("PathPattern", "*"): {
            association.findtext("EventType"): association.findtext("LambdaFunctionARN")
            for association in behavior.iterfind("LambdaFunctionAssociations/Items/LambdaFunctionAssociation")
        }
        for behavior in behaviors if behavior is not None
    }


def replicated(owner, region, name, version=None):
    """The ARN of a version of this function that has replicas, or None."""
    prefix = f"arn:aws:lambda:{region}:{owner}:function:{name}:"
    used = _associations_of(owner)
    now = time.monotonic() - account(owner).settings["replicas"]
    still = {arn for (of, arn), change in list(_released.items()) if of == owner and now < ended(change)}
    arns = sorted(arn for arn in used | still if arn.startswith(prefix))
    if version is not None:
        arns = [arn for arn in arns if arn == prefix + str(version)]
    return arns[0] if arns else None


def replicated_message(arn):
    return (
        f"Lambda was unable to delete {arn} because it is a replicated function. "
        "Please see our documentation for Deleting Lambda@Edge Functions and Replicas."
    )


# CloudFront's and Lambda's own calls.


def _error(refused):
    return cloudfront.error(*refused, 409 if refused[0] == "CNAMEAlreadyExists" else 400)


def _creating(original):
    def create(headers, body):
        refused = _refusal(body.decode())
        if refused:
            return _error(refused)
        before = set(cloudfront.distributions.keys())
        original(headers, body)
        for made in set(cloudfront.distributions.keys()) - before:
            _propagates(made)
        # The same caller reference answers with what was made, in its present state.
        return original(headers, body)

    return create


def _updating(original):
    def update(dist_id, headers, body):
        refused = _refusal(body.decode(), dist_id)
        if refused:
            return _error(refused)
        record = cloudfront.distributions.get(dist_id)
        etag = record and record["ETag"]
        with _Change():
            response = original(dist_id, headers, body)
        if record is not None and record["ETag"] != etag:
            _propagates(dist_id)
            return response[0], response[1], response[2].replace(b"<Status>Deployed<", _status(dist_id))
        return response

    return update


def _status(dist_id):
    return f"<Status>{cloudfront.distributions[dist_id]['Status']}<".encode()


def _deleting(original):
    def delete(dist_id, headers):
        record = cloudfront.distributions.get(dist_id)
        if record is not None and not record["enabled"] and record["Status"] == "InProgress":
            return cloudfront.error(
                "DistributionNotDisabled", "The distribution you are trying to delete has not been disabled.", 409)
        with _Change():
            response = original(dist_id, headers)
        if response[0] == 204:
            _deleted(dist_id)
        return response

    return delete


def _deleted(dist_id):
    account(responses.get_account_id()).history.append({"distribution": dist_id, "deleted": True})


def _guarded(original):
    def delete(name, query_params, path_qualifier=None):
        qualifier = lambda_svc.qualifier_from_path_or_query(path_qualifier, query_params)
        arn = replicated(responses.get_account_id(), responses.get_region(), name, None if qualifier in (None, "", "$LATEST") else qualifier)
        if name in lambda_svc.functions and arn:
            return responses.error_response_json("InvalidParameterValueException", replicated_message(arn), 400)
        return original(name, query_params, path_qualifier)

    return delete


def _named(original):
    """MiniStack takes a look at all URLs of a function for one at the function itself."""

    def action(method, path):
        is_list = method == "GET" and path.rstrip("/").endswith("/urls")
        return "ListFunctionUrlConfigs" if is_list else original(method, path)

    return action


def _with_defaults(original):
    """GetDistributionConfig has the ports and empty lists, even where a template left them out."""

    def ensure(config):
        original(config)
        if config is None:
            return
        for name in ("Aliases", "CacheBehaviors", "CustomErrorResponses"):
            if cloudfront.find(config, name) is None:
                SubElement(SubElement(config, name), "Quantity").text = "0"
        for origin in config.iter():
            if origin.tag.rpartition("}")[2] != "CustomOriginConfig":
                continue
            for index, (tag, port) in enumerate((("HTTPPort", "80"), ("HTTPSPort", "443"))):
                if cloudfront.find(origin, tag) is None:
                    element = Element(tag)
                    element.text = port
                    origin.insert(index, element)

    return ensure


def _value_contains(value, target):
    if isinstance(value, str):
        return target in value
    if isinstance(value, dict):
        return any(_value_contains(item, target) for item in value.values())
    return isinstance(value, (list, tuple)) and any(_value_contains(item, target) for item in value)


# CloudFormation's steps.


def _distribution_step(original):
    def step(name, *arguments):
        # A create has (logical id, properties, stack), an update (physical id, old, new, stack, logical id).
        properties = arguments[0] if len(arguments) == 2 else arguments[1]
        config = tostring(
            cloudfront.distribution_config_xml({"CallerReference": "-", **properties["DistributionConfig"]}),
            encoding="unicode")
        refused = _refusal(config, name if len(arguments) != 2 else None)
        if refused:
            code, message = refused
            raise HandlerError(
                f"Invalid request provided: AWS::CloudFront::Distribution: {message}"
                if code != "CNAMEAlreadyExists" else message,
                "AlreadyExists" if code == "CNAMEAlreadyExists" else "InvalidRequest", "CloudFront")
        with _Change():
            made = original(name, *arguments)
        _propagates(made[0])
        return made

    return step


async def until_deployed(resource_type, dist_id):
    """CloudFormation is done with a distribution when it is deployed."""
    record = cloudfront.distributions.get(dist_id) if resource_type == _DISTRIBUTION else None
    while record is not None and record["Status"] != "Deployed":
        await asyncio.sleep(0.01)


async def before_delete(resource_type, dist_id):
    """CloudFormation disables a distribution before it deletes it, and waits for that."""
    record = cloudfront.distributions.get(dist_id) if resource_type == _DISTRIBUTION else None
    if record is None:
        return
    if record["enabled"]:
        record["enabled"] = False
        record["config_xml"] = _disabled(record["config_xml"])
        record["ETag"] = responses.new_uuid()
        _propagates(dist_id)
    await until_deployed(resource_type, dist_id)


def _disabled(config):
    root = cloudfront.fromstring(config)
    cloudfront.find(root, "Enabled").text = "false"
    return tostring(root, encoding="unicode")


def _distribution_delete(original):
    def delete(dist_id, properties):
        with _Change():
            original(dist_id, properties)
        _deleted(dist_id)

    return delete


def _function_delete(original):
    def delete(name, properties):
        arn = replicated(responses.get_account_id(), responses.get_region(), name)
        if arn:
            raise HandlerError(replicated_message(arn), "InvalidRequest", "Lambda")
        return original(name, properties)

    return delete


def _version_delete(original):
    def delete(arn, properties):
        found = _ARN.fullmatch(arn)
        if found and replicated(found.group(2), found.group(1), found.group(3), found.group(4)):
            raise HandlerError(replicated_message(arn), "InvalidRequest", "Lambda")
        return original(arn, properties)

    return delete


def _policy_delete(kind):
    def around(original):
        def delete(policy_id, properties):
            if used(policy_id):
                raise HandlerError(
                    f"The {kind} cannot be deleted because it is attached to one or more cache behaviors.",
                    "GeneralServiceException", "CloudFront", 409)
            return original(policy_id, properties)

        return delete

    return around
