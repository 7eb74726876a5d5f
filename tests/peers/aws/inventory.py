"""Everything that an account has, over all services: for a comparison before and after, or between two runs."""

import re

import seam

# Histories, and what is stored beside the resource that it belongs to.
_NOT_RESOURCES = {
    ("cloudformation", "_stack_events"),
    ("cloudformation", "_change_sets"),
    ("cloudfront", "_invalidations"),
    ("cloudwatch", "_metrics"),
    ("cloudwatch", "_alarm_history"),
    ("cloudwatch", "_resource_tags"),
    ("cloudwatch_logs", "_log_records"),
    ("route53", "_changes"),
    ("route53", "_caller_refs"),
    ("s3", "_completed_multipart_uploads"),
    ("s3", "_object_acl"),
    ("s3", "_object_tags"),
    ("s3", "_object_versions"),
    ("iam", "_aws_managed_attachment_counts"),
}


def inventory(number):
    """A sorted list of `{service, kind, region, id, name}`: `name` is the same in every account and in every run."""
    found = []
    for service, attribute, store in seam.stores():
        if (service, attribute) not in _NOT_RESOURCES:
            found += _of_store(number, service, attribute, store)
    unique = {tuple(sorted((key, str(value)) for key, value in entry.items())): entry for entry in found}
    return sorted(unique.values(), key=lambda entry: [str(entry[key]) for key in ("service", "kind", "region", "name", "id")])


def _of_store(number, service, attribute, store):
    for key, value in seam.entries(store):
        if key[0] != number:
            continue
        region = key[1] if seam.has_regions(store) else "global"
        name = key[-1]
        if attribute == "_stacks" and value.get("StackStatus") == "DELETE_COMPLETE":
            continue
        # A key goes some days after its deletion.
        if isinstance(value, dict) and value.get("KeyState") == "PendingDeletion":
            continue
        # An empty list of tags or of records is no resource.
        if value in ({}, [], None):
            continue
        entry = {"service": service, "kind": attribute.strip("_"), "region": region, "id": str(name)}
        yield {**entry, "name": _stable(number, _name(attribute, name, value))}
        if attribute == "_buckets":
            for object_key in value["objects"]:
                yield {"service": "s3", "kind": "objects", "region": region, "id": f"{name}/{object_key}",
                       "name": _stable(number, f"{name}/{object_key}")}
        if service == "route53" and attribute == "_records":
            for record in value:
                record = f"{record['Name']} {record['Type']}"
                yield {"service": service, "kind": "record_sets", "region": region, "id": f"{name} {record}", "name": record}
        if attribute == "_functions" and service == "lambda_svc":
            for version in value["versions"]:
                yield {"service": service, "kind": "versions", "region": region, "id": f"{name}:{version}",
                       "name": f"{name}:{version}"}


def _name(attribute, key, value):
    """What a resource with a random id is known by."""
    if isinstance(value, dict):
        if attribute == "_distributions":
            comment = re.search(r"<(?:\w+:)?Comment>([^<]*)<", value["config_xml"])
            return comment.group(1) if comment else "distribution"
        if isinstance(value.get("Config"), dict) and "Name" in value["Config"]:
            return value["Config"]["Name"]
        if attribute == "_deliveries":
            return value["deliverySourceName"]
        if attribute == "_certificates":
            return value["DomainName"]
        if attribute == "_keys":
            return value.get("Description") or "key"
        if attribute == "_web_acls":
            return value.get("Name", key)
    return str(key)


def _stable(number, name):
    name = name.replace(number, "ACCOUNT")
    # CloudFormation's random ends of names, and the ids of distributions.
    name = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "*", name)
    name = re.sub(r"-[A-Z0-9]{12,13}$|-[0-9a-f]{13}$|-[a-z0-9]{8,13}$(?<=\d)", "-*", name)
    # Of hosted zones.
    name = re.sub(r"\bZ[A-Z0-9]{8,20}\b", "Z*", name)
    return re.sub(r"distribution/E[A-Z0-9]{13}", "distribution/*", name)
