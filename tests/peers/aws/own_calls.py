"""Calls that the test itself makes, through AWS's own interface but outside of the account's log and rules."""

import asyncio
import functools
import os

import botocore
import botocore.config
import botocore.session

MARK = "frames-test"
_SESSION = botocore.session.get_session()


async def call(port, number, described):
    """`{service, operation, region, parameters}` -> the answer, or `{error: {Code, Message}}`."""
    of = _client(port, number, described["service"], described.get("region", "us-east-1"))
    parameters = described.get("parameters") or {}
    try:
        answer = await asyncio.to_thread(getattr(of, botocore.xform_name(described["operation"])), **parameters)
    except of.exceptions.ClientError as error:
        return {"error": error.response["Error"]}
    answer.pop("ResponseMetadata", None)
    return _plain(answer)


@functools.cache
def _client(port, number, service, region):
    config = botocore.config.Config(user_agent_extra=MARK, retries={"total_max_attempts": 1})
    return _SESSION.create_client(
        service, region, endpoint_url=f"http://127.0.0.1:{port}", config=config, aws_access_key_id=number,
        aws_secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"])


def _plain(value):
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if hasattr(value, "read"):
        value = value.read()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
