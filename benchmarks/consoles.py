"""consoles: many open pages of the console, and the first page of a large fleet."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import ecrkeeper
from ecrkeeper_testing import Postgres, Server

from benchmarks.api import UNLIMITED
from benchmarks.api_server import ApiServer
from benchmarks.browser import OpenPage, http_port, page
from benchmarks.environment import Environment
from benchmarks.measure import cpu_seconds, median, rss_mb, until
from benchmarks.report import Report
from benchmarks.rows import Rows, account, registry
from benchmarks.sizes import Sizes

# An update of one registry changes its cell, its page, and the trail. Each page has the name of its stream's event.
_LIVE = {"/console/": "update", f"/console/{registry(1)}": "update", "/console/audit": "event"}
_QUIET_SECONDS = 1.0
_FIRST_PAGES = {
    "fleet": "/console/",
    "paused": "/console/?state=paused",
    "not ready": "/console/?state=not-ready",
    "an account": f"/console/?q={account(20)}",
    "a Region": "/console/?q=eu-west-1",
    "roles": "/console/roles",
    "audit": "/console/audit",
    "topology": "/console/topology",
}


def run(report: Report, sizes: Sizes, environment: Environment) -> None:
    """Open pages and change a registry, on each database."""
    report.note(f"{sizes.console_registries} registries; the engine is off, so that only the console is measured")
    for name in sizes.databases:
        url = environment.database(name, sizes.console_registries)
        with contextlib.closing(Rows(url)) as rows:
            rows.analyze()
        cluster = environment.cluster(name)
        if cluster is not None:
            cluster.log_statements(url.rpartition("/")[2])
        with _serving(environment, url) as (server, port), ecrkeeper.Client(server.address, insecure=True) as client:
            _first_pages(report, sizes, name, port)
            _open_pages(report, sizes, name, Opened(server, port, client, cluster))


@contextlib.contextmanager
def _serving(environment: Environment, url: str) -> Iterator[tuple[Server, int]]:
    folder = environment.folder / url.rpartition("/")[2].replace(".db", "-console")
    folder.mkdir(exist_ok=True)
    settings: dict[str, Any] = {**UNLIMITED, "http_listen": "127.0.0.1:0", "console": "true"}
    with contextlib.ExitStack() as stack:
        server = ApiServer(folder, url, environment.responder.url, **settings)
        stack.callback(server.kill)
        yield server, http_port(folder / "server.log")


def _first_pages(report: Report, sizes: Sizes, name: str, port: int) -> None:
    rows = []
    for shown, path in _FIRST_PAGES.items():
        # The first one compiles the template.
        loads = [page(port, path) for _ in range(1 + sizes.page_loads)][1:]
        milliseconds = median(seconds for _, seconds in loads) * 1000
        rows.append((shown, milliseconds, len(loads[0][0]) / 1024))
        report.target(f"{name}: {shown}, first page", milliseconds, 300.0, unit=" ms")
    report.table(f"{name}: first pages, median of {sizes.page_loads}", ("page", "ms", "KB"), rows)


class Opened:
    """A server with a console, and its open pages."""

    def __init__(self, server: Server, port: int, client: ecrkeeper.Client, cluster: Postgres | None) -> None:
        self._server = server
        self._port = port
        self._client = client
        self._cluster = cluster
        self._pages: list[OpenPage] = []
        self._changes = 0

    @property
    def rss(self) -> float:
        """Resident memory of the server, in megabytes."""
        return rss_mb(self._server.process.pid)

    def open(self, count: int) -> None:
        """Open so many pages, of each kind as many."""
        kinds = list(_LIVE.items())
        for number in range(count):
            path, event = kinds[number % len(kinds)]
            self._pages.append(OpenPage(self._port, path, event))
        # A stream that still begins has the change in its snapshot, or before its first event.
        until(self._all_live, 120, f"{count} pages are live", pause=0.2)
        time.sleep(_QUIET_SECONDS)

    def _all_live(self) -> bool:
        self._toggle()
        return all(each.updates() for each in self._pages)

    def _toggle(self) -> None:
        self._changes += 1
        mode = (ecrkeeper.Mode.ENFORCE, ecrkeeper.Mode.OBSERVE)[self._changes % 2]
        self._client.update_registry(ecrkeeper.Registry(name=registry(1), mode=mode), ["mode"])

    def close(self) -> None:
        """Close all pages."""
        for each in self._pages:
            each.close()
        self._pages.clear()

    def change(self) -> tuple[int, float, float]:
        """Change a registry.

        Return the statements that the database logged until all pages had heard of it, the seconds,
        and the server's CPU seconds.
        """
        counts = [each.updates() for each in self._pages]
        before, used, began = self._statements(), cpu_seconds(self._server.process.pid), time.monotonic()
        self._toggle()
        pages = list(zip(self._pages, counts, strict=True))
        until(
            lambda: all(each.updates() > count for each, count in pages), 60, "all pages show the change", pause=0.005
        )
        seconds = time.monotonic() - began
        return self._statements() - before, seconds, cpu_seconds(self._server.process.pid) - used

    def _statements(self) -> int:
        return 0 if self._cluster is None else self._cluster.statements()


def _open_pages(report: Report, sizes: Sizes, name: str, opened: Opened) -> None:
    rows, statements = [], {}
    before = opened.rss
    for count in (0, len(_LIVE), sizes.consoles):
        opened.open(count)
        changes = [opened.change() for _ in range(sizes.console_changes)]
        statements[count] = median(each for each, _, _ in changes)
        seconds = median(each for _, each, _ in changes) * 1000
        cpu = sum(each for _, _, each in changes) / len(changes) * 1000
        rows.append((count, statements[count] if name == "postgres" else "-", seconds, cpu, opened.rss))
        if count == 0:
            before = opened.rss
        more = opened.rss - before
        opened.close()
    columns = ("open pages", "statements", "ms until all show it", "CPU ms", "RSS MB")
    report.table(f"{name}: a change of one registry, median of {sizes.console_changes}", columns, rows)
    report.target(f"{name}: memory of {sizes.consoles} open pages", more, 100.0, unit=" MB")
    if name == "postgres":
        added = statements[sizes.consoles] - statements[len(_LIVE)]
        report.target("postgres: queries a change for more than one page of a kind", added, 0.0)
        # One reads the registry for its cells and its pages, and one the trail.
        read = statements[sizes.consoles] - statements[0]
        report.target(f"postgres: queries a change for {sizes.consoles} pages, of registries and the trail", read, 2.0)
