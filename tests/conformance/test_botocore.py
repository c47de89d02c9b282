"""The messages of the settings against the installed botocore's model of ECR.

A difference is a change in AWS or an error here.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from ecrkeeper.v1 import settings_pb2 as pb
from ecrkeeper_server.settings.codec import enum_to_aws
from ecrkeeper_server.settings.unknown_fields import fields, reported
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.struct_pb2 import Value

from tests.field_rules import rules_of

ECR = botocore.session.get_session().get_service_model("ecr")


def request(operation: str) -> Any:
    return ECR.operation_model(operation).input_shape


# message, ECR's shape
PAIRS = [
    (pb.RegistryPolicy, request("PutRegistryPolicy")),
    (pb.ReplicationConfiguration, ECR.shape_for("ReplicationConfiguration")),
    (pb.RegistryScanningConfiguration, request("PutRegistryScanningConfiguration")),
    (pb.PullThroughCacheRules.DESCRIPTOR.fields_by_name["rules"].message_type, request("CreatePullThroughCacheRule")),
    (
        pb.RepositoryCreationTemplates.DESCRIPTOR.fields[0].message_type,
        request("CreateRepositoryCreationTemplate"),
    ),
    (pb.AccountSettings.DESCRIPTOR.fields[0].message_type, request("PutAccountSetting")),
    (pb.SigningConfiguration, ECR.shape_for("SigningConfiguration")),
]
# The name identifies the registry, and `force` belongs to the call.
ELSEWHERE = {"registryId", "force"}


def writable(message: Any) -> list[FieldDescriptor]:
    """Return the fields that are members of a request; others are output only."""
    return [field for field in message.fields if field.message_type is not Value.DESCRIPTOR]


def pairs(message: Any, shape: Any, path: str) -> Iterator[tuple[str, FieldDescriptor, Any]]:
    """Yield every field with its ECR shape, as far as both have the member."""
    for field in writable(message):
        member = shape.members.get(field.json_name)
        if member is None:
            continue
        at = f"{path}.{field.json_name}"
        yield at, field, member
        inner = member.member if member.type_name == "list" else member
        if inner.type_name == "structure":
            yield from pairs(field.message_type, inner, at)


def _fields() -> list[tuple[str, FieldDescriptor, Any]]:
    rows = []
    for kind, shape in PAIRS:
        message = getattr(kind, "DESCRIPTOR", kind)
        rows += list(pairs(message, shape, message.name))
    return rows


FIELDS = _fields()


def test_comparison_covers_all_settings() -> None:
    compared = {getattr(kind, "DESCRIPTOR", kind).name for kind, _ in PAIRS}
    assert len(compared) == 7, "the eighth is a list of ARNs"
    assert len(FIELDS) > 30


def members(message: Any, shape: Any, path: str) -> Iterator[tuple[str, set[str], set[str]]]:
    yield path, {f.json_name for f in writable(message)}, set(shape.members) - ELSEWHERE
    for at, field, member in pairs(message, shape, path):
        inner = member.member if member.type_name == "list" else member
        if inner.type_name == "structure":
            yield at, {f.json_name for f in writable(field.message_type)}, set(inner.members)


@pytest.mark.parametrize(("kind", "shape"), PAIRS, ids=lambda v: getattr(v, "name", getattr(v, "__name__", "")))
def test_messages_have_ecr_members(kind: Any, shape: Any) -> None:
    message = getattr(kind, "DESCRIPTOR", kind)
    for path, own, expected in members(message, shape, message.name):
        assert own == expected, path


def answer(operation: str, member: str = "") -> Any:
    shape = ECR.operation_model(operation).output_shape
    return shape.members[member].member if member else shape


# message, AWS's output shape, AWS's input shape
ANSWERS = [
    (pb.RegistryPolicy, answer("GetRegistryPolicy"), request("PutRegistryPolicy")),
    (pb.PullThroughCacheRule, answer("DescribePullThroughCacheRules", "pullThroughCacheRules"),
     request("CreatePullThroughCacheRule")),
    (pb.RepositoryCreationTemplate, answer("DescribeRepositoryCreationTemplates", "repositoryCreationTemplates"),
     request("CreateRepositoryCreationTemplate")),
    (pb.AccountSetting, answer("GetAccountSetting"), request("PutAccountSetting")),
    (pb.ReplicationConfiguration, ECR.shape_for("ReplicationConfiguration"), ECR.shape_for("ReplicationConfiguration")),
    (pb.RegistryScanningConfiguration, ECR.shape_for("RegistryScanningConfiguration"),
     request("PutRegistryScanningConfiguration")),
    (pb.SigningConfiguration, ECR.shape_for("SigningConfiguration"), ECR.shape_for("SigningConfiguration")),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "shape", "written"), ANSWERS, ids=lambda v: getattr(v, "__name__", ""))
def test_output_only_members_are_ignored(kind: Any, shape: Any, written: Any) -> None:
    ignored = {f.json_name for f in kind.DESCRIPTOR.fields} - {f.json_name for f in writable(kind.DESCRIPTOR)}
    assert ignored == set(shape.members) - (set(written.members) - ELSEWHERE)
    assert reported(kind.DESCRIPTOR) == ignored
    assert not ignored & fields(kind.DESCRIPTOR).keys()


@pytest.mark.parametrize("operation", [
    "DescribeRegistry", "GetRegistryScanningConfiguration", "DescribePullThroughCacheRules",
    "DescribeRepositoryCreationTemplates", "ListPullTimeUpdateExclusions", "GetSigningConfiguration",
])  # fmt: skip
def test_ecr_responses_are_settings(operation: str) -> None:
    names = {field.json_name for field in pb.Settings.DESCRIPTOR.fields}
    assert answer(operation).members.keys() <= names | {"nextToken"}


@pytest.mark.parametrize(("path", "field", "shape"), FIELDS, ids=[row[0] for row in FIELDS])
def test_fields_have_ecr_types(path: str, field: FieldDescriptor, shape: Any) -> None:
    assert field.is_repeated == (shape.type_name == "list")
    inner = shape.member if shape.type_name == "list" else shape
    kinds = {
        "string": (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_ENUM),
        "boolean": (FieldDescriptor.TYPE_BOOL,),
        "structure": (FieldDescriptor.TYPE_MESSAGE,),
    }
    assert field.type in kinds[inner.type_name]


ENUMS = [row for row in FIELDS if row[1].enum_type is not None]


@pytest.mark.parametrize(("path", "field", "shape"), ENUMS, ids=[row[0] for row in ENUMS])
def test_enums_have_ecr_values(path: str, field: FieldDescriptor, shape: Any) -> None:
    inner = shape.member if shape.type_name == "list" else shape
    values = [value.number for value in field.enum_type.values if value.number != 0]
    assert {enum_to_aws(field.enum_type, number) for number in values} == set(inner.enum)


def plain(pattern: str) -> str:
    """Return a pattern without anchors and needless escapes."""
    return (
        pattern.removeprefix("^")
        .removesuffix("$")
        .replace("\\-", "-")
        .replace("\\/", "/")
        .replace("(?:", "(")
        .replace("|^", "|")
    )


def alike(own: str, expected: str) -> bool:
    """Return whether two patterns are equal or match the same short texts."""
    if plain(own) == plain(expected):
        return True
    texts = ("".join(letters) for size in range(7) for letters in itertools.product("a*._-/", repeat=size))
    return all(bool(re.fullmatch(own, text)) == bool(re.fullmatch(expected, text)) for text in texts)


BOUNDED = [row for row in FIELDS if row[1].type == FieldDescriptor.TYPE_STRING or row[1].is_repeated]


@pytest.mark.parametrize(("path", "field", "shape"), BOUNDED, ids=[row[0] for row in BOUNDED])
def test_limits_are_within_ecr_limits(path: str, field: FieldDescriptor, shape: Any) -> None:
    rules = rules_of(field)
    if field.is_repeated:
        limit = shape.metadata.get("max")
        if limit is not None:
            assert 0 < rules.repeated.max_items <= limit
        rules, shape = rules.repeated.items, shape.member
    if field.type != FieldDescriptor.TYPE_STRING:
        return
    low, high, pattern = (shape.metadata.get(word) for word in ("min", "max", "pattern"))
    if high is not None:
        # A pattern may contain the length as well.
        assert 0 < rules.string.max_len <= high or rules.string.pattern.endswith(f",{high}}}$")
    if low:
        assert rules.string.min_len >= low or rules.string.len >= low or rules.string.pattern
    if pattern and rules.string.pattern:
        assert alike(rules.string.pattern, pattern)
