"""startup: the time until the server serves, and the cost of an idle server."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable

from ecrkeeper_testing import Process, Server

from benchmarks.environment import Environment
from benchmarks.measure import Block, cpu_seconds, interleave, median, ratio, rss_mb
from benchmarks.processes import ROOT, Listening, stopping
from benchmarks.report import Report
from benchmarks.sizes import Sizes

_TIMED = "import time; import {}; print(time.process_time())"
_IMPORTS = ("ecrkeeper_server.__main__", "ecrkeeper_server.app", "ecrkeeper._public", "grpc.aio", "boto3")


def run(report: Report, sizes: Sizes, environment: Environment) -> None:
    """Starts in turn with a bare grpc.aio server, imports, and an idle stretch."""
    # PYTHONDONTWRITEBYTECODE would make each start compile all modules, which an installed server does not.
    subprocess.run([sys.executable, "-m", "compileall", "-q", "server", "client", "benchmarks"], cwd=ROOT, check=True)
    urls = {name: environment.database(name) for name in ("sqlite", "postgres")}
    variants = {name: _starting(_server(environment, url)) for name, url in urls.items() if name in sizes.databases}
    variants["bare grpc.aio"] = _starting(lambda: Listening("benchmarks.echo", environment.folder))
    results = interleave(sizes.starts, variants)
    rows = [
        (
            name, median(b.seconds for b in blocks), median(b.cpu for b in blocks),
            ratio(blocks, results["bare grpc.aio"], lambda b: b.cpu), median(b.more["rss"] for b in blocks),
        )
        for name, blocks in results.items()
    ]  # fmt: skip
    columns = ("server", "seconds to serving", "CPU s", "CPU/bare", "RSS MB")
    report.table(f"cold start, median of {sizes.starts} (bytecode is there)", columns, rows)
    for name, seconds, *_, rss in rows[:-1]:
        report.target(f"{name}: cold start to serving", seconds, 2.0, unit=" s")
        report.target(f"{name}: RSS when it serves", rss, 120.0, unit=" MB")
    _imports(report, sizes)
    _command_line(report, sizes)
    _idle(report, sizes, environment, urls["postgres"])


def _server(environment: Environment, url: str) -> Callable[[], Process]:
    return lambda: Server(environment.folder, url, environment.responder.url)


def _starting(start: Callable[[], Process]) -> Callable[[], Block]:
    def block() -> Block:
        began = time.monotonic()
        with stopping(start()) as process:
            seconds = time.monotonic() - began
            pid = process.process.pid
            return Block(1, seconds, cpu_seconds(pid), {"rss": rss_mb(pid)})

    return block


def _imports(report: Report, sizes: Sizes) -> None:
    times_by_module: dict[str, list[float]] = {name: [] for name in _IMPORTS[: sizes.imports]}
    for _ in range(sizes.starts):
        for name, times in times_by_module.items():
            done = subprocess.run(
                [sys.executable, "-c", _TIMED.format(name)], capture_output=True, text=True, check=True
            )
            times.append(float(done.stdout) * 1000)
    report.table(
        "imports, a process each",
        ("module", "CPU ms"),
        [(name, median(times)) for name, times in times_by_module.items()],
    )


def _command_line(report: Report, sizes: Sizes) -> None:
    """Compare the CPU time of `ecrkeeper --help` with that of Python alone."""
    commands = {"python -c pass": ("-c", "pass"), "ecrkeeper --help": ("-m", "ecrkeeper_cli", "--help")}
    times_by_command: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(sizes.starts):
        for name, arguments in commands.items():
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            times_by_command[name].append(1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime))
    alone, shown = (median(times) for times in times_by_command.values())
    rows = [(name, median(times), median(times) / alone) for name, times in times_by_command.items()]
    report.table("command line, a process each", ("command", "CPU ms", "CPU/python"), rows)
    report.target("ecrkeeper --help: CPU", shown, 150.0, unit=" ms")


def _idle(report: Report, sizes: Sizes, environment: Environment, url: str) -> None:
    """Count the statements of an idle replica in the log of a database.

    The database must log all statements.
    """
    cluster = environment.postgres
    cluster.log_statements(url.rpartition("/")[2])
    with stopping(Server(environment.folder, url, environment.responder.url)) as server:
        time.sleep(min(5.0, sizes.idle_seconds))
        statements, cpu, began = cluster.statements(), cpu_seconds(server.process.pid), time.monotonic()
        time.sleep(sizes.idle_seconds)
        seconds = time.monotonic() - began
        rate = (cluster.statements() - statements) / seconds
        used = (cpu_seconds(server.process.pid) - cpu) / seconds
        rss = rss_mb(server.process.pid)
    columns = ("seconds", "queries/s", "CPU % of a core", "RSS MB")
    report.table("postgres: one idle replica", columns, [(seconds, rate, used * 100, rss)])
    report.target("postgres: queries of an idle replica", rate, 1.0, unit="/s")
    report.target("postgres: RSS of an idle replica", rss, 120.0, unit=" MB")
