"""largest_declaration: CPU time of an Update and a FULL view of the most pairs.

The declaration is the largest replication that AWS allows. It has 25 destinations and 2,500 filters, which are 62,500
pairs; a second owner declares most of them, too. The baseline is the same server with the same filters and one
destination, which are 2,500 pairs. The engine is off, so that only the API is measured.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
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

_REGISTRY = "accounts/111111111111/registries/{region}"
_DESTINATIONS, _RULES, _FILTERS = 25, 25, 100
# The message is 2.1 times as long as that of one destination, the pairs are 25 times as many.
_MAX_RATIO, _MAX_MS, _MAX_VIEW_MB = 3.0, 50.0, 1.0


def declaration(rules: int, last: str, destinations: int = _DESTINATIONS, filters: int = _FILTERS) -> dict[str, Any]:
    """Return rules that replicate some filters each to all destinations.

    The last filter ends with `last`.
    """
    places = [{"region": "eu-west-1", "registry_id": str(222_222_222_200 + i)} for i in range(destinations)]
    texts = [[f"team-{rule:02}/{i:02}" for i in range(filters)] for rule in range(rules)]
    texts[-1][-1] += last
    texts_of = [[{"filter": text, "filter_type": "PREFIX_MATCH"} for text in each] for each in texts]
    rules_of = [{"destinations": places, "repository_filters": each} for each in texts_of]
    return {"replication_configuration": {"rules": rules_of}}


class _Registry:
    """A registry with two owners, and calls on it."""

    def __init__(self, client: ecrkeeper.Client, pid: int, region: str, destinations: int) -> None:
        self._client, self._pid, self._destinations = client, pid, destinations
        self._name = _REGISTRY.format(region=region)
        self._updates = 0
        self._declare("other", declaration(_RULES - 5, "", destinations))
        self.update()

    def _declare(self, owner: str, settings: dict[str, Any]) -> None:
        name = f"{self._name}/settings/{owner}"
        self._client.update_registry_settings({"name": name, "settings": settings}, allow_missing=True)

    def update(self) -> None:
        """Change one filter."""
        self._updates += 1
        self._declare("platform", declaration(_RULES, str(self._updates % 2), self._destinations))

    def view(self) -> registry_pb2.Registry:
        """Read everything of the registry."""
        return self._client.get_registry(self._name, view=registry_pb2.FULL)

    def cpu(self, call: Callable[[], object], calls: int) -> float:
        """Return the server's CPU time of a call in milliseconds."""
        before = cpu_seconds(self._pid)
        for _ in range(calls):
            call()
        return 1_000 * cpu_since(self._pid, before) / calls


def run(report: Report, sizes: Sizes, environment: Environment) -> None:
    """Measure both calls on each database."""
    report.note(f"{_DESTINATIONS} destinations and {_RULES * _FILTERS} filters, against one destination")
    rows = []
    for name in sizes.databases:
        folder = environment.folder / f"largest-{name}"
        folder.mkdir(exist_ok=True)
        with (
            stopping(ApiServer(folder, environment.database(name), environment.responder.url, **UNLIMITED)) as server,
            ecrkeeper.Client(server.address, insecure=True) as client,
        ):
            wide = _Registry(client, server.process.pid, "us-east-1", _DESTINATIONS)
            narrow = _Registry(client, server.process.pid, "us-west-2", 1)
            for call_name, call, baseline in (
                ("Update", wide.update, narrow.update),
                ("FULL view", wide.view, narrow.view),
            ):
                pairs = [
                    (wide.cpu(call, sizes.largest_calls), narrow.cpu(baseline, sizes.largest_calls))
                    for _ in range(sizes.rounds)
                ]
                largest, least = (median(each) for each in zip(*pairs, strict=True))
                ratio = median(one / other for one, other in pairs)
                rows.append((name, call_name, largest, least, ratio))
                report.target(f"{name}: {call_name}, CPU by that of one destination", ratio, _MAX_RATIO)
                report.target(f"{name}: {call_name}, CPU", largest, _MAX_MS, unit=" ms")
            report.target(f"{name}: size of a FULL view", wide.view().ByteSize() / 1e6, _MAX_VIEW_MB, unit=" MB")
    columns = ("database", "call", "CPU ms", "CPU ms, one destination", "ratio")
    report.table(f"{sizes.rounds} rounds of {sizes.largest_calls} calls each", columns, rows)
