"""Generate the OpenAPI document of the unary calls over HTTP.

Usage: `python protos/openapi.py DESCRIPTORS FILE`.

The shapes, the limits and the texts are those of the protos.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2
from schema import Json, Schema

_SERVICES = ("ecrkeeper.v1.", "google.longrunning.", "grpc.health.")
_WELL_KNOWN: dict[str, Json] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$"},
    "google.protobuf.FieldMask": {"type": "string", "description": "Paths of fields, separated by commas."},
    "google.protobuf.Empty": {"type": "object"},
    "google.protobuf.Struct": {"type": "object"},
    "google.protobuf.Value": {},
    "google.protobuf.ListValue": {"type": "array", "items": {}},
    "google.protobuf.Any": {
        "type": "object",
        "properties": {"@type": {"type": "string"}},
        "additionalProperties": True,
    },
}
_WIDE = {"TYPE_INT64", "TYPE_UINT64", "TYPE_SINT64", "TYPE_FIXED64", "TYPE_SFIXED64"}
_CODES = [
    "canceled", "unknown", "invalid_argument", "deadline_exceeded", "not_found", "already_exists", "permission_denied",
    "resource_exhausted", "failed_precondition", "aborted", "out_of_range", "unimplemented", "internal", "unavailable",
    "data_loss", "unauthenticated",
]  # fmt: skip
_ERROR: Json = {
    "description": "The error of a call: docs/errors.md lists the reasons in its details.",
    "type": "object",
    "properties": {
        "code": {"enum": _CODES},
        "message": {"type": "string"},
        "details": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "type": {"type": "string", "description": "Name of the message, such as google.rpc.ErrorInfo."},
                    "value": {"type": "string", "description": "The message in base64, without padding."},
                    "debug": {"type": "object", "description": "The message in JSON."},
                },
            },
        },
    },
    "required": ["code"],
}


def main() -> None:
    """Write the document."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("descriptors", type=Path)
    parser.add_argument("file", type=Path)
    arguments = parser.parse_args()
    files = descriptor_pb2.FileDescriptorSet.FromString(arguments.descriptors.read_bytes())
    document = json.dumps(Document(files).document(), indent=1, ensure_ascii=False)
    arguments.file.write_text(document + "\n", encoding="utf-8")


class Document(Schema):
    """Makes the document of the descriptors."""

    def __init__(self, files: descriptor_pb2.FileDescriptorSet) -> None:
        super().__init__(files)
        self._files = files

    def document(self) -> Json:
        """Return the document."""
        paths = {
            f"/{file.package}.{service.name}/{method.name}": {"post": self._call(file, at, number)}
            for file in self._files.file
            if f"{file.package}.".startswith(_SERVICES)
            for at, service in enumerate(file.service)
            for number, method in enumerate(service.method)
            if not method.server_streaming
        }
        return {
            "openapi": "3.1.0",
            "info": {
                "title": "ecrkeeper",
                "version": "v1",
                "description": "The unary calls of ecrkeeper over HTTP, in Connect's protocol. Streams have "
                "envelopes, which OpenAPI cannot describe; use a client of Connect for them.",
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "servers": [{"url": "http://127.0.0.1:8080"}],
            "security": [{"token": []}, {}],
            "paths": dict(sorted(paths.items())),
            "components": {
                "schemas": {"connect.Error": _ERROR, **dict(sorted(self._definitions.items()))},
                "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
                "parameters": {
                    "version": {
                        "name": "Connect-Protocol-Version", "in": "header", "required": True, "schema": {"const": "1"},
                    },
                    "timeout": {
                        "name": "Connect-Timeout-Ms",
                        "in": "header",
                        "schema": {"type": "string", "pattern": "^[0-9]{1,10}$"},
                    },
                },
            },
        }  # fmt: skip

    def _call(self, file: Any, at: int, number: int) -> Json:
        service, method = file.service[at], file.service[at].method[number]
        request = self._pool.FindMessageTypeByName(method.input_type[1:])
        answer = self._pool.FindMessageTypeByName(method.output_type[1:])
        error = {"$ref": "#/components/schemas/connect.Error"}
        return {
            "operationId": f"{service.name}_{method.name}",
            "tags": [f"{file.package}.{service.name}"],
            "description": _comment(file, [6, at, 2, number]),
            "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in ("version", "timeout")],
            "requestBody": {"required": True, "content": {"application/json": {"schema": self._reference(request)}}},
            "responses": {
                "200": {
                    "description": "The answer.",
                    "content": {"application/json": {"schema": self._reference(answer)}},
                },
                "default": {"description": "An error.", "content": {"application/json": {"schema": error}}},
            },
        }

    def _reference(self, message: Any) -> Json:
        name = message.full_name
        if name in _WELL_KNOWN:
            return _WELL_KNOWN[name]
        if name not in self._definitions:
            self._definitions[name] = {}
            self._definitions[name] = {
                "description": self._comments.get(name, ""),
                "type": "object",
                "properties": {field.json_name: self._field(field) for field in message.fields},
                **self._required(message),
            }
        return {"$ref": f"#/components/schemas/{name}"}

    def _required(self, message: Any) -> Json:
        names = [field.json_name for field in message.fields if self._is_required(field)]
        return {"required": names} if names else {}

    def _field(self, field: Any) -> Json:
        schema = super()._field(field)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            value = field.message_type.fields_by_name["value"]
            if value.message_type is not None:
                schema["additionalProperties"] = self._reference(value.message_type)
        if "OUTPUT_ONLY" in self._option(field, "[google.api.field_behavior]", []):
            schema["readOnly"] = True
        return schema

    def _single(self, field: Any, rules: Json) -> Json:
        kind = descriptor_pb2.FieldDescriptorProto.Type.Name(field.type)
        if field.enum_type is not None:
            return {"enum": [value.name for value in field.enum_type.values]}
        if kind in _WIDE:
            return {"type": ["string", "integer"], "format": "int64"}
        if kind in ("TYPE_DOUBLE", "TYPE_FLOAT"):
            return {"type": "number"}
        if kind == "TYPE_BYTES":
            return {"type": "string", "contentEncoding": "base64"}
        schema = super()._single(field, rules)
        # A declaration file may hold a policy as an object; a call has its text.
        return schema["anyOf"][0] if "anyOf" in schema else schema


def _comment(file: Any, path: list[int]) -> str:
    locations = (each for each in file.source_code_info.location if list(each.path) == path)
    return " ".join(next((each.leading_comments for each in locations), "").split())


if __name__ == "__main__":
    main()
