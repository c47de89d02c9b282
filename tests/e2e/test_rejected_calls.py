"""Log lines of rejected calls, and callers that are served meanwhile."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ecrkeeper
import grpc
import pytest
import trustme
from ecrkeeper.v1 import role_service_pb2

from tests import harness
from tests.e2e.live import rejection
from tests.e2e.secured import Secured, secured
from tests.issuer import AUDIENCE, Issuer, serving

REGIONS = "/ecrkeeper.v1.RoleService/ListSupportedRegions"
POLICY = "rules: [{name: readers, principals: [reader], verbs: [read]}]"
NAME = "accounts/111111111111/registries/eu-west-1/settings/web"


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with serving() as issuer:
        issuer.add_key("first")
        yield issuer


def serve(folder: Path, aws: harness.Simulator, issuer: Issuer, **settings: Any) -> Any:
    (folder / "policy.yaml").write_text(POLICY)
    return secured(
        folder, aws, trustme.CA(), jwt_issuer=issuer.url, jwt_audience=AUDIENCE, policy_file=folder / "policy.yaml",
        **settings,
    )  # fmt: skip


def lines(live: Secured) -> list[dict[str, Any]]:
    return [json.loads(line) for line in live.log().splitlines()]


def code(call: Any, metadata: Any = ()) -> str:
    try:
        call(role_service_pb2.ListSupportedRegionsRequest().SerializeToString(), timeout=10, metadata=metadata)
    except grpc.RpcError as error:
        return str(error.code().name)
    return "OK"


def failure(client: ecrkeeper.Client) -> ecrkeeper.RegistryError:
    with pytest.raises(ecrkeeper.RegistryError) as caught:
        client.list_supported_regions()
    return caught.value


def test_failing_address_is_throttled_but_authenticated_caller_is_not(
    simulated_aws: harness.Simulator, tmp_path: Path, issuer: Issuer
) -> None:
    with serve(tmp_path, simulated_aws, issuer) as live:
        with grpc.secure_channel(live.server.address, live.credentials()) as channel:
            call = channel.unary_unary(REGIONS)
            good = [("authorization", f"Bearer {issuer.token('reader', lasts=300)}")]
            codes = Counter(code(call) for _ in range(1000))
            assert set(codes) == {"UNAUTHENTICATED", "RESOURCE_EXHAUSTED"}
            assert codes["RESOURCE_EXHAUSTED"] > 500
            assert [code(call, good) for _ in range(10)] == ["OK"] * 10, "from the same address"
            with live.client(issuer.token(lasts=-100)) as client:
                failures = [failure(client) for _ in range(50)]
            limited = next(error for error in failures if isinstance(error, ecrkeeper.ResourceExhausted))
            assert limited.metadata["cause"] == "TOKEN_EXPIRED"
            assert limited.retry_after
    logged = lines(live)
    assert len(logged) < codes["UNAUTHENTICATED"] + 50
    assert [line for line in logged if line["event"] == "calls_rejected" and line["reason"] == "RATE_LIMITED"]


@pytest.mark.parametrize("access_log", ["changes", "off"])
def test_rejected_calls_are_logged_as_documented(
    simulated_aws: harness.Simulator, tmp_path: Path, issuer: Issuer, access_log: str
) -> None:
    with serve(tmp_path, simulated_aws, issuer, access_log=access_log) as live:
        with live.client(issuer.token("reader")) as reader, live.client(issuer.token(lasts=-100)) as late:
            denied = rejection(
                grpc.StatusCode.PERMISSION_DENIED,
                reader.apply_registry_settings, NAME, {"scanningConfiguration": {"scanType": "ENHANCED"}},
            )  # fmt: skip
            unknown = rejection(grpc.StatusCode.UNAUTHENTICATED, late.list_supported_regions)
    logged = lines(live)
    by_call = {
        error.reason: {line["event"] for line in logged if line.get("call_id") == error.call_id}
        for error in (denied, unknown)
    }
    rpc = set() if access_log == "off" else {"rpc"}
    assert by_call == {"ACCESS_DENIED": {"denied"} | rpc, "TOKEN_EXPIRED": rpc}
