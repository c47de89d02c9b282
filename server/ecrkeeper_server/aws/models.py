"""botocore's service models and endpoints, and of them only what is used.

botocore's session keeps its files as they are, documentation and the endpoints
of all services included, in ordered dictionaries: 12 MB that a server would
carry for nothing.
"""

from __future__ import annotations

import gzip
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

from botocore.loaders import JSONFileLoader, Loader, create_loader
from botocore.model import ServiceModel
from botocore.regions import EndpointResolver

# The services that are called; endpoints of others are forgotten.
ALWAYS_USED = ("ecr", "iam", "sts")
SERVICES = (*ALWAYS_USED, "account")
_ENDPOINTS = ("api.ecr", "iam", "sts", "account")


class _Plain(JSONFileLoader):  # type: ignore[misc]
    """Reads botocore's files into plain dictionaries: half the time and a third of the memory."""

    def load_file(self, file_path: str) -> Any:
        """The content of a file; None if there is none."""
        for suffix, unpacked in ((".json", bytes), (".json.gz", gzip.decompress)):
            path = Path(file_path + suffix)
            if path.is_file():
                return json.loads(unpacked(path.read_bytes()))
        return None


@cache
def _loader() -> Loader:
    found = create_loader(os.environ.get("AWS_DATA_PATH"))
    found.file_loader = _Plain()
    return found


def load() -> None:
    """Read what every installation uses.

    To be called before all else is imported: for a moment, the endpoints take
    10 MB, which are filled again by what comes after.
    """
    endpoint_resolver()
    for name in ALWAYS_USED:
        service_model(name)


@cache
def service_model(name: str) -> ServiceModel:
    """The model of one of `SERVICES`; ValueError for any other, which would have no endpoint."""
    if name not in SERVICES:
        raise ValueError(name)
    model = _loader().load_service_model(name, "service-2")
    for part in (*model["operations"].values(), *model["shapes"].values()):
        for described in (part, *part.get("members", {}).values()):
            described.pop("documentation", None)
    return ServiceModel(model, name)


@cache
def endpoint_resolver() -> EndpointResolver:
    """Where the services are, in every partition."""
    data = _loader().load_data("endpoints")
    for partition in data["partitions"]:
        services = partition["services"]
        partition["services"] = {name: services[name] for name in _ENDPOINTS if name in services}
    return EndpointResolver(data)
