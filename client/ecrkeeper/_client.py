"""The client for synchronous code; one client serves any number of threads."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar, cast, overload

import grpc
from google.protobuf.message import Message

from ecrkeeper import (
    _accounts,
    _audit,
    _declarations,
    _operation,
    _registries,
    _roles,
    _rollouts,
    _server,
    _sets,
)
from ecrkeeper._base import (
    DEFAULT_TIMEOUT,
    BaseClient,
    LongRunning,
    Method,
    Paged,
    Unary,
    Watched,
    method,
    wire,
)
from ecrkeeper._channel import Endpoint, profile_options
from ecrkeeper._errors import DeadlineExceeded
from ecrkeeper._failures import from_rpc
from ecrkeeper._many import AT_ONCE, Outcome, each
from ecrkeeper._metadata import Metadata
from ecrkeeper._operation import OUTLASTED, Operation
from ecrkeeper._pager import Pager
from ecrkeeper._plans import WritePlan, write_plan
from ecrkeeper._synced import Synced
from ecrkeeper._tokens import Token
from ecrkeeper._watch import Stream, Watch
from ecrkeeper.v1.common_pb2 import DeletionPolicy
from ecrkeeper.v1.registry_pb2 import Registry, RegistrySettings
from ecrkeeper.v1.registry_settings_service_pb2 import WatchRegistriesResponse
from ecrkeeper.v1.settings_pb2 import Settings

P = ParamSpec("P")
T = TypeVar("T")
Response = TypeVar("Response", bound=Message)


def _unary(build: Callable[P, Unary[Response]]) -> Method[P, Response]:
    return method(build, lambda client, call: cast(Response, client._send(call)), r"\1")


def _paged(build: Callable[P, Paged[T, Response]]) -> Method[P, Pager[T, Response]]:
    return method(build, lambda client, call: Pager(call, client._send), r"Pager[\1]")


def _watched(build: Callable[P, Watched[Response]]) -> Method[P, Watch[Response]]:
    return method(build, lambda client, call: Watch(call, client._subscribe), r"Watch[\1]")


def _long_running(build: Callable[P, LongRunning[Response]]) -> Method[P, Operation[Response]]:
    def start(client: Client, call: LongRunning[Response]) -> Operation[Response]:
        latest = client._send(call.start)
        return Operation(latest.name, response=call.response, send=client._send, latest=latest)

    return method(build, start, r"Operation[\1]")


class Client(BaseClient):
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
        **given: Any,
    ) -> Self:
        """Return a client for a profile of the configuration file and the environment.

        `ecrkeeper.profiles` describes both. `given` are keys of a profile, such as `target`, and override them.
        ProfileError says what is wrong.
        """
        return cls(metadata=metadata, interceptors=interceptors, **profile_options(name, path, given))

    get_service_linked_role = _unary(_roles.get_service_linked_role)
    list_service_linked_roles = _paged(_roles.list_service_linked_roles)
    create_service_linked_role = _unary(_roles.create_service_linked_role)
    update_service_linked_role = _unary(_roles.update_service_linked_role)
    delete_service_linked_role = _long_running(_roles.delete_service_linked_role)
    check_service_linked_role_usage = _unary(_roles.check_service_linked_role_usage)
    reconcile_service_linked_role = _long_running(_roles.reconcile_service_linked_role)
    watch_service_linked_roles = _watched(_roles.watch_service_linked_roles)
    list_supported_regions = _unary(_roles.list_supported_regions)

    get_registry = _unary(_registries.get_registry)
    list_registries = _paged(_registries.list_registries)
    list_registry_elements = _paged(_registries.list_registry_elements)
    update_registry = _unary(_registries.update_registry)
    delete_registry = _unary(_registries.delete_registry)
    watch_registries = _watched(_registries.watch_registries)
    reconcile_registry = _long_running(_registries.reconcile_registry)
    validate_pull_through_cache_rule = _unary(_registries.validate_pull_through_cache_rule)
    check_replication = _unary(_registries.check_replication)
    explain_repository = _unary(_registries.explain_repository)
    start_replication_backfill = _long_running(_registries.start_replication_backfill)
    stop_replication_backfill = _unary(_registries.stop_replication_backfill)
    get_replication_backfill = _unary(_registries.get_replication_backfill)
    list_replication_backfills = _paged(_registries.list_replication_backfills)
    list_replication_backfill_results = _paged(_registries.list_replication_backfill_results)

    import_registry_settings = _unary(_declarations.import_registry_settings)
    get_registry_settings = _unary(_declarations.get_registry_settings)
    list_registry_settings = _paged(_declarations.list_registry_settings)
    create_registry_settings = _unary(_declarations.create_registry_settings)
    apply_registry_settings = _unary(_declarations.apply_registry_settings)
    update_registry_settings = _unary(_declarations.update_registry_settings)
    delete_registry_settings = _unary(_declarations.delete_registry_settings)
    list_registry_settings_revisions = _paged(_declarations.list_registry_settings_revisions)
    rollback_registry_settings = _unary(_declarations.rollback_registry_settings)

    create_account = _unary(_accounts.create_account)
    update_account = _unary(_accounts.update_account)
    get_account = _unary(_accounts.get_account)
    list_accounts = _paged(_accounts.list_accounts)
    delete_account = _unary(_accounts.delete_account)
    create_registry_set = _unary(_sets.create_registry_set)
    update_registry_set = _unary(_sets.update_registry_set)
    get_registry_set = _unary(_sets.get_registry_set)
    list_registry_sets = _paged(_sets.list_registry_sets)
    delete_registry_set = _unary(_sets.delete_registry_set)
    list_registry_set_targets = _paged(_sets.list_registry_set_targets)
    list_registry_set_revisions = _paged(_sets.list_registry_set_revisions)
    get_rollout = _unary(_rollouts.get_rollout)
    list_rollouts = _paged(_rollouts.list_rollouts)
    list_rollout_targets = _paged(_rollouts.list_rollout_targets)
    pause_rollout = _unary(_rollouts.pause_rollout)
    resume_rollout = _unary(_rollouts.resume_rollout)
    approve_rollout = _unary(_rollouts.approve_rollout)
    cancel_rollout = _unary(_rollouts.cancel_rollout)
    roll_back_rollout = _unary(_rollouts.roll_back_rollout)
    watch_rollout = _watched(_rollouts.watch_rollout)
    get_fleet = _unary(_accounts.get_fleet)

    get_audit_event = _unary(_audit.get_audit_event)
    list_audit_events = _paged(_audit.list_audit_events)
    watch_audit_events = _watched(_audit.watch_audit_events)

    get_server_info = _unary(_server.get_server_info)
    who_am_i = _unary(_server.who_am_i)
    get_aws_identity = _unary(_server.get_aws_identity)

    list_operations = _paged(_operation.list_operations)
    delete_operation = _unary(_operation.delete_operation)

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
            with Watch(synced.call, self._subscribe) as steps:
                for step in steps:
                    self._reject_if_deleted(synced, step)
                    if (found := synced.reached(step)) is not None:
                        return found
        except DeadlineExceeded as error:
            raise synced.expired() from error
        raise synced.expired()

    def _reject_if_deleted(self, synced: Synced, step: WatchRegistriesResponse) -> None:
        """Raise NotFound if the awaited declaration does not exist."""
        while (asked := synced.doubted(step)) is not None:
            try:
                settings = self._send(asked)
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

    def _send(self, call: Unary[Response]) -> Response:
        self._reject_if_closed()
        invoke = self._channel.unary_unary(*wire(call))
        try:
            return invoke(call.request, timeout=self._deadline(call.timeout), metadata=self._endpoint.metadata())
        except grpc.RpcError as error:
            raise from_rpc(error, call.request) from error

    def _subscribe(self, call: Watched[Response], timeout: float | None) -> Stream[Response]:
        self._reject_if_closed()
        invoke = self._channel.unary_stream(*wire(call))
        stream: Any = invoke(call.request, timeout=timeout, metadata=self._endpoint.metadata())
        return cast(Stream[Response], stream)
