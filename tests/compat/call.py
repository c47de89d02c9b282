"""Call a server with the installed client; print JSON.

Usage: `python call.py ADDRESS NAME`.

Runs in environments that contain only the client. Warnings are errors, because a program that
imports the client must not see any.
"""

from __future__ import annotations

import asyncio
import json
import sys

import ecrkeeper
import google.protobuf
import grpc

DECLARED = {"scanning_configuration": {"scan_type": "ENHANCED", "rules": []}}


def main() -> None:
    """Declare, wait, list, and send a request that breaks a rule."""
    address, name = sys.argv[1:]
    registry = name.partition("/settings/")[0]
    with ecrkeeper.Client(address, insecure=True) as client:
        client.apply_registry_settings(name, DECLARED)
        client.wait_until_synced(name, timeout=30)
        listed = [each.name for each in client.list_registries(registry.partition("/registries/")[0])]
        try:
            client.apply_registry_settings(name, {"registry_policy": {"policy_text": ""}, **WRONG})
        except ecrkeeper.InvalidArgument as error:
            violations = [each.field for each in error.violations]
    print(json.dumps({
        "protobuf": google.protobuf.__version__, "grpcio": grpc.__version__, "listed": listed, "violations": violations,
        "asynchronous": asyncio.run(_again(address, name)),
    }))  # fmt: skip


WRONG = {"replication_configuration": {"rules": [{"destinations": [{"region": "!", "registry_id": "1"}]}]}}


async def _again(address: str, name: str) -> str:
    async with ecrkeeper.AsyncClient(address, insecure=True) as client:
        stored = await client.get_registry_settings(name)
        return str(stored.name)


main()
