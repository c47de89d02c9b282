"""Conversion of settings to the parameters of boto3's calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from google.api import field_behavior_pb2
from google.protobuf.message import Message

from ecrkeeper._aws_answers import list_field, reported
from ecrkeeper._failures import invalid
from ecrkeeper._messages import message_of
from ecrkeeper.v1.settings_pb2 import Settings


def to_aws(settings: Settings | Mapping[str, Any]) -> dict[str, Any]:
    """Return settings in AWS's shape, for boto3.

    The members have AWS's names. Pass each present one to its call:

        ecr.put_registry_policy(**found["registryPolicy"])
        ecr.put_replication_configuration(replicationConfiguration=found["replicationConfiguration"])
        ecr.put_registry_scanning_configuration(**found["scanningConfiguration"])
        ecr.put_signing_configuration(signingConfiguration=found["signingConfiguration"])
        for each in found["pullThroughCacheRules"]:
            ecr.create_pull_through_cache_rule(**each)
        for each in found["repositoryCreationTemplates"]:
            ecr.create_repository_creation_template(**each)
        for each in found["accountSettings"]:
            ecr.put_account_setting(**each)
        for each in found["pullTimeUpdateExclusions"]:
            ecr.register_pull_time_update_exclusion(principalArn=each)

    A setting that is absent stays absent. `apply_registry_settings` takes the same shape. InvalidArgument for an enum
    value that this version of the client does not know.
    """
    message = message_of(Settings, settings, "settings")
    return {
        field.json_name: _setting(value, f"settings.{field.name}")
        for field, value in message.ListFields()
        if not reported(field)
    }


def _setting(message: Message, path: str) -> Any:
    # AWS requires the list of a configuration without rules, and the text of an empty policy.
    shape = _message(message, path, required=_can_be_empty)
    items = list_field(message.DESCRIPTOR)
    return shape if items is None else shape[items]


def _message(message: Message, path: str, required: Callable[[Any], bool]) -> dict[str, Any]:
    """Return the set members of a message, and those that AWS requires even if empty."""
    shape = {}
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        present = message.HasField(field.name) if field.has_presence else bool(value)
        if not reported(field) and (present or required(field)):
            shape[field.json_name] = _value(value, field, f"{path}.{field.name}")
    return shape


def _can_be_empty(field: Any) -> bool:
    return field.is_repeated or (field.enum_type is None and field.message_type is None)


def _required(field: Any) -> bool:
    """Return whether AWS requires a member even if empty, such as a tag's value."""
    extension: Any = field_behavior_pb2.field_behavior
    return _can_be_empty(field) and field_behavior_pb2.REQUIRED in field.GetOptions().Extensions[extension]


def _value(value: Any, field: Any, path: str) -> Any:
    if field.is_repeated:
        return [_single(each, field, f"{path}[{at}]") for at, each in enumerate(value)]
    return _single(value, field, path)


def _single(value: Any, field: Any, path: str) -> Any:
    if field.message_type is not None:
        return _message(value, path, required=_required)
    if field.enum_type is None:
        return value
    known = field.enum_type.values_by_number.get(value)
    if known is None or not known.number:
        raise invalid((path, f"must be a value that this version of the client knows, got {value}"))
    return known.name
