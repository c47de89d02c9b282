"""Exceptions for failed calls."""

from __future__ import annotations

import asyncio
import pickle
import re

import ecrkeeper
import grpc
import pytest
from ecrkeeper import _errors
from ecrkeeper._failures import BY_CODE
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2

from .fake import FakeServer, fail, info

NAME = "accounts/111111111111/registries/us-east-1"


def test_every_status_code_has_an_exception() -> None:
    assert set(BY_CODE) == set(grpc.StatusCode)


def test_docstring_tree_names_all_exceptions() -> None:
    drawn = set(re.findall(r"[├└]── (\w+)", _errors.__doc__ or ""))
    assert drawn == {c.__name__ for c in vars(_errors).values() if _is_leaf(c)}


def _is_leaf(thing: object) -> bool:
    is_error = isinstance(thing, type) and issubclass(thing, ecrkeeper.RegistryError)
    return is_error and thing is not ecrkeeper.RegistryError and not thing.__name__.startswith("_")  # type: ignore[attr-defined]


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
def test_failed_call_raises_exception_of_its_code(
    server: FakeServer, client: ecrkeeper.Client, code: grpc.StatusCode
) -> None:
    server.on("GetRegistry", fail(code.name, "no", info("WHY", key="value")))
    with pytest.raises(BY_CODE[code]) as caught:
        client.get_registry(NAME)
    error = caught.value
    assert (error.code, error.reason, error.metadata) == (code, "WHY", {"key": "value"})
    assert isinstance(error.__cause__, grpc.RpcError)
    assert str(error) == "no [WHY]"


def test_invalid_argument_has_all_violations(server: FakeServer, client: ecrkeeper.Client) -> None:
    violations = [{"field": "a.b", "description": "too long", "reason": "LONG"}, {"field": "c", "description": "odd"}]
    server.on(
        "UpdateRegistrySettings",
        fail("INVALID_ARGUMENT", "2 faults", error_details_pb2.BadRequest(field_violations=violations)),
    )
    with pytest.raises(ecrkeeper.InvalidArgument) as caught:
        client.apply_registry_settings(f"{NAME}/settings/a", {})
    assert caught.value.violations == (
        ecrkeeper.FieldViolation("a.b", "too long", "LONG"),
        ecrkeeper.FieldViolation("c", "odd"),
    )


def test_failed_precondition_has_violations(server: FakeServer, client: ecrkeeper.Client) -> None:
    failure = error_details_pb2.PreconditionFailure(
        violations=[{"type": "IN_USE", "subject": "eu", "description": "x"}]
    )
    server.on("DeleteServiceLinkedRole", fail("FAILED_PRECONDITION", "in use", failure))
    with pytest.raises(ecrkeeper.FailedPrecondition) as caught:
        client.delete_service_linked_role("accounts/1/serviceLinkedRoles/replication")
    assert caught.value.violations == (ecrkeeper.PreconditionViolation("IN_USE", "eu", "x"),)


def test_missing_resource_is_named(server: FakeServer, client: ecrkeeper.Client) -> None:
    server.on("GetRegistry", fail("NOT_FOUND", "none", error_details_pb2.ResourceInfo(resource_name=NAME)))
    with pytest.raises(ecrkeeper.NotFound) as caught:
        client.get_registry(NAME)
    assert caught.value.resource == NAME


def test_exhausted_quota_has_retry_delay(server: FakeServer, client: ecrkeeper.Client) -> None:
    delay = error_details_pb2.RetryInfo(retry_delay=Duration(seconds=1, nanos=500_000_000))
    server.on("GetRegistry", fail("RESOURCE_EXHAUSTED", "slow down", delay))
    with pytest.raises(ecrkeeper.ResourceExhausted) as caught:
        client.get_registry(NAME)
    assert caught.value.retry_after == 1.5
    assert caught.value.violations == ()


def test_exceeded_quota_names_resource_without_delay(server: FakeServer, client: ecrkeeper.Client) -> None:
    failure = error_details_pb2.QuotaFailure(violations=[{"subject": "rules", "description": "51 of 50"}])
    server.on("GetRegistry", fail("RESOURCE_EXHAUSTED", "too much", failure))
    with pytest.raises(ecrkeeper.ResourceExhausted) as caught:
        client.get_registry(NAME)
    assert caught.value.violations == (ecrkeeper.QuotaViolation("rules", "51 of 50"),)
    assert caught.value.retry_after is None


def test_invalid_request_includes_quotas(server: FakeServer, client: ecrkeeper.Client) -> None:
    bad = error_details_pb2.BadRequest(field_violations=[{"field": "a", "description": "odd"}])
    failure = error_details_pb2.QuotaFailure(violations=[{"subject": "rules", "description": "51 of 50"}])
    server.on("GetRegistry", fail("INVALID_ARGUMENT", "odd", bad, failure))
    with pytest.raises(ecrkeeper.InvalidArgument) as caught:
        client.get_registry(NAME)
    assert caught.value.violations == (ecrkeeper.FieldViolation("a", "odd"),)
    assert caught.value.quota_violations == (ecrkeeper.QuotaViolation("rules", "51 of 50"),)


def test_error_has_request_id_for_retry(server: FakeServer, client: ecrkeeper.Client) -> None:
    server.on("ReconcileRegistry", fail("INTERNAL"))
    with pytest.raises(ecrkeeper.ServerError) as caught:
        client.reconcile_registry(NAME)
    assert caught.value.request_id == server.requests("ReconcileRegistry")[0].request_id != caught.value.call_id
    with pytest.raises(ecrkeeper.ServerError) as caught:
        client.reconcile_registry(NAME, request_id="11111111-2222-4333-8444-555555555555")
    assert caught.value.request_id == "11111111-2222-4333-8444-555555555555"


def test_error_has_call_id_of_server(server: FakeServer, client: ecrkeeper.Client) -> None:
    def only_trailers(_request: object, context: grpc.ServicerContext) -> None:
        context.set_trailing_metadata((("x-request-id", "c-2"),))
        context.abort(grpc.StatusCode.INTERNAL, "no")

    server.on("GetRegistry", fail("INTERNAL", "no", info("WHY", call_id="c-1")), only_trailers, fail("INTERNAL"))
    for expected in ("c-1", "c-2", ""):
        with pytest.raises(ecrkeeper.ServerError) as caught:
            client.get_registry(NAME)
        assert caught.value.call_id == expected


def test_failure_without_details_maps_by_code(server: FakeServer, client: ecrkeeper.Client) -> None:
    server.on("GetRegistry", lambda _request, context: context.abort(grpc.StatusCode.PERMISSION_DENIED, "no"))
    with pytest.raises(ecrkeeper.PermissionDenied) as caught:
        client.get_registry(NAME)
    assert (caught.value.reason, caught.value.metadata, str(caught.value)) == ("", {}, "no [PERMISSION_DENIED]")


def test_details_contradicting_code_are_omitted(server: FakeServer, client: ecrkeeper.Client) -> None:
    def abort(_request: object, context: grpc.ServicerContext) -> None:
        context.set_trailing_metadata((("grpc-status-details-bin", b"\x08\x05"),))
        context.abort(grpc.StatusCode.ABORTED, "stale")

    server.on("GetRegistry", abort)
    with pytest.raises(ecrkeeper.Conflict) as caught:
        client.get_registry(NAME)
    assert caught.value.details == ()


def test_asyncio_client_parses_same_details(server: FakeServer) -> None:
    server.on("GetRegistry", fail("ABORTED", "stale", info("ETAG_MISMATCH", etag="2")))

    async def get() -> None:
        async with ecrkeeper.AsyncClient(server.target, insecure=True) as client:
            await client.get_registry(NAME)

    with pytest.raises(ecrkeeper.Conflict) as caught:
        asyncio.run(get())
    assert (caught.value.reason, caught.value.metadata) == ("ETAG_MISMATCH", {"etag": "2"})
    assert isinstance(caught.value.__cause__, grpc.RpcError)


def test_exception_survives_pickling() -> None:
    error = ecrkeeper.Conflict("stale", code=grpc.StatusCode.ABORTED, details=[info("ETAG_MISMATCH")], request_id="r")
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), copy.code, copy.request_id) == (type(error), str(error), error.code, "r")
