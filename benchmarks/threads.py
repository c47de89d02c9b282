"""The usual script: boto3 on 32 threads, with a client per account and Region.

Run as `python -m benchmarks.threads URL`. The order `make` creates clients for registries; `sweep`
reads three settings of registries, in a loop over the existing clients. It plans and stores
nothing.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3

from benchmarks.processes import answer, orders
from benchmarks.rows import REGIONS, account

_THREADS = 32


def _client(url: str, index: int) -> Any:
    session = boto3.Session(account(index), "secret", "token", REGIONS[index % len(REGIONS)])
    return session.client("ecr", endpoint_url=url)


def _read(client: Any) -> None:
    client.get_registry_policy()
    client.get_registry_scanning_configuration()
    client.describe_pull_through_cache_rules()


def main(url: str) -> None:
    """Execute orders from standard input."""
    clients: list[Any] = []
    with ThreadPoolExecutor(_THREADS) as pool:
        for order in orders():
            began = time.monotonic()
            if order["do"] == "make":
                clients += [_client(url, index) for index in range(len(clients), order["registries"])]
                list(pool.map(_read, clients))
            else:
                swept = [clients[i % len(clients)] for i in range(order["registries"])]
                list(pool.map(_read, swept))
            answer(units=order["registries"], seconds=time.monotonic() - began)


if __name__ == "__main__":
    main(sys.argv[1])
