"""Requests of AWS's protocols, serialised by botocore and signed here.

A service model is loaded once and shared by all accounts and Regions.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import Any
from urllib.parse import urlsplit

from msgspec import structs

from ecrkeeper_server.aws import models
from ecrkeeper_server.aws.codec import ALWAYS_USED, Codec, Serialized
from ecrkeeper_server.aws.connection import Response
from ecrkeeper_server.aws.environment import AwsEnvironment
from ecrkeeper_server.aws.reading import Answer, Reader
from ecrkeeper_server.aws.request_parts import serializing
from ecrkeeper_server.aws.signer import sign
from ecrkeeper_server.aws.transport import Address
from ecrkeeper_server.aws.tunnel import proxy_authorization
from ecrkeeper_server.aws.user_agent import PROGRAM, user_agent
from ecrkeeper_server.turns import Steps

_SERIALIZED = 256


@dataclass(frozen=True, slots=True)
class Credentials:
    """Keys to sign with; `expires` is in seconds since 1970, None for permanent keys."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)
    expires: float | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The endpoint of a service for a Region, and the Region to sign for."""

    address: Address
    host: str
    # The prefix of the request target: the host, if an HTTP proxy is used; it is not signed.
    prefix: str
    scope: str
    proxy_headers: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A signed request."""

    address: Address
    method: str
    target: str
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def encode(self) -> bytes:
        """Return the request as sent."""
        lines = [f"{self.method} {self.target} HTTP/1.1", *[f"{k}: {v}" for k, v in self.headers.items()], "", ""]
        head = "\r\n".join(lines)
        if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1:
            raise ValueError("a line break in a header")
        return head.encode("ascii") + self.body


class Wire:
    """Turns calls into signed requests, and responses into answers."""

    def __init__(
        self,
        endpoint_url: str | None = None,
        clock: Callable[[], float] = time.time,
        environment: AwsEnvironment | None = None,
        codec: Codec | None = None,
        product: str = PROGRAM,
    ) -> None:
        self._product = product
        self._endpoint_url = endpoint_url
        self._environment = environment or AwsEnvironment()
        self._clock = clock
        self._codec = codec or models.codec()
        self._services: dict[str, _Service] = {}
        self._endpoints: dict[tuple[str, str], Endpoint] = {}

    def service(self, name: str) -> _Service:
        """Return the model of a service, loaded at first use."""
        if name not in self._services:
            self._services[name] = _Service(self._codec, name)
        return self._services[name]

    def warm_up(self) -> None:
        """Load the models that every installation uses."""
        self.partitions()
        for name in ALWAYS_USED:
            self.service(name)

    def regions(self, partition: str) -> list[str]:
        """Return the Regions of a partition that have ECR, from botocore."""
        return sorted(self._codec.regions(partition))

    def partitions(self) -> list[str]:
        """Return the partitions, from botocore."""
        return self._codec.partitions()

    def endpoint(self, service: str, region: str) -> Endpoint:
        """Return the endpoint of a service for a Region; IAM has one for each partition."""
        key = (service, region)
        if key not in self._endpoints:
            variants = self._environment
            host, scope = self._codec.locate(service, region, fips=variants.fips, dual_stack=variants.dual_stack)
            url = (self._endpoint_url or variants.endpoint_url(service) or f"https://{host}").rstrip("/")
            direct = Endpoint(_address_of(url), _host_of(url), urlsplit(url).path, scope)
            self._endpoints[key] = _by_proxy(direct, variants)
        return self._endpoints[key]

    def prepare(
        self, service: str, region: str, operation: str, params: dict[str, Any], credentials: Credentials
    ) -> Prepared:
        """Return a signed request for one call."""
        return self._signed(service, region, self.service(service).serialize(operation, params), credentials)

    def preparing(
        self, service: str, region: str, operation: str, params: dict[str, Any], credentials: Credentials
    ) -> Steps[Prepared]:
        """Return the same in steps, for large parameters."""
        serialized = yield from serializing(partial(self.service(service).serialize, operation), params)
        yield
        return self._signed(service, region, serialized, credentials)

    def _signed(self, service: str, region: str, serialized: Serialized, credentials: Credentials) -> Prepared:
        spec = self.service(service)
        endpoint = self.endpoint(service, region)
        method, path, operation_headers, data = serialized
        headers = sign(
            method,
            endpoint.host,
            path,
            operation_headers,
            data,
            access_key=credentials.access_key,
            secret_key=credentials.secret_key,
            token=credentials.token,
            region=endpoint.scope,
            service=spec.model.signing_name,
            now=self._clock(),
        )
        sent = {
            "Host": endpoint.host,
            **headers,
            "User-Agent": user_agent(self._product),
            "Content-Length": str(len(data)),
            **endpoint.proxy_headers,
        }
        return Prepared(endpoint.address, method, endpoint.prefix + path, sent, data)

    def read(self, service: str, operation: str, response: Response) -> Answer:
        """Return the answer in a response; raises InvalidAnswer."""
        return self.service(service).reader.read(operation, response)

    def reading(self, service: str, operation: str, response: Response) -> Steps[Answer]:
        """Return the same in steps, for a long answer."""
        return self.service(service).reader.reading(operation, response)


def _by_proxy(endpoint: Endpoint, environment: AwsEnvironment) -> Endpoint:
    """Return an endpoint without TLS as its proxy reaches it, if there is one.

    With TLS, the transport opens a tunnel.
    """
    address = endpoint.address
    proxy = "" if address.tls else environment.proxy(address.host, address.port, tls=False)
    if not proxy:
        return endpoint
    prefix = f"http://{endpoint.host}{endpoint.prefix}"
    reached = structs.replace(_address_of(proxy), is_proxy=True)
    return replace(endpoint, address=reached, prefix=prefix, proxy_headers=proxy_authorization(proxy))


def _address_of(url: str) -> Address:
    parts = urlsplit(url)
    tls = parts.scheme != "http"
    return Address(parts.hostname or "", parts.port or (443 if tls else 80), tls)


def _host_of(url: str) -> str:
    """Return the Host header for a URL, with the port unless it is the default."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    return host if parts.port in (None, usual) else f"{host}:{parts.port}"


class _Service:
    def __init__(self, codec: Codec, name: str) -> None:
        self.model = codec.model(name)
        self._codec = codec
        self._name = name
        self.reader = Reader(codec, name)
        self._plain = lru_cache(maxsize=_SERIALIZED)(self._serialize_plain)

    def serialize(self, operation: str, params: Mapping[str, Any]) -> Serialized:
        """Return method, path, headers and body of a call, checked against the model.

        A fleet is read with few different requests, so those with plain parameters are
        cached.
        """
        if any(isinstance(value, (dict, list)) for value in params.values()):
            return self._codec.serialize(self._name, operation, dict(params))
        return self._plain(operation, tuple(params.items()))

    def _serialize_plain(self, operation: str, params: tuple[tuple[str, Any], ...]) -> Serialized:
        return self._codec.serialize(self._name, operation, dict(params))
