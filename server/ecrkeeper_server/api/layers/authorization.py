"""Authorization: the layer that checks each call's permissions against the policy."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from msgspec.structs import replace

from ecrkeeper_server.access.policy import Policy, Target
from ecrkeeper_server.api.layers.access import Access
from ecrkeeper_server.api.layers.layer import HEALTH, REFLECTION, behaving, behaviour_of
from ecrkeeper_server.api.layers.needs import Need, Needs, operation_target
from ecrkeeper_server.api.layers.permissions import PERMISSIONS
from ecrkeeper_server.errors import PermissionDenied
from ecrkeeper_server.store import operations
from ecrkeeper_server.store.database import Database

# Health and reflection have no resource; authentication decides whether they need credentials.
_WITHOUT_RESOURCES = (HEALTH, REFLECTION)


class Authorization:
    """Checks every call against the table of permissions.

    Innermost, so requests are valid.
    """

    def __init__(self, access: Access, db: Database, permissions: Mapping[str, Needs] = PERMISSIONS) -> None:
        self._access = access
        self._db = db
        self._permissions = permissions

    def around(self, method: str, handler: Any) -> Any:
        """Return the handler behind the check."""
        if method.startswith(_WITHOUT_RESOURCES):
            return handler
        wrap = self._stream if handler.response_streaming else self._unary
        return behaving(handler, wrap(method, behaviour_of(handler)))

    def _unary(self, method: str, handler: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        # A change is not undone if the policy forbids it by the time of the response.
        async def call(request: Any, context: Any) -> Any:
            await self._check(method, request)
            return await handler(request, context)

        return call

    def _stream(self, method: str, handler: Callable[..., AsyncIterator[Any]]) -> Callable[..., AsyncIterator[Any]]:
        async def call(request: Any, context: Any) -> AsyncIterator[Any]:
            policy = await self._check(method, request)
            async for response in handler(request, context):
                # A stream must not outlive its permissions.
                if self._access.policy is not policy:
                    policy = await self._check(method, request)
                yield response

        return call

    async def _check(self, method: str, request: Any) -> Policy | None:
        """Check the permissions that a call needs, and return the policy that allows it."""
        policy = self._access.policy
        if policy is None:
            return None
        needs = self._permissions.get(method)
        if needs is None:
            raise PermissionDenied(f"{method} has no entry in the table of permissions", reason="ACCESS_DENIED")
        # If the policy changes during the lookup of the operation, it applies to the next response.
        self._access.check([await self._placed(need) for need in needs(request)])
        return policy

    async def _placed(self, need: Need) -> Need:
        """Return the permission with the target of its operation.

        The target of a missing operation is the installation, so only callers who may read
        everything learn that it is missing.
        """
        if not need.operation:
            return need
        row = await self._db.read(lambda tx: operations.get(tx, need.operation))
        return replace(need, target=operation_target(row) if row is not None else Target())
