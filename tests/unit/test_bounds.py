"""Limits of every list of every request, from the descriptors."""

from __future__ import annotations

import random
import re
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from ecrkeeper.v1 import registry_settings_service_pb2 as pb
from ecrkeeper.v1 import role_service_pb2, settings_pb2
from ecrkeeper_server.api.layers import message_bounds as bounds
from ecrkeeper_server.api.layers.bounded_fields import output_only
from ecrkeeper_server.api.layers.message_bounds import Malformed, within_bounds
from ecrkeeper_server.declarations import message_rules as validation
from ecrkeeper_server.declarations.list_bounds import MAX_ITEMS, bound_of
from ecrkeeper_server.declarations.quota_fields import quota_of
from ecrkeeper_server.errors import InvalidArgument, QuotaExceeded
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError

from tests.field_rules import rules_of
from tests.fuzz import messages
from tests.fuzz.drive import METHODS

OWN_SERVICES = ("/ecrkeeper.", "/google.longrunning.")
REQUESTS = {
    method.input_type.full_name: method.input_type for name, method in METHODS.items() if name.startswith(OWN_SERVICES)
}
SCALARS = {FieldDescriptor.TYPE_STRING: (2, b"\0"), FieldDescriptor.TYPE_ENUM: (0, b"\x63")}
MIB = 2**20


@dataclass(frozen=True)
class Place:
    """A list in a request, given by the fields that lead to it."""

    request: Descriptor
    path: tuple[FieldDescriptor, ...]

    @property
    def list(self) -> FieldDescriptor:
        return self.path[-1]

    @property
    def ignored(self) -> bool:
        return any(map(output_only, self.path))

    def __str__(self) -> str:
        return ".".join([self.request.name, *(field.name for field in self.path)])

    def content(self, size: int, item: bytes = b"") -> bytes:
        """Return a request of this many bytes that repeats one item."""
        if not item:
            wire, value = SCALARS.get(self.list.type, (2, b"\0"))
            item = bytes(messages.varint(self.list.number << 3 | wire)) + value
        inside = item * (size // len(item))
        for field in reversed(self.path[:-1]):
            inside = messages.varint(field.number << 3 | 2) + messages.varint(len(inside)) + inside
        return inside


def places(request: Descriptor, path: tuple[FieldDescriptor, ...] = ()) -> Iterator[Place]:
    for field in (path[-1].message_type if path else request).fields:
        if field.is_repeated:
            yield Place(request, (*path, field))
        inner = field.message_type
        if inner and not inner.GetOptions().map_entry and all(f.message_type is not inner for f in path):
            yield from places(request, (*path, field))


PLACES = [place for request in REQUESTS.values() for place in places(request)]
ACCEPTED = [place for place in PLACES if not place.ignored]


def test_lists_of_requests_are_found() -> None:
    assert len(ACCEPTED) > 30
    assert "UpdateRegistrySettingsRequest.registry_settings.settings.replication_configuration.rules.destinations" in {
        str(place) for place in ACCEPTED
    }


def test_lists_have_own_bounds_in_protos() -> None:
    without = {str(place.list.full_name) for place in ACCEPTED if bound_of(place.list) == MAX_ITEMS}
    assert without == {"google.protobuf.FieldMask.paths"}


@pytest.mark.parametrize("place", ACCEPTED, ids=map(str, ACCEPTED))
def test_list_bound_matches_its_rules(place: Place) -> None:
    rules = rules_of(place.list)
    assert bound_of(place.list) == (rules.repeated.max_items or rules.map.max_pairs or MAX_ITEMS)


@pytest.mark.parametrize("size", [100_000, MIB], ids=["100 KB", "1 MiB"])
@pytest.mark.parametrize("place", ACCEPTED, ids=map(str, ACCEPTED))
def test_oversized_list_is_rejected_by_name_before_parsing(place: Place, size: int) -> None:
    content = place.content(size)
    quota = quota_of(place.list)
    with pytest.raises(QuotaExceeded if quota else InvalidArgument) as caught:
        within_bounds(content, place.request)
    described = [(v.field, v.description) for v in caught.value.violations]
    described += [(q.subject, q.description) for q in caught.value.quotas]
    ((field, description),) = described
    assert re.sub(r"\[0\]", "", field) == ".".join(field.name for field in place.path)
    assert str(bound_of(place.list)) in description and (quota or "items") in description


def test_counting_uses_no_memory() -> None:
    place = next(place for place in ACCEPTED if place.list.full_name == "ecrkeeper.v1.PullThroughCacheRules.rules")
    content = place.content(MIB)
    tracemalloc.start()
    try:
        with pytest.raises(QuotaExceeded):
            within_bounds(content, place.request)
        assert tracemalloc.get_traced_memory()[1] < 200_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("place", [p for p in PLACES if p.ignored][:40], ids=str)
def test_output_only_fields_are_dropped_from_requests(place: Place) -> None:
    assert within_bounds(place.content(20_000), place.request) in (b"", *_empty(place))


def _empty(place: Place) -> Iterator[bytes]:
    """Return the messages that lead to a list, otherwise empty."""
    for end in range(len(place.path)):
        yield Place(place.request, place.path[: end + 1]).content(0)


def test_packed_and_split_items_are_counted() -> None:
    rule = pb.UpdateRegistrySettingsRequest()
    rule.registry_settings.settings.repository_creation_templates.templates.add(applied_for=[1] * 11)
    with pytest.raises(InvalidArgument, match="applied_for: must contain no more than 10 item"):
        within_bounds(rule.SerializeToString(), rule.DESCRIPTOR)
    part = pb.UpdateRegistrySettingsRequest()
    part.registry_settings.settings.pull_through_cache_rules.rules.add()
    one = part.SerializeToString()
    assert within_bounds(one * 50, part.DESCRIPTOR) == one * 50
    with pytest.raises(QuotaExceeded, match="pull-through cache rules: 51, and AWS allows 50"):
        within_bounds(one * 51, part.DESCRIPTOR)


def test_request_with_too_many_fields_is_rejected() -> None:
    with pytest.raises(InvalidArgument, match="more than 100000 items"):
        within_bounds(b"\x98\x06\x01" * (bounds.MAX_FIELDS + 1), pb.GetRegistryRequest.DESCRIPTOR)


def _full(message: Any) -> None:
    """Fill every list of a message to its limit with empty or invalid items."""
    for field in message.DESCRIPTOR.fields:
        inner = field.message_type
        if output_only(field) or (inner and inner.full_name.startswith("google.")):
            continue
        if not field.is_repeated:
            if inner:
                getattr(message, field.name).SetInParent()
                _full(getattr(message, field.name))
        elif inner and inner.GetOptions().map_entry:
            getattr(message, field.name).update({f"\0{at}": "\0" for at in range(bound_of(field))})
        elif inner:
            for _ in range(bound_of(field)):
                _full(getattr(message, field.name).add())
        else:
            values = [99] if field.enum_type else ["\0"]
            getattr(message, field.name).extend(values * bound_of(field))


@pytest.mark.parametrize(
    "kind", [pb.UpdateRegistrySettingsRequest, pb.CreateRegistrySettingsRequest, role_service_pb2.CreateServiceLinkedRoleRequest]
)  # fmt: skip
def test_invalid_lists_cost_no_more_than_some(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    request = kind()
    _full(request)
    content = request.SerializeToString()
    assert within_bounds(content, kind.DESCRIPTOR) == content, "the bounds leave room for what is allowed"
    listed = 0

    class Counting:
        def collect_violations(self, message: Any, **options: Any) -> Any:
            nonlocal listed
            collected = validator.collect_violations(message, **options)
            listed += len(collected)
            return collected

    validator = validation.VALIDATOR
    monkeypatch.setattr(validation, "VALIDATOR", Counting())
    described = validation.violations(request)
    assert len(described) <= 101
    assert described[-1].reason == "MORE_VIOLATIONS"
    assert listed < 2000


def test_violations_after_many_valid_items_are_found() -> None:
    request = pb.UpdateRegistrySettingsRequest()
    request.registry_settings.name = "accounts/111111111111/registries/us-east-1/settings/web"
    rules = request.registry_settings.settings.replication_configuration.rules
    for _ in range(25):
        rule = rules.add()
        rule.destinations.add(region="eu-west-1", registry_id="111111111111")
        for at in range(100):
            rule.repository_filters.add(filter=f"team-{at}/", filter_type="PREFIX_MATCH")
    rules[24].repository_filters[99].filter = "NO"
    (violation,) = validation.violations(request)
    assert violation.field.endswith("rules[24].repository_filters[99].filter")


@pytest.mark.parametrize("name", REQUESTS)
def test_byte_counting_matches_the_parser(name: str) -> None:
    """Any bytes are rejected, or kept except for output-only fields."""
    rng, kind = random.Random(name), message_factory.GetMessageClass(REQUESTS[name])
    for _ in range(150):
        content = messages.request(REQUESTS[name], rng)
        try:
            expected = kind.FromString(content)
        except DecodeError:
            expected = None
        try:
            left = within_bounds(content, REQUESTS[name])
        except (Malformed, InvalidArgument, QuotaExceeded) as refusal:
            assert not isinstance(refusal, Malformed) or expected is None, content.hex()
            continue
        if expected is not None:
            expected.DiscardUnknownFields()
            _strip(expected)
            assert kind.FromString(left) == expected, content.hex()


def _strip(message: Any) -> None:
    for field, value in message.ListFields():
        if output_only(field):
            message.ClearField(field.name)
        elif field.message_type and not field.message_type.GetOptions().map_entry:
            for each in value if field.is_repeated else [value]:
                _strip(each)


def test_violations_and_quotas_are_reported_together() -> None:
    request = pb.UpdateRegistrySettingsRequest()
    settings = request.registry_settings.settings
    for _ in range(51):
        settings.pull_through_cache_rules.rules.add()
    settings.repository_creation_templates.templates.add(applied_for=[1] * 11)
    with pytest.raises(InvalidArgument) as caught:
        within_bounds(request.SerializeToString(), request.DESCRIPTOR)
    assert [v.field.rpartition(".")[2] for v in caught.value.violations] == ["applied_for"]
    assert [q.description for q in caught.value.quotas] == ["pull-through cache rules: 51, and AWS allows 50"]


def test_violations_of_a_far_too_long_list_are_found_in_few_steps() -> None:
    """The library checks a list at once, so it is cut behind its greatest length."""
    rules = [{"repository_filters": [{"filter": f"team-{at:04}/"}]} for at in range(2_000)]
    message = settings_pb2.ReplicationConfiguration(rules=rules)
    steps = sum(1 for _ in validation.finding_violations(message))
    assert steps < 100
    found = {each.field: each.description for each in validation.violations(message)}
    assert found["rules"] == "replication rules: 2000, and AWS allows 25"
    assert "rules[0].destinations" in found and "rules[25].destinations" in found
