"""largest_declaration: an Update and a FULL view of the largest replication that AWS allows, as CPU time.

The declaration has 25 destinations and 2,500 filters, which are 62,500 pairs; a second owner declares most of them,
too. The engine is off, so that only the API is measured.
"""

from __future__ import annotations

from typing import Any

import ecrkeeper
from ecrkeeper.v1 import registry_pb2

from benchmarks.api import UNLIMITED
from benchmarks.api_server import ApiServer
from benchmarks.environment import Environment
from benchmarks.measure import cpu_seconds, cpu_since
from benchmarks.processes import stopping
from benchmarks.report import Report
from benchmarks.sizes import Sizes

_REGISTRY = "accounts/111111111111/registries/us-east-1"
_DESTINATIONS, _RULES, _FILTERS = 25, 25, 100
_MAX_UPDATE_MS, _MAX_VIEW_MS, _MAX_VIEW_MB = 50.0, 50.0, 1.0


def declaration(rules: int, last: str) -> dict[str, Any]:
    """Return rules that replicate 100 filters each to all destinations; the last filter ends with `last`."""
    destinations = [{"region": "eu-west-1", "registry_id": str(222_222_222_200 + i)} for i in range(_DESTINATIONS)]
    texts = [[f"team-{rule:02}/{i:02}" for i in range(_FILTERS)] for rule in range(rules)]
    texts[-1][-1] += last
    filters = [[{"filter": text, "filter_type": "PREFIX_MATCH"} for text in each] for each in texts]
    return {
        "replication_configuration": {
            "rules": [{"destinations": destinations, "repository_filters": each} for each in filters]
        }
    }


def run(report: Report, sizes: Sizes, environment: Environment) -> None:
    """Measure both calls on each database."""
    pairs = _DESTINATIONS * _RULES * _FILTERS
    report.note(f"{_DESTINATIONS} destinations and {_RULES * _FILTERS} filters: {pairs} pairs")
    rows = []
    for name in sizes.databases:
        folder = environment.folder / f"largest-{name}"
        folder.mkdir(exist_ok=True)
        with (
            stopping(ApiServer(folder, environment.database(name), environment.responder.url, **UNLIMITED)) as server,
            ecrkeeper.Client(server.address, insecure=True) as client,
        ):
            update, view, size = _measured(sizes.largest_updates, client, server.process.pid)
        rows += [(name, "update", update, ""), (name, "view FULL", view, size)]
        report.target(f"{name}: CPU of an Update", update, _MAX_UPDATE_MS, unit=" ms")
        report.target(f"{name}: CPU of a FULL view", view, _MAX_VIEW_MS, unit=" ms")
        report.target(f"{name}: size of a FULL view", size, _MAX_VIEW_MB, unit=" MB")
    report.table(f"{sizes.largest_updates} calls each", ("database", "call", "CPU ms/call", "MB"), rows)


def _measured(calls: int, client: ecrkeeper.Client, pid: int) -> tuple[float, float, float]:
    """Return the server's CPU time of an Update and of a view in milliseconds, and the size of the view in MB."""

    def update(last: str) -> None:
        settings = {"name": f"{_REGISTRY}/settings/platform", "settings": declaration(_RULES, last)}
        client.update_registry_settings(settings, allow_missing=True)

    other = {"name": f"{_REGISTRY}/settings/other", "settings": declaration(_RULES - 5, "")}
    client.update_registry_settings(other, allow_missing=True)
    update("")
    before = cpu_seconds(pid)
    for number in range(calls):
        update(str(number % 2))
    updates = cpu_since(pid, before)
    before = cpu_seconds(pid)
    for _ in range(calls):
        found = client.get_registry(_REGISTRY, view=registry_pb2.FULL)
    views = cpu_since(pid, before)
    return 1_000 * updates / calls, 1_000 * views / calls, found.ByteSize() / 1e6
