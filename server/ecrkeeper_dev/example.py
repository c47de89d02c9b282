"""The example of two teams that share registries of two accounts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ecrkeeper
import grpc
from ecrkeeper_files import documents
from ecrkeeper_files.sources import Text
from ecrkeeper_sim.secrets_api import add_secret, find_secret

from ecrkeeper_dev.certificates import Files

_ACCOUNT, _REGION, _SECRET = "111111111111", "us-east-1", "ecr-pullthroughcache/docker-hub"


def files() -> list[Path]:
    """Return the files of the example."""
    return sorted((Path(__file__).parent / "two-accounts").glob("*.yaml"))


async def declare(world: Any, address: str, ca: Files | None) -> bool:
    """Declare the example unless something is declared already; return whether it did."""
    credentials = None if ca is None else _credentials(ca)
    async with ecrkeeper.AsyncClient(address, insecure=ca is None, credentials=credentials) as client:
        async for _ in client.list_registry_settings(page_size=1):
            return False
        variables = {"DOCKER_HUB_SECRET_ARN": _secret(world)}
        parsed = documents.read([Text(path.name, path.read_bytes(), variables) for path in files()])
        for each in parsed.declarations:
            await client.apply_registry_settings(each.name, each.settings, reason="the example")
        for each in parsed.declarations:
            await client.wait_until_synced(each.name, 60.0)
    return True


def _credentials(ca: Files) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(Path(ca.ca_file).read_bytes())


def _secret(world: Any) -> str:
    """Return the ARN of the secret that the cache rule for Docker Hub logs in with."""
    secret = find_secret(world, _ACCOUNT, _REGION, _SECRET)
    if secret is None:
        login = '{"username": "example", "accessToken": "example"}'
        secret = add_secret(world, _ACCOUNT, _REGION, _SECRET, login, {})
    return str(secret.arn)
