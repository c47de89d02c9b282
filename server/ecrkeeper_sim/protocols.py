"""Parsing of requests, and serialization of answers, for each AWS protocol."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from ecrkeeper_sim import models
from ecrkeeper_sim.clock import iso8601
from ecrkeeper_sim.errors import AwsError
from ecrkeeper_sim.models import Operation


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer before it is sent."""

    status: int
    content_type: str
    body: bytes
    error_code: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def parse(service: str, method: str, path: str, target: str, body: bytes) -> tuple[str, Any]:
    """Return the operation name and the raw parameters.

    Raises AwsError when the request cannot be read.
    """
    protocol = models.protocol(service)
    if protocol == "query":
        flat = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        return flat.get("Action", ""), flat
    if protocol == "rest-json":
        return models.rest_operation(service, method, path) or f"{method} {path}", _json_object(body)
    prefix, _, name = target.rpartition(".")
    if prefix != models.target_prefix(service):
        return target, {}
    return name, _json_object(body)


def typed_params(operation: Operation, raw: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters with the structure and types that the model gives them."""
    if models.protocol(operation.service) != "query":
        return raw
    shape = operation.model.input_shape
    if shape is None:
        return {}
    value = _from_query(shape, _tree(raw))
    return value if isinstance(value, dict) else {}


def success(operation: Operation, result: Mapping[str, Any], request_id: str) -> Answer:
    """Return the answer that carries the result of an operation."""
    protocol = models.protocol(operation.service)
    if protocol == "query":
        return Answer(200, "text/xml", _xml_result(operation, result, request_id).encode())
    return Answer(200, _json_type(operation.service), json.dumps(result).encode())


def failure(service: str, error: AwsError, request_id: str) -> Answer:
    """Return the answer that carries an error."""
    side = "Sender" if error.status < 500 else "Receiver"
    if service in models.SERVICES and models.protocol(service) != "query":
        body = json.dumps({"__type": error.code, "message": error.message})
        headers = {"x-amzn-query-error": f"{error.query_code};{side}"} if error.query_code else {}
        return Answer(error.status, _json_type(service), body.encode(), error.code, headers)
    namespace = models.service_model(service).metadata["xmlNamespace"] if service in models.XML_SERVICES else ""
    text = (
        f'<ErrorResponse xmlns="{namespace}"><Error><Type>{side}</Type><Code>{escape(error.code)}</Code>'
        f"<Message>{escape(error.message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    )
    return Answer(error.status, "text/xml", text.encode(), error.code)


def _json_type(service: str) -> str:
    if models.protocol(service) == "rest-json":
        return "application/json"
    return "application/x-amz-json-" + str(models.service_model(service).metadata["jsonVersion"])


def _json_object(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        value = json.loads(body)
    except ValueError:
        raise AwsError("SerializationException", "Unable to parse the request body as JSON") from None
    if not isinstance(value, dict):
        raise AwsError("SerializationException", "Start of structure or map expected")
    return value


def _tree(flat: Mapping[str, str]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for key, value in flat.items():
        if key in ("Action", "Version"):
            continue
        node = tree
        *parents, last = key.split(".")
        for name in parents:
            child = node.get(name)
            if not isinstance(child, dict):
                child = node[name] = {}
            node = child
        node[last] = value
    return tree


def _from_query(shape: Any, node: Any) -> Any:
    if shape.type_name == "structure":
        if not isinstance(node, dict):
            return node
        return {k: _from_query(shape.members[k], v) if k in shape.members else v for k, v in node.items()}
    if shape.type_name == "list":
        items = node.get("member", {}) if isinstance(node, dict) else {}
        ordered = sorted(items.items(), key=lambda item: int(item[0]) if item[0].isdigit() else 0)
        return [_from_query(shape.member, value) for _, value in ordered]
    if shape.type_name in ("integer", "long") and isinstance(node, str) and node.lstrip("-").isdigit():
        return int(node)
    if shape.type_name == "boolean" and node in ("true", "false"):
        return node == "true"
    return node


def _xml_result(operation: Operation, result: Mapping[str, Any], request_id: str) -> str:
    name = operation.name
    namespace = models.service_model(operation.service).metadata["xmlNamespace"]
    shape = operation.model.output_shape
    inner = f"<{name}Result>{_xml_members(shape, result)}</{name}Result>" if shape is not None else ""
    return (
        f'<{name}Response xmlns="{namespace}">{inner}'
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{name}Response>"
    )


def _xml_members(shape: Any, value: Mapping[str, Any]) -> str:
    parts = []
    for name, member in shape.members.items():
        if value.get(name) is not None:
            parts.append(f"<{name}>{_xml_value(member, value[name])}</{name}>")
    return "".join(parts)


def _xml_value(shape: Any, value: Any) -> str:
    if shape.type_name == "structure":
        return _xml_members(shape, value)
    if shape.type_name == "list":
        return "".join(f"<member>{_xml_value(shape.member, item)}</member>" for item in value)
    if shape.type_name == "timestamp":
        return iso8601(value)
    if shape.type_name == "boolean":
        return "true" if value else "false"
    return escape(str(value), {"\r": "&#xD;"})
