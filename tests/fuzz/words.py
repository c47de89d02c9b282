"""Texts that a caller may send: almost valid, invalid, and hostile."""

from __future__ import annotations

import base64
import json
import random
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ecrkeeper.v1 import fleet_pb2, registry_pb2, role_pb2
from ecrkeeper.v1.settings_pb2 import Settings
from ecrkeeper_files import documents
from ecrkeeper_files.sources import Text
from google.api import resource_pb2
from google.protobuf.descriptor import FieldDescriptor

from tests.e2e.live import message

ACCOUNTS = ("111111111111", "222222222222", "000000000000")
REGIONS = ("us-east-1", "eu-west-1", "us-west-2")
OWNERS = ("team-a", "team-b", "platform")
ROLES = ("replication", "pull-through-cache", "repository-creation-template")
IDS = tuple(str(uuid.UUID(int=number)) for number in range(1, 4))

HOSTILE = (
    "", " ", "\0", "a\0b", "\n", "a\r\nb: c", "-", "*", "%s%n", "../../etc/passwd", "'; DROP TABLE resources; --", "\u202eabc",
    "\u0661\u0662\u0663", "é\u0301\u0327", "\U0001f4a9" * 20, "\ufeff", "\uffff", "\U0010ffff", "null", "true", "NaN", "-0",
    "9" * 400, "1e999", "{}", "[]", "[" * 3000, '{"a":' * 1000, "(" * 1000, "\\" * 999, '"', "a" * 257, "x" * 5000, "${jndi:x}", "ſ", "İ",
)  # fmt: skip

_TREE = Path(__file__).parents[2] / "examples" / "two-accounts"


def _patterns() -> dict[str, list[str]]:
    """Return the name patterns of all resources, by type, and `parent of TYPE`."""
    patterns: dict[str, list[str]] = {}
    for file in (registry_pb2, role_pb2, fleet_pb2):
        for kind in file.DESCRIPTOR.message_types_by_name.values():
            resource = kind.GetOptions().Extensions[resource_pb2.resource]
            for pattern in resource.pattern:
                patterns.setdefault(resource.type, []).append(pattern)
                patterns.setdefault(f"parent of {resource.type}", []).append(
                    pattern.rpartition("/")[0].rpartition("/")[0]
                )
    return patterns


_PATTERNS = _patterns()
_VARIABLES: dict[str, tuple[str, ...]] = {
    "account": ACCOUNTS,
    "registry": REGIONS,
    "registry_settings": OWNERS,
    "service_linked_role": ROLES,
    "replication_backfill": IDS,
    "registry_set": OWNERS,
    "rollout": ("1", "2", "9"),
}
_ALL_PATTERNS = sorted(
    {pattern for patterns in _PATTERNS.values() for pattern in patterns} | {"operations/{operation}"}
)


def _filled(pattern: str, rng: random.Random) -> str:
    parts = [
        rng.choice(_VARIABLES.get(part[1:-1], IDS)) if part.startswith("{") else part for part in pattern.split("/")
    ]
    return "/".join("-" if part[:1].isdigit() and rng.random() < 0.02 else part for part in parts)


def _name(field: FieldDescriptor, rng: random.Random) -> str:
    reference = field.GetOptions().Extensions[resource_pb2.resource_reference]
    key = reference.type or (f"parent of {reference.child_type}" if reference.child_type else "")
    own = field.containing_type.GetOptions().Extensions[resource_pb2.resource].pattern
    patterns = _PATTERNS.get(key) or list(own) or ["operations/{operation}"]
    return _filled(rng.choice(patterns if rng.random() < 0.95 else _ALL_PATTERNS), rng)


def _token(rng: random.Random) -> str:
    content: Any = rng.choice(
        ([], 1, None, ["0" * 12, ""], ["e3b0c44298fc", ["", "", ""]], ["e3b0c44298fc", 10**30], {"a": 1}, [["", 1.5]])
    )
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


def _filter(rng: random.Random) -> str:
    fields = ("account", "region", "owner", "mode", "conditions.Ready", "reconciling", "nothing", "")
    operators = ("=", "!=", ":", "<", "")
    values = ('"x"', "us-east-1", "true", '"', "", "-", '"\\"', "ENFORCE")
    terms = [
        f"{rng.choice(fields)} {rng.choice(operators)} {rng.choice(values)}" for _ in range(rng.choice((1, 1, 2, 25)))
    ]
    return rng.choice((" AND ", " AND ", " OR ", " ")).join(terms)


# Values for string fields, by the field's name.
_BY_NAME: dict[str, Callable[[random.Random], str]] = {
    "page_token": _token,
    "filter": _filter,
    "registry_settings_id": lambda rng: rng.choice(OWNERS),
    "request_id": lambda rng: str(uuid.UUID(int=rng.getrandbits(128), version=4)) if rng.random() < 0.8 else IDS[0],
    "etag": lambda rng: rng.choice(('""', '"1"', "W/x", "0", "1-1", "0" * 32)),
    "region": lambda rng: rng.choice(REGIONS),
    "registry_id": lambda rng: rng.choice(ACCOUNTS),
    "repository": lambda rng: rng.choice(("app", "payments/api", "a/b/c", "hub/library/nginx")),
    "service": lambda rng: rng.choice(("", "ecrkeeper.v1.RoleService", "no.such.Service")),
    "symbol": lambda rng: rng.choice(("ecrkeeper.v1.RoleService", "ecrkeeper.v1.Registry", "grpc.health.v1.Health")),
    "file_containing_symbol": lambda rng: rng.choice(("ecrkeeper.v1.RoleService", "google.protobuf.Any", "x")),
    "file_by_filename": lambda rng: rng.choice(("ecrkeeper/v1/role.proto", "google/protobuf/any.proto", "x")),
    "containing_type": lambda rng: rng.choice(("google.protobuf.FieldOptions", "ecrkeeper.v1.Registry", "x")),
    "ecr_repository_prefix": lambda rng: rng.choice(("hub", "ROOT", "quay")),
    "upstream_registry_url": lambda rng: rng.choice(("quay.io", "public.ecr.aws", "registry-1.docker.io")),
    "prefix": lambda rng: rng.choice(("ROOT", "team/", "a")),
    "settings": lambda rng: rng.choice(("replication_configuration", "registry_policy", "nothing")),
    "status": lambda rng: rng.choice(("COMPLETE", "FAILED", "IN_PROGRESS", "x")),
}


def text(field: FieldDescriptor, rng: random.Random) -> str:
    """Return a value for a string field: usually by name and reference."""
    chosen = rng.random()
    if chosen < 0.75:
        words = _BY_NAME.get(field.name)
        if words is not None:
            return words(rng)
        options = field.GetOptions()
        if field.name in ("name", "parent") or options.HasExtension(resource_pb2.resource_reference):
            return _name(field, rng)
        return rng.choice(("", "a", "x" * rng.randrange(60), "arn:aws:iam::111111111111:role/x"))
    if chosen < 0.85:
        return mutated(_name(field, rng), rng)
    if chosen < 0.995:
        return rng.choice(HOSTILE)
    return rng.choice(("x", "é", "[", "\0", "a/")) * 150_000


def mutated(text: str, rng: random.Random) -> str:
    """Return a text with a part removed, inserted, doubled or changed."""
    at = rng.randrange(len(text) + 1)
    to = min(len(text), at + rng.randrange(1, 9))
    middle = rng.choice(
        ("", rng.choice(HOSTILE)[:200], text[at:to] * 2, text[at:to].swapcase(), "/", chr(rng.randrange(1, 0xD800)))
    )
    return text[:at] + middle + text[to:]


def mask(rng: random.Random) -> list[str]:
    """Return the paths of a field mask."""
    paths = (
        *(f"settings.{field.name}" for field in Settings.DESCRIPTOR.fields),
        "settings",
        "mode",
        "description",
        "tags",
        "*",
    )
    return [
        rng.choice(paths) if rng.random() < 0.8 else mutated(rng.choice(paths), rng)
        for _ in range(rng.choice((0, 1, 1, 2, 3, 300)))
    ]


def _examples() -> list[Settings]:
    messages = []
    for path in sorted(_TREE.glob("*.yaml")):
        read = documents.read([Text(path.name, path.read_bytes())])
        messages += [message(declared.settings) for declared in read.declarations]
    return messages


VALID = {Settings.DESCRIPTOR.full_name: _examples()}
