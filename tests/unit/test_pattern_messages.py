"""Every proto pattern has a description, and an example that matches it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import protovalidate
import pytest
from ecrkeeper.v1 import (
    audit_service_pb2,
    registry_pb2,
    registry_settings_service_pb2,
    role_pb2,
    role_service_pb2,
    settings_pb2,
)
from ecrkeeper_server.declarations.message_rules import violations
from ecrkeeper_server.declarations.pattern_messages import message_of
from google.protobuf.descriptor import Descriptor

from tests.field_rules import rules_of

FILES = (audit_service_pb2, registry_pb2, registry_settings_service_pb2, role_pb2, role_service_pb2, settings_pb2)
# Characters that only regular expressions have.
SYNTAX = re.compile(r"\[[^\]]*-[^\]]*\]|\(\?|\\[a-z]|[\])}][*+]|\^|\$$|regex|pattern", re.IGNORECASE)


def messages(kinds: Any) -> Iterator[Descriptor]:
    for kind in kinds:
        yield kind
        yield from messages(kind.nested_types)


def patterns(rules: Any) -> Iterator[str]:
    """Return the patterns of a field, its items, and the keys and values of a map."""
    if rules.string.pattern:
        yield rules.string.pattern
    for inner in (rules.repeated.items, rules.map.keys, rules.map.values):
        if inner.string.pattern:
            yield inner.string.pattern


PATTERNS = sorted(
    {
        pattern
        for file in FILES
        for message in messages(file.DESCRIPTOR.message_types_by_name.values())
        for field in message.fields
        for pattern in patterns(rules_of(field))
    }
)


def test_patterns_of_the_protos_are_found() -> None:
    assert len(PATTERNS) > 14


@pytest.mark.parametrize("pattern", PATTERNS)
def test_pattern_has_description_and_example(pattern: str) -> None:
    words = message_of(pattern)
    assert words.startswith("must "), "the table has no words for it"
    assert not SYNTAX.search(words), words
    examples = re.findall(r"such as `([^`]+)`$", words)
    assert examples or words in ("must be a UUID", "must be 12 digits")
    plain = re.sub(r"\\x\{([0-9A-F]+)\}", lambda m: re.escape(chr(int(m[1], 16))), pattern)
    plain = plain.replace(r"\p{L}\p{Z}\p{N}", r"\w ")
    assert all(re.fullmatch(plain, example) for example in examples), words


def test_descriptions_are_distinct_or_equivalent() -> None:
    assert len({message_of(pattern) for pattern in PATTERNS}) == len(PATTERNS)


def wrong_messages() -> Iterator[tuple[str, Any]]:
    """Yield a message for each field with a pattern, with an invalid value."""
    for file in FILES:
        for name, kind in file.DESCRIPTOR.message_types_by_name.items():
            for field in kind.fields:
                if any(patterns(rules_of(field))):
                    message = getattr(file, name)()
                    value = getattr(message, field.name)
                    if field.message_type is not None:
                        value["\N{SNOWMAN}" * 60] = "\N{SNOWMAN}" * 60
                    elif field.is_repeated:
                        value.append("\N{SNOWMAN}" * 60)
                    else:
                        setattr(message, field.name, "\N{SNOWMAN}" * 60)
                    yield f"{name}.{field.name}", message


@pytest.mark.parametrize(("field", "message"), [pytest.param(f, m, id=f) for f, m in wrong_messages()])
def test_rejected_value_shows_no_pattern(field: str, message: Any) -> None:
    listed = [v for v in violations(message) if field.rpartition(".")[2] in v.field]
    assert listed
    assert not [v.description for v in listed if SYNTAX.search(v.description.partition(", got ")[0])]
    with_pattern = [f for f in protovalidate.collect_violations(message) if f.proto.rule_id == "string.pattern"]
    assert with_pattern, "the value breaks the pattern"
