"""A process that converts long messages.

Threads would share Python's lock with the event loop. The process reads orders from its standard input, writes the
outcomes to its standard output, and ends with its input.
"""

from __future__ import annotations

import json
import signal
import struct
import sys
import time
from importlib import import_module
from typing import Any, BinaryIO

from google.protobuf.message import Message

from ecrkeeper_server.api.http.conversion import json_of, wire_of
from ecrkeeper_server.errors import InvalidArgument

# Whether to write JSON, and the lengths of the kind and of the content.
ORDER = struct.Struct("!?HI")
# Whether the content is a result and not a violation, the seconds of CPU, and the length of the content.
OUTCOME = struct.Struct("!?dI")


def order_of(content: bytes, kind: type[Message], *, to_json: bool) -> bytes:
    """Return the bytes that order a conversion."""
    name = f"{kind.__module__}:{kind.__name__}".encode()
    return ORDER.pack(to_json, len(name), len(content)) + name + content


def outcome_of(order: bytes, receive: Any) -> bytes:
    """Carry out an order, whose name and content `receive` reads."""
    to_json, name_bytes, content_bytes = ORDER.unpack(order)
    module, _, name = receive(name_bytes).decode().partition(":")
    kind, content = getattr(import_module(module), name), receive(content_bytes)
    began = time.process_time()
    try:
        result, converted = (json_of(kind.FromString(content)) if to_json else wire_of(content, kind)), True
    except InvalidArgument as error:
        (violation,) = error.violations
        result, converted = json.dumps([violation.field, violation.description]).encode(), False
    return OUTCOME.pack(converted, time.process_time() - began, len(result)) + result


def serve(orders: BinaryIO, outcomes: BinaryIO) -> None:
    """Carry out orders until their end."""
    while len(order := orders.read(ORDER.size)) == ORDER.size:
        outcomes.write(outcome_of(order, orders.read))
        outcomes.flush()


if __name__ == "__main__":
    # A terminal sends it to the server, too, which ends this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    serve(sys.stdin.buffer, sys.stdout.buffer)
