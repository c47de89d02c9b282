"""Processes revert a change within seconds, and name its caller."""

from __future__ import annotations

import contextlib
import json
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import boto3
import ecrkeeper
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests import harness
from tests.e2e.live import Live, Place, fresh_account
from tests.harness import eventually

QUEUE_ACCOUNT, REGION = "999999999999", "us-east-1"
QUEUE_ARN = f"arn:aws:sqs:{REGION}:{QUEUE_ACCOUNT}:events"
QUEUE_URL = f"https://sqs.{REGION}.amazonaws.com/{QUEUE_ACCOUNT}/events"
DELAY, DEBOUNCE = 2.0, 2.0
HOUR = 3600
SERVER = ":assumed-role/ecrkeeper/"


@dataclass
class Stage:
    """A simulated AWS with one queue for all events, and its servers."""

    folder: Path
    url: str
    aws: harness.Simulator

    def server(self, **settings: Any) -> harness.Server:
        options = {"event_queue_urls": QUEUE_URL, "resync_seconds": HOUR, **settings}
        return harness.Server(self.folder, self.url, self.aws.url, **options)

    def faults(self, *faults: dict[str, Any]) -> None:
        self.aws.control("DELETE", "events/faults")
        if faults:
            self.aws.control("POST", "events/faults", list(faults))

    def counted(self) -> dict[str, int]:
        """Return how many events the newest server has received, by kind."""
        started = [line for line in (self.folder / "server.log").read_text().splitlines() if '"started"' in line]
        url = f"http://127.0.0.1:{json.loads(started[-1])['metrics_port']}/metrics"
        with urllib.request.urlopen(url, timeout=20) as answer:
            families = text_string_to_metric_families(answer.read().decode())
            samples = [each for family in families for each in family.samples]
        return {s.labels["kind"]: int(s.value) for s in samples if s.name == "ecrkeeper_events_total"}

    def messages(self) -> int:
        [queue] = self.aws.control("GET", "queues")["queues"]
        return int(queue["visible"] + queue["in_flight"])


@pytest.fixture
def stage(simulated_aws: harness.Simulator, tmp_path: Path, database_url: str) -> Stage:
    simulated_aws.control("POST", "reset")
    simulated_aws.control("PUT", "queues", {"account": QUEUE_ACCOUNT, "region": REGION, "name": "events"})
    simulated_aws.control("PUT", "events/routes", {"routes": [{"queue": QUEUE_ARN}]})
    return Stage(tmp_path, database_url, simulated_aws)


@pytest.fixture
def live(stage: Stage) -> Iterator[Live]:
    server = stage.server()
    with ecrkeeper.Client(server.address, insecure=True) as client:
        yield Live(server, stage.aws, client)
    assert server.stop() == 0


def declared(live: Live, count: int = 1) -> list[Place]:
    """Registries of accounts of their own, with a replication rule in place."""
    places = [live.registry(fresh_account(), "eu-west-1") for _ in range(count)]
    for place in places:
        destination = {"region": "us-west-2", "registryId": place.account}
        place.apply({"replication_configuration": {"rules": [{"destinations": [destination]}]}})
    for place in places:
        live.client.wait_until_synced(place.name)
    # The events of these writes are own ones.
    time.sleep(0.5)
    return places


def ecr_of(place: Place, session: str = "ann") -> Any:
    """ECR as somebody else calls it: a role of the account, in a session of that name."""
    url = place.live.aws.url
    sts = boto3.client(
        "sts", endpoint_url=url, region_name=REGION, aws_access_key_id=place.account, aws_secret_access_key="s"
    )
    keys = sts.assume_role(RoleArn=f"arn:aws:iam::{place.account}:role/Admin", RoleSessionName=session)["Credentials"]
    return boto3.client(
        "ecr", endpoint_url=url, region_name=place.region, aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"], aws_session_token=keys["SessionToken"],
    )  # fmt: skip


def seconds_without_a_core(live: Live) -> float:
    """Return for how long the threads of both processes were ready to run and did not."""
    waited = 0
    for process in (live.server.process, live.aws.process):
        for thread in Path(f"/proc/{process.pid}/task").glob("*/schedstat"):
            with contextlib.suppress(OSError):
                waited += int(thread.read_text().split()[1])
    return waited / 1e9


def rules(place: Place) -> list[Any]:
    current: list[Any] = place.aws()["replicationConfiguration"]["rules"]
    return current


def seconds_to_revert(place: Place, since: int) -> float:
    """The time from somebody's last write to the server's, by the simulated AWS's log."""
    writes = [each for each in place.live.aws.writes(since) if each["account"] == place.account]
    assert SERVER in writes[-1]["principal"]
    return float(writes[-1]["time"] - writes[-2]["time"])


def calls(place: Place, since: int, operation: str) -> int:
    """Return the number of the server's calls of an operation in the account."""
    recorded = [
        each
        for each in place.live.aws.requests(since)
        if each["account"] == place.account and each["operation"] == operation and SERVER in each["principal"]
    ]
    return len(recorded)


def event_ids(place: Place, principal: str) -> set[str]:
    """Return CloudTrail's ids of a principal's changes of the replication."""
    client = boto3.client(
        "cloudtrail", endpoint_url=place.live.aws.url, region_name=place.region, aws_access_key_id=place.account,
        aws_secret_access_key="s",
    )  # fmt: skip
    attributes = [{"AttributeKey": "EventName", "AttributeValue": "PutReplicationConfiguration"}]
    records = [
        json.loads(each["CloudTrailEvent"]) for each in client.lookup_events(LookupAttributes=attributes)["Events"]
    ]
    return {record["eventID"] for record in records if principal in record["userIdentity"]["arn"]}


def test_change_is_reverted_in_seconds_and_its_caller_is_named(live: Live, stage: Stage) -> None:
    places = declared(live, 40)
    clients = {place.account: ecr_of(place) for place in places}
    stage.aws.control("PUT", "settings", {"event_delay_seconds": DELAY, "lookup_events_delay_seconds": 600})
    stage.faults(
        {"kind": "duplicate", "copies": 2},
        {"kind": "reorder", "seconds": 0.5},
        {"kind": "malform", "count": 1, "probability": 1.0, "account": places[0].account},
        {"kind": "forge", "count": 1, "forged_source": "my.app", "account": places[1].account},
    )
    since, waited = stage.aws.position(), seconds_without_a_core(live)
    for place in places:
        for _ in range(5):
            clients[place.account].put_replication_configuration(replicationConfiguration={"rules": []})
    for place in places:
        assert eventually(lambda place=place: rules(place), 120)
    # Other load on the machine makes nothing slower but by the time for which it takes the cores.
    waited = seconds_without_a_core(live) - waited
    took = sorted(seconds_to_revert(place, since) for place in places)
    assert took[int(len(took) * 0.95)] < DELAY + DEBOUNCE + 2 + waited, (waited, took)
    # Own writes come back as events, and make nothing due.
    time.sleep(DELAY + DEBOUNCE + 1)
    eventually(lambda: stage.messages() == 0)
    bursts = [
        (calls(place, since, "PutReplicationConfiguration"), calls(place, since, "DescribeRegistry"))
        for place in places
    ]
    # An attempt observes, reads again right before the Put, and after it. If the machine pauses for longer
    # than the debounce, events of a burst come after that, and are observed once more.
    assert {writes for writes, _ in bursts} == {1}
    assert bursts.count((1, 3)) >= 0.9 * len(bursts) or waited > DEBOUNCE, bursts
    named = {}
    for place in places:
        registry = live.client.get_registry(place.name)
        cause = registry.last_remediation.cause
        assert cause.principal == f"arn:aws:iam::{place.account}:role/Admin"
        assert (cause.session, cause.confidence) == ("ann", cause.LIKELY)
        assert registry.last_remediation.drift[0].cause == cause
        named[place.account] = cause.event_id
    stage.aws.control("PUT", "settings", {"lookup_events_delay_seconds": 0})
    for place in places:
        assert named[place.account] in event_ids(place, "/Admin/ann")
    # Each event came three times, also the malformed one, and one forged event beside them.
    authentic, counted = 5 * len(places) - 1, stage.counted()
    assert (counted["foreign"], counted["duplicate"]) == (authentic, 2 * authentic)
    assert (counted["malformed"], counted["forged"]) == (3, 1)


def test_malformed_and_forged_events_change_nothing(live: Live, stage: Stage) -> None:
    [place] = declared(live)
    stage.faults({"kind": "malform", "variant": "truncated"})
    since = stage.aws.position()
    ecr_of(place).put_replication_configuration(replicationConfiguration={"rules": []})
    eventually(lambda: stage.counted()["malformed"] == 1)
    eventually(lambda: stage.messages() == 0)
    time.sleep(DEBOUNCE + 1)
    assert calls(place, since, "DescribeRegistry") == 0
    assert rules(place) == []


def test_killed_consumer_loses_no_event(stage: Stage) -> None:
    server = stage.server()
    with ecrkeeper.Client(server.address, insecure=True) as client:
        live = Live(server, stage.aws, client)
        [place] = declared(live)
        # The server stores the event and never gets to delete its message.
        stage.aws.control("POST", "faults", {"kind": "latency", "operation": "DeleteMessageBatch", "seconds": 60})
        ecr_of(place).put_replication_configuration(replicationConfiguration={"rules": []})
        time.sleep(0.3)
        server.kill()
    stage.aws.control("DELETE", "faults")
    server = stage.server()
    try:
        assert eventually(lambda: rules(place), 20)
        # The message comes again when its visibility ends, and is a duplicate.
        stage.aws.control("POST", "clock", {"advance": 40})
        eventually(lambda: stage.messages() == 0)
    finally:
        assert server.stop() == 0


def test_event_whose_receipt_was_lost_comes_again(live: Live, stage: Stage) -> None:
    [place] = declared(live)
    # The queue hands the message out, and the answer never arrives: as if the consumer had been killed.
    stage.aws.control("POST", "faults", {"kind": "drop_after", "operation": "ReceiveMessage", "count": 4})
    ecr_of(place).put_replication_configuration(replicationConfiguration={"rules": []})
    time.sleep(1)
    stage.aws.control("POST", "clock", {"advance": 40})
    assert eventually(lambda: rules(place), 30)


def test_lost_events_cost_one_resync(stage: Stage) -> None:
    resync = 20
    server = stage.server(resync_seconds=resync, event_resync_seconds=resync)
    with ecrkeeper.Client(server.address, insecure=True) as client:
        live = Live(server, stage.aws, client)
        places = declared(live, 20)
        clients = [ecr_of(place) for place in places]
        before, since = stage.aws.control("GET", "events")["lost"], stage.aws.position()
        stage.faults({"kind": "lose", "probability": 0.2}, {"kind": "lose", "account": places[0].account})
        for client_of_place in clients:
            client_of_place.put_replication_configuration(replicationConfiguration={"rules": []})
        dropped = stage.aws.control("GET", "events")["lost"] - before
        assert dropped >= 1
        for place in places:
            assert eventually(lambda place=place: rules(place), 1.2 * resync + 15)
        took = [seconds_to_revert(place, since) for place in places]
        # Those whose event came did not wait for the resync.
        assert sum(seconds < DEBOUNCE + 8 for seconds in took) >= len(places) - dropped, (dropped, took)
    assert server.stop() == 0


def test_robot_is_named_and_written_against_once_a_window(stage: Stage) -> None:
    window = 10.0
    server = stage.server(contest_window_seconds=window, event_debounce_seconds=0.2)
    with ecrkeeper.Client(server.address, insecure=True) as client:
        live = Live(server, stage.aws, client)
        [place] = declared(live)
        robot, since, began = ecr_of(place, "robot"), stage.aws.position(), time.monotonic()
        while time.monotonic() < began + 24:
            robot.put_replication_configuration(replicationConfiguration={"rules": []})
            time.sleep(1)
        registry = client.get_registry(place.name)
        [contested] = [each for each in registry.conditions if each.type == "Contested"]
        assert contested.reason == "CONTESTED"
        assert f"arn:aws:iam::{place.account}:role/Admin changed it" in contested.message
        writes = [each["time"] for each in stage.aws.writes(since) if SERVER in each["principal"]]
        gaps = [later - earlier for earlier, later in pairwise(writes)]
        assert len(writes) >= 4
        assert min(gaps[2:]) >= window - 0.5
    assert server.stop() == 0
