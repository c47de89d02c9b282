"""private_interfaces: private interfaces of libraries compared with public ones.

A module that relies on a library's internals names the figure they buy; this benchmark measures it. CPU time is that of
the server for each call, in blocks that alternate between two servers on equal databases.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator

from ecrkeeper_server.private_interfaces import SWITCH
from ecrkeeper_testing import Server

from benchmarks.api import UNLIMITED, loaded
from benchmarks.api_server import ApiServer
from benchmarks.environment import Environment
from benchmarks.measure import Block, interleave, median, ratio
from benchmarks.processes import Child, stopping
from benchmarks.report import Report
from benchmarks.sizes import Sizes

# grpcio's accept loops serve every call; psycopg's pipeline serves the transactions on Postgres.
_CASES = {"grpcio": ("get", "sqlite"), "psycopg": ("update", "postgres")}


def run(report: Report, sizes: Sizes, environment: Environment) -> None:
    """Measure the calls that each library's private path speeds up."""
    rows = []
    with stopping(Child("-m", "benchmarks.load", folder=environment.folder)) as load:
        for library, (kind, database) in _CASES.items():
            if database in sizes.databases:
                rows += [_compare(sizes, environment, load, (library, kind, database), n) for n in sizes.callers[:2]]
    for library, *_, callers, rate, _cpu in rows:
        report.target(
            f"{library}, {callers} callers: rate against the public interface", rate, 1.0, at_most=False, unit="x"
        )
    report.table(
        "private against public", ("library", "call", "database", "callers", "rate", "CPU public/private"), rows
    )


def _compare(
    sizes: Sizes, environment: Environment, load: Child, case: tuple[str, str, str], callers: int
) -> tuple[str, str, str, int, float, float]:
    library, kind, database = case
    with _server(environment, database, sizes, "") as private, _server(environment, database, sizes, library) as public:

        def block(server: Server) -> Callable[[], Block]:
            times = {"seconds": sizes.load_seconds, "warm_up": sizes.warm_up}
            return loaded([server], load, kind=kind, callers=callers, **times)

        results = interleave(sizes.rounds * 2, {"private": block(private), "public": block(public)})
    rate = ratio(results["private"], results["public"], lambda b: b.rate)
    private_cpu, public_cpu = (median(b.cpu / b.more["total"] for b in results[way]) for way in ("private", "public"))
    return (*case, callers, rate, public_cpu / private_cpu)


@contextlib.contextmanager
def _server(environment: Environment, database: str, sizes: Sizes, public: str) -> Iterator[Server]:
    """A server on a database of its own, without the private path of one library."""
    folder = environment.folder / f"without-{public or 'none'}"
    folder.mkdir(exist_ok=True)
    url = environment.database(database, sizes.registries)
    before = os.environ.get(SWITCH)
    os.environ[SWITCH] = public
    try:
        server = ApiServer(folder, url, environment.responder.url, **UNLIMITED)
    finally:
        os.environ.pop(SWITCH) if before is None else os.environ.update({SWITCH: before})
    with stopping(server):
        yield server
