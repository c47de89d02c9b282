"""Lists that fetch their pages as they are read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Generic, TypeVar

from google.protobuf.message import Message

from ecrkeeper._base import Paged, Unary

T = TypeVar("T")
Response = TypeVar("Response", bound=Message)


class Pager(Generic[T, Response]):
    """Iterates over resources, from the first page each time.

    Raises the list call's errors.
    """

    def __init__(self, call: Paged[T, Response], send: Callable[[Unary[Response]], Response]) -> None:
        self._call = call
        self._send = send

    @property
    def pages(self) -> Iterator[Response]:
        """Yield the response of each page, with its `next_page_token`."""
        call: Unary[Response] | None = self._call.first
        while call is not None:
            page = self._send(call)
            yield page
            call = self._call.after(page)

    def __iter__(self) -> Iterator[T]:
        for page in self.pages:
            yield from self._call.items(page)


class AsyncPager(Generic[T, Response]):
    """Iterates over resources, from the first page each time.

    Raises the list call's errors.
    """

    def __init__(self, call: Paged[T, Response], send: Callable[[Unary[Response]], Awaitable[Response]]) -> None:
        self._call = call
        self._send = send

    @property
    async def pages(self) -> AsyncIterator[Response]:
        """Yield the response of each page, with its `next_page_token`."""
        call: Unary[Response] | None = self._call.first
        while call is not None:
            page = await self._send(call)
            yield page
            call = self._call.after(page)

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages:
            for item in self._call.items(page):
                yield item
