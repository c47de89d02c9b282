"""Cached messages of stored declarations, valid while the row is unchanged."""

from __future__ import annotations

from typing import Any

import pytest
from ecrkeeper_server.api.messages import registry_settings as render

SETTINGS = '{"scanning_configuration":{"scanType":"BASIC"}}'
STATE = '{"conditions":[]}'


def row(settings: str = SETTINGS, generation: int = 1, allow: Any = 0, state: str = STATE, due: int = 7) -> Any:
    key = ("111111111111", "us-east-1", "team-a", "uid-uid-1")
    times, of_fleet = (1_000_000, 2_000_000), (None, None, None)
    return (*key, settings, "REMOVE", allow, generation, 1, 1, *times, *of_fleet, state, due, None)


def test_equal_rows_share_an_answer() -> None:
    answer = render.short(row())
    message = answer.message
    assert message.SerializeToString() == answer.content
    assert message.name == "accounts/111111111111/registries/us-east-1/settings/team-a"
    assert message.settings.scanning_configuration.scan_type == 1
    assert not message.allow_replacement
    assert render.short(row()) is answer


CHANGED = [
    ({"settings": '{"scanning_configuration":{"scanType":"ENHANCED"}}'}, "what is declared"),
    ({"generation": 2}, "a generation that has not converged yet"),
    ({"allow": True}, "a permission"),
    ({"state": '{"conditions":[{"type":"Ready","status":"TRUE","reason":"R","message":"","since":1}]}'}, "a condition"),
    ({"due": 8_000_000}, "the next look"),
]


@pytest.mark.parametrize(("change", "reason"), CHANGED)
def test_different_rows_have_different_messages(change: dict[str, Any], reason: str) -> None:
    assert render.short(row(**change)).message != render.short(row()).message, reason


@pytest.mark.parametrize(("length", "long"), [(10_000, False), (20_000, True)])
def test_row_is_long_if_its_texts_are(length: int, long: bool) -> None:
    assert render.is_long(row(state='{"conditions":[],"more":"' + "x" * length + '"}')) is long
