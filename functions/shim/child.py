"""The second way of index.py: Python stays, and is the Runtime API of the program, its child.

A module of its own, since the first way would else pay for reading it at every cold start.
"""

import json
import os
import select
import signal
import socket
import time

BASE = "/2018-06-01/runtime/"
# More than the program's requests have, before their bodies.
MOST_HEADERS = 1 << 16

# The program has ended, as Lambda reports it.
Ended = type("Runtime.ExitError", (Exception,), {})


class Child:
    """The program as a child, and the Runtime API that it polls.

    There is no thread: whoever waits for the program serves it. Between two events nobody
    does, and what the program asks meanwhile waits in its socket.
    """

    def __init__(self, program, environment, run):
        self.program, self.environment, self.run = program, environment, run
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.pid = None

    def start(self, refused=()):
        """Starts the program, and waits until it asks for its first event."""
        # Who else gets to the port doesn't know the path.
        self.prefix = f"/{os.urandom(16).hex()}"
        host, port = self.listener.getsockname()
        environment = {**self.environment, "AWS_LAMBDA_RUNTIME_API": f"http://{host}:{port}{self.prefix}"}
        # The program's connections, the one on which it waits for an event, that event's id, and what became of it.
        self.connections, self.idle, self.request, self.outcome = {}, None, None, None
        # The program holds the other end, which closes when it ends, however it does.
        self.alive, inherited = os.pipe()
        os.set_inheritable(inherited, True)

        def spawn(file):
            path = file if isinstance(file, str) else f"/proc/self/fd/{file}"
            return os.posix_spawn(path, [self.program], environment)

        self.pid, reasons = self.run(self.program, spawn)
        os.close(inherited)
        if self.pid is None:
            os.close(self.alive)
            reasons = [*refused, *(f"as a child, {reason}" for reason in reasons)]
            raise RuntimeError(f"can't start {self.program}: {'; '.join(reasons)}; package the function again")
        self._serve_until(lambda: self.idle or self.outcome)
        if self.outcome:
            self._end()
            raise self._error(self.outcome[1])

    def answer(self, event, context):
        """What the program answers to an event."""
        self._await_idle()
        self.request, self.outcome = context.aws_request_id, None
        deadline = round(time.time() * 1000) + context.get_remaining_time_in_millis()
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": self.request,
            "Lambda-Runtime-Deadline-Ms": deadline,
            "Lambda-Runtime-Invoked-Function-Arn": context.invoked_function_arn,
        }
        trace = os.environ.get("_X_AMZN_TRACE_ID")
        if trace:
            headers["Lambda-Runtime-Trace-Id"] = trace
        idle, self.idle = self.idle, None
        self._send(idle, "200 OK", headers, json.dumps(event).encode())
        self._serve_until(lambda: self.outcome)
        how, body = self.outcome
        if how == "error":
            raise self._error(body)
        return json.loads(body)

    def _await_idle(self):
        """The program that waits for an event. One that ended after the last one is no reason for this one to fail."""
        poll = select.poll()
        poll.register(self.alive)
        try:
            if self.pid is not None and poll.poll(0):
                self._end()
            if self.pid is not None:
                return self._serve_until(lambda: self.idle)
        except Ended:
            pass
        self.start()

    def _serve_until(self, done):
        """Answers the program until `done`. Raises its end, should that come first."""
        while not done():
            poll = select.poll()
            for file in (self.listener.fileno(), self.alive, *self.connections):
                poll.register(file, select.POLLIN)
            ready = [file for file, _ in poll.poll()]
            for file in ready:
                if file == self.listener.fileno():
                    connection, _ = self.listener.accept()
                    self.connections[connection.fileno()] = connection, bytearray()
                elif file in self.connections:
                    self._receive(*self.connections[file])
            # What it wrote before its end has been read by then.
            if ready == [self.alive]:
                raise self._end()

    def _receive(self, connection, received):
        try:
            chunk = connection.recv(1 << 18)
        except ConnectionError:
            chunk = b""
        received += chunk
        if not chunk or not self._answer_requests(connection, received):
            del self.connections[connection.fileno()]
            connection.close()
            if self.idle is connection:
                self.idle = None

    def _answer_requests(self, connection, received):
        """Answers what has come whole. Whether the connection may stay."""
        while (end := received.find(b"\r\n\r\n")) >= 0:
            first, *lines = received[:end].decode("latin-1").split("\r\n")
            method, path, *_ = *first.split(" "), "", ""
            if not path.startswith(self.prefix + BASE):
                self._send(connection, "403 Forbidden")
                return False
            headers = dict(line.lower().split(":", 1) for line in lines if ":" in line)
            length = int(headers.get("content-length", 0))
            if len(received) < end + 4 + length:
                return True
            body = bytes(received[end + 4 : end + 4 + length])
            del received[: end + 4 + length]
            self._answer_request(connection, method, path.removeprefix(self.prefix + BASE), body)
        return len(received) < MOST_HEADERS

    def _answer_request(self, connection, method, path, body):
        if (method, path) == ("GET", "invocation/next"):
            self.idle = connection
            return
        steps = path.split("/")
        if method == "POST" and path == "init/error" and self.request is None:
            self.outcome = "error", body
        elif method == "POST" and steps[:-1] == ["invocation", self.request] and steps[-1] in ("response", "error"):
            self.request, self.outcome = None, (steps[-1], body)
        else:
            return self._send(connection, "400 Bad Request")
        self._send(connection, "202 Accepted")

    def _send(self, connection, status, headers=(), body=b""):
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in dict(headers).items()]
        try:
            connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        except ConnectionError:
            pass  # its end is seen where the program is waited for

    def _error(self, body):
        """What the program reports, under the name that it gives."""
        report = json.loads(body)
        return type(str(report["errorType"]), (Exception,), {})(report["errorMessage"])

    def _end(self):
        """Nothing is left of the program. Its end, in Lambda's words."""
        poll = select.poll()
        poll.register(self.alive)
        poll.poll(1000)  # what has failed to start still has a line to write
        os.kill(self.pid, signal.SIGKILL)  # means nothing to one that has ended
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        self.pid = None
        os.close(self.alive)
        for connection, _ in self.connections.values():
            connection.close()
        self.connections, self.idle = {}, None
        if code == 0:
            how = "without providing a reason"
        else:
            how = "with error: " + (f"exit status {code}" if code > 0 else f"signal: {signal.strsignal(-code).lower()}")
        within = f"RequestId: {self.request} Error: " if self.request else ""
        return Ended(f"{within}Runtime exited {how}")
