"""The limit on the size of a declaration."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from ecrkeeper_server.declarations.preconditions import (
    MAX_DECLARATION_BYTES,
    MAX_REGISTRY_BYTES,
    check_registry_size,
    checking_size,
)
from ecrkeeper_server.errors import InvalidArgument, QuotaExceeded
from ecrkeeper_server.settings.codec import settings_from_aws
from ecrkeeper_server.turns import finish
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.settings.shapes import SHAPES


def template(characters: int) -> dict[str, Any]:
    return {"repository_creation_templates": {"templates": [{"prefix": "a", "lifecyclePolicy": "x" * characters}]}}


# The policy is surrounded by 21 bytes: tags, lengths and the prefix.
_AROUND = settings_from_aws(template(MAX_DECLARATION_BYTES)).ByteSize() - MAX_DECLARATION_BYTES
LIMIT = MAX_DECLARATION_BYTES - _AROUND
ACCEPTED = [
    (None, template(LIMIT), "exactly 1 MiB"),
    (template(LIMIT + 9), template(LIMIT + 8), "a longer one of an earlier version shrinks"),
    (template(LIMIT + 9), template(LIMIT + 9), "a longer one changes in another field"),
]
REJECTED = [
    (None, template(LIMIT + 1), "new and too long"),
    ({}, template(LIMIT + 1), "grows"),
    (template(LIMIT + 8), template(LIMIT + 9), "a longer one of an earlier version grows"),
]


@pytest.mark.parametrize(("before", "after", "reason"), ACCEPTED)
def test_declaration_up_to_1_mib_is_accepted(before: dict[str, Any] | None, after: dict[str, Any], reason: str) -> None:
    finish(checking_size(before, after))


@pytest.mark.parametrize(("before", "after", "reason"), REJECTED)
def test_declaration_above_1_mib_is_rejected(before: dict[str, Any] | None, after: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        finish(checking_size(before, after))
    assert caught.value.reason == "DECLARATION_TOO_LARGE", reason
    (violation,) = caught.value.violations
    assert violation.field == "registry_settings.settings"
    assert f"{settings_from_aws(after).ByteSize():,}" in violation.description


def test_declarations_of_a_registry_up_to_16_mib_are_accepted() -> None:
    check_registry_size(0, MAX_REGISTRY_BYTES)
    check_registry_size(MAX_REGISTRY_BYTES + 2, MAX_REGISTRY_BYTES + 1)
    check_registry_size(MAX_REGISTRY_BYTES + 2, MAX_REGISTRY_BYTES + 2)


def test_declaration_that_makes_those_of_a_registry_longer_is_rejected() -> None:
    with pytest.raises(
        QuotaExceeded, match="at most 16,777,216 bytes as JSON, and with this one they have 16,777,217"
    ) as caught:
        check_registry_size(0, MAX_REGISTRY_BYTES + 1)
    assert caught.value.reason == "QUOTA_EXCEEDED"
    with pytest.raises(QuotaExceeded):
        check_registry_size(MAX_REGISTRY_BYTES + 1, MAX_REGISTRY_BYTES + 2)


@given(st.fixed_dictionaries({}, optional=SHAPES))
def test_message_is_shorter_than_twice_its_json(settings: dict[str, Any]) -> None:
    assert settings_from_aws(settings).ByteSize() < 2 * len(orjson.dumps(settings))
