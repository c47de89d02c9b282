"""Answers of calls and messages of streams, serialized once."""

from __future__ import annotations

from typing import Generic, TypeVar

from google.protobuf.message import Message

M = TypeVar("M", bound=Message)


class Answer(Generic[M]):
    """The bytes of an answer, and its message.

    gRPC sends the bytes. An answer that was made of bytes is parsed when its message is needed, for example as JSON.
    """

    __slots__ = ("_message", "content", "kind")

    def __init__(self, kind: type[M], content: bytes, message: M | None = None) -> None:
        self.kind = kind
        self.content = content
        self._message = message

    @classmethod
    def of(cls, message: M) -> Answer[M]:
        """Return the answer with a message."""
        return cls(type(message), message.SerializeToString(), message)

    @property
    def message(self) -> M:
        """The message; do not change it."""
        if self._message is None:
            self._message = self.kind.FromString(self.content)
        return self._message
