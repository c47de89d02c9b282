"""Conversion of answers of the aws CLI and boto3 to the shape of the messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf.descriptor import Descriptor

from ecrkeeper.v1 import settings_pb2

Faults = list[tuple[str, str]]

_SETTINGS = settings_pb2.Settings.DESCRIPTOR
_SCHEMA = "ecrkeeper/v1/settings.proto"
# AWS's name for each setting, by the setting's message.
_MEMBERS = {
    field.message_type.full_name: field.json_name
    for field in _SETTINGS.fields
    if field.message_type and field.message_type.file.name == _SCHEMA
}
# Settings that AWS returns as a list, and the message's field for that list.
_LISTS = {
    settings_pb2.PullThroughCacheRules.DESCRIPTOR.full_name: "rules",
    settings_pb2.RepositoryCreationTemplates.DESCRIPTOR.full_name: "templates",
    settings_pb2.AccountSettings.DESCRIPTOR.full_name: "settings",
    settings_pb2.PullTimeUpdateExclusions.DESCRIPTOR.full_name: "principalArns",
}
_ACCOUNT_SETTING = frozenset({"name", "value"})
# boto3 returns AWS's own token; the aws CLI prints the other one after `--max-items`.
_TOKENS = ("nextToken", "NextToken")
_INCOMPLETE = "is an incomplete answer of AWS: it has a next token; read all pages, or remove the token"


def reported(field: Any) -> bool:
    """Return whether AWS only reports a member of a setting, such as `createdAt`."""
    kind = field.message_type
    return field.file.name == _SCHEMA and kind is not None and kind.full_name == "google.protobuf.Value"


def list_field(kind: Any) -> str | None:
    """Return the JSON name of the field for AWS's list; None for a single document."""
    return _LISTS.get(kind.full_name)


def as_message(value: Any, kind: Descriptor, path: str, faults: Faults) -> Any:
    """Return an answer of AWS as JSON for a message; return any other value unchanged.

    The items of a list become the message's list, and members that AWS only reports are removed. An
    answer with a next token is an error, because the owner would drop the other items.
    """
    if kind.file.name != _SCHEMA:
        return value
    member = _MEMBERS.get(kind.full_name)
    if member is not None and isinstance(value, Mapping) and member in value:
        # A whole answer in place of the setting that it contains.
        answer = _written(value, kind, path, faults)
        value = answer.pop(member)
        faults.extend((f"{path}.{name}", f"is not a member here; the only member is {member}") for name in answer)
    if member == "accountSettings" and isinstance(value, Mapping) and value.keys() >= _ACCOUNT_SETTING:
        value = [value]
    items = list_field(kind)
    if items is not None and isinstance(value, list | tuple):
        return {items: value}
    if not isinstance(value, Mapping):
        return value
    written = _written(value, kind, path, faults)
    return _named(written, path, faults) if kind.full_name == _SETTINGS.full_name else written


def _written(value: Mapping[str, Any], kind: Descriptor, path: str, faults: Faults) -> dict[str, Any]:
    """Return the members except those that AWS only reports."""
    for token in _TOKENS:
        if value.get(token):
            faults.append((f"{path}.{token}" if path else token, _INCOMPLETE))
    ignored = {"ResponseMetadata", *_TOKENS}
    ignored.update(name for field in kind.fields if reported(field) for name in (field.json_name, field.name))
    if kind.full_name in _MEMBERS:
        ignored.add("registryId")
    return {name: member for name, member in value.items() if name not in ignored}


def _named(answer: dict[str, Any], path: str, faults: Faults) -> dict[str, Any]:
    """Move the members of a policy or an account setting under the setting's name."""
    moved: list[tuple[str, Any]] = []
    if "policyText" in answer:
        moved.append(("registryPolicy", {"policyText": answer.pop("policyText")}))
    if answer.keys() >= _ACCOUNT_SETTING:
        moved.append(("accountSettings", [{name: answer.pop(name) for name in sorted(_ACCOUNT_SETTING)}]))
    for name, setting in moved:
        if name in answer:
            faults.append((f"{path}.{name}" if path else name, "is present twice, once without its name"))
        answer[name] = setting
    return answer
