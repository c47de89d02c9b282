"""The layer that lets a call through only if the policy allows all that it needs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from ecrkeeper_server.access.policy import Policy, Target
from ecrkeeper_server.api.layers.access import Access
from ecrkeeper_server.api.layers.layer import HEALTH, REFLECTION, behaving, behaviour_of
from ecrkeeper_server.api.layers.permissions import PERMISSIONS, Need, Needs, operation_target
from ecrkeeper_server.errors import PermissionDenied
from ecrkeeper_server.store import operations
from ecrkeeper_server.store.database import Database

# Health and reflection concern no resource; whether they need credentials is for authentication to say.
_WITHOUT_RESOURCES = (HEALTH, REFLECTION)


class Authorization:
    """Checks every call by the table of permissions; the innermost layer, so it sees checked requests."""

    def __init__(self, access: Access, db: Database, permissions: Mapping[str, Needs] = PERMISSIONS) -> None:
        self._access = access
        self._db = db
        self._permissions = permissions

    def around(self, method: str, handler: Any) -> Any:
        """The handler, behind the check."""
        if method.startswith(_WITHOUT_RESOURCES):
            return handler
        wrap = self._stream if handler.response_streaming else self._unary
        return behaving(handler, wrap(method, behaviour_of(handler)))

    def _unary(self, method: str, handler: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        # What a call has changed stays changed, whatever the policy says when it answers.
        async def call(request: Any, context: Any) -> Any:
            await self._check(method, request)
            return await handler(request, context)

        return call

    def _stream(self, method: str, handler: Callable[..., AsyncIterator[Any]]) -> Callable[..., AsyncIterator[Any]]:
        async def call(request: Any, context: Any) -> AsyncIterator[Any]:
            policy = await self._check(method, request)
            async for response in handler(request, context):
                # A stream shall not outlive the rights that it was opened with.
                if self._access.policy is not policy:
                    policy = await self._check(method, request)
                yield response

        return call

    async def _check(self, method: str, request: Any) -> Policy | None:
        """Check all that a call needs, and return the policy that allows it."""
        policy = self._access.policy
        if policy is None:
            return None
        needs = self._permissions.get(method)
        if needs is None:
            raise PermissionDenied(f"{method} has no entry in the table of permissions", reason="ACCESS_DENIED")
        # A policy that came while the operation was looked up is looked at with the next response.
        self._access.check([await self._placed(need) for need in needs(request)])
        return policy

    async def _placed(self, need: Need) -> Need:
        """The need with the target of its operation.

        An operation that does not exist is of the whole installation: only who may read everything learns of it.
        """
        if not need.operation:
            return need
        row = await self._db.read(lambda tx: operations.get(tx, need.operation))
        return replace(need, target=operation_target(row) if row is not None else Target())
