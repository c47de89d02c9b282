"""botocore's public interface: clients whose events are handled here.

The clients therefore never send anything.

A client serialises a call, and a handler of its `before-send` event takes the request. A client parses an answer that
a handler of the same event returns. Signing, sending, deadlines, sizes and errors do not depend on the codec.

The reference of botocore's documentation counts as public: `botocore.session`, its clients with their `meta` and
their events, `botocore.config`, `botocore.exceptions`, `botocore.awsrequest` and `botocore.UNSIGNED`; and the
attributes without underscore of the objects that these return, such as the service model. boto3 adds only
its own clients, which are the same.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import botocore.session
from botocore import UNSIGNED
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from ecrkeeper_server.aws.codec import ALWAYS_USED, SERVICES, Location, Serialized

# Any operation without parameters: its request shows the host of a service and the Region to sign for.
_PROBES = {
    "ecr": "DescribeRegistry", "iam": "ListAccountAliases", "sts": "GetCallerIdentity", "account": "ListRegions",
    "organizations": "DescribeOrganization",
    "cloudtrail": "LookupEvents", "sqs": "ListQueues",
}  # fmt: skip
_SCOPE = re.compile(r"Credential=[^/]+/[0-9]{8}/([^/]+)/")
# Headers of boto3 itself; those of the connection are the transport's.
_NOT_OF_THE_CALL = frozenset(
    {"user-agent", "content-length", "host", "amz-sdk-invocation-id", "amz-sdk-request", "x-amzn-trace-id"}
)
# These clients ignore the profiles and endpoints of the environment.
_UNSET = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}


class _Result(Exception):
    """Carries a value out of a client's event and skips the rest of the call."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


class _Raw:
    """A body that has been read already."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self) -> Iterator[bytes]:
        """Return the whole body at once."""
        yield self._body


class PublicCodec:
    """The codec of botocore's clients."""

    def __init__(self) -> None:
        self._session = botocore.session.Session(session_vars=_UNSET)
        self._models: dict[str, Any] = {}
        self._clients: dict[tuple[str, bool], Any] = {}

    def load(self) -> None:
        """Read the data that every installation uses."""
        self.partitions()
        for name in ALWAYS_USED:
            self._client(name)

    def model(self, service: str) -> Any:
        """Return the model of a service; ValueError for any that is not one of `SERVICES`."""
        if service not in SERVICES:
            raise ValueError(service)
        if service not in self._models:
            self._models[service] = self._session.get_service_model(service)
        return self._models[service]

    def protocol(self, service: str) -> str:
        """Return the protocol that clients use."""
        model = self.model(service)
        result: str = getattr(model, "resolved_protocol", None) or model.protocol
        return result

    def regions(self, partition: str) -> list[str]:
        """Return the Regions of a partition that have ECR."""
        return list(self._session.get_available_regions("ecr", partition))

    def partitions(self) -> list[str]:
        """Return the partitions."""
        return list(self._session.get_available_partitions())

    def locate(self, service: str, region: str, *, fips: bool, dual_stack: bool) -> Location:
        """Return the host of a service for a Region, and the Region to sign for."""
        config = _config(use_fips_endpoint=fips, use_dualstack_endpoint=dual_stack)
        client = self._session.create_client(
            service,
            region,
            config=config,
            verify=False,
            aws_access_key_id="none",
            aws_secret_access_key="none",  # noqa: S106
        )
        request = _request(client, _PROBES[service], {})
        signature = request.headers.get("Authorization", "")
        signed = _SCOPE.search(signature.decode() if isinstance(signature, bytes) else signature)
        return Location(urlsplit(request.url).netloc, signed[1] if signed else region)

    def serialize(self, service: str, operation: str, params: dict[str, Any]) -> Serialized:
        """Return a request; raises botocore's ParamValidationError."""
        request = _request(self._client(service), operation, params)
        headers = {
            name: value.decode() if isinstance(value, bytes) else value
            for name, value in request.headers.items()
            if name.lower() not in _NOT_OF_THE_CALL
        }
        body = request.body or b""
        data = body.encode() if isinstance(body, str) else body
        return Serialized(request.method, urlsplit(request.url).path, headers, data)

    def parse(self, service: str, operation: str, status: int, headers: dict[str, str], body: bytes) -> dict[str, Any]:
        """Return the members of an answer, or of an error; raises any exception."""
        client = self._client(service, validating=False)
        answer = AWSResponse("https://localhost/", status, headers, _Raw(body))
        # Runs before other handlers change the parsed answer: they would turn IAM's policies into objects.
        answering = f"before-send.{service}", lambda **_: answer
        receiving = f"response-received.{service}", _receive
        events = client.meta.events
        for name, handler in (answering, receiving):
            events.register(name, handler)
        try:
            result: dict[str, Any] = _carried(client, operation, {})
        finally:
            for name, handler in (answering, receiving):
                events.unregister(name, handler)
        return result

    def _client(self, service: str, *, validating: bool = True) -> Any:
        """Return a client; a parsing one gets no parameters and does not validate them."""
        key = service, validating
        if key not in self._clients:
            config = _config(signature_version=UNSIGNED, parameter_validation=validating)
            self._clients[key] = self._session.create_client(
                service, "us-east-1", config=config, endpoint_url="https://localhost", verify=False
            )
        return self._clients[key]


def _config(**options: Any) -> Config:
    return Config(
        ignore_configured_endpoint_urls=True,
        disable_request_compression=True,
        retries={"mode": "standard", "total_max_attempts": 1},
        **options,
    )


def _request(client: Any, operation: str, params: dict[str, Any]) -> Any:
    """Return the request that a client would send."""
    name = f"before-send.{client.meta.service_model.service_name}"
    client.meta.events.register(name, _send)
    try:
        return _carried(client, operation, params)
    finally:
        client.meta.events.unregister(name, _send)


def _carried(client: Any, operation: str, params: dict[str, Any]) -> Any:
    """Call an operation, and return the value that a handler of its events raised."""
    method = next(name for name, known in client.meta.method_to_api_mapping.items() if known == operation)
    value = None
    try:
        getattr(client, method)(**params)
    except _Result as result:
        value = result.value
    if value is None:
        raise RuntimeError(f"the client did not take part: {operation}")
    return value


def _send(request: Any, **_: Any) -> None:
    raise _Result(request)


def _receive(parsed_response: Any, exception: Any, **_: Any) -> None:
    if parsed_response is not None:
        raise _Result(parsed_response)
    if exception is not None:
        raise exception
