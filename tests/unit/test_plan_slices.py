"""Planning and comparing the largest settings pauses after a bounded number of lines."""

from __future__ import annotations

from itertools import product

import pytest
from ecrkeeper.v1 import registry_pb2
from ecrkeeper_server.api.messages.registry_settings import with_takeovers
from ecrkeeper_server.declarations.takeover import Takeover
from ecrkeeper_server.settings import advice, globs
from ecrkeeper_server.settings.advice import RULES, SIGNING, TEMPLATES, advising
from ecrkeeper_server.settings.pair_keys import PairKeys
from ecrkeeper_server.turns import finish

from tests.unit.test_slices import MOST_LINES, longest

PLACE = "333333333333/us-east-1"
PROFILE = "arn:aws:signer:eu-west-1:222222222222:/signing-profiles/release"
RULE = {"upstreamRegistryUrl": "registry-1.docker.io"}


def signed(*filters: str) -> dict[str, dict[str, str]]:
    return {f"{PROFILE} {text}": {} for text in filters}


def test_advice_pauses_between_rules_and_templates() -> None:
    filters = [f"{star}team-{at:04}/*" for at in range(500) for star in ("", "*")]
    after = {
        SIGNING: signed(*filters),
        RULES: {f"team-{at:04}": RULE for at in range(50)},
        TEMPLATES: {f"cache-{at:04}": {"appliedFor": ["PULL_THROUGH_CACHE"]} for at in range(100)},
    }
    assert longest(advising({}, after)) < MOST_LINES / 4
    assert len(finish(advising({}, after))) == 150


def test_takeovers_of_many_owners_are_shown_in_steps() -> None:
    takeovers = [
        Takeover(f"team-{at:04}", "replication_configuration", PairKeys.of([f"{PLACE}:{at:04}-"]), {"delete": True})
        for at in range(2_000)
    ]
    message = registry_pb2.RegistrySettings()
    assert longest(with_takeovers(message, takeovers)) < MOST_LINES
    assert len(message.takeovers) == 2_000


@pytest.mark.parametrize("rule", ["ROOT", "a", "ab", "a/b"])
def test_filters_under_a_rule_are_those_of_the_pattern(rule: str) -> None:
    texts = ["".join(each) for size in (1, 2, 3, 4) for each in product("ab/*", repeat=size)]
    begin = "" if rule == "ROOT" else f"{rule}/"
    expected = sorted(text for text in texts if globs.rests(text, begin))
    assert advice._Filters(signed(*texts)).matching_under(rule) == expected
