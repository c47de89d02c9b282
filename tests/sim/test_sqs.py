"""Queues by the simulated clock: permissions, visibility, long polls, bounds."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config

from .conftest import ACCOUNT, REGION, Aws, rejection

CENTRAL = "222222222222"
NAME = "events"
ARN = f"arn:aws:sqs:{REGION}:{CENTRAL}:{NAME}"
KEY = f"arn:aws:kms:{REGION}:{CENTRAL}:key/1234"


class Queue:
    """A queue of the central account."""

    def __init__(self, aws: Aws, key: str = CENTRAL, token: str | None = None, **attributes: str) -> None:
        self.aws = aws
        self.sqs = aws.client("sqs", key=key, token=token)
        self.url: str = aws.control(
            "PUT", "queues", {"account": CENTRAL, "region": REGION, "name": NAME, "attributes": attributes}
        )["url"]

    def send(self, *bodies: str) -> None:
        for body in bodies:
            self.sqs.send_message(QueueUrl=self.url, MessageBody=body)

    def receive(self, **options: Any) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = self.sqs.receive_message(QueueUrl=self.url, **options).get("Messages", [])
        return messages

    def bodies(self, **options: Any) -> list[str]:
        return [message["Body"] for message in self.receive(MaxNumberOfMessages=10, **options)]

    def attributes(self) -> dict[str, str]:
        current: dict[str, str] = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["All"])["Attributes"]
        return current


def test_queue_has_the_url_of_its_region(aws: Aws) -> None:
    assert Queue(aws).url == f"https://sqs.{REGION}.amazonaws.com/{CENTRAL}/{NAME}"
    china = aws.client("sqs", "cn-north-1").create_queue(QueueName="q")["QueueUrl"]
    assert china == f"https://sqs.cn-north-1.amazonaws.com.cn/{ACCOUNT}/q"
    assert aws.client("sqs", "cn-north-1").get_queue_url(QueueName="q")["QueueUrl"] == china


ADDRESSES: list[tuple[str, str, str]] = [
    ("the host of another Region", f"https://sqs.eu-west-1.amazonaws.com/{CENTRAL}/{NAME}", "InvalidAddress"),
    ("a bare name", NAME, "InvalidAddress"),
    ("no account", f"https://sqs.{REGION}.amazonaws.com/{NAME}", "InvalidAddress"),
    ("no such queue", f"https://sqs.{REGION}.amazonaws.com/{CENTRAL}/no", "AWS.SimpleQueueService.NonExistentQueue"),
]


@pytest.mark.parametrize(("reason", "url", "code"), ADDRESSES, ids=[row[0] for row in ADDRESSES])
def test_wrong_address_is_rejected(aws: Aws, reason: str, url: str, code: str) -> None:
    queue = Queue(aws)
    assert rejection(queue.sqs.receive_message, QueueUrl=url)[0] == code


def test_any_host_but_that_of_another_region_will_do(aws: Aws) -> None:
    queue = Queue(aws)
    assert queue.sqs.get_queue_attributes(QueueUrl=f"{aws.url}/{CENTRAL}/{NAME}") is not None


def test_visibility_follows_the_simulated_clock(aws: Aws) -> None:
    queue = Queue(aws, VisibilityTimeout="30")
    queue.send("a")
    assert queue.bodies() == ["a"]
    aws.advance(29)
    assert queue.bodies() == []
    aws.advance(1)
    assert queue.bodies(VisibilityTimeout=5) == ["a"]
    aws.advance(5)
    assert queue.bodies() == ["a"]


def test_old_receipt_handle_deletes_nothing(aws: Aws) -> None:
    queue = Queue(aws)
    queue.send("a")
    old = queue.receive(VisibilityTimeout=1)[0]["ReceiptHandle"]
    aws.advance(2)
    new = queue.receive(VisibilityTimeout=1)[0]["ReceiptHandle"]
    queue.sqs.delete_message(QueueUrl=queue.url, ReceiptHandle=old)
    aws.advance(2)
    assert queue.bodies() == ["a"]
    queue.sqs.delete_message(QueueUrl=queue.url, ReceiptHandle=new)
    assert queue.attributes()["ApproximateNumberOfMessagesNotVisible"] == "1"


def test_receipt_handle_of_another_queue_is_invalid(aws: Aws) -> None:
    queue = Queue(aws)
    queue.send("a")
    other = aws.client("sqs", key=CENTRAL).create_queue(QueueName="other")["QueueUrl"]
    handle = queue.receive()[0]["ReceiptHandle"]
    assert rejection(queue.sqs.delete_message, QueueUrl=other, ReceiptHandle=handle)[0] == "ReceiptHandleIsInvalid"


def test_visibility_changes_only_in_flight_and_up_to_12_hours(aws: Aws) -> None:
    queue = Queue(aws)
    queue.send("a")
    handle = queue.receive(VisibilityTimeout=10)[0]["ReceiptHandle"]
    change: dict[str, Any] = {"QueueUrl": queue.url, "ReceiptHandle": handle}
    queue.sqs.change_message_visibility(**change, VisibilityTimeout=43_200)
    aws.advance(3600)
    assert (
        rejection(queue.sqs.change_message_visibility, **change, VisibilityTimeout=43_000)[0] == "InvalidParameterValue"
    )
    queue.sqs.change_message_visibility(**change, VisibilityTimeout=0)
    code, _ = rejection(queue.sqs.change_message_visibility, **change, VisibilityTimeout=5)
    assert code == "AWS.SimpleQueueService.MessageNotInflight"
    assert queue.bodies() == ["a"]


def test_delayed_message_is_counted_and_arrives_later(aws: Aws) -> None:
    queue = Queue(aws, DelaySeconds="10")
    queue.send("a")
    assert queue.bodies() == []
    assert queue.attributes()["ApproximateNumberOfMessagesDelayed"] == "1"
    aws.advance(10)
    assert queue.bodies() == ["a"]


def test_messages_expire(aws: Aws) -> None:
    queue = Queue(aws, MessageRetentionPeriod="60")
    queue.send("old")
    aws.advance(59)
    queue.send("new")
    aws.advance(1)
    assert queue.bodies() == ["new"]


def test_oldest_messages_make_room(aws: Aws) -> None:
    aws.settings(max_queue_messages=3)
    queue = Queue(aws)
    queue.send(*"abcde")
    assert queue.bodies() == ["c", "d", "e"]
    assert aws.control("GET", "events")["discarded"] == 2


def test_dead_letter_names_its_source(aws: Aws) -> None:
    dead = aws.client("sqs", key=CENTRAL).create_queue(QueueName="dead")["QueueUrl"]
    redrive = {"deadLetterTargetArn": f"arn:aws:sqs:{REGION}:{CENTRAL}:dead", "maxReceiveCount": "1"}
    queue = Queue(aws, RedrivePolicy=json.dumps(redrive))
    queue.send("a")
    assert [queue.bodies(VisibilityTimeout=0), queue.bodies()] == [["a"], []]
    (message,) = queue.sqs.receive_message(QueueUrl=dead, MessageSystemAttributeNames=["All"])["Messages"]
    assert (message["Body"], message["Attributes"]["DeadLetterQueueSourceArn"]) == ("a", ARN)


def statement(action: str | list[str], resource: str = ARN, **members: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **members}


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


ROLE = {"AWS": f"arn:aws:iam::{ACCOUNT}:role/keeper"}
RECEIVE = "sqs:ReceiveMessage"
ACCESS: list[tuple[str, str, list[dict[str, Any]] | None, list[dict[str, Any]], bool]] = [
    ("own account, identity policy", CENTRAL, [statement(RECEIVE)], [], True),
    ("own account, wildcard", CENTRAL, [statement("sqs:*", "*")], [], True),
    ("own account, nothing allows", CENTRAL, [], [], False),
    ("own account, another queue", CENTRAL, [statement(RECEIVE, ARN + "x")], [], False),
    ("own account, another action", CENTRAL, [statement("sqs:DeleteMessage")], [], False),
    (
        "own account, queue policy alone",
        CENTRAL,
        [],
        [statement(RECEIVE, Principal={"AWS": f"arn:aws:iam::{CENTRAL}:role/keeper"})],
        True,
    ),
    (
        "own account, denied by identity",
        CENTRAL,
        [statement(RECEIVE, Effect="Deny")],
        [statement(RECEIVE, Principal="*")],
        False,
    ),
    (
        "own account, denied by the queue",
        CENTRAL,
        [statement(RECEIVE)],
        [statement(RECEIVE, Effect="Deny", Principal="*")],
        False,
    ),
    ("other account, identity policy alone", ACCOUNT, [statement(RECEIVE)], [], False),
    ("other account, queue policy alone", ACCOUNT, [], [statement(RECEIVE, Principal=ROLE)], False),
    ("other account, both", ACCOUNT, [statement(RECEIVE)], [statement(RECEIVE, Principal=ROLE)], True),
    (
        "other account, by its root",
        ACCOUNT,
        [statement(RECEIVE)],
        [statement(RECEIVE, Principal={"AWS": ACCOUNT})],
        True,
    ),
    (
        "other account, another role",
        ACCOUNT,
        [statement(RECEIVE)],
        [statement(RECEIVE, Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:role/other"})],
        False,
    ),
]


@pytest.mark.parametrize(("reason", "account", "own", "queues", "allowed"), ACCESS, ids=[row[0] for row in ACCESS])
def test_identity_and_queue_policies_decide(
    aws: Aws, reason: str, account: str, own: list[dict[str, Any]], queues: list[dict[str, Any]], allowed: bool
) -> None:
    session = aws.assume(account)
    aws.settings(iam_policy=document(*own))
    queue = Queue(aws, **session, Policy=json.dumps(document(*queues)))
    if allowed:
        assert queue.receive() == []
    else:
        code, message = rejection(queue.sqs.receive_message, QueueUrl=queue.url)
        principal = f"arn:aws:sts::{account}:assumed-role/keeper/test"
        assert code == "AccessDenied"
        assert message.startswith(
            f"User: {principal} is not authorized to perform: sqs:receivemessage on resource: {ARN} "
        )
    assert aws.requests()[-1]["actions"] == {RECEIVE: allowed}


def test_batches_need_the_permission_of_the_single_call(aws: Aws) -> None:
    session = aws.assume(CENTRAL)
    aws.settings(iam_policy=document(statement(["sqs:DeleteMessage", "sqs:ChangeMessageVisibility"])))
    queue = Queue(aws, **session)
    entry = {"Id": "a", "ReceiptHandle": "x"}
    assert queue.sqs.delete_message_batch(QueueUrl=queue.url, Entries=[entry])["Failed"]
    hidden = {**entry, "VisibilityTimeout": 1}
    assert queue.sqs.change_message_visibility_batch(QueueUrl=queue.url, Entries=[hidden])["Failed"]
    sent = [{"Id": "a", "MessageBody": "x"}]
    assert rejection(queue.sqs.send_message_batch, QueueUrl=queue.url, Entries=sent)[0] == "AccessDenied"


KEYS: list[tuple[str, str, list[dict[str, Any]], bool]] = [
    ("no key", "", [], True),
    ("the key of AWS", "alias/aws/sqs", [], True),
    ("a key by ARN, allowed", KEY, [statement("kms:Decrypt", KEY)], True),
    ("a key by id, allowed", "1234", [statement("kms:Decrypt", KEY)], True),
    ("a key, not allowed", KEY, [], False),
    ("a key, another one allowed", KEY, [statement("kms:Decrypt", KEY + "5")], False),
]


@pytest.mark.parametrize(("reason", "key", "own", "allowed"), KEYS, ids=[row[0] for row in KEYS])
def test_customer_key_needs_kms_permission(
    aws: Aws, reason: str, key: str, own: list[dict[str, Any]], allowed: bool
) -> None:
    session = aws.assume(CENTRAL)
    aws.settings(iam_policy=document(statement("sqs:*", "*"), *own))
    queue = Queue(aws, **session, KmsMasterKeyId=key)
    if allowed:
        assert queue.receive() == []
    else:
        code, message = rejection(queue.sqs.receive_message, QueueUrl=queue.url)
        assert code == "KMS.AccessDeniedException"
        assert f"kms:Decrypt on resource: {KEY} because" in message


def test_log_shows_the_code_of_the_json_protocol(aws: Aws) -> None:
    queue = Queue(aws)
    code = rejection(queue.sqs.receive_message, QueueUrl=queue.url + "x")[0]
    assert code == "AWS.SimpleQueueService.NonExistentQueue"
    assert aws.requests()[-1]["code"] == "QueueDoesNotExist"


INVALID: list[tuple[str, str, dict[str, Any], str]] = [
    ("no URL", "receive_message", {}, "MissingParameter"),
    ("an unknown attribute", "create_queue", {"QueueName": "q", "Attributes": {"Colour": "1"}}, "InvalidAttributeName"),
    (
        "a computed attribute",
        "create_queue",
        {"QueueName": "q", "Attributes": {"QueueArn": "x"}},
        "InvalidAttributeName",
    ),
    (
        "a value out of range",
        "create_queue",
        {"QueueName": "q", "Attributes": {"VisibilityTimeout": "43201"}},
        "InvalidAttributeValue",
    ),
    (
        "a policy that is no JSON",
        "create_queue",
        {"QueueName": "q", "Attributes": {"Policy": "{"}},
        "InvalidAttributeValue",
    ),
    ("a name with a space", "create_queue", {"QueueName": "a b"}, "InvalidParameterValue"),
    ("a FIFO queue", "create_queue", {"QueueName": "q.fifo"}, "AWS.SimpleQueueService.UnsupportedOperation"),
    (
        "the same queue with another attribute",
        "create_queue",
        {"QueueName": NAME, "Attributes": {"VisibilityTimeout": "31"}},
        "QueueAlreadyExists",
    ),
]


@pytest.mark.parametrize(("reason", "method", "options", "code"), INVALID, ids=[row[0] for row in INVALID])
def test_invalid_request_is_rejected(aws: Aws, reason: str, method: str, options: dict[str, Any], code: str) -> None:
    queue = Queue(aws)
    assert rejection(getattr(queue.sqs, method), **options)[0] == code


URL_BATCHES: list[tuple[str, list[dict[str, str]], str]] = [
    ("eleven entries", [{"Id": str(n), "ReceiptHandle": "x"} for n in range(11)], "TooManyEntriesInBatchRequest"),
    ("one id twice", [{"Id": "a", "ReceiptHandle": "x"}] * 2, "BatchEntryIdsNotDistinct"),
    ("an id with a space", [{"Id": "a b", "ReceiptHandle": "x"}], "InvalidBatchEntryId"),
    ("no entry", [], "EmptyBatchRequest"),
]


@pytest.mark.parametrize(("reason", "entries", "code"), URL_BATCHES, ids=[row[0] for row in URL_BATCHES])
def test_batch_is_rejected_as_a_whole(aws: Aws, reason: str, entries: list[dict[str, str]], code: str) -> None:
    queue = Queue(aws)
    observed, _ = rejection(queue.sqs.delete_message_batch, QueueUrl=queue.url, Entries=entries)
    assert observed == f"AWS.SimpleQueueService.{code}"


class Poll:
    """A long poll in a thread."""

    def __init__(self, aws: Aws, url: str, seconds: int = 20) -> None:
        self.result: Any = None
        sqs = boto3.client(
            "sqs", region_name=REGION, endpoint_url=aws.url, aws_access_key_id=CENTRAL, aws_secret_access_key="any",
            config=Config(retries={"total_max_attempts": 1}, read_timeout=30),
        )  # fmt: skip

        def run() -> None:
            try:
                self.result = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=seconds).get("Messages", [])
            except Exception as error:
                self.result = error

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()
        # The poll is in the simulator when a call that comes after it is answered.
        time.sleep(0.2)

    def ended(self) -> Any:
        """Return the result, which must be there at once."""
        self._thread.join(5)
        assert not self._thread.is_alive()
        return self.result


ENDS: list[tuple[str, Callable[[Queue], Any], Callable[[Any], bool]]] = [
    ("a message", lambda queue: queue.send("a"), lambda result: result[0]["Body"] == "a"),
    ("the simulated clock", lambda queue: queue.aws.advance(20), lambda result: result == []),
    (
        "a deleted queue",
        lambda queue: queue.sqs.delete_queue(QueueUrl=queue.url),
        lambda result: "NonExistentQueue" in str(result),
    ),
    ("a reset", lambda queue: queue.aws.control("POST", "reset"), lambda result: "NonExistentQueue" in str(result)),
]


@pytest.mark.parametrize(("reason", "act", "holds"), ENDS, ids=[row[0] for row in ENDS])
def test_long_poll_ends_by(aws: Aws, reason: str, act: Callable[[Queue], Any], holds: Callable[[Any], bool]) -> None:
    queue = Queue(aws)
    poll = Poll(aws, queue.url)
    act(queue)
    assert holds(poll.ended())


def test_long_poll_ends_when_a_hidden_message_is_shown(aws: Aws) -> None:
    queue = Queue(aws)
    queue.send("a")
    queue.receive(VisibilityTimeout=15)
    poll = Poll(aws, queue.url)
    aws.advance(15)
    assert poll.ended()[0]["Body"] == "a"


def test_long_polls_block_nobody(aws: Aws) -> None:
    queue = Queue(aws)
    polls = [Poll(aws, queue.url) for _ in range(5)]
    begun = time.monotonic()
    for _ in range(20):
        aws.client("ecr").describe_registry()
    assert time.monotonic() - begun < 5
    queue.send(*"abcde")
    assert sorted(poll.ended()[0]["Body"] for poll in polls) == [*"abcde"]


def test_client_that_hung_up_takes_no_message(aws: Aws) -> None:
    queue = Queue(aws)
    host, port = aws.url.removeprefix("http://").split(":")
    body = json.dumps({"QueueUrl": queue.url, "WaitTimeSeconds": 20})
    lines = [
        "POST / HTTP/1.1", "Host: sqs", "X-Amz-Target: AmazonSQS.ReceiveMessage", f"Content-Length: {len(body)}",
        f"Authorization: AWS4-HMAC-SHA256 Credential={CENTRAL}/20260101/{REGION}/sqs/aws4_request", "", body,
    ]  # fmt: skip
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall("\r\n".join(lines).encode())
        aws.client("ecr").describe_registry()
    aws.client("ecr").describe_registry()
    queue.send("a")
    assert queue.bodies() == ["a"]


def test_sigterm_ends_long_polls(tmp_path: Any) -> None:
    command = [sys.executable, "-m", "ecrkeeper_sim", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        aws = Aws(running.stdout.readline().split()[-1])
        poll = Poll(aws, Queue(aws).url)
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=5) == 0
        assert poll.ended() == []
