"""Invalidations: which paths CloudFront takes, how many at a time, and how long one needs. A model of "What you need to
know when invalidating paths" and "Concurrent invalidation request maximum", Amazon CloudFront Developer Guide."""

import time

from seam import cloudfront, responses

from accounts import begun, ended

# Of one distribution at a time.
_WILDCARDS = 15
_FILES = 3000


class Invalidation(dict):
    """An invalidation's record, whose status depends on the time: by the setting of the moment, where a test has
    shortened that."""

    def __getitem__(self, key):
        if key == "Status" and "_begun" in self:
            return "InProgress" if time.monotonic() < ended(super().__getitem__("_begun")) else "Completed"
        return super().__getitem__(key)


def install():
    cloudfront.replace("create_invalidation", _creating)


def _is_wildcard(path):
    return path.endswith("*")


def _problem(dist_id, paths):
    """Why CloudFront wouldn't take the paths: a code, a message and a status, or None."""
    if not paths or any(not path.startswith("/") or len(path) > 4000 for path in paths):
        return "InvalidArgument", "Your request contains one or more invalid invalidation paths.", 400
    running = [
        path
        for record in cloudfront.invalidations.get(dist_id, [])
        if record["Status"] == "InProgress"
        for path in record["InvalidationBatch"]["Paths"]["Items"]
    ] + paths
    wildcards = sum(map(_is_wildcard, running))
    if wildcards > _WILDCARDS or len(running) - wildcards > _FILES:
        return (
            "TooManyInvalidationsInProgress",
            "Processing your request will cause you to exceed the maximum number of in-progress wildcard invalidations.",
            400,
        )
    return None


def _creating(original):
    def create(dist_id, body):
        batch = cloudfront.strip_namespace(cloudfront.fromstring(body.decode()))
        known = len(cloudfront.invalidations.get(dist_id, []))
        reference = batch.findtext("CallerReference")
        is_new = all(
            record["InvalidationBatch"]["CallerReference"] != reference
            for record in cloudfront.invalidations.get(dist_id, [])
        )
        refused = is_new and _problem(dist_id, [path.text or "" for path in batch.iterfind("Paths/Items/Path")])
        if refused:
            return cloudfront.error(*refused)
        response = original(dist_id, body)
        records = cloudfront.invalidations.get(dist_id, [])
        if len(records) == known:
            return response
        record = records[-1] = Invalidation(records[-1])
        record["_begun"] = begun(responses.get_account_id(), "invalidation")
        return response[0], response[1], response[2].replace(b"<Status>Completed<", f"<Status>{record['Status']}<".encode())

    return create
