"""neighbours: an innocent caller's Get and Update beside large neighbours.

The engine and the limits are on, as in an installation. Every kind of caller is a principal of its own.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from typing import Any

import ecrkeeper
from ecrkeeper_testing import Server

from benchmarks.environment import Environment
from benchmarks.largest_declaration import declaration
from benchmarks.measure import peak_rss_mb
from benchmarks.neighbour_load import CROWDED, HEAVY, SHOWN, owner
from benchmarks.processes import Child, stopping
from benchmarks.report import Report
from benchmarks.responder import SCANNING
from benchmarks.rows import Rows
from benchmarks.sizes import Sizes

_MAX_GET_MS, _MAX_UPDATE_MS, _MAX_MB = 100.0, 250.0, 400.0
_COLUMNS = (
    "beside", "get p50 ms", "get worst ms", "update p50 ms", "update worst ms", "calls", "failed",
    "neighbours' calls/s", "turned away/s", "peak MB",
)  # fmt: skip


def run(report: Report, sizes: Sizes, environment: Environment) -> None:
    """Measure on each database.

    The caller is alone, beside each kind of neighbour, and beside all of them.
    """
    for name in sizes.databases:
        folder = environment.folder / f"neighbours-{name}"
        folder.mkdir(exist_ok=True)
        url = environment.database(name, 20)
        with (
            environment.server(url) as server,
            stopping(Child("-m", "benchmarks.neighbour_load", folder=folder)) as innocent,
            stopping(Child("-m", "benchmarks.neighbour_load", folder=folder)) as neighbours,
        ):
            _prepare(environment, sizes, server)
            _crowd(url, sizes.neighbour_owners)
            _measure(report, sizes, name, server, innocent, neighbours)
        # The replication of the large declaration is checked by calls that are not canned.
        environment.responder.forget()


def _prepare(environment: Environment, sizes: Sizes, server: Server) -> None:
    """Declare what the neighbours read, and make AWS's answers for two accounts large."""
    for heavy, rules in zip(HEAVY, (sizes.neighbour_rules, sizes.neighbour_rules // 2), strict=True):
        environment.responder.rules(heavy.split("/")[1], rules)
    with ecrkeeper.Client(server.address, insecure=True) as client:
        for heavy in HEAVY:
            client.apply_registry_settings(f"{heavy}/settings/heavy", {"scanningConfiguration": SCANNING})
        settings = {"name": f"{SHOWN}/settings/large", "settings": declaration(25, "")}
        client.update_registry_settings(settings, allow_missing=True)
        settings = {"name": f"{CROWDED}/settings/{owner(0)}", "settings": declaration(1, "", 1, 1)}
        client.update_registry_settings(settings, allow_missing=True)


def _crowd(url: str, owners: int) -> None:
    """Add owners to a registry; each has a filter of its own, in AWS's shape."""
    place = {"region": "eu-west-1", "registryId": "222222222222"}
    with contextlib.closing(Rows(url)) as rows:
        rows.crowd(CROWDED, {owner(at): _replicated(place, f"team-{at}/") for at in range(1, owners)})


def _replicated(place: dict[str, str], text: str) -> dict[str, Any]:
    rule = {"destinations": [place], "repositoryFilters": [{"filter": text, "filterType": "PREFIX_MATCH"}]}
    return {"replication_configuration": {"rules": [rule]}}


def _measure(report: Report, sizes: Sizes, name: str, server: Server, innocent: Child, neighbours: Child) -> None:
    kinds = {
        "updates": sizes.neighbour_callers,
        "validate_only": sizes.neighbour_callers // 2,
        "views": sizes.neighbour_callers // 2,
        "owners": sizes.neighbour_callers // 2,
        "answers": len(HEAVY),
        "watches": sizes.neighbour_watches,
    }
    order = {"kind": "innocent", "target": server.address, "seconds": sizes.neighbour_seconds}
    innocent.ask(**{**order, "seconds": 0.5})
    alone = innocent.ask(**order)
    rows = [(*_row("nobody", alone, {}, 1.0), peak_rss_mb(server.process.pid))]
    for neighbour, chosen in [*((kind, [kind]) for kind in kinds), ("all of them", list(kinds))]:
        for kind in reversed(chosen):
            neighbours.ask(kind=kind, target=server.address, callers=kinds[kind])
        began = time.monotonic()
        figures = innocent.ask(**order)
        counted = neighbours.ask(kind="stop")
        rows.append((*_row(neighbour, figures, counted, time.monotonic() - began), peak_rss_mb(server.process.pid)))
        _targets(report, f"{name}, beside {neighbour}", figures, alone)
        time.sleep(1.0)
    report.table(f"{name}: {sizes.neighbour_seconds} s each", _COLUMNS, rows)
    report.target(f"{name}: memory of the server", peak_rss_mb(server.process.pid), _MAX_MB, unit=" MB")


def _row(neighbour: str, figures: Mapping[str, Any], counted: Mapping[str, Any], seconds: float) -> Sequence[Any]:
    return (
        neighbour, figures["get_median"], figures["get_worst"], figures["update_median"],
        figures["update_worst"], figures["calls"], figures["failed"],
        (counted.get("answered", 0) + counted.get("heard", 0)) / seconds, counted.get("failed", 0) / seconds,
    )  # fmt: skip


def _targets(report: Report, where: str, figures: Mapping[str, Any], alone: Mapping[str, Any]) -> None:
    report.target(f"{where}: worst Get", figures["get_worst"], _MAX_GET_MS, unit=" ms")
    beyond = max(0.0, figures["update_worst"] - alone["update_worst"])
    report.target(f"{where}: worst Update beyond the one beside nobody", beyond, _MAX_UPDATE_MS, unit=" ms")
