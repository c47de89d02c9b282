"""Generate the JSON schema of declaration files.

Usage: `python protos/schema.py DESCRIPTORS FILE`.

The shapes, the limits and the texts that editors show are those of the protos.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

Json = dict[str, Any]

_PACKAGE = "ecrkeeper.v1."
_REGISTRY = "^accounts/[0-9]{12}/registries/[a-z0-9-]+"
_NAMES = {
    "RegistrySettings": _REGISTRY + "/settings/[a-z]([a-z0-9-]{0,61}[a-z0-9])?$",
    "Registry": _REGISTRY + "$",
    "ServiceLinkedRole": "^accounts/[0-9]{12}/serviceLinkedRoles/[a-z-]+$",
    "Account": "^accounts/[0-9]{12}$",
    "RegistrySet": "^registrySets/[a-z]([a-z0-9-]{0,61}[a-z0-9])?$",
}
# AWS answers with a bare list; a message holds it in a member.
LISTS = {
    "PullThroughCacheRules": "rules",
    "RepositoryCreationTemplates": "templates",
    "AccountSettings": "settings",
    "PullTimeUpdateExclusions": "principalArns",
}
# Text that holds JSON, and may be written as an object.
_POLICIES = {"policy_text", "repository_policy", "lifecycle_policy"}
_TEMPLATES = ("RegistrySet", "RegistrySetOverride")
_NUMBERS = {"TYPE_INT32", "TYPE_INT64", "TYPE_UINT32", "TYPE_UINT64"}
# Patterns of RE2 that JSON schema lacks.
_FOREIGN = re.compile(r"\\p\{|\\x\{")


def main() -> None:
    """Write the schema."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("descriptors", type=Path)
    parser.add_argument("file", type=Path)
    arguments = parser.parse_args()
    schema = Schema(descriptor_pb2.FileDescriptorSet.FromString(arguments.descriptors.read_bytes())).document()
    arguments.file.write_text(json.dumps(schema, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


class Schema:
    """Makes the schema of the descriptors, which have the comments and the rules."""

    def __init__(self, files: descriptor_pb2.FileDescriptorSet) -> None:
        self._pool = descriptor_pool.DescriptorPool()
        for file in files.file:
            self._pool.Add(file)
        # Options of this pool know the extensions of the rules.
        options = self._pool.FindMessageTypeByName("google.protobuf.FieldOptions")
        self._options = message_factory.GetMessageClass(options)
        self._comments = {path: text for file in files.file for path, text in comments_of(file)}
        self._definitions: Json = {}

    def document(self) -> Json:
        """Return the schema of one document."""
        kinds = [self._kind(kind) for kind in _NAMES]
        return {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "title": "A document of a declaration file of ecrkeeper",
            "oneOf": [*kinds, _MARK],
            "definitions": dict(sorted(self._definitions.items())),
        }

    def _kind(self, kind: str) -> Json:
        message = self._pool.FindMessageTypeByName(_PACKAGE + kind)
        head = {
            "apiVersion": {"const": "ecrkeeper/v1"},
            "kind": {"const": kind},
            "name": {**self._field(message.fields_by_name["name"]), "pattern": _NAMES[kind]},
        }
        members, required = self._members(kind, message)
        return {
            "title": kind,
            "description": self._comments[message.full_name],
            "type": "object",
            "properties": {**head, **members},
            "required": [*head, *required],
            "additionalProperties": False,
        }

    def _members(self, kind: str, message: Any) -> tuple[Json, list[str]]:
        declared = self._declared()
        if kind == "RegistrySettings":
            return declared, ["settings"]
        if kind == "Registry":
            declaration = {"type": "object", "properties": declared, "additionalProperties": False}
            by_owner = {
                "description": "The declarations of the registry, by owner.",
                "type": "object",
                "propertyNames": {"pattern": "^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$"},
                "additionalProperties": declaration,
            }
            return {**self._fields(message, "mode", "unmanaged_elements"), "declarations": by_owner}, []
        if kind == "Account":
            return self._fields(
                message, "display_name", "labels", "organizational_unit", "state", "enabled_regions"
            ), []
        if kind == "RegistrySet":
            return self._set(message), ["selector", "settings"]
        remembered = {
            "description": "The provenance of the role with this id, as an export has it.",
            "type": "object",
            "properties": {
                "roleId": {"type": "string"},
                "provenance": {"enum": ["CREATED", "ADOPTED", "AUTO_CREATED"]},
            },
            "required": ["roleId", "provenance"],
            "additionalProperties": False,
        }
        return {**self._fields(message, "mode", "description", "tags"), "remembered": remembered}, []

    def _set(self, message: Any) -> Json:
        fields = self._fields(
            message,
            "selector",
            "settings",
            "overrides",
            "strategy",
            "deletion_policy",
            "allow_replacement",
            "max_removals",
        )
        exported = {"description": "Where the rollouts of the set are, as an export has it."}
        number = {**exported, "type": "string"}
        return {**fields, "revision": number, "currentRevision": number, "author": {**exported, "type": "object"}}

    def _declared(self) -> Json:
        message = self._pool.FindMessageTypeByName(_PACKAGE + "RegistrySettings")
        return self._fields(message, "deletion_policy", "allow_replacement", "apply_group", "settings")

    def _fields(self, message: Any, *names: str) -> Json:
        fields = (message.fields_by_name[name] for name in names)
        return {field.json_name: self._field(field) for field in fields}

    def _field(self, field: Any) -> Json:
        rules = self._rules(field)
        schema: Json = {"description": self._comments.get(field.full_name, "")}
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            return {**schema, **_map(rules.get("map", {}))}
        if not field.is_repeated:
            return {**schema, **self._single(field, rules)}
        listed = rules.get("repeated", {})
        schema |= {"type": "array", "items": self._single(field, listed.get("items", {}))}
        return schema | _renamed(listed, minItems="minItems", maxItems="maxItems", unique="uniqueItems")

    def _single(self, field: Any, rules: Json) -> Json:
        if field.message_type is not None:
            # The rules of settings apply to what a template becomes.
            of_template = field.message_type.name == "Settings" and field.containing_type.name in _TEMPLATES
            return {"type": "object"} if of_template else self._reference(field.message_type)
        if field.enum_type is not None:
            return {"enum": [value.name for value in field.enum_type.values if value.number]}
        kind = descriptor_pb2.FieldDescriptorProto.Type.Name(field.type)
        if kind == "TYPE_BOOL":
            return {"type": "boolean"}
        if kind in _NUMBERS:
            return {"type": "integer"}
        text = _text(rules.get("string", {}))
        return {"anyOf": [text, {"type": "object"}]} if field.name in _POLICIES else text

    def _reference(self, message: Any) -> Json:
        if not message.full_name.startswith(_PACKAGE):
            return {}
        name = message.full_name.removeprefix(_PACKAGE)
        if name not in self._definitions:
            self._definitions[name] = {}
            self._definitions[name] = self._message(message, name)
        return {"allOf": [{"$ref": f"#/definitions/{name}"}]}

    def _message(self, message: Any, name: str) -> Json:
        schema: Json = {
            "type": "object",
            "properties": {field.json_name: self._field(field) for field in message.fields},
            "additionalProperties": False,
        }
        required = [field.json_name for field in message.fields if self._is_required(field)]
        if required:
            schema["required"] = required
        description = self._comments[message.full_name]
        if name not in LISTS:
            return {"description": description, **schema}
        return {"description": description, "anyOf": [schema, schema["properties"][LISTS[name]]]}

    def _is_required(self, field: Any) -> bool:
        return "REQUIRED" in self._option(field, "[google.api.field_behavior]", [])

    def _rules(self, field: Any) -> Json:
        rules: Json = self._option(field, "[buf.validate.field]", {})
        return rules

    def _option(self, field: Any, name: str, default: Any) -> Any:
        options = self._options.FromString(field.GetOptions().SerializeToString())
        return json_format.MessageToDict(options, descriptor_pool=self._pool).get(name, default)


_MARK = {
    "title": "Export",
    "description": "The first and the last document of an export, which show whether it is whole.",
    "type": "object",
    "properties": {
        "apiVersion": {"const": "ecrkeeper/v1"},
        "kind": {"enum": ["Export", "End"]},
        "documents": {"type": "integer"},
    },
    "required": ["apiVersion", "kind"],
    "additionalProperties": False,
}


def _renamed(rules: Json, **names: str) -> Json:
    """Return rules by their names in JSON schema.

    `json_format` writes numbers of 64 bits as text.
    """
    renamed = {schema_name: rules[name] for name, schema_name in names.items() if name in rules}
    return {name: int(value) if isinstance(value, str) else value for name, value in renamed.items()}


def _text(rules: Json) -> Json:
    schema: Json = {"type": "string", **_renamed(rules, minLen="minLength", maxLen="maxLength")}
    if "in" in rules:
        schema["enum"] = rules["in"]
    if "pattern" in rules and not _FOREIGN.search(rules["pattern"]):
        schema["pattern"] = rules["pattern"]
    return schema


def _map(rules: Json) -> Json:
    keys = _renamed(rules.get("keys", {}).get("string", {}), minLen="minLength", maxLen="maxLength")
    schema: Json = {"type": "object", "propertyNames": keys, **_renamed(rules, maxPairs="maxProperties")}
    schema["additionalProperties"] = _text(rules.get("values", {}).get("string", {}))
    return schema


def comments_of(file: descriptor_pb2.FileDescriptorProto) -> Iterator[tuple[str, str]]:
    """Yield the comment of each message and field by its full name."""
    for location in file.source_code_info.location:
        name = _name_of(file, list(location.path))
        if name and location.leading_comments:
            text = re.sub(
                r"^(Output only|Optional|Required|Identifier)\. ", "", " ".join(location.leading_comments.split())
            )
            yield f"{file.package}.{name}", text


def _name_of(file: descriptor_pb2.FileDescriptorProto, path: list[int]) -> str:
    """Return the name of a message or field by its path.

    In the path, 4 is a message, 3 a message in it, and 2 a field.
    """
    names: list[str] = []
    inside: Any = file
    steps = {4: "message_type"}
    for number, index in zip(path[::2], path[1::2], strict=False):
        if number not in steps:
            return ""
        inside = getattr(inside, steps[number])[index]
        names.append(inside.name)
        steps = {3: "nested_type", 2: "field"}
    return ".".join(names) if len(path) % 2 == 0 else ""


if __name__ == "__main__":
    main()
