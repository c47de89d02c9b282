"""event_drift: seconds from a change by somebody else until it is reverted.

Events of the simulated AWS arrive at once. The server's writes are read from the simulated AWS's log.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import ecrkeeper
from ecrkeeper_server.aws.call import Call
from ecrkeeper_server.aws.client import AwsClient, AwsOptions
from ecrkeeper_server.aws.telemetry import CallTelemetry
from ecrkeeper_server.aws.wire import Credentials
from ecrkeeper_server.metrics.server import Metrics
from ecrkeeper_testing import Server, Simulator, simulated_aws

from benchmarks.environment import Environment
from benchmarks.measure import cpu_seconds, until
from benchmarks.report import Report
from benchmarks.sizes import Sizes

_QUEUE_ACCOUNT, _REGION = "999999999999", "us-east-1"
_QUEUE_ARN = f"arn:aws:sqs:{_REGION}:{_QUEUE_ACCOUNT}:events"
_QUEUE_URL = f"https://sqs.{_REGION}.amazonaws.com/{_QUEUE_ACCOUNT}/"
_DEBOUNCE = 2.0
_SERVER = ":assumed-role/ecrkeeper/"
_SETTINGS = {"account_settings": {"settings": [{"name": "BLOB_MOUNTING", "value": "ENABLED"}]}}
_DAY, _POLLED, _STRETCHED = 86_400, 900, 21_600


def run(report: Report, sizes: Sizes, environment: Environment) -> None:
    """Measure changes, then a queue that is full when the server starts."""
    for database in sizes.databases:
        _run(report, sizes, environment, database)


def _run(report: Report, sizes: Sizes, environment: Environment, database: str) -> None:
    url = environment.database(database)
    accounts = [f"{100_000_000_000 + number}" for number in range(sizes.event_registries)]
    with _aws() as aws:
        with environment.server(url, **_settings(aws, "events")) as server:
            _declare(server, accounts)
            time.sleep(_DEBOUNCE)
            since = aws.position()
            asyncio.run(_change(aws, accounts, sizes.event_rate))
            until(lambda: len(_reverted(aws, since)) == len(accounts), 120, "all changes are reverted")
            _report_changes(report, database, aws, since, len(accounts))
        _consume(report, database, aws, environment, url, accounts, sizes)


@contextmanager
def _aws() -> Iterator[Simulator]:
    with simulated_aws() as aws:
        aws.control("PUT", "settings", {"max_log": 500_000, "max_events": 1_000_000})
        for name in ("events", "backlog"):
            aws.control("PUT", "queues", {"account": _QUEUE_ACCOUNT, "region": _REGION, "name": name})
        aws.control("PUT", "events/routes", {"routes": [{"queue": _QUEUE_ARN}]})
        yield aws


def _settings(aws: Simulator, queue: str) -> dict[str, Any]:
    return {
        "environment": {"ECRKEEPER_AWS_ENDPOINT_URL": aws.url},
        "event_queue_urls": _QUEUE_URL + queue,
        "event_debounce_seconds": _DEBOUNCE,
        "metrics_listen": "127.0.0.1:0",
        "attribution": False,
    }


def _declare(server: Server, accounts: list[str]) -> None:
    with ecrkeeper.Client(server.address, insecure=True) as client:
        names = [f"accounts/{account}/registries/{_REGION}" for account in accounts]
        for name in names:
            client.apply_registry_settings(f"{name}/settings/bench", _SETTINGS)
        for name in names:
            client.wait_until_synced(name, timeout=120)


def _client(aws: Simulator) -> AwsClient:
    async def provide(account: str) -> Credentials:
        return Credentials(account, "secret")

    silent = CallTelemetry(Metrics().aws, logged=False)
    return AwsClient(AwsOptions(endpoint_url=aws.url), provider=provide, telemetry=silent)


async def _change(aws: Simulator, accounts: list[str], rate: float) -> None:
    """Change a setting in each account, so many accounts a second."""
    client = _client(aws)
    params = {"name": "BLOB_MOUNTING", "value": "DISABLED"}
    began, tasks = time.monotonic(), []
    for number, account in enumerate(accounts):
        await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
        tasks.append(asyncio.create_task(client.write(Call(account, _REGION, "ecr", "PutAccountSetting", params))))
    await asyncio.gather(*tasks)
    await client.close()


def _reverted(aws: Simulator, since: int) -> dict[str, float]:
    """Return the seconds from the change to the server's write, by account."""
    writes: dict[str, list[dict[str, Any]]] = {}
    for each in aws.writes(since):
        writes.setdefault(each["account"], []).append(each)
    return {
        account: own["time"] - other["time"]
        for account, found in writes.items()
        for other, own in pairwise(found)
        if _SERVER in own["principal"] and _SERVER not in other["principal"]
    }


def _report_changes(report: Report, database: str, aws: Simulator, since: int, count: int) -> None:
    took = sorted(_reverted(aws, since).values())
    p50, p95 = statistics.median(took), took[int(len(took) * 0.95)]
    calls = [each for each in aws.requests(since) if each["service"] == "ecr" and _SERVER in each["principal"]]
    reads = sum(each["operation"].startswith(("Get", "Describe", "List")) for each in calls) / count
    report.table(
        f"{database}: {count} changes, debounce {_DEBOUNCE:g} s",
        ("p50 s", "p95 s", "reads per change"),
        [(p50, p95, reads)],
    )
    report.target(f"{database}: p95 beyond the debounce", p95 - _DEBOUNCE, 1.0, unit=" s")
    polled, stretched = _DAY / _POLLED, _DAY / _STRETCHED
    report.note(f"{database}: observations of a quiet registry a day: {polled:g} polled, {stretched:g} with events")
    report.target(f"{database}: fewer observations", polled / stretched, 20.0, at_most=False, unit=" times")


def _consume(
    report: Report, database: str, aws: Simulator, environment: Environment, url: str, accounts: list[str],
    sizes: Sizes,
) -> None:  # fmt: skip
    """Fill the queue while no server runs, then measure how fast one empties it."""
    asyncio.run(_fill(aws, accounts, sizes.event_messages))
    with environment.server(url, **_settings(aws, "backlog")) as server:
        before, began = cpu_seconds(server.process.pid), time.monotonic()
        until(lambda: _visible(aws) == 0, 120, "the queue is empty")
        seconds, cpu = time.monotonic() - began, cpu_seconds(server.process.pid) - before
    rate = sizes.event_messages / seconds
    report.table(
        f"{database}: a queue of {sizes.event_messages} events",
        ("events/s", "CPU ms per event"),
        [(rate, 1000 * cpu / sizes.event_messages)],
    )
    report.target(f"{database}: events a second", rate, 1000.0, at_most=False, unit="/s")


def _visible(aws: Simulator) -> int:
    with urllib.request.urlopen(f"{aws.url}/_sim/queues", timeout=10) as answer:
        queues = json.load(answer)["queues"]
    queue = next(each for each in queues if each["url"].endswith("/backlog"))
    return int(queue["visible"] + queue["in_flight"])


async def _fill(aws: Simulator, accounts: list[str], count: int) -> None:
    client = _client(aws)
    for start in range(0, count, 10):
        entries = [
            {"Id": str(n), "MessageBody": json.dumps(_event(accounts[(start + n) % len(accounts)]))} for n in range(10)
        ]
        params = {"QueueUrl": f"{_QUEUE_URL}backlog", "Entries": entries}
        await client.write(Call(_QUEUE_ACCOUNT, _REGION, "sqs", "SendMessageBatch", params))
    await client.close()


def _event(account: str) -> dict[str, Any]:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    identity = {"type": "Root", "principalId": account, "arn": f"arn:aws:iam::{account}:root", "accountId": account}
    return {
        "version": "0", "id": str(uuid.uuid4()), "detail-type": "AWS API Call via CloudTrail", "source": "aws.ecr",
        "account": account, "time": now, "region": _REGION, "resources": [],
        "detail": {
            "eventVersion": "1.09", "userIdentity": identity, "eventTime": now, "eventSource": "ecr.amazonaws.com",
            "eventName": "PutAccountSetting", "awsRegion": _REGION, "sourceIPAddress": "203.0.113.12",
            "userAgent": "aws-cli/2.31", "requestParameters": {"name": "BLOB_MOUNTING", "value": "DISABLED"},
            "requestID": str(uuid.uuid4()), "eventID": str(uuid.uuid4()), "readOnly": False,
            "recipientAccountId": account,
        },
    }  # fmt: skip
