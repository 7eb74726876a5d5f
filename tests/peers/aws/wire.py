"""Between the network and MiniStack: the log of calls, holds and faults, and the tests' own control endpoints.

The log has names and statuses only: neither bodies nor credentials."""

import asyncio
import contextvars
import json
import os
import socket
import struct

import hypercorn.asyncio.tcp_server as tcp_server
from operations import credential, error, is_mutating, operation
from own_calls import MARK

from accounts import account

CONTROL = "/_frames/"
_CONNECTION = contextvars.ContextVar("connection")
_MAX_HOLD = 600


def remember_connections():
    """Tells each request which connection it came through, so that a fault can cut it."""
    run = tcp_server.TCPServer.run

    async def remembering(self):
        _CONNECTION.set(self.writer)
        await run(self)

    tcp_server.TCPServer.run = remembering


def wrap(application, control, of_key, standins):
    async def edge(scope, receive, send):
        if scope["type"] != "http":
            return await application(scope, receive, send)
        body, disconnected = await _body(receive)
        if scope["path"].startswith(CONTROL):
            status, answer = await control(scope["method"], scope["path"][len(CONTROL):], body)
            return await _send(send, status, {"Content-Type": "application/json"}, json.dumps(answer).encode())
        await _serve(application, of_key, standins, scope, body, disconnected, send)

    return edge


async def _body(receive):
    """The whole body, and a waiter for the client's end."""
    chunks = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"".join(chunks), _now
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            break

    async def disconnected():
        while (await receive())["type"] != "http.disconnect":
            pass

    return b"".join(chunks), disconnected


async def _now():
    return


async def _serve(application, of_key, standins, scope, body, disconnected, send):
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    query = scope.get("query_string", b"").decode("latin-1")
    key, region, service = credential(headers, query)
    service = service or "unsigned"
    name = operation(service, scope["method"], scope["path"], query, headers, body)
    of = account(of_key(key))
    if MARK in headers.get("user-agent", ""):
        status, answer_headers, content = await _answer(
            application, standins, of.number, scope, headers, service, region, name, body)
        await send({"type": "http.response.start", "status": status, "headers": answer_headers})
        return await send({"type": "http.response.body", "body": content})
    call = of.called(service, name, is_mutating(name))
    rule = of.rule_for(call)
    kind = rule.described["kind"] if rule else None
    if kind == "hold-before":
        call["status"] = "held"
        await _hold(rule, disconnected)
        if not rule.released.is_set():
            return _cut()
    elif kind == "reset":
        call["status"] = "reset"
        return _cut()
    elif kind == "answer":
        described = rule.described
        status = described.get("status", 500)
        call["status"] = status
        if "body" in described:
            content = json.dumps(described["body"]).encode()
            return await _send(send, status, {"Content-Type": "application/x-amz-json-1.1"}, content)
        return await _send(send, status, *error(
            service, headers, status, described.get("code", "InternalFailure"), described.get("message", "")))

    status, answer_headers, chunks = await _answer(application, standins, of.number, scope, headers, service, region, name, body)
    call["status"] = status
    of.notify()
    if kind == "hold-after":
        await _hold(rule, disconnected)
    if kind in ("hold-after", "lost") and not (rule and rule.released.is_set()):
        return _cut()
    await send({"type": "http.response.start", "status": status, "headers": answer_headers})
    await send({"type": "http.response.body", "body": chunks})


async def _answer(application, standins, number, scope, headers, service, region, name, body):
    """What MiniStack answers, kept back."""
    own = standins.get(service)
    if own is not None:
        status, answer, content = own(name, scope["path"], headers, region, number)
        return status, _encoded(answer, content), content
    start, chunks = {}, []

    async def replay():
        if start.get("replayed"):
            await asyncio.Event().wait()
        start["replayed"] = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def keep(message):
        if message["type"] == "http.response.start":
            start.update(message)
        elif message["type"] == "http.response.body":
            chunks.append(message.get("body", b""))

    # AWS is reached by TLS only, and policies may insist on it.
    forwarded = {**scope, "headers": [*scope["headers"], (b"x-forwarded-proto", b"https")]}
    await application(forwarded if "AUTH" in os.environ else scope, replay, keep)
    return start["status"], start.get("headers", []), b"".join(chunks)


async def _hold(rule, disconnected):
    """Until the client is gone or the test releases it."""
    gone = asyncio.ensure_future(disconnected())
    released = asyncio.ensure_future(rule.released.wait())
    await asyncio.wait((gone, released), timeout=_MAX_HOLD, return_when=asyncio.FIRST_COMPLETED)
    gone.cancel()
    released.cancel()


def _cut():
    """Ends the connection with a reset."""
    writer = _CONNECTION.get()
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _send(send, status, headers, body):
    await send({"type": "http.response.start", "status": status, "headers": _encoded(headers, body)})
    await send({"type": "http.response.body", "body": body})


def _encoded(headers, body):
    headers = {**headers, "Content-Length": str(len(body))}
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
