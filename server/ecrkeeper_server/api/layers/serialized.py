"""Serialize a message of a stream once, however many streams send it."""

from __future__ import annotations

from collections.abc import Callable

from cachetools import LRUCache
from google.protobuf.message import Message

from ecrkeeper_server.api.messages.sizes import ANSWER_BYTES

# A change is sent to all streams within a moment, so few messages are kept at a time.
_KEPT_BYTES = ANSWER_BYTES + 2**20


class SerializedOnce:
    """Serializes each message object once, and keeps the newest ones.

    Streams that yield the same object share its bytes. Nobody may change a message after it was yielded.
    """

    def __init__(self, serialize: Callable[[Message], bytes]) -> None:
        self._serialize = serialize
        # The message is kept as well, so that no other one gets its id meanwhile.
        self._kept: LRUCache[int, tuple[Message, bytes]] = LRUCache(
            _KEPT_BYTES, getsizeof=lambda kept: len(kept[1]) + 1
        )

    def __call__(self, message: Message) -> bytes:
        """Return the bytes of a message."""
        kept = self._kept.get(id(message))
        if kept is not None:
            return kept[1]
        content = self._serialize(message)
        if len(content) < _KEPT_BYTES:
            self._kept[id(message)] = message, content
        return content
