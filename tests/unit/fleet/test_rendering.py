"""The rendered settings of targets, and their checks."""

from __future__ import annotations

from typing import Any

import pytest
from ecrkeeper.v1 import settings_pb2
from ecrkeeper_server.declarations import message_rules
from ecrkeeper_server.errors import MAX_VIOLATIONS, Violation
from ecrkeeper_server.fleet.rendering import Renderer
from ecrkeeper_server.fleet.targets import Target
from ecrkeeper_server.fleet.template import Templates
from ecrkeeper_server.store.fleet_specs import Override, Selector, SetSpec
from ecrkeeper_server.turns import finish

from tests.unit.fleet.shapes import account

TARGETS = [Target(account(number), "us-east-1") for number in (1, 2, 3)]
REPLICATION = {"rules": [{"destinations": [{"region": "eu-west-1", "registryId": "222222222222"}]}]}
EXCLUSIONS = {"principalArns": ["arn:aws:iam::${account}:role/scanner"]}
SETTINGS = {"replication_configuration": REPLICATION, "pull_time_update_exclusions": EXCLUSIONS}


def renderer(settings: dict[str, Any], *overrides: Override) -> Renderer:
    return Renderer(Templates(SetSpec(selector=Selector(), settings=settings, overrides=overrides)))


def violations(rendering: Renderer, target: Target) -> list[Violation]:
    settings = finish(rendering.rendering(target))
    return finish(rendering.checking(target, settings, "settings"))


def test_setting_without_placeholders_is_not_rendered() -> None:
    rendered = [finish(renderer(SETTINGS).rendering(target)) for target in TARGETS]
    assert all(each["replication_configuration"] is REPLICATION for each in rendered)
    assert [each["pull_time_update_exclusions"]["principalArns"] for each in rendered] == [
        [f"arn:aws:iam::{target.registry.account}:role/scanner"] for target in TARGETS
    ]


def test_field_rules_check_a_setting_without_placeholders_once(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    rules = message_rules.violations

    def counted(message: Any) -> Any:
        checked.extend(field.name for field, _ in message.ListFields())
        return rules(message)

    monkeypatch.setattr(message_rules, "violations", counted)
    override = Override(Selector(f"account = {TARGETS[1].registry.account}"), {"account_settings": {"settings": []}})
    rendering = renderer(SETTINGS, override)
    for target in TARGETS:
        assert violations(rendering, target) == []
    changing = ["pull_time_update_exclusions"]
    assert checked == ["replication_configuration", *changing, *changing, "account_settings", *changing]


def test_invalid_setting_is_rejected_for_each_target() -> None:
    bad = {"rules": [{"destinations": [{"region": "nowhere", "registryId": "2"}]}]}
    rendering = renderer({"replication_configuration": bad, "pull_time_update_exclusions": {"principalArns": [""]}})
    for target in TARGETS:
        fields = [each.field for each in violations(rendering, target)]
        assert any(each.startswith("settings.replication_configuration.rules[0]") for each in fields)
        assert any(each.startswith("settings.pull_time_update_exclusions.principal_arns[0]") for each in fields)


def test_violations_of_all_settings_are_bounded() -> None:
    bad = {"rules": [{"destinations": [{"region": "", "registryId": "2"}]}] * 90}
    rendering = renderer(
        {"replication_configuration": bad, "pull_time_update_exclusions": {"principalArns": [""] * 90}}
    )
    violated = violations(rendering, TARGETS[0])
    assert sum(each.reason == "INVALID_FIELD" for each in violated) == MAX_VIOLATIONS
    assert violated[-1].reason == "MORE_VIOLATIONS"


def test_no_field_rule_concerns_several_settings() -> None:
    assert not settings_pb2.Settings.DESCRIPTOR.GetOptions().SerializeToString(), "a rule of the message is an option"
