"""The client for synchronous code; one client serves any number of threads."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from types import TracebackType
from typing import Any, Self, TypeVar, overload

import grpc
from google.protobuf.message import Message

from ecrkeeper._base import DEFAULT_TIMEOUT
from ecrkeeper._channel import Endpoint, profile_options
from ecrkeeper._errors import DeadlineExceeded
from ecrkeeper._many import AT_ONCE, Outcome, each
from ecrkeeper._metadata import Metadata
from ecrkeeper._methods import Methods
from ecrkeeper._operation import OUTLASTED, Operation
from ecrkeeper._plans import WritePlan, write_plan
from ecrkeeper._replicate import Intent, Replication, undo
from ecrkeeper._steps import run
from ecrkeeper._synced import Synced
from ecrkeeper._tokens import Token
from ecrkeeper._watch import Watch
from ecrkeeper.v1.common_pb2 import DeletionPolicy
from ecrkeeper.v1.registry_pb2 import Registry, RegistrySettings
from ecrkeeper.v1.registry_settings_service_pb2 import WatchRegistriesResponse
from ecrkeeper.v1.settings_pb2 import Settings

Response = TypeVar("Response", bound=Message)


class Client(Methods):
    """Calls ecrkeeper.

    Failures raise `RegistryError`, calls after `close` RuntimeError.

    The client uses TLS unless you set `insecure=True`; `credentials` may have other roots or a
    client certificate. `token` is a bearer token or a function that returns one. `timeout` in
    seconds is the default of each call except watches, which run until you close them or until
    their own timeout. `metadata` is sent with each call: a mapping, or a function that returns one
    for each call, such as `lambda: {"x-request-id": current_id()}`; errors have that id as
    `call_id`. `interceptors` are those of gRPC; `ecrkeeper.telemetry` has some for OpenTelemetry. The
    logger `ecrkeeper` says at INFO when a watch or a wait is interrupted and goes on. The client
    uses a `channel` as it is, and does not close it. ValueError for
    options that exclude each other, for a token with characters that cannot be sent, and for one
    that would be sent in plaintext to another machine.

    Common parameters: `validate_only` runs every check and changes nothing. `request_id` is a UUID
    by which the server recognizes a repeated call; the client generates one by default. With
    `etag`, a write fails with Conflict if the resource changed since you read it. The revision and
    the audit trail store `reason`.
    """

    def __init__(
        self,
        target: str = "",
        *,
        insecure: bool = False,
        credentials: grpc.ChannelCredentials | None = None,
        token: Token | None = None,
        allow_plaintext_token: bool = False,
        timeout: float = DEFAULT_TIMEOUT,
        metadata: Metadata | None = None,
        interceptors: Sequence[Any] = (),
        channel: grpc.Channel | None = None,
    ) -> None:
        super().__init__(timeout)
        self._endpoint = Endpoint.of(
            target,
            insecure=insecure,
            credentials=credentials,
            token=token,
            allow_plaintext_token=allow_plaintext_token,
            metadata=metadata,
            interceptors=interceptors,
            injected=channel is not None,
        )
        self._channel = self._endpoint.open() if channel is None else channel
        self._owned = channel is None

    @classmethod
    def from_profile(
        cls,
        name: str = "",
        *,
        path: str | PathLike[str] | None = None,
        metadata: Metadata | None = None,
        interceptors: Sequence[Any] = (),
        **options: Any,
    ) -> Self:
        """Return a client for a profile of the configuration file and the environment.

        `ecrkeeper.profiles` describes both. `options` are keys of a profile, such as `target`, and override them.
        ProfileError says what is wrong.
        """
        return cls(metadata=metadata, interceptors=interceptors, **profile_options(name, path, options))

    def plan(
        self,
        name: str,
        settings: Settings | Mapping[str, Any],
        *,
        deletion_policy: DeletionPolicy | str | None = None,
        allow_replacement: bool = False,
        force: bool = False,
        timeout: float | None = None,
    ) -> WritePlan:
        """Return what `apply_registry_settings` would change in AWS, and write nothing.

        The errors are those of `apply_registry_settings`.
        """
        planned = self.apply_registry_settings(
            name,
            settings,
            deletion_policy=deletion_policy,
            allow_replacement=allow_replacement,
            force=force,
            validate_only=True,
            timeout=timeout,
        )
        return write_plan(planned)

    def apply_many(
        self,
        declarations: Mapping[str, Settings | Mapping[str, Any]],
        *,
        reason: str = "",
        force: bool = False,
        validate_only: bool = False,
        at_once: int = AT_ONCE,
    ) -> list[Outcome[RegistrySettings]]:
        """Apply settings by the names of declarations, several at a time.

        Each outcome has the result or the error.
        """
        return each(
            declarations,
            lambda name: self.apply_registry_settings(
                name, declarations[name], reason=reason, force=force, validate_only=validate_only
            ),
            at_once,
        )

    def wait_many(
        self, names: Iterable[str], timeout: float = 300.0, *, at_once: int = AT_ONCE
    ) -> list[Outcome[Registry]]:
        """Wait for several registries or declarations, each as `wait_until_synced` does.

        Each wait lasts `timeout` seconds at most.
        """
        return each(names, lambda name: self.wait_until_synced(name, timeout), at_once)

    def replicate(
        self,
        source: str,
        destinations: Iterable[str],
        *,
        owner: str,
        prefixes: Iterable[str] = (),
        template: bool = False,
        backfill: bool = True,
        validate_only: bool = False,
        reason: str = "",
        timeout: float = 600.0,
    ) -> Replication:
        """Replicate a registry to others.

        The result has the images that did not arrive at each.

        One owner declares the permission at each destination, with `template` also a creation template, and then the
        rules at the source. A backfill copies the images that are there. Repeating the call changes nothing.
        `prefixes` are those of repositories; by default, all are replicated.

        The declarations are replaced as a whole: with `validate_only`, `plans` shows what would change. The errors are
        those of `apply_registry_settings` and `wait_until_synced`. ValueError for a name that is no registry.
        """
        intent = Intent(source, tuple(destinations), owner, tuple(prefixes), template, reason, timeout)
        plans = run(intent.plans(), self)
        return Replication(plans, () if validate_only else run(intent.carry_out(backfill=backfill), self))

    def stop_replicating(self, source: str, destinations: Iterable[str], *, owner: str, reason: str = "") -> list[str]:
        """Delete what `replicate` declared, the source's rules first.

        Return the names of the deleted declarations.

        Images at the destinations stay. ValueError for a name that is no registry.
        """
        return run(undo(source, destinations, owner, reason), self)

    @overload
    def operation(self, name: str) -> Operation[Message]: ...
    @overload
    def operation(self, name: str, response: type[Response]) -> Operation[Response]: ...
    def operation(self, name: str, response: type[Message] | None = None) -> Operation[Any]:
        """Return an operation by its name, for example of another process; sends nothing."""
        return Operation(name, response=response, send=self._send)

    def wait_until_synced(self, name: str, timeout: float = 300.0, *, generation: int | None = None) -> Registry:
        """Wait until AWS matches a registry's declarations, and return the registry.

        The result is the registry's basic view; `get_registry` returns all of it.

        `name` is a registry or one owner's declaration; with a declaration, the call does not wait
        for elements of other owners. `generation` is a `Registry.generation`, not that of a
        declaration; by default, the call waits for the current one. It changes nothing.

        The call fails at once on a terminal error, with the last attempt's reason. OperationFailed:
        AWS rejects the declared value or denies ecrkeeper access, a quota is exceeded, or there are
        no credentials. FailedPrecondition: the mode is PAUSED, or OBSERVE while AWS differs, or
        ecrkeeper does not write a setting because AWS has members that it does not know. NotFound:
        the registry or the declaration does not exist. DeadlineExceeded: `timeout` seconds have
        passed. After you resolve the cause, call `reconcile_registry`.
        """
        synced = Synced(name, timeout, generation=generation)
        try:
            with Watch(synced.call, self._subscribe, begun=self._answered) as steps:
                for step in steps:
                    self._reject_if_deleted(synced, step)
                    if (resource := synced.reached(step)) is not None:
                        return resource
        except DeadlineExceeded as error:
            raise synced.expired() from error
        raise synced.expired()

    def _reject_if_deleted(self, synced: Synced, step: WatchRegistriesResponse) -> None:
        """Raise NotFound if the awaited declaration does not exist."""
        while (request := synced.doubted(step)) is not None:
            try:
                settings = self._send(request)
            except OUTLASTED as error:
                time.sleep(synced.pause(error))
            else:
                synced.learn(step, settings)
                return

    def close(self) -> None:
        """Close the channel unless the caller passed it; cancel running calls."""
        self._closed = True
        if self._owned:
            self._channel.close()

    def __enter__(self) -> Self:
        self._reject_if_closed()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
