"""microburst between frames and the tests' AWS: faults on the wire, set over HTTP below `/_microburst/`.

Prints one line of JSON with its port when it listens, and ends when its stdin ends."""

import json
import logging
import os
import socket
import sys
import threading

from aiohttp import web
from microburst.app import make_app
from microburst.core.pipeline import Microburst


def until_stdin_ends():
    while os.read(0, 4096):
        pass
    os._exit(0)


logging.disable(logging.CRITICAL)
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(128)
threading.Thread(target=until_stdin_ends, daemon=True).start()
print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
web.run_app(make_app(Microburst(sys.argv[1], rules=[], resign=False)), sock=listener, print=None)
