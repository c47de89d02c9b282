"""Each case has one row for each kind of test, or a test of its own."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cases import aws_answers, changes, field_cases, rejections, scenarios
from tests.cases.rows import Case, Scenario, ids, in_accounts

ROOT = Path(__file__).parents[2]
THROUGH_GRPC: Sequence[Case] = [
    *rejections.REJECTED, *changes.APPLIED, *changes.UNCHANGED, *changes.DRIFTED, *scenarios.THROUGH_GRPC,
]  # fmt: skip
AGAINST_AWS: Sequence[Case] = [*aws_answers.REJECTED, *aws_answers.ACCEPTED, *scenarios.AGAINST_AWS]
FIELD: Sequence[Case] = [*field_cases.REJECTED, *field_cases.ELSEWHERE]
TESTED_ELSEWHERE = [*scenarios.THROUGH_GRPC, *scenarios.AGAINST_AWS, *field_cases.ELSEWHERE]
GRADES = {"aws-snapshot", "peer-test", "peer-code", "emulator-test", "api-model", "docs", "issue", "design"}


def test_case_has_one_row_per_way() -> None:
    for rows, number in ((THROUGH_GRPC, 73), (FIELD, 14)):
        assert Counter(ids(rows)).most_common(1)[0][1] == 1
        assert len(rows) == number
    assert sorted([*ids(AGAINST_AWS), *scenarios.NOT_OF_AWS]) == sorted(ids(THROUGH_GRPC))


@pytest.mark.parametrize("row", [*THROUGH_GRPC, *AGAINST_AWS, *FIELD], ids=lambda row: row.id)
def test_row_names_its_source(row: Case) -> None:
    assert row.reason
    assert row.source
    assert row.evidence in GRADES or row in FIELD


@pytest.mark.parametrize("row", TESTED_ELSEWHERE, ids=ids(TESTED_ELSEWHERE))
def test_scenario_names_existing_test(row: Scenario) -> None:
    path, _, name = row.test.partition("::")
    tree = ast.parse((ROOT / path).read_text())
    functions = {each.name for each in tree.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert not name or name in functions


def test_row_in_other_accounts_differs_only_in_accounts() -> None:
    for row in THROUGH_GRPC:
        moved = in_accounts(row, "333333333333", "444444444444")
        assert in_accounts(row, "111111111111", "222222222222") == row
        assert "111111111111" not in repr(moved)
