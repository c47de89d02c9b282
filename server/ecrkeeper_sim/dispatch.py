"""Answers of HTTP requests: identify, parse, check, authorize, handle, record."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

# The imports of the *_api and ecr_* modules enter their handlers in the table.
from ecrkeeper_sim import (  # noqa: F401
    account_api,
    cloudtrail_api,
    ecr_backfills,
    ecr_cache_rules,
    ecr_exclusions,
    ecr_images,
    ecr_policy,
    ecr_replication,
    ecr_repositories,
    ecr_scanning,
    ecr_signing,
    ecr_templates,
    iam_api,
    iam_deletion,
    models,
    organizations_api,
    protocols,
    secrets_api,
    sqs_api,
    sqs_errors,
    sqs_messages,
    sts_api,
)
from ecrkeeper_sim.authorization import authorize
from ecrkeeper_sim.calls import HANDLERS, ApiCall, Call, Peer
from ecrkeeper_sim.cloudtrail_delivery import record
from ecrkeeper_sim.consistency import shown_to
from ecrkeeper_sim.constraints import Violation
from ecrkeeper_sim.credentials import Scope, identify, invalid_token, parse_scope
from ecrkeeper_sim.errors import AwsError
from ecrkeeper_sim.faults import Faults
from ecrkeeper_sim.iam_deletion import update_deletions
from ecrkeeper_sim.models import XML_SERVICES, Operation
from ecrkeeper_sim.protocols import Answer
from ecrkeeper_sim.recorder import Recorder
from ecrkeeper_sim.state import Json, World
from ecrkeeper_sim.unknown_members import with_unknown_members

_log = logging.getLogger(__name__)


class Dispatcher:
    """Answers AWS requests from one world."""

    def __init__(self, world: World, faults: Faults, recorder: Recorder) -> None:
        self._world = world
        self._faults = faults
        self._recorder = recorder

    async def answer(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, peer: Peer
    ) -> tuple[str, Answer | None]:
        """Return the request id and the answer; None means to drop the connection."""
        request_id = self._world.uuid()
        target = headers.get("X-Amz-Target", "")
        scope = parse_scope(headers.get("Authorization", ""))
        if scope is None:
            return request_id, protocols.failure("ecr" if target else "iam", _missing_token(target), request_id)
        if scope.service not in models.SERVICES:
            unknown = AwsError("UnknownOperationException", f"The simulator has no service '{scope.service}'", 404)
            return request_id, protocols.failure("ecr" if target else "iam", unknown, request_id)
        entry: Json = {
            "time": self._world.clock.now(), "request_id": request_id, "region": scope.region, "service": scope.service
        }  # fmt: skip
        try:
            answer = await self._call(scope, headers, (method, path, target), body, entry, request_id, peer)
        except AwsError as error:
            answer = protocols.failure(scope.service, error, request_id)
        except Exception:
            _log.exception("a handler failed on %s", entry)
            internal = AwsError("InternalFailure", f"The simulator failed; see its log, request {request_id}", 500)
            answer = protocols.failure(scope.service, internal, request_id)
        entry["status"] = answer.status if answer is not None else 0
        entry["code"] = answer.error_code if answer is not None else "ConnectionDropped"
        self._record(entry)
        return request_id, answer

    async def _call(
        self,
        scope: Scope,
        headers: Mapping[str, str],
        line: tuple[str, str, str],
        body: bytes,
        entry: Json,
        request_id: str,
        peer: Peer,
    ) -> Answer | None:
        world = self._world
        token = headers.get("X-Amz-Security-Token", "")
        name, raw = protocols.parse(scope.service, *line, body)
        entry.update(operation=name, params=raw, account="", principal="", model_violations=[])
        identity = identify(scope, token, world.clock.now(), world.default_account)
        entry.update(account=identity.account, principal=identity.arn)
        operation = models.operation(scope.service, name)
        violations: list[Violation] = []
        if operation is not None:
            params = entry["params"] = protocols.typed_params(operation, raw)
            violations = list(operation.input.violations(params)) if operation.input is not None else []
            entry["model_violations"] = [v.as_json() for v in violations]
        call = Call(world, scope.service, name, identity, scope.region, peer=peer)
        entry["actions"] = call.actions
        try:
            return await self._answered(call, operation, entry["params"], violations, request_id)
        except AwsError as error:
            record(call, ApiCall(call.service, name, entry["params"], request_id, error=error))
            raise

    async def _answered(
        self, call: Call, operation: Operation | None, params: Json, violations: list[Violation], request_id: str
    ) -> Answer | None:
        struck = self._faults.matching(call.service, call.operation, call.identity.account, call.region)
        for fault in struck:
            if fault.seconds:
                await asyncio.sleep(fault.seconds)
            if fault.kind in ("throttle", "error"):
                raise fault.error(call.service)
            if fault.kind == "drop":
                return None
            if fault.kind == "answer":
                return fault.answer()
        answer = await self._handled(call, operation, params, violations, request_id)
        last = struck[-1] if struck else None
        if last is not None and last.kind == "answer_after":
            return last.answer()
        return None if last is not None and last.kind == "drop_after" else answer

    async def _handled(
        self, call: Call, operation: Operation | None, params: Json, violations: list[Violation], request_id: str
    ) -> Answer:
        handler = HANDLERS.get((call.service, call.operation))
        if operation is None or handler is None:
            raise _unknown_operation(call)
        if call.service not in XML_SERVICES and not call.account.region_enabled(call.region):
            raise invalid_token(call.service)
        _reject_violations(call.service, [v for v in violations if v.kind != "unknown"])
        update_deletions(call.world, call.account)
        authorize(call, params)
        if call.service == "ecr":
            call = replace(call, shown=shown_to(call.world, call.registry, call.operation))
        outcome = handler(call, params)
        result = await outcome if inspect.isawaitable(outcome) else outcome
        record(call, ApiCall(call.service, call.operation, params, request_id, result))
        if call.service == "ecr" and call.registry.unknown_members.get(call.operation):
            result = with_unknown_members(result, call.registry.unknown_members[call.operation])
        return protocols.success(operation, result, request_id)

    def _record(self, entry: Json) -> None:
        operation = models.operation(entry["service"], entry.get("operation", ""))
        secret = operation.secret_members() if operation is not None and entry["service"] == "secretsmanager" else ()
        if secret:
            entry["params"] = {k: "***" if k in secret else v for k, v in entry["params"].items()}
        self._recorder.add(entry)


def _missing_token(target: str) -> AwsError:
    if target:
        return AwsError("MissingAuthenticationTokenException", "Missing Authentication Token", 400)
    return AwsError("MissingAuthenticationToken", "Request is missing Authentication Token", 403)


def _unknown_operation(call: Call) -> AwsError:
    if call.service in XML_SERVICES:
        message = f"Could not find operation {call.operation or 'null'} for version of the service"
        return AwsError("InvalidAction", message, 400)
    return AwsError("UnknownOperationException", "", 400)


def _reject_violations(service: str, violations: list[Violation]) -> None:
    if not violations:
        return
    first: Any = violations[0]
    if first.kind == "type" and service not in XML_SERVICES:
        raise AwsError("SerializationException", f"{first.constraint} at '{first.path}'")
    if service == "sqs":
        sqs_errors.refuse_violations(violations)
        return
    if service == "cloudtrail":
        raise cloudtrail_api.broken_constraint(first)
    if service == "ecr":
        constraint = first.constraint.replace("Member must", "must", 1)
        raise AwsError(
            "InvalidParameterException",
            f"Invalid parameter at '{first.path}' failed to satisfy constraint: '{constraint}'",
        )
    listed = "; ".join(
        f"Value '{v.value}' at '{v.path[:1].lower()}{v.path[1:]}' failed to satisfy constraint: {v.constraint}"
        for v in violations
    )
    plural = "s" if len(violations) > 1 else ""
    code = "ValidationError" if service in XML_SERVICES else "ValidationException"
    raise AwsError(code, f"{len(violations)} validation error{plural} detected: {listed}")
