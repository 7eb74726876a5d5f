"""Lambda's Invoke: the very zip of a version, run by AWS's own emulator and Python runtime client. The emulator isn't
Lambda@Edge, and of what Lambda refuses beforehand this has a zip that can't be unpacked and a role that can't be assumed.

What a zip answers to an event is asked of it once per run of the tests' AWS, and kept until that ends: most tests
deploy the same two zips with the same two events. So a test that counts processes has to make a zip of its own."""

import hashlib
import http.client
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
import zlib
from pathlib import Path

from seam import iam, lambda_svc, responses

from accounts import account

EMULATOR = Path(sys.prefix).parent / "aws-lambda-rie"
# More at a time would only make each other slower.
_SLOTS = threading.BoundedSemaphore(2)
_LOCK = threading.Lock()
_KEPT = {}
_RUNNING = set()

# Made up, as a role's are.
_ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "AWS_ACCESS_KEY_ID": "ASIAEXAMPLEEXAMPLE00",
    "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "AWS_SESSION_TOKEN": "IQoJb3JpZ2luX2VjEXAMPLE//+token==",
    "AWS_REGION": "us-east-1",
}


def install():
    lambda_svc.replace("invoke", _invoking)
    # What the original calls when it has found the version.
    lambda_svc.replace("execute_function_with_config_scope", lambda _: _run)


def end_all():
    """Ends the emulators that are still running: no answer is waited for any more."""
    for process in list(_RUNNING):
        process.terminate()


def _invoking(original):
    async def invoke(name, event, headers, path_qualifier=None, query_params=None):
        record = lambda_svc.functions.get(name)
        if record is not None and path_qualifier in record.get("versions", {}):
            record = record["versions"][path_qualifier]
        refused = record and (_unreadable(record.get("code_zip") or b"") or _no_role(record["config"]))
        if refused:
            return refused
        return await original(name, event, headers, path_qualifier, query_params)

    return invoke


def _unreadable(code):
    try:
        if zipfile.ZipFile(io.BytesIO(code)).testzip() is None:
            return None
    except (zipfile.BadZipFile, zlib.error, EOFError):
        pass
    return responses.error_response_json(
        "InvalidZipFileException", "Lambda could not unzip the deployment package.", 502)


def _no_role(config):
    role = iam.roles.get(config["Role"].rsplit("/", 1)[-1])
    trust = role and role["AssumeRolePolicyDocument"]
    if trust and "lambda.amazonaws.com" in json.dumps(trust):
        return None
    return responses.error_response_json(
        "AccessDeniedException", "The role defined for the function cannot be assumed by Lambda.", 403)


# Seconds that a function may take where a test asks for no other time.
_PATIENCE = 120


def _run(function, event):
    """What MiniStack wants to know of an execution: `body`, `log`, and whether it is an `error`."""
    config, code = function["config"], function["code_zip"]
    # Lambda's few seconds are those of a machine that does nothing else.
    timeout = account(config["FunctionArn"].split(":")[4]).settings["timeout"] or max(config["Timeout"], _PATIENCE)
    event = json.dumps(event)
    key = hashlib.sha256(code).hexdigest(), config["Handler"], timeout, event
    with _LOCK:
        kept = _KEPT.setdefault(key, {"lock": threading.Lock()})
    with kept["lock"]:
        if "answer" not in kept:
            with _SLOTS:
                kept["answer"] = _emulated(code, config, timeout, event)
        return dict(kept["answer"])


def _emulated(code, config, timeout, event):
    directory = Path(tempfile.mkdtemp())
    try:
        task = directory / "task"
        _unpack(code, task)
        with open(directory / "log", "wb") as log:
            process, port = _started(task, config, timeout, log)
            try:
                text = _asked(port, event, timeout)
            finally:
                process.terminate()
                process.wait(30)
                _RUNNING.discard(process)
        lines = (directory / "log").read_text(errors="replace").splitlines(keepends=True)
        own = [line for line in lines if "(rapid)" in line]
        return {**_answer(text, own), "log": "".join(line for line in lines if line not in own)}
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _unpack(code, task):
    with zipfile.ZipFile(io.BytesIO(code)) as archive:
        for member in archive.infolist():
            os.chmod(archive.extract(member, task), member.external_attr >> 16 & 0o777)


def _started(task, config, timeout, log):
    """A running emulator and its port. Another program may take a free port first: then once more."""
    for _ in range(5):
        port, runtime_api = _free_ports()
        process = subprocess.Popen(
            [
                EMULATOR,
                *("--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
                *("--runtime-api-address", f"127.0.0.1:{runtime_api}"),
                *(sys.executable, "-m", "awslambdaric", config["Handler"]),
            ],
            cwd=task,
            env={
                **_ENVIRONMENT,
                "LAMBDA_TASK_ROOT": str(task),
                "AWS_LAMBDA_FUNCTION_NAME": config["FunctionName"],
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config["MemorySize"]),
                "AWS_LAMBDA_FUNCTION_TIMEOUT": str(timeout),
            },
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        _RUNNING.add(process)
        while process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return process, port
            except OSError:
                time.sleep(0.02)
        _RUNNING.discard(process)
    raise RuntimeError("the emulator doesn't start")


def _free_ports():
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]


def _asked(port, event, timeout):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout + 60)
    connection.request("POST", "/2015-03-31/functions/function/invocations", event)
    text = connection.getresponse().read().decode()
    connection.close()
    return text


def _answer(text, log):
    """Lambda's, where the emulator has words only, and those in its log where a process ends before its first event."""
    # Its fields come in any order.
    words = r"Invoke failed (?:InvokeID=\S* )?error=(Runtime exited .*?)(?: InvokeID=\S*)?$"
    ended = re.search(words, "".join(log), re.MULTILINE)
    if text.startswith("Task timed out"):
        body = _error("Sandbox.Timedout", text)
    elif not text and ended:
        body = _error("Runtime.ExitError", ended.group(1))
    else:
        body = json.loads(text)
    failed = isinstance(body, dict) and "errorType" in body
    return {"body": body, "error": failed, "function_error": "Unhandled" if failed else None}


def _error(kind, message):
    return {"errorType": kind, "errorMessage": f"RequestId: {responses.new_uuid()} Error: {message}"}
