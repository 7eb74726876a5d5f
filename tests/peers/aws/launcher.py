"""The tests' AWS: MiniStack, with what it lacks of CloudFormation, CloudFront and Lambda@Edge added.

A test of replicas, of propagation or of the edge's limits that runs against this checks frames against our model of
AWS, not against AWS: the model's rules are in the modules beside this file, each with the reason for it.

Prints one line of JSON with its port when it listens, and ends when its stdin ends: a test run that is killed leaves
nothing behind."""

import asyncio
import atexit
import json
import logging
import os
import shutil
import socket
import sys
import tempfile
import threading

# With `--auth`, the account's root signs with this.
ROOT_SECRET = "root-secret"


def main():
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 0))
    listener.listen(512)
    port = listener.getsockname()[1]
    directory = tempfile.mkdtemp(prefix="frames-aws-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    # MiniStack reads these while it is imported.
    os.environ.update(
        GATEWAY_PORT=str(port),
        BIND_HOST="127.0.0.1",
        STATE_DIR=directory,
        TMPDIR=directory,
        IOT_MTLS_ENABLED="0",
        SFTP_ENABLED="0",
        PERSIST_STATE="0",
        LOG_LEVEL="ERROR",
        DOCKER_HOST="unix:///nowhere",
    )
    if "--auth" in sys.argv:
        os.environ["AUTH"] = "true"
    tempfile.tempdir = directory
    # Nothing of the caller's own AWS gets in here.
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(AWS_ACCESS_KEY_ID="000000000000", AWS_SECRET_ACCESS_KEY=ROOT_SECRET, AWS_CONFIG_FILE=os.devnull)
    os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    asyncio.run(serve(listener, port))


async def serve(listener, port):
    import seam

    problem = seam.problem()
    if problem:
        sys.exit(problem)

    from hypercorn.asyncio import serve as hypercorn
    from hypercorn.config import Config

    import change_sets
    import distributions
    import drift
    import healthimaging
    import invalidations
    import invoke
    import log_lines
    import resources
    import stacks
    import web_acls
    import wire
    from control import control

    logging.getLogger().setLevel(logging.ERROR)
    for module in (distributions, invalidations, web_acls, invoke, resources, stacks, change_sets, drift, log_lines):
        module.install()
    wire.remember_connections()

    def of_key(key):
        known = seam.app.find_iam_access_key_account(key) if key else None
        return known or (key if len(key) == 12 and key.isdigit() else "000000000000")

    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.keep_alive_timeout = 75
    config.h11_max_incomplete_size = 64 * 1024
    config.loglevel = "ERROR"
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    threading.Thread(target=_until_stdin_ends, args=(loop, ended), daemon=True).start()
    print(json.dumps({"port": port}), flush=True)
    application = wire.wrap(seam.app.app, control, of_key, {"medical-imaging": healthimaging.answer})
    await hypercorn(application, config, shutdown_trigger=ended.wait)


def _until_stdin_ends(loop, ended):
    while os.read(0, 4096):
        pass
    loop.call_soon_threadsafe(ended.set)
    # Connections that are still open don't hold it up.
    threading.Timer(1.0, _leave).start()


def _leave():
    import invoke

    invoke.end_all()
    shutil.rmtree(os.environ["STATE_DIR"], ignore_errors=True)
    os._exit(0)


if __name__ == "__main__":
    main()
