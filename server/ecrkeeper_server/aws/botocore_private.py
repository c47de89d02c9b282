"""botocore's models, endpoints, serialisers and parsers.

These are the private interfaces of botocore that this project uses.

- Benefit: 17 instead of 380 µs to serialise a request, 17 instead of 300 µs to parse an answer of IAM or
  STS; 12 instead of 23 MB and 0.09 instead of 0.23 s of CPU for the models at the start; 18 µs instead of 4 ms for
  each new endpoint.
- Private are `botocore.loaders` (whose loader of files is replaced), `model`, `regions`, `endpoint_provider`,
  `serialize` and `parsers`; `botocore_public` says which modules count as public.
- Upstream: no issue is known; boto3 has no asynchronous client, and its session keeps its files as they are.
- Tested with botocore 1.44; `models.BOTOCORE` names the versions.
- With any other version, and in tests, the server uses `botocore_public` instead and logs a warning.
- `tests/conformance/test_codecs.py` runs both.
- Delete this module when the public one takes less than 1.1 times the CPU of a call and 5 MB more memory.
"""

from __future__ import annotations

import gzip
import json
import os
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import botocore.parsers
import botocore.serialize
from botocore.awsrequest import HeadersDict
from botocore.endpoint_provider import EndpointProvider
from botocore.loaders import JSONFileLoader, Loader, create_loader
from botocore.model import ServiceModel
from botocore.regions import EndpointResolver

from ecrkeeper_server.aws.codec import ALWAYS_USED, SERVICES, Location, Serialized

# The name of ECR in botocore's list of endpoints.
_ECR = "api.ecr"


class PrivateCodec:
    """The codec of botocore's internals, which load only the data that is used."""

    def load(self) -> None:
        """Read the data that every installation uses."""
        endpoint_resolver()
        for name in ALWAYS_USED:
            service_model(name)

    def model(self, service: str) -> ServiceModel:
        """Return the model of a service."""
        return service_model(service)

    def protocol(self, service: str) -> str:
        """Return the protocol that botocore prefers for a service.

        A service may have several; ECR's is json.
        """
        model = service_model(service)
        result: str = getattr(model, "resolved_protocol", None) or model.protocol
        return result

    def regions(self, partition: str) -> list[str]:
        """Return the Regions of a partition that have ECR."""
        return list(endpoint_resolver().get_available_endpoints(_ECR, partition))

    def partitions(self) -> list[str]:
        """Return the partitions."""
        return list(endpoint_resolver().get_available_partitions())

    def locate(self, service: str, region: str, *, fips: bool, dual_stack: bool) -> Location:
        """Return the host of a service for a Region, and the Region to sign for."""
        # boto3 resolves endpoints by the rule set of a service; `endpoints` lists some that do not exist.
        options = {"UseFIPS": fips, "UseDualStack": dual_stack}
        if service == "sts":
            options["UseGlobalEndpoint"] = False
        result = _rules(service).resolve_endpoint(Region=region, **options)
        schemes = result.properties.get("authSchemes") or [{}]
        return Location(urlsplit(result.url).netloc, schemes[0].get("signingRegion", region))

    def serialize(self, service: str, operation: str, params: dict[str, Any]) -> Serialized:
        """Return a request; raises botocore's ParamValidationError."""
        parts = _serializer(self.protocol(service)).serialize_to_request(
            params, service_model(service).operation_model(operation)
        )
        body = parts["body"]
        if isinstance(body, dict):
            body = urlencode(body)
        data = body.encode() if isinstance(body, str) else body or b""
        return Serialized(parts["method"], parts["url_path"], dict(parts["headers"]), data)

    def parse(self, service: str, operation: str, status: int, headers: dict[str, str], body: bytes) -> dict[str, Any]:
        """Return the members of an answer, or of an error; raises any exception."""
        response = {"status_code": status, "headers": HeadersDict(headers), "body": body}
        shape = service_model(service).operation_model(operation).output_shape if status < 300 else None
        result: dict[str, Any] = _parser(self.protocol(service)).parse(response, shape)
        return result


@cache
def _rules(service: str) -> EndpointProvider:
    return EndpointProvider(_latest(service, "endpoint-rule-set-1"), _loader().load_data("partitions"))


@cache
def _serializer(protocol: str) -> Any:
    return botocore.serialize.create_serializer(protocol)


@cache
def _parser(protocol: str) -> Any:
    return botocore.parsers.create_parser(protocol)


class _Plain(JSONFileLoader):  # type: ignore[misc]
    """Reads botocore's files into dictionaries: half the time, a third of the memory."""

    def load_file(self, file_path: str) -> Any:
        """The content of a file; None if there is none."""
        for suffix, unpacked in ((".json", bytes), (".json.gz", gzip.decompress)):
            path = Path(file_path + suffix)
            if path.is_file():
                return json.loads(unpacked(path.read_bytes()))
        return None


@cache
def _loader() -> Loader:
    result = create_loader(os.environ.get("AWS_DATA_PATH"))
    result.file_loader = _Plain()
    return result


def _latest(service: str, kind: str) -> Any:
    """Return the newest file of a service.

    `Loader.load_service_model` would list the folders of all services, 30 ms for each kind, to name them in an error.
    """
    return _loader().load_data(f"{service}/{_loader().determine_latest_version(service, kind)}/{kind}")


@cache
def service_model(name: str) -> ServiceModel:
    """Return the model of one of `SERVICES`.

    ValueError for any other, which would have no endpoint.
    """
    if name not in SERVICES:
        raise ValueError(name)
    model = _latest(name, "service-2")
    for part in (*model["operations"].values(), *model["shapes"].values()):
        for described in (part, *part.get("members", {}).values()):
            described.pop("documentation", None)
    return ServiceModel(model, name)


@cache
def endpoint_resolver() -> EndpointResolver:
    """Return which Regions have which services."""
    data = _loader().load_data("endpoints")
    for partition in data["partitions"]:
        services = partition["services"]
        partition["services"] = {_ECR: services[_ECR]} if _ECR in services else {}
    return EndpointResolver(data)
