"""Constraint checks against the service models."""

from __future__ import annotations

import time

import pytest
from ecrkeeper_sim import dispatch, models
from ecrkeeper_sim.calls import HANDLERS
from ecrkeeper_sim.partitions import DEFAULT_REGIONS, regions_of

from .conftest import Aws, rejection


@pytest.mark.parametrize(("service", "name"), sorted(HANDLERS))
def test_handlers_are_operations_of_the_model(service: str, name: str) -> None:
    assert dispatch.Dispatcher is not None
    operation = models.operation(service, name)
    assert operation is not None
    if operation.input is not None:
        required = {v.path for v in operation.input.violations({}) if v.kind == "required"}
        assert required == set(operation.input.required)


def test_default_regions_are_regions_of_ecr() -> None:
    assert set(regions_of("aws")) >= DEFAULT_REGIONS
    assert len(DEFAULT_REGIONS) == 17


@pytest.mark.parametrize("filter_text", ["a" * 200 + "!", "a-" * 100 + "!", "*" * 254 + "/"])
def test_exponential_scanning_pattern_is_checked_in_linear_time(aws: Aws, filter_text: str) -> None:
    rule = {"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": [{"filter": filter_text, "filterType": "WILDCARD"}]}
    begun = time.perf_counter()
    code, message = rejection(aws.client("ecr").put_registry_scanning_configuration, scanType="BASIC", rules=[rule])
    assert time.perf_counter() - begun < 10, "backtracking would take longer than anybody waits"
    assert code == "InvalidParameterException"
    assert "rules[0].repositoryFilters[0].filter" in message


@pytest.mark.parametrize(("text", "good"), [("prod*", True), ("*", True), ("a/b-*", True), ("a/", False), ("A", False)])
def test_linear_pattern_means_the_same(aws: Aws, text: str, good: bool) -> None:
    operation = models.operation("ecr", "PutRegistryScanningConfiguration")
    assert operation is not None
    assert operation.input is not None
    rule = {"scanFrequency": "SCAN_ON_PUSH", "repositoryFilters": [{"filter": text, "filterType": "WILDCARD"}]}
    assert (not list(operation.input.violations({"rules": [rule]}))) == good


def test_iam_reports_all_violations_in_its_format(aws: Aws) -> None:
    code, message = rejection(aws.client("iam").update_role, RoleName="x" * 65, MaxSessionDuration=1)
    assert code == "ValidationError"
    assert message.startswith("2 validation errors detected: Value '" + "x" * 65 + "' at 'roleName' failed to satisfy")


def test_wrong_type_is_a_serialization_error(aws: Aws) -> None:
    code, message = rejection(aws.client("ecr").put_account_setting, name=["x"], value="y")
    assert (code, message) == ("SerializationException", "Member must be of type string at 'name'")
