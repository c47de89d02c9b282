"""Run a random schedule on real processes; see schedule.py for its meaning."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import ecrkeeper
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from ecrkeeper.v1.registry_pb2 import Registry

from tests.harness import Server, Simulator, eventually

from .proxy import Proxy
from .rest import assert_nothing_stuck, foreign_kept, foreign_pair, pairs, plant
from .schedule import (
    ACCOUNTS,
    REGIONS,
    Event,
    Model,
    Part,
    client_lane,
    foreign_lane,
    network_lane,
    process_lane,
)

REGISTRIES = [(account, region) for account in ACCOUNTS for region in REGIONS]
PATIENCE = 90.0
FAULTS: dict[str, list[dict[str, Any]]] = {
    "throttles": [{"kind": "throttle", "probability": 0.2}],
    "errors": [{"kind": "error", "probability": 0.05}, {"kind": "throttle", "probability": 0.2}],
    "drops": [{"kind": "drop", "probability": 0.1}, {"kind": "drop_after", "probability": 0.1}],
    "latency": [{"kind": "latency", "probability": 0.3, "seconds": 1.0}],
}


def settings_of(account: str, part: Part) -> dict[str, Any]:
    destination = {"region": "us-west-2", "registryId": account}
    filters = [{"filter": f, "filterType": "PREFIX_MATCH"} for f in sorted(part.filters)]
    rules = [{"destinations": [destination], "repositoryFilters": filters}] if filters else []
    cached = [{"ecrRepositoryPrefix": p, "upstreamRegistryUrl": u} for p, u in part.rules.items()]
    return {"replicationConfiguration": {"rules": rules}, "pullThroughCacheRules": {"rules": cached}}


def name_of(target: tuple[str, str]) -> str:
    return f"accounts/{target[0]}/registries/{target[1]}"


class Stage:
    """The processes and the network between them."""

    def __init__(self, folder: Path, database_url: str, aws: Simulator, seed: int) -> None:
        self._folder, self._url, self.aws, self.seed = folder, database_url, aws, seed
        self._shared = database_url.startswith("postgres")
        self.aws_line = Proxy(urlsplit(aws.url).port or 0)
        self.database_line = Proxy(urlsplit(database_url).port or 0) if self._shared else None
        self._servers: dict[int, Server] = {}
        self._clients: dict[int, ecrkeeper.Client] = {}
        self._stopping = threading.Event()
        self._faults: list[BaseException] = []
        self.model = Model()
        self.log: list[str] = []
        self._dice = random.Random(f"{seed} choices")

    # -- processes ----------------------------------------------------------

    def start(self, number: int) -> None:
        """Start a server; retry while the database is unavailable."""
        folder = self._folder / f"server-{number}"
        folder.mkdir(exist_ok=True)
        url = self._url
        if self.database_line is not None:
            url = url.replace(f":{urlsplit(url).port}/", f":{self.database_line.port}/")
        until = time.monotonic() + PATIENCE
        while True:
            try:
                server = Server(
                    folder, url, f"http://127.0.0.1:{self.aws_line.port}",
                    lease_seconds=2, resync_seconds=3, aws_timeout_seconds=3, drain_seconds=3,
                )  # fmt: skip
                break
            except RuntimeError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.5)
        self._servers[number] = server
        self._clients[number] = ecrkeeper.Client(server.address, insecure=True)

    def carry_out(self, seconds: float) -> None:
        """Run the lanes for a time, heal everything, and check the result."""
        for account, region in REGISTRIES:
            plant(self.aws, account, region)
        servers = 2 if self._shared else 1
        for number in range(servers):
            self.start(number)
        lanes = [
            (self._client, client_lane(self.seed)),
            (self._unmanaged, foreign_lane(self.seed)),
            (self._process, process_lane(self.seed, servers)),
            (self._network, network_lane(self.seed, database=self._shared)),
        ]
        threads = [threading.Thread(target=self._lane, args=lane) for lane in lanes]
        for thread in threads:
            thread.start()
        self._stopping.wait(seconds)
        self._stopping.set()
        for thread in threads:
            thread.join(2 * PATIENCE)
        if self._faults:
            raise self._faults[0]
        assert self.log, f"nothing was done in {seconds:g} s"
        self._check()

    def _lane(self, act: Callable[[Event], None], events: Iterator[Event]) -> None:
        try:
            for event in events:
                if self._stopping.wait(event.pause):
                    return
                self.log.append(f"{time.strftime('%H:%M:%S')} {event}")
                act(event)
        except BaseException as error:  # told to the thread that waits
            self._faults.append(error)
            self._stopping.set()

    def _process(self, event: Event) -> None:
        server = self._servers[event.target]
        if event.kind == "kill":
            server.kill()
            self._stopping.wait(event.seconds / 4)
            self.start(event.target)
            return
        os.kill(server.process.pid, signal.SIGSTOP)
        self._stopping.wait(event.seconds)
        os.kill(server.process.pid, signal.SIGCONT)

    def _network(self, event: Event) -> None:
        action, _, line = event.kind.partition("-")
        if not line:
            self.aws.control("POST", "faults", FAULTS[event.kind])
            self._stopping.wait(event.seconds)
            self.aws.control("DELETE", "faults")
            return
        proxy = self.aws_line if line == "aws" else self.database_line
        assert proxy is not None
        {"cut": proxy.cut, "hang": proxy.hang, "reset": proxy.reset}[action]()
        self._stopping.wait(event.seconds)
        proxy.heal()

    # -- writers ------------------------------------------------------------

    def _answered(self, call: Callable[[ecrkeeper.Client, dict[str, Any]], Any]) -> Any:
        """Retry a call with one request id, at any server, until it is answered."""
        options = {"request_id": str(uuid.uuid4()), "timeout": 5.0}
        until = time.monotonic() + PATIENCE
        while True:
            client = self._dice.choice(list(self._clients.values()))
            try:
                return call(client, options)
            except (ecrkeeper.Unavailable, ecrkeeper.DeadlineExceeded, ecrkeeper.Cancelled):
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)

    def _client(self, event: Event) -> None:
        name, declared = name_of(event.target), f"{name_of(event.target)}/settings/{event.owner}"
        account = event.target[0]
        role = f"accounts/{account}/serviceLinkedRoles/replication"
        if event.kind == "apply":
            self._apply(event, declared)
        elif event.kind == "delete":
            with contextlib.suppress(ecrkeeper.NotFound):
                self._answered(lambda c, o: c.delete_registry_settings(declared, allow_missing=True, **o))
            self.model.delete(event)
        elif event.kind == "mode":
            with contextlib.suppress(ecrkeeper.NotFound):
                self._answered(lambda c, o: c.update_registry(Registry(name=name, mode=event.word), ["mode"], **o))  # type: ignore[arg-type]
        elif event.kind == "reconcile":
            # A paused one is rejected.
            with contextlib.suppress(ecrkeeper.NotFound, ecrkeeper.FailedPrecondition):
                self._answered(lambda c, o: c.reconcile_registry(name, **o))
        elif event.kind == "role-create":
            with contextlib.suppress(ecrkeeper.AlreadyExists, ecrkeeper.FailedPrecondition):
                self._answered(lambda c, o: c.create_service_linked_role(f"accounts/{account}", "replication", **o))
        else:
            with contextlib.suppress(ecrkeeper.NotFound, ecrkeeper.FailedPrecondition, ecrkeeper.Conflict):
                self._answered(lambda c, o: c.delete_service_linked_role(role, force_delete_adopted=True, **o))
        self._compare(event.target)

    def _apply(self, event: Event, declared: str) -> None:
        settings = settings_of(event.target[0], Part(dict(event.rules), frozenset(event.filters)))
        rejected = self.model.conflict(event) and not event.flag
        try:
            self._answered(
                lambda c, o: c.apply_registry_settings(
                    declared, settings, force=event.flag, allow_replacement=True, **o
                )
            )
        except ecrkeeper.FailedPrecondition as error:
            assert rejected, f"{event} was refused: {error}"
            return
        assert not rejected, f"{event} was accepted against another owner"
        self.model.apply(event)

    def _compare(self, target: tuple[str, str]) -> None:
        """Check that every acknowledged declaration is stored as acknowledged."""
        parent = name_of(target)
        listed = self._answered(lambda c, o: list(c.list_registry_settings(parent, timeout=o["timeout"])))
        parts = {}
        for each in listed:
            rules = {
                r.ecr_repository_prefix: r.upstream_registry_url for r in each.settings.pull_through_cache_rules.rules
            }
            replicated = each.settings.replication_configuration.rules
            filters = frozenset(f.filter for rule in replicated for f in rule.repository_filters)
            parts[each.name.rsplit("/", 1)[1]] = Part(rules, filters)
        assert parts == self.model.declared.get(target, {}), f"{parent} holds {parts}"

    def _unmanaged(self, event: Event) -> None:
        account, region = event.target
        ecr = boto3.client(
            "ecr", region_name=region, endpoint_url=self.aws.url, aws_access_key_id=account,
            aws_secret_access_key="any", config=Config(retries={"total_max_attempts": 1}),
        )  # fmt: skip
        calls: dict[str, Callable[[], Any]] = {
            "create": lambda: ecr.create_pull_through_cache_rule(
                ecrRepositoryPrefix=event.word, upstreamRegistryUrl="public.ecr.aws"
            ),
            "remove-rule": lambda: ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix=event.word),
            "remove-pairs": lambda: ecr.put_replication_configuration(
                replicationConfiguration={"rules": [foreign_pair(account)]}
            ),
        }
        until = time.monotonic() + PATIENCE
        while True:
            try:
                calls[event.kind]()
                break
            except (ClientError, BotoCoreError) as error:
                code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
                if code.endswith(("AlreadyExistsException", "NotFoundException")):
                    break
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)
        if event.kind == "create":
            self.model.unmanaged.setdefault(event.target, set()).add(event.word)

    # -- the end ------------------------------------------------------------

    def _check(self) -> None:
        for target in REGISTRIES:
            name = name_of(target)
            with contextlib.suppress(ecrkeeper.NotFound):
                self._answered(lambda c, o, n=name: c.update_registry(Registry(name=n, mode="ENFORCE"), ["mode"], **o))  # type: ignore[misc,arg-type]
                self._answered(lambda c, o, n=name: c.reconcile_registry(n, **o))  # type: ignore[misc]
            self._compare(target)
        for account in ACCOUNTS:
            with contextlib.suppress(ecrkeeper.NotFound):
                role = f"accounts/{account}/serviceLinkedRoles/replication"
                self._answered(lambda c, o, n=role: c.reconcile_service_linked_role(n, **o))  # type: ignore[misc]
        for target in REGISTRIES:
            self._check_registry(target)
        assert_nothing_stuck(self._url, 60)
        deletions = [w for w in self.aws.writes() if w["operation"] == "DeleteServiceLinkedRole"]
        assert not deletions, f"a role in use was to be deleted: {deletions}"

    def _check_registry(self, target: tuple[str, str]) -> None:
        account, region = target
        rules, filters = self.model.expected(target)

        def present() -> tuple[dict[str, str], set[str]]:
            state = self.aws.registry(region, account)
            upstreams = {r["ecrRepositoryPrefix"]: r["upstreamRegistryUrl"] for r in state["pullThroughCacheRules"]}
            return upstreams, {f for _, f in pairs(state)}

        try:
            eventually(lambda: present() == (rules, filters), 60)
        except AssertionError:
            raise AssertionError(f"{target}: AWS has {present()}, desired is {(rules, filters)}") from None
        foreign_kept(self.aws, account, region)

    def close(self) -> None:
        """End all processes."""
        self._stopping.set()
        for client in self._clients.values():
            client.close()
        for server in self._servers.values():
            server.kill()
        self.aws_line.stop()
        if self.database_line is not None:
            self.database_line.stop()


def run(folder: Path, database_url: str, aws: Simulator, *, seed: int, seconds: float) -> None:
    """Run one schedule; AssertionError has the seed and the actions."""
    aws.control("PUT", "settings", {"max_log": 1_000_000, "seed": seed})
    stage = Stage(folder, database_url, aws, seed)
    try:
        stage.carry_out(seconds)
    except BaseException:
        print(f"CHAOS_SEED={seed}; what was done:", *stage.log[-200:], sep="\n")  # noqa: T201
        raise
    finally:
        stage.close()
