"""Render and serialize once what several calls show."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from cachetools import LRUCache
from google.protobuf.message import Message

from ecrkeeper_server.api.messages.answer import Answer
from ecrkeeper_server.api.messages.serializing import answered
from ecrkeeper_server.api.services.shared_work import SharedTask
from ecrkeeper_server.turns import Steps, Turns, Work, work

M = TypeVar("M", bound=Message)

# A thousand streams show a change at the same time, but few changes at once.
_KEPT, _KEPT_BYTES = 32, 8 * 2**20


class SharedRenderings(Generic[M]):
    """Renders and serializes each key once, in turns that all watches share.

    The principals of the calls that wait pay for it.
    """

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._kept: LRUCache[Hashable, SharedTask[Answer[M]]] = LRUCache(_KEPT_BYTES, getsizeof=_size)

    async def of(self, key: Hashable, steps: Callable[[], Steps[M]]) -> Answer[M]:
        """Return the answer of a key; calls share it, so nobody may change its message."""
        rendering = self._kept.get(key)
        if rendering is None or rendering.failed:
            rendering = self._kept[key] = SharedTask(self._turns, lambda shared: _answer(shared, steps()))
        answer = await rendering.result(work())
        if self._kept.get(key) is rendering:
            # Its size is known now.
            self._kept[key] = rendering
        return answer


async def _answer(shared: Work, steps: Steps[M]) -> Answer[M]:
    return await answered(await shared.run(steps))


def _size(rendering: SharedTask[Answer[M]]) -> int:
    answer = rendering.ended
    return min(max(len(answer.content) if answer else 0, _KEPT_BYTES // _KEPT), _KEPT_BYTES)
