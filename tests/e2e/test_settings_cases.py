"""The case tables, through gRPC, with the simulated AWS."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from ecrkeeper.v1.common_pb2 import Drift

from tests.cases.changes import APPLIED, DRIFTED, UNCHANGED
from tests.cases.field_cases import REJECTED as FIELD_REJECTED
from tests.cases.rejections import REJECTED as PEER_REJECTED
from tests.cases.rows import Applied, Drifted, Rejected, Row, Unchanged, ids, in_accounts, plain
from tests.e2e.live import WAIT_SECONDS, Live, Place, fields_of, fresh_account, rejection

REJECTED = [*PEER_REJECTED, *FIELD_REJECTED]


def begun(live: Live, row: Row) -> tuple[Place, Row]:
    """Return a registry of its own account, and the row for it."""
    account, other = fresh_account(), fresh_account()
    return live.registry(account), in_accounts(row, account, other)


def parts(place: Place, state: dict[str, Any]) -> Any:
    """Return the parts of AWS's state that another state has."""
    registry = place.aws()
    return plain({name: registry[name] for name in state})


@pytest.mark.parametrize("case", REJECTED, ids=ids(REJECTED))
def test_settings_are_rejected_at_exact_fields(live: Live, case: Rejected) -> None:
    place, case = begun(live, case)
    since = place.live.aws.position()
    error = rejection(grpc.StatusCode[case.code], place.apply, case.settings)
    assert tuple(fields_of(error)) == case.fields
    assert place.writes(since) == []
    place.untouched()


@pytest.mark.parametrize("case", APPLIED, ids=ids(APPLIED))
def test_settings_reach_aws_exactly(live: Live, case: Applied) -> None:
    place, case = begun(live, case)
    if case.existing:
        place.seed(**case.existing)
    registry = place.converged(case.settings)
    assert not registry.drift
    assert not registry.HasField("last_error")
    assert parts(place, case.state) == case.state


@pytest.mark.parametrize("case", UNCHANGED, ids=ids(UNCHANGED))
def test_equal_settings_write_nothing(live: Live, case: Unchanged) -> None:
    place, case = begun(live, case)
    place.seed(**case.existing)
    before, since = place.aws(), place.live.aws.position()
    registry = place.converged(case.settings)
    assert not registry.drift
    assert place.writes(since) == []
    assert place.aws() == before


@pytest.mark.parametrize("case", DRIFTED, ids=ids(DRIFTED))
def test_drift_is_reported_and_remediated(live: Live, case: Drifted) -> None:
    place, case = begun(live, case)
    place.converged(case.settings)
    before = parts(place, case.existing)
    place.keep(mode="OBSERVE")
    place.seed(**case.existing)
    since = place.live.aws.position()
    registry = place.reconcile()
    assert tuple((each.setting, each.key, Drift.Kind.Name(each.kind)) for each in registry.drift) == case.drift
    assert place.writes(since) == []
    place.keep(mode="ENFORCE")
    place.live.client.reconcile_registry(place.name).result(timeout=WAIT_SECONDS)
    assert not place.read().drift
    assert parts(place, case.existing) == before
